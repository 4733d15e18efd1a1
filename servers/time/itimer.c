/* SPDX-License-Identifier: MIT */
/*
 * setitimer(2). ITIMER_REAL runs on the monotonic clock. VIRTUAL and PROF count
 * CPU time (cpu_timer.h); what a request has to know of it is asked of proc, on a
 * coroutine.
 */
#include <libipc/executor.h>
#include <libipc/journal.h>
#include <proc_client.h>

#include "clock.h"
#include "process.h"

enum { SIGALRM = 14, SIGVTALRM = 26, SIGPROF = 27, SI_KERNEL = 0x80 };
static const uint32_t signals[NR_ITIMERS] = { SIGALRM, SIGVTALRM, SIGPROF };

static void send(struct itimer *it)
{
    journal_commit_with(&proc_client.session->header.sq_tail);
    proc_signal_process(&proc_client, process_pid(it->process), 0, signals[it->which], SI_KERNEL, 0);
}

static int64_t us_to_ns(int64_t us)
{
    int64_t ns;

    return __builtin_mul_overflow(us, 1000, &ns) ? INT64_MAX : ns;
}

/* Microseconds, rounded up, so that a running timer never shows 0. */
static int64_t ns_to_us(int64_t ns)
{
    return ns / 1000 + (ns % 1000 != 0);
}

static void expired(struct timer *t, uint64_t periods)
{
    (void)periods;
    send((struct itimer *)((char *)t - offsetof(struct itimer, timer)));
}

static void cpu_expired(struct cpu_timer *t, uint64_t periods)
{
    (void)periods;
    send((struct itimer *)((char *)t - offsetof(struct itimer, cpu)));
}

/* ---- requests ---- */

struct itimer_value { int64_t value_us, interval_us; };

static struct itimer_value current(const struct itimer *it, ticks_t used)
{
    if (it->which == ITIMER_REAL)
        return (struct itimer_value){ ns_to_us(timer_left_ns(&it->timer)), it->timer.interval_ns / 1000 };
    return (struct itimer_value){ ns_to_us(cpu_timer_left_ns(&it->cpu, used)), clock_ticks_to_ns(it->cpu.interval) / 1000 };
}

/* The caller's timer, and for one of CPU time what the clock shows. RPC_BLOCKS:
 * that is not known without a coroutine. */
static error_t get(const struct rpc_call *call, uint32_t which, struct itimer **out, struct cpu_use *now)
{
    struct process *p;

    if (which >= NR_ITIMERS)
        return ERR_INVALID_ARGUMENT;
    p = process_get(call->client);
    if (!p)
        return ERR_NO_MEMORY;
    if (which != ITIMER_REAL) {
        struct cpu_clock clock = { .pid = (int32_t)process_pid(p), .user_only = which == ITIMER_VIRTUAL };
        error_t error;

        if (!coro_self())
            return RPC_BLOCKS;
        error = cpu_clock_read(&clock, now);
        p = call->cancelled ? NULL : process_get(call->client);
        if (error || !p)
            return error ? error : ERR_NO_PROCESS;
        p->itimer[which].cpu.clock = clock;
    }
    *out = &p->itimer[which];
    return 0;
}

static error_t set_cpu(struct itimer *it, const struct cpu_use *now, int64_t value_us, int64_t interval_us)
{
    ticks_t interval = clock_ns_to_ticks(us_to_ns(interval_us));

    if (value_us)
        return cpu_timer_set(&it->cpu, now->used + clock_ns_to_ticks(us_to_ns(value_us)), interval, now) ? 0 : ERR_NO_MEMORY;
    cpu_timer_cancel(&it->cpu);
    it->cpu.interval = interval;
    return 0;
}

error_t time_serve_setitimer(struct rpc_call *call, const struct time_setitimer_in *in, struct time_setitimer_out *out)
{
    struct cpu_use now = { 0, 1 };
    struct itimer_value old;
    struct itimer *it;
    error_t error;

    if (in->value_us < 0 || in->interval_us < 0)
        return ERR_INVALID_ARGUMENT;
    error = get(call, in->which, &it, &now);
    if (error)
        return error;
    old = current(it, now.used);
    out->old_value_us = old.value_us;
    out->old_interval_us = old.interval_us;
    journal_begin(rpc_done_word(call));
    if (in->which != ITIMER_REAL) {
        journal_save(&it->cpu, sizeof it->cpu);
        return set_cpu(it, &now, in->value_us, in->interval_us);
    }
    journal_save(&it->timer, sizeof it->timer);
    return timer_set(&it->timer, false, false, us_to_ns(in->value_us), us_to_ns(in->interval_us));
}

error_t time_serve_getitimer(struct rpc_call *call, const struct time_getitimer_in *in, struct time_getitimer_out *out)
{
    struct cpu_use now = { 0, 1 };
    struct itimer_value v;
    struct itimer *it;
    error_t error = get(call, in->which, &it, &now);

    if (error)
        return error;
    v = current(it, now.used);
    out->value_us = v.value_us;
    out->interval_us = v.interval_us;
    return 0;
}

void itimers_recover(struct process *p)
{
    for (unsigned i = 0; i < NR_ITIMERS; i++) {
        struct itimer *it = &p->itimer[i];

        it->process = p;
        it->which = (uint8_t)i;
        it->timer.process = p;
        it->timer.expired = expired;
        deadline_recover(&it->timer.deadline, timer_fire);
        cpu_timer_recover(&it->cpu, p, cpu_expired);
    }
}

void itimers_clear(struct process *p)
{
    for (unsigned i = 0; i < NR_ITIMERS; i++) {
        deadline_cancel(&p->itimer[i].timer.deadline);
        cpu_timer_cancel(&p->itimer[i].cpu);
    }
}
