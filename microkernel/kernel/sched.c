/* SPDX-License-Identifier: MIT */
/*
 * See sched.h.
 *
 * Time. The clock is read at switches only. What passed since the last reading
 * is charged to the thread that ran: to its context's budget, and to its user
 * or system time. A native thread's time is user time. For a guest the split is
 * an estimate: each reflected call counts as REFLECTED_CALL_TICKS of system
 * time, the rest as user time; reading the clock on every reflection would cost
 * more than the reflection.
 *
 * Timer. It is armed on the way to user mode, and only if somebody needs it: a
 * deadline, a limited budget, or equals waiting for the slice to end. It is only ever
 * set to an earlier time: what is needed later, or no more, waits for it to go off for
 * nothing, which then sets it anew. So threads that take turns do not set it at each
 * switch, and there is at most one such interrupt for each time it was set. It is set
 * relative to that moment and never shorter than SLICE_MIN_TICKS. Should the way to
 * user mode and back still take longer than that, the slice ends with the pc where it
 * began: then it is made twice as long, a few times, before the next thread's turn. So
 * every dispatched thread gets to execute instructions of its own.
 *
 * Idle. The hart polls its mailbox and pending interrupts for poll_ticks, then
 * declares itself asleep, looks once more, and executes wfi. poll_ticks doubles
 * when a wake-up came while polling or soon after falling asleep, and halves
 * when a sleep was long, so an idle system costs nothing.
 */
#include "kernel/sched.h"

#include <atoll/frame.h>

#include "arch/riscv/atomic.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/fpu.h"
#include "arch/riscv/sbi.h"
#include "kernel/deadline.h"
#include "kernel/mailbox.h"
#include "kernel/quiesce.h"
#include "kernel/run_queue.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "object/sched_context.h"
#include "object/tcb_ops.h"
#include "object/vspace.h"

#define MAX_PENALTY_PERIODS  16
#define POLL_MIN_TICKS       20
#define DEADLINES_PER_TICK   16
#define POLL_MAX_TICKS      1000
/* A sleep shorter than this, falling asleep and the interrupt included, would
 * have been better polled. */
#define POLL_WORTH_TICKS    4000

bool have_sstc;

/* ---- timer ---- */

void timer_set(struct hart *h, ticks_t when)
{
    h->armed = when;
    if (have_sstc)
        csr_write_stimecmp(when);
    else
        sbi_set_timer(when);
}

static void sched_arm(struct hart *h)
{
    ticks_t want = deadline_first(h);
    struct tcb *t = h->current;

    h->timer_dirty = false;
    if (t != NULL && (sc_is_limited(t->sc) || h->queue.top == t->priority)) {
        int64_t left = t->sc->remaining, least = SLICE_MIN_TICKS << h->slice_longer;
        ticks_t end = read_time() + (ticks_t)(left > least ? left : least);
        h->slice_pc = t->x[0];
        if (end < want)
            want = end;
    }
    if (want < h->armed)
        timer_set(h, want);
}

/* ---- accounting ---- */

static void charge(struct hart *h, struct tcb *t, ticks_t now)
{
    ticks_t spent = now - h->slice_start;

    h->slice_start = now;
    t->ticks += spent;
    if (t->pers_base_wanted != 0)
        t->system_ticks += sched_system_share(h, spent);
    if (t->sc != NULL)
        t->sc->remaining -= (int64_t)spent;
}

void sched_charge(struct hart *h)
{
    if (h->current != NULL)
        charge(h, h->current, read_time());
}

/* Has the context budget now? Begins a new period where one is due. */
static bool sc_ready(struct sched_context *sc)
{
    if (sc->remaining > 0)
        return true;
    if (!sc_is_limited(sc)) {
        sc_set_remaining(sc, (int64_t)sc->budget);
        return true;
    }
    ticks_t now = read_time();
    if (now < sc->replenish_at)
        return false;
    sc_set_remaining(sc, (int64_t)sc->budget);
    sc->replenish_at = now + sc->period;
    return true;
}

/* ---- queues ---- */

void sched_update_page(struct hart *h)
{
    uint32_t n = h->queue.count + (h->current != NULL && h->current->state == THREAD_RUNNABLE);
    store_relaxed(&h->load->runnable, n);
}

