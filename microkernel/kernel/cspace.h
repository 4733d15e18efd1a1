/* SPDX-License-Identifier: MIT */
/*
 * Finding slots by capability address, without a lock, and trusting what was
 * found once the tree lock is held.
 *
 * A slot in the root CNode of a running (or claimed) thread is safe: that CNode
 * cannot die before the owner hart lets the thread give it up. A slot in a
 * second-level CNode is reached through a slot that holds this CNode; if, with
 * the tree lock held, that slot still has the same first word (its change count
 * included), the CNode is alive.
 */
#ifndef ATOLL_KERNEL_CSPACE_H
#define ATOLL_KERNEL_CSPACE_H

#include <stddef.h>

#include "kernel/poison.h"
#include "object/cap.h"

struct slot_ref {
    struct slot *slot;
    struct slot *via;       /* NULL: slot in the root CNode                    */
    uint64_t     via_word;
    uint64_t     room;      /* slots from this one to the CNode's end          */
};

/* The slot that a capability address names, empty or not. */
error_t cspace_find(struct tcb *t, cptr_t cptr, struct slot_ref *out);
/* A slot of a CNode capability found in `via`. */
error_t cspace_index(struct slot *via, uint64_t via_word, uint64_t index, struct slot_ref *out);

/* Capability addresses (atoll/types.h): root slot, and index + 1 in the CNode it
 * holds, or 0. */
#define CPTR_ROOT_BITS 20
#define CPTR_ROOT_MASK ((1ul << CPTR_ROOT_BITS) - 1)

/* For lookups that do not need to trust the slot later: slot index - 1 of the
 * CNode in `via`, or NULL. */
static inline struct slot *cspace_second(const struct slot *via, uint64_t index)
{
    uint64_t word = __atomic_load_n(&via->word0, __ATOMIC_RELAXED);

    if ((word & (CAP_TYPE_MASK | CAP_ZOMBIE)) != CAP_TYPE_CNODE || index - 1 >= 1ul << cap_extra(word))
        return NULL;
    object_found();
    return (struct slot *)cap_object(word) + (index - 1);
}

/* The slot that a capability address names in a CSpace, for such lookups, or NULL. */
static inline struct slot *cspace_slot(struct slot *cspace, uint64_t mask, cptr_t cptr)
{
    if (__builtin_expect(cptr - 1 < mask, 1))       /* the root CNode starts at 1 */
        return &cspace[cptr];
    uint64_t root = cptr & CPTR_ROOT_MASK;
    return root - 1 < mask ? cspace_second(&cspace[root], cptr >> CPTR_ROOT_BITS) : NULL;
}

/* With the tree lock held. */
static inline bool slot_ref_valid(const struct slot_ref *ref)
{
    return ref->via == NULL || ref->via->word0 == ref->via_word;
}

/* The same: names it a capability of this type with these rights? ERR_INVALID_CAP,
 * ERR_RIGHTS. */
error_t slot_ref_check(const struct slot_ref *ref, enum cap_type type, unsigned rights);

/* A consistent pair of words of a slot. */
static inline void slot_words(const struct slot *slot, uint64_t *word0, uint64_t *word1)
{
    uint64_t again = __atomic_load_n(&slot->word0, __ATOMIC_ACQUIRE);

    do {
        *word0 = again;
        *word1 = __atomic_load_n(&slot->word1, __ATOMIC_ACQUIRE);
        again = __atomic_load_n(&slot->word0, __ATOMIC_ACQUIRE);
    } while (again != *word0);
    object_found();
}

/* The same. False: empty or a zombie. */
static inline bool slot_read(const struct slot *slot, uint64_t *word0, uint64_t *word1)
{
    slot_words(slot, word0, word1);
    return (*word0 & CAP_TYPE_MASK) != CAP_TYPE_NULL && !(*word0 & CAP_ZOMBIE);
}

/* Copy a capability between the CSpaces of two threads at rest. */
error_t cspace_copy(struct tcb *from, cptr_t source, struct tcb *to, cptr_t dest, badge_t *badge);

#endif
