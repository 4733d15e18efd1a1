/* SPDX-License-Identifier: MIT */
/* compat: glibc musl; timeout=60; cflags: -pthread */
/*
 * Answers that a process may have kept must be the present ones as soon as it can
 * know that something changed. Two processes take turns at changing a file; a byte
 * in a pipe tells the third that a change is done, and from then on it must see it.
 */
#include "compat.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { ROUNDS = 120, CHANGERS = 2 };

struct changer { int command[2], done[2]; pid_t pid; };

static const char *const name = "leased";

/* What round i does; the expected result is in *st, which starts as it was before. */
static int change(int fd, int i, struct stat *st)
{
    struct timespec times[2] = { { 1000 + i, 0 }, { 2000 + i, 0 } };

    switch (i % 8) {
    case 0: st->st_size++; return pwrite(fd, "x", 1, st->st_size - 1) == 1 ? 0 : -1;
    case 1: st->st_mode ^= 0022; return fchmod(fd, st->st_mode & 07777);
    case 2: st->st_size = 1000 + i; return ftruncate(fd, st->st_size);
    case 3: st->st_nlink++; return link(name, "leased-link");
    case 4: st->st_atim = times[0], st->st_mtim = times[1]; return futimens(fd, times);
    case 5: st->st_nlink--; return unlink("leased-link");
    case 6: st->st_size /= 2; return truncate(name, st->st_size);
    default: st->st_mode ^= 0111; return chmod(name, st->st_mode & 07777);
    }
}

/* Round numbers and the state before come through the pipe, the state after goes back. */
static void changer_main(struct changer *c)
{
    struct { int i; struct stat st; } m;
    int fd = open(name, O_RDWR);

    while (read(c->command[0], &m, sizeof m) == sizeof m) {
        if (change(fd, m.i, &m.st) != 0)
            _exit(2);
        if (write(c->done[1], &m.st, sizeof m.st) != sizeof m.st)
            _exit(3);
    }
    _exit(0);
}

static int same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink;
}

static int fstat_shows_what_others_did_before(void)
{
    struct changer c[CHANGERS];
    struct { int i; struct stat st; } m;
    struct stat now, expected;
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);

    for (int k = 0; k < CHANGERS; k++) {
        CHECK(pipe(c[k].command) == 0 && pipe(c[k].done) == 0);
        c[k].pid = fork();
        CHECK(c[k].pid >= 0);
        if (c[k].pid == 0) {
            for (int j = 0; j <= k; j++)
                close(c[j].command[1]);
            changer_main(&c[k]);
        }
        close(c[k].command[0]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        struct changer *by = &c[i / 8 % CHANGERS];
        for (int n = 0; n < 3; n++)     /* kept by now, if it is kept at all */
            CHECK(fstat(fd, &now) == 0);
        m.i = i;
        m.st = now;
        CHECK(write(by->command[1], &m, sizeof m) == sizeof m);
        CHECK(read(by->done[0], &expected, sizeof expected) == sizeof expected);
        CHECK(fstat(fd, &now) == 0 && same(&now, &expected));
        if (i % 8 == 4)
            CHECK(now.st_mtime == 2000 + i && now.st_atime == 1000 + i);
    }
    for (int k = 0; k < CHANGERS; k++) {
        int status;
        close(c[k].command[1]);
        CHECK(waitpid(c[k].pid, &status, 0) == c[k].pid && status == 0);
    }
    close(fd);
    return 0;
}

static int fstat_shows_what_the_caller_did(void)
{
    struct stat st;
    char c;
    int fd = open("own", O_CREAT | O_RDWR | O_TRUNC, 0644);

    for (int i = 1; i < 50; i++) {
        CHECK(write(fd, "abc", 3) == 3);
        CHECK(fstat(fd, &st) == 0 && st.st_size == 3 * i);
        CHECK(fchmod(fd, 0600 | (i & 077)) == 0);
        CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == (0600u | (i & 077)));
        CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == (0600u | (i & 077)));
        /* the first read after a write counts for atime */
        struct timespec old[2] = { { 5, 0 }, { 6, 0 } };
        CHECK(futimens(fd, old) == 0 && fstat(fd, &st) == 0 && st.st_atime == 5);
        CHECK(fstat(fd, &st) == 0 && pread(fd, &c, 1, 0) == 1);
        CHECK(fstat(fd, &st) == 0 && st.st_atime > 1000);
    }
    close(fd);
    CHECK_ERRNO(fstat(fd, &st), EBADF);
    return 0;
}

