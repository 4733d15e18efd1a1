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

/* ---- neighbours that are done as one ---- */

#define AT(page) (HERE + (page) * PAGE)

/* Page i holds i + 1. */
static cptr_t numbered_segment(unsigned pages)
{
    cptr_t s = new_segment(pages);

    for (uint64_t i = 0, number; i < pages; i++) {
        number = i + 1;
        OK(invoke(s, SEGMENT_COPY, i * PAGE, CAP_INIT_VSPACE, (uint64_t)&number, 8, 1));
    }
    return s;
}

static void map_entry(unsigned i, uint64_t page, cptr_t seg, uint64_t first, uint64_t flags)
{
    b[i] = (struct invocation){ .cap = CAP_INIT_VSPACE, .op = VSPACE_MAP,
                                .arg = { AT(page), PAGE, flags, seg, first } };
}

static uint64_t there(uint64_t page) { return *(volatile uint64_t *)AT(page); }

static bool is_free(uint64_t page)
{
    struct vspace_query q = { 0 };

    OK(invoke(CAP_INIT_VSPACE, VSPACE_QUERY, AT(page), (uint64_t)&q, 0, 0, 0));
    return q.kind == 0;
}

TEST(batch, pages_are_mapped_and_unmapped_as_their_entries_say)
{
    cptr_t one = numbered_segment(40), two = numbered_segment(8);

    for (unsigned i = 0; i < 40; i++)               /* in order, far more than are read at once */
        map_entry(i, i, one, i, RW | VM_SHARED | VM_POPULATE);
    struct ret r = run(40);
    CHECK(r.a[0] == 0 && r.a[1] == 40);
    for (unsigned i = 0; i < 40; i++)
        if (!CHECK_EQ(there(i), i + 1))
            break;
    for (unsigned i = 0; i < 40; i++)               /* all but some in the middle, in two directions */
        entry(i, CAP_INIT_VSPACE, VSPACE_UNMAP, AT(i < 20 ? i : 59 - i), PAGE, 0, 0);
    b[7].arg[0] = AT(100);                          /* free; so page 7 stays */
    r = run(40);
    CHECK(r.a[0] == 0 && r.a[1] == 40);
    for (unsigned i = 0; i < 40; i++)
        CHECK(is_free(i) == (i != 7));
    CHECK_EQ(there(7), 8);

    map_entry(0, 10, one, 3, VM_READ | VM_SHARED);  /* neighbours that are not one range: */
    map_entry(1, 11, one, 5, VM_READ | VM_SHARED);  /* another page, */
    map_entry(2, 12, two, 6, VM_READ | VM_SHARED);  /* another Segment, */
    map_entry(3, 13, two, 7, RW);                   /* other flags */
    map_entry(4, 14, one, 8, RW);
    r = run(5);
    CHECK(r.a[0] == 0 && r.a[1] == 5);
    CHECK(there(10) == 4 && there(11) == 6 && there(12) == 7 && there(13) == 8 && there(14) == 9);
    *(volatile uint64_t *)AT(13) = 77;
    CHECK(there(13) == 77);
}

/* Entries that lie across two pages, and such as are not aligned. */
TEST(batch, neighbours_are_found_wherever_the_array_lies)
{
    static const uint64_t places[] = { PAGE - 128, PAGE - 96, PAGE - 72, PAGE - 61 };
    cptr_t s = numbered_segment(20);

    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, AT(100), 2 * PAGE, RW, 0, 0));
    for (unsigned p = 0; p < 4; p++) {
        unsigned char *at = (unsigned char *)AT(100) + places[p];

        for (unsigned i = 0; i < 20; i++)
            map_entry(i, i, s, i, VM_READ | VM_SHARED);
        for (unsigned i = 0; i < sizeof(b[0]) * 20; i++)
            at[i] = ((unsigned char *)b)[i];
        struct ret r = sys(SYS_BATCH, (uint64_t)at, 20, 0, 0, 0, 0, 0);
        CHECK(r.a[0] == 0 && r.a[1] == 20);
        for (unsigned i = 0; i < 20; i++)
            CHECK_EQ(there(i), i + 1);
        OK(invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, AT(0), 20 * PAGE, 0, 0, 0));
    }
}

TEST(batch, an_error_among_neighbours_leaves_those_before_it_done)
{
    cptr_t s = numbered_segment(8);

    map_entry(0, 4, s, 0, VM_READ);
    CHECK_EQ(run(1).a[0], 0);
    for (unsigned i = 0; i < 8; i++)
        map_entry(i, i, s, i, VM_READ | VM_SHARED);
    struct ret r = run(8);
    CHECK(r.a[0] == ERR_BUSY && r.a[1] == 4);
    CHECK_EQ(b[4].error, ERR_BUSY);
    CHECK(b[3].error == 0 && b[5].error == 0);
    CHECK(there(3) == 4 && there(4) == 1 && is_free(5));

    b[0] = (struct invocation){ .cap = CAP_INIT_VSPACE, .op = VSPACE_UNMAP, .arg = { AT(0), 2 * PAGE } };
    b[1] = (struct invocation){ .cap = CAP_INIT_VSPACE, .op = VSPACE_UNMAP, .arg = { AT(2), PAGE } };
    b[2] = (struct invocation){ .cap = CAP_INIT_VSPACE, .op = VSPACE_UNMAP, .arg = { AT(3), 100 } };
    b[3] = (struct invocation){ .cap = CAP_INIT_VSPACE, .op = VSPACE_UNMAP, .arg = { AT(4), PAGE } };
    r = run(4);
    CHECK(r.a[0] == ERR_INVALID_ARGUMENT && r.a[1] == 2);
    CHECK(is_free(0) && is_free(1) && is_free(2) && !is_free(3) && !is_free(4));
}

TEST(batch, neighbours_with_an_outcome_to_store_get_it)
{
    cptr_t s = numbered_segment(4);

    for (unsigned i = 0; i < 4; i++) {
        map_entry(i, i, s, i, VM_READ | VM_SHARED);
        b[i].error = (int)i % 2;
        b[i].result = i / 2;
    }
    struct ret r = run(4);
    CHECK(r.a[0] == 0 && r.a[1] == 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK(b[i].error == 0 && b[i].result == 0 && there(i) == i + 1);
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
