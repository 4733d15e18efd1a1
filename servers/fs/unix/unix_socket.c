/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets: life, files, connections. unix.h tells who owns what.
 *
 * connect makes the server's end at once and puts it into the listener's accept
 * queue; the client may write before accept. A full queue makes connect wait on
 * the listener's list of blocked sockets, like a sender without room.
 *
 * Closing one end of a connection makes the other read what is queued, then end
 * of file, and fail to write; if the closed end had unread data, the other gets
 * ERR_CONN_RESET once, as on Linux.
 */
#include <fs_server.h>
#include <stdlib.h>
#include <string.h>

#include "../vfs.h"
#include "unix.h"

#define SHUT_RD   0u
#define SHUT_WR   1u
#define SHUT_RDWR 2u
#define FIONREAD  0x541bu
#define SIOCOUTQ  0x5411u

struct unix_socket *unix_sockets;
static const struct file_ops unix_ops;

bool file_is_unix(const struct file *f)
{
    return f->ops == &unix_ops;
}

struct unix_cred unix_cred_of(const struct process *p)
{
    if (p == NULL)
        return (struct unix_cred){ 0 };
    return (struct unix_cred){ process_pid(p), p->page->euid, p->page->egid };
}

error_t fs_lookup_socket(struct rpc_call *call, uint32_t handle, uint32_t rights, struct fs_socket **out)
{
    struct process *p = process_of(call);

    (void)rights;               /* there are none */
    if (p == NULL)
        return ERR_PEER_CLOSED;
    struct file *f = fd_lookup(p, (int32_t)handle);
    if (f == NULL)
        return ERR_BAD_HANDLE;
    if (!file_is_unix(f))
        return ERR_NOT_SOCKET;
    *out = f->data;
    return 0;
}

error_t unix_take_error(struct unix_socket *u)
{
    error_t error = u->error;
    u->error = 0;
    if (error != 0)
        waitq_level_changes(&u->waiters);
    return error;
}

void unix_wake(struct unix_socket *u, uint32_t events)
{
    waitq_wake(&u->waiters, events);
}

/* ---- who waits for whom ---- */

static void unblock(struct unix_socket *u)
{
    struct unix_socket *on = u->blocked_on;

    if (on == NULL)
        return;
    if (u->blocked_prev != NULL)
        u->blocked_prev->blocked_next = u->blocked_next;
    else
        on->blocked = u->blocked_next;
    if (u->blocked_next != NULL)
        u->blocked_next->blocked_prev = u->blocked_prev;
    u->blocked_on = u->blocked_next = u->blocked_prev = NULL;
}

void unix_block_on(struct unix_socket *u, struct unix_socket *on)
{
    unblock(u);
    u->blocked_on = on;
    u->blocked_next = on->blocked;
    if (on->blocked != NULL)
        on->blocked->blocked_prev = u;
    on->blocked = u;
}

void unix_wake_blocked(struct unix_socket *u)
{
    while (u->blocked != NULL) {
        struct unix_socket *sender = u->blocked;
        unblock(sender);
        unix_wake(sender, FS_POLLOUT | FS_POLLWRNORM);
    }
    /* who only polls is not on the list */
    if (u->type != SOCK_DGRAM && u->peer != NULL)
        unix_wake(u->peer, FS_POLLOUT | FS_POLLWRNORM);
    for (struct unix_socket *s = u->senders; s != NULL; s = s->sender_next)
        unix_wake(s, FS_POLLOUT | FS_POLLWRNORM);
}

/* A datagram socket's default receiver. */
void unix_set_peer(struct unix_socket *u, struct unix_socket *peer)
{
    if (u->peer != NULL) {
        if (u->sender_prev != NULL)
            u->sender_prev->sender_next = u->sender_next;
        else
            u->peer->senders = u->sender_next;
        if (u->sender_next != NULL)
            u->sender_next->sender_prev = u->sender_prev;
        u->sender_next = u->sender_prev = NULL;
    }
    u->peer = peer;
    waitq_level_changes(&u->waiters);
    if (peer != NULL) {
        u->sender_next = peer->senders;
        if (peer->senders != NULL)
            peer->senders->sender_prev = u;
        peer->senders = u;
    }
}

