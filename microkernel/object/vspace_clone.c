/* SPDX-License-Identifier: MIT */
/*
 * VSPACE_CLONE: a copy-on-write copy of a VSpace (fork in one operation).
 *
 * The source's tables are walked once. A private frame gets one more reference
 * and loses W on both sides; promises, Segment pages and records are copied as
 * they are; VM_NO_CLONE ranges stay free. One leaf table is one step, or a part of
 * one with many records, done under
 * both locks (lower address first); between steps others get in, and the call
 * can be preempted, with its progress kept in the target. What other threads
 * of the source change in between may or may not be in the copy, but each step
 * leaves tables and records of the target consistent.
 *
 * The caller may be killed half-way, and the target then be given to somebody
 * else. So a clone goes on only while the target says that it is this one's
 * (state and source), and vspace_unmap of everything takes that away: the
 * emptied target is like new. And whoever may map into the target can do so
 * between two steps: the clone then meets an entry in use, and stops.
 *
 * The source is fenced once, when the call ends or is preempted: until then a
 * store through an old translation is one that happened before the clone.
 *
 * If memory runs out, the target is emptied again (preemptibly) and the call
 * fails; the source has only lost W bits that come back at the next store.
 */
#include "object/vspace_table.h"

#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"
#include "object/segment.h"

#define CLONE_RECORDS 4u        /* in one step                                 */
#define CLONE_WORK    64u       /* entries between preemption points           */

struct clone {
    struct vspace *source, *target;
    unsigned work;
    bool fence;                 /* W was taken from the source                 */
    uint32_t *refs;             /* the Pool's counts, by frame number          */
};

/* ---- records ---- */

/*
 * The source's records of [page, *stop) to the target, of many only the first ones:
 * then *stop is where they end. Needs CLONE_RECORDS. True: some are VM_NO_CLONE.
 */
static bool clone_records(struct clone *c, uint32_t page, uint32_t *stop)
{
    bool some = false;
    struct mapping *m;

    for (unsigned n = 0; page < *stop && (m = mapping_from(c->source, page)) && m->page < *stop; n++) {
        uint32_t low = m->page > page ? m->page : page;
        uint32_t high = m->page + m->count < *stop ? m->page + m->count : *stop;

        if (n == CLONE_RECORDS) {
            *stop = page;
            break;
        }
        page = high;
        if (m->flags & MAPPING_NO_CLONE)
            some = true;
        else
            mapping_insert(c->target, low, high - low, m->segment,
                           m->first + (low - m->page), m->flags, false);
    }
    return some;
}

/* ---- leaf tables ---- */

struct leaf_counts { uint32_t used, frames, segments; };

/* One entry that is not free. Returns what the target gets. */
static inline pte_t clone_entry(struct clone *c, pte_t *entry, struct leaf_counts *n)
{
    pte_t pte = *entry;

    n->used++;
    if (!pte_has_frame(pte)) {
        n->segments += pte & PTE_V;
        return pte;
    }
    n->frames++;
    __atomic_fetch_add(&c->refs[(pte & PTE_PPN_MASK) >> PTE_PPN_SHIFT], 1,
                       __ATOMIC_RELAXED);
    if (pte & PTE_W) {
        pte = (pte & ~PTE_W) | PTE_LOGICAL_W;
        __atomic_store_n(entry, pte, __ATOMIC_RELAXED);     /* fenced later */
        c->fence = true;
    }
    return pte;
}

/* Eight entries without a private frame, as they are. False: look at each. */
static inline bool clone_eight(const pte_t *s, pte_t *d, struct leaf_counts *n)
{
    pte_t a = s[0], b = s[1], e = s[2], f = s[3], g = s[4], h = s[5], i = s[6], j = s[7];
    pte_t any = a | b | e | f | g | h | i | j, all = a & b & e & f & g & h & i & j;

    if (!any) {
        ;
    } else if ((all & (PTE_V | PTE_SEGMENT)) == (PTE_V | PTE_SEGMENT)) {
        n->used += 8;
        n->segments += 8;
    } else if (!(any & PTE_V) && (any & PROMISE_KIND_MASK) != PROMISE_KEPT) {
        n->used += (uint32_t)(!!a + !!b + !!e + !!f + !!g + !!h + !!i + !!j);
    } else {
        return false;
    }
    d[0] = a; d[1] = b; d[2] = e; d[3] = f;
    d[4] = g; d[5] = h; d[6] = i; d[7] = j;
    return true;
}

/* [i, end) from src to dst, which holds anything. `total` entries of the whole
 * table are in use. */
static void clone_entries(struct clone *c, pte_t *src, pte_t *dst, size_t i,
                          size_t end, uint32_t total, struct leaf_counts *out)
{
    struct leaf_counts n = *out;
    pte_t *s = src + i, *stop = src + end, *d = dst + i;

    while (s < stop && n.used < total) {
        pte_t *group = stop - s < 8 ? stop : s + 8;

        if (group == s + 8 && clone_eight(s, d, &n)) {
            s += 8;
            d += 8;
            continue;
        }
        for (; s < group; s++, d++)
            *d = *s ? clone_entry(c, s, &n) : 0;
    }
    if (s < stop)
        bytes_clear(d, (size_t)(stop - s) * sizeof(pte_t));
    *out = n;
}

