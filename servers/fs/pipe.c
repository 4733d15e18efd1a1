/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs.
 *
 * A pipe is one circular buffer of bytes. Its memory starts small, grows by
 * doubling up to the pipe's capacity as writers need it, and starts again at
 * its beginning whenever it runs empty, so that a pair of processes that
 * exchange small messages stays within a few warm cache lines. Data is copied
 * twice, from the writer into the buffer and from there to the reader, each
 * time by the kernel straight from and to the client's memory.
 *
 * Life: a pipe lives as long as an open file names one of its ends. A FIFO's
 * inode names its pipe (inode->special) while there is one; every such file
 * holds the inode too.
 *
 * Atomicity: a write of up to PIPE_BUF bytes happens as a whole or waits.
 * Writers are announced room (FS_POLLOUT) only when PIPE_BUF bytes are free or
 * the pipe is empty, so a woken atomic writer never waits in vain and a large
 * one does not trickle.
 */
#include "pipe.h"

#include <fs_server.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "tty/byte_ring.h"
#include "vfs.h"

#define PIPE_BUF            4096u
#define PIPE_CAPACITY       65536u
#define PIPE_CAPACITY_MAX   1048576u    /* without CAP_SYS_RESOURCE             */
#define PIPE_CAPACITY_LIMIT 0x40000000u
#define PIPE_FIRST_BYTES    4096u
#define PIPE_KEEP_BYTES     16384u      /* an empty pipe's buffer that is kept anyway */
#define PIPE_KEPT_TOTAL     (8u << 20)  /* what all pipes may hold beyond their need  */

#define F_SETPIPE_SZ 1031u
#define F_GETPIPE_SZ 1032u
#define FIONREAD     0x541bu

struct pipe {
    struct byte_ring ring;      /* data NULL until first written                */
    uint32_t capacity;          /* power of two                                 */
    uint32_t nr_files;
    uint32_t readers, writers;
    uint32_t r_counter, w_counter;  /* opens so far of each side                */
    struct inode *inode;        /* FIFO: borrowed, the files hold it            */
    struct waitq waiters;
};

static uint64_t buffer_bytes;   /* of all pipes                                 */

/* file->value: low half: w_counter when a FIFO was opened for reading without
 * waiting (no hang-up is reported before a writer came); high half: the other
 * side's counter that a waiting open waits to see change. */
static void set_hangup_mark(struct file *f, uint32_t counter)
{
    f->value = (f->value & ~0xfffffffful) | counter;
}

static void set_awaited(struct file *f, uint32_t counter)
{
    f->value = (f->value & 0xfffffffful) | (uint64_t)counter << 32;
}

static uint32_t used(const struct pipe *p)
{
    return byte_ring_used(&p->ring);
}

static uint32_t room(const struct pipe *p)
{
    return p->capacity - used(p);
}

/* ---- the buffer ---- */

static void drop_buffer(struct pipe *p)
{
    buffer_bytes -= p->ring.bytes;
    free(p->ring.data);
    p->ring = (struct byte_ring){ 0 };
}

/* A buffer of `bytes` (a power of two >= used) with the same content. */
static error_t resize_buffer(struct pipe *p, uint32_t bytes)
{
    uint8_t *data = malloc(bytes);
    if (data == NULL)
        return ERR_NO_MEMORY;
    uint32_t n = used(p);
    byte_ring_get(&p->ring, data, n);
    drop_buffer(p);
    p->ring = (struct byte_ring){ .data = data, .bytes = bytes, .head = n };
    buffer_bytes += bytes;
    return 0;
}

/* Room in the buffer itself for `bytes` more, as far as the capacity allows. */
static error_t grow(struct pipe *p, uint32_t bytes)
{
    uint32_t want = p->ring.bytes != 0 ? p->ring.bytes : PIPE_FIRST_BYTES;

    while (want < p->capacity && want - used(p) < bytes)
        want *= 2;
    if (want <= p->ring.bytes)
        return 0;
    error_t error = resize_buffer(p, want);
    /* with a smaller one the transfer goes on in smaller steps */
    return error != 0 && byte_ring_room(&p->ring) != 0 ? 0 : error;
}

