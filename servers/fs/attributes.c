/* SPDX-License-Identifier: MIT */
/*
 * Attributes: stat, access, chmod, chown, times, truncate, statfs.
 */
#include <string.h>

#include "dcache.h"
#include "inotify.h"
#include "lease.h"
#include "mounts.h"
#include "process.h"
#include "segments.h"
#include "tmpfs.h"

/* ---- operations ---- */
void vfs_stat(struct inode *i, struct fs_stat *st)
{
    if (i->ops->refresh)
        i->ops->refresh(i);
    st->dev = i->sb->dev;
    st->ino = i->ino;
    st->rdev = i->rdev;
    st->size = S_ISDIR(i->mode) && !i->size ? PAGE_BYTES : i->size;
    st->blocks = i->data_pages * (PAGE_BYTES / 512);
    st->atime_s = i->atime.s;
    st->mtime_s = i->mtime.s;
    st->ctime_s = i->ctime.s;
    st->btime_s = i->btime.s;
    st->atime_ns = i->atime.ns;
    st->mtime_ns = i->mtime.ns;
    st->ctime_ns = i->ctime.ns;
    st->btime_ns = i->btime.ns;
    st->mode = i->mode;
    st->nlink = i->nlink;
    st->uid = i->uid;
    st->gid = i->gid;
    st->blksize = PAGE_BYTES;
    st->lease = 0;
}

error_t vfs_chmod(struct process *p, const struct mount *m, struct inode *i, uint32_t mode)
{
    if (!vfs_owner_or_capable(p, i))
        return ERR_PERMISSION;
    if (vfs_read_only(m, i))
        return ERR_READ_ONLY;
    if (S_ISLNK(i->mode))
        return ERR_NOT_SUPPORTED;
    mode &= 07777;
    if (p && !process_in_group(p, i->gid) && !process_capable(p, CAP_FSETID))
        mode &= ~S_ISGID;
    inode_changes(i);
    i->mode = (i->mode & S_IFMT) | mode;
    i->ctime = fs_now();
    return 0;
}

/* chown(2): owner may give the file to a group of his; set-id bits of files go. */
error_t vfs_chown(struct process *p, const struct mount *m, struct inode *i, uint32_t uid, uint32_t gid)
{
    bool capable = !p || process_capable(p, CAP_CHOWN);

    if (vfs_read_only(m, i))
        return ERR_READ_ONLY;
    if (uid != ~0u && !capable && (process_fsuid(p) != i->uid || uid != i->uid))
        return ERR_PERMISSION;
    if (gid != ~0u && !capable && (process_fsuid(p) != i->uid || (gid != i->gid && !process_in_group(p, gid))))
        return ERR_PERMISSION;
    inode_changes(i);
    if (uid != ~0u)
        i->uid = uid;
    if (gid != ~0u)
        i->gid = gid;
    if (!S_ISDIR(i->mode) && (i->mode & (S_ISUID | S_ISGID))) {
        i->mode &= ~S_ISUID;
        if (i->mode & 0010)
            i->mode &= ~S_ISGID;
    }
    i->ctime = fs_now();
    return 0;
}

void vfs_wrote(struct process *p, struct inode *i)
{
    inode_changes(i);
    i->mtime = i->ctime = fs_now();
    if (__builtin_expect(i->mode & (S_ISUID | S_ISGID), 0) && p && !process_capable(p, CAP_FSETID) &&
        S_ISREG(i->mode)) {
        i->mode &= ~S_ISUID;
        if (i->mode & 0010)
            i->mode &= ~S_ISGID;
    }
}

static bool later(struct fs_time a, struct fs_time b)
{
    return a.s > b.s || (a.s == b.s && a.ns > b.ns);
}

/* As Linux mounts file systems by default: the first access after a change counts, or one a day. */
void vfs_accessed(struct inode *i)
{
    if (later(i->atime, i->mtime) && later(i->atime, i->ctime) && fs_seconds() - i->atime.s < 24 * 3600)
        return;
    inode_changes(i);
    i->atime = fs_now();
}

error_t vfs_truncate(struct process *p, struct inode *i, uint64_t length)
{
    error_t e;

    if (S_ISDIR(i->mode))
        return ERR_IS_DIRECTORY;
    if (!S_ISREG(i->mode) || length > INT64_MAX)
        return ERR_INVALID_ARGUMENT;
    if (p && length > i->size && length > process_limit(p, FS_RLIMIT_FSIZE))
        return ERR_FILE_TOO_BIG;
    e = i->ops->truncate ? i->ops->truncate(i, length) : ERR_INVALID_ARGUMENT;
    if (!e)
        vfs_wrote(p, i);
    return e;
}

/* ---- requests ---- */
/* What the path names; an object without inode gives *file, one without a name or mount has none in *at. */
static error_t target(struct process *p, int32_t dirfd, const char *path, uint32_t flags, struct inode **i,
                      struct path *to, struct file **file)
{
    uint32_t how = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
    struct found at;
    error_t e;

