/* SPDX-License-Identifier: MIT */
/* build: tests/host/kernel_memory/harness.c tests/host/kernel_memory/census.c microkernel/object/pool.c
 * microkernel/object/mapping.c microkernel/object/segment.c
 * microkernel/object/segment_invoke.c microkernel/object/vspace.c
 * microkernel/object/vspace_table.c microkernel/object/vspace_range.c
 * microkernel/object/vspace_move.c microkernel/object/vspace_fault.c
 * microkernel/object/vspace_clone.c microkernel/kernel/usercopy.c;
 * include: tests/host/kernel_memory/fake microkernel microkernel/abi */
/* Pool, Segment and VSpace, one behaviour at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness.h"
#include "kernel/hart.h"

#define PAGE PAGE_BYTES
#define AT   0x10000000ul
#define RW   (VM_READ | VM_WRITE)
#define POOL_USABLE (world.free_at_start)

static struct vspace *vs;
static uint64_t result;

static int begin(void **state)
{
    (void)state;
    world_setup(2000);
    vspace_make(0, 1);
    vs = &world.vspace[0];
    run_on(0, 0);
    fake_tcb.vspace = vs;
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_teardown();
    return 0;
}

static error_t on_vspace(unsigned rights, uint32_t op, uint64_t a, uint64_t b,
                         uint64_t c, uint64_t d, uint64_t e)
{
    return invoke(vspace_decode, vs, rights, op, a, b, c, d, e, &result);
}

static error_t on_segment(unsigned rights, uint32_t op, uint64_t a, uint64_t b,
                          uint64_t c, uint64_t d, uint64_t e)
{
    return invoke(segment_decode, &world.segment[0], rights, op, a, b, c, d, e, &result);
}

static uint64_t load(uaddr_t va)
{
    uint64_t value = 0;

    assert_int_equal(user_load(va, &value), FAULT_RESOLVED);
    return value;
}

/* ---- Pool ---- */

static void pool_hands_out_every_page_once(void **state)
{
    size_t n = POOL_USABLE - 1, i;     /* the root table has one */
    paddr_t *pa = calloc(n, sizeof *pa), none;

    (void)state;
    for (i = 0; i < n; i++) {
        fake_hart = (unsigned)i % 3;
        assert_int_equal(pool_alloc_page(world.pool, 7, &pa[i]), 0);
        for (size_t w = 0; w < PAGE / 8; w += 37)
            assert_int_equal(((uint64_t *)phys_to_kva(pa[i]))[w], 0);
        memset(phys_to_kva(pa[i]), 0x5a, PAGE);
    }
    assert_int_equal(pool_alloc_page(world.pool, 7, &none), ERR_NO_MEMORY);
    assert_int_equal(world.pool->accounts[7].used, n);
    for (i = 0; i < n; i++) {
        fake_hart = (unsigned)(i / 5) % 3;
        pool_free_page(world.pool, 7, pa[i]);
    }
    assert_int_equal(pool_free_pages(world.pool), n);
    fake_hart = 0;
    free(pa);
}

static void pool_steals_from_other_caches_before_it_fails(void **state)
{
    paddr_t pa[40], last;
    size_t n = POOL_USABLE - 1;
    paddr_t *all = calloc(n, sizeof *all);

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(pool_alloc_raw(world.pool, 7, &pa[i]), 0);
    fake_hart = 1;
    for (unsigned i = 0; i < 40; i++)   /* all in the cache of hart 1 */
        pool_free_page(world.pool, 7, pa[i]);
    fake_hart = 2;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pool_alloc_raw(world.pool, 8, &all[i]), 0);
    assert_int_equal(pool_alloc_raw(world.pool, 8, &last), ERR_NO_MEMORY);
    fake_hart = 0;
    for (size_t i = 0; i < n; i++)
        pool_free_page(world.pool, 8, all[i]);
    free(all);
}

