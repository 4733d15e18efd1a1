/* SPDX-License-Identifier: MIT */
/*
 * VSpace range operations: reserve, map, protect, unmap, discard, and the
 * changes that a Segment makes to its mappings.
 *
 * All share one shape. The ends of the range are split so that no entry reaches
 * across them; then the range is walked in spans (one entry above the leaf
 * level, or up to VSPACE_CHUNK entries of one leaf table) and a visit function
 * changes each span's entries. What it takes away is gathered, fenced and freed
 * at the end, or when enough came together. Every loop here counts its work and
 * pauses after enough of it (range_pause): the lock is let go or the call is
 * preempted; the ends are split anew then, since others may have changed the
 * range in between. So the time with interrupts off, and that others wait for
 * the lock, is bounded whatever the size and number of entries and records.
 *
 * What can fail is found out in passes of their own, before anything changes:
 * whether a range is free, whether records permit a protection, the tables that a
 * move needs. What other threads of the VSpace do to the range between a pass and
 * the change concerns only themselves, but tables and records stay in step.
 *
 * Order inside a span that takes Segment pages away: entries, fence, records.
 * A Segment that truncates finds the record and waits for our lock; if the
 * record went first, it would free the page under a translation still cached.
 */
#include "object/vspace_range.h"

#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"
#include "object/segment.h"

#define UPPER_CHUNK 64u         /* entries above the leaf level in one visit   */
#define FAST_PAGES  64u         /* done in one span where a leaf table stands  */
#define FEW_PAGES   16u         /* ... however many records there are          */

error_t vspace_check(struct vspace *vs, uaddr_t va, uint64_t len)
{
    if (((va | len) & (PAGE_BYTES - 1)) || !len)
        return ERR_INVALID_ARGUMENT;
    if (va >= USER_TOP || len > USER_TOP - va)
        return ERR_RANGE;
    if (vs->dying)
        return ERR_DELETED;
    return vs->root ? 0 : ERR_INVALID_CALL;
}

/* ---- the walk ---- */

/* The span at va, not beyond end. */
static __attribute__((noinline)) void span_at(struct vspace *vs, uaddr_t va, uaddr_t end, struct span *s)
{
    size_t index, room;

    s->entry = table_entry(vs, va, &s->level);
    s->va = va;
    s->step = LEVEL_BYTES(s->level);
    if (s->level == 0) {
        room = VSPACE_CHUNK - (PAGE_OF(va) & (VSPACE_CHUNK - 1));
        s->count = min((end - va) >> PAGE_BITS, room);
        return;
    }
    s->count = 1;
    index = pte_index(va, s->level);
    room = s->level == 2 ? USER_ROOT_ENTRIES : TABLE_ENTRIES;
    va = (va & ~(s->step - 1)) + s->step;
    while (index + s->count < room && va + s->step <= end &&
           s->count < UPPER_CHUNK && !pte_is_table(s->entry[s->count])) {
        s->count++;
        va += s->step;
    }
}

/* Past free entries above the leaf level, from the first one of the span. */
static uaddr_t skip_free(struct vspace *vs, const struct span *s)
{
    size_t index = pte_index(s->va, s->level);
    size_t room = s->level == 2 ? USER_ROOT_ENTRIES : TABLE_ENTRIES;
    size_t next = room;

    if (s->level == 1 && room > middle_end(vs, s->entry))
        room = middle_end(vs, s->entry);
    if (index + 1 < room) {
        size_t found = table_next_used(s->entry - index, index + 1, room);

        next = found < room ? found : next;
    }

    return (s->va & ~(s->step - 1)) + (next - index) * s->step;
}

static void visit_fill(struct range_op *op, struct span *s);
static void drop_leaf_table(struct range_op *op, struct span *s);

static inline bool goes_with_table(const struct range_op *op, const struct span *s)
{
    return s->level == 0 && op->visit == visit_fill && !op->promise &&
           !(s->va & (LEVEL_BYTES(1) - 1)) && op->end - s->va >= LEVEL_BYTES(1);
}

/* No more entries than hold as many records as may be worked on before the next
 * pause. True: the span became shorter. */