static int a_descriptor_number_is_not_its_last_file(void)
{
    struct stat st;
    int a = open("file-a", O_CREAT | O_RDWR | O_TRUNC, 0644), b = open("file-b", O_CREAT | O_RDWR | O_TRUNC, 0644);
    CHECK(write(a, "a", 1) == 1 && write(b, "bb", 2) == 2);
    int fd = dup(a);
    for (int i = 0; i < 20; i++) {
        for (int n = 0; n < 3; n++)
            CHECK(fstat(fd, &st) == 0 && st.st_size == 1);
        CHECK(dup2(b, fd) == fd);
        for (int n = 0; n < 3; n++)
            CHECK(fstat(fd, &st) == 0 && st.st_size == 2);
        close(fd);
        CHECK_ERRNO(fstat(fd, &st), EBADF);
        CHECK(dup(a) == fd);
    }
    /* the low bits of these are alike */
    int high[4];
    for (int k = 0; k < 4; k++)
        CHECK((high[k] = fcntl(k % 2 ? b : a, F_DUPFD, 100 + 64 * k)) == 100 + 64 * k);
    for (int i = 0; i < 40; i++)
        CHECK(fstat(high[i % 4], &st) == 0 && st.st_size == 1 + i % 2);
    CHECK_ERRNO(fstat(-1, &st), EBADF);
    CHECK_ERRNO(syscall(SYS_fstat, high[0], 8), EFAULT);
    pid_t pid = fork();
    if (pid == 0)       /* the child starts with nothing kept, and sees its own changes */
        _exit(ftruncate(a, 7) || fstat(high[0], &st) || st.st_size != 7);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(fstat(high[0], &st) == 0 && st.st_size == 7);
    return 0;
}

/* Threads share what is kept: nobody may see a mixture of two files. */
static int shared[2];

static void *look(void *arg)
{
    struct stat st;
    (void)arg;
    for (int i = 0; i < 3000; i++) {
        int k = i & 1;
        if (fstat(shared[k], &st) != 0 || st.st_size != 100 * (k + 1) || st.st_mode != (S_IFREG | (k ? 0640u : 0600u)))
            return (void *)1;
    }
    return NULL;
}

static int threads_share_what_is_kept(void)
{
    pthread_t t[3];
    int file[2] = { open("t0", O_CREAT | O_RDWR, 0600), open("t1", O_CREAT | O_RDWR, 0640) };
    for (int k = 0; k < 2; k++) {
        CHECK(fchmod(file[k], k ? 0640 : 0600) == 0 && ftruncate(file[k], 100 * (k + 1)) == 0);
        CHECK((shared[k] = fcntl(file[k], F_DUPFD, 64 + 128 * k)) >= 0);
    }
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&t[i], NULL, look, NULL) == 0);
    for (int i = 0; i < 300; i++)       /* break what they keep, without changing what they check */
        CHECK(fchmod(file[i & 1], i & 1 ? 0640 : 0600) == 0);
    for (int i = 0; i < 3; i++) {
        void *bad;
        CHECK(pthread_join(t[i], &bad) == 0 && bad == NULL);
    }
    return 0;
}

/* ---- epoll ---- */

enum { FILL, DRAIN, POST, TAKE };