static void pool_uses_memory_below_and_above_its_own(void **state)
{
    enum { SPAN = 200, OWN = 80, LOW = 30, HIGH = 40 };
    char *arena = aligned_alloc(PAGE, SPAN * PAGE), *old = fake_arena;
    struct pool *pool = (struct pool *)(arena + 60 * PAGE);
    paddr_t own, base, pa;
    size_t expected, n = 0;

    (void)state;
    memset(arena, 0xa5, SPAN * PAGE);
    base = kva_to_phys(arena);
    own = base + 60 * PAGE;
    pool_init(pool, own, OWN, base, SPAN);
    expected = pool_free_pages(pool);
    assert_int_equal(expected, OWN - pool_overhead(SPAN));
    assert_true(pool_spans(pool, base, LOW) && pool_spans(pool, base, SPAN));
    assert_false(pool_spans(pool, base, SPAN + 1));
    assert_false(pool_spans(pool, base - PAGE, 1));
    assert_false(pool_spans(pool, base + SPAN * PAGE, 1));
    pool_add_range(pool, base, LOW);
    pool_add_range(pool, base + 150 * PAGE, HIGH);
    assert_int_equal(pool_free_pages(pool), expected + LOW + HIGH);
    for (; pool_alloc_page(pool, 3, &pa) == 0; n++) {
        size_t at = (pa - base) / PAGE;

        assert_true(at < LOW || (at >= 60 + pool_overhead(SPAN) && at < 60 + OWN) ||
                    (at >= 150 && at < 150 + HIGH));
        memset(arena + at * PAGE, (int)n, PAGE);
        assert_int_equal(pool_ref_read(pool, pa), 1);
    }
    assert_int_equal(n, expected + LOW + HIGH);
    pool_free_page(pool, 3, base);
    assert_int_equal(pool_alloc_page(pool, 3, &pa), 0);
    assert_int_equal(pa, base);
    assert_ptr_equal(fake_arena, old);
    free(arena);
}

static void pool_limit_is_enforced_and_reported(void **state)
{
    paddr_t pa;
    struct pool_info info;
    struct vspace other;

    (void)state;
    assert_int_equal(invoke(pool_decode, world.pool, RIGHT_MAP, POOL_SET_LIMIT, 5, 1, 0, 0, 0,
                            NULL), ERR_RIGHTS);
    assert_int_equal(invoke(pool_decode, world.pool, RIGHTS_ALL, POOL_SET_LIMIT, POOL_ACCOUNTS,
                            1, 0, 0, 0, NULL), ERR_RANGE);
    assert_int_equal(invoke(pool_decode, world.pool, RIGHTS_ALL, POOL_SET_LIMIT, 5, 1, 0, 0, 0,
                            NULL), 0);
    assert_int_equal(pool_alloc_page(world.pool, 5, &pa), 0);
    assert_int_equal(vspace_reserve(vs, AT, PAGE, RW, NULL), 0);
    assert_int_equal(invoke(pool_decode, world.pool, RIGHTS_ALL, POOL_INFO, 5, AT, 0, 0, 0,
                            NULL), 0);
    assert_int_equal(copy_from_user(vs, &info, AT, sizeof info), 0);
    assert_int_equal(info.used_pages, 1);
    assert_int_equal(info.limit_pages, 1);
    assert_int_equal(invoke(pool_decode, world.pool, RIGHTS_ALL, POOL_INFO, 5, AT + PAGE, 0, 0,
                            0, NULL), ERR_FAULT);
    assert_int_equal(pool_alloc_page(world.pool, 5, &info.total_pages), ERR_NO_MEMORY);
    pool_free_page(world.pool, 5, pa);
    assert_int_equal(pool_destroy_step(world.pool), ERR_BUSY);
    vspace_init(&other);
    assert_int_equal(vspace_bind(&other, world.pool, 1), ERR_DELETED);
    segment_init(&world.segment[0], world.pool, 1);
    assert_int_equal(segment_resize(&world.segment[0], 1), ERR_INVALID_ARGUMENT);
    assert_int_equal(segment_destroy_step(&world.segment[0]), 0);
}

/* ---- VSpace: arguments ---- */

