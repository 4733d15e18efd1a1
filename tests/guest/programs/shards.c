/* SPDX-License-Identifier: MIT */
/*
 * Several shards of time. Each worker is a process; which shard serves it is found out by asking it for many requests
 * and looking whose row of /proc/atoll/servers grows. Then the clock is set by a process of each shard, and what waits for it in each
 * shard must follow: what has become due comes, what was put off does not.
 *
 *   shards N          with N shards of time
 *   shards sets FILE  six processes set the clock until FILE is there, while somebody starts the shards again
 *
 * Nothing is judged by how long something takes: what must come is waited for, PATIENCE_S at most, and was 1000 s away; what
 * must not come is looked for when it would have been due long ago.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include "robust.h"

#define SERVERS "/proc/atoll/servers"
#define MAX 8
#define PATIENCE_S 60
#define FAR_S 1000
#define NEAR_S 15               /* in which all have long been put off              */

static struct worker {
    pid_t pid;
    int to[2], from[2];         /* a letter says what to do; the answer is the same letter */
    int shard;
} worker[2 * MAX];
static unsigned nr_workers;

static struct timespec realtime(void)
{
    struct timespec t;

    MUST(clock_gettime(CLOCK_REALTIME, &t) == 0);
    return t;
}

static void set_clock(long seconds)
{
    struct timespec t = realtime();

    t.tv_sec += seconds;
    MUST(clock_settime(CLOCK_REALTIME, &t) == 0);
}

/* ---- a worker ---- */

static struct { int fd; timer_t timer; pid_t sleeper; } mine;

/* Three things that wait for a time of the realtime clock: a timerfd, a timer, and another process that sleeps (a child's shard
 * may be another, so all pairs of shards are seen). */
static void arm(long seconds)
{
    struct itimerspec v = { .it_value = realtime() };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    sigset_t set;

    v.it_value.tv_sec += seconds;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    MUST((mine.fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK)) >= 0);
    MUST(timerfd_settime(mine.fd, TFD_TIMER_ABSTIME, &v, NULL) == 0);
    MUST(timer_create(CLOCK_REALTIME, &event, &mine.timer) == 0);
    MUST(timer_settime(mine.timer, TIMER_ABSTIME, &v, NULL) == 0);
    MUST((mine.sleeper = fork()) >= 0);
    if (mine.sleeper == 0) {
        for (int fd = 3; fd < 64; fd++)             /* so that the end of a worker is seen */
            close(fd);
        MUST(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &v.it_value, NULL) == 0);
        struct timespec t = realtime();
        _exit(t.tv_sec < v.it_value.tv_sec);
    }
}

/* All three have come, or come now; once. */
static void await(void)
{
    struct timespec patience = { PATIENCE_S, 0 }, none = { 0, 0 };
    struct pollfd p = { .fd = mine.fd, .events = POLLIN };
    uint64_t n = 0;
    sigset_t set;
    int status;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    MUST(sigtimedwait(&set, NULL, &patience) == SIGUSR1);
    MUST(sigtimedwait(&set, NULL, &none) == -1);
    MUST(poll(&p, 1, PATIENCE_S * 1000) == 1);
    MUST(read(mine.fd, &n, sizeof n) == sizeof n && n == 1);
    MUST(waitpid(mine.sleeper, &status, 0) == mine.sleeper && status == 0);
    MUST(timer_delete(mine.timer) == 0 && close(mine.fd) == 0);
}

static void nothing_came(void)
{
    struct pollfd p = { .fd = mine.fd, .events = POLLIN };
    sigset_t set;

    MUST(sigpending(&set) == 0 && !sigismember(&set, SIGUSR1));
    MUST(poll(&p, 1, 0) == 0);
    MUST(waitpid(mine.sleeper, NULL, WNOHANG) == 0);
}

/* Requests of one kind, more than anybody else makes meanwhile. */
#define MANY 400
static void ask(void)
{
    struct itimerval v;

    for (int i = 0; i < MANY; i++)
        MUST(getitimer(ITIMER_REAL, &v) == 0);
}

static void work(struct worker *w)
{
    char what;

    while (read(w->to[0], &what, 1) == 1) {
        switch (what) {
        case 'q': ask(); break;
        case 'f': arm(FAR_S); break;
        case 'n': arm(NEAR_S); break;
        case 'a': await(); break;
        case 'z': nothing_came(); break;
        case '+': set_clock(FAR_S + 60); break;
        case '-': set_clock(-FAR_S - 60); break;
        }
        MUST(write(w->from[1], &what, 1) == 1);
    }
    _exit(0);
}

