/* SPDX-License-Identifier: MIT */
/*
 * Signals: handlers, masks, waiting, alternate stacks, faults, restarts.
 */
#include "compat.h"
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last, in_alt;
static volatile siginfo_t info;    /* kill() is a leaf to the compiler */
static sigjmp_buf back;

static void on_signal(int n) { count++; last = n; }
static void on_info(int n, siginfo_t *si, void *c) { (void)c; count++; last = n; memcpy((void *)&info, si, sizeof info); }
static void on_fault(int n, siginfo_t *si, void *c) { (void)c; last = n; memcpy((void *)&info, si, sizeof info); siglongjmp(back, 1); }

static int catch_with(int n, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = fn;
    a.sa_flags = SA_SIGINFO | flags;
    count = last = 0;
    return sigaction(n, &a, NULL);
}

static int a_handler_runs_and_returns(void)
{
    volatile double d = 1.5;
    CHECK(catch_with(SIGUSR1, on_info, 0) == 0);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(count == 1 && last == SIGUSR1 && info.si_pid == getpid() && info.si_code == SI_TKILL);
    CHECK(d * 2 == 3.0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(count == 2 && info.si_code == SI_USER);
    return 0;
}

static void clobber_fp(int n) { volatile double x = sqrt(n + 2.0) * 3.25; (void)x; count++; }

static int floating_point_survives_a_handler(void)
{
    CHECK(signal(SIGALRM, clobber_fp) != SIG_ERR);
    count = 0;
    struct itimerval tv = { { 0, 1000 }, { 0, 1000 } };
    CHECK(setitimer(ITIMER_REAL, &tv, NULL) == 0);
    for (long round = 0; count < 20 && round < 2000000; round++) {
        double a = 1.0;
        for (int i = 1; i < 200; i++)
            a = a * 1.0000001 + i * 0.5 - i * 0.5;
        CHECK(a > 1.0 && a < 1.001);
    }
    memset(&tv, 0, sizeof tv);
    CHECK(setitimer(ITIMER_REAL, &tv, NULL) == 0);
    CHECK(count >= 20);
    return 0;
}

static int blocked_signals_wait(void)
{
    sigset_t set, old, pending;
    CHECK(catch_with(SIGUSR2, on_info, 0) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    CHECK(raise(SIGUSR2) == 0 && raise(SIGUSR2) == 0);
    CHECK(count == 0);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2));
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    CHECK(count == 1);
    return 0;
}

static int ignored_signals_are_dropped(void)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(signal(SIGUSR2, on_signal) != SIG_ERR);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR2) == 0);
    CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR2));
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    return 0;
}

static int masks_apply_during_a_handler(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESETHAND;
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
    count = 0;
    CHECK(raise(SIGUSR1) == 0 && count == 1);
    CHECK(sigaction(SIGUSR1, NULL, &a) == 0 && a.sa_handler == SIG_DFL);
    return 0;
}

static void on_alt(int n) { char here; stack_t s; (void)n; sigaltstack(NULL, &s); in_alt = s.ss_flags == SS_ONSTACK && &here > (char *)s.ss_sp && &here < (char *)s.ss_sp + s.ss_size; }

static int alternate_stacks_are_used(void)
{
    static char stack[65536];
    stack_t s = { .ss_sp = stack, .ss_size = sizeof stack }, old;
    struct sigaction a;
    CHECK(sigaltstack(&s, NULL) == 0);
    memset(&a, 0, sizeof a);
    a.sa_handler = on_alt;
    a.sa_flags = SA_ONSTACK;
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
    in_alt = 0;
    CHECK(raise(SIGUSR1) == 0 && in_alt);
    s.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&s, &old) == 0 && old.ss_sp == stack && old.ss_flags == 0);
    s.ss_flags = 0;
    s.ss_size = 100;
    CHECK_ERRNO(sigaltstack(&s, NULL), ENOMEM);
    return 0;
}

