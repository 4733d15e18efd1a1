/* SPDX-License-Identifier: MIT */
/*
 *   restart COUNT [NAME...]
 *
 * The time server (or its shards, in turn) is started again COUNT times while programs use it; of each program there are as many as
 * there are names. Each program checks, round after round: nothing
 * comes early, nothing is lost (a round that never ends fails after PATIENCE_S), and what a call returns is right. How
 * late something comes is only told: it depends on the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 30
#define MS 1000000ll

static struct shared { volatile int stop; volatile unsigned rounds[64]; volatile int64_t latest[64]; } *shared;
static const char *self;
static int number;

static int64_t now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}
static struct timespec spec(int64_t ns) { return (struct timespec){ ns / 1000000000, ns % 1000000000 }; }

static void fail(const char *what, int64_t a, int64_t b)
{
    printf("%s: %s: %lld, %lld; errno %d\n", self, what, (long long)a, (long long)b, errno);
    fflush(stdout);
    shared->stop = 1;
    _exit(1);
}

/* It came `at`, and was due then. */
static void came(int64_t at, int64_t due)
{
    if (at < due)
        fail("early", at, due);
    if (at - due > shared->latest[number])
        shared->latest[number] = at - due;
    shared->rounds[number]++;
}

static void await_signal(int signo, int64_t due)
{
    struct timespec patience = { PATIENCE_S, 0 };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    if (sigtimedwait(&set, NULL, &patience) != signo)
        fail("lost", now(CLOCK_MONOTONIC), due);
    came(now(CLOCK_MONOTONIC), due);
}

static void sleeper(void)
{
    while (!shared->stop) {
        int64_t due = now(CLOCK_REALTIME) + 7 * MS;
        struct timespec t = spec(due);
        int e = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL);

        if (e)
            fail("clock_nanosleep", e, 0);
        came(now(CLOCK_REALTIME), due);
    }
}

static void alarmer(void)
{
    while (!shared->stop) {
        int64_t due = now(CLOCK_MONOTONIC) + 9 * MS;
        struct itimerval v = { .it_value = { 0, 9000 } };

        if (setitimer(ITIMER_REAL, &v, NULL))
            fail("setitimer", 0, 0);
        await_signal(SIGALRM, due);
    }
}

/* What setitimer returns is what was set by the call before, never by itself. */
static void setter(void)
{
    struct itimerval old, v = { .it_value = { 100, 0 } };

    if (setitimer(ITIMER_REAL, &v, NULL))
        fail("setitimer", 0, 0);
    for (long want = 100; !shared->stop; want = 1100 - want) {
        v.it_value.tv_sec = 1100 - want;
        if (setitimer(ITIMER_REAL, &v, &old))
            fail("setitimer", 0, 0);
        if (old.it_value.tv_sec > want || old.it_value.tv_sec < want - 90)
            fail("old value", old.it_value.tv_sec, want);
        if (alarm((unsigned)(1100 - want)) > (unsigned)(1100 - want))
            fail("alarm", 0, 0);
        shared->rounds[number]++;
    }
}

static void poster(void)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec v = { .it_value = { 0, 8 * MS } }, left;

    while (!shared->stop) {
        timer_t timer;
        int64_t due;

        if (timer_create(CLOCK_MONOTONIC, &event, &timer))
            fail("timer_create", 0, 0);
        due = now(CLOCK_MONOTONIC) + 8 * MS;
        if (timer_settime(timer, 0, &v, NULL) || timer_gettime(timer, &left))
            fail("timer_settime", 0, 0);
        if (left.it_value.tv_nsec > 8 * MS)
            fail("timer_gettime", left.it_value.tv_nsec, 8 * MS);
        await_signal(SIGUSR1, due);
        if (timer_delete(timer))
            fail("timer_delete", 0, 0);
    }
}

/* One periodic timer over everything: at the end each period was counted, once. */
static void counter(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    int64_t start = now(CLOCK_MONOTONIC) + 20 * MS, seen = 0;
    struct itimerspec v = { spec(5 * MS), spec(start) };

    if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &v, NULL))
        fail("timerfd_settime", fd, 0);
    while (!shared->stop) {
        uint64_t n = 0;

        if (read(fd, &n, sizeof n) != sizeof n)
            fail("read", 0, 0);
        seen += (int64_t)n;
        if (start + (seen - 1) * 5 * MS > now(CLOCK_MONOTONIC))
            fail("too many periods", seen, (now(CLOCK_MONOTONIC) - start) / (5 * MS) + 1);
        shared->rounds[number]++;
    }
    /* All that passed before now are counted by the time the next has come. */
    int64_t least = (now(CLOCK_MONOTONIC) - start) / (5 * MS) + 1;
    for (uint64_t n; seen < least && read(fd, &n, sizeof n) == sizeof n; seen += (int64_t)n) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (n == 0 || poll(&p, 1, PATIENCE_S * 1000) != 1)
            fail("lost periods", seen, least);
    }
}