/* The same, leaving out ranges of VM_NO_CLONE records; src and dst are those of the
 * pages from base on. */
static void clone_some_entries(struct clone *c, pte_t *src, pte_t *dst, uint32_t base,
                               uint32_t stop, struct leaf_counts *n)
{
    uint32_t page = base;

    while (page < stop) {
        struct mapping *m = mapping_from(c->source, page);
        bool none = !m || m->page >= stop, inside = !none && m->page <= page;
        uint32_t next = none ? stop : (uint32_t)min(stop, inside ? m->page + m->count : m->page);

        if (inside && m->flags & MAPPING_NO_CLONE)
            bytes_clear(&dst[page - base], (next - page) * sizeof(pte_t));
        else
            clone_entries(c, src, dst, page - base, next - base, TABLE_ENTRIES + 1, n);
        page = next;
    }
}

/* How many private frames a leaf table names, exactly. */
static uint32_t count_frames(const pte_t *table)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < TABLE_ENTRIES; i++)
        n += table[i] && pte_has_frame(table[i]);
    return n;
}

/* The place for the target's entries from va on, in the table that stands in *entry
 * or in a new one. ERR_BUSY: they are in use. */
static error_t target_table(struct clone *c, uaddr_t va, pte_t *entry, pte_t **out)
{
    struct vspace *t = c->target;
    size_t i = pte_index(va, 0);
    paddr_t pa;

    if (c->source->mappings && mapping_prepare(t, CLONE_RECORDS))
        return ERR_NO_MEMORY;
    if (!*entry) {
        if (pool_alloc_raw(t->pool, t->account, &pa))
            return ERR_NO_MEMORY;
        *out = phys_to_kva(pa);
        *table_used(t, *out) = 0;
        return 0;
    }
    if (!i || !pte_is_table(*entry))
        return ERR_BUSY;
    *out = pte_table(*entry);
    return table_next_used(*out, i, TABLE_ENTRIES) < TABLE_ENTRIES ? ERR_BUSY : 0;
}

/* Of the leaf table of va what is from va on, or its first part, if it has many
 * records. `entry` is the place for the target's table. Advances clone_next. */
static error_t clone_leaf_table(struct clone *c, uaddr_t va, pte_t *src, pte_t *entry)
{
    struct vspace *t = c->target;
    struct leaf_counts n = { 0, 0, 0 };
    uint32_t base = PAGE_OF(va), stop = (base | (TABLE_ENTRIES - 1)) + 1;
    uint32_t charged = *table_used(c->source, src);
    bool fresh = !*entry, partial = false;
    size_t i = pte_index(va, 0);
    pte_t *dst;
    error_t err;

    if (!charged)
        goto done;
    err = target_table(c, va, entry, &dst);
    if (err)
        return err;
    if (pool_charge(t->pool, t->account, charged)) {
        charged = count_frames(src);    /* promises cost nothing */
        c->work += CLONE_WORK;
        if (pool_charge(t->pool, t->account, charged)) {
            if (fresh)
                pool_free_page(t->pool, t->account, kva_to_phys(dst));
            return ERR_NO_MEMORY;
        }
    }
    if (c->source->mappings)
        partial = clone_records(c, base, &stop);
    if (fresh && stop - base < TABLE_ENTRIES)
        page_clear(dst);
    if (partial)
        clone_some_entries(c, src + i, dst + i, base, stop, &n);
    else
        clone_entries(c, src, dst, i, i + (stop - base), i ? TABLE_ENTRIES + 1 : *table_used(c->source, src), &n);
    pool_uncharge(t->pool, t->account, charged - n.frames);
    *table_used(t, dst) += n.used;
    t->private_pages += n.frames;
    t->segment_pages += n.segments;
    t->mapped_pages += n.used;
    if (fresh && !n.used) {     /* all of it VM_NO_CLONE */
        pool_free_page(t->pool, t->account, kva_to_phys(dst));
    } else if (fresh) {
        t->table_pages++;
        pte_store(entry, pte_make_table(dst));
    }
    c->work += n.used;
done:
    t->clone_next = (uaddr_t)stop << PAGE_BITS;
    return 0;
}

/* An entry above the leaf level that is no table: a promise or a large leaf. */
static error_t clone_upper(struct clone *c, uaddr_t va, unsigned level, pte_t pte,
                           pte_t *entry)
{
    uint32_t page = PAGE_OF(va), count = (uint32_t)(LEVEL_BYTES(level) >> PAGE_BITS);
    uint32_t stop = page + count;

    if (*entry)
        return ERR_BUSY;
    if (c->source->mappings) {  /* one record covers all of an upper entry */
        if (mapping_prepare(c->target, CLONE_RECORDS))
            return ERR_NO_MEMORY;
        if (clone_records(c, page, &stop))
            return 0;
    }
    if (pte & PTE_V)
        c->target->segment_pages += count;
    c->target->mapped_pages += count;
    pte_store(entry, pte);
    return 0;
}

