/* SPDX-License-Identifier: MIT */
/*
 * Segment: size, pages, and taking pages away. Model and locks: segment.h.
 * The invocations are in segment_invoke.c.
 */
#include "object/segment.h"

#include "kernel/assert.h"
#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"
#include "object/pool.h"
#include "object/vspace.h"
#include "object/vspace_table.h"

#define FREE_WORK 80            /* pages freed between preemption points       */
#define NODE_WORK 12            /* looking through a node, in pages            */
#define CLEAR_WORK 5            /* clearing a pinned page                      */
#define NODE_MASK  (TABLE_ENTRIES - 1)

static uint64_t next_id = 1;

void segment_init(struct segment *seg, struct pool *pool, unsigned account)
{
    *seg = (struct segment){
        .id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED),
        .pool = pool, .account = account,
    };
    if (!pool_enter(pool)) {    /* deleted on another hart: an empty shell */
        seg->pool = NULL;
        seg->dead = true;
    }
}

void segment_init_physical(struct segment *seg, paddr_t base, size_t pages,
                           bool device)
{
    *seg = (struct segment){
        .id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED),
        .base = base, .size_pages = pages, .resident = pages, .device = device,
    };
}

/* ---- the radix tree; nodes hold kernel addresses of nodes or SEG_ entries ---- */

static uint64_t *node_make(struct segment *seg)
{
    paddr_t pa;

    if (pool_alloc_page(seg->pool, seg->account, &pa))
        return NULL;
    seg->nr_node_pages++;
    return phys_to_kva(pa);
}

static void node_free(struct segment *seg, uint64_t *node)
{
    seg->nr_node_pages--;
    pool_free_page(seg->pool, seg->account, kva_to_phys(node));
}

/* Down the tree to a page that is not direct and not beyond it. NULL: no node is there
 * (make: or can be had). */
static inline __attribute__((always_inline)) uint64_t *
descend(struct segment *seg, uint64_t page, const bool make)
{
    uint64_t *node = seg->radix;

    for (unsigned h = seg->height; h > 1; h--) {
        uint64_t *child = &node[(page >> (TABLE_BITS * (h - 1))) & NODE_MASK];

        if (make && !*child)
            *child = (uint64_t)(uintptr_t)node_make(seg);
        node = (uint64_t *)*child;
        if (!node)
            return NULL;
    }
    return &node[page & NODE_MASK];
}

uint64_t *segment_slot(struct segment *seg, uint64_t page)
{
    if (page < SEGMENT_DIRECT)
        return &seg->direct[page];
    return !seg->radix || page >> (TABLE_BITS * seg->height) ? NULL : descend(seg, page, false);
}

uint64_t *segment_entry(struct segment *seg, uint64_t page)
{
    uint64_t *slot = segment_slot(seg, page);

    return slot && (*slot & SEG_PRESENT) ? slot : NULL;
}

/* The slot of a page, making nodes. NULL: no memory. */
static uint64_t *slot_make(struct segment *seg, uint64_t page)
{
    if (page < SEGMENT_DIRECT)
        return &seg->direct[page];
    while (!seg->radix || page >> (TABLE_BITS * seg->height)) {
        uint64_t *node = node_make(seg);

        if (!node)
            return NULL;
        node[0] = (uint64_t)(uintptr_t)seg->radix;
        seg->radix = node;
        seg->height++;
    }
    return descend(seg, page, true);
}

enum segment_lookup segment_find_page(struct segment *seg, uint64_t page,
                                      paddr_t *pa, uint64_t **entry)
{
    *entry = NULL;
    if (page >= seg->size_pages)
        return LOOKUP_BEYOND;
    if (!seg->pool) {
        *pa = seg->base + (page << PAGE_BITS);
        return LOOKUP_OK;
    }
    if (__builtin_expect(seg->pending, 0) && page >= seg->pending_from &&
        page < seg->pending_to)
        return LOOKUP_PENDING;
    uint64_t *slot = segment_slot(seg, page);
    if (!slot || !(*slot & SEG_PRESENT))
        return LOOKUP_ABSENT;
    *entry = slot;
    *pa = *slot & SEG_PAGE_MASK;
    return LOOKUP_OK;
}

