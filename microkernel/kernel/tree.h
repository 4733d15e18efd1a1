/* SPDX-License-Identifier: MIT */
/*
 * The derivation tree: which capability was made from which.
 *
 * A slot's children are those copied, minted or retyped from it. The children
 * of a node form a list whose two ends point back to the parent (tagged), so
 * every step here takes constant time: a node that is removed leaves its
 * children in its own place. By that rule all capabilities of one object stay
 * neighbours, and whether one is the last can be seen from its neighbours.
 */
#ifndef ATOLL_KERNEL_TREE_H
#define ATOLL_KERNEL_TREE_H

#include "kernel/lock.h"
#include "object/cap.h"

extern struct spinlock tree_lock;
extern struct slot tree_root;   /* parent of the first capabilities           */

/* All with the tree lock held. */
void tree_add_child(struct slot *parent, struct slot *child);
void tree_remove(struct slot *slot);
void tree_move(struct slot *from, struct slot *to);     /* links only          */
void tree_move_last(struct slot *parent, struct slot *slot);    /* a child without children */
bool tree_is_last(const struct slot *slot);             /* of its object       */

/* Write a capability into an empty slot / make a slot empty, in the order that
 * lock-free readers rely on. */
void slot_set(struct slot *slot, uint64_t word0, uint64_t word1);
void slot_clear(struct slot *slot);
/* An empty slot that is no node any more. */
void slot_remove(struct slot *slot);
static inline bool slot_is_empty(const struct slot *slot)
{
    return (slot->word0 & CAP_TYPE_MASK) == CAP_TYPE_NULL;
}
/* Put a copy of src, a child of it, into the empty slot dst. */
void slot_derive(struct slot *dst, struct slot *src, unsigned rights,
                 badge_t badge, uint64_t flags);

#endif
