/* SPDX-License-Identifier: MIT */
/*
 * Touches of user memory: demand-zero, copy on write, Segment pages.
 *
 * Measured path: a fault takes the VSpace's lock once, walks three levels, and
 * does one of
 *   - demand-zero: a cleared frame, mapped with all its permissions;
 *   - a store to a shared frame: alone by now, so W comes back; else a copy;
 *   - a Segment's page: mapped read-only while clean (shared) or until copied
 *     (private); a load maps its resident neighbours, too, since programs and
 *     libraries touch their text and tables in runs.
 * Holes of pool-backed Segments get a page at the first touch, except for a
 * store to a private mapping, which needs no original.
 *
 * A Segment with a change pending makes the touch wait: the locks are let go
 * and the faulting thread helps to finish that change first.
 */
#include "object/vspace_table.h"

#include "arch/riscv/tlb.h"
#include "kernel/assert.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"
#include "object/segment.h"

#define AROUND_PAGES 16u        /* aligned window of fault-around              */

static inline pte_t leaf(paddr_t pa, pte_t bits)
{
    return pte_of_paddr(pa) | PTE_LEAF | bits;
}

static enum fault_result install_private(struct vspace *vs, pte_t *entry,
                                         paddr_t pa, pte_t prot_bits)
{
    if (prot_bits & PTE_X)
        vspace_fence_exec(vs);
    pte_store(entry, leaf(pa, prot_bits & PTE_RWX));
    vs->private_pages++;
    return FAULT_RESOLVED;
}

static enum fault_result fault_zero(struct vspace *vs, pte_t *entry)
{
    paddr_t pa;

    if (pool_alloc_page(vs->pool, vs->account, &pa))
        return FAULT_NO_MEMORY;
    return install_private(vs, entry, pa, *entry);
}

/* ---- stores to write-protected leaves ---- */

/* A frame of our own with the content of another. */
static error_t copy_frame(struct vspace *vs, paddr_t from, paddr_t *out)
{
    if (pool_alloc_raw(vs->pool, vs->account, out))
        return ERR_NO_MEMORY;
    page_copy(phys_to_kva(*out), phys_to_kva(from));
    return 0;
}

static __attribute__((noinline)) enum fault_result
store_private(struct vspace *vs, uaddr_t va, pte_t *entry, pte_t pte)
{
    paddr_t old = pte_paddr(pte), new;
    pte_t bits = (pte & (PTE_RWX)) | PTE_W;

    if (pool_ref_read(vs->pool, old) == 1) {
        pte_store(entry, leaf(old, bits));
        return FAULT_RESOLVED;
    }
    /* The copy takes the shared frame's place in the account. */
    if (pool_take_raw(vs->pool, vs->account, &new))
        return FAULT_NO_MEMORY;
    page_copy(phys_to_kva(new), phys_to_kva(old));
    if (bits & PTE_X)
        vspace_fence_exec(vs);
    pte_store(entry, leaf(new, bits));
    vs->nr_cow++;
    vspace_fence_page(vs, va);
    pool_put_page(vs->pool, old);
    return FAULT_RESOLVED;
}

static __attribute__((noinline)) enum fault_result
store_segment(struct vspace *vs, uaddr_t va, pte_t *entry, pte_t pte)
{
    struct mapping *m = mapping_find(vs, PAGE_OF(va));
    paddr_t pa;

    kassert(m && m->segment);
    if (m->flags & MAPPING_SHARED) {
        if (m->segment->pool) {
            spin_lock(&m->segment->lock);
            uint64_t *page = segment_entry(m->segment, m->first + (PAGE_OF(va) - m->page));
            if (page)   /* else just being taken away: our entry goes next */
                *page |= SEG_DIRTY;
            spin_unlock(&m->segment->lock);
        }
        pte_store(entry, (pte & ~PTE_LOGICAL_W) | PTE_W);
        return FAULT_RESOLVED;
    }
    /* The page cannot go away: its Segment would need our lock first. */
    if (copy_frame(vs, pte_paddr(pte), &pa))
        return FAULT_NO_MEMORY;
    if (pte & PTE_X)
        vspace_fence_exec(vs);
    pte_store(entry, leaf(pa, (pte & PTE_RWX) | PTE_W));
    vs->segment_pages--;
    vs->private_pages++;
    vs->nr_cow++;
    vspace_fence_page(vs, va);
    return FAULT_RESOLVED;
}

