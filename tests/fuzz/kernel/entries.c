/* SPDX-License-Identifier: MIT */
/*
 * The entries into the kernel: what fastpath/trap.S does around the C functions. A change
 * there must be made here too.
 *
 * TCBs hold the registers of threads that run as well. What trap.S does not store before a
 * Call or ReplyRecv by the fast path, the message, is kept apart meanwhile, and the TCB has
 * nonsense in its place.
 *
 * With entries_compare(true) a call that comes while no other hart is in the kernel is done
 * twice, by the fast path and by the general one, and the states after it must be the same
 * but for what may_differ() names. A fast path that declines must not have changed anything.
 */
#include <string.h>

#include <atoll/syscall.h>

#include "arch/riscv/csr.h"
#include "kernel/mailbox.h"
#include "kernel/quiesce.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "machine.h"
#include "object/sched_context.h"
#include "object/tcb.h"
#include "state.h"

/* fastpath/trap.S calls these; it is not compiled here. */
struct tcb *trap_slow(struct tcb *t, uint64_t cause, uint64_t value);
struct tcb *trap_syscall(struct tcb *t);
uint64_t trap_page(struct tcb *t, uint64_t cause, uint64_t value);
struct tcb *trap_page_end(struct tcb *t, uint64_t cause, uint64_t value, uint64_t outcome);
int syscall_fast(struct tcb *t);
struct tcb *fastpath_call(cptr_t cptr);
struct tcb *fastpath_reply_recv(cptr_t cptr);
struct tcb *fastpath_signal_wait(cptr_t cptr);
struct tcb *fastpath_wait_timed(struct tcb *t);
struct tcb *fastpath_wait(struct hart *h, struct tcb *t);
struct tcb *fastpath_yield(struct hart *h, struct tcb *t);

#define NOT_STORED 0xdead000000000000ul

/* a1..a6 in a fast path, and whether it has ended by its second exit. */
static struct { uint64_t a[7]; bool drain; } regs[SIM_HARTS];
static bool comparing;

void entries_compare(bool compare) { comparing = compare; }

void machine_set_a6(uint64_t value) { regs[this_hart()->id].a[6] = value; }
void machine_exit_by_drain(void) { regs[this_hart()->id].drain = true; }

static void entered(struct hart *h, struct tcb *t)
{
    REQUIRE(t != NULL && t == h->current && t->hart_ptr == h);
    REQUIRE(t->state == THREAD_RUNNABLE && t->sc != NULL && t->vspace != NULL);
    REQUIRE(h->vspace == t->vspace);
    machine_outside();
}

void machine_trap(struct hart *h, uint64_t cause, uint64_t value)
{
    struct tcb *t = h->current;

    if (cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE || cause == CAUSE_FETCH_PAGE) {
        uint64_t outcome = trap_page(t, cause, value);
        entered(h, outcome == 0 ? h->current : trap_page_end(h->current, cause, value, outcome));
    } else {
        entered(h, trap_slow(t, cause, value));
    }
}

static void reflect(struct hart *h, struct tcb *t)
{
    struct upcall_regs *g = &t->frame->guest;

    g->x[0] = t->x[0] + 4;
    g->x[2] = t->x[2];
    g->x[4] = t->x[4];
    g->x[5] = t->x[5];
    g->x[6] = t->x[6];
    h->nr_reflections++;
    t->x[0] = t->pers_syscall;
    t->x[4] = t->frame_uaddr;
}

static void resume(struct hart *h, struct tcb *t)
{
    const struct upcall_regs *g = &t->frame->guest;

    h->nr_resumes++;
    t->x[0] = g->x[0];
    t->x[2] = g->x[2];
    t->x[4] = g->x[4];
    t->x[5] = g->x[5];
    t->x[6] = g->x[6];
    t->x[17] = g->x[17];
}

/* ---- the fast paths: the thread to run, or NULL when they decline ---- */

/* ipc_exit and wait_exit, or exit_drain */
static struct tcb *fast_exit(struct hart *h, struct tcb *to)
{
    bool drain = regs[h->id].drain;

