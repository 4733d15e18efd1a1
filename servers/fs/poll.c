/* SPDX-License-Identifier: MIT */
/*
 * poll: wait until one of some descriptors is ready.
 *
 * A request that must wait becomes a parked record with one waiter for each
 * file, on that file's own queue. An idle one costs nothing; when any of its
 * files changes, the whole set is looked at once more, which is what poll(2)
 * costs by its nature (epoll.c has the other bargain). The record holds a
 * reference to each file, so a descriptor closed meanwhile stays watched, as
 * on Linux.
 */
#include "poll.h"

#include <fs_server.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define FEW_FDS 32u

const struct process *poll_process;

struct poll_item {
    struct waiter waiter;       /* first                                        */
    struct parked *parked;
    struct file *file;          /* a reference, or NULL                         */
};

struct parked_poll {
    struct parked parked;       /* first                                        */
    struct process *process;
    struct poll_item *items;
    struct fs_pollfd *fds;
    uint64_t fds_out;
    uint32_t count;
    uint32_t ready;
};

static uint32_t wanted(const struct fs_pollfd *pfd)
{
    return (uint16_t)pfd->events | FS_POLL_ALWAYS;
}

static error_t write_back(struct rpc_call *call, uint64_t fds_out, const struct fs_pollfd *fds, uint32_t count)
{
    return count == 0 ? 0 : rpc_client_write(call, fds_out, fds, (size_t)count * sizeof(*fds));
}

static void item_wake(struct waiter *w, uint32_t events)
{
    (void)events;
    parked_retry(((struct poll_item *)w)->parked);
}

static error_t poll_attempt(struct parked *parked)
{
    struct parked_poll *pp = (struct parked_poll *)parked;

    pp->ready = 0;
    poll_process = pp->process->open ? pp->process : NULL;
    for (uint32_t i = 0; i < pp->count; i++) {
        struct fs_pollfd *pfd = &pp->fds[i];
        pfd->revents = 0;
        if (pp->items[i].file != NULL)
            pfd->revents = (int16_t)(file_poll(pp->items[i].file, NULL) & wanted(pfd));
        pp->ready += pfd->revents != 0;
    }
    poll_process = NULL;
    return pp->ready == 0 ? ERR_WOULD_BLOCK : 0;
}

static void poll_reply(struct parked *parked, error_t error)
{
    struct parked_poll *pp = (struct parked_poll *)parked;
    struct fs_poll_out out = { 0 };

    if (error == ERR_TIMEOUT) {
        for (uint32_t i = 0; i < pp->count; i++)
            pp->fds[i].revents = 0;
        pp->ready = 0;
        error = 0;
    }
    if (error == 0)
        error = write_back(parked->call, pp->fds_out, pp->fds, pp->count);
    out.ready = pp->ready;
    fs_poll_reply(parked->call, error, &out);
}

static void poll_release(struct parked *parked)
{
    struct parked_poll *pp = (struct parked_poll *)parked;

    for (uint32_t i = 0; i < pp->count && pp->items != NULL; i++) {
        waiter_remove(&pp->items[i].waiter);
        if (pp->items[i].file != NULL)
            file_put(pp->items[i].file);
    }
    free(pp->items);
    free(pp->fds);
}

static const struct parked_ops poll_ops = {
    .attempt = poll_attempt,
    .reply = poll_reply,
    .release = poll_release,
};

/* One look at all; POLLNVAL counts as ready. */
static uint32_t look(struct process *process, struct fs_pollfd *fds, uint32_t count)
{
    const struct fd_table *table = process->files;
    uint32_t ready = 0;

    poll_process = process;
    for (struct fs_pollfd *pfd = fds; pfd != fds + count; pfd++) {
        uint32_t level = 0;
        if (pfd->fd >= 0) {     /* NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult): read from the client, by address */
            struct file *f = (uint32_t)pfd->fd < table->size ? table->entry[pfd->fd].file : NULL;
            level = f == NULL || (f->flags & O_PATH) ? FS_POLLNVAL : file_poll(f, NULL) & wanted(pfd);
        }
        pfd->revents = (int16_t)level;
        ready += level != 0;
    }
    poll_process = NULL;
    return ready;
}

/* Takes over fds (allocated). */
static error_t wait(struct rpc_call *call, struct process *process, const struct fs_poll_in *in, struct fs_pollfd *fds)
{
    struct parked *parked;
    struct poll_item *items = calloc(in->count != 0 ? in->count : 1, sizeof(*items));
    error_t error = items == NULL ? ERR_NO_MEMORY
                                  : park(call, &poll_ops, sizeof(struct parked_poll), NULL, in->deadline, &parked);

    if (error != 0) {
        free(items);
        free(fds);
        return error;
    }
    struct parked_poll *pp = (struct parked_poll *)parked;
    pp->process = process;
    pp->items = items;
    pp->fds = fds;
    pp->fds_out = in->fds_out;
    pp->count = in->count;
    for (uint32_t i = 0; i < in->count; i++) {
        struct file *f = fds[i].fd < 0 ? NULL : fd_lookup(process, fds[i].fd);
        if (f == NULL)
            continue;
        items[i].parked = parked;
        items[i].file = file_get(f);
        items[i].waiter.events = wanted(&fds[i]);
        items[i].waiter.wake = item_wake;
        (void)file_poll(f, &items[i].waiter);
    }
    return RPC_PENDING;
}

error_t fs_serve_poll(struct rpc_call *call, const struct fs_poll_in *in, struct fs_poll_out *out)
{
    struct process *process = process_of(call);
    struct fs_pollfd few[FEW_FDS], *fds = few;
    size_t bytes = (size_t)in->count * sizeof(*fds);

    if (process == NULL)
        return ERR_PEER_CLOSED;
    if (in->count > FS_FD_MAX || in->count > process_limit(process, FS_RLIMIT_NOFILE))
        return ERR_INVALID_ARGUMENT;
    bool waits = in->deadline != 0;
    if (in->count > FEW_FDS || waits) {
        fds = malloc(bytes != 0 ? bytes : 1);
        if (fds == NULL)
            return ERR_NO_MEMORY;
    }
    error_t error = bytes == 0 ? 0 : rpc_buf_read(call, &in->fds, 0, fds, bytes);
    if (error == 0) {
        out->ready = look(process, fds, in->count);
        if (out->ready == 0 && waits)
            return wait(call, process, in, fds);
        error = write_back(call, in->fds_out, fds, in->count);
    }
    if (fds != few)
        free(fds);
    return error;
}
