/* SPDX-License-Identifier: MIT */
/* Birth, death, slots, orphans, vfork. */
#include "fake.h"

#include <libipc/client.h>
#include <libipc/client.h>
#include <string.h>

#include "events.h"

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

static void an_exit_signal_that_is_none_is_not_sent(void **s)
{
    static const uint64_t raw[] = { 65, SIGKILL + 64, SIGSTOP + 64, 255 };
    struct process *a = do_fork(PARENT), *b;
    struct proc_wait_result result;
    error_t error;

    (void)s;
    catch_all(a);
    for (unsigned i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        b = fork_flags(a, raw[i], &error);
        assert_non_null(b);
        assert_int_equal(do_exit(b, 3), 0);
        assert_true(is_live(a));
        assert_false(a->stopped);
        assert_int_equal(page(a)->pending, 0);
        assert_int_equal(do_wait(a, WAIT_P_ALL, 0, WAITED | WAIT_ALL, &result), 0);
        assert_int_equal(result.status, 3);
    }
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

const struct CMUnitTest life_tests[] = {
    T(fork_makes_a_child_like_its_parent), T(an_exit_signal_that_is_none_is_not_sent),
    T(a_failed_fork_leaves_nothing),
    T(death_between_begin_and_commit_takes_the_child_along), T(a_foreign_token_does_nothing),
    T(slots_and_memory_are_used_again), T(a_slot_comes_back_when_its_sessions_are_closed),
    T(pages_of_free_slots_go_once_and_only_theirs), T(the_slot_map_tells_which_pages_say_something),
    T(slots_run_out_with_again), T(nproc_limits_users_but_not_root), T(orphans_go_to_init),
    T(subreapers_come_before_init), T(vfork_answers_when_the_child_exits),
};
const size_t nr_life_tests = sizeof life_tests / sizeof life_tests[0];
