/* SPDX-License-Identifier: MIT */
/*
 * Capability slots.
 *
 * A slot is 64 bytes. Its first word packs type, rights and object, so that a
 * reader without a lock sees a consistent capability with one load; the second
 * word (badge) is read between two loads of the first, whose top byte counts
 * changes. Writers hold the tree lock (kernel/tree.h) and follow the order:
 * word0 = empty, word1, word0.
 *
 *   bits 0..3   enum cap_type
 *   bit  4      zombie: the last capability of an object that is being taken
 *               apart; to all lookups the slot is occupied but names nothing
 *   bit  5      internal: the slot lies inside a TCB or IRQ, not in a CNode
 *   bits 6..38  kernel address of the object, whose higher bits equal bit 38
 *   bits 40..47 rights
 *   bits 48..55 CNode: radix; Untyped: log2 of the size
 *   bits 56..63 count of changes
 *
 * Lifetime: a reference taken by a lookup stays valid until this hart leaves
 * the kernel, even if the capability is deleted meanwhile: memory is reused
 * only after every hart was seen outside (kernel/quiesce.h).
 */
#ifndef ATOLL_OBJECT_CAP_H
#define ATOLL_OBJECT_CAP_H

#include <atoll/errors.h>
#include <atoll/objects.h>

#include "arch/riscv/layout.h"

struct tcb;

struct slot {
    uint64_t word0;
    uint64_t word1;         /* badge; Untyped: UNTYPED_DEVICE | free offset;
                             * zombie: how far its destruction came            */
    /* guarded by the tree lock: the derivation tree, kernel/tree.h */
    struct slot *first, *last;
    uintptr_t next, prev;   /* sibling, or parent | 1 at the ends, or 0        */
    uint64_t link;          /* dying containers: next; Untyped: cleared offset */
    uint64_t aux;
};
_Static_assert(sizeof(struct slot) == 1 << SLOT_BITS, "SLOT_BITS");

#define CAP_TYPE_MASK    0xful
#define CAP_ZOMBIE       0x10ul
#define CAP_INTERNAL     0x20ul
#define CAP_OBJECT_MASK  0x7fffffffc0ul
#define CAP_RIGHTS_SHIFT 40
#define CAP_EXTRA_SHIFT  48
#define CAP_COUNT_SHIFT  56
#define UNTYPED_DEVICE   (1ul << 63)

static inline enum cap_type cap_type(uint64_t word)
{
    return (enum cap_type)(word & CAP_TYPE_MASK);
}
static inline unsigned cap_rights(uint64_t word)
{
    return (word >> CAP_RIGHTS_SHIFT) & RIGHTS_ALL;
}
static inline unsigned cap_extra(uint64_t word)
{
    return (word >> CAP_EXTRA_SHIFT) & 0xff;
}
static inline void *cap_object(uint64_t word)
{
    return (void *)((uint64_t)((int64_t)(word << 25) >> 31) << 6);
}
static inline uint64_t cap_word(enum cap_type type, const void *object,
                                unsigned rights, unsigned extra)
{
    return (uint64_t)type | ((uintptr_t)object & CAP_OBJECT_MASK) |
           ((uint64_t)rights << CAP_RIGHTS_SHIFT) |
           ((uint64_t)extra << CAP_EXTRA_SHIFT);
}

struct cap_ref {
    void    *object;
    unsigned rights;
    badge_t  badge;
};

/*
 * Find the capability that `cptr` names in the CSpace of `t`; it must be of
 * `type` and have all of `rights`. Takes no lock.
 * ERR_INVALID_CAP: empty slot, other type, bad address. ERR_RIGHTS.
 */
error_t cap_lookup(struct tcb *t, cptr_t cptr, enum cap_type type,
                   unsigned rights, struct cap_ref *out);

#endif
