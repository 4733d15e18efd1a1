/* SPDX-License-Identifier: MIT */
/* Pool, Segment and VSpace as seen from user mode, and what they cost. */
#include "kt.h"

#define THERE  0x100000000ul    /* free addresses of the other spaces          */

static struct ret segment_copy(cptr_t s, uint64_t offset, cptr_t v, uint64_t at, uint64_t n, unsigned into)
{
    return sys(SYS_INVOKE, s, SEGMENT_COPY, offset, v, at, n, into);
}

static struct ret copy(cptr_t v, uint64_t va, void *own, uint64_t n, unsigned into)
{
    return sys(SYS_VSPACE_COPY, v, va, (uint64_t)own, n, into, 0, 0);
}

static uint64_t pool_used(unsigned account)
{
    struct pool_info i = { 0 };

    invoke(pool_of_case(), POOL_INFO, account, (uint64_t)&i, 0, 0, 0);
    return i.used_pages;
}

static uint64_t pool_free(void)
{
    struct pool_info i = { 0 };

    invoke(pool_of_case(), POOL_INFO, ~0ul, (uint64_t)&i, 0, 0, 0);
    return i.free_pages;
}

static error_t reserve(cptr_t v, uint64_t at, uint64_t pages, uint64_t prot)
{
    return invoke(v, VSPACE_RESERVE, at, pages * PAGE, prot, 0, 0);
}

static error_t map(cptr_t v, uint64_t at, uint64_t pages, uint64_t prot, cptr_t seg, uint64_t first)
{
    return invoke(v, VSPACE_MAP, at, pages * PAGE, prot, seg, first);
}

static error_t unmap(cptr_t v, uint64_t at, uint64_t pages)
{
    return invoke(v, VSPACE_UNMAP, at, pages * PAGE, 0, 0, 0);
}

static error_t protect(cptr_t v, uint64_t at, uint64_t pages, uint64_t prot)
{
    return invoke(v, VSPACE_PROTECT, at, pages * PAGE, prot, 0, 0);
}

static error_t resize(cptr_t s, uint64_t pages) { return invoke(s, SEGMENT_RESIZE, pages, 0, 0, 0, 0); }

/* ---- Pool ---- */

TEST(pool, every_page_comes_back)
{
    uint64_t before = pool_free();
    cptr_t v = new_vspace(1), s = new_segment(100);

    OK(reserve(v, THERE, 300, RW | VM_POPULATE));
    OK(map(v, THERE * 2, 100, RW | VM_SHARED, s, 0));
    OK(invoke(v, VSPACE_POPULATE, THERE * 2, 100 * PAGE, 1, 0, 0));
    CHECK(pool_free() < before - 400);
    OK(destroy(s));
    OK(destroy(v));
    CHECK_EQ(pool_free(), before);
    CHECK_EQ(pool_used(1), 0);
}

TEST(pool, an_account_is_filled_to_its_limit_and_no_further)
{
    cptr_t v = new_vspace(3);

    OK(invoke(pool_of_case(), POOL_SET_LIMIT, 3, 6, 0, 0, 0));
    OK(reserve(v, THERE, 64, RW));
    CHECK_EQ(invoke(v, VSPACE_POPULATE, THERE, 64 * PAGE, 1, 0, 0), ERR_NO_MEMORY);
    CHECK_EQ(pool_used(3), 6);
    CHECK(peek(v, THERE) == 0);         /* those before stay */
    OK(invoke(pool_of_case(), POOL_SET_LIMIT, 3, ~0ul, 0, 0, 0));
    OK(invoke(v, VSPACE_POPULATE, THERE, 64 * PAGE, 1, 0, 0));
}

TEST(pool, a_limit_below_what_is_used_stops_further_pages_only)
{
    cptr_t v = new_vspace(3);

    OK(reserve(v, THERE, 8, RW));
    OK(poke(v, THERE, 5));
    OK(invoke(pool_of_case(), POOL_SET_LIMIT, 3, 1, 0, 0, 0));
    CHECK_EQ(poke(v, THERE + PAGE, 5), ERR_NO_MEMORY);
    CHECK_EQ(peek(v, THERE), 5);
    OK(poke(v, THERE, 6));
}

TEST(pool, only_account_0_gets_the_reserve)
{
    cptr_t p = pool_of_case(), v = make(CAP_TYPE_VSPACE, 0, 0), w = make(CAP_TYPE_VSPACE, 0, 0);
    struct pool_info i;

    OK(invoke(p, POOL_INFO, ~0ul, (uint64_t)&i, 0, 0, 0));
    CHECK_EQ(invoke(p, POOL_SET_RESERVE, i.total_pages + 1, 0, 0, 0, 0), ERR_RANGE);
    OK(invoke(p, POOL_SET_RESERVE, i.total_pages, 0, 0, 0, 0));
    CHECK_EQ(invoke(v, VSPACE_INIT, p, 3, 0, 0, 0), ERR_NO_MEMORY);
    OK(invoke(w, VSPACE_INIT, p, 0, 0, 0, 0));
    OK(reserve(w, THERE, 8, RW));
    OK(poke(w, THERE, 1));
    OK(invoke(p, POOL_SET_RESERVE, 0, 0, 0, 0, 0));
    OK(invoke(v, VSPACE_INIT, p, 3, 0, 0, 0));
}

