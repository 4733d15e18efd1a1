/* SPDX-License-Identifier: MIT */
/* Locks of the host tests: one thread, so a lock that is not free is a
 * deadlock. fake_locks_held must be 0 outside the kernel. */
#ifndef ATOLL_KERNEL_LOCK_H
#define ATOLL_KERNEL_LOCK_H

#include <stdlib.h>
#include <atoll/types.h>

struct spinlock { uint32_t word; };
extern int fake_locks_held;

static inline void spin_lock(struct spinlock *lock)
{
    if (lock->word)
        abort();
    lock->word = 1;
    fake_locks_held++;
}

static inline void spin_unlock(struct spinlock *lock)
{
    if (!lock->word)
        abort();
    lock->word = 0;
    fake_locks_held--;
}

#endif
