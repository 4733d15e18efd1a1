/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table: close, dup, fcntl, locks, ioctl, and the calls that
 * make special descriptors (pipes, eventfd, timerfd, signalfd, memfd).
 */
#include "lease.h"

enum { F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLKW = 7,
       F_OFD_GETLK = 36, F_OFD_SETLKW = 38, F_DUPFD_CLOEXEC = 1030 };
#define FD_CLOEXEC_FLAG 1
#define O_NONBLOCK      04000
#define O_CLOEXEC       02000000
#define LOCK_FLOCK      0x1000u     /* fs.lock command: flock(2)               */

LINUX_CALL(close)
{
    struct process *p = this_process();
    if (__builtin_expect(p->nr_owned != 0, 0)) {
        eventfd_drop(p, (int32_t)a0);
        position_drop(p, (int32_t)a0);
    }
    window_drop((uint32_t)a0);
    error_t e = fs_close(&p->client[CLIENT_FS], (int32_t)a0);
    window_drop((uint32_t)a0);      /* another thread made one meanwhile */
    return linux_error(e);
}

LINUX_CALL(close_range)
{
    if (a0 > a1 || a2 & ~6ul)
        return -EINVAL;
    windows_drop((uint32_t)a0, (uint32_t)a1);
    error_t e = fs_close_range(fs_client(), (uint32_t)a0, (uint32_t)a1, (uint32_t)a2);
    windows_drop((uint32_t)a0, (uint32_t)a1);
    return linux_error(e);
}

static long dup_fd(int32_t fd, int32_t at_least, int32_t exactly, uint32_t flags)
{
    uint32_t result;
    error_t e = fs_dup(fs_client(), fd, at_least, exactly, flags, &result);
    return e ? linux_error(e) : result;
}

LINUX_CALL(dup) { return dup_fd((int32_t)a0, 0, -1, 0); }

LINUX_CALL(dup3)
{
    if (a2 & ~(uint64_t)O_CLOEXEC || (uint32_t)a0 == (uint32_t)a1)
        return -EINVAL;
    if ((int32_t)a1 < 0)
        return -EBADF;
    window_drop((uint32_t)a1);
    long result = dup_fd((int32_t)a0, 0, (int32_t)a1, (uint32_t)a2);
    window_drop((uint32_t)a1);
    return result;
}

/* struct flock of <asm-generic/fcntl.h>, 64-bit. */
struct linux_flock { int16_t type, whence; int32_t pad; int64_t start, length; int32_t pid, pad2; };

static long record_lock(int32_t fd, uint32_t command, uint64_t address)
{
    struct linux_flock l;
    struct fs_flock result;
    if (copy_from_guest(&l, address, sizeof l) != 0)
        return -EFAULT;
    struct fs_flock request = { .start = l.start, .length = l.length, .pid = (uint32_t)l.pid,
                                .type = l.type, .whence = l.whence };
    error_t e = fs_lock(fs_client(), fd, command, &request, &result);
    if (e != 0)
        return linux_error(e);
    if (command != F_GETLK && command != F_OFD_GETLK)
        return 0;
    l.type = result.type;
    if (result.type != 2 /* F_UNLCK */) {
        l.whence = result.whence;
        l.start = result.start;
        l.length = result.length;
        l.pid = (int32_t)result.pid;
    }
    return copy_to_guest(address, &l, sizeof l) ? -EFAULT : 0;
}

LINUX_CALL(fcntl)
{
    int32_t fd = (int32_t)a0;
    uint32_t command = (uint32_t)a1;
    uint64_t result;
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
        if ((int32_t)a2 < 0)
            return -EINVAL;
        return dup_fd(fd, (int32_t)a2, -1, command == F_DUPFD ? 0 : O_CLOEXEC);
    }
    if ((command >= F_GETLK && command <= F_SETLKW) || (command >= F_OFD_GETLK && command <= F_OFD_SETLKW))
        return record_lock(fd, command, a2);
    error_t e = fs_fcntl(fs_client(), fd, command, a2, &result);
    return e ? linux_error(e) : (long)result;
}

LINUX_CALL(flock)
{
    struct fs_flock request = { .type = (int16_t)a1 }, result;
    return linux_error(fs_lock(fs_client(), (int32_t)a0, LOCK_FLOCK, &request, &result));
}

/* The requests that are fcntl in disguise are turned into it; fs sees the others. */
static long ioctl_on_descriptor(int32_t fd, uint32_t command, uint64_t argument)
{
    uint64_t result;
    int32_t on;
    error_t e;
    if (command == 0x5451 || command == 0x5450)     /* FIOCLEX, FIONCLEX */
        return linux_error(fs_fcntl(fs_client(), fd, F_SETFD,
                                    command == 0x5451 ? FD_CLOEXEC_FLAG : 0, &result));
    if (copy_from_guest(&on, argument, sizeof on) != 0)     /* FIONBIO */
        return -EFAULT;
    e = fs_fcntl(fs_client(), fd, F_GETFL, 0, &result);
    if (e == 0)
        e = fs_fcntl(fs_client(), fd, F_SETFL, on ? result | O_NONBLOCK : result & ~(uint64_t)O_NONBLOCK,
                     &result);
    return linux_error(e);
}