static bool limit_records(struct range_op *op, struct span *s)
{
    uint32_t page = PAGE_OF(s->va), end = PAGE_OF(span_end(s)), at = page;
    struct mapping *m;

    while ((m = mapping_from(op->vs, at)) && m->page + m->count < end && m->page < end) {
        at = m->page + m->count;
        op->work += RECORD_WORK;
        if (op->work >= RANGE_WORK) {
            s->count = (at - page + PAGE_OF(s->step) - 1) / PAGE_OF(s->step);
            return true;
        }
    }
    return false;
}

/* No more than may be done before the next pause. */
static void limit(struct range_op *op, struct span *s)
{
    size_t most = (RANGE_WORK - op->work) >> (s->level ? 2 : 0);

    if (goes_with_table(op, s))
        s->count = TABLE_ENTRIES;       /* drop_leaf_table counts for itself */
    if (op->vs->mappings && (s->count > FEW_PAGES || op->work))
        limit_records(op, s);
    if (s->count > most && s->count < TABLE_ENTRIES)
        s->count = most ? most : 1;
}

static __attribute__((noinline)) error_t prepare(struct range_op *op, uaddr_t va)
{
    if (op->no_memory)
        return 0;
    if (table_split_at(op->vs, va, op->force_ends) ||
        table_split_at(op->vs, op->end, op->force_ends) ||
        ((op->with_record || op->vs->mappings) && mapping_prepare(op->vs, 3)))
        return ERR_NO_MEMORY;
    return 0;
}

/*
 * Walk [start, end) from the cursor on. Lock held on entry and exit, but let go
 * in between when there is much to do.
 */
error_t range_run(struct range_op *op, uint64_t *cursor)
{
    struct vspace *vs = op->vs;
    uaddr_t va = range_resume(op->start, op->pass, cursor);
    struct gather gather;

    /* cppcheck-suppress autoVariables ; only what range_run calls looks at it */
    op->gather = &gather;
    gather_init(&gather, vs);
    error_t err = prepare(op, va);
    while (!err && va < op->end) {
        struct span span = { .va = va };

        span.entry = table_entry(vs, va, &span.level);
        span.step = LEVEL_BYTES(span.level);
        if (span.level && !*span.entry && !op->force_ends) {
            va = skip_free(vs, &span);
            op->work += 16;
        } else {
            span_at(vs, va, op->end, &span);
            limit(op, &span);
            if (span.count == TABLE_ENTRIES) {
                drop_leaf_table(op, &span);
            } else {
                op->visit(op, &span);
                op->work += (unsigned)(span.level ? 4 * span.count : span.count);
                err = op->err;
            }
            va = span_end(&span);
        }
        if (!err && op->work >= RANGE_WORK && (va < op->end || op->pass != PASS_CHANGE)) {
            err = range_pause(op, cursor, va < op->end ? va : op->end);
            if (!err && op->relax)
                err = prepare(op, va);
        }
    }
    gather_flush(op->gather);
    op->gather = NULL;
    return err;
}

error_t range_pause(struct range_op *op, uint64_t *cursor, uaddr_t at)
{
    struct vspace *vs = op->vs;

    if (op->work < RANGE_WORK)
        return 0;
    op->work = 0;
    if (op->gather)
        gather_flush(op->gather);
    if (cursor && (op->one_chunk || preempt_pending())) {
        *cursor = at | op->pass;
        return K_PREEMPTED;
    }
    if (!op->relax)
        return 0;
    spin_unlock(&vs->lock);
    spin_lock(&vs->lock);
    op->recheck = true;
    return vs->dying && !op->no_memory ? ERR_DELETED : 0;
}

/* ---- fill: reserve, map, unmap ---- */

static void fill_records(struct range_op *op, const struct span *s)
{
    struct vspace *vs = op->vs;
    uint32_t page = PAGE_OF(s->va);
    uint32_t count = PAGE_OF(span_end(s)) - page;

    if (vs->mappings) {
        if (op->gather->last)    /* Segment pages may be among what went */
            gather_flush(op->gather);
        mapping_remove(vs, page, count);
    }
    if (op->with_record)
        mapping_insert(vs, page, count, op->seg,
                       (uint32_t)(op->first + ((s->va - op->start) >> PAGE_BITS)),
                       op->record_flags, true);
}

