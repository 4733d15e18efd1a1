/* SPDX-License-Identifier: MIT */
/* Priorities, slices, budgets, suspension, migration. */
#include "kt.h"

enum { NOTE = 1, DONE, STOP, ERROR, SPUN = 16 /* a line apart */ };

static void spinner(uint64_t which)
{
    for (;;)
        sh->word[SPUN + which * 8]++;
}

static volatile uint64_t *spun(unsigned which) { return &sh->word[SPUN + which * 8]; }

static bool even(uint64_t a, uint64_t b) { return a > 0 && b > 0 && a < b * 3 && b < a * 3; }

TEST(sched, equals_share_a_hart)
{
    spawn(0, 90, spinner, 0);
    spawn(0, 90, spinner, 1);
    CHECK(EVENTUALLY(*spun(0) > 0 && *spun(1) > 0));
    CHECK(EVENTUALLY(even(*spun(0), *spun(1))));
}

static void mark(uint64_t i)
{
    sh->word[SPUN + i] = ++sh->word[DONE];
    rest();
}

TEST(sched, a_higher_thread_runs_before_its_maker_goes_on)
{
    spawn(0, 129, mark, 0);
    CHECK_EQ(sh->word[DONE], 1);
}

TEST(sched, the_highest_ready_thread_runs_first)
{
    cptr_t t[5];

    for (unsigned i = 0; i < 5; i++)
        t[i] = spawn_stopped(0, 100 + i);
    for (unsigned i = 0; i < 5; i++)
        OK(start(t[i], mark, i));
    CHECK_EQ(sh->word[DONE], 0);    /* all below us */
    CHECK(EVENTUALLY(sh->word[DONE] == 5));
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(sh->word[SPUN + i], 5 - i);
}

TEST(sched, yield_goes_behind_equals_only)
{
    spawn(0, 128, mark, 0);
    spawn(0, 127, mark, 1);
    sys_yield();
    CHECK(sh->word[SPUN] == 1 && sh->word[SPUN + 1] == 0);
}

TEST(sched, set_priority_takes_effect_at_once)
{
    cptr_t t = spawn(0, 100, mark, 0);

    CHECK_EQ(sh->word[DONE], 0);
    OK(invoke(t, TCB_SET_PRIORITY, 200, 0, 0, 0, 0));
    CHECK_EQ(sh->word[DONE], 1);
    CHECK_EQ(invoke(t, TCB_SET_PRIORITY, 256, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(t, TCB_SET_PRIORITY, ~0ul, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
}

TEST(sched, lowering_oneself_lets_the_others_run)
{
    spawn(0, 120, mark, 0);
    OK(invoke(CAP_INIT_TCB, TCB_SET_PRIORITY, 110, 0, 0, 0, 0));
    CHECK_EQ(sh->word[DONE], 1);
}

TEST(sched, suspend_and_resume)
{
    cptr_t t = spawn(0, 90, spinner, 0);

    CHECK(EVENTUALLY(*spun(0) > 0));
    OK(suspend(t));
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
    uint64_t before = *spun(0);
    pause_for(10 * MS);
    CHECK_EQ(*spun(0), before);
    OK(suspend(t));             /* no error */
    OK(resume(t));
    CHECK(EVENTUALLY(*spun(0) > before));
    OK(resume(t));
}

static void suspends_itself(uint64_t self)
{
    sh->word[DONE] = 1;
    sh->word[ERROR] = (uint64_t)suspend(self);
    sh->word[DONE] = 2;
    rest();
}

TEST(sched, a_thread_that_suspends_itself_returns_when_it_is_resumed)
{
    cptr_t t = spawn_stopped(0, 200);

    OK(start(t, suspends_itself, t));
    CHECK(sh->word[DONE] == 1 && thread_state(t) == THREAD_STOPPED);
    OK(resume(t));
    CHECK(sh->word[DONE] == 2 && sh->word[ERROR] == 0);
}

TEST(sched, time_is_accounted)
{
    ticks_t began = now();
    cptr_t t = spawn(0, 90, spinner, 0), sc = last_context();

    CHECK(EVENTUALLY(thread_info(t).user_ticks > 20 * MS));
    CHECK(thread_info(t).user_ticks <= now() - began);
    CHECK(sys(SYS_INVOKE, sc, SCHED_INFO, 0, 0, 0, 0, 0).a[1] > (long)(20 * MS));
    CHECK(thread_info(t).nr_switches > 0);
}

/* ---- budgets ---- */

static cptr_t with_budget(ticks_t budget, ticks_t period, unsigned priority, cptr_t *sc)
{
    cptr_t t = make(CAP_TYPE_TCB, 0, 0);

    *sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0);
    OK(invoke(*sc, SCHED_CONFIGURE, budget, period, 0, 0, 0));
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, *sc, priority, 0));
    return t;
}

