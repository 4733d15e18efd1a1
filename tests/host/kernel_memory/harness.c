/* SPDX-License-Identifier: MIT */
/* Host harness of the kernel's memory objects; see harness.h. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/riscv/tlb.h"
#include "census.h"
#include "kernel/hart.h"
#include "object/cap.h"

#define ARENA_PAGES 8704u
#define TLB_SLOTS   4096u
#define POOL_HOLE   5u      /* pages of the span that are not the Pool's       */

char *fake_arena;
uint64_t kernel_root_table[512];
struct hart harts[MAX_HARTS];
unsigned fake_hart;
int fake_locks_held;
struct world world;
struct tcb fake_tcb;
unsigned preempt_one_in;
uint32_t fake_rng = 1;

static struct tlb {
    paddr_t root;
    unsigned count;
    struct { uaddr_t va; pte_t pte; } entry[TLB_SLOTS];
} tlbs[MAX_HARTS];

#define REQUIRE(x) do { if (!(x)) { \
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); abort(); } } while (0)

uint32_t rng(uint32_t below)
{
    fake_rng ^= fake_rng << 13;
    fake_rng ^= fake_rng >> 17;
    fake_rng ^= fake_rng << 5;
    return fake_rng % below;
}

bool preempt_pending(void)
{
    return preempt_one_in && rng(preempt_one_in) == 0;
}

/* ---- translation buffers ---- */

static void tlb_drop(unsigned hart, uaddr_t start, uint64_t bytes)
{
    struct tlb *t = &tlbs[hart];

    for (unsigned i = 0; i < t->count; ) {
        if (!bytes || (t->entry[i].va >= start && t->entry[i].va - start < bytes))
            t->entry[i] = t->entry[--t->count];
        else
            i++;
    }
}

void tlb_local_page(uaddr_t va) { tlb_drop(fake_hart, va & ~4095ul, 4096); }
void tlb_local_all(void) { tlb_drop(fake_hart, 0, 0); }
void tlb_remote(uint64_t mask, uaddr_t start, size_t bytes)
{
    for (unsigned h = 0; h < MAX_HARTS; h++)
        if (mask >> h & 1)
            tlb_drop(h, start, bytes);
}
void icache_remote(uint64_t mask) { (void)mask; }
void satp_write(uint64_t satp)
{
    tlbs[fake_hart].root = (satp ^ SATP_SV39) << PAGE_BITS;
    tlbs[fake_hart].count = 0;
}

static unsigned running[MAX_HARTS];

void run_on(unsigned hart, unsigned i)
{
    unsigned old;

    fake_hart = hart;
    old = running[hart];
    if (old == i)
        return;
    running[hart] = i;
    vspace_switch_in(i < MAX_SPACES ? &world.vspace[i] : NULL);
    vspace_switch_out(old < MAX_SPACES ? &world.vspace[old] : NULL);
}

/* The leaf that the hardware would use, or 0. */
static pte_t hardware_walk(struct vspace *vs, uaddr_t va)
{
    unsigned level;
    pte_t *entry = table_entry(vs, va, &level), pte = *entry;

    if (!(pte & PTE_V))
        return 0;
    REQUIRE(pte & PTE_U && pte & PTE_A && pte & PTE_D && !(pte >> 54));
    REQUIRE(!(pte & PTE_W) || (pte & PTE_R));
    REQUIRE(pte & (PTE_R | PTE_X));
    if (level)
        pte += pte_of_paddr(va & (LEVEL_BYTES(level) - 1) & ~4095ul);
    return pte;
}

static pte_t translate(uaddr_t va, pte_t need)
{
    struct tlb *t = &tlbs[fake_hart];
    pte_t pte;

    for (unsigned i = 0; i < t->count; i++)
        if (t->entry[i].va == (va & ~4095ul)) {
            if ((t->entry[i].pte & need) == need)
                return t->entry[i].pte;
            t->entry[i] = t->entry[--t->count];     /* walks again */
            break;
        }
    pte = hardware_walk(&world.vspace[running[fake_hart]], va);
    if ((pte & need) != need)
        return 0;
    if (t->count < TLB_SLOTS) {
        t->entry[t->count].va = va & ~4095ul;
        t->entry[t->count++].pte = pte;
    }
    return pte;
}

static enum fault_result user_word(uaddr_t va, pte_t need, unsigned access,
                                   uint64_t **word)
{
    for (int tries = 0; ; tries++) {
        pte_t pte = translate(va, need);
        enum fault_result r;

        if (pte) {
            *word = (uint64_t *)((char *)phys_to_kva(pte_paddr(pte)) + (va & 4095));
            return FAULT_RESOLVED;
        }
        REQUIRE(tries < 1000);
        r = vspace_fault(&world.vspace[running[fake_hart]], va, access);
        REQUIRE(fake_locks_held == 0);
        if (r != FAULT_RESOLVED && r != FAULT_RETRY_LATER)
            return r;
    }
}

enum fault_result user_load(uaddr_t va, uint64_t *value)
{
    uint64_t *word;
    enum fault_result r = user_word(va, PTE_R, VM_READ, &word);

    if (r == FAULT_RESOLVED)
        *value = *word;
    return r;
}

enum fault_result user_store(uaddr_t va, uint64_t value)
{
    uint64_t *word;
    enum fault_result r = user_word(va, PTE_W, VM_WRITE, &word);

