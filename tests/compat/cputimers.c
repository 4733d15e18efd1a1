/* SPDX-License-Identifier: MIT */
/*
 * RLIMIT_CPU, timers on CPU time and sleeping on it. What is checked is that
 * nothing comes before its CPU time was used, and that everything comes.
 */
#include "compat.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000ll

static volatile sig_atomic_t nr_signals;
static volatile int last_code, last_overrun, last_value;

static void on_signal(int signo, siginfo_t *si, void *context)
{
    (void)signo, (void)context;
    last_code = si->si_code;
    last_value = si->si_value.sival_int;
    last_overrun = si->si_overrun;
    nr_signals++;
}

static int catch(int signo)
{
    struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    nr_signals = 0;
    return sigaction(signo, &sa, NULL);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) ? -1 : t.tv_sec * 1000000000ll + t.tv_nsec;
}

static struct timespec ts(int64_t ns) { return (struct timespec){ ns / 1000000000, ns % 1000000000 }; }

static volatile uint64_t sink;
static void work(void)
{
    for (int i = 0; i < 20000; i++)
        sink += (uint64_t)i * i;
}

/* ---- RLIMIT_CPU ---- */

static int used_up_to(struct rlimit limit)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0) {
        if (setrlimit(RLIMIT_CPU, &limit))
            _exit(99);
        for (;;)
            work();
    }
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int the_soft_cpu_limit_is_sigxcpu_the_hard_one_sigkill(void)
{
    struct rlimit l;
    int status = used_up_to((struct rlimit){ 1, RLIM_INFINITY });
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
    status = used_up_to((struct rlimit){ 1, 1 });
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(getrlimit(RLIMIT_CPU, &l) == 0 && l.rlim_cur == RLIM_INFINITY);
    return 0;
}

static int sigxcpu_comes_again_each_second(void)
{
    int status, fd[2], n = 0;
    char byte;
    CHECK(pipe(fd) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct rlimit l = { 1, 3 };
        sig_atomic_t seen = 0;
        catch(SIGXCPU);
        setrlimit(RLIMIT_CPU, &l);
        for (;;) {
            work();
            if (nr_signals == seen)
                continue;
            if (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < (seen + 1) * 1000 * MS - 20 * MS ||
                getrlimit(RLIMIT_CPU, &l) || l.rlim_cur != (rlim_t)seen + 2 || last_code != SI_KERNEL)
                _exit(1);
            seen = nr_signals;
            if (write(fd[1], "x", 1) != 1)
                _exit(2);
        }
    }
    close(fd[1]);
    while (read(fd[0], &byte, 1) == 1)
        n++;
    close(fd[0]);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(n == 2);
    return 0;
}

static int a_cpu_limit_counts_no_sleep(void)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct rlimit l = { 1, 1 };
        struct timespec t = ts(1300 * MS);
        setrlimit(RLIMIT_CPU, &l);
        nanosleep(&t, NULL);
        _exit(5);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    return 0;
}

static void *burn(void *arg)
{
    for (;;)
        work();
    return arg;
}

static int threads_use_up_a_limit_together(void)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct rlimit l = { 1, 1 };
        pthread_t t;
        setrlimit(RLIMIT_CPU, &l);
        for (int i = 0; i < 3; i++)
            pthread_create(&t, NULL, burn, NULL);
        pause();
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return 0;
}

/* ---- itimers ---- */

static int itimers_count_cpu_time(void)
{
    static const struct { int which, signo; } kinds[] = { { ITIMER_PROF, SIGPROF }, { ITIMER_VIRTUAL, SIGVTALRM } };
    for (int i = 0; i < 2; i++) {
        struct itimerval v = { { 0, 20000 }, { 0, 50000 } }, left;
        struct timespec t = ts(80 * MS);
        CHECK(catch(kinds[i].signo) == 0);
        int64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        CHECK(setitimer(kinds[i].which, &v, NULL) == 0);
        CHECK(nanosleep(&t, NULL) == 0);        /* not interrupted: no CPU time passes */
        CHECK(nr_signals == 0);
        CHECK(getitimer(kinds[i].which, &left) == 0);
        CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_usec > 0 && left.it_interval.tv_usec == 20000);
        while (nr_signals == 0)
            work();
        CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 49 * MS);
        while (nr_signals < 5)
            work();
        CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 120 * MS);
        memset(&v, 0, sizeof v);
        CHECK(setitimer(kinds[i].which, &v, &left) == 0);
        CHECK(left.it_interval.tv_usec == 20000);
        CHECK(getitimer(kinds[i].which, &left) == 0 && left.it_value.tv_usec == 0);
    }
    return 0;
}

/* ---- POSIX timers ---- */

