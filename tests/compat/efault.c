/* SPDX-License-Identifier: MIT */
/*
 * Bad pointers in every pointer argument: each must give EFAULT, and leave the
 * process and its descriptors as they were. One row per pointer.
 */
#include "compat.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <sys/wait.h>

static int file, dirfd_, rp[2], sock[2], ep, tfd, listener;
static char path[64], good[4096] __attribute__((aligned(4096)));
static struct timespec zero_time;
static socklen_t room = 128;

#define BAD 0xbad0bad1L         /* replaced by each bad address in turn */
#define G ((long)good)
#define P ((long)path)

struct row { const char *what; long nr; long a[6]; int also; };

/* File descriptors are known only at run time: negative placeholders. */
enum { FILE_ = -101, DIR_ = -102, RP = -103, WP = -104, SOCK = -105, EP = -106, TFD = -107, LISTENER = -108 };

static const struct row rows[] = {
    { "openat path", SYS_openat, { AT_FDCWD, BAD, O_RDONLY }, 0 },
    { "read buffer", SYS_read, { FILE_, BAD, 100 }, 0 },
    { "write buffer", SYS_write, { FILE_, BAD, 100 }, 0 },
    { "big read buffer", SYS_read, { FILE_, BAD, 100000 }, 0 },
    { "pread64 buffer", SYS_pread64, { FILE_, BAD, 100, 0 }, 0 },
    { "pwrite64 buffer", SYS_pwrite64, { FILE_, BAD, 100, 0 }, 0 },
    { "readv vector", SYS_readv, { FILE_, BAD, 2 }, 0 },
    { "writev vector", SYS_writev, { FILE_, BAD, 2 }, 0 },
    { "writev long vector", SYS_writev, { FILE_, BAD, 100 }, 0 },
    { "pipe write", SYS_write, { WP, BAD, 10 }, 0 },
    { "pipe2 array", SYS_pipe2, { BAD, 0 }, 0 },
    { "socketpair array", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, BAD }, 0 },
    { "newfstatat path", SYS_newfstatat, { AT_FDCWD, BAD, G, 0 }, 0 },
    { "newfstatat buffer", SYS_newfstatat, { AT_FDCWD, P, BAD, 0 }, 0 },
    { "fstat buffer", SYS_fstat, { FILE_, BAD }, 0 },
    { "statx path", SYS_statx, { AT_FDCWD, BAD, 0, 0x7ff, G }, 0 },
    { "statx buffer", SYS_statx, { AT_FDCWD, P, 0, 0x7ff, BAD }, 0 },
    { "statfs path", SYS_statfs, { BAD, G }, 0 },
    { "statfs buffer", SYS_statfs, { P, BAD }, 0 },
    { "fstatfs buffer", SYS_fstatfs, { FILE_, BAD }, 0 },
    { "faccessat path", SYS_faccessat, { AT_FDCWD, BAD, 0 }, 0 },
    { "readlinkat path", SYS_readlinkat, { AT_FDCWD, BAD, G, 100 }, 0 },
    { "mkdirat path", SYS_mkdirat, { AT_FDCWD, BAD, 0755 }, 0 },
    { "mknodat path", SYS_mknodat, { AT_FDCWD, BAD, S_IFIFO | 0600, 0 }, 0 },
    { "unlinkat path", SYS_unlinkat, { AT_FDCWD, BAD, 0 }, 0 },
    { "symlinkat target", SYS_symlinkat, { BAD, AT_FDCWD, P }, 0 },
    { "symlinkat path", SYS_symlinkat, { P, AT_FDCWD, BAD }, 0 },
    { "linkat old", SYS_linkat, { AT_FDCWD, BAD, AT_FDCWD, P, 0 }, 0 },
    { "linkat new", SYS_linkat, { AT_FDCWD, P, AT_FDCWD, BAD, 0 }, 0 },
    { "renameat2 old", SYS_renameat2, { AT_FDCWD, BAD, AT_FDCWD, P, 0 }, 0 },
    { "renameat2 new", SYS_renameat2, { AT_FDCWD, P, AT_FDCWD, BAD, 0 }, 0 },
    { "fchmodat path", SYS_fchmodat, { AT_FDCWD, BAD, 0644 }, 0 },
    { "fchownat path", SYS_fchownat, { AT_FDCWD, BAD, -1, -1, 0 }, 0 },
    { "utimensat path", SYS_utimensat, { AT_FDCWD, BAD, 0, AT_SYMLINK_NOFOLLOW }, 1 },
    { "utimensat times", SYS_utimensat, { AT_FDCWD, P, BAD, 0 }, 0 },
    { "truncate path", SYS_truncate, { BAD, 0 }, 0 },
    { "chdir path", SYS_chdir, { BAD }, 0 },
    { "chroot path", SYS_chroot, { BAD }, 0 },
    { "getcwd buffer", SYS_getcwd, { BAD, 4096 }, 0 },
    { "getdents64 buffer", SYS_getdents64, { DIR_, BAD, 4096 }, 0 },
    { "sendfile offset", SYS_sendfile, { SOCK, FILE_, BAD, 10 }, 0 },
    { "ppoll fds", SYS_ppoll, { BAD, 4, (long)&zero_time, 0, 8 }, 0 },
    { "ppoll time", SYS_ppoll, { G, 0, BAD, 0, 8 }, 0 },
    { "ppoll mask", SYS_ppoll, { G, 0, (long)&zero_time, BAD, 8 }, 0 },
    { "pselect6 in", SYS_pselect6, { 8, BAD, 0, 0, (long)&zero_time, 0 }, 0 },
    { "pselect6 out", SYS_pselect6, { 8, 0, BAD, 0, (long)&zero_time, 0 }, 0 },
    { "pselect6 time", SYS_pselect6, { 8, 0, 0, 0, BAD, 0 }, 0 },
    { "pselect6 mask", SYS_pselect6, { 8, 0, 0, 0, (long)&zero_time, BAD }, 0 },
    { "epoll_ctl event", SYS_epoll_ctl, { EP, EPOLL_CTL_ADD, RP, BAD }, 0 },
    { "signalfd4 mask", SYS_signalfd4, { -1, BAD, 8, 0 }, 0 },
    { "timerfd_settime new", SYS_timerfd_settime, { TFD, 0, BAD, 0 }, 0 },
    { "timerfd_gettime", SYS_timerfd_gettime, { TFD, BAD }, 0 },
    { "memfd_create name", SYS_memfd_create, { BAD, 0 }, 0 },
    { "fcntl lock", SYS_fcntl, { FILE_, F_GETLK, BAD }, 0 },
    { "bind address", SYS_bind, { SOCK, BAD, sizeof(struct sockaddr_un) }, 0 },
    { "connect address", SYS_connect, { SOCK, BAD, sizeof(struct sockaddr_un) }, 0 },
    { "getsockname address", SYS_getsockname, { SOCK, BAD, (long)&room }, 0 },
    { "getsockname length", SYS_getsockname, { SOCK, G, BAD }, 0 },
    { "sendto data", SYS_sendto, { SOCK, BAD, 10, 0, 0, 0 }, 0 },
    { "sendmsg header", SYS_sendmsg, { SOCK, BAD, 0 }, 0 },
    { "recvmsg header", SYS_recvmsg, { SOCK, BAD, MSG_DONTWAIT }, 0 },
    { "getsockopt value", SYS_getsockopt, { SOCK, SOL_SOCKET, SO_TYPE, BAD, (long)&room }, 0 },
    { "getsockopt length", SYS_getsockopt, { SOCK, SOL_SOCKET, SO_TYPE, G, BAD }, 0 },
    { "setsockopt value", SYS_setsockopt, { SOCK, SOL_SOCKET, SO_PASSCRED, BAD, 4 }, 0 },
    { "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, BAD }, 0 },
    { "clock_getres", SYS_clock_getres, { CLOCK_MONOTONIC, BAD }, 0 },
    { "gettimeofday", SYS_gettimeofday, { BAD, 0 }, 0 },
    { "nanosleep request", SYS_nanosleep, { BAD, 0 }, 0 },
    { "clock_nanosleep request", SYS_clock_nanosleep, { CLOCK_MONOTONIC, 0, BAD, 0 }, 0 },
    { "getitimer", SYS_getitimer, { 0, BAD }, 0 },
    { "setitimer", SYS_setitimer, { 0, BAD, 0 }, 0 },
    { "timer_create id", SYS_timer_create, { CLOCK_MONOTONIC, 0, BAD }, 0 },
    { "rt_sigaction new", SYS_rt_sigaction, { SIGUSR1, BAD, 0, 8 }, 0 },
    { "rt_sigaction old", SYS_rt_sigaction, { SIGUSR1, 0, BAD, 8 }, 0 },
    { "rt_sigprocmask new", SYS_rt_sigprocmask, { SIG_BLOCK, BAD, 0, 8 }, 0 },
    { "rt_sigprocmask old", SYS_rt_sigprocmask, { SIG_BLOCK, 0, BAD, 8 }, 0 },
    { "rt_sigpending", SYS_rt_sigpending, { BAD, 8 }, 0 },
    { "rt_sigsuspend", SYS_rt_sigsuspend, { BAD, 8 }, 0 },
    { "rt_sigtimedwait set", SYS_rt_sigtimedwait, { BAD, 0, (long)&zero_time, 8 }, 0 },
    { "rt_sigtimedwait time", SYS_rt_sigtimedwait, { G, 0, BAD, 8 }, 0 },
    { "sigaltstack new", SYS_sigaltstack, { BAD, 0 }, 0 },
    { "sigaltstack old", SYS_sigaltstack, { 0, BAD }, 0 },
    { "uname", SYS_uname, { BAD }, 0 },
    { "sysinfo", SYS_sysinfo, { BAD }, 0 },
    { "times", SYS_times, { BAD }, 0 },
    { "getrusage", SYS_getrusage, { 0, BAD }, 0 },
    { "prlimit64 new", SYS_prlimit64, { 0, RLIMIT_CORE, BAD, 0 }, 0 },
    { "prlimit64 old", SYS_prlimit64, { 0, RLIMIT_CORE, 0, BAD }, 0 },
    { "getresuid", SYS_getresuid, { BAD, G, G }, 0 },
    { "getresgid", SYS_getresgid, { G, G, BAD }, 0 },
    { "getrandom", SYS_getrandom, { BAD, 16, 0 }, 0 },
    { "sched_getaffinity", SYS_sched_getaffinity, { 0, 128, BAD }, 0 },
    { "sched_setaffinity", SYS_sched_setaffinity, { 0, 8, BAD }, 0 },
    { "sched_getparam", SYS_sched_getparam, { 0, BAD }, 0 },
    { "futex wait", SYS_futex, { BAD, 0, 0, 0, 0, 0 }, 1 },
    { "prctl get name", SYS_prctl, { 16, BAD }, 0 },
    { "prctl set name", SYS_prctl, { 15, BAD }, 0 },
    { "capget header", SYS_capget, { BAD, G }, 0 },
    { "execve path", SYS_execve, { BAD, 0, 0 }, 0 },
    { "mincore vector", SYS_mincore, { G, 4096, BAD }, 1 },
};

