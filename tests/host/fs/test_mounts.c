/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/names_fakes.c servers/fs/wait.c servers/fs/io.c servers/fs/segments.c servers/fs/process.c
 *        servers/fs/fdtable.c servers/fs/lease.c servers/fs/dcache.c servers/fs/lookup.c servers/fs/permission.c
 *        servers/fs/names.c servers/fs/superblock.c servers/fs/mounts.c servers/fs/propagation.c servers/fs/serve_mounts.c
 *        servers/fs/tmpfs.c servers/fs/devices.c servers/fs/random.c servers/fs/open.c
 *        servers/fs/rw.c servers/fs/attributes.c servers/fs/serve_names.c servers/fs/transfer.c servers/fs/locks.c
 *        servers/fs/pipe.c servers/fs/text.c servers/fs/inotify.c;
 * include: servers/fs libipc/include microkernel/abi build/gen tests/host/fs */
/* Mounts: bind, move, flags, propagation, what keeps a mount busy; and a storm of them, checked after each step. */
#include "names_fakes.h"

#include <stdio.h>

static struct fs_stat st;

static error_t mount_with(const char *source, const char *target, const char *type, uint64_t flags)
{
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_mount_in in = { .source = source, .target = target, .type = type, .flags = flags };

    return fs_serve_mount(&call, &in, NULL);
}

static error_t tmpfs_at(const char *target) { return mount_with("none", target, "tmpfs", 0); }
static error_t bind_at(const char *from, const char *to) { return mount_with(from, to, "", MS_BIND); }
static error_t change(const char *target, uint64_t flags) { return mount_with("", target, "", flags); }

static error_t umount_with(const char *target, uint32_t flags)
{
    struct rpc_call call = fake_call(SLOT_A, 0);
    struct fs_umount_in in = { .target = target, .flags = flags };

    return fs_serve_umount(&call, &in, NULL);
}

static bool there(const char *path) { return !t_stat(SLOT_A, path, &st); }

static unsigned nr_attached(void)
{
    unsigned n = 0;

    for (struct mount *m = mounts; m; m = m->next)
        n++;
    return n;
}

static struct mount *at_path(const char *path)
{
    struct found at;

    assert_int_equal(vfs_lookup(NULL, FS_AT_FDCWD, path, LOOKUP_FOLLOW, &at), 0);
    return at.path.mnt;
}

/* ---- what must hold after each request ---- */
static void check_tree(void)
{
    for (struct mount *m = mounts; m; m = m->next) {
        unsigned seen = 0;

        assert_true(m->attached && m->refs >= 1 && m->sb->root && m->sb->nr_mounts);
        assert_true(m == vfs_root.mnt || m->parent);
        assert_true(m->root == m->sb->root || dentry_is_below(m->root, m->sb->root) || dentry_is_gone(m->root));
        if (m->parent) {
            assert_true(m->parent->attached && m->at->mounted);
            assert_ptr_equal(mount_at(m->parent, m->at), m);
            for (struct mount *c = m->parent->first_child; c; c = c->next_sibling)
                seen += c == m;
            assert_int_equal(seen, 1);
        }
        if (!m->group)
            continue;
        seen = 0;
        for (struct mount *member = m->group->members; member; member = member->next_member) {
            assert_ptr_equal(member->group, m->group);
            assert_true(member->attached);
            seen += member == m;
        }
        assert_int_equal(seen, 1);
        assert_true(m->group->id || (m->group->master && !m->next_member && !m->group->first_slave));
        for (struct peer_group *s = m->group->first_slave; s; s = s->next_slave)
            assert_true(s->master == m->group && s->members && m->group->id);
    }
}

