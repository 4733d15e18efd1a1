/* SPDX-License-Identifier: MIT */
/* compat: glibc musl; timeout=120; cflags: -pthread */
/*
 * pread of a file that is read again and again, which may be answered without a
 * request: it must go on to show the file as it is.
 */
#include "compat.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

enum { MANY = 40, PAGE = 4096 };       /* reads after which no further one is a request */

static char buf[1 << 18], pattern[1 << 18];

static int filled(const char *name, int c, size_t bytes)
{
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
    memset(pattern, c, bytes);
    return fd >= 0 && write(fd, pattern, bytes) == (ssize_t)bytes ? fd : -1;
}

/* MANY preads of `bytes` at 0: all must give `n` bytes of c. */
static int reads(int fd, size_t bytes, ssize_t n, int c)
{
    for (int i = 0; i < MANY; i++) {
        buf[0] = 0;
        if (pread(fd, buf, bytes, 0) != n)
            return 0;
        for (ssize_t k = 0; k < n; k += 61)
            if (buf[k] != (char)c)
                return 0;
    }
    return 1;
}

static int what_others_wrote_is_read(void)
{
    int command[2], done[2];
    unsigned char i8;
    int fd = filled("shared", 'a', 5 * PAGE);
    CHECK(fd >= 0 && pipe(command) == 0 && pipe(done) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(command[1]);
        int own = open("shared", O_RDWR);
        while (read(command[0], &i8, 1) == 1) {
            int ok = 1;
            memset(pattern, 'a' + i8 % 20, sizeof pattern);
            switch (i8 % 4) {
            case 0: ok = pwrite(own, pattern, 5 * PAGE, 0) == 5 * PAGE; break;
            case 1: ok = ftruncate(own, 100) == 0; break;
            case 2: ok = pwrite(own, pattern, 9 * PAGE, 0) == 9 * PAGE; break;
            default: ok = truncate("shared", 0) == 0 && pwrite(own, pattern, 6000, 0) == 6000;
            }
            if (!ok || write(done[1], &i8, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    static const int size[4] = { 5 * PAGE, 100, 9 * PAGE, 6000 };
    int c = 'a', now = 5 * PAGE;
    for (int i = 0; i < 32; i++) {
        CHECK(reads(fd, 10 * PAGE, now, c));
        i8 = (unsigned char)i;
        CHECK(write(command[1], &i8, 1) == 1 && read(done[0], &i8, 1) == 1);
        now = size[i % 4];
        if (i % 4 != 1)
            c = 'a' + i % 20;
        CHECK(pread(fd, buf, 10 * PAGE, 0) == now && buf[0] == c && buf[99] == c);
    }
    close(command[1]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fd);
    return 0;
}

static int what_the_caller_wrote_is_read(void)
{
    int fd = filled("own", 'a', 3 * PAGE);
    CHECK(reads(fd, PAGE, PAGE, 'a'));
    char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(m != MAP_FAILED);
    for (int i = 0; i < 20; i++) {      /* stores need no call */
        memset(m, 'b' + i, 2 * PAGE);
        CHECK(reads(fd, PAGE, PAGE, 'b' + i));
    }
    munmap(m, 3 * PAGE);
    for (int i = 0; i < 20; i++) {
        CHECK(pwrite(fd, "0123456789", 10, 3 * PAGE + i * 10) == 10);
        CHECK(pread(fd, buf, PAGE, 3 * PAGE) == i * 10 + 10 && memcmp(buf + i * 10, "0123456789", 10) == 0);
        for (int k = 0; k < MANY; k++)
            CHECK(pread(fd, buf, PAGE, 3 * PAGE) == i * 10 + 10);
    }
    CHECK(pread(fd, buf, PAGE, 4 * PAGE) == 0 && pread(fd, buf, 0, 0) == 0);
    CHECK_ERRNO(pread(fd, buf, 1, -1), EINVAL);
    for (int k = 0; k < 1000; k++) {    /* every alignment of both sides */
        size_t at = (size_t)k * 7 % 3000, n = (size_t)k * 13 % 2000, to = (size_t)k % 9;
        for (size_t j = 0; j < sizeof buf / 8; j += 97)
            buf[j] = 'z';
        CHECK(pread(fd, buf + to, n, (off_t)at) == (ssize_t)n);
        for (size_t j = 0; j < n; j++)
            CHECK(buf[to + j] == 'b' + 19);
    }
    close(fd);
    return 0;
}

static int reading_counts_for_atime_after_a_change(void)
{
    struct timespec old[2] = { { 5, 0 }, { 6, 0 } };
    struct stat st;
    int fd = filled("times", 'a', PAGE);
    for (int i = 0; i < 5; i++) {
        CHECK(reads(fd, PAGE, PAGE, 'a') && futimens(fd, old) == 0);
        CHECK(fstat(fd, &st) == 0 && st.st_atime == 5);
        CHECK(pread(fd, buf, 1, 0) == 1 && fstat(fd, &st) == 0 && st.st_atime > 1000);
    }
    close(fd);
    return 0;
}

/* Another process takes pages away and gives them back: a read gets some of them or less, never a fault. Linux
 * may show a page as a hole that went away after the size was looked at. */
static int truncation_under_a_reader_ends_it_early(void)
{
    int fd = filled("shrinks", 'x', 16 * PAGE);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < 60; i++) {
            if (ftruncate(fd, i % 3 * 2 * PAGE) != 0 || pwrite(fd, pattern, 16 * PAGE, 0) != 16 * PAGE)
                _exit(1);
            if (i % 10 == 0)            /* leave the reader time to settle */
                usleep(1000);
        }
        _exit(0);
    }
    int status = -1;
    do {
        for (int i = 0; i < 50; i++) {
            ssize_t n = pread(fd, buf, 16 * PAGE, 0);
            CHECK(n >= 0 && n <= 16 * PAGE && n % PAGE == 0);
            for (ssize_t k = 0; k < n; k += 61)
                CHECK(buf[k] == 'x' || buf[k] == 0);
        }
    } while (waitpid(pid, &status, WNOHANG) == 0);
    CHECK(status == 0 && pread(fd, buf, 16 * PAGE, 0) == 16 * PAGE);
    close(fd);
    return 0;
}

static int bad_addresses_and_modes_fail_as_ever(void)
{
    int fd = filled("modes", 'a', 4 * PAGE);
    CHECK(reads(fd, PAGE, PAGE, 'a'));
    char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(m != MAP_FAILED && munmap(m + 2 * PAGE, PAGE) == 0 && mprotect(m + PAGE, PAGE, PROT_READ) == 0);
    CHECK(pread(fd, m, 2 * PAGE, 0) == PAGE && m[PAGE - 1] == 'a');
    CHECK_ERRNO(pread(fd, m + PAGE, 100, 0), EFAULT);
    CHECK_ERRNO(pread(fd, m + 2 * PAGE, 100, 0), EFAULT);
    CHECK_ERRNO(pread(fd, (void *)-1000, 100, 0), EFAULT);
    CHECK(reads(fd, PAGE, PAGE, 'a'));
    int wr = open("modes", O_WRONLY), path = open("modes", O_PATH), dir = open(".", O_RDONLY);
    for (int i = 0; i < MANY; i++) {
        CHECK_ERRNO(pread(wr, buf, 1, 0), EBADF);
        CHECK_ERRNO(pread(path, buf, 1, 0), EBADF);
        CHECK_ERRNO(pread(dir, buf, 1, 0), EISDIR);
    }
    close(wr), close(path), close(dir);
    close(fd);
    CHECK_ERRNO(pread(fd, buf, 1, 0), EBADF);
    return 0;
}

static int a_number_reads_the_file_that_it_is_now(void)
{
    int a = filled("file-a", 'a', PAGE), b = filled("file-b", 'b', 2 * PAGE), fd = dup(a);
    for (int i = 0; i < 10; i++) {
        CHECK(reads(fd, 2 * PAGE, PAGE, 'a') && dup2(b, fd) == fd);
        CHECK(reads(fd, 2 * PAGE, 2 * PAGE, 'b'));
        close(fd);
        CHECK_ERRNO(pread(fd, buf, 1, 0), EBADF);
        CHECK(dup(a) == fd);
    }
    /* more files than there can be windows, and numbers with like low bits */
    int many[20];
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "many-%d", i);
        int f = filled(name, 'A' + i, PAGE);
        CHECK((many[i] = fcntl(f, F_DUPFD, 100 + 8 * i)) >= 0);
        close(f);
    }
    for (int round = 0; round < MANY; round++)
        for (int i = 0; i < 20; i++)
            CHECK(pread(many[i], buf, PAGE, 0) == PAGE && buf[0] == 'A' + i && buf[PAGE - 1] == 'A' + i);
    for (int i = 0; i < 20; i++)
        close(many[i]);
    close(a), close(b), close(fd);
    return 0;
}

