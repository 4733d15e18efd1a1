/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers (timer_create(2)). A timer's signal is pending at most once:
 * while proc shows it as pending, further expirations are counted as overrun.
 * Those of CPU-time clocks are cpu_timers; a thread's clock has a number here,
 * never the name CLOCK_THREAD_CPUTIME_ID.
 */
#include <libipc/executor.h>
#include <proc_client.h>
#include <stdlib.h>

#include "clock.h"
#include "process.h"

enum { NOTIFY_SIGNAL = 0, NOTIFY_NONE = 1, NOTIFY_THREAD_ID = 4 };
enum { TIMER_ABSTIME = 1, SI_TIMER = -2, NSIG = 64 };
#define MAX_OVERRUN 0x7fffffffu

static bool still_pending(const struct posix_timer *t)
{
    return t->signo != 0 && process_page(t->process->slot)->pending >> (t->signo - 1) & 1;
}

static uint32_t add_overrun(uint32_t a, uint64_t b)
{
    return b > MAX_OVERRUN - a ? MAX_OVERRUN : a + (uint32_t)b;
}

static void count(struct posix_timer *t, uint64_t periods)
{
    uint32_t pid;

    if (t->notify == NOTIFY_NONE)
        return;
    if (t->notify == NOTIFY_SIGNAL && still_pending(t)) {
        t->pending_overrun = add_overrun(t->pending_overrun, periods);
        return;
    }
    t->overrun = t->pending_overrun = add_overrun(0, periods - 1);
    pid = process_pid(t->process);
    if (pid)
        proc_signal_process(&proc_client, pid, t->tid, t->signo, SI_TIMER, t->value);
}

static void expired(struct timer *timer, uint64_t periods)
{
    count((struct posix_timer *)((char *)timer - offsetof(struct posix_timer, timer)), periods);
}

static void cpu_expired(struct cpu_timer *timer, uint64_t periods)
{
    count((struct posix_timer *)((char *)timer - offsetof(struct posix_timer, cpu)), periods);
}

static struct posix_timer *find(const struct rpc_call *call, uint32_t id)
{
    struct process *p = call->client < NR_SLOTS ? processes[call->client] : NULL;

    return p && id < MAX_POSIX_TIMERS ? p->posix[id] : NULL;
}

/* A thread of the caller; proc looks again when the signal comes. */
static bool has_thread(const struct rpc_call *call, int32_t tid)
{
    const volatile struct proc_page *page = process_page(call->client);

    for (unsigned i = 0; tid > 0 && i < VM_MAX_THREADS; i++)
        if (page->thread[i].tid == (uint32_t)tid)
            return true;
    return false;
}

error_t time_serve_timer_create(struct rpc_call *call, const struct time_timer_create_in *in,
                                struct time_timer_create_out *out)
{
    struct process *p;
    struct posix_timer *t;
    struct cpu_clock cpu;
    bool realtime, on_cpu;
    uint32_t id;

    on_cpu = call->client < NR_SLOTS && cpu_clock_of(in->clock, process_page(call->client)->pid, &cpu);
    if (!on_cpu && clock_is_realtime(in->clock, &realtime))
        return ERR_INVALID_ARGUMENT;
    if (in->notify != NOTIFY_NONE && in->notify != NOTIFY_SIGNAL && in->notify != NOTIFY_THREAD_ID)
        return ERR_INVALID_ARGUMENT;
    if (in->notify != NOTIFY_NONE && (in->signo == 0 || in->signo > NSIG))
        return ERR_INVALID_ARGUMENT;
    if (in->notify == NOTIFY_THREAD_ID && !has_thread(call, in->tid))
        return ERR_INVALID_ARGUMENT;
    p = process_get(call->client);
    if (!p)
        return ERR_NO_MEMORY;
    for (id = 0; id < MAX_POSIX_TIMERS && p->posix[id]; id++)
        ;
    if (id == MAX_POSIX_TIMERS)
        return ERR_AGAIN;
    t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NO_MEMORY;
    *t = (struct posix_timer){ .process = p, .id = id, .clock = in->clock, .notify = in->notify, .value = in->value,
                               .signo = in->notify == NOTIFY_NONE ? 0 : in->signo,
                               .tid = in->notify == NOTIFY_THREAD_ID ? (uint32_t)in->tid : 0 };
    t->timer.expired = expired;
    t->cpu.expired = cpu_expired;
    t->on_cpu = on_cpu;
    if (on_cpu)
        t->cpu.clock = cpu;
    p->posix[id] = t;
    p->nr_posix++;
    out->timer = id;
    return 0;
}

