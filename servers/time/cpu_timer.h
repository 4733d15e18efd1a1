/* SPDX-License-Identifier: MIT */
/*
 * Timers on CPU time, of processes and threads.
 *
 * Nobody counts CPU time with an interrupt. When so much wall time has passed
 * that what is left could have been used up, on as many harts at once as the
 * process can use, proc is asked for the time used. So a timer costs one question
 * per remaining time, and while nothing is armed nobody asks.
 */
#ifndef TIME_CPU_TIMER_H
#define TIME_CPU_TIMER_H

#include <stdbool.h>

#include "clock.h"
#include "heap.h"

/* pid's, or of its thread tid if that is not 0. */
struct cpu_clock {
    int32_t pid, tid;
    bool user_only;
};

struct cpu_timer {
    struct cpu_clock clock;
    ticks_t due;                    /* CPU time; 0: not armed                   */
    ticks_t interval;               /* 0: once                                  */
    /* of this life of the server only */
    struct deadline look;           /* when to ask                              */
    ticks_t seen;                   /* CPU time at the last look                */
    struct process *process;        /* whom it signals, or NULL                 */
    struct question *question;      /* under way, or NULL                       */
    /* `periods` >= 1 expirations passed; armed for the next already. The
     * owner may free the timer. */
    void (*expired)(struct cpu_timer *, uint64_t periods);
};

/* Is this the number of a CPU clock (Linux's encoding: negative, or one of the two
 * names)? Then *out; a thread's clock must be one of the process `pid`. */
bool cpu_clock_of(uint32_t clock, uint32_t pid, struct cpu_clock *out);
/* Asks proc: only on a coroutine, suspends. ERR_NO_PROCESS: it is gone. */
struct cpu_use { ticks_t used; uint32_t parallel; };
error_t cpu_clock_read(const struct cpu_clock *, struct cpu_use *) /* MAY_YIELD */;
/* Expire when the clock shows `due` > 0, and then each `interval`. `now`: what it
 * shows; {due, 1} if that is not known. False: no memory, not armed. */
bool cpu_timer_set(struct cpu_timer *, ticks_t due, ticks_t interval, const struct cpu_use *now);
void cpu_timer_cancel(struct cpu_timer *);
/* After a restart: looks at once if it is armed. */
void cpu_timer_recover(struct cpu_timer *, struct process *, void (*expired)(struct cpu_timer *, uint64_t periods));
/* Nanoseconds until it is due, at least 1; 0 when it is not armed. */
int64_t cpu_timer_left_ns(const struct cpu_timer *, ticks_t used);

#endif
