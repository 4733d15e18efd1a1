/* SPDX-License-Identifier: MIT */
/* The host's own atomics in place of microkernel/arch/riscv/atomic.h. */
#ifndef ATOLL_ARCH_RISCV_ATOMIC_H
#define ATOLL_ARCH_RISCV_ATOMIC_H

#include <stdint.h>

static inline uint32_t atomic_take(uint32_t *word)
{
    return __atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE);
}

static inline void atomic_give(uint32_t *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

#endif