    if (r == FAULT_RESOLVED)
        *word = value;
    return r;
}

enum fault_result user_fetch(uaddr_t va)
{
    uint64_t *word;

    return user_word(va, PTE_X, VM_EXEC, &word);
}

void mailbox_post_harts(uint64_t mask, uint32_t op)
{
    (void)mask, (void)op;
}

/* ---- life ---- */

void world_setup(size_t pool_pages)
{
    size_t own;

    REQUIRE(pool_pages + POOL_HOLE <= ARENA_PAGES);
    memset(&world, 0, sizeof world);
    fake_arena = aligned_alloc(1ul << 21, ARENA_PAGES * PAGE_BYTES);
    memset(fake_arena, 0xa5, ARENA_PAGES * PAGE_BYTES);
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        harts[i].id = i;
        running[i] = MAX_SPACES;
        tlbs[i].count = 0;
    }
    for (unsigned i = 256; i < 512; i++)
        kernel_root_table[i] = i;
    world.pool = (struct pool *)fake_arena;
    /* two ranges with a hole between them, where there is room for that */
    own = pool_pages >= 256 ? pool_pages / 2 : pool_pages;
    pool_init(world.pool, FAKE_PHYS, own, FAKE_PHYS, pool_pages + POOL_HOLE);
    if (own < pool_pages)
        pool_add_range(world.pool, FAKE_PHYS + (own + POOL_HOLE) * PAGE_BYTES, pool_pages - own);
    world.free_at_start = pool_free_pages(world.pool);
    fake_hart = 0;
    preempt_one_in = 0;
}

void vspace_make(unsigned i, unsigned account)
{
    vspace_init(&world.vspace[i]);
    REQUIRE(vspace_bind(&world.vspace[i], world.pool, account) == 0);
    world.live[i] = true;
}

void vspace_kill(unsigned i)
{
    error_t err;

    for (unsigned h = 0; h < MAX_HARTS; h++)
        if (running[h] == i)
            run_on(h, MAX_SPACES);
    fake_hart = 0;
    while ((err = vspace_destroy_step(&world.vspace[i])) == K_PREEMPTED)
        ;
    REQUIRE(err == 0);
    world.live[i] = false;
}

void segment_make(unsigned i, unsigned account, uint64_t pages)
{
    segment_init(&world.segment[i], world.pool, account);
    world.segment_live[i] = true;
    REQUIRE(COMPLETE(segment_resize(&world.segment[i], pages)) == 0);
}

void segment_kill(unsigned i)
{
    REQUIRE(COMPLETE(segment_destroy_step(&world.segment[i])) == 0);
    world.segment_live[i] = false;
}

void world_teardown(void)
{
    check_world();
    for (unsigned i = 0; i < MAX_SPACES; i++)
        if (world.live[i])
            vspace_kill(i);
    for (unsigned i = 0; i < MAX_SEGMENTS; i++)
        if (world.segment_live[i])
            segment_kill(i);
    check_world();
    REQUIRE(pool_free_pages(world.pool) == world.free_at_start);
    REQUIRE(pool_destroy_step(world.pool) == 0);
    for (unsigned i = 0; i < POOL_ACCOUNTS; i++)
        REQUIRE(world.pool->accounts[i].used == 0);
    free(fake_arena);
}

/* ---- invariants ---- */

void check_world(void)
{
    REQUIRE(fake_locks_held == 0);
    census_begin(world.pool);
    for (unsigned i = 0; i < MAX_SPACES; i++)
        if (world.live[i])
            census_space(&world.vspace[i]);
    for (unsigned i = 0; i < MAX_SEGMENTS; i++)
        if (world.segment_live[i])
            census_segment(&world.segment[i]);
    census_end();
}

/* ---- capabilities and invocations ---- */

/* Tested by the root task on the machine; here a Pool's memory is given by hand. */
error_t untyped_add_to_pool(struct invoke *inv)
{
    (void)inv;
    return ERR_NOT_IMPLEMENTED;
}

static struct { enum cap_type type; void *object; unsigned rights; } caps[16];

void *fake_cap(cptr_t cptr, enum cap_type type, void *object, unsigned rights)
{
    caps[cptr].type = type;
    caps[cptr].object = object;
    caps[cptr].rights = rights;
    return object;
}

error_t cap_lookup(struct tcb *caller, cptr_t cptr, enum cap_type type,
                   unsigned rights, struct cap_ref *out)
{
    (void)caller;
    if (cptr >= 16 || caps[cptr].type != type)
        return ERR_INVALID_CAP;
    if ((caps[cptr].rights & rights) != rights)
        return ERR_RIGHTS;
    *out = (struct cap_ref){ caps[cptr].object, caps[cptr].rights, 0 };
    return 0;
}

error_t invoke(error_t (*decode)(struct invoke *), void *object, unsigned rights,
               uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
               uint64_t e, uint64_t *result)
{
    struct invoke inv = { .caller = &fake_tcb, .object = object, .rights = rights,
                          .op = op, .arg = { a, b, c, d, e } };
    error_t err;

    fake_tcb.restart_cursor = 0;
    do {
        err = decode(&inv);
        REQUIRE(fake_locks_held == 0);
    } while (err == K_PREEMPTED);
    if (result)
        *result = inv.result;
    return err;
}
