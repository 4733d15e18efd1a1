/* SPDX-License-Identifier: MIT */
/* compat: glibc musl; timeout=60 */
/*
 * Threads and futexes.
 */
#include "compat.h"
#include <sys/stat.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static long futex(void *a, int op, uint32_t v, void *t, void *b, uint32_t v3)
{
    return syscall(SYS_futex, a, op, v, t, b, v3);
}

static void *add_one(void *p) { return (char *)p + 1; }

static int threads_start_and_join(void)
{
    for (int round = 0; round < 200; round++) {
        pthread_t t[4];
        void *r;
        for (long i = 0; i < 4; i++)
            CHECK(pthread_create(&t[i], NULL, add_one, (void *)i) == 0);
        for (long i = 0; i < 4; i++)
            CHECK(pthread_join(t[i], &r) == 0 && r == (void *)(i + 1));
    }
    return 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter, turn;

static void *hammer(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static int a_contended_mutex_loses_nothing(void)
{
    pthread_t t[4];
    counter = 0;
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, hammer, (void *)20000) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    CHECK(counter == 80000);
    return 0;
}

static void *pong(void *n)
{
    pthread_mutex_lock(&mutex);
    for (long i = 0; i < (long)n; i++) {
        while (turn != 1)
            pthread_cond_wait(&cond, &mutex);
        turn = 0;
        pthread_cond_broadcast(&cond);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static int condition_variables_ping_pong(void)
{
    pthread_t t;
    turn = 0;
    CHECK(pthread_create(&t, NULL, pong, (void *)2000) == 0);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 2000; i++) {
        while (turn != 0)
            pthread_cond_wait(&cond, &mutex);
        turn = 1;
        pthread_cond_broadcast(&cond);
    }
    pthread_mutex_unlock(&mutex);
    CHECK(pthread_join(t, NULL) == 0);
    return 0;
}

static int futex_answers_as_linux_does(void)
{
    uint32_t word = 1;
    struct timespec t = { 0, 10000000 };
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, &t, NULL, 0), ETIMEDOUT);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((char *)&word + 1, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((void *)16, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EFAULT);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 0);
    CHECK_ERRNO(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    t.tv_nsec = -1;
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 1, &t, NULL, 0), EINVAL);
    return 0;
}

static uint32_t word_a, word_b;
static void *wait_on_a(void *arg) { (void)arg; futex(&word_a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST); return NULL; }

static int requeue_moves_waiters(void)
{
    pthread_t t[3];
    counter = 0;
    word_a = word_b = 0;
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&t[i], NULL, wait_on_a, NULL) == 0);
    long done = 0;
    for (int tries = 0; done < 3 && tries < 1000; tries++) {
        usleep(1000);
        done += futex(&word_a, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)3, &word_b, 0);
    }
    CHECK(done == 3 && counter == 0);
    CHECK(futex(&word_a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 0);
    CHECK(futex(&word_b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
    CHECK(futex(&word_b, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0) == 2);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    CHECK(counter == 3);
    return 0;
}

static int futexes_in_shared_memory_work_between_processes(void)
{
    uint32_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    CHECK(p != MAP_FAILED);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        struct timespec t = { 5, 0 };
        while (!__atomic_load_n(p, __ATOMIC_SEQ_CST))
            if (futex(p, FUTEX_WAIT, 0, &t, NULL, 0) && errno == ETIMEDOUT)
                _exit(1);
        _exit(0);
    }
    usleep(20000);
    __atomic_store_n(p, 1, __ATOMIC_SEQ_CST);
    futex(p, FUTEX_WAKE, 1, NULL, NULL, 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    munmap(p, 4096);
    return 0;
}

static pthread_mutex_t robust;
static void *die_with_lock(void *arg) { pthread_mutex_lock(&robust); return arg; }

static int a_robust_mutex_survives_its_owner(void)
{
    pthread_mutexattr_t a;
    pthread_t t;
    CHECK(pthread_mutexattr_init(&a) == 0 && pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&robust, &a) == 0);
    CHECK(pthread_create(&t, NULL, die_with_lock, NULL) == 0 && pthread_join(t, NULL) == 0);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
    return 0;
}

static pthread_mutex_t pi;
static void *hammer_pi(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        pthread_mutex_lock(&pi);
        counter++;
        pthread_mutex_unlock(&pi);
    }
    return NULL;
}

static int priority_inheriting_mutexes_exclude(void)
{
    pthread_mutexattr_t a;
    pthread_t t[3];
    counter = 0;
    CHECK(pthread_mutexattr_init(&a) == 0 && pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT) == 0);
    CHECK(pthread_mutex_init(&pi, &a) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&t[i], NULL, hammer_pi, (void *)2000) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    CHECK(counter == 6000);
    return 0;
}

static __thread int mine;
static void *set_mine(void *v) { mine = (int)(long)v; sched_yield(); return (void *)(long)(mine == (int)(long)v); }

static int thread_local_storage_is_local(void)
{
    pthread_t t[4];
    void *r;
    mine = -1;
    for (long i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, set_mine, (void *)(i + 1)) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(t[i], &r) == 0 && r == (void *)1);
    CHECK(mine == -1);
    return 0;
}

static void *fork_here(void *arg)
{
    int status;
    pid_t pid = fork();
    (void)arg;
    if (!pid)
        _exit(getpid() == syscall(SYS_gettid) ? 0 : 1);
    return (void *)(long)(waitpid(pid, &status, 0) == pid && status == 0);
}

static int a_thread_may_fork(void)
{
    pthread_t t;
    void *r;
    CHECK(pthread_create(&t, NULL, fork_here, NULL) == 0 && pthread_join(t, &r) == 0);
    CHECK(r == (void *)1);
    return 0;
}

