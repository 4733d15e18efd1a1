/* SPDX-License-Identifier: MIT */
/* Pool, Segment and VSpace as seen from user mode, and what they cost. */
#include "root.h"

#define PAGE   4096ul
#define RW     (VM_READ | VM_WRITE)
#define HERE   0x20000000ul     /* free addresses of the root's own VSpace    */
#define THERE  0x100000000ul    /* and of the others                          */
#define POOL_PAGES 2048

static cptr_t pool;
static volatile uint64_t stop, counter;

static cptr_t new_vspace(unsigned account)
{
    cptr_t v = make(CAP_TYPE_VSPACE, 0, 0);

    invoke(v, VSPACE_INIT, pool, account, 0, 0, 0);
    return v;
}

static cptr_t new_segment(uint64_t pages)
{
    cptr_t s = make(CAP_TYPE_SEGMENT, 0, pool);

    invoke(s, SEGMENT_RESIZE, pages, 0, 0, 0, 0);
    return s;
}

static void destroy(cptr_t c) { invoke(CAP_INIT_CNODE, CNODE_DELETE, c, 0, 0, 0, 0); }

static struct ret copy(cptr_t v, uint64_t va, void *own, uint64_t n, unsigned into)
{
    return sys(SYS_VSPACE_COPY, v, va, (uint64_t)own, n, into, 0, 0);
}

static uint64_t peek(cptr_t v, uint64_t va)
{
    uint64_t value = 0;
    struct ret r = copy(v, va, &value, 8, 0);

    return r.a[0] == 0 ? value : ~0ul;
}

static error_t poke(cptr_t v, uint64_t va, uint64_t value)
{
    return (error_t)copy(v, va, &value, 8, 1).a[0];
}

static uint64_t pool_used(unsigned account)
{
    struct pool_info info = { 0 };

    invoke(pool, POOL_INFO, account, (uint64_t)&info, 0, 0, 0);
    return info.used_pages;
}

static uint64_t pool_free(void)
{
    struct pool_info info = { 0 };

    invoke(pool, POOL_INFO, ~0ul, (uint64_t)&info, 0, 0, 0);
    return info.free_pages;
}

/* ---- ranges, clones ---- */

static void test_ranges(void)
{
    uint64_t before = pool_free();
    cptr_t v = new_vspace(1), child;
    struct vspace_query q = { 0 };

    expect(invoke(v, VSPACE_INIT, pool, 1, 0, 0, 0), ERR_BUSY, "bound_only_once");
    expect(invoke(v, VSPACE_RESERVE, THERE, 64 * PAGE, RW, 0, 0), 0, "reserve");
    expect(invoke(v, VSPACE_RESERVE, THERE + PAGE, PAGE, RW, 0, 0), ERR_BUSY, "reserve_over_it");
    expect(invoke(v, VSPACE_RESERVE, THERE + 1, PAGE, RW, 0, 0), ERR_INVALID_ARGUMENT, "unaligned");
    expect(invoke(v, VSPACE_RESERVE, USER_TOP - PAGE, 2 * PAGE, RW, 0, 0), ERR_RANGE, "beyond_user");
    expect(invoke(v, VSPACE_RESERVE, THERE, -PAGE, RW, 0, 0), ERR_RANGE, "overflow");
    check(peek(v, THERE) == 0, "reserved_reads_zero", 0);
    expect(poke(v, THERE + 8, 77), 0, "store_through_copy");
    check(peek(v, THERE + 8) == 77, "and_it_is_there", 0);
    check(peek(v, THERE + 64 * PAGE) == ~0ul, "beyond_the_range_faults", 0);
    expect(invoke(v, VSPACE_PROTECT, THERE, PAGE, VM_READ, 0, 0), 0, "protect");
    expect(poke(v, THERE, 1), ERR_FAULT, "read_only_faults");
    expect(invoke(v, VSPACE_PROTECT, THERE, PAGE, 0, 0, 0), 0, "protect_none");
    check(peek(v, THERE + 8) == ~0ul, "no_access_faults", 0);
    expect(invoke(v, VSPACE_PROTECT, THERE, PAGE, RW, 0, 0), 0, "protect_back");
    check(peek(v, THERE + 8) == 77, "content_survived", 0);
    expect(invoke(v, VSPACE_MOVE, THERE, 2 * PAGE, THERE + 0x40000000, 0, 0), 0, "move");
    check(peek(v, THERE + 0x40000008) == 77 && peek(v, THERE) == ~0ul, "moved", 0);
    expect(invoke(v, VSPACE_QUERY, THERE + 0x40000000, (uint64_t)&q, 0, 0, 0), 0, "query");
    check(q.kind == 1 && q.prot == RW && q.length == 2 * PAGE, "query_says_so", (long)q.length);

    child = new_vspace(2);
    expect(invoke(child, VSPACE_CLONE, v, 0, 0, 0, 0), 0, "clone");
    expect(poke(v, THERE + 0x40000008, 78), 0, "parent_stores");
    check(peek(child, THERE + 0x40000008) == 77, "child_keeps_the_old", 0);
    expect(invoke(child, VSPACE_CLONE, v, 0, 0, 0, 0), ERR_BUSY, "clone_into_used");
    expect(invoke(v, VSPACE_DISCARD, THERE + 0x40000000, PAGE, 0, 0, 0), 0, "discard");
    check(peek(v, THERE + 0x40000008) == 0, "discarded_reads_zero", 0);
    destroy(child);
    destroy(v);
    check(pool_used(1) == 0 && pool_used(2) == 0, "accounts_are_empty_again", (long)pool_used(1));
    check(pool_free() == before, "every_page_came_back", (long)(before - pool_free()));
}