/* ---- life ---- */

static struct unix_socket *socket_new(uint32_t type, struct unix_cred cred)
{
    struct unix_socket *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return NULL;
    u->type = type;
    u->cred = cred;
    u->sndbuf = u->rcvbuf = UNIX_BUF_DEFAULT;
    waitq_init(&u->waiters);
    u->all_next = unix_sockets;
    if (unix_sockets != NULL)
        unix_sockets->all_prev = u;
    unix_sockets = u;
    return u;
}

/* The other end of a connection is gone. */
static void lose_peer(struct unix_socket *u, bool unread)
{
    u->peer = NULL;
    u->shutdown = RCV_SHUTDOWN | SEND_SHUTDOWN;
    if (unread)
        u->error = ERR_CONN_RESET;
    unix_wake(u, FS_POLLIN | FS_POLLRDNORM | FS_POLLOUT | FS_POLLWRNORM | FS_POLLHUP | FS_POLLRDHUP);
}

static void socket_destroy(struct unix_socket *u);

/* NOLINTNEXTLINE(misc-no-recursion): what waits to be accepted does not listen */
static void refuse_waiting(struct unix_socket *u)
{
    while (u->accept_first != NULL) {
        struct unix_socket *embryo = u->accept_first;
        u->accept_first = embryo->accept_next;
        embryo->listener = NULL;
        if (embryo->peer != NULL) {
            struct unix_socket *client = embryo->peer;
            embryo->peer = NULL;
            lose_peer(client, true);
        }
        socket_destroy(embryo);
    }
}

static void drop_links(struct unix_socket *u)
{
    unblock(u);
    if (u->type == SOCK_DGRAM) {
        unix_set_peer(u, NULL);
        while (u->senders != NULL) {
            struct unix_socket *sender = u->senders;
            unix_set_peer(sender, NULL);
            sender->error = ERR_CONN_REFUSED;
            unix_wake(sender, FS_POLLERR | FS_POLLOUT | FS_POLLWRNORM);
        }
    } else if (u->peer != NULL) {
        struct unix_socket *peer = u->peer;
        u->peer = NULL;
        lose_peer(peer, u->first != NULL);
    }
    while (u->blocked != NULL) {
        struct unix_socket *sender = u->blocked;
        unblock(sender);
        unix_wake(sender, FS_POLLERR | FS_POLLOUT | FS_POLLWRNORM);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): see refuse_waiting */
static void socket_destroy(struct unix_socket *u)
{
    unix_unbind(u);
    refuse_waiting(u);
    drop_links(u);
    waitq_close(&u->waiters);
    unix_address_put(u->peer_address);
    if (u->all_prev != NULL)
        u->all_prev->all_next = u->all_next;
    else
        unix_sockets = u->all_next;
    if (u->all_next != NULL)
        u->all_next->all_prev = u->all_prev;
    u->file = NULL;
    unix_purge(u);
    free(u);
}

static void unix_release(struct file *f)
{
    socket_destroy(f->data);
    unix_collect_soon();
}

/* The descriptor's reference may have been the last one outside of messages. */
static void unix_descriptor_closed(struct file *f, struct process *p)
{
    (void)f;
    (void)p;
    unix_collect_soon();
}

/* ---- the file ---- */

static error_t unix_read(struct file *f, struct io *io, uint64_t *position)
{
    struct unix_received r = { 0 };

    (void)position;
    error_t error = unix_receive(f->data, io, 0, &r);
    unix_received_fini(&r);
    return error;
}

static error_t unix_write(struct file *f, struct io *io, uint64_t *position)
{
    struct unix_socket *u = f->data;
    struct process *p = io_process(io);
    struct unix_cred cred = p != NULL ? unix_cred_of(p) : u->cred;
    struct unix_files *files = NULL;

    (void)position;
    return unix_send(u, p, io, NULL, 0, &cred, &files);
}

static uint32_t unix_poll(struct file *f, struct waiter *w)
{
    struct unix_socket *u = f->data;
    uint32_t level = 0;

    if (w != NULL && w->queue == NULL)
        waitq_add(&u->waiters, w);
    if (u->error != 0)
        level |= FS_POLLERR;
    if (u->shutdown == (RCV_SHUTDOWN | SEND_SHUTDOWN))
        level |= FS_POLLHUP;
    if (u->shutdown & RCV_SHUTDOWN)
        level |= FS_POLLRDHUP | FS_POLLIN | FS_POLLRDNORM;
    if (u->first != NULL || u->accept_first != NULL)
        level |= FS_POLLIN | FS_POLLRDNORM;
    if (u->state == UNIX_LISTENING)
        return level;
    if (u->type != SOCK_DGRAM && u->state == UNIX_CLOSED)
        level |= FS_POLLHUP;
    if (unix_writable(u))
        level |= FS_POLLOUT | FS_POLLWRNORM;
    return level;
}

static error_t unix_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument, uint64_t *result)
{
    const struct unix_socket *u = f->data;
    int32_t n;

    *result = 0;
    switch (command) {
    case FIONREAD:
        if (u->state == UNIX_LISTENING)
            return ERR_INVALID_ARGUMENT;
        n = (int32_t)unix_input_bytes(u);
        break;
    case SIOCOUTQ:
        n = u->peer != NULL ? (int32_t)u->peer->queued_bytes : 0;
        break;
    default: return ERR_NOT_TTY;
    }
    return rpc_client_write(call, argument, &n, sizeof(n));
}