/* The timer, and for one of a CPU clock what that shows. RPC_BLOCKS: that is not
 * known without a coroutine. */
static error_t get(const struct rpc_call *call, uint32_t id, struct posix_timer **out, struct cpu_use *now)
{
    struct posix_timer *t = find(call, id);
    struct cpu_clock clock;
    error_t error;

    *out = t;
    if (!t || !t->on_cpu)
        return t ? 0 : ERR_INVALID_ARGUMENT;
    if (!coro_self())
        return RPC_BLOCKS;
    clock = t->cpu.clock;
    error = cpu_clock_read(&clock, now);
    if (call->cancelled || find(call, id) != t)
        return ERR_INVALID_ARGUMENT;
    return error;
}

static error_t set_cpu(struct posix_timer *t, const struct cpu_use *now, bool absolute, int64_t value_ns, int64_t interval_ns)
{
    ticks_t value = clock_ns_to_ticks(value_ns);

    cpu_timer_cancel(&t->cpu);
    t->cpu.interval = clock_ns_to_ticks(interval_ns);
    if (value == 0)
        return 0;
    return cpu_timer_set(&t->cpu, absolute ? value : now->used + value, t->cpu.interval, now) ? 0 : ERR_NO_MEMORY;
}

error_t time_serve_timer_settime(struct rpc_call *call, const struct time_timer_settime_in *in,
                                 struct time_timer_settime_out *out)
{
    struct cpu_use now;
    struct posix_timer *t;
    bool realtime = false;
    error_t error;

    if (in->flags & ~(uint32_t)TIMER_ABSTIME || in->value_ns < 0 || in->interval_ns < 0)
        return ERR_INVALID_ARGUMENT;
    error = get(call, in->timer, &t, &now);
    if (error)
        return error;
    t->overrun = t->pending_overrun = 0;
    if (t->on_cpu) {
        out->old_value_ns = cpu_timer_left_ns(&t->cpu, now.used);
        out->old_interval_ns = clock_ticks_to_ns(t->cpu.interval);
        return set_cpu(t, &now, in->flags & TIMER_ABSTIME, in->value_ns, in->interval_ns);
    }
    clock_is_realtime(t->clock, &realtime);
    out->old_value_ns = timer_left_ns(&t->timer);
    out->old_interval_ns = t->timer.interval_ns;
    return timer_set(&t->timer, realtime, in->flags & TIMER_ABSTIME, in->value_ns, in->interval_ns);
}

error_t time_serve_timer_gettime(struct rpc_call *call, const struct time_timer_gettime_in *in,
                                 struct time_timer_gettime_out *out)
{
    struct cpu_use now;
    struct posix_timer *t;
    error_t error = get(call, in->timer, &t, &now);

    if (error == ERR_NO_PROCESS)    /* whose clock it is has ended */
        return 0;
    if (error)
        return error;
    out->value_ns = t->on_cpu ? cpu_timer_left_ns(&t->cpu, now.used) : timer_left_ns(&t->timer);
    out->interval_ns = t->on_cpu ? clock_ticks_to_ns(t->cpu.interval) : t->timer.interval_ns;
    return 0;
}

error_t time_serve_timer_overrun(struct rpc_call *call, const struct time_timer_overrun_in *in,
                                 struct time_timer_overrun_out *out)
{
    struct posix_timer *t = find(call, in->timer);

    if (!t)
        return ERR_INVALID_ARGUMENT;
    if (!still_pending(t))
        t->overrun = t->pending_overrun;
    out->count = t->overrun;
    return 0;
}

static void timer_free(struct posix_timer *t)
{
    deadline_cancel(&t->timer.deadline);
    cpu_timer_cancel(&t->cpu);
    t->process->posix[t->id] = NULL;
    t->process->nr_posix--;
    free(t);
}

error_t time_serve_timer_delete(struct rpc_call *call, const struct time_timer_delete_in *in,
                                struct time_timer_delete_out *out)
{
    struct posix_timer *t = find(call, in->timer);

    (void)out;
    if (!t)
        return ERR_INVALID_ARGUMENT;
    timer_free(t);
    return 0;
}

void posix_timers_clear(struct process *p)
{
    for (unsigned i = 0; i < MAX_POSIX_TIMERS && p->nr_posix; i++)
        if (p->posix[i])
            timer_free(p->posix[i]);
}
