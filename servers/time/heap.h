/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: a binary heap over one timer of the executor.
 *
 * A deadline is in nanoseconds of its clock. Those of the realtime clock are in
 * the heap by the monotonic time that they mean now; when the clock is set, the
 * heap is built anew.
 *
 * Deadlines of timers lie in memory that outlives this server (state.h); the heap does not. Each that fires is a
 * transaction (libipc/journal.h): whoever it tells of it commits that with the event.
 */
#ifndef TIME_HEAP_H
#define TIME_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    int64_t  at_ns;             /* on its clock                                 */
    bool     realtime, armed;
    /* of this life of the server only */
    uint32_t place;             /* in the heap, index + 1; 0: not in it         */
    void   (*fire)(struct deadline *);  /* it is no longer armed then           */
    int64_t  due_ns;            /* monotonic                                    */
};

static inline bool deadline_is_armed(const struct deadline *d) { return d->armed; }
/* False: no memory. Arming an armed one moves it. */
bool deadline_set(struct deadline *, int64_t at_ns, bool realtime);
void deadline_cancel(struct deadline *);
/* It has just fired, and its process cannot be named: it is between two slots (exec), or at its end, and the event that
 * tells of that is on its way. Fire again in a moment. */
void deadline_again(struct deadline *);
/* After a restart: one that may be armed, and is in no heap yet. Whether it fires is seen when the loop runs. */
void deadline_recover(struct deadline *, void (*fire)(struct deadline *));
/* The realtime clock was set. */
void deadlines_clock_changed(void);
/* What is left on its clock, 0 when not armed, at least 1 when armed. */
int64_t deadline_left_ns(const struct deadline *);
/* Fire what is due. The executor's timer calls it; tests do, too. */
void deadlines_run(void);

#endif
