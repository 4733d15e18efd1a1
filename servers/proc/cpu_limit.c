/* SPDX-License-Identifier: MIT */
/*
 * RLIMIT_CPU (getrlimit(2)): SIGXCPU at the soft limit and each second after it,
 * which moves the soft limit on as on Linux; SIGKILL at the hard one.
 *
 * Nobody counts CPU time with an interrupt. Each process with a limit has a
 * timer, due at the earliest time at which its threads, each on a hart of its
 * own, could reach the limit; then the time used is asked of the kernel.
 */
#include "cpu_limit.h"

#include "accounting.h"
#include "signal.h"

/* The next look is not nearer: the limit is noticed late by this much, or by the
 * second when the process has not run since the last look. */
#define SHORTEST_LOOK_MS 4
#define IDLE_LOOK_MS     100

static ticks_t limit_ticks(uint64_t seconds)
{
    ticks_t ticks;

    return __builtin_mul_overflow(seconds, (ticks_t)info->timebase_hz, &ticks) ? UINT64_MAX : ticks;
}

static void look(struct exec_timer *timer)
{
    struct process *p = (struct process *)((char *)timer - offsetof(struct process, cpu_timer));
    uint64_t *limit = p->image->page->rlimit[RLIMIT_CPU];
    ticks_t used, left, least;
    struct cpu_use use;

    if (!is_live(p) || limit[0] == RLIM_INFINITY)
        return;
    account_process(p, &use);
    used = use.user + use.system;
    if (used >= limit_ticks(limit[1])) {
        signal_simple(p, SIGKILL);
        return;
    }
    if (used >= limit_ticks(limit[0])) {
        limit[0]++;
        signal_simple(p, SIGXCPU);
        if (!is_live(p))
            return;
    }
    left = limit_ticks(limit[0] < limit[1] ? limit[0] : limit[1]);
    left = left > used ? left - used : 0;
    least = info->timebase_hz / 1000 * (used == p->cpu_seen ? IDLE_LOOK_MS : SHORTEST_LOOK_MS);
    left /= account_parallel(p);
    p->cpu_seen = used;
    if (left < DEADLINE_NONE / 2)
        exec_timer_set(&p->cpu_timer, now() + (left > least ? left : least));
}

void cpu_limit_changed(struct process *p)
{
    exec_timer_cancel(&p->cpu_timer);
    if (p->image->page->rlimit[RLIMIT_CPU][0] == RLIM_INFINITY)
        return;
    p->cpu_timer.fire = look;
    exec_timer_set(&p->cpu_timer, now());
}
