/* SPDX-License-Identifier: MIT */
/*
 * The reaper; see reaper.h. Memory order: a ring's writer stores the entry, then
 * the tail with release; the reader loads the tail with acquire. The signal
 * that follows is a kernel call, hence a full fence.
 */
#include "reaper.h"

#include <libipc/executor.h>

#include "exit.h"
#include "thread.h"

#define REAPER_PRIORITY 100
#define REAPER_SLICE_MS 4
#define RING            4096        /* more than all jobs that can exist */
_Static_assert(RING >= NR_VMS + NR_GROUPS + NR_THREAD_SLOTS / 4, "a job always fits");

enum job_kind { JOB_VM, JOB_VM_REVOKE, JOB_GROUP, JOB_FAULT };
#define JOB(kind, n) ((uint64_t)(kind) << 32 | (n))

struct ring {
    uint32_t tail __attribute__((aligned(CACHE_LINE)));     /* writer */
    uint32_t head __attribute__((aligned(CACHE_LINE)));     /* reader */
    uint64_t job[RING];
};
static struct ring todo;    /* main thread to reaper */
static struct ring done;    /* reaper to main thread */

/* main thread only */
static struct image *group_image[NR_GROUPS];
static unsigned under_way;
static uint32_t reaper_hart;
#define MAX_WAITERS 64
static struct coro *waiter[MAX_WAITERS];

static uint8_t stack[8192] __attribute__((aligned(16)));

static void ring_put(struct ring *r, uint64_t job)
{
    uint32_t tail = r->tail;

    r->job[tail % RING] = job;
    __atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
}

static bool ring_take(struct ring *r, uint64_t *job)
{
    uint32_t head = r->head;

    if (__atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == head)
        return false;
    *job = r->job[head % RING];
    __atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
    return true;
}

/* ---- the reaper thread: no libipc, no malloc, no tables ---- */

static void reap_one(uint64_t job)
{
    uint64_t n = job & 0xffffffff, kind = job >> 32;
    cptr_t row = kind == JOB_GROUP ? group_cap((int)n, 0) : OWN_VM_ROWS + n * 8;

    if (kind == JOB_VM && vspace_unmap(row + ROW_VSPACE, 0, USER_TOP) != 0) {
        kind = JOB_VM_REVOKE;       /* tells the main thread that nothing is left */
        job = JOB(kind, n);
    }
    if (kind != JOB_VM)
        cnode_revoke(SRV_CAP_CNODE, row + ROW_CHUNK);
    ring_put(&done, job);
    sys_signal(OWN_DONE_NOTIFICATION);
}

static void reaper_main(void)
{
    for (;;) {
        struct sys_message m = { 0 };
        uint64_t job;

        while (ring_take(&todo, &job))
            reap_one(job);
        /* Ends with a fault, or with the bound notification: then badge's info is no fault's. */
        if (sys_recv(OWN_FAULT_EP, &m, CAP_NULL) == 0 && MSG_LEN(m.info) > 0) {
            ring_put(&done, JOB(JOB_FAULT, m.badge & 0xffffffff));
            sys_signal(OWN_DONE_NOTIFICATION);
        }
    }
}

/* ---- proc's main thread ---- */

/* It runs where proc runs, which may have been moved (docs/placement.md). */
static void follow(void)
{
    uint32_t hart = __atomic_load_n(&info->hart, __ATOMIC_RELAXED);

    if (hart != reaper_hart && tcb_set_hart(OWN_REAPER_TCB, hart) == 0)
        reaper_hart = hart;
}

static void submit(uint64_t job)
{
    follow();
    under_way++;
    ring_put(&todo, job);
    sys_signal(OWN_REAPER_NOTIFICATION);
}

void reap_vm(struct vm *vm)
{
    vm->state = VM_REAPED;
    submit(JOB(vm->built && vm->index < WARM_SLOTS ? JOB_VM : JOB_VM_REVOKE, vm->index));
}

