/* SPDX-License-Identifier: MIT */
/*
 * /dev/NODE of a component that the assembly connects so: each ioctl DEVICE_CALL carries one request of the component's
 * interface, as the program's stubs made it, and takes the answer back (libipc/device.h, docs/devices.md). Or a write
 * carries the request, and a read takes the answer, when poll says that it is there: one at a time in an open file.
 *
 * fs does not know the interface. It bounds the message, adds who asks, and puts it into its own session with the
 * component, whose generated dispatch checks it as it checks any client's. The component has no capability for memory of
 * fs, so a message that names addresses instead of its arena fails there.
 *
 * Life of a call: made by the ioctl, whose request is parked, or by the write; published; perhaps cancelled, once, when the
 * program's request is, or its file ends; completed by the component, whatever came before: then its place there is free
 * again, and the answer goes to the program or is kept for the read.
 *
 * Nothing here waits, nor can it be used up:
 *   - entries of the submission ring: a call needs one, and one for its cancel. It is only begun while so many are
 *     free beyond those promised to others, so publishing and cancelling always find one.
 *   - arena slots, which a call keeps until it is answered: a user has at most as many as are left to the others. One
 *     user gets a half of them, a second a quarter, and so on, and nobody can take the last.
 */
#include <stdlib.h>
#include <string.h>

#include <libipc/device.h>
#include <libipc/executor.h>
#include <libipc/figures.h>

#include "forward.h"
#include "peers.h"
#include "process.h"
#include "vfs.h"

#define FORWARD_MAJOR 240u          /* Linux: for local use */
#define SLOTS_KEPT    2u            /* for requests of fs itself */

struct forwarded {
    struct forwarded *next;
    struct node *node;
    struct rpc_request *request;    /* at the component; NULL: answered, to be read */
    struct rpc_call *call;          /* the program's ioctl, parked; NULL: it was written */
    struct opened *opened;          /* by whom; NULL: an ioctl, or the file is closed */
    uint64_t address;               /* ioctl: where the program has the message */
    uint32_t uid;
    bool cancelled;
    struct device_message message;  /* written: the answer */
};

/* An open file. */
struct opened {
    struct node *node;
    struct forwarded *written;
    struct waitq waiters;
};

struct node {
    struct rpc_client client;
    uint64_t layout_hash;
    struct forwarded *calls;
    uint32_t nr_calls, nr_uncancelled;
};

static struct node *nodes[NR_SERVERS];
static struct rpc_env env;          /* that of coroutines, but for forwarded requests */

static bool has_room(struct node *n)
{
    return rpc_may_begin(&n->client) && rpc_free_entries(&n->client) >= n->nr_uncancelled + 2;
}

static bool may_have_more(const struct node *n, uint32_t uid)
{
    uint32_t held = 0;

    for (const struct forwarded *c = n->calls; c; c = c->next)
        held += c->uid == uid;
    return n->nr_calls + SLOTS_KEPT + held < ARENA_SLOTS;
}

/* Its place at the component is free again. */
static void give_back(struct forwarded *c)
{
    struct forwarded **at = &c->node->calls;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->node->nr_calls--;
    c->node->nr_uncancelled -= !c->cancelled;
    c->request->user = 0;
    c->request->entry_flags = 0;
    rpc_end(&c->node->client, c->request);
    c->request = NULL;
}

static void cancel(struct forwarded *c)
{
    if (c->cancelled)
        return;
    c->cancelled = true;
    c->node->nr_uncancelled--;
    rpc_cancel(&c->node->client, c->request);
}

/* The component answered. */
static void answered(struct forwarded *c)
{
    struct rpc_request *r = c->request;
    struct device_message *m = &c->message;
    error_t e = ERR_CANCELLED;

    m->layout_hash = c->node->layout_hash;
    m->method = r->method;
    m->result_bytes = (uint16_t)r->result_bytes;
    m->error = r->error;
    memcpy(m->word, r->word, sizeof m->word);
    memcpy(m->arena, r->arena, sizeof m->arena);
    give_back(c);
    if (c->opened) {
        waitq_wake(&c->opened->waiters, FS_POLLIN | FS_POLLRDNORM);
        return;
    }
    if (c->call) {
        if (!c->cancelled || m->error != ERR_CANCELLED)     /* its memory was good for writing when it asked */
            e = rpc_client_write(c->call, c->address, m, sizeof *m);
        fs_ioctl_reply(c->call, e, &(struct fs_ioctl_out){ .result = 0 });
    }
    free(c);
}