static int segv_tells_address_and_code(void)
{
    char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK(catch_with(SIGSEGV, on_fault, 0) == 0);
    if (!sigsetjmp(back, 1)) {
        *(volatile char *)(p + 5) = 1;
        CHECK(0);
    }
    CHECK(last == SIGSEGV && info.si_addr == p + 5 && info.si_code == SEGV_ACCERR);
    CHECK(munmap(p, 4096) == 0);
    if (!sigsetjmp(back, 1)) {
        *(volatile char *)(p + 6) = 1;
        CHECK(0);
    }
    CHECK(info.si_addr == p + 6 && info.si_code == SEGV_MAPERR);
    signal(SIGSEGV, SIG_DFL);
    return 0;
}

static int illegal_instructions_and_traps(void)
{
#ifdef __riscv
    CHECK(catch_with(SIGILL, on_fault, 0) == 0);
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile(".4byte 0xffffffff");
        CHECK(0);
    }
    CHECK(last == SIGILL);
    CHECK(catch_with(SIGTRAP, on_fault, 0) == 0);
    if (!sigsetjmp(back, 1)) {
        __asm__ volatile("ebreak");
        CHECK(0);
    }
    CHECK(last == SIGTRAP && info.si_code == TRAP_BRKPT);
#endif
    return 0;
}

static int an_unhandled_fault_kills(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        volatile uintptr_t nowhere = 16;    /* the compiler warns of the constant */
        *(volatile int *)nowhere = 1;
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    return 0;
}

static void later(int signo, long us)
{
    pid_t parent = getpid();
    if (!fork()) {
        usleep((useconds_t)us);
        kill(parent, signo);
        _exit(0);
    }
}

static int read_is_interrupted_without_SA_RESTART(void)
{
    int p[2];
    char c;
    CHECK(pipe(p) == 0);
    CHECK(catch_with(SIGUSR1, on_info, 0) == 0);
    later(SIGUSR1, 20000);
    CHECK_ERRNO(read(p[0], &c, 1), EINTR);
    CHECK(count == 1);
    CHECK(wait(NULL) > 0);
    close(p[0]);
    close(p[1]);
    return 0;
}

static int wait_restarts_with_SA_RESTART(void)
{
    CHECK(catch_with(SIGUSR1, on_info, SA_RESTART) == 0);
    pid_t parent = getpid(), pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        usleep(20000);
        kill(parent, SIGUSR1);
        usleep(20000);
        _exit(5);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
    CHECK(count == 1);
    return 0;
}

static int nanosleep_tells_what_is_left(void)
{
    struct timespec t = { 5, 0 }, left = { 0, 0 };
    CHECK(catch_with(SIGUSR1, on_info, SA_RESTART) == 0);
    later(SIGUSR1, 20000);
    CHECK_ERRNO(nanosleep(&t, &left), EINTR);
    CHECK(left.tv_sec == 4);
    CHECK(wait(NULL) > 0);
    return 0;
}

static int sigsuspend_waits_with_its_mask(void)
{
    sigset_t block, none, now;
    CHECK(catch_with(SIGUSR1, on_info, 0) == 0);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0 && count == 0);
    CHECK_ERRNO(sigsuspend(&none), EINTR);
    CHECK(count == 1);
    CHECK(sigprocmask(SIG_UNBLOCK, &block, &now) == 0 && sigismember(&now, SIGUSR1));
    return 0;
}

static int sigtimedwait_takes_and_times_out(void)
{
    sigset_t set;
    siginfo_t si;
    struct timespec t = { 0, 20000000 };
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    signal(SIGUSR2, on_signal);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK_ERRNO(sigtimedwait(&set, &si, &t), EAGAIN);
    union sigval v = { .sival_int = 77 };
    CHECK(sigqueue(getpid(), SIGUSR2, v) == 0);
    CHECK(sigwaitinfo(&set, &si) == SIGUSR2);
    CHECK(si.si_code == SI_QUEUE && si.si_value.sival_int == 77 && si.si_pid == getpid());
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    return 0;
}

static int realtime_signals_queue(void)
{
    sigset_t set;
    siginfo_t si;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 3; i++) {
        union sigval v = { .sival_int = i };
        CHECK(sigqueue(getpid(), SIGRTMIN + 1, v) == 0);
    }
    for (int i = 0; i < 3; i++)
        CHECK(sigwaitinfo(&set, &si) == SIGRTMIN + 1 && si.si_value.sival_int == i);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    return 0;
}

