/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c
 *        servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* Names: lookup, links, permissions, making, removing, the rename matrix. */
#include "names_fakes.h"

#include <stdio.h>

static struct fs_stat st;

static void lookup_follows_links_and_reports_loops(void **state)
{
    char text[64];

    (void)state;
    assert_int_equal(t_mkdir(SLOT_A, "/l", 0755), 0);
    t_touch(SLOT_A, "/l/file");
    assert_int_equal(t_symlink(SLOT_A, "file", "/l/rel"), 0);
    assert_int_equal(t_symlink(SLOT_A, "/l/rel", "/l/abs"), 0);
    assert_int_equal(t_symlink(SLOT_A, "..//l/./abs", "/l/up"), 0);
    assert_int_equal(t_symlink(SLOT_A, "loop2", "/l/loop1"), 0);
    assert_int_equal(t_symlink(SLOT_A, "loop1", "/l/loop2"), 0);
    assert_int_equal(t_symlink(SLOT_A, "/l/", "/l/dir"), 0);
    assert_int_equal(t_symlink(SLOT_A, "nothing", "/l/dangling"), 0);
    assert_int_equal(t_stat(SLOT_A, "/l/up", &st), 0);
    assert_true(S_ISREG(st.mode));
    assert_int_equal(t_lstat(SLOT_A, "/l/up", &st), 0);
    assert_true(S_ISLNK(st.mode));
    assert_int_equal(st.size, 11);
    assert_int_equal(t_stat(SLOT_A, "/l/loop1", &st), ERR_LOOP);
    assert_int_equal(t_stat(SLOT_A, "/l/dangling", &st), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, "/l/dir/dir/dir/file", &st), 0);
    assert_int_equal(t_lstat(SLOT_A, "/l/dir/", &st), 0);
    assert_true(S_ISDIR(st.mode));
    assert_int_equal(t_lstat(SLOT_A, "/l/rel/", &st), ERR_NOT_DIRECTORY);
    assert_int_equal(t_stat(SLOT_A, "/l/file/", &st), ERR_NOT_DIRECTORY);
    assert_int_equal(t_stat(SLOT_A, "/l/file/x", &st), ERR_NOT_DIRECTORY);
    assert_int_equal(t_stat(SLOT_A, "/l/missing/x", &st), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, "", &st), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, "/../../l/../l", &st), 0);
    assert_int_equal(t_readlink(SLOT_A, "/l/rel", text, 2), 2);
    assert_int_equal(t_readlink(SLOT_A, "/l/file", text, 64), ERR_INVALID_ARGUMENT);
}

static void chain_of_40_links_resolves_and_41_does_not(void **state)
{
    char from[32], to[32];

    (void)state;
    assert_int_equal(t_mkdir(SLOT_A, "/chain", 0755), 0);
    t_touch(SLOT_A, "/chain/0");
    for (int i = 1; i <= 41; i++) {
        sprintf(from, "%d", i - 1);
        sprintf(to, "/chain/%d", i);
        assert_int_equal(t_symlink(SLOT_A, from, to), 0);
    }
    assert_int_equal(t_stat(SLOT_A, "/chain/40", &st), 0);
    assert_int_equal(t_stat(SLOT_A, "/chain/41", &st), ERR_LOOP);
}

static void names_up_to_255_bytes_work(void **state)
{
    char path[300];

    (void)state;
    memset(path, 'n', sizeof path);
    path[0] = '/';
    path[256] = 0;
    t_touch(SLOT_A, path);
    assert_int_equal(t_stat(SLOT_A, path, &st), 0);
    path[256] = 'n';
    path[257] = 0;
    assert_int_equal(t_open(SLOT_A, path, O_CREAT | O_RDWR, 0644), ERR_NAME_TOO_LONG);
    path[256] = 0;
    assert_int_equal(t_rename(SLOT_A, path, "/short-one", 0), 0);
    assert_int_equal(t_rename(SLOT_A, "/short-one", path, 0), 0);
    assert_int_equal(t_unlink(SLOT_A, path), 0);
}

