/* SPDX-License-Identifier: MIT */
/* Which error a call gives for a descriptor that is closed, opened for something else, by its name only, or of another kind. */
#include "compat.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>

#define CLOSED 999

static char path[64], c;
static int rd, wr, rw, name, dir, p[2];      /* one file, opened for reading, writing, both, by name; "/"; a pipe */
static struct iovec v = { &c, 1 };
static struct itimerspec zero;

static int setup(void)
{
    snprintf(path, sizeof path, "/tmp/handles.%d", (int)getpid());
    rw = open(path, O_CREAT | O_RDWR, 0600);
    rd = open(path, O_RDONLY);
    wr = open(path, O_WRONLY);
    name = open(path, O_PATH);
    dir = open("/", O_RDONLY | O_DIRECTORY);
    CHECK(rw >= 0 && rd >= 0 && wr >= 0 && name >= 0 && dir >= 0 && pipe(p) == 0 && write(rw, "x", 1) == 1);
    CHECK(unlink(path) == 0);
    return 0;
}

static int a_closed_number_or_one_by_name_is_no_file_to_use(void)
{
    const int fds[] = { CLOSED, -1, 1 << 30, name };

    for (unsigned i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        int fd = fds[i];
        struct epoll_event ev = { .events = EPOLLIN };
        int ep = epoll_create1(0), in = inotify_init(), n;

        CHECK_ERRNO(read(fd, &c, 1), EBADF);
        CHECK_ERRNO(write(fd, &c, 1), EBADF);
        CHECK_ERRNO(pread(fd, &c, 1, 0), EBADF);
        CHECK_ERRNO(pwrite(fd, &c, 1, 0), EBADF);
        CHECK_ERRNO(readv(fd, &v, 1), EBADF);
        CHECK_ERRNO(pwritev(fd, &v, 1, 0), EBADF);
        CHECK_ERRNO(lseek(fd, 0, SEEK_SET), EBADF);
        CHECK_ERRNO(ftruncate(fd, 0), EBADF);
        CHECK_ERRNO(fsync(fd), EBADF);
        CHECK_ERRNO(fallocate(fd, 0, 0, 1), EBADF);
        CHECK_ERRNO(syscall(SYS_getdents64, fd, &c, 1), EBADF);
        CHECK_ERRNO(ioctl(fd, FIONREAD, &n), EBADF);
        CHECK_ERRNO(flock(fd, LOCK_SH), EBADF);
        CHECK_ERRNO(fcntl(fd, F_SETFL, 0), EBADF);
        CHECK_ERRNO(sendfile(rw, fd, NULL, 1), EBADF);
        CHECK_ERRNO(sendfile(fd, rw, NULL, 1), EBADF);
        CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), EBADF);
        CHECK_ERRNO(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &ev), EBADF);
        CHECK_ERRNO(epoll_wait(fd, &ev, 1, 0), EBADF);
        CHECK_ERRNO(inotify_rm_watch(fd, 1), EBADF);
        CHECK_ERRNO(timerfd_gettime(fd, &zero), EBADF);
        CHECK_ERRNO(listen(fd, 1), EBADF);
        CHECK_ERRNO(shutdown(fd, SHUT_RD), EBADF);
        CHECK_ERRNO(send(fd, &c, 1, 0), EBADF);
        CHECK((long)mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == -1 && errno == EBADF);
        close(ep);
        close(in);
    }
    return 0;
}

static int a_name_can_be_asked_about_and_copied(void)
{
    struct stat st;
    int copy;

    CHECK(fstat(name, &st) == 0 && S_ISREG(st.st_mode));
    CHECK((fcntl(name, F_GETFL) & O_PATH) && fcntl(name, F_GETFD) == 0);
    copy = dup(name);
    CHECK(copy >= 0);
    CHECK_ERRNO(read(copy, &c, 1), EBADF);
    CHECK(close(copy) == 0);
    CHECK_ERRNO(close(copy), EBADF);
    CHECK_ERRNO(fstat(CLOSED, &st), EBADF);
    CHECK_ERRNO(dup(CLOSED), EBADF);
    CHECK_ERRNO(fcntl(CLOSED, F_GETFD), EBADF);
    return 0;
}

static int a_file_is_read_and_written_only_if_opened_for_it(void)
{
    CHECK_ERRNO(read(wr, &c, 1), EBADF);
    CHECK_ERRNO(pread(wr, &c, 1, 0), EBADF);
    CHECK_ERRNO(readv(wr, &v, 1), EBADF);
    CHECK_ERRNO(preadv(wr, &v, 1, 0), EBADF);
    CHECK_ERRNO(write(rd, &c, 1), EBADF);
    CHECK_ERRNO(pwrite(rd, &c, 1, 0), EBADF);
    CHECK_ERRNO(writev(rd, &v, 1), EBADF);
    CHECK_ERRNO(fallocate(rd, 0, 0, 1), EBADF);
    CHECK_ERRNO(sendfile(rd, rw, NULL, 1), EBADF);
    CHECK_ERRNO(sendfile(rw, wr, NULL, 1), EBADF);
    CHECK_ERRNO(ftruncate(rd, 0), EINVAL);
    CHECK_ERRNO(read(p[1], &c, 1), EBADF);
    CHECK_ERRNO(write(p[0], &c, 1), EBADF);
    CHECK(pread(rd, &c, 1, 0) == 1 && c == 'x' && pwrite(wr, "y", 1, 0) == 1 && pread(rw, &c, 1, 0) == 1 && c == 'y');
    return 0;
}

