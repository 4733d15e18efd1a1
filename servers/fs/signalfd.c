/* SPDX-License-Identifier: MIT */
/*
 * signalfd: a set of signals with a descriptor. Taking a signal is between
 * linux_compat and proc (sig_take, sig_wait with the mask from signalfd_get);
 * fs keeps the object and says when it is readable.
 *
 * Whose signals: those of the process that looks, as on Linux. A request's
 * process is known while it polls (poll_process); a waiter that was parked
 * before is woken by proc's event for any process and looks again.
 */
#include <fs_server.h>
#include <stdlib.h>

#include "poll.h"
#include "process.h"
#include "vfs.h"

#define SIGKILL_BIT (1ul << (9 - 1))
#define SIGSTOP_BIT (1ul << (19 - 1))

/* All signalfds share one queue: events are rare, and most systems have none
 * of these objects. */
static struct waitq waiters;

struct signalfd {
    uint64_t mask;
    uint32_t slot;          /* its maker, for lookers without a process (epoll) */
    uint32_t pid;
};

static uint64_t pending_signals(const struct process *p)
{
    uint64_t pending = p->page->pending;

    for (uint32_t i = 0; i < VM_MAX_THREADS; i++)
        if (p->page->thread[i].tid != 0)
            pending |= p->page->thread[i].pending;
    return pending;
}

static uint32_t signalfd_poll(struct file *f, struct waiter *w)
{
    struct signalfd *s = f->data;
    const struct process *p = poll_process;

    if (w != NULL && w->queue == NULL)
        waitq_add(&waiters, w);
    if (p == NULL || !p->open) {
        p = &processes[s->slot];
        if (!p->open || p->page->pid != s->pid)
            return 0;
    }
    return (pending_signals(p) & s->mask) ? FS_POLLIN | FS_POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
    free(f->data);
}

/* linux_compat never asks fs to read one; another client gets an error. */
static const struct file_ops signalfd_ops = {
    .page_kind = FD_SIGNALFD,
    .name = "anon_inode:[signalfd]",
    .poll = signalfd_poll,
    .release = signalfd_release,
};

static error_t signalfd_new(struct process *process, const struct fs_signalfd_in *in, uint32_t *fd)
{
    struct file *f;
    struct signalfd *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return ERR_NO_MEMORY;
    error_t error = file_new(&signalfd_ops, O_RDWR | (in->flags & O_NONBLOCK), 0600, &f);
    if (error != 0) {
        free(s);
        return error;
    }
    *s = (struct signalfd){ .mask = in->mask & ~(SIGKILL_BIT | SIGSTOP_BIT),
                            .slot = process->slot, .pid = process_pid(process) };
    f->data = s;
    error = fd_install(process, f, in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, fd);
    if (error != 0)
        file_put(f);
    return error;
}

error_t fs_serve_signalfd(struct rpc_call *call, const struct fs_signalfd_in *in, struct fs_signalfd_out *out)
{
    struct process *process = process_of(call);

    if (process == NULL)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(O_CLOEXEC | O_NONBLOCK))
        return ERR_INVALID_ARGUMENT;
    if (in->fd == -1)
        return signalfd_new(process, in, &out->fd);
    struct file *f = fd_lookup(process, in->fd);
    if (f == NULL)
        return ERR_BAD_HANDLE;
    if (f->ops != &signalfd_ops)
        return ERR_INVALID_ARGUMENT;
    struct signalfd *s = f->data;
    s->mask = in->mask & ~(SIGKILL_BIT | SIGSTOP_BIT);
    waitq_wake(&waiters, FS_POLLIN | FS_POLLRDNORM);
    out->fd = (uint32_t)in->fd;
    return 0;
}

error_t fs_serve_signalfd_get(struct rpc_call *call, const struct fs_signalfd_get_in *in,
                              struct fs_signalfd_get_out *out)
{
    const struct file *f = handle_file(in->fd);

    (void)call;
    if (f->ops != &signalfd_ops)
        return ERR_INVALID_ARGUMENT;
    out->mask = ((struct signalfd *)f->data)->mask;
    out->flags = f->flags & O_NONBLOCK;
    return 0;
}

error_t fs_serve_signals_pending(struct rpc_call *call, const struct fs_signals_pending_in *in)
{
    (void)in;
    if (!call_from_server(call))
        return ERR_PERMISSION;
    waitq_wake(&waiters, FS_POLLIN | FS_POLLRDNORM);
    return 0;
}
