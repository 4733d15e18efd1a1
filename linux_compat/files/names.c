/* SPDX-License-Identifier: MIT */
/*
 * System calls on names: open, directories, links, permissions, times, mounts.
 *
 * Each is one request to fs. Paths stay in guest memory until the stub copies
 * them into the request's arena slot with the fault-tolerant guest copy, so a
 * bad pointer gives EFAULT and a path that changes meanwhile harms nobody.
 */
#include "files.h"

#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EMPTY_PATH       0x1000
#define UTIME_NOW           0x3fffffff

error_t path_in(uaddr_t address, struct rpc_in *path)
{
    long len = guest_strlen(address, FS_PATH_MAX + 1);
    if (len < 0)
        return len == GUEST_EFAULT ? ERR_FAULT : ERR_NAME_TOO_LONG;
    path->data = guest_pointer(address);
    path->bytes = (uint64_t)len;
    return 0;
}

/* The empty path: with AT_EMPTY_PATH it means the descriptor itself. */
static const struct rpc_in no_path = { "", 0 };

/* The memory map that procfs shows is a text of ours (mm.c): renew it before
 * somebody reads it. */
static void publish_if_maps(const struct rpc_in *path)
{
    char end[4];
    if (path->bytes >= 10 && !guest_copy_raw(end, (const char *)path->data + path->bytes - 4, 4)
        && memcmp(end, "maps", 4) == 0)
        mm_publish_maps();
}

LINUX_CALL(openat)
{
    struct rpc_in path;
    uint32_t fd;
    error_t e = path_in(a1, &path);
    if (e == 0) {
        publish_if_maps(&path);
        e = fs_openat(fs_client(), (int32_t)a0, path, (uint32_t)a2, (uint32_t)a3, &fd);
    }
    return e ? linux_error(e) : fd;
}

/* openat2(2): struct open_how { u64 flags, mode, resolve }. */
LINUX_CALL(openat2)
{
    uint64_t how[3];
    if (a3 < sizeof how)
        return -EINVAL;
    if (a3 > sizeof how)
        return -E2BIG;
    if (copy_from_guest(how, a2, sizeof how) != 0)
        return -EFAULT;
    if (how[2] != 0 || how[0] >> 32 || how[1] & ~07777ul)
        return -EINVAL;
    return sys_openat(a0, a1, how[0], how[1], 0, 0);
}

LINUX_CALL(mkdirat)
{
    struct rpc_in path;
    error_t e = path_in(a1, &path);
    if (e == 0)
        e = fs_mkdirat(fs_client(), (int32_t)a0, path, (uint32_t)a2);
    return linux_error(e);
}

LINUX_CALL(mknodat)
{
    struct rpc_in path;
    error_t e = path_in(a1, &path);
    if (e == 0)
        e = fs_mknodat(fs_client(), (int32_t)a0, path, (uint32_t)a2, a3);
    return linux_error(e);
}

LINUX_CALL(unlinkat)
{
    struct rpc_in path;
    error_t e = path_in(a1, &path);
    if (e == 0)
        e = fs_unlinkat(fs_client(), (int32_t)a0, path, (uint32_t)a2);
    return linux_error(e);
}

LINUX_CALL(symlinkat)
{
    struct rpc_in target, path;
    error_t e = path_in(a0, &target);
    if (e == 0)
        e = path_in(a2, &path);
    if (e == 0)
        e = fs_symlinkat(fs_client(), target, (int32_t)a1, path);
    return linux_error(e);
}

LINUX_CALL(linkat)
{
    struct rpc_in from, to;
    error_t e = path_in(a1, &from);
    if (e == 0)
        e = path_in(a3, &to);
    if (e == 0)
        e = fs_linkat(fs_client(), (int32_t)a0, from, (int32_t)a2, to, (uint32_t)a4);
    return linux_error(e);
}

LINUX_CALL(renameat2)
{
    struct rpc_in from, to;
    error_t e = path_in(a1, &from);
    if (e == 0)
        e = path_in(a3, &to);
    if (e == 0)
        e = fs_renameat(fs_client(), (int32_t)a0, from, (int32_t)a2, to, (uint32_t)a4);
    return linux_error(e);
}

LINUX_CALL(readlinkat)
{
    struct rpc_in path;
    uint64_t done;
    if ((int64_t)a3 <= 0)
        return -EINVAL;
    struct rpc_out target = { (void *)a2, a3 > 4096 ? 4096 : a3 };
    error_t e = path_in(a1, &path);
    if (e == 0)
        e = fs_readlinkat(fs_client(), (int32_t)a0, path, target, &done);
    return e ? linux_error(e) : (long)done;
}

static long chmod_path(int32_t dirfd, uint64_t name, uint32_t mode, uint32_t flags)
{
    struct rpc_in path;
    error_t e = path_in(name, &path);
    if (e == 0)
        e = fs_chmodat(fs_client(), dirfd, path, mode, flags);
    return linux_error(e);
}

LINUX_CALL(fchmodat) { return chmod_path((int32_t)a0, a1, (uint32_t)a2, 0); }

