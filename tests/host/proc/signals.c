/* SPDX-License-Identifier: MIT */
/* Sending, taking, stopping. */
#include "fake.h"

#include <libipc/client.h>
#include <string.h>

#include "events.h"

static struct proc_siginfo take(struct process *p, uint64_t mask)
{
    struct rpc_call call = request(p);
    struct proc_sig_take_in in = { .mask = mask };
    struct proc_sig_take_out out;

    assert_int_equal(proc_lookup_thread(&call, p->image->threads->index, 0, &in.thread), 0);
    assert_int_equal(proc_serve_sig_take(&call, &in, &out), 0);
    return out.info;
}

static void a_caught_signal_is_pending_and_upcalls(void **s)
{
    struct process *a = do_fork(PARENT);
    struct proc_siginfo si;

    (void)s;
    catch_all(a);
    fake.nr_upcalls = 0;
    assert_int_equal(do_kill(PARENT, (int)a->pid, SIGUSR1), 0);
    assert_int_equal(fake.nr_upcalls, 1);
    assert_true(is_pending(a, SIGUSR1));
    si = take(a, ~0ul);
    assert_int_equal(si.signo, SIGUSR1);
    assert_int_equal(si.pid, 1);
    assert_int_equal(take(a, ~0ul).signo, 0);
    assert_false(is_pending(a, SIGUSR1));
}

static void blocked_signals_wait_and_fs_hears_of_them(void **s)
{
    struct process *a = do_fork(PARENT);

    (void)s;
    catch_all(a);
    sig(a)->thread[0].blocked = SIG_BIT(SIGUSR1);
    fake.nr_upcalls = 0;
    do_kill(PARENT, (int)a->pid, SIGUSR1);
    do_kill(PARENT, (int)a->pid, SIGUSR1);
    assert_int_equal(fake.nr_upcalls, 0);
    assert_int_equal(told_pending(), SIG_BIT(SIGUSR1));
    assert_int_equal(take(a, SIG_BIT(SIGUSR1)).signo, SIGUSR1);
    assert_int_equal(take(a, SIG_BIT(SIGUSR1)).signo, 0);
    assert_int_equal(told_pending(), 0);
}

static void real_time_signals_queue_in_order(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call;

    (void)s;
    catch_all(a);
    for (uint64_t i = 1; i <= 3; i++) {
        call = request(PARENT);
        assert_int_equal(proc_serve_kill(&call, &(struct proc_kill_in){ (int)a->pid, 40, SI_QUEUE, i }, NULL), 0);
    }
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(take(a, ~0ul).value, i);
    assert_int_equal(take(a, ~0ul).signo, 0);
    for (int i = 0; i < 256; i++) {
        call = request(PARENT);
        assert_int_equal(proc_serve_kill(&call, &(struct proc_kill_in){ (int)a->pid, 40, SI_QUEUE, 0 }, NULL), 0);
    }
    call = request(PARENT);
    assert_int_equal(proc_serve_kill(&call, &(struct proc_kill_in){ (int)a->pid, 40, SI_QUEUE, 0 }, NULL), ERR_AGAIN);
}

static void default_actions_need_no_help(void **s)
{
    struct process *a = do_fork(PARENT);
    struct proc_wait_result r;

    (void)s;
    sig(a)->defaulted = ~0ul;
    sig(a)->ignored = SIG_IGNORE_SET;
    do_kill(PARENT, (int)a->pid, SIGWINCH);
    assert_true(is_live(a));
    assert_int_equal(page(a)->pending, 0);
    do_kill(PARENT, (int)a->pid, SIGSEGV);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED, &r), 0);
    assert_int_equal(r.code, CLD_KILLED);
    assert_int_equal(r.status, SIGSEGV);
}

static void init_gets_only_what_it_asked_for(void **s)
{
    struct process *a = do_fork(PARENT);

    (void)s;
    do_kill(a, 1, SIGKILL);
    do_kill(a, 1, SIGTERM);
    do_kill(a, 1, SIGSTOP);
    assert_true(is_live(init_process));
    assert_false(init_process->stopped);
}

static void permission_to_signal(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(PARENT);

    (void)s;
    page(a)->ruid = page(a)->euid = page(a)->suid = 1000;
    page(b)->ruid = page(b)->euid = page(b)->suid = 1001;
    assert_int_equal(do_kill(a, (int)b->pid, SIGTERM), ERR_PERMISSION);
    assert_int_equal(do_kill(a, (int)b->pid, SIGCONT), 0);      /* the same session */
    assert_int_equal(do_kill(a, 30000, 0), ERR_NO_PROCESS);
    assert_int_equal(do_kill(a, (int)a->pid, 0), 0);
    assert_int_equal(do_kill(a, (int)a->pid, 65), ERR_INVALID_ARGUMENT);
    page(b)->suid = 1000;
    assert_int_equal(do_kill(a, (int)b->pid, 0), 0);
}

