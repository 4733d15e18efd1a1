/* SPDX-License-Identifier: MIT */
/*
 * Requests that move data through a descriptor, and what else acts on an open
 * file: lseek, getdents, fallocate, fsync, mmap, ioctl.
 *
 * A read that moved something is answered at once; a blocking write goes on
 * until all is written, as Linux's pipes and sockets do.
 */
#include <string.h>

#include "dcache.h"
#include "inotify.h"
#include "lease.h"
#include "mounts.h"
#include "open.h"
#include "process.h"
#include "segments.h"

struct rw_wait {
    struct parked parked;
    struct io io;
    uint64_t position;
    bool positional, writing;
    uint8_t copy[IO_COPY_MAX];      /* only allocated when the input lives in the dispatcher */
};
_Static_assert(sizeof(struct rw_wait) <= PARKED_MAX_BYTES, "fits a record");

/* The answer of every method that only tells how much was moved. */
static void rw_reply(struct rpc_call *call, error_t e, uint64_t done)
{
    switch (call->method) {
    case FS_METHOD_READ: fs_read_reply(call, e, &(struct fs_read_out){ .done = done }); return;
    case FS_METHOD_WRITE: fs_write_reply(call, e, &(struct fs_write_out){ .done = done }); return;
    case FS_METHOD_PREAD: fs_pread_reply(call, e, &(struct fs_pread_out){ .done = done }); return;
    case FS_METHOD_PWRITE: fs_pwrite_reply(call, e, &(struct fs_pwrite_out){ .done = done }); return;
    case FS_METHOD_READV: fs_readv_reply(call, e, &(struct fs_readv_out){ .done = done }); return;
    case FS_METHOD_WRITEV: fs_writev_reply(call, e, &(struct fs_writev_out){ .done = done }); return;
    default: rpc_complete(call, ERR_IO);
    }
}

static error_t rw_attempt(struct parked *parked)
{
    struct rw_wait *w = (struct rw_wait *)parked;
    struct file *f = parked->file;
    uint64_t *position = w->positional ? &w->position : &f->offset;
    error_t e = w->writing ? f->ops->write(f, &w->io, position) : f->ops->read(f, &w->io, position);

    if (e == ERR_WOULD_BLOCK && w->io.done && !w->writing)
        return 0;
    return e > 0 ? ERR_IO : e;      /* a file that parks does not need a coroutine */
}

static void rw_parked_reply(struct parked *parked, error_t e)
{
    struct rw_wait *w = (struct rw_wait *)parked;

    if (w->io.done)
        file_event(parked->file, w->writing ? IN_MODIFY : IN_ACCESS);
    rw_reply(parked->call, w->io.done ? 0 : e, w->io.done);
}

static void rw_release(struct parked *parked)
{
    io_fini(&((struct rw_wait *)parked)->io);
}

static const struct parked_ops rw_ops = { .attempt = rw_attempt, .reply = rw_parked_reply, .release = rw_release };

__attribute__((noinline)) static error_t rw_park(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at, bool writing)
{
    bool copy = writing && io->kind == IO_BUFFER && io->buffer.local;
    struct rw_wait *w;
    struct parked *parked;
    error_t e;

    if (!f->ops->poll)
        return ERR_IO;
    e = park(call, &rw_ops, copy ? sizeof *w : offsetof(struct rw_wait, copy), f, DEADLINE_NONE, &parked);
    if (e)
        return e;
    w = (struct rw_wait *)parked;
    io_park(&w->io, io, parked->call, w->copy, writing);
    w->positional = at != NULL;
    w->position = at ? *at : 0;
    w->writing = writing;
    parked->waiter.events = writing ? FS_POLLOUT : FS_POLLIN | FS_POLLRDHUP;
    f->ops->poll(f, &parked->waiter);
    return RPC_PENDING;
}

/* Common end: what the operation's result means to the request. */
static inline error_t rw_finish(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at, error_t e,
                                bool writing, uint64_t *done)
{
    if (__builtin_expect(e == ERR_WOULD_BLOCK, 0) && !(f->flags & O_NONBLOCK) && (writing || !io->done)) {
        e = rw_park(call, f, io, at, writing);
        if (e == RPC_PENDING)
            return e;
    }
    *done = io->done;
    if (inotify_watched() && io->done && e != RPC_BLOCKS)
        file_event(f, writing ? IN_MODIFY : IN_ACCESS);
    if (__builtin_expect(io->iov != NULL, 0))
        io_fini(io);
    return e < 0 && io->done ? 0 : e;
}

