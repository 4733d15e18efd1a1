/* SPDX-License-Identifier: MIT */
/* compat: glibc musl; timeout=60; cflags: -pthread */
/*
 * An eventfd that one process alone reads and writes, and then everything by
 * which somebody else comes to see it: the count is the same for all.
 */
#include "compat.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define OFTEN 40

static int child_ok(pid_t pid)
{
    int st;
    return pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static int add(int e, uint64_t n) { return write(e, &n, 8) == 8; }

static int holds(int e, uint64_t n)
{
    uint64_t v = ~0ul;
    return read(e, &v, 8) == 8 && v == n;
}

/* Much used by us alone, and left with `n`. */
static int used(unsigned flags, uint64_t n)
{
    int e = eventfd(0, flags & ~(unsigned)EFD_SEMAPHORE);
    for (uint64_t i = 1; e >= 0 && i <= OFTEN; i++)
        if (!add(e, i) || !add(e, 1) || !holds(e, i + 1))
            return -1;
    return e >= 0 && (n == 0 || add(e, n)) ? e : -1;
}

static int rules_hold_after_much_use(void)
{
    uint64_t v = UINT64_MAX;
    char odd[16], *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int e = used(EFD_NONBLOCK, 0);
    CHECK(e >= 0 && gone != MAP_FAILED);
    CHECK_ERRNO(read(e, &v, 8), EAGAIN);
    CHECK_ERRNO(write(e, &v, 8), EINVAL);
    CHECK(add(e, 3));
    CHECK_ERRNO(read(e, &v, 4), EINVAL);
    CHECK_ERRNO(write(e, &v, 7), EINVAL);
    CHECK_ERRNO(write(e, gone, 8), EFAULT);
    CHECK(add(e, 4) && holds(e, 7));
    CHECK(add(e, UINT64_MAX - 2));
    CHECK(add(e, 1));
    v = 1;
    CHECK_ERRNO(write(e, &v, 8), EAGAIN);
    CHECK(add(e, 0) && holds(e, UINT64_MAX - 1));
    v = 77;
    memcpy(odd + 3, &v, 8);
    CHECK(write(e, odd + 3, 8) == 8 && read(e, odd + 5, 8) == 8);
    memcpy(&v, odd + 5, 8);
    CHECK(v == 77);
    close(e);
    munmap(gone, 4096);
    return 0;
}

static int semaphore_counts_down(void)
{
    int e = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    uint64_t v;
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(e, 1) && holds(e, 1));
    CHECK_ERRNO(read(e, &v, 8), EAGAIN);
    close(e);
    return 0;
}

static int fork_child_sees_the_count(void)
{
    int e = used(0, 7);
    CHECK(e >= 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(!(holds(e, 7) && add(e, 9)));
    CHECK(child_ok(pid) && holds(e, 9));
    /* Alone again, and shared again. */
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(e, 2));
    CHECK(add(e, 5));
    pid = vfork();
    if (pid == 0)
        _exit(!holds(e, 5));
    CHECK(child_ok(pid));
    close(e);
    return 0;
}

/* Run by exec_keeps_the_count in the new image; alone there is nothing to do. */
static int after_exec(void)
{
    const char *fd = getenv("COUNTED");
    return fd != NULL && !holds(atoi(fd), 11);
}

static int exec_keeps_the_count(void)
{
    char number[16];
    pid_t pid = fork();
    if (pid == 0) {
        int e = used(0, 11);
        snprintf(number, sizeof number, "%d", e);
        setenv("COUNTED", number, 1);
        dup2(open("/dev/null", O_WRONLY), 1);   /* its plan is not ours */
        execl("/proc/self/exe", "eventfd", "after_exec", NULL);
        _exit(2);
    }
    CHECK(child_ok(pid));
    return 0;
}

static int travels_with_its_count(void)
{
    int s[2], e = used(0, 3);
    char space[CMSG_SPACE(sizeof e)] = { 0 }, byte = 0;
    struct iovec iov = { &byte, 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    CHECK(e >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof e);
    memcpy(CMSG_DATA(c), &e, sizeof e);
    CHECK(sendmsg(s[0], &m, 0) == 1);
    /* In flight: used by us meanwhile. */
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 1));
    pid_t pid = fork();
    if (pid == 0) {
        int got;
        close(e);
        if (recvmsg(s[1], &m, 0) != 1)
            _exit(2);
        memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
        _exit(!(holds(got, OFTEN + 3) && add(got, 6)));
    }
    CHECK(child_ok(pid) && holds(e, 6));
    close(e), close(s[0]), close(s[1]);
    return 0;
}