__attribute__((noinline)) void range_table_empty(struct range_op *op, uaddr_t va)
{
    uaddr_t base = va & ~(LEVEL_BYTES(1) - 1);

    if (base >= op->start && base + LEVEL_BYTES(1) <= op->end)
        table_detach(op->gather, base);
    else
        table_emptied(op->gather, base);
}

/* Entries in and out of use, after a fill changed `changed` of them. */
static void fill_counts(struct range_op *op, const struct span *s, uint32_t changed)
{
    struct vspace *vs = op->vs;
    uint64_t pages = changed * (s->step >> PAGE_BITS);

    vs->mapped_pages += op->promise ? pages : -pages;
    if (s->level == 1 && op->promise) {
        middle_mark(vs, s->entry);
        middle_mark(vs, s->entry + s->count - 1);
    }
    if (s->level || !changed)
        return;
    uint32_t *used = table_used(vs, s->entry);
    *used += op->promise ? changed : -changed;
    if (*used == 0)
        range_table_empty(op, s->va);
}

/* Do eight entries name no page at all? False also for an odd mixture. */
static inline bool eight_promises(const pte_t *e)
{
    pte_t any = e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7];

    return !(any & PTE_V) && (any & PROMISE_KIND_MASK) != PROMISE_KEPT;
}

/* Eight entries, as one, of which none names a page or all name a Segment's: *shown is
 * then 8. Returns how many of them came into use or went out of it, or -1: look at each. */
static inline int fill_eight(pte_t *e, pte_t promise, unsigned *shown)
{
    pte_t any = e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7];
    int used = 8;

    *shown = 0;
    if ((any & PTE_V) || (any & PROMISE_KIND_MASK) == PROMISE_KEPT) {
        if (!(e[0] & PTE_SEGMENT) ||
            ~(e[0] & e[1] & e[2] & e[3] & e[4] & e[5] & e[6] & e[7]) & (PTE_V | PTE_SEGMENT))
            return -1;
        *shown = 8;
    } else if (any == promise && !any) {
        return 0;
    } else {
        used = !any ? 0 : !!e[0] + !!e[1] + !!e[2] + !!e[3] + !!e[4] + !!e[5] + !!e[6] + !!e[7];
    }
    e[0] = promise; e[1] = promise; e[2] = promise; e[3] = promise;
    e[4] = promise; e[5] = promise; e[6] = promise; e[7] = promise;
    return promise ? 8 - used : used;
}

/* One page of a leaf table, as most calls want. */
static __attribute__((noinline)) void fill_page(struct range_op *op, const struct span *s)
{
    struct vspace *vs = op->vs;
    pte_t promise = op->promise, old = *s->entry;

    *s->entry = promise;
    if (old & PTE_V)
        gather_fence(op->gather, s->va, PAGE_BYTES);
    if (pte_has_frame(old)) {
        vs->private_pages--;
        gather_frame(op->gather, pte_paddr(old));
    } else {
        vs->segment_pages -= old & PTE_V;
    }
    if (!old != !promise)
        fill_counts(op, s, 1);
    if (op->with_record || vs->mappings)
        fill_records(op, s);
}