/* ---- Segment pages ---- */

/* Hardware bits of a Segment page's leaf that was promised with `promise`. */
static inline pte_t segment_bits(const struct mapping *m, pte_t promise,
                                 bool dirty)
{
    pte_t bits = PTE_SEGMENT | (promise & (PTE_R | PTE_X));

    if (promise & PTE_W)
        bits |= (m->flags & MAPPING_SHARED) && dirty ? PTE_W : PTE_LOGICAL_W;
    return bits;
}

/*
 * Map what is resident of the pages [low, high) of one leaf table and one record,
 * where the entry still is `promise`; the Segment is locked. store: ready for stores.
 */
static void map_resident(struct vspace *vs, struct mapping *m, uint32_t low, uint32_t high,
                         pte_t *entry, pte_t promise, bool store)
{
    struct segment *seg = m->segment;
    uint64_t index = (uint64_t)m->first + (low - m->page);
    pte_t clean = leaf(0, segment_bits(m, promise, false));
    pte_t dirty = leaf(0, segment_bits(m, promise, true));
    pte_t *end = entry + (high - low);
    unsigned mapped = 0;

    if (seg->pending || index >= seg->size_pages)
        return;
    if (high - low > seg->size_pages - index)
        end = entry + (seg->size_pages - index);
    while (entry < end) {       /* by nodes of the Segment's tree */
        uint64_t *source = seg->pool ? segment_slot(seg, index) : NULL;
        uint64_t room = index < SEGMENT_DIRECT ? SEGMENT_DIRECT - index
                                               : TABLE_ENTRIES - index % TABLE_ENTRIES;
        pte_t *stop = (uint64_t)(end - entry) < room ? end : entry + room;

        uint64_t page = seg->pool ? 0 : (seg->base + (index << PAGE_BITS)) | SEG_PRESENT | SEG_DIRTY;

        index += (uint64_t)(stop - entry);
        for (; entry < stop; entry++, page += PAGE_BYTES) {
            if (source)
                page = *source++;
            if (!(page & SEG_PRESENT) || *entry != promise)
                continue;
            if (store && !(page & SEG_DIRTY))
                source[-1] = page |= SEG_DIRTY;
            pte_store(entry, pte_of_paddr(page) | (page & SEG_DIRTY ? dirty : clean));
            mapped++;
        }
    }
    vs->segment_pages += mapped;
}

/* The aligned window around `page`, which a load touched. */
static void fault_around(struct vspace *vs, struct mapping *m, uint32_t page,
                         pte_t *entry, pte_t promise)
{
    uint32_t window = page & ~(AROUND_PAGES - 1), low = (uint32_t)max(window, m->page);
    uint32_t high = (uint32_t)min(window + AROUND_PAGES, m->page + m->count);

    map_resident(vs, m, low, high, entry - (page - low), promise, false);
}

/* Above the leaf level, a touch splits the promise or finds a large leaf's place. */
static __attribute__((cold)) void populate_upper(struct vspace *vs, struct mapping *m, uaddr_t va, unsigned access)
{
    struct segment *blocked;
    uint64_t *entry;
    paddr_t pa;

    spin_lock(&m->segment->lock);
    enum segment_lookup found = segment_find_page(m->segment, (uint64_t)m->first + (PAGE_OF(va) - m->page), &pa, &entry);
    spin_unlock(&m->segment->lock);
    if (found == LOOKUP_OK)
        fault_locked(vs, va, access, &blocked);
}

uaddr_t vspace_map_resident(struct vspace *vs, uaddr_t va, uaddr_t end, unsigned prot,
                            unsigned access)
{
    pte_t promise = pte_promise(PROMISE_RECORD, prot), *entry;
    uaddr_t next = (va | (VSPACE_CHUNK * PAGE_BYTES - 1)) + 1;
    unsigned level;

    spin_lock(&vs->lock);
    struct mapping *m = vs->root && !vs->dying ? mapping_find(vs, PAGE_OF(va)) : NULL;
    next = min(next, end);
    if (m && PAGE_OF(next) > m->page + m->count)
        next = (uaddr_t)(m->page + m->count) << PAGE_BITS;
    if (m && m->segment) {
        entry = table_entry(vs, va, &level);
        if (!level) {
            if (prot & VM_EXEC)
                vspace_fence_exec(vs);
            spin_lock(&m->segment->lock);
            map_resident(vs, m, PAGE_OF(va), PAGE_OF(next), entry, promise, access == VM_WRITE);
            spin_unlock(&m->segment->lock);
        } else if (*entry == promise) {
            populate_upper(vs, m, va, access);
            next = va + PAGE_BYTES;
        }
    }
    spin_unlock(&vs->lock);
    return next;
}

