/* SPDX-License-Identifier: MIT */
/*
 * What the kernel itself needs of the device tree (Devicetree Specification
 * 0.4, chapter 5); everything else is read at user level from the same blob.
 */
#ifndef ATOLL_KERNEL_FDT_H
#define ATOLL_KERNEL_FDT_H

#include "arch/riscv/layout.h"

#define FDT_MAX_RANGES  16
#define FDT_MAX_HARTS   16

struct fdt_range { paddr_t base; uint64_t bytes; };

struct fdt_facts {
    struct fdt_range memory[FDT_MAX_RANGES];    unsigned nr_memory;
    struct fdt_range reserved[FDT_MAX_RANGES];  unsigned nr_reserved;
    /* Harts with an MMU, by ascending mhartid. */
    struct fdt_hart {
        uint32_t mhartid;
        uint32_t intc_phandle;
        bool     sstc;
    } hart[FDT_MAX_HARTS];
    unsigned nr_harts;
    uint64_t timebase_hz;
    paddr_t  initrd_start, initrd_end;
    char     bootargs[512];
    struct fdt_range plic, clint, finisher;     /* bytes 0: there is none      */
    uint32_t plic_sources;                      /* riscv,ndev                  */
    uint32_t plic_contexts[FDT_MAX_HARTS * 2][2]; /* phandle, cause            */
    unsigned nr_plic_contexts;
    uint64_t total_bytes;                       /* of the blob                 */
};

/* False when the blob is malformed. `blob` is its kernel address. */
bool fdt_read(const void *blob, struct fdt_facts *out);

#endif
