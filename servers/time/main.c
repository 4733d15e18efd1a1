/* SPDX-License-Identifier: MIT */
/*
 * time: clocks, the shared time page, timers and sleeps that must follow a clock
 * change. Reading clocks and ordinary sleeping happen without it, in the
 * processes, from the time page and by the kernel's own deadlines. There may be
 * several of it, with processes of its own each (shards.h).
 */
#include <fs_client.h>
#include <libipc/serve.h>
#include <proc_client.h>
#include <time_client.h>

#include "clock.h"
#include "rtc.h"
#include "shards.h"
#include "state.h"

const struct server_info *const info = (const struct server_info *)SRV_INFO;
struct rpc_server server;
struct rpc_client proc_client, fs_client;

extern const struct trace_interface time_trace;    /* generated: time_trace.c */

/* The first and each other are clients of one another. */
static void connect_shards(void)
{
    uint32_t self = shard_self();

    for (uint32_t i = 0; i < shard_count(); i++) {
        uint32_t id = server_shard(info, SERVER_TIME, i);

        if (i == self || (i && self))
            continue;
        rpc_session_open(&server, id);
        serve_connect(&shard_client[i], id, TIME_LAYOUT_HASH);
    }
}

/* What time it is now: the RTC's, without one that of the boot archive, without that 0. */
static int64_t began_ns(void)
{
    int64_t rtc_ns = rtc_read(info);

    return rtc_ns ? rtc_ns : info->made_s * 1000000000;
}

void server_main(const struct server_info *);
void server_main(const struct server_info *self)
{
    struct time_page *page = (struct time_page *)SRV_TIME_PAGE;

    if (shard_self())
        clock_join(page, info->timebase_hz);
    else
        clock_init(page, info->timebase_hz, began_ns());
    state_open((struct time_state *)SRV_STATE);     /* before sessions are taken over */
    serve_init(self, &server, &time_interface, &time_trace);
    rpc_session_open(&server, SERVER_PROC);
    rpc_session_open(&server, SERVER_FS);
    serve_connect(&proc_client, SERVER_PROC, PROC_LAYOUT_HASH);
    serve_connect(&fs_client, SERVER_FS, FS_LAYOUT_HASH);
    connect_shards();
    if (!shard_self())
        shards_clock_changed();
    exec_run();
}