static void visit_fill(struct range_op *op, struct span *s)
{
    if (s->count == 1 && !s->level) {
        fill_page(op, s);
        return;
    }

    struct vspace *vs = op->vs;
    struct gather *g = op->gather;
    pte_t promise = op->promise, *entry = s->entry, *end = entry + s->count;
    pte_t *first = NULL, *last = NULL;
    size_t changed = 0, segments = 0, left = TABLE_ENTRIES + 1;
    uint32_t base = (uint32_t)(vs->pool->base >> PAGE_BITS);

    /* The fence below must be on the list before any frame is let go. */
    if (g->nr_pages + s->count > GATHER_PAGES)
        gather_flush(g);
    unsigned taken = g->nr_pages;
    /* Unmapping ends with the last entry in use of the table. */
    if (!promise && !s->level)
        left = *table_used(vs, entry);
    while (entry < end && changed < left) {
        unsigned shown;
        int eight = end - entry >= 8 ? fill_eight(entry, promise, &shown) : -1;

        if (eight >= 0) {
            changed += (unsigned)eight;
            if (shown) {
                segments += shown;
                first = first ? first : entry;
                last = entry + 7;
            }
            entry += 8;
            continue;
        }
        pte_t *stop = end - entry >= 8 ? entry + 8 : end;
        for (; entry < stop; entry++) {
            pte_t old = *entry;

            if (old == promise)
                continue;
            changed += !promise || !old;
            *entry = promise;
            if (old & PTE_V) {
                first = first ? first : entry;
                last = entry;
                if (old & PTE_SEGMENT) {
                    segments++;
                    continue;
                }
            } else if ((old & PROMISE_KIND_MASK) != PROMISE_KEPT) {
                continue;
            }
            g->page[taken++] = (uint32_t)((old & PTE_PPN_MASK) >> PTE_PPN_SHIFT) - base;
        }
    }
    vs->private_pages -= taken - g->nr_pages;
    g->nr_pages = taken;
    if (first) {
        vs->segment_pages -= segments * (s->step >> PAGE_BITS);
        gather_fence(g, s->va + (uint64_t)(first - s->entry) * s->step,
                     (uint64_t)(last + 1 - first) * s->step);
    }
    if (changed)
        fill_counts(op, s, (uint32_t)changed);
    if (op->with_record || vs->mappings)
        fill_records(op, s);
}

/*
 * A leaf table all of which is unmapped, for range_run: the table goes too, so
 * only entries that name a page are touched, and none is counted. With too many
 * pages it is left after the first ones, as a span.
 */
static void drop_leaf_table(struct range_op *op, struct span *s)
{
    struct vspace *vs = op->vs;
    struct gather *g = op->gather;
    uint32_t segments = 0, frames = 0, *used = table_used(vs, s->entry), rest = 0;
    pte_t *e = s->entry, *end = e + TABLE_ENTRIES;

    for (; e < end; e += 8) {
        if (eight_promises(e))
            continue;
        if (op->work + frames + segments >= RANGE_WORK)
            break;
        if (g->nr_pages + 8 > GATHER_PAGES)
            gather_flush(g);
        for (unsigned i = 0; i < 8; i++) {
            pte_t old = e[i];

            e[i] = 0;
            if (pte_has_frame(old)) {
                gather_frame(g, pte_paddr(old));
                frames++;
            } else {
                segments += old & PTE_V;
            }
        }
        gather_fence(g, s->va + (uint64_t)(e - s->entry) * PAGE_BYTES, 8 * PAGE_BYTES);
    }
    vs->private_pages -= frames;
    vs->segment_pages -= segments;
    s->count = (size_t)(e - s->entry);
    op->work += 48 + frames + segments;
    for (; e < end; e++)
        rest += *e != 0;
    vs->mapped_pages -= *used - rest;
    *used = rest;
    if (rest)
        bytes_clear(s->entry, s->count * sizeof(pte_t));
    else
        table_detach(g, s->va); /* also one that was empty already */
    if (vs->mappings)
        fill_records(op, s);
}

error_t range_check_free(struct range_op *op, uaddr_t start, uaddr_t end, uint64_t *cursor)
{
    uaddr_t va = range_resume(start, PASS_CHECK, cursor);
    error_t err = 0;

    op->pass = PASS_CHECK;
    while (!err && va < end) {
        struct span span;

        span_at(op->vs, va, end, &span);
        if (table_next_used(span.entry, 0, span.count) < span.count)
            err = ERR_BUSY;
        va = span_end(&span);
        op->work += 16;
        if (!err)
            err = range_pause(op, cursor, va < end ? va : end);
    }
    op->pass = PASS_CHANGE;
    return err;
}

/* A few pages of one leaf table that is there: one span, nothing to split. */
static error_t fill_span(struct range_op *op, struct span *span, bool replace)
{
    struct vspace *vs = op->vs;
    struct gather gather;

    if (op->promise && !replace &&
        table_next_used(span->entry, 0, span->count) < span->count)
        return ERR_BUSY;
    if ((op->with_record || vs->mappings) && mapping_prepare(vs, 3))
        return ERR_NO_MEMORY;
    /* cppcheck-suppress autoVariables ; only visit_fill looks at it */
    op->gather = &gather;
    gather_init(&gather, vs);
    visit_fill(op, span);
    gather_flush(&gather);
    return 0;       /* NOLINT(clang-analyzer-core.StackAddressEscape): op->gather is not looked at again */
}