static uint64_t unix_write_room(struct file *f)
{
    const struct unix_socket *u = f->data;

    if (u->peer == NULL || u->peer->queued_bytes >= u->sndbuf)
        return u->peer == NULL ? 4096 : 0;
    return u->sndbuf - u->peer->queued_bytes;
}

static const struct file_ops unix_ops = {
    .name = "socket",
    .announces_falls = true,
    .read = unix_read,
    .write = unix_write,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .release = unix_release,
    .close = unix_descriptor_closed,
    .write_room = unix_write_room,
};

/* A file and a descriptor for u. On failure u is untouched. */
static error_t publish(struct process *p, struct unix_socket *u, uint32_t flags, uint32_t *fd)
{
    struct file *f;
    error_t error = file_new(&unix_ops, O_RDWR | (flags & O_NONBLOCK), S_IFSOCK | 0777, &f);

    if (error != 0)
        return error;
    f->data = u;
    f->anon_ino = file_next_ino();
    f->anon_uid = process_fsuid(p);
    f->anon_gid = process_fsgid(p);
    u->file = f;
    error = fd_install(p, f, flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, fd);
    if (error != 0) {
        u->file = NULL;
        f->ops = NULL;          /* so that its release leaves u alone */
        file_put(f);
    }
    return error;
}

static error_t check_kind(uint32_t domain, uint32_t type, uint32_t protocol, uint32_t *kind)
{
    if (domain != AF_UNIX)
        return ERR_ADDRESS_FAMILY;
    if (type & ~(SOCK_TYPE_MASK | O_NONBLOCK | O_CLOEXEC))
        return ERR_INVALID_ARGUMENT;
    if (protocol != 0 && protocol != AF_UNIX)
        return ERR_PROTOCOL;
    *kind = type & SOCK_TYPE_MASK;
    if (*kind == SOCK_RAW)
        *kind = SOCK_DGRAM;
    return *kind == SOCK_STREAM || *kind == SOCK_DGRAM || *kind == SOCK_SEQPACKET ? 0 : ERR_SOCKET_TYPE;
}

error_t fs_serve_socket(struct rpc_call *call, const struct fs_socket_in *in, struct fs_socket_out *out)
{
    struct process *p = process_of(call);
    uint32_t kind;

    if (p == NULL)
        return ERR_PEER_CLOSED;
    error_t error = check_kind(in->domain, in->type, in->protocol, &kind);
    if (error != 0)
        return error;
    struct unix_socket *u = socket_new(kind, unix_cred_of(p));
    if (u == NULL)
        return ERR_NO_MEMORY;
    error = publish(p, u, in->type, &out->fd);
    if (error != 0)
        socket_destroy(u);
    return error;
}