/* ---- the parent ---- */

static void tell(struct worker *w, char what)
{
    char answer = 0;

    MUST(write(w->to[1], &what, 1) == 1);
    MUST(read(w->from[0], &answer, 1) == 1 && answer == what);
}

static void start(void)
{
    struct worker *w = &worker[nr_workers++];

    MUST(pipe(w->to) == 0 && pipe(w->from) == 0);
    MUST((w->pid = fork()) >= 0);
    if (w->pid == 0) {
        for (unsigned i = 0; i < nr_workers; i++)   /* so that each sees the end of its own */
            close(worker[i].to[1]);
        work(w);
    }
    close(w->to[0]);
    close(w->from[1]);
}

/* Of each shard of time, by its row. Returns their number. */
static unsigned requests(unsigned long count[MAX])
{
    char text[8192], *line;
    int fd = open(SERVERS, O_RDONLY);
    unsigned n = 0;
    ssize_t bytes;

    MUST(fd >= 0 && (bytes = read(fd, text, sizeof text - 1)) > 0 && close(fd) == 0);
    text[bytes] = 0;
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned shard = 0;

        if (strncmp(line, "time ", 5) != 0 && sscanf(line, "time.%u ", &shard) != 1)
            continue;
        MUST(shard < MAX && sscanf(line, "%*s %*s %*s %lu", &count[shard]) == 1);
        n++;
    }
    return n;
}

static int shard_of(struct worker *w, unsigned nr_shards)
{
    unsigned long before[MAX], after[MAX];
    int found = -1;

    MUST(requests(before) == nr_shards);
    tell(w, 'q');
    MUST(requests(after) == nr_shards);
    for (unsigned i = 0; i < nr_shards; i++)
        if (after[i] - before[i] >= MANY) {
            MUST(found < 0);
            found = (int)i;
        }
    MUST(found >= 0);
    return found;
}

static void all(char what)
{
    for (unsigned i = 0; i < nr_workers; i++)
        tell(&worker[i], what);
}

/* Each call succeeds, and what is read after it is what somebody set. */
static void sets(const char *stop)
{
    int status;

    for (unsigned w = 0; w < 6; w++) {
        pid_t pid = fork();

        MUST(pid >= 0);
        while (pid == 0 && access(stop, F_OK) != 0) {
            struct timespec t = { FAR_S * FAR_S * FAR_S + (time_t)w * FAR_S * FAR_S, 0 };

            MUST(clock_settime(CLOCK_REALTIME, &t) == 0);
            t = realtime();
            MUST(t.tv_sec >= FAR_S * FAR_S * FAR_S && t.tv_sec % (FAR_S * FAR_S) < FAR_S);
        }
        if (pid == 0)
            _exit(0);
    }
    while (wait(&status) > 0)
        MUST(status == 0);
    printf("shards: set\n");
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "sets") == 0) {
        sets(argv[2]);
        return 0;
    }
    unsigned nr_shards = argc > 1 ? (unsigned)atoi(argv[1]) : 2, seen = 0;

    signal(SIGPIPE, SIG_IGN);
    if (realtime().tv_sec < FAR_S * FAR_S)
        set_clock(FAR_S * FAR_S * FAR_S);           /* without an RTC it begins in 1970, and cannot be set back */
    for (unsigned i = 0; i < 2 * nr_shards; i++)
        start();
    for (unsigned i = 0; i < nr_workers; i++)
        seen |= 1u << (worker[i].shard = shard_of(&worker[i], nr_shards));
    MUST(seen == (1u << nr_shards) - 1);
    for (unsigned i = 0; i < nr_workers; i++) {
        if (!(seen >> worker[i].shard & 1))
            continue;
        seen &= ~(1u << worker[i].shard);           /* one of each shard sets the clock */
        all('f');
        tell(&worker[i], '+');
        all('a');
        tell(&worker[i], '-');
        all('n');
        tell(&worker[i], '-');
        nap_us((NEAR_S + 1) * 1000000l);            /* they would have come by now */
        all('z');
        tell(&worker[i], '+');
        all('a');
        printf("set by a process of shard %d\n", worker[i].shard);
    }
    for (unsigned i = 0; i < nr_workers; i++) {
        int status;

        close(worker[i].to[1]);
        MUST(waitpid(worker[i].pid, &status, 0) == worker[i].pid && status == 0);
    }
    printf("shards: ok\n");
    return 0;
}