static void vspace_refuses_bad_arguments(void **state)
{
    static const uint32_t ops[] = { VSPACE_RESERVE, VSPACE_PROTECT, VSPACE_UNMAP,
                                    VSPACE_DISCARD, VSPACE_POPULATE };

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(on_vspace(RIGHTS_ALL & ~RIGHT_MAP, ops[i], AT, PAGE, 1, 0, 0), ERR_RIGHTS);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], AT + 8, PAGE, 1, 0, 0), ERR_INVALID_ARGUMENT);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], AT, PAGE + 1, 1, 0, 0), ERR_INVALID_ARGUMENT);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], AT, 0, 1, 0, 0), ERR_INVALID_ARGUMENT);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], USER_TOP, PAGE, 1, 0, 0), ERR_RANGE);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], USER_TOP - PAGE, 2 * PAGE, 1, 0, 0), ERR_RANGE);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], AT, -(uint64_t)PAGE, 1, 0, 0), ERR_RANGE);
        assert_int_equal(on_vspace(RIGHTS_ALL, ops[i], -(uint64_t)PAGE, PAGE, 1, 0, 0), ERR_RANGE);
    }
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_RESERVE, AT, PAGE, 0x100, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_RESERVE, AT, PAGE, VM_SHARED, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_RESERVE, AT, PAGE, 1ul << 40, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_PROTECT, AT, PAGE, 8, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT, PAGE, 1, 9, 0), ERR_INVALID_CAP);
    assert_int_equal(on_vspace(RIGHTS_ALL, 0x5ff, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_INIT, 9, 0, 0, 0, 0), ERR_INVALID_CAP);
    fake_cap(2, CAP_TYPE_POOL, world.pool, RIGHTS_ALL);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_INIT, 2, POOL_ACCOUNTS, 0, 0, 0), ERR_RANGE);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_INIT, 2, 1, 0, 0, 0), ERR_BUSY);
    assert_int_equal(vs->mapped_pages, 0);
}

static void unbound_and_dying_spaces_map_nothing(void **state)
{
    struct vspace other;

    (void)state;
    vspace_init(&other);
    assert_int_equal(vspace_reserve(&other, AT, PAGE, RW, NULL), ERR_INVALID_CALL);
    assert_int_equal(vspace_fault(&other, AT, VM_READ), FAULT_BAD_ACCESS);
    assert_int_equal(vspace_clone(&other, vs), ERR_INVALID_CALL);
    assert_int_equal(vspace_destroy_step(vs), K_AGAIN);     /* hart 0 runs it */
    assert_int_equal(vspace_reserve(vs, AT, PAGE, RW, NULL), ERR_DELETED);
    assert_int_equal(vspace_fault(vs, AT, VM_READ), FAULT_BAD_ACCESS);
}

/* ---- VSpace: ranges ---- */

static void large_reserve_costs_no_tables(void **state)
{
    uint64_t before = vs->table_pages;

    (void)state;
    assert_int_equal(vspace_reserve(vs, LEVEL_BYTES(2), 100 * LEVEL_BYTES(2), RW, NULL), 0);
    assert_int_equal(vs->table_pages, before);
    assert_int_equal(user_store(77 * LEVEL_BYTES(2) + 5 * PAGE, 1), FAULT_RESOLVED);
    assert_int_equal(vs->table_pages, before + 2);
    assert_int_equal(vspace_unmap(vs, LEVEL_BYTES(2), 100 * LEVEL_BYTES(2), NULL), 0);
    assert_int_equal(vs->table_pages, before + 1);      /* middle tables stay */
    assert_int_equal(vs->mapped_pages, 0);
}

static void map_and_unmap_of_a_page_keeps_its_table(void **state)
{
    uint64_t tables;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(vspace_reserve(vs, AT + PAGE, PAGE, RW, NULL), 0);
        tables = vs->table_pages;
        assert_int_equal(vspace_unmap(vs, AT + PAGE, PAGE, NULL), 0);
        assert_int_equal(vs->table_pages, tables);
    }
    for (unsigned i = 0; i < 10; i++) {     /* but at most one */
        assert_int_equal(vspace_reserve(vs, AT + i * LEVEL_BYTES(1), PAGE, RW, NULL), 0);
        assert_int_equal(vspace_unmap(vs, AT + i * LEVEL_BYTES(1), PAGE, NULL), 0);
    }
    assert_int_equal(vs->table_pages, tables);
}

static void sole_owner_gets_its_page_back_without_a_copy(void **state)
{
    size_t free_before;

    (void)state;
    vspace_reserve(vs, AT, PAGE, RW, NULL);
    user_store(AT, 5);
    vspace_make(1, 2);
    assert_int_equal(vspace_clone(&world.vspace[1], vs), 0);
    assert_int_equal(world.pool->accounts[2].used, world.vspace[1].table_pages + 1);
    vspace_kill(1);
    run_on(0, 0);
    free_before = pool_free_pages(world.pool);
    assert_int_equal(user_store(AT, 6), FAULT_RESOLVED);
    assert_int_equal(pool_free_pages(world.pool), free_before);
    assert_int_equal(vs->nr_cow, 0);
}

