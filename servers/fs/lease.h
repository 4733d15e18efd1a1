/* SPDX-License-Identifier: MIT */
/*
 * Leases: answers that a process may give itself until fs says otherwise.
 *
 * fs hands out an answer with the number (fd_word.seq) that the descriptor's
 * word has at this moment. While the word keeps that number, the answer holds.
 * Whoever is about to change what an answer rests on breaks the lease first.
 * docs/decisions/0005 has the argument why nobody sees a stale answer.
 *
 * An open file has one holder at most: one descriptor of one process. A later
 * holder replaces the earlier. So a lease needs no memory of its own, and none
 * can run out.
 */
#ifndef FS_LEASE_H
#define FS_LEASE_H

#include "process.h"
#include "vfs.h"

/* The next number of a descriptor's word, never 0. With release order, and before
 * all stores that follow. */
void lease_bump(struct fd_word *);
/* What was just answered about `f` may be reused by p through descriptor fd (f's).
 * The number to send along, or 0: no lease for this descriptor. */
uint32_t lease_grant(struct process *p, int32_t fd, struct file *f);
/* Break the lease on this open file, which has one. */
void lease_break_file(struct file *);
/* Break all leases on attributes and content of this inode, which has some. */
void lease_break_inode(struct inode *);

static inline void file_changes(struct file *f)
{
    if (__builtin_expect(f->leased != NULL, 0))
        lease_break_file(f);
}

/* To be called before any attribute or content of an inode changes. */
static inline void inode_changes(struct inode *i)
{
    if (__builtin_expect(i->leases != NULL, 0))
        lease_break_inode(i);
}

#endif
