/* SPDX-License-Identifier: MIT */
/* compat: glibc musl; timeout=120; cflags: -pthread */
/*
 * read of a file from its beginning on, which may be answered without a request: where
 * the open file stands must be the same for all who use it, and for whatever is done next.
 */
#include "compat.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { MANY = 24, STEP = 64, PAGE = 4096, BYTES = 64 * PAGE, INHERITED = 50 };

static char buf[BYTES];

/* What stands at `at` in each file of this test. */
static char byte_at(long at) { return (char)(at * 7 + at / 251); }

static int file_of(const char *name, long bytes)
{
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (long i = 0; i < bytes;) {
        long n = 0;
        for (; n < BYTES && i < bytes; n++, i++)
            buf[n] = byte_at(i);
        if (write(fd, buf, (size_t)n) != n)
            return -1;
    }
    return lseek(fd, 0, SEEK_SET) == 0 ? fd : -1;
}

/* One read of n bytes gives those at *at. */
static int reads_on(int fd, long *at, long n)
{
    memset(buf, 0, (size_t)n);
    if (read(fd, buf, (size_t)n) != n)
        return 0;
    for (long i = 0; i < n; i++)
        if (buf[i] != byte_at(*at + i))
            return 0;
    *at += n;
    return 1;
}

/* Often enough that no further one is a request. */
static int settle(int fd, long *at)
{
    for (int i = 0; i < MANY; i++)
        if (!reads_on(fd, at, STEP))
            return 0;
    return 1;
}

static int stands_at(int fd, long at) { return lseek(fd, 0, SEEK_CUR) == at; }

static int a_file_is_read_to_its_end_and_on(void)
{
    for (long step = 1; step < 3 * PAGE; step = step * 3 + 1) {
        long at = 0, size = step < 100 ? 3000 : 20 * PAGE + 17;
        int fd = file_of("whole", size), other = open("whole", O_WRONLY | O_APPEND);
        while (at + step <= size)
            CHECK(reads_on(fd, &at, step));
        CHECK(read(fd, buf, (size_t)step) == size - at);
        for (int i = 0; i < MANY; i++)
            CHECK(read(fd, buf, (size_t)step) == 0);
        CHECK(write(other, "more", 4) == 4 && read(fd, buf, 100) == 4 && memcmp(buf, "more", 4) == 0);
        CHECK(read(fd, buf, 100) == 0 && stands_at(fd, size + 4));
        close(fd), close(other);
    }
    return 0;
}

static int seeking_moves_what_is_read_next(void)
{
    long at = 0;
    int fd = file_of("seek", BYTES);
    for (int i = 0; i < 40; i++) {
        CHECK(settle(fd, &at) && stands_at(fd, at) && settle(fd, &at));
        at = i * 997;
        CHECK(lseek(fd, at, SEEK_SET) == at && settle(fd, &at) && lseek(fd, -10, SEEK_CUR) == at - 10);
        at -= 10;
        CHECK(settle(fd, &at) && pread(fd, buf, 100, 5) == 100 && buf[0] == byte_at(5) && settle(fd, &at));
        CHECK_ERRNO(lseek(fd, -at - 1, SEEK_CUR), EINVAL);
        CHECK(settle(fd, &at) && stands_at(fd, at));
    }
    CHECK(lseek(fd, -3, SEEK_END) == BYTES - 3 && read(fd, buf, 10) == 3);
    close(fd);
    return 0;
}

static int writing_goes_on_where_reading_stopped(void)
{
    long at = 0;
    int fd = file_of("both", BYTES);
    for (int i = 0; i < 20; i++) {
        CHECK(settle(fd, &at) && write(fd, "0123456789", 10) == 10);
        at += 10;
        CHECK(settle(fd, &at) && pread(fd, buf, 10, at - MANY * STEP - 10) == 10 && memcmp(buf, "0123456789", 10) == 0);
    }
    CHECK(settle(fd, &at) && stands_at(fd, at) && settle(fd, &at));
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0 && write(fd, "end", 3) == 3 && stands_at(fd, BYTES + 3));
    close(fd);
    return 0;
}