static void became_empty(struct pipe *p)
{
    p->ring.head = p->ring.tail = 0;
    if (p->ring.bytes > PIPE_KEEP_BYTES && buffer_bytes > PIPE_KEPT_TOTAL)
        drop_buffer(p);
}

/* ---- reading and writing ---- */

static bool announces_room(const struct pipe *p)
{
    return room(p) >= PIPE_BUF || used(p) == 0;
}

static error_t pipe_read(struct file *f, struct io *io, uint64_t *position)
{
    struct pipe *p = f->data;
    error_t error = 0;
    const uint8_t *at;

    (void)position;
    if (io_left(io) == 0)
        return 0;
    if (used(p) == 0)
        return p->writers == 0 ? 0 : ERR_WOULD_BLOCK;
    bool had_room = announces_room(p);
    while (error == 0 && io_left(io) != 0 && used(p) != 0) {
        uint64_t run = byte_ring_peek(&p->ring, &at);
        if (run > io_left(io))
            run = io_left(io);
        uint64_t before = io->done;
        error = io_put(io, at, run);
        p->ring.tail += (uint32_t)(io->done - before);
    }
    if (used(p) == 0) {
        became_empty(p);
        waitq_level_changes(&p->waiters);
    }
    if (!had_room && announces_room(p))
        waitq_wake(&p->waiters, FS_POLLOUT | FS_POLLWRNORM);
    return error;
}

/* Move what fits of `io`; at least one byte, or an error. */
static error_t fill(struct pipe *p, struct io *io)
{
    error_t error = 0;

    while (error == 0 && io_left(io) != 0 && room(p) != 0) {
        uint32_t want = io_left(io) < room(p) ? (uint32_t)io_left(io) : room(p);
        error = grow(p, want);
        if (error != 0)
            return error;
        uint32_t offset = p->ring.head & (p->ring.bytes - 1);
        uint32_t run = p->ring.bytes - offset;
        if (run > byte_ring_room(&p->ring))
            run = byte_ring_room(&p->ring);
        if (run > want)
            run = want;
        uint64_t before = io->done;
        error = io_get(io, p->ring.data + offset, run);
        p->ring.head += (uint32_t)(io->done - before);
    }
    return error;
}

static error_t pipe_write(struct file *f, struct io *io, uint64_t *position)
{
    struct pipe *p = f->data;

    (void)position;
    if (p->readers == 0)
        return ERR_BROKEN_PIPE;
    if (io_left(io) == 0)
        return 0;
    if (io->bytes <= PIPE_BUF ? room(p) < io_left(io) : room(p) == 0)
        return ERR_WOULD_BLOCK;
    uint64_t before = io->done;
    error_t error = fill(p, io);
    waitq_level_changes(&p->waiters);
    if (io->done != before)
        waitq_wake(&p->waiters, FS_POLLIN | FS_POLLRDNORM);
    if (error != 0)
        return error;
    return io_left(io) == 0 ? 0 : ERR_WOULD_BLOCK;
}

static uint32_t pipe_poll(struct file *f, struct waiter *w)
{
    struct pipe *p = f->data;
    uint32_t level = 0;

    if (w != NULL && w->queue == NULL)
        waitq_add(&p->waiters, w);
    if (file_readable(f)) {
        if (used(p) != 0)
            level |= FS_POLLIN | FS_POLLRDNORM;
        if (p->writers == 0 && (uint32_t)f->value != p->w_counter)
            level |= FS_POLLHUP;
    }
    if (file_writable(f)) {
        if (announces_room(p))
            level |= FS_POLLOUT | FS_POLLWRNORM;
        if (p->readers == 0)
            level |= FS_POLLERR;
    }
    return level;
}

static uint64_t pipe_write_room(struct file *f)
{
    return room(f->data);
}

/* ---- the rest of the operations ---- */

static error_t pipe_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument, uint64_t *result)
{
    struct pipe *p = f->data;

    if (command != FIONREAD)
        return ERR_NOT_TTY;
    int32_t n = (int32_t)used(p);
    *result = 0;
    return rpc_client_write(call, argument, &n, sizeof(n));
}