static int children_read_for_themselves(void)
{
    static int fd;          /* not in a register that vfork's child has too */
    int status;
    fd = filled("family", 'a', 2 * PAGE);
    CHECK(reads(fd, PAGE, PAGE, 'a'));
    pid_t pid = fork();
    if (pid == 0)
        _exit(!reads(fd, PAGE, PAGE, 'a') || pwrite(fd, "b", 1, 0) != 1 || pread(fd, buf, 1, 0) != 1 || buf[0] != 'b');
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(pread(fd, buf, PAGE, 0) == PAGE && buf[0] == 'b' && buf[1] == 'a');
    for (int i = 0; i < MANY; i++)
        CHECK(pread(fd, buf, 1, 1) == 1);
    pid = vfork();
    if (pid == 0)
        _exit(pread(fd, buf, 1, 1) != 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(pread(fd, buf, 1, 1) == 1 && buf[0] == 'a');
    pid = fork();
    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), 1);      /* it prints a plan of its own */
        execl("/proc/self/exe", "windows", "family_after_exec", (char *)NULL);
        _exit(9);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fd);
    return 0;
}

/* What children_read_for_themselves executes. */
static int family_after_exec(void)
{
    int fd = open("family", O_RDONLY);
    if (fd < 0)
        return 0;           /* run as a test of its own */
    CHECK(pread(fd, buf, 1, 0) == 1 && buf[0] == 'b');
    close(fd);
    return 0;
}

