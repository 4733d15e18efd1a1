/* SPDX-License-Identifier: MIT */
/*
 * Data movers of struct io: see io.h. Client memory is reached by libipc's
 * helpers for lent buffers, by rpc_client_* for elements of an iovec, and by one
 * SEGMENT_COPY where the other side is file content.
 */
#include "io.h"

#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "segments.h"

void io_init_memory(struct io *io, void *memory, uint64_t bytes)
{
    io->kind = IO_MEMORY;
    io->memory = memory;
    io->bytes = bytes;
    io->done = 0;
    io->call = NULL;
    io->process = NULL;
    io->iov = NULL;
}

error_t io_init_vector(struct io *io, struct rpc_call *call, uint64_t iov, uint32_t count)
{
    uint64_t total = 0;
    error_t e;

    if (count > FS_IOV_MAX)
        return ERR_INVALID_ARGUMENT;
    io->kind = IO_VECTOR;
    io->call = call;
    io->done = io->iov_done = 0;
    io->iov_index = 0;
    io->iov_count = count;
    io->iov = io->iov_inline;
    if (count > FS_IOV_INLINE) {
        io->iov = malloc(count * sizeof *io->iov);
        if (!io->iov)
            return ERR_NO_MEMORY;
    }
    e = count ? rpc_client_read(call, iov, io->iov, count * sizeof *io->iov) : 0;
    for (uint32_t i = 0; i < count && !e; i++) {
        if (io->iov[i].bytes > INT64_MAX)
            e = ERR_INVALID_ARGUMENT;
        else if (io->iov[i].bytes > FS_IO_MAX - total)
            io->iov[i].bytes = FS_IO_MAX - total;
        total += e ? 0 : io->iov[i].bytes;
    }
    io->bytes = total;
    if (e)
        io_fini(io);
    return e;
}

void io_fini(struct io *io)
{
    if (io->iov && io->iov != io->iov_inline)
        free(io->iov);
    io->iov = NULL;
}

void io_park(struct io *to, struct io *from, struct rpc_call *parked, uint8_t *copy, bool input)
{
    *to = *from;
    to->call = parked;
    if (from->iov == from->iov_inline)
        to->iov = to->iov_inline;
    from->iov = NULL;
    if (input && to->kind == IO_BUFFER && to->buffer.local && to->buffer.bytes <= IO_COPY_MAX) {
        memcpy(copy, to->buffer.local, to->buffer.bytes);
        to->buffer.local = copy;
    }
}

/* The current element of a vector and how much of it is left (0: none). */
static uint64_t vector_piece(struct io *io, uint64_t want, uint64_t *address)
{
    while (io->iov_index < io->iov_count) {
        struct fs_iovec *v = &io->iov[io->iov_index];
        uint64_t left = v->bytes - io->iov_done;

        if (left) {
            *address = v->address + io->iov_done;
            return left < want ? left : want;
        }
        io->iov_index++;
        io->iov_done = 0;
    }
    return 0;
}

static void advance(struct io *io, uint64_t bytes)
{
    io->done += bytes;
    if (io->kind == IO_VECTOR)
        io->iov_done += bytes;
}

static error_t copy_error(error_t e)
{
    return e == ERR_CLIENT_MEMORY ? e : ERR_FAULT;
}

static error_t vector_move(struct io *io, uint8_t *own, uint64_t bytes, bool to_client)
{
    while (bytes) {
        uint64_t address, n = vector_piece(io, bytes, &address);
        error_t e;

        if (!n)
            return 0;
        e = to_client ? rpc_client_write(io->call, address, own, n) : rpc_client_read(io->call, address, own, n);
        if (e)
            return copy_error(e);
        advance(io, n);
        own += n;
        bytes -= n;
    }
    return 0;
}