/* A 2 MiB leaf over a physical Segment, if everything is aligned. */
static __attribute__((cold)) bool large_leaf(struct vspace *vs, struct mapping *m, uaddr_t va,
                       pte_t *entry)
{
    uaddr_t base = va & ~(LEVEL_BYTES(1) - 1);
    uint64_t index = (uint64_t)m->first + (PAGE_OF(base) - m->page);
    paddr_t pa = m->segment->base + (index << PAGE_BITS);

    if (m->segment->pool || (pa & (LEVEL_BYTES(1) - 1)) ||
        index + TABLE_ENTRIES > m->segment->size_pages ||
        !(m->flags & MAPPING_SHARED))
        return false;
    if (*entry & PTE_X)
        vspace_fence_exec(vs);
    pte_store(entry, leaf(pa, segment_bits(m, *entry, true)));
    vs->segment_pages += TABLE_ENTRIES;
    return true;
}

/* A store to a private mapping whose page was not touched yet. */
static enum fault_result store_absent(struct vspace *vs, pte_t *entry,
                                      enum segment_lookup found, paddr_t from)
{
    paddr_t pa;

    if (found == LOOKUP_ABSENT)
        return fault_zero(vs, entry);
    if (copy_frame(vs, from, &pa))
        return FAULT_NO_MEMORY;
    return install_private(vs, entry, pa, *entry);
}

static __attribute__((noinline)) enum fault_result
fault_segment(struct vspace *vs, uaddr_t va, pte_t *entry, unsigned access,
              struct segment **blocked)
{
    struct mapping *m = mapping_find(vs, PAGE_OF(va));
    enum fault_result result = FAULT_RESOLVED;
    pte_t promise = *entry;
    uint64_t index, *page;
    paddr_t pa;

    kassert(m);
    struct segment *seg = m->segment;
    if (!seg)
        return FAULT_BAD_ACCESS;
    bool shared = m->flags & MAPPING_SHARED;
    index = (uint64_t)m->first + (PAGE_OF(va) - m->page);
    spin_lock(&seg->lock);
    enum segment_lookup found = segment_find_page(seg, index, &pa, &page);
    if (found == LOOKUP_BEYOND) {
        result = FAULT_BEYOND_SEGMENT;
    } else if (found == LOOKUP_PENDING) {
        *blocked = seg;
        result = FAULT_RETRY_LATER;
    } else if (access == VM_WRITE && !shared) {
        result = store_absent(vs, entry, found, pa);
    } else {
        if (found == LOOKUP_ABSENT) {
            page = segment_populate(seg, index);
            if (!page) {
                spin_unlock(&seg->lock);
                return FAULT_NO_MEMORY;
            }
            pa = *page & SEG_PAGE_MASK;
        }
        if (page && access == VM_WRITE)
            *page |= SEG_DIRTY;
        if (promise & PTE_X)
            vspace_fence_exec(vs);
        pte_store(entry, leaf(pa, segment_bits(m, promise,
                                               !page || (*page & SEG_DIRTY))));
        vs->segment_pages++;
        if (access != VM_WRITE)
            fault_around(vs, m, PAGE_OF(va), entry, promise);
    }
    spin_unlock(&seg->lock);
    return result;
}

/* ---- entry ---- */

/* A promise above the leaf level: a large leaf, or the touch again, at most twice. */
/* NOLINTBEGIN(misc-no-recursion) */
static __attribute__((noinline)) enum fault_result
fault_split(struct vspace *vs, uaddr_t va, unsigned access, struct segment **blocked,
            pte_t *entry, unsigned level)
{
    if (level == 1 && (*entry & PROMISE_KIND_MASK) == PROMISE_RECORD) {
        struct mapping *m = mapping_find(vs, PAGE_OF(va));

        kassert(m);
        if (m->segment && large_leaf(vs, m, va, entry))
            return FAULT_RESOLVED;
    }
    return table_split(vs, entry, level) ? FAULT_NO_MEMORY : fault_locked(vs, va, access, blocked);
}

