/* SPDX-License-Identifier: MIT */
/*
 * Everything used up, one thing after another; the program goes on after each.
 *
 *   exhaust CASE...      cases in the table at the end; `pool` eats all memory
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "robust.h"

#define MAX 5000
static int fds[MAX];
static pid_t pids[MAX];

static void limit(int what, rlim_t value)
{
    struct rlimit r = { value, value };
    MUST(setrlimit(what, &r) == 0);
}

/* Run it in a child of its own; it ends by return. */
static void in_child(void (*fn)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        fn();
        fflush(stdout);
        _exit(0);
    }
    int status;
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void descriptors(void)
{
    struct rlimit r;
    int n = 0, pair[2];
    MUST(getrlimit(RLIMIT_NOFILE, &r) == 0);
    while (n < MAX && (fds[n] = open("/dev/null", O_RDONLY)) >= 0)
        n++;
    MUST(n < MAX && errno == EMFILE);
    MUST(n + 3 == (int)r.rlim_cur);
    MUST(dup(0) == -1 && errno == EMFILE);
    MUST(pipe(pair) == -1 && errno == EMFILE);
    MUST(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EMFILE);
    MUST(eventfd(0, 0) == -1 && errno == EMFILE);
    MUST(epoll_create1(0) == -1 && errno == EMFILE);
    close(fds[--n]);
    MUST(pipe(pair) == -1 && errno == EMFILE);      /* one is not enough, and is not lost */
    MUST((fds[n++] = dup(0)) >= 0);
    while (n > 0)
        close(fds[--n]);
    limit(RLIMIT_NOFILE, 10);
    while ((fds[n] = dup(0)) >= 0)
        n++;
    MUST(errno == EMFILE && n == 7);
    MUST(fcntl(0, F_DUPFD, 10) == -1 && errno == EINVAL);
    MUST(dup2(0, 10) == -1 && errno == EBADF);
    while (n > 0)
        close(fds[--n]);
}

