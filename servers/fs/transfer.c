/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes between two descriptors inside fs: sendfile, splice,
 * copy_file_range, tee (which pipe.c does).
 *
 * Each round asks how much the output takes, reads at most that much, and
 * writes it. When the input cannot seek, bytes that the output refused after
 * all cannot be put back: they are held in the request, which then waits for
 * the output however it was opened. With an input that can seek the position
 * simply advances by what was written. A transfer that moved something answers
 * instead of waiting.
 */
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "inotify.h"
#include "pipe.h"
#include "process.h"
#include "vfs.h"

#define TRANSFER_TEE        0x800u
#define TRANSFER_COPY_RANGE 0x400u
#define SPLICE_F_NONBLOCK   2u
#define CHUNK       (64ul * 1024)
#define ROUND_BYTES (4ul * 1024 * 1024)     /* most in one request: the rest is a short count */

struct transfer {
    struct file *in, *out;
    struct process *process;        /* for whom: terminals check their foreground */
    uint64_t in_position, out_position;
    bool in_own, out_own;           /* the open file's offset                   */
    bool nonblock, tee;
    uint64_t left, done;
    uint8_t *held;                  /* read but not yet written                 */
    uint32_t held_bytes;
    struct file *blocked_on;
    uint32_t blocked_events;
};
struct transfer_wait {
    struct parked parked;           /* parked.file: the output                  */
    struct transfer t;              /* t.in: a reference of its own             */
};

static uint8_t chunk[CHUNK];        /* nothing suspends between its filling and emptying */

static error_t write_some(struct transfer *t, uint8_t *from, uint64_t bytes, uint64_t *written)
{
    struct io io;
    error_t e;

    io_init_memory(&io, from, bytes);
    io.process = t->process;
    e = t->out->ops->write(t->out, &io, t->out_own ? &t->out->offset : &t->out_position);
    *written = io.done;
    t->done += io.done;
    t->left -= io.done;
    return e > 0 ? ERR_IO : e;
}

static uint64_t output_room(struct transfer *t)
{
    if (!t->out->ops->poll)
        return CHUNK;
    if (!(t->out->ops->poll(t->out, NULL) & FS_POLLOUT))
        return 0;
    return t->out->ops->write_room ? t->out->ops->write_room(t->out) : 4096;
}

static error_t blocked(struct transfer *t, struct file *f, uint32_t events)
{
    t->blocked_on = f;
    t->blocked_events = events;
    return ERR_WOULD_BLOCK;
}

static error_t flush_held(struct transfer *t)
{
    uint64_t written;
    error_t e = write_some(t, t->held, t->held_bytes, &written);

    memmove(t->held, t->held + written, t->held_bytes - written);
    t->held_bytes -= (uint32_t)written;
    return e == ERR_WOULD_BLOCK ? blocked(t, t->out, FS_POLLOUT) : e;
}

/* Keep what the output did not take. The space was promised, so this is rare. */
static error_t hold(struct transfer *t, const uint8_t *from, uint64_t bytes)
{
    t->held = malloc(bytes);
    if (!t->held)
        return ERR_NO_MEMORY;
    memcpy(t->held, from, bytes);
    t->held_bytes = (uint32_t)bytes;
    return blocked(t, t->out, FS_POLLOUT);
}

/* One chunk. 0 with t->left unchanged means end of input. */
static error_t round_trip(struct transfer *t)
{
    uint64_t *position = t->in_own ? &t->in->offset : &t->in_position, start = *position, written;
    uint64_t n = t->left < CHUNK ? t->left : CHUNK, room = output_room(t);
    struct io io;
    error_t e;

    if (!room && (t->out->ops->poll(t->out, NULL) & FS_POLLERR))
        room = 1;                   /* the write tells the error */
    if (!room)
        return blocked(t, t->out, FS_POLLOUT);
    if (n > room)
        n = room;
    io_init_memory(&io, chunk, n);
    io.process = t->process;
    e = t->in->ops->read(t->in, &io, position);
    if (e == ERR_WOULD_BLOCK && !io.done)
        return blocked(t, t->in, FS_POLLIN | FS_POLLRDHUP);
    if (e > 0 || (e && !io.done))
        return e;
    if (!io.done)
        return 0;
    e = write_some(t, chunk, io.done, &written);
    if (written == io.done)
        return 0;
    if (t->in->ops->seek) {
        *position = start + written;
        return e == ERR_WOULD_BLOCK ? blocked(t, t->out, FS_POLLOUT) : e;
    }
    if (e && e != ERR_WOULD_BLOCK)
        return e;
    return hold(t, chunk + written, io.done - written);
}

/* As far as it goes now. */
static error_t transfer_some(struct transfer *t)
{
    if (t->tee) {
        error_t e = pipe_tee(t->in, t->out, t->left, &t->done);

        return e == ERR_WOULD_BLOCK ? blocked(t, pipe_is_empty(t->in) ? t->in : t->out,
                                              pipe_is_empty(t->in) ? FS_POLLIN : FS_POLLOUT) : e;
    }

    uint64_t limit = t->done + ROUND_BYTES;

    if (t->held_bytes) {
        error_t e = flush_held(t);

        if (e || t->held_bytes)
            return e ? e : blocked(t, t->out, FS_POLLOUT);
    }
    while (t->left && t->done < limit) {
        uint64_t before = t->left;
        error_t e = round_trip(t);

        if (e || t->left == before)
            return t->done && !t->held_bytes && e <= 0 ? 0 : e;
    }
    return 0;
}

