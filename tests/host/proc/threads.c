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
    assert_int_equal(proc_serve_thread_exit(&call, &(struct proc_thread_exit_in){ .thread_index = 5 }, NULL), 0);
    assert_int_equal(proc_serve_thread_exit(&call, &(struct proc_thread_exit_in){ .thread_index = 5 }, NULL),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_thread_create(&call, &(struct proc_thread_create_in){ .thread_index = 0 }, &out), 0);
    assert_int_equal(out.new_index, 5);
    assert_non_null(thread_by_tid(out.tid));
    do_exit(a, 0);
    assert_null(thread_by_tid(out.tid));
}

const struct CMUnitTest threads_tests[] = {
    T(futexes_wait_wake_and_time_out), T(threads_come_and_go),
};
const size_t nr_threads_tests = sizeof threads_tests / sizeof threads_tests[0];
