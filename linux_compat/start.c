/* SPDX-License-Identifier: MIT */
/*
 * The start of a thread: its block, its process's state, and what it inherits.
 *
 * proc enters each thread at the upcall entry with UPCALL_START and tells in
 * start_arg[0] what it is (atoll/frame.h). Four cases:
 *   loader   everything is zero: a fresh address space
 *   fork     memory is a copy of the parent's, taken while it held all locks;
 *            vm.fork_save has what lived in the parent's thread block
 *   vfork    a new process (area) in a living address space; start_arg[3] is the
 *            address of the creator's record in vm.inherit
 *   thread   the same, without a new process
 */
#include <string.h>
#include <fs_types.h>
#include <proc_types.h>
#include <time_types.h>
#include "guest.h"
#include "kcall.h"
#include "mm.h"
#include "rpc_env.h"
#include "signal.h"
#include "start.h"

#define CLONE_VFORK          0x4000ul
#define CLONE_VM             0x100ul
#define CLONE_SIGHAND        0x800ul
#define CLONE_CHILD_CLEARTID 0x200000ul
#define CLONE_CHILD_SETTID   0x1000000ul
#define CLONE_PARENT_SETTID  0x100000ul
#define CLONE_CLEAR_SIGHAND  0x100000000ul

static void clients_init(struct process *p)
{
    static const struct { uint32_t server; uint64_t hash; } peer[NR_CLIENTS] = {
        [CLIENT_PROC] = { SERVER_PROC, PROC_LAYOUT_HASH },
        [CLIENT_FS] = { SERVER_FS, FS_LAYOUT_HASH },
        [CLIENT_TIME] = { SERVER_TIME, TIME_LAYOUT_HASH },
    };
    uaddr_t base = PERS_AREA(p->area);
    const struct rpc_env *env = hart_page()->nr_harts == 1 ? &alone_rpc_env : &single_rpc_env;
    lock_reset(&p->rpc_lock);
    p->drainer = 0;
    p->nr_owned = 0;
    memset(p->eventfd, 0, sizeof p->eventfd);
    memset(p->position, 0, sizeof p->position);
    p->waiting[0] = p->waiting[1] = 0;
    p->notification = GUEST_CAP_NOTIFICATION(p->area);
    for (unsigned i = 0; i < NR_CLIENTS; i++) {
        struct rpc_client *c = &p->client[i];
        /* A wrong hash shows in every request as an error; nothing to do here. */
        rpc_client_renew(c, (struct session *)(base + AREA_SESSION(peer[i].server)), env,
                         GUEST_CAP_DOORBELL(p->area, peer[i].server), p->notification, peer[i].hash);
        c->env_data = p;
        c->own_bit = CLIENT_BIT(peer[i].server);
    }
}

/* Addresses and sessions of the process in `area`; signal actions are the
 * caller's business. */
static struct process *process_init(uint32_t area)
{
    struct process *p = process_at(area);
    uaddr_t base = PERS_AREA(area);
    p->area = area;
    p->ids = (const struct proc_page *)(base + AREA_PROC_PAGE);
    p->sig = (struct sig_page *)(base + AREA_SIG_PAGE);
    p->fds = (const struct fd_word *)(base + AREA_FD_PAGES);
    clients_init(p);
    __atomic_fetch_or(&vm.area_live, 1u << area, __ATOMIC_SEQ_CST);
    return p;
}

/* proc cleared the page. */
static void thread_init(struct thread *t)
{
    t->index = (uint32_t)t->frame.thread_index % VM_MAX_THREADS;
    t->tid = (uint32_t)t->frame.tid;
    t->process = process_at((uint32_t)t->frame.process_index % VM_MAX_AREAS);
    t->ids = (const struct proc_page *)(PERS_AREA(t->frame.process_index) + AREA_PROC_PAGE);
    t->timer_slack_ns = 50000;
    __atomic_fetch_or(&vm.thread_live[t->index / 64], 1ul << (t->index % 64), __ATOMIC_SEQ_CST);
}

void inherit_fill(struct inherit *in, const struct thread *t, uint64_t flags, uaddr_t parent_tid, uaddr_t child_tid)
{
    in->flags = flags;
    in->blocked = blocked_mask(t);
    in->parent_tid = parent_tid;
    in->child_tid = child_tid;
    in->area = t->process->area;
    in->hand = t->process->hand;
    bool keep = !(flags & CLONE_VM) || (flags & CLONE_VFORK);
    in->altstack_base = keep ? t->altstack_base : 0;
    in->altstack_bytes = keep ? t->altstack_bytes : 0;
    in->altstack_flags = keep ? t->altstack_flags : 0;
    __atomic_store_n(&in->busy, 1, __ATOMIC_RELEASE);
}