static void join(struct unix_socket *a, struct unix_socket *b)
{
    a->state = b->state = UNIX_CONNECTED;
    waitq_level_changes(&a->waiters);
    if (a->type == SOCK_DGRAM) {
        unix_set_peer(a, b);
        unix_set_peer(b, a);
    } else {
        a->peer = b;
        b->peer = a;
    }
    a->peer_cred = b->cred;
    b->peer_cred = a->cred;
}

error_t fs_serve_socketpair(struct rpc_call *call, const struct fs_socketpair_in *in, struct fs_socketpair_out *out)
{
    struct process *p = process_of(call);
    uint32_t kind;

    if (p == NULL)
        return ERR_PEER_CLOSED;
    error_t error = check_kind(in->domain, in->type, in->protocol, &kind);
    if (error != 0)
        return error;
    struct unix_socket *a = socket_new(kind, unix_cred_of(p));
    struct unix_socket *b = a != NULL ? socket_new(kind, unix_cred_of(p)) : NULL;
    if (b == NULL) {
        error = ERR_NO_MEMORY;
        goto no_sockets;
    }
    join(a, b);
    error = publish(p, a, in->type, &out->fd0);
    if (error != 0)
        goto no_sockets;
    error = publish(p, b, in->type, &out->fd1);
    if (error == 0)
        return 0;
    (void)fd_close(p, (int32_t)out->fd0);    /* destroys a */
    a = NULL;
no_sockets:
    if (a != NULL)
        socket_destroy(a);
    if (b != NULL)
        socket_destroy(b);
    return error;
}

/* ---- names, listening ---- */

error_t fs_serve_bind(struct rpc_call *call, const struct fs_bind_in *in, struct fs_bind_out *out)
{
    (void)out;
    return unix_bind(request_process(call), handle_socket(in->fd), in->address, in->address_bytes);
}

error_t fs_serve_listen(struct rpc_call *call, const struct fs_listen_in *in, struct fs_listen_out *out)
{
    struct unix_socket *u = handle_socket(in->fd);

    (void)out;
    if (u->type == SOCK_DGRAM)
        return ERR_NOT_SUPPORTED;
    if (u->address == NULL || u->state == UNIX_CONNECTED)
        return ERR_INVALID_ARGUMENT;
    u->state = UNIX_LISTENING;
    waitq_level_changes(&u->waiters);
    u->backlog = in->backlog < UNIX_BACKLOG_MAX ? in->backlog : UNIX_BACKLOG_MAX;
    u->cred = unix_cred_of(request_process(call));      /* what a client sees as its peer */
    unix_wake_blocked(u);
    return 0;
}

error_t fs_serve_getname(struct rpc_call *call, const struct fs_getname_in *in, struct fs_getname_out *out)
{
    static const struct unix_address unnamed = { .bytes = 2, .name = { AF_UNIX, 0 } };
    const struct unix_socket *u = handle_socket(in->fd);

    if (in->peer && u->state != UNIX_CONNECTED)
        return ERR_NOT_CONNECTED;
    const struct unix_address *a = !in->peer ? u->address : u->peer != NULL ? u->peer->address : u->peer_address;
    if (a == NULL)
        a = &unnamed;
    out->done = a->bytes < in->address.bytes ? a->bytes : in->address.bytes;
    return out->done == 0 ? 0 : rpc_buf_write(call, &in->address, 0, a->name, out->done);
}

/* ---- connect ---- */

static error_t connect_datagram(struct process *p, struct unix_socket *u, const uint8_t *name, uint32_t bytes)
{
    struct unix_socket *to;
    uint16_t family = 0;

    if (bytes >= sizeof(family))
        memcpy(&family, name, sizeof(family));
    if (family == AF_UNSPEC && bytes >= sizeof(family)) {
        unix_set_peer(u, NULL);
        u->state = UNIX_CLOSED;
        return 0;
    }
    error_t error = unix_resolve(p, name, bytes, u->type, &to);
    if (error != 0)
        return error;
    if (to->peer != NULL && to->peer != u)
        return ERR_PERMISSION;
    unix_set_peer(u, to);
    unix_address_put(u->peer_address);
    u->peer_address = unix_address_get(to->address);
    u->peer_cred = to->cred;
    u->state = UNIX_CONNECTED;
    return 0;
}

