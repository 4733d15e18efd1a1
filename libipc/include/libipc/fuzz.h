/* SPDX-License-Identifier: MIT */
/*
 * What generated fuzz harnesses share. Compiled on the host only, with
 * libipc/src/server.c and the fake kernel of tests/host/libipc.
 */
#ifndef LIBIPC_FUZZ_H
#define LIBIPC_FUZZ_H

#include <libipc/server.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned fuzz_sink;
static unsigned fuzz_turn;

static inline void fuzz_read(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++)
        fuzz_sink += p[i];
}

static inline void fuzz_string(const char *text, uint32_t bytes, uint32_t limit)
{
    if (bytes > limit || strlen(text) != bytes)
        abort();
}

static inline void fuzz_lend_in(struct rpc_call *call, const struct rpc_buf *buf)
{
    uint8_t some[600];
    uint64_t bytes = buf->bytes < sizeof some ? buf->bytes : sizeof some;
    if (rpc_buf_read(call, buf, 0, some, bytes) == 0)
        fuzz_read(some, bytes);
    if (rpc_buf_read(call, buf, buf->bytes, some, 1) == 0)
        abort();
}

static inline void fuzz_lend_out(struct rpc_call *call, const struct rpc_buf *buf)
{
    static const uint8_t zero[600];
    uint64_t bytes = buf->bytes < sizeof zero ? buf->bytes : sizeof zero;
    fuzz_sink += (unsigned)rpc_buf_write(call, buf, 0, zero, bytes);
    if (rpc_buf_write(call, buf, buf->bytes, zero, 1) == 0)
        abort();
}

/* Handles: bit 0 of one that names nothing, above it the rights. Never looked at: what it points to. */
static inline void *fuzz_object(uint32_t handle)
{
    return (void *)(uintptr_t)(0x1000000000ul + handle);
}

static inline error_t fuzz_lookup(uint32_t handle, uint32_t rights, void **object)
{
    if (handle & 1)
        return ERR_BAD_HANDLE;
    if (rights & ~(handle >> 1))
        return ERR_RIGHTS;
    *object = fuzz_object(handle);
    return 0;
}

static inline void fuzz_handle(const void *object, uint32_t handle, uint32_t rights)
{
    if (object != fuzz_object(handle) || (handle & 1) != 0 || (rights & ~(handle >> 1)) != 0)
        abort();
}

static inline void fuzz_cancelled(struct rpc_call *call)
{
    rpc_complete(call, ERR_CANCELLED);
}

/* Answers differ from call to call: success, an error, or parking. */
static inline error_t fuzz_outcome(struct rpc_call *call)
{
    switch (fuzz_turn++ % 4) {
    case 0:
        return ERR_IO;
    case 1:
        return rpc_park(call, fuzz_cancelled, NULL) != NULL ? RPC_PENDING : ERR_NO_BUFFERS;
    default:
        return 0;
    }
}

static inline void fuzz_one(const struct rpc_interface *interface, const uint16_t *methods, size_t nr_methods,
                            const uint8_t *data, size_t size)
{
    static struct session *sessions;
    static struct rpc_server server;
    if (sessions == NULL) {
        sessions = aligned_alloc(PAGE_BYTES, sizeof *sessions);
        memset(sessions, 0, sizeof *sessions);
        if (rpc_server_init(&server, interface, sessions, 1, 1, 2) != 0)
            abort();
    }
    rpc_session_open(&server, 0);
    struct session *session = &sessions[0];
    uint32_t tail = 0;
    while (size >= sizeof(struct sq_entry) && tail < SQ_ENTRIES) {
        struct sq_entry *entry = &session->sq[tail++];
        memcpy(entry, data, sizeof *entry);
        data += sizeof *entry;
        size -= sizeof *entry;
        /* Mostly real methods and slots: unknown ones end at the first test. */
        if (entry->method & 0x8000)
            entry->method = methods[entry->method % nr_methods];
        if (entry->arena_slot & 0x100)
            entry->arena_slot %= ARENA_SLOTS;
        if (entry->arena_slot < ARENA_SLOTS) {
            size_t some = size < ARENA_SLOT_BYTES ? size : ARENA_SLOT_BYTES;
            memcpy(session->arena[entry->arena_slot], data, some);
            data += some;
            size -= some;
        }
    }
    session->header.sq_tail = tail;
    rpc_session_serve(&server, 0, SQ_ENTRIES);
    rpc_server_flush(&server);
    rpc_session_close(&server, 0);
}

#endif
