/* SPDX-License-Identifier: MIT */
/*
 * Where the data of a read or a write is: a lent buffer of the request, the
 * client's iovec, or memory of fs (transfers between files, procfs).
 *
 * A file's read puts bytes with io_put*, its write takes them with io_get*;
 * both advance io->done. They fail with ERR_FAULT when the client's memory is
 * bad; then io->done counts what was moved before. An operation never looks
 * into the fields.
 *
 * Result convention of file_ops.read and .write:
 *   0                 finished; io->done advanced by what was moved (0 on a
 *                     read: end of file)
 *   ERR_WOULD_BLOCK   cannot go on now; io->done may have advanced (a blocking
 *                     write of a pipe goes on from there, a read that moved
 *                     something is answered)
 *   RPC_BLOCKS        must run on a coroutine; nothing was changed
 *   other errors      answered unless io->done advanced
 * The caller of the operation answers, parks, adds SIGPIPE and so on.
 */
#ifndef FS_IO_H
#define FS_IO_H

#include <libipc/server.h>

#include "fs_types.h"

struct process;
struct segment;

struct fs_iovec { uint64_t address, bytes; };   /* Linux's struct iovec */
#define FS_IOV_MAX    1024u
#define FS_IOV_INLINE 8u
#define IO_COPY_MAX   512u                      /* bytes that travel in the arena */

enum io_kind { IO_MEMORY, IO_BUFFER, IO_VECTOR };

struct io {
    enum io_kind kind;
    uint32_t iov_count, iov_index;
    uint64_t bytes;                 /* total                                    */
    uint64_t done;                  /* moved so far                             */
    uint64_t iov_done;              /* of the current element                   */
    struct rpc_call *call;          /* NULL with IO_MEMORY                      */
    struct process *process;        /* without a call: who does it, NULL: fs itself; io_process */
    uint8_t *memory;
    struct rpc_buf buffer;
    struct fs_iovec *iov;           /* == iov_inline or allocated               */
    struct fs_iovec iov_inline[FS_IOV_INLINE];
};

static inline uint64_t io_left(const struct io *io) { return io->bytes - io->done; }

void io_init_memory(struct io *, void *memory, uint64_t bytes);
static inline void io_init_buffer(struct io *io, struct rpc_call *call, const struct rpc_buf *buf)
{
    io->kind = IO_BUFFER;
    io->buffer = *buf;
    io->bytes = buf->bytes;
    io->done = 0;
    io->call = call;
    io->iov = NULL;
}
/* Reads the client's iovec array. ERR_INVALID_ARGUMENT (count, total), ERR_FAULT, ERR_NO_MEMORY. */
error_t io_init_vector(struct io *, struct rpc_call *, uint64_t iov, uint32_t count);
/* Frees an allocated iovec or copy. */
void io_fini(struct io *);
/* Make it valid beyond the handler, in a parked record: `copy` receives input that
 * lived in the dispatcher's memory (IO_COPY_MAX bytes). `from` must not be used any more. */
void io_park(struct io *to, struct io *from, struct rpc_call *parked, uint8_t *copy, bool input);

/* Move exactly min(bytes, io_left) bytes; *moved may be NULL. */
error_t io_put(struct io *, const void *from, uint64_t bytes);
error_t io_get(struct io *, void *to, uint64_t bytes);
error_t io_put_zeros(struct io *, uint64_t bytes);
/* Skip without touching (writes to /dev/null). */
void io_skip(struct io *, uint64_t bytes);
/* Straight between a Segment and the client's memory. */
error_t io_put_segment(struct io *, struct segment *, uint64_t at, uint64_t bytes);
error_t io_get_segment(struct io *, struct segment *, uint64_t at, uint64_t bytes);

#endif