static void open_follows_its_rules(void **state)
{
    int64_t fd;

    (void)state;
    assert_int_equal(t_mkdir(SLOT_A, "/o", 0755), 0);
    assert_int_equal(t_open(SLOT_A, "/o/new", O_RDONLY, 0), ERR_NOT_FOUND);
    fd = t_open(SLOT_A, "/o/new", O_CREAT | O_EXCL | O_WRONLY, 0400);
    assert_true(fd >= 0);
    assert_int_equal(t_write(SLOT_A, fd, "abc", 3), 3);
    t_close(SLOT_A, fd);
    assert_int_equal(t_open(SLOT_A, "/o/new", O_CREAT | O_EXCL | O_WRONLY, 0644), ERR_EXISTS);
    assert_int_equal(t_open(SLOT_A, "/o", O_WRONLY, 0), ERR_IS_DIRECTORY);
    assert_int_equal(t_open(SLOT_A, "/o", O_CREAT | O_RDONLY, 0), ERR_IS_DIRECTORY);
    assert_int_equal(t_open(SLOT_A, "/o/x/", O_CREAT | O_WRONLY, 0644), ERR_IS_DIRECTORY);
    assert_int_equal(t_open(SLOT_A, "/o/new", O_DIRECTORY, 0), ERR_NOT_DIRECTORY);
    t_symlink(SLOT_A, "target", "/o/link");
    assert_int_equal(t_open(SLOT_A, "/o/link", O_NOFOLLOW | O_RDONLY, 0), ERR_LOOP);
    assert_int_equal(t_open(SLOT_A, "/o/link", O_CREAT | O_EXCL | O_WRONLY, 0644), ERR_EXISTS);
    fd = t_open(SLOT_A, "/o/link", O_CREAT | O_WRONLY, 0644);
    assert_true(fd >= 0);
    t_close(SLOT_A, fd);
    assert_int_equal(t_lstat(SLOT_A, "/o/target", &st), 0);
    assert_true(S_ISREG(st.mode));
    fd = t_open(SLOT_A, "/o/new", O_WRONLY | O_TRUNC, 0);
    assert_int_equal(t_fstat(SLOT_A, fd, &st), 0);
    assert_int_equal(st.size, 0);
    t_close(SLOT_A, fd);
    fd = t_open(SLOT_A, "/o/link", O_PATH | O_NOFOLLOW, 0);
    assert_true(fd >= 0);
    assert_int_equal(t_fstat(SLOT_A, fd, &st), 0);
    assert_true(S_ISLNK(st.mode));
    assert_int_equal(t_read(SLOT_A, fd, &st, 1), ERR_BAD_HANDLE);
    t_close(SLOT_A, fd);
}

static void permissions_go_by_class_group_and_capability(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/p", 0755);
    t_touch(SLOT_A, "/p/f");
    t_chown(SLOT_A, "/p/f", 1000, 50);
    t_chmod(SLOT_A, "/p/f", 0640);
    fake_identity(SLOT_B, 1001, 1001);
    assert_int_equal(t_open(SLOT_B, "/p/f", O_RDONLY, 0), ERR_ACCESS);
    fake_page(SLOT_B)->groups[0] = 50;
    fake_page(SLOT_B)->nr_groups = 1;
    assert_true(t_open(SLOT_B, "/p/f", O_RDONLY, 0) >= 0);
    assert_int_equal(t_open(SLOT_B, "/p/f", O_WRONLY, 0), ERR_ACCESS);
    assert_int_equal(t_access(SLOT_B, "/p/f", MAY_READ), 0);
    assert_int_equal(t_access(SLOT_B, "/p/f", MAY_EXEC), ERR_ACCESS);
    assert_int_equal(t_chmod(SLOT_B, "/p/f", 0777), ERR_PERMISSION);
    assert_int_equal(t_chown(SLOT_B, "/p/f", 1001, ~0u), ERR_PERMISSION);
    fake_identity(SLOT_B, 1000, 1000);
    t_chmod(SLOT_A, "/p/f", 0040);
    assert_int_equal(t_open(SLOT_B, "/p/f", O_RDONLY, 0), ERR_ACCESS);
    assert_true(t_open(SLOT_A, "/p/f", O_RDWR, 0) >= 0);
    assert_int_equal(t_access(SLOT_A, "/p/f", MAY_EXEC), ERR_ACCESS);
    t_chmod(SLOT_A, "/p", 0700);
    assert_int_equal(t_stat(SLOT_B, "/p/f", &st), ERR_ACCESS);
    assert_int_equal(t_open(SLOT_B, "/p/new", O_CREAT | O_WRONLY, 0644), ERR_ACCESS);
    fake_identity(SLOT_B, 0, 0);
}