static void copy_on_write_works_in_a_full_account(void **state)
{
    (void)state;
    vspace_reserve(vs, AT, 2 * PAGE, RW, NULL);
    user_store(AT, 5);
    vspace_make(1, 2);
    assert_int_equal(vspace_clone(&world.vspace[1], vs), 0);
    world.pool->accounts[1].limit = world.pool->accounts[1].used;
    assert_int_equal(user_store(AT, 6), FAULT_RESOLVED);
    assert_int_equal(vs->nr_cow, 1);
    assert_int_equal(user_store(AT + PAGE, 6), FAULT_NO_MEMORY);
    run_on(0, 1);
    assert_int_equal(load(AT), 5);
}

static void failed_clone_leaves_an_empty_target(void **state)
{
    (void)state;
    vspace_reserve(vs, AT, 3 * LEVEL_BYTES(1), RW, NULL);
    for (unsigned i = 0; i < 3; i++)
        user_store(AT + i * LEVEL_BYTES(1), i);
    vspace_make(1, 2);
    world.pool->accounts[2].limit = 5;      /* root, middle, leaf, frame, leaf */
    assert_int_equal(vspace_clone(&world.vspace[1], vs), ERR_NO_MEMORY);
    assert_int_equal(world.vspace[1].mapped_pages, 0);
    assert_int_equal(world.vspace[1].private_pages, 0);
    world.pool->accounts[2].limit = 50;
    assert_int_equal(vspace_clone(&world.vspace[1], vs), 0);
    assert_int_equal(world.vspace[1].mapped_pages, vs->mapped_pages);
}

/* Four tables with a page each, and a clone of them into `target` that stopped after its first step. */
static void begin_a_clone(struct vspace *target)
{
    vspace_reserve(vs, AT, 6 * LEVEL_BYTES(1), RW, NULL);
    for (unsigned i = 0; i < 6; i++)
        user_store(AT + i * LEVEL_BYTES(1), 10 + i);
    preempt_one_in = 1;
    assert_int_equal(vspace_clone(target, vs), K_PREEMPTED);
    preempt_one_in = 0;
    assert_true(target->mapped_pages > 0 && target->mapped_pages < vs->mapped_pages);
}

static void a_clone_left_half_done_is_over_when_its_target_is_emptied(void **state)
{
    struct vspace *target = &world.vspace[1], *other = &world.vspace[2];

    (void)state;
    vspace_make(1, 2);
    vspace_make(2, 3);
    begin_a_clone(target);
    assert_int_equal(vspace_clone(target, other), ERR_BUSY);
    assert_int_equal(vspace_unmap(target, 0, USER_TOP, NULL), 0);
    check_world();
    assert_int_equal(vspace_clone(target, vs), 0);      /* whole, not from where the first one stood */
    assert_int_equal(target->mapped_pages, vs->mapped_pages);
    run_on(0, 1);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(load(AT + i * LEVEL_BYTES(1)), 10 + i);
    run_on(0, 0);
    assert_int_equal(vspace_unmap(target, 0, USER_TOP, NULL), 0);
    begin_a_clone(target);
    assert_int_equal(vspace_unmap(target, 0, USER_TOP, NULL), 0);
    assert_int_equal(vspace_clone(target, other), 0);   /* by somebody else */
    assert_int_equal(target->mapped_pages, 0);
    check_world();
}

static void an_undo_left_half_done_is_over_when_its_target_is_emptied(void **state)
{
    struct vspace *target = &world.vspace[1], *other = &world.vspace[2];
    error_t err;

    (void)state;
    vspace_make(1, 2);
    vspace_make(2, 3);
    vspace_reserve(vs, AT, 6 * LEVEL_BYTES(1), RW, NULL);
    for (unsigned i = 0; i < 6; i++)
        for (unsigned page = 0; page < 300; page++)
            user_store(AT + i * LEVEL_BYTES(1) + page * PAGE, i);
    world.pool->accounts[2].limit = 3 + 4 * 301;
    preempt_one_in = 1;
    do
        err = vspace_clone(target, vs);
    while (err == K_PREEMPTED && target->clone_state != CLONE_UNDO);
    assert_int_equal(err, K_PREEMPTED);
    preempt_one_in = 0;
    world.pool->accounts[2].limit = 3000;
    assert_int_equal(vspace_unmap(target, 0, USER_TOP, NULL), 0);
    assert_int_equal(target->private_pages, 0);
    vspace_reserve(other, AT, PAGE, RW, NULL);
    assert_int_equal(vspace_clone(target, other), 0);
    assert_int_equal(target->mapped_pages, 1);
    check_world();
}