static int holes_stay_holes(void)
{
    struct stat st;
    int fd = open("sparse", O_CREAT | O_RDWR | O_TRUNC, 0644);
    CHECK(ftruncate(fd, 1 << 20) == 0 && pwrite(fd, "x", 1, 0) == 1);
    for (int i = 0; i < MANY; i++)
        CHECK(pread(fd, buf, 1 << 18, (i % 4) << 18) == 1 << 18 && buf[PAGE] == 0 && buf[(1 << 18) - 1] == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_blocks <= 16);
    CHECK(pread(fd, buf, 100, (1 << 20) - 50) == 50);
    close(fd);
    return 0;
}

static long free_bytes(void)
{
    struct sysinfo si;
    return sysinfo(&si) == 0 ? (long)(si.freeram * si.mem_unit) : -1;
}

static int memory_of_an_unlinked_file_goes_with_its_last_descriptor(void)
{
    enum { FILES = 8, BYTES = 2 << 20 };
    int fd[FILES];
    char *data = malloc(BYTES), name[16];
    memset(data, 'm', BYTES);
    long before = 0;
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            before = free_bytes();
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "mem-%d", i);
            fd[i] = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
            CHECK(fd[i] >= 0 && write(fd[i], data, BYTES) == BYTES);
            CHECK(unlink(name) == 0 && reads(fd[i], PAGE, PAGE, 'm'));
        }
        for (int i = 0; i < FILES; i++)
            if (round != 1)
                close(fd[i]);
        CHECK(round != 1 || syscall(SYS_close_range, fd[0], ~0u, 0) == 0);
    }
    CHECK(before - free_bytes() < FILES * BYTES / 2);
    free(data);
    return 0;
}

/* A thread reads a descriptor that another one replaces all the time: each read is of one file. */
static int replaced;

static void *read_replaced(void *arg)
{
    char own[2 * PAGE];
    (void)arg;
    for (int i = 0; i < 800; i++) {
        ssize_t n = pread(replaced, own, sizeof own, 0);
        if (n != PAGE && n != 2 * PAGE)
            return (void *)1;
        for (ssize_t k = 0; k < n; k += 31)
            if (own[k] != (n == PAGE ? 'a' : 'b'))
                return (void *)2;
    }
    return NULL;
}

static int a_read_is_of_one_file(void)
{
    pthread_t t[2];
    int a = filled("one-a", 'a', PAGE), b = filled("one-b", 'b', 2 * PAGE);
    replaced = dup(a);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&t[i], NULL, read_replaced, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        CHECK(dup2(i & 1 ? a : b, replaced) == replaced);
        for (int k = 0; k < MANY; k++)
            pread(replaced, buf, PAGE, 0);
    }
    for (int i = 0; i < 2; i++) {
        void *bad;
        CHECK(pthread_join(t[i], &bad) == 0 && bad == NULL);
    }
    close(a), close(b), close(replaced);
    return 0;
}

static int enter_scratch(void)
{
    char dir[] = "/tmp/windowsXXXXXX";
    CHECK(mkdtemp(dir) && chdir(dir) == 0);
    return 0;
}

COMPAT_MAIN({ "scratch_directory", enter_scratch }, T(what_others_wrote_is_read), T(what_the_caller_wrote_is_read),
            T(reading_counts_for_atime_after_a_change), T(truncation_under_a_reader_ends_it_early),
            T(bad_addresses_and_modes_fail_as_ever), T(a_number_reads_the_file_that_it_is_now),
            T(children_read_for_themselves), T(family_after_exec), T(holes_stay_holes),
            T(memory_of_an_unlinked_file_goes_with_its_last_descriptor), T(a_read_is_of_one_file))