static int truncation_ends_a_reader(void)
{
    long at = 0;
    int fd = file_of("cut", BYTES), other = open("cut", O_RDWR);
    CHECK(settle(fd, &at) && ftruncate(other, 100) == 0 && read(fd, buf, STEP) == 0 && stands_at(fd, at));
    CHECK(ftruncate(other, BYTES) == 0 && read(fd, buf, STEP) == STEP && buf[0] == 0 && stands_at(fd, at + STEP));
    CHECK(pwrite(other, "new", 3, at + STEP) == 3 && read(fd, buf, 3) == 3 && memcmp(buf, "new", 3) == 0);
    close(fd), close(other);
    return 0;
}

static int duplicates_share_it(void)
{
    long at = 0;
    int fd = file_of("dup", BYTES);
    CHECK(settle(fd, &at));
    int two = dup(fd);
    CHECK(settle(two, &at) && settle(fd, &at) && stands_at(two, at));
    close(fd);
    CHECK(settle(two, &at) && settle(two, &at));
    CHECK(dup2(two, 40) == 40 && settle(40, &at) && close(two) == 0 && settle(40, &at) && stands_at(40, at));
    fd = open("dup", O_RDONLY);
    CHECK(stands_at(fd, 0) && dup2(fd, 40) == 40 && stands_at(40, 0));
    close(fd), close(40);
    return 0;
}

static int a_number_that_is_used_again_begins_anew(void)
{
    for (int i = 0; i < 20; i++) {
        long at = 0;
        int fd = file_of("again", BYTES);
        CHECK(settle(fd, &at) && settle(fd, &at));
        close(fd);
        CHECK_ERRNO(read(fd, buf, 1), EBADF);
    }
    return 0;
}

