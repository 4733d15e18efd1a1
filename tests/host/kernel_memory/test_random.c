/* SPDX-License-Identifier: MIT */
/* build: tests/host/kernel_memory/harness.c tests/host/kernel_memory/census.c microkernel/object/pool.c
 * microkernel/object/mapping.c microkernel/object/segment.c
 * microkernel/object/segment_invoke.c microkernel/object/vspace.c
 * microkernel/object/vspace_table.c microkernel/object/vspace_range.c
 * microkernel/object/vspace_move.c microkernel/object/vspace_fault.c
 * microkernel/object/vspace_clone.c microkernel/kernel/usercopy.c;
 * include: tests/host/kernel_memory/fake microkernel microkernel/abi */
/*
 * Random operations on several VSpaces and Segments, against a model that knows
 * for each page only what a program may see: permission and content.
 *
 * The range of addresses crosses a 1 GiB boundary. Three harts run the spaces
 * and keep every translation that no fence named, so stale ones are found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness.h"
#include "kernel/hart.h"

#define BASE     (LEVEL_BYTES(2) - 4 * LEVEL_BYTES(1))
#define NP       4096u
#define SPACES   5u
#define SEGMENTS 3u
#define SEG_MAX  1400u

#define REQUIRE(x) do { if (!(x)) { fprintf(stderr, \
    "%s:%d: not so: %s (step %u, seed %u)\n", __FILE__, __LINE__, #x, step, seed); \
    abort(); } } while (0)

enum kind { FREE, ANON, SEG };
struct mpage {
    uint8_t kind, prot, max, shared, no_clone, seg, cow;
    uint32_t page;
    uint64_t value;
};
static struct mpage model[SPACES][NP];
static struct { uint32_t size; uint64_t value[SEG_MAX]; bool dirty[SEG_MAX]; } mseg[SEGMENTS];
static unsigned step, seed;
static uint64_t next_value;

static uaddr_t at(uint32_t p) { return BASE + (uaddr_t)p * PAGE_BYTES; }

static unsigned normal(unsigned prot) { return prot & VM_WRITE ? prot | VM_READ : prot; }

static void pick_range(uint32_t *first, uint32_t *count)
{
    switch (rng(6)) {
    case 0: *count = 1 + rng(NP - 1); break;
    case 1: *count = 512 * (1 + rng(3)); break;
    case 2: *count = 1 + rng(700); break;
    default: *count = 1 + rng(12);
    }
    *first = rng(NP - *count + 1);
    if (rng(3) == 0)
        *first &= ~511u;
    if (rng(12) == 0) {     /* all, or a whole GiB side */
        *first = 0;
        *count = NP;
    }
}

static unsigned pick_space(void)
{
    for (;;) {
        unsigned s = rng(SPACES);

        if (world.live[s])
            return s;
    }
}

static bool any_used(unsigned s, uint32_t first, uint32_t count)
{
    for (uint32_t p = first; p < first + count; p++)
        if (model[s][p].kind)
            return true;
    return false;
}

/* What a page shows; NULL: beyond the Segment. */
static uint64_t *shown(struct mpage *m)
{
    if (m->kind == ANON || m->cow)
        return &m->value;
    if (m->page >= mseg[m->seg].size)
        return NULL;
    return &mseg[m->seg].value[m->page];
}

static enum fault_result expect_touch(struct mpage *m, unsigned access)
{
    if (!m->kind || !(m->prot & access))
        return FAULT_BAD_ACCESS;
    if (m->kind == SEG && m->page >= mseg[m->seg].size)
        return FAULT_BEYOND_SEGMENT;
    return FAULT_RESOLVED;
}

static void model_store(struct mpage *m, uint64_t value)
{
    if (m->kind == SEG && m->shared) {
        mseg[m->seg].value[m->page] = value;
        mseg[m->seg].dirty[m->page] = true;
        return;
    }
    m->cow = m->kind == SEG;
    m->value = value;
}

/* ---- operations ---- */

static void op_touch(void)
{
    unsigned hart = rng(NR_FAKE_HARTS), s = pick_space();
    uint32_t p = rng(NP);

    run_on(hart, s);
    for (int i = 0; i < 40 && !model[s][p].kind; i++)
        p = rng(NP);
    for (unsigned n = 1 + rng(20); n && p < NP; n--, p++) {
        struct mpage *m = &model[s][p];
        unsigned access = 1u << rng(3);
        uint64_t value = 0, last = 0;
        enum fault_result r, want = expect_touch(m, access);

        if (access == VM_EXEC) {
            r = user_fetch(at(p));
        } else if (access == VM_READ) {
            r = user_load(at(p), &value);
            if (r == FAULT_RESOLVED) {
                REQUIRE(user_load(at(p) + 4088, &last) == FAULT_RESOLVED);
                REQUIRE(want == r && value == *shown(m) && last == value);
            }
        } else {
            r = user_store(at(p), ++next_value);
            if (r == FAULT_RESOLVED) {
                REQUIRE(want == r);
                model_store(m, next_value);
                REQUIRE(user_store(at(p) + 4088, next_value) == r);
            }
        }
        REQUIRE(r == want || r == FAULT_NO_MEMORY);
    }
}

