/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks. Interrupts are always off inside the kernel, so a lock is held
 * for a bounded number of instructions. Lock order (take from left to right):
 *
 *   tree lock, notification, endpoint, reply      (capabilities and IPC)
 *   tree lock, then memory objects in the order their files state
 *
 * irq, console and quiescence data are leaves.
 */
#ifndef ATOLL_KERNEL_LOCK_H
#define ATOLL_KERNEL_LOCK_H

#include <atoll/types.h>

#include "arch/riscv/atomic.h"

struct spinlock { uint32_t word; };

/* Out of line: spins, counts nr_lock_waits of this hart. */
void spin_lock_contended(struct spinlock *lock);

static inline bool spin_trylock(struct spinlock *lock)
{
    return atomic_take(&lock->word) == 0;
}

static inline void spin_lock(struct spinlock *lock)
{
    if (__builtin_expect(!spin_trylock(lock), 0))
        spin_lock_contended(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
    atomic_give(&lock->word);
}

#endif
