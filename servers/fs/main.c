/* SPDX-License-Identifier: MIT */
/*
 * fs: start-up and main loop.
 *
 * Order: sessions for the other servers are open before anything long is done,
 * so that they can connect; then the root is filled from the boot archive, the
 * kernel's file systems are mounted, the stream modules attach their devices;
 * last, fs connects to proc and time and tells proc that init may start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libipc/executor.h>
#include <libipc/figures.h>
#include <libipc/server_trace.h>
#include <libipc/syscall.h>

#include "devices.h"
#include "forward.h"
#include "fs_server.h"
#include "mounts.h"
#include "peers.h"
#include "proc_client.h"
#include "process.h"
#include "procfs.h"
#include "random.h"
#include "segments.h"
#include "sessions.h"
#include "time_client.h"
#include "tmpfs.h"
#include "tracer.h"
#include "unpack.h"

#define CONNECT_TRIES   200000u

struct rpc_client proc_peer, time_peer[MAX_SHARDS];
uint32_t nr_time_peers;
const struct server_info *fs_info;
struct rpc_server fs_server;

/* ---- sessions and pages ---- */
void sessions_open(uint32_t slot) { rpc_session_open(&fs_server, slot); }
void sessions_close(uint32_t slot) { rpc_session_close(&fs_server, slot); }

const volatile struct proc_page *pages_proc(uint32_t slot)
{
    return (const volatile struct proc_page *)(SRV_PROC_PAGES + slot * PAGE_BYTES);
}

const volatile struct sig_page *pages_sig(uint32_t slot)
{
    return (const volatile struct sig_page *)(SRV_SIG_PAGES + slot * PAGE_BYTES);
}

struct fd_word *pages_fd(uint32_t slot)
{
    return (struct fd_word *)(SRV_FD_PAGES + slot * (FD_PAGES * PAGE_BYTES));
}

const volatile struct time_page *pages_time(void)
{
    return (const volatile struct time_page *)SRV_TIME_PAGE;
}

/* ---- start ---- */
static void check(error_t e, const char *what)
{
    if (e)
        printf("fs: %s failed: error %d\n", what, -e);
}

extern const struct trace_interface fs_trace;      /* generated: fs_trace.c */

static void start_executor(const struct server_info *info)
{
    struct exec_config config = {
        .notification = SRV_CAP_NOTIFICATION,
        .doorbell_mask = DOORBELL_MASK,
        .hart_page = (const volatile struct hart_page *)SRV_HART_PAGE,
        .hart = &info->hart,
        .nr_coroutines = info->nr_coroutines,
        .coroutine_stack_bytes = info->coroutine_stack_bytes,
    };

    check(exec_init(&config), "executor");
    check(rpc_server_init(&fs_server, &fs_interface, (struct session *)SRV_SESSIONS, NR_SLOTS, SRV_CAP_CLIENT_VSPACES,
                          SRV_CAP_CLIENT_DOORBELLS), "sessions");
    rpc_session_open(&fs_server, SERVER_PROC);
    for (uint32_t id; (id = server_shard(info, SERVER_TIME, nr_time_peers)) < NR_SERVERS; nr_time_peers++)
        rpc_session_open(&fs_server, id);
    rpc_figures_start(&fs_server, info);
    if (info->boot_flags & BOOT_TRACE)
        rpc_server_trace(&fs_server, &fs_trace);
    exec_add_server(&fs_server);
}

static void mount_type_at(const struct fs_type *type, const char *path, uint32_t flags)
{
    struct found at;
    error_t e = vfs_lookup(NULL, FS_AT_FDCWD, path, LOOKUP_DIRECTORY, &at);

    if (e) {
        e = vfs_mknod(NULL, FS_AT_FDCWD, path, S_IFDIR | 0755, 0, &at.path);
        if (e)
            check(e, path);
    }
    if (!e)
        check(vfs_mount(type, type->name, &at.path, flags, NULL), path);
}

static void fill_root(const struct server_info *info)
{
    vfs_register_type(&tmpfs_type);
    /* named so that df and mount show it: they leave out what is called rootfs */
    check(vfs_mount(&tmpfs_type, "tmpfs", NULL, 0, NULL), "root file system");
    vfs_root.dentry->inode->mode = S_IFDIR | 0755;
    check(unpack_boot_archive((const uint8_t *)SRV_ARCHIVE + info->archive_offset, info->archive_bytes),
          "unpacking the root file system");
    check(devfs_init(), "devfs");
    procfs_init();
    mount_type_at(&procfs_type, "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

/* The peer publishes its layout hash when it opens our session; it may still be starting. */
static void connect(struct rpc_client *client, uint32_t peer, uint64_t layout_hash)
{
    struct session *session = (struct session *)(SRV_CLIENT_SESSIONS + peer * SESSION_BYTES);
    error_t e = ERR_BAD_MESSAGE;

    for (unsigned i = 0; i < CONNECT_TRIES; i++) {
        e = rpc_client_init(client, session, &coro_rpc_env, SRV_CAP_DOORBELL + peer, SRV_CAP_NOTIFICATION,
                            layout_hash);
        if (!e)
            break;
        sys_yield();
    }
    check(e, peer == SERVER_PROC ? "connecting to proc" : "connecting to time");
    if (!e)
        exec_add_client(client);
}

/* Posting may have to wait for room in the ring, so it runs on a coroutine. */
static void boot_done(void *unused)
{
    (void)unused;
    proc_boot_ready(&proc_peer);
}

void server_main(const struct server_info *info)
{
    fs_info = info;
    fs_hart_page = (const volatile struct hart_page *)SRV_HART_PAGE;
    random_init(info->command_line);
    segments_init();
    process_init();
    devices_init();
    start_executor(info);
    fill_root(info);
    check(streams_init(info), "streams");
    check(forward_start(info), "nodes of components");
    tracer_start(info);
    connect(&proc_peer, SERVER_PROC, PROC_LAYOUT_HASH);
    for (uint32_t i = 0; i < nr_time_peers; i++)
        connect(&time_peer[i], server_shard(info, SERVER_TIME, i), TIME_LAYOUT_HASH);
    check(coro_spawn(boot_done, NULL, "boot"), "boot");
    exec_run();
}