/* Linux's order: whether it has positions, then whether it is open for that. f is not O_PATH. */
static inline error_t may_read(const struct file *f, bool at)
{
    if (at && !f->ops->seek)
        return ERR_SEEK_PIPE;
    return (f->flags & O_ACCMODE) == O_WRONLY ? ERR_BAD_HANDLE : 0;
}

static inline error_t may_write(const struct file *f, bool at)
{
    if (at && !f->ops->seek)
        return ERR_SEEK_PIPE;
    return (f->flags & O_ACCMODE) == O_RDONLY ? ERR_BAD_HANDLE : 0;
}

/* `checked`: it is known to be open for reading. */
static inline error_t read_request(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at,
                                   uint64_t *done, bool checked)
{
    bool pinned = coro_self() != NULL;  /* then the operation may suspend, and f be closed meanwhile */
    uint64_t position = at ? *at : 0;
    error_t e;

    if (pinned)
        file_get(f);
    e = checked ? 0 : may_read(f, at != NULL);
    if (!e && !f->ops->read)
        e = ERR_INVALID_ARGUMENT;
    if (!e)
        e = f->ops->read(f, io, at ? &position : &f->offset);
    e = rw_finish(call, f, io, at ? &position : NULL, e, false, done);
    if (pinned)
        file_put(f);
    return e;
}

static inline error_t write_file(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at,
                                 uint64_t *done, bool checked)
{
    uint64_t position = at ? *at : 0;
    error_t e = checked ? 0 : may_write(f, at != NULL);

    if (!e && !f->ops->write)
        e = ERR_INVALID_ARGUMENT;
    if (!e)
        e = f->ops->write(f, io, at ? &position : &f->offset);
    return rw_finish(call, f, io, at ? &position : NULL, e, true, done);
}

/* The operation may suspend, and f be closed meanwhile. */
__attribute__((noinline)) static error_t write_on_coroutine(struct rpc_call *call, struct file *f, struct io *io,
                                                            const uint64_t *at, uint64_t *done, bool checked)
{
    error_t e;

    file_get(f);
    e = write_file(call, f, io, at, done, checked);
    file_put(f);
    return e;
}

/* `checked`: it is known to be open for writing. */
static inline error_t write_request(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at,
                                    uint64_t *done, bool checked)
{
    if (__builtin_expect(coro_self() != NULL, 0))
        return write_on_coroutine(call, f, io, at, done, checked);
    return write_file(call, f, io, at, done, checked);
}

error_t file_read_request(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at, uint64_t *done)
{
    return read_request(call, f, io, at, done, false);
}

error_t file_write_request(struct rpc_call *call, struct file *f, struct io *io, const uint64_t *at, uint64_t *done)
{
    return write_request(call, f, io, at, done, false);
}

uint32_t file_poll(struct file *f, struct waiter *w)
{
    if (f->ops->poll)
        return f->ops->poll(f, w);
    return FS_POLLIN | FS_POLLOUT | FS_POLLRDNORM | FS_POLLWRNORM;
}

/* ---- data requests ---- */
error_t fs_serve_read(struct rpc_call *call, const struct fs_read_in *in, struct fs_read_out *out)
{
    struct io io;

    io_init_buffer(&io, call, &in->data);
    return read_request(call, handle_file(in->fd), &io, NULL, &out->done, true);
}

error_t fs_serve_write(struct rpc_call *call, const struct fs_write_in *in, struct fs_write_out *out)
{
    struct io io;

    io_init_buffer(&io, call, &in->data);
    return write_request(call, handle_file(in->fd), &io, NULL, &out->done, true);
}

error_t fs_serve_pread(struct rpc_call *call, const struct fs_pread_in *in, struct fs_pread_out *out)
{
    struct io io;

    if (in->offset > INT64_MAX)
        return ERR_INVALID_ARGUMENT;
    io_init_buffer(&io, call, &in->data);
    return read_request(call, handle_file(in->fd), &io, &in->offset, &out->done, false);
}

error_t fs_serve_pwrite(struct rpc_call *call, const struct fs_pwrite_in *in, struct fs_pwrite_out *out)
{
    struct io io;

    if (in->offset > INT64_MAX)
        return ERR_INVALID_ARGUMENT;
    io_init_buffer(&io, call, &in->data);
    return write_request(call, handle_file(in->fd), &io, &in->offset, &out->done, false);
}

/* offset -1: the file's own. */
error_t fs_serve_readv(struct rpc_call *call, const struct fs_readv_in *in, struct fs_readv_out *out)
{
    uint64_t at = (uint64_t)in->offset;
    struct io io;
    error_t e = in->offset < -1 ? ERR_INVALID_ARGUMENT : io_init_vector(&io, call, in->iov, in->iov_count);

    return e ? e : file_read_request(call, handle_file(in->fd), &io, in->offset >= 0 ? &at : NULL, &out->done);
}

