/* SPDX-License-Identifier: MIT */
/*
 * Translation and instruction-fetch fences; csr.h has the hart's own of the latter, and
 * satp.
 *
 * No ASIDs are used: a local fence covers whatever satp names, and every switch
 * of satp is followed by a full fence. Masks are dense hart numbers.
 */
#ifndef ATOLL_ARCH_RISCV_TLB_H
#define ATOLL_ARCH_RISCV_TLB_H

#include "arch/riscv/layout.h"

/* At the start of each hart: does it have a fault that concerns fences? */
void tlb_init_hart(void);

void tlb_local_page(uaddr_t va);
void tlb_local_all(void);

/* Returns when each hart of the mask, not 0, has done its fence; M-mode takes the
 * request, so locks may be held. bytes == 0: everything. */
void tlb_remote(uint64_t harts, uaddr_t start, size_t bytes);

void icache_remote(uint64_t harts);

#endif
