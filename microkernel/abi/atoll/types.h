/* SPDX-License-Identifier: MIT */
/*
 * Scalar types of the kernel interface, shared by kernel and user level.
 *
 * Sizes are those of 64-bit RISC-V; every structure that crosses the kernel
 * boundary is built from these and has its size asserted where it is defined.
 */
#ifndef ATOLL_ABI_TYPES_H
#define ATOLL_ABI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t cptr_t;    /* names a capability slot, see objects.h         */
typedef uint64_t uaddr_t;   /* a virtual address in some user address space   */
typedef uint64_t ticks_t;   /* time-base ticks since boot (the time CSR)      */
typedef uint64_t badge_t;   /* endpoint badge, or notification bits           */
typedef uint32_t hartid_t;  /* dense hart number 0..nr_harts-1, not the mhartid */

#define PAGE_BITS   12
#define PAGE_BYTES  4096ul
#define CACHE_LINE  64
#define MAX_HARTS   8

/* The user half of Sv39. */
#define USER_TOP    0x4000000000ul

#define DEADLINE_NONE UINT64_MAX    /* wait for ever            */
#define DEADLINE_POLL 0ul           /* never wait               */

#endif