static long placeholder(long v)
{
    switch (v) {
    case FILE_: return file;
    case DIR_: return dirfd_;
    case RP: return rp[0];
    case WP: return rp[1];
    case SOCK: return sock[0];
    case EP: return ep;
    case TFD: return tfd;
    case LISTENER: return listener;
    }
    return v;
}

static int set_up(void)
{
    strcpy(path, "/tmp/efaultXXXXXX");
    file = mkstemp(path);
    CHECK(file >= 0 && write(file, good, 200) == 200 && lseek(file, 0, SEEK_SET) == 0);
    dirfd_ = open("/", O_RDONLY | O_DIRECTORY);
    CHECK(dirfd_ >= 0 && pipe(rp) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
    CHECK(write(sock[1], "data", 4) == 4);
    ep = epoll_create1(0);
    tfd = timerfd_create(CLOCK_MONOTONIC, 0);
    CHECK(ep >= 0 && tfd >= 0);
    return 0;
}

static int try_row(const struct row *r, long bad)
{
    long a[6];
    for (int i = 0; i < 6; i++)
        a[i] = r->a[i] == BAD ? bad : placeholder(r->a[i]);
    lseek(file, 0, SEEK_SET);
    room = 128;
    errno = 0;
    long got = syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (got != -1 || errno != EFAULT) {
        printf("# %s with %#lx: %ld, errno %d (%s)\n", r->what, bad, got, errno, strerror(errno));
        return 1;
    }
    return 0;
}

/* A page that is not there, low memory, and what lies above all user memory. */
static int bad_pointers_give_efault(void)
{
    char *hole = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hole != MAP_FAILED);
    long bads[] = { 8, (long)hole, -4096 };
    int wrong = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned b = 0; b < 3; b++)
            if (!rows[i].also || b == 1)
                wrong += try_row(&rows[i], bads[b]);
    CHECK(wrong == 0);
    CHECK(munmap(hole, 8192) == 0);
    return 0;
}

static int nothing_was_leaked(void)
{
    int fd = dup(0);
    CHECK(fd >= 0 && fd < 20);
    close(fd);
    return 0;
}

/* Read-only memory as the target of a read. */
static int read_into_read_only_memory(void)
{
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(ro != MAP_FAILED);
    lseek(file, 0, SEEK_SET);
    CHECK_ERRNO(read(file, ro, 100), EFAULT);
    CHECK_ERRNO(syscall(SYS_uname, ro), EFAULT);
    CHECK(munmap(ro, 4096) == 0);
    unlink(path);
    return 0;
}

COMPAT_MAIN(T(set_up), T(bad_pointers_give_efault), T(nothing_was_leaked), T(read_into_read_only_memory))
