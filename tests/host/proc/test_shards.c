/* SPDX-License-Identifier: MIT */
/* build: tests/host/proc/fake.c tests/host/libipc/double.c build/gen/fs_double.c build/gen/time_double.c
 *  servers/proc/slot.c servers/proc/vm.c servers/proc/thread.c servers/proc/fork.c
 *  servers/proc/exec.c servers/proc/exit.c servers/proc/wait.c servers/proc/signal.c servers/proc/kill.c
 *  servers/proc/ids.c servers/proc/limits.c servers/proc/affinity.c servers/proc/accounting.c
 *  servers/proc/futex.c servers/proc/robust.c servers/proc/cpu_limit.c servers/proc/batch.c;
 *  include: servers/proc libipc/include microkernel/abi build/gen; define: TIME_SHARDS=2 */
/* How proc divides the processes among two shards of time. */
#include "events.h"
#include "fake.h"

static void forks_go_where_the_fewest_are(void **s)
{
    struct process *p[20];
    unsigned in[2] = { 0 };

    (void)s;
    for (unsigned i = 0; i < 20; i++)
        in[shard_of((p[i] = do_fork(PARENT))->image->slot)]++;
    assert_int_equal(in[0], 10);
    for (unsigned i = 0; i < 20; i++)           /* all that are left are in shard 1 */
        if (shard_of(p[i]->image->slot) == 0) {
            do_exit(p[i], 0);
            assert_int_equal(do_wait(PARENT, WAIT_P_PID, (int)p[i]->pid, WAITED, &(struct proc_wait_result){ 0 }), 0);
        }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(shard_of(do_fork(PARENT)->image->slot), 0);
}

static void exec_keeps_the_shard(void **s)
{
    (void)s;
    for (unsigned i = 0; i < 8; i++) {
        struct process *p = do_fork(PARENT);
        unsigned slot = p->image->slot;
        struct rpc_call call = request(p);
        struct proc_exec_in in = { .path = "/bin/x", .path_bytes = 6, .thread_index = p->image->threads->index };
        struct proc_exec_commit_in commit = { .comm = (const uint8_t *)"x", .comm_bytes = 1 };
        struct proc_exec_commit_out out;

        catch_all(p);
        assert_int_equal(proc_serve_exec(&call, &in, NULL), RPC_PENDING);
        assert_int_equal(shard_of(p->loading->slot), shard_of(slot));
        call = request(p);
        call.client = p->loading->slot;
        assert_int_equal(proc_serve_exec_commit(&call, &commit, &out), 0);
        assert_int_not_equal(p->image->slot, slot);
        assert_int_equal(shard_of(p->image->slot), shard_of(slot));
    }
}

/* Of more processes than a shard has slots some are in the other. */
static void a_full_shard_is_no_obstacle_to_fork(void **s)
{
    struct process *p;
    error_t error = 0;
    unsigned n = 0;

    (void)s;
    while ((p = fork_flags(PARENT, 0, &error)))
        n++;
    assert_int_equal(error, ERR_AGAIN);
    assert_int_equal(n, NR_SLOTS - FIRST_PROCESS_SLOT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { T(forks_go_where_the_fewest_are), T(exec_keeps_the_shard), T(a_full_shard_is_no_obstacle_to_fork) };

    return cmocka_run_group_tests_name("proc shards", tests, world_setup, NULL);
}