static void inherit_take(struct thread *t, struct inherit *in)
{
    struct inherit copy = *in;
    in->child_index = t->index;
    in->child_area = t->process->area;
    t->altstack_base = copy.altstack_base;
    t->altstack_bytes = copy.altstack_bytes;
    t->altstack_flags = copy.altstack_flags;
    set_blocked(t, copy.blocked);
    if (copy.flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = copy.child_tid;
    if (copy.flags & CLONE_CHILD_SETTID)
        put32(copy.child_tid, t->tid);
    /* In shared memory the child must not run before its id is there. */
    if ((copy.flags & (CLONE_VM | CLONE_PARENT_SETTID)) == (CLONE_VM | CLONE_PARENT_SETTID))
        put32(copy.parent_tid, t->tid);
    __atomic_store_n(&in->busy, 0, __ATOMIC_RELEASE);
}

/* Actions of a new process: a copy of the creator's, or the same. */
static void hand_inherit(struct process *p, struct sig_hand *from, uint64_t flags)
{
    if (flags & CLONE_SIGHAND) {
        p->hand = from;
    } else {
        p->hand = &vm.hand[p->area];
        lock_reset(&p->hand->lock);
        if (from != p->hand)
            memcpy(p->hand->action, from->action, sizeof(from->action));
        if (flags & CLONE_CLEAR_SIGHAND) {
            uint64_t ignored = 0;
            for (unsigned n = 1; n <= NSIG; n++)
                if (from->action[n - 1].handler == SIG_IGN)
                    ignored |= SIGBIT(n);
            dispositions_reset(p->hand, ignored);
        }
    }
}

/* proc copied the creator's page. */
static void sig_page_inherit(struct process *p)
{
    struct sig_page *s = p->sig;
    s->maps_address = s->maps_bytes = 0;
    s->stack_start = vm.stack_top;
    s->brk_start = vm.brk_start;
    s->brk = vm.brk;
}

static void start_fork(struct thread *t)
{
    /* Alone, the forking thread left nothing half done but the locks it took. */
    bool alone = __builtin_popcountl(vm.thread_live[0]) + __builtin_popcountl(vm.thread_live[1]) == 1;
    lock_reset(&vm.fork_lock);
    lock_reset(&vm.mm_lock);
    vm.thread_live[0] = vm.thread_live[1] = 0;
    vm.area_live = 0;
    for (unsigned i = 0; i < VM_MAX_THREADS && !alone; i++)
        if (vm.inherit[i].busy)
            vm.inherit[i].busy = 0;
    thread_init(t);
    struct process *p = process_init((uint32_t)t->frame.process_index % VM_MAX_AREAS);
    sig_page_inherit(p);
    hand_inherit(p, vm.fork_save.hand, vm.fork_save.flags & ~CLONE_SIGHAND);
    if (!alone || (vm.fork_save.flags & CLONE_CLEAR_SIGHAND))
        publish_dispositions(p->hand);      /* else proc's copy says the same */
    if (!alone)
        futex_after_fork();
    random_after_fork();
    mm_after_fork();
    inherit_take(t, &vm.fork_save);
}

static void start_shared(struct thread *t, bool new_process)
{
    struct inherit *in = (struct inherit *)t->frame.start_arg[3];
    thread_init(t);
    if (in < vm.inherit || in >= vm.inherit + VM_MAX_THREADS)
        in = &vm.inherit[0];
    if (new_process) {
        struct process *p = process_init((uint32_t)t->frame.process_index % VM_MAX_AREAS);
        sig_page_inherit(p);
        hand_inherit(p, in->hand, in->flags);
        publish_dispositions(p->hand);
    }
    inherit_take(t, in);
}

void start_thread(struct thread *t)
{
    switch (t->frame.start_arg[0]) {
    case START_LOADER: {
        thread_init(t);
        struct process *p = process_init((uint32_t)t->frame.process_index % VM_MAX_AREAS);
        p->hand = &vm.hand[p->area];
        loader_main(t);
        break;
    }
    case START_FORK:
        start_fork(t);
        break;
    case START_VFORK:
        start_shared(t, true);
        break;
    default:
        start_shared(t, false);
    }
}