static void sticky_directories_protect_names_of_others(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/sticky", 0777);
    t_chmod(SLOT_A, "/sticky", 01777);
    fake_identity(SLOT_B, 1000, 1000);
    t_touch(SLOT_B, "/sticky/mine");
    fake_identity(SLOT_B, 1001, 1001);
    t_touch(SLOT_B, "/sticky/other");
    assert_int_equal(t_unlink(SLOT_B, "/sticky/mine"), ERR_PERMISSION);
    assert_int_equal(t_rename(SLOT_B, "/sticky/mine", "/sticky/x", 0), ERR_PERMISSION);
    assert_int_equal(t_rename(SLOT_B, "/sticky/other", "/sticky/mine", 0), ERR_PERMISSION);
    assert_int_equal(t_unlink(SLOT_B, "/sticky/other"), 0);
    fake_identity(SLOT_B, 0, 0);
    assert_int_equal(t_unlink(SLOT_B, "/sticky/mine"), 0);
}

static void set_group_directories_hand_on_their_group(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/sgid", 0777);
    t_chown(SLOT_A, "/sgid", 0, 77);
    t_chmod(SLOT_A, "/sgid", 02777);
    fake_identity(SLOT_B, 1000, 1000);
    t_touch(SLOT_B, "/sgid/file");
    assert_int_equal(t_mkdir(SLOT_B, "/sgid/dir", 0755), 0);
    t_stat(SLOT_B, "/sgid/file", &st);
    assert_int_equal(st.gid, 77);
    t_stat(SLOT_B, "/sgid/dir", &st);
    assert_int_equal(st.gid, 77);
    assert_true(st.mode & S_ISGID);
    assert_int_equal(t_chmod(SLOT_B, "/sgid/file", 02755), 0);
    t_stat(SLOT_B, "/sgid/file", &st);
    assert_false(st.mode & S_ISGID);
    fake_identity(SLOT_B, 0, 0);
}

static void chown_and_writing_clear_set_id_bits(void **state)
{
    int64_t fd;

    (void)state;
    t_touch(SLOT_A, "/setid");
    t_chmod(SLOT_A, "/setid", 06777);
    t_chown(SLOT_A, "/setid", 5, ~0u);
    t_stat(SLOT_A, "/setid", &st);
    assert_int_equal(st.mode & 07777, 0777);
    t_chmod(SLOT_A, "/setid", 06777);
    fake_identity(SLOT_B, 1000, 1000);
    fd = t_open(SLOT_B, "/setid", O_WRONLY, 0);
    assert_int_equal(t_write(SLOT_B, fd, "x", 1), 1);
    t_stat(SLOT_A, "/setid", &st);
    assert_int_equal(st.mode & 07777, 0777);
    t_close(SLOT_B, fd);
    fake_identity(SLOT_B, 0, 0);
}

static void umask_applies_to_new_names(void **state)
{
    (void)state;
    fake_process(SLOT_A)->fs->umask = 027;
    t_mkdir(SLOT_A, "/um", 0777);
    t_stat(SLOT_A, "/um", &st);
    assert_int_equal(st.mode & 0777, 0750);
    fake_process(SLOT_A)->fs->umask = 0;
}