/* One-shot timerfds, waited for by poll. */
static void waiter(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);

    while (!shared->stop) {
        int64_t due = now(CLOCK_MONOTONIC) + 6 * MS;
        struct itimerspec v = { .it_value = spec(6 * MS) };
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint64_t n = 0;

        if (timerfd_settime(fd, 0, &v, NULL))
            fail("timerfd_settime", 0, 0);
        if (poll(&p, 1, PATIENCE_S * 1000) != 1 || read(fd, &n, sizeof n) != sizeof n || n != 1)
            fail("lost", (int64_t)n, 1);
        came(now(CLOCK_MONOTONIC), due);
        if (poll(&p, 1, 3) != 0)        /* and no second one */
            fail("twice", p.revents, 0);
    }
}

/* CPU time: a sleep on another's clock, and ITIMER_PROF. */
static void burner(void)
{
    struct itimerval v = { .it_value = { 0, 20000 } };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPROF);
    while (!shared->stop) {
        int64_t due = now(CLOCK_PROCESS_CPUTIME_ID) + 20 * MS, give_up = now(CLOCK_MONOTONIC) + PATIENCE_S * 1000 * MS;

        if (setitimer(ITIMER_PROF, &v, NULL))
            fail("setitimer", 0, 0);
        do {
            sigpending(&set);
            if (now(CLOCK_MONOTONIC) > give_up)
                fail("lost", now(CLOCK_PROCESS_CPUTIME_ID), due);
        } while (!sigismember(&set, SIGPROF));
        sigemptyset(&set);
        sigaddset(&set, SIGPROF);
        came(now(CLOCK_PROCESS_CPUTIME_ID), due);
        sigwaitinfo(&set, NULL);
    }
}

static void forker(void)
{
    while (!shared->stop) {
        pid_t child = fork();
        int status;

        if (child == 0) {       /* its itimer lives on over exec */
            struct itimerval v = { .it_value = { 0, 30000 } };
            sigset_t none;

            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, NULL);
            setitimer(ITIMER_REAL, &v, NULL);
            execl("/bin/sleep", "sleep", "60", (char *)NULL);
            _exit(9);
        }
        if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM)
            fail("exec lost its alarm", status, 0);
        shared->rounds[number]++;
    }
}

/* Threads share one session: one of them drains it for all. */
static void *sleep_in_thread(void *arg)
{
    (void)arg;
    sleeper();
    return NULL;
}

static void threads(void)
{
    pthread_t thread[4];

    for (unsigned i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, sleep_in_thread, NULL))
            fail("pthread_create", i, 0);
    setter();
    for (unsigned i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
}

static const struct { const char *name; void (*run)(void); } programs[] = {
    { "clock_nanosleep", sleeper }, { "alarm", alarmer }, { "setitimer", setter }, { "timer_create", poster },
    { "timerfd periodic", counter }, { "timerfd once", waiter }, { "itimer prof", burner }, { "exec", forker },
    { "threads", threads },
};
#define NR (sizeof programs / sizeof programs[0])

int main(int argc, char **argv)
{
    static char *time_alone[] = { "time" };
    int count = argc > 1 ? atoi(argv[1]) : 50, bad = 0, nr_names = argc > 2 ? argc - 2 : 1;
    char **names = argc > 2 ? argv + 2 : time_alone;
    unsigned nr_workers = NR * (unsigned)nr_names;
    uint64_t random = 88172645463325252ull;
    sigset_t all;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (nr_workers > sizeof shared->rounds / sizeof shared->rounds[0])
        return 2;
    for (number = 0; number < (int)nr_workers; number++) {
        if (fork() == 0) {
            self = programs[number % (int)NR].name;
            programs[number % (int)NR].run();
            _exit(0);
        }
    }
    for (int i = 0; i < count && !shared->stop; i++) {
        int fd = open("/proc/atoll/servers", O_WRONLY);
        char command[64];
        unsigned before[64];
        int n_command = snprintf(command, sizeof command, "restart %s\n", names[i % nr_names]);

        if (fd < 0 || write(fd, command, (size_t)n_command) != n_command) {
            perror("restart");
            bad = 1;
        }
        close(fd);
        /* everybody gets on before the next, at a moment that is any */
        for (unsigned n = 0; n < nr_workers; n++)
            before[n] = shared->rounds[n];
        for (unsigned n = 0; n < nr_workers && !shared->stop; n += before[n] != shared->rounds[n])
            usleep(500);
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        usleep((useconds_t)(random % 4000));
    }
    shared->stop = 1;
    for (unsigned n = 0; n < nr_workers; n++) {
        int status;

        wait(&status);
        bad |= status != 0;
    }
    for (unsigned n = 0; n < nr_workers; n++)
        printf("%s: %u rounds, at most %lld us late\n", programs[n % NR].name, shared->rounds[n], (long long)shared->latest[n] / 1000);
    return bad;
}
