/* SPDX-License-Identifier: MIT */
/* build: tests/host/proc/fake.c servers/proc/slot.c servers/proc/vm.c servers/proc/thread.c servers/proc/fork.c
 *  servers/proc/exec.c servers/proc/exit.c servers/proc/wait.c servers/proc/signal.c servers/proc/kill.c
 *  servers/proc/ids.c servers/proc/limits.c servers/proc/affinity.c servers/proc/accounting.c
 *  servers/proc/futex.c servers/proc/batch.c;
 *  include: servers/proc libipc/include microkernel/abi build/gen */
/* Life, waiting, signals, identity: what proc decides, without a kernel. */
#include "fake.h"

#include <libipc/client.h>

#include "events.h"

#include <string.h>

/* ---- life ---- */

static void fork_makes_a_child_like_its_parent(void **s)
{
    struct process *a = do_fork(PARENT), *b;

    (void)s;
    page(a)->ruid = page(a)->euid = 7;
    sig(a)->thread[0].blocked = 0x123400;
    b = do_fork(a);
    assert_int_equal(page(b)->ppid, a->pid);
    assert_int_equal(page(b)->euid, 7);
    assert_int_equal(page(b)->pgid, page(a)->pgid);
    assert_int_equal(sig(b)->thread[0].blocked, 0x123400);
    assert_int_not_equal(b->pid, a->pid);
    assert_int_not_equal(b->image->slot, a->image->slot);
}

static void a_failed_fork_leaves_nothing(void **s)
{
    unsigned before = process_count();
    unsigned worked = 0;

    (void)s;
    for (int fail = 0; fail < 60; fail++) {
        error_t error;
        struct process *p;

        fake.fail_after = fail;
        p = fork_flags(PARENT, SIGCHLD, &error);
        fake.fail_after = -1;
        if (p) {
            worked++;
            process_exit(p, SIGKILL);
            assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED, NULL), 0);
        } else {
            assert_true(error == ERR_NO_MEMORY || error == ERR_AGAIN);
            /* whoever got no child may try again: nothing is under way */
            if (PARENT->image->vm->forking)
                cancel_parked(PARENT);
            if (PARENT->image->vm->forking) {
                struct rpc_call call = request(PARENT);
                struct proc_fork_abort_in in = { .token = PARENT->image->vm->forking->fork_token };

                assert_int_equal(proc_serve_fork_abort(&call, &in, NULL), 0);
            }
        }
        assert_int_equal(process_count(), before);
    }
    assert_true(worked > 0);
}

static void death_between_begin_and_commit_takes_the_child_along(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call = request(a);
    struct proc_fork_begin_out out;

    (void)s;
    assert_int_equal(proc_serve_fork_begin(&call, &(struct proc_fork_begin_in){ .flags = SIGCHLD }, &out), 0);
    assert_int_equal(process_count(), 3);
    process_exit(a, SIGKILL);
    assert_int_equal(process_count(), 2);
}

static void a_foreign_token_does_nothing(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(PARENT);
    struct rpc_call call = request(a), other = request(b);
    struct proc_fork_begin_out out;
    struct proc_fork_commit_out done;

    (void)s;
    assert_int_equal(proc_serve_fork_begin(&call, &(struct proc_fork_begin_in){ .flags = SIGCHLD }, &out), 0);
    assert_int_equal(proc_serve_fork_commit(&other, &(struct proc_fork_commit_in){ .token = out.token }, &done),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_fork_abort(&call, &(struct proc_fork_abort_in){ .token = out.token }, NULL), 0);
}

static void slots_and_memory_are_used_again(void **s)
{
    uint32_t last = 0;

    (void)s;
    for (int i = 0; i < 3000; i++) {
        struct process *p = do_fork(PARENT);

        assert_int_not_equal(p->pid, last);
        last = p->pid;
        do_exit(p, i);
        assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)last, WAITED, NULL), 0);
        assert_null(process_by_pid(last));
    }
}