static void directories_count_their_links(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/d", 0755);
    t_mkdir(SLOT_A, "/d/a", 0755);
    t_mkdir(SLOT_A, "/d/b", 0755);
    t_stat(SLOT_A, "/d", &st);
    assert_int_equal(st.nlink, 4);
    assert_int_equal(t_rename(SLOT_A, "/d/a", "/d/b/a", 0), 0);
    t_stat(SLOT_A, "/d", &st);
    assert_int_equal(st.nlink, 3);
    t_stat(SLOT_A, "/d/b", &st);
    assert_int_equal(st.nlink, 3);
    assert_int_equal(t_rmdir(SLOT_A, "/d/b"), ERR_NOT_EMPTY);
    assert_int_equal(t_rmdir(SLOT_A, "/d/b/a"), 0);
    assert_int_equal(t_rmdir(SLOT_A, "/d/b"), 0);
    assert_int_equal(t_rmdir(SLOT_A, "/d/."), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_rmdir(SLOT_A, "/d/.."), ERR_NOT_EMPTY);
    assert_int_equal(t_rmdir(SLOT_A, "/"), ERR_BUSY);
    assert_int_equal(t_unlink(SLOT_A, "/d"), ERR_IS_DIRECTORY);
    t_stat(SLOT_A, "/d", &st);
    assert_int_equal(st.nlink, 2);
}

static void hard_links_share_the_file(void **state)
{
    struct fs_stat other;

    (void)state;
    t_touch(SLOT_A, "/h1");
    assert_int_equal(t_link(SLOT_A, "/h1", "/h2"), 0);
    t_stat(SLOT_A, "/h1", &st);
    t_stat(SLOT_A, "/h2", &other);
    assert_int_equal(st.ino, other.ino);
    assert_int_equal(st.nlink, 2);
    assert_int_equal(t_link(SLOT_A, "/h1", "/h2"), ERR_EXISTS);
    assert_int_equal(t_link(SLOT_A, "/d", "/h3"), ERR_PERMISSION);
    assert_int_equal(t_rename(SLOT_A, "/h1", "/h2", 0), 0);
    assert_int_equal(t_stat(SLOT_A, "/h1", &st), 0);
    t_unlink(SLOT_A, "/h1");
    t_stat(SLOT_A, "/h2", &st);
    assert_int_equal(st.nlink, 1);
}

/* What is at `from` and `to` (f file, d empty directory, D full directory, l link, - nothing), and what rename says. */
static const struct { char from, to; uint32_t flags; error_t want; } matrix[] = {
    { 'f', '-', 0, 0 }, { 'f', 'f', 0, 0 }, { 'f', 'l', 0, 0 }, { 'l', 'f', 0, 0 },
    { 'f', 'd', 0, ERR_IS_DIRECTORY }, { 'f', 'D', 0, ERR_IS_DIRECTORY },
    { 'd', '-', 0, 0 }, { 'd', 'f', 0, ERR_NOT_DIRECTORY }, { 'd', 'd', 0, 0 }, { 'd', 'D', 0, ERR_NOT_EMPTY },
    { 'D', 'd', 0, 0 }, { 'D', 'D', 0, ERR_NOT_EMPTY }, { 'D', '-', 0, 0 }, { '-', 'f', 0, ERR_NOT_FOUND },
    { '-', '-', 0, ERR_NOT_FOUND },
    { 'f', '-', RENAME_NOREPLACE, 0 }, { 'f', 'f', RENAME_NOREPLACE, ERR_EXISTS },
    { 'd', 'd', RENAME_NOREPLACE, ERR_EXISTS },
    { 'f', 'f', RENAME_EXCHANGE, 0 }, { 'f', 'D', RENAME_EXCHANGE, 0 }, { 'D', 'f', RENAME_EXCHANGE, 0 },
    { 'd', 'D', RENAME_EXCHANGE, 0 }, { 'f', '-', RENAME_EXCHANGE, ERR_NOT_FOUND },
    { 'f', 'f', RENAME_EXCHANGE | RENAME_NOREPLACE, ERR_INVALID_ARGUMENT }, { 'f', 'f', 4, ERR_INVALID_ARGUMENT },
};

static void make_thing(char kind, const char *path)
{
    char inside[128];

    switch (kind) {
    case 'f': t_touch(SLOT_A, path); break;
    case 'l': assert_int_equal(t_symlink(SLOT_A, "somewhere", path), 0); break;
    case 'd': case 'D': assert_int_equal(t_mkdir(SLOT_A, path, 0755), 0); break;
    }
    sprintf(inside, "%s/inside", path);
    if (kind == 'D')
        t_touch(SLOT_A, inside);
}

