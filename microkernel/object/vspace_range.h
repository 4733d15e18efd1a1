/* SPDX-License-Identifier: MIT */
/*
 * Inside the VSpace: the common shape of range operations (vspace_range.c has
 * the explanation).
 */
#ifndef ATOLL_OBJECT_VSPACE_RANGE_H
#define ATOLL_OBJECT_VSPACE_RANGE_H

#include "object/vspace_table.h"

/* Neighbouring entries of one table that one visit changes; above the leaf
 * level none of them is a table. */
struct span {
    pte_t *entry;
    uaddr_t va;
    uint64_t step;              /* bytes each entry stands for                 */
    size_t count;
    unsigned level;
};

/* Passes over a range, in this order. The low bits of a cursor tell which one is
 * under way (bit 0 is taken, vspace.c); a cursor of 0: none was begun. */
enum range_pass { PASS_CHANGE = 0, PASS_CHECK = 2, PASS_PREPARE = 4, PASS_MASK = 6 };

struct range_op {
    struct vspace *vs;
    uaddr_t start, end;
    /* May do less than it is given, even nothing: then it has shortened the span,
     * and in the end made op->work large enough for a pause. */
    void (*visit)(struct range_op *op, struct span *span);
    bool force_ends;            /* the visit stores into free places           */
    bool no_memory;             /* ends are split, records need no splitting   */
    bool relax;                 /* may let the lock go in between              */
    bool recheck;               /* it was let go since the range was checked   */
    bool one_chunk;             /* return K_PREEMPTED at the first pause       */
    uint8_t pass;               /* enum range_pass                             */
    uint8_t prot;               /* protect, fill                               */
    unsigned work;              /* since the last pause, about 50 instructions each */
    error_t err;                /* of a visit: the walk ends                   */
    /* fill: */
    bool with_record;
    uint32_t record_flags;
    pte_t promise;
    struct segment *seg;
    uint64_t first;             /* Segment page at `start`                     */
    uaddr_t target;             /* move: where `start` goes                    */
    struct gather *gather;      /* range_run's                                 */
};

/* Where the next span starts. A free upper entry may begin before s->va and
 * end beyond the range. */
static inline uaddr_t span_end(const struct span *s)
{
    return (s->va & ~(s->step - 1)) + s->count * s->step;
}

/*
 * Walk [start, end) from the cursor on. Lock held on entry and exit, but with
 * `relax` let go in between when there is much to do.
 */
error_t range_run(struct range_op *op, uint64_t *cursor);

#define RANGE_WORK  256u        /* between pauses                              */
#define RECORD_WORK 28u         /* to look up, split or remove a record        */

/*
 * Where the work done since the last pause may be enough: then returns
 * K_PREEMPTED with the progress in the cursor if something waits, or lets the
 * lock go for a moment. ERR_DELETED: the VSpace died meanwhile. 0: go on at `at`.
 */
error_t range_pause(struct range_op *op, uint64_t *cursor, uaddr_t at);

/* Is this pass not over yet? */
static inline bool range_due(const uint64_t *cursor, enum range_pass pass)
{
    return !cursor || !*cursor || ((*cursor & PASS_MASK) && (*cursor & PASS_MASK) <= pass);
}

static inline uaddr_t range_resume(uaddr_t start, enum range_pass pass, const uint64_t *cursor)
{
    return cursor && (*cursor & PASS_MASK) == pass && *cursor > start
               ? *cursor & ~(uint64_t)PASS_MASK : start;
}

/* PASS_CHECK: ERR_BUSY unless every entry of [start, end) is free. */
error_t range_check_free(struct range_op *op, uaddr_t start, uaddr_t end, uint64_t *cursor);

/* The leaf table of va has no entry in use any more. */
void range_table_empty(struct range_op *op, uaddr_t va);

#endif
