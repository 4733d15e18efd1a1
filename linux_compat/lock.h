/* SPDX-License-Identifier: MIT */
/*
 * Locks inside one address space. The word names the owner's thread, so that
 * survivors can break the lock of a process that was killed (vfork).
 *
 * Order: fork_lock, mm.lock, sig_hand.lock, futex buckets by address,
 * process.rpc_lock. rpc_lock is innermost: requests may be made under any other.
 */
#ifndef COMPAT_LOCK_H
#define COMPAT_LOCK_H

#include <atoll/types.h>

struct lock {
    uint32_t owner;         /* tid << 8 | thread index; 0 free                  */
    uint32_t nr_waiters;    /* who must be woken by the next unlock             */
};

void lock_slow(struct lock *, uint32_t me);
void unlock_slow(struct lock *);
void lock_take(struct lock *);
void lock_give(struct lock *);
/* After fork: nobody holds it and nobody waits. */
static inline void lock_reset(struct lock *l) { l->owner = 0; l->nr_waiters = 0; }

#endif
