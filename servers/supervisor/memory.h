/* SPDX-License-Identifier: MIT */
/*
 * What the root task does with the machine's memory: untypeds, capability
 * slots, kernel objects, device ranges, and the one Pool.
 *
 * Nothing is ever given back: all of this happens once, at boot. An error here
 * means that the machine cannot run the system, so the functions that return a
 * capability end the system themselves (fail, main.h).
 */
#ifndef SUPERVISOR_MEMORY_H
#define SUPERVISOR_MEMORY_H

#include <atoll/bootinfo.h>
#include <atoll/errors.h>
#include <atoll/objects.h>

void mem_init(const struct bootinfo *);
/* A fresh empty slot (n consecutive ones) of the root CNode. */
cptr_t mem_slot(void);
cptr_t mem_slots(unsigned n);
/* A kernel object out of RAM; size_bits as UNTYPED_RETYPE takes it. */
cptr_t mem_object(enum cap_type type, unsigned size_bits);
/* A physical Segment of RAM, contiguous and cleared. */
cptr_t mem_physical(unsigned pages);
/* Set 2^bits bytes apart for objects that are made after the Pool took the rest. */
void mem_reserve(unsigned bits);
/* Everything in RAM that is still free becomes the Pool. Returns its pages. */
uint64_t mem_make_pool(cptr_t *pool);
/* A pool-backed Segment with `pages` pages that appear when touched. */
cptr_t mem_segment(cptr_t pool, uint64_t pages);
/* A physical Segment over a device's registers, or 0 when the kernel offers no
 * untyped there. Ask in ascending order of addresses. */
cptr_t mem_device(uint64_t paddr, uint64_t bytes);
uint64_t mem_ram_bytes(void);

#endif
