/* SPDX-License-Identifier: MIT */
/*
 * What is known of a file: stat, statx, access, statfs, in the layouts of
 * Linux's asm-generic headers.
 */
#include "lease.h"

#define AT_SYMLINK_NOFOLLOW   0x100
#define AT_EACCESS            0x200
#define AT_NO_AUTOMOUNT       0x800
#define AT_EMPTY_PATH         0x1000
#define AT_STATX_SYNC_TYPE    0x6000
#define STATX_BASIC_AND_BTIME 0xfffu

/* struct stat of <asm-generic/stat.h>. */
struct linux_stat {
    uint64_t dev, ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev, pad1;
    int64_t  size;
    int32_t  blksize, pad2;
    int64_t  blocks;
    int64_t  atime; uint64_t atime_ns;
    int64_t  mtime; uint64_t mtime_ns;
    int64_t  ctime; uint64_t ctime_ns;
    uint32_t unused[2];
};
_Static_assert(sizeof(struct linux_stat) == 128, "Linux ABI");

struct linux_statx_time { int64_t sec; uint32_t nsec; int32_t pad; };
/* struct statx of <linux/stat.h>. */
struct linux_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad0;
    uint64_t ino, size, blocks, attributes_mask;
    struct linux_statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id;
    uint32_t dio_mem_align, dio_offset_align;
    uint64_t spare[12];
};
_Static_assert(sizeof(struct linux_statx) == 256, "Linux ABI");

static struct linux_stat stat_of(const struct fs_stat *st)
{
    return (struct linux_stat){
        .dev = st->dev, .ino = st->ino, .mode = st->mode, .nlink = st->nlink,
        .uid = st->uid, .gid = st->gid, .rdev = st->rdev, .size = (int64_t)st->size,
        .blksize = (int32_t)st->blksize, .blocks = (int64_t)st->blocks,
        .atime = st->atime_s, .atime_ns = st->atime_ns,
        .mtime = st->mtime_s, .mtime_ns = st->mtime_ns,
        .ctime = st->ctime_s, .ctime_ns = st->ctime_ns,
    };
}

static long put_stat(uint64_t address, const struct fs_stat *st)
{
    struct linux_stat out = stat_of(st);
    return copy_to_guest(address, &out, sizeof out) ? -EFAULT : 0;
}

/* From a lease; false: fs must be asked, whatever was written to the guest. */
static bool leased_fstat(uint32_t fd, uint64_t to, long *result)
{
    const struct leases *all = this_process()->leases;
    uint32_t version;
    if (!all || fd >= FD_WORDS)
        return false;
    const struct stat_lease *l = &all->stat[fd % NR_STAT_LEASES];
    if (!lease_holds(&l->lease, fd, &version))
        return false;
    *result = copy_to_guest(to, l->stat, sizeof l->stat) ? -EFAULT : 0;
    return lease_unchanged(&l->lease, version);
}

static void keep_stat(uint32_t fd, const struct linux_stat *st, uint32_t seq)
{
    struct leases *all = leases_make();
    if (!all || fd >= FD_WORDS)
        return;
    struct stat_lease *l = &all->stat[fd % NR_STAT_LEASES];
    _Static_assert(sizeof l->stat == sizeof *st, "Linux's struct stat");
    if (!lease_begin(&l->lease))
        return;
    memcpy(l->stat, st, sizeof *st);
    lease_end(&l->lease, fd + 1, seq);
}

static long stat_descriptor(uint32_t fd, uint64_t to)
{
    struct fs_stat st;
    long result;
    if (leased_fstat(fd, to, &result))
        return result;
    error_t e = fs_fstat(fs_client(), (int32_t)fd, &st);
    if (e != 0)
        return linux_error(e);
    struct linux_stat out = stat_of(&st);
    if (st.lease)
        keep_stat(fd, &out, st.lease);
    return copy_to_guest(to, &out, sizeof out) ? -EFAULT : 0;
}

LINUX_CALL(fstat) { return stat_descriptor((uint32_t)a0, a1); }

static error_t stat_path(int32_t dirfd, uint64_t name, uint32_t flags,
                         struct fs_stat *st)
{
    struct rpc_in path = { "", 0 };
    error_t e = 0;
    if (name != 0 || !(flags & AT_EMPTY_PATH))
        e = path_in(name, &path);
    if (e != 0)
        return e;
    if (path.bytes == 0 && (flags & AT_EMPTY_PATH) && dirfd >= 0)
        return fs_fstat(fs_client(), dirfd, st);
    return fs_statat(fs_client(), dirfd, path, flags, st);
}

