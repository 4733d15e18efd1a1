/* SPDX-License-Identifier: MIT */
/* Timers with an interval; see timer.h. */
#include "timer.h"

#include <libipc/journal.h>

#include "clock.h"
#include "process.h"

static int64_t clock_now(bool realtime)
{
    return clock_monotonic_ns() + (realtime ? clock_realtime_offset() : 0);
}

error_t timer_set(struct timer *t, bool realtime, bool absolute, int64_t value_ns, int64_t interval_ns)
{
    int64_t at = value_ns;

    if (value_ns < 0 || interval_ns < 0)
        return ERR_INVALID_ARGUMENT;
    t->interval_ns = interval_ns;
    if (value_ns == 0) {
        deadline_cancel(&t->deadline);
        return 0;
    }
    /* A relative timer does not care about clock changes: it runs on the monotonic one. */
    if (!absolute) {
        realtime = false;
        if (__builtin_add_overflow(clock_now(false), value_ns, &at))
            at = INT64_MAX;
    }
    return deadline_set(&t->deadline, at, realtime) ? 0 : ERR_NO_MEMORY;
}

void timer_fire(struct deadline *d)
{
    struct timer *t = (struct timer *)((char *)d - offsetof(struct timer, deadline));
    uint64_t periods = 1;

    if (t->process && !process_pid(t->process)) {
        deadline_again(d);
        return;
    }
    journal_save(t, sizeof *t);
    if (t->interval_ns) {
        int64_t late = clock_now(d->realtime) - d->at_ns, next;

        if (late >= t->interval_ns)
            periods += (uint64_t)(late / t->interval_ns);
        uint64_t ahead = periods;

        /* look again only after a while, on the grid of the interval */
        if (t->interval_ns < TIMER_MIN_INTERVAL_NS)
            ahead += (uint64_t)(TIMER_MIN_INTERVAL_NS / t->interval_ns) - 1;
        if (__builtin_mul_overflow(ahead, t->interval_ns, &next) || __builtin_add_overflow(d->at_ns, next, &next))
            next = INT64_MAX;
        if (!deadline_set(d, next, d->realtime))
            t->interval_ns = 0;
    }
    t->expired(t, periods);
}