/* Somebody else may map into the target between two steps of a clone. */
static void a_clone_overwrites_nothing(void **state)
{
    struct vspace *target = &world.vspace[1];

    (void)state;
    vspace_make(1, 2);
    begin_a_clone(target);
    assert_int_equal(vspace_reserve(target, AT + 5 * LEVEL_BYTES(1) + 9 * PAGE, PAGE, RW, NULL), 0);
    assert_int_equal(vspace_clone(target, vs), ERR_BUSY);
    check_world();
    assert_int_equal(vspace_unmap(target, 0, USER_TOP, NULL), 0);
    vspace_reserve(vs, 5 * LEVEL_BYTES(2), PAGE, RW, NULL);
    begin_a_clone(target);
    assert_int_equal(vspace_reserve(target, 5 * LEVEL_BYTES(2), LEVEL_BYTES(2), RW, NULL), 0);
    assert_int_equal(vspace_clone(target, vs), ERR_BUSY);
    check_world();
}

static void a_clone_into_a_used_and_emptied_space_loses_no_table(void **state)
{
    struct vspace *target = &world.vspace[1];

    (void)state;
    vspace_make(1, 2);
    vspace_reserve(target, AT, PAGE, RW, NULL);
    vspace_unmap(target, AT, PAGE, NULL);
    vspace_reserve(vs, AT, PAGE, RW, NULL);
    assert_int_equal(vspace_clone(target, vs), 0);
    assert_int_equal(target->mapped_pages, 1);
    check_world();
}

static void unmapping_everything_leaves_no_leaf_table(void **state)
{
    struct vspace *target = &world.vspace[1];
    uint64_t tables = vs->table_pages;

    (void)state;
    vspace_make(1, 2);
    vspace_reserve(vs, LEVEL_BYTES(2) - PAGE, PAGE, RW, NULL);
    vspace_reserve(vs, LEVEL_BYTES(2), PAGE, RW | VM_NO_CLONE, NULL);
    assert_int_equal(vs->table_pages, tables + 4);
    assert_int_equal(vspace_clone(target, vs), 0);
    assert_int_equal(target->table_pages, 4);       /* none for what is not cloned; root, two middle, leaf */
    assert_int_equal(vspace_unmap(vs, LEVEL_BYTES(2), PAGE, NULL), 0);
    assert_int_equal(vs->table_pages, tables + 4);      /* kept */
    assert_int_equal(vspace_unmap(vs, 0, USER_TOP, NULL), 0);
    assert_int_equal(vs->table_pages, tables + 2);
    check_world();
}

/* ---- Segments ---- */

static void mapping_rights_come_from_the_capability(void **state)
{
    (void)state;
    segment_make(0, 3, 10);
    fake_cap(3, CAP_TYPE_SEGMENT, &world.segment[0], RIGHT_READ);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT, PAGE, RW | VM_SHARED, 3, 0), ERR_RIGHTS);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT, PAGE, VM_READ | VM_EXEC, 3, 0), ERR_RIGHTS);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT, PAGE, RW, 3, 0), 0);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT + PAGE, PAGE, VM_READ | VM_SHARED, 3, 0), 0);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_PROTECT, AT, 2 * PAGE, RW, 0, 0), ERR_RIGHTS);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_PROTECT, AT, PAGE, VM_EXEC, 0, 0), ERR_RIGHTS);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT + 4 * PAGE, PAGE, 1, 3, UINT32_MAX), ERR_RANGE);
    fake_cap(3, CAP_TYPE_SEGMENT, &world.segment[0], RIGHT_WRITE);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT + 4 * PAGE, PAGE, RW | VM_SHARED, 3, 0), ERR_RIGHTS);
}

