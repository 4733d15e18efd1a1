/* SPDX-License-Identifier: MIT */
/*
 * time: clocks, the shared time page, timers and sleeps that must follow a clock
 * change. Reading clocks and ordinary sleeping happen without it, in the
 * processes, from the time page and by the kernel's own deadlines.
 */
#include <fs_client.h>
#include <libipc/serve.h>
#include <proc_client.h>

#include "clock.h"
#include "rtc.h"
#include "state.h"

const struct server_info *const info = (const struct server_info *)SRV_INFO;
struct rpc_server server;
struct rpc_client proc_client, fs_client;

extern const struct trace_interface time_trace;    /* generated: time_trace.c */

void server_main(const struct server_info *);
void server_main(const struct server_info *self)
{
    clock_init((struct time_page *)SRV_TIME_PAGE, info->timebase_hz, rtc_read(info));
    state_open((struct time_state *)SRV_STATE);     /* before sessions are taken over */
    serve_init(self, &server, &time_interface, &time_trace);
    rpc_session_open(&server, SERVER_PROC);
    rpc_session_open(&server, SERVER_FS);
    serve_connect(&proc_client, SERVER_PROC, PROC_LAYOUT_HASH);
    serve_connect(&fs_client, SERVER_FS, FS_LAYOUT_HASH);
    exec_run();
}
