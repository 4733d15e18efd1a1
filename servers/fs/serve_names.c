/* SPDX-License-Identifier: MIT */
/* Requests about names: mkdir, mknod, unlink, symlink, link, rename, readlink, chdir, chroot, getcwd. */
#include <string.h>

#include "dcache.h"
#include "mounts.h"
#include "process.h"

error_t fs_serve_mkdirat(struct rpc_call *call, const struct fs_mkdirat_in *in, struct fs_mkdirat_out *out)
{
    struct process *p = process_of(call);

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    return vfs_mknod(p, in->dirfd, in->path, S_IFDIR | (in->mode & (0777 | S_ISVTX)), 0, NULL);
}

error_t fs_serve_mknodat(struct rpc_call *call, const struct fs_mknodat_in *in, struct fs_mknodat_out *out)
{
    struct process *p = process_of(call);
    uint32_t mode = in->mode;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    switch (mode & S_IFMT) {
    case S_IFREG: case S_IFIFO: case S_IFSOCK: break;
    case S_IFCHR: case S_IFBLK:
        if (!process_capable(p, CAP_MKNOD))
            return ERR_PERMISSION;
        break;
    case S_IFDIR: return ERR_PERMISSION;
    default: return ERR_INVALID_ARGUMENT;
    }
    return vfs_mknod(p, in->dirfd, in->path, mode & (S_IFMT | 07777), in->dev, NULL);
}

error_t fs_serve_unlinkat(struct rpc_call *call, const struct fs_unlinkat_in *in, struct fs_unlinkat_out *out)
{
    struct process *p = process_of(call);
    struct last at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (in->flags & ~AT_REMOVEDIR)
        return ERR_INVALID_ARGUMENT;
    e = vfs_lookup_last(p, in->dirfd, in->path, 0, &at);
    if (e)
        return e;
    if (at.special) {
        if (!(in->flags & AT_REMOVEDIR))
            return ERR_IS_DIRECTORY;
        return at.len == 1 ? ERR_INVALID_ARGUMENT : at.len == 2 ? ERR_NOT_EMPTY : ERR_BUSY;
    }
    if (vfs_read_only(at.dir.mnt, at.dir.dentry->inode))
        return ERR_READ_ONLY;
    if (!at.child.dentry)
        return ERR_NOT_FOUND;
    if (at.child.mnt != at.dir.mnt)         /* something is mounted on it */
        return !(in->flags & AT_REMOVEDIR) && S_ISDIR(at.child.dentry->inode->mode) ? ERR_IS_DIRECTORY : ERR_BUSY;
    e = vfs_may_delete(p, &at.dir, at.child.dentry->inode);
    if (e)
        return e;
    if (in->flags & AT_REMOVEDIR)
        return vfs_rmdir(p, at.child.dentry);
    if (at.trailing_slash)
        return S_ISDIR(at.child.dentry->inode->mode) ? ERR_IS_DIRECTORY : ERR_NOT_DIRECTORY;
    return vfs_unlink(p, at.child.dentry);
}

/* A place for a new name that is no directory. */
static error_t new_name(struct process *p, int32_t dirfd, const char *path, struct last *at)
{
    error_t e = vfs_lookup_last(p, dirfd, path, 0, at);

    if (e)
        return e;
    if (at->child.dentry || at->special)
        return ERR_EXISTS;
    if (at->trailing_slash)
        return ERR_NOT_FOUND;
    return vfs_may_create(p, &at->dir);
}

error_t fs_serve_symlinkat(struct rpc_call *call, const struct fs_symlinkat_in *in, struct fs_symlinkat_out *out)
{
    struct process *p = process_of(call);
    struct dentry *made;
    struct last at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!in->target[0])
        return ERR_NOT_FOUND;
    e = new_name(p, in->dirfd, in->path, &at);
    return e ? e : vfs_symlink(p, &at, in->target, &made);
}

error_t fs_serve_linkat(struct rpc_call *call, const struct fs_linkat_in *in, struct fs_linkat_out *out)
{
    struct process *p = process_of(call);
    uint32_t how = in->flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
    struct found from;
    struct inode *i;
    struct last at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return ERR_INVALID_ARGUMENT;
    if (in->flags & AT_EMPTY_PATH)
        how |= LOOKUP_EMPTY;
    e = vfs_lookup(p, in->old_dirfd, in->old_path, how, &from);
    if (e)
        return e;
    i = from.path.dentry ? from.path.dentry->inode : from.file->inode;
    if (!i)
        return ERR_CROSS_DEVICE;
    e = new_name(p, in->new_dirfd, in->new_path, &at);
    if (!e && at.dir.mnt != (from.path.dentry ? from.path.mnt : from.file->mnt))
        e = ERR_CROSS_DEVICE;
    if (!e && !i->nlink && (i->memfd || from.path.dentry))
        e = ERR_NOT_FOUND;          /* unlinked; only O_TMPFILE may come back */
    return e ? e : vfs_link(p, i, &at);
}