static void segment_operations_check_their_rights(void **state)
{
    static const struct { uint32_t op; unsigned without; } c[] = {
        { SEGMENT_RESIZE, RIGHT_CONTROL }, { SEGMENT_ZERO, RIGHT_WRITE },
        { SEGMENT_SET_PAGER, RIGHT_CONTROL }, { SEGMENT_COLLECT_DIRTY, RIGHT_CONTROL },
    };

    (void)state;
    segment_make(0, 3, 10);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(on_segment(RIGHTS_ALL & ~c[i].without, c[i].op, 0, 1, 0, 0, 0), ERR_RIGHTS);
    fake_cap(1, CAP_TYPE_VSPACE, vs, RIGHTS_ALL & ~RIGHT_COPY);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 0, 1, AT, 8, 0), ERR_RIGHTS);
    fake_cap(1, CAP_TYPE_VSPACE, vs, RIGHT_COPY);
    assert_int_equal(on_segment(RIGHT_READ, SEGMENT_COPY, 0, 1, AT, 8, 1), ERR_RIGHTS);
    assert_int_equal(on_segment(RIGHT_WRITE, SEGMENT_COPY, 0, 1, AT, 8, 0), ERR_RIGHTS);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 0, 1, AT, 8, 2), ERR_INVALID_ARGUMENT);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, ~0ul, 1, AT, 8, 0), ERR_RANGE);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 10 * PAGE - 4, 1, AT, 8, 0), ERR_RANGE);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 0, 1, AT, 8, 0), ERR_FAULT);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_SET_PAGER, 1, 0, 0, 0, 0), ERR_NOT_IMPLEMENTED);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_RESIZE, SEGMENT_MAX_PAGES + 1, 0, 0, 0, 0), ERR_RANGE);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COLLECT_DIRTY, 0, 65, 0, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_ZERO, 9 * PAGE, 2 * PAGE, 0, 0, 0), ERR_RANGE);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_ZERO, PAGE, -(uint64_t)PAGE, 0, 0, 0), ERR_RANGE);
}

static void copies_of_every_alignment(void **state)
{
    unsigned char pattern[600], back[600];

    (void)state;
    segment_make(0, 3, 4);
    vspace_reserve(vs, AT, 4 * PAGE, RW, NULL);
    fake_cap(1, CAP_TYPE_VSPACE, vs, RIGHT_COPY);
    for (unsigned i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)(i * 7 + 1);
    for (unsigned a = 0; a < 9; a++) {
        for (unsigned b = 0; b < 9; b++) {
            for (unsigned n = 0; n < 600; n += 1 + n / 3) {
                uaddr_t va = AT + PAGE - 300 + a;
                uint64_t off = PAGE - 250 + b;

                assert_int_equal(copy_to_user(vs, va, pattern, n), 0);
                assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, off, 1, va, n, 1), 0);
                assert_int_equal(result, n);
                assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, off, 1, AT + 2 * PAGE + b, n, 0), 0);
                memset(back, 0xee, sizeof back);
                assert_int_equal(copy_from_user(vs, back + 8, AT + 2 * PAGE + b, n < 592 ? n : 592), 0);
                assert_memory_equal(back + 8, pattern, n < 592 ? n : 592);
                assert_int_equal(back[7], 0xee);
            }
        }
    }
    assert_int_equal(copy_to_user(vs, AT + 4 * PAGE - 4, pattern, 8), ERR_FAULT);
    assert_int_equal(copy_from_user(vs, back, USER_TOP - 4, 8), ERR_FAULT);
    assert_int_equal(copy_from_user(vs, back, AT, ~0ul), ERR_FAULT);
    assert_int_equal(copy_from_user(NULL, back, AT, 8), ERR_FAULT);
}

static void a_page_is_copied_from_and_to_two(void **state)
{
    static unsigned char pattern[4 * PAGE], back[4 * PAGE];

    (void)state;
    segment_make(0, 3, 8);
    vspace_reserve(vs, AT, 8 * PAGE, RW, NULL);
    fake_cap(1, CAP_TYPE_VSPACE, vs, RIGHT_COPY);
    for (unsigned i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)(i * 13 + i / 256);
    for (unsigned skew = 8; skew < PAGE; skew += 424) {
        assert_int_equal(copy_to_user(vs, AT + skew, pattern, 3 * PAGE), 0);
        assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_RESIZE, 0, 0, 0, 0, 0), 0);
        assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_RESIZE, 8, 0, 0, 0, 0), 0);
        /* To absent pages, which are not cleared first, then over them. */
        for (unsigned round = 0; round < 2; round++) {
            assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, PAGE, 1, AT + skew, 3 * PAGE, 1), 0);
            assert_int_equal(result, 3 * PAGE);
            assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, PAGE, 1, AT + 4 * PAGE + skew, 3 * PAGE, 0), 0);
            assert_int_equal(copy_from_user(vs, back, AT + 4 * PAGE + skew, 3 * PAGE), 0);
            assert_memory_equal(back, pattern, 3 * PAGE);
        }
    }
}

