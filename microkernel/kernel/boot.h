/* SPDX-License-Identifier: MIT */
/* Start of the kernel; boot_memory.c finds the memory, boot_root.c makes the
 * first thread. */
#ifndef ATOLL_KERNEL_BOOT_H
#define ATOLL_KERNEL_BOOT_H

#include <atoll/bootinfo.h>

#include "kernel/fdt.h"

extern uint64_t timebase_hz;

/* RAM that is free, ascending, as byte ranges. */
void boot_memory_init(const struct fdt_facts *facts, paddr_t fdt, uint64_t fdt_bytes);
/* Take zeroed memory for good; panics when there is none. */
void *boot_alloc(uint64_t bytes, uint64_t align);
/* Aligned blocks of what is left, and of device addresses below RAM; calls add
 * for each. */
void boot_memory_untypeds(const struct fdt_facts *facts,
                          void (*add)(paddr_t base, unsigned bits, bool device));
/* Tighten the kernel's map: only its text executable, only that not writable. */
void boot_map_final(void);

struct tcb *boot_root_task(const struct fdt_facts *facts, paddr_t fdt);

#endif