    regs[h->id].drain = false;
    to->x[0] += 4;
    to->x[10] = 0;
    return drain ? sched_exit(h) : to;
}

static bool is_long(const struct tcb *t)
{
    return MSG_LEN(t->x[11]) > MSG_REG_WORDS || MSG_CAPS(t->x[11]) != 0;
}

/* ipc_call, ipc_exit and ipc_exit_drain */
static struct tcb *fast_ipc(struct hart *h, struct tcb *t)
{
    uint64_t *a = regs[h->id].a;

    memcpy(a + 1, &t->x[11], 6 * sizeof(a[0]));
    for (unsigned i = 11; i < 16; i++)
        t->x[i] = NOT_STORED + i;
    struct tcb *to = t->x[17] == SYS_CALL ? fastpath_call(t->x[10]) : fastpath_reply_recv(t->x[10]);
    if (to == NULL) {           /* ipc_declined */
        memcpy(&t->x[11], a + 1, 5 * sizeof(a[0]));
        return NULL;
    }
    memcpy(&to->x[11], a + 1, 6 * sizeof(a[0]));
    return fast_exit(h, to);
}

/* wait_call, wait_exit and wait_exit_drain */
static struct tcb *fast_signal_wait(struct hart *h, struct tcb *t)
{
    uint64_t *a = regs[h->id].a;

    a[6] = t->x[16];
    struct tcb *to = fastpath_signal_wait(t->x[10]);
    if (to == NULL)
        return fastpath_wait_timed(t);
    to->x[11] = a[6];
    return fast_exit(h, to);
}

static struct tcb *fast_path(struct hart *h, struct tcb *t)
{
    switch (t->x[17]) {
    case SYS_CALL: case SYS_REPLY_RECV:
        return is_long(t) ? NULL : fast_ipc(h, t);
    case SYS_SIGNAL_WAIT:
        return fast_signal_wait(h, t);
    case SYS_SIGNAL: case SYS_WAIT:
        return syscall_fast(t) == SYSCALL_DONE ? h->current : NULL;
    default:
        return NULL;
    }
}

/* ---- the same by the general path ---- */

/* What trap_syscall tries before the general path. */
static struct tcb *fast_path_late(struct hart *h, struct tcb *t)
{
    return t->x[17] == SYS_WAIT ? fastpath_wait(h, t) : t->x[17] == SYS_YIELD ? fastpath_yield(h, t) : NULL;
}

#define IGNORE(field) state_ignore(&(field), sizeof(field))

/* Of the thread that made the call, and of the one that runs after it: */
static void may_differ_in_thread(const struct tcb *t, bool ipc)
{
    /* read only while it sends or waits, and written then */
    IGNORE(t->wait_is_call);
    IGNORE(t->wait_can_grant);
    IGNORE(t->wait_is_fault);
    IGNORE(t->wait_badge);
    if (t->state == THREAD_RUNNABLE || t->state == THREAD_BLOCKED_REPLY) {
        IGNORE(t->wait_next);
        IGNORE(t->wait_prev);
    }
    if (!t->in_queue) {
        IGNORE(t->run_next);
        IGNORE(t->run_prev);
    }
    IGNORE(t->retries);         /* only how soon it backs off                   */
    if (ipc && t->state != THREAD_RUNNABLE)     /* the answer overwrites them    */
        state_ignore(&t->x[11], 5 * sizeof(t->x[0]));
}

#define IN_FAST(field) (*(__typeof__(field) *)state_in(COPY_FAST, &(field)))

/* The slice of a thread that gets ready begins anew later; what was used is the same. */
static void compare_use(const struct tcb *t)
{
    const struct sched_context *sc = t->sc;

    if (sc == NULL)
        return;
    REQUIRE(IN_FAST(sc->granted) - IN_FAST(sc->remaining) == sc->granted - sc->remaining);
    IGNORE(sc->remaining);
    IGNORE(sc->granted);
}