static void op_reserve(void)
{
    unsigned s = pick_space(), flags = rng(8);
    uint32_t first, count;
    error_t err;

    pick_range(&first, &count);
    if (rng(3))
        flags |= VM_READ | VM_WRITE;
    if (rng(4) == 0)
        flags |= VM_NO_CLONE;
    if (rng(2))
        flags |= VM_REPLACE;
    err = COMPLETE(vspace_reserve(&world.vspace[s], at(first), count * PAGE_BYTES,
                                  flags, &cursor));
    if (err == ERR_NO_MEMORY)
        return;
    if (!(flags & VM_REPLACE) && any_used(s, first, count)) {
        REQUIRE(err == ERR_BUSY);
        return;
    }
    REQUIRE(err == 0);
    for (uint32_t p = first; p < first + count; p++)
        model[s][p] = (struct mpage){ .kind = ANON, .prot = normal(flags & 7),
                                      .max = 7, .no_clone = !!(flags & VM_NO_CLONE) };
}

static void op_map(void)
{
    unsigned s = pick_space(), flags = rng(8), g = rng(SEGMENTS), max = rng(3) ? 7 : 5;
    uint32_t first, count, page = rng(SEG_MAX);
    error_t err;

    pick_range(&first, &count);
    if (rng(3))
        flags |= VM_READ;
    if (rng(2))
        flags |= VM_SHARED;
    if (rng(2))
        flags |= VM_REPLACE;
    if (rng(5) == 0)
        flags |= VM_NO_CLONE;
    if (rng(3) == 0)
        page = 0;
    if (page + count > SEG_MAX)
        count = SEG_MAX - page;
    err = COMPLETE(vspace_map(&world.vspace[s], at(first), count * PAGE_BYTES, flags,
                              &world.segment[g], page, max, &cursor));
    if (normal(flags & 7) & ~max) {
        REQUIRE(err == ERR_RIGHTS);
        return;
    }
    if (err == ERR_NO_MEMORY)
        return;
    if (!(flags & VM_REPLACE) && any_used(s, first, count)) {
        REQUIRE(err == ERR_BUSY);
        return;
    }
    REQUIRE(err == 0);
    for (uint32_t p = 0; p < count; p++)
        model[s][first + p] = (struct mpage){
            .kind = SEG, .prot = normal(flags & 7), .max = max, .page = page + p,
            .shared = !!(flags & VM_SHARED), .no_clone = !!(flags & VM_NO_CLONE),
            .seg = g };
}

static void op_protect(void)
{
    unsigned s = pick_space(), prot = rng(8);
    uint32_t first, count;
    bool refused = false;
    error_t err;

    pick_range(&first, &count);
    for (uint32_t p = first; p < first + count; p++)
        refused |= model[s][p].kind && (normal(prot) & ~model[s][p].max);
    err = COMPLETE(vspace_protect(&world.vspace[s], at(first), count * PAGE_BYTES,
                                  prot, &cursor));
    if (err == ERR_NO_MEMORY)
        return;
    REQUIRE(err == (refused ? ERR_RIGHTS : 0));
    for (uint32_t p = first; !refused && p < first + count; p++)
        if (model[s][p].kind)
            model[s][p].prot = normal(prot);
}

static void op_unmap(void)
{
    unsigned s = pick_space();
    uint32_t first, count;
    error_t err;

    pick_range(&first, &count);
    err = COMPLETE(vspace_unmap(&world.vspace[s], at(first), count * PAGE_BYTES, &cursor));
    if (err == ERR_NO_MEMORY)
        return;
    REQUIRE(err == 0);
    memset(&model[s][first], 0, count * sizeof model[s][0]);
}

static void op_discard(void)
{
    unsigned s = pick_space();
    uint32_t first, count;
    error_t err;

    pick_range(&first, &count);
    err = COMPLETE(vspace_discard(&world.vspace[s], at(first), count * PAGE_BYTES, &cursor));
    if (err == ERR_NO_MEMORY)
        return;
    REQUIRE(err == 0);
    for (uint32_t p = first; p < first + count; p++) {
        model[s][p].value = 0;
        model[s][p].cow = false;
    }
}

