/* SPDX-License-Identifier: MIT */
/*
 * VSpace tables: splitting, keeping and freeing of leaf tables, fences, and
 * life: init, bind, switch, destroy. Contracts in vspace.h and vspace_table.h.
 *
 * Leaf tables are freed lazily. A leaf table that an unmap covers whole goes at
 * once; one that merely became empty is kept, one for each VSpace, so that a
 * program that maps and unmaps one page does not pay for a table each time.
 * Middle tables (at most 256) stay until the VSpace is destroyed.
 */
#include "object/vspace_table.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/tlb.h"
#include "kernel/assert.h"
#include "kernel/hart.h"
#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"

#define FENCE_PAGES_MAX 8u      /* beyond: one fence for everything            */

/* ---- fences ---- */

static inline __attribute__((always_inline)) void
fence(struct vspace *vs, uaddr_t va, uint64_t bytes)
{
    uint64_t me = 1ul << this_hart()->id, running;

    fence_full();               /* stores to tables before the look at who runs them */
    running = __atomic_load_n(&vs->harts, __ATOMIC_RELAXED);
    if (running & me) {
        if (!bytes || bytes > FENCE_PAGES_MAX * PAGE_BYTES) {
            tlb_local_all();
        } else {
            for (uint64_t at = 0; at < bytes; at += PAGE_BYTES)
                tlb_local_page(va + at);
        }
    }
    if (running & ~me)
        tlb_remote(running & ~me, va, bytes);
}

void vspace_fence(struct vspace *vs, uaddr_t va, uint64_t bytes)
{
    fence(vs, va, bytes);
}

void vspace_fence_page(struct vspace *vs, uaddr_t va)
{
    fence(vs, va & ~(PAGE_BYTES - 1), PAGE_BYTES);
}

void vspace_fence_exec(struct vspace *vs)
{
    uint64_t me = 1ul << this_hart()->id, running;

    __atomic_store_n(&vs->icache_stale, ~me, __ATOMIC_RELAXED);
    fence_full();
    fence_instructions();
    running = __atomic_load_n(&vs->harts, __ATOMIC_RELAXED);
    if (running & ~me)
        icache_remote(running & ~me);
}

void gather_flush(struct gather *g)
{
    if (g->last) {
        /* A table that goes may be cached as a non-leaf entry: fence all. */
        if (g->nr_tables)
            vspace_fence(g->vs, 0, 0);
        else
            vspace_fence(g->vs, g->first, g->last - g->first);
        g->last = 0;
    }
    if (g->nr_pages) {
        pool_drop_batch(g->vs->pool, g->vs->account, g->page, g->nr_pages);
        g->nr_pages = 0;
    }
    while (g->nr_tables)
        pool_free_page(g->vs->pool, g->vs->account, g->table[--g->nr_tables]);
}

/* ---- tables ---- */

error_t table_split(struct vspace *vs, pte_t *entry, unsigned level)
{
    pte_t pte = *entry, step = 0, *table;
    paddr_t pa;

    kassert(level > 0 && !pte_is_table(pte));
    if (pool_alloc_raw(vs->pool, vs->account, &pa))
        return ERR_NO_MEMORY;
    table = phys_to_kva(pa);
    if (pte & PTE_V)
        step = pte_of_paddr(LEVEL_BYTES(level - 1));
    if (!pte) {
        page_clear(table);
    } else {
        for (pte_t *p = table; p < table + TABLE_ENTRIES; p += 8) {
            for (unsigned j = 0; j < 8; j++, pte += step)
                p[j] = pte;
        }
    }
    if (level == 1) {
        *table_used(vs, table) = *entry ? TABLE_ENTRIES : 0;
        middle_mark(vs, entry);
    } else {
        *table_used(vs, table) = *entry ? MIDDLE_ALL : MIDDLE_NONE;
    }
    vs->table_pages++;
    pte_store(entry, pte_make_table(table));
    return 0;
}

error_t table_split_at(struct vspace *vs, uaddr_t va, bool force)
{
    pte_t *entry;
    unsigned level;

    if (va >= USER_TOP)
        return 0;
    while (entry = table_entry(vs, va, &level),
           level && (va & (LEVEL_BYTES(level) - 1)) && (*entry || force)) {
        if (table_split(vs, entry, level))
            return ERR_NO_MEMORY;
    }
    return 0;
}

void table_detach(struct gather *g, uaddr_t va)
{
    struct vspace *vs = g->vs;
    pte_t *middle = pte_table(vs->root[pte_index(va, 2)]);
    pte_t *entry = &middle[pte_index(va, 1)];

    if (g->nr_tables == sizeof g->table / sizeof g->table[0])
        gather_flush(g);
    g->table[g->nr_tables++] = pte_paddr(*entry);
    gather_fence(g, va, PAGE_BYTES);
    pte_store(entry, 0);
    vs->table_pages--;
}

static void detach_if_empty(struct gather *g, uaddr_t va)
{
    unsigned level;
    pte_t *entry = table_entry(g->vs, va, &level);

    if (level == 0 && *table_used(g->vs, entry) == 0)
        table_detach(g, va);
}

