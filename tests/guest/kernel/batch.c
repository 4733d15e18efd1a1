/* SPDX-License-Identifier: MIT */
/* SYS_BATCH. */
#include "kt.h"

static struct invocation b[256];

static struct ret run(unsigned n) { return sys(SYS_BATCH, (uint64_t)b, n, 0, 0, 0, 0, 0); }

static void entry(unsigned i, cptr_t cap, uint32_t op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    b[i] = (struct invocation){ .cap = cap, .op = op, .arg = { a0, a1, a2, a3 } };
}

TEST(batch, all_entries_are_done_in_order)
{
    cptr_t s = slots(200);

    for (unsigned i = 0; i < 200; i++)
        entry(i, main_untyped(), UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s + i, 1);
    struct ret r = run(200);
    CHECK(r.a[0] == 0 && r.a[1] == 200);
    for (unsigned i = 0; i < 200; i++)
        if (!CHECK(b[i].error == 0 && b[i].result == 1 && inspect(s + i) != 0))
            break;
}

TEST(batch, it_stops_at_the_first_error)
{
    cptr_t s = slots(40);

    for (unsigned i = 0; i < 40; i++)
        entry(i, main_untyped(), UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s + i, 1);
    b[20].arg[2] = s;           /* occupied by then */
    b[21].error = 77;
    struct ret r = run(40);
    CHECK(r.a[0] == ERR_SLOT_OCCUPIED && r.a[1] == 20);
    CHECK_EQ(b[20].error, ERR_SLOT_OCCUPIED);
    CHECK_EQ(b[21].error, 77);
    CHECK(inspect(s + 19) != 0 && inspect(s + 21) == 0);
}

TEST(batch, an_empty_one_does_nothing)
{
    struct ret r = sys(SYS_BATCH, 0x7000, 0, 0, 0, 0, 0, 0);

    CHECK(r.a[0] == 0 && r.a[1] == 0);
}

TEST(batch, a_refused_invocation_has_no_result)
{
    static struct invocation b;

    b = (struct invocation){ .cap = 0, .op = CNODE_DELETE, .result = 1 };
    CHECK_EQ(sys(SYS_BATCH, (uint64_t)&b, 1, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CAP);
    CHECK_EQ(b.result, 0);

    struct ret r = sys(SYS_INVOKE, 0, CNODE_DELETE, 1, 2, 3, 4, 5);

    CHECK(r.a[0] == ERR_INVALID_CAP && r.a[1] == 0);
}

TEST(batch, a_bad_address_is_a_fault)
{
    struct ret r = sys(SYS_BATCH, 0x7000, 1, 0, 0, 0, 0, 0);

    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 0);
    CHECK_EQ(sys(SYS_BATCH, ~0ul - 32, 1, 0, 0, 0, 0, 0).a[0], ERR_FAULT);
    CHECK_EQ(sys(SYS_BATCH, 0xffffffc080200000, 1, 0, 0, 0, 0, 0).a[0], ERR_FAULT);
}

TEST(batch, an_array_that_ends_at_unmapped_memory_is_done_up_to_there)
{
    struct invocation *e = (struct invocation *)(HERE + PAGE) - 3;
    cptr_t n = note(), s = slots(4);

    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0));
    for (unsigned i = 0; i < 3; i++)
        e[i] = (struct invocation){ .cap = CAP_INIT_CNODE, .op = CNODE_COPY, .arg = { s + i, n, RIGHTS_ALL } };
    struct ret r = sys(SYS_BATCH, (uint64_t)e, 4, 0, 0, 0, 0, 0);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 3);
    CHECK(inspect(s + 2) != 0);
}

/* Results cannot be stored: the operation has been done, and says so nowhere. */
TEST(batch, a_read_only_array_ends_with_fault)
{
    struct invocation *e = (struct invocation *)HERE;
    cptr_t n = note(), s = slots(2);

    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0));
    e[0] = (struct invocation){ .cap = CAP_INIT_CNODE, .op = CNODE_COPY, .error = 5, .arg = { s, n, RIGHTS_ALL } };
    OK(invoke(CAP_INIT_VSPACE, VSPACE_PROTECT, HERE, PAGE, VM_READ, 0, 0));
    struct ret r = sys(SYS_BATCH, HERE, 1, 0, 0, 0, 0, 0);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 0);
    CHECK(inspect(s) != 0);
}

TEST(batch, set_hart_is_refused)
{
    entry(0, CAP_INIT_TCB, TCB_SET_HART, 0, 0, 0, 0);
    struct ret r = run(1);
    CHECK(r.a[0] == ERR_INVALID_CALL && r.a[1] == 0);
}

TEST(batch, it_may_delete_what_it_uses)
{
    cptr_t cn = make(CAP_TYPE_CNODE, 2, 0), n = note();

    entry(0, cn, CNODE_COPY, 1, n, RIGHTS_ALL, 0);
    entry(1, CAP_INIT_CNODE, CNODE_DELETE, cn, 0, 0, 0);
    entry(2, cn, CNODE_COPY, 2, n, RIGHTS_ALL, 0);
    struct ret r = run(3);
    CHECK(r.a[0] == ERR_INVALID_CAP && r.a[1] == 2);
}

enum { DONE = 1, STARTED, STOP };

static void batcher(uint64_t s)
{
    struct invocation e[64];

    for (unsigned i = 0; i < 64; i++)
        e[i] = (struct invocation){ .cap = CAP_INIT_CNODE, .op = i % 2 ? CNODE_DELETE : CNODE_COPY,
                                    .arg = { s, sh->word[STARTED], RIGHTS_ALL } };
    while (!sh->word[STOP]) {
        for (unsigned i = 0; i < 64; i++)
            e[i].error = 1;
        struct ret r = sys(SYS_BATCH, (uint64_t)e, 64, 0, 0, 0, 0, 0);
        if (r.a[0] != 0 || r.a[1] != 64)
            sh->word[DONE + 8] = (uint64_t)r.a[0] | 1ul << 63;
        for (unsigned i = 0; i < 64; i++)
            if (e[i].error != 0)
                sh->word[DONE + 9]++;
        sh->word[DONE + 10]++;
    }
    sh->word[DONE] = 1;
    rest();
}

/* Each entry is done once, however often the batch is interrupted or stopped. */
static void disturbed(unsigned hart)
{
    cptr_t s = slots(1);

    sh->word[STARTED] = note();
    cptr_t t = spawn(hart, 100, batcher, s);
    OK(invoke(last_context(), SCHED_CONFIGURE, 50, 50, hart, 0, 0));
    for (unsigned i = 0; i < 200; i++) {
        pause_for(random_below(60));
        OK(suspend(t));
        OK(resume(t));
    }
    CHECK(EVENTUALLY(sh->word[DONE + 10] > 3));
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ(sh->word[DONE + 8], 0);
    CHECK_EQ(sh->word[DONE + 9], 0);
}

TEST(batch, a_batch_that_is_interrupted_repeats_nothing) { disturbed(0); }
TEST_ON(2, batch, a_batch_that_is_stopped_from_another_hart_repeats_nothing) { disturbed(other_hart()); }