static void test_limits(void)
{
    cptr_t v = new_vspace(3);

    expect(invoke(pool, POOL_SET_LIMIT, 3, 6, 0, 0, 0), 0, "set_limit");
    expect(invoke(v, VSPACE_RESERVE, THERE, 64 * PAGE, RW, 0, 0), 0, "reserve_beyond_the_limit");
    expect(invoke(v, VSPACE_POPULATE, THERE, 64 * PAGE, 1, 0, 0), ERR_NO_MEMORY, "account_is_full");
    check(pool_used(3) == 6, "used_up_to_the_limit", (long)pool_used(3));
    expect(invoke(v, VSPACE_UNMAP, THERE, 64 * PAGE, 0, 0, 0), 0, "unmap");
    destroy(v);
}

/* ---- Segments ---- */

static void test_segments(void)
{
    cptr_t v = new_vspace(4), w = new_vspace(4), s = new_segment(20), weak = slots(1);
    uint64_t data[4] = { 1, 2, 3, 4 }, out[4] = { 0 };
    struct segment_info info = { 0 };
    struct ret r;

    r = sys(SYS_INVOKE, s, SEGMENT_COPY, PAGE - 16, CAP_INIT_VSPACE, (uint64_t)data, 32, 1);
    check(r.a[0] == 0 && r.a[1] == 32, "copy_in_across_pages", r.a[0]);
    r = sys(SYS_INVOKE, s, SEGMENT_COPY, PAGE - 16, CAP_INIT_VSPACE, (uint64_t)out, 32, 0);
    check(r.a[0] == 0 && out[0] == 1 && out[3] == 4, "copy_out", r.a[0]);
    r = sys(SYS_INVOKE, s, SEGMENT_COPY, 20 * PAGE - 8, CAP_INIT_VSPACE, (uint64_t)data, 32, 1);
    check(r.a[0] == ERR_RANGE, "copy_beyond_the_size", r.a[0]);
    expect(invoke(v, VSPACE_MAP, THERE, 20 * PAGE, RW | VM_SHARED, s, 0), 0, "map_shared");
    expect(invoke(w, VSPACE_MAP, THERE, 20 * PAGE, RW, s, 0), 0, "map_private");
    expect(poke(v, THERE + 2 * PAGE, 55), 0, "store_shared");
    check(peek(w, THERE + 2 * PAGE) == 55, "private_sees_it", 0);
    expect(poke(w, THERE + 2 * PAGE, 66), 0, "store_private");
    check(peek(v, THERE + 2 * PAGE) == 55, "shared_does_not", 0);
    r = sys(SYS_INVOKE, s, SEGMENT_COLLECT_DIRTY, 0, 20, 0, 0, 0);
    check(r.a[0] == 0 && r.a[1] == 7, "dirty_bits", r.a[1]);
    expect(poke(v, THERE + 2 * PAGE, 56), 0, "store_again");
    r = sys(SYS_INVOKE, s, SEGMENT_COLLECT_DIRTY, 0, 20, 0, 0, 0);
    check(r.a[1] == 4, "dirty_again", r.a[1]);
    expect(invoke(s, SEGMENT_RESIZE, 2, 0, 0, 0, 0), 0, "shrink");
    check(peek(v, THERE + 2 * PAGE) == ~0ul && peek(w, THERE + 2 * PAGE) == ~0ul,
          "beyond_the_end_faults", 0);
    expect(invoke(s, SEGMENT_RESIZE, 20, 0, 0, 0, 0), 0, "grow");
    check(peek(v, THERE + 2 * PAGE) == 0 && peek(v, THERE + PAGE) == 3, "grown_reads_zero", 0);
    expect(invoke(CAP_INIT_CNODE, CNODE_COPY, weak, s, RIGHT_READ, 0, 0), 0, "read_only_cap");
    expect(invoke(v, VSPACE_MAP, THERE + (1 << 30), PAGE, RW | VM_SHARED, weak, 0), ERR_RIGHTS,
           "no_writable_mapping_of_it");
    expect(invoke(v, VSPACE_MAP, THERE + (1 << 30), PAGE, VM_EXEC, weak, 0), ERR_RIGHTS,
           "no_executable_mapping_of_it");
    expect(invoke(v, VSPACE_MAP, THERE + (1 << 30), PAGE, VM_READ | VM_SHARED, weak, 0), 0,
           "readable_mapping");
    expect(invoke(v, VSPACE_PROTECT, THERE + (1 << 30), PAGE, RW, 0, 0), ERR_RIGHTS,
           "cannot_be_made_writable");
    expect(invoke(s, SEGMENT_INFO, (uint64_t)&info, 0, 0, 0, 0), 0, "segment_info");
    check(info.nr_mappings == 3 && info.size_pages == 20, "three_mappings", (long)info.nr_mappings);
    destroy(weak);
    destroy(s);
    check(peek(v, THERE) == ~0ul, "deleted_segment_is_unmapped", 0);
    destroy(v);
    destroy(w);
    check(pool_used(4) == 0, "nothing_left_behind", (long)pool_used(4));
}

