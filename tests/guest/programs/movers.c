/* SPDX-License-Identifier: MIT */
/*
 * Servers are moved between harts while many processes use them; every answer is checked, and every request is
 * counted when it is made and when it is answered.
 *
 *   movers N NAME=HART...   N moves, these over and over, under load. Between two moves each worker ends a whole round
 *                           of its work that it began after the first of them.
 *   movers refusals         who may not move, and what cannot be moved
 *
 * The workers: files (write, read back, compare), names (create, rename, stat, unlink), a pipe between two processes
 * (a stream whose every byte is known), processes (fork, exit status, signals), timers (timerfd: time, and fs that
 * hears from it), readiness (poll on a pipe), and /proc (fs asks proc).
 */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include "robust.h"

#define SERVERS "/proc/atoll/servers"
#define BLOCK 6000

/* Each worker writes its own; the mover reads them. */
static struct worker {
    uint64_t rounds, issued, answered;
    char pad[40];
} *worker;
static volatile int *stop;
static struct worker *me;
static unsigned nr_workers;
static bool last;            /* round of this worker */

/* A request with a known answer. */
#define ASK(call, want)                                                                 \
    do {                                                                                \
        me->issued++;                                                                   \
        long got_ = (long)(call);                                                       \
        if (got_ != (long)(want))                                                       \
            printf("got %ld\n", got_);                                                  \
        MUST(got_ == (long)(want));                                                     \
        me->answered++;                                                                 \
    } while (0)

static void files(uint64_t round)
{
    static unsigned char out[BLOCK], in[BLOCK];
    static int fd = -1;
    char path[64];
    size_t n = 1 + (size_t)(rnd() % BLOCK);

    if (fd < 0) {
        snprintf(path, sizeof path, "/tmp/movers.%d", getpid());
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        MUST(fd >= 0);
    }
    fill(out, n, round);
    ASK(lseek(fd, (off_t)(round % 7 * 1000), SEEK_SET), round % 7 * 1000);
    ASK(write(fd, out, n), n);
    ASK(lseek(fd, (off_t)(round % 7 * 1000), SEEK_SET), round % 7 * 1000);
    memset(in, 0, sizeof in);
    ASK(read(fd, in, n), n);
    check(in, n, round);
    memset(in, 0, sizeof in);
    ASK(pread(fd, in, n, (off_t)(round % 7 * 1000)), n);
    check(in, n, round);
}

static void names(uint64_t round)
{
    char a[64], b[64];
    struct stat st;

    snprintf(a, sizeof a, "/tmp/movers.%d.%lu", getpid(), (unsigned long)round);
    snprintf(b, sizeof b, "/tmp/movers.%d.moved", getpid());
    me->issued++;
    int fd = open(a, O_WRONLY | O_CREAT | O_EXCL, 0600);
    MUST(fd >= 0);
    me->answered++;
    ASK(write(fd, "abc", 3), 3);
    ASK(close(fd), 0);
    ASK(rename(a, b), 0);
    ASK(stat(a, &st), -1);
    ASK(stat(b, &st), 0);
    MUST(st.st_size == 3);
    ASK(unlink(b), 0);
}

/* This process writes, a child checks the stream; what it read it says at the end. */
static void stream(uint64_t round)
{
    static int to = -1;
    static uint64_t at;
    static unsigned char out[BLOCK];
    size_t n = 1 + (size_t)(rnd() % BLOCK);

    (void)round;
    if (to < 0) {
        int p[2];
        MUST(pipe(p) == 0);
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0) {
            uint64_t seen = 0;
            close(p[1]);
            for (ssize_t got; (got = read(p[0], out, sizeof out)) != 0; seen += (uint64_t)got) {
                MUST(got > 0);
                check(out, (size_t)got, seen);
            }
            _exit(0);
        }
        close(p[0]);
        to = p[1];
    }
    fill(out, n, at);
    ASK(write(to, out, n), n);
    at += n;
    if (last) {
        int status;
        close(to);
        MUST(wait(&status) > 0 && status == 0);
    }
}

static volatile sig_atomic_t signals;
static void on_signal(int s) { (void)s, signals++; }

static void processes(uint64_t round)
{
    int status;

    signal(SIGUSR1, on_signal);
    signals = 0;
    ASK(kill(getpid(), SIGUSR1), 0);
    MUST(signals == 1);
    me->issued++;
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)(round % 100));
    MUST(pid > 0);
    me->answered++;
    ASK(waitpid(pid, &status, 0), pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == (int)(round % 100));
}

static void timers(uint64_t round)
{
    static int fd = -1;
    struct itimerspec one = { { 0, 0 }, { 0, 1000 + (long)(rnd() % 300000) } };
    struct timespec now;
    uint64_t times = 0;

    (void)round;
    if (fd < 0)
        fd = timerfd_create(CLOCK_REALTIME, 0);
    MUST(fd >= 0 && clock_gettime(CLOCK_REALTIME, &now) == 0);
    ASK(timerfd_settime(fd, 0, &one, NULL), 0);
    ASK(read(fd, &times, sizeof times), sizeof times);
    MUST(times == 1);
}

static void readiness(uint64_t round)
{
    static int p[2];
    struct pollfd ready[2];
    char c = (char)round, d = 0;

    if (!p[0])
        MUST(pipe(p) == 0);
    ready[0] = (struct pollfd){ .fd = p[0], .events = POLLIN };
    ready[1] = (struct pollfd){ .fd = p[1], .events = POLLOUT };
    ASK(poll(ready, 1, 0), 0);
    ASK(write(p[1], &c, 1), 1);
    ASK(poll(ready, 2, -1), 2);
    ASK(read(p[0], &d, 1), 1);
    MUST(c == d);
}