TEST(sched, a_budget_limits_a_spinner_that_outranks_all)
{
    cptr_t sc, t = with_budget(2 * MS, 20 * MS, 200, &sc);
    ticks_t began = now();

    OK(start(t, spinner, 0));
    /* It outranks us, but only for a tenth. How exact that is shows where the host's
     * pauses are not charged to whoever runs. */
    CHECK(EVENTUALLY(thread_info(t).user_ticks >= 4 * MS));
    if (option("icount"))
        CHECK(thread_info(t).user_ticks <= (now() - began) / 9 + 4 * MS);
    CHECK(EVENTUALLY(thread_state(t) == THREAD_OUT_OF_BUDGET));
}

TEST(sched, budgets_that_are_refused)
{
    cptr_t sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0), weak = copy_cap(sc, RIGHTS_ALL & ~RIGHT_CONTROL);

    CHECK_EQ(invoke(sc, SCHED_CONFIGURE, 9, 100, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(sc, SCHED_CONFIGURE, 0, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(sc, SCHED_CONFIGURE, 2000, 1000, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(sc, SCHED_CONFIGURE, 1000, 1ul << 63, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(sc, SCHED_CONFIGURE, 1000, 1000, hart_count(), 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(weak, SCHED_CONFIGURE, 1000, 1000, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(sc, SCHED_INFO + 1, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
    OK(invoke(sc, SCHED_CONFIGURE, 10, ~0ul >> 1, 0, 0, 0));
}

TEST_ON(2, sched, a_context_in_use_stays_on_its_hart)
{
    spawn(0, 10, spinner, 0);
    CHECK_EQ(invoke(last_context(), SCHED_CONFIGURE, 1000, 1000, 1, 0, 0), ERR_BUSY);
    OK(invoke(last_context(), SCHED_CONFIGURE, 1000, 2000, 0, 0, 0));
}

TEST(sched, a_context_serves_one_thread)
{
    cptr_t sc, t = with_budget(MS, MS, 10, &sc), other = make(CAP_TYPE_TCB, 0, 0);

    CHECK_EQ(invoke(other, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 10, 0), ERR_BUSY);
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 20, 0));      /* its own again */
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, 0, 20, 0));
    OK(invoke(other, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 10, 0));
}

TEST(sched, a_thread_without_context_does_not_run)
{
    cptr_t t = make(CAP_TYPE_TCB, 0, 0);

    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, 0, 200, 0));
    OK(start(t, spinner, 0));
    pause_for(5 * MS);
    CHECK(*spun(0) == 0 && thread_state(t) == THREAD_RUNNABLE);
}

TEST(sched, a_thread_whose_context_is_revoked_stops)
{
    cptr_t t = spawn(0, 90, spinner, 0), sc = last_context();

    CHECK(EVENTUALLY(*spun(0) > 0));
    OK(revoke(sc));
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 90, 0));
    uint64_t before = *spun(0);
    OK(resume(t));
    CHECK(EVENTUALLY(*spun(0) > before));
}

static void budget_fault(unsigned label)
{
    cptr_t sc, t = with_budget(MS, 10 * MS, 100, &sc), ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0), badged = mint(ep, 21);

    OK(invoke(t, TCB_SET_FAULT_EP, badged, 1, 0, 0, 0));
    OK(start(t, spinner, 0));
    for (unsigned i = 0; i < 3; i++) {
        struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
        REQUIRE(r.a[0] == 0 && MSG_LABEL((uint64_t)r.a[1]) == MSG_LABEL_FAULT);
        CHECK(r.a[2] == FAULT_BUDGET && r.a[3] >= (long)MS && r.a[6] == 21);
        CHECK_EQ(thread_state(t), THREAD_BLOCKED_FAULT);
        uint64_t before = *spun(0);
        pause_for(25 * MS);
        CHECK_EQ(*spun(0), before);     /* although a new period began */
        OK(sys(SYS_REPLY, reply, MSG_INFO(label, 0, 0), 0, 0, 0, 0, 0).a[0]);
        if (label != 0) {
            CHECK_EQ(thread_state(t), THREAD_STOPPED);
            return;
        }
        CHECK(EVENTUALLY(*spun(0) > before));
    }
}

