/* SPDX-License-Identifier: MIT */
/* build: tests/host/proc/fake.c tests/host/proc/life.c tests/host/proc/exec.c tests/host/proc/wait.c tests/host/proc/signals.c
 *  tests/host/proc/ids.c tests/host/proc/threads.c
 *  tests/host/libipc/double.c build/gen/fs_double.c build/gen/time_double.c
 *  servers/proc/slot.c servers/proc/vm.c servers/proc/thread.c servers/proc/fork.c
 *  servers/proc/exec.c servers/proc/exit.c servers/proc/wait.c servers/proc/signal.c servers/proc/kill.c
 *  servers/proc/ids.c servers/proc/limits.c servers/proc/affinity.c servers/proc/accounting.c
 *  servers/proc/futex.c servers/proc/robust.c servers/proc/cpu_limit.c servers/proc/batch.c;
 *  include: servers/proc libipc/include microkernel/abi build/gen */
/* What proc decides, without a kernel: the tests are in a file a theme, and run in one world. */
#include "fake.h"

#include <string.h>

#define THEMES(X) X(life) X(exec) X(wait) X(signals) X(ids) X(threads)
#define DECLARE(theme) extern const struct CMUnitTest theme##_tests[]; extern const size_t nr_##theme##_tests;
THEMES(DECLARE)

static struct CMUnitTest tests[128];
static size_t nr_tests;

static void add(const struct CMUnitTest *more, size_t nr)
{
    assert_true(nr_tests + nr <= sizeof tests / sizeof tests[0]);
    memcpy(tests + nr_tests, more, nr * sizeof *more);
    nr_tests += nr;
}

int main(void)
{
#define ADD(theme) add(theme##_tests, nr_##theme##_tests);
    THEMES(ADD)
    return _cmocka_run_group_tests("proc", tests, nr_tests, world_setup, NULL);
}
