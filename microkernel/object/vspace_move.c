/* SPDX-License-Identifier: MIT */
/*
 * VSPACE_MOVE: entries and records of a range to another place (mremap).
 *
 * Three passes (vspace_range.h): is the destination free; what needs memory there,
 * tables and records; then, span by span, records at the destination, entries,
 * fence, records of the source; so a Segment finds its pages at every moment. An untouched
 * promise above the leaf level moves as one entry where both places are aligned
 * alike, else it is laid out at the destination in the largest pieces that fit.
 */
#include "object/vspace_range.h"

#include "kernel/assert.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"

#define MOVE_RECORDS 24u        /* more than a span has                        */

/* Have the entry at va stand at `level` or lower. */
static error_t ensure_level(struct vspace *vs, uaddr_t va, unsigned wanted)
{
    unsigned level;
    pte_t *entry;

    while (entry = table_entry(vs, va, &level), level > wanted) {
        if (table_split(vs, entry, level))
            return ERR_NO_MEMORY;
    }
    return 0;
}

/* What [dst, ...) needs for the entries of s: free places, tables, records. */
static error_t prepare_span(struct vspace *vs, const struct span *s, uaddr_t dst)
{
    uaddr_t end = dst + s->count * s->step;
    error_t err = 0;

    if (vs->mappings && mapping_prepare(vs, MOVE_RECORDS))
        return ERR_NO_MEMORY;
    if (s->level == 0) {
        err = ensure_level(vs, dst, 0);
        return err ? err : ensure_level(vs, end - 1, 0);
    }
    for (unsigned i = 0; !err && i < s->count; i++, dst += s->step) {
        if (!s->entry[i])
            continue;
        if (!(dst & (s->step - 1))) {
            err = ensure_level(vs, dst, s->level);
        } else {
            err = table_split_at(vs, dst, true);
            if (!err)
                err = table_split_at(vs, dst + s->step, true);
        }
    }
    return err;
}

/* An entry above the leaf level for a place that is not aligned alike costs much:
 * one at a time. False: not before a pause. */
static bool fits(struct range_op *op, struct span *s, uaddr_t dst)
{
    unsigned cost = s->level == 1 ? RANGE_WORK / 2 : RANGE_WORK - 1;

    if (s->level == 0 || !(dst & (s->step - 1)))
        return true;
    s->count = 1;
    if (op->work + cost > RANGE_WORK) {
        s->count = 0;
        cost = RANGE_WORK;
    }
    op->work += cost;
    return s->count != 0;
}

static void visit_prepare(struct range_op *op, struct span *s)
{
    uaddr_t dst = op->target + (s->va - op->start);

    if (fits(op, s, dst))
        op->err = prepare_span(op->vs, s, dst);
    op->work += 32;             /* a table or two */
}

/* The records of [va, end), also at the destination. */
static void move_records(struct vspace *vs, uaddr_t va, uaddr_t end, uaddr_t dst)
{
    uint32_t page = PAGE_OF(va), stop = PAGE_OF(end);
    struct mapping *m;

    while (page < stop && (m = mapping_from(vs, page)) && m->page < stop) {
        uint32_t low = m->page > page ? m->page : page;
        uint32_t high = m->page + m->count < stop ? m->page + m->count : stop;

        mapping_insert(vs, PAGE_OF(dst) + (low - PAGE_OF(va)), high - low,
                       m->segment, m->first + (low - m->page), m->flags, false);
        page = high;
    }
}

