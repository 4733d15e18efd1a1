/* SPDX-License-Identifier: MIT */
/* Start of the kernel; boot_memory.c finds the memory, boot_root.c makes the
 * first thread. */
#ifndef ATOLL_KERNEL_BOOT_H
#define ATOLL_KERNEL_BOOT_H

#include <atoll/bootinfo.h>

#include "kernel/fdt.h"
#include "kernel/hart.h"

/* The pages of what runs only at boot, code and constants: kernel.ld. */
extern char kernel_init_start[], kernel_init_end[];

/* The kernel's map of the GiB it lies in, by 2 MiB. Leaf bits: D A G W R V. */
extern uint64_t kernel_gib_table[512];
#define KERNEL_LEAF_RW 0xe7ul

static inline uint64_t page_up(uint64_t n) { return (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); }

/* This hart takes interrupts. */
void hart_start(struct hart *h);
/* Last on the boot hart: run the first thread. The code of boot is no code any more. */
_Noreturn void boot_leave(struct tcb *root);

/* RAM that is free, ascending, as byte ranges. */
void boot_memory_init(const struct fdt_facts *facts, paddr_t fdt, uint64_t fdt_bytes);
/* Take zeroed memory for good; panics when there is none. */
void *boot_alloc(uint64_t bytes, uint64_t align);
/* Aligned blocks of what is left, and of device addresses below RAM; calls add
 * for each. */
void boot_memory_untypeds(const struct fdt_facts *facts,
                          void (*add)(paddr_t base, unsigned bits, bool device));
/* Tighten the kernel's map: only its text executable, only that not writable; the
 * 2 MiB of the boot code stay as they are until boot_leave. */
void boot_map_final(void);

struct tcb *boot_root_task(const struct fdt_facts *facts, paddr_t fdt);

#endif