/* What was used beyond the budget (the timer can be late) costs as many further
 * periods as it would have filled, within reason. */
static __attribute__((cold)) void wait_for_budget(struct hart *h, struct tcb *t)
{
    struct sched_context *sc = t->sc;
    uint64_t over = (uint64_t)-sc->remaining / sc->budget, extra;

    if (over > MAX_PENALTY_PERIODS)
        over = MAX_PENALTY_PERIODS;
    if (!__builtin_mul_overflow(over, sc->period, &extra) && extra <= INT64_MAX)
        sc->replenish_at += extra;
    sc_set_remaining(sc, 0);
    t->state = THREAD_OUT_OF_BUDGET;
    deadline_insert(h, t, sc->replenish_at);
}

void sched_make_runnable(struct hart *h, struct tcb *t)
{
    t->state = THREAD_RUNNABLE;
    trace(TRACE_WAKE, trace_thread(t), (uint64_t)t->priority);
    if (t == h->current) {      /* stopped and started within one entry */
        h->resched = true;
        return;
    }
    if (t->sc == NULL || t->vspace == NULL)
        return;
    if (t->sc->remaining <= 0 && !sc_ready(t->sc)) {
        wait_for_budget(h, t);
        return;
    }
    run_queue_add(&h->queue, t, false);
    if (h->current == NULL || t->priority > h->current->priority) {
        h->resched = true;      /* choose updates the page */
        return;
    }
    if (t->priority == h->current->priority)
        h->timer_dirty = true;
    sched_update_page(h);
}

void sched_remove(struct hart *h, struct tcb *t)
{
    if (t->in_queue)
        run_queue_remove(&h->queue, t);
    if (t == h->current)
        h->resched = true;
    sched_update_page(h);
}

void sched_yield(struct hart *h)
{
    if (h->queue.top >= h->current->priority) {
        h->resched = true;
        h->rotate = true;
    }
}

/*
 * Lending. A caller lends the context it runs on to a receiver of its hart that has
 * none; who has borrowed one may lend it on. The context lists its lenders, and each
 * of them waits for an answer. It goes back
 *   to a lender when his wait ends, for whatever reason: those who lent it on after
 *     him, and the holder, are then without;
 *   to the last lender when the holder waits for another message, or is deleted.
 * All of them are on this hart: a lender or borrower is not migrated.
 */
__attribute__((cold)) bool sched_can_lend(struct hart *h, const struct tcb *t)
{
    return t->hart == h->id && t->sc != NULL && t->sc->nr_lenders < SCHED_MAX_LENDERS;
}

__attribute__((cold)) void sched_donate(struct hart *h, struct tcb *from, struct tcb *to)
{
    struct sched_context *sc = from->sc;

    sched_charge(h);
    from->lent = sc;
    from->lend_next = sc->lenders;
    sc->lenders = from;
    sc->nr_lenders++;
    from->sc = NULL;
    to->sc = sc;
    sc->holder = to;
    tcb_refresh(from);
    tcb_refresh(to);
}

static __attribute__((cold)) void pop_lender(struct sched_context *sc)
{
    struct tcb *t = sc->lenders;

    sc->lenders = t->lend_next;
    sc->nr_lenders--;
    t->lent = NULL;
}

__attribute__((cold)) void sched_take_from_holder(struct hart *h, struct sched_context *sc)
{
    struct tcb *t = sc->holder;

    sc->holder = NULL;
    if (t == NULL || t->sc != sc)
        return;
    if (t == h->current)
        sched_charge(h);
    t->sc = NULL;
    tcb_refresh(t);
    if (t->state == THREAD_RUNNABLE)
        sched_remove(h, t);
}

__attribute__((cold)) void sched_reclaim(struct hart *h, struct tcb *t)
{
    struct sched_context *sc = t->lent;

    sched_take_from_holder(h, sc);
    do
        pop_lender(sc);
    while (t->lent != NULL);
    sc->holder = t;
    t->sc = sc;
    tcb_refresh(t);
}

__attribute__((cold)) void sched_forget_lenders(struct sched_context *sc)
{
    while (sc->lenders != NULL)
        pop_lender(sc);
}

