/* SPDX-License-Identifier: MIT */
/*
 * When may the memory of a deleted object be used again?
 *
 * Lookups take no lock, so another hart may still hold a pointer to an object
 * whose last capability is gone. Each hart counts its kernel entries that look
 * at capabilities (`passes`), between the uses of the entry before and the first
 * lookup of this one. After a deletion the counts of all harts are noted; a hart is
 * done with the object when its count has gone up since, or when it sleeps. A hart
 * that stays in user mode is asked by mailbox: the interrupt is an entry.
 *
 * Order. A hart that found the object read the slot before that was emptied. With its
 * count before the read and the note after the emptying, the note has this entry or an
 * earlier one counted; more is counted only after the entry's last use. So the count
 * must be ordered on both sides, and the emptying before the notes. A store with a
 * release fence would not do: it may wait in a store buffer, with its successors, until
 * the notes are taken. tests/models/quiesce.pml.
 */
#ifndef ATOLL_KERNEL_QUIESCE_H
#define ATOLL_KERNEL_QUIESCE_H

#include "arch/riscv/atomic.h"
#include "kernel/hart.h"

/* With the tree lock held: an object has been destroyed. */
void quiesce_mark(void);
/* With the tree lock held: true once all harts have been outside since the last
 * mark. If not, asks those that seem to stay in user mode. */
bool quiesce_reached(void);

/* This hart, whose struct it is, holds no references. */
static inline void quiesce_enter(struct hart *h)    /* [enter] */
{
    atomic_count(&h->passes);
}

#endif
