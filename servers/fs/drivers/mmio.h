/* SPDX-License-Identifier: MIT */
/*
 * Device registers and what drivers need of the machine. mmio.c is the real
 * thing; tests link a simulated device in its place.
 */
#ifndef FS_DRIVERS_MMIO_H
#define FS_DRIVERS_MMIO_H

#include <atoll/types.h>

uint8_t  mmio_read8(uint64_t address);
void     mmio_write8(uint64_t address, uint8_t value);
uint32_t mmio_read32(uint64_t address);
void     mmio_write32(uint64_t address, uint32_t value);

/* Orders memory shared with a device against device registers, both ways. */
static inline void dma_fence(void)
{
#ifdef __riscv
    __asm__ volatile("fence iorw, iorw" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/*
 * Memory that devices can reach: one physical region, handed out front to back
 * and never given back (drivers live as long as the server).
 */
struct dma_region {
    uint64_t address;       /* where this server sees it                        */
    uint64_t paddr;         /* where devices see it                             */
    uint64_t bytes;
    uint64_t used;
};

/* `bytes` zeroed bytes aligned to `align` (a power of two), or NULL. */
void *dma_alloc(struct dma_region *, uint64_t bytes, uint64_t align, uint64_t *paddr);

#endif