static void a_copy_ends_before_the_first_bad_page(void **state)
{
    unsigned char pattern[200], back[200];

    (void)state;
    segment_make(0, 3, 4);
    vspace_reserve(vs, AT, PAGE, RW, NULL);
    fake_cap(1, CAP_TYPE_VSPACE, vs, RIGHT_COPY);
    memset(pattern, 0x5a, sizeof pattern);
    assert_int_equal(copy_to_user(vs, AT + PAGE - 100, pattern, 100), 0);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 0, 1, AT + PAGE - 100, PAGE, 1), ERR_FAULT);
    assert_int_equal(result, 100);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 0, 1, AT, 200, 0), 0);
    assert_int_equal(copy_from_user(vs, back, AT, 200), 0);
    assert_memory_equal(back, pattern, 100);
    memset(pattern, 0, sizeof pattern);
    assert_memory_equal(back + 100, pattern, 100);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COPY, 0, 1, AT + PAGE - 8, 200, 0), ERR_FAULT);
    assert_int_equal(result, 8);
}

static void pins_hold_pages_against_resize_and_zero(void **state)
{
    void *kva;
    paddr_t pa;

    (void)state;
    segment_make(0, 3, 10);
    assert_int_equal(segment_pin_page(&world.segment[0], 10, &kva, &pa), ERR_RANGE);
    assert_int_equal(segment_pin_page(&world.segment[0], 9, &kva, &pa), 0);
    assert_ptr_equal(kva, phys_to_kva(pa));
    *(uint64_t *)kva = 9;
    assert_int_equal(segment_resize(&world.segment[0], 9), ERR_BUSY);
    assert_int_equal(segment_resize(&world.segment[0], 20), 0);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_ZERO, 0, 20 * PAGE, 0, 0, 0), 0);
    assert_int_equal(*(uint64_t *)kva, 0);
    assert_int_equal(world.segment[0].resident, 1);
    assert_int_equal(segment_destroy_step(&world.segment[0]), K_AGAIN);
    segment_unpin_page(&world.segment[0], 9);
    assert_int_equal(segment_resize(&world.segment[0], 0), 0);
}

static void dirty_bits_follow_stores_and_copies(void **state)
{
    uint64_t v = 0;

    (void)state;
    segment_make(0, 3, 10);
    assert_int_equal(vspace_map(vs, AT, 10 * PAGE, RW | VM_SHARED, &world.segment[0], 0, 7, NULL), 0);
    user_load(AT, &v);
    user_store(AT + 3 * PAGE, 1);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COLLECT_DIRTY, 0, 64, 0, 0, 0), 0);
    assert_int_equal(result, 1 << 3);
    user_store(AT + 3 * PAGE + 8, 1);
    user_store(AT + 4 * PAGE, 1);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COLLECT_DIRTY, 0, 64, 0, 0, 0), 0);
    assert_int_equal(result, 3 << 3);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_COLLECT_DIRTY, 0, 64, 0, 0, 0), 0);
    assert_int_equal(result, 0);
}

