/* SPDX-License-Identifier: MIT */
/*
 * The frequent cases of the system calls, with exactly the outcome of the
 * general paths (kernel/syscall.c, object/notification.c, kernel/sched.c). Each
 * function first makes sure that its case is the simple one and declines
 * otherwise, having changed nothing. Call, ReplyRecv and most of SignalWait are in
 * ipc.c.
 *
 * syscall_fast: signals that find nobody waiting or somebody of this hart who runs
 * later, waits that find bits. The thread goes on running.
 *
 * fastpath_wait: a wait that finds no bits, when the next thread is clear.
 * fastpath_yield: a yield to an equal.
 *
 * fastpath_wait_timed: a SignalWait with a deadline. Deadlines of the two waits move
 * the timer only when one becomes the earliest; a timer that was set for a wait
 * which ended early goes off for nothing once.
 */
#include "fastpath/fast.h"

#include <atoll/syscall.h>

#include "kernel/run_queue.h"
#include "kernel/syscall.h"

int syscall_fast(struct tcb *t);
struct tcb *fastpath_wait_timed(struct tcb *t);
struct tcb *fastpath_wait(struct hart *h, struct tcb *t);
struct tcb *fastpath_yield(struct hart *h, struct tcb *t);

static inline int done(struct hart *h, struct tcb *t)
{
    h->counters.nr_syscalls++;
    t->x[10] = 0;
    t->x[0] += 4;
    return SYSCALL_DONE;
}

static inline int fast_signal(struct hart *h, struct tcb *t)
{
    badge_t badge = 0;
    struct notification *n;

    if (!fast_find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_WRITE, &n, &badge))
        return SYSCALL_DECLINED;
    spin_lock(&n->lock);
    struct tcb *to = n->head;
    if (n->dead || (to == NULL ? n->bound != NULL
                               : to->priority >= t->priority || to->in_heap || to->fast_hart != h)) {
        spin_unlock(&n->lock);
        return SYSCALL_DECLINED;
    }
    if (to == NULL) {
        n->bits |= badge != 0 ? badge : 1;
        spin_unlock(&n->lock);
        return done(h, t);
    }
    complete_wait(to, fast_unlink_waiter(n, to, badge));
    spin_unlock(&n->lock);
    to->state = THREAD_RUNNABLE;
    run_queue_add(&h->queue, to, false);
    sched_update_page(h);
    return done(h, t);
}

static inline int fast_wait(struct hart *h, struct tcb *t)
{
    struct notification *n;

    if (!fast_find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_READ, &n, NULL))
        return SYSCALL_DECLINED;
    spin_lock(&n->lock);
    uint64_t bits = n->bits;
    n->bits = 0;
    spin_unlock(&n->lock);
    if (bits == 0)
        return SYSCALL_DECLINED;
    t->x[11] = bits;
    return done(h, t);
}

int syscall_fast(struct tcb *t)
{
    struct hart *h = this_hart();

    quiesce_enter(h);
    switch (t->x[17]) {
    case SYS_SIGNAL: return fast_signal(h, t);
    case SYS_WAIT:   return fast_wait(h, t);
    default:         return SYSCALL_DECLINED;
    }
}

static __attribute__((noinline)) struct tcb *switch_to(struct hart *h, struct tcb *t, struct tcb *to)
{
    bool drain = fast_switch(h, t, to, false);

    clear_reservation();
    return drain ? sched_exit(h) : to;
}

/* After deadlines changed: a timer that goes off too early does no harm. */
static inline void advance_timer(struct hart *h)
{
    if (likely(!h->timer_dirty))
        return;
    h->timer_dirty = false;
    ticks_t first = deadline_first(h);
    if (first < h->armed)
        timer_set(h, first);
}

/* Called by the general path's entry, with all registers saved: this thread waits,
 * and the only one at the next priority runs. */
struct tcb *fastpath_wait(struct hart *h, struct tcb *t)
{
    ticks_t deadline = t->x[11];
    int32_t top = h->queue.top;

    if (unlikely(top < 0 || h->timer_dirty || h->resched || t->sc == NULL || t->upcall_pending ||
                 mailbox_pending(h) || (deadline != DEADLINE_NONE && deadline <= read_time())))
        return NULL;
    struct tcb *to = h->queue.level[top].head;
    struct notification *own;
    if (!fast_find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_READ, &own, NULL) ||
        unlikely(to->run_next != NULL || to->fast_hart != h || to->upcall_pending ||
                 top > t->priority || !spin_trylock(&own->lock)))
        return NULL;
    if (unlikely(own->bits != 0 || own->dead)) {
        spin_unlock(&own->lock);
        return NULL;
    }
    fast_begin_wait(own, t);
    if (unlikely(deadline != DEADLINE_NONE))
        deadline_insert(h, t, deadline);
    spin_unlock(&own->lock);
    run_queue_remove(&h->queue, to);
    advance_timer(h);
    to = switch_to(h, t, to);
    sched_update_page(h);
    return to;
}

/* With all registers saved: this thread goes behind its equals. The timer was armed
 * for the end of its slice, so it does not come later than one slice from now. */
struct tcb *fastpath_yield(struct hart *h, struct tcb *t)
{
    struct run_queue *q = &h->queue;
    unsigned level = (unsigned)t->priority;

    if (unlikely(q->top != t->priority || mailbox_pending(h) || t->fast_hart != h))
        return NULL;
    struct tcb *to = q->level[level].head, *next = to->run_next, *last = q->level[level].tail;
    if (unlikely(to->fast_hart != h || to->upcall_pending))
        return NULL;
    if (next == NULL) {         /* they change places */
        q->level[level].head = t;
        t->run_prev = NULL;
    } else {
        q->level[level].head = next;
        next->run_prev = NULL;
        last->run_next = t;
        t->run_prev = last;
    }
    q->level[level].tail = t;
    t->run_next = NULL;
    t->in_queue = 1;
    to->in_queue = 0;
    t->x[10] = 0;
    t->x[0] += 4;
    return switch_to(h, t, to);
}

/* SignalWait with a deadline, or to a thread with one, and all registers saved: the
 * signalled thread runs next and this one waits. */
struct tcb *fastpath_wait_timed(struct tcb *t)
{
    struct hart *h = this_hart();
    struct tcb *to = fast_signal_wait(h, t, t->x[10], t->x[12], NULL);

    if (to == NULL)
        return NULL;
    advance_timer(h);
    return switch_to(h, t, to);
}
