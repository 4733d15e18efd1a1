/* SPDX-License-Identifier: MIT */
/*
 * A process that checks its own work until a file appears (or for SECONDS): bytes through pipes and unix
 * sockets, a file written and read, memory that was mapped, children that answer, a thread and a futex, a
 * timer. Everything it does is predictable; the first difference ends it with status 1.
 *
 *   witness SECONDS|FILE NAME
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "robust.h"

static char path[64];

static void write_all(int fd, const unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        MUST(done > 0);
        p += done;
        n -= (size_t)done;
    }
}

static void read_all(int fd, unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = read(fd, p, n);
        MUST(done > 0);
        p += done;
        n -= (size_t)done;
    }
}

/* A child writes, we read: through a pipe or a socket pair. */
static void stream(uint64_t seed)
{
    static unsigned char buffer[200000];
    int fd[2], status;
    if (seed & 1)
        MUST(pipe(fd) == 0);
    else
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        close(fd[0]);
        fill(buffer, sizeof buffer, seed);
        write_all(fd[1], buffer, sizeof buffer);
        _exit((int)(seed & 127));
    }
    close(fd[1]);
    memset(buffer, 0, sizeof buffer);
    read_all(fd[0], buffer, sizeof buffer);
    check(buffer, sizeof buffer, seed);
    MUST(read(fd[0], buffer, 1) == 0);
    close(fd[0]);
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == (int)(seed & 127));
}

static void file(uint64_t seed)
{
    static unsigned char buffer[50000];
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0);
    fill(buffer, sizeof buffer, seed);
    write_all(fd, buffer, sizeof buffer);
    MUST(fstat(fd, &st) == 0 && st.st_size == sizeof buffer);
    memset(buffer, 0, sizeof buffer);
    MUST(lseek(fd, 0, SEEK_SET) == 0);
    read_all(fd, buffer, sizeof buffer);
    check(buffer, sizeof buffer, seed);
    unsigned char *map = mmap(NULL, sizeof buffer, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(map != MAP_FAILED);
    check(map, sizeof buffer, seed);
    fill(map, 10000, seed + 5);
    MUST(pread(fd, buffer, 10000, 0) == 10000);
    check(buffer, 10000, seed + 5);
    MUST(munmap(map, sizeof buffer) == 0);
    close(fd);
    MUST(unlink(path) == 0);
}

static void memory(uint64_t seed)
{
    size_t bytes = 300000;
    unsigned char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(p != MAP_FAILED);
    for (size_t i = 0; i < bytes; i += 4096)
        MUST(p[i] == 0 && p[i + 4095 < bytes ? i + 4095 : i] == 0);
    fill(p, bytes, seed);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        check(p, bytes, seed);
        fill(p, bytes, seed + 1);
        check(p, bytes, seed + 1);
        _exit(3);
    }
    int status;
    MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    check(p, bytes, seed);
    MUST(munmap(p, bytes) == 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;

static void *count(void *unused)
{
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_cond_signal(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void threads(void)
{
    pthread_t t[3];
    counter = 0;
    for (int i = 0; i < 3; i++)
        MUST(pthread_create(&t[i], NULL, count, NULL) == 0);
    pthread_mutex_lock(&mutex);
    while (counter < 600)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 3; i++)
        MUST(pthread_join(t[i], NULL) == 0);
}

static void waiting(void)
{
    int fd[2];
    char c = 'x';
    struct epoll_event event = { .events = EPOLLIN };
    MUST(pipe(fd) == 0);
    int ep = epoll_create1(0);
    MUST(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &event) == 0);
    MUST(epoll_wait(ep, &event, 1, 5) == 0);
    MUST(write(fd[1], &c, 1) == 1);
    MUST(epoll_wait(ep, &event, 1, -1) == 1 && event.events == EPOLLIN);
    struct pollfd p = { .fd = fd[0], .events = POLLIN };
    MUST(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
    close(ep);
    close(fd[0]);
    close(fd[1]);
    double before = now();
    nap_us(3000);
    MUST(now() - before >= 0.003);
}

/* Another program's word: the same sum each time. */
static void program(void)
{
    static char first[64];
    char line[64] = "";
    FILE *f = popen("md5sum < /bin/busybox", "r");
    MUST(f != NULL && fgets(line, sizeof line, f) != NULL);
    MUST(pclose(f) == 0);
    if (!first[0])
        strcpy(first, line);
    MUST(strcmp(first, line) == 0);
}

int main(int argc, char **argv)
{
    MUST(argc >= 3);
    double end = argv[1][0] == '/' ? 1e18 : now() + atof(argv[1]);
    uint64_t seed = (uint64_t)getpid();
    unsigned rounds = 0;
    snprintf(path, sizeof path, "/tmp/witness-%s", argv[2]);
    while (now() < end && (argv[1][0] != '/' || access(argv[1], F_OK) != 0)) {
        stream(seed);
        stream(seed + 1);
        file(seed);
        memory(seed);
        threads();
        waiting();
        if (rounds % 8 == 0)
            program();
        seed += 2;
        rounds++;
    }
    printf("witness %s: %u rounds, nothing lost\n", argv[2], rounds);
    return 0;
}
