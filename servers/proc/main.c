/* SPDX-License-Identifier: MIT */
/*
 * proc: the process server. One executor; every request is answered from
 * memory and the kernel's answers, so almost none needs a coroutine (exec and
 * fork do when they must wait for the reaper).
 *
 * Start: tables, personality header, reaper, sessions with fs and time, then
 * the loop. init is started when fs says that the root file system is there.
 */
#include <fs_client.h>
#include <libipc/figures.h>
#include <libipc/server_trace.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time_client.h>

#include "events.h"
#include "process.h"
#include "reaper.h"
#include "vm.h"

const struct server_info *const info = (const struct server_info *)SRV_INFO;
struct rpc_server server;
struct rpc_client fs_client, time_client[MAX_SHARDS];
uint32_t nr_time_shards, time_server[MAX_SHARDS];

ticks_t now(void)
{
    return exec_now();
}

void proc_say(const char *format, ...)
{
    char line[160];
    int n = snprintf(line, sizeof line, "proc: "), m;
    va_list args;

    va_start(args, format);
    m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    va_end(args);
    n += m < 0 ? 0 : m;
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    sys_debug_write(SRV_CAP_PLATFORM, line, (size_t)n);
}

static void check(error_t error, const char *what)
{
    if (!error)
        return;
    proc_say("cannot %s: error %d", what, error);
    abort();
}

static void connect(struct rpc_client *client, unsigned id, uint64_t hash)
{
    struct session *session = (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES);

    check(rpc_client_init(client, session, &coro_rpc_env, SRV_CAP_DOORBELL + id, SRV_CAP_NOTIFICATION, hash),
          "connect to a server");
    exec_add_client(client);
}

static void find_time(void)
{
    uint32_t id;

    while (nr_time_shards < MAX_SHARDS && (id = server_shard(info, SERVER_TIME, nr_time_shards)) < NR_SERVERS)
        time_server[nr_time_shards++] = id;
}

extern const struct trace_interface proc_trace;    /* generated: proc_trace.c */

void server_main(const struct server_info *);
void server_main(const struct server_info *self)
{
    struct exec_config config = {
        .notification = SRV_CAP_NOTIFICATION, .doorbell_mask = DOORBELL_MASK,
        .hart_page = (const volatile struct hart_page *)SRV_HART_PAGE, .hart = &info->hart,
        .nr_coroutines = info->nr_coroutines, .coroutine_stack_bytes = info->coroutine_stack_bytes,
    };

    (void)self;
    check(exec_init(&config), "start the executor");
    find_time();
    tables_init();
    vm_init();
    check(vm_read_personality(), "read the personality's header");
    check(reaper_init(), "start the reaper");
    check(rpc_server_init(&server, &proc_interface, (struct session *)SRV_SESSIONS, NR_SLOTS, SRV_CAP_CLIENT_VSPACES,
                          SRV_CAP_CLIENT_DOORBELLS), "open the sessions");
    exec_add_server(&server);
    rpc_session_open(&server, SERVER_FS);
    connect(&fs_client, SERVER_FS, FS_LAYOUT_HASH);
    for (unsigned i = 0; i < nr_time_shards; i++) {
        rpc_session_open(&server, time_server[i]);
        connect(&time_client[i], time_server[i], TIME_LAYOUT_HASH);
    }
    rpc_figures_start(&server, info);
    if (info->boot_flags & BOOT_TRACE)
        rpc_server_trace(&server, &proc_trace);
    exec_run();
}
