/* SPDX-License-Identifier: MIT */
/* See cspace.h. */
#include "kernel/cspace.h"

#include "kernel/tree.h"
#include "object/tcb.h"

#define INDEX_MASK ((1ul << 32) - 1)

error_t cspace_find(struct tcb *t, cptr_t cptr, struct slot_ref *out)
{
    uint64_t root = cptr & CPTR_ROOT_MASK, index = cptr >> CPTR_ROOT_BITS;

    if (t->cspace == NULL || root > t->cspace_mask || root == 0 || index > INDEX_MASK)
        return ERR_INVALID_CAP;
    struct slot *slot = &t->cspace[root];
    if (index == 0) {
        *out = (struct slot_ref){ slot, NULL, 0, t->cspace_mask + 1 - root };
        return 0;
    }
    return cspace_index(slot, __atomic_load_n(&slot->word0, __ATOMIC_ACQUIRE), index - 1, out);
}

error_t cspace_index(struct slot *via, uint64_t word, uint64_t index, struct slot_ref *out)
{
    if ((word & (CAP_TYPE_MASK | CAP_ZOMBIE)) != CAP_TYPE_CNODE)
        return ERR_INVALID_CAP;
    uint64_t size = 1ul << cap_extra(word);
    if (index >= size)
        return ERR_RANGE;
    object_found();
    *out = (struct slot_ref){ (struct slot *)cap_object(word) + index, via, word, size - index };
    return 0;
}

error_t slot_ref_check(const struct slot_ref *ref, enum cap_type type, unsigned rights)
{
    uint64_t word = ref->slot->word0;

    if (!slot_ref_valid(ref) || cap_type(word) != type || word & CAP_ZOMBIE)
        return ERR_INVALID_CAP;
    return (cap_rights(word) & rights) == rights ? 0 : ERR_RIGHTS;
}

error_t cap_lookup(struct tcb *t, cptr_t cptr, enum cap_type type, unsigned rights,
                   struct cap_ref *out)
{
    uint64_t word, badge;
    const struct slot *slot = cspace_slot(t->cspace, t->cspace_mask, cptr);

    if (slot == NULL)
        return ERR_INVALID_CAP;
    slot_words(slot, &word, &badge);
    if ((unsigned)(word & (CAP_TYPE_MASK | CAP_ZOMBIE)) != (unsigned)type)
        return ERR_INVALID_CAP;
    out->object = cap_object(word);
    out->rights = cap_rights(word);
    out->badge = badge;
    return (out->rights & rights) == rights ? 0 : ERR_RIGHTS;
}

error_t cspace_copy(struct tcb *from, cptr_t source, struct tcb *to, cptr_t dest, badge_t *badge)
{
    struct slot_ref src, dst;
    error_t err = cspace_find(from, source, &src);

    if (err == 0)
        err = cspace_find(to, dest, &dst);
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    if (!slot_ref_valid(&src) || !slot_ref_valid(&dst) || slot_is_empty(src.slot) ||
        src.slot->word0 & CAP_ZOMBIE || cap_type(src.slot->word0) == CAP_TYPE_UNTYPED) {
        err = ERR_INVALID_CAP;
    } else if (!slot_is_empty(dst.slot)) {
        err = ERR_SLOT_OCCUPIED;
    } else {
        *badge = src.slot->word1;
        slot_derive(dst.slot, src.slot, cap_rights(src.slot->word0), src.slot->word1, 0);
    }
    spin_unlock(&tree_lock);
    return err;
}
