/* SPDX-License-Identifier: MIT */
/* Memory of the guest, for the loader, signals and futexes: see mm.c. */
#ifndef COMPAT_MM_H
#define COMPAT_MM_H

#include <atoll/errors.h>
#include "region.h"

#define MMAP_LOW    0x10000ul       /* vm.mmap_min_addr                         */

/* An empty address space whose guest part reaches up to stack_bottom. */
void mm_init(void);
/* The loader: map at exactly this place, replacing. */
error_t mm_map_fixed(uaddr_t at, uint64_t bytes, uint8_t prot, uint8_t name);
error_t mm_map_file(int32_t fd, uaddr_t at, uint64_t bytes, uint8_t prot, uint64_t offset, uint8_t name);
/* A free place for `bytes`, highest first; 0 if there is none. */
uaddr_t mm_find(uint64_t bytes);
void mm_set_brk(uaddr_t start);
void mm_set_stack(uaddr_t bottom, uaddr_t top);
/* Why did an access fault: SEGV_ACCERR when mapped, else SEGV_MAPERR. */
int32_t mm_fault_code(uaddr_t at);
/* Is the memory shared with other address spaces (MAP_SHARED)? -EFAULT if there
 * is nothing. */
long mm_is_shared(uaddr_t at);
/* Unmap all guest memory (exit of a process that is alone). */
void mm_drop_all(void);
/* Child of fork: MADV_DONTFORK, MADV_WIPEONFORK. */
void mm_after_fork(void);

#endif