/* ---- one thing at a time ---- */
static void bind_shows_a_directory_at_two_places(void **state)
{
    char text[64];
    int64_t fd;

    (void)state;
    t_mkdir(SLOT_A, "/b", 0755);
    t_mkdir(SLOT_A, "/b/from", 0755);
    t_mkdir(SLOT_A, "/b/from/sub", 0755);
    t_mkdir(SLOT_A, "/b/to", 0755);
    t_touch(SLOT_A, "/b/from/f");
    assert_int_equal(bind_at("/b/from", "/b/to"), 0);
    assert_true(there("/b/to/f"));
    t_touch(SLOT_A, "/b/to/g");
    assert_true(there("/b/from/g"));
    assert_int_equal(t_rename(SLOT_A, "/b/from/f", "/b/to/f2", 0), ERR_CROSS_DEVICE);
    assert_int_equal(t_link(SLOT_A, "/b/from/f", "/b/to/f2"), ERR_CROSS_DEVICE);
    assert_int_equal(t_rename(SLOT_A, "/b/to/f", "/b/to/f2", 0), 0);
    assert_true(there("/b/from/f2"));
    assert_int_equal(t_chdir(SLOT_A, "/b/to/sub"), 0);
    assert_int_equal(t_getcwd(SLOT_A, text, sizeof text), 10);
    assert_string_equal(text, "/b/to/sub");
    assert_int_equal(t_chdir(SLOT_A, "../.."), 0);
    t_getcwd(SLOT_A, text, sizeof text);
    assert_string_equal(text, "/b");
    assert_int_equal(t_chdir(SLOT_A, "to/sub"), 0);
    assert_int_equal(umount_with("/b/to", 0), ERR_BUSY);
    assert_int_equal(t_chdir(SLOT_A, "/"), 0);
    fd = t_open(SLOT_A, "/b/to/g", O_RDONLY, 0);
    assert_int_equal(umount_with("/b/to", 0), ERR_BUSY);
    t_close(SLOT_A, fd);
    assert_int_equal(t_rmdir(SLOT_A, "/b/to"), ERR_BUSY);
    assert_int_equal(t_rename(SLOT_A, "/b/to", "/b/else", 0), ERR_BUSY);
    assert_int_equal(umount_with("/b/to", 0), 0);
    assert_false(there("/b/to/g"));
    assert_int_equal(umount_with("/b/to", 0), ERR_INVALID_ARGUMENT);
    check_tree();
}

static void bind_of_a_file_and_its_errors(void **state)
{
    char byte;
    int64_t fd;

    (void)state;
    t_mkdir(SLOT_A, "/f", 0755);
    t_mkdir(SLOT_A, "/f/dir", 0755);
    t_touch(SLOT_A, "/f/a");
    t_touch(SLOT_A, "/f/b");
    fd = t_open(SLOT_A, "/f/a", O_WRONLY, 0);
    t_write(SLOT_A, fd, "A", 1);
    t_close(SLOT_A, fd);
    assert_int_equal(bind_at("/f/a", "/f/dir"), ERR_NOT_DIRECTORY);
    assert_int_equal(bind_at("/f/dir", "/f/a"), ERR_NOT_DIRECTORY);
    assert_int_equal(bind_at("", "/f/a"), ERR_INVALID_ARGUMENT);
    assert_int_equal(bind_at("/f/none", "/f/a"), ERR_NOT_FOUND);
    assert_int_equal(bind_at("/f/a", "/f/b"), 0);
    fd = t_open(SLOT_A, "/f/b", O_RDONLY, 0);
    assert_int_equal(t_read(SLOT_A, fd, &byte, 1), 1);
    assert_int_equal(byte, 'A');
    t_close(SLOT_A, fd);
    assert_int_equal(t_unlink(SLOT_A, "/f/b"), ERR_BUSY);
    assert_int_equal(t_rename(SLOT_A, "/f/a", "/f/b", 0), ERR_BUSY);
    assert_int_equal(t_unlink(SLOT_A, "/f/a"), 0);
    assert_true(there("/f/b"));
    assert_int_equal(umount_with("/f/b", 0), 0);
    t_stat(SLOT_A, "/f/b", &st);
    assert_int_equal(st.size, 0);
}

