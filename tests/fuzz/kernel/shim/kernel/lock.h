/* SPDX-License-Identifier: MIT */
/* Locks of the simulated machine: the word is 1 + the holder. Taking one and letting
 * one go are points where another hart may go on; a hart that finds a lock held
 * lets its holder go on first, and harts that wait for each other end the run. */
#ifndef ATOLL_KERNEL_LOCK_H
#define ATOLL_KERNEL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct spinlock { uint32_t word; };

bool machine_trylock(struct spinlock *lock);
void machine_lock(struct spinlock *lock);
void machine_unlock(struct spinlock *lock);

static inline bool spin_trylock(struct spinlock *lock) { return machine_trylock(lock); }
static inline void spin_lock(struct spinlock *lock) { machine_lock(lock); }
static inline void spin_unlock(struct spinlock *lock) { machine_unlock(lock); }

#endif