/* ---- the walk ---- */

/*
 * One step: what stands at target->clone_next or the first thing after it.
 * Advances clone_next. Both locks held. ERR_BUSY: the target's place is in use.
 */
static error_t clone_step(struct clone *c)
{
    struct vspace *t = c->target;
    uaddr_t va = t->clone_next;
    size_t i = pte_index(va, 2), j = pte_index(va, 1), low, end;
    pte_t *src = c->source->root, *dst = t->root;
    error_t err = 0;

    if (!src[i]) {
        i = table_next_used(src, i, USER_ROOT_ENTRIES);
        t->clone_next = (uaddr_t)i << LEVEL_SHIFT(2);
        return 0;
    }
    if (!pte_is_table(src[i])) {
        err = clone_upper(c, va, 2, src[i], &dst[i]);
        t->clone_next = (uaddr_t)(i + 1) << LEVEL_SHIFT(2);
        return err;
    }
    src = pte_table(src[i]);
    low = middle_low(c->source, src);
    end = middle_end(c->source, src);
    j = table_next_used(src, j < low ? low : j, end);
    if (j >= end)
        j = TABLE_ENTRIES;
    if (j != pte_index(va, 1))
        va = ((uaddr_t)i << LEVEL_SHIFT(2)) + ((uaddr_t)j << LEVEL_SHIFT(1));
    if (j < TABLE_ENTRIES) {
        if (!dst[i] && table_split(t, &dst[i], 2))
            return ERR_NO_MEMORY;
        if (!pte_is_table(dst[i]))
            return ERR_BUSY;
        dst = pte_table(dst[i]);
        middle_mark(t, &dst[j]);
        if (pte_is_table(src[j]))
            return clone_leaf_table(c, va, pte_table(src[j]), &dst[j]);
        if (!pte_index(va, 0))  /* else what stood here was unmapped since */
            err = clone_upper(c, va, 1, src[j], &dst[j]);
        va = (va & ~(LEVEL_BYTES(1) - 1)) + LEVEL_BYTES(1);
    }
    if (!err)
        t->clone_next = va;
    return err;
}

/* The target says that this clone is under way. Both locks held. */
static bool is_ours(const struct clone *c)
{
    return c->target->clone_state != CLONE_NONE && c->target->clone_source == c->source->id;
}

/* Begin, or go on after a preemption. Both locks held. */
static error_t begin(struct clone *c)
{
    struct vspace *s = c->source, *t = c->target;

    if (s->dying || t->dying)
        return ERR_DELETED;
    if (!s->root || !t->root)
        return ERR_INVALID_CALL;
    if (s->pool != t->pool)
        return ERR_INVALID_ARGUMENT;
    c->refs = s->pool->refs - (s->pool->base >> PAGE_BITS);
    if (is_ours(c))
        return 0;
    if (t->clone_state != CLONE_NONE || t->mapped_pages)
        return ERR_BUSY;
    table_drop_empty(t);
    t->clone_state = CLONE_RUNNING;
    t->clone_source = s->id;
    t->clone_next = 0;
    return 0;
}

error_t vspace_clone(struct vspace *target, struct vspace *source)
{
    struct clone c = { .source = source, .target = target };

    if (source == target)
        return ERR_INVALID_ARGUMENT;
    vspace_lock_both(source, target);
    error_t err = begin(&c);
    while (!err && target->clone_state == CLONE_RUNNING) {
        if (target->clone_next >= USER_TOP) {
            target->clone_state = CLONE_NONE;
            break;
        }
        err = clone_step(&c);
        c.work += 16;
        if (err == ERR_NO_MEMORY) {
            target->clone_state = CLONE_UNDO;
            err = preempt_pending() ? K_PREEMPTED : 0;
        } else if (err) {
            target->clone_state = CLONE_NONE;
        } else if (c.work >= CLONE_WORK && preempt_pending()) {
            err = K_PREEMPTED;
        } else {
            c.work %= CLONE_WORK;
            vspace_unlock_both(source, target);
            vspace_lock_both(source, target);
            if (source->dying || target->dying)     /* others had the locks */
                err = ERR_DELETED;
            else if (!is_ours(&c))
                err = ERR_BUSY;
        }
    }
    if (c.fence)
        vspace_fence(source, 0, 0);
    spin_unlock(&source->lock);
    if (!err && target->clone_state == CLONE_UNDO) {    /* empty it after a failure */
        err = vspace_clear(target);
        if (!err) {
            target->clone_state = CLONE_NONE;
            err = ERR_NO_MEMORY;
        }
    }
    spin_unlock(&target->lock);
    return err;
}

void vspace_clone_forget(struct vspace *target)
{
    spin_lock(&target->lock);
    target->clone_state = CLONE_NONE;
    target->clear_next = 0;
    spin_unlock(&target->lock);
}