error_t io_put(struct io *io, const void *from, uint64_t bytes)
{
    error_t e;

    if (bytes > io_left(io))
        bytes = io_left(io);
    switch (io->kind) {
    case IO_MEMORY:
        memcpy(io->memory + io->done, from, bytes);
        break;
    case IO_BUFFER:
        e = rpc_buf_write(io->call, &io->buffer, io->done, from, bytes);
        if (e)
            return copy_error(e);
        break;
    case IO_VECTOR:
        return vector_move(io, (uint8_t *)(uintptr_t)from, bytes, true);
    }
    advance(io, bytes);
    return 0;
}

error_t io_get(struct io *io, void *to, uint64_t bytes)
{
    error_t e;

    if (bytes > io_left(io))
        bytes = io_left(io);
    switch (io->kind) {
    case IO_MEMORY:
        memcpy(to, io->memory + io->done, bytes);
        break;
    case IO_BUFFER:
        e = rpc_buf_read(io->call, &io->buffer, io->done, to, bytes);
        if (e)
            return copy_error(e);
        break;
    case IO_VECTOR:
        return vector_move(io, to, bytes, false);
    }
    advance(io, bytes);
    return 0;
}

static const uint8_t zeros[4096];

error_t io_put_zeros(struct io *io, uint64_t bytes)
{
    if (bytes > io_left(io))
        bytes = io_left(io);
    while (bytes) {
        uint64_t n = bytes < sizeof zeros ? bytes : sizeof zeros;
        error_t e = io_put(io, zeros, n);

        if (e)
            return e;
        bytes -= n;
    }
    return 0;
}

void io_skip(struct io *io, uint64_t bytes)
{
    if (bytes > io_left(io))
        bytes = io_left(io);
    while (bytes) {
        uint64_t address, n = io->kind == IO_VECTOR ? vector_piece(io, bytes, &address) : bytes;

        if (n == 0)
            return;
        advance(io, n);
        bytes -= n;
    }
}

/* Memory of fs itself, and the arena: sessions are mapped here. */
__attribute__((noinline)) static error_t segment_local(struct io *io, struct segment *s, uint64_t at, uint8_t *memory, uint64_t bytes, bool put)
{
    error_t e = put ? seg_read(s, at, memory + io->done, bytes) : seg_write(s, at, memory + io->done, bytes);

    if (!e)
        io->done += bytes;
    return e;
}

static inline error_t segment_client(struct io *io, struct segment *s, uint64_t at, uint64_t address, uint64_t bytes, bool put)
{
    uint64_t moved;
    error_t e = put ? seg_read_client(s, at, io->call->client, address, bytes, &moved)
                    : seg_write_client(s, at, io->call->client, address, bytes, &moved);

    io->done += moved;
    return e;
}

__attribute__((noinline)) static error_t segment_vector(struct io *io, struct segment *s, uint64_t at, uint64_t bytes, bool put)
{
    while (bytes) {
        uint64_t address, before = io->done, n = vector_piece(io, bytes, &address), moved;
        error_t e = n ? segment_client(io, s, at, address, n, put) : ERR_FAULT;

        moved = io->done - before;
        io->iov_done += moved;
        at += moved;
        bytes -= moved;
        if (e)
            return e;
        if (!moved)
            return ERR_FAULT;
    }
    return 0;
}

static inline error_t segment_move(struct io *io, struct segment *s, uint64_t at, uint64_t bytes, bool put)
{
    if (bytes > io_left(io))
        bytes = io_left(io);
    if (!bytes)
        return 0;
    if (io->kind == IO_BUFFER && !io->buffer.local)
        return segment_client(io, s, at, io->buffer.address + io->done, bytes, put);
    if (io->kind == IO_VECTOR)
        return segment_vector(io, s, at, bytes, put);
    return segment_local(io, s, at, io->kind == IO_MEMORY ? io->memory : io->buffer.local, bytes, put);
}

error_t io_put_segment(struct io *io, struct segment *s, uint64_t at, uint64_t bytes)
{
    return segment_move(io, s, at, bytes, true);
}

error_t io_get_segment(struct io *io, struct segment *s, uint64_t at, uint64_t bytes)
{
    return segment_move(io, s, at, bytes, false);
}