__attribute__((cold)) void sched_return_context(struct hart *h, struct tcb *t)
{
    struct sched_context *sc = t->sc;

    if (sc == NULL || sc == t->home_sc)
        return;
    sched_take_from_holder(h, sc);
    struct tcb *lender = sc->lenders;
    if (lender == NULL)
        return;
    pop_lender(sc);
    sc->holder = lender;
    lender->sc = sc;
    tcb_refresh(lender);
}

/* ---- floating point ---- */

static void set_fs(uint64_t fs)
{
    uint64_t now = csr_read("sstatus") & SSTATUS_FS_MASK;
    if (now != fs) {
        csr_clear("sstatus", SSTATUS_FS_MASK);
        csr_set("sstatus", fs);
    }
}

void fp_flush(struct hart *h, struct tcb *t)
{
    if (t != h->current || (csr_read("sstatus") & SSTATUS_FS_MASK) != SSTATUS_FS_DIRTY)
        return;
    fp_save(t->f);
    set_fs(SSTATUS_FS_CLEAN);
}

/* The FP unit as t, which is about to run, needs it. */
static void fp_enter(struct hart *h, struct tcb *t)
{
    if (t->fp_state == FP_NEVER) {
        set_fs(0);
        return;
    }
    if (h->fp_owner != t || t->fp_state == FP_STALE) {
        set_fs(SSTATUS_FS_DIRTY);
        fp_restore(t->f);
        h->fp_owner = t;
        t->fp_state = FP_USED;
    }
    set_fs(SSTATUS_FS_CLEAN);
}

__attribute__((cold)) bool fp_first_use(struct hart *h, struct tcb *t)
{
    if (t->fp_state != FP_NEVER || t != h->current)
        return false;
    t->fp_state = FP_USED;
    h->fp_owner = NULL;         /* load the zeroes of the new TCB */
    fp_enter(h, t);
    return true;
}

/* ---- switching ---- */

static void leave_current(struct hart *h, ticks_t now)
{
    if (h->current == NULL)
        return;
    charge(h, h->current, now);
    if (h->current->fp_state != FP_NEVER)
        fp_flush(h, h->current);
}

static void switch_to(struct hart *h, struct tcb *next)
{
    ticks_t now = read_time();

    leave_current(h, now);
    trace(TRACE_SWITCH, trace_thread(next), 0);
    h->slice_start = now;
    h->current = next;
    h->slice_longer = 0;
    if (next->vspace != h->vspace) {
        struct vspace *old = h->vspace;
        h->vspace = next->vspace;
        vspace_switch_in(next->vspace);
        if (old != NULL)
            vspace_switch_out(old);
    }
    fp_enter(h, next);
    clear_reservation();
    h->counters.nr_switches++;
    next->nr_switches++;
    h->timer_dirty = true;
}

__attribute__((cold)) void sched_drop_vspace(struct hart *h)
{
    if (h->vspace == NULL)
        return;
    if (h->current != NULL && h->current->vspace == h->vspace) {
        vspace_switch_in(h->vspace);    /* it has just been bound */
        return;
    }
    vspace_switch_in(NULL);
    vspace_switch_out(h->vspace);
    h->vspace = NULL;
}

__attribute__((cold)) void sched_forget(struct hart *h, struct tcb *t)
{
    if (h->current == t) {
        trace(TRACE_SWITCH, 0, 0);
        charge(h, t, read_time());
        h->current = NULL;
        h->resched = true;
    }
    if (h->fp_owner == t)
        h->fp_owner = NULL;
}

/* Returns the thread to run, already switched to, or NULL. */
static struct tcb *choose(struct hart *h)
{
    struct tcb *cur = h->current;
    bool rotate = h->rotate;

    h->resched = false;
    h->rotate = false;
    if (cur != NULL && cur->state == THREAD_RUNNABLE && cur->sc != NULL && cur->vspace != NULL) {
        if (h->queue.top < cur->priority || (h->queue.top == cur->priority && !rotate))
            return cur;
        run_queue_add(&h->queue, cur, !rotate);
    }
    struct tcb *next = h->queue.top < 0 ? NULL : run_queue_take(&h->queue);
    if (next == NULL) {
        if (cur != NULL)
            trace(TRACE_SWITCH, 0, 0);
        leave_current(h, read_time());
        h->current = NULL;
    } else if (next != cur) {
        switch_to(h, next);
    }
    sched_update_page(h);
    return next;
}