/* Before anybody looks what it was opened for. */
static int a_pipe_has_no_positions_whichever_end(void)
{
    for (int i = 0; i < 2; i++) {
        CHECK_ERRNO(pread(p[i], &c, 1, 0), ESPIPE);
        CHECK_ERRNO(pwrite(p[i], &c, 1, 0), ESPIPE);
        CHECK_ERRNO(preadv(p[i], &v, 1, 0), ESPIPE);
        CHECK_ERRNO(pwritev(p[i], &v, 1, 0), ESPIPE);
        CHECK_ERRNO(lseek(p[i], 0, SEEK_SET), ESPIPE);
        CHECK_ERRNO(ftruncate(p[i], 0), EINVAL);
        CHECK_ERRNO(fsync(p[i]), EINVAL);
        CHECK_ERRNO(syscall(SYS_getdents64, p[i], &c, 1), ENOTDIR);
    }
    CHECK_ERRNO(fallocate(p[1], 0, 0, 1), ESPIPE);
    CHECK_ERRNO(fallocate(p[0], 0, 0, 1), EBADF);
    return 0;
}

static int a_directory_is_not_read_or_written(void)
{
    CHECK_ERRNO(read(dir, &c, 1), EISDIR);
    CHECK_ERRNO(pread(dir, &c, 1, 0), EISDIR);
    CHECK_ERRNO(write(dir, &c, 1), EBADF);
    CHECK_ERRNO(ftruncate(dir, 0), EINVAL);
    CHECK(fsync(dir) == 0);
    return 0;
}

static int a_call_of_one_kind_refuses_others(void)
{
    struct epoll_event ev = { .events = EPOLLIN };
    struct sockaddr a = { AF_UNIX, "" };
    socklen_t n = sizeof a;
    int ep = epoll_create1(0), ev_fd = eventfd(0, 0);

    CHECK_ERRNO(listen(rw, 1), ENOTSOCK);
    CHECK_ERRNO(bind(rw, &a, 2), ENOTSOCK);
    CHECK_ERRNO(connect(p[0], &a, 2), ENOTSOCK);
    CHECK_ERRNO(accept(dir, NULL, NULL), ENOTSOCK);
    CHECK_ERRNO(getsockname(rw, &a, &n), ENOTSOCK);
    CHECK_ERRNO(setsockopt(rw, SOL_SOCKET, SO_KEEPALIVE, &n, sizeof n), ENOTSOCK);
    CHECK_ERRNO(getsockopt(rw, SOL_SOCKET, SO_TYPE, &c, &n), ENOTSOCK);
    CHECK_ERRNO(send(rw, &c, 1, 0), ENOTSOCK);
    CHECK_ERRNO(recv(ev_fd, &c, 1, 0), ENOTSOCK);
    CHECK_ERRNO(shutdown(rw, SHUT_RD), ENOTSOCK);
    CHECK_ERRNO(timerfd_gettime(ev_fd, &zero), EINVAL);
    CHECK_ERRNO(timerfd_settime(rw, 0, &zero, NULL), EINVAL);
    CHECK_ERRNO(inotify_rm_watch(rw, 1), EINVAL);
    CHECK_ERRNO(inotify_add_watch(rw, "/", IN_CREATE), EINVAL);
    CHECK_ERRNO(inotify_add_watch(CLOSED, "/", 0), EINVAL);     /* the mask comes first */
    CHECK_ERRNO(epoll_wait(rw, &ev, 1, 0), EINVAL);
    CHECK_ERRNO(epoll_ctl(rw, EPOLL_CTL_ADD, p[0], &ev), EINVAL);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, rw, &ev), EPERM);
    close(ep);
    close(ev_fd);
    return 0;
}

static int a_timer_is_known_by_its_number_while_it_lives(void)
{
    struct itimerspec t = zero;
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    int id = -1;

    CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &id) == 0 && id >= 0);
    CHECK(syscall(SYS_timer_gettime, id, &t) == 0 && syscall(SYS_timer_getoverrun, id) == 0);
    CHECK(syscall(SYS_timer_settime, id, 0, &t, NULL) == 0 && syscall(SYS_timer_delete, id) == 0);
    for (int i = 0; i < 3; i++) {
        int wrong = (const int[]){ id, -1, 100000 }[i];

        CHECK_ERRNO(syscall(SYS_timer_gettime, wrong, &t), EINVAL);
        CHECK_ERRNO(syscall(SYS_timer_settime, wrong, 0, &t, NULL), EINVAL);
        CHECK_ERRNO(syscall(SYS_timer_getoverrun, wrong), EINVAL);
        CHECK_ERRNO(syscall(SYS_timer_delete, wrong), EINVAL);
    }
    return 0;
}

COMPAT_MAIN(T(setup), T(a_closed_number_or_one_by_name_is_no_file_to_use), T(a_name_can_be_asked_about_and_copied),
            T(a_file_is_read_and_written_only_if_opened_for_it), T(a_pipe_has_no_positions_whichever_end),
            T(a_directory_is_not_read_or_written), T(a_call_of_one_kind_refuses_others),
            T(a_timer_is_known_by_its_number_while_it_lives))