static error_t fill_range(struct range_op *op, bool replace, uint64_t *cursor)
{
    op->visit = visit_fill;
    op->relax = true;
    op->force_ends = op->promise != 0;
    if (op->promise && !replace && range_due(cursor, PASS_CHECK)) {
        error_t err = range_check_free(op, op->start, op->end, cursor);

        if (err)
            return err;
    }
    return range_run(op, cursor);
}

static error_t fill(struct range_op *op, unsigned flags, uint64_t *cursor)
{
    struct vspace *vs = op->vs;
    uint64_t len = op->end - op->start;

    spin_lock(&vs->lock);
    error_t err = vspace_check(vs, op->start, len);
    if (!err) {
        struct span span = { .va = op->start, .step = PAGE_BYTES,
                             .count = len >> PAGE_BITS };

        if (span.count <= FAST_PAGES &&
            !((op->start ^ (op->end - 1)) >> LEVEL_SHIFT(1)) &&
            (span.entry = table_entry(vs, op->start, &span.level), !span.level) &&
            (span.count <= FEW_PAGES || !vs->mappings || !limit_records(op, &span)))
            err = fill_span(op, &span, flags & VM_REPLACE);
        else
            err = fill_range(op, flags & VM_REPLACE, cursor);
    }
    spin_unlock(&vs->lock);
    return err;
}

error_t vspace_reserve(struct vspace *vs, uaddr_t va, uint64_t len,
                       unsigned flags, uint64_t *cursor)
{
    struct range_op op = {
        .vs = vs, .start = va, .end = va + len, .prot = normal_prot(flags),
        .promise = pte_promise(PROMISE_ZERO, normal_prot(flags)),
        .with_record = flags & VM_NO_CLONE,
        .record_flags = VM_PROT_MASK | MAPPING_NO_CLONE,
    };

    if (flags & ~(VM_PROT_MASK | VM_REPLACE | VM_NO_CLONE))
        return ERR_INVALID_ARGUMENT;
    return fill(&op, flags, cursor);
}

error_t vspace_map(struct vspace *vs, uaddr_t va, uint64_t len, unsigned flags,
                   struct segment *seg, uint64_t first, unsigned max_prot,
                   uint64_t *cursor)
{
    struct range_op op = {
        .vs = vs, .start = va, .end = va + len, .prot = normal_prot(flags),
        .promise = pte_promise(PROMISE_RECORD, normal_prot(flags)),
        .with_record = true, .seg = seg, .first = first,
        .record_flags = max_prot | (flags & (VM_SHARED | VM_NO_CLONE)),
    };

    if (flags & ~(VM_PROT_MASK | VM_SHARED | VM_REPLACE | VM_NO_CLONE))
        return ERR_INVALID_ARGUMENT;
    if (op.prot & ~max_prot)
        return ERR_RIGHTS;
    if (seg->device && !(flags & VM_SHARED))
        return ERR_INVALID_ARGUMENT;
    if (first > UINT32_MAX || first + (len >> PAGE_BITS) > UINT32_MAX)
        return ERR_RANGE;
    return fill(&op, flags, cursor);
}

error_t vspace_unmap(struct vspace *vs, uaddr_t va, uint64_t len, uint64_t *cursor)
{
    struct range_op op = { .vs = vs, .start = va, .end = va + len };

    if (va == 0 && len == USER_TOP)
        vspace_clone_forget(vs);
    return fill(&op, 0, cursor);
}

__attribute__((cold)) error_t vspace_clear(struct vspace *vs)
{
    struct range_op op = {
        .vs = vs, .end = USER_TOP, .visit = visit_fill, .no_memory = true, .relax = vs->dying,
    };
    error_t err = range_run(&op, &vs->clear_next);

    if (!err)
        vs->clear_next = 0;
    return err;
}

/* ---- protect ---- */

