/* SPDX-License-Identifier: MIT */
/*
 * Messages between unix sockets: sending and receiving.
 *
 * A stream is a queue of messages too: that keeps descriptors and credentials
 * at their place among the bytes. Small writes are appended to the last message
 * when neither carries descriptors, so a talkative sender costs no allocation
 * for each write.
 */
#include <stdlib.h>
#include <string.h>

#include "unix.h"

#define STREAM_CHUNK 32768u     /* the most data in one message of a stream     */
#define SMALL_CHUNK  1024u      /* the least memory of one                      */
#define EPIPE_QUIET  ERR_DELETED    /* EPIPE to the program, but no SIGPIPE     */

/* ---- messages ---- */

static struct unix_message *message_new(uint32_t capacity)
{
    struct unix_message *m = malloc(sizeof(*m) + capacity);

    if (m == NULL)
        return NULL;
    memset(m, 0, sizeof(*m));
    m->capacity = capacity;
    return m;
}

/*
 * Freeing a message may release a socket whose queue holds a socket, and so on,
 * as deep as somebody built it. So messages are not freed where they are found
 * but one after the other by the outermost caller.
 */
static struct unix_message *dead;
static bool burying;

static void message_free(struct unix_message *m)
{
    m->next = dead;
    dead = m;
    if (burying)
        return;
    burying = true;
    while ((m = dead) != NULL) {
        dead = m->next;
        unix_files_free(m->files);
        unix_address_put(m->from);
        free(m);
    }
    burying = false;
}

/* There is more in to's queue: who sends there may not be able to write any more. */
static void room_shrank(struct unix_socket *to)
{
    if (to->type != SOCK_DGRAM) {
        if (to->peer != NULL)
            waitq_level_changes(&to->peer->waiters);
        return;
    }
    for (struct unix_socket *s = to->senders; s != NULL; s = s->sender_next)
        waitq_level_changes(&s->waiters);
}

static void enqueue(struct unix_socket *to, struct unix_message *m)
{
    m->next = NULL;
    if (to->last != NULL)
        to->last->next = m;
    else
        to->first = m;
    to->last = m;
    to->nr_queued++;
    to->queued_bytes += m->bytes;
    room_shrank(to);
}

static struct unix_message *dequeue(struct unix_socket *u)
{
    struct unix_message *m = u->first;

    u->first = m->next;
    if (u->first == NULL)
        u->last = NULL;
    u->nr_queued--;
    waitq_level_changes(&u->waiters);
    return m;
}

void unix_purge(struct unix_socket *u)
{
    struct unix_message *m = u->first, *next;

    u->first = u->last = NULL;
    u->nr_queued = u->queued_bytes = 0;
    waitq_level_changes(&u->waiters);
    for (; m != NULL; m = next) {
        next = m->next;
        message_free(m);
    }
}

uint32_t unix_input_bytes(const struct unix_socket *u)
{
    if (u->type == SOCK_STREAM)
        return u->queued_bytes;
    return u->first != NULL ? u->first->bytes : 0;
}

/* ---- room ---- */

/* For one more message of n bytes, or, of a stream, for some bytes. */
static bool has_room(const struct unix_socket *from, const struct unix_socket *to, uint64_t n)
{
    if (to->type == SOCK_STREAM)
        return to->queued_bytes < from->sndbuf;
    return to->nr_queued == 0 || (to->nr_queued < UNIX_MAX_DGRAMS && to->queued_bytes + n <= from->sndbuf);
}

bool unix_writable(const struct unix_socket *u)
{
    if (u->peer == NULL)
        return true;
    if (u->type == SOCK_STREAM)
        return u->peer->queued_bytes <= u->sndbuf / 2;
    return has_room(u, u->peer, 0);
}

/* ---- sending ---- */

static error_t send_error(const struct unix_socket *u)
{
    return u->type == SOCK_STREAM ? ERR_BROKEN_PIPE : EPIPE_QUIET;
}

/* Append to the last message of a stream; true when all of `n` went there. */
static error_t append(struct unix_socket *to, struct io *io, const struct unix_cred *cred, bool *done)
{
    struct unix_message *m = to->last;
    uint64_t n = io_left(io);

    *done = false;
    if (m == NULL || m->files != NULL || m->capacity - m->bytes < n || memcmp(&m->cred, cred, sizeof(*cred)) != 0)
        return 0;
    uint64_t before = io->done;
    error_t error = io_get(io, m->data + m->bytes, n);
    m->bytes += (uint32_t)(io->done - before);
    to->queued_bytes += (uint32_t)(io->done - before);
    room_shrank(to);
    *done = true;
    return error;
}