/* One entry from above the leaf level to [dst, dst + its size), table by table. */
static void place_entry(struct vspace *vs, pte_t pte, unsigned from_level, uaddr_t dst)
{
    uaddr_t end = dst + LEVEL_BYTES(from_level);

    while (dst < end) {
        unsigned level;
        pte_t *entry = table_entry(vs, dst, &level);
        size_t room = min(TABLE_ENTRIES - pte_index(dst, level), (end - dst) >> LEVEL_SHIFT(level));

        kassert(level <= from_level && *entry == 0);
        if (level != from_level && (pte & PTE_V)) {
            vs->segment_pages -= LEVEL_BYTES(from_level) >> PAGE_BITS;
            pte = pte_promise(PROMISE_RECORD, pte_prot(pte));
        }
        size_t n = table_next_used(entry, 0, room);    /* those that are no tables */
        pte_store(entry, pte);
        for (size_t i = 1; i < n; i++)
            entry[i] = pte;
        dst += n << LEVEL_SHIFT(level);
        if (level == 0) {
            *table_used(vs, entry) += (uint32_t)n;
        } else if (level == 1) {
            middle_mark(vs, entry);
            middle_mark(vs, entry + n - 1);
        }
    }
}

/* The entries of a leaf span, table by table of the destination. */
static void move_leaves(struct range_op *op, const struct span *s, uaddr_t dst)
{
    struct vspace *vs = op->vs;
    uint32_t moved = 0, *used = table_used(vs, s->entry);

    for (size_t i = 0; i < s->count; *used -= moved, moved = 0) {
        size_t stop = i + TABLE_ENTRIES - pte_index(dst, 0);
        unsigned level;
        pte_t *to = table_entry(vs, dst, &level), *first = to;

        kassert(level == 0);
        stop = min(stop, s->count);
        dst += (stop - i) * PAGE_BYTES;
        for (; i < stop; i++, to++) {
            pte_t pte = s->entry[i];

            if (!pte)
                continue;
            pte_store(&s->entry[i], 0);
            pte_store(to, pte);
            moved++;
            if (pte & PTE_V)
                gather_fence(op->gather, s->va + i * PAGE_BYTES, PAGE_BYTES);
        }
        *table_used(vs, first) += moved;
    }
    if (*used == 0)
        range_table_empty(op, s->va);
}

static void visit_move(struct range_op *op, struct span *s)
{
    struct vspace *vs = op->vs;
    uaddr_t dst = op->target + (s->va - op->start), end;

    if (!fits(op, s, dst))
        return;
    end = span_end(s);
    if (op->recheck) {          /* the destination may not be as it was prepared */
        struct range_op look = { .vs = vs };

        op->err = range_check_free(&look, dst, dst + (end - s->va), NULL);
    }
    if (!op->err)
        op->err = prepare_span(vs, s, dst);
    if (op->err)
        return;
    if (vs->mappings)
        move_records(vs, s->va, end, dst);
    if (s->level == 0) {
        move_leaves(op, s, dst);
    } else {
        for (size_t i = 0; i < s->count; i++, dst += s->step) {
            pte_t pte = s->entry[i];

            if (!pte)
                continue;
            pte_store(&s->entry[i], 0);
            if (pte & PTE_V)
                gather_fence(op->gather, s->va + i * s->step, s->step);
            place_entry(vs, pte, s->level, dst);
        }
    }
    if (vs->mappings) {
        gather_flush(op->gather);
        mapping_remove(vs, PAGE_OF(s->va), PAGE_OF(end) - PAGE_OF(s->va));
    }
}

error_t vspace_move(struct vspace *vs, uaddr_t from, uint64_t len, uaddr_t to,
                    uint64_t *cursor)
{
    struct range_op op = {
        .vs = vs, .start = from, .end = from + len, .target = to, .relax = true,
        .recheck = cursor && *cursor,
    };

    spin_lock(&vs->lock);
    error_t err = vspace_check(vs, from, len);
    if (!err)
        err = vspace_check(vs, to, len);
    if (!err && from < to + len && to < from + len)
        err = ERR_INVALID_ARGUMENT;
    if (!err && range_due(cursor, PASS_CHECK))
        err = range_check_free(&op, to, to + len, cursor);
    if (!err && range_due(cursor, PASS_PREPARE)) {
        op.pass = PASS_PREPARE;
        op.visit = visit_prepare;
        err = range_run(&op, cursor);
    }
    op.pass = PASS_CHANGE;
    op.visit = visit_move;
    if (!err)
        err = range_run(&op, cursor);
    spin_unlock(&vs->lock);
    return err;
}