/* ---- two harts ---- */

static void hammer(uint64_t page)
{
    while (!stop) {
        ++*(volatile uint64_t *)page;
        counter++;
    }
    for (;;)
        sys_yield();
}

/* A clone must not change under the stores of a thread on another hart. */
static void test_clone_against_stores(void)
{
    bool same = true, moved = false;
    cptr_t t;

    if (hart_count() < 2)
        return;
    stop = counter = 0;
    invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0);
    t = spawn(1, 128, hammer, HERE);
    for (unsigned i = 0; i < 50; i++) {
        cptr_t child = make(CAP_TYPE_VSPACE, 0, 0);
        uint64_t seen, since;

        invoke(child, VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0);
        if (invoke(child, VSPACE_CLONE, CAP_INIT_VSPACE, 0, 0, 0, 0) != 0)
            same = false;
        seen = peek(child, HERE);
        since = counter;
        for (unsigned spins = 0; counter < since + 1000 && spins < 100000000; spins++)
            ;
        moved |= counter >= since + 1000;
        same &= peek(child, HERE) == seen;
        destroy(child);
    }
    check(same && moved, "clones_are_fenced_from_the_other_hart", moved);
    stop = 1;
    invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0);
    destroy(t);
    invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, HERE, PAGE, 0, 0, 0);
}

/* Its frames must be out of the other hart's reach once unmap returned. */
static void test_discard_against_stores(void)
{
    bool zero = true;
    cptr_t t;

    if (hart_count() < 2)
        return;
    stop = counter = 0;
    invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0);
    t = spawn(1, 128, hammer, HERE);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t since = counter;

        while (counter < since + 100)
            ;
        *(volatile uint64_t *)HERE = 1ul << 40;
        invoke(CAP_INIT_VSPACE, VSPACE_DISCARD, HERE, PAGE, 0, 0, 0);
        zero &= *(volatile uint64_t *)HERE < 1ul << 40;
    }
    check(zero, "discard_is_fenced_from_the_other_hart", 0);
    stop = 1;
    invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0);
    destroy(t);
    invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, HERE, PAGE, 0, 0, 0);
}

void memory_tests(void)
{
    pool = make(CAP_TYPE_POOL, POOL_PAGES, 0);
    check(pool != 0, "retype_makes_a_pool", 0);
    test_ranges();
    test_limits();
    test_segments();
    test_clone_against_stores();
    test_discard_against_stores();
    destroy(pool);
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