static error_t transfer_run(struct transfer *t)
{
    uint64_t before = t->done;
    error_t e = transfer_some(t);

    if (t->done > before) {
        file_event(t->in, IN_ACCESS);
        file_event(t->out, IN_MODIFY);
    }
    return e;
}

static error_t transfer_attempt(struct parked *parked)
{
    struct transfer *t = &((struct transfer_wait *)parked)->t;
    struct file *was = t->blocked_on;
    error_t e = transfer_run(t);

    if (e == ERR_WOULD_BLOCK && was != t->blocked_on)
        waiter_remove(&parked->waiter);
    if (e == ERR_WOULD_BLOCK) {
        parked->waiter.events = t->blocked_events;
        if (!parked->waiter.queue)
            file_poll(t->blocked_on, &parked->waiter);
    }
    return e > 0 ? ERR_IO : e;
}

static void transfer_reply(struct parked *parked, error_t e)
{
    struct transfer *t = &((struct transfer_wait *)parked)->t;

    fs_transfer_reply(parked->call, t->done ? 0 : e, &(struct fs_transfer_out){ .done = t->done });
}

static void transfer_release(struct parked *parked)
{
    struct transfer *t = &((struct transfer_wait *)parked)->t;

    free(t->held);
    file_put(t->in);
}

static const struct parked_ops transfer_ops = { .attempt = transfer_attempt, .reply = transfer_reply,
                                                .release = transfer_release };

static error_t check(const struct fs_transfer_in *in, struct transfer *t)
{
    t->in = handle_file(in->in_fd);
    t->out = handle_file(in->out_fd);
    if (!file_readable(t->in) || !file_writable(t->out))
        return ERR_BAD_HANDLE;
    if (in->flags & TRANSFER_TEE)
        return file_is_pipe(t->in) && file_is_pipe(t->out) ? 0 : ERR_INVALID_ARGUMENT;
    /* sendfile wants a file; splice wants a pipe on one side */
    if (!t->in->ops->seek && !file_is_pipe(t->in) && !file_is_pipe(t->out))
        return ERR_INVALID_ARGUMENT;
    if (!t->in->ops->read || !t->out->ops->write)
        return ERR_INVALID_ARGUMENT;
    if ((in->in_offset != -1 && !t->in->ops->seek) || (in->out_offset != -1 && !t->out->ops->seek))
        return ERR_SEEK_PIPE;
    if (in->in_offset < -1 || in->out_offset < -1)
        return ERR_INVALID_ARGUMENT;
    if (in->flags & TRANSFER_COPY_RANGE) {
        if (!t->in->inode || !t->out->inode || !S_ISREG(t->in->inode->mode) || !S_ISREG(t->out->inode->mode))
            return t->in->inode && S_ISDIR(t->in->inode->mode) ? ERR_IS_DIRECTORY : ERR_INVALID_ARGUMENT;
        if (t->out->flags & O_APPEND)
            return ERR_BAD_HANDLE;
    } else if ((t->out->flags & O_APPEND) && t->in->inode && t->in->ops->seek) {
        return ERR_INVALID_ARGUMENT;
    }
    return 0;
}

error_t fs_serve_transfer(struct rpc_call *call, const struct fs_transfer_in *in, struct fs_transfer_out *out)
{
    struct transfer t = { .process = request_process(call), .in_position = (uint64_t)in->in_offset, .out_position = (uint64_t)in->out_offset,
                          .tee = in->flags & TRANSFER_TEE, .in_own = in->in_offset == -1, .out_own = in->out_offset == -1, .left = in->bytes };
    struct parked *parked;
    error_t e;

    e = check(in, &t);
    if (e)
        return e;
    if (coro_self()) {              /* reading may suspend */
        file_get(t.in);
        file_get(t.out);
    }
    e = transfer_run(&t);
    if (coro_self()) {
        file_put(t.in);
        file_put(t.out);
    }
    out->done = t.done;
    t.nonblock = (in->flags & SPLICE_F_NONBLOCK) || (e == ERR_WOULD_BLOCK && (t.blocked_on->flags & O_NONBLOCK));
    if (e != ERR_WOULD_BLOCK || (t.nonblock && !t.held_bytes)) {
        free(t.held);
        return t.done && e < 0 ? 0 : e;
    }
    e = park(call, &transfer_ops, sizeof(struct transfer_wait), t.out, DEADLINE_NONE, &parked);
    if (e) {
        free(t.held);
        return t.done ? 0 : e;
    }
    file_get(t.in);
    ((struct transfer_wait *)parked)->t = t;
    parked->waiter.events = t.blocked_events;
    file_poll(t.blocked_on, &parked->waiter);
    return RPC_PENDING;
}
