/* SPDX-License-Identifier: MIT */
/*
 * Reading, writing and moving data.
 *
 * Buffers are lent to fs: small ones travel in the request's arena slot (the
 * stub copies with fault-tolerant guest copies), larger ones are read or
 * written by fs in guest memory with one kernel call. /dev/null and /dev/zero
 * are answered here, from the descriptor page that fs publishes.
 *
 * A vector of little data (stdio's usual two parts) is gathered here and sent
 * as one small buffer; a larger one goes to fs as an array of addresses.
 */
#include "lease.h"

#define IOV_MAX         1024
#define GATHER_BYTES    448     /* fits the arena slot beside the fixed part    */
#define GATHER_PARTS    8
#define PREADS_FIRST    4       /* requests before a window is asked for        */
#define RWF_SUPPORTED   0x1fu   /* HIPRI, DSYNC, SYNC, NOWAIT, APPEND           */

struct guest_iovec { uint64_t base, len; };

/* The published kind of a descriptor; FD_REMOTE for all that fs must answer. */
static inline __attribute__((always_inline)) unsigned fd_kind(uint64_t fd, unsigned need)
{
    if (fd >= FD_WORDS)
        return FD_REMOTE;
    const struct fd_word *w = &this_process()->fds[fd];
    unsigned kind = __atomic_load_n(&w->kind, __ATOMIC_RELAXED);
    unsigned flags = __atomic_load_n(&w->flags, __ATOMIC_RELAXED);
    return kind == FD_SIGNALFD || (flags & need) ? kind : FD_REMOTE;
}

static uint64_t clamp_io(uint64_t bytes)
{
    return bytes > FS_IO_MAX ? FS_IO_MAX : bytes;
}

/* The requests stand apart, so that what is answered here needs no stack frame. */
static __attribute__((noinline)) long read_request(int32_t fd, uaddr_t to, uint64_t bytes)
{
    uint64_t done;
    error_t e = fs_read(fs_client_for(fd), fd, (struct rpc_out){ (void *)to, bytes }, &done);
    return e ? linux_error(e) : (long)done;
}

static __attribute__((noinline)) long read_file(int32_t fd, uaddr_t to, uint64_t bytes)
{
    long result;
    if (this_process()->nr_owned != 0 && position_read(fd, to, bytes, &result))
        return result;
    result = read_request(fd, to, bytes);
    if (result >= 0)
        position_wanted(fd);
    return result;
}

static __attribute__((noinline)) long write_request(int32_t fd, uaddr_t from, uint64_t bytes)
{
    uint64_t done;
    error_t e = fs_write(fs_client_for(fd), fd, (struct rpc_in){ (const void *)from, bytes }, &done);
    return e ? write_error(e) : (long)done;
}

LINUX_CALL(read)
{
    uint64_t bytes = clamp_io(a2);
    if ((int64_t)a2 < 0)
        return -EINVAL;
    unsigned kind = fd_kind(a0, FDF_READ);
    if (kind == FD_NULL)
        return 0;
    if (kind == FD_ZERO)
        return guest_zero(a1, bytes) ? -EFAULT : (long)bytes;
    if (kind == FD_SIGNALFD)
        return signalfd_read((int32_t)a0, a1, a2);
    if (kind == FD_FILE)
        return read_file((int32_t)a0, a1, bytes);
    return kind == FD_EVENTFD ? eventfd_read((int32_t)a0, a1, bytes) : read_request((int32_t)a0, a1, bytes);
}

LINUX_CALL(write)
{
    uint64_t bytes = clamp_io(a2);
    if ((int64_t)a2 < 0)
        return -EINVAL;
    unsigned kind = fd_kind(a0, FDF_WRITE);
    if (kind == FD_NULL || kind == FD_ZERO)
        return (long)bytes;
    return kind == FD_EVENTFD ? eventfd_write((int32_t)a0, a1, bytes) : write_request((int32_t)a0, a1, bytes);
}

LINUX_CALL(pread64)
{
    struct rpc_out data = { (void *)a1, clamp_io(a2) };
    uint64_t done;
    if ((int64_t)a3 < 0 || (int64_t)a2 < 0)
        return -EINVAL;
    long result;
    if (window_pread((uint32_t)a0, a1, data.bytes, a3, &result))
        return result;
    error_t e = fs_pread(fs_client_for((int32_t)a0), (int32_t)a0, a3, data, &done);
    if (e != 0)
        return linux_error(e);
    window_wanted((uint32_t)a0, PREADS_FIRST);
    return (long)done;
}

LINUX_CALL(pwrite64)
{
    struct rpc_in data = { (const void *)a1, clamp_io(a2) };
    uint64_t done;
    if ((int64_t)a3 < 0 || (int64_t)a2 < 0)
        return -EINVAL;
    error_t e = fs_pwrite(fs_client_for((int32_t)a0), (int32_t)a0, a3, data, &done);
    return e ? write_error(e) : (long)done;
}

