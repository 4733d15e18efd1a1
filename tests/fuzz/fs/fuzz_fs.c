/* SPDX-License-Identifier: MIT */
/* build: tests/fuzz/server/world.c tests/fuzz/fs/segments_fake.c libipc/src/client.c libipc/src/client_drain.c libipc/src/client_post.c
 *  libipc/src/client_args.c
 *  libipc/src/server.c libipc/src/call.c libipc/src/job.c libipc/src/coro.c libipc/src/coro_switch.S libipc/src/timer.c
 *  libipc/src/executor.c libipc/src/coro_env.c libipc/src/figures.c build/gen/fs_server.c build/gen/time_client.c build/gen/proc_client.c; tree:
 *  servers/fs -main.c -unpack.c -cpio.c -tracer.c;
 *  include: tests/fuzz/server servers servers/fs libipc/include microkernel/abi build/gen */
/* fuzz: runs=1500; max_len=700 */
/* fs under any requests of four clients, which share a tree, terminals, pipes and sockets. When they are gone, the tree is
 * taken apart, and as many inodes and mounts must be left as at the start. */
#include <fs_fuzz.h>
#include <fs_server.h>
#include <proc_client.h>
#include <stdio.h>
#include <string.h>
#include <time_client.h>

#include "devices.h"
#include "mounts.h"
#include "peers.h"
#include "process.h"
#include "procfs.h"
#include "random.h"
#include "segments.h"
#include "segments_fake.h"
#include "sessions.h"
#include "tmpfs.h"
#include "world.h"

struct rpc_client proc_peer, time_peer[MAX_SHARDS];
uint32_t nr_time_peers = 1;
const struct server_info *fs_info = &world_info;
struct rpc_server fs_server;
static uint64_t nr_inodes;
static struct mount *pts;               /* attached nowhere; shows the terminals' nodes */

void sessions_open(uint32_t slot) { rpc_session_open(&fs_server, slot); }
void sessions_close(uint32_t slot) { rpc_session_close(&fs_server, slot); }
const volatile struct proc_page *pages_proc(uint32_t slot) { return world_page(slot); }
const volatile struct sig_page *pages_sig(uint32_t slot)
{
    return (const volatile struct sig_page *)(SRV_SIG_PAGES + slot * PAGE_BYTES);
}
struct fd_word *pages_fd(uint32_t slot) { return (struct fd_word *)(SRV_FD_PAGES + slot * (FD_PAGES * PAGE_BYTES)); }
const volatile struct time_page *pages_time(void) { return (const volatile struct time_page *)SRV_TIME_PAGE; }

static void must(error_t e, const char *what)
{
    if (e != 0)
        world_fail(what);
}

static void connect(struct rpc_client *client, unsigned id, uint64_t hash)
{
    must(rpc_client_init(client, (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES), &coro_rpc_env, SRV_CAP_DOORBELL + id,
                         SRV_CAP_NOTIFICATION, hash), "cannot connect");
    exec_add_client(client);
}

static void mount_at_name(const char *type, const char *path)
{
    struct found at;

    if (vfs_lookup(NULL, FS_AT_FDCWD, path, LOOKUP_DIRECTORY, &at) != 0)
        must(vfs_mknod(NULL, FS_AT_FDCWD, path, S_IFDIR | 0755, 0, &at.path), "no directory to mount on");
    must(vfs_mount(vfs_find_type(type), type, &at.path, 0, NULL), "cannot mount");
}

static void mount_all(void)
{
    struct mount *copy;
    struct found at;

    mount_at_name("devtmpfs", "/dev");
    must(vfs_lookup(NULL, FS_AT_FDCWD, "/dev/pts", LOOKUP_DIRECTORY, &at), "no /dev/pts");
    must(mount_copy_tree(pts, pts->root, false, &copy), "cannot copy a mount");
    must(mount_graft(copy, &at.path), "cannot attach a mount");
    mount_at_name("proc", "/proc");
}

static void unmount_all(void)
{
    while (mounts->next != NULL)
        must(vfs_umount(mounts->next, MNT_DETACH), "cannot unmount");
}

static void remove_all(struct dentry *dir)
{
    while (dir->first_child != NULL) {
        struct dentry *d = dir->first_child;

        if (S_ISDIR(d->inode->mode)) {
            remove_all(d);
            must(vfs_rmdir(NULL, d), "cannot remove a directory");
        } else {
            must(vfs_unlink(NULL, d), "cannot remove a file");
        }
    }
}

static void start(void)
{
    struct found at;

    random_init("test");
    segments_init();
    process_init();
    devices_init();
    vfs_register_type(&tmpfs_type);
    must(vfs_mount(&tmpfs_type, "tmpfs", NULL, 0, NULL), "no root");
    must(devfs_init(), "no /dev");
    procfs_init();
    must(streams_init(fs_info), "no streams");
    connect(&proc_peer, SERVER_PROC, PROC_LAYOUT_HASH);
    connect(&time_peer[0], SERVER_TIME, TIME_LAYOUT_HASH);
    must(vfs_lookup(NULL, FS_AT_FDCWD, "/dev/pts", LOOKUP_DIRECTORY, &at), "no /dev/pts");
    must(mount_copy_tree(at.path.mnt, at.path.dentry, false, &pts), "cannot copy a mount");
    unmount_all();
    remove_all(vfs_root.dentry);
    nr_inodes = vfs_root.dentry->inode->sb->nr_inodes;
}

/* ---- processes, as proc tells ---- */

