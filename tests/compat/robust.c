/* SPDX-License-Identifier: MIT */
/*
 * Robust futexes whose owner is ended from outside: killed, or by another
 * thread's exit or exec (get_robust_list(2)).
 */
#include "compat.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char self[256] = "/proc/self/exe";

/* A lock of our own, so that the word can be seen. */
struct lock {
    struct robust_list entry;
    uint32_t word;
};
#define OFFSET ((long)(offsetof(struct lock, word) - offsetof(struct lock, entry)))

struct shared {
    struct lock lock[4];
    pthread_mutex_t mutex;
    uint32_t ready;
};

static long futex(uint32_t *a, int op, uint32_t v)
{
    return syscall(SYS_futex, a, op, v, NULL, NULL, 0);
}

static uint32_t tid(void) { return (uint32_t)syscall(SYS_gettid); }

static uint32_t seen(uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

static void await(uint32_t *word, uint32_t bits)
{
    while (!(seen(word) & bits))
        sched_yield();
}

static struct shared *shared_memory(void)
{
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The caller owns the locks from now on, in this order. */
static void own(struct robust_list_head *head, struct lock *locks, int nr)
{
    head->futex_offset = OFFSET;
    head->list_op_pending = NULL;
    head->list.next = nr ? &locks[0].entry : &head->list;
    for (int i = 0; i < nr; i++) {
        locks[i].entry.next = i + 1 < nr ? &locks[i + 1].entry : &head->list;
        __atomic_store_n(&locks[i].word, tid(), __ATOMIC_SEQ_CST);
    }
    syscall(SYS_set_robust_list, head, sizeof *head);
}

/* Wait for a lock whose owner does not give it back: 1 when its death was seen.
 * Not FUTEX_WAIT_PRIVATE: Linux wakes as for a shared word. */
static int wait_for_owner(struct lock *l)
{
    uint32_t old = seen(&l->word);
    for (;;) {
        if (old & FUTEX_OWNER_DIED)
            return 1;
        if (!(old & FUTEX_WAITERS) && !__atomic_compare_exchange_n(&l->word, &old, old | FUTEX_WAITERS, 0, __ATOMIC_SEQ_CST,
                                                                   __ATOMIC_SEQ_CST))
            continue;
        futex(&l->word, FUTEX_WAIT, old | FUTEX_WAITERS);
        old = seen(&l->word);
    }
}

static pid_t owner_process(struct shared *s, int nr)
{
    pid_t pid = fork();
    if (pid == 0) {
        static struct robust_list_head head;
        own(&head, s->lock, nr);
        __atomic_store_n(&s->ready, 1, __ATOMIC_SEQ_CST);
        for (;;)
            pause();
    }
    return pid;
}

static int a_waiter_hears_that_the_owner_was_killed(void)
{
    for (int round = 0; round < 20; round++) {
        struct shared *s = shared_memory();
        int status;
        CHECK(s);
        pid_t owner = owner_process(s, 2), waiter;
        CHECK(owner > 0);
        await(&s->ready, 1);
        waiter = fork();
        CHECK(waiter >= 0);
        if (waiter == 0)
            _exit(wait_for_owner(&s->lock[1]) ? 7 : 1);
        await(&s->lock[1].word, FUTEX_WAITERS);
        CHECK(kill(owner, SIGKILL) == 0);
        CHECK(waitpid(waiter, &status, 0) == waiter && WIFEXITED(status) && WEXITSTATUS(status) == 7);
        CHECK(waitpid(owner, &status, 0) == owner && WIFSIGNALED(status));
        CHECK(seen(&s->lock[0].word) == FUTEX_OWNER_DIED);
        CHECK(seen(&s->lock[1].word) == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
        munmap(s, sizeof *s);
    }
    return 0;
}

static int make_mutex(pthread_mutex_t *m)
{
    pthread_mutexattr_t a;
    return pthread_mutexattr_init(&a) || pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) ||
           pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED) || pthread_mutex_init(m, &a);
}

static int a_process_shared_mutex_is_usable_after_its_owner_was_killed(void)
{
    struct shared *s = shared_memory();
    int status;
    CHECK(s && make_mutex(&s->mutex) == 0);
    for (int round = 0; round < 20; round++) {
        pid_t owner = fork(), waiter;
        CHECK(owner >= 0);
        if (owner == 0) {
            if (pthread_mutex_lock(&s->mutex))
                _exit(1);
            __atomic_store_n(&s->ready, 1, __ATOMIC_SEQ_CST);
            for (;;)
                pause();
        }
        await(&s->ready, 1);
        s->ready = 0;
        waiter = fork();
        CHECK(waiter >= 0);
        if (waiter == 0)
            _exit(pthread_mutex_lock(&s->mutex) == EOWNERDEAD && pthread_mutex_consistent(&s->mutex) == 0 &&
                  pthread_mutex_unlock(&s->mutex) == 0 ? 0 : 1);
        CHECK(kill(owner, SIGKILL) == 0);
        CHECK(waitpid(owner, &status, 0) == owner);
        CHECK(waitpid(waiter, &status, 0) == waiter && status == 0);
        CHECK(pthread_mutex_lock(&s->mutex) == 0 && pthread_mutex_unlock(&s->mutex) == 0);
    }
    munmap(s, sizeof *s);
    return 0;
}

static int locks_are_marked_before_the_end_is_heard_of(void)
{
    struct shared *s = shared_memory();
    int status;
    CHECK(s && make_mutex(&s->mutex) == 0);
    for (int i = 0; i < 3; i++) {
        static const int how[] = { SIGKILL, SIGTERM, SIGSEGV };
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            signal(how[i], SIG_DFL);
            pthread_mutex_lock(&s->mutex);
            raise(how[i]);
            _exit(1);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == how[i]);
        CHECK(pthread_mutex_trylock(&s->mutex) == EOWNERDEAD);
        CHECK(pthread_mutex_consistent(&s->mutex) == 0 && pthread_mutex_unlock(&s->mutex) == 0);
    }
    munmap(s, sizeof *s);
    return 0;
}

