/* SPDX-License-Identifier: MIT */
/* Pipes, FIFOs, unix sockets, eventfd, timerfd, signalfd, poll, select, epoll. */
#include "compat.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static int wait_ok(pid_t pid)
{
    int st;
    return waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static int pipe_ends(void)
{
    int p[2], n;
    char b[16];
    CHECK(pipe(p) == 0);
    CHECK(write(p[1], "hello", 5) == 5);
    CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 5);
    CHECK(read(p[0], b, 2) == 2 && read(p[0], b, 16) == 3);
    CHECK(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERRNO(read(p[0], b, 1), EAGAIN);
    CHECK_ERRNO(lseek(p[0], 0, SEEK_SET), ESPIPE);
    close(p[1]);
    CHECK(read(p[0], b, 1) == 0);
    close(p[0]);
    CHECK(pipe(p) == 0);
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
    close(p[1]);
    signal(SIGPIPE, SIG_DFL);
    return 0;
}

static int sigpipe_kills(void)
{
    int p[2], st;
    CHECK(pipe(p) == 0);
    close(p[0]);
    pid_t pid = fork();
    if (pid == 0) {
        write(p[1], "x", 1);
        _exit(0);
    }
    close(p[1]);
    CHECK(waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGPIPE);
    return 0;
}

static int pipe_full_blocks_and_goes_on(void)
{
    int p[2];
    enum { N = 1 << 20 };
    CHECK(pipe(p) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        unsigned char *b = malloc(N);
        close(p[0]);
        for (int i = 0; i < N; i++)
            b[i] = (unsigned char)(i * 31 + i / 256);
        _exit(write(p[1], b, N) != N);
    }
    close(p[1]);
    unsigned char b[5000];
    int at = 0, n;
    while ((n = (int)read(p[0], b, (size_t)(at % 4999 + 1))) > 0)
        for (int i = 0; i < n; i++, at++)
            CHECK(b[i] == (unsigned char)(at * 31 + at / 256));
    CHECK(at == N && wait_ok(pid));
    close(p[0]);
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    char page[4096] = { 0 };
    int full = 0;
    while (write(p[1], page, sizeof page) == sizeof page)
        full++;
    CHECK(errno == EAGAIN && full == 16);
    CHECK(read(p[0], page, 4095) == 4095);
    CHECK_ERRNO(write(p[1], page, 4096), EAGAIN);
    close(p[0]);
    close(p[1]);
    return 0;
}

static int fifo_joins_processes(void)
{
    char name[] = "/tmp/fifoXXXXXX", b[8] = { 0 };
    CHECK(mkdtemp(name) && chdir(name) == 0 && mkfifo("f", 0600) == 0);
    CHECK_ERRNO(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
    pid_t pid = fork();
    if (pid == 0) {
        int w = open("f", O_WRONLY);
        _exit(w < 0 || write(w, "fifo", 4) != 4);
    }
    int r = open("f", O_RDONLY);
    CHECK(r >= 0 && read(r, b, 8) == 4 && memcmp(b, "fifo", 4) == 0);
    CHECK(read(r, b, 8) == 0 && wait_ok(pid));
    close(r);
    CHECK(unlink("f") == 0 && chdir("/") == 0 && rmdir(name) == 0);
    return 0;
}

/* Unlike a FIFO. */
static int pipe_opened_again_waits_for_nobody(void)
{
    int p[2], r, w;
    char name[32], b[8] = { 0 };

    CHECK(pipe(p) == 0 && close(p[1]) == 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
    r = open(name, O_RDONLY);
    CHECK(r >= 0 && read(r, b, 8) == 0);
    w = open(name, O_WRONLY);
    CHECK(w >= 0 && write(w, "late", 4) == 4 && close(w) == 0);
    CHECK(read(p[0], b, 8) == 4 && memcmp(b, "late", 4) == 0 && read(r, b, 8) == 0);
    CHECK(close(r) == 0 && close(p[0]) == 0);
    CHECK(pipe(p) == 0 && close(p[0]) == 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", p[1]);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        w = open(name, O_WRONLY | (i ? O_NONBLOCK : 0));
        CHECK(w >= 0);
        CHECK_ERRNO(write(w, "x", 1), EPIPE);
        close(w);
    }
    signal(SIGPIPE, SIG_DFL);
    r = open(name, O_RDONLY);
    CHECK(r >= 0 && write(p[1], "back", 4) == 4 && read(r, b, 8) == 4 && memcmp(b, "back", 4) == 0);
    CHECK(close(r) == 0 && close(p[1]) == 0);
    return 0;
}

static int socketpair_both_ways(void)
{
    int s[2];
    char b[16] = { 0 };
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK(send(s[0], "ping", 4, 0) == 4 && recv(s[1], b, 2, MSG_PEEK) == 2);
    CHECK(recv(s[1], b, 16, 0) == 4 && memcmp(b, "ping", 4) == 0);
    CHECK_ERRNO(recv(s[1], b, 16, MSG_DONTWAIT), EAGAIN);
    CHECK(shutdown(s[0], SHUT_WR) == 0 && recv(s[1], b, 16, 0) == 0);
    CHECK(send(s[1], "pong", 4, 0) == 4 && recv(s[0], b, 16, 0) == 4);
    close(s[1]);
    CHECK_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(s[0]);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
    CHECK(send(s[0], "one", 3, 0) == 3 && send(s[0], "three", 5, 0) == 5);
    CHECK(recv(s[1], b, 2, 0) == 2 && recv(s[1], b, 16, 0) == 5);
    close(s[0]);
    close(s[1]);
    CHECK_ERRNO(socket(AF_UNIX, 99, 0), EINVAL);
    return 0;
}

static int listen_accept_connect(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX }, peer;
    snprintf(a.sun_path, sizeof a.sun_path, "/tmp/sock.%d", getpid());
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(l >= 0);
    int early = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERRNO(connect(early, (void *)&a, sizeof a), ENOENT);
    CHECK(bind(l, (void *)&a, sizeof a) == 0);
    CHECK_ERRNO(connect(early, (void *)&a, sizeof a), ECONNREFUSED);
    CHECK(listen(l, 4) == 0);
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERRNO(bind(second, (void *)&a, sizeof a), EADDRINUSE);
    pid_t pid = fork();
    if (pid == 0) {
        char b[8];
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(c, (void *)&a, sizeof a) != 0 || write(c, "client", 6) != 6)
            _exit(1);
        _exit(read(c, b, 8) != 6 || memcmp(b, "server", 6) != 0);
    }
    socklen_t len = sizeof peer;
    int s = accept(l, (void *)&peer, &len);
    CHECK(s >= 0 && len == sizeof(sa_family_t));
    char b[8];
    CHECK(read(s, b, 8) == 6 && write(s, "server", 6) == 6);
    struct ucred cred;
    len = sizeof cred;
    CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid == pid);
    CHECK(wait_ok(pid) && unlink(a.sun_path) == 0);
    close(s); close(l); close(early); close(second);
    return 0;
}