LINUX_CALL(fchmodat2)
{
    if (a3 & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return chmod_path((int32_t)a0, a1, (uint32_t)a2, (uint32_t)a3);
}

LINUX_CALL(fchmod)
{
    return linux_error(fs_chmodat(fs_client(), (int32_t)a0, no_path, (uint32_t)a1, AT_EMPTY_PATH));
}

LINUX_CALL(fchownat)
{
    struct rpc_in path;
    if (a4 & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    error_t e = path_in(a1, &path);
    if (e == 0)
        e = fs_chownat(fs_client(), (int32_t)a0, path, (uint32_t)a2, (uint32_t)a3, (uint32_t)a4);
    return linux_error(e);
}

LINUX_CALL(fchown)
{
    return linux_error(fs_chownat(fs_client(), (int32_t)a0, no_path, (uint32_t)a1, (uint32_t)a2,
                                  AT_EMPTY_PATH));
}

/* A null path means the descriptor itself (futimens). */
LINUX_CALL(utimensat)
{
    int64_t ts[4] = { 0, UTIME_NOW, 0, UTIME_NOW };
    struct rpc_in path = no_path;
    uint32_t flags = (uint32_t)a3;
    error_t e = 0;
    if (a3 & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (a2 != 0 && copy_from_guest(ts, a2, sizeof ts) != 0)
        return -EFAULT;
    if (a1 != 0)
        e = path_in(a1, &path);
    else
        flags |= AT_EMPTY_PATH;
    if (e == 0)
        e = fs_utimensat(fs_client(), (int32_t)a0, path, ts[0], ts[1], ts[2], ts[3], flags);
    return linux_error(e);
}

LINUX_CALL(truncate)
{
    struct rpc_in path;
    if ((int64_t)a1 < 0)
        return -EINVAL;
    error_t e = path_in(a0, &path);
    if (e == 0)
        e = fs_truncate(fs_client(), -1, path, a1);
    return linux_error(e);
}

LINUX_CALL(ftruncate)
{
    if ((int64_t)a1 < 0)
        return -EINVAL;
    if ((int32_t)a0 < 0)
        return -EBADF;
    return linux_error(fs_truncate(fs_client(), (int32_t)a0, no_path, a1));
}

LINUX_CALL(chdir)
{
    struct rpc_in path;
    error_t e = path_in(a0, &path);
    if (e == 0)
        e = fs_chdir(fs_client(), FS_AT_FDCWD, path);
    return linux_error(e);
}

/* fs takes an empty path as the directory descriptor itself. */
LINUX_CALL(fchdir)
{
    if ((int32_t)a0 < 0)
        return -EBADF;
    return linux_error(fs_chdir(fs_client(), (int32_t)a0, no_path));
}

LINUX_CALL(chroot)
{
    struct rpc_in path;
    error_t e = path_in(a0, &path);
    if (e == 0)
        e = fs_chroot(fs_client(), path);
    return linux_error(e);
}

/* getcwd(2) of the kernel returns the length including the NUL. */
LINUX_CALL(getcwd)
{
    uint64_t done;
    struct rpc_out out = { (void *)a0, a1 > 4096 ? 4096 : a1 };
    error_t e = fs_getcwd(fs_client(), out, &done);
    return e ? linux_error(e) : (long)done;
}

LINUX_CALL(umask)
{
    uint32_t old;
    error_t e = fs_umask(fs_client(), (uint32_t)a0 & 0777, &old);
    return e ? linux_error(e) : (long)old;
}

static error_t optional_string(uint64_t address, struct rpc_in *s)
{
    *s = no_path;
    return address ? path_in(address, s) : 0;
}

LINUX_CALL(mount)
{
    struct rpc_in source, target, type;
    error_t e = optional_string(a0, &source);
    if (e == 0)
        e = path_in(a1, &target);
    if (e == 0)
        e = optional_string(a2, &type);
    if (e == 0 && type.bytes > 31)
        e = ERR_NO_DEVICE;
    if (e == 0)
        e = fs_mount(fs_client(), source, target, type, a3);
    return linux_error(e);
}

LINUX_CALL(umount2)
{
    struct rpc_in target;
    error_t e = path_in(a0, &target);
    if (e == 0)
        e = fs_umount(fs_client(), target, (uint32_t)a1);
    return linux_error(e);
}

/*
 * Extended attributes: no file system here keeps any. A list is empty, a
 * missing attribute is ENODATA, setting one is not supported; a missing file
 * is still a missing file.
 */
static long xattr_path(uint64_t name, uint32_t flags, long answer)
{
    struct rpc_in path;
    struct fs_stat st;
    error_t e = path_in(name, &path);
    if (e == 0)
        e = fs_statat(fs_client(), FS_AT_FDCWD, path, flags, &st);
    return e ? linux_error(e) : answer;
}

static long xattr_fd(int32_t fd, long answer)
{
    struct fs_stat st;
    error_t e = fs_fstat(fs_client(), fd, &st);
    return e ? linux_error(e) : answer;
}

LINUX_CALL(setxattr)     { return xattr_path(a0, 0, -EOPNOTSUPP); }
LINUX_CALL(lsetxattr)    { return xattr_path(a0, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP); }
LINUX_CALL(fsetxattr)    { return xattr_fd((int32_t)a0, -EOPNOTSUPP); }
LINUX_CALL(getxattr)     { return xattr_path(a0, 0, -ENODATA); }
LINUX_CALL(lgetxattr)    { return xattr_path(a0, AT_SYMLINK_NOFOLLOW, -ENODATA); }
LINUX_CALL(fgetxattr)    { return xattr_fd((int32_t)a0, -ENODATA); }
LINUX_CALL(listxattr)    { return xattr_path(a0, 0, 0); }
LINUX_CALL(llistxattr)   { return xattr_path(a0, AT_SYMLINK_NOFOLLOW, 0); }
LINUX_CALL(flistxattr)   { return xattr_fd((int32_t)a0, 0); }
LINUX_CALL(removexattr)  { return xattr_path(a0, 0, -ENODATA); }
LINUX_CALL(lremovexattr) { return xattr_path(a0, AT_SYMLINK_NOFOLLOW, -ENODATA); }
LINUX_CALL(fremovexattr) { return xattr_fd((int32_t)a0, -ENODATA); }