static void a_slot_comes_back_when_its_sessions_are_closed(void **s)
{
    struct process *a;
    unsigned slot;

    (void)s;
    fake.servers_are_late = true;
    fake.handled_mark = rpc_posted(&fs_client);
    a = do_fork(PARENT);
    slot = a->image->slot;
    do_exit(a, 0);
    assert_int_equal(do_wait(PARENT, 0, 0, WAITED, &(struct proc_wait_result){ 0 }), 0);
    a = do_fork(PARENT);
    assert_int_not_equal(a->image->slot, slot);
    fake.handled_mark = rpc_posted(&fs_client);
    a = do_fork(PARENT);
    assert_int_equal(a->image->slot, slot);
    fake.servers_are_late = false;
}

static void pages_of_free_slots_go_once_and_only_theirs(void **s)
{
    struct process *a, *b;

    (void)s;
    while (slots_trim())
        ;
    a = do_fork(PARENT);
    b = do_fork(PARENT);
    assert_false(slots_trim());
    do_exit(a, 0);
    assert_false(slots_trim());         /* a zombie's page is read by others */
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)a->pid, WAITED, NULL), 0);
    fake.nr_zeroed = 0;
    assert_true(slots_trim());
    assert_int_equal(fake.nr_zeroed, 6);    /* the frame of the TCB that is kept stays */
    assert_false(slots_trim());
    do_exit(b, 0);
}

static void the_slot_map_tells_which_pages_say_something(void **s)
{
    const struct slot_map *map = (const struct slot_map *)SRV_PROC_PAGES;
    struct process *a = do_fork(PARENT);
    unsigned slot = a->image->slot;

    (void)s;
    assert_true(map->used[slot / 64] >> slot % 64 & 1);
    do_exit(a, 0);
    assert_true(map->used[slot / 64] >> slot % 64 & 1);
    assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)a->pid, WAITED, NULL), 0);
    assert_false(map->used[slot / 64] >> slot % 64 & 1);
}

static void slots_run_out_with_again(void **s)
{
    error_t error = 0;
    unsigned n = 0;

    (void)s;
    while (fork_flags(PARENT, SIGCHLD, &error))
        n++;
    assert_int_equal(error, ERR_AGAIN);
    assert_true(n > 900);
}

static void nproc_limits_users_but_not_root(void **s)
{
    struct process *a = do_fork(PARENT);
    error_t error;

    (void)s;
    page(a)->ruid = page(a)->euid = 1000;
    page(a)->rlimit[RLIMIT_NPROC][0] = 2;
    assert_non_null(fork_flags(a, SIGCHLD, &error));
    assert_null(fork_flags(a, SIGCHLD, &error));
    assert_int_equal(error, ERR_AGAIN);
    page(a)->euid = 0;
    assert_non_null(fork_flags(a, SIGCHLD, &error));
}

static void orphans_go_to_init(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(a), *z = do_fork(a);

    (void)s;
    do_exit(z, 1);
    do_exit(a, 0);
    assert_ptr_equal(b->parent, init_process);
    assert_int_equal(page(b)->ppid, 1);
    assert_ptr_equal(z->parent, init_process);
}

static void subreapers_come_before_init(void **s)
{
    struct process *a = do_fork(PARENT), *b = do_fork(a), *c = do_fork(b);

    (void)s;
    a->is_subreaper = true;
    do_exit(b, 0);
    assert_ptr_equal(c->parent, a);
}

static struct rpc_call vfork_of(struct process *parent, uint64_t flags, error_t *error, uint32_t *pid)
{
    struct rpc_call call = request(parent);
    struct proc_vfork_in in = { .flags = flags, .thread_index = parent->image->threads->index };
    struct proc_vfork_out out = { 0 };

    *error = proc_serve_vfork(&call, &in, &out);
    *pid = out.pid;
    return call;
}

