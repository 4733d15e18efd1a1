/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c
 *        servers/fs/serve_mounts.c servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* inotify: limits of a user, and that no watch outlives its inode or its instance. What the events are, tests/compat says. */
#include "names_fakes.h"

#include "inotify.h"

#include <stdio.h>

static int64_t init(uint32_t slot)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_inotify_init_in in = { .flags = O_NONBLOCK };
    struct fs_inotify_init_out out = { 0 };
    error_t e = fs_serve_inotify_init(&call, &in, &out);

    return e ? e : (int64_t)out.fd;
}

static int64_t add(uint32_t slot, int64_t fd, const char *path, uint32_t mask)
{
    struct rpc_call call = fake_call(slot, 0);
    struct fs_inotify_add_watch_in in = { .fd = (int32_t)fd, .path = path, .path_bytes = (uint32_t)strlen(path), .mask = mask };
    struct fs_inotify_add_watch_out out = { 0 };
    error_t e = fs_serve_inotify_add_watch(&call, &in, &out);

    return e ? e : out.wd;
}

static error_t rm(uint32_t slot, int64_t fd, int32_t wd)
{
    struct rpc_call call = fake_call(slot, 0);

    return SERVE_FILE(inotify_rm_watch, FS_FILE_USE, &call, fd, NULL, .wd = wd);
}

static void one_user_cannot_take_what_others_need(void **state)
{
    int64_t fd[129];
    char path[32];

    (void)state;
    fake_identity(SLOT_B, 1000, 1000);
    for (int i = 0; i < 128; i++)
        assert_true((fd[i] = init(SLOT_B)) >= 0);
    assert_int_equal(init(SLOT_B), ERR_TOO_MANY_FILES);
    t_mkdir(SLOT_A, "/w", 0777);
    for (int i = 0; i < 16384; i++) {
        sprintf(path, "/w/%d", i);
        t_touch(SLOT_A, path);
        assert_true(add(SLOT_B, fd[i % 2], path, IN_ATTRIB) > 0);
    }
    assert_int_equal(add(SLOT_B, fd[5], "/w", IN_ATTRIB), ERR_NO_SPACE);
    /* another user */
    fd[128] = init(SLOT_A);
    assert_true(fd[128] >= 0);
    assert_true(add(SLOT_A, fd[128], "/w", IN_ATTRIB) > 0);
    assert_int_equal(inotify_nr_watches, 16385);
    assert_int_equal(rm(SLOT_B, fd[0], 1), 0);
    assert_true(add(SLOT_B, fd[5], "/w", IN_ATTRIB) > 0);
    for (int i = 0; i < 128; i++)
        assert_int_equal(t_close(SLOT_B, fd[i]), 0);
    assert_int_equal(inotify_nr_watches, 1);
    t_close(SLOT_A, fd[128]);
    assert_int_equal(inotify_nr_watches, 0);
    fake_identity(SLOT_B, 0, 0);
}

static void a_name_kept_while_nobody_watched_is_not_told(void **state)
{
    struct old_name old;
    struct found found;
    uint8_t buffer[512];
    int64_t fd;

    (void)state;
    memset(&old, 0xff, sizeof old);
    t_mkdir(SLOT_A, "/kept", 0755);
    assert_int_equal(vfs_lookup(NULL, FS_AT_FDCWD, "/kept", 0, &found), 0);
    old_name_keep(&old, found.path.dentry);
    assert_true((fd = init(SLOT_A)) >= 0);
    assert_true(add(SLOT_A, fd, "/kept", IN_DELETE) > 0);
    old_name_event(found.path.dentry, &old, IN_DELETE, 0);
    assert_int_equal(t_read(SLOT_A, fd, buffer, sizeof buffer), ERR_WOULD_BLOCK);
    old_name_keep(&old, found.path.dentry);
    old_name_event(found.path.dentry, &old, IN_DELETE, 0);
    assert_true(t_read(SLOT_A, fd, buffer, sizeof buffer) > 0);
    t_close(SLOT_A, fd);
}

static uint64_t seed = 0x9e3779b97f4a7c15ul;
static unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % n;
}

static const char *random_path(void)
{
    static char path[4][40];
    static unsigned turn;
    char *p = path[turn++ % 4];

    sprintf(p, "/storm/%c", "abc"[rnd(3)]);
    if (rnd(2))
        sprintf(p + strlen(p), "/%c", "abc"[rnd(3)]);
    return p;
}

static void a_storm_of_changes_leaves_no_watch_behind(void **state)
{
    static uint8_t buffer[4096];
    int64_t fd[4] = { -1, -1, -1, -1 }, open_file = -1, n;
    uint64_t bytes = 0;

    (void)state;
    t_mkdir(SLOT_A, "/storm", 0755);
    for (int i = 0; i < 60000; i++) {
        const char *a = random_path(), *b = random_path();
        int64_t *at = &fd[rnd(4)], f;

        switch (rnd(14)) {
        case 0: t_mkdir(SLOT_A, a, 0755); break;
        case 1: t_rmdir(SLOT_A, a); break;
        case 2: t_unlink(SLOT_A, a); break;
        case 3: t_rename(SLOT_A, a, b, rnd(4) ? 0 : RENAME_EXCHANGE); break;
        case 4: t_link(SLOT_A, a, b); break;
        case 5: t_chmod(SLOT_A, a, 0700 + rnd(0100)); break;
        case 6:
            f = t_open(SLOT_A, a, O_CREAT | O_RDWR | (rnd(2) ? O_TRUNC : 0), 0644);
            if (f >= 0) {
                t_write(SLOT_A, f, "x", 1);
                t_close(SLOT_A, f);
            }
            break;
        case 7:
            if (open_file >= 0)
                t_close(SLOT_A, open_file);
            open_file = t_open(SLOT_A, a, O_RDONLY, 0);
            break;
        case 8:
            if (*at < 0)
                *at = init(SLOT_A);
            else if (rnd(8) == 0) {
                assert_int_equal(t_close(SLOT_A, *at), 0);
                *at = -1;
            }
            break;
        case 9:
            if (*at >= 0)
                rm(SLOT_A, *at, (int32_t)(1 + rnd(40)));
            break;
        case 10:
            if (*at >= 0 && (n = t_read(SLOT_A, *at, buffer, sizeof buffer)) > 0)
                bytes += (uint64_t)n;
            break;
        default:
            if (*at >= 0)
                add(SLOT_A, *at, a, 1u << rnd(12) | (rnd(4) ? 0xfff : 0) | (rnd(8) ? 0 : 0x80000000u));
            break;
        }
    }
    assert_true(bytes > 100000);
    if (open_file >= 0)
        t_close(SLOT_A, open_file);
    for (int i = 0; i < 4; i++)
        if (fd[i] >= 0)
            t_close(SLOT_A, fd[i]);
    assert_int_equal(inotify_nr_watches, 0);
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_user_cannot_take_what_others_need),
        cmocka_unit_test(a_name_kept_while_nobody_watched_is_not_told),
        cmocka_unit_test(a_storm_of_changes_leaves_no_watch_behind),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
