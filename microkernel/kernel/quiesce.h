/* SPDX-License-Identifier: MIT */
/*
 * When may the memory of a deleted object be used again?
 *
 * Lookups take no lock, so another hart may still hold a pointer to an object
 * whose last capability is gone. Each hart counts its kernel entries that look
 * at capabilities (`passes`, stored with release order at entry). After a
 * deletion the counts of all harts are noted; a hart is done with the object
 * when its count went up by two since (the second entry proves that the one
 * that may have seen the object has ended, even if the first increment was
 * still in a store buffer when the count was noted), or when it sleeps. A hart
 * that stays in user mode is asked by mailbox.
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
/* This hart is at a point where it holds no references. */
void quiesce_pass(struct hart *h);

static inline void quiesce_enter(struct hart *h)
{
    store_release(&h->passes, h->passes + 1);
}

#endif