error_t fs_serve_writev(struct rpc_call *call, const struct fs_writev_in *in, struct fs_writev_out *out)
{
    uint64_t at = (uint64_t)in->offset;
    struct io io;
    error_t e = in->offset < -1 ? ERR_INVALID_ARGUMENT : io_init_vector(&io, call, in->iov, in->iov_count);

    return e ? e : file_write_request(call, handle_file(in->fd), &io, in->offset >= 0 ? &at : NULL, &out->done);
}

/* ---- the rest ---- */
error_t fs_serve_lseek(struct rpc_call *call, const struct fs_lseek_in *in, struct fs_lseek_out *out)
{
    struct file *f = handle_file(in->fd);

    (void)call;
    return f->ops->seek ? f->ops->seek(f, in->offset, in->whence, &out->position) : ERR_SEEK_PIPE;
}

error_t fs_serve_getdents(struct rpc_call *call, const struct fs_getdents_in *in, struct fs_getdents_out *out)
{
    struct file *f = handle_file(in->fd);
    struct io io;
    error_t e;

    if (!f->ops->getdents)
        return ERR_NOT_DIRECTORY;
    if (f->dentry && dentry_is_gone(f->dentry))
        return ERR_NOT_FOUND;
    /* Entries are gathered here, so that the client's memory is written in large
     * pieces. getdents does not suspend, so one buffer does. */
    static _Alignas(8) uint8_t gathered[8192];
    uint64_t at = 0, total = in->entries.bytes;
    do {
        uint64_t before = f->offset;
        struct rpc_buf piece = { .bytes = total - at < sizeof gathered ? total - at : sizeof gathered, .local = gathered };
        io_init_buffer(&io, call, &piece);
        e = f->ops->getdents(f, &io);
        if (!io.done)
            break;
        error_t bad = rpc_buf_write(call, &in->entries, at, gathered, io.done);
        if (bad) {
            f->offset = before;
            e = bad;
            break;
        }
        at += io.done;
    } while (!e && at < total);
    out->done = at;
    if (at)
        file_event(f, IN_ACCESS);
    return at ? 0 : e;
}

error_t fs_serve_fallocate(struct rpc_call *call, const struct fs_fallocate_in *in, struct fs_fallocate_out *out)
{
    struct file *f = handle_file(in->fd);
    error_t e;

    (void)call, (void)out;
    if (!file_writable(f))
        return ERR_BAD_HANDLE;
    if (!f->ops->fallocate)
        return f->ops->seek ? ERR_NO_DEVICE : ERR_SEEK_PIPE;
    e = f->ops->fallocate(f, in->mode, in->offset, in->length);
    if (!e)
        file_event(f, IN_MODIFY);
    return e;
}

/* Everything is in memory already. */
error_t fs_serve_fsync(struct rpc_call *call, const struct fs_fsync_in *in, struct fs_fsync_out *out)
{
    const struct file *f = handle_file(in->fd);

    (void)call, (void)out;
    return f->inode && (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode) || S_ISBLK(f->inode->mode))
               ? 0 : ERR_INVALID_ARGUMENT;
}

static error_t mmap_anonymous(struct process *p, const struct file_mapping *m)
{
    struct segment *s;
    error_t e = seg_new(&s);

    if (e)
        return ERR_NO_MEMORY;
    e = seg_resize(s, m->length / PAGE_BYTES);
    if (!e)
        e = seg_map(s, p->slot, m->address, m->length, m->prot | m->flags | VM_SHARED, 0, true);
    seg_free(s);                /* lives while it is mapped */
    return e;
}

error_t fs_serve_mmap(struct rpc_call *call, const struct fs_mmap_in *in, struct fs_mmap_out *out)
{
    struct process *p = process_of(call);
    struct file_mapping m = { in->address, in->length, in->offset, in->prot, in->flags };
    struct file *f;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!m.length || (m.length | m.address | m.offset) % PAGE_BYTES || m.offset + m.length < m.offset ||
        m.address > USER_TOP || m.length > USER_TOP - m.address || (m.prot & ~VM_PROT_MASK) ||
        (m.flags & ~(VM_SHARED | VM_REPLACE | VM_POPULATE)))
        return ERR_INVALID_ARGUMENT;
    /* never over the personality's own memory and the pages shared with servers */
    if (m.address + m.length > VDSO_BASE)
        return ERR_INVALID_ARGUMENT;
    if (in->fd == -1)
        return mmap_anonymous(p, &m);
    f = fd_lookup(p, in->fd);
    if (!f)
        return ERR_BAD_HANDLE;
    if (!file_readable(f))
        return ERR_ACCESS;
    if ((m.flags & VM_SHARED) && (m.prot & VM_WRITE) && !file_writable(f))
        return ERR_ACCESS;
    if ((m.prot & VM_EXEC) && f->mnt && (f->mnt->flags & MS_NOEXEC))
        return ERR_PERMISSION;
    if (!f->ops->mmap)
        return ERR_NO_DEVICE;
    e = f->ops->mmap(f, p, &m);
    if (!e && !p->exe.dentry && f->dentry) {        /* the loader maps the program first */
        struct path exe = { f->mnt, f->dentry };

        p->exe = path_get(&exe);
    }
    return e;
}

