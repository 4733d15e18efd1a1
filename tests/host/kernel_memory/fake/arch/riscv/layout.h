/* SPDX-License-Identifier: MIT */
/* Physical memory of the host tests: one malloc'ed arena at FAKE_PHYS. */
#ifndef ATOLL_ARCH_LAYOUT_H
#define ATOLL_ARCH_LAYOUT_H

#include <atoll/types.h>

#define FAKE_PHYS 0x80000000ul

typedef uint64_t paddr_t;

extern char *fake_arena;
extern uint64_t kernel_root_table[512];

static inline void *phys_to_kva(paddr_t pa)
{
    return fake_arena + (pa - FAKE_PHYS);
}

static inline paddr_t kva_to_phys(const void *kva)
{
    return (paddr_t)((const char *)kva - fake_arena) + FAKE_PHYS;
}

#endif