static void *sleep_long(void *arg) { sleep(100); return arg; }
static void *exit_all(void *arg) { usleep(10000); _exit((int)(long)arg); }

static int exit_group_ends_all_threads(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        pthread_t t;
        for (int i = 0; i < 3; i++)
            pthread_create(&t, NULL, sleep_long, NULL);
        pthread_create(&t, NULL, exit_all, (void *)17);
        pause();
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 17);
    return 0;
}

static void *exec_true(void *path) { execl(path, path, "--true", (char *)NULL); return NULL; }
static char self[512];

static int exec_by_another_thread_keeps_the_pid(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        pthread_t t;
        pthread_create(&t, NULL, sleep_long, NULL);
        pthread_create(&t, NULL, exec_true, self);
        for (;;)
            pause();
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 23);
    return 0;
}

static void *leave_main(void *arg) { (void)arg; usleep(20000); _exit(31); }

static int the_main_thread_may_end_first(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        pthread_t t;
        pthread_create(&t, NULL, leave_main, NULL);
        pthread_exit(NULL);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 31);
    return 0;
}

static int cancelled_by_pthread_cancel(void)
{
    pthread_t t;
    void *r;
    CHECK(pthread_create(&t, NULL, sleep_long, NULL) == 0);
    usleep(10000);
    CHECK(pthread_cancel(t) == 0 && pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
    return 0;
}

#define ASK_THREADS 6
#define ASK_ROUNDS  300

/* Each thread asks another server than the one beside it, so that whoever waits
 * for all of them does so while new ones come up. */
static void *ask_one_server(void *arg)
{
    long kind = (long)arg % 3;
    struct timespec shortly = { 0, 1000 };
    struct stat st;
    for (int i = 0; i < ASK_ROUNDS; i++) {
        long bad = kind == 0   ? fstat(0, &st) && errno != EBADF
                   : kind == 1 ? getpgid(getppid()) < 0 && errno != ESRCH
                               : clock_nanosleep(CLOCK_MONOTONIC, 0, &shortly, NULL);
        if (bad)
            return (void *)1;
        if (i % 16 == 15)
            sched_yield();
    }
    return NULL;
}

static int threads_ask_all_servers_at_once(void)
{
    pthread_t t[ASK_THREADS];
    void *failed;
    for (int round = 0; round < 3; round++) {
        for (long i = 0; i < ASK_THREADS; i++)
            CHECK(pthread_create(&t[i], NULL, ask_one_server, (void *)i) == 0);
        for (int i = 0; i < ASK_THREADS; i++)
            CHECK(pthread_join(t[i], &failed) == 0 && failed == NULL);
    }
    return 0;
}

/* The status of exit_group is the one that counts, whoever else would exit next. */
static void *exits_the_process(void *arg)
{
    (void)arg;
    _exit(42);
}

static int exit_of_a_thread_is_the_process_status(void)
{
    for (int i = 0; i < 40; i++) {
        int status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            pthread_t t;
            if (pthread_create(&t, NULL, exits_the_process, NULL) != 0)
                _exit(1);
            pthread_join(t, NULL);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
    return 0;
}

static void *creates_and_joins(void *arg)
{
    for (int i = 0; i < 40; i++) {
        pthread_t t;
        void *r;
        if (pthread_create(&t, NULL, add_one, arg) != 0 || pthread_join(t, &r) != 0 || r != (char *)arg + 1)
            return (void *)1;
    }
    return NULL;
}

/* Ends of threads, starts of others in their place and requests, all at once. */
static int creators_do_not_disturb_one_another(void)
{
    pthread_t t[5];
    void *r;
    for (int i = 0; i < 5; i++)
        CHECK(pthread_create(&t[i], NULL, i < 4 ? creates_and_joins : ask_one_server, (void *)(long)(i < 4 ? i : 0)) == 0);
    for (int i = 0; i < 5; i++)
        CHECK(pthread_join(t[i], &r) == 0 && r == NULL);
    return 0;
}

static const struct compat_test tests[] = {
    { "threads_start_and_join", threads_start_and_join },
    { "a_contended_mutex_loses_nothing", a_contended_mutex_loses_nothing },
    { "condition_variables_ping_pong", condition_variables_ping_pong },
    { "futex_answers_as_linux_does", futex_answers_as_linux_does },
    { "requeue_moves_waiters", requeue_moves_waiters },
    { "futexes_in_shared_memory_work_between_processes", futexes_in_shared_memory_work_between_processes },
    { "a_robust_mutex_survives_its_owner", a_robust_mutex_survives_its_owner },
    { "priority_inheriting_mutexes_exclude", priority_inheriting_mutexes_exclude },
    { "thread_local_storage_is_local", thread_local_storage_is_local },
    { "a_thread_may_fork", a_thread_may_fork },
    { "exit_group_ends_all_threads", exit_group_ends_all_threads },
    { "exec_by_another_thread_keeps_the_pid", exec_by_another_thread_keeps_the_pid },
    { "the_main_thread_may_end_first", the_main_thread_may_end_first },
    { "cancelled_by_pthread_cancel", cancelled_by_pthread_cancel },
    { "threads_ask_all_servers_at_once", threads_ask_all_servers_at_once },
    { "creators_do_not_disturb_one_another", creators_do_not_disturb_one_another },
    { "exit_of_a_thread_is_the_process_status", exit_of_a_thread_is_the_process_status },
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--true"))
        return 23;
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        strncpy(self, argv[0], sizeof self - 1);
    return compat_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
