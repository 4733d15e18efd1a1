/* SPDX-License-Identifier: MIT */
/* Faults of cores that the kernel works round, by their machine identification (RISC-V
 * privileged specification 1.12, mvendorid, marchid, mimpid). */
#ifndef ATOLL_ARCH_RISCV_ERRATA_H
#define ATOLL_ARCH_RISCV_ERRATA_H

#include <stdbool.h>
#include <stdint.h>

struct machine_id { uint64_t vendor, arch, implementation; };

/* SiFive's CIP-1200, of 64-bit cores of the 7 series (U74) and of arch 1: an sfence.vma
 * with an address does not do its work. mimpid ends in the date of the release; Linux's
 * arch/riscv/errata/sifive names the last one that has the fault, and one that has not. */
static inline bool has_cip_1200(struct machine_id id)
{
    return id.vendor == 0x489 && (id.arch == 0x8000000000000007 || id.arch == 1) &&
           (id.implementation & 0xffffff) <= 0x200630 && id.implementation != 0x1200626;
}

#endif