static void stop_and_continue_cancel_each_other(void **s)
{
    struct process *a = do_fork(PARENT);

    (void)s;
    catch_all(a);
    page(a)->pgrp_orphaned = 0;
    do_kill(PARENT, (int)a->pid, SIGTSTP);
    assert_true(is_pending(a, SIGTSTP));
    do_kill(PARENT, (int)a->pid, SIGCONT);
    assert_false(is_pending(a, SIGTSTP));
    assert_true(is_pending(a, SIGCONT));
    do_kill(PARENT, (int)a->pid, SIGTSTP);
    assert_false(is_pending(a, SIGCONT));
}

static void orphaned_groups_do_not_stop_by_the_terminal(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call;

    (void)s;
    sig(a)->defaulted = ~0ul;
    page(a)->pgrp_orphaned = 1;
    do_kill(PARENT, (int)a->pid, SIGTTIN);
    assert_false(a->stopped);
    page(a)->pgrp_orphaned = 0;
    call = request(NULL);
    assert_int_equal(proc_serve_signal_group(&call, &(struct proc_signal_group_in){ page(a)->pgid, SIGTTOU }), 0);
    assert_true(a->stopped);
    do_kill(PARENT, (int)a->pid, SIGKILL);
    assert_int_equal(a->state, PROCESS_ZOMBIE);
}

static void sigtimedwait_takes_and_times_out(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call = request(a);
    struct proc_sig_wait_in in = { .mask = SIG_BIT(SIGUSR2), .deadline = DEADLINE_NONE };
    struct proc_sig_wait_out out;

    (void)s;
    assert_int_equal(proc_lookup_thread(&call, 0, 0, &in.thread), 0);
    catch_all(a);
    sig(a)->thread[0].blocked = SIG_BIT(SIGUSR2);
    assert_int_equal(proc_serve_sig_wait(&call, &in, &out), RPC_PENDING);
    do_kill(PARENT, (int)a->pid, SIGUSR2);
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.sig_wait.info.signo, SIGUSR2);
    assert_false(is_pending(a, SIGUSR2));
    call = request(a);
    in.deadline = fake.now + 50;
    assert_int_equal(proc_serve_sig_wait(&call, &in, &out), RPC_PENDING);
    run_timers(fake.now + 51);
    assert_int_equal(answer.error, ERR_TIMEOUT);
    in.deadline = DEADLINE_POLL;
    assert_int_equal(proc_serve_sig_wait(&call, &in, &out), ERR_TIMEOUT);
}

static void events_come_only_from_servers(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call = request(a);

    (void)s;
    assert_int_equal(proc_serve_signal_process(&call, &(struct proc_signal_process_in){ 1, 0, SIGKILL, 0, 0 }),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_boot_ready(&call, &(struct proc_boot_ready_in){ }), ERR_PERMISSION);
}

static void a_timers_signal_reaches_a_thread_of_its_process_only(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(PARENT);
    struct rpc_call time = { .client = SERVER_TIME };

    (void)s;
    catch_all(a);
    catch_all(b);
    assert_int_equal(proc_serve_signal_process(&time, &(struct proc_signal_process_in){ a->pid, b->pid, SIGKILL, 0, 0 }),
                     ERR_NO_PROCESS);
    assert_true(is_live(b));
    assert_int_equal(proc_serve_signal_process(&time, &(struct proc_signal_process_in){ a->pid, a->pid, SIGUSR1, 0, 0 }), 0);
    assert_int_equal(proc_serve_signal_process(&time, &(struct proc_signal_process_in){ a->pid, 0, SIGUSR1, 0, 0 }), 0);
    assert_true(is_pending(a, SIGUSR1));
    assert_false(is_pending(b, SIGUSR1));
}

const struct CMUnitTest signals_tests[] = {
    T(a_caught_signal_is_pending_and_upcalls), T(blocked_signals_wait_and_fs_hears_of_them),
    T(real_time_signals_queue_in_order), T(default_actions_need_no_help), T(init_gets_only_what_it_asked_for),
    T(permission_to_signal), T(stop_and_continue_cancel_each_other), T(orphaned_groups_do_not_stop_by_the_terminal),
    T(sigtimedwait_takes_and_times_out), T(events_come_only_from_servers),
    T(a_timers_signal_reaches_a_thread_of_its_process_only),
};
const size_t nr_signals_tests = sizeof signals_tests / sizeof signals_tests[0];