/* Put up to n bytes of io into a new message at the end of the queue. */
static error_t send_message(struct unix_socket *from, struct unix_socket *to, struct io *io, uint32_t n,
                            const struct unix_cred *cred, struct unix_files **files)
{
    bool stream = to->type == SOCK_STREAM;
    struct unix_message *m = message_new(stream && n < SMALL_CHUNK ? SMALL_CHUNK : n);

    if (m == NULL)
        return ERR_NO_BUFFERS;
    uint64_t before = io->done;
    error_t error = io_get(io, m->data, n);
    m->bytes = (uint32_t)(io->done - before);
    if (error != 0 && (!stream || m->bytes == 0)) {
        free(m);
        return error;
    }
    m->cred = *cred;
    m->from = unix_address_get(from->address);
    m->files = *files;
    *files = NULL;
    enqueue(to, m);
    unix_wake(to, FS_POLLIN | FS_POLLRDNORM);
    return error;
}

static error_t send_stream(struct unix_socket *u, struct io *io, const struct unix_cred *cred,
                           struct unix_files **files)
{
    error_t error = 0;
    bool done;

    if (u->state != UNIX_CONNECTED)
        return ERR_NOT_CONNECTED;
    while (error == 0 && io_left(io) != 0) {
        struct unix_socket *to = u->peer;
        if ((u->shutdown & SEND_SHUTDOWN) || to == NULL || (to->shutdown & RCV_SHUTDOWN))
            return ERR_BROKEN_PIPE;
        if (!has_room(u, to, 0)) {
            unix_block_on(u, to);
            return ERR_WOULD_BLOCK;
        }
        if (*files == NULL) {
            error = append(to, io, cred, &done);
            if (done) {
                unix_wake(to, FS_POLLIN | FS_POLLRDNORM);
                continue;
            }
        }
        uint64_t n = io_left(io) < STREAM_CHUNK ? io_left(io) : STREAM_CHUNK;
        error = send_message(u, to, io, (uint32_t)n, cred, files);
    }
    return error;
}

/* Who gets a datagram or a packet. */
static error_t find_receiver(struct unix_socket *u, struct process *p, const uint8_t *name, uint32_t bytes,
                             struct unix_socket **to)
{
    if (u->type == SOCK_SEQPACKET) {
        if (u->state != UNIX_CONNECTED)
            return ERR_NOT_CONNECTED;
        *to = u->peer;
        return u->peer == NULL ? EPIPE_QUIET : 0;
    }
    if (bytes != 0) {
        error_t error = unix_resolve(p, name, bytes, u->type, to);
        if (error != 0)
            return error;
    } else {
        if (u->state != UNIX_CONNECTED)
            return ERR_NOT_CONNECTED;
        *to = u->peer;
        if (u->peer == NULL) {
            /* it is gone: from now on there is no address */
            u->state = UNIX_CLOSED;
            return ERR_CONN_REFUSED;
        }
    }
    /* a connected receiver hears only its peer */
    return (*to)->peer != NULL && (*to)->peer != u ? ERR_PERMISSION : 0;
}

static error_t send_datagram(struct unix_socket *u, struct process *p, struct io *io, const uint8_t *name,
                             uint32_t bytes, const struct unix_cred *cred, struct unix_files **files)
{
    struct unix_socket *to;

    if (u->shutdown & SEND_SHUTDOWN)
        return send_error(u);
    if (io_left(io) > u->sndbuf)
        return ERR_MESSAGE_SIZE;
    error_t error = find_receiver(u, p, name, bytes, &to);
    if (error != 0)
        return error;
    if (to->shutdown & RCV_SHUTDOWN)
        return EPIPE_QUIET;
    if (!has_room(u, to, io_left(io))) {
        unix_block_on(u, to);
        return ERR_WOULD_BLOCK;
    }
    return send_message(u, to, io, (uint32_t)io_left(io), cred, files);
}

