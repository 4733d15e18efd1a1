/* SPDX-License-Identifier: MIT */
/*
 * fs.open_program: what the loader of a new image needs of a file to begin with,
 * in one request: permission to execute, a descriptor, the status, the first
 * bytes. Also random bytes, so that a program's start needs no /dev/urandom.
 */
#include "fdtable.h"
#include "io.h"
#include "mounts.h"
#include "open.h"
#include "process.h"
#include "random.h"

/* A regular file that may be executed and read. */
static error_t find_program(struct process *p, const struct fs_open_program_in *in, struct file **out)
{
    struct found at;
    struct inode *i;
    error_t e = vfs_lookup(p, in->dirfd, in->path, in->flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);

    if (e)
        return e;
    if (!at.path.dentry)
        at.path.mnt = at.file->mnt;
    i = at.path.dentry ? at.path.dentry->inode : at.file->inode;
    if (!i || !S_ISREG(i->mode) || (at.path.mnt && (at.path.mnt->flags & MS_NOEXEC)))
        return i && S_ISLNK(i->mode) ? ERR_LOOP : ERR_ACCESS;
    e = vfs_permission(p, at.path.mnt, i, MAY_READ | MAY_EXEC);
    return e ? e : vfs_open_inode(p, i, &at.path, O_RDONLY | O_CLOEXEC, out);
}

error_t fs_serve_open_program(struct rpc_call *call, const struct fs_open_program_in *in,
                              struct fs_open_program_out *out)
{
    struct process *p = process_of(call);
    uint8_t seed[FS_PROGRAM_SEED];
    uint64_t from = 0;
    struct file *f;
    struct io io;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    if (in->head.bytes < sizeof seed)
        return ERR_INVALID_ARGUMENT;
    e = find_program(p, in, &f);
    if (e)
        return e;
    random_bytes(seed, sizeof seed);
    io_init_buffer(&io, call, &in->head);
    e = io_put(&io, seed, sizeof seed);
    if (!e)
        e = f->ops->read(f, &io, &from);    /* RPC_BLOCKS: again, on a coroutine */
    out->done = io.done;
    io_fini(&io);
    if (!e) {
        vfs_stat(f->inode, &out->st);
        if (f->mnt && (f->mnt->flags & MS_NOSUID))
            out->st.mode &= ~(S_ISUID | S_ISGID);
    }
    if (!e && !p->open)                     /* gone while we read */
        e = ERR_PEER_CLOSED;
    if (!e)
        e = fd_install(p, f, FD_FLAG_CLOEXEC, &out->fd);
    if (e)
        file_put(f);
    return e;
}