static void vfork_answers_when_the_child_exits(void **s)
{
    struct process *a = do_fork(PARENT), *child;
    error_t error;
    uint32_t pid;
    struct rpc_call call = vfork_of(a, SIGCHLD | CLONE_VM | CLONE_VFORK, &error, &pid);

    (void)s;
    assert_int_equal(error, RPC_PENDING);
    child = process_by_pid(pid);
    assert_non_null(child);
    assert_ptr_equal(child->image->vm, a->image->vm);
    assert_int_equal(child->image->area, 1);
    assert_int_equal(answer.count, 0);
    do_exit(child, 3);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.token, call.token);
    assert_int_equal(answer.vfork.pid, pid);
    assert_int_equal(a->image->vm->areas, 1);
    assert_int_equal(a->image->vm->nr_images, 1);
}

/* ---- exec ---- */

static error_t begin_exec(struct process *p)
{
    struct rpc_call call = request(p);
    struct proc_exec_in in = { .path = "/bin/x", .path_bytes = 6, .thread_index = p->image->threads->index };

    return proc_serve_exec(&call, &in, NULL);
}

static struct rpc_call loader(struct process *p)
{
    struct rpc_call call = request(p);

    call.client = p->loading->slot;
    return call;
}

static void exec_commit_replaces_the_image(void **s)
{
    struct process *a = do_fork(PARENT);
    uint16_t old = a->image->slot, new;
    struct proc_exec_commit_in in = { .comm = (const uint8_t *)"x", .comm_bytes = 1, .mode = 04755, .uid = 33 };
    struct proc_exec_commit_out out;
    struct rpc_call call;

    (void)s;
    page(a)->ruid = page(a)->euid = page(a)->suid = 1000;
    sig(a)->ignored = SIG_BIT(SIGINT) | SIG_BIT(SIGCHLD);
    sig(a)->defaulted = SIG_BIT(SIGCHLD);
    sig(a)->thread[0].blocked = SIG_BIT(SIGUSR1);
    assert_int_equal(begin_exec(a), RPC_PENDING);
    new = a->loading->slot;
    assert_int_not_equal(new, old);
    call = loader(a);
    assert_int_equal(proc_serve_exec_commit(&call, &in, &out), 0);
    assert_int_equal(a->image->slot, new);
    assert_null(a->loading);
    assert_int_equal(page(a)->pid, a->pid);
    assert_int_equal(page(a)->euid, 33);
    assert_int_equal(page(a)->ruid, 1000);
    assert_int_equal(out.secure, 1);
    assert_true(sig(a)->ignored & SIG_BIT(SIGINT));
    assert_false(sig(a)->defaulted & SIG_BIT(SIGINT));
    assert_int_equal(sig(a)->thread[0].blocked, SIG_BIT(SIGUSR1));
    assert_int_equal(images[old].state, IMAGE_FREE);
    assert_int_equal(a->image->nr_threads, 1);
    assert_ptr_equal(thread_by_tid(a->pid), a->image->threads);
}

static void exec_fail_gives_the_error_back(void **s)
{
    struct process *a = do_fork(PARENT);
    struct rpc_call call;

    (void)s;
    assert_int_equal(begin_exec(a), RPC_PENDING);
    assert_int_equal(begin_exec(a), ERR_BUSY);
    call = loader(a);
    assert_int_equal(proc_serve_exec_fail(&call, &(struct proc_exec_fail_in){ .error = ERR_NOT_FOUND }, NULL), 0);
    assert_int_equal(answer.error, ERR_NOT_FOUND);
    assert_null(a->loading);
    assert_int_equal(begin_exec(a), RPC_PENDING);
}

static void death_during_exec_takes_both_images(void **s)
{
    struct process *a = do_fork(PARENT);
    uint16_t old = a->image->slot, new;

    (void)s;
    assert_int_equal(begin_exec(a), RPC_PENDING);
    new = a->loading->slot;
    do_kill(PARENT, (int)a->pid, SIGKILL);
    assert_int_equal(a->state, PROCESS_ZOMBIE);
    assert_int_equal(images[new].state, IMAGE_FREE);
    assert_int_equal(images[old].state, IMAGE_DEAD);
    assert_int_equal(do_wait(PARENT, WAIT_P_ALL, 0, WAITED, NULL), 0);
    assert_int_equal(images[old].state, IMAGE_FREE);
}