error_t unix_send(struct unix_socket *u, struct process *p, struct io *io, const uint8_t *to, uint32_t to_bytes,
                  const struct unix_cred *cred, struct unix_files **files)
{
    error_t error = unix_take_error(u);

    if (error != 0)
        return error;
    if (u->type != SOCK_DGRAM && to_bytes != 0 && u->type == SOCK_STREAM)
        return u->state == UNIX_CONNECTED ? ERR_IS_CONNECTED : ERR_NOT_SUPPORTED;
    if (u->type == SOCK_STREAM)
        return send_stream(u, io, cred, files);
    return send_datagram(u, p, io, to, to_bytes, cred, files);
}

/* ---- receiving ---- */

void unix_received_fini(struct unix_received *r)
{
    unix_address_put(r->from);
    unix_files_free(r->files);
    r->from = NULL;
    r->files = NULL;
}

/* A peek hands out the descriptors without taking them. */
static struct unix_files *copy_files(const struct unix_files *files)
{
    struct unix_files *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return NULL;
    copy->count = files->count;
    for (uint32_t i = 0; i < files->count; i++) {
        copy->file[i] = file_get(files->file[i]);
        unix_in_flight_add(copy->file[i]);
    }
    return copy;
}

static void note(struct unix_received *r, struct unix_message *m, bool peek)
{
    if (!r->any) {
        r->any = true;
        r->cred = m->cred;
        r->from = unix_address_get(m->from);
    }
    if (m->files != NULL && r->files == NULL) {
        r->files = peek ? copy_files(m->files) : m->files;
        if (!peek)
            m->files = NULL;
    }
}

static bool same_sender(const struct unix_received *r, const struct unix_message *m)
{
    return memcmp(&r->cred, &m->cred, sizeof(r->cred)) == 0;
}

/* As many bytes as there are. Messages with descriptors are not run together,
 * nor those of different senders. */
static error_t receive_stream(struct unix_socket *u, struct io *io, bool peek, struct unix_received *r)
{
    struct unix_message *m = u->first;
    error_t error = 0;
    bool took = false;

    while (error == 0 && m != NULL && io_left(io) != 0) {
        if (r->any && (r->files != NULL || m->files != NULL || !same_sender(r, m)))
            break;
        uint64_t n = m->bytes - m->taken, before = io->done;
        n = n < io_left(io) ? n : io_left(io);
        error = io_put(io, m->data + m->taken, n);
        uint32_t moved = (uint32_t)(io->done - before);
        if (moved == 0 && n != 0)
            break;
        note(r, m, peek);
        struct unix_message *next = m->next;
        if (!peek) {
            m->taken += moved;
            u->queued_bytes -= moved;
            took = true;
            if (m->taken == m->bytes)
                message_free(dequeue(u));
        }
        m = next;
    }
    if (took && (u->peer == NULL || u->queued_bytes <= u->peer->sndbuf / 2))
        unix_wake_blocked(u);
    return error;
}

static error_t receive_message(struct unix_socket *u, struct io *io, bool peek, struct unix_received *r)
{
    struct unix_message *m = u->first;
    uint64_t n = m->bytes < io_left(io) ? m->bytes : io_left(io);
    error_t error = io_put(io, m->data, n);

    r->message_bytes = m->bytes;
    if (n < m->bytes)
        r->flags |= MSG_TRUNC;
    note(r, m, peek);
    if (!peek) {
        u->queued_bytes -= m->bytes;
        message_free(dequeue(u));
        unix_wake_blocked(u);
    }
    return error;
}

error_t unix_receive(struct unix_socket *u, struct io *io, uint32_t flags, struct unix_received *r)
{
    const bool peek = (flags & MSG_PEEK) != 0;

    if (u->type == SOCK_STREAM && u->state != UNIX_CONNECTED)
        return ERR_INVALID_ARGUMENT;
    if (u->type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return ERR_NOT_CONNECTED;
    if (u->first == NULL) {
        error_t error = unix_take_error(u);
        if (error != 0)
            return error;
        return u->shutdown & RCV_SHUTDOWN ? 0 : ERR_WOULD_BLOCK;
    }
    if (u->type != SOCK_STREAM)
        return receive_message(u, io, peek, r);
    error_t error = receive_stream(u, io, peek, r);
    if (error != 0 || !(flags & MSG_WAITALL) || peek || io_left(io) == 0 || r->files != NULL || u->first != NULL)
        return error;
    return u->shutdown & RCV_SHUTDOWN ? 0 : ERR_WOULD_BLOCK;
}