/*
 * Read a short vector and add it up. Returns the total, or ~0 when it is too
 * long or too large to gather, or a negative errno through *error. *only is the
 * one part that is not empty (stdio's second mostly is), if there is one such.
 */
static uint64_t small_vector(uint64_t iov, uint64_t count, struct guest_iovec *v, long *error,
                             const struct guest_iovec **only)
{
    uint64_t total = 0, nr_parts = 0;
    bool large = false;
    *error = 0;
    *only = NULL;
    if (count > GATHER_PARTS)
        return ~0ul;
    if (copy_from_guest(v, iov, count * sizeof *v) != 0) {
        *error = -EFAULT;
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        if ((int64_t)v[i].len < 0) {
            *error = -EINVAL;
            return 0;
        }
        if (v[i].len == 0)
            continue;
        *only = nr_parts++ == 0 ? &v[i] : NULL;
        large |= v[i].len > GATHER_BYTES || total + v[i].len > GATHER_BYTES;
        total += large ? 0 : v[i].len;
    }
    return large ? ~0ul : total;
}

static long read_vector(int32_t fd, uint64_t iov, uint64_t count, int64_t offset)
{
    struct guest_iovec v[GATHER_PARTS];
    uint8_t small[GATHER_BYTES];
    uint64_t done;
    long error;
    error_t e;
    if (count > IOV_MAX)
        return -EINVAL;
    const struct guest_iovec *only;
    uint64_t total = small_vector(iov, count, v, &error, &only);
    if (error != 0)
        return error;
    bool remote = fd_kind((uint32_t)fd, 0) != FD_SIGNALFD;
    if (only && remote && offset < 0)
        return read_request(fd, only->base, clamp_io(only->len));
    if (total == ~0ul || !remote) {
        e = fs_readv(fs_client_for(fd), fd, iov, (uint32_t)count, offset, &done);
        return e ? linux_error(e) : (long)done;
    }
    struct rpc_out data = { small, total };
    if (offset < 0)
        e = fs_read(fs_client_for(fd), fd, data, &done);
    else
        e = fs_pread(fs_client_for(fd), fd, (uint64_t)offset, data, &done);
    if (e != 0)
        return linux_error(e);
    uint64_t at = 0;
    for (uint64_t i = 0; i < count && at < done; i++) {
        uint64_t n = v[i].len < done - at ? v[i].len : done - at;
        if (copy_to_guest(v[i].base, small + at, n) != 0)
            return at ? (long)at : -EFAULT;
        at += n;
    }
    return (long)done;
}

static long write_vector(int32_t fd, uint64_t iov, uint64_t count, int64_t offset)
{
    struct guest_iovec v[GATHER_PARTS];
    uint8_t small[GATHER_BYTES];
    uint64_t done, at = 0;
    long error;
    error_t e;
    if (count > IOV_MAX)
        return -EINVAL;
    const struct guest_iovec *only;
    uint64_t total = small_vector(iov, count, v, &error, &only);
    if (error != 0)
        return error;
    if (only && offset < 0)
        return write_request(fd, only->base, clamp_io(only->len));
    if (total == ~0ul) {
        e = fs_writev(fs_client_for(fd), fd, iov, (uint32_t)count, offset, &done);
        return e ? write_error(e) : (long)done;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (copy_from_guest(small + at, v[i].base, v[i].len) != 0)
            return -EFAULT;
        at += v[i].len;
    }
    struct rpc_in data = { small, total };
    if (offset < 0)
        e = fs_write(fs_client_for(fd), fd, data, &done);
    else
        e = fs_pwrite(fs_client_for(fd), fd, (uint64_t)offset, data, &done);
    return e ? write_error(e) : (long)done;
}

LINUX_CALL(readv)  { return read_vector((int32_t)a0, a1, a2, -1); }
LINUX_CALL(writev) { return write_vector((int32_t)a0, a1, a2, -1); }

LINUX_CALL(preadv)
{
    return (int64_t)a3 < 0 ? -EINVAL : read_vector((int32_t)a0, a1, a2, (int64_t)a3);
}

LINUX_CALL(pwritev)
{
    return (int64_t)a3 < 0 ? -EINVAL : write_vector((int32_t)a0, a1, a2, (int64_t)a3);
}

/* Flags that ask for more than plain behaviour are refused, not ignored. */
LINUX_CALL(preadv2)
{
    if (a5 & ~(uint64_t)RWF_SUPPORTED || a5 & 0x8)
        return -EOPNOTSUPP;
    return read_vector((int32_t)a0, a1, a2, (int64_t)a3);
}

