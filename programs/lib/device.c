/* SPDX-License-Identifier: MIT */
/*
 * The part of libipc/client.h that generated stubs call, for Linux programs: a request is a struct device_message, and
 * making it one ioctl. Building and reading its variable parts is libipc's own (libipc/src/client_args.c).
 */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <libipc/device.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct device {
    struct rpc_client client;
    int fd;
    struct device_message message;
};

static const struct rpc_env plain_memory;

struct rpc_client *device_open(const char *path, uint64_t layout_hash)
{
    struct device *d = calloc(1, sizeof *d);

    if (d == NULL)
        return NULL;
    d->fd = open(path, O_RDWR | O_CLOEXEC);
    if (d->fd < 0) {
        free(d);
        return NULL;
    }
    d->client.env = &plain_memory;
    d->client.layout_hash = layout_hash;
    return &d->client;
}

void device_close(struct rpc_client *client)
{
    struct device *d = (struct device *)client;

    close(d->fd);
    free(d);
}

const char *device_error(error_t error)
{
    switch (error) {
#define TEXT(name, value, number, text) case ERR_##name: return text;
    ERR_LIST(TEXT)
#undef TEXT
    }
    return error == 0 ? "no error" : "unknown error";
}

static error_t error_of(int number)
{
#define SAME(name, value, of_linux, text) \
    if (number == (of_linux)) \
        return ERR_##name;
    ERR_LIST(SAME)
#undef SAME
    return ERR_PEER_CLOSED;
}

struct rpc_request *rpc_begin_with(struct rpc_client *client, uint16_t method, unsigned flags)
{
    struct rpc_request *request = &client->request[0];

    (void)flags;
    if (request->in_use)
        return NULL;
    *request = (struct rpc_request){ .method = method, .in_use = 1, .lend_at = ARENA_NONE,
                                     .arena = ((struct device *)client)->message.arena };
    return request;
}

void rpc_end(struct rpc_client *client, struct rpc_request *request)
{
    (void)client;
    request->in_use = 0;
}

/* The arena is the message's own. */
static error_t fill(struct device *d, const struct rpc_request *request)
{
    struct device_message *m = &d->message;

    if (request->arena_bytes > DEVICE_ARENA_BYTES || request->arena_used > DEVICE_ARENA_BYTES)
        return ERR_ARGS_TOO_LONG;
    m->layout_hash = d->client.layout_hash;
    m->method = request->method;
    memcpy(m->word, request->word, sizeof m->word);
    return 0;
}

static void take(const struct device *d, struct rpc_request *request)
{
    memcpy(request->word, d->message.word, sizeof request->word);
    request->result_bytes = d->message.result_bytes;
    request->error = d->message.error;
}

error_t rpc_invoke(struct rpc_client *client, struct rpc_request *request, bool cancellable)
{
    struct device *d = (struct device *)client;

    request->error = fill(d, request);
    if (request->error != 0)
        return request->error;
    while (ioctl(d->fd, DEVICE_CALL, &d->message) != 0)
        if (cancellable || errno != EINTR)
            return request->error = error_of(errno);
    take(d, request);
    return request->error;
}

/* Nothing is kept for rpc_flush. A request that could not be made ends in its finish. */
void rpc_queue(struct rpc_client *client, struct rpc_request *request)
{
    struct device *d = (struct device *)client;
    ssize_t n = -1;

    request->error = fill(d, request);
    while (request->error == 0 && (n = write(d->fd, &d->message, sizeof d->message)) < 0 && errno == EINTR)
        continue;
    if (request->error == 0 && n < 0)
        request->error = error_of(errno);
    request->published = request->error == 0;
}

void rpc_flush(struct rpc_client *client)
{
    (void)client;
}

error_t rpc_finish(struct rpc_client *client, struct rpc_request *request, bool cancellable)
{
    struct device *d = (struct device *)client;
    bool interrupted = false;

    if (!request->published)
        return request->error;
    while (read(d->fd, &d->message, sizeof d->message) < 0) {
        if (errno != EINTR)
            return request->error = error_of(errno);
        if (cancellable && !interrupted)
            interrupted = ioctl(d->fd, DEVICE_CANCEL, 0) == 0;
    }
    take(d, request);
    if (interrupted && request->error == ERR_CANCELLED)
        request->error = ERR_INTERRUPTED;
    return request->error;
}

int device_fd(const struct rpc_client *client)
{
    return ((const struct device *)client)->fd;
}

error_t rpc_call_words(struct rpc_client *client, uint16_t method, unsigned flags, uint64_t word[6], unsigned nr_in)
{
    struct rpc_request *request = rpc_begin_with(client, method, 0);
    error_t error;

    if (request == NULL)
        return ERR_PEER_CLOSED;
    do {
        memcpy(request->word, word, nr_in * sizeof word[0]);
        error = rpc_invoke(client, request, (flags & RPC_LONG) != 0);
    } while (error == ERR_PEER_RESTARTED && (flags & RPC_IDEMPOTENT) != 0);
    if (error == 0)
        memcpy(word, request->word, sizeof request->word);
    rpc_end(client, request);
    return error;
}