static void a_mount_point_is_one_in_every_mount_of_its_file_system(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/p2", 0755);
    t_mkdir(SLOT_A, "/p2/x", 0755);
    t_mkdir(SLOT_A, "/q2", 0755);
    assert_int_equal(bind_at("/p2", "/q2"), 0);
    assert_int_equal(tmpfs_at("/p2/x"), 0);
    t_touch(SLOT_A, "/p2/x/in");
    assert_false(there("/q2/x/in"));
    assert_int_equal(t_rmdir(SLOT_A, "/q2/x"), ERR_BUSY);
    assert_int_equal(t_rename(SLOT_A, "/q2/x", "/q2/y", 0), ERR_BUSY);
    assert_int_equal(umount_with("/p2/x", 0), 0);
    assert_int_equal(umount_with("/q2", 0), 0);
}

static void recursive_bind_copies_the_mounts_below(void **state)
{
    unsigned before = nr_attached();

    (void)state;
    t_mkdir(SLOT_A, "/rec", 0755);
    t_mkdir(SLOT_A, "/rec/a", 0755);
    t_mkdir(SLOT_A, "/rec/a/m", 0755);
    t_mkdir(SLOT_A, "/rec/a/n", 0755);
    t_mkdir(SLOT_A, "/rec/other", 0755);
    t_mkdir(SLOT_A, "/rec2", 0755);
    assert_int_equal(tmpfs_at("/rec/a/m"), 0);
    assert_int_equal(tmpfs_at("/rec/a/n"), 0);
    assert_int_equal(tmpfs_at("/rec/other"), 0);
    t_mkdir(SLOT_A, "/rec/a/m/deep", 0755);
    assert_int_equal(tmpfs_at("/rec/a/m/deep"), 0);
    t_touch(SLOT_A, "/rec/a/m/deep/f");
    assert_int_equal(bind_at("/rec/a", "/rec2"), 0);
    assert_false(there("/rec2/m/deep"));
    assert_int_equal(umount_with("/rec2", 0), 0);
    assert_int_equal(change("/rec/a/n", MS_UNBINDABLE), 0);
    assert_int_equal(bind_at("/rec/a/n", "/rec2"), ERR_INVALID_ARGUMENT);
    t_touch(SLOT_A, "/rec/a/n/f");
    assert_int_equal(mount_with("/rec/a", "/rec2", "", MS_BIND | MS_REC), 0);
    assert_int_equal(nr_attached(), before + 4 + 3);
    assert_true(there("/rec2/m/deep/f"));
    assert_false(there("/rec2/n/f"));
    check_tree();
    assert_int_equal(umount_with("/rec2", 0), ERR_BUSY);
    assert_int_equal(umount_with("/rec2", MNT_DETACH), 0);
    assert_int_equal(umount_with("/rec/a/m", MNT_DETACH), 0);
    assert_int_equal(umount_with("/rec/a/n", 0), 0);
    assert_int_equal(umount_with("/rec/other", 0), 0);
    assert_int_equal(nr_attached(), before);
    check_tree();
}

static void move_takes_the_tree_along(void **state)
{
    char text[64];

    (void)state;
    t_mkdir(SLOT_A, "/mv", 0755);
    t_mkdir(SLOT_A, "/mv/a", 0755);
    t_mkdir(SLOT_A, "/mv/b", 0755);
    t_touch(SLOT_A, "/mv/file");
    assert_int_equal(tmpfs_at("/mv/a"), 0);
    t_mkdir(SLOT_A, "/mv/a/sub", 0755);
    assert_int_equal(tmpfs_at("/mv/a/sub"), 0);
    t_mkdir(SLOT_A, "/mv/a/sub/cwd", 0755);
    assert_int_equal(t_chdir(SLOT_A, "/mv/a/sub/cwd"), 0);
    assert_int_equal(mount_with("/mv/a/sub/cwd", "/mv/b", "", MS_MOVE), ERR_INVALID_ARGUMENT);
    assert_int_equal(mount_with("/mv/a", "/mv/file", "", MS_MOVE), ERR_INVALID_ARGUMENT);
    assert_int_equal(mount_with("/mv/a", "/mv/a/sub", "", MS_MOVE), ERR_LOOP);
    assert_int_equal(mount_with("/", "/mv/b", "", MS_MOVE), ERR_INVALID_ARGUMENT);
    assert_int_equal(mount_with("/mv/a", "/mv/b", "", MS_MOVE), 0);
    t_getcwd(SLOT_A, text, sizeof text);
    assert_string_equal(text, "/mv/b/sub/cwd");
    assert_false(there("/mv/a/sub"));
    check_tree();
    assert_int_equal(t_chdir(SLOT_A, "/"), 0);
    assert_int_equal(umount_with("/mv/b", MNT_DETACH), 0);
}