LINUX_CALL(pwritev2)
{
    if (a5 & ~(uint64_t)RWF_SUPPORTED || a5 & 0x18)
        return -EOPNOTSUPP;
    return write_vector((int32_t)a0, a1, a2, (int64_t)a3);
}

LINUX_CALL(lseek)
{
    uint64_t position;
    error_t e = fs_lseek(fs_client_for((int32_t)a0), (int32_t)a0, (int64_t)a1, (uint32_t)a2, &position);
    return e ? linux_error(e) : (long)position;
}

LINUX_CALL(getdents64)
{
    uint64_t done;
    struct rpc_out entries = { (void *)a1, (uint32_t)a2 > 0x100000 ? 0x100000 : (uint32_t)a2 };
    error_t e = fs_getdents(fs_client(), (int32_t)a0, entries, &done);
    return e ? linux_error(e) : (long)done;
}

/* fs moves the bytes itself; an offset given by address is kept up to date here. */
static long transfer(int32_t in, uint64_t in_at, int32_t out, uint64_t out_at,
                     uint64_t bytes, uint32_t flags)
{
    int64_t in_offset = -1, out_offset = -1;
    uint64_t done;
    if (in_at != 0 && copy_from_guest(&in_offset, in_at, 8) != 0)
        return -EFAULT;
    if (out_at != 0 && copy_from_guest(&out_offset, out_at, 8) != 0)
        return -EFAULT;
    if ((in_at != 0 && in_offset < 0) || (out_at != 0 && out_offset < 0))
        return -EINVAL;
    error_t e = fs_transfer(fs_client(), in, in_offset, out, out_offset, clamp_io(bytes), flags, &done);
    if (e != 0)
        return write_error(e);
    in_offset += (int64_t)done;
    out_offset += (int64_t)done;
    if (in_at != 0 && copy_to_guest(in_at, &in_offset, 8) != 0)
        return -EFAULT;
    if (out_at != 0 && copy_to_guest(out_at, &out_offset, 8) != 0)
        return -EFAULT;
    return (long)done;
}

/* flags of fs.transfer: how strict fs is about the kinds of the two ends */
#define TRANSFER_SENDFILE   0x100u
#define TRANSFER_SPLICE     0x200u
#define TRANSFER_COPY_RANGE 0x400u
#define TRANSFER_TEE        0x800u

LINUX_CALL(sendfile)
{
    return transfer((int32_t)a1, a2, (int32_t)a0, 0, a3, TRANSFER_SENDFILE);
}

LINUX_CALL(splice)
{
    if (a5 & ~0xful)
        return -EINVAL;
    return transfer((int32_t)a0, a1, (int32_t)a2, a3, a4, TRANSFER_SPLICE | (uint32_t)a5);
}

LINUX_CALL(tee)
{
    if (a3 & ~0xful)
        return -EINVAL;
    return transfer((int32_t)a0, 0, (int32_t)a1, 0, a2, TRANSFER_TEE | (uint32_t)a3);
}

LINUX_CALL(copy_file_range)
{
    if (a5 != 0)
        return -EINVAL;
    return transfer((int32_t)a0, a1, (int32_t)a2, a3, a4, TRANSFER_COPY_RANGE);
}

LINUX_CALL(fallocate)
{
    if ((int64_t)a2 < 0 || (int64_t)a3 <= 0)
        return -EINVAL;
    return linux_error(fs_fallocate(fs_client(), (int32_t)a0, (uint32_t)a1, a2, a3));
}

LINUX_CALL(fsync)           { return linux_error(fs_fsync(fs_client(), (int32_t)a0)); }
LINUX_CALL(fdatasync)       { return linux_error(fs_fsync(fs_client(), (int32_t)a0)); }
LINUX_CALL(syncfs)          { return linux_error(fs_fsync(fs_client(), (int32_t)a0)); }
LINUX_CALL(sync_file_range) { return linux_error(fs_fsync(fs_client(), (int32_t)a0)); }
/* Every file system lives in memory: there is nothing to write back. */
LINUX_CALL(sync)            { return 0; }

/* Advice may be ignored, but not for a descriptor that does not exist. */
LINUX_CALL(fadvise64)
{
    struct fs_stat st;
    if (a3 > 5)
        return -EINVAL;
    error_t e = fs_fstat(fs_client(), (int32_t)a0, &st);
    if (e == 0 && (st.mode & 0170000) == 0010000)
        e = ERR_SEEK_PIPE;
    return linux_error(e);
}

LINUX_CALL(readahead)
{
    struct fs_stat st;
    error_t e = fs_fstat(fs_client(), (int32_t)a0, &st);
    if (e == 0 && (st.mode & 0170000) != 0100000)
        e = ERR_INVALID_ARGUMENT;
    return linux_error(e);
}
