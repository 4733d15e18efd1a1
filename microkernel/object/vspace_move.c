/* SPDX-License-Identifier: MIT */
/*
 * VSPACE_MOVE: entries and records of a range to another place (mremap).
 *
 * First everything that needs memory: tables at the destination and records.
 * Then, span by span, records at the destination, entries, fence, records of
 * the source; so a Segment finds its pages at every moment. An untouched
 * promise above the leaf level moves as one entry where both places are aligned
 * alike, else it is laid out at the destination in the largest pieces that fit.
 */
#include "object/vspace_range.h"

#include "kernel/assert.h"
#include "object/mapping.h"

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

static error_t prepare_span(struct vspace *vs, const struct span *s, uaddr_t dst)
{
    error_t err = 0;

    if (s->level == 0) {
        err = ensure_level(vs, dst, 0);
        return err ? err : ensure_level(vs, dst + s->count * PAGE_BYTES - 1, 0);
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

static error_t prepare(struct vspace *vs, uaddr_t from, uaddr_t end, uaddr_t to)
{
    struct mapping *m;
    unsigned records = 3;

    if (table_split_at(vs, from, false) || table_split_at(vs, end, false))
        return ERR_NO_MEMORY;
    for (m = mapping_from(vs, PAGE_OF(from));
         m && m->page < PAGE_OF(end) && records < VSPACE_CHUNK + 3;
         m = mapping_from(vs, m->page + m->count))
        records++;
    while (vs->nr_free_mappings < records) {
        if (mapping_prepare(vs, vs->nr_free_mappings + 1))
            return ERR_NO_MEMORY;
    }
    for (uaddr_t va = from; va < end; ) {
        struct span span;

        span_at(vs, va, end, &span);
        if (prepare_span(vs, &span, to + (va - from)))
            return ERR_NO_MEMORY;
        va = span_end(&span);
    }
    return 0;
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

/* One entry of the source to [dst, dst + step). */
static void place_entry(struct vspace *vs, pte_t pte, unsigned from_level, uaddr_t dst)
{
    uaddr_t end = dst + LEVEL_BYTES(from_level);

    while (dst < end) {
        unsigned level;
        pte_t *entry = table_entry(vs, dst, &level);

        kassert(level <= from_level && *entry == 0);
        if (level != from_level && (pte & PTE_V)) {
            vs->segment_pages -= LEVEL_BYTES(from_level) >> PAGE_BITS;
            pte = pte_promise(PROMISE_RECORD, pte_prot(pte));
        }
        pte_store(entry, pte);
        if (level == 0)
            ++*table_used(vs, entry);
        else if (level == 1)
            middle_mark(vs, entry);
        dst += LEVEL_BYTES(level);
    }
}

static void visit_move(struct range_op *op, const struct span *s)
{
    struct vspace *vs = op->vs;
    uaddr_t dst = op->target + (s->va - op->start);
    uint32_t moved = 0;

    if (vs->mappings)
        move_records(vs, s->va, span_end(s), dst);
    for (size_t i = 0; i < s->count; i++, dst += s->step) {
        pte_t pte = s->entry[i];

        if (!pte)
            continue;
        pte_store(&s->entry[i], 0);
        if (pte & PTE_V)
            gather_fence(op->gather, s->va + i * s->step, s->step);
        place_entry(vs, pte, s->level, dst);
        moved++;
    }
    if (s->level == 0 && moved) {
        uint32_t *used = table_used(vs, s->entry);

        *used -= moved;
        if (*used == 0)
            range_table_empty(op, s->va);
    }
    if (vs->mappings) {
        gather_flush(op->gather);
        mapping_remove(vs, PAGE_OF(s->va), PAGE_OF(span_end(s)) - PAGE_OF(s->va));
    }
}

error_t vspace_move(struct vspace *vs, uaddr_t from, uint64_t len, uaddr_t to,
                    uint64_t *cursor)
{
    struct range_op op = {
        .vs = vs, .start = from, .end = from + len, .visit = visit_move,
        .no_memory = true, .target = to,
    };
    uaddr_t at;
    error_t err;

    spin_lock(&vs->lock);
    err = vspace_check(vs, from, len);
    if (!err)
        err = vspace_check(vs, to, len);
    if (!err && from < to + len && to < from + len)
        err = ERR_INVALID_ARGUMENT;
    at = range_resume(from, op.end, cursor);
    if (!err)
        err = range_check_free(vs, to + (at - from), to + len);
    if (!err)
        err = prepare(vs, at, op.end, to + (at - from));
    if (!err)
        err = range_run(&op, cursor);
    spin_unlock(&vs->lock);
    return err;
}
