/* SPDX-License-Identifier: MIT */
/*
 * Opening: open(2)'s rules, memfd, and opens that wait (FIFOs).
 */
#include "open.h"

#include <string.h>

#include "dcache.h"
#include "inotify.h"
#include "mounts.h"
#include "process.h"
#include "tmpfs.h"

#define MEMFD_CLOEXEC       1u
#define MEMFD_ALLOW_SEALING 2u
#define F_SEAL_SEAL         1u
#define UNDERLYING(flags)   ((flags) & ~O_TMPFILE)

static void announce(struct file *f)
{
    if (f->flags & O_PATH)
        return;
    f->announced = true;
    file_event(f, IN_OPEN);
}

/* Results as inode_ops.open: with ERR_WOULD_BLOCK there is a file too. */
error_t vfs_open_inode(struct process *p, struct inode *i, const struct path *at, uint32_t flags, struct file **out)
{
    struct file *f;
    error_t e = file_new(NULL, flags, i->mode, &f);

    if (e)
        return e;
    f->inode = inode_get(i);
    path_get(at);
    f->mnt = at->mnt;
    f->dentry = at->dentry;
    if (file_writable(f)) {
        i->nr_writers++;
        if (f->mnt && S_ISREG(i->mode))
            f->mnt->nr_writers++;
    }
    if (flags & O_PATH) {
        f->ops = &path_file_ops;
    } else {
        e = i->ops->open ? i->ops->open(i, f, p) : ERR_NO_ADDRESS;
        if (e && e != ERR_WOULD_BLOCK) {
            if (!f->ops)
                f->ops = &path_file_ops;
            file_put(f);
            return e;
        }
    }
    if (!e)
        announce(f);
    *out = f;
    return e;
}

error_t vfs_open_path(struct process *p, const struct path *at, uint32_t flags, struct file **out)
{
    return vfs_open_inode(p, at->dentry->inode, at, flags, out);
}

const struct file_ops path_file_ops = { .name = "path" };

static error_t check_existing(struct process *p, const struct mount *m, struct inode *i, uint32_t flags)
{
    uint32_t may = 0;

    if (S_ISLNK(i->mode))
        return flags & O_PATH ? 0 : ERR_LOOP;
    if ((flags & O_DIRECTORY) && !S_ISDIR(i->mode))
        return ERR_NOT_DIRECTORY;
    if (flags & O_PATH)
        return 0;
    if (S_ISDIR(i->mode) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT)))
        return ERR_IS_DIRECTORY;
    if (S_ISSOCK(i->mode))
        return ERR_NO_ADDRESS;
    if ((flags & O_ACCMODE) != O_WRONLY)
        may |= MAY_READ;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        may |= MAY_WRITE;
    if ((flags & O_NOATIME) && !vfs_owner_or_capable(p, i))
        return ERR_PERMISSION;
    return vfs_permission(p, m, i, may);
}

/* at->dentry may be NULL: an inode without a name. */
static error_t open_existing(struct process *p, struct inode *i, const struct path *at, uint32_t flags,
                             struct file **out)
{
    error_t e = check_existing(p, at->mnt, i, flags);

    if (!e && (flags & O_TRUNC) && S_ISREG(i->mode) && !(flags & O_PATH) && i->ops->truncate) {
        e = i->ops->truncate(i, 0);
        if (!e)
            path_event(at->dentry, IN_MODIFY);
    }
    return e ? e : vfs_open_inode(p, i, at, flags, out);
}

/* Through /proc/PID/fd to an object without a name. */
static error_t open_object(struct process *p, struct file *f, uint32_t flags, struct file **out)
{
    struct path nameless = { f->mnt, NULL };
    struct file *fresh;
    error_t e;

    if (f->inode)
        return open_existing(p, f->inode, &nameless, flags & ~(O_CREAT | O_EXCL), out);
    if (f->ops->reopen) {
        e = file_new(f->ops, flags, f->anon_mode, &fresh);
        if (e)
            return e;
        e = f->ops->reopen(f, fresh);
        if (e) {
            fresh->ops = &path_file_ops;
            file_put(fresh);
            return e;
        }
        *out = fresh;
        return 0;
    }
    if (!S_ISFIFO(f->anon_mode) && !S_ISCHR(f->anon_mode))
        return ERR_NO_ADDRESS;
    if ((f->flags & O_ACCMODE) != O_RDWR && (f->flags & O_ACCMODE) != (flags & O_ACCMODE))
        return ERR_ACCESS;
    *out = file_get(f);
    return 0;
}

static error_t open_create(struct process *p, int32_t dirfd, const char *path, uint32_t flags, uint32_t mode,
                           struct file **out)
{
    bool follow = !(flags & (O_NOFOLLOW | O_EXCL));
    struct path made;
    struct last at;
    error_t e = vfs_lookup_last(p, dirfd, path, follow ? LOOKUP_FOLLOW : 0, &at);

    if (e)
        return e;
    if ((flags & O_EXCL) && (at.child.dentry || at.file))
        return ERR_EXISTS;
    if (at.file && !at.child.dentry)
        return open_object(p, at.file, flags, out);
    if (at.child.dentry && at.trailing_slash)
        return ERR_IS_DIRECTORY;
    if (at.child.dentry)            /* fs.protected_regular and _fifos are off, as POSIX has it */
        return open_existing(p, at.child.dentry->inode, &at.child, flags, out);
    if (at.trailing_slash)
        return ERR_IS_DIRECTORY;
    made.mnt = at.dir.mnt;
    e = vfs_may_create(p, &at.dir);
    if (!e)
        e = vfs_make(p, &at, S_IFREG | (mode & 07777 & ~p->fs->umask), 0, &made.dentry);
    return e ? e : vfs_open_path(p, &made, flags, out);
}

