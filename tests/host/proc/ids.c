/* SPDX-License-Identifier: MIT */
/* User ids, groups, sessions, limits. */
#include "fake.h"

#include <string.h>

static error_t uids(struct process *p, uint32_t op, uint32_t a, uint32_t b, uint32_t c)
{
    struct rpc_call call = request(p);
    struct proc_set_uids_out out;

    return proc_serve_set_uids(&call, &(struct proc_set_uids_in){ op, a, b, c }, &out);
}

static void user_ids_follow_the_rules(void **s)
{
    struct process *a = do_fork(PARENT);

    (void)s;
    assert_int_equal(uids(a, 2, 1000, 1000, 0), 0);             /* setresuid(1000, 1000, 0) */
    assert_int_equal(page(a)->cap_effective, 0);
    assert_int_equal(uids(a, 0, 5, 0, 0), ERR_PERMISSION);
    assert_int_equal(uids(a, 0, 0, 0, 0), 0);                   /* back by the saved one */
    assert_int_equal(page(a)->euid, 0);
    assert_int_equal(page(a)->ruid, 1000);
    assert_int_equal(uids(a, 0, 1000, 0, 0), 0);                /* setuid as root: for good */
    assert_int_equal(page(a)->suid, 1000);
    assert_int_equal(uids(a, 0, 0, 0, 0), ERR_PERMISSION);
    assert_int_equal(uids(a, 1, UINT32_MAX, 7, 0), ERR_PERMISSION);
    assert_int_equal(uids(a, 9, 0, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(page(a)->seq & 1, 0);
}

static error_t setpgid_of(struct process *p, int pid, int pgid)
{
    struct rpc_call call = request(p);

    return proc_serve_setpgid(&call, &(struct proc_setpgid_in){ pid, pgid }, NULL);
}

static error_t setsid_of(struct process *p)
{
    struct rpc_call call = request(p);
    struct proc_setsid_out out;

    return proc_serve_setsid(&call, &(struct proc_setsid_in){ }, &out);
}

static void groups_and_sessions_follow_the_rules(void **s)
{
    struct process *sh = do_fork(PARENT), *a, *b;

    (void)s;
    assert_int_equal(setsid_of(sh), 0);
    assert_int_equal(setsid_of(sh), ERR_PERMISSION);
    assert_int_equal(setpgid_of(sh, 0, 0), ERR_PERMISSION);     /* a session leader */
    a = do_fork(sh);
    b = do_fork(sh);
    assert_int_equal(setpgid_of(sh, (int)a->pid, (int)a->pid), 0);
    assert_int_equal(setpgid_of(sh, (int)b->pid, (int)a->pid), 0);
    assert_int_equal(page(b)->pgid, a->pid);
    assert_int_equal(setpgid_of(sh, (int)b->pid, 29999), ERR_PERMISSION);
    assert_int_equal(setpgid_of(a, (int)b->pid, 0), ERR_NO_PROCESS);
    b->did_exec = true;
    assert_int_equal(setpgid_of(sh, (int)b->pid, 0), ERR_ACCESS);
    assert_int_equal(setsid_of(b), 0);                          /* not a group leader */
    assert_int_equal(setpgid_of(sh, (int)b->pid, 0), ERR_PERMISSION);
    assert_int_equal(page(a)->pgrp_orphaned, 0);                /* sh links it */
}

static void the_end_of_a_session_leader(void **s)
{
    struct process *sh = do_fork(PARENT), *a;

    (void)s;
    setsid_of(sh);
    a = do_fork(sh);
    catch_all(a);
    setpgid_of(sh, (int)a->pid, 0);
    assert_int_equal(page(a)->pgrp_orphaned, 0);
    do_kill(PARENT, (int)a->pid, SIGSTOP);
    do_exit(sh, 0);
    assert_int_equal(double_nr_calls(&fs_double, FS_METHOD_SESSION_ENDED), 1);
    assert_int_equal(fs_double_session_ended_call(0)->sid, sh->pid);
    assert_int_equal(page(a)->pgrp_orphaned, 1);
    assert_true(is_pending(a, SIGHUP));                         /* orphaned while stopped */
    assert_false(a->stopped);
}

static void a_pid_is_not_reused_while_it_names_a_group(void **s)
{
    struct process *a = do_fork(PARENT), *b;
    uint32_t group = a->pid;

    (void)s;
    setpgid_of(PARENT, (int)a->pid, 0);
    b = do_fork(a);
    do_exit(a, 0);
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)group, WAITED, NULL), 0);
    for (int i = 0; i < 2 * MAX_PID; i++) {
        uint32_t pid = pid_alloc();

        assert_int_not_equal(pid, group);
        pid_drop(pid);
    }
    do_exit(b, 0);
}

static void limits_follow_the_rules(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call = request(a);
    struct proc_set_limit_out out;

    (void)s;
    page(a)->euid = page(a)->ruid = page(a)->suid = 1000;
    assert_int_equal(proc_serve_set_limit(&call, &(struct proc_set_limit_in){ 0, RLIMIT_NOFILE, 1, 10, 20 }, &out), 0);
    assert_int_equal(out.old_cur, 1024);
    assert_int_equal(proc_serve_set_limit(&call, &(struct proc_set_limit_in){ 0, RLIMIT_NOFILE, 1, 10, 30 }, &out),
                     ERR_PERMISSION);
    assert_int_equal(proc_serve_set_limit(&call, &(struct proc_set_limit_in){ 0, RLIMIT_NOFILE, 1, 21, 20 }, &out),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_set_limit(&call, &(struct proc_set_limit_in){ 0, 16, 0, 0, 0 }, &out), ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_set_limit(&call, &(struct proc_set_limit_in){ 1, 0, 0, 0, 0 }, &out), ERR_PERMISSION);
}

const struct CMUnitTest ids_tests[] = {
    T(user_ids_follow_the_rules), T(groups_and_sessions_follow_the_rules), T(the_end_of_a_session_leader),
    T(a_pid_is_not_reused_while_it_names_a_group), T(limits_follow_the_rules),
};
const size_t nr_ids_tests = sizeof ids_tests / sizeof ids_tests[0];