static void processes(void)
{
    int n = 0;
    MUST(setgid(1001) == 0 && setuid(1001) == 0);
    limit(RLIMIT_NPROC, 20);
    while (n < 100 && (pids[n] = fork()) > 0)
        n++;
    if (n < 100 && pids[n] == 0) {
        pause();
        _exit(0);
    }
    MUST(n == 19 && errno == EAGAIN);
    MUST(vfork() == -1 && errno == EAGAIN);
    for (int i = 0; i < n; i++)
        MUST(kill(pids[i], SIGKILL) == 0);
    for (int i = 0; i < n; i++)
        MUST(waitpid(pids[i], NULL, 0) == pids[i]);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    MUST(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

/* As root without a limit: until slots or memory are at an end. */
static void slots(void)
{
    int n = 0;
    while (n < MAX && (pids[n] = fork()) > 0)
        n++;
    if (n < MAX && pids[n] == 0) {
        pause();
        _exit(0);
    }
    int error = errno;
    printf("slots: %d processes, then %s\n", n, strerror(error));
    MUST(n > 100 && (error == EAGAIN || error == ENOMEM));
    for (int i = 0; i < n; i++)
        MUST(kill(pids[i], SIGKILL) == 0);
    for (int i = 0; i < n; i++)
        MUST(waitpid(pids[i], NULL, 0) == pids[i]);
}

static volatile int stop;

static void *sleeper(void *p)
{
    while (!stop)
        nap_us(20000);
    return p;
}

static void threads(void)
{
    static pthread_t t[MAX];
    pthread_attr_t small;
    int n = 0, error = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    while (n < MAX && (error = pthread_create(&t[n], &small, sleeper, NULL)) == 0)
        n++;
    printf("threads: %d, then %s\n", n, strerror(error));
    MUST(n > 50 && error == EAGAIN);
    stop = 1;
    while (n > 0)
        MUST(pthread_join(t[--n], NULL) == 0);
    stop = 0;
    MUST(pthread_create(&t[0], &small, sleeper, NULL) == 0);
    stop = 1;
    MUST(pthread_join(t[0], NULL) == 0);
}

static void address_space(void)
{
    limit(RLIMIT_AS, 64 << 20);
    MUST(mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
         && errno == ENOMEM);
    void *p = mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(p != MAP_FAILED);
    MUST(mremap(p, 32 << 20, 80 << 20, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
    MUST(sbrk(100 << 20) == (void *)-1 && errno == ENOMEM);
    MUST(malloc(100 << 20) == NULL);
    MUST(munmap(p, 32 << 20) == 0);
    MUST(mmap(NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
}

static void *eat(size_t *pages)
{
    size_t bytes = 8ul << 30;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(p != MAP_FAILED);
    for (size_t i = 0; i < bytes; i += 4096, ++*pages)
        p[i] = 1;
    return p;
}

/* One process touches all there is: it is killed, nobody else. */
static void pool(void)
{
    for (int round = 0; round < 3; round++) {
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0) {
            size_t pages = 0;
            eat(&pages);
            _exit(0);
        }
        int status;
        MUST(waitpid(pid, &status, 0) == pid);
        MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        pid = fork();
        MUST(pid >= 0);
        if (pid == 0)
            _exit(7);
        MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
}

/* ---- calls that write to memory which nobody touched yet ---- */

#define PIECE 65536

static unsigned char pattern[PIECE];

/* The bytes of `pattern` up to n, or a failure. */
static void check_piece(const unsigned char *at, long n)
{
    MUST(n > 0);
    MUST(memcmp(at, pattern, (size_t)n) == 0);
}

static void fill_pages(int file, int pair[2], unsigned char *to)
{
    struct iovec v[2] = { { to + 2 * PIECE, 100 }, { to + 2 * PIECE + 8192, PIECE - 8192 } };
    struct stat *st = (struct stat *)(to + 3 * PIECE);
    long n;
    check_piece(to, pread(file, to, PIECE, 0));
    MUST((n = write(pair[1], pattern, PIECE)) > 0);
    check_piece(to + PIECE, read(pair[0], to + PIECE, PIECE));
    MUST(preadv(file, v, 2, 0) > 0);
    check_piece(v[0].iov_base, 100);
    MUST(fstat(file, st) == 0 && st->st_size == PIECE);
    MUST(pread(file, to + 3 * PIECE + 4096, 10, 0) == 10);
    MUST(waitpid(getpid(), (int *)(to + 3 * PIECE + 8192), 0) == -1 && errno == ECHILD);
}

/* One process holds most of the memory; another has calls write to fresh pages
 * until the first is killed for it. Every call succeeds. */
static void copies(void)
{
    int file = open("/tmp/copies", O_RDWR | O_CREAT | O_TRUNC, 0600), pair[2], ready[2], status;
    char c;
    for (int i = 0; i < PIECE; i++)
        pattern[i] = (unsigned char)(i * 7 + i / 256 + 1);
    MUST(file >= 0 && write(file, pattern, PIECE) == PIECE);
    MUST(pipe(pair) == 0 && fcntl(pair[0], F_SETPIPE_SZ, PIECE) >= PIECE && pipe(ready) == 0);
    pid_t hog = fork();
    MUST(hog >= 0);
    if (hog == 0) {
        size_t bytes = (size_t)meminfo("MemFree") * 1024 / 10 * 6;
        char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (size_t i = 0; p != MAP_FAILED && i < bytes; i += 4096)
            p[i] = 1;
        if (p == MAP_FAILED || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    MUST(read(ready[0], &c, 1) == 1);
    while (waitpid(hog, &status, WNOHANG) == 0) {
        unsigned char *to = mmap(NULL, 4 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        MUST(to != MAP_FAILED);
        fill_pages(file, pair, to);
    }
    MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    unlink("/tmp/copies");
}

/* The memory nearly full, held by one: fork and exec are refused, the system lives; then it dies. */
static void nearly_full(void)
{
    int fd[2], status;
    MUST(pipe(fd) == 0);
    pid_t hog = fork();
    MUST(hog >= 0);
    if (hog == 0) {
        close(fd[0]);
        long left = meminfo("MemFree");
        size_t bytes = (size_t)left * 1024;
        char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (size_t i = 0; i < bytes; i += 4096) {
            p[i] = 1;
            if (i % (1 << 20) == 0 && meminfo("MemAvailable") < 1024)
                break;
        }
        (void)!write(fd[1], "x", 1);
        pause();
    }
    char c;
    close(fd[1]);
    MUST(read(fd[0], &c, 1) == 1);
    int n = 0;
    while (n < MAX && (pids[n] = fork()) > 0)
        n++;
    if (n < MAX && pids[n] == 0) {
        pause();
        _exit(0);
    }
    printf("nearly full: %d processes more, then %s\n", n, strerror(errno));
    MUST(errno == ENOMEM || errno == EAGAIN);
    int file = open("/tmp/full", O_RDWR | O_CREAT, 0600);   /* ordinary requests are answered all the while */
    MUST(file >= 0 || errno == ENOMEM || errno == ENOSPC);
    close(file);
    unlink("/tmp/full");
    for (int i = 0; i < n; i++)
        kill(pids[i], SIGKILL);
    for (int i = 0; i < n; i++)
        MUST(waitpid(pids[i], NULL, 0) == pids[i]);
    kill(hog, SIGKILL);
    MUST(waitpid(hog, &status, 0) == hog);
    close(fd[0]);
}

static void tmpfs(void)
{
    static char block[65536];
    int n = 0, full = 0;
    mkdir("/tmp/fill", 0700);
    while (!full) {
        char name[64];
        snprintf(name, sizeof name, "/tmp/fill/%d", n++);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        MUST(fd >= 0);
        for (int i = 0; i < 256 && !full; i++) {
            ssize_t done = write(fd, block, sizeof block);
            MUST(done > 0 || (done == -1 && errno == ENOSPC));
            full = done < (ssize_t)sizeof block && write(fd, block, sizeof block) == -1;
        }
        close(fd);
    }
    printf("tmpfs: full after %d files\n", n);
    MUST(errno == ENOSPC || errno == EBADF || errno == 0);
    int fd = open("/tmp/fill/0", O_RDONLY);     /* what is there can be read and removed */
    MUST(fd >= 0 && read(fd, block, sizeof block) == sizeof block);
    close(fd);
    while (n > 0) {
        char name[64];
        snprintf(name, sizeof name, "/tmp/fill/%d", --n);
        MUST(unlink(name) == 0);
    }
    MUST(rmdir("/tmp/fill") == 0);
}

/* The servers' own memory: open files, pipes full of data, sockets, small files. */
static void server_memory(void)
{
    int n = 0, pair[2];
    static char block[65536];
    for (; n + 1 < 1000 && pipe(pair) == 0; n += 2) {
        fds[n] = pair[0];
        fds[n + 1] = pair[1];
        fcntl(pair[1], F_SETPIPE_SZ, 1 << 20);
        fcntl(pair[1], F_SETFL, O_NONBLOCK);
        for (int i = 0; i < 16 && write(pair[1], block, sizeof block) > 0; i++)
            ;
    }
    printf("server memory: %d descriptors of full pipes, %ld KiB left\n", n, meminfo("MemAvailable"));
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    while (n > 0)
        close(fds[--n]);
}

static int deep(int n)
{
    volatile char room[2000];
    room[0] = (char)n;
    return deep(n + 1) + room[0];
}

static void stack(void)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0)
            _exit(deep(0));
        int status;
        MUST(waitpid(pid, &status, 0) == pid);
        MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
}

static const struct { const char *name; void (*fn)(void); } cases[] = {
    { "descriptors", descriptors }, { "processes", processes }, { "slots", slots }, { "threads", threads },
    { "address_space", address_space }, { "pool", pool }, { "copies", copies }, { "nearly_full", nearly_full }, { "tmpfs", tmpfs },
    { "server_memory", server_memory }, { "stack", stack },
};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int a = 1; a < argc || argc == 1; a++)
            if (argc == 1 || strcmp(argv[a], cases[i].name) == 0) {
                in_child(cases[i].fn);
                printf("done %s, %ld KiB free\n", cases[i].name, meminfo("MemFree"));
                break;
            }
    printf("exhaust: all done\n");
    return 0;
}