/* A frame, present or under PROT_NONE, or a present page of a Segment. */
static pte_t protect_page(struct vspace *vs, pte_t pte, unsigned prot, uint64_t step)
{
    bool segment = pte & PTE_SEGMENT;
    pte_t out = (pte & (PTE_PPN_MASK | PTE_SEGMENT)) | PTE_LEAF | (pte_t)prot << 1;

    if (!prot && segment) {
        vs->segment_pages -= step >> PAGE_BITS;
        return pte_promise(PROMISE_RECORD, 0);
    }
    if (!prot)
        return (pte & PTE_PPN_MASK) | PROMISE_KEPT;
    if ((prot & VM_WRITE) && !(pte & PTE_W) &&
        (segment || pool_ref_read(vs->pool, pte_paddr(pte)) != 1))
        out = (out & ~PTE_W) | PTE_LOGICAL_W;
    return out;
}

/* PASS_CHECK: every record in [start, end) must permit op->prot. */
static error_t check_rights(struct range_op *op, uaddr_t start, uaddr_t end, uint64_t *cursor)
{
    uaddr_t va = range_resume(start, PASS_CHECK, cursor);
    struct mapping *m;
    error_t err = 0;

    op->pass = PASS_CHECK;
    while (!err && (m = mapping_from(op->vs, PAGE_OF(va))) && m->page < PAGE_OF(end)) {
        if (op->prot & ~m->flags & MAPPING_PROT_MASK)
            err = ERR_RIGHTS;
        va = ((uaddr_t)m->page + m->count) << PAGE_BITS;
        op->work += RECORD_WORK / 2;
        if (!err)
            err = range_pause(op, cursor, va < end ? va : end);
    }
    op->pass = PASS_CHANGE;
    return err;
}

static void visit_protect(struct range_op *op, struct span *s)
{
    /* Mapped by somebody else since the whole range was looked at: as if that had
     * come after us. */
    if (op->recheck && op->vs->mappings) {
        struct range_op look = { .vs = op->vs, .prot = op->prot };

        if (check_rights(&look, s->va, span_end(s), NULL) != 0)
            return;
    }
    for (size_t i = 0; i < s->count; i++) {
        pte_t old = s->entry[i], new;

        if (!old)
            continue;
        if (old & PTE_V || pte_has_frame(old))
            new = protect_page(op->vs, old, op->prot, s->step);
        else
            new = pte_promise(old & PROMISE_KIND_MASK, op->prot);
        if (new == old)
            continue;
        pte_store(&s->entry[i], new);
        if ((old & PTE_V) && (!(new & PTE_V) || (old & ~new & PTE_RWX)))
            gather_fence(op->gather, s->va + i * s->step, s->step);
    }
}

error_t vspace_protect(struct vspace *vs, uaddr_t va, uint64_t len,
                       unsigned prot, uint64_t *cursor)
{
    struct range_op op = {
        .vs = vs, .start = va, .end = va + len, .visit = visit_protect,
        .relax = true, .prot = normal_prot(prot), .recheck = cursor && *cursor,
    };

    if (prot & ~VM_PROT_MASK)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&vs->lock);
    error_t err = vspace_check(vs, va, len);
    if (!err && vs->mappings && range_due(cursor, PASS_CHECK))
        err = check_rights(&op, va, op.end, cursor);
    if (!err)
        err = range_run(&op, cursor);
    /* Also the way to ask for coherence after writing code: protect to the
     * same permissions with VM_EXEC. */
    if (prot & VM_EXEC)
        vspace_fence_exec(vs);
    spin_unlock(&vs->lock);
    return err;
}

/* ---- discard ---- */

/* What was touched is a promise again. For a Segment, whose pages go away: private
 * copies outlive their originals unless it is truncated. */
