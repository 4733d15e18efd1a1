/* SPDX-License-Identifier: MIT */
/*
 * Scheduling contexts: the right to run on one hart, budget ticks in every
 * period. With budget == period it is a round-robin slice. A context belongs to
 * the thread configured with it (owner) and may be lent, on the same hart, to a
 * receiver without one, for the time of a call (holder), and by that one again.
 */
#ifndef ATOLL_OBJECT_SCHED_CONTEXT_H
#define ATOLL_OBJECT_SCHED_CONTEXT_H

#include "kernel/invoke.h"
#include "kernel/hart.h"

struct sched_context {
    /* owner hart only once a thread uses it; tree lock before */
    ticks_t  budget, period;
    ticks_t  replenish_at;      /* limited contexts: end of this period        */
    int64_t  remaining;         /* of what was granted; falls below 0          */
    int64_t  granted;           /* ever; granted - remaining was consumed      */
    uint32_t hart;
    uint32_t nr_lenders;        /* in the list; at most SCHED_MAX_LENDERS      */
    struct tcb *owner, *holder;
    struct tcb *lenders;        /* who lent it on, the last first; sched_donate */
};
_Static_assert(sizeof(struct sched_context) <= 1 << SCHED_CONTEXT_BITS, "size");

#define SLICE_MIN_TICKS 10      /* one microsecond of a 10 MHz clock; sched_arm */
#define SLICE_MAX_LONGER 6      /* the shortest slice is doubled this often     */

/* A lender whose wait ends takes the context back from all those after him at once. */
#define SCHED_MAX_LENDERS 64

static inline bool sc_is_limited(const struct sched_context *sc)
{
    return sc->budget < sc->period;
}

static inline void sc_set_remaining(struct sched_context *sc, int64_t ticks)
{
    sc->granted += ticks - sc->remaining;
    sc->remaining = ticks;
}

void sched_context_init(struct sched_context *sc, ticks_t slice);
error_t sched_context_decode(struct invoke *inv);
/* Its holder's and owner's pointers must be gone (capability slots say so). */
error_t sched_context_destroy_step(struct sched_context *sc);

#endif
