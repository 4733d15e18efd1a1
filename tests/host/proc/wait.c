/* SPDX-License-Identifier: MIT */
/* Waiting for children. */
#include "fake.h"

#include <string.h>

static void wait_takes_an_exit_once(void **s)
{
    struct process *a = do_fork(PARENT);
    struct proc_wait_result r;
    uint32_t pid = a->pid;

    (void)s;
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED | WAIT_NOHANG, &r), 0);
    assert_int_equal(r.pid, 0);
    do_exit(a, 42);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED | WAIT_NOWAIT, &r), 0);
    assert_int_equal(r.pid, pid);
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)pid, WAITED, &r), 0);
    assert_int_equal(r.code, CLD_EXITED);
    assert_int_equal(r.status, 42);
    assert_int_equal(r.ru.minflt, 7);
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)pid, WAITED, &r), ERR_NO_CHILD);
}

static void a_parked_wait_is_answered_by_the_right_child(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(PARENT);

    (void)s;
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)b->pid, WAITED, NULL), RPC_PENDING);
    do_exit(a, 1);
    assert_int_equal(answer.count, 0);
    do_kill(PARENT, (int)b->pid, SIGKILL);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.wait.result.code, CLD_KILLED);
    assert_int_equal(answer.wait.result.status, SIGKILL);
}

static void wait_by_group(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(PARENT);
    struct rpc_call call = request(PARENT);
    struct proc_wait_result r;

    (void)s;
    assert_int_equal(proc_serve_setpgid(&call, &(struct proc_setpgid_in){ .pid = (int)b->pid }, NULL), 0);
    do_exit(a, 1);
    assert_int_equal(do_wait(PARENT, WAIT_P_PGID, (int)b->pid, WAITED | WAIT_NOHANG, &r), 0);
    assert_int_equal(r.pid, 0);
    do_exit(b, 2);
    assert_int_equal(do_wait(PARENT, WAIT_P_PGID, (int)b->pid, WAITED, &r), 0);
    assert_int_equal(r.status, 2);
    assert_int_equal(do_wait(PARENT, WAIT_P_PGID, 0, WAITED, &r), 0);
    assert_int_equal(r.status, 1);
}

static void stops_and_continues_are_waited_for(void **s)
{
    struct process *a = do_fork(PARENT);
    struct proc_wait_result r;

    (void)s;
    do_kill(PARENT, (int)a->pid, SIGSTOP);
    assert_true(a->stopped);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED | WAIT_NOHANG, &r), 0);
    assert_int_equal(r.pid, 0);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED | WAIT_STOPPED, &r), 0);
    assert_int_equal(r.code, CLD_STOPPED);
    assert_int_equal(r.status, SIGSTOP);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAIT_STOPPED | WAIT_NOHANG, &r), 0);
    assert_int_equal(r.pid, 0);
    do_kill(PARENT, (int)a->pid, SIGCONT);
    assert_false(a->stopped);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAIT_CONTINUED, &r), 0);
    assert_int_equal(r.code, CLD_CONTINUED);
}

static void wait_arguments_are_checked(void **s)
{
    (void)s;
    assert_int_equal(do_wait(PARENT, 3, 0, WAITED, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAIT_NOHANG, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED | 0x100, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, 0, WAITED, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED, NULL), ERR_NO_CHILD);
}

static void children_of_a_careless_parent_vanish(void **s)
{
    struct process *p = do_fork(PARENT), *a = do_fork(p);
    uint32_t pid = a->pid;

    (void)s;
    sig(p)->no_child_wait = 1;
    assert_int_equal(do_wait(p, WAIT_P_ALL, 0, WAITED, NULL), RPC_PENDING);
    do_exit(a, 0);
    assert_null(process_by_pid(pid));
    assert_int_equal(answer.error, ERR_NO_CHILD);
}

static void clone_children_need_the_flag(void **s)
{
    error_t error;
    struct process *a = fork_flags(PARENT, 0, &error);

    (void)s;
    do_exit(a, 0);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED, NULL), ERR_NO_CHILD);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED | WAIT_CLONE, NULL), 0);
}

static void a_cancelled_wait_is_forgotten(void **s)
{
    struct process *p = do_fork(PARENT), *a = do_fork(p);

    (void)s;
    assert_int_equal(do_wait(p, WAIT_P_ALL, 0, WAITED, NULL), RPC_PENDING);
    cancel_parked(p);
    assert_int_equal(answer.error, ERR_CANCELLED);
    assert_null(p->waits);
    do_exit(a, 0);
    assert_int_equal(answer.count, 1);
    assert_int_equal(do_wait(p, WAIT_P_ALL, 0, WAITED, NULL), 0);
}

const struct CMUnitTest wait_tests[] = {
    T(wait_takes_an_exit_once), T(a_parked_wait_is_answered_by_the_right_child), T(wait_by_group),
    T(stops_and_continues_are_waited_for), T(wait_arguments_are_checked), T(children_of_a_careless_parent_vanish),
    T(clone_children_need_the_flag), T(a_cancelled_wait_is_forgotten),
};
const size_t nr_wait_tests = sizeof wait_tests / sizeof wait_tests[0];