static void identity(uint32_t slot, unsigned kind)
{
    /* No CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER: /dev stays as it is. */
    static const uint64_t caps[] = { 0, 1ul << 21, ~0xful, 0 };
    struct proc_page *page = world_page(slot);
    uint32_t id = 1000 + kind % 2;

    page->ruid = page->euid = page->suid = page->fsuid = id;
    page->rgid = page->egid = page->sgid = page->fsgid = kind & 4 ? 1000 : id;
    page->nr_groups = 0;
    page->cap_effective = caps[kind % 4];
    page->dumpable = kind < 8;
}

static void fill_page(uint32_t slot, uint32_t pid)
{
    struct proc_page *page = world_page(slot);

    ((struct slot_map *)SRV_PROC_PAGES)->used[slot / 64] |= 1ul << slot % 64;
    page->in_use = 1;
    page->pid = page->pgid = page->sid = page->thread[0].tid = pid;
    page->ppid = 1;
    page->state = 'S';
    for (int i = 0; i < 16; i++)
        page->rlimit[i][0] = page->rlimit[i][1] = UINT64_MAX;
    page->rlimit[FS_RLIMIT_NOFILE][0] = 64;
    identity(slot, slot);
}

static void close(uint32_t slot)
{
    world_event(SERVER_PROC, FS_METHOD_PROCESS_CLOSE, slot, 0, 0);
    ((struct slot_map *)SRV_PROC_PAGES)->used[slot / 64] &= ~(1ul << slot % 64);
    world_page(slot)->in_use = 0;
}

static void open(uint32_t slot, uint64_t ticket)
{
    fill_page(slot, slot);
    world_event(SERVER_PROC, FS_METHOD_PROCESS_OPEN, slot, ticket, 0);
}

static void begin(void)
{
    mount_all();
    vfs_root.dentry->inode->mode = S_IFDIR | 0777;
    for (uint32_t i = 0; i < WORLD_CLIENTS; i++)
        open(FIRST_PROCESS_SLOT + i, 0);
}

static void execute(uint32_t from, uint32_t to, bool succeeds)
{
    close(to);
    fill_page(to, world_page(from)->pid);
    world_event(SERVER_PROC, FS_METHOD_PROCESS_EXEC, from | (uint64_t)to << 32, 0, 0);
    if (succeeds) {
        world_event(SERVER_PROC, FS_METHOD_PROCESS_EXEC, from | (uint64_t)to << 32, 1, 0);
        close(from);
        open(from, 0);
    }
}

static void event(struct input *in, unsigned kind)
{
    uint8_t b = (uint8_t)input_number(in, 1);
    uint32_t slot = FIRST_PROCESS_SLOT + b % WORLD_CLIENTS, other = FIRST_PROCESS_SLOT + b / 4u % WORLD_CLIENTS;

    switch (kind) {
    case 0:
        close(slot);
        open(slot, 0);
        break;
    case 1:
        if (slot == other)
            break;
        close(other);
        open(other, world_value(in, 8));
        break;
    case 2:
        if (slot != other)
            execute(slot, other, b & 0x80);
        break;
    case 3:
        identity(slot, b / 16u);
        world_page(slot)->rlimit[1][0] = b & 0x40 ? 8192 : UINT64_MAX;
        break;
    case 4:
        world_event(SERVER_PROC, FS_METHOD_SIGNALS_PENDING, slot, world_value(in, 8), 0);
        break;
    default:
        if (b & 0x80)
            world_event(SERVER_TIME, FS_METHOD_TIMER_FIRED, world_value(in, 8), b % 4, 0);
        else
            world_event(SERVER_PROC, FS_METHOD_SESSION_ENDED, slot, 0, 0);
        break;
    }
}

static void finish(void)
{
    for (uint32_t i = 0; i < WORLD_CLIENTS; i++)
        close(FIRST_PROCESS_SLOT + i);
    unmount_all();
    vfs_root.mnt->flags = vfs_root.dentry->inode->sb->flags = 0;
    vfs_root.mnt->unbindable = false;
    group_make_private(vfs_root.mnt);
    remove_all(vfs_root.dentry);
    world_settle();
    if (vfs_root.dentry->inode->sb->nr_inodes != nr_inodes)
        world_fail("inodes are left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const text[] = {
        "", "a", "b", "a/b", "/a", "/", ".", "..", "a/..", "/a/b/c", "c", "d", "/dev/null", "/dev/ptmx", "/dev/pts/0", "/dev/tty", "/dev/zero",
        "/dev/random", "/dev/full", "/dev/pts", "/proc/self/fd/0", "/proc/self/fd", "/proc/self/maps", "/proc/self/mem", "/proc/self/stat",
        "/proc/self/exe", "/proc/self/cwd", "/proc/self/comm", "/proc/self/task/16/comm", "/proc/self/mountinfo", "/proc/mounts", "/proc/meminfo",
        "/proc/17/status", "/proc/16/fd/1", "/proc", "/proc/atoll/counters", "/proc/self/fdinfo/0", "/proc/stat", "/proc/locks",
        "/proc/sys/kernel/hostname", "tmpfs", "proc", "devtmpfs", "a/", "./a", "//a", "/proc/self/root/a", "/dev", "e", "f/g", "f",
        NULL,
    };
    static const struct world_server self = {
        .self = SERVER_FS, .interface = &fs_interface, .method = fs_fuzz_methods,
        .nr_methods = sizeof fs_fuzz_methods / sizeof fs_fuzz_methods[0], .server = &fs_server, .start = start, .event = event,
        .begin = begin, .finish = finish, .invoke = fake_segments_invoke, .text = text,
    };
    return world_run(&self, data, size);
}