static error_t set_capacity(struct pipe *p, const struct process *who, uint64_t bytes)
{
    uint32_t capacity = PIPE_BUF;

    if (bytes > PIPE_CAPACITY_LIMIT)
        return ERR_INVALID_ARGUMENT;
    while (capacity < bytes)
        capacity *= 2;
    if (capacity > p->capacity && capacity > PIPE_CAPACITY_MAX && !process_capable(who, CAP_SYS_RESOURCE))
        return ERR_PERMISSION;
    if (capacity < used(p))
        return ERR_BUSY;
    if (p->ring.bytes > capacity) {
        error_t error = used(p) != 0 ? resize_buffer(p, capacity) : 0;
        if (error != 0)
            return error;
        if (used(p) == 0)
            drop_buffer(p);
    }
    p->capacity = capacity;
    waitq_level_changes(&p->waiters);
    if (announces_room(p))
        waitq_wake(&p->waiters, FS_POLLOUT | FS_POLLWRNORM);
    return 0;
}

static error_t pipe_fcntl(struct file *f, struct process *who, uint32_t command, uint64_t argument, uint64_t *result)
{
    struct pipe *p = f->data;
    error_t error = 0;

    if (command == F_SETPIPE_SZ)
        error = set_capacity(p, who, argument);
    else if (command != F_GETPIPE_SZ)
        return ERR_INVALID_ARGUMENT;
    *result = p->capacity;
    return error;
}

static error_t pipe_set_flags(struct file *f, uint32_t flags)
{
    (void)f;
    return flags & O_DIRECT ? ERR_INVALID_ARGUMENT : 0;     /* packet mode */
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->data;

    if (file_readable(f) && --p->readers == 0 && p->writers != 0)
        waitq_wake(&p->waiters, FS_POLLERR | FS_POLLOUT | FS_POLLWRNORM);
    if (file_writable(f) && --p->writers == 0 && p->readers != 0)
        waitq_wake(&p->waiters, FS_POLLHUP | FS_POLLIN | FS_POLLRDNORM);
    if (--p->nr_files != 0)
        return;
    if (p->inode != NULL)
        p->inode->special = NULL;
    waitq_close(&p->waiters);
    drop_buffer(p);
    free(p);
}

static void attach(struct file *f, struct pipe *p)
{
    f->data = p;
    p->nr_files++;
    if (file_readable(f)) {
        p->readers++;
        p->r_counter++;
    }
    if (file_writable(f)) {
        p->writers++;
        p->w_counter++;
    }
    waitq_level_changes(&p->waiters);
}

/* ---- FIFOs ---- */

static bool partner_missing(const struct file *f, const struct pipe *p)
{
    return (file_readable(f) && p->writers == 0) || (file_writable(f) && p->readers == 0);
}

static error_t fifo_open_wait(struct file *f)
{
    struct pipe *p = f->data;
    uint32_t counter = file_readable(f) ? p->w_counter : p->r_counter;

    return counter != (uint32_t)(f->value >> 32) ? 0 : ERR_WOULD_BLOCK;
}

static error_t pipe_reopen(struct file *f, struct file *fresh);

static const struct file_ops pipe_ops = {
    .name = "pipe",
    .announces_falls = true,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
    .open_wait = fifo_open_wait,
    .reopen = pipe_reopen,
    .set_flags = pipe_set_flags,
    .fcntl = pipe_fcntl,
    .write_room = pipe_write_room,
};

static struct pipe *pipe_new(void)
{
    struct pipe *p = calloc(1, sizeof(*p));
    if (p != NULL) {
        p->capacity = PIPE_CAPACITY;
        waitq_init(&p->waiters);
    }
    return p;
}

/* Join the pipe; the file's ops are set, so a failure from here on is undone by
 * its release. */
static error_t join(struct file *f, struct pipe *p)
{
    const bool nonblock = (f->flags & O_NONBLOCK) != 0;

    if (nonblock && file_writable(f) && !file_readable(f) && p->readers == 0)
        return ERR_NO_ADDRESS;
    f->ops = &pipe_ops;
    attach(f, p);
    waitq_wake(&p->waiters, FS_WAKE_OPEN);
    if (!partner_missing(f, p))
        return 0;
    if (nonblock) {
        set_hangup_mark(f, p->w_counter);
        return 0;
    }
    set_awaited(f, file_readable(f) ? p->w_counter : p->r_counter);
    return ERR_WOULD_BLOCK;
}