static void flags_are_those_of_one_mount(void **state)
{
    int64_t fd;

    (void)state;
    t_mkdir(SLOT_A, "/fl", 0755);
    t_mkdir(SLOT_A, "/ro", 0755);
    t_touch(SLOT_A, "/fl/f");
    assert_int_equal(bind_at("/fl", "/ro"), 0);
    assert_int_equal(change("/ro/f", MS_REMOUNT | MS_BIND | MS_RDONLY), ERR_INVALID_ARGUMENT);
    fd = t_open(SLOT_A, "/ro/f", O_WRONLY, 0);
    assert_int_equal(change("/ro", MS_REMOUNT | MS_BIND | MS_RDONLY), ERR_BUSY);
    t_close(SLOT_A, fd);
    assert_int_equal(change("/ro", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC), 0);
    assert_int_equal(t_open(SLOT_A, "/ro/f", O_WRONLY, 0), ERR_READ_ONLY);
    assert_int_equal(t_open(SLOT_A, "/ro/g", O_CREAT | O_WRONLY, 0644), ERR_READ_ONLY);
    assert_int_equal(t_unlink(SLOT_A, "/ro/f"), ERR_READ_ONLY);
    assert_int_equal(t_unlink(SLOT_A, "/ro/none"), ERR_READ_ONLY);
    assert_int_equal(t_mkdir(SLOT_A, "/ro/f", 0755), ERR_EXISTS);
    assert_int_equal(t_mkdir(SLOT_A, "/ro/d", 0755), ERR_READ_ONLY);
    assert_int_equal(t_rename(SLOT_A, "/ro/f", "/ro/g", 0), ERR_READ_ONLY);
    assert_int_equal(t_link(SLOT_A, "/ro/f", "/ro/g"), ERR_READ_ONLY);
    assert_int_equal(t_chmod(SLOT_A, "/ro/f", 0600), ERR_READ_ONLY);
    assert_int_equal(t_chown(SLOT_A, "/ro/f", 1, 1), ERR_READ_ONLY);
    assert_int_equal(t_truncate(SLOT_A, "/ro/f", 1), ERR_READ_ONLY);
    assert_int_equal(t_access(SLOT_A, "/ro/f", MAY_WRITE), ERR_READ_ONLY);
    t_chmod(SLOT_A, "/fl/f", 0755);
    assert_int_equal(t_access(SLOT_A, "/ro/f", MAY_EXEC), ERR_ACCESS);
    assert_int_equal(t_access(SLOT_A, "/fl/f", MAY_EXEC), 0);
    fd = t_open(SLOT_A, "/fl/f", O_WRONLY, 0);
    assert_true(fd >= 0);
    /* the whole file system cannot while anybody writes, by whatever mount */
    assert_int_equal(change("/ro", MS_REMOUNT | MS_RDONLY), ERR_BUSY);
    t_close(SLOT_A, fd);
    assert_int_equal(change("/ro", MS_REMOUNT | MS_BIND), 0);
    assert_int_equal(t_unlink(SLOT_A, "/ro/f"), 0);
    assert_int_equal(umount_with("/ro", 0), 0);
}

static void remount_makes_a_file_system_read_only_everywhere(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/rm1", 0755);
    t_mkdir(SLOT_A, "/rm2", 0755);
    assert_int_equal(tmpfs_at("/rm1"), 0);
    assert_int_equal(bind_at("/rm1", "/rm2"), 0);
    assert_int_equal(change("/rm1", MS_REMOUNT | MS_RDONLY), 0);
    assert_int_equal(t_mkdir(SLOT_A, "/rm2/d", 0755), ERR_READ_ONLY);
    assert_int_equal(change("/rm1", MS_REMOUNT), 0);
    assert_int_equal(t_mkdir(SLOT_A, "/rm2/d", 0755), 0);
    assert_int_equal(umount_with("/rm1", 0), 0);
    assert_true(there("/rm2/d"));
    assert_int_equal(umount_with("/rm2", 0), 0);
}

