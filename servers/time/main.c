/* SPDX-License-Identifier: MIT */
/*
 * time: clocks, the shared time page, timers and sleeps that must follow a clock
 * change. Reading clocks and ordinary sleeping happen without it, in the
 * processes, from the time page and by the kernel's own deadlines.
 */
#include <fs_client.h>
#include <libipc/figures.h>
#include <libipc/server_trace.h>
#include <proc_client.h>
#include <stdlib.h>

#include "clock.h"
#include "process.h"
#include "rtc.h"

const struct server_info *const info = (const struct server_info *)SRV_INFO;
struct rpc_server server;
struct rpc_client proc_client, fs_client;

static void check(error_t error)
{
    if (error)
        abort();
}

static void connect(struct rpc_client *client, unsigned id, uint64_t hash)
{
    struct session *session = (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES);

    check(rpc_client_init(client, session, &coro_rpc_env, SRV_CAP_DOORBELL + id, SRV_CAP_NOTIFICATION, hash));
    exec_add_client(client);
}

extern const struct trace_interface time_trace;    /* generated: time_trace.c */

void server_main(const struct server_info *);
void server_main(const struct server_info *self)
{
    struct exec_config config = {
        .notification = SRV_CAP_NOTIFICATION, .doorbell_mask = DOORBELL_MASK,
        .hart_page = (const volatile struct hart_page *)SRV_HART_PAGE, .hart = info->hart,
        .nr_coroutines = info->nr_coroutines, .coroutine_stack_bytes = info->coroutine_stack_bytes,
    };

    (void)self;
    check(exec_init(&config));
    clock_init((struct time_page *)SRV_TIME_PAGE, info->timebase_hz, rtc_read(info));
    check(rpc_server_init(&server, &time_interface, (struct session *)SRV_SESSIONS, NR_SLOTS, SRV_CAP_CLIENT_VSPACES,
                          SRV_CAP_CLIENT_DOORBELLS));
    exec_add_server(&server);
    rpc_session_open(&server, SERVER_PROC);
    rpc_session_open(&server, SERVER_FS);
    connect(&proc_client, SERVER_PROC, PROC_LAYOUT_HASH);
    connect(&fs_client, SERVER_FS, FS_LAYOUT_HASH);
    rpc_figures_start();
    if (info->boot_flags & BOOT_TRACE)
        rpc_server_trace(&server, &time_trace);
    exec_run();
}