/* A process that does what it is told with the descriptors it inherited. */
static void worker_main(int command, int done, const int pipe_fd[2], int event_fd)
{
    static char all[65536];
    unsigned char what;
    uint64_t value = 1;

    while (read(command, &what, 1) == 1) {
        int ok = what == FILL    ? write(pipe_fd[1], all, sizeof all) == (ssize_t)sizeof all
                 : what == DRAIN ? read(pipe_fd[0], all, sizeof all) > 0
                 : what == POST  ? write(event_fd, &value, 8) == 8
                                 : read(event_fd, &value, 8) == 8;
        if (!ok || write(done, &what, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

static int ready_set(const struct epoll_event *ev, int n)
{
    int set = 0;
    for (int i = 0; i < n; i++)
        set |= 1 << ev[i].data.u32;
    return set;
}

static int epoll_shows_what_others_did_before(void)
{
    int p[2], command[2], done[2], event = eventfd(0, 0), ep = epoll_create1(0);
    struct epoll_event ev[8];
    unsigned char answer;
    CHECK(pipe(p) == 0 && pipe(command) == 0 && pipe(done) == 0 && event >= 0 && ep >= 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(command[1]);
        worker_main(command[0], done[1], p, event);
    }
    int watched[3] = { p[0], p[1], event };
    for (int i = 0; i < 3; i++) {
        struct epoll_event e = { .events = i == 1 ? EPOLLOUT : EPOLLIN, .data.u32 = (uint32_t)i };
        CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, watched[i], &e) == 0);
    }
    static const struct { unsigned char what; int set; } step[] = {
        { FILL, 1 }, { DRAIN, 2 }, { POST, 2 | 4 }, { FILL, 1 | 4 }, { TAKE, 1 }, { POST, 1 | 4 }, { DRAIN, 2 | 4 }, { TAKE, 2 },
    };
    int set = 2;
    for (int i = 0; i < 400; i++) {
        for (int n = 0; n < 3; n++)
            CHECK(ready_set(ev, epoll_wait(ep, ev, n == 2 ? 8 : 3, n == 1 ? -1 : 0)) == set);
        CHECK(write(command[1], &step[i % 8].what, 1) == 1 && read(done[0], &answer, 1) == 1);
        set = step[i % 8].set;
        CHECK(ready_set(ev, epoll_wait(ep, ev, 8, 0)) == set);
    }
    close(command[1]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int epoll_shows_what_the_caller_did(void)
{
    int p[2], q[2], ep = epoll_create1(0);
    struct epoll_event ev[4], e = { .events = EPOLLIN, .data.u32 = 7 };
    char c;
    CHECK(pipe(p) == 0 && pipe(q) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
    for (int n = 0; n < 3; n++)
        CHECK(epoll_wait(ep, ev, 4, 0) == 0);
    CHECK(write(p[1], "x", 1) == 1);
    for (int n = 0; n < 3; n++)
        CHECK(epoll_wait(ep, ev, 4, -1) == 1 && ev[0].events == EPOLLIN && ev[0].data.u32 == 7);
    CHECK_ERRNO(syscall(SYS_epoll_pwait, ep, 8, 4, 0, NULL, 8), EFAULT);
    CHECK_ERRNO(epoll_wait(ep, ev, 0, 0), EINVAL);
    e.data.u32 = 8;
    CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0);
    for (int n = 0; n < 3; n++)
        CHECK(epoll_wait(ep, ev, 4, -1) == 1 && ev[0].data.u32 == 8);
    /* two are ready and there is room for one: they take turns */
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], &e) == 0 && write(q[1], "x", 1) == 1);
    e.data.u32 = 9;
    CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, q[0], &e) == 0);
    for (int n = 0; n < 3; n++)
        CHECK(epoll_wait(ep, ev, 4, 0) == 2);
    int seen = 0;
    for (int n = 0; n < 2; n++) {
        CHECK(epoll_wait(ep, ev, 1, 0) == 1);
        seen |= 1 << ev[0].data.u32;
    }
    CHECK(seen == (1 << 8 | 1 << 9));
    CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL) == 0 && epoll_wait(ep, ev, 4, 0) == 1);
    CHECK(epoll_wait(ep, ev, 4, 0) == 1 && epoll_wait(ep, ev, 4, 0) == 1);
    close(p[1]);
    CHECK(epoll_wait(ep, ev, 4, 0) == 1 && ev[0].events == (EPOLLIN | EPOLLHUP));
    CHECK(read(p[0], &c, 1) == 1 && epoll_wait(ep, ev, 4, 0) == 1 && ev[0].events == EPOLLHUP);
    CHECK(epoll_wait(ep, ev, 4, 0) == 1 && epoll_wait(ep, ev, 4, 0) == 1);
    close(p[0]);
    CHECK(epoll_wait(ep, ev, 4, 0) == 0);
    CHECK(epoll_wait(ep, ev, 4, 0) == 0 && epoll_wait(ep, ev, 4, 5) == 0);
    close(ep);
    CHECK_ERRNO(epoll_wait(ep, ev, 4, 0), EBADF);
    return 0;
}

static int enter_scratch(void)
{
    char dir[] = "/tmp/leasesXXXXXX";
    CHECK(mkdtemp(dir) && chdir(dir) == 0);
    umask(0);
    return 0;
}

COMPAT_MAIN({ "scratch_directory", enter_scratch }, T(fstat_shows_what_others_did_before),
            T(fstat_shows_what_the_caller_did), T(a_descriptor_number_is_not_its_last_file),
            T(threads_share_what_is_kept), T(epoll_shows_what_others_did_before), T(epoll_shows_what_the_caller_did))