/* A table with another user gets none: that one's close would not take our window along. */
error_t fs_serve_map_window(struct rpc_call *call, const struct fs_map_window_in *in, struct fs_map_window_out *out)
{
    struct process *p = request_process(call);
    struct file *f = handle_file(in->fd);
    error_t e;

    if (in->address < PERS_WINDOWS || in->address >= PERS_WINDOW(VM_MAX_AREAS, 0) || in->address % PERS_WINDOW_BYTES)
        return ERR_INVALID_ARGUMENT;
    if (!f->ops->map_window || in->fd_handle >= FD_WORDS || p->files->refs != 1 || inotify_wants_reads(f))
        return ERR_NO_DEVICE;
    out->mapped = PERS_WINDOW_BYTES;
    e = f->ops->map_window(f, p, in->address, &out->mapped);
    if (e)
        return e;
    out->size = f->inode->size;
    out->lease = lease_grant(p, (int32_t)in->fd_handle, f);
    return 0;
}

/* One reference is the descriptor, one to the table is the process: so nobody else can use the position, nor come to
 * share it but by a request of the caller (fdinfo may show an old one: docs/decisions/0005). Nothing is noted: a caller
 * that does not come back with it reads the wrong part of its own file. */
error_t fs_serve_position_take(struct rpc_call *call, const struct fs_position_take_in *in,
                               struct fs_position_take_out *out)
{
    const struct file *f = handle_file(in->fd);

    if (f->refs != 1 || request_process(call)->files->refs != 1 || !f->ops->map_window || !file_readable(f))
        return ERR_BUSY;
    out->position = f->offset;
    return 0;
}

#define FIONBIO  0x5421u
#define FIONCLEX 0x5450u
#define FIOCLEX  0x5451u
#define FIONREAD 0x541bu
#define FIOASYNC 0x5452u

#pragma GCC diagnostic push   /* a file that was found has a process */
#pragma GCC diagnostic ignored "-Wanalyzer-null-dereference"
static error_t ioctl_common(struct rpc_call *call, struct process *p, struct file *f, const struct fs_ioctl_in *in,
                            bool *handled)
{
    int32_t value;
    error_t e;

    *handled = true;
    switch (in->command) {
    case FIOCLEX: p->files->entry[in->fd_handle].flags |= FD_FLAG_CLOEXEC; return 0;
    case FIONCLEX: p->files->entry[in->fd_handle].flags &= ~FD_FLAG_CLOEXEC; return 0;
    case FIONBIO:
    case FIOASYNC: {
        uint32_t bit = in->command == FIONBIO ? O_NONBLOCK : O_ASYNC, flags;

        e = rpc_client_read(call, in->argument, &value, sizeof value);
        if (e)
            return e;
        flags = value ? f->flags | bit : f->flags & ~bit;
        e = f->ops->set_flags ? f->ops->set_flags(f, flags) : 0;
        if (!e)
            f->flags = flags;
        return e;
    }
    case FIONREAD:
        if (!f->inode || !S_ISREG(f->inode->mode))
            break;
        value = (int32_t)(f->inode->size - (f->offset < f->inode->size ? f->offset : f->inode->size));
        return rpc_client_write(call, in->argument, &value, sizeof value);
    }
    *handled = false;
    return 0;
}
#pragma GCC diagnostic pop

error_t fs_serve_ioctl(struct rpc_call *call, const struct fs_ioctl_in *in, struct fs_ioctl_out *out)
{
    struct file *f = handle_file(in->fd);
    bool handled;
    error_t e = ioctl_common(call, request_process(call), f, in, &handled);

    if (handled)
        return e;
    out->result = 0;
    return f->ops->ioctl ? f->ops->ioctl(f, call, in->command, in->argument, &out->result) : ERR_NOT_TTY;
}