void reap_group(int group, struct image *image)
{
    image_hold(image);
    group_image[group] = image;
    submit(JOB(JOB_GROUP, (unsigned)group));
}

bool reaper_busy(void)
{
    return under_way != 0;
}

unsigned reaper_backlog(void)
{
    return under_way;
}

error_t reaper_wait(ticks_t deadline)
{
    for (unsigned i = 0; i < MAX_WAITERS; i++) {
        error_t error;

        if (waiter[i])
            continue;
        waiter[i] = coro_self();
        error = coro_suspend_until(deadline);
        waiter[i] = NULL;
        return error;
    }
    return ERR_AGAIN;
}

static void handle_fault(uint64_t badge)
{
    struct thread *t = badge >= FAULT_BADGE_GROUP ?
        (badge - FAULT_BADGE_GROUP < NR_GROUPS ? group_thread((int)(badge - FAULT_BADGE_GROUP)) : NULL) :
        (badge < NR_VMS ? vm_main_thread(&vms[badge]) : NULL);

    if (t && t->state == THREAD_LIVE && t->image->process)
        process_exit(t->image->process, SIGSEGV);
}

static void on_done(uint64_t bits, void *arg)
{
    uint64_t job;

    (void)bits, (void)arg;
    while (ring_take(&done, &job)) {
        unsigned n = (unsigned)job;

        if (job >> 32 == JOB_FAULT) {
            handle_fault(n);
            continue;
        }
        under_way--;
        if (job >> 32 != JOB_GROUP) {
            if (job >> 32 == JOB_VM_REVOKE)
                vms[n].built = vms[n].peers_have = false;
            vm_free(&vms[n]);
        } else {
            group_free((int)n);
            image_drop(group_image[n]);
        }
    }
    for (unsigned i = 0; i < MAX_WAITERS; i++)
        if (waiter[i])
            coro_wake(waiter[i]);
}

error_t reaper_init(void)
{
    ticks_t slice = info->timebase_hz / 1000 * REAPER_SLICE_MS;
    struct tcb_regs regs = { 0 };
    struct batch *b = batch_begin();

    reaper_hart = info->hart;
    batch_add(b, SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, OWN_FAULT_EP, 1, 0);
    batch_add(b, SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_NOTIFICATION, 0, OWN_REAPER_NOTIFICATION, 1, 0);
    batch_add(b, SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_TCB, 0, OWN_REAPER_TCB, 1, 0);
    batch_add(b, SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_TCB, 0, OWN_CLEAN_TCB, 1, 0);
    batch_add(b, SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_SCHED_CONTEXT, 0, OWN_REAPER_SCHED, 1, 0);
    batch_add(b, SRV_CAP_CNODE, CNODE_MINT, OWN_DONE_NOTIFICATION, SRV_CAP_NOTIFICATION, RIGHT_WRITE, REAPER_DONE_BIT, 0);
    batch_add(b, OWN_REAPER_SCHED, SCHED_CONFIGURE, slice, slice, reaper_hart, 0, 0);
    batch_add(b, OWN_REAPER_TCB, TCB_CONFIGURE, SRV_CAP_CNODE, SRV_CAP_VSPACE, OWN_REAPER_SCHED,
              REAPER_PRIORITY | (uint64_t)reaper_hart << 8, 0);
    batch_add(b, OWN_REAPER_TCB, TCB_BIND_NOTIFICATION, OWN_REAPER_NOTIFICATION, 0, 0, 0, 0);
    regs.x[0] = (uint64_t)(uintptr_t)reaper_main;
    regs.x[2] = (uint64_t)(uintptr_t)(stack + sizeof stack);
#if defined(__riscv)
    __asm__("mv %0, gp" : "=r"(regs.x[3]));
#endif
    batch_add(b, OWN_REAPER_TCB, TCB_WRITE_REGS, (uint64_t)(uintptr_t)&regs, 1, 0, 0, 0);
    exec_on_signal(REAPER_DONE_BIT, on_done, NULL);
    return batch_run(b, NULL);
}