TEST(pool, errors_and_rights)
{
    cptr_t p = pool_of_case(), weak = copy_cap(p, RIGHTS_ALL & ~RIGHT_CONTROL), no_map = copy_cap(p, RIGHT_CONTROL);
    struct pool_info i;
    cptr_t v = make(CAP_TYPE_VSPACE, 0, 0);

    CHECK_EQ(invoke(p, POOL_SET_LIMIT, POOL_ACCOUNTS, 1, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(p, POOL_INFO, POOL_ACCOUNTS, (uint64_t)&i, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(p, POOL_INFO, 0, 0x7000, 0, 0, 0), ERR_FAULT);
    CHECK_EQ(invoke(weak, POOL_SET_LIMIT, 0, 1, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, POOL_SET_RESERVE, 0, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, POOL_ADD_MEMORY, make(CAP_TYPE_UNTYPED, 12, 0), 0, 0, 0, 0), ERR_RIGHTS);
    OK(invoke(weak, POOL_INFO, 0, (uint64_t)&i, 0, 0, 0));
    CHECK_EQ(invoke(no_map, POOL_SET_RESERVE + 1, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(invoke(v, VSPACE_INIT, no_map, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(v, VSPACE_INIT, p, POOL_ACCOUNTS, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(v, VSPACE_INIT, v, 0, 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE, PAGE, RW, 0, 0), ERR_INVALID_CALL);  /* still unbound */
    OK(invoke(v, VSPACE_INIT, p, 1, 0, 0, 0));
    CHECK_EQ(invoke(v, VSPACE_INIT, p, 1, 0, 0, 0), ERR_BUSY);
}

/* ---- VSpace ---- */

TEST(vspace, ranges_that_are_refused)
{
    cptr_t v = new_vspace(1);

    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE + 1, PAGE, RW, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE, PAGE + 1, RW, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE, 0, RW, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, USER_TOP - PAGE, 2 * PAGE, RW, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, USER_TOP, PAGE, RW, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE, -PAGE, RW, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE, PAGE, 0x1000, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_RESERVE, THERE, PAGE, 1ul << 33, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_UNMAP, THERE + 1, PAGE, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_UNMAP, USER_TOP, PAGE, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(v, VSPACE_PROTECT, THERE, 0, RW, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_DISCARD, THERE, PAGE + 8, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_POPULATE, THERE, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_INFO + 1, THERE, 0, 0, 0, 0), ERR_INVALID_CALL);
}

TEST(vspace, rights_are_checked)
{
    cptr_t v = new_vspace(1), weak = copy_cap(v, RIGHTS_ALL & ~(RIGHT_MAP | RIGHT_CLONE | RIGHT_COPY));
    cptr_t none = copy_cap(v, 0), w = new_vspace(1);
    struct vspace_query q;
    struct vspace_info i;

    CHECK_EQ(reserve(weak, THERE, 1, RW), ERR_RIGHTS);
    CHECK_EQ(map(weak, THERE, 1, VM_READ, new_segment(1), 0), ERR_RIGHTS);
    CHECK_EQ(unmap(weak, THERE, 1), ERR_RIGHTS);
    CHECK_EQ(protect(weak, THERE, 1, RW), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, VSPACE_MOVE, THERE, PAGE, 2 * THERE, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, VSPACE_DISCARD, THERE, PAGE, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, VSPACE_POPULATE, THERE, PAGE, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, VSPACE_CLONE, w, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(w, VSPACE_CLONE, weak, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(copy(weak, THERE, &q, 8, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(invoke(none, VSPACE_QUERY, THERE, (uint64_t)&q, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(none, VSPACE_INIT, pool_of_case(), 0, 0, 0, 0), ERR_RIGHTS);
    OK(invoke(weak, VSPACE_QUERY, THERE, (uint64_t)&q, 0, 0, 0));
    OK(invoke(none, VSPACE_INFO, (uint64_t)&i, 0, 0, 0, 0));
    CHECK_EQ(invoke(v, VSPACE_QUERY, THERE, 0x7000, 0, 0, 0), ERR_FAULT);
    CHECK_EQ(invoke(v, VSPACE_INFO, 0x7000, 0, 0, 0, 0), ERR_FAULT);
}

TEST(vspace, reserved_memory_is_zero_and_holds_what_is_stored)
{
    cptr_t v = new_vspace(1);

    OK(reserve(v, THERE, 64, RW));
    CHECK_EQ(peek(v, THERE), 0);
    OK(poke(v, THERE + 8, 77));
    CHECK_EQ(peek(v, THERE + 8), 77);
    CHECK_EQ(peek(v, THERE + 64 * PAGE), ~0ul);
    CHECK_EQ(peek(v, THERE - 8), ~0ul);
}

TEST(vspace, a_range_in_use_is_busy_or_replaced)
{
    cptr_t v = new_vspace(1);

    OK(reserve(v, THERE, 8, RW));
    OK(poke(v, THERE + PAGE, 9));
    CHECK_EQ(reserve(v, THERE + PAGE, 1, RW), ERR_BUSY);
    CHECK_EQ(map(v, THERE + PAGE, 1, RW, new_segment(1), 0), ERR_BUSY);
    CHECK_EQ(peek(v, THERE + PAGE), 9);
    OK(reserve(v, THERE + PAGE, 1, RW | VM_REPLACE));
    CHECK_EQ(peek(v, THERE + PAGE), 0);
}

TEST(vspace, protect_keeps_the_content)
{
    cptr_t v = new_vspace(1);

    OK(reserve(v, THERE, 4, RW));
    OK(poke(v, THERE, 77));
    OK(protect(v, THERE, 1, VM_READ));
    CHECK_EQ(poke(v, THERE, 1), ERR_FAULT);
    CHECK_EQ(peek(v, THERE), 77);
    OK(protect(v, THERE, 1, 0));
    CHECK_EQ(peek(v, THERE), ~0ul);
    OK(protect(v, THERE, 1, RW));
    CHECK_EQ(peek(v, THERE), 77);
}

TEST(vspace, discard_goes_back_to_zero_or_to_the_segment)
{
    cptr_t v = new_vspace(1), s = new_segment(2);
    uint64_t word = 55;

    OK(segment_copy(s, 0, CAP_INIT_VSPACE, (uint64_t)&word, 8, 1).a[0]);
    OK(reserve(v, THERE, 1, RW));
    OK(map(v, THERE + PAGE, 2, RW, s, 0));
    OK(poke(v, THERE, 1));
    OK(poke(v, THERE + PAGE, 2));
    OK(invoke(v, VSPACE_DISCARD, THERE, 3 * PAGE, 0, 0, 0));
    CHECK(peek(v, THERE) == 0 && peek(v, THERE + PAGE) == 55);
}

TEST(vspace, move_takes_the_content_along)
{
    cptr_t v = new_vspace(1);

    OK(reserve(v, THERE, 4, RW));
    OK(poke(v, THERE + 8, 77));
    CHECK_EQ(invoke(v, VSPACE_MOVE, THERE, 2 * PAGE, THERE + PAGE, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_MOVE, THERE, PAGE, THERE + 3 * PAGE, 0, 0), ERR_BUSY);
    CHECK_EQ(peek(v, THERE + 8), 77);
    OK(invoke(v, VSPACE_MOVE, THERE, 2 * PAGE, 3 * THERE, 0, 0));
    CHECK(peek(v, 3 * THERE + 8) == 77 && peek(v, THERE) == ~0ul && peek(v, THERE + 2 * PAGE) == 0);
}

/* The range begins in free space; then come a promise of 2 MiB and a single page. */
TEST(vspace, moves_promises_to_a_place_not_aligned_alike)
{
    cptr_t v = new_vspace(1);
    uint64_t from = 0x40000000 + PAGE, to = 0x80000000 + 3 * PAGE, promise = 0x40200000 - from;

    OK(reserve(v, 0x40200000, 513, RW));
    OK(poke(v, 0x40400000, 5));
    OK(invoke(v, VSPACE_MOVE, from, promise + 513 * PAGE, to, 0, 0));
    CHECK(peek(v, to + promise - PAGE) == ~0ul && peek(v, to + promise) == 0);
    CHECK(peek(v, to + promise + 512 * PAGE) == 5 && peek(v, to + promise + 513 * PAGE) == ~0ul);
    CHECK_EQ(peek(v, 0x40200000), ~0ul);
}

TEST(vspace, clone_without_memory_among_mappings_is_undone)
{
    cptr_t v = new_vspace(1), w = new_vspace(2), s = new_segment(200);

    for (unsigned i = 0; i < 200; i++)
        OK(map(v, THERE + 2 * i * PAGE, 1, VM_READ | VM_SHARED, s, i));
    for (unsigned limit = 1; limit <= 4; limit++) {
        OK(invoke(pool_of_case(), POOL_SET_LIMIT, 2, limit, 0, 0, 0));
        CHECK_EQ(invoke(w, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_NO_MEMORY);
        CHECK_EQ(peek(w, THERE), ~0ul);
    }
    OK(destroy(w));
}

TEST(vspace, query_tells_what_is_there)
{
    cptr_t v = new_vspace(1), s = new_segment(4);
    struct vspace_query q = { 0 };

    OK(reserve(v, THERE, 2, RW));
    OK(map(v, THERE + 2 * PAGE, 2, VM_READ | VM_SHARED, s, 1));
    OK(invoke(v, VSPACE_QUERY, THERE, (uint64_t)&q, 0, 0, 0));
    CHECK(q.kind == 1 && q.prot == RW && q.length == 2 * PAGE);
    OK(invoke(v, VSPACE_QUERY, THERE + 2 * PAGE, (uint64_t)&q, 0, 0, 0));
    CHECK(q.kind == 2 && q.prot == VM_READ && q.segment_page == 1 && (q.flags & VM_SHARED));
    OK(invoke(v, VSPACE_QUERY, THERE + 4 * PAGE, (uint64_t)&q, 0, 0, 0));
    CHECK_EQ(q.kind, 0);
}

TEST(vspace, populate_errors)
{
    cptr_t v = new_vspace(1), s = new_segment(1);

    CHECK_EQ(invoke(v, VSPACE_POPULATE, THERE, PAGE, 0, 0, 0), ERR_FAULT);
    OK(reserve(v, THERE, 1, VM_READ));
    CHECK_EQ(invoke(v, VSPACE_POPULATE, THERE, PAGE, 1, 0, 0), ERR_FAULT);
    OK(map(v, THERE + PAGE, 2, RW | VM_SHARED, s, 0));
    CHECK_EQ(invoke(v, VSPACE_POPULATE, THERE + PAGE, 2 * PAGE, 1, 0, 0), ERR_RANGE);
    OK(invoke(v, VSPACE_POPULATE, THERE + PAGE, PAGE, 1, 0, 0));
}

TEST(vspace, copies_end_at_the_first_bad_byte)
{
    cptr_t v = new_vspace(1);
    static char buffer[3 * PAGE];
    struct ret r;

    OK(reserve(v, THERE, 2, RW));
    r = copy(v, THERE + 100, buffer, 3 * PAGE, 1);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == (long)(2 * PAGE - 100));
    r = copy(v, THERE, (void *)0x7000, 10, 0);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 0);
    r = copy(v, ~0ul - 3, buffer, 10, 0);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 0);
    r = copy(v, THERE, (void *)0xffffffc080200000, 10, 0);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 0);
    r = copy(v, THERE, buffer, 0, 0);
    CHECK(r.a[0] == 0 && r.a[1] == 0);
}

/* ---- clones ---- */

TEST(vspace, a_clone_and_its_parent_do_not_see_each_others_stores)
{
    cptr_t v = new_vspace(1), c;

    OK(reserve(v, THERE, 4, RW));
    OK(poke(v, THERE, 1));
    c = new_vspace(2);
    OK(invoke(c, VSPACE_CLONE, v, 0, 0, 0, 0));
    OK(poke(v, THERE, 2));
    OK(poke(c, THERE + PAGE, 3));
    CHECK(peek(c, THERE) == 1 && peek(v, THERE + PAGE) == 0);
    OK(destroy(v));
    CHECK(peek(c, THERE) == 1 && peek(c, THERE + PAGE) == 3);
    CHECK_EQ(pool_used(1), 0);
    OK(destroy(c));
    CHECK_EQ(pool_used(2), 0);
}

TEST(vspace, a_chain_of_clones)
{
    cptr_t v = new_vspace(1), c[10];

    OK(reserve(v, THERE, 4, RW));
    OK(poke(v, THERE, 100));
    for (unsigned i = 0; i < 10; i++) {
        c[i] = new_vspace(2 + i);
        OK(invoke(c[i], VSPACE_CLONE, i ? c[i - 1] : v, 0, 0, 0, 0));
        OK(poke(c[i], THERE, i));
    }
    for (unsigned i = 0; i < 10; i += 2)
        OK(destroy(c[i]));
    for (unsigned i = 1; i < 10; i += 2)
        CHECK_EQ(peek(c[i], THERE), i);
    CHECK_EQ(peek(v, THERE), 100);
}

TEST(vspace, clone_errors_leave_the_target_empty)
{
    cptr_t v = new_vspace(1), c = new_vspace(2), used = new_vspace(2);
    cptr_t other_pool = make(CAP_TYPE_POOL, 64, 0), o = make(CAP_TYPE_VSPACE, 0, 0), unbound = make(CAP_TYPE_VSPACE, 0, 0);

    OK(invoke(o, VSPACE_INIT, other_pool, 0, 0, 0, 0));
    OK(reserve(v, THERE, 200, RW | VM_POPULATE));
    OK(reserve(used, THERE, 1, RW));
    CHECK_EQ(invoke(used, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(o, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(v, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(unbound, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(invoke(c, VSPACE_CLONE, pool_of_case(), 0, 0, 0, 0), ERR_INVALID_CAP);
    OK(invoke(pool_of_case(), POOL_SET_LIMIT, 2, 50, 0, 0, 0));
    CHECK_EQ(invoke(c, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_NO_MEMORY);
    CHECK_EQ(peek(c, THERE), ~0ul);
    OK(invoke(pool_of_case(), POOL_SET_LIMIT, 2, ~0ul, 0, 0, 0));
    OK(invoke(c, VSPACE_CLONE, v, 0, 0, 0, 0));
    CHECK_EQ(peek(c, THERE), 0);
}

TEST(vspace, ranges_that_are_not_cloned_are_free_in_the_clone)
{
    cptr_t v = new_vspace(1), c = new_vspace(1);

    OK(reserve(v, THERE, 1, RW | VM_NO_CLONE));
    OK(reserve(v, THERE + PAGE, 1, RW));
    OK(invoke(c, VSPACE_CLONE, v, 0, 0, 0, 0));
    CHECK(peek(c, THERE) == ~0ul && peek(c, THERE + PAGE) == 0);
    OK(reserve(c, THERE, 1, RW));
}

/* ---- Segments ---- */

TEST(segment, contents_are_copied_in_and_out)
{
    cptr_t s = new_segment(20);
    uint64_t data[4] = { 1, 2, 3, 4 }, out[4] = { 0 };
    struct ret r = segment_copy(s, PAGE - 16, CAP_INIT_VSPACE, (uint64_t)data, 32, 1);

    CHECK(r.a[0] == 0 && r.a[1] == 32);
    r = segment_copy(s, PAGE - 16, CAP_INIT_VSPACE, (uint64_t)out, 32, 0);
    CHECK(r.a[0] == 0 && out[0] == 1 && out[3] == 4);
    r = segment_copy(s, 5 * PAGE, CAP_INIT_VSPACE, (uint64_t)out, 32, 0);
    CHECK(r.a[0] == 0 && out[0] == 0 && out[3] == 0);      /* a hole */
}

TEST(segment, copies_beyond_the_size_copy_nothing)
{
    cptr_t s = new_segment(2);
    uint64_t data[2] = { 7, 7 };

    CHECK_EQ(segment_copy(s, 2 * PAGE - 8, CAP_INIT_VSPACE, (uint64_t)data, 16, 1).a[0], ERR_RANGE);
    CHECK_EQ(segment_copy(s, ~0ul - 4, CAP_INIT_VSPACE, (uint64_t)data, 16, 1).a[0], ERR_RANGE);
    OK(segment_copy(s, 2 * PAGE - 8, CAP_INIT_VSPACE, (uint64_t)data, 8, 0).a[0]);
    CHECK_EQ(data[0], 0);
    struct ret r = segment_copy(s, 0, CAP_INIT_VSPACE, 0x7000, 8, 0);
    CHECK(r.a[0] == ERR_FAULT && r.a[1] == 0);
    CHECK_EQ(segment_copy(s, 0, CAP_INIT_VSPACE, (uint64_t)data, 8, 2).a[0], ERR_INVALID_ARGUMENT);
    CHECK_EQ(segment_copy(s, 0, CAP_INIT_TCB, (uint64_t)data, 8, 0).a[0], ERR_INVALID_CAP);
}

TEST(segment, rights_are_checked)
{
    cptr_t s = new_segment(2), ro = copy_cap(s, RIGHT_READ), wo = copy_cap(s, RIGHT_WRITE), v = new_vspace(1);
    uint64_t data = 0;

    CHECK_EQ(segment_copy(ro, 0, CAP_INIT_VSPACE, (uint64_t)&data, 8, 1).a[0], ERR_RIGHTS);
    CHECK_EQ(segment_copy(wo, 0, CAP_INIT_VSPACE, (uint64_t)&data, 8, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(resize(ro, 1), ERR_RIGHTS);
    CHECK_EQ(invoke(ro, SEGMENT_ZERO, 0, 8, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(ro, SEGMENT_COLLECT_DIRTY, 0, 1, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(ro, SEGMENT_SET_PAGER, 0, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(s, SEGMENT_SET_PAGER, 0, 0, 0, 0, 0), ERR_NOT_IMPLEMENTED);
    CHECK_EQ(invoke(s, SEGMENT_COLLECT_DIRTY + 1, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(map(v, THERE, 1, RW | VM_SHARED, ro, 0), ERR_RIGHTS);
    CHECK_EQ(map(v, THERE, 1, VM_EXEC, ro, 0), ERR_RIGHTS);
    CHECK_EQ(map(v, THERE, 1, VM_READ, wo, 0), ERR_RIGHTS);
    OK(map(v, THERE, 1, RW, ro, 0));                    /* private */
    OK(map(v, THERE + PAGE, 1, VM_READ | VM_SHARED, ro, 0));
    CHECK_EQ(protect(v, THERE + PAGE, 1, RW), ERR_RIGHTS);
    CHECK_EQ(protect(v, THERE, 2, VM_READ | VM_EXEC), ERR_RIGHTS);
    CHECK_EQ(map(v, 2 * THERE, 1, VM_READ, s, 1ul << 32), ERR_RANGE);
}

TEST(segment, shared_and_private_mappings)
{
    cptr_t v = new_vspace(4), w = new_vspace(4), s = new_segment(20);

    OK(map(v, THERE, 20, RW | VM_SHARED, s, 0));
    OK(map(w, THERE, 20, RW, s, 0));
    OK(poke(v, THERE + 2 * PAGE, 55));
    CHECK_EQ(peek(w, THERE + 2 * PAGE), 55);
    OK(poke(w, THERE + 2 * PAGE, 66));
    CHECK_EQ(peek(v, THERE + 2 * PAGE), 55);
}

TEST(segment, shrinking_cuts_all_mappings_off)
{
    cptr_t v = new_vspace(4), w = new_vspace(4), s = new_segment(20);

    OK(map(v, THERE, 20, RW | VM_SHARED, s, 0));
    OK(map(w, THERE, 20, RW, s, 0));
    OK(poke(v, THERE + PAGE, 3));
    OK(poke(v, THERE + 2 * PAGE, 55));
    OK(poke(w, THERE + 2 * PAGE, 66));
    OK(resize(s, 2));
    CHECK(peek(v, THERE + 2 * PAGE) == ~0ul && peek(w, THERE + 2 * PAGE) == ~0ul);
    OK(resize(s, 20));
    CHECK(peek(v, THERE + 2 * PAGE) == 0 && peek(v, THERE + PAGE) == 3);
    CHECK_EQ(resize(s, (1ul << 27) + 1), ERR_RANGE);
    CHECK_EQ(resize(CAP_INIT_HART_PAGE, 1), ERR_INVALID_ARGUMENT);
}

TEST(segment, stores_set_dirty_bits_until_they_are_collected)
{
    cptr_t v = new_vspace(4), s = new_segment(20);
    struct ret r;

    OK(map(v, THERE, 20, RW | VM_SHARED, s, 0));
    OK(poke(v, THERE, 1));
    OK(poke(v, THERE + 2 * PAGE, 1));
    CHECK_EQ(peek(v, THERE + 3 * PAGE), 0);
    r = sys(SYS_INVOKE, s, SEGMENT_COLLECT_DIRTY, 0, 20, 0, 0, 0);
    CHECK(r.a[0] == 0 && r.a[1] == 5);
    OK(poke(v, THERE + 2 * PAGE, 56));
    r = sys(SYS_INVOKE, s, SEGMENT_COLLECT_DIRTY, 0, 20, 0, 0, 0);
    CHECK_EQ(r.a[1], 4);
    CHECK_EQ(invoke(s, SEGMENT_COLLECT_DIRTY, 0, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(s, SEGMENT_COLLECT_DIRTY, 0, 65, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(s, SEGMENT_COLLECT_DIRTY, ~0ul, 1, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(CAP_INIT_HART_PAGE, SEGMENT_COLLECT_DIRTY, 0, 1, 0, 0, 0), ERR_INVALID_ARGUMENT);
}

TEST(segment, zeroing_whole_pages_makes_holes)
{
    cptr_t v = new_vspace(4), s = new_segment(8);
    struct segment_info i = { 0 };

    OK(map(v, THERE, 8, RW | VM_SHARED, s, 0));
    for (unsigned k = 0; k < 8; k++)
        OK(poke(v, THERE + k * PAGE + 800, k + 1));
    OK(invoke(s, SEGMENT_ZERO, PAGE + 804, 3 * PAGE, 0, 0, 0));
    OK(invoke(s, SEGMENT_INFO, (uint64_t)&i, 0, 0, 0, 0));
    CHECK_EQ(i.resident_pages, 6);
    CHECK(peek(v, THERE + PAGE + 800) == 2 && peek(v, THERE + 2 * PAGE + 800) == 0 && peek(v, THERE + 4 * PAGE + 800) == 0);
    CHECK_EQ(invoke(s, SEGMENT_ZERO, 8 * PAGE - 8, 16, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(s, SEGMENT_ZERO, ~0ul, 16, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(invoke(s, SEGMENT_INFO, 0x7000, 0, 0, 0, 0), ERR_FAULT);
}

TEST(segment, one_that_is_mapped_in_many_spaces_is_deleted)
{
    cptr_t s = new_segment(8), v[40];
    struct segment_info i = { 0 };

    for (unsigned k = 0; k < 40; k++) {
        v[k] = new_vspace(1);
        OK(map(v[k], THERE, 8, RW | (k % 2 ? VM_SHARED : 0), s, 0));
        OK(poke(v[k], THERE + PAGE, k));
    }
    OK(invoke(s, SEGMENT_INFO, (uint64_t)&i, 0, 0, 0, 0));
    CHECK_EQ(i.nr_mappings, 40);
    OK(destroy(s));
    for (unsigned k = 0; k < 40; k++)
        CHECK_EQ(peek(v[k], THERE + PAGE), ~0ul);
    for (unsigned k = 0; k < 40; k++)
        OK(destroy(v[k]));
    CHECK_EQ(pool_used(1), 0);
}

TEST(segment, mappings_beyond_the_size_are_usable_when_it_has_grown)
{
    cptr_t v = new_vspace(1), s = new_segment(0);

    OK(map(v, THERE, 4, RW | VM_SHARED, s, 0));
    CHECK_EQ(peek(v, THERE), ~0ul);
    OK(resize(s, 4));
    CHECK_EQ(peek(v, THERE), 0);
}

/* ---- several harts ---- */

enum { STOP = 1, COUNT, DONE };

static void hammer(uint64_t page)
{
    while (!sh->word[STOP]) {
        ++*(volatile uint64_t *)page;
        sh->word[COUNT]++;
    }
    sh->word[DONE] = 1;
    rest();
}

/* A clone must not change under the stores of a thread on another hart. */
TEST_ON(2, vspace, clones_are_fenced_from_a_hart_that_stores)
{
    OK(reserve(CAP_INIT_VSPACE, HERE, 1, RW));
    spawn(other_hart(), 128, hammer, HERE);
    for (unsigned i = 0; i < 40; i++) {
        cptr_t child = space_clone();
        uint64_t seen = peek(child, HERE), since = sh->word[COUNT];

        if (!CHECK(EVENTUALLY(sh->word[COUNT] > since + 1000)) || !CHECK_EQ(peek(child, HERE), seen))
            return;
        OK(destroy(child));
    }
}

TEST_ON(2, vspace, discard_is_fenced_from_a_hart_that_stores)
{
    OK(reserve(CAP_INIT_VSPACE, HERE, 1, RW));
    spawn(other_hart(), 128, hammer, HERE);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t since = sh->word[COUNT];

        if (!CHECK(EVENTUALLY(sh->word[COUNT] > since + 100)))
            return;
        *(volatile uint64_t *)HERE = 1ul << 40;
        OK(invoke(CAP_INIT_VSPACE, VSPACE_DISCARD, HERE, PAGE, 0, 0, 0));
        if (!CHECK(*(volatile uint64_t *)HERE < 1ul << 40))
            return;
    }
}

static void loader(uint64_t page)
{
    while (!sh->word[STOP]) {
        (void)*(volatile uint64_t *)page;
        sh->word[COUNT]++;
    }
    sh->word[DONE] = 1;
    rest();
}

static uint64_t fence_targets(void) { return counters(0).nr_fence_targets; }

/* Shoot-downs go to the harts that run the address space and to no other. */
TEST_ON(4, vspace, fences_go_only_to_harts_that_run_the_address_space)
{
    OK(reserve(CAP_INIT_VSPACE, HERE + PAGE * 16, 1, RW));
    *(volatile uint64_t *)(HERE + PAGE * 16) = 1;
    cptr_t a = space_clone(), b = space_clone();
    cptr_t t = spawn_in(a, 1, 128), u = spawn_in(b, 2, 128);

    OK(reserve(a, HERE, 1, RW | VM_POPULATE));
    OK(reserve(b, HERE, 1, RW | VM_POPULATE));
    OK(start(t, loader, HERE));
    OK(start(u, loader, HERE));
    CHECK(EVENTUALLY(sh->word[COUNT] > 100 && thread_info(t).nr_switches > 0 && thread_info(u).nr_switches > 0));
    uint64_t before = fence_targets();
    for (unsigned i = 0; i < 10; i++) {         /* each page: one fence, hart 1 */
        OK(reserve(a, HERE + PAGE * 8, 1, RW | VM_POPULATE));
        OK(unmap(a, HERE + PAGE * 8, 1));
    }
    CHECK_EQ(fence_targets() - before, 10);
    before = fence_targets();
    cptr_t nobody = new_vspace(1);
    OK(reserve(nobody, THERE, 1, RW | VM_POPULATE));
    OK(unmap(nobody, THERE, 1));
    OK(destroy(nobody));
    CHECK_EQ(fence_targets() - before, 0);
    OK(suspend(t));
    OK(suspend(u));
    sh->word[STOP] = 1;
}

/* Two pairs of threads that share nothing, on two harts. */
static void ping(uint64_t i)
{
    while (!sh->word[STOP]) {
        sys_signal_wait(sh->word[8 + i * 4], sh->word[9 + i * 4], now() + 100 * MS);
        sys(SYS_CALL, sh->word[10 + i * 4], MSG_INFO(0, i % 2 ? 4 : 5, 0), 1, 2, 3, 4, 0);
        sh->word[32 + i * 8]++;
    }
    rest();
}

static void pong(uint64_t i)
{
    struct ret r;

    for (;;) {
        sys_wait(sh->word[8 + i * 4], DEADLINE_NONE, NULL);
        sys_signal(sh->word[9 + i * 4]);
        r = sys(SYS_RECV, sh->word[10 + i * 4], 0, 0, 0, 0, 0, sh->word[11 + i * 4]);
        if (r.a[0] == 0)
            sys(SYS_REPLY, sh->word[11 + i * 4], MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0);
    }
}

TEST_ON(4, races, independent_pairs_on_two_harts_never_wait_for_a_lock)
{
    for (unsigned i = 0; i < 2; i++) {
        sh->word[8 + i * 4] = note();
        sh->word[9 + i * 4] = note();
        sh->word[10 + i * 4] = make(CAP_TYPE_ENDPOINT, 0, 0);
        sh->word[11 + i * 4] = make(CAP_TYPE_REPLY, 0, 0);
        spawn(1 + i, 128, ping, i);
        spawn(1 + i, 128, pong, i);
    }
    CHECK(EVENTUALLY(sh->word[32] > 100 && sh->word[40] > 100));
    uint64_t waits1 = counters(1).nr_lock_waits, waits2 = counters(2).nr_lock_waits;
    uint64_t rounds1 = sh->word[32], rounds2 = sh->word[40];
    CHECK(EVENTUALLY(sh->word[32] > rounds1 + 3000 && sh->word[40] > rounds2 + 3000));
    CHECK_EQ(counters(1).nr_lock_waits - waits1, 0);
    CHECK_EQ(counters(2).nr_lock_waits - waits2, 0);
    sh->word[STOP] = 1;
}

/* ---- cost ---- */

static uint64_t started;

static void begin(void) { started = instret(); }

static void end(const char *name, uint64_t rounds)
{
    uint64_t spent = instret() - started;

    print("bench ");
    print(name);
    print(" ");
    print_number((long)(spent / rounds));
    print("\n");
}

static void touch(uint64_t at, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        *(volatile char *)(at + i * PAGE) = 1;
}

static void bench_faults(void)
{
    cptr_t me = CAP_INIT_VSPACE, child = make(CAP_TYPE_VSPACE, 0, 0), s;

    invoke(child, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0);
    invoke(me, VSPACE_RESERVE, HERE, 256 * PAGE, RW, 0, 0);
    *(volatile char *)HERE = 1;     /* its table */
    begin();
    touch(HERE + PAGE, 200);
    end("demand-zero fault", 200);
    begin();
    invoke(child, VSPACE_CLONE, me, 0, 0, 0, 0);
    end("clone of the root task (201 pages and more)", 1);
    begin();
    touch(HERE, 100);
    end("copy-on-write fault with a copy", 100);
    begin();
    destroy(child);
    end("destroy of the clone", 1);
    begin();
    touch(HERE + 100 * PAGE, 100);
    end("copy-on-write fault, sole owner", 100);
    begin();
    invoke(me, VSPACE_UNMAP, HERE, 256 * PAGE, 0, 0, 0);
    end("unmap, per touched page", 201);

    s = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    invoke(s, SEGMENT_RESIZE, 160, 0, 0, 0, 0);
    invoke(me, VSPACE_MAP, HERE, 160 * PAGE, RW | VM_SHARED, s, 0);
    touch(HERE, 160);
    invoke(me, VSPACE_MAP, HERE, 160 * PAGE, VM_READ | VM_REPLACE, s, 0);
    begin();
    for (unsigned i = 0; i < 160; i++)
        (void)*(volatile char *)(HERE + i * PAGE);
    end("load of a Segment's page, fault-around, per page", 160);
    invoke(me, VSPACE_UNMAP, HERE, 160 * PAGE, 0, 0, 0);
    destroy(s);
}

static void bench_ranges(void)
{
    cptr_t me = CAP_INIT_VSPACE, a, b;

    invoke(me, VSPACE_RESERVE, HERE + PAGE, PAGE, RW, 0, 0);    /* a neighbour */
    begin();
    for (unsigned i = 0; i < 100; i++) {
        invoke(me, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0);
        invoke(me, VSPACE_UNMAP, HERE, PAGE, 0, 0, 0);
    }
    end("reserve + unmap of an untouched page (2 calls)", 100);
    begin();
    for (unsigned i = 0; i < 100; i++) {
        invoke(me, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0);
        *(volatile char *)HERE = 1;
        invoke(me, VSPACE_UNMAP, HERE, PAGE, 0, 0, 0);
    }
    end("reserve + touch + unmap of a page", 100);
    begin();
    for (unsigned i = 0; i < 100; i++)
        invoke(me, VSPACE_PROTECT, HERE + PAGE, PAGE, i & 1 ? RW : VM_READ, 0, 0);
    end("protect of an untouched page", 100);
    invoke(me, VSPACE_UNMAP, HERE + PAGE, PAGE, 0, 0, 0);

    /* A small program: text, data and heap, libraries, stack. */
    a = make(CAP_TYPE_VSPACE, 0, 0);
    b = make(CAP_TYPE_VSPACE, 0, 0);
    invoke(a, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0);
    invoke(b, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0);
    invoke(a, VSPACE_RESERVE, 0x10000, 32 * PAGE, RW, 0, 0);
    invoke(a, VSPACE_RESERVE, 0x3f00000000, 32 * PAGE, RW, 0, 0);
    invoke(a, VSPACE_POPULATE, 0x10000, 32 * PAGE, 1, 0, 0);
    invoke(a, VSPACE_POPULATE, 0x3f00000000, 32 * PAGE, 1, 0, 0);
    begin();
    invoke(b, VSPACE_CLONE, a, 0, 0, 0, 0);
    end("clone of 64 private pages in two ranges", 1);
    begin();
    destroy(b);
    end("destroy of it", 1);
    destroy(a);
    a = make(CAP_TYPE_VSPACE, 0, 0);
    b = make(CAP_TYPE_VSPACE, 0, 0);
    invoke(a, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0);
    invoke(b, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0);
    invoke(a, VSPACE_RESERVE, 0x10000, 64 * PAGE, RW, 0, 0);
    invoke(a, VSPACE_POPULATE, 0x10000, 64 * PAGE, 1, 0, 0);
    begin();
    invoke(b, VSPACE_CLONE, a, 0, 0, 0, 0);
    end("clone of 64 private pages in one range", 1);
    destroy(b);
    destroy(a);
}

static void bench_copies(void)
{
    cptr_t me = CAP_INIT_VSPACE, s = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    static const unsigned sizes[] = { 1, 64, 4096, 65536 };

    invoke(me, VSPACE_RESERVE, HERE, 64 * PAGE, RW, 0, 0);
    invoke(me, VSPACE_POPULATE, HERE, 64 * PAGE, 1, 0, 0);
    invoke(s, SEGMENT_RESIZE, 16, 0, 0, 0, 0);
    for (unsigned i = 0; i < 4; i++) {
        invoke(s, SEGMENT_COPY, 0, me, HERE, sizes[i], 1);
        begin();
        invoke(s, SEGMENT_COPY, 0, me, HERE, sizes[i], 0);
        end("Segment to memory, 1/64/4096/65536 bytes", 1);
        begin();
        copy(me, HERE, (void *)(HERE + 32 * PAGE), sizes[i], 0);
        end("vspace_copy, the same", 1);
    }
    invoke(me, VSPACE_UNMAP, HERE, 64 * PAGE, 0, 0, 0);
    destroy(s);
}

void memory_bench(void)
{
    bench_faults();
    bench_ranges();
    bench_copies();
}