/* What C libraries make of fstat: a descriptor and an empty path. */
static bool is_fstat(uint64_t dirfd, uint64_t name, uint64_t flags)
{
    return flags == AT_EMPTY_PATH && (int32_t)dirfd >= 0 &&
           (!name || (name < GUEST_LIMIT && guest_strnlen_raw(guest_pointer(name), 1) == 0));
}

LINUX_CALL(newfstatat)
{
    struct fs_stat st;
    if (is_fstat(a0, a1, a3))
        return stat_descriptor((uint32_t)a0, a2);
    if (a3 & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    error_t e = stat_path((int32_t)a0, a1, (uint32_t)a3 & ~AT_NO_AUTOMOUNT, &st);
    return e ? linux_error(e) : put_stat(a2, &st);
}

/* Device numbers as Linux encodes them in 64 bits: minor low 8, major 12, minor rest. */
static uint32_t dev_major(uint64_t dev) { return (uint32_t)(dev >> 8) & 0xfff; }
static uint32_t dev_minor(uint64_t dev) { return (uint32_t)(dev & 0xff) | ((uint32_t)(dev >> 12) & 0xfff00); }

LINUX_CALL(statx)
{
    struct fs_stat st;
    uint32_t flags = (uint32_t)a2;
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (a3 & 0x80000000u))
        return -EINVAL;
    error_t e = stat_path((int32_t)a0, a1, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), &st);
    if (e != 0)
        return linux_error(e);
    struct linux_statx out = {
        .mask = STATX_BASIC_AND_BTIME, .blksize = st.blksize, .nlink = st.nlink,
        .uid = st.uid, .gid = st.gid, .mode = (uint16_t)st.mode, .ino = st.ino,
        .size = st.size, .blocks = st.blocks,
        .atime = { st.atime_s, st.atime_ns, 0 }, .btime = { st.btime_s, st.btime_ns, 0 },
        .ctime = { st.ctime_s, st.ctime_ns, 0 }, .mtime = { st.mtime_s, st.mtime_ns, 0 },
        .rdev_major = dev_major(st.rdev), .rdev_minor = dev_minor(st.rdev),
        .dev_major = dev_major(st.dev), .dev_minor = dev_minor(st.dev),
    };
    return copy_to_guest(a4, &out, sizeof out) ? -EFAULT : 0;
}

static long access_path(int32_t dirfd, uint64_t name, uint32_t mode, uint32_t flags)
{
    struct rpc_in path;
    if (mode & ~7u)
        return -EINVAL;
    error_t e = path_in(name, &path);
    if (e == 0)
        e = fs_accessat(fs_client(), dirfd, path, mode, flags);
    return linux_error(e);
}

LINUX_CALL(faccessat) { return access_path((int32_t)a0, a1, (uint32_t)a2, 0); }

LINUX_CALL(faccessat2)
{
    if (a3 & ~(uint64_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return access_path((int32_t)a0, a1, (uint32_t)a2, (uint32_t)a3);
}

/* struct statfs64 of <asm-generic/statfs.h>, 64-bit words. */
static long put_statfs(uint64_t address, const struct fs_statfs *st)
{
    uint64_t out[15] = {
        st->type, st->bsize, st->blocks, st->bfree, st->bavail, st->files, st->ffree,
        st->fsid, st->namelen, st->frsize, st->flags,
    };
    return copy_to_guest(address, out, sizeof out) ? -EFAULT : 0;
}

LINUX_CALL(statfs)
{
    struct rpc_in path;
    struct fs_statfs st;
    error_t e = path_in(a0, &path);
    if (e == 0)
        e = fs_statfs(fs_client(), -1, path, &st);
    return e ? linux_error(e) : put_statfs(a1, &st);
}

LINUX_CALL(fstatfs)
{
    struct fs_statfs st;
    if ((int32_t)a0 < 0)
        return -EBADF;
    error_t e = fs_statfs(fs_client(), (int32_t)a0, (struct rpc_in){ "", 0 }, &st);
    return e ? linux_error(e) : put_statfs(a1, &st);
}