static int run_timer(clockid_t clock)
{
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 4711 };
    struct itimerspec v = { { 0, 10 * MS }, { 0, 30 * MS } }, got;
    struct timespec t = ts(60 * MS);
    timer_t timer;
    CHECK(catch(SIGRTMIN + 1) == 0);
    CHECK(timer_create(clock, &ev, &timer) == 0);
    CHECK(timer_gettime(timer, &got) == 0 && got.it_value.tv_sec == 0 && got.it_value.tv_nsec == 0);
    int64_t start = clock_ns(clock);
    CHECK(timer_settime(timer, 0, &v, NULL) == 0);
    CHECK(nanosleep(&t, NULL) == 0 && nr_signals == 0);
    CHECK(timer_gettime(timer, &got) == 0 && got.it_value.tv_nsec > 0 && got.it_value.tv_nsec <= 30 * MS);
    CHECK(got.it_interval.tv_nsec == 10 * MS);
    while (nr_signals == 0)
        work();
    CHECK(clock_ns(clock) - start >= 30 * MS);
    CHECK(last_code == SI_TIMER && last_value == 4711);
    while (nr_signals < 3)
        work();
    CHECK(clock_ns(clock) - start >= 50 * MS);
    /* absolute, and once */
    v = (struct itimerspec){ { 0, 0 }, ts(clock_ns(clock) + 20 * MS) };
    int64_t due = v.it_value.tv_sec * 1000000000ll + v.it_value.tv_nsec;
    CHECK(timer_settime(timer, TIMER_ABSTIME, &v, NULL) == 0);
    nr_signals = 0;
    while (nr_signals == 0)
        work();
    CHECK(clock_ns(clock) >= due);
    CHECK(timer_gettime(timer, &got) == 0 && got.it_value.tv_sec == 0 && got.it_value.tv_nsec == 0);
    CHECK(timer_delete(timer) == 0);
    return 0;
}

static int posix_timers_run_on_the_processs_clock(void) { return run_timer(CLOCK_PROCESS_CPUTIME_ID); }
static int posix_timers_run_on_the_threads_clock(void) { return run_timer(CLOCK_THREAD_CPUTIME_ID); }

static volatile int stop;
static void *burn_a_while(void *arg)
{
    while (!stop)
        work();
    return arg;
}

static int a_timer_runs_on_another_threads_clock(void)
{
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
    struct itimerspec v = { { 0, 0 }, { 0, 30 * MS } };
    struct timespec t = ts(5 * MS);
    clockid_t clock;
    pthread_t other;
    timer_t timer;
    stop = 0;
    CHECK(catch(SIGRTMIN + 1) == 0);
    CHECK(pthread_create(&other, NULL, burn_a_while, NULL) == 0);
    CHECK(pthread_getcpuclockid(other, &clock) == 0);
    CHECK(timer_create(clock, &ev, &timer) == 0);
    int64_t start = clock_ns(clock);
    CHECK(start >= 0 && timer_settime(timer, 0, &v, NULL) == 0);
    while (nr_signals == 0)
        nanosleep(&t, NULL);
    CHECK(clock_ns(clock) - start >= 30 * MS);
    stop = 1;
    CHECK(pthread_join(other, NULL) == 0);
    CHECK(timer_delete(timer) == 0);
    return 0;
}

static int a_timer_and_a_sleep_run_on_another_processs_clock(void)
{
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1 };
    struct itimerspec v = { { 0, 0 }, { 0, 30 * MS } };
    struct timespec t = ts(5 * MS);
    clockid_t clock;
    timer_t timer;
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        burn(NULL);
    CHECK(catch(SIGRTMIN + 1) == 0);
    CHECK(clock_getcpuclockid(pid, &clock) == 0);
    CHECK(timer_create(clock, &ev, &timer) == 0);
    int64_t start = clock_ns(clock);
    CHECK(timer_settime(timer, 0, &v, NULL) == 0);
    while (nr_signals == 0)
        nanosleep(&t, NULL);
    CHECK(clock_ns(clock) - start >= 30 * MS);
    start = clock_ns(clock);
    t = ts(20 * MS);
    CHECK(clock_nanosleep(clock, 0, &t, NULL) == 0);
    CHECK(clock_ns(clock) - start >= 20 * MS);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK_ERRNO(timer_create(clock, &ev, &timer), EINVAL);
    return 0;
}

/* ---- sleeping ---- */

static void *sleep_on_cpu_time(void *arg)
{
    struct timespec t = ts(40 * MS);
    int64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    (void)arg;
    if (clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL))
        return (void *)1;
    if (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start < 40 * MS)
        return (void *)2;
    t = ts(clock_ns(CLOCK_PROCESS_CPUTIME_ID) + 20 * MS);
    if (clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL))
        return (void *)3;
    stop = 1;
    return NULL;
}

static int sleeping_on_cpu_time_lasts_while_others_use_it(void)
{
    struct timespec t = ts(MS);
    pthread_t sleeper;
    void *result;
    stop = 0;
    CHECK(pthread_create(&sleeper, NULL, sleep_on_cpu_time, NULL) == 0);
    burn_a_while(NULL);
    CHECK(pthread_join(sleeper, &result) == 0 && result == NULL);
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EOPNOTSUPP);
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, (int)(~0u << 3 | 6), 0, &t, NULL), EINVAL);     /* the caller's own */
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, -1, 0, &t, NULL), EINVAL);
    return 0;
}

static int a_sleep_on_cpu_time_is_interrupted(void)
{
    struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
    struct timespec t = ts(5000 * MS), left = { 0, 0 };
    CHECK(catch(SIGALRM) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, &left) == EINTR);
    CHECK(nr_signals == 1 && left.tv_sec == 4 && left.tv_nsec > 0);
    return 0;
}

COMPAT_MAIN(T(the_soft_cpu_limit_is_sigxcpu_the_hard_one_sigkill), T(sigxcpu_comes_again_each_second),
            T(a_cpu_limit_counts_no_sleep), T(threads_use_up_a_limit_together), T(itimers_count_cpu_time),
            T(posix_timers_run_on_the_processs_clock), T(posix_timers_run_on_the_threads_clock),
            T(a_timer_runs_on_another_threads_clock), T(a_timer_and_a_sleep_run_on_another_processs_clock),
            T(sleeping_on_cpu_time_lasts_while_others_use_it), T(a_sleep_on_cpu_time_is_interrupted))
