/* SPDX-License-Identifier: MIT */
/*
 * /dev: a tmpfs that fs fills. Drivers add and remove their nodes with
 * devfs_add and devfs_remove; programs may make others, as on any tmpfs. All
 * mounts of devtmpfs show the same tree. devpts is a tree of its own, at
 * /dev/pts; a further mount of it is another, without terminals.
 */
#include <string.h>

#include "devices.h"
#include "mounts.h"
#include "tmpfs.h"

static struct superblock *dev_sb, *pts_sb;

static const struct { const char *name; uint32_t mode, major, minor; } standard[] = {
    { "null", 0666, 1, 3 },   { "zero", 0666, 1, 5 },     { "full", 0666, 1, 7 },
    { "random", 0666, 1, 8 }, { "urandom", 0666, 1, 9 },  { "kmsg", 0600, 1, 11 },
};
static const char *const links[][2] = {
    { "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
    { "stderr", "/proc/self/fd/2" },
};

static void at_root(struct superblock *sb, const char *name, struct last *at)
{
    *at = (struct last){ .dir.dentry = sb->root, .name = name, .len = (uint32_t)strlen(name) };
}

static error_t devfs_mount(struct superblock *sb)
{
    struct dentry *made;
    struct last at;
    error_t e;

    tmpfs_set_limits(sb);
    e = tmpfs_mount_root(sb, 0755, &tmpfs_inode_ops);
    for (unsigned i = 0; i < sizeof standard / sizeof standard[0] && !e; i++) {
        at_root(sb, standard[i].name, &at);
        e = vfs_make(NULL, &at, S_IFCHR | standard[i].mode, FS_MAKEDEV(standard[i].major, standard[i].minor), &made);
    }
    for (unsigned i = 0; i < sizeof links / sizeof links[0] && !e; i++) {
        at_root(sb, links[i][0], &at);
        e = vfs_symlink(NULL, &at, links[i][1], &made);
    }
    at_root(sb, "pts", &at);
    if (!e)
        e = vfs_make(NULL, &at, S_IFDIR | 0755, 0, &made);
    at_root(sb, "shm", &at);
    return e ? e : vfs_make(NULL, &at, S_IFDIR | 01777, 0, &made);
}

static error_t devpts_mount(struct superblock *sb)
{
    tmpfs_set_limits(sb);
    return tmpfs_mount_root(sb, 0755, &tmpfs_inode_ops);
}

static const struct fs_type devtmpfs_type = { .name = "devtmpfs", .magic = 0x01021994, .single = true,
                                              .mount = devfs_mount };
static const struct fs_type devpts_type = { .name = "devpts", .magic = 0x1cd1, .read_only_names = true,
                                            .mount = devpts_mount };

/* "pts/3" is below the root of devpts, the rest below that of devtmpfs; one level each, or two with a directory. */
static error_t place(const char *path, struct last *at)
{
    struct dentry *dir = dev_sb->root;
    const char *slash;

    if (!strncmp(path, "pts/", 4)) {
        dir = pts_sb->root;
        path += 4;
    }
    while ((slash = strchr(path, '/'))) {
        uint32_t len = (uint32_t)(slash - path);
        struct dentry *next = dentry_find(dir, path, len, vfs_hash(dir, path, len));
        struct last sub = { .dir.dentry = dir, .name = path, .len = len };
        error_t e = next ? 0 : vfs_make(NULL, &sub, S_IFDIR | 0755, 0, &next);

        if (e)
            return e;
        dir = next;
        path = slash + 1;
    }
    *at = (struct last){ .dir.dentry = dir, .name = path, .len = (uint32_t)strlen(path) };
    at->hash = vfs_hash(dir, path, at->len);
    at->child.dentry = dentry_find(dir, path, at->len, at->hash);
    return 0;
}

error_t devfs_add(const char *path, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t rdev)
{
    struct dentry *made;
    struct last at;
    error_t e = place(path, &at);

    if (!e && at.child.dentry)
        e = ERR_EXISTS;
    if (!e)
        e = vfs_make(NULL, &at, (mode & S_IFMT) ? mode : S_IFCHR | mode, rdev, &made);
    if (!e) {
        made->inode->uid = uid;
        made->inode->gid = gid;
    }
    return e;
}

void devfs_remove(const char *path)
{
    struct last at;

    if (place(path, &at) || !at.child.dentry)
        return;
    vfs_detach_mounts(at.child.dentry);
    (void)vfs_unlink(NULL, at.child.dentry);
}

static error_t ensure_dir(struct dentry *dir, const char *name, struct dentry **out)
{
    struct last at = { .dir.dentry = dir, .name = name, .len = (uint32_t)strlen(name) };

    *out = dentry_find(dir, name, at.len, vfs_hash(dir, name, at.len));
    if (*out)
        return S_ISDIR((*out)->inode->mode) ? 0 : ERR_NOT_DIRECTORY;
    return vfs_make(NULL, &at, S_IFDIR | 0755, 0, out);
}

error_t devfs_init(void)
{
    struct path at;
    struct mount *dev, *pts;
    error_t e;

    vfs_register_type(&devtmpfs_type);
    vfs_register_type(&devpts_type);
    at.mnt = vfs_root.mnt;
    e = ensure_dir(vfs_root.dentry, "dev", &at.dentry);
    if (!e)
        e = vfs_mount(&devtmpfs_type, "devtmpfs", &at, MS_NOSUID, &dev);
    if (e)
        return e;
    dev_sb = dev->sb;
    superblock_add_mount(dev_sb);           /* ours: drivers' nodes stay when both are unmounted */
    at.mnt = dev;
    e = ensure_dir(dev_sb->root, "pts", &at.dentry);
    if (!e)
        e = vfs_mount(&devpts_type, "devpts", &at, MS_NOSUID | MS_NOEXEC, &pts);
    if (e)
        return e;
    pts_sb = pts->sb;
    superblock_add_mount(pts_sb);
    return 0;
}
