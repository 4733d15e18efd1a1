/* SPDX-License-Identifier: MIT */
/* One host thread plays all harts, so order is given. Locks are in kernel/lock.h. */
#ifndef ATOLL_ARCH_RISCV_ATOMIC_H
#define ATOLL_ARCH_RISCV_ATOMIC_H

#include <stdint.h>

static inline void store_relaxed(uint32_t *word, uint32_t value) { *word = value; }
static inline void atomic_and_release(uint64_t *word, uint64_t mask) { *word &= mask; }
static inline void atomic_count(uint64_t *word) { ++*word; }
static inline void fence_loads(void) { }

#endif
