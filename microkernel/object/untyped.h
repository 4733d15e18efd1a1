/* SPDX-License-Identifier: MIT */
/*
 * Untyped memory: an aligned power of two of RAM or device addresses, described
 * by the capability alone (base, size, and in word1 how far it is used). It can
 * be moved but not copied, so there is one place that knows what is free.
 */
#ifndef ATOLL_OBJECT_UNTYPED_H
#define ATOLL_OBJECT_UNTYPED_H

#include "kernel/invoke.h"
#include "object/cap.h"

struct pool;
struct segment;

error_t untyped_decode(struct invoke *inv);
/* The structs of physical Segments come from a fixed table, since device memory
 * cannot hold them. NULL: full. Tree lock held (or boot). */
struct segment *untyped_alloc_physical(void);
void untyped_free_physical(const struct segment *seg);  /* no-op for others        */

/*
 * POOL_ADD_MEMORY: all of an Untyped becomes a Pool's. Its child from then on
 * is a slot inside the Pool, which has two ends:
 * - it is to be emptied because an ancestor is revoked: the Pool goes down.
 *   K_AGAIN while VSpaces or Segments use it, 0 when the slot is empty;
 * - the Pool is gone: the Untypeds are childless again.
 * Both with the tree lock held.
 */
error_t untyped_add_to_pool(struct invoke *inv);
error_t untyped_take_from_pool(struct slot *slot);
void untyped_pool_gone(struct pool *pool);

#endif
