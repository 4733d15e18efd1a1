/* SPDX-License-Identifier: MIT */
/* See cnode.h. Every change is made under the tree lock, after the slots were
 * found without it and are confirmed (kernel/cspace.h). */
#include "object/cnode.h"

#include "kernel/delete.h"
#include "kernel/tree.h"
#include "kernel/usercopy.h"
#include "object/endpoint.h"

/* Empty and usable as a destination. */
static error_t check_dest(const struct slot_ref *dst)
{
    if (!slot_ref_valid(dst))
        return ERR_INVALID_CAP;
    return slot_is_empty(dst->slot) ? 0 : ERR_SLOT_OCCUPIED;
}

static error_t check_source(const struct slot_ref *src)
{
    if (!slot_ref_valid(src) || slot_is_empty(src->slot) || src->slot->word0 & CAP_ZOMBIE)
        return ERR_INVALID_CAP;
    return 0;
}

static void move(struct slot *from, struct slot *to)
{
    uint64_t word0 = from->word0, word1 = from->word1, link = from->link, aux = from->aux;

    tree_move(from, to);
    slot_clear(from);
    to->link = link;
    to->aux = aux;
    slot_set(to, word0, word1);
}

static error_t mint_badge(const struct slot *src, bool mint, badge_t wanted, badge_t *badge)
{
    enum cap_type type = cap_type(src->word0);

    *badge = src->word1;
    if (!mint || wanted == src->word1)
        return 0;
    if (type == CAP_TYPE_ENDPOINT && src->word1 != 0)
        return ERR_INVALID_ARGUMENT;
    if (type == CAP_TYPE_NOTIFICATION && src->word1 != 0 && (wanted & ~src->word1) != 0)
        return ERR_INVALID_ARGUMENT;
    if (type != CAP_TYPE_ENDPOINT && type != CAP_TYPE_NOTIFICATION)
        return wanted == 0 ? 0 : ERR_INVALID_ARGUMENT;
    *badge = wanted;
    return 0;
}

/* COPY, MINT and MOVE. */
static error_t put(struct invoke *inv, const struct slot_ref *dst)
{
    struct slot_ref src;
    badge_t badge;
    error_t err = cspace_find(inv->caller, inv->arg[1], &src);

    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = check_source(&src);
    if (err == 0)
        err = check_dest(dst);
    if (err == 0 && inv->op == CNODE_MOVE) {
        move(src.slot, dst->slot);
    } else if (err == 0) {
        err = cap_type(src.slot->word0) == CAP_TYPE_UNTYPED
                  ? ERR_INVALID_ARGUMENT
                  : mint_badge(src.slot, inv->op == CNODE_MINT, inv->arg[3], &badge);
        if (err == 0)
            slot_derive(dst->slot, src.slot, cap_rights(src.slot->word0) & (unsigned)inv->arg[2],
                        badge, 0);
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t rotate(struct invoke *inv, const struct slot_ref *a)
{
    struct slot_ref b, c;
    error_t err = cspace_index(inv->slot, inv->word, inv->arg[1], &b);

    if (err == 0)
        err = cspace_index(inv->slot, inv->word, inv->arg[2], &c);
    if (err != 0)
        return err;
    if (a->slot == b.slot || b.slot == c.slot)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&tree_lock);
    err = check_source(&b);
    if (err == 0)
        err = check_source(&c);
    if (err == 0 && a->slot != c.slot)
        err = check_dest(a);
    if (err == 0 && a->slot == c.slot) {
        struct slot tmp = { 0 };
        move(c.slot, &tmp);
        move(b.slot, c.slot);
        move(&tmp, b.slot);
    } else if (err == 0) {
        move(b.slot, a->slot);
        move(c.slot, b.slot);
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t cancel_badged(struct invoke *inv, const struct slot_ref *ref)
{
    uint64_t word, badge;

    if (!slot_read(ref->slot, &word, &badge) || cap_type(word) != CAP_TYPE_ENDPOINT)
        return ERR_INVALID_CAP;
    return endpoint_cancel_badged(cap_object(word), badge, &inv->caller->restart_cursor);
}

static error_t inspect(struct invoke *inv, const struct slot_ref *ref)
{
    struct capability_info info = { 0 };
    uint64_t word, badge, other_word = 0, other_badge;
    struct slot_ref other;
    error_t err = inv->arg[2] ? cspace_find(inv->caller, inv->arg[2], &other) : 0;

    if (err != 0)
        return err;
    if (inv->arg[2] && !slot_read(other.slot, &other_word, &other_badge))
        return ERR_INVALID_CAP;
    if (slot_read(ref->slot, &word, &badge)) {
        info.type = cap_type(word);
        info.rights = cap_rights(word);
        info.badge = info.type == CAP_TYPE_UNTYPED ? 0 : badge;
        info.same_object = cap_type(other_word) == info.type && cap_object(other_word) == cap_object(word);
    }
    inv->result = info.type | info.rights << 8 | info.badge << 16;
    return inv->arg[1] ? copy_to_user(inv->caller->vspace, inv->arg[1], &info, sizeof(info)) : 0;
}

error_t cnode_decode(struct invoke *inv)
{
    struct slot_ref ref;

    if (!(inv->rights & (inv->op == CNODE_INSPECT ? RIGHT_READ : RIGHT_WRITE)))
        return ERR_RIGHTS;
    error_t err = cspace_index(inv->slot, inv->word, inv->arg[0], &ref);
    if (err != 0)
        return err;
    switch (inv->op) {
    case CNODE_COPY:
    case CNODE_MINT:
    case CNODE_MOVE:          return put(inv, &ref);
    case CNODE_ROTATE:        return rotate(inv, &ref);
    case CNODE_DELETE:        return slot_delete(&ref);
    case CNODE_REVOKE:        return slot_revoke(&ref);
    case CNODE_CANCEL_BADGED: return cancel_badged(inv, &ref);
    case CNODE_INSPECT:       return inspect(inv, &ref);
    default:                  return ERR_INVALID_CALL;
    }
}
