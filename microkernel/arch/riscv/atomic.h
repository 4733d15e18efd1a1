/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations for which the compiler's builtins take more instructions
 * than the ISA needs (RISC-V unprivileged specification, "A" and "RVWMO").
 */
#ifndef ATOLL_ARCH_RISCV_ATOMIC_H
#define ATOLL_ARCH_RISCV_ATOMIC_H

#include <stdint.h>

/* *word = 1; what it was. Acquire. */
static inline int64_t atomic_take(uint32_t *word)
{
    int64_t was;    /* as the instruction extends it */
    __asm__ volatile("amoswap.w.aq %0, %2, %1" : "=r"(was), "+A"(*word) : "r"(1ul) : "memory");
    return was;
}

/* *word = 0. Release. */
static inline void atomic_give(uint32_t *word)
{
    __asm__ volatile("amoswap.w.rl zero, zero, %0" : "+A"(*word) :: "memory");
}

/* *word &= mask. Release. */
static inline void atomic_and_release(uint64_t *word, uint64_t mask)
{
    __asm__ volatile("amoand.d.rl zero, %1, %0" : "+A"(*word) : "r"(mask) : "memory");
}

/* ++*word, between all accesses before it and all after it. */
static inline void atomic_count(uint64_t *word)
{
    __asm__ volatile("amoadd.d.aqrl zero, %1, %0" : "+A"(*word) : "r"(1ul) : "memory");
}

/* A store that is one store: no order, never torn. */
static inline void store_relaxed(uint32_t *word, uint32_t value)
{
    __asm__ volatile("sw %1, %0" : "=m"(*word) : "r"(value));
}

/* Loads before this one come first. */
static inline void fence_loads(void) { __asm__ volatile("fence r, r" ::: "memory"); }

#endif