static error_t open_unnamed(struct process *p, int32_t dirfd, const char *path, uint32_t flags, uint32_t mode,
                            struct file **out)
{
    struct found at;
    struct inode *i;
    error_t e;

    if ((flags & O_ACCMODE) == O_RDONLY)
        return ERR_INVALID_ARGUMENT;
    e = vfs_lookup(p, dirfd, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
    if (!e)
        e = vfs_may_create(p, &at.path);
    if (e)
        return e;
    i = tmpfs_inode(at.path.dentry->inode->sb, S_IFREG | (mode & 07777 & ~p->fs->umask), 0);
    if (!i)
        return ERR_NO_SPACE;
    i->uid = process_fsuid(p);
    i->gid = process_fsgid(p);
    i->nlink = 0;
    at.path.dentry = NULL;
    e = vfs_open_inode(p, i, &at.path, UNDERLYING(flags), out);
    inode_put(i);
    return e;
}

error_t vfs_open(struct process *p, int32_t dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
    struct found at;
    error_t e;

    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return open_unnamed(p, dirfd, path, flags, mode, out);
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return ERR_INVALID_ARGUMENT;
    if (flags & O_CREAT)
        return open_create(p, dirfd, path, flags, mode, out);
    e = vfs_lookup(p, dirfd, path, flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
    if (e)
        return e;
    if (!at.path.dentry)
        return open_object(p, at.file, flags, out);
    return open_existing(p, at.path.dentry->inode, &at.path, flags, out);
}

/* ---- requests ---- */
struct open_wait {
    struct parked parked;
    uint32_t fd_flags;
    uint32_t fd;
};

static error_t open_attempt(struct parked *parked)
{
    struct open_wait *w = (struct open_wait *)parked;
    struct process *p = process_of(parked->call);
    error_t e = parked->file->ops->open_wait(parked->file);

    if (e)
        return e;
    if (!p)
        return ERR_PEER_CLOSED;
    announce(parked->file);
    e = fd_install(p, file_get(parked->file), w->fd_flags, &w->fd);
    if (e)
        file_put(parked->file);
    return e;
}

static void open_reply(struct parked *parked, error_t e)
{
    struct fs_openat_out out = { .fd = ((struct open_wait *)parked)->fd };

    fs_openat_reply(parked->call, e, &out);
}

static const struct parked_ops open_ops = { .attempt = open_attempt, .reply = open_reply };

static error_t open_park(struct rpc_call *call, struct file *f, uint32_t fd_flags)
{
    struct parked *parked;
    error_t e = park(call, &open_ops, sizeof(struct open_wait), f, DEADLINE_NONE, &parked);

    if (e)
        return e;
    ((struct open_wait *)parked)->fd_flags = fd_flags;
    parked->waiter.events = FS_WAKE_OPEN;
    f->ops->poll(f, &parked->waiter);
    return RPC_PENDING;
}

error_t fs_serve_openat(struct rpc_call *call, const struct fs_openat_in *in, struct fs_openat_out *out)
{
    struct process *p = process_of(call);
    uint32_t fd_flags = in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0;
    struct file *f;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    e = vfs_open(p, in->dirfd, in->path, in->flags, in->mode, &f);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): with ERR_WOULD_BLOCK there is a file */
    if (e == ERR_WOULD_BLOCK && (f->flags & O_NONBLOCK) == 0) {
        e = f->ops->open_wait && f->ops->poll ? open_park(call, f, fd_flags) : ERR_NO_ADDRESS;
        file_put(f);
        return e;
    }
    if (e) {
        if (e == ERR_WOULD_BLOCK)
            file_put(f);
        return e;
    }
    e = fd_install(p, f, fd_flags, &out->fd);
    if (e)
        file_put(f);
    return e;
}

error_t memfd_new(const char *name, uint32_t flags, struct file **out)
{
    struct inode *i = tmpfs_inode(anon_superblock(), S_IFREG | 0777, 0);
    struct path nowhere = { 0 };
    error_t e;

    if (!i)
        return ERR_NO_MEMORY;
    i->nlink = 0;
    i->memfd = true;
    i->seals = flags & MEMFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
    i->link = strdup(name);
    e = vfs_open_inode(NULL, i, &nowhere, O_RDWR, out);
    inode_put(i);
    return e;
}

error_t fs_serve_memfd(struct rpc_call *call, const struct fs_memfd_in *in, struct fs_memfd_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    if ((in->flags & ~(MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING)) || in->name_bytes > 249)
        return ERR_INVALID_ARGUMENT;
    e = memfd_new(in->name, in->flags, &f);
    if (e)
        return e;
    f->inode->uid = process_fsuid(p);
    f->inode->gid = process_fsgid(p);
    e = fd_install(p, f, in->flags & MEMFD_CLOEXEC ? FD_FLAG_CLOEXEC : 0, &out->fd);
    if (e)
        file_put(f);
    return e;
}
