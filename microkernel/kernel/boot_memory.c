/* SPDX-License-Identifier: MIT */
/*
 * Memory at boot: the device tree's RAM without what is reserved, the firmware,
 * the kernel, the tree itself and the ramdisk. Allocation cuts from the largest
 * range; what remains becomes Untypeds.
 */
#include "kernel/boot.h"

#include "arch/riscv/tlb.h"
#include "kernel/assert.h"
#include "kernel/hart.h"
#include "kernel/string.h"

#define MAX_FREE 32
#define MAX_BLOCK_BITS 40

extern char kernel_start[], kernel_end[];

static struct fdt_range free_ranges[MAX_FREE];
static unsigned nr_free;

static void add_free(paddr_t base, paddr_t end)
{
    if (end > base && nr_free < MAX_FREE)
        free_ranges[nr_free++] = (struct fdt_range){ base, end - base };
}

static void remove_range(paddr_t from, paddr_t to)
{
    unsigned n = nr_free;

    from &= ~(PAGE_BYTES - 1);
    to = page_up(to);
    for (unsigned i = 0; i < n; i++) {
        struct fdt_range *r = &free_ranges[i];
        paddr_t base = r->base, end = r->base + r->bytes;
        if (to <= base || from >= end)
            continue;
        r->bytes = from > base ? from - base : 0;
        if (to < end) {
            if (r->bytes == 0)
                *r = (struct fdt_range){ to, end - to };
            else
                add_free(to, end);
        }
    }
}

void boot_memory_init(const struct fdt_facts *f, paddr_t fdt, uint64_t fdt_bytes)
{
    for (unsigned i = 0; i < f->nr_memory; i++) {
        paddr_t base = f->memory[i].base, end = base + f->memory[i].bytes;
        if (end > PHYS_LIMIT)
            end = PHYS_LIMIT;
        add_free(page_up(base), end & ~(PAGE_BYTES - 1));
        /* The firmware sits below the kernel, whether or not the tree says so. */
        if (base < KERNEL_PHYS && end > KERNEL_PHYS)
            remove_range(base, KERNEL_PHYS);
    }
    for (unsigned i = 0; i < f->nr_reserved; i++)
        remove_range(f->reserved[i].base, f->reserved[i].base + f->reserved[i].bytes);
    /* all of the leaf that is mapped read-only, boot_map_final, and the data; the boot
     * code in between is in use until boot_leave, but boot_alloc takes larger ranges */
    remove_range(kva_to_phys(kernel_start), kva_to_phys(kernel_init_start));
    remove_range(kva_to_phys(kernel_init_end), kva_to_phys(kernel_end));
    remove_range(fdt, fdt + fdt_bytes);
    if (f->initrd_end > f->initrd_start)
        remove_range(f->initrd_start, f->initrd_end);
}

void *boot_alloc(uint64_t bytes, uint64_t align)
{
    struct fdt_range *best = NULL;

    for (unsigned i = 0; i < nr_free; i++)
        if (best == NULL || free_ranges[i].bytes > best->bytes)
            best = &free_ranges[i];
    if (best == NULL)
        panic("no memory in the device tree");
    /* cppcheck-suppress nullPointer ; panic does not return */
    paddr_t at = (best->base + align - 1) & ~(align - 1), end = best->base + best->bytes;
    if (at >= end || end - at < bytes)
        panic("not enough memory to boot");
    paddr_t before = best->base;
    *best = (struct fdt_range){ at + bytes, end - at - bytes };
    add_free(before, at);
    memset(phys_to_kva(at), 0, bytes);
    return phys_to_kva(at);
}

/* What is free in aligned blocks. */
static void split_free(bool device, void (*add)(paddr_t base, unsigned bits, bool device))
{
    for (unsigned i = 0; i < nr_free; i++) {
        paddr_t base = page_up(free_ranges[i].base), end = free_ranges[i].base + free_ranges[i].bytes;
        while (end > base && end - base >= PAGE_BYTES) {
            unsigned bits = MAX_BLOCK_BITS;
            while ((base & ((1ul << bits) - 1)) != 0 || 1ul << bits > end - base)
                bits--;
            add(base, bits, device);
            base += 1ul << bits;
        }
    }
}

void boot_memory_untypeds(const struct fdt_facts *f,
                          void (*add)(paddr_t base, unsigned bits, bool device))
{
    paddr_t ram = f->memory[0].base;

    split_free(false, add);
    for (unsigned i = 1; i < f->nr_memory; i++)
        if (f->memory[i].base < ram)
            ram = f->memory[i].base;
    /* Devices: below RAM, without the two that the kernel drives itself. */
    nr_free = 0;
    add_free(0, ram);
    remove_range(f->plic.base, f->plic.base + f->plic.bytes);
    remove_range(f->clint.base, f->clint.base + f->clint.bytes);
    split_free(true, add);
}

#define LEAF_RX  0xebul
#define LEAF_RWX 0xeful

void boot_map_final(void)
{
    paddr_t text = kva_to_phys(kernel_start) & ~((1ul << 21) - 1);
    paddr_t init = kva_to_phys(kernel_init_start);
    uint64_t gib = text >> 30;

    for (uint64_t i = 0; i < 512; i++) {
        paddr_t pa = (gib << 30) + (i << 21);
        kernel_gib_table[i] = pa >> 2 | (pa == text ? LEAF_RX : pa == init ? LEAF_RWX : KERNEL_LEAF_RW);
    }
    /* Other harts run in this map already: each entry changes with one store. */
    __asm__ volatile("fence rw, rw" ::: "memory");
    for (uint64_t i = 0; i < 256; i++)
        __atomic_store_n(&kernel_root_table[256 + i],
                         i == gib ? kva_to_phys(kernel_gib_table) >> 2 | 1 : i << 28 | KERNEL_LEAF_RW,
                         __ATOMIC_RELAXED);
    kernel_root_table[gib] = 0;
    tlb_local_all();
    tlb_remote(~this_hart()->mask, 0, 0);
}