static uint64_t ino_of(const char *path)
{
    return t_lstat(SLOT_A, path, &st) ? 0 : st.ino;
}

static void remove_thing(const char *path)
{
    char inside[128];

    sprintf(inside, "%s/inside", path);
    t_unlink(SLOT_A, inside);
    if (t_unlink(SLOT_A, path))
        t_rmdir(SLOT_A, path);
    assert_int_equal(ino_of(path), 0);
}

static void rename_one(unsigned i, const char *from, const char *to)
{
    uint64_t ino_from, ino_to;
    bool exchange = matrix[i].flags == RENAME_EXCHANGE;

    make_thing(matrix[i].from, from);
    make_thing(matrix[i].to, to);
    ino_from = ino_of(from);
    ino_to = ino_of(to);
    assert_int_equal(t_rename(SLOT_A, from, to, matrix[i].flags), matrix[i].want);
    if (matrix[i].want) {
        assert_int_equal(ino_of(from), ino_from);
        assert_int_equal(ino_of(to), ino_to);
    } else {
        assert_int_equal(ino_of(to), ino_from);
        assert_int_equal(ino_of(from), exchange ? ino_to : 0);
    }
    remove_thing(from);
    remove_thing(to);
}

static void rename_does_what_the_matrix_says(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/r1", 0755);
    t_mkdir(SLOT_A, "/r2", 0755);
    for (unsigned i = 0; i < sizeof matrix / sizeof matrix[0]; i++) {
        rename_one(i, "/r1/from", "/r1/to");
        rename_one(i, "/r1/from", "/r2/to");
        rename_one(i, "/r1/a-name-that-is-longer-than-the-inline-room-of-a-dentry", "/r2/t");
        for (int k = 1; k <= 2; k++) {
            assert_int_equal(t_stat(SLOT_A, k == 1 ? "/r1" : "/r2", &st), 0);
            assert_int_equal(st.nlink, 2);
        }
    }
}

