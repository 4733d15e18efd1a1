/* SPDX-License-Identifier: MIT */
/* Floating-point state, which is saved and loaded only when it must be. */
#include "kt.h"

enum { BAD = 1, DONE, STOP };

#define FP(text, ...) __asm__ volatile(".option push\n.option arch, +d\n" text "\n.option pop" __VA_ARGS__)

static void set(uint64_t v)
{
    FP("fmv.d.x f0, %0\nfmv.d.x f8, %0\nfmv.d.x f31, %0\nfscsr zero, %1", :: "r"(v), "r"(v & 0x1f));
}

static bool kept(uint64_t v)
{
    uint64_t a, b, c, csr;

    FP("fmv.x.d %0, f0\nfmv.x.d %1, f8\nfmv.x.d %2, f31\nfrcsr %3", : "=r"(a), "=r"(b), "=r"(c), "=r"(csr));
    return a == v && b == v && c == v && csr == (v & 0x1f);
}

static void yielder(uint64_t seed)
{
    for (uint64_t i = 0; i < 200; i++) {
        set(seed * 1000 + i);
        sys_yield();
        for (volatile int k = 0; k < 100; k++)
            ;
        if (!kept(seed * 1000 + i))
            __atomic_fetch_add(&sh->word[BAD], 1, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

TEST(fp, registers_are_kept_per_thread)
{
    for (unsigned i = 1; i <= 3; i++)
        spawn(0, 100, yielder, i);
    CHECK(EVENTUALLY(sh->word[DONE] == 3));
    CHECK_EQ(sh->word[BAD], 0);
}

static void holder(uint64_t seed)
{
    uint64_t v = seed << 20;

    while (!sh->word[STOP]) {
        set(++v);
        for (volatile int k = 0; k < 300; k++)
            ;
        if (!kept(v))
            __atomic_fetch_add(&sh->word[BAD], 1, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

TEST(fp, registers_survive_preemption_by_other_users)
{
    cptr_t sc[3];

    for (unsigned i = 0; i < 3; i++) {
        spawn(0, 100, holder, i + 1);
        sc[i] = last_context();
        OK(invoke(sc[i], SCHED_CONFIGURE, 100, 100, 0, 0, 0));
    }
    pause_for(100 * MS);
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE] == 3));
    CHECK_EQ(sh->word[BAD], 0);
}

TEST_ON(2, fp, registers_go_with_a_migrating_thread)
{
    cptr_t t[3];

    for (unsigned i = 0; i < 3; i++)
        t[i] = spawn(i % hart_count(), 100, holder, i + 1);
    for (unsigned i = 0; i < 300; i++) {
        OK(invoke(t[i % 3], TCB_SET_HART, random_below(hart_count()), 0, 0, 0, 0));
        if (i % 10 == 0)
            pause_for(100);
    }
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE] == 3));
    CHECK_EQ(sh->word[BAD], 0);
}

static void first_use(uint64_t arg)
{
    (void)arg;
    sh->word[BAD] = !kept(0);
    sh->word[DONE] = 1;
    rest();
}

TEST(fp, a_new_thread_starts_with_zeroes)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 13, 0), s = slots(2);

    for (unsigned i = 0; i < 4; i++) {      /* the same memory again and again */
        OK(retype(ut, CAP_TYPE_TCB, 0, s, 1, 0));
        OK(retype(ut, CAP_TYPE_SCHED_CONTEXT, 0, s + 1, 1, 0));
        OK(invoke(s, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, s + 1, 200, 0));
        sh->word[DONE] = sh->word[STOP] = 0;
        if (i % 2 == 0) {
            OK(invoke(s, TCB_SET_PRIORITY, 100, 0, 0, 0, 0));
            OK(start(s, holder, 5));
            pause_for(MS);
            sh->word[STOP] = 1;
        } else {
            OK(start(s, first_use, 0));
        }
        CHECK(EVENTUALLY(sh->word[DONE]));
        CHECK_EQ(sh->word[BAD], 0);
        OK(revoke(ut));
    }
}

static void sets_and_waits(uint64_t v)
{
    set(v);
    sh->word[DONE] = 1;
    rest();
}

static void reports(uint64_t v)
{
    sh->word[BAD] = !kept(v);
    sh->word[DONE] = 2;
    rest();
}

static void copied(unsigned from, unsigned to)
{
    cptr_t a = spawn(from, 150, sets_and_waits, 0x1234567), b = spawn_stopped(to, 150);

    CHECK(EVENTUALLY(sh->word[DONE] == 1 && thread_state(a) == THREAD_BLOCKED_NOTIFICATION));
    OK(invoke(b, TCB_COPY_FPU, a, 0, 0, 0, 0));
    OK(start(b, reports, 0x1234567));
    CHECK(EVENTUALLY(sh->word[DONE] == 2));
    CHECK_EQ(sh->word[BAD], 0);
}

TEST(fp, state_is_copied_to_another_thread) { copied(0, 0); }
TEST_ON(2, fp, state_is_copied_to_a_thread_of_another_hart) { copied(other_hart(), 0); }

TEST(fp, copy_checks_its_source_and_target)
{
    cptr_t t = spawn_stopped(0, 10), spin = spawn(other_hart(), 100, holder, 1);

    CHECK(EVENTUALLY(thread_state(spin) == THREAD_RUNNABLE));
    CHECK_EQ(invoke(t, TCB_COPY_FPU, slots(1), 0, 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(t, TCB_COPY_FPU, copy_cap(spin, RIGHT_READ), 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(t, TCB_COPY_FPU, spin, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(CAP_INIT_TCB, TCB_COPY_FPU, t, 0, 0, 0, 0), ERR_BUSY);
    OK(invoke(t, TCB_COPY_FPU, CAP_INIT_TCB, 0, 0, 0, 0));      /* one's own is current */
    sh->word[STOP] = 1;
}