TEST(sched, the_end_of_a_budget_is_a_fault_and_a_reply_goes_on) { budget_fault(0); }
TEST(sched, the_end_of_a_budget_is_a_fault_and_a_reply_stops) { budget_fault(1); }

TEST(sched, without_being_asked_for_the_end_of_a_budget_is_no_fault)
{
    cptr_t sc, t = with_budget(MS, 3 * MS, 100, &sc), ep = make(CAP_TYPE_ENDPOINT, 0, 0);

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    OK(start(t, spinner, 0));
    CHECK(EVENTUALLY(thread_info(t).user_ticks > 5 * MS));
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_WOULD_BLOCK);
    CHECK_EQ(invoke(t, TCB_SET_FAULT_EP, ep, 2, 0, 0, 0), ERR_INVALID_ARGUMENT);
}

/* ---- short slices ---- */

static void caller_spinner(uint64_t which)
{
    for (;;) {
        sys_signal(sh->word[NOTE]);
        sh->word[SPUN + which * 8]++;
    }
}

/* Also what the kernel does for a thread takes longer than its slice. */
static void remapper(uint64_t which)
{
    uint64_t at = HERE + which * 0x400000;

    for (;;) {
        invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, at, 64 * PAGE, RW | VM_POPULATE, 0, 0);
        invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, at, 64 * PAGE, 0, 0, 0);
        sh->word[SPUN + which * 8]++;
    }
}

static void short_slices(ticks_t period)
{
    static void (*const what[])(uint64_t) = { spinner, caller_spinner, remapper, spinner, caller_spinner, remapper };
    cptr_t sc;
    bool all = true;

    sh->word[NOTE] = note();
    for (unsigned i = 0; i < 6; i++) {
        cptr_t t = with_budget(10, period, 100, &sc);
        OK(start(t, what[i], i));
    }
    for (unsigned round = 0; round < 3; round++) {
        uint64_t before[6];
        for (unsigned i = 0; i < 6; i++)
            before[i] = *spun(i);
        for (unsigned i = 0; i < 6; i++)
            all = all && CHECK(EVENTUALLY(*spun(i) > before[i]));
    }
}

TEST(sched, slices_of_one_microsecond_let_every_thread_make_progress) { short_slices(10); }
TEST(sched, budgets_of_one_microsecond_let_every_thread_make_progress) { short_slices(100); }

/* ---- configuration ---- */

TEST(sched, configure_errors_leave_the_thread_as_it_was)
{
    cptr_t t = spawn(0, 90, spinner, 0), sc = last_context(), n = note();

    CHECK_EQ(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, 0, 90, 0), ERR_BUSY);
    OK(suspend(t));
    CHECK_EQ(invoke(t, TCB_CONFIGURE, n, CAP_INIT_VSPACE, sc, 90, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, n, sc, 90, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, n, 90, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, CAP_INIT_SCHED, 90, 0), ERR_BUSY);
    CHECK_EQ(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 90 | hart_count() << 8, 0),
             ERR_INVALID_ARGUMENT);
    uint64_t before = *spun(0);
    OK(resume(t));
    CHECK(EVENTUALLY(*spun(0) > before));
    CHECK_EQ(invoke(CAP_INIT_TCB, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, 0, 90, 0), ERR_BUSY);
}

