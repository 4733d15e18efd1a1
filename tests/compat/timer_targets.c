/* SPDX-License-Identifier: MIT */
/* Whom a timer may signal (SIGEV_THREAD_ID): threads of the process that made it, nobody else. */
#include "compat.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

struct event { long value; int signo, notify, tid, pad[11]; };      /* struct sigevent, with the thread's number */

static volatile int caught_by;

static void on_signal(int signo)
{
    (void)signo;
    caught_by = (int)syscall(SYS_gettid);
}

static long make(int tid, int signo, int *timer)
{
    struct event e = { .signo = signo, .notify = 4, .tid = tid };
    return syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, timer);
}

static int others_cannot_be_signalled(void)
{
    int timer, status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK_ERRNO(make(1, SIGKILL, &timer), EINVAL);
    CHECK_ERRNO(make(getppid(), SIGKILL, &timer), EINVAL);
    CHECK_ERRNO(make(child, SIGKILL, &timer), EINVAL);
    CHECK_ERRNO(make(0, SIGUSR1, &timer), EINVAL);
    CHECK_ERRNO(make(-1, SIGUSR1, &timer), EINVAL);
    CHECK_ERRNO(make(99999999, SIGUSR1, &timer), EINVAL);
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    return 0;
}

static void *wait_there(void *tid)
{
    *(volatile int *)tid = (int)syscall(SYS_gettid);
    while (!caught_by)
        pause();
    return NULL;
}

static int a_thread_of_its_own_is_signalled(void)
{
    struct itimerspec soon = { .it_value = { 0, 1000000 }, .it_interval = { 0, 1000000 } };
    struct sigaction sa = { .sa_handler = on_signal };
    volatile int tid = 0;
    pthread_t thread;
    int timer;
    CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, wait_there, (void *)&tid) == 0);
    while (!tid)
        usleep(1000);
    CHECK(make(tid, SIGUSR1, &timer) == 0);
    CHECK(syscall(SYS_timer_settime, timer, 0, &soon, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(caught_by == tid);
    CHECK(syscall(SYS_timer_delete, timer) == 0);
    return 0;
}

COMPAT_MAIN(T(others_cannot_be_signalled), T(a_thread_of_its_own_is_signalled))
