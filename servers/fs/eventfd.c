/* SPDX-License-Identifier: MIT */
/*
 * eventfd: a 64-bit counter with a descriptor. Reading takes it (or one, in
 * semaphore mode), writing adds to it; both wait when they cannot.
 *
 * A process that alone has one may own it: it counts by itself, and says where it
 * got to before it does anything with the descriptor that fs must see
 * (docs/pipes-and-sockets.md). `counter` is meanwhile what it was when it was
 * taken. A request on an owned eventfd breaks that rule, or comes from somebody
 * whom the owner let have it without returning it: then the old value counts
 * again. So a liar changes nobody's counter but its own.
 */
#include <fs_server.h>
#include <stdlib.h>

#include "process.h"
#include "vfs.h"

#define EFD_SEMAPHORE 1u
#define COUNTER_MAX   0xfffffffffffffffeul

struct eventfd {
    uint64_t counter;
    bool     semaphore;
    bool     owned;             /* by the only process that has it              */
    struct waitq waiters;
};

/* For whatever is done with it here: an owner is none any more. */
static struct eventfd *eventfd_of(struct file *f)
{
    struct eventfd *e = f->data;

    e->owned = false;
    return e;
}

static error_t eventfd_read(struct file *f, struct io *io, uint64_t *position)
{
    struct eventfd *e = eventfd_of(f);

    (void)position;
    if (io_left(io) < sizeof(uint64_t))
        return ERR_INVALID_ARGUMENT;
    if (e->counter == 0)
        return ERR_WOULD_BLOCK;
    uint64_t value = e->semaphore ? 1 : e->counter;
    error_t error = io_put(io, &value, sizeof(value));
    if (error != 0)
        return error;
    e->counter -= value;
    waitq_level_changes(&e->waiters);
    waitq_wake(&e->waiters, FS_POLLOUT | FS_POLLWRNORM);
    return 0;
}

/* The value is looked at before it counts as moved: a write that must wait
 * reads it again, one that is refused has moved nothing. */
static void put_back(struct io *io, const struct io *before)
{
    io->done = before->done;
    io->iov_index = before->iov_index;
    io->iov_done = before->iov_done;
}

static error_t eventfd_write(struct file *f, struct io *io, uint64_t *position)
{
    struct eventfd *e = eventfd_of(f);
    uint64_t value;
    struct io before = *io;

    (void)position;
    if (io_left(io) < sizeof(value))
        return ERR_INVALID_ARGUMENT;
    error_t error = io_get(io, &value, sizeof(value));
    if (error != 0)
        return error;
    if (value > COUNTER_MAX || COUNTER_MAX - e->counter < value) {
        put_back(io, &before);
        return value > COUNTER_MAX ? ERR_INVALID_ARGUMENT : ERR_WOULD_BLOCK;
    }
    e->counter += value;
    waitq_level_changes(&e->waiters);
    if (value != 0)
        waitq_wake(&e->waiters, FS_POLLIN | FS_POLLRDNORM);
    return 0;
}

static uint32_t eventfd_poll(struct file *f, struct waiter *w)
{
    struct eventfd *e = eventfd_of(f);

    if (w != NULL && w->queue == NULL)
        waitq_add(&e->waiters, w);
    return (e->counter != 0 ? FS_POLLIN | FS_POLLRDNORM : 0) |
           (e->counter < COUNTER_MAX ? FS_POLLOUT | FS_POLLWRNORM : 0);
}

static void eventfd_release(struct file *f)
{
    struct eventfd *e = f->data;

    waitq_close(&e->waiters);
    free(e);
}

static const struct file_ops eventfd_ops = {
    .name = "anon_inode:[eventfd]",
    .announces_falls = true,
    .page_kind = FD_EVENTFD,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
};

error_t fs_serve_eventfd(struct rpc_call *call, const struct fs_eventfd_in *in, struct fs_eventfd_out *out)
{
    struct process *process = process_of(call);
    struct file *f;

    if (process == NULL)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
        return ERR_INVALID_ARGUMENT;
    struct eventfd *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return ERR_NO_MEMORY;
    e->counter = in->initial;
    e->semaphore = (in->flags & EFD_SEMAPHORE) != 0;
    waitq_init(&e->waiters);
    error_t error = file_new(&eventfd_ops, O_RDWR | (in->flags & O_NONBLOCK), 0600, &f);
    if (error != 0) {
        free(e);
        return error;
    }
    f->data = e;
    error = fd_install(process, f, in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, &out->fd);
    if (error != 0)
        file_put(f);
    return error;
}

/* ---- owned by its process ---- */

/* One reference is the descriptor: no second one, no message in flight, no parked
 * request. One reference to the table: no other process, no fork or exec under way. */
error_t fs_serve_eventfd_take(struct rpc_call *call, const struct fs_eventfd_take_in *in,
                              struct fs_eventfd_take_out *out)
{
    struct file *f = handle_file(in->fd);
    struct eventfd *e = f->data;

    if (f->ops != &eventfd_ops)
        return ERR_INVALID_ARGUMENT;
    if (f->refs != 1 || request_process(call)->files->refs != 1 || f->poll_links != NULL || !waitq_empty(&e->waiters) ||
        (f->flags & O_ASYNC))
        return ERR_BUSY;
    e->owned = true;
    out->counter = e->counter;
    out->flags = (e->semaphore ? EFD_SEMAPHORE : 0) | (f->flags & O_NONBLOCK);
    return 0;
}

error_t fs_serve_eventfd_return(struct rpc_call *call, const struct fs_eventfd_return_in *in,
                                struct fs_eventfd_return_out *out)
{
    struct file *f = handle_file(in->fd);
    struct eventfd *e = f->data;

    (void)call, (void)out;
    if (f->ops != &eventfd_ops || !e->owned || in->counter > COUNTER_MAX)
        return ERR_INVALID_ARGUMENT;
    e->owned = false;
    e->counter = in->counter;
    return 0;
}