static int descriptors_travel(void)
{
    int s[2], p[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0);
    char ctl[CMSG_SPACE(sizeof(int))] = { 0 }, data = 'd';
    struct iovec v = { &data, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &p[1], sizeof(int));
    CHECK(sendmsg(s[0], &m, 0) == 1);
    close(p[1]);
    memset(ctl, 0, sizeof ctl);
    m.msg_controllen = sizeof ctl;
    CHECK(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC) == 1);
    c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_RIGHTS);
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(write(fd, "via", 3) == 3);
    char b[4];
    CHECK(read(p[0], b, 4) == 3);
    close(fd);
    CHECK(read(p[0], b, 4) == 0);
    close(p[0]); close(s[0]); close(s[1]);
    return 0;
}

static int poll_and_select_tell(void)
{
    int p[2];
    CHECK(pipe(p) == 0);
    struct pollfd f[3] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 }, { -1, POLLIN, 0 } };
    CHECK(poll(f, 3, 0) == 1 && f[0].revents == 0 && f[1].revents == POLLOUT && f[2].revents == 0);
    CHECK(poll(f, 1, 20) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        _exit(write(p[1], "x", 1) != 1);
    }
    CHECK(poll(f, 1, -1) == 1 && f[0].revents == POLLIN && wait_ok(pid));
    fd_set in;
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    struct timeval tv = { 5, 0 };
    CHECK(select(p[0] + 1, &in, NULL, NULL, &tv) == 1 && FD_ISSET(p[0], &in));
    close(p[1]);
    char c;
    CHECK(read(p[0], &c, 1) == 1 && poll(f, 1, -1) == 1 && f[0].revents == POLLHUP);
    close(p[0]);
    f[0].fd = 900;
    CHECK(poll(f, 1, 0) == 1 && f[0].revents == POLLNVAL);
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    CHECK_ERRNO(select(p[0] + 1, &in, NULL, NULL, &tv), EBADF);
    return 0;
}

