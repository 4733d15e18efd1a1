/* SPDX-License-Identifier: MIT */
/* The fuzzer's version of microkernel/kernel/poison.h; machine.c tells the address
 * sanitizer. */
#ifndef ATOLL_KERNEL_POISON_H
#define ATOLL_KERNEL_POISON_H

#include <stddef.h>
#include <stdint.h>

void memory_in_use(const void *start, size_t bytes);
void pages_unused(const void *start, size_t pages);
void object_unused(uint64_t word0);
void machine_point(void);
static inline void object_found(void) { machine_point(); }

#endif