static int polls_tell(void)
{
    int e = used(0, 0), ep = epoll_create1(0);
    struct pollfd p = { e, POLLIN | POLLOUT, 0 };
    struct epoll_event ev = { EPOLLIN, { .u32 = 9 } }, got;
    struct timeval none = { 0, 0 };
    fd_set in;
    CHECK(e >= 0 && poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(e, 2));
    CHECK(add(e, 2) && poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT) && holds(e, 2));
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(e, 2));
    CHECK(add(e, 1));
    FD_ZERO(&in);
    FD_SET(e, &in);
    CHECK(select(e + 1, &in, NULL, NULL, &none) == 1 && FD_ISSET(e, &in));
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2));
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev) == 0 && epoll_wait(ep, &got, 1, 0) == 1 && got.data.u32 == 9);
    CHECK(holds(e, 2 * OFTEN + 1) && epoll_wait(ep, &got, 1, 0) == 0);
    for (int i = 0; i < OFTEN; i++) {
        CHECK(add(e, 2) && epoll_wait(ep, &got, 1, 0) == 1);
        CHECK(holds(e, 2) && epoll_wait(ep, &got, 1, 0) == 0);
    }
    CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL) == 0);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(e, 2));
    close(e), close(ep);
    return 0;
}

static int copies_share_one_count(void)
{
    int e = used(0, 4), d = dup(e), p[2];
    CHECK(e >= 0 && d >= 0 && holds(d, 4) && add(e, 2) && holds(d, 2));
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(d, 2));
    close(d);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 3) && holds(e, 3));
    CHECK(add(e, 8));
    d = fcntl(e, F_DUPFD, 50);
    CHECK(d >= 50 && holds(d, 8));
    close(d);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 3));
    /* Another object under its number. */
    char b[16];
    CHECK(pipe(p) == 0 && dup2(p[0], e) == e && write(p[1], "12345678", 8) == 8);
    CHECK(read(e, b, 16) == 8 && memcmp(b, "12345678", 8) == 0);
    close(e), close(p[0]), close(p[1]);
    return 0;
}

static int number_used_again_starts_afresh(void)
{
    uint64_t v;
    int e = used(0, 5), p[2];
    char b[16];
    close(e);
    CHECK_ERRNO(write(e, &(uint64_t){ 1 }, 8), EBADF);
    CHECK(eventfd(0, EFD_NONBLOCK) == e);
    CHECK_ERRNO(read(e, &v, 8), EAGAIN);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2));
    close(e);
    CHECK(pipe(p) == 0 && p[0] == e && write(p[1], "abcdefgh", 8) == 8 && read(e, b, 8) == 8 && b[0] == 'a');
    close(p[0]), close(p[1]);
    return 0;
}

static int flags_and_vectors_count(void)
{
    uint64_t v = 0, one = 1;
    struct iovec in = { &v, 8 }, out = { &one, 8 };
    int e = used(0, 0);
    CHECK(fcntl(e, F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERRNO(read(e, &v, 8), EAGAIN);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2));
    CHECK(writev(e, &out, 1) == 8 && readv(e, &in, 1) == 8 && v == 2 * OFTEN + 1);
    CHECK_ERRNO(pread(e, &v, 8, 0), ESPIPE);
    close(e);
    return 0;
}

static int many_at_once(void)
{
    int e[20];
    for (int i = 0; i < 20; i++)
        e[i] = used(0, (uint64_t)i + 1);
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 20; i++)
            CHECK(add(e[i], 100));
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 20; i++)
            if (!holds(e[i], 1001 + (uint64_t)i))
                _exit(1);
        _exit(0);
    }
    CHECK(child_ok(pid));
    for (int i = 0; i < 20; i++)
        close(e[i]);
    return 0;
}

static int alarm_fd;
static void on_alarm(int n)
{
    (void)n;
    if (alarm_fd >= 0)
        add(alarm_fd, 21);
}

static int blocked_read_ends(void)
{
    struct sigaction sa = { .sa_handler = on_alarm };
    struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
    uint64_t v;
    int e = used(0, 0);
    alarm_fd = -1;
    CHECK(e >= 0 && sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK_ERRNO(read(e, &v, 8), EINTR);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(e, 2) && holds(e, 2));
    alarm_fd = e;
    sa.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGALRM, &sa, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(holds(e, 21));
    close(e);
    signal(SIGALRM, SIG_DFL);
    return 0;
}

static int there, back;
static void *echo(void *sum)
{
    uint64_t v;
    for (int i = 0; i < 500; i++) {
        if (read(there, &v, 8) != 8 || !add(back, v))
            return NULL;
        *(uint64_t *)sum += v;
    }
    return sum;
}

static int threads_wait_for_each_other(void)
{
    pthread_t t;
    uint64_t sum = 0;
    void *end;
    there = used(0, 0), back = used(0, 0);
    CHECK(there >= 0 && back >= 0);
    CHECK(add(there, 100));
    CHECK(pthread_create(&t, NULL, echo, &sum) == 0);
    CHECK(holds(back, 100));
    for (uint64_t i = 1; i < 500; i++)
        CHECK(add(there, i) && holds(back, i));
    CHECK(pthread_join(t, &end) == 0 && end == &sum && sum == 100 + 499 * 500 / 2);
    for (int i = 0; i < OFTEN; i++)
        CHECK(add(there, 3) && holds(there, 3));
    close(there), close(back);
    return 0;
}

COMPAT_MAIN(T(rules_hold_after_much_use), T(semaphore_counts_down), T(fork_child_sees_the_count), T(after_exec),
            T(exec_keeps_the_count), T(travels_with_its_count), T(polls_tell), T(copies_share_one_count),
            T(number_used_again_starts_afresh), T(flags_and_vectors_count), T(many_at_once), T(blocked_read_ends),
            T(threads_wait_for_each_other))