/* Needs no stack frame: each case is a call at the end. */
enum fault_result fault_locked(struct vspace *vs, uaddr_t va, unsigned access,
                               struct segment **blocked)
{
    pte_t need = (pte_t)access << 1, pte, *entry;
    unsigned level;

    if (va >= USER_TOP || !vs->root || vs->dying)
        return FAULT_BAD_ACCESS;
    entry = table_entry(vs, va, &level);
    pte = *entry;
    if (!(pte & PTE_V)) {
        if ((pte & need) != need)
            return FAULT_BAD_ACCESS;
        if (__builtin_expect(level != 0, 0))
            return fault_split(vs, va, access, blocked, entry, level);
        return (pte & PROMISE_KIND_MASK) == PROMISE_ZERO
                   ? fault_zero(vs, entry)
                   : fault_segment(vs, va, entry, access, blocked);
    }
    if ((pte & need) == need) { /* an old translation: see vspace.h, fences */
        tlb_local_page(va);
        return FAULT_RESOLVED;
    }
    if (access != VM_WRITE || !(pte & PTE_LOGICAL_W))
        return FAULT_BAD_ACCESS;
    return pte & PTE_SEGMENT ? store_segment(vs, va, entry, pte)
                             : store_private(vs, va, entry, pte);
}
/* NOLINTEND(misc-no-recursion) */

/* The Segment that a touch waits for is helped on; then the touch again. */
static __attribute__((noinline)) enum fault_result
fault_after_help(struct vspace *vs, uaddr_t va, unsigned access, struct segment *blocked)
{
    enum fault_result result = FAULT_RETRY_LATER;

    while (result == FAULT_RETRY_LATER && segment_help(blocked) == 0) {
        spin_lock(&vs->lock);
        vs->nr_faults++;
        result = fault_locked(vs, va, access, &blocked);
        spin_unlock(&vs->lock);
    }
    return result;
}

enum fault_result vspace_fault(struct vspace *vs, uaddr_t va, unsigned access)
{
    struct segment *blocked;

    if (!vs)
        return FAULT_BAD_ACCESS;
    spin_lock(&vs->lock);
    vs->nr_faults++;
    enum fault_result result = fault_locked(vs, va, access, &blocked);
    spin_unlock(&vs->lock);
    if (__builtin_expect(result == FAULT_RETRY_LATER, 0))
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): who says so has set it */
        result = fault_after_help(vs, va, access, blocked);
    return result;
}

/* Where the kernel finds a present page; NULL for a device's, since at a device's
 * address there may be nothing that answers. */
static inline void *page_kva(struct vspace *vs, uaddr_t va, pte_t pte, unsigned level)
{
    if (pte & PTE_SEGMENT && mapping_find(vs, PAGE_OF(va))->segment->device)
        return NULL;
    return phys_to_kva(pte_paddr(pte) +
                       (va & (LEVEL_BYTES(level) - 1) & ~(PAGE_BYTES - 1)));
}

/* NOLINTBEGIN(misc-no-recursion): the fault is resolved, and the page is there */
/* Apart from vspace_page, which then needs no stack frame. */
static __attribute__((noinline)) void *
page_after_fault(struct vspace *vs, uaddr_t va, unsigned access,
                 enum fault_result *why, struct segment **blocked)
{
    *why = fault_locked(vs, va, access, blocked);
    return *why == FAULT_RESOLVED ? vspace_page(vs, va, access, why, blocked) : NULL;
}

void *vspace_page(struct vspace *vs, uaddr_t va, unsigned access,
                  enum fault_result *why, struct segment **blocked)
{
    pte_t need = PTE_V | (pte_t)access << 1, pte;
    unsigned level;

    if (va >= USER_TOP || !vs->root || vs->dying) {
        *why = FAULT_BAD_ACCESS;
        return NULL;
    }
    pte = *table_entry(vs, va, &level);
    if (__builtin_expect((pte & need) != need, 0))
        return page_after_fault(vs, va, access, why, blocked);
    *why = FAULT_RESOLVED;
    return page_kva(vs, va, pte, level);
}
/* NOLINTEND(misc-no-recursion) */

error_t vspace_page_failed(enum fault_result why, struct segment *blocked)
{
    if (why == FAULT_RETRY_LATER)
        return segment_help(blocked);
    return why == FAULT_NO_MEMORY ? ERR_NO_MEMORY : ERR_FAULT;
}