error_t fs_serve_renameat(struct rpc_call *call, const struct fs_renameat_in *in, struct fs_renameat_out *out)
{
    struct process *p = process_of(call);
    struct last from, to;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    e = vfs_lookup_last(p, in->old_dirfd, in->old_path, 0, &from);
    if (!e)
        e = vfs_lookup_last(p, in->new_dirfd, in->new_path, 0, &to);
    return e ? e : vfs_rename(p, &from, &to, in->flags);
}

error_t fs_serve_readlinkat(struct rpc_call *call, const struct fs_readlinkat_in *in, struct fs_readlinkat_out *out)
{
    static char text[FS_PATH_MAX + 1];
    struct process *p = process_of(call);
    struct found at;
    struct inode *i;
    size_t len;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    e = vfs_lookup(p, in->dirfd, in->path, LOOKUP_EMPTY, &at);
    if (e)
        return e;
    i = at.path.dentry ? at.path.dentry->inode : at.file->inode;
    if (!i || !S_ISLNK(i->mode))
        return in->path[0] ? ERR_INVALID_ARGUMENT : ERR_NOT_FOUND;
    if (!in->target.bytes)
        return ERR_INVALID_ARGUMENT;
    vfs_accessed(i);
    if (i->link) {
        len = i->size < in->target.bytes ? i->size : in->target.bytes;
        e = rpc_buf_write(call, &in->target, 0, i->link, len);
    } else {
        e = i->ops->readlink ? i->ops->readlink(i, p, text, sizeof text, &len) : ERR_INVALID_ARGUMENT;
        if (e)
            return e;
        len = len < in->target.bytes ? len : in->target.bytes;
        e = rpc_buf_write(call, &in->target, 0, text, len);
    }
    out->done = len;
    return e;
}

static void replace_dir(struct path *where, const struct path *to)
{
    struct path old = *where;

    *where = path_get(to);
    path_put(&old);
}

/* An empty path: fchdir. */
error_t fs_serve_chdir(struct rpc_call *call, const struct fs_chdir_in *in, struct fs_chdir_out *out)
{
    struct process *p = process_of(call);
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!in->path[0] && in->dirfd == FS_AT_FDCWD)
        return ERR_NOT_FOUND;
    e = vfs_lookup(p, in->dirfd, in->path, LOOKUP_FOLLOW | LOOKUP_EMPTY | LOOKUP_DIRECTORY, &at);
    if (e)
        return e;
    if (!at.path.dentry || !S_ISDIR(at.path.dentry->inode->mode))
        return ERR_NOT_DIRECTORY;
    e = vfs_permission(p, at.path.mnt, at.path.dentry->inode, MAY_EXEC);
    if (!e)
        replace_dir(&p->fs->cwd, &at.path);
    return e;
}

error_t fs_serve_chroot(struct rpc_call *call, const struct fs_chroot_in *in, struct fs_chroot_out *out)
{
    struct process *p = process_of(call);
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    e = vfs_lookup(p, FS_AT_FDCWD, in->path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
    if (!e)
        e = vfs_permission(p, at.path.mnt, at.path.dentry->inode, MAY_EXEC);
    if (!e && !process_capable(p, CAP_SYS_CHROOT))
        e = ERR_PERMISSION;
    if (!e)
        replace_dir(&p->fs->root, &at.path);
    return e;
}

/* The text without NUL; the personality adds it. */
error_t fs_serve_getcwd(struct rpc_call *call, const struct fs_getcwd_in *in, struct fs_getcwd_out *out)
{
    static char text[FS_PATH_MAX + 1];
    struct process *p = process_of(call);
    size_t len;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    if (dentry_is_gone(p->fs->cwd.dentry))
        return ERR_NOT_FOUND;
    e = vfs_path(p, &p->fs->cwd, text, sizeof text - 1, &len);
    if (e)
        return ERR_NAME_TOO_LONG;
    text[len++] = '\0';         /* getcwd(2) of Linux counts and stores it */
    if (len > in->path.bytes)
        return ERR_RANGE_RESULT;
    out->done = len;
    return rpc_buf_write(call, &in->path, 0, text, len);
}