static void one_cannot_leave_the_part_that_a_mount_shows(void **state)
{
    char text[64];

    (void)state;
    t_mkdir(SLOT_A, "/esc", 0755);
    t_mkdir(SLOT_A, "/esc/part", 0755);
    t_mkdir(SLOT_A, "/esc/part/in", 0755);
    t_mkdir(SLOT_A, "/shown", 0755);
    assert_int_equal(bind_at("/esc/part", "/shown"), 0);
    assert_int_equal(t_chdir(SLOT_A, "/shown/in"), 0);
    assert_int_equal(t_rename(SLOT_A, "/esc/part/in", "/esc/out", 0), 0);
    assert_int_equal(t_stat(SLOT_A, "..", &st), ERR_NOT_FOUND);
    assert_int_equal(t_stat(SLOT_A, "../esc", &st), ERR_NOT_FOUND);
    assert_true(t_getcwd(SLOT_A, text, sizeof text) > 0);
    assert_memory_equal(text, "(unreachable)", 13);
    assert_int_equal(t_chdir(SLOT_A, "/"), 0);
    assert_int_equal(umount_with("/shown", 0), 0);
}

static void a_detached_mount_lives_until_its_last_user(void **state)
{
    char byte = 0;
    int64_t fd;

    (void)state;
    t_mkdir(SLOT_A, "/det", 0755);
    assert_int_equal(tmpfs_at("/det"), 0);
    fd = t_open(SLOT_A, "/det/f", O_CREAT | O_RDWR, 0644);
    t_write(SLOT_A, fd, "x", 1);
    assert_int_equal(t_chdir(SLOT_B, "/det"), 0);
    assert_int_equal(umount_with("/det", MNT_DETACH), 0);
    assert_false(there("/det/f"));
    assert_int_equal(t_pread(SLOT_A, fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'x');
    t_touch(SLOT_B, "new");
    assert_int_equal(t_stat(SLOT_B, "new", &st), 0);
    t_close(SLOT_A, fd);
    assert_int_equal(t_chdir(SLOT_B, "/"), 0);
}

/* An inode without a name keeps neither the tree nor, once its file is closed, the superblock. */
static void a_file_without_a_name_keeps_its_mount(void **state)
{
    int64_t fd;

    (void)state;
    t_mkdir(SLOT_A, "/anon", 0755);
    assert_int_equal(tmpfs_at("/anon"), 0);
    fd = t_open(SLOT_A, "/anon", O_TMPFILE | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(umount_with("/anon", 0), ERR_BUSY);
    assert_int_equal(umount_with("/anon", MNT_DETACH), 0);
    assert_int_equal(t_write(SLOT_A, fd, "x", 1), 1);
    t_close(SLOT_A, fd);
}

static void deep_trees_can_be_unmounted_and_forgotten(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/deep", 0755);
    assert_int_equal(tmpfs_at("/deep"), 0);
    assert_int_equal(t_chdir(SLOT_A, "/deep"), 0);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(t_mkdir(SLOT_A, "d", 0755), 0);
        assert_int_equal(t_chdir(SLOT_A, "d"), 0);
    }
    assert_int_equal(t_chdir(SLOT_A, "/"), 0);
    assert_int_equal(umount_with("/deep", 0), 0);

    /* names that are gone, each held by the one below, the last one by somebody who is in it */
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(t_mkdir(SLOT_A, "/deep/a", 0755), 0);
        if (i)
            assert_int_equal(t_rename(SLOT_A, "/deep/b", "/deep/a/c", 0), 0);
        assert_int_equal(t_rename(SLOT_A, "/deep/a", "/deep/b", 0), 0);
        if (!i)
            assert_int_equal(t_chdir(SLOT_A, "/deep/b"), 0);
    }
    assert_int_equal(t_chdir(SLOT_B, "/deep/b"), 0);
    for (int i = 0; i < 99999; i++)
        assert_int_equal(t_chdir(SLOT_B, "c"), 0);
    for (int i = 0; i < 99999; i++) {
        assert_int_equal(t_chdir(SLOT_B, ".."), 0);
        assert_int_equal(t_rmdir(SLOT_B, "c"), 0);
    }
    assert_int_equal(t_chdir(SLOT_B, "/"), 0);
    assert_int_equal(t_rmdir(SLOT_A, "/deep/b"), 0);
    assert_int_equal(t_chdir(SLOT_A, "/"), 0);
}