static int epoll_level_and_edge(void)
{
    int p[2], e = epoll_create1(EPOLL_CLOEXEC);
    CHECK(e >= 0 && pipe(p) == 0);
    struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1234567890 }, got[4];
    CHECK(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev) == 0);
    CHECK_ERRNO(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
    CHECK_ERRNO(epoll_ctl(e, EPOLL_CTL_DEL, p[1], &ev), ENOENT);
    CHECK_ERRNO(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev), EINVAL);
    CHECK(epoll_wait(e, got, 4, 0) == 0);
    CHECK(write(p[1], "ab", 2) == 2);
    CHECK(epoll_wait(e, got, 4, -1) == 1 && got[0].data.u64 == 0x1234567890 && got[0].events == EPOLLIN);
    CHECK(epoll_wait(e, got, 4, 0) == 1);
    ev.events = EPOLLIN | EPOLLET;
    CHECK(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev) == 0);
    CHECK(epoll_wait(e, got, 4, 0) == 1 && epoll_wait(e, got, 4, 0) == 0);
    CHECK(write(p[1], "c", 1) == 1 && epoll_wait(e, got, 4, 0) == 1);
    ev.events = EPOLLIN | EPOLLONESHOT;
    CHECK(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev) == 0);
    CHECK(epoll_wait(e, got, 4, 0) == 1 && epoll_wait(e, got, 4, 0) == 0);
    close(p[1]);
    ev.events = EPOLLIN;
    CHECK(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev) == 0);
    CHECK(epoll_wait(e, got, 4, 0) == 1 && got[0].events == (EPOLLIN | EPOLLHUP));
    close(p[0]);
    CHECK(epoll_wait(e, got, 4, 0) == 0);
    close(e);
    return 0;
}

static int eventfd_counts(void)
{
    uint64_t v = 5;
    int e = eventfd(2, EFD_NONBLOCK);
    CHECK(e >= 0 && write(e, &v, 8) == 8 && read(e, &v, 8) == 8 && v == 7);
    CHECK_ERRNO(read(e, &v, 8), EAGAIN);
    v = UINT64_MAX;
    CHECK_ERRNO(write(e, &v, 8), EINVAL);
    v = UINT64_MAX - 1;
    CHECK(write(e, &v, 8) == 8);
    v = 1;
    CHECK_ERRNO(write(e, &v, 8), EAGAIN);
    CHECK_ERRNO(read(e, &v, 4), EINVAL);
    close(e);
    e = eventfd(3, EFD_SEMAPHORE);
    CHECK(read(e, &v, 8) == 8 && v == 1 && read(e, &v, 8) == 8 && v == 1);
    close(e);
    return 0;
}

static int timerfd_expires(void)
{
    int t = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec its = { { 0, 5000000 }, { 0, 5000000 } }, left;
    uint64_t n = 0, sum = 0;
    CHECK(t >= 0 && timerfd_settime(t, 0, &its, NULL) == 0);
    while (sum < 3) {
        CHECK(read(t, &n, 8) == 8 && n >= 1);
        sum += n;
    }
    CHECK(timerfd_gettime(t, &left) == 0 && left.it_interval.tv_nsec == 5000000);
    memset(&its, 0, sizeof its);
    CHECK(timerfd_settime(t, 0, &its, NULL) == 0 && fcntl(t, F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERRNO(read(t, &n, 8), EAGAIN);
    close(t);
    return 0;
}

static int signalfd_reads(void)
{
    sigset_t set;
    struct signalfd_siginfo si;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    int f = signalfd(-1, &set, SFD_NONBLOCK);
    CHECK(f >= 0);
    CHECK_ERRNO(read(f, &si, sizeof si), EAGAIN);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    struct pollfd p = { f, POLLIN, 0 };
    CHECK(poll(&p, 1, 1000) == 1);
    CHECK(read(f, &si, sizeof si) == sizeof si && si.ssi_signo == SIGUSR1 && (pid_t)si.ssi_pid == getpid());
    CHECK_ERRNO(read(f, &si, sizeof si), EAGAIN);
    close(f);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return 0;
}

COMPAT_MAIN(T(pipe_ends), T(sigpipe_kills), T(pipe_full_blocks_and_goes_on), T(fifo_joins_processes),
            T(pipe_opened_again_waits_for_nobody),
            T(socketpair_both_ways), T(listen_accept_connect), T(descriptors_travel),
            T(poll_and_select_tell), T(epoll_level_and_edge), T(eventfd_counts), T(timerfd_expires),
            T(signalfd_reads))