static void *owner_thread(void *arg)
{
    struct shared *s = arg;
    static struct robust_list_head head;
    own(&head, s->lock, 2);
    __atomic_store_n(&s->ready, 1, __ATOMIC_SEQ_CST);
    while (pause() < 0)
        ;
    return arg;
}

/* The process is ended in one of three ways by a thread that owns nothing. */
static int another_thread_ends_the_owner(void)
{
    for (int how = 0; how < 3; how++) {
        struct shared *s = shared_memory();
        int status;
        CHECK(s);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            pthread_t t;
            pthread_create(&t, NULL, owner_thread, s);
            await(&s->ready, 1);
            if (how == 0)
                _exit(23);
            if (how == 1)
                execl(self, self, "--true", NULL);
            kill(getpid(), SIGKILL);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(how == 2 ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 23);
        CHECK(seen(&s->lock[0].word) == FUTEX_OWNER_DIED && seen(&s->lock[1].word) == FUTEX_OWNER_DIED);
        munmap(s, sizeof *s);
    }
    return 0;
}

static int a_pending_operation_is_finished(void)
{
    struct shared *s = shared_memory();
    int status;
    CHECK(s);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        static struct robust_list_head head;
        own(&head, s->lock, 1);
        s->lock[1].word = tid() | FUTEX_WAITERS;    /* taken, not yet in the list */
        s->lock[2].word = tid() + 1;                /* another's */
        head.list_op_pending = &s->lock[1].entry;
        raise(SIGKILL);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(s->lock[0].word == FUTEX_OWNER_DIED);
    CHECK(s->lock[1].word == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
    CHECK(s->lock[2].word == (uint32_t)pid + 1);
    munmap(s, sizeof *s);
    return 0;
}

#define MANY 2100
#define LIMIT 2048      /* ROBUST_LIST_LIMIT */

static int hostile_lists_end(void)
{
    struct lock *l = mmap(NULL, MANY * sizeof *l, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    CHECK(l != MAP_FAILED);
    for (int kind = 0; kind < 8; kind++) {
        memset(l, 0, MANY * sizeof *l);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            static struct robust_list_head head;
            own(&head, l, kind == 0 ? MANY : 2);
            switch (kind) {
            case 1: l[1].entry.next = &l[0].entry; break;                       /* never comes back to the head */
            case 2: l[1].entry.next = (void *)16; break;
            case 3: l[1].entry.next = (void *)-4096l; break;
            case 4: l[1].entry.next = (void *)((char *)&l[2].entry + 2); break;   /* misaligned */
            case 5: l[1].entry.next = NULL; break;
            case 6: syscall(SYS_set_robust_list, (void *)0x7ffffffffff8ul, sizeof head); break;
            case 7: head.futex_offset = INT64_MIN + 4; break;
            }
            raise(SIGKILL);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        for (int i = 0; i < MANY && kind == 0; i++)
            CHECK(l[i].word == (i < LIMIT ? FUTEX_OWNER_DIED : (uint32_t)pid));
        CHECK(l[0].word == (kind < 6 ? FUTEX_OWNER_DIED : (uint32_t)pid));
        CHECK(l[1].word == (kind < 6 ? FUTEX_OWNER_DIED : (uint32_t)pid));
    }
    munmap(l, MANY * sizeof *l);
    return 0;
}

/* ---- processes that share memory, and priority inheritance ---- */

static struct lock private_lock;
static struct robust_list_head sharer_head;
static uint32_t sharer_ready;
static char sharer_stack[16384] __attribute__((aligned(16)));

static int sharer(void *arg)
{
    (void)arg;
    own(&sharer_head, &private_lock, 1);
    __atomic_store_n(&sharer_ready, 1, __ATOMIC_SEQ_CST);
    while (syscall(SYS_sched_yield) == 0)
        ;
    return 0;
}

static void *kill_when_waited_for(void *arg)
{
    await(&private_lock.word, FUTEX_WAITERS);
    kill((pid_t)(long)arg, SIGKILL);
    return NULL;
}

static int a_private_word_shared_by_clone_vm_is_marked(void)
{
    for (int round = 0; round < 20; round++) {
        pthread_t t;
        int status;
        sharer_ready = 0;
        pid_t pid = clone(sharer, sharer_stack + sizeof sharer_stack, CLONE_VM | SIGCHLD, NULL);
        CHECK(pid > 0);
        await(&sharer_ready, 1);
        CHECK(pthread_create(&t, NULL, kill_when_waited_for, (void *)(long)pid) == 0);
        CHECK(wait_for_owner(&private_lock));
        CHECK(pthread_join(t, NULL) == 0);
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
        CHECK(private_lock.word == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
    }
    return 0;
}

static struct lock pi_lock;

static void *die_as_pi_owner(void *arg)
{
    static struct robust_list_head head;
    (void)arg;
    own(&head, &pi_lock, 1);
    head.list.next = (void *)((uintptr_t)&pi_lock.entry | 1);
    __atomic_store_n(&sharer_ready, 1, __ATOMIC_SEQ_CST);
    await(&pi_lock.word, FUTEX_WAITERS);
    return NULL;
}

static int waiters_of_a_dead_owner_inherit_a_pi_lock(void)
{
    for (int round = 0; round < 20; round++) {
        pthread_t t;
        sharer_ready = 0;
        CHECK(pthread_create(&t, NULL, die_as_pi_owner, NULL) == 0);
        await(&sharer_ready, 1);
        CHECK(futex(&pi_lock.word, FUTEX_LOCK_PI_PRIVATE, 0) == 0);
        CHECK((pi_lock.word & FUTEX_TID_MASK) == tid() && pi_lock.word & FUTEX_OWNER_DIED);
        CHECK(pthread_join(t, NULL) == 0);
        CHECK(futex(&pi_lock.word, FUTEX_UNLOCK_PI_PRIVATE, 0) == 0);
        pi_lock.word = 0;
    }
    return 0;
}

static const struct compat_test tests[] = {
    T(a_waiter_hears_that_the_owner_was_killed),
    T(a_process_shared_mutex_is_usable_after_its_owner_was_killed),
    T(locks_are_marked_before_the_end_is_heard_of),
    T(another_thread_ends_the_owner),
    T(a_pending_operation_is_finished),
    T(hostile_lists_end),
    T(a_private_word_shared_by_clone_vm_is_marked),
    T(waiters_of_a_dead_owner_inherit_a_pi_lock),
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--true"))
        return 23;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0)
        self[n] = 0;
    return compat_main(tests, sizeof tests / sizeof tests[0], argc, argv);
}