TEST(sched, tcb_rights_are_checked)
{
    cptr_t t = spawn_stopped(0, 10), w = copy_cap(t, RIGHT_WRITE), r = copy_cap(t, RIGHT_READ);
    struct tcb_info ti;

    for (uint32_t op = TCB_CONFIGURE; op <= TCB_BIND_NOTIFICATION; op++)
        if (op != TCB_UPCALL && op != TCB_INFO)
            if (!CHECK_EQ(invoke(w, op, 0, 0, 0, 0, 0), ERR_RIGHTS))
                return;
    OK(invoke(w, TCB_UPCALL, 0, 0, 0, 0, 0));
    CHECK_EQ(invoke(r, TCB_UPCALL, 0, 0, 0, 0, 0), ERR_RIGHTS);
    OK(invoke(r, TCB_INFO, (uint64_t)&ti, 0, 0, 0, 0));
    CHECK_EQ(invoke(w, TCB_INFO, (uint64_t)&ti, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(t, TCB_INFO, 0x7000, 0, 0, 0, 0), ERR_FAULT);
    CHECK_EQ(invoke(t, TCB_BIND_NOTIFICATION + 1, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
}

TEST(sched, registers_are_written_and_read)
{
    cptr_t t = spawn_stopped(0, 200);
    struct tcb_regs w, r;
    bool same = true;

    fill_regs(&w, mark, 0);
    w.x[20] = 0x123456789;
    OK(invoke(t, TCB_WRITE_REGS, (uint64_t)&w, 0, 0, 0, 0));
    OK(invoke(t, TCB_READ_REGS, (uint64_t)&r, 0, 0, 0, 0));
    for (unsigned i = 0; i < 32; i++)
        same = same && r.x[i] == w.x[i];
    CHECK(same);
    CHECK_EQ(sh->word[DONE], 0);
    CHECK_EQ(invoke(t, TCB_WRITE_REGS, 0x7000, 1, 0, 0, 0), ERR_FAULT);
    CHECK_EQ(invoke(t, TCB_READ_REGS, 0x7000, 0, 0, 0, 0), ERR_FAULT);
    CHECK_EQ(invoke(CAP_INIT_TCB, TCB_READ_REGS, (uint64_t)&r, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(CAP_INIT_TCB, TCB_WRITE_REGS, (uint64_t)&r, 0, 0, 0, 0), ERR_BUSY);
    OK(resume(t));
    CHECK_EQ(sh->word[DONE], 1);
    CHECK_EQ(invoke(t, TCB_READ_REGS, (uint64_t)&r, 0, 0, 0, 0), ERR_BUSY);
}

TEST(sched, what_a_thread_is_made_of_changes_only_at_rest)
{
    cptr_t t = spawn(0, 90, spinner, 0), ep = make(CAP_TYPE_ENDPOINT, 0, 0), n = note();
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);

    OK(invoke(seg, SEGMENT_RESIZE, 1, 0, 0, 0, 0));
    CHECK_EQ(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(t, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(t, TCB_SET_FRAME, seg, 0, HERE, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(t, TCB_SET_IPC_BUFFER, seg, 0, HERE, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(t, TCB_SET_PERSONALITY, 0, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(t, TCB_COPY_FPU, t, 0, 0, 0, 0), ERR_BUSY);
}

TEST(sched, errors_keep_the_capability_that_was_there)
{
    cptr_t t = spawn_stopped(0, 200), ep = make(CAP_TYPE_ENDPOINT, 0, 0), n = note(), m = note();
    cptr_t other = spawn_stopped(0, 10), reply = make(CAP_TYPE_REPLY, 0, 0);

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    CHECK_EQ(invoke(t, TCB_SET_FAULT_EP, n, 0, 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(t, TCB_SET_FAULT_EP, copy_cap(ep, RIGHT_READ), 0, 0, 0, 0), ERR_RIGHTS);
    OK(invoke(t, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0));
    OK(invoke(other, TCB_BIND_NOTIFICATION, m, 0, 0, 0, 0));
    CHECK_EQ(invoke(t, TCB_BIND_NOTIFICATION, m, 0, 0, 0, 0), ERR_BUSY);
    OK(invoke(other, TCB_BIND_NOTIFICATION, 0, 0, 0, 0, 0));
    CHECK_EQ(invoke(other, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0), ERR_BUSY);       /* still t's */
    struct ipc_buffer *b = give_buffer(t);
    cptr_t dev = CAP_INIT_HART_PAGE, seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    CHECK_EQ(invoke(t, TCB_SET_IPC_BUFFER, seg, 0, HERE, 0, 0), ERR_RANGE);        /* of size 0 */
    CHECK_EQ(invoke(t, TCB_SET_IPC_BUFFER, seg, 0, HERE + 1, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(t, TCB_SET_IPC_BUFFER, seg, 0, USER_TOP, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(t, TCB_SET_IPC_BUFFER, ep, 0, HERE, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(t, TCB_SET_IPC_BUFFER, 0, 0, HERE, 0, 0), ERR_INVALID_CAP);
    CHECK(invoke(t, TCB_SET_IPC_BUFFER, dev, 1ul << 30, HERE, 0, 0) < 0);
    b->words[0] = 1;
    struct tcb_regs r;
    fill_regs(&r, 0, 0);
    r.x[0] = 0x6000;            /* nothing is there: a fault to the endpoint it still has */
    OK(invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0));
    struct ret m2 = sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, reply);
    CHECK(m2.a[0] == 0 && m2.a[2] == 12 && m2.a[3] == 0x6000);
}

/* ---- several harts ---- */

static void turns(uint64_t i)
{
    for (;;) {
        sh->word[SPUN + i * 8]++;
        pause_for(10);
    }
}

/* A SUSPEND that was posted twice must not catch the RESUME that follows. */
TEST_ON(2, sched, a_resume_after_a_suspend_runs_the_thread_on_another_hart)
{
    cptr_t t = spawn(other_hart(), 128, turns, 0);

    for (unsigned i = 0; i < 3000; i++) {
        OK(suspend(t));
        uint64_t before = *spun(0);
        OK(resume(t));
        if (!CHECK(EVENTUALLY(*spun(0) > before)))
            return;
    }
}

TEST_ON(2, sched, a_running_thread_migrates)
{
    cptr_t t = spawn(0, 90, spinner, 0);

    CHECK(EVENTUALLY(*spun(0) > 0));
    for (unsigned h = 1; h <= hart_count(); h++) {
        OK(invoke(t, TCB_SET_HART, h % hart_count(), 0, 0, 0, 0));
        CHECK_EQ(thread_info(t).hart, h % hart_count());
        uint64_t before = *spun(0);
        CHECK(EVENTUALLY(*spun(0) > before));
    }
    CHECK_EQ(invoke(t, TCB_SET_HART, hart_count(), 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
}

static void wanderer(uint64_t self)
{
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t to = i % hart_count();
        if (invoke(self, TCB_SET_HART, to, 0, 0, 0, 0) != 0 || thread_info(self).hart != to)
            sh->word[ERROR]++;
    }
    sh->word[DONE] = 1;
    rest();
}

TEST_ON(2, sched, a_thread_moves_itself)
{
    cptr_t t = spawn_stopped(0, 130);

    OK(start(t, wanderer, t));
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ(sh->word[ERROR], 0);
}

static void waits_long(uint64_t n)
{
    sh->word[ERROR] = (uint64_t)sys_wait(n, now() + 30 * MS, NULL);
    sh->word[DONE] = 1;
    rest();
}

TEST_ON(2, sched, a_waiting_thread_migrates_with_its_deadline)
{
    cptr_t n = note(), t = spawn(0, 130, waits_long, n);

    OK(invoke(t, TCB_SET_HART, other_hart(), 0, 0, 0, 0));
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ((long)sh->word[ERROR], ERR_TIMEOUT);
}

TEST_ON(2, sched, a_waiting_thread_that_migrated_is_woken)
{
    cptr_t n = note();

    for (unsigned i = 0; i < 100; i++) {
        sh->word[DONE] = 0;
        cptr_t t = spawn(i % 2 ? 0 : other_hart(), 130, waits_long, n);
        OK(invoke(t, TCB_SET_HART, i % 2 ? other_hart() : 0, 0, 0, 0, 0));
        OK(sys_signal(n));
        if (!CHECK(EVENTUALLY(sh->word[DONE])))
            return;
        sys_wait(n, DEADLINE_POLL, NULL);       /* if its own deadline came first */
        OK(destroy(t));
    }
}

static void hog(uint64_t i)
{
    (void)i;
    while (!sh->word[STOP])
        ;
    rest();
}

static void late(uint64_t n)
{
    sys_signal(n);
    rest();
}

TEST_ON(2, sched, preemption_across_harts_goes_by_priority)
{
    cptr_t n = note();

    spawn(1, 120, hog, 0);
    pause_for(5 * MS);
    spawn(1, 121, late, n);
    expect(wait_for(n, 5000), 0, "a_more_important_thread_preempts_another_hart");
    spawn(1, 120, late, n);
    expect(wait_for(n, 5000), 0, "an_equal_gets_its_slice_on_another_hart");
    spawn(1, 119, late, n);
    expect(wait_for(n, 50), ERR_TIMEOUT, "a_less_important_one_waits");
    sh->word[STOP] = 1;
    expect(wait_for(n, 5000), 0, "until_the_hart_is_free");
}

TEST(sched, names_are_cleaned) { OK(invoke(CAP_INIT_TCB, TCB_SET_NAME, 0x0a1b5b30, ~0ul, 0, 0, 0)); }
