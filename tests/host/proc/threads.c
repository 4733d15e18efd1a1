/* SPDX-License-Identifier: MIT */
/* Futexes and threads. */
#include "fake.h"

#include <string.h>

static error_t futex_wait(struct process *p, uint64_t at, uint32_t value, ticks_t deadline)
{
    struct rpc_call call = request(p);

    return proc_serve_futex_wait(&call, &(struct proc_futex_wait_in){ at, value, ~0u, deadline }, NULL);
}

static uint32_t futex_wake(struct process *p, uint64_t at, uint32_t count)
{
    struct rpc_call call = request(p);
    struct proc_futex_wake_out out;

    assert_int_equal(proc_serve_futex_wake(&call, &(struct proc_futex_wake_in){ at, count, ~0u }, &out), 0);
    return out.woken;
}

static void futexes_wait_wake_and_time_out(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(PARENT);
    struct rpc_call call = request(a);
    struct proc_futex_requeue_out moved;

    (void)s;
    fake.client_word = 4;
    assert_int_equal(futex_wait(a, 0x1000, 5, DEADLINE_NONE), ERR_WOULD_BLOCK);
    assert_int_equal(futex_wait(a, 0x1002, 4, DEADLINE_NONE), ERR_INVALID_ARGUMENT);
    assert_int_equal(futex_wait(a, 0x1000, 4, DEADLINE_NONE), RPC_PENDING);
    assert_int_equal(futex_wait(b, 0x1000, 4, fake.now + 10), RPC_PENDING);
    assert_int_equal(futex_wake(b, 0x1004, 9), 0);
    assert_int_equal(futex_wake(b, 0x1000, 1), 1);
    run_timers(fake.now + 10);
    assert_int_equal(answer.error, ERR_TIMEOUT);
    assert_int_equal(futex_wait(a, 0x1000, 4, DEADLINE_NONE), RPC_PENDING);
    assert_int_equal(proc_serve_futex_requeue(&call, &(struct proc_futex_requeue_in){ 0x1000, 0, 9, 0x2000, 1, 4 }, &moved), 0);
    assert_int_equal(moved.moved, 1);
    assert_int_equal(futex_wake(b, 0x1000, 9), 0);
    assert_int_equal(futex_wake(b, 0x2000, 9), 1);
    assert_int_equal(futex_wait(a, 0x1000, 4, DEADLINE_NONE), RPC_PENDING);
    process_exit(a, SIGKILL);
    assert_int_equal(futex_wake(b, 0x1000, 9), 0);
}


/* ---- robust lists: struct robust_list_head at word 0, locks of two words at word 8 on ---- */

#define AT(word)   (CLIENT_MEMORY + (word) * 8)
#define LOCK(i)    (8 + (i) * 2)                /* its entry; the futex is in the next word */
#define DIED       0x40000000u
#define HAS_WAITERS 0x80000000u

static uint32_t *word_of(unsigned i) { return &client_memory.halves[(LOCK(i) + 1) * 2]; }

static struct process *owner_of(unsigned nr)
{
    struct process *p = do_fork(PARENT);

    client_memory = (union client_memory){ .words = { nr ? AT(LOCK(0)) : AT(0), 8, 0 } };
    for (unsigned i = 0; i < nr; i++) {
        client_memory.words[LOCK(i)] = i + 1 < nr ? AT(LOCK(i + 1)) : AT(0);
        *word_of(i) = p->pid;
    }
    thread_frame(p->image->threads)->robust_list = AT(0);
    return p;
}

static void a_killed_owners_locks_are_marked_and_waiters_woken(void **s)
{
    struct process *p = owner_of(3), *waiter = do_fork(PARENT);

    (void)s;
    *word_of(0) |= HAS_WAITERS;
    *word_of(1) = p->pid + 1;                   /* another's */
    fake.client_word = *word_of(0);
    assert_int_equal(futex_wait(waiter, AT(LOCK(0) + 1), *word_of(0), DEADLINE_NONE), RPC_PENDING);
    process_exit(p, SIGKILL);
    assert_int_equal(*word_of(0), DIED | HAS_WAITERS);
    assert_int_equal(*word_of(1), p->pid + 1);
    assert_int_equal(*word_of(2), DIED);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.error, 0);
}

static void a_pending_operation_ends_with_its_owner(void **s)
{
    struct process *p = owner_of(1), *waiter = do_fork(PARENT);

    (void)s;
    client_memory.words[2] = AT(LOCK(5));       /* unlocked, its waiter not yet woken */
    assert_int_equal(futex_wait(waiter, AT(LOCK(5) + 1), 0, DEADLINE_NONE), RPC_PENDING);
    process_exit(p, SIGKILL);
    assert_int_equal(answer.count, 1);
    p = owner_of(0);
    *word_of(6) = p->pid;
    client_memory.words[2] = AT(LOCK(6));       /* locked, not yet in the list */
    process_exit(p, SIGKILL);
    assert_int_equal(*word_of(6), DIED);
}

static void a_list_without_an_end_is_left(void **s)
{
    struct process *p = owner_of(2);

    (void)s;
    client_memory.words[LOCK(1)] = AT(LOCK(0));
    process_exit(p, SIGKILL);
    assert_int_equal(*word_of(1), DIED);
    assert_in_range(fake.nr_copies, 2048, 3 * 2048);
    p = owner_of(2);
    client_memory.words[LOCK(0)] = ~0ul;
    process_exit(p, SIGKILL);
    assert_int_equal(*word_of(0), DIED);
    assert_int_equal(*word_of(1), p->pid);
}