__attribute__((cold)) void sched_tick(struct hart *h)
{
    ticks_t now = read_time();
    struct tcb *t = h->current;

    h->counters.nr_timer_irqs++;
    timer_set(h, DEADLINE_NONE);
    h->timer_dirty = true;
    /* Should there be more, the timer goes off again at once. */
    for (unsigned n = 0; n < DEADLINES_PER_TICK && deadline_first(h) <= now; n++)
        thread_deadline(h, h->deadlines);
    if (t == NULL || t->state != THREAD_RUNNABLE || t->sc == NULL)
        return;
    charge(h, t, now);
    if (t->sc->remaining > 0)
        return;
    if (t->x[0] == h->slice_pc && h->slice_longer < SLICE_MAX_LONGER) {
        h->slice_longer++;
        return;
    }
    h->slice_longer = 0;
    if (!sc_ready(t->sc)) {
        h->resched = true;
        if (!t->budget_faults || !thread_budget_fault(h, t))
            wait_for_budget(h, t);
    } else {
        sched_yield(h);
    }
}

/* ---- idle ---- */

static bool something_waits(const struct hart *h)
{
    return mailbox_pending(h) ||
           (csr_read("sip") & (SIP_SSIP | SIP_STIP | SIP_SEIP)) != 0;
}

static bool poll(struct hart *h, ticks_t start)
{
    do {
        quiesce_enter(h);
        if (something_waits(h))
            return true;
        cpu_relax();
    } while (nr_harts > 1 && read_time() - start < h->poll_ticks);
    return false;
}

/* Step [sleep] of tests/models/mailbox.pml. */
static void sleep(struct hart *h)
{
    h->counters.nr_idle_sleeps++;
    __atomic_store_n(&h->asleep, 1, __ATOMIC_RELEASE);
    fence_full();
    if (!something_waits(h))
        wait_for_interrupt();
    store_relaxed(&h->asleep, 0);
    fence_full();
}

static void idle(struct hart *h)
{
    ticks_t start = read_time();

    store_relaxed((uint32_t *)&h->running_priority, (uint32_t)PRIORITY_IDLE);
    h->load->idle = 1;
    trace_stretch(true);
    sched_arm(h);
    bool useful = poll(h, start);
    ticks_t asleep = read_time(), end = asleep;
    if (!useful) {
        sleep(h);
        end = read_time();
        useful = end - asleep < POLL_WORTH_TICKS;
    }
    if (useful)
        h->poll_ticks = h->poll_ticks * 2 < POLL_MAX_TICKS ? h->poll_ticks * 2 : POLL_MAX_TICKS;
    else
        h->poll_ticks = h->poll_ticks / 2 > POLL_MIN_TICKS ? h->poll_ticks / 2 : POLL_MIN_TICKS;
    h->load->idle = 0;
    h->counters.idle_ticks += end - start;
    trace_stretch(false);
    interrupt_take(h);
}

static __attribute__((noinline)) struct tcb *exit_slow(struct hart *h)
{
    for (;;) {
        if (mailbox_pending(h))
            mailbox_drain(h);
        struct tcb *t = h->current;
        if (h->resched || t == NULL || t->state != THREAD_RUNNABLE) {
            t = choose(h);
            if (t == NULL) {
                idle(h);
                continue;
            }
        }
        if (h->running_priority != t->priority) {   /* [run] of tests/models/mailbox.pml */
            store_relaxed((uint32_t *)&h->running_priority, (uint32_t)t->priority);
            fence_full();
            if (mailbox_pending(h) && !(csr_read("sip") & SIP_SSIP))
                continue;
        }
        if (h->timer_dirty)
            sched_arm(h);
        if (t->upcall_pending && t->x[0] < t->pers_base)
            thread_enter_upcall(t, UPCALL_FLAG, 0);
        return t;
    }
}

bool sched_must_choose(const struct hart *h)
{
    return h->resched || h->timer_dirty || h->current->state != THREAD_RUNNABLE ||
           mailbox_pending(h);
}

struct tcb *sched_exit(struct hart *h)
{
    struct tcb *t = h->current;

    if (t != NULL && t->state == THREAD_RUNNABLE && !h->resched && !h->timer_dirty &&
        !t->upcall_pending && h->running_priority == t->priority && !mailbox_pending(h))
        return t;
    return exit_slow(h);
}
