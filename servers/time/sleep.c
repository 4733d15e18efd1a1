/* SPDX-License-Identifier: MIT */
/* Sleeping until a time of the realtime clock or a clock of CPU time, and setting
 * the realtime clock. */
#include <stdlib.h>

#include "clock.h"
#include "process.h"
#include "shards.h"

struct sleeper {
    struct deadline deadline;
    struct rpc_call *call;
};

static void finish(struct sleeper *s, error_t error)
{
    struct rpc_call *call = s->call;

    deadline_cancel(&s->deadline);
    free(s);
    time_sleep_until_reply(call, error, NULL);
}

static void on_deadline(struct deadline *d)
{
    finish((struct sleeper *)d, 0);
}

static void on_cancel(struct rpc_call *call)
{
    finish(call->context, ERR_CANCELLED);
}

error_t time_serve_sleep_until(struct rpc_call *call, const struct time_sleep_until_in *in,
                               struct time_sleep_until_out *out)
{
    struct sleeper *s;
    bool realtime;

    (void)out;
    if (clock_is_realtime(in->clock, &realtime))
        return ERR_INVALID_ARGUMENT;
    if (in->deadline_ns <= clock_monotonic_ns() + (realtime ? clock_realtime_offset() : 0))
        return 0;
    s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->deadline.fire = on_deadline;
    s->call = rpc_park(call, on_cancel, s);
    if (!s->call) {
        free(s);
        return ERR_NO_BUFFERS;
    }
    if (!deadline_set(&s->deadline, in->deadline_ns, realtime)) {
        finish(s, ERR_NO_MEMORY);
        return RPC_PENDING;
    }
    return RPC_PENDING;
}

/* ---- on CPU time ---- */

struct cpu_sleeper {
    struct cpu_timer timer;
    struct rpc_call *call;
};

static void cpu_finish(struct cpu_sleeper *s, error_t error)
{
    struct rpc_call *call = s->call;

    cpu_timer_cancel(&s->timer);
    free(s);
    time_cpu_sleep_reply(call, error, NULL);
}

static void cpu_expired(struct cpu_timer *t, uint64_t periods)
{
    (void)periods;
    cpu_finish((struct cpu_sleeper *)t, 0);
}

static void cpu_cancel(struct rpc_call *call)
{
    cpu_finish(call->context, ERR_CANCELLED);
}

error_t time_serve_cpu_sleep(struct rpc_call *call, const struct time_cpu_sleep_in *in, struct time_cpu_sleep_out *out)
{
    struct cpu_clock clock;
    struct cpu_sleeper *s;
    ticks_t due;

    (void)out;
    if (call->client >= NR_SLOTS || !cpu_clock_of(in->clock, process_page(call->client)->pid, &clock))
        return ERR_INVALID_ARGUMENT;
    due = clock_ns_to_ticks(in->cpu_ns);
    if (due == 0)
        return 0;
    s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->timer.expired = cpu_expired;
    s->timer.clock = clock;
    s->call = rpc_park(call, cpu_cancel, s);
    if (!s->call) {
        free(s);
        return ERR_NO_BUFFERS;
    }
    /* What the clock shows is found out at the first look. */
    if (!cpu_timer_set(&s->timer, due, 0, &(struct cpu_use){ due, 1 }))
        cpu_finish(s, ERR_NO_MEMORY);
    return RPC_PENDING;
}

/* A process with the right to, or a shard on behalf of one, of which it has asked this. */
static bool may_set_clock(uint32_t client)
{
    return client < FIRST_PROCESS_SLOT ? server_is(info, client, SERVER_TIME) : process_page(client)->euid == 0;
}

error_t time_serve_set_realtime(struct rpc_call *call, const struct time_set_realtime_in *in,
                                struct time_set_realtime_out *out)
{
    (void)out;
    if (!may_set_clock(call->client))
        return ERR_PERMISSION;
    if (in->ns < clock_monotonic_ns() || in->ns > REALTIME_MAX_NS)
        return ERR_INVALID_ARGUMENT;
    return shards_set_realtime(in->ns);
}