static void umount_takes_no_link_when_told_so(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/um", 0755);
    t_symlink(SLOT_A, "/um", "/um-link");
    assert_int_equal(tmpfs_at("/um"), 0);
    assert_int_equal(umount_with("/um-link", UMOUNT_NOFOLLOW), ERR_INVALID_ARGUMENT);
    assert_int_equal(umount_with("/um-link", 4), ERR_INVALID_ARGUMENT);
    assert_int_equal(umount_with("/um-link", 0), 0);
    assert_int_equal(umount_with("/", 0), ERR_BUSY);
    assert_int_equal(umount_with("/", MNT_DETACH), ERR_BUSY);
}

/* ---- propagation ---- */
static void peers_see_what_is_mounted_under_one(void **state)
{
    unsigned before = nr_attached();

    (void)state;
    t_mkdir(SLOT_A, "/s1", 0755);
    t_mkdir(SLOT_A, "/s1/m", 0755);
    t_mkdir(SLOT_A, "/s2", 0755);
    assert_int_equal(bind_at("/s1", "/s1"), 0);
    assert_int_equal(change("/s1", MS_SHARED), 0);
    assert_int_equal(bind_at("/s1", "/s2"), 0);
    assert_ptr_equal(at_path("/s1")->group, at_path("/s2")->group);
    assert_int_equal(tmpfs_at("/s2/m"), 0);
    t_touch(SLOT_A, "/s1/m/f");
    assert_true(there("/s2/m/f"));
    assert_ptr_equal(at_path("/s1/m")->group, at_path("/s2/m")->group);
    assert_int_equal(nr_attached(), before + 4);
    check_tree();
    /* one of the two cannot move out of a shared parent */
    assert_int_equal(mount_with("/s1/m", "/s2", "", MS_MOVE), ERR_INVALID_ARGUMENT);
    assert_int_equal(t_chdir(SLOT_B, "/s2/m"), 0);
    assert_int_equal(umount_with("/s1/m", 0), ERR_BUSY);
    assert_int_equal(t_chdir(SLOT_B, "/"), 0);
    assert_int_equal(umount_with("/s1/m", 0), 0);
    assert_false(there("/s2/m/f"));
    assert_int_equal(nr_attached(), before + 2);
    assert_int_equal(umount_with("/s2", 0), 0);
    assert_int_equal(umount_with("/s1", 0), 0);
    check_tree();
}

static void slaves_receive_but_do_not_send(void **state)
{
    unsigned before = nr_attached();

    (void)state;
    t_mkdir(SLOT_A, "/ma", 0755);
    t_mkdir(SLOT_A, "/ma/m", 0755);
    t_mkdir(SLOT_A, "/ma/n", 0755);
    t_mkdir(SLOT_A, "/sl", 0755);
    t_mkdir(SLOT_A, "/sl2", 0755);
    assert_int_equal(bind_at("/ma", "/ma"), 0);
    assert_int_equal(change("/ma", MS_SHARED), 0);
    assert_int_equal(bind_at("/ma", "/sl"), 0);
    assert_int_equal(change("/sl", MS_SLAVE), 0);
    assert_ptr_equal(at_path("/sl")->group->master, at_path("/ma")->group);
    assert_int_equal(change("/sl", MS_SHARED), 0);         /* both */
    assert_int_equal(bind_at("/sl", "/sl2"), 0);
    assert_ptr_equal(at_path("/sl")->group, at_path("/sl2")->group);
    assert_int_equal(tmpfs_at("/ma/m"), 0);
    t_touch(SLOT_A, "/ma/m/f");
    assert_true(there("/sl/m/f") && there("/sl2/m/f"));
    assert_ptr_equal(at_path("/sl/m")->group, at_path("/sl2/m")->group);
    assert_ptr_equal(at_path("/sl/m")->group->master, at_path("/ma/m")->group);
    assert_int_equal(tmpfs_at("/sl/n"), 0);
    t_touch(SLOT_A, "/sl/n/g");
    assert_true(there("/sl2/n/g"));
    assert_false(there("/ma/n/g"));
    check_tree();
    assert_int_equal(umount_with("/sl2/n", 0), 0);
    assert_false(there("/sl/n/g"));
    /* the slave's own unmounting does not reach its master, the master's reaches the slaves */
    assert_int_equal(umount_with("/sl/m", 0), 0);
    assert_true(there("/ma/m/f"));
    assert_false(there("/sl2/m/f"));
    assert_int_equal(umount_with("/ma/m", 0), 0);
    /* when the master goes, the slaves are peers of each other still */
    assert_int_equal(umount_with("/ma", 0), 0);
    assert_null(at_path("/sl")->group->master);
    assert_int_equal(change("/sl", MS_PRIVATE), 0);
    assert_null(at_path("/sl")->group);
    check_tree();
    assert_int_equal(umount_with("/sl", 0), 0);
    assert_int_equal(umount_with("/sl2", 0), 0);
    assert_int_equal(nr_attached(), before);
}