void table_emptied(struct gather *g, uaddr_t va)
{
    struct vspace *vs = g->vs;
    uaddr_t here = (va & ~(LEVEL_BYTES(1) - 1)) | 1, kept = vs->empty_table;

    if (kept == here)
        return;
    vs->empty_table = here;
    if (kept)
        detach_if_empty(g, kept & ~1ul);
}

void table_drop_empty(struct vspace *vs)
{
    struct gather gather;

    if (!vs->empty_table)
        return;
    gather_init(&gather, vs);
    detach_if_empty(&gather, vs->empty_table & ~1ul);
    gather_flush(&gather);
    vs->empty_table = 0;
}

/* ---- life ---- */

static uint64_t next_id = 1;

void vspace_init(struct vspace *vs)
{
    *vs = (struct vspace){ .id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED),
                           .satp = satp_of(kva_to_phys(kernel_root_table)) };
    vs->random = (uint32_t)(vs->id * 2654435761u) | 1;
}

error_t vspace_bind(struct vspace *vs, struct pool *pool, unsigned account)
{
    error_t err = 0;
    paddr_t pa;

    if (account >= POOL_ACCOUNTS)
        return ERR_RANGE;
    spin_lock(&vs->lock);
    if (vs->dying) {    /* NOLINT(bugprone-branch-clone): in this order, each for its own reason */
        err = ERR_DELETED;
    } else if (vs->pool) {
        err = ERR_BUSY;
    } else if (!pool_enter(pool)) {
        err = ERR_DELETED;
    } else if (pool_alloc_page(pool, account, &pa)) {
        pool_leave(pool);
        err = ERR_NO_MEMORY;
    } else {
        pte_t *root = phys_to_kva(pa);

        for (unsigned i = USER_ROOT_ENTRIES; i < TABLE_ENTRIES; i++)
            root[i] = kernel_root_table[i];
        vs->pool = pool;
        vs->account = account;
        vs->table_pages = 1;
        vs->icache_stale = ~0ul;
        __atomic_store_n(&vs->root, root, __ATOMIC_RELEASE);
        __atomic_store_n(&vs->satp, satp_of(pa), __ATOMIC_RELEASE);
    }
    spin_unlock(&vs->lock);
    return err;
}

/* Leaf tables are gone but for one kept empty. Restarts where it stopped. */
static error_t free_tables(struct vspace *vs)
{
    for (size_t i = table_next_used(vs->root, 0, USER_ROOT_ENTRIES);
         i < USER_ROOT_ENTRIES; i = table_next_used(vs->root, i + 1, USER_ROOT_ENTRIES)) {
        pte_t *middle = pte_table(vs->root[i]);
        size_t end = middle_end(vs, middle);

        for (size_t j = table_next_used(middle, middle_low(vs, middle), end);
             j < end; j = table_next_used(middle, j + 1, end))
            pool_free_page(vs->pool, vs->account, pte_paddr(middle[j]));
        pool_free_page(vs->pool, vs->account, kva_to_phys(middle));
        vs->root[i] = 0;
        if (preempt_pending())
            return K_PREEMPTED;
    }
    pool_free_page(vs->pool, vs->account, kva_to_phys(vs->root));
    return 0;
}

error_t vspace_destroy_step(struct vspace *vs)
{
    __atomic_store_n(&vs->dying, true, __ATOMIC_RELAXED);
    __atomic_store_n(&vs->satp, satp_of(kva_to_phys(kernel_root_table)), __ATOMIC_RELAXED);
    fence_full();
    if (__atomic_load_n(&vs->harts, __ATOMIC_RELAXED))
        return K_AGAIN;
    spin_lock(&vs->lock);
    error_t err = vs->root ? vspace_clear(vs) : 0;
    if (!err && vs->root)
        err = mapping_release_pages(vs);
    if (!err && vs->root)
        err = free_tables(vs);
    if (!err && vs->root) {
        pool_leave(vs->pool);
        vs->root = NULL;        /* who destroys it asks for the Pool yet */
    }
    spin_unlock(&vs->lock);
    return err;
}

void vspace_switch_in(struct vspace *vs)
{
    uint64_t me = 1ul << this_hart()->id;

    if (!vs) {
        satp_write(satp_of(kva_to_phys(kernel_root_table)));
        return;
    }
    __atomic_fetch_or(&vs->harts, me, __ATOMIC_SEQ_CST);
    fence_full();    /* who binds or destroys it stores satp and looks at the bit then */
    satp_write(__atomic_load_n(&vs->satp, __ATOMIC_RELAXED));
    if (__atomic_load_n(&vs->icache_stale, __ATOMIC_RELAXED) & me) {
        __atomic_fetch_and(&vs->icache_stale, ~me, __ATOMIC_SEQ_CST);
        fence_instructions();
    }
}

void vspace_switch_out(struct vspace *vs)
{
    if (vs)
        __atomic_fetch_and(&vs->harts, ~(1ul << this_hart()->id), __ATOMIC_SEQ_CST);
}