static void completed(struct rpc_client *client, struct rpc_request *request)
{
    if (request->user)
        answered((struct forwarded *)(uintptr_t)request->user);
    else
        coro_rpc_env.completed(client, request);
}

static void ioctl_cancelled(struct rpc_call *call)
{
    cancel(call->context);
}

static error_t publish(struct forwarded *c, const struct device_message *m, const struct rpc_identity *who)
{
    struct node *n = c->node;
    struct rpc_request *r = rpc_begin_with(&n->client, m->method, RPC_NEED_ARENA);

    if (!r)
        return ERR_PEER_CLOSED;
    r->entry_flags = SQ_IDENTITY;
    r->arena_bytes = ARENA_SLOT_BYTES;
    memcpy(r->word, m->word, sizeof r->word);
    memcpy(r->arena, m->arena, DEVICE_ARENA_BYTES);
    memcpy(r->arena + DEVICE_ARENA_BYTES, who, sizeof *who);
    r->user = (uintptr_t)c;
    c->request = r;
    c->next = n->calls;
    n->calls = c;
    n->nr_calls++;
    n->nr_uncancelled++;
    rpc_submit(&n->client, r);
    return 0;
}
_Static_assert(sizeof(struct rpc_identity) == ARENA_SLOT_BYTES - DEVICE_ARENA_BYTES, "behind the arguments");

/* A call for this message of this process; to be published, or freed. */
static error_t prepare(struct node *n, const struct process *p, const struct device_message *m, struct rpc_identity *who,
                       struct forwarded **out)
{
    *who = (struct rpc_identity){ p->page->pid, p->page->euid, p->page->egid, 0 };
    if (m->layout_hash != n->layout_hash || m->method == RPC_METHOD_FIGURES)
        return ERR_INVALID_ARGUMENT;
    if (!has_room(n) || !may_have_more(n, who->uid))
        return ERR_NO_BUFFERS;
    *out = malloc(sizeof **out);
    if (!*out)
        return ERR_NO_MEMORY;
    memset(*out, 0, offsetof(struct forwarded, message));
    (*out)->node = n;
    (*out)->uid = who->uid;
    return 0;
}

static error_t call_and_wait(struct node *n, struct rpc_call *call, uint64_t address)
{
    const struct process *p = process_of(call);
    struct rpc_identity who;
    struct device_message m;
    struct forwarded *c;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    e = rpc_client_read(call, address, &m, sizeof m);
    /* Written back at once: afterwards there is a page, so that no answer is lost for want of one. */
    if (!e)
        e = rpc_client_write(call, address, &m, sizeof m);
    if (!e)
        e = prepare(n, p, &m, &who, &c);
    if (e)
        return e;
    c->address = address;
    c->call = rpc_park(call, ioctl_cancelled, c);
    if (!c->call) {
        free(c);
        return ERR_NO_BUFFERS;
    }
    e = publish(c, &m, &who);
    if (e) {                        /* has_room saw the session open: nothing was between */
        fs_ioctl_reply(c->call, e, NULL);
        free(c);
    }
    return RPC_PENDING;
}

/* ---- the open file ---- */

static error_t node_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument, uint64_t *result)
{
    struct opened *o = f->data;

    *result = 0;
    if (command == DEVICE_CALL)
        return call_and_wait(o->node, call, argument);
    if (command != DEVICE_CANCEL)
        return ERR_NOT_TTY;
    if (o->written && o->written->request)
        cancel(o->written);
    return 0;
}

