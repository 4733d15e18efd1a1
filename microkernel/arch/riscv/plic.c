/* SPDX-License-Identifier: MIT */
/* See plic.h. Callers hold the lock of the source's IRQ object, and plic_lock
 * here guards the enable words, which hold 32 sources each. */
#include "arch/riscv/plic.h"

#include "kernel/lock.h"

#define ENABLE_BASE     0x2000ul
#define ENABLE_STRIDE   0x80ul
#define CONTEXT_BASE    0x200000ul
#define CONTEXT_STRIDE  0x1000ul

static volatile uint32_t *regs;
static uint64_t regs_bytes;
static struct spinlock plic_lock;

static volatile uint32_t *reg(uint64_t offset)
{
    return regs + offset / 4;
}

static bool valid(uint32_t context)
{
    return regs != NULL && CONTEXT_BASE + (context + 1ul) * CONTEXT_STRIDE <= regs_bytes;
}

void plic_init(paddr_t base, uint64_t bytes, uint32_t nr_sources)
{
    regs = phys_to_kva(base);
    regs_bytes = bytes;
    for (uint32_t source = 1; source <= nr_sources; source++)
        *reg(4ul * source) = 1;     /* priority; the thresholds are 0          */
}

void plic_init_hart(uint32_t context)
{
    if (!valid(context))
        return;
    for (unsigned i = 0; i < 32; i++)
        *reg(ENABLE_BASE + context * ENABLE_STRIDE + 4 * i) = 0;
    *reg(CONTEXT_BASE + context * CONTEXT_STRIDE) = 0;
}

void plic_route(uint32_t source, uint32_t context, bool enable)
{
    if (!valid(context))
        return;
    volatile uint32_t *word = reg(ENABLE_BASE + context * ENABLE_STRIDE + source / 32 * 4);
    spin_lock(&plic_lock);
    if (enable)
        *word |= 1u << (source % 32);
    else
        *word &= ~(1u << (source % 32));
    spin_unlock(&plic_lock);
    if (enable)     /* QEMU tells of a source that is pending already only when something else changes */
        *reg(4ul * source) = 1;
}

uint32_t plic_claim(uint32_t context)
{
    return valid(context) ? *reg(CONTEXT_BASE + context * CONTEXT_STRIDE + 4) : 0;
}

void plic_complete(uint32_t context, uint32_t source)
{
    if (valid(context))
        *reg(CONTEXT_BASE + context * CONTEXT_STRIDE + 4) = source;
}
