/* SPDX-License-Identifier: MIT */
/* The allocator of device memory; see mmio.h. */
#include "mmio.h"

#include <string.h>

void *dma_alloc(struct dma_region *dma, uint64_t bytes, uint64_t align, uint64_t *paddr)
{
    /* the physical address is what has to be aligned; both share the page offset */
    uint64_t start = (dma->paddr + dma->used + align - 1) / align * align - dma->paddr;

    if (start > dma->bytes || bytes > dma->bytes - start)
        return NULL;
    dma->used = start + bytes;
    *paddr = dma->paddr + start;
    void *memory = (void *)(uintptr_t)(dma->address + start);
    memset(memory, 0, bytes);
    return memory;
}
