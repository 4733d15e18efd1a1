/* SPDX-License-Identifier: MIT */
/*
 * Unpacking: names are resolved inside the new root by hand (no symbolic links
 * are followed out of an archive's own path: a member below a link replaces
 * nothing but goes where the link leads, as cpio does, resolved at the root).
 * Hard links (several members of one ino with nlink > 1) share the inode; in
 * "newc" only the last of them carries the data.
 */
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

#include "cpio.h"
#include "tmpfs.h"

struct seen_link { uint32_t ino, dev; struct inode *inode; };

struct unpacker {
    struct seen_link *seen;
    uint32_t nr_seen, room;
};

static struct inode *find_link(struct unpacker *u, const struct cpio_member *m)
{
    for (uint32_t i = 0; i < u->nr_seen; i++)
        if (u->seen[i].ino == m->ino && u->seen[i].dev == (m->dev_major << 16 ^ m->dev_minor))
            return u->seen[i].inode;
    return NULL;
}

static error_t remember_link(struct unpacker *u, const struct cpio_member *m, struct inode *i)
{
    if (u->nr_seen == u->room) {
        uint32_t room = u->room ? u->room * 2 : 64;
        struct seen_link *seen = realloc(u->seen, room * sizeof *seen);

        if (!seen)
            return ERR_NO_MEMORY;
        u->seen = seen;
        u->room = room;
    }
    u->seen[u->nr_seen++] = (struct seen_link){ m->ino, m->dev_major << 16 ^ m->dev_minor, inode_get(i) };
    return 0;
}

/* Directories that a member's path needs but the archive does not list. */
static error_t make_parents(const char *path)
{
    char part[FS_PATH_MAX + 1];
    size_t len = strlen(path);

    for (size_t i = 1; i < len; i++) {
        error_t e;

        if (path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        e = vfs_mknod(NULL, FS_AT_FDCWD, part, S_IFDIR | 0755, 0, NULL);
        if (e && e != ERR_EXISTS)
            return e;
    }
    return 0;
}

static error_t place(const char *path, struct last *at)
{
    error_t e = vfs_lookup_last(NULL, FS_AT_FDCWD, path, 0, at);

    if (e == ERR_NOT_FOUND) {
        e = make_parents(path);
        if (!e)
            e = vfs_lookup_last(NULL, FS_AT_FDCWD, path, 0, at);
    }
    return e;
}

static void set_attributes(struct inode *i, const struct cpio_member *m)
{
    i->mode = (i->mode & S_IFMT) | (m->mode & 07777);
    i->uid = m->uid;
    i->gid = m->gid;
    i->mtime = i->ctime = (struct fs_time){ m->mtime, 0 };
}

static error_t make_symlink(const struct cpio_member *m, const struct last *at, struct dentry **d)
{
    char target[FS_PATH_MAX + 1];

    if (!m->bytes || m->bytes > FS_PATH_MAX)
        return ERR_BAD_MESSAGE;
    memcpy(target, m->data, m->bytes);
    target[m->bytes] = 0;
    return vfs_symlink(NULL, at, target, d);
}

static error_t make_file(struct unpacker *u, const struct cpio_member *m, const struct last *at, struct dentry **d)
{
    struct inode *twin = m->nlink > 1 ? find_link(u, m) : NULL;
    error_t e;

    if (twin) {
        e = vfs_link(NULL, twin, at);
        if (e)
            return e;
        *d = dentry_find(at->dir.dentry, at->name, at->len, vfs_hash(at->dir.dentry, at->name, at->len));
    } else {
        e = vfs_make(NULL, at, S_IFREG, 0, d);
        if (!e && m->nlink > 1)
            e = remember_link(u, m, (*d)->inode);
        if (e)
            return e;
    }
    return m->bytes && !(*d)->inode->size ? tmpfs_fill((*d)->inode, m->data, m->bytes) : 0;
}

static error_t unpack_member(struct unpacker *u, const struct cpio_member *m)
{
    char path[4097 + 1];
    struct dentry *d = NULL;
    struct dentry *old;
    struct last at;
    error_t e;

    path[0] = '/';
    memcpy(path + 1, m->name, m->name_bytes + 1);
    e = place(path, &at);
    if (e)
        return e;
    old = at.child.dentry;
    if (at.special || (old && S_ISDIR(old->inode->mode) && S_ISDIR(m->mode))) {
        if (S_ISDIR(m->mode) && old)
            set_attributes(old->inode, m);
        return 0;
    }
    if (old) {
        e = S_ISDIR(old->inode->mode) ? vfs_rmdir(NULL, old) : vfs_unlink(NULL, old);
        if (e)
            return e;
        at.child.dentry = NULL;
    }
    switch (m->mode & S_IFMT) {
    case S_IFREG: e = make_file(u, m, &at, &d); break;
    case S_IFLNK: e = make_symlink(m, &at, &d); break;
    case S_IFDIR: case S_IFIFO: case S_IFSOCK: case S_IFCHR: case S_IFBLK:
        e = vfs_make(NULL, &at, m->mode & S_IFMT, FS_MAKEDEV(m->rdev_major, m->rdev_minor), &d);
        break;
    default: return ERR_BAD_MESSAGE;
    }
    if (!e && d)
        set_attributes(d->inode, m);
    return e;
}

error_t unpack_archive(const void *data, uint64_t bytes)
{
    struct unpacker u = { 0 };
    struct cpio_reader r;
    struct cpio_member m;
    error_t e;

    cpio_open(&r, data, bytes);
    while (!(e = cpio_next(&r, &m)))
        if ((e = unpack_member(&u, &m)))
            break;
    for (uint32_t i = 0; i < u.nr_seen; i++)
        inode_put(u.seen[i].inode);
    free(u.seen);
    return e == ERR_NOT_FOUND ? 0 : e;
}

static bool is_overlay(const char *name)
{
    size_t len = strlen(name);

    return !strcmp(name, "rootfs.cpio") ||
           (!strncmp(name, "overlay-", 8) && len > 5 && !strcmp(name + len - 5, ".cpio"));
}

static error_t offer_command(const struct cpio_member *m)
{
    struct dentry *d;
    struct last at;
    error_t e = make_parents("/run/atoll/command");

    if (!e)
        e = vfs_lookup_last(NULL, FS_AT_FDCWD, "/run/atoll/command", 0, &at);
    if (!e && at.child.dentry)
        e = vfs_unlink(NULL, at.child.dentry);
    if (!e)
        e = vfs_make(NULL, &at, S_IFREG | 0644, 0, &d);
    return e ? e : tmpfs_fill(d->inode, m->data, m->bytes);
}

error_t unpack_boot_archive(const void *data, uint64_t bytes)
{
    struct cpio_reader r;
    struct cpio_member m, command = { 0 };
    error_t e, first = 0;

    cpio_open(&r, data, bytes);
    while (!(e = cpio_next(&r, &m))) {
        error_t one = 0;

        if (S_ISREG(m.mode) && is_overlay(m.name))
            one = unpack_archive(m.data, m.bytes);
        else if (!strcmp(m.name, "exec/command"))
            command = m;
        if (one && !first)
            first = one;
    }
    /* after the overlays, so that none hides it */
    if (command.data && (e == ERR_NOT_FOUND || !e)) {
        error_t one = offer_command(&command);

        first = first ? first : one;
    }
    return first ? first : e == ERR_NOT_FOUND ? 0 : e;
}