    if (flags & AT_EMPTY_PATH)
        how |= LOOKUP_EMPTY;
    e = vfs_lookup(p, dirfd, path, how, &at);
    if (e)
        return e;
    *file = at.file;
    *to = at.path;
    *i = at.file ? at.file->inode : at.path.dentry->inode;
    return 0;
}

static error_t file_stat(struct file *f, struct fs_stat *st)
{
    if (f->ops->stat)
        return f->ops->stat(f, st);
    if (f->inode) {
        vfs_stat(f->inode, st);
        return 0;
    }
    memset(st, 0, sizeof *st);
    st->dev = FS_MAKEDEV(0, 12);
    st->ino = f->anon_ino;
    st->mode = f->anon_mode;
    st->uid = f->anon_uid;
    st->gid = f->anon_gid;
    st->nlink = 1;
    st->blksize = PAGE_BYTES;
    return 0;
}

error_t fs_serve_statat(struct rpc_call *call, const struct fs_statat_in *in, struct fs_statat_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct inode *i;
    struct path at;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    e = target(p, in->dirfd, in->path, in->flags, &i, &at, &f);
    if (e)
        return e;
    if (f)
        return file_stat(f, &out->st);
    vfs_stat(i, &out->st);
    return 0;
}

error_t fs_serve_fstat(struct rpc_call *call, const struct fs_fstat_in *in, struct fs_fstat_out *out)
{
    struct file *f = handle_file(in->fd);
    error_t e = file_stat(f, &out->st);

    if (e || !f->inode || f->ops->stat || f->inode->ops->refresh)
        return e;
    /* Whoever asks twice will ask again; most ask once after opening. */
    if (f->stat_asked)
        out->st.lease = lease_grant(request_process(call), (int32_t)in->fd_handle, f);
    f->stat_asked = true;
    return 0;
}

/* access(2) asks for the real ids; root's capabilities count only with real uid 0. */
static error_t access_check(struct process *p, const struct mount *m, struct inode *i, uint32_t mode, bool effective)
{
    uint32_t bits;

    if (effective)
        return vfs_permission(p, m, i, mode);
    if ((mode & MAY_WRITE) && vfs_read_only(m, i) && (S_ISREG(i->mode) || S_ISDIR(i->mode)))
        return ERR_READ_ONLY;
    if (p->page->ruid == 0)
        return !(mode & MAY_EXEC) || S_ISDIR(i->mode) || (i->mode & 0111) ? 0 : ERR_ACCESS;
    bits = i->mode;
    if (p->page->ruid == i->uid)
        bits >>= 6;
    else if (p->page->rgid == i->gid || (process_in_group(p, i->gid) && process_fsgid(p) != i->gid))
        bits >>= 3;
    return (bits & mode) == mode ? 0 : ERR_ACCESS;
}

error_t fs_serve_accessat(struct rpc_call *call, const struct fs_accessat_in *in, struct fs_accessat_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct inode *i;
    struct path at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (in->mode & ~7u)
        return ERR_INVALID_ARGUMENT;
    e = target(p, in->dirfd, in->path, in->flags, &i, &at, &f);
    if (e)
        return e;
    if (!in->mode || !i)
        return 0;
    if ((in->mode & MAY_EXEC) && S_ISREG(i->mode) && at.mnt && (at.mnt->flags & MS_NOEXEC))
        return ERR_ACCESS;
    return access_check(p, at.mnt, i, in->mode, in->flags & AT_EACCESS);
}

error_t fs_serve_chmodat(struct rpc_call *call, const struct fs_chmodat_in *in, struct fs_chmodat_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct inode *i;
    struct path at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    e = target(p, in->dirfd, in->path, in->flags, &i, &at, &f);
    if (e)
        return e;
    if (i) {
        e = vfs_chmod(p, at.mnt, i, in->mode);
        if (!e)
            path_event(at.dentry, IN_ATTRIB);
        return e;
    }
    f->anon_mode = (f->anon_mode & S_IFMT) | (in->mode & 07777);
    return 0;
}

error_t fs_serve_chownat(struct rpc_call *call, const struct fs_chownat_in *in, struct fs_chownat_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct inode *i;
    struct path at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    e = target(p, in->dirfd, in->path, in->flags, &i, &at, &f);
    if (e)
        return e;
    if (i) {
        e = vfs_chown(p, at.mnt, i, in->uid, in->gid);
        if (!e && (in->uid != ~0u || in->gid != ~0u))
            path_event(at.dentry, IN_ATTRIB);
        return e;
    }
    if (!process_capable(p, CAP_CHOWN))
        return ERR_PERMISSION;
    if (in->uid != ~0u)
        f->anon_uid = in->uid;
    if (in->gid != ~0u)
        f->anon_gid = in->gid;
    return 0;
}

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