static void who_shares_the_memory_looks_at_private_words_again(void **s)
{
    struct rpc_call call = request(PARENT);
    struct proc_vfork_out out;
    struct process *p;
    unsigned before;

    (void)s;
    client_memory = (union client_memory){ .words = { AT(LOCK(0)), 8 } };
    client_memory.words[LOCK(0)] = AT(0);
    assert_int_equal(proc_serve_vfork(&call, &(struct proc_vfork_in){ .flags = 0x100 | SIGCHLD }, &out), 0);
    p = process_by_pid(out.pid);
    *word_of(0) = p->pid;
    thread_frame(p->image->threads)->robust_list = AT(0);
    before = fake.nr_upcalls;
    process_exit(p, 0);
    assert_int_equal(*word_of(0), DIED);
    assert_true(fake.nr_upcalls > before);
}

/* ---- RLIMIT_CPU ---- */

static error_t limit_cpu(struct process *p, uint64_t soft, uint64_t hard)
{
    struct rpc_call call = request(p);
    struct proc_set_limit_out out;

    return proc_serve_set_limit(&call, &(struct proc_set_limit_in){ .resource = RLIMIT_CPU, .set = 1, .cur = soft, .max = hard },
                                &out);
}

static void cpu_limits_signal_each_second_and_then_kill(void **s)
{
    struct process *p = do_fork(PARENT);
    ticks_t second = info->timebase_hz;

    (void)s;
    catch_all(p);
    assert_int_equal(limit_cpu(p, 1, 3), 0);
    run_timers(fake.now);
    assert_false(is_pending(p, SIGXCPU));
    fake_cpu_ticks += second;
    run_timers(fake.now + second);
    assert_true(is_pending(p, SIGXCPU));
    assert_int_equal(page(p)->rlimit[RLIMIT_CPU][0], 2);
    page(p)->pending = 0;
    run_timers(fake.now + 5 * second);          /* sleeps */
    assert_false(is_pending(p, SIGXCPU));
    fake_cpu_ticks += second;
    run_timers(fake.now + second);
    assert_true(is_pending(p, SIGXCPU));
    assert_int_equal(p->state, PROCESS_LIVE);
    fake_cpu_ticks += second;
    run_timers(fake.now + second);
    assert_int_equal(p->state, PROCESS_ZOMBIE);
    assert_int_equal(p->status, SIGKILL);
}

static void a_cpu_limit_is_inherited_and_can_be_lifted(void **s)
{
    struct process *p = do_fork(PARENT), *child;
    ticks_t second = info->timebase_hz;

    (void)s;
    assert_int_equal(limit_cpu(p, 2, 9), 0);
    child = do_fork(p);
    assert_int_equal(limit_cpu(p, RLIM_INFINITY, RLIM_INFINITY), 0);
    fake_cpu_ticks += 2 * second;
    run_timers(fake.now + 3 * second);
    run_timers(fake.now + 3 * second);
    assert_int_equal(p->state, PROCESS_LIVE);
    assert_int_equal(child->state, PROCESS_ZOMBIE);
    assert_int_equal(child->status, SIGXCPU);
}

static void threads_come_and_go(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call = request(a);
    struct proc_thread_create_out out;

    (void)s;
    for (unsigned i = 1; i < VM_MAX_THREADS; i++)
        assert_int_equal(proc_serve_thread_create(&call, &(struct proc_thread_create_in){ .thread_index = 0 }, &out), 0);
    assert_int_equal(proc_serve_thread_create(&call, &(struct proc_thread_create_in){ .thread_index = 0 }, &out), ERR_AGAIN);
    assert_int_equal(page(a)->nr_threads, VM_MAX_THREADS);
    struct proc_thread_exit_in fifth = { .thread_handle = 5 };
    assert_int_equal(proc_lookup_thread(&call, 5, 0, &fifth.thread), 0);
    assert_int_equal(proc_serve_thread_exit(&call, &fifth, NULL), 0);
    assert_int_equal(proc_lookup_thread(&call, 5, 0, &fifth.thread), ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_lookup_thread(&call, VM_MAX_THREADS, 0, &fifth.thread), ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_lookup_thread(&call, UINT32_MAX, 0, &fifth.thread), ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_thread_create(&call, &(struct proc_thread_create_in){ .thread_index = 0 }, &out), 0);
    assert_int_equal(out.new_index, 5);
    assert_non_null(thread_by_tid(out.tid));
    do_exit(a, 0);
    assert_null(thread_by_tid(out.tid));
}

const struct CMUnitTest threads_tests[] = {
    T(futexes_wait_wake_and_time_out), T(threads_come_and_go), T(a_killed_owners_locks_are_marked_and_waiters_woken),
    T(a_pending_operation_ends_with_its_owner), T(a_list_without_an_end_is_left),
    T(who_shares_the_memory_looks_at_private_words_again), T(cpu_limits_signal_each_second_and_then_kill),
    T(a_cpu_limit_is_inherited_and_can_be_lifted),
};
const size_t nr_threads_tests = sizeof threads_tests / sizeof threads_tests[0];
