/* SPDX-License-Identifier: MIT */
/*
 * A timer with an interval, the common part of itimers, POSIX timers and
 * timerfds: it counts the periods that passed and calls its owner. The caller of timer_set has saved it (journal.h).
 */
#ifndef TIME_TIMER_H
#define TIME_TIMER_H

#include <atoll/errors.h>

#include "heap.h"

/* The shortest interval: a timer that is due more often than this would keep
 * the server busy; the periods in between are counted. */
#define TIMER_MIN_INTERVAL_NS 20000

struct timer {
    struct deadline deadline;       /* whose `fire` is timer_fire               */
    int64_t interval_ns;
    /* of this life of the server only */
    struct process *process;        /* whom it signals, or NULL                 */
    /* `periods` >= 1 expirations passed. The next deadline is armed already. */
    void (*expired)(struct timer *, uint64_t periods);
};

/* value 0 disarms. `absolute`: value is a time on the clock. */
error_t timer_set(struct timer *, bool realtime, bool absolute, int64_t value_ns, int64_t interval_ns);
void timer_fire(struct deadline *);
static inline int64_t timer_left_ns(const struct timer *t) { return deadline_left_ns(&t->deadline); }

#endif