static void op_move(void)
{
    unsigned s = pick_space();
    uint32_t from, count, to;
    bool overlap;
    error_t err;

    pick_range(&from, &count);
    to = rng(NP - count + 1);
    if (rng(3) == 0)
        to = (to & ~511u) | (from & 511);
    if (to + count > NP)
        return;
    overlap = from < to + count && to < from + count;
    err = COMPLETE(vspace_move(&world.vspace[s], at(from), count * PAGE_BYTES, at(to),
                               &cursor));
    if (err == ERR_NO_MEMORY)
        return;
    if (overlap) {
        REQUIRE(err == ERR_INVALID_ARGUMENT);
        return;
    }
    if (any_used(s, to, count)) {
        REQUIRE(err == ERR_BUSY);
        return;
    }
    REQUIRE(err == 0);
    memcpy(&model[s][to], &model[s][from], count * sizeof model[s][0]);
    memset(&model[s][from], 0, count * sizeof model[s][0]);
}

static void op_clone(void)
{
    unsigned s = pick_space(), t = rng(SPACES);
    error_t err;

    if (s == t)
        return;
    if (world.live[t])
        vspace_kill(t);
    memset(model[t], 0, sizeof model[t]);
    vspace_init(&world.vspace[t]);
    if (vspace_bind(&world.vspace[t], world.pool, 1 + t) == ERR_NO_MEMORY)
        return;
    world.live[t] = true;
    err = COMPLETE(vspace_clone(&world.vspace[t], &world.vspace[s]));
    REQUIRE(err == 0 || err == ERR_NO_MEMORY);
    if (err)
        REQUIRE(world.vspace[t].mapped_pages == 0);
    for (uint32_t p = 0; !err && p < NP; p++)
        if (!model[s][p].no_clone)
            model[t][p] = model[s][p];
}

static void op_resize(void)
{
    unsigned g = rng(SEGMENTS);
    uint32_t size = rng(2) ? rng(20) : rng(SEG_MAX);

    REQUIRE(COMPLETE(segment_resize(&world.segment[g], size)) == 0);
    for (uint32_t p = size; p < SEG_MAX; p++) {
        mseg[g].value[p] = 0;
        mseg[g].dirty[p] = false;
    }
    mseg[g].size = size;
    for (unsigned s = 0; s < SPACES; s++)
        for (uint32_t p = 0; p < NP; p++)
            if (model[s][p].kind == SEG && model[s][p].seg == g &&
                model[s][p].page >= size)
                model[s][p].cow = false;
}

static void op_zero(void)
{
    unsigned g = rng(SEGMENTS);
    uint32_t size = mseg[g].size, first, count;

    if (!size)
        return;
    first = rng(size);
    count = 1 + rng(size - first);
    REQUIRE(COMPLETE(segment_zero(&world.segment[g], first * PAGE_BYTES,
                                  count * PAGE_BYTES, &cursor)) == 0);
    for (uint32_t p = first; p < first + count; p++) {
        mseg[g].value[p] = 0;
        mseg[g].dirty[p] = false;
    }
}

static void op_collect(void)
{
    unsigned g = rng(SEGMENTS);
    uint32_t first = rng(SEG_MAX - 64);
    uint64_t bitmap = 0;

    REQUIRE(COMPLETE(segment_collect_dirty(&world.segment[g], first, 64, &cursor, &bitmap)) == 0);
    for (uint32_t i = 0; i < 64; i++) {
        REQUIRE((bitmap >> i & 1) == mseg[g].dirty[first + i]);
        mseg[g].dirty[first + i] = false;
    }
}

/* SEGMENT_COPY of whole pages into the Segment. */
static void op_segment_write(void)
{
    unsigned g = rng(SEGMENTS), s = pick_space();
    uint32_t p = rng(NP), page = rng(SEG_MAX);
    struct mpage *m = &model[s][p];
    bool beyond = page >= mseg[g].size;
    error_t err;

    fake_cap(1, CAP_TYPE_VSPACE, &world.vspace[s], RIGHT_COPY);
    err = invoke(segment_decode, &world.segment[g], RIGHTS_ALL, SEGMENT_COPY,
                 page * PAGE_BYTES, 1, at(p), PAGE_BYTES, 1, NULL);
    if (err == ERR_NO_MEMORY)
        return;
    if (beyond) {
        REQUIRE(err == ERR_RANGE);
    } else if (expect_touch(m, VM_READ) != FAULT_RESOLVED) {
        REQUIRE(err == ERR_FAULT);
    } else {
        REQUIRE(err == 0);
        mseg[g].value[page] = *shown(m);
        mseg[g].dirty[page] = true;
    }
}