static error_t connect_stream(struct process *p, struct unix_socket *u, const uint8_t *name, uint32_t bytes)
{
    struct unix_socket *listener;

    if (u->state != UNIX_CLOSED)
        return u->state == UNIX_CONNECTED ? ERR_IS_CONNECTED : ERR_INVALID_ARGUMENT;
    error_t error = unix_resolve(p, name, bytes, u->type, &listener);
    if (error != 0)
        return error;
    if (listener->state != UNIX_LISTENING || (listener->shutdown & RCV_SHUTDOWN))
        return ERR_CONN_REFUSED;
    if (listener->nr_accept > listener->backlog) {
        unix_block_on(u, listener);
        return ERR_WOULD_BLOCK;
    }
    struct unix_socket *embryo = socket_new(u->type, listener->cred);
    if (embryo == NULL)
        return ERR_NO_MEMORY;
    u->cred = unix_cred_of(p);
    join(u, embryo);
    embryo->address = unix_address_get(listener->address);
    embryo->passcred = listener->passcred;
    u->peer_address = unix_address_get(listener->address);
    embryo->peer_address = unix_address_get(u->address);
    embryo->listener = listener;
    if (listener->accept_last != NULL && listener->accept_first != NULL)
        listener->accept_last->accept_next = embryo;
    else
        listener->accept_first = embryo;
    listener->accept_last = embryo;
    listener->nr_accept++;
    unix_wake(listener, FS_POLLIN | FS_POLLRDNORM);
    unix_wake(u, FS_POLLOUT | FS_POLLWRNORM);
    return 0;
}

struct parked_connect {
    struct parked parked;           /* first                                    */
    struct process *process;
    uint32_t bytes;
    uint8_t  name[UNIX_ADDRESS_MAX];
};

static error_t connect_attempt(struct parked *parked)
{
    struct parked_connect *pc = (struct parked_connect *)parked;

    return connect_stream(pc->process, parked->file->data, pc->name, pc->bytes);
}

static void connect_reply(struct parked *parked, error_t error)
{
    struct fs_connect_out out = { };
    fs_connect_reply(parked->call, error == ERR_TIMEOUT ? ERR_AGAIN : error, &out);
}

static const struct parked_ops connect_ops = { .attempt = connect_attempt, .reply = connect_reply };

static ticks_t deadline_of(uint64_t timeout)
{
    return timeout == 0 ? DEADLINE_NONE : exec_now() + timeout;
}

error_t fs_serve_connect(struct rpc_call *call, const struct fs_connect_in *in, struct fs_connect_out *out)
{
    struct process *p = request_process(call);
    struct unix_socket *u = handle_socket(in->fd);
    struct parked *parked;
    error_t error;

    (void)out;
    if (u->type == SOCK_DGRAM)
        return connect_datagram(p, u, in->address, in->address_bytes);
    error = connect_stream(p, u, in->address, in->address_bytes);
    if (error != ERR_WOULD_BLOCK || (u->file->flags & O_NONBLOCK))
        return error;
    error = park(call, &connect_ops, sizeof(struct parked_connect), u->file, deadline_of(u->sndtimeo), &parked);
    if (error != 0)
        return error;
    struct parked_connect *pc = (struct parked_connect *)parked;
    pc->process = p;
    pc->bytes = in->address_bytes;
    memcpy(pc->name, in->address, in->address_bytes);
    parked->waiter.events = FS_POLLOUT;
    waitq_add(&u->waiters, &parked->waiter);
    return RPC_PENDING;
}

/* ---- accept ---- */

struct parked_accept {
    struct parked parked;           /* first                                    */
    struct process *process;
    uint32_t flags;
    uint32_t fd;
    struct io address;
    uint8_t  copy[IO_COPY_MAX];
};
_Static_assert(sizeof(struct parked_accept) <= PARKED_MAX_BYTES, "fits a parked record");

static error_t put_peer_name(struct io *io, const struct unix_socket *u)
{
    static const uint8_t unnamed[2] = { AF_UNIX };

    if (u->peer_address == NULL)
        return io_put(io, unnamed, sizeof(unnamed));
    return io_put(io, u->peer_address->name, u->peer_address->bytes);
}