static void exec_failures_leave_nothing(void **s)
{
    struct process *a = do_fork(PARENT);

    (void)s;
    for (int fail = 0; fail < 50; fail++) {
        error_t error;

        fake.fail_after = fail;
        error = begin_exec(a);
        fake.fail_after = -1;
        if (error == RPC_PENDING)
            cancel_parked(a);
        assert_null(a->loading);
        assert_null(a->exec);
    }
    assert_int_equal(begin_exec(a), RPC_PENDING);
}

/* ---- waiting ---- */

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

/* ---- signals ---- */

static void catch_all(struct process *p)
{
    sig(p)->ignored = 0;
    sig(p)->defaulted = 0;
}

static struct proc_siginfo take(struct process *p, uint64_t mask)
{
    struct rpc_call call = request(p);
    struct proc_sig_take_out out;

    assert_int_equal(proc_serve_sig_take(&call, &(struct proc_sig_take_in){ p->image->threads->index, mask }, &out), 0);
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
    assert_int_equal(fake.told_pending, SIG_BIT(SIGUSR1));
    assert_int_equal(take(a, SIG_BIT(SIGUSR1)).signo, SIGUSR1);
    assert_int_equal(take(a, SIG_BIT(SIGUSR1)).signo, 0);
    assert_int_equal(fake.told_pending, 0);
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
    struct proc_sig_wait_in in = { 0, SIG_BIT(SIGUSR2), DEADLINE_NONE };
    struct proc_sig_wait_out out;

    (void)s;
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
    assert_int_equal(proc_serve_signal_process(&call, &(struct proc_signal_process_in){ 1, SIGKILL, 0, 0 }),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(proc_serve_boot_ready(&call, &(struct proc_boot_ready_in){ }), ERR_PERMISSION);
}

/* ---- identity ---- */

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
    assert_int_equal(fake.session_ended, 1);
    assert_int_equal(fake.last_session_ended, sh->pid);
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

/* ---- futexes ---- */

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

/* ---- threads ---- */

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

#define T(f) cmocka_unit_test_teardown(f, world_reset)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(fork_makes_a_child_like_its_parent), T(a_failed_fork_leaves_nothing),
        T(death_between_begin_and_commit_takes_the_child_along), T(a_foreign_token_does_nothing),
        T(slots_and_memory_are_used_again),
        T(pages_of_free_slots_go_once_and_only_theirs), T(the_slot_map_tells_which_pages_say_something),
        T(a_slot_comes_back_when_its_sessions_are_closed), T(slots_run_out_with_again), T(nproc_limits_users_but_not_root),
        T(orphans_go_to_init), T(subreapers_come_before_init), T(vfork_answers_when_the_child_exits),
        T(exec_commit_replaces_the_image), T(exec_fail_gives_the_error_back), T(death_during_exec_takes_both_images),
        T(exec_failures_leave_nothing), T(wait_takes_an_exit_once), T(a_parked_wait_is_answered_by_the_right_child),
        T(wait_by_group), T(stops_and_continues_are_waited_for), T(wait_arguments_are_checked),
        T(children_of_a_careless_parent_vanish), T(clone_children_need_the_flag), T(a_cancelled_wait_is_forgotten),
        T(a_caught_signal_is_pending_and_upcalls), T(blocked_signals_wait_and_fs_hears_of_them),
        T(real_time_signals_queue_in_order), T(default_actions_need_no_help), T(init_gets_only_what_it_asked_for),
        T(permission_to_signal), T(stop_and_continue_cancel_each_other), T(orphaned_groups_do_not_stop_by_the_terminal),
        T(sigtimedwait_takes_and_times_out), T(events_come_only_from_servers), T(user_ids_follow_the_rules),
        T(groups_and_sessions_follow_the_rules), T(the_end_of_a_session_leader),
        T(a_pid_is_not_reused_while_it_names_a_group), T(limits_follow_the_rules), T(futexes_wait_wake_and_time_out),
        T(threads_come_and_go),
    };

    return cmocka_run_group_tests(tests, world_setup, NULL);
}
