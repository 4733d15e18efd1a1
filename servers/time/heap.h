/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: a binary heap over one timer of the executor.
 *
 * A deadline is in nanoseconds of its clock. Those of the realtime clock are in
 * the heap by the monotonic time that they mean now; when the clock is set, the
 * heap is built anew.
 */
#ifndef TIME_HEAP_H
#define TIME_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    int64_t  at_ns;             /* on its clock                                 */
    bool     realtime;
    void   (*fire)(struct deadline *);  /* it is no longer armed then           */
    /* the heap's */
    int64_t  due_ns;            /* monotonic                                    */
    uint32_t place;             /* index + 1; 0: not armed                      */
};

static inline bool deadline_is_armed(const struct deadline *d) { return d->place != 0; }
/* False: no memory. Arming an armed one moves it. */
bool deadline_set(struct deadline *, int64_t at_ns, bool realtime);
void deadline_cancel(struct deadline *);
/* The realtime clock was set. */
void deadlines_clock_changed(void);
/* What is left on its clock, 0 when not armed, at least 1 when armed. */
int64_t deadline_left_ns(const struct deadline *);
/* Fire what is due. The executor's timer calls it; tests do, too. */
void deadlines_run(void);

#endif