static error_t node_write(struct file *f, struct io *io, uint64_t *position)
{
    struct opened *o = f->data;
    struct io before = *io;
    struct rpc_identity who;
    struct device_message m;
    struct forwarded *c;
    error_t e;

    (void)position;
    if (o->written)
        return ERR_BUSY;
    if (!io_process(io) || io_left(io) != sizeof m)
        return ERR_INVALID_ARGUMENT;
    e = io_get(io, &m, sizeof m);
    if (!e)
        e = prepare(o->node, io_process(io), &m, &who, &c);
    if (!e) {
        c->opened = o;
        e = publish(c, &m, &who);
        if (e)
            free(c);
        else
            o->written = c;
    }
    if (e) {                        /* nothing was moved */
        io->done = before.done;
        io->iov_index = before.iov_index;
        io->iov_done = before.iov_done;
    }
    return e;
}

static error_t node_read(struct file *f, struct io *io, uint64_t *position)
{
    struct opened *o = f->data;
    struct forwarded *c = o->written;
    error_t e;

    (void)position;
    if (!c)
        return ERR_INVALID_ARGUMENT;    /* nothing was asked */
    if (io_left(io) < sizeof c->message)
        return ERR_INVALID_ARGUMENT;
    if (c->request)
        return ERR_WOULD_BLOCK;
    e = io_put(io, &c->message, sizeof c->message);
    if (e)
        return e;
    free(c);
    o->written = NULL;
    waitq_wake(&o->waiters, FS_POLLOUT | FS_POLLWRNORM);
    return 0;
}

static uint32_t node_poll(struct file *f, struct waiter *w)
{
    struct opened *o = f->data;

    if (w && !w->queue)
        waitq_add(&o->waiters, w);
    if (!o->written)
        return FS_POLLOUT | FS_POLLWRNORM;
    return o->written->request ? 0 : FS_POLLIN | FS_POLLRDNORM;
}

static void node_release(struct file *f)
{
    struct opened *o = f->data;

    if (o->written && o->written->request) {
        o->written->opened = NULL;  /* freed when it is answered */
        cancel(o->written);
    } else {
        free(o->written);
    }
    waitq_close(&o->waiters);
    free(o);
}

static const struct file_ops node_file_ops = { .name = "component", .read = node_read, .write = node_write, .poll = node_poll,
                                               .ioctl = node_ioctl, .release = node_release };

static error_t node_open(struct inode *i, struct file *f, struct process *p)
{
    struct node *n = nodes[FS_MINOR(i->rdev) % NR_SERVERS];
    struct opened *o = n ? calloc(1, sizeof *o) : NULL;

    (void)p;
    if (!o)
        return n ? ERR_NO_MEMORY : ERR_NO_ADDRESS;
    o->node = n;
    waitq_init(&o->waiters);
    f->ops = &node_file_ops;
    f->data = o;
    return 0;
}

error_t forward_start(const struct server_info *info)
{
    error_t e = vfs_register_char(FORWARD_MAJOR, 0, NR_SERVERS, node_open);

    env = coro_rpc_env;
    env.completed = completed;
    for (uint32_t id = 0; id < NR_SERVERS && !e; id++) {
        const struct srv_peer *peer = &info->peer[id];
        struct session *session = (struct session *)(SRV_CLIENT_SESSIONS + id * SESSION_BYTES);
        struct node *n;

        if (!peer->node[0])
            continue;
        n = calloc(1, sizeof *n);
        if (!n)
            return ERR_NO_MEMORY;
        n->layout_hash = peer->layout_hash;
        e = rpc_client_init(&n->client, session, &env, SRV_CAP_DOORBELL + id, SRV_CAP_NOTIFICATION, peer->layout_hash);
        if (!e)
            e = devfs_add(peer->node, peer->node_mode, 0, 0, FS_MAKEDEV(FORWARD_MAJOR, id));
        exec_add_client(&n->client);
        nodes[id] = n;
    }
    return e;
}

struct rpc_client *forward_client(uint32_t id)
{
    struct node *n = id < NR_SERVERS ? nodes[id] : NULL;

    return n && has_room(n) ? &n->client : NULL;
}
