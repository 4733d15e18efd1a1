/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of one hart. All functions are for this hart's own threads.
 *
 * The running thread (h->current) is in no queue. A kernel entry that changes
 * who should run sets h->resched (or the current thread's state), and the
 * decision is taken once, in sched_exit(), on the way back to user mode.
 */
#ifndef ATOLL_KERNEL_SCHED_H
#define ATOLL_KERNEL_SCHED_H

#include "object/tcb.h"

/* The last step of every slow kernel entry: handles the mailbox, chooses and
 * switches to a thread (idling until there is one), arms the timer if needed,
 * enters an upcall. Returns the thread to restore. */
struct tcb *sched_exit(struct hart *h);

/* t->state becomes RUNNABLE; it is queued if it has a context with budget. */
void sched_make_runnable(struct hart *h, struct tcb *t);
/* Take a runnable thread out; it may be the current one. The caller sets state. */
void sched_remove(struct hart *h, struct tcb *t);
/* Charge the current thread for the time since the last charge. */
void sched_charge(struct hart *h);
/* Current gives way to its equals. */
void sched_yield(struct hart *h);
/* The current thread may not be referred to any more. */
void sched_forget(struct hart *h, struct tcb *t);
/* The timer went off. */
void sched_tick(struct hart *h);
/* trap.c: take the interrupts that are pending. */
void interrupt_take(struct hart *h);
/* Switch to the kernel's own tables, or load h->vspace anew if a thread runs on it. */
void sched_drop_vspace(struct hart *h);
/* Lending of contexts; the rules are in sched.c. t gives a borrowed one back. */
void sched_return_context(struct hart *h, struct tcb *t);
void sched_donate(struct hart *h, struct tcb *from, struct tcb *to);
/* May t, of any hart, lend the context that it runs on? */
bool sched_can_lend(struct hart *h, const struct tcb *t);
/* After a call of the current thread: is there anything to do for sched_exit? */
bool sched_must_choose(const struct hart *h);
/* t, which lends one, does not wait any more. */
void sched_reclaim(struct hart *h, struct tcb *t);
void sched_take_from_holder(struct hart *h, struct sched_context *sc);
void sched_forget_lenders(struct sched_context *sc);
void sched_update_page(struct hart *h);
void timer_set(struct hart *h, ticks_t when);

/* How much of a guest's `spent` ticks counts as system time (sched.c). Native
 * threads have no reflected calls, so only guests need to note the count. */
#define REFLECTED_CALL_TICKS 15
static inline ticks_t sched_system_share(struct hart *h, ticks_t spent)
{
    ticks_t system = (h->nr_reflections - h->charged_reflections) * REFLECTED_CALL_TICKS;

    h->charged_reflections = h->nr_reflections;
    return system < spent ? system : spent;
}
extern bool have_sstc;

/* Bring the FP registers' content into t->f if they hold newer state. */
void fp_flush(struct hart *h, struct tcb *t);
/* First FP instruction of a thread: give it zeroed registers. False if FP was
 * on already, so the trap has another reason. */
bool fp_first_use(struct hart *h, struct tcb *t);

#endif