static void propagation_types_are_one_at_a_time(void **state)
{
    (void)state;
    t_mkdir(SLOT_A, "/ty", 0755);
    assert_int_equal(change("/ty", MS_SHARED), ERR_INVALID_ARGUMENT);
    assert_int_equal(tmpfs_at("/ty"), 0);
    assert_int_equal(change("/ty", MS_SHARED | MS_PRIVATE), ERR_INVALID_ARGUMENT);
    assert_int_equal(change("/ty", MS_SHARED | MS_RDONLY), ERR_INVALID_ARGUMENT);
    assert_int_equal(change("/ty", MS_SLAVE), 0);
    assert_null(at_path("/ty")->group);                     /* of nobody: private */
    assert_int_equal(change("/ty", MS_SHARED | MS_REC), 0);
    assert_int_equal(at_path("/ty")->group->id, 1);
    assert_int_equal(umount_with("/ty", 0), 0);
}

/* What arrives where something is mounted goes beneath it, and leaves from there. */
static void a_propagated_mount_does_not_hide_what_is_mounted(void **state)
{
    unsigned before = nr_attached();

    (void)state;
    t_mkdir(SLOT_A, "/t1", 0755);
    t_mkdir(SLOT_A, "/t1/m", 0755);
    t_mkdir(SLOT_A, "/t2", 0755);
    assert_int_equal(bind_at("/t1", "/t1"), 0);
    assert_int_equal(change("/t1", MS_SHARED), 0);
    assert_int_equal(bind_at("/t1", "/t2"), 0);
    assert_int_equal(change("/t2", MS_SLAVE), 0);
    assert_int_equal(tmpfs_at("/t2/m"), 0);
    t_touch(SLOT_A, "/t2/m/slaves-own");
    assert_int_equal(tmpfs_at("/t1/m"), 0);
    t_touch(SLOT_A, "/t1/m/masters");
    assert_true(there("/t2/m/slaves-own"));
    assert_int_equal(nr_attached(), before + 5);
    check_tree();
    assert_int_equal(umount_with("/t1/m", 0), 0);
    assert_true(there("/t2/m/slaves-own"));
    assert_int_equal(nr_attached(), before + 3);
    check_tree();
    assert_int_equal(umount_with("/t2/m", 0), 0);
    assert_int_equal(umount_with("/t2", 0), 0);
    assert_int_equal(umount_with("/t1", 0), 0);
}

