/* SPDX-License-Identifier: MIT */
/*
 * sendmsg and recvmsg as requests: gather the pieces from client memory, try,
 * park when that must wait, answer.
 *
 * The sender's descriptors are looked up once, at the start: they are in flight
 * while the request waits for room.
 */
#include <fs_server.h>
#include <string.h>

#include "unix.h"

static ticks_t deadline_of(uint64_t timeout)
{
    return timeout == 0 ? DEADLINE_NONE : exec_now() + timeout;
}

static bool may_wait(const struct unix_socket *u, uint32_t flags)
{
    return !(u->file->flags & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
}

/* ---- sendmsg ---- */

struct parked_send {
    struct parked parked;           /* first                                    */
    struct process *process;
    struct io io;
    struct unix_cred cred;
    struct unix_files *files;
    uint32_t to_bytes;
    uint8_t  to[128];
};

static error_t send_attempt(struct parked *parked)
{
    struct parked_send *ps = (struct parked_send *)parked;

    return unix_send(parked->file->data, ps->process, &ps->io, ps->to, ps->to_bytes, &ps->cred, &ps->files);
}

/* What a send that moved bytes before it failed answers. */
static error_t send_result(error_t error, uint64_t done)
{
    if (done != 0)
        return 0;
    return error == ERR_TIMEOUT ? ERR_AGAIN : error;
}

static void send_reply(struct parked *parked, error_t error)
{
    struct parked_send *ps = (struct parked_send *)parked;
    struct fs_sendmsg_out out = { .done = ps->io.done };

    fs_sendmsg_reply(parked->call, send_result(error, ps->io.done), &out);
}

static void send_release(struct parked *parked)
{
    struct parked_send *ps = (struct parked_send *)parked;

    io_fini(&ps->io);
    unix_files_free(ps->files);
}

static const struct parked_ops send_ops = { .attempt = send_attempt, .reply = send_reply, .release = send_release };

/* Takes over io and files. */
static error_t park_send(struct rpc_call *call, struct process *p, struct unix_socket *u,
                         const struct fs_sendmsg_in *in, struct io *io, const struct unix_cred *cred,
                         struct unix_files *files)
{
    struct parked *parked;
    error_t error = park(call, &send_ops, sizeof(struct parked_send), u->file, deadline_of(u->sndtimeo), &parked);

    if (error != 0) {
        io_fini(io);
        unix_files_free(files);
        return error;
    }
    struct parked_send *ps = (struct parked_send *)parked;
    ps->process = p;
    io_park(&ps->io, io, parked->call, NULL, false);
    ps->cred = *cred;
    ps->files = files;
    ps->to_bytes = in->address_bytes;
    memcpy(ps->to, in->address, in->address_bytes);
    parked->waiter.events = FS_POLLOUT;
    waitq_add(&u->waiters, &parked->waiter);
    return RPC_PENDING;
}

error_t fs_serve_sendmsg(struct rpc_call *call, const struct fs_sendmsg_in *in, struct fs_sendmsg_out *out)
{
    struct process *p = request_process(call);
    struct unix_socket *u = handle_socket(in->fd);
    struct unix_cred cred;
    struct unix_files *files;
    struct io io;
    error_t error;

    if (in->flags & MSG_OOB)
        return ERR_NOT_SUPPORTED;
    error = io_init_vector(&io, call, in->iov, in->iov_count);
    if (error != 0)
        return error == ERR_INVALID_ARGUMENT && in->iov_count > FS_IOV_MAX ? ERR_MESSAGE_SIZE : error;
    error = unix_read_control(call, p, in->control, in->control_bytes, &cred, &files);
    if (error != 0) {
        io_fini(&io);
        return error;
    }
    error = unix_send(u, p, &io, in->address, in->address_bytes, &cred, &files);
    if (error == ERR_WOULD_BLOCK && may_wait(u, in->flags))
        return park_send(call, p, u, in, &io, &cred, files);
    out->done = io.done;
    error = send_result(error, io.done);
    io_fini(&io);
    unix_files_free(files);
    return error;
}

/* ---- recvmsg ---- */

struct receive_request {
    struct process *process;
    uint64_t control;
    uint32_t control_bytes, flags;
    struct unix_received received;
};

struct parked_receive {
    struct parked parked;           /* first                                    */
    struct receive_request request;
    struct io io;
    struct io address;              /* keeps the buffer valid                   */
    uint8_t  copy[IO_COPY_MAX];
};
_Static_assert(sizeof(struct parked_receive) <= PARKED_MAX_BYTES, "fits a parked record");

/* Write all but the data to the client and fill in the answer. Frees what was
 * received. */
static error_t finish_receive(struct rpc_call *call, struct receive_request *rq, const struct unix_socket *u,
                              const struct io *io, struct io *address, struct fs_recvmsg_out *out)
{
    struct unix_received *r = &rq->received;
    error_t error = unix_write_control(call, rq->process, rq->control, rq->control_bytes, rq->flags, u->passcred, r,
                                       &out->control_done);

    if (error == 0 && r->from != NULL)
        error = io_put(address, r->from->name, r->from->bytes);
    out->done = io->done;
    if ((rq->flags & MSG_TRUNC) && u->type != SOCK_STREAM)
        out->done = r->message_bytes;
    out->address_done = address->done;
    out->flags_out = r->flags;
    unix_received_fini(r);
    return error;
}

static error_t receive_attempt(struct parked *parked)
{
    struct parked_receive *pr = (struct parked_receive *)parked;

    return unix_receive(parked->file->data, &pr->io, pr->request.flags, &pr->request.received);
}

static error_t receive_result(error_t error, uint64_t done)
{
    if (done != 0)
        return 0;
    return error == ERR_TIMEOUT ? ERR_AGAIN : error;
}

static void receive_reply(struct parked *parked, error_t error)
{
    struct parked_receive *pr = (struct parked_receive *)parked;
    struct fs_recvmsg_out out = { 0 };

    error = receive_result(error, pr->io.done);
    if (error == 0)
        error = finish_receive(parked->call, &pr->request, parked->file->data, &pr->io, &pr->address, &out);
    fs_recvmsg_reply(parked->call, error, &out);
}

static void receive_release(struct parked *parked)
{
    struct parked_receive *pr = (struct parked_receive *)parked;

    io_fini(&pr->io);
    io_fini(&pr->address);
    unix_received_fini(&pr->request.received);
}

static const struct parked_ops receive_ops = {
    .attempt = receive_attempt,
    .reply = receive_reply,
    .release = receive_release,
};

/* Takes over io, address and what was received so far. */
static error_t park_receive(struct rpc_call *call, struct unix_socket *u, struct receive_request *rq, struct io *io,
                            struct io *address)
{
    struct parked *parked;
    error_t error = park(call, &receive_ops, sizeof(struct parked_receive), u->file, deadline_of(u->rcvtimeo),
                         &parked);

    if (error != 0) {
        io_fini(io);
        io_fini(address);
        unix_received_fini(&rq->received);
        return error;
    }
    struct parked_receive *pr = (struct parked_receive *)parked;
    pr->request = *rq;
    io_park(&pr->io, io, parked->call, NULL, false);
    io_park(&pr->address, address, parked->call, pr->copy, false);
    parked->waiter.events = FS_POLLIN | FS_POLLRDHUP;
    waitq_add(&u->waiters, &parked->waiter);
    return RPC_PENDING;
}

error_t fs_serve_recvmsg(struct rpc_call *call, const struct fs_recvmsg_in *in, struct fs_recvmsg_out *out)
{
    struct unix_socket *u = handle_socket(in->fd);
    struct io io, address;
    error_t error;

    if (in->flags & MSG_OOB)
        return ERR_NOT_SUPPORTED;
    error = io_init_vector(&io, call, in->iov, in->iov_count);
    if (error != 0)
        return error == ERR_INVALID_ARGUMENT && in->iov_count > FS_IOV_MAX ? ERR_MESSAGE_SIZE : error;
    io_init_buffer(&address, call, &in->address);
    struct receive_request rq = {
        .process = request_process(call), .control = in->control, .control_bytes = in->control_bytes, .flags = in->flags,
    };
    error = unix_receive(u, &io, in->flags, &rq.received);
    if (error == ERR_WOULD_BLOCK && may_wait(u, in->flags))
        return park_receive(call, u, &rq, &io, &address);
    error = receive_result(error, io.done);
    if (error == 0)
        error = finish_receive(call, &rq, u, &io, &address, out);
    else
        unix_received_fini(&rq.received);
    io_fini(&io);
    io_fini(&address);
    return error;
}