LINUX_CALL(ioctl)
{
    uint32_t command = (uint32_t)a1;
    uint64_t result;
    if (command == 0x5451 || command == 0x5450 || command == 0x5421)
        return ioctl_on_descriptor((int32_t)a0, command, a2);
    error_t e = fs_ioctl(fs_client(), (int32_t)a0, command, a2, &result);
    return e ? linux_error(e) : (long)result;
}

/* Two new descriptors go to the guest; a bad address must not leak them. */
static long put_pair(uint64_t address, uint32_t first, uint32_t second)
{
    uint32_t pair[2] = { first, second };
    if (copy_to_guest(address, pair, sizeof pair) == 0)
        return 0;
    fs_close(fs_client(), first);
    fs_close(fs_client(), second);
    return -EFAULT;
}

LINUX_CALL(pipe2)
{
    uint32_t r, w;
    error_t e = fs_pipe(fs_client(), (uint32_t)a1, &r, &w);
    return e ? linux_error(e) : put_pair(a0, r, w);
}

LINUX_CALL(socketpair)
{
    uint32_t x, y;
    error_t e = fs_socketpair(fs_client(), (uint32_t)a0, (uint32_t)a1, (uint32_t)a2, &x, &y);
    return e ? linux_error(e) : put_pair(a3, x, y);
}

static long new_fd(error_t e, uint32_t fd) { return e ? linux_error(e) : fd; }

LINUX_CALL(eventfd2)
{
    uint32_t fd;
    error_t e = fs_eventfd(fs_client(), (uint32_t)a0, (uint32_t)a1, &fd);
    return new_fd(e, fd);
}

LINUX_CALL(inotify_init1)
{
    uint32_t fd;
    error_t e = fs_inotify_init(fs_client(), (uint32_t)a0, &fd);
    return new_fd(e, fd);
}

LINUX_CALL(inotify_add_watch)
{
    struct rpc_in path;
    int32_t wd;
    error_t e = path_in(a1, &path);
    if (e == 0)
        e = fs_inotify_add_watch(fs_client(), (int32_t)a0, path, (uint32_t)a2, &wd);
    return e ? linux_error(e) : wd;
}

LINUX_CALL(inotify_rm_watch)
{
    return linux_error(fs_inotify_rm_watch(fs_client(), (int32_t)a0, (int32_t)a1));
}

LINUX_CALL(memfd_create)
{
    struct rpc_in name;
    uint32_t fd = 0;
    error_t e = path_in(a0, &name);
    if (e == 0 && name.bytes > 249)
        e = ERR_INVALID_ARGUMENT;
    if (e == 0)
        e = fs_memfd(fs_client(), name, (uint32_t)a1, &fd);
    return new_fd(e, fd);
}

LINUX_CALL(signalfd4)
{
    uint64_t mask;
    uint32_t fd;
    if (a2 != 8)
        return -EINVAL;
    if (copy_from_guest(&mask, a1, sizeof mask) != 0)
        return -EFAULT;
    error_t e = fs_signalfd(fs_client(), (int32_t)a0, mask, (uint32_t)a3, &fd);
    return new_fd(e, fd);
}

/* ---- timerfd ---- */

struct linux_itimerspec { int64_t interval_s, interval_ns, value_s, value_ns; };

#define NS 1000000000l

static bool timespec_ok(int64_t s, int64_t ns) { return s >= 0 && ns >= 0 && ns < NS; }

static int64_t timespec_ns(int64_t s, int64_t ns)
{
    return s > INT64_MAX / NS - 1 ? INT64_MAX : s * NS + ns;
}

static long put_itimerspec(uint64_t address, int64_t value, int64_t interval)
{
    struct linux_itimerspec out = { interval / NS, interval % NS, value / NS, value % NS };
    return copy_to_guest(address, &out, sizeof out) ? -EFAULT : 0;
}

LINUX_CALL(timerfd_create)
{
    uint32_t fd;
    error_t e = fs_timerfd_create(fs_client(), (uint32_t)a0, (uint32_t)a1, &fd);
    return new_fd(e, fd);
}

LINUX_CALL(timerfd_settime)
{
    struct linux_itimerspec in;
    int64_t old_value, old_interval;
    if (copy_from_guest(&in, a2, sizeof in) != 0)
        return -EFAULT;
    if (!timespec_ok(in.value_s, in.value_ns) || !timespec_ok(in.interval_s, in.interval_ns) || a1 & ~3ul)
        return -EINVAL;
    error_t e = fs_timerfd_set(fs_client(), (int32_t)a0, (uint32_t)a1, timespec_ns(in.value_s, in.value_ns),
                               timespec_ns(in.interval_s, in.interval_ns), &old_value, &old_interval);
    if (e != 0)
        return linux_error(e);
    return a3 ? put_itimerspec(a3, old_value, old_interval) : 0;
}

LINUX_CALL(timerfd_gettime)
{
    int64_t value, interval;
    error_t e = fs_timerfd_get(fs_client(), (int32_t)a0, &value, &interval);
    return e ? linux_error(e) : put_itimerspec(a1, value, interval);
}
