/* SPDX-License-Identifier: MIT */
/* Register access on the machine itself; see mmio.h. */
#include "mmio.h"

uint8_t mmio_read8(uint64_t address)
{
    uint8_t value = *(volatile uint8_t *)(uintptr_t)address;
    dma_fence();
    return value;
}

void mmio_write8(uint64_t address, uint8_t value)
{
    dma_fence();
    *(volatile uint8_t *)(uintptr_t)address = value;
}

uint32_t mmio_read32(uint64_t address)
{
    uint32_t value = *(volatile uint32_t *)(uintptr_t)address;
    dma_fence();
    return value;
}

void mmio_write32(uint64_t address, uint32_t value)
{
    dma_fence();
    *(volatile uint32_t *)(uintptr_t)address = value;
}