static void rename_refuses_to_make_a_cycle(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/c", 0755);
    t_mkdir(SLOT_A, "/c/d", 0755);
    t_mkdir(SLOT_A, "/c/d/e", 0755);
    assert_int_equal(t_rename(SLOT_A, "/c", "/c/d/e/c", 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_rename(SLOT_A, "/c", "/c/x", 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_rename(SLOT_A, "/c/d/e", "/c", 0), ERR_NOT_EMPTY);
    assert_int_equal(t_rename(SLOT_A, "/c/d/e", "/c", RENAME_EXCHANGE), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_rename(SLOT_A, "/c", "/c", 0), 0);
    assert_int_equal(t_rename(SLOT_A, "/c/.", "/z", 0), ERR_BUSY);
    t_touch(SLOT_A, "/c/f");
    assert_int_equal(t_rename(SLOT_A, "/c/f/", "/z", 0), ERR_NOT_DIRECTORY);
    assert_int_equal(t_rename(SLOT_A, "/c/f", "/z/", 0), ERR_NOT_DIRECTORY);
    assert_int_equal(t_rename(SLOT_A, "/c/d/", "/z/", 0), 0);
}

static void current_directory_survives_renaming_and_removal(void **state)
{
    char text[64] = { 0 };

    (void)state;
    t_mkdir(SLOT_A, "/w", 0755);
    t_mkdir(SLOT_A, "/w/x", 0755);
    assert_int_equal(t_chdir(SLOT_A, "/w/x"), 0);
    assert_int_equal(t_rename(SLOT_A, "/w", "/v", 0), 0);
    assert_int_equal(t_getcwd(SLOT_A, text, sizeof text), 5);  /* with its NUL */
    assert_string_equal(text, "/v/x");
    assert_int_equal(t_getcwd(SLOT_A, text, 2), ERR_RANGE_RESULT);
    assert_int_equal(t_rmdir(SLOT_A, "../x"), 0);
    assert_int_equal(t_getcwd(SLOT_A, text, sizeof text), ERR_NOT_FOUND);
    assert_int_equal(t_open(SLOT_A, "new", O_CREAT | O_WRONLY, 0644), ERR_NOT_FOUND);
    assert_int_equal(t_mkdir(SLOT_A, "new", 0755), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, ".", &st), 0);
    assert_int_equal(t_chdir(SLOT_A, ".."), 0);
    assert_int_equal(t_chdir(SLOT_A, "/"), 0);
}

static void mounts_cover_and_uncover(void **state)
{
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_mount_in in = { .source = "none", .target = "/mnt", .type = "tmpfs" };
    struct fs_umount_in un = { .target = "/mnt" };
    int64_t fd;

    (void)state;
    t_mkdir(SLOT_A, "/mnt", 0755);
    t_touch(SLOT_A, "/mnt/below");
    assert_int_equal(fs_serve_mount(&call, &in, NULL), 0);
    assert_int_equal(t_stat(SLOT_A, "/mnt/below", &st), ERR_NOT_FOUND);
    t_touch(SLOT_A, "/mnt/above");
    assert_int_equal(t_stat(SLOT_A, "/mnt/..", &st), 0);
    assert_int_equal(st.ino, ino_of("/"));
    assert_int_equal(t_rmdir(SLOT_A, "/mnt"), ERR_BUSY);
    assert_int_equal(t_rename(SLOT_A, "/mnt", "/mnt2", 0), ERR_BUSY);
    assert_int_equal(t_rename(SLOT_A, "/mnt/above", "/above", 0), ERR_CROSS_DEVICE);
    assert_int_equal(t_link(SLOT_A, "/mnt/above", "/above"), ERR_CROSS_DEVICE);
    fd = t_open(SLOT_A, "/mnt/above", O_RDONLY, 0);
    assert_int_equal(fs_serve_umount(&call, &un, NULL), ERR_BUSY);
    t_close(SLOT_A, fd);
    assert_int_equal(fs_serve_umount(&call, &un, NULL), 0);
    assert_int_equal(t_stat(SLOT_A, "/mnt/below", &st), 0);
    in.type = "nonsense";
    assert_int_equal(fs_serve_mount(&call, &in, NULL), ERR_NO_DEVICE);
    fake_identity(SLOT_A, 1, 1);
    assert_int_equal(fs_serve_mount(&call, &in, NULL), ERR_PERMISSION);
    fake_identity(SLOT_A, 0, 0);
}

static void chroot_is_a_root(void **state)
{
    struct rpc_call call = fake_call(SLOT_B, 0);
    struct fs_chroot_in in = { .path = "/jail" };
    struct path old = path_get(&fake_process(SLOT_B)->fs->root);

    (void)state;
    t_mkdir(SLOT_A, "/jail", 0755);
    t_mkdir(SLOT_A, "/jail/in", 0755);
    t_symlink(SLOT_A, "/in", "/jail/link");
    assert_int_equal(fs_serve_chroot(&call, &in, NULL), 0);
    assert_int_equal(t_stat(SLOT_B, "/../../in", &st), 0);
    assert_int_equal(t_stat(SLOT_B, "/link", &st), 0);
    assert_int_equal(t_stat(SLOT_B, "/jail", &st), ERR_NOT_FOUND);
    path_put(&fake_process(SLOT_B)->fs->root);
    fake_process(SLOT_B)->fs->root = old;
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup_follows_links_and_reports_loops),
        cmocka_unit_test(chain_of_40_links_resolves_and_41_does_not),
        cmocka_unit_test(names_up_to_255_bytes_work),
        cmocka_unit_test(open_follows_its_rules),
        cmocka_unit_test(permissions_go_by_class_group_and_capability),
        cmocka_unit_test(sticky_directories_protect_names_of_others),
        cmocka_unit_test(set_group_directories_hand_on_their_group),
        cmocka_unit_test(chown_and_writing_clear_set_id_bits),
        cmocka_unit_test(umask_applies_to_new_names),
        cmocka_unit_test(directories_count_their_links),
        cmocka_unit_test(hard_links_share_the_file),
        cmocka_unit_test(rename_does_what_the_matrix_says),
        cmocka_unit_test(rename_refuses_to_make_a_cycle),
        cmocka_unit_test(current_directory_survives_renaming_and_removal),
        cmocka_unit_test(mounts_cover_and_uncover),
        cmocka_unit_test(chroot_is_a_root),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
