/* SPDX-License-Identifier: MIT */
/* See tree.h. Links: `next` and `prev` hold a sibling's address, or the parent's
 * with bit 0 set at the ends of the list. Every node has a parent: the first
 * capabilities hang below tree_root, which itself names nothing. */
#include "kernel/tree.h"

#include "kernel/assert.h"

struct spinlock tree_lock;
struct slot tree_root;

static bool is_parent(uintptr_t link) { return (link & 1) != 0; }
static struct slot *target(uintptr_t link) { return (struct slot *)(link & ~1ul); }
static uintptr_t sibling_link(const struct slot *s) { return (uintptr_t)s; }
static uintptr_t parent_link(const struct slot *s) { return (uintptr_t)s | 1; }

/* Let what stands before (after) a position point to `to` instead. */
static void point_from_left(uintptr_t prev, uintptr_t to, struct slot *first)
{
    if (is_parent(prev))
        target(prev)->first = first;
    else
        target(prev)->next = to;
}

static void point_from_right(uintptr_t next, uintptr_t to, struct slot *last)
{
    if (is_parent(next))
        target(next)->last = last;
    else
        target(next)->prev = to;
}

void tree_add_child(struct slot *parent, struct slot *child)
{
    child->first = child->last = NULL;
    child->prev = parent_link(parent);
    if (parent->first == NULL) {
        child->next = parent_link(parent);
        parent->last = child;
    } else {
        child->next = sibling_link(parent->first);
        parent->first->prev = sibling_link(child);
    }
    parent->first = child;
}

void tree_remove(struct slot *slot)
{
    kassert(slot->prev != 0 && slot->next != 0);
    if (slot->first == NULL) {
        uintptr_t next = slot->next, prev = slot->prev;
        if (is_parent(next) && is_parent(prev)) {
            target(next)->first = target(next)->last = NULL;
        } else {
            /* The neighbour on one side takes over the other side's link. */
            point_from_left(prev, next, target(next));
            point_from_right(next, prev, target(prev));
        }
    } else {
        slot->first->prev = slot->prev;
        slot->last->next = slot->next;
        point_from_left(slot->prev, sibling_link(slot->first), slot->first);
        point_from_right(slot->next, sibling_link(slot->last), slot->last);
    }
    slot->first = slot->last = NULL;
    slot->next = slot->prev = 0;
}

void tree_move(struct slot *from, struct slot *to)
{
    to->first = from->first;
    to->last = from->last;
    to->next = from->next;
    to->prev = from->prev;
    point_from_left(to->prev, sibling_link(to), to);
    point_from_right(to->next, sibling_link(to), to);
    if (to->first != NULL) {
        to->first->prev = parent_link(to);
        to->last->next = parent_link(to);
    }
    from->first = from->last = NULL;
    from->next = from->prev = 0;
}

void tree_move_last(struct slot *parent, struct slot *slot)
{
    kassert(slot->first == NULL);
    if (parent->last == slot)
        return;
    tree_remove(slot);
    slot->prev = sibling_link(parent->last);
    slot->next = parent_link(parent);
    parent->last->next = sibling_link(slot);
    parent->last = slot;
}

static bool same_object(const struct slot *a, const struct slot *b)
{
    return ((a->word0 ^ b->word0) & (CAP_OBJECT_MASK | CAP_TYPE_MASK)) == 0;
}

bool tree_is_last(const struct slot *slot)
{
    return !(slot->first != NULL && same_object(slot, slot->first)) &&
           !same_object(slot, target(slot->prev)) &&
           (is_parent(slot->next) || !same_object(slot, target(slot->next)));
}

static uint64_t counted(const struct slot *slot, uint64_t word)
{
    uint64_t count = (slot->word0 >> CAP_COUNT_SHIFT) + 1;
    return (word & ~(0xfful << CAP_COUNT_SHIFT)) | count << CAP_COUNT_SHIFT;
}

void slot_set(struct slot *slot, uint64_t word0, uint64_t word1)
{
    __atomic_store_n(&slot->word1, word1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->word0, counted(slot, word0), __ATOMIC_RELEASE);
}

void slot_clear(struct slot *slot)
{
    __atomic_store_n(&slot->word0, counted(slot, CAP_TYPE_NULL), __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&slot->word1, 0, __ATOMIC_RELAXED);
    slot->link = slot->aux = 0;
}

void slot_remove(struct slot *slot)
{
    tree_remove(slot);
    slot_clear(slot);
}

void slot_derive(struct slot *dst, struct slot *src, unsigned rights, badge_t badge,
                 uint64_t flags)
{
    uint64_t word = src->word0 & ~(CAP_INTERNAL | (uint64_t)RIGHTS_ALL << CAP_RIGHTS_SHIFT);

    kassert(slot_is_empty(dst));
    tree_add_child(src, dst);
    slot_set(dst, word | (uint64_t)rights << CAP_RIGHTS_SHIFT | flags, badge);
}
