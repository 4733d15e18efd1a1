/* SPDX-License-Identifier: MIT */
/* Sleeping until a time of the realtime clock, and setting that clock. */
#include <stdlib.h>

#include "clock.h"
#include "process.h"

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

error_t time_serve_set_realtime(struct rpc_call *call, const struct time_set_realtime_in *in,
                                struct time_set_realtime_out *out)
{
    (void)out;
    if (call->client < FIRST_PROCESS_SLOT || process_page(call->client)->euid != 0)
        return ERR_PERMISSION;
    if (in->ns < 0)
        return ERR_INVALID_ARGUMENT;
    clock_set_realtime(in->ns);
    deadlines_clock_changed();
    return 0;
}
