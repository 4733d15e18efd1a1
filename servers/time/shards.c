/* SPDX-License-Identifier: MIT */
/* Several instances of this server, and one realtime clock; see shards.h. */
#include "shards.h"

#include <time_client.h>

#include "clock.h"
#include "process.h"

struct rpc_client shard_client[MAX_SHARDS];

uint32_t shard_self(void)
{
    return info->peer[info->server_id].shard;
}

uint32_t shard_count(void)
{
    uint32_t n = 0;

    while (n < MAX_SHARDS && server_shard(info, SERVER_TIME, n) < NR_SERVERS)
        n++;
    return n;
}

/* At the first: in the rings of all others? */
static bool have_room(void)
{
    for (uint32_t i = 1; i < shard_count(); i++)
        if (!rpc_has_room(&shard_client[i]))
            return false;
    return true;
}

void shards_clock_changed(void)
{
    for (uint32_t i = 1; i < shard_count(); i++)
        time_clock_changed(&shard_client[i]);
}

error_t shards_set_realtime(int64_t realtime_ns)
{
    if (shard_self() != 0) {
        error_t error = coro_self() ? time_set_realtime(&shard_client[0], realtime_ns) : RPC_BLOCKS;

        if (!error)
            deadlines_clock_changed();  /* before the answer; its event may come later */
        return error;
    }
    while (!have_room()) {      /* or who sets the clock all day would fill our memory */
        if (!coro_self())
            return RPC_BLOCKS;
        for (uint32_t i = 1; i < shard_count(); i++)
            rpc_await_room(&shard_client[i]);
    }
    clock_set_realtime(realtime_ns);
    deadlines_clock_changed();
    shards_clock_changed();
    return 0;
}

error_t time_serve_clock_changed(struct rpc_call *call, const struct time_clock_changed_in *in)
{
    (void)in;
    if (!server_is(info, call->client, SERVER_TIME))
        return ERR_PERMISSION;
    deadlines_clock_changed();
    return 0;
}
