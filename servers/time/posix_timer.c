/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers (timer_create(2)). A timer's signal is pending at most once:
 * while proc shows it as pending, further expirations are counted as overrun.
 * Those of CPU-time clocks are cpu_timers; a thread's clock has a number here,
 * never the name CLOCK_THREAD_CPUTIME_ID.
 */
#include <libipc/executor.h>
#include <libipc/journal.h>
#include <proc_client.h>
#include <string.h>

#include "clock.h"
#include "state.h"

enum { NOTIFY_SIGNAL = 0, NOTIFY_NONE = 1, NOTIFY_THREAD_ID = 4 };
enum { TIMER_ABSTIME = 1, SI_TIMER = -2, NSIG = 64 };
#define MAX_OVERRUN 0x7fffffffu

static bool still_pending(const struct time_posix_timer *t)
{
    return t->signo != 0 && process_page(t->process->slot)->pending >> (t->signo - 1) & 1;
}

static uint32_t add_overrun(uint32_t a, uint64_t b)
{
    return b > MAX_OVERRUN - a ? MAX_OVERRUN : a + (uint32_t)b;
}

static void count(struct time_posix_timer *t, uint64_t periods)
{
    if (t->notify == NOTIFY_NONE)
        return;
    journal_save(t, sizeof *t);
    if (t->notify == NOTIFY_SIGNAL && still_pending(t)) {
        t->pending_overrun = add_overrun(t->pending_overrun, periods);
        return;
    }
    t->overrun = t->pending_overrun = add_overrun(0, periods - 1);
    journal_commit_with(&proc_client.session->header.sq_tail);
    proc_signal_process(&proc_client, process_pid(t->process), t->tid, t->signo, SI_TIMER, t->value);
}

static void expired(struct timer *timer, uint64_t periods)
{
    count((struct time_posix_timer *)((char *)timer - offsetof(struct time_posix_timer, timer)), periods);
}

static void cpu_expired(struct cpu_timer *timer, uint64_t periods)
{
    count((struct time_posix_timer *)((char *)timer - offsetof(struct time_posix_timer, cpu)), periods);
}

static bool is_used(const struct process *p, uint32_t id)
{
    return p->posix_used[id / 64] >> (id % 64) & 1;
}

static struct time_posix_timer *find(const struct rpc_call *call, uint32_t id)
{
    struct process *p = call->client < NR_SLOTS ? processes[call->client] : NULL;

    return p && id < MAX_POSIX_TIMERS && is_used(p, id) ? &p->posix[id] : NULL;
}

error_t time_lookup_posix_timer(struct rpc_call *call, uint32_t handle, uint32_t rights, struct time_posix_timer **out)
{
    (void)rights;               /* there are none */
    *out = find(call, handle);
    return *out ? 0 : ERR_INVALID_ARGUMENT;
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

/* What does not outlive this server. */
static void timer_recover(struct time_posix_timer *t)
{
    if (t->on_cpu) {
        cpu_timer_recover(&t->cpu, t->process, cpu_expired);
        return;
    }
    t->timer.process = t->process;
    t->timer.expired = expired;
    deadline_recover(&t->timer.deadline, timer_fire);
}

void posix_timers_recover(struct process *p)
{
    for (unsigned i = 0; i < MAX_POSIX_TIMERS; i++)
        if (is_used(p, i))
            timer_recover(&p->posix[i]);
}

error_t time_serve_timer_create(struct rpc_call *call, const struct time_timer_create_in *in,
                                struct time_timer_create_out *out)
{
    struct process *p;
    struct time_posix_timer *t;
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
    for (id = 0; id < MAX_POSIX_TIMERS && is_used(p, id); id++)
        ;
    if (id == MAX_POSIX_TIMERS)
        return ERR_AGAIN;
    t = &p->posix[id];
    if (!state_commit(t, sizeof *t))
        return ERR_NO_MEMORY;
    journal_begin(rpc_done_word(call));
    journal_save(&p->posix_used[id / 64], sizeof p->posix_used[0]);
    memset(t, 0, sizeof *t);
    t->process = p;
    t->id = id;
    t->clock = in->clock;
    t->notify = in->notify;
    t->value = in->value;
    t->signo = in->notify == NOTIFY_NONE ? 0 : in->signo;
    t->tid = in->notify == NOTIFY_THREAD_ID ? (uint32_t)in->tid : 0;
    t->on_cpu = on_cpu;
    if (on_cpu)
        t->cpu.clock = cpu;
    timer_recover(t);
    p->posix_used[id / 64] |= 1ul << (id % 64);
    out->timer = id;
    return 0;
}

/* For a timer of a CPU clock: what that shows. Suspends then, and the timer may be gone: ERR_INVALID_ARGUMENT. RPC_BLOCKS:
 * that is not known without a coroutine. */
static error_t read_clock(const struct rpc_call *call, const struct time_posix_timer *t, uint32_t id, struct cpu_use *now)
{
    struct cpu_clock clock;
    error_t error;

    if (!t->on_cpu)
        return 0;
    if (!coro_self())
        return RPC_BLOCKS;
    clock = t->cpu.clock;
    error = cpu_clock_read(&clock, now);
    if (call->cancelled || find(call, id) != t)
        return ERR_INVALID_ARGUMENT;
    return error;
}

static error_t set_cpu(struct time_posix_timer *t, const struct cpu_use *now, bool absolute, int64_t value_ns, int64_t interval_ns)
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
    struct cpu_use now = { 0, 1 };
    struct time_posix_timer *t = in->timer;
    bool realtime = false;
    error_t error;

    if (in->flags & ~(uint32_t)TIMER_ABSTIME || in->value_ns < 0 || in->interval_ns < 0)
        return ERR_INVALID_ARGUMENT;
    error = read_clock(call, t, in->timer_handle, &now);
    if (error)
        return error;
    journal_begin(rpc_done_word(call));
    journal_save(t, sizeof *t);
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
    struct cpu_use now = { 0, 1 };
    const struct time_posix_timer *t = in->timer;
    error_t error = read_clock(call, t, in->timer_handle, &now);

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
    struct time_posix_timer *t = in->timer;

    (void)call;
    if (!still_pending(t))
        t->overrun = t->pending_overrun;
    out->count = t->overrun;
    return 0;
}

static void timer_free(struct time_posix_timer *t)
{
    if (t->on_cpu)
        cpu_timer_cancel(&t->cpu);
    else
        deadline_cancel(&t->timer.deadline);
    t->process->posix_used[t->id / 64] &= ~(1ul << (t->id % 64));
}

error_t time_serve_timer_delete(struct rpc_call *call, const struct time_timer_delete_in *in,
                                struct time_timer_delete_out *out)
{
    struct time_posix_timer *t = in->timer;

    (void)out;
    journal_begin(rpc_done_word(call));
    journal_save(t, sizeof *t);
    journal_save(&t->process->posix_used[t->id / 64], sizeof t->process->posix_used[0]);
    timer_free(t);
    return 0;
}

void posix_timers_clear(struct process *p)
{
    for (unsigned i = 0; i < MAX_POSIX_TIMERS; i++)
        if (is_used(p, i))
            timer_free(&p->posix[i]);
}