static void may_differ(const struct hart *h, const struct tcb *t, const struct tcb *to)
{
    bool ipc = t->x[17] == SYS_CALL || t->x[17] == SYS_REPLY_RECV;

    state_ignore_nothing();
    may_differ_in_thread(t, ipc);
    may_differ_in_thread(to, ipc);
    IGNORE(regs);
    IGNORE(h->passes);
    IGNORE(h->counters.nr_syscalls);
    IGNORE(h->counters.nr_switches);
    IGNORE(h->nr_fast_switches);
    IGNORE(h->armed);           /* the timer may go off too early, once          */
    state_ignore(machine_timer(h->id), sizeof(uint64_t));
    IGNORE(h->slice_pc);
    IGNORE(h->slice_longer);
    compare_use(t);
    compare_use(to);
    for (unsigned p = 0; p < NR_PRIORITIES; p++)
        for (const struct tcb *q = h->queue.level[p].head; q != NULL; q = q->run_next)
            compare_use(q);
}

/* The timer is not set anew at a yield: it goes off when the yielder's slice would end. */
static ticks_t slice_end(const struct tcb *t)
{
    ticks_t longest = SLICE_MIN_TICKS << SLICE_MAX_LONGER;

    return machine_now() + (t->sc->budget > longest ? t->sc->budget : longest);
}

static void compare_results(struct hart *h, struct tcb *t, struct tcb *to)
{
    REQUIRE(IN_FAST(h->current) == to);
    may_differ(h, t, to);
    state_compare(COPY_FAST, "by the general path and by the fast one", t->x[17]);
    REQUIRE(IN_FAST(h->armed) <= (t->x[17] == SYS_YIELD ? slice_end(t) : h->armed));
    REQUIRE(IN_FAST(h->armed) == IN_FAST(*machine_timer(h->id)));
    REQUIRE(IN_FAST(h->counters.nr_syscalls) + IN_FAST(h->nr_fast_switches) ==
            h->counters.nr_syscalls + h->nr_fast_switches);
    REQUIRE(IN_FAST(h->counters.nr_switches) + IN_FAST(h->nr_fast_switches) ==
            h->counters.nr_switches + h->nr_fast_switches);
}

/* The fast path, then the general one from the same state. The first's outcome stays. */
static struct tcb *compared(struct hart *h, struct tcb *t)
{
    unsigned long nr = t->x[17];

    machine_freeze(true);
    state_save(COPY_BEFORE);
    struct tcb *next = fast_path(h, t);
    if (next == NULL)
        next = fast_path_late(h, t);
    if (next == NULL) {
        state_ignore_nothing();
        IGNORE(regs);
        IGNORE(h->passes);
        state_compare(COPY_BEFORE, "after a fast path that declined", nr);
    } else {
        state_save(COPY_FAST);
        state_restore(COPY_BEFORE);
        quiesce_enter(h);
        syscall_handle(h, t);
        if (sched_exit(h) != next)
            fail("call %lu, by the general path and by the fast one: not the same thread runs", nr);
        compare_results(h, t, next);
        state_restore(COPY_FAST);
    }
    machine_freeze(false);
    return next;
}

void machine_ecall(struct hart *h)
{
    struct tcb *t = h->current, *next;
    uint64_t nr = t->x[17];

    if (machine_traced()) {
        machine_trap(h, CAUSE_ECALL_U, 0);
        return;
    }
    if (t->x[0] < t->pers_base) {
        reflect(h, t);
        return;
    }
    if (nr == SYS_RESUME && !t->upcall_pending && t->frame != NULL) {
        resume(h, t);
        return;
    }
    if (comparing && (nr < SYS_INVOKE || nr == SYS_YIELD) && machine_alone() && !mailbox_pending(h))
        next = compared(h, t);
    else
        next = fast_path(h, t);
    if (next == NULL && nr >= SYS_INVOKE) {
        int how = syscall_light(t);
        next = how == SYSCALL_DONE ? h->current : how == SYSCALL_CHOOSE ? sched_exit(h) : NULL;
    }
    if (next == NULL && nr <= SYS_REPLY_RECV && !is_long(t)) {
        syscall_ipc(h, t);
        next = sched_exit(h);
    }
    entered(h, next != NULL ? next : trap_syscall(h->current));
}