/* Doubling with each bind, until there are as many as may be; the failed one leaves nothing. */
static void mounts_that_double_end_at_the_limit(void **state)
{
    unsigned before = nr_attached(), now;
    error_t e = 0;

    (void)state;
    t_mkdir(SLOT_A, "/dbl", 0755);
    t_mkdir(SLOT_A, "/dbl/d", 0755);
    assert_int_equal(bind_at("/dbl", "/dbl"), 0);
    assert_int_equal(change("/dbl", MS_SHARED), 0);
    for (int i = 0; i < 20 && !e; i++) {
        now = nr_attached();
        e = mount_with("/dbl", "/dbl/d", "", MS_BIND | MS_REC);
    }
    assert_int_equal(e, ERR_NO_SPACE);
    assert_int_equal(nr_attached(), now);
    assert_true(now <= MOUNT_MAX);
    check_tree();
    assert_int_equal(umount_with("/dbl", MNT_DETACH), 0);
    while (nr_attached() > before)
        assert_int_equal(umount_with("/dbl", MNT_DETACH), 0);
    check_tree();
}

/* ---- a storm ---- */
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
    unsigned depth = 1 + rnd(4);

    strcpy(p, "/storm");
    while (depth--)
        sprintf(p + strlen(p), "/%c", "abc"[rnd(3)]);
    return p;
}

static void a_storm_of_mounts_leaves_a_sound_tree(void **state)
{
    static const uint32_t types[] = { MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE };
    unsigned before = nr_attached(), done[8] = { 0 }, most = 0;

    (void)state;
    t_mkdir(SLOT_A, "/storm", 0755);
    for (int i = 0; i < 12000; i++) {
        const char *a = random_path(), *b = random_path();
        unsigned op = rnd(nr_attached() > 200 ? 12 : 9);
        error_t e = 0;

        switch (op) {
        case 0: e = t_mkdir(SLOT_A, a, 0755); break;
        case 1: e = tmpfs_at(a); break;
        case 2: e = bind_at(a, b); break;
        case 3: e = mount_with(a, b, "", MS_BIND | MS_REC); break;
        case 4: e = mount_with(a, b, "", MS_MOVE); break;
        case 5: e = change(a, types[rnd(4)] | (rnd(2) ? MS_REC : 0)); break;
        case 6: e = t_chdir(SLOT_A + rnd(2), a); break;
        case 7: e = t_rename(SLOT_A, a, b, 0); break;
        default: e = umount_with(a, rnd(3) ? 0 : MNT_DETACH); break;
        }
        if (!e && op < 8)
            done[op]++;
        if (nr_attached() > most)
            most = nr_attached();
        if (i % 32 == 0)
            check_tree();
    }
    for (unsigned i = 0; i < 8; i++)
        assert_true(done[i]);
    assert_true(most > 50);
    check_tree();
    t_chdir(SLOT_A, "/");
    t_chdir(SLOT_B, "/");
    while (nr_attached() > before) {
        struct mount *m = mounts;

        while (m->next)
            m = m->next;
        assert_int_equal(vfs_umount(m, MNT_DETACH), 0);
        check_tree();
    }
}

static int start(void **state) { (void)state; fake_start(); return 0; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_shows_a_directory_at_two_places),
        cmocka_unit_test(bind_of_a_file_and_its_errors),
        cmocka_unit_test(a_mount_point_is_one_in_every_mount_of_its_file_system),
        cmocka_unit_test(recursive_bind_copies_the_mounts_below),
        cmocka_unit_test(move_takes_the_tree_along),
        cmocka_unit_test(flags_are_those_of_one_mount),
        cmocka_unit_test(remount_makes_a_file_system_read_only_everywhere),
        cmocka_unit_test(one_cannot_leave_the_part_that_a_mount_shows),
        cmocka_unit_test(a_detached_mount_lives_until_its_last_user),
        cmocka_unit_test(a_file_without_a_name_keeps_its_mount),
        cmocka_unit_test(deep_trees_can_be_unmounted_and_forgotten),
        cmocka_unit_test(umount_takes_no_link_when_told_so),
        cmocka_unit_test(peers_see_what_is_mounted_under_one),
        cmocka_unit_test(slaves_receive_but_do_not_send),
        cmocka_unit_test(propagation_types_are_one_at_a_time),
        cmocka_unit_test(a_propagated_mount_does_not_hide_what_is_mounted),
        cmocka_unit_test(mounts_that_double_end_at_the_limit),
        cmocka_unit_test(a_storm_of_mounts_leaves_a_sound_tree),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