static int sigpipe_is_raised(void)
{
    int p[2];
    CHECK(pipe(p) == 0 && close(p[0]) == 0);
    CHECK(catch_with(SIGPIPE, on_info, 0) == 0);
    CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
    CHECK(count == 1 && last == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
    signal(SIGPIPE, SIG_DFL);
    close(p[1]);
    return 0;
}

static int sigchld_comes_with_its_story(void)
{
    CHECK(catch_with(SIGCHLD, on_info, 0) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid)
        _exit(3);
    while (!count)
        usleep(1000);
    CHECK(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 3);
    CHECK(waitpid(pid, NULL, 0) == pid);
    signal(SIGCHLD, SIG_DFL);
    return 0;
}

static void *send_to_main(void *t)
{
    usleep(10000);
    pthread_kill(*(pthread_t *)t, SIGUSR1);
    return NULL;
}

static int a_signal_reaches_a_chosen_thread(void)
{
    pthread_t me = pthread_self(), other;
    CHECK(catch_with(SIGUSR1, on_info, 0) == 0);
    CHECK(pthread_create(&other, NULL, send_to_main, &me) == 0);
    struct timespec t = { 3, 0 };
    CHECK_ERRNO(nanosleep(&t, NULL), EINTR);
    CHECK(count == 1);
    CHECK(pthread_join(other, NULL) == 0);
    return 0;
}

static int ppoll_swaps_the_mask(void)
{
    sigset_t block, none;
    struct timespec t = { 1, 0 };
    CHECK(catch_with(SIGUSR1, on_info, 0) == 0);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK_ERRNO(ppoll(NULL, 0, &t, &none), EINTR);
    CHECK(count == 1);
    CHECK(sigprocmask(SIG_UNBLOCK, &block, NULL) == 0);
    return 0;
}

static int without_a_core_file_the_status_tells_of_none(void)
{
    static const int signos[] = { SIGQUIT, SIGABRT, SIGSEGV };
    struct rlimit none = { 0, 0 };
    siginfo_t info;
    int status;

    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            setrlimit(RLIMIT_CORE, &none);
            signal(signos[i], SIG_DFL);
            raise(signos[i]);
            _exit(1);
        }
        CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
        CHECK(info.si_code == CLD_KILLED && info.si_status == signos[i]);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signos[i] && !WCOREDUMP(status));
    }
    return 0;
}

static const struct compat_test tests[] = {
    { "without_a_core_file_the_status_tells_of_none", without_a_core_file_the_status_tells_of_none },
    { "a_handler_runs_and_returns", a_handler_runs_and_returns },
    { "floating_point_survives_a_handler", floating_point_survives_a_handler },
    { "blocked_signals_wait", blocked_signals_wait },
    { "ignored_signals_are_dropped", ignored_signals_are_dropped },
    { "masks_apply_during_a_handler", masks_apply_during_a_handler },
    { "alternate_stacks_are_used", alternate_stacks_are_used },
    { "segv_tells_address_and_code", segv_tells_address_and_code },
    { "illegal_instructions_and_traps", illegal_instructions_and_traps },
    { "an_unhandled_fault_kills", an_unhandled_fault_kills },
    { "read_is_interrupted_without_SA_RESTART", read_is_interrupted_without_SA_RESTART },
    { "wait_restarts_with_SA_RESTART", wait_restarts_with_SA_RESTART },
    { "nanosleep_tells_what_is_left", nanosleep_tells_what_is_left },
    { "sigsuspend_waits_with_its_mask", sigsuspend_waits_with_its_mask },
    { "sigtimedwait_takes_and_times_out", sigtimedwait_takes_and_times_out },
    { "realtime_signals_queue", realtime_signals_queue },
    { "sigpipe_is_raised", sigpipe_is_raised },
    { "sigchld_comes_with_its_story", sigchld_comes_with_its_story },
    { "a_signal_reaches_a_chosen_thread", a_signal_reaches_a_chosen_thread },
    { "ppoll_swaps_the_mask", ppoll_swaps_the_mask },
};

int main(int argc, char **argv)
{
    return compat_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
