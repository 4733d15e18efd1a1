/* SPDX-License-Identifier: MIT */
/*
 * Mapping records: which Segment pages stand where in a VSpace.
 *
 * Every address whose content comes from a Segment, touched or not, is covered
 * by exactly one record of its VSpace, and a record covers nothing else but
 * entries of its range; page-table operations keep that in step, chunk by
 * chunk, so a preempted operation never leaves a Segment page mapped without a
 * record. Records are split and trimmed as ranges are, and a new one that
 * continues its left neighbour becomes part of it.
 *
 * They form a treap over page numbers (random priorities with the clock mixed in:
 * depth is about 2 log2 n whatever addresses the owner picks) and stand in their Segment's
 * list. Memory comes from pages of the Pool, charged to the VSpace's account;
 * a page starts with a header that names the VSpace.
 *
 * Guarded by the VSpace's lock; `visit`, `visited` and the list links also by
 * the Segment's, which the functions here take.
 */
#ifndef ATOLL_OBJECT_MAPPING_H
#define ATOLL_OBJECT_MAPPING_H

#include <atoll/errors.h>
#include <atoll/types.h>

struct segment;
struct vspace;

#define MAPPING_PROT_MASK 0x07u     /* most that PROTECT may give, VM_*        */
#define MAPPING_SHARED    0x10u     /* = VM_SHARED                             */
#define MAPPING_NO_CLONE  0x40u     /* = VM_NO_CLONE                           */

struct mapping {
    struct mapping *left, *right;   /* treap; free list by left                */
    uint32_t priority;
    uint32_t flags;
    uint32_t page, count;           /* va range in pages                       */
    uint32_t first;                 /* page in the Segment                     */
    uint32_t visit;                 /* generation of Segment's visit, done     */
    uint32_t visited;               /* pages from the start, this visit        */
    uint32_t pad;
    struct segment *segment;        /* NULL: private memory with VM_NO_CLONE, or
                                     * the Segment died: touches fail          */
    struct mapping *next, *prev;    /* in the Segment's list                   */
};

/* One Pool page of records. */
struct mapping_page {
    struct vspace *vspace;
    struct mapping_page *next;
    struct mapping record[];
};

static inline struct vspace *mapping_vspace(const struct mapping *m)
{
    return ((struct mapping_page *)((uintptr_t)m & ~(PAGE_BYTES - 1)))->vspace;
}

/* The record that covers a page, or NULL. */
struct mapping *mapping_find(struct vspace *vs, uint32_t page);
/* The first record that ends beyond a page, or NULL. */
struct mapping *mapping_from(struct vspace *vs, uint32_t page);

/* Have n free records, so that the next calls cannot fail. ERR_NO_MEMORY. */
error_t mapping_prepare(struct vspace *vs, unsigned n);

/* Needs one prepared record. The range must be free of records. fresh: its
 * entries are promises; otherwise they may hold Segment pages already, which a
 * visit of the Segment that is under way has to look at. */
void mapping_insert(struct vspace *vs, uint32_t page, uint32_t count,
                    struct segment *seg, uint32_t first, uint32_t flags,
                    bool fresh);
/* Needs one prepared record (it may split one). */
void mapping_remove(struct vspace *vs, uint32_t page, uint32_t count);

/* The Segment's visit that is under way is done with the record. */
void mapping_visited(struct mapping *m);

/* Give all record pages back; no record is in use. 0, K_PREEMPTED. */
error_t mapping_release_pages(struct vspace *vs);

#endif