static bool valid_ns(int64_t ns)
{
    return (ns >= 0 && ns < 1000000000) || ns == UTIME_NOW || ns == UTIME_OMIT;
}

static void set_time(struct fs_time *t, int64_t s, int64_t ns)
{
    if (ns == UTIME_NOW)
        *t = fs_now();
    else if (ns != UTIME_OMIT)
        *t = (struct fs_time){ s, (uint32_t)ns };
}

error_t fs_serve_utimensat(struct rpc_call *call, const struct fs_utimensat_in *in, struct fs_utimensat_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct inode *i;
    struct path at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!valid_ns(in->atime_ns) || !valid_ns(in->mtime_ns))
        return ERR_INVALID_ARGUMENT;
    e = target(p, in->dirfd, in->path, in->flags, &i, &at, &f);
    if (e || !i || (in->atime_ns == UTIME_OMIT && in->mtime_ns == UTIME_OMIT))
        return e;
    if (vfs_read_only(at.mnt, i))
        return ERR_READ_ONLY;
    if (!vfs_owner_or_capable(p, i)) {
        /* others may set both to now when they may write */
        if (in->atime_ns != UTIME_NOW || in->mtime_ns != UTIME_NOW)
            return ERR_PERMISSION;
        e = vfs_permission(p, at.mnt, i, MAY_WRITE);
        if (e)
            return e;
    }
    inode_changes(i);
    set_time(&i->atime, in->atime_s, in->atime_ns);
    set_time(&i->mtime, in->mtime_s, in->mtime_ns);
    i->ctime = fs_now();
    path_event(at.dentry, in->mtime_ns == UTIME_OMIT ? IN_ACCESS : in->atime_ns == UTIME_OMIT ? IN_MODIFY : IN_ATTRIB);
    return 0;
}

/* fd >= 0: ftruncate, else by path. */
error_t fs_serve_truncate(struct rpc_call *call, const struct fs_truncate_in *in, struct fs_truncate_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!in->path[0]) {
        f = fd_lookup(p, in->fd);
        if (!f)
            return ERR_BAD_HANDLE;
        if (!file_writable(f) || !f->inode)
            return ERR_INVALID_ARGUMENT;
        e = vfs_truncate(p, f->inode, in->length);
        if (!e)
            file_event(f, IN_MODIFY);
        return e;
    }
    e = vfs_lookup(p, FS_AT_FDCWD, in->path, LOOKUP_FOLLOW, &at);
    if (e)
        return e;
    if (!at.path.dentry)
        return ERR_INVALID_ARGUMENT;
    if (S_ISDIR(at.path.dentry->inode->mode))
        return ERR_IS_DIRECTORY;
    e = vfs_permission(p, at.path.mnt, at.path.dentry->inode, MAY_WRITE);
    if (!e)
        e = vfs_truncate(p, at.path.dentry->inode, in->length);
    if (!e)
        path_event(at.path.dentry, IN_MODIFY);
    return e;
}

/* ---- statfs ---- */
#define ST_VALID 0x20u

/* Either may be NULL: an object of no mount. */
static void statfs_of(const struct mount *m, const struct inode *i, struct fs_statfs *st)
{
    const struct superblock *sb = i ? i->sb : anon_superblock();
    uint64_t total = 0, free_pages = 0, left;

    memset(st, 0, sizeof *st);
    st->type = sb->type->magic;
    st->bsize = st->frsize = PAGE_BYTES;
    st->namelen = FS_NAME_MAX;
    st->fsid = sb->dev;
    st->flags = sb->flags | (m ? m->flags : 0) | ST_VALID;
    if (!sb->max_pages)
        return;
    segments_memory(&total, &free_pages);
    left = sb->max_pages - (sb->nr_pages < sb->max_pages ? sb->nr_pages : sb->max_pages);
    if (left > free_pages)
        left = free_pages;
    st->blocks = sb->max_pages;
    st->bfree = st->bavail = left;
    st->files = sb->max_inodes;
    st->ffree = sb->max_inodes - sb->nr_inodes;
}

error_t fs_serve_statfs(struct rpc_call *call, const struct fs_statfs_in *in, struct fs_statfs_out *out)
{
    struct process *p = process_of(call);
    struct file *f;
    struct found at;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    if (!in->path[0]) {
        f = fd_lookup_any(p, in->fd);
        if (!f)
            return ERR_BAD_HANDLE;
        statfs_of(f->mnt, f->inode, &out->st);
        return 0;
    }
    e = vfs_lookup(p, FS_AT_FDCWD, in->path, LOOKUP_FOLLOW, &at);
    if (!e)
        statfs_of(at.path.mnt, at.path.dentry ? at.path.dentry->inode : at.file->inode, &out->st);
    return e;
}