uint64_t *segment_populate_raw(struct segment *seg, uint64_t page)
{
    uint64_t *slot = slot_make(seg, page);
    paddr_t pa;

    if (!slot || pool_alloc_raw(seg->pool, seg->account, &pa))
        return NULL;
    *slot = pa | SEG_PRESENT;
    seg->resident++;
    return slot;
}

uint64_t *segment_populate(struct segment *seg, uint64_t page)
{
    uint64_t *slot = segment_populate_raw(seg, page);

    if (slot)
        page_clear(phys_to_kva(*slot & SEG_PAGE_MASK));
    return slot;
}

/* ---- freeing what is pending ---- */

/* Returns the work it was. */
static int page_release(struct segment *seg, uint64_t *slot)
{
    if (!(*slot & SEG_PRESENT))
        return 1;
    if (*slot & SEG_PIN_MASK) { /* the kernel writes there: cleared in place */
        page_clear(phys_to_kva(*slot & SEG_PAGE_MASK));
        *slot |= SEG_DIRTY;
        return CLEAR_WORK;
    }
    pool_drop_page(seg->pool, seg->account, *slot & SEG_PAGE_MASK);
    *slot = 0;
    seg->resident--;
    return 1;
}

/*
 * Free pages >= from below a node, last first, and nodes that hold none.
 * False: enough work for now.
 */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree is high */
static bool node_trim(struct segment *seg, uint64_t *node, unsigned height,
                      uint64_t base, uint64_t from, int *work)
{
    uint64_t span = 1ul << (TABLE_BITS * (height - 1));

    *work -= NODE_WORK;
    for (int i = TABLE_ENTRIES - 1; i >= 0; i--) {
        uint64_t start = base + (uint64_t)i * span, *e = &node[i & ~7];

        if (start + span <= from)
            break;
        if ((i & 7) == 7 && !(e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]))
            i -= 7;
        if (!node[i])
            continue;
        if (*work <= 0)
            return false;
        if (height == 1) {
            *work -= page_release(seg, &node[i]);
            continue;
        }
        if (!node_trim(seg, (uint64_t *)node[i], height - 1, start, from, work))
            return false;
        if (start >= from) {
            node_free(seg, (uint64_t *)node[i]);
            node[i] = 0;
        }
    }
    return true;
}

/* A step of freeing; lock held. True: all of the pending range is gone. */
static bool free_step(struct segment *seg)
{
    int work = FREE_WORK;
    uint64_t page;

    if (seg->pending_to == UINT64_MAX) {
        /* The direct pages have no nodes: then all nodes go. */
        bool all = seg->pending_from <= SEGMENT_DIRECT;

        if (seg->radix && !node_trim(seg, seg->radix, seg->height, 0,
                                     all ? 0 : seg->pending_from, &work))
            return false;
        for (page = seg->pending_from; page < SEGMENT_DIRECT; page++)
            page_release(seg, &seg->direct[page]);
        if (all && seg->radix) {
            node_free(seg, seg->radix);
            seg->radix = NULL;
            seg->height = 0;
        }
        return true;
    }
    for (page = seg->pending_next; page < seg->pending_to && work > 0; ) {
        uint64_t *slot = segment_slot(seg, page);

        if (slot) {
            work -= page_release(seg, slot);
            page++;
        } else {                /* no node: on to the next one */
            page = (page | NODE_MASK) + 1;
            work--;
        }
    }
    seg->pending_next = page;
    return page >= seg->pending_to;
}

/* ---- the pending change ---- */

/* Lock held, nothing pending. */
static void pending_start(struct segment *seg, uint64_t from, uint64_t to,
                          bool truncating)
{
    seg->pending = PENDING_UNMAP;
    seg->truncating = truncating;
    seg->pending_from = from;
    seg->pending_to = to;
    seg->pending_next = from;
    seg->visit++;
}

/* Visit the record at the list's head; called and returns with the Segment's
 * lock held. */
