/* SPDX-License-Identifier: MIT */
/*
 * Inside the VSpace: walking and splitting tables, gathering what must be
 * fenced and freed. All with the VSpace's lock held.
 */
#ifndef ATOLL_OBJECT_VSPACE_TABLE_H
#define ATOLL_OBJECT_VSPACE_TABLE_H

#include "object/pool.h"
#include "object/vspace.h"

/* The lowest entry on the way to va that is not a table, and its level. */
static inline pte_t *table_entry(struct vspace *vs, uaddr_t va, unsigned *level)
{
    pte_t *entry = &vs->root[pte_index(va, 2)];

    *level = 2;
    if (!pte_is_table(*entry))
        return entry;
    entry = &pte_table(*entry)[pte_index(va, 1)];
    *level = 1;
    if (!pte_is_table(*entry))
        return entry;
    *level = 0;
    return &pte_table(*entry)[pte_index(va, 0)];
}

/* How many entries of a leaf table are not free. */
static inline uint32_t *table_used(struct vspace *vs, const pte_t *entry)
{
    return pool_ref(vs->pool, kva_to_phys(entry) & ~(PAGE_BYTES - 1));
}

/*
 * The lowest and highest index of a middle table that were ever in use, in the
 * place of its frame's count: low | high << 16. Never narrowed.
 */
#define MIDDLE_NONE (TABLE_ENTRIES - 1)
#define MIDDLE_ALL  ((TABLE_ENTRIES - 1) << 16)

static inline void middle_mark(struct vspace *vs, const pte_t *entry)
{
    uint32_t *mark = table_used(vs, entry);
    uint32_t index = ((uintptr_t)entry & (PAGE_BYTES - 1)) / sizeof(pte_t);
    uint32_t low = *mark & 0xffff, high = *mark >> 16;

    *mark = (index < low ? index : low) | (index > high ? index : high) << 16;
}

static inline size_t middle_low(struct vspace *vs, const pte_t *table)
{
    return *table_used(vs, table) & 0xffff;
}

/* One beyond the highest. */
static inline size_t middle_end(struct vspace *vs, const pte_t *table)
{
    return (*table_used(vs, table) >> 16) + 1;
}

/* Index of the next entry in [i, end) that is not free, or end. */
static inline size_t table_next_used(const pte_t *table, size_t i, size_t end)
{
    const pte_t *p = table + i, *stop = table + end;

    while (stop - p >= 8 && !(p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7]))
        p += 8;
    while (p < stop && !*p)
        p++;
    return (size_t)(p - table);
}

/* Put a table that says the same in place of a promise, a large leaf or a free
 * entry at level 1 or 2. ERR_NO_MEMORY. */
error_t table_split(struct vspace *vs, pte_t *entry, unsigned level);

/* Have no entry reach across va; force: have a leaf entry there even if the
 * place is free (unless va is aligned to something larger). ERR_NO_MEMORY. */
error_t table_split_at(struct vspace *vs, uaddr_t va, bool force);

/* An empty leaf table: keep it for the next mapping, free the one kept before. */
struct gather;
void table_emptied(struct gather *g, uaddr_t va);
/* Free the one that is kept, if it is still empty. Lock held. */
void table_drop_empty(struct vspace *vs);
/* Take the leaf table of va out and free it after the fence. */
void table_detach(struct gather *g, uaddr_t va);

/*
 * What a range operation took away. Frames and tables are freed by
 * gather_flush, after the fences.
 */
#define GATHER_PAGES 256u
struct gather {
    struct vspace *vs;
    uaddr_t first, last;        /* fence from, to; last == 0: nothing          */
    unsigned nr_pages, nr_tables;
    paddr_t table[2];
    uint32_t page[GATHER_PAGES];
};

static inline void gather_init(struct gather *g, struct vspace *vs)
{
    g->vs = vs;
    g->last = 0;
    g->nr_pages = 0;
    g->nr_tables = 0;
}

void gather_flush(struct gather *g);

static inline void gather_fence(struct gather *g, uaddr_t va, uint64_t bytes)
{
    if (!g->last || va < g->first)
        g->first = va;
    if (va + bytes > g->last)
        g->last = va + bytes;
}

/* A reference to a frame is gone; its entry is changed already. */
static inline void gather_frame(struct gather *g, paddr_t pa)
{
    if (g->nr_pages == GATHER_PAGES)
        gather_flush(g);
    g->page[g->nr_pages++] = (uint32_t)((pa - g->vs->pool->base) >> PAGE_BITS);
}

/* Fence [va, va + bytes) on all harts that run vs. bytes 0: everything. */
void vspace_fence(struct vspace *vs, uaddr_t va, uint64_t bytes);
void vspace_fence_page(struct vspace *vs, uaddr_t va);
/* Before pages become executable. */
void vspace_fence_exec(struct vspace *vs);

/* ---- shared between the vspace_*.c files ---- */

#define PAGE_OF(va) ((uint32_t)((va) >> PAGE_BITS))

/* Stores need loads in the hardware's format. */
static inline unsigned normal_prot(unsigned flags)
{
    unsigned prot = flags & VM_PROT_MASK;

    return prot & VM_WRITE ? prot | VM_READ : prot;
}

/* vspace_fault.c: as vspace_fault, under the lock. */
enum fault_result fault_locked(struct vspace *vs, uaddr_t va, unsigned access,
                               struct segment **blocked);

/* vspace_fault.c, for VM_POPULATE: map what the Segment holds already, of one chunk of
 * [va, end), which was mapped with `prot`, as a touch with `access` would; holes stay
 * promises. Returns where the next chunk begins. */
uaddr_t vspace_map_resident(struct vspace *vs, uaddr_t va, uaddr_t end, unsigned prot,
                            unsigned access);

/* vspace_range.c: empty the whole VSpace; needs no memory. 0, K_PREEMPTED. */
error_t vspace_clear(struct vspace *vs);
/* vspace_range.c, for segment.c: apply the Segment's pending change to one
 * record. True when the record is done. */
bool vspace_visit_mapping(struct vspace *vs, struct mapping *m,
                          struct segment *seg);
error_t vspace_check(struct vspace *vs, uaddr_t va, uint64_t len);

#endif