static void physical_segments_map_with_large_leaves(void **state)
{
    struct segment *seg = &world.segment[0];
    uaddr_t va = 4 * LEVEL_BYTES(2);

    (void)state;
    segment_init_physical(seg, FAKE_PHYS + LEVEL_BYTES(2) / 64, 1024, false);   /* + 16 MiB */
    assert_int_equal(segment_resize(seg, 5), ERR_INVALID_ARGUMENT);
    assert_int_equal(vspace_map(vs, va, 1024 * PAGE, RW | VM_SHARED, seg, 0, 7, NULL), 0);
    assert_int_equal(user_store(va + 700 * PAGE, 1), FAULT_RESOLVED);
    assert_int_equal(vs->segment_pages, 512);
    assert_int_equal(vs->table_pages, 2);
    assert_int_equal(vspace_unmap(vs, va + 600 * PAGE, PAGE, NULL), 0);     /* splits it */
    assert_int_equal(vs->segment_pages, 511);
    assert_int_equal(load(va + 700 * PAGE), 1);
    assert_int_equal(user_store(va + 600 * PAGE, 1), FAULT_BAD_ACCESS);
    assert_int_equal(segment_destroy_step(seg), 0);
    assert_int_equal(vs->mapped_pages, 0);
    segment_init_physical(seg, FAKE_PHYS, 4, true);
    assert_int_equal(on_segment(RIGHTS_ALL, SEGMENT_ZERO, 0, PAGE, 0, 0, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(vspace_map(vs, va, PAGE, RW, seg, 0, 7, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(segment_destroy_step(seg), 0);
}

static void loads_map_resident_neighbours(void **state)
{
    uint64_t v;

    (void)state;
    segment_make(0, 3, 40);
    assert_int_equal(vspace_map(vs, AT, 40 * PAGE, RW | VM_SHARED, &world.segment[0], 0, 7, NULL), 0);
    for (unsigned i = 0; i < 40; i += 2)
        user_store(AT + i * PAGE, i);
    assert_int_equal(vspace_map(vs, AT, 40 * PAGE, VM_READ | VM_REPLACE, &world.segment[0], 0, 7, NULL), 0);
    assert_int_equal(user_load(AT + 16 * PAGE, &v), FAULT_RESOLVED);
    assert_int_equal(vs->segment_pages, 8);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_POPULATE, AT, 40 * PAGE, 0, 0, 0), 0);
    assert_int_equal(vs->segment_pages, 40);
}

static void populate_reports_what_stands_in_its_way(void **state)
{
    (void)state;
    segment_make(0, 3, 2);
    fake_cap(3, CAP_TYPE_SEGMENT, &world.segment[0], RIGHTS_ALL);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_POPULATE, AT, PAGE, 1, 0, 0), ERR_FAULT);
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_MAP, AT, 4 * PAGE, RW | VM_SHARED | VM_POPULATE, 3, 0), 0);
    assert_int_equal(vs->segment_pages, 0);     /* holes stay holes */
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_POPULATE, AT, 4 * PAGE, 1, 0, 0), ERR_RANGE);
    assert_int_equal(vs->segment_pages, 2);
    world.pool->accounts[1].limit = world.pool->accounts[1].used + 1;
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_RESERVE, AT + 8 * PAGE, 4 * PAGE, RW | VM_POPULATE, 0, 0), 0);
    assert_int_equal(vs->private_pages, 1);     /* as many as there are */
    assert_int_equal(on_vspace(RIGHTS_ALL, VSPACE_POPULATE, AT + 8 * PAGE, 4 * PAGE, 1, 0, 0), ERR_NO_MEMORY);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(pool_hands_out_every_page_once),
        T(pool_steals_from_other_caches_before_it_fails),
        T(pool_uses_memory_below_and_above_its_own),
        T(pool_limit_is_enforced_and_reported),
        T(vspace_refuses_bad_arguments),
        T(unbound_and_dying_spaces_map_nothing),
        T(large_reserve_costs_no_tables),
        T(map_and_unmap_of_a_page_keeps_its_table),
        T(sole_owner_gets_its_page_back_without_a_copy),
        T(copy_on_write_works_in_a_full_account),
        T(failed_clone_leaves_an_empty_target),
        T(a_clone_left_half_done_is_over_when_its_target_is_emptied),
        T(an_undo_left_half_done_is_over_when_its_target_is_emptied),
        T(a_clone_overwrites_nothing),
        T(unmapping_everything_leaves_no_leaf_table),
        T(a_clone_into_a_used_and_emptied_space_loses_no_table),
        T(mapping_rights_come_from_the_capability),
        T(segment_operations_check_their_rights),
        T(copies_of_every_alignment), T(a_page_is_copied_from_and_to_two), T(a_copy_ends_before_the_first_bad_page),
        T(pins_hold_pages_against_resize_and_zero),
        T(dirty_bits_follow_stores_and_copies),
        T(physical_segments_map_with_large_leaves),
        T(loads_map_resident_neighbours),
        T(populate_reports_what_stands_in_its_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