error_t fifo_open(struct inode *inode, struct file *f, struct process *process)
{
    struct pipe *p = inode->special;
    const bool fresh = p == NULL;

    (void)process;
    if (fresh) {
        p = pipe_new();
        if (p == NULL)
            return ERR_NO_MEMORY;
        p->inode = inode;
    }
    error_t error = join(f, p);
    if (fresh && p->nr_files == 0)
        free(p);
    else
        inode->special = p;
    return error;
}

/* /proc/PID/fd/N of a pipe: another end. Unlike a FIFO's it waits for nobody, as on Linux (fs/pipe.c, is_pipe). */
static error_t pipe_reopen(struct file *f, struct file *fresh)
{
    fresh->anon_ino = f->anon_ino;
    attach(fresh, f->data);
    return 0;
}

bool file_is_pipe(const struct file *f)
{
    return f->ops == &pipe_ops;
}

bool pipe_is_empty(const struct file *f)
{
    return used(f->data) == 0;
}

/* ---- tee ---- */

error_t pipe_tee(struct file *in, struct file *out, uint64_t bytes, uint64_t *done)
{
    *done = 0;
    if (!file_is_pipe(in) || !file_is_pipe(out) || in->data == out->data)
        return ERR_INVALID_ARGUMENT;
    struct pipe *from = in->data, *to = out->data;
    if (to->readers == 0)
        return ERR_BROKEN_PIPE;
    if (used(from) == 0)
        return from->writers == 0 ? 0 : ERR_WOULD_BLOCK;
    if (room(to) == 0)
        return ERR_WOULD_BLOCK;
    struct byte_ring view = from->ring;     /* a reader of its own */
    while (bytes != 0 && byte_ring_used(&view) != 0 && room(to) != 0) {
        const uint8_t *at;
        uint64_t run = byte_ring_peek(&view, &at);
        run = run < bytes ? run : bytes;
        run = run < room(to) ? run : room(to);
        error_t error = grow(to, (uint32_t)run);
        if (error != 0 && *done == 0)
            return error;
        if (error != 0)
            break;
        uint32_t n = byte_ring_append(&to->ring, at, (uint32_t)run);
        view.tail += n;
        *done += n;
        bytes -= n;
    }
    waitq_level_changes(&to->waiters);
    waitq_wake(&to->waiters, FS_POLLIN | FS_POLLRDNORM);
    return 0;
}

/* ---- pipe2 ---- */

/* Both ends of p. On failure p is gone. */
static error_t make_ends(struct pipe *p, uint32_t flags, struct file *end[2])
{
    error_t error = file_new(&pipe_ops, O_RDONLY | flags, S_IFIFO | 0600, &end[0]);
    if (error != 0) {
        free(p);
        return error;
    }
    attach(end[0], p);
    error = file_new(&pipe_ops, O_WRONLY | flags, S_IFIFO | 0600, &end[1]);
    if (error != 0) {
        file_put(end[0]);       /* frees the pipe */
        return error;
    }
    attach(end[1], p);
    end[0]->anon_ino = end[1]->anon_ino = file_next_ino();
    return 0;
}

error_t fs_serve_pipe(struct rpc_call *call, const struct fs_pipe_in *in, struct fs_pipe_out *out)
{
    struct process *process = process_of(call);
    struct file *end[2];

    if (process == NULL)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(O_CLOEXEC | O_NONBLOCK))
        return ERR_INVALID_ARGUMENT;    /* packet mode (O_DIRECT) among them */
    struct pipe *p = pipe_new();
    if (p == NULL)
        return ERR_NO_MEMORY;
    error_t error = make_ends(p, in->flags & O_NONBLOCK, end);
    if (error != 0)
        return error;
    uint32_t fd_flags = in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0;
    error = fd_install(process, end[0], fd_flags, &out->read_fd);
    if (error != 0) {
        file_put(end[0]);
        file_put(end[1]);
        return error;
    }
    error = fd_install(process, end[1], fd_flags, &out->write_fd);
    if (error != 0) {
        fd_close(process, (int32_t)out->read_fd);
        file_put(end[1]);
    }
    return error;
}