static __attribute__((cold)) void visit_discard(struct range_op *op, struct span *s)
{
    struct mapping *m = NULL;
    uint32_t looked = 0;        /* m is right for pages before this            */

    s->count = (s->count + 1) / 2;      /* an entry costs twice as much as others' */
    op->work += (unsigned)s->count;
    for (size_t i = 0; i < s->count; i++) {
        while (!(i & 7) && i + 8 <= s->count && eight_promises(s->entry + i))
            i += 8;
        if (i == s->count)
            break;
        pte_t old = s->entry[i];
        uaddr_t va = s->va + i * s->step;
        pte_t kind = PROMISE_RECORD;

        if (!(old & PTE_V) && (old & PROMISE_KIND_MASK) != PROMISE_KEPT)
            continue;
        if (pte_has_frame(old)) {
            if (op->seg && !op->seg->truncating)
                continue;
            if (op->vs->mappings && PAGE_OF(va) >= looked) {
                m = mapping_from(op->vs, PAGE_OF(va));
                looked = m ? m->page + m->count : UINT32_MAX;
            }
            if (!m || !m->segment || PAGE_OF(va) < m->page)
                kind = PROMISE_ZERO;
        }
        s->entry[i] = pte_promise(kind, old & PTE_V ? pte_prot(old) : 0);
        if (old & PTE_V)
            gather_fence(op->gather, va, s->step);
        if (!pte_has_frame(old)) {
            op->vs->segment_pages -= s->step >> PAGE_BITS;
            continue;
        }
        op->vs->private_pages--;
        gather_frame(op->gather, pte_paddr(old));
    }
}

__attribute__((cold)) error_t vspace_discard(struct vspace *vs, uaddr_t va, uint64_t len, uint64_t *cursor)
{
    struct range_op op = {
        .vs = vs, .start = va, .end = va + len, .visit = visit_discard,
        .relax = true,
    };

    spin_lock(&vs->lock);
    error_t err = vspace_check(vs, va, len);
    if (!err)
        err = range_run(&op, cursor);
    spin_unlock(&vs->lock);
    return err;
}

/* ---- what a Segment does to its mappings ---- */

/* The part of a record that shows Segment pages [from, to); false: none. */
static __attribute__((cold)) bool clip(const struct mapping *m, uint64_t from, uint64_t to,
                 uaddr_t *start, uaddr_t *end)
{
    uint64_t low = max(m->first, from), high = min((uint64_t)m->first + m->count, to);

    if (low >= high)
        return false;
    *start = ((uaddr_t)m->page + (low - m->first)) << PAGE_BITS;
    *end = ((uaddr_t)m->page + (high - m->first)) << PAGE_BITS;
    return true;
}

static __attribute__((cold)) void visit_clean(struct range_op *op, struct span *s)
{
    for (size_t i = 0; i < s->count; i++) {
        pte_t old = s->entry[i];

        if ((old & (PTE_V | PTE_W | PTE_SEGMENT)) != (PTE_V | PTE_W | PTE_SEGMENT))
            continue;
        pte_store(&s->entry[i], (old & ~PTE_W) | PTE_LOGICAL_W);
        gather_fence(op->gather, s->va + i * s->step, s->step);
    }
}

__attribute__((cold)) bool vspace_visit_mapping(struct vspace *vs, struct mapping *m,
                                                struct segment *seg)
{
    struct range_op op = { .vs = vs, .seg = seg, .no_memory = true };
    uint64_t cursor;

    if (seg->pending == PENDING_CLEAN) {        /* W to PTE_LOGICAL_W */
        op.visit = visit_clean;
        if ((m->flags & MAPPING_SHARED) &&
            clip(m, seg->clean_first, seg->clean_first + seg->clean_count, &op.start, &op.end))
            range_run(&op, NULL);
        return true;
    }
    if (seg->dead) {
        /* The record shrinks from its start as its entries go. */
        op.visit = visit_fill;
        op.start = (uaddr_t)m->page << PAGE_BITS;
        op.end = op.start + ((uaddr_t)m->count << PAGE_BITS);
        op.seg = NULL;
        cursor = 0;
        op.one_chunk = true;
        range_run(&op, &cursor);
        return false;           /* nothing left to mark */
    }
    op.visit = visit_discard;
    op.one_chunk = true;
    if (!clip(m, seg->pending_from, seg->pending_to, &op.start, &op.end))
        return true;
    cursor = ((uaddr_t)m->page + m->visited) << PAGE_BITS;
    if (range_run(&op, &cursor) == K_PREEMPTED) {
        m->visited = PAGE_OF(cursor) - m->page;
        return false;
    }
    return true;
}
