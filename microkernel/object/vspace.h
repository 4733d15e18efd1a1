/* SPDX-License-Identifier: MIT */
/*
 * VSpace: a user address space, bound to a Pool and an account.
 *
 * Life cycle: retyped (unbound: no tables, nothing can be mapped), bound once,
 * used, destroyed. Destruction needs that no hart has the VSpace switched in;
 * from its first step on nothing can be mapped or resolved any more.
 *
 * What is where: arch/riscv/pagetable.h gives the entries and their promises,
 * object/mapping.h the records of what comes from Segments. vspace.c decodes
 * invocations; vspace_table.c walks, splits and fences; vspace_range.c changes
 * ranges; vspace_fault.c resolves touches; vspace_clone.c copies.
 *
 * Locking. One spinlock guards the tables and records. Lock order:
 * VSpace (two of them: lower address first) -> Segment -> Pool. Range
 * operations hold it for at most VSPACE_CHUNK entries, then let others in; a
 * fault is one short hold. There is no writer state that survives a preemption:
 * each chunk leaves tables and records consistent, the progress of the caller
 * is kept in its TCB (restart_cursor), and whatever other threads of the same
 * VSpace do in between concerns only themselves.
 *
 * Fences. An entry that becomes valid, or gains permissions on the same frame,
 * is not fenced: a hart that still holds the old translation faults once more
 * and fences itself then (the specification permits it to cache the old one).
 * An entry that loses anything is fenced, here and on each hart of `harts`,
 * before the lock is let go, before its frame is dropped, and before a mapping
 * record that a Segment needs to find it disappears. A hart that switches in
 * sets its bit before it fences, and a changer stores the entry, fences, and
 * then reads the bits: one of the two sees the other.
 *
 * Instruction fetch. Before a page becomes executable the local hart does
 * fence.i, other harts that run the VSpace get one through the firmware, and
 * all others do it when they next switch the VSpace in (icache_stale).
 */
#ifndef ATOLL_OBJECT_VSPACE_H
#define ATOLL_OBJECT_VSPACE_H

#include <atoll/errors.h>
#include <atoll/objects.h>

#include "arch/riscv/layout.h"
#include "arch/riscv/pagetable.h"
#include "kernel/lock.h"

struct invoke;
struct mapping;
struct mapping_page;
struct pool;
struct segment;

#define VSPACE_CHUNK 256u   /* entries changed between preemption points       */

struct vspace {
    /* atomic: */
    uint64_t harts;             /* who has it in satp; first, fastpath/ipc.c   */
    uint64_t satp;              /* of root; the kernel's if unbound or dying   */
    uint64_t icache_stale;      /* who must fence.i before running it          */

    /* immutable once bound: */
    uint64_t id;
    struct pool *pool;          /* NULL: unbound                               */
    uint32_t account;

    /* atomic: */
    bool     dying;
    pte_t   *root;              /* NULL: unbound                               */

    /* guarded by lock: */
    struct spinlock lock;
    uint32_t random;            /* for treap priorities                        */
    struct mapping *mappings;   /* treap root                                  */
    struct mapping *last_mapping;
    struct mapping *free_mappings;
    struct mapping_page *mapping_pages;
    uint32_t nr_free_mappings;
    uint32_t clone_state;       /* enum clone_state, of a clone's target       */
    uint64_t clone_source;      /* id                                          */
    uaddr_t  clone_next;
    uaddr_t  clear_next;        /* progress of undo and destroy                */
    uaddr_t  empty_table;       /* va | 1 of a leaf table kept though empty    */
    uint64_t private_pages;     /* frames referenced from here                 */
    uint64_t segment_pages;     /* present pages of Segments                   */
    uint64_t mapped_pages;      /* not free, touched or not                    */
    uint64_t table_pages;
    uint64_t nr_faults;
    uint64_t nr_cow;
};
_Static_assert(sizeof(struct vspace) <= 1ul << VSPACE_BITS, "VSPACE_BITS");

enum clone_state { CLONE_NONE, CLONE_RUNNING, CLONE_UNDO };

/* The locks of two, the lower address first; they may be one. */
static inline void vspace_lock_both(struct vspace *a, struct vspace *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        spin_lock(a < b ? &b->lock : &a->lock);
}

static inline void vspace_unlock_both(struct vspace *a, struct vspace *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

/* ---- life ---- */

void vspace_init(struct vspace *vs);
/* ERR_BUSY: bound already. ERR_NO_MEMORY. */
error_t vspace_bind(struct vspace *vs, struct pool *pool, unsigned account);
/* 0; K_PREEMPTED; K_AGAIN while a hart has it switched in. */
error_t vspace_destroy_step(struct vspace *vs);

/*
 * On this hart: load vs into satp (the kernel's own tables if vs is NULL,
 * unbound or dying). Then vspace_switch_out(old) removes this hart from the
 * VSpace it ran before.
 */
void vspace_switch_in(struct vspace *vs);
void vspace_switch_out(struct vspace *vs);

/* ---- ranges ----
 * Page-aligned, inside the user half. cursor: progress across K_PREEMPTED, 0
 * at first; NULL: do not preempt (boot). Errors of all: ERR_INVALID_ARGUMENT
 * (alignment, flags), ERR_RANGE, ERR_NO_MEMORY, ERR_DELETED (dying),
 * ERR_INVALID_CALL (unbound). Nothing is changed after an error. */

error_t vspace_reserve(struct vspace *vs, uaddr_t va, uint64_t len,
                       unsigned flags, uint64_t *cursor);
/* max_prot: what the Segment's capability allows; flags ask no more of it. */
error_t vspace_map(struct vspace *vs, uaddr_t va, uint64_t len, unsigned flags,
                   struct segment *seg, uint64_t first, unsigned max_prot,
                   uint64_t *cursor);
error_t vspace_protect(struct vspace *vs, uaddr_t va, uint64_t len,
                       unsigned prot, uint64_t *cursor);
error_t vspace_unmap(struct vspace *vs, uaddr_t va, uint64_t len, uint64_t *cursor);
error_t vspace_move(struct vspace *vs, uaddr_t from, uint64_t len, uaddr_t to,
                    uint64_t *cursor);
error_t vspace_discard(struct vspace *vs, uaddr_t va, uint64_t len, uint64_t *cursor);
error_t vspace_clone(struct vspace *target, struct vspace *source);
/* Whoever cloned into target half-way shall not go on. */
void vspace_clone_forget(struct vspace *target);
error_t vspace_query(struct vspace *vs, uaddr_t va, struct vspace_query *out);

/* ---- touches ---- */

enum fault_result {
    FAULT_RESOLVED,
    FAULT_RETRY_LATER,      /* yield, then retry the instruction               */
    FAULT_BAD_ACCESS,
    FAULT_NO_MEMORY,
    FAULT_BEYOND_SEGMENT
};
/* access: one of VM_READ, VM_WRITE, VM_EXEC. */
enum fault_result vspace_fault(struct vspace *vs, uaddr_t va, unsigned access);

/*
 * With the lock held: the page's kernel address, resolving a fault, or NULL
 * and why. FAULT_RETRY_LATER: let the lock go, call segment_help(*blocked).
 * FAULT_RESOLVED: it is a device's, which the kernel does not touch.
 */
void *vspace_page(struct vspace *vs, uaddr_t va, unsigned access,
                  enum fault_result *why, struct segment **blocked);

/* After that, with no lock: 0: again; K_PREEMPTED; ERR_NO_MEMORY; ERR_FAULT. */
error_t vspace_page_failed(enum fault_result why, struct segment *blocked);

error_t vspace_decode(struct invoke *inv);

#endif
