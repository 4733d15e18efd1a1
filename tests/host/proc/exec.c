/* SPDX-License-Identifier: MIT */
/* exec: the new image, its loader, its failures. */
#include "fake.h"

#include <string.h>

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

const struct CMUnitTest exec_tests[] = {
    T(exec_commit_replaces_the_image), T(exec_fail_gives_the_error_back), T(death_during_exec_takes_both_images),
    T(exec_failures_leave_nothing),
};
const size_t nr_exec_tests = sizeof exec_tests / sizeof exec_tests[0];
