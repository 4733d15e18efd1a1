/* SPDX-License-Identifier: MIT */
/* Physical memory of the simulated machine: host addresses below 4 GiB are physical
 * ones (the program is linked at a fixed low address), so kernel variables and the
 * arena alike have a physical address that fits a capability. */
#ifndef ATOLL_ARCH_LAYOUT_H
#define ATOLL_ARCH_LAYOUT_H

#include <atoll/types.h>

#define PHYS_LIMIT   0x4000000000
#define KSTACK_BYTES 16384

typedef uint64_t paddr_t;

extern uint64_t kernel_root_table[512];

static inline void *phys_to_kva(paddr_t pa)
{
    return (void *)pa;
}

static inline paddr_t kva_to_phys(const void *kva)
{
    return (paddr_t)kva;
}

#endif