static void visit_head(struct segment *seg)
{
    struct mapping *m = seg->head;
    struct vspace *vs = mapping_vspace(m);

    spin_unlock(&seg->lock);
    spin_lock(&vs->lock);
    spin_lock(&seg->lock);
    bool same = (seg->pending == PENDING_UNMAP || seg->pending == PENDING_CLEAN) &&
                seg->head == m && mapping_vspace(m) == vs && m->visit != seg->visit;
    spin_unlock(&seg->lock);
    /* Our VSpace lock keeps the record, and with it the pending state. */
    if (same && vspace_visit_mapping(vs, m, seg))
        mapping_visited(m);
    spin_unlock(&vs->lock);
    spin_lock(&seg->lock);
}

error_t segment_help(struct segment *seg)
{
    error_t err = 0;

    spin_lock(&seg->lock);
    while (seg->pending) {
        if (seg->pending != PENDING_FREE) {
            if (seg->head && seg->head->visit != seg->visit)
                visit_head(seg);
            else
                seg->pending = seg->pending == PENDING_UNMAP ? PENDING_FREE
                                                             : PENDING_NONE;
        } else if (!seg->pool || free_step(seg)) {
            seg->pending = PENDING_NONE;
        }
        if (seg->pending && preempt_pending()) {
            err = K_PREEMPTED;
            break;
        }
    }
    spin_unlock(&seg->lock);
    return err;
}

/* ---- operations ---- */

error_t segment_resize(struct segment *seg, uint64_t pages)
{
    if (!seg->pool)
        return ERR_INVALID_ARGUMENT;
    if (pages > SEGMENT_MAX_PAGES)
        return ERR_RANGE;
    for (bool done = false;;) {
        error_t err = segment_help(seg);

        if (err || done)
            return err;
        spin_lock(&seg->lock);
        if (!seg->nr_pins)
            seg->pinned_end = 0;
        if (seg->dead) {
            err = ERR_DELETED;
        } else if (!seg->pending && pages < seg->pinned_end) {
            err = ERR_BUSY;
        } else if (!seg->pending) {
            if (pages < seg->size_pages)
                pending_start(seg, pages, UINT64_MAX, true);
            seg->size_pages = pages;
            done = true;
        }
        spin_unlock(&seg->lock);
        if (err)
            return err;
    }
}

error_t segment_destroy_step(struct segment *seg)
{
    error_t err = segment_help(seg);

    if (err)
        return err;
    spin_lock(&seg->lock);
    if (seg->nr_pins) {
        err = K_AGAIN;
    } else if (!seg->dead && !seg->pending) {
        seg->dead = true;
        seg->size_pages = 0;
        pending_start(seg, 0, UINT64_MAX, true);
    }
    spin_unlock(&seg->lock);
    if (!err)
        err = segment_help(seg);
    kassert(err || !seg->head);
    if (!err && seg->pool) {
        pool_leave(seg->pool);
        seg->pool = NULL;
    }
    return err;
}

/* Lock held. */
static uint64_t take_dirty(struct segment *seg, uint64_t first, uint64_t count)
{
    uint64_t bitmap = 0;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t *entry = segment_entry(seg, first + i);

        if (entry && (*entry & SEG_DIRTY)) {
            /* The kernel writes pinned pages without telling. */
            if (!(*entry & SEG_PIN_MASK))
                *entry &= ~SEG_DIRTY;
            bitmap |= 1ul << i;
        }
    }
    return bitmap;
}

/* Bits that nobody came back for: their pages are dirty again. Lock held. */
static void give_back_dirty(struct segment *seg)
{
    for (unsigned i = 0; i < 64; i++) {
        uint64_t *entry = seg->collected >> i & 1 ? segment_entry(seg, seg->clean_first + i) : NULL;

        if (entry)
            *entry |= SEG_DIRTY;
    }
    seg->collected = 0;
}

/*
 * First the bits, then the mappings: a store through a mapping not yet cleaned
 * is in the page before we return, one through a cleaned mapping sets the bit
 * again. While the mappings are cleaned, with preemptions, the Segment keeps the
 * bits; should who asked never come back, the next collection gives them back.
 */
