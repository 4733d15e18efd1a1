/* SPDX-License-Identifier: MIT */
/*
 * Access to user memory, and the copy loops.
 *
 * The kernel never loads or stores through user addresses (SUM stays off): it
 * walks the page table and uses its direct map, resolving demand-zero pages and
 * copy on write as a touch would. So nothing here can fault, and a page cannot
 * go away under a copy, since the VSpace's lock is held for each piece (at most
 * one page).
 */
#ifndef ATOLL_KERNEL_USERCOPY_H
#define ATOLL_KERNEL_USERCOPY_H

#include <atoll/errors.h>
#include <atoll/types.h>

#include "kernel/string.h"

struct vspace;

/* 0 or ERR_FAULT; after an error part of the bytes may have been copied. Meant
 * for structures; up to a few KiB. vs == NULL is ERR_FAULT. */
error_t copy_from_user(struct vspace *vs, void *dst, uaddr_t src, size_t n);
error_t copy_to_user(struct vspace *vs, uaddr_t dst, const void *src, size_t n);

/* The memory at va, up to the end of its page, for loads, with vs locked; NULL: not
 * locked, and copy_from_user knows why. Others may store to it at any time. */
const void *user_page_lock(struct vspace *vs, uaddr_t va);

/*
 * SYS_VSPACE_COPY: between `remote` and the caller's `own`; into: own to
 * remote. *done counts bytes, also after an error. *cursor: progress across
 * K_PREEMPTED, 0 at first. 0; ERR_FAULT: short; ERR_NO_MEMORY: short, a page
 * had to be made and could not; K_PREEMPTED.
 */
error_t vspace_copy(struct vspace *remote, uaddr_t remote_va, struct vspace *own,
                    uaddr_t own_va, uint64_t len, bool into, uint64_t *cursor,
                    uint64_t *done);

static inline uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Whole pages, page-aligned kernel addresses. */
void page_clear(void *page);
void page_copy(void *restrict dst, const void *restrict src);

/* Any alignment; no overlap. */
void bytes_copy(void *restrict dst, const void *restrict src, size_t n);
static inline void bytes_clear(void *dst, size_t n) { memset(dst, 0, n); }

#endif
