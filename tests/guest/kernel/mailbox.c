/* SPDX-License-Identifier: MIT */
/*
 * Many threads that another hart wakes while theirs is in user mode: they pile up in its
 * mailbox, since none of them is worth an interrupt, and its next system call finds
 * them all.
 */
#include "kt.h"

#define SLEEPERS 120u
#define PORTION  16u            /* kernel/mailbox.c: 512 / 32                     */

enum { NOTE = 1, READY, GO, DONE, COUNT, ORDER = 64 };

/* Less than a page of stack each. */
static char sleeper_stacks[SLEEPERS][1024] __attribute__((aligned(16)));

static void sleeper(uint64_t i)
{
    sh->word[READY]++;
    sys_wait(sh->word[NOTE], DEADLINE_NONE, NULL);
    sh->word[ORDER + i] = __atomic_add_fetch(&sh->word[COUNT], 1, __ATOMIC_SEQ_CST);
    rest();
}

static void waker(uint64_t n)
{
    while (!sh->word[GO])
        ;
    for (unsigned i = 0; i < SLEEPERS; i++)
        sys_signal(n);
    sh->word[DONE] = 1;
    rest();
}

static void prepare(cptr_t *threads)
{
    struct tcb_regs r;

    sh->word[NOTE] = note();
    for (unsigned i = 0; i < SLEEPERS; i++) {
        threads[i] = spawn_stopped(0, 100);
        fill_regs(&r, sleeper, i);
        r.x[2] = (uint64_t)(sleeper_stacks[i] + sizeof(sleeper_stacks[i]));
        OK(invoke(threads[i], TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0));
    }
    spawn(other_hart(), 100, waker, sh->word[NOTE]);
    CHECK(EVENTUALLY(sh->word[READY] == SLEEPERS &&
                     thread_state(threads[SLEEPERS - 1]) == THREAD_BLOCKED_NOTIFICATION));
}

/* All have been woken when this returns, and this hart does not know it yet: they are
 * below us. */
static void wake_all(void)
{
    sh->word[GO] = 1;
    while (!sh->word[DONE])
        ;
}

TEST_ON(2, mailbox, many_wake_ups_are_done_in_portions_and_in_order)
{
    cptr_t t[SLEEPERS];

    prepare(t);
    wake_all();
    uint64_t before = counters(0).nr_ipis_taken, after = counters(0).nr_ipis_taken;
    CHECK(after - before >= SLEEPERS / PORTION);
    CHECK(EVENTUALLY(sh->word[COUNT] == SLEEPERS));
    for (unsigned i = 0; i < SLEEPERS; i++)
        if (!CHECK_EQ(sh->word[ORDER + i], i + 1))
            return;
}

TEST_ON(2, mailbox, the_woken_are_deleted_at_once)
{
    cptr_t t[SLEEPERS];

    prepare(t);
    wake_all();
    for (unsigned i = 0; i < SLEEPERS; i += 2)
        OK(destroy(t[i]));
    CHECK(EVENTUALLY(sh->word[COUNT] == SLEEPERS / 2));
}

TEST_ON(2, mailbox, the_woken_are_migrated_at_once)
{
    cptr_t t[SLEEPERS];

    prepare(t);
    wake_all();
    for (unsigned i = 0; i < SLEEPERS; i += 2)
        OK(invoke(t[i], TCB_SET_HART, other_hart(), 0, 0, 0, 0));
    CHECK(EVENTUALLY(sh->word[COUNT] == SLEEPERS));
    for (unsigned i = 0; i < SLEEPERS; i++)
        CHECK_EQ(thread_info(t[i]).hart, i % 2 ? 0 : other_hart());
}

/* With "wake-ups" and "trace" on the kernel's command line, two harts, and -icount: the
 * other one sleeps again when this one enters the kernel, so what it counts is its own. */
static void many_wake_ups(void)
{
    cptr_t t[SLEEPERS];

    prepare(t);
    stretch_begin();
    wake_all();
    sys_yield();
    CHECK_EQ(sh->word[COUNT], 0);
    stretch_end("120 threads that another hart woke");
}

void stretch_of_wake_ups(void) { run_case("stretch", "mailbox", 2, many_wake_ups); }