static void op_copy(void)
{
    unsigned s = pick_space(), t = pick_space();
    uint32_t a = rng(NP), b = rng(NP);
    struct mpage *to = &model[t][b], *from = &model[s][a];
    uint64_t done = 0, cursor = 0;
    error_t err;

    do {
        err = vspace_copy(&world.vspace[t], at(b), &world.vspace[s], at(a), PAGE_BYTES,
                          true, &cursor, &done);
    } while (err == K_PREEMPTED);
    if (err == ERR_NO_MEMORY)
        return;
    if (expect_touch(to, VM_WRITE) != FAULT_RESOLVED) {
        REQUIRE(err == ERR_FAULT && done == 0);
        return;
    }
    if (to->kind == SEG && to->shared)
        mseg[to->seg].dirty[to->page] = true;
    else if (to->kind == SEG && !to->cow) {
        to->value = *shown(to);
        to->cow = true;
    }
    if (expect_touch(from, VM_READ) != FAULT_RESOLVED) {
        REQUIRE(err == ERR_FAULT && done == 0);
        return;
    }
    REQUIRE(err == 0 && done == PAGE_BYTES);
    model_store(to, *shown(from));
}

static void op_query(void)
{
    unsigned s = pick_space();
    uint32_t p = rng(NP), alike = 1;
    struct mpage *m = &model[s][p];
    struct vspace_query q;

    REQUIRE(vspace_query(&world.vspace[s], at(p), &q) == 0);
    REQUIRE(q.kind == m->kind && (!m->kind || q.prot == m->prot));
    if (m->kind == SEG)
        REQUIRE(q.segment_page == m->page && q.segment_id == world.segment[m->seg].id);
    for (; alike * PAGE_BYTES < q.length && p + alike < NP; alike++)
        REQUIRE(m[alike].kind == m->kind && m[alike].prot == m->prot);
}

/* Every page of every space shows what the model says. */
static void verify(void)
{
    for (unsigned s = 0; s < SPACES; s++) {
        for (uint32_t p = 0; world.live[s] && p < NP; p++) {
            uint64_t value;
            enum fault_result want = expect_touch(&model[s][p], VM_READ), r;

            if (!model[s][p].kind && rng(16))
                continue;
            run_on(rng(NR_FAKE_HARTS), s);
            r = user_load(at(p), &value);
            REQUIRE(r == want || r == FAULT_NO_MEMORY);
            if (r == FAULT_RESOLVED)
                REQUIRE(value == *shown(&model[s][p]));
        }
    }
}

static void play(unsigned with_seed, unsigned steps, size_t pages, unsigned preempt)
{
    seed = with_seed;
    fake_rng = seed * 2654435761u | 1;
    memset(model, 0, sizeof model);
    memset(mseg, 0, sizeof mseg);
    next_value = 0;
    world_setup(pages);
    for (unsigned s = 0; s < 3; s++)
        vspace_make(s, 1 + s);
    for (unsigned g = 0; g < SEGMENTS; g++)
        segment_make(g, 0, mseg[g].size = 5 + g * 300);
    preempt_one_in = preempt;
    for (step = 0; step < steps; step++) {
        unsigned c = rng(100);

        if (getenv("TRACE"))
            fprintf(stderr, "step %u: %u\n", step, c);

        if (c < 45) op_touch();
        else if (c < 53) op_reserve();
        else if (c < 63) op_map();
        else if (c < 68) op_protect();
        else if (c < 73) op_unmap();
        else if (c < 76) op_discard();
        else if (c < 81) op_move();
        else if (c < 84) op_clone();
        else if (c < 86) op_resize();
        else if (c < 88) op_zero();
        else if (c < 91) op_collect();
        else if (c < 94) op_segment_write();
        else if (c < 97) op_copy();
        else op_query();
        check_world();
        if (step % 200 == 199)
            verify();
    }
    verify();
    world_teardown();
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    for (unsigned s = 1; s <= 6; s++)
        play(s, 1200, 8192, 0);
}

static void preemption_at_any_point_changes_nothing(void **state)
{
    (void)state;
    for (unsigned s = 101; s <= 106; s++)
        play(s, 1200, 8192, 2);
}

static void exhaustion_leaves_nothing_half_done(void **state)
{
    (void)state;
    for (unsigned s = 201; s <= 210; s++)
        play(s, 1200, 40 + rng(400), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_the_model),
        cmocka_unit_test(preemption_at_any_point_changes_nothing),
        cmocka_unit_test(exhaustion_leaves_nothing_half_done),
    };

    if (argc == 5) {    /* seed steps pages preempt: play one again */
        play((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]), (size_t)atoi(argv[3]),
             (unsigned)atoi(argv[4]));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