/* Texts that fs makes with proc's answers. */
static void texts(uint64_t round)
{
    char text[4096];
    ssize_t n;

    me->issued++;
    int fd = open(round % 2 ? "/proc/stat" : SERVERS, O_RDONLY);
    MUST(fd >= 0);
    me->answered++;
    me->issued++;
    n = read(fd, text, sizeof text - 1);
    MUST(n > 20);
    me->answered++;
    text[n] = 0;
    MUST(strstr(text, round % 2 ? "procs_running" : "\nfs "));
    ASK(close(fd), 0);
}

static void (*const work[])(uint64_t) = { files, names, stream, processes, timers, readiness, texts, files, stream };
#define NR_WORKERS (sizeof work / sizeof work[0])

static void run(unsigned i)
{
    me = &worker[i];
    rng_seed(i);
    while (!last) {
        last = *stop != 0;
        work[i](me->rounds);
        __atomic_store_n(&me->rounds, me->rounds + 1, __ATOMIC_RELEASE);
    }
    _exit(0);
}

static unsigned hart_of(const char *name)
{
    char text[4096], line[32];
    int fd = open(SERVERS, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    MUST(fd >= 0 && n > 0);
    close(fd);
    text[n] = 0;
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    MUST(at != NULL);
    return (unsigned)atoi(at + strlen(line));
}

/* All workers have ended a round that they began after this was called. */
static void all_go_on(void)
{
    for (unsigned i = 0; i < nr_workers; i++) {
        uint64_t then = __atomic_load_n(&worker[i].rounds, __ATOMIC_ACQUIRE);
        while (__atomic_load_n(&worker[i].rounds, __ATOMIC_ACQUIRE) < then + 2) {
            MUST(waitpid(-1, NULL, WNOHANG) == 0);
            nap_us(100);
        }
    }
}

static void moves(unsigned nr, char **place, unsigned nr_places)
{
    uint64_t issued = 0, answered = 0;
    int fd = open(SERVERS, O_WRONLY), status;

    MUST(fd >= 0);
    nr_workers = NR_WORKERS;
    worker = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(worker != MAP_FAILED && stop != MAP_FAILED);
    for (unsigned i = 0; i < nr_workers; i++) {
        pid_t pid = fork();
        MUST(pid >= 0);
        if (pid == 0)
            run(i);
    }
    all_go_on();
    for (unsigned i = 0; i < nr; i++) {
        char name[16], text[32];
        const char *p = place[i % nr_places];
        int n = snprintf(text, sizeof text, "move %s", p);

        snprintf(name, sizeof name, "%.*s", (int)strcspn(p, "="), p);
        MUST(write(fd, text, (size_t)n) == n);
        MUST(hart_of(name) == (unsigned)atoi(p + strlen(name) + 1));
        all_go_on();
    }
    *stop = 1;
    for (unsigned i = 0; i < nr_workers; i++)
        MUST(wait(&status) > 0 && status == 0);
    for (unsigned i = 0; i < nr_workers; i++)
        issued += worker[i].issued, answered += worker[i].answered;
    printf("movers: %u moves, %lu requests issued, %lu answered\n", nr, (unsigned long)issued, (unsigned long)answered);
}

static int try_to(int fd, const char *text)
{
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
}

static void refusals(void)
{
    static const struct { const char *text; int error; } bad[] = {
        { "\n", EINVAL }, { "move", EINVAL }, { "move ", EINVAL }, { "fs=0", EINVAL }, { "=", EINVAL }, { "move=0", EINVAL },
        { "move fs", EINVAL }, { "move fs=", EINVAL }, { "move =1", EINVAL }, { "move =", EINVAL }, { "move fs=\n", EINVAL },
        { "move fs=-1", EINVAL }, { "move fs=0x0", EINVAL }, { "move fs=0 ", EINVAL }, { "move fs=0\n\n", EINVAL },
        { "move fs=0 proc=0", EINVAL }, { "move fs=8", EINVAL }, { "move fs=999", EINVAL }, { "move fs=4294967296", EINVAL },
        { "move fs=18446744073709551616", EINVAL }, { "move 0123456789abcdef=0", EINVAL }, { "move 0123456789abcde=0", ENOENT },
        { "move supervisor=0", ENOENT }, { "move f=0", ENOENT }, { "move fss=0", ENOENT }, { "move  fs=0", ENOENT },
        { "moves fs=0", EINVAL }, { "Move fs=0", EINVAL },
    };
    char text[256];
    int fd = open(SERVERS, O_WRONLY), status;
    unsigned before = hart_of("fs");

    MUST(fd >= 0);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (try_to(fd, bad[i].text) != bad[i].error) {
            printf("'%s': %d\n", bad[i].text, errno);
            MUST(0);
        }
    memset(text, '0', sizeof text);
    memcpy(text, "move fs=", 8);
    text[sizeof text - 1] = 0;
    MUST(try_to(fd, text) == EINVAL);
    MUST(write(fd, "move fs\0=0", 10) == -1 && errno == EINVAL);
    MUST(hart_of("fs") == before);
    snprintf(text, sizeof text, "move fs=%u\n", before);         /* where it is already */
    MUST(try_to(fd, text) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        MUST(setuid(1000) == 0);
        MUST(try_to(fd, text) == EPERM);                    /* opened by root, and passed on */
        MUST(open(SERVERS, O_WRONLY) == -1 && errno == EACCES);
        _exit(0);
    }
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    MUST(hart_of("fs") == before);
    printf("movers: refused\n");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "refusals") == 0)
        refusals();
    else if (argc > 2)
        moves((unsigned)atoi(argv[1]), argv + 2, (unsigned)argc - 2);
    else
        return 2;
    return 0;
}
