/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in the kernel's half of the Sv39 address space.
 *
 * One linear map carries everything: virtual = physical + DIRECT_BASE, for RAM
 * and devices alike, up to 256 GiB. The kernel image runs inside this map too,
 * so there is one pair of conversions and no special case for kernel symbols.
 * Every VSpace root shares entries 256..511 of the kernel's root table; they
 * never change after boot.
 */
#ifndef ATOLL_ARCH_LAYOUT_H
#define ATOLL_ARCH_LAYOUT_H

#define DIRECT_BASE   0xffffffc000000000
#define KERNEL_PHYS   0x80200000
#define PHYS_LIMIT    0x4000000000      /* 256 GiB: end of the direct map      */
#define KSTACK_BYTES  16384

#ifndef __ASSEMBLER__
#include <atoll/types.h>

typedef uint64_t paddr_t;

static inline void *phys_to_kva(paddr_t pa)
{
    return (void *)(pa + DIRECT_BASE);
}

static inline paddr_t kva_to_phys(const void *kva)
{
    return (paddr_t)kva - DIRECT_BASE;
}

/* Root page table of the kernel alone; entries 256..511 go into every VSpace. */
extern uint64_t kernel_root_table[512];
#endif
#endif
