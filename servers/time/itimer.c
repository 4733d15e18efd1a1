/* SPDX-License-Identifier: MIT */
/*
 * setitimer(2). ITIMER_REAL runs on the monotonic clock. VIRTUAL and PROF count
 * CPU time, which nobody measures with an interrupt here: when so much wall time
 * has passed that the process could have used up what is left, proc is asked for
 * its CPU time, and the timer is armed again with the rest. So the signal comes
 * late by at most what the process runs on several harts at once, and an idle
 * process costs one question per remaining time.
 */
#include <proc_client.h>
#include <stdlib.h>

#include "clock.h"
#include "process.h"

enum { SIGALRM = 14, SIGVTALRM = 26, SIGPROF = 27, SI_KERNEL = 0x80 };
static const uint32_t signals[NR_ITIMERS] = { SIGALRM, SIGVTALRM, SIGPROF };
#define MIN_QUESTION_NS 1000000

static void send(struct itimer *it)
{
    uint32_t pid = process_pid(it->process);

    if (pid)
        proc_signal_process(&proc_client, pid, signals[it->which], SI_KERNEL, 0);
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

/* ---- CPU time ---- */

struct question {
    uint32_t slot, serial, which;
};

static error_t cpu_ticks(uint32_t pid, uint32_t which, ticks_t *out)
{
    struct proc_proc_stat stat;
    error_t error;

    if (which == ITIMER_PROF)
        return proc_cpu_time(&proc_client, (int32_t)pid, 0, out);
    error = proc_stat(&proc_client, pid, &stat);
    *out = stat.utime_ticks * (info->timebase_hz / 100);
    return error;
}

static error_t arm_question(struct itimer *it, ticks_t left)
{
    int64_t ns = clock_ticks_to_ns(left);

    return timer_set(&it->timer, false, false, ns < MIN_QUESTION_NS ? MIN_QUESTION_NS : ns, 0);
}

/* On a coroutine: may wait for proc, so everything is looked up again after. */
static void ask(void *arg)
{
    struct question *q = arg;
    struct process *p = processes[q->slot];
    struct itimer *it;
    ticks_t used = 0;
    error_t error = ERR_NO_PROCESS;

    if (p)
        error = cpu_ticks(process_pid(p), q->which, &used);
    p = processes[q->slot];
    it = p ? &p->itimer[q->which] : NULL;
    if (it && it->serial == q->serial) {
        it->asking = false;
        if (error) {
            it->due_ticks = 0;
        } else if (used < it->due_ticks) {
            arm_question(it, it->due_ticks - used);
        } else {
            it->due_ticks = it->interval_ticks ? used + it->interval_ticks : 0;
            if (it->due_ticks)
                arm_question(it, it->interval_ticks);
            send(it);
        }
    }
    free(q);
}

static void start_question(struct itimer *it)
{
    struct question *q = malloc(sizeof *q);

    if (q) {
        *q = (struct question){ it->process->slot, it->serial, it->which };
        if (coro_spawn(ask, q, "itimer") == 0) {
            it->asking = true;
            return;
        }
        free(q);
    }
    arm_question(it, 0);    /* nothing free now: try again a little later */
}

static void expired(struct timer *t, uint64_t periods)
{
    struct itimer *it = (struct itimer *)t;

    (void)periods;
    if (it->which == ITIMER_REAL)
        send(it);
    else if (it->due_ticks)
        start_question(it);
}

/* ---- requests ---- */

struct itimer_value { int64_t value_us, interval_us; };

static struct itimer_value current(const struct itimer *it, ticks_t used)
{
    if (it->which == ITIMER_REAL)
        return (struct itimer_value){ ns_to_us(timer_left_ns(&it->timer)), it->timer.interval_ns / 1000 };
    if (!it->due_ticks)
        return (struct itimer_value){ 0, clock_ticks_to_ns(it->interval_ticks) / 1000 };
    return (struct itimer_value){ it->due_ticks > used ? ns_to_us(clock_ticks_to_ns(it->due_ticks - used)) : 1,
                                  clock_ticks_to_ns(it->interval_ticks) / 1000 };
}

static error_t set_cpu_itimer(struct itimer *it, ticks_t used, int64_t value_us, int64_t interval_us)
{
    ticks_t value = clock_ns_to_ticks(us_to_ns(value_us));

    it->serial++;
    it->asking = false;
    it->interval_ticks = clock_ns_to_ticks(us_to_ns(interval_us));
    if (value_us == 0) {
        it->due_ticks = 0;
        return timer_set(&it->timer, false, false, 0, 0);
    }
    it->due_ticks = used + value;
    return arm_question(it, value);
}

error_t time_serve_setitimer(struct rpc_call *call, const struct time_setitimer_in *in, struct time_setitimer_out *out)
{
    struct process *p;
    struct itimer *it;
    struct itimer_value old;
    ticks_t used = 0;

    if (in->which >= NR_ITIMERS || in->value_us < 0 || in->interval_us < 0)
        return ERR_INVALID_ARGUMENT;
    p = process_get(call->client);
    if (!p)
        return ERR_NO_MEMORY;
    if (in->which != ITIMER_REAL) {
        error_t error;

        if (!coro_self())
            return RPC_BLOCKS;
        error = cpu_ticks(process_pid(p), in->which, &used);
        p = process_get(call->client);
        if (error || !p)
            return error ? error : ERR_NO_PROCESS;
    }
    it = &p->itimer[in->which];
    it->timer.expired = expired;
    it->process = p;
    it->which = (uint8_t)in->which;
    old = current(it, used);
    out->old_value_us = old.value_us;
    out->old_interval_us = old.interval_us;
    if (in->which != ITIMER_REAL)
        return set_cpu_itimer(it, used, in->value_us, in->interval_us);
    return timer_set(&it->timer, false, false, us_to_ns(in->value_us), us_to_ns(in->interval_us));
}

error_t time_serve_getitimer(struct rpc_call *call, const struct time_getitimer_in *in, struct time_getitimer_out *out)
{
    struct process *p = call->client < NR_SLOTS ? processes[call->client] : NULL;
    struct itimer_value v = { 0 };

    if (in->which >= NR_ITIMERS)
        return ERR_INVALID_ARGUMENT;
    if (p) {
        /* CPU timers: what was left when last looked at; exact would mean asking proc */
        struct itimer *it = &p->itimer[in->which];

        it->which = (uint8_t)in->which;
        v = current(it, it->due_ticks && in->which != ITIMER_REAL ?
                    it->due_ticks - clock_ns_to_ticks(timer_left_ns(&it->timer)) : 0);
    }
    out->value_us = v.value_us;
    out->interval_us = v.interval_us;
    return 0;
}

void itimers_clear(struct process *p)
{
    for (unsigned i = 0; i < NR_ITIMERS; i++) {
        deadline_cancel(&p->itimer[i].timer.deadline);
        p->itimer[i].serial++;
        p->itimer[i].due_ticks = 0;
    }
}