static int children_share_it(void)
{
    static long at;         /* not in registers: vfork's child has them too */
    static int fd;
    int status;
    at = 0, fd = file_of("family", BYTES);
    for (int i = 0; i < 5; i++) {
        CHECK(settle(fd, &at));
        pid_t pid = i & 1 ? vfork() : fork();
        if (pid == 0)
            _exit(read(fd, buf, 100) != 100 || buf[0] != byte_at(at));
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        at += 100;
        CHECK(settle(fd, &at) && stands_at(fd, at));
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(!settle(fd, &at) || !settle(fd, &at) || !stands_at(fd, at));
    CHECK(waitpid(pid, &status, 0) == pid && status == 0 && stands_at(fd, at + 2 * MANY * STEP));
    close(fd);
    return 0;
}

static int a_program_that_is_executed_finds_it(void)
{
    int status;
    long at = 0;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int fd = file_of("exec", BYTES);
        dup2(fd, INHERITED), close(fd);
        dup2(open("/dev/null", O_WRONLY), 1);      /* it prints a plan of its own */
        if (settle(INHERITED, &at) && settle(INHERITED, &at))
            execl("/proc/self/exe", "positions", "executed", (char *)NULL);
        _exit(9);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

/* What a_program_that_is_executed_finds_it executes. */
static int executed(void)
{
    long at = 2 * MANY * STEP;
    if (fcntl(INHERITED, F_GETFD) < 0)
        return 0;           /* run as a test of its own */
    CHECK(reads_on(INHERITED, &at, STEP) && stands_at(INHERITED, at));
    close(INHERITED);
    return 0;
}

static int it_travels_with_a_message(void)
{
    int pair[2], got = -1;
    long at = 0;
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec iov = { buf, 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    int fd = file_of("message", BYTES);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && settle(fd, &at));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    CHECK(sendmsg(pair[0], &m, 0) == 1 && settle(fd, &at));
    CHECK(recvmsg(pair[1], &m, 0) == 1);
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
    CHECK(stands_at(got, at) && settle(got, &at) && settle(fd, &at) && stands_at(got, at));
    close(fd), close(got), close(pair[0]), close(pair[1]);
    return 0;
}

static int other_calls_see_it(void)
{
    long at = 0;
    char text[256] = "", name[64];
    int fd = file_of("others", BYTES), pipe_fd[2];
    CHECK(pipe(pipe_fd) == 0 && settle(fd, &at));
    CHECK(sendfile(pipe_fd[1], fd, NULL, 100) == 100 && read(pipe_fd[0], buf, 100) == 100 && buf[0] == byte_at(at));
    at += 100;
    CHECK(settle(fd, &at));
    struct iovec v[2] = { { buf, 10 }, { buf + 10, 20 } };
    CHECK(readv(fd, v, 2) == 30 && buf[29] == byte_at(at + 29));
    at += 30;
    CHECK(settle(fd, &at) && settle(fd, &at));
    snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
    int info = open(name, O_RDONLY);
    CHECK(info >= 0 && read(info, text, sizeof text - 1) > 0 && atol(text + 4) == at);
    close(info), close(fd), close(pipe_fd[0]), close(pipe_fd[1]);
    return 0;
}

static int bad_memory_moves_it_by_what_was_read(void)
{
    long at = 0;
    int fd = file_of("bad", BYTES);
    char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(m != MAP_FAILED && munmap(m + PAGE, PAGE) == 0 && settle(fd, &at));
    CHECK_ERRNO(read(fd, m + PAGE, 1000), EFAULT);
    CHECK(stands_at(fd, at) && settle(fd, &at));
    ssize_t n = read(fd, m + PAGE - 8, 1000);
    at += n > 0 ? n : 0;        /* Linux may have copied nothing of the first page */
    CHECK(n <= 8 && stands_at(fd, at));
    CHECK(settle(fd, &at));
    volatile size_t too_many = (size_t)-1;
    CHECK_ERRNO(read(fd, buf, too_many), EINVAL);
    CHECK(stands_at(fd, at));
    close(fd);
    return 0;
}

static int a_large_file_is_read_through(void)
{
    const long size = (5l << 20) + 12345;
    long at = 0;
    int fd = file_of("large", size);
    while (at + PAGE <= size)
        CHECK(reads_on(fd, &at, PAGE));
    CHECK(read(fd, buf, PAGE) == size - at && read(fd, buf, PAGE) == 0 && stands_at(fd, size));
    close(fd), unlink("large");
    return 0;
}

static int many_files_have_each_their_own(void)
{
    enum { FILES = 20 };
    int fd[FILES];
    long at[FILES] = { 0 };
    for (int i = 0; i < FILES; i++) {
        fd[i] = open(i & 1 ? "family" : "dup", O_RDONLY);
        CHECK(fd[i] >= 0);
    }
    for (int round = 0; round < MANY; round++)
        for (int i = 0; i < FILES; i++)
            CHECK(settle(fd[i], &at[i]));
    for (int i = 0; i < FILES; i++) {
        CHECK(stands_at(fd[i], at[i]));
        close(fd[i]);
    }
    return 0;
}

static int shared_fd;

static void *read_some(void *arg)
{
    char own[STEP];
    (void)arg;
    for (int i = 0; i < 100; i++)
        if (read(shared_fd, own, STEP) != STEP)
            return (void *)1;
    return NULL;
}

static int threads_share_it(void)
{
    pthread_t t;
    void *bad;
    long at = 0;
    shared_fd = file_of("threads", BYTES);
    CHECK(settle(shared_fd, &at) && settle(shared_fd, &at));
    CHECK(pthread_create(&t, NULL, read_some, NULL) == 0);
    CHECK(!read_some(NULL) && pthread_join(t, &bad) == 0 && !bad && stands_at(shared_fd, at + 200 * STEP));
    at += 200 * STEP;
    CHECK(settle(shared_fd, &at) && stands_at(shared_fd, at));
    close(shared_fd);
    return 0;
}

static int enter_scratch(void)
{
    char dir[] = "/tmp/positionsXXXXXX";
    CHECK(mkdtemp(dir) && chdir(dir) == 0);
    return 0;
}

COMPAT_MAIN({ "scratch_directory", enter_scratch }, T(a_file_is_read_to_its_end_and_on), T(seeking_moves_what_is_read_next),
            T(writing_goes_on_where_reading_stopped), T(truncation_ends_a_reader), T(duplicates_share_it),
            T(a_number_that_is_used_again_begins_anew), T(children_share_it), T(a_program_that_is_executed_finds_it),
            T(executed), T(it_travels_with_a_message), T(other_calls_see_it), T(bad_memory_moves_it_by_what_was_read),
            T(a_large_file_is_read_through), T(many_files_have_each_their_own), T(threads_share_it))