static error_t accept_one(struct process *p, struct unix_socket *u, uint32_t flags, struct io *address, uint32_t *fd)
{
    struct unix_socket *embryo = u->accept_first;

    if (u->type == SOCK_DGRAM)
        return ERR_NOT_SUPPORTED;
    if (u->state != UNIX_LISTENING || (u->shutdown & RCV_SHUTDOWN))
        return ERR_INVALID_ARGUMENT;
    if (embryo == NULL)
        return ERR_WOULD_BLOCK;
    error_t error = publish(p, embryo, flags, fd);
    if (error != 0)
        return error;
    u->accept_first = embryo->accept_next;
    embryo->accept_next = NULL;
    embryo->listener = NULL;
    u->nr_accept--;
    waitq_level_changes(&u->waiters);
    unix_wake_blocked(u);
    error = put_peer_name(address, embryo);
    if (error != 0)
        (void)fd_close(p, (int32_t)*fd);
    return error;
}

static error_t accept_attempt(struct parked *parked)
{
    struct parked_accept *pa = (struct parked_accept *)parked;

    return accept_one(pa->process, parked->file->data, pa->flags, &pa->address, &pa->fd);
}

static void accept_reply(struct parked *parked, error_t error)
{
    struct parked_accept *pa = (struct parked_accept *)parked;
    struct fs_accept_out out = { .done = pa->address.done, .fd = pa->fd };

    fs_accept_reply(parked->call, error == ERR_TIMEOUT ? ERR_AGAIN : error, &out);
}

static void accept_release(struct parked *parked)
{
    io_fini(&((struct parked_accept *)parked)->address);
}

static const struct parked_ops accept_ops = {
    .attempt = accept_attempt,
    .reply = accept_reply,
    .release = accept_release,
};

error_t fs_serve_accept(struct rpc_call *call, const struct fs_accept_in *in, struct fs_accept_out *out)
{
    struct process *p = request_process(call);
    struct unix_socket *u = handle_socket(in->fd);
    struct parked *parked;
    struct io address;
    error_t error;

    if (in->flags & ~(O_NONBLOCK | O_CLOEXEC))
        return ERR_INVALID_ARGUMENT;
    io_init_buffer(&address, call, &in->address);
    error = accept_one(p, u, in->flags, &address, &out->fd);
    out->done = address.done;
    if (error != ERR_WOULD_BLOCK || (u->file->flags & O_NONBLOCK)) {
        io_fini(&address);
        return error;
    }
    error = park(call, &accept_ops, sizeof(struct parked_accept), u->file, deadline_of(u->rcvtimeo), &parked);
    if (error != 0) {
        io_fini(&address);
        return error;
    }
    struct parked_accept *pa = (struct parked_accept *)parked;
    pa->process = p;
    pa->flags = in->flags;
    io_park(&pa->address, &address, parked->call, pa->copy, false);
    parked->waiter.events = FS_POLLIN;
    waitq_add(&u->waiters, &parked->waiter);
    return RPC_PENDING;
}

/* ---- shutdown ---- */

error_t fs_serve_shutdown(struct rpc_call *call, const struct fs_shutdown_in *in, struct fs_shutdown_out *out)
{
    const uint32_t events = FS_POLLIN | FS_POLLRDNORM | FS_POLLOUT | FS_POLLWRNORM | FS_POLLRDHUP | FS_POLLHUP;
    struct unix_socket *u = handle_socket(in->fd);

    (void)call, (void)out;
    if (in->how > SHUT_RDWR)
        return ERR_INVALID_ARGUMENT;
    uint32_t mine = in->how == SHUT_RD ? RCV_SHUTDOWN : in->how == SHUT_WR ? SEND_SHUTDOWN
                                                                          : RCV_SHUTDOWN | SEND_SHUTDOWN;
    u->shutdown |= mine;
    if (u->type != SOCK_DGRAM && u->peer != NULL) {
        u->peer->shutdown |= (mine & RCV_SHUTDOWN ? SEND_SHUTDOWN : 0) | (mine & SEND_SHUTDOWN ? RCV_SHUTDOWN : 0);
        unix_wake(u->peer, events);
    }
    unix_wake(u, events);
    return 0;
}