error_t segment_collect_dirty(struct segment *seg, uint64_t first, uint64_t count,
                              uint64_t *cursor, uint64_t *bitmap)
{
    bool done = false;

    while (!done) {
        error_t err = segment_help(seg);

        if (err)
            return err;
        spin_lock(&seg->lock);
        if (!seg->pending && (*cursor == 0 || *cursor != seg->collection)) {
            give_back_dirty(seg);
            seg->collected = take_dirty(seg, first, count);
            seg->clean_first = first;
            *cursor = ++seg->collection;
            if (seg->collected && seg->head) {
                pending_start(seg, 0, 0, false);    /* blocks no lookup */
                seg->pending = PENDING_CLEAN;
                seg->clean_count = count;
            }
        }
        if (!seg->pending) {
            *bitmap = seg->collected;
            seg->collected = 0;
            done = true;
        }
        spin_unlock(&seg->lock);
    }
    return 0;
}

/* Zero [from, to) inside one page; the lock is held and nothing pending. */
static void zero_piece(struct segment *seg, uint64_t from, uint64_t to)
{
    uint64_t *entry;
    paddr_t pa;

    if (segment_find_page(seg, from >> PAGE_BITS, &pa, &entry) != LOOKUP_OK)
        return;                 /* a hole, or cut off meanwhile */
    bytes_clear((char *)phys_to_kva(pa) + (from & (PAGE_BYTES - 1)), to - from);
    if (entry)
        *entry |= SEG_DIRTY;
}

error_t segment_zero(struct segment *seg, uint64_t offset, uint64_t length,
                     uint64_t *cursor)
{
    uint64_t end = offset + length;
    uint64_t at = *cursor > offset && *cursor <= end ? *cursor : offset;
    unsigned pieces = 0;

    if (seg->device)
        return ERR_INVALID_ARGUMENT;
    if (end < offset || end > seg->size_pages << PAGE_BITS)
        return ERR_RANGE;
    for (;;) {
        error_t err = segment_help(seg);
        uint64_t next = (at | (PAGE_BYTES - 1)) + 1;

        if (err || at >= end)
            return err;
        spin_lock(&seg->lock);
        if (seg->pending) {
            next = at;          /* someone else's, just begun: help again */
        } else if (seg->pool && !(at & (PAGE_BYTES - 1)) && next <= end) {
            next = end & ~(PAGE_BYTES - 1);
            pending_start(seg, at >> PAGE_BITS, next >> PAGE_BITS, false);
            *cursor = next;     /* will be finished, by whomever */
        } else {
            next = min(next, end);
            zero_piece(seg, at, next);
        }
        spin_unlock(&seg->lock);
        at = next;
        if (++pieces % 16 == 0 && at < end && preempt_pending()) {
            *cursor = at;
            return K_PREEMPTED;
        }
    }
}

/* ---- pins ---- */

error_t segment_pin_page(struct segment *seg, size_t page, void **kva, paddr_t *pa)
{
    uint64_t *entry;
    error_t err = 0;

    if (seg->device)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&seg->lock);
    enum segment_lookup found = segment_find_page(seg, page, pa, &entry);
    if (found == LOOKUP_ABSENT && (entry = segment_populate(seg, page)) != NULL)
        *pa = *entry & SEG_PAGE_MASK;
    if (found == LOOKUP_BEYOND)
        err = ERR_RANGE;
    else if (found == LOOKUP_PENDING)
        err = ERR_BUSY;
    else if (found == LOOKUP_ABSENT && !entry)
        err = ERR_NO_MEMORY;
    else if (entry && (*entry & SEG_PIN_MASK) == SEG_PIN_MASK)
        err = ERR_OVERFLOW;
    if (!err) {
        if (entry)
            *entry = (*entry + SEG_PIN_ONE) | SEG_DIRTY;
        seg->nr_pins++;
        if (seg->pinned_end <= page)
            seg->pinned_end = page + 1;
        *kva = phys_to_kva(*pa);
    }
    spin_unlock(&seg->lock);
    return err;
}

void segment_unpin_page(struct segment *seg, size_t page)
{
    spin_lock(&seg->lock);
    if (seg->pool) {
        uint64_t *entry = segment_entry(seg, page);

        kassert(entry && (*entry & SEG_PIN_MASK));
        *entry -= SEG_PIN_ONE;
    }
    seg->nr_pins--;
    spin_unlock(&seg->lock);
}
