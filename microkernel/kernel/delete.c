/* SPDX-License-Identifier: MIT */
/*
 * See delete.h.
 *
 * The last capability of an object turns into a zombie: it stays in its slot
 * and in the tree, so the Untyped below it keeps a child and its memory cannot
 * be reused, but names nothing any more. The object is then taken apart in
 * steps that may need other harts; the deleter restarts until all is done, and
 * if it vanishes meanwhile, whoever next deletes anything goes on.
 *
 * Containers (CNodes, TCBs) hold slots themselves, which may hold the last
 * capabilities of further containers, in any pattern, cycles included. So no
 * recursion: the zombie of a container moves into the container's own first
 * slot (whose former content takes its place) and the container is put on the
 * list `dying`. Working off the list empties it slot by slot and at last clears
 * the zombie in slot 0. All of this is under the tree lock.
 *
 * Destroying memory objects may take long; this happens without the tree lock,
 * with the zombie marked busy (aux = 1) so that only one hart does it and
 * nobody moves the slot.
 *
 * A Pool is taken apart only when no VSpace or Segment uses it, which may never
 * be, so nobody waits for that: its zombie moves into the Pool's own slot, and
 * whoever destroys the last user finishes it.
 */
#include "kernel/delete.h"

#include "kernel/mailbox.h"
#include "kernel/poison.h"
#include "kernel/preempt.h"
#include "kernel/quiesce.h"
#include "kernel/tree.h"
#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/pool.h"
#include "object/sched_context.h"
#include "object/segment.h"
#include "object/untyped.h"
#include "object/vspace.h"

#define K_PROGRESS 5    /* something was done; do the next step                */
#define WORK_PER_LOCK 1024      /* slots that are only looked at               */
#define STEP_WORK     64        /* emptying one may cost as much as that       */

static struct slot *dying;      /* first slot of a container; linked by `link` */

static error_t finish(struct slot *slot)
{
    quiesce_mark();
    object_unused(slot->word0);
    slot_remove(slot);
    return 0;
}

static error_t destroy_vspace(struct vspace *vs)
{
    error_t err = vspace_destroy_step(vs);

    if (err == K_AGAIN)
        mailbox_post_harts(__atomic_load_n(&vs->harts, __ATOMIC_RELAXED), HART_OP_DROP_VSPACE);
    return err;
}

/* The tree lock is let go meanwhile; the zombie is marked busy. */
static error_t destroy_memory(struct slot *slot, enum cap_type type, void *object)
{
    slot->aux = 1;
    spin_unlock(&tree_lock);
    error_t err = type == CAP_TYPE_VSPACE ? destroy_vspace(object) : segment_destroy_step(object);
    spin_lock(&tree_lock);
    slot->aux = 0;
    if (err == 0 && type == CAP_TYPE_SEGMENT)
        untyped_free_physical(object);
    return err;
}

/* A Pool's zombie: 0 when it is gone, K_AGAIN while the Pool is used. */
static error_t destroy_pool(struct slot *slot)
{
    struct pool *pool = cap_object(slot->word0);

    if (pool_destroy_step(pool) != 0)
        return K_AGAIN;
    untyped_pool_gone(pool);
    return finish(slot);
}

/* The last capability of a Pool: the slot becomes empty, whoever uses the Pool. */
static error_t begin_pool(struct slot *slot)
{
    struct slot *self = &((struct pool *)cap_object(slot->word0))->self;
    uint64_t word0 = slot->word0;

    tree_move(slot, self);
    slot_clear(slot);
    slot_set(self, word0 | CAP_ZOMBIE, 0);
    (void)destroy_pool(self);
    return 0;
}

/* The Pool that a VSpace or Segment uses; it stays a Pool's memory until this hart
 * leaves the kernel. */
static struct pool *pool_of(enum cap_type type, const void *object)
{
    if (type == CAP_TYPE_VSPACE)
        return ((const struct vspace *)object)->pool;
    return type == CAP_TYPE_SEGMENT ? ((const struct segment *)object)->pool : NULL;
}

static error_t step(struct slot *slot);

/* NOLINTNEXTLINE(misc-no-recursion): once more, for the notification of an IRQ */
static error_t destroy(struct slot *slot)
{
    enum cap_type type = cap_type(slot->word0);
    void *object = cap_object(slot->word0);
    struct pool *pool = pool_of(type, object);
    error_t err;

    if (slot->aux == 1)
        return K_AGAIN;
    switch (type) {
    case CAP_TYPE_ENDPOINT:      err = endpoint_destroy_step(object); break;
    case CAP_TYPE_NOTIFICATION:  err = notification_destroy_step(object); break;
    case CAP_TYPE_REPLY:         err = reply_destroy_step(object); break;
    case CAP_TYPE_SCHED_CONTEXT: err = sched_context_destroy_step(object); break;
    case CAP_TYPE_IRQ:
        irq_shut(object);
        err = step(&((struct irq *)object)->slot);
        ((struct irq *)object)->in_use = err != 0;
        break;
    case CAP_TYPE_POOL:          return destroy_pool(slot);
    default:                     err = destroy_memory(slot, type, object); break;
    }
    if (err != 0)
        return err;
    if (pool == NULL)   /* a VSpace that was bound just before */
        pool = pool_of(type, object);
    finish(slot);
    if (pool != NULL && !slot_is_empty(&pool->self))
        (void)destroy_pool(&pool->self);
    return 0;
}

/* Move the zombie in `slot` to the container's own slot `self` and list it. */
static error_t begin_container(struct slot *slot, struct slot *self, uint64_t first)
{
    uint64_t word0 = slot->word0, word1 = self->word1, self_word = self->word0;

    if (slot != self) {
        if (slot_is_empty(self)) {
            tree_move(slot, self);
            slot_clear(slot);
        } else {
            struct slot tmp;
            if (self->aux == 1 || (self_word & CAP_ZOMBIE && self->link != 0))
                return K_AGAIN;
            uint64_t aux = self->aux, link = self->link;
            tree_move(slot, &tmp);
            tree_move(self, slot);
            tree_move(&tmp, self);
            slot_clear(slot);
            slot_set(slot, self_word & ~CAP_INTERNAL, word1);
            slot->aux = aux;
            slot->link = link;
            slot_clear(self);
        }
    }
    slot_set(self, (word0 & ~CAP_INTERNAL) | CAP_ZOMBIE, first);
    self->aux = 0;
    self->link = (uintptr_t)dying;
    dying = self;
    return K_PROGRESS;
}

static bool is_dying_container(const struct slot *slot)
{
    enum cap_type type = cap_type(slot->word0);

    return slot->word0 & CAP_ZOMBIE && (type == CAP_TYPE_CNODE || type == CAP_TYPE_TCB);
}

/* The slot lies inside a TCB or IRQ: let that object stop using it. */
static bool detached(struct slot *slot)
{
    if (irq_owns_slot(slot)) {
        irq_shut((struct irq *)slot);      /* its first member */
        return true;
    }
    struct tcb *t = (struct tcb *)((uintptr_t)slot & ~((1ul << TCB_BITS) - 1));
    uint32_t bit = 1u << (slot - t->slot);
    if (__atomic_load_n(&t->unlinked, __ATOMIC_ACQUIRE))
        return true;
    if (slot->aux == 2)     /* asked before: done when the bit is gone */
        return !(__atomic_load_n(&t->detach_mask, __ATOMIC_ACQUIRE) & bit);
    slot->aux = 2;
    __atomic_fetch_or(&t->detach_mask, bit, __ATOMIC_RELEASE);
    tcb_request(t, TCB_OP_DETACH);
    return !(__atomic_load_n(&t->detach_mask, __ATOMIC_ACQUIRE) & bit);
}

/* One step of emptying a slot, tree lock held: 0 when it is empty. */
/* NOLINTNEXTLINE(misc-no-recursion): see destroy */
static error_t step(struct slot *slot)
{
    uint64_t word = slot->word0;

    if (slot_is_empty(slot))
        return 0;
    if (is_dying_container(slot))
        return K_PROGRESS;      /* it is on the list */
    if (word & CAP_ZOMBIE)
        return destroy(slot);
    if (word & CAP_INTERNAL && cap_type(word) == CAP_TYPE_POOL)
        return untyped_take_from_pool(slot);
    if (word & CAP_INTERNAL && !detached(slot))
        return K_AGAIN;
    enum cap_type type = cap_type(word);
    if (type == CAP_TYPE_UNTYPED || type == CAP_TYPE_PLATFORM || !tree_is_last(slot)) {
        slot_remove(slot);
        return 0;
    }
    if (type == CAP_TYPE_CNODE)
        return begin_container(slot, cap_object(word), 1);
    if (type == CAP_TYPE_TCB)
        return begin_container(slot, &((struct tcb *)cap_object(word))->slot[TCB_SLOT_SELF], 1);
    if (type == CAP_TYPE_POOL)
        return begin_pool(slot);
    slot_set(slot, (word & ~CAP_INTERNAL) | CAP_ZOMBIE, 0);
    slot->aux = 0;
    return destroy(slot);
}

/* The TCB's own part: its hart must let go of it first. */
static bool tcb_gone(struct slot *self)
{
    struct tcb *t = cap_object(self->word0);

    if (!self->aux) {
        self->aux = 2;
        tcb_request(t, TCB_OP_UNLINK);
    }
    if (!__atomic_load_n(&t->unlinked, __ATOMIC_ACQUIRE))
        return false;
    /* Its mailbox node must be in no list, nor come into one by a hart that
     * still holds a reference: a word that is not zero is never pushed. */
    uint32_t none = 0;
    return __atomic_compare_exchange_n(&t->ops, &none, TCB_OP_DEAD, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE) || (none & TCB_OP_DEAD) != 0;
}

/* One step of the list: 0 when it is empty. */
static error_t step_dying(void)
{
    struct slot *self = dying;
    uint64_t size;

    if (self == NULL)
        return 0;
    if (cap_type(self->word0) == CAP_TYPE_TCB) {
        if (!tcb_gone(self))
            return K_AGAIN;
        size = TCB_NR_SLOTS;
    } else {
        size = 1ul << cap_extra(self->word0);
    }
    for (unsigned work = 0; work < WORK_PER_LOCK; work += STEP_WORK) {
        uint64_t at = self->word1;
        if (at >= size) {
            dying = (struct slot *)self->link;
            finish(self);
            return K_PROGRESS;
        }
        if (slot_is_empty(self + at)) {
            uint64_t end = size - at < STEP_WORK ? size : at + STEP_WORK;
            do
                at++;
            while (at < end && slot_is_empty(self + at));
            self->word1 = at;
            continue;
        }
        error_t err = step(self + at);
        if (err == 0)
            self->word1 = at + 1;
        else if (dying != self || err != K_PROGRESS)
            return err;     /* another container comes first, or wait */
    }
    return K_PROGRESS;
}

static bool caller_gone(void)
{
    struct tcb *t = this_hart()->current;
    return t == NULL || t->state != THREAD_RUNNABLE;
}

/* Repeat: make `slot` empty (or, with revoke, childless), then work off the
 * list. The lock is let go between steps. */
static error_t run(struct slot_ref *ref, bool revoke)
{
    error_t err = K_PROGRESS;

    spin_lock(&tree_lock);
    if (!slot_ref_valid(ref))
        err = ERR_INVALID_CAP;
    while (err == K_PROGRESS) {
        struct slot *target = revoke ? ref->slot->first : ref->slot;
        err = 0;
        if (target != NULL && !is_dying_container(target)) {
            err = step(target);
            if (err == 0 && revoke)
                err = K_PROGRESS;
            if (err == K_AGAIN && revoke && cap_type(target->word0) == CAP_TYPE_POOL)
                tree_move_last(ref->slot, target);  /* what uses the Pool goes first */
        }
        if (err == 0)
            err = step_dying();
        if (err == 0 && target != NULL && revoke)
            err = K_PROGRESS;
        if (err != K_PROGRESS)
            break;
        spin_unlock(&tree_lock);
        if (preempt_pending() || caller_gone())
            return K_PREEMPTED;
        spin_lock(&tree_lock);
        if (!slot_ref_valid(ref))
            err = ERR_INVALID_CAP;
    }
    spin_unlock(&tree_lock);
    return err;
}

error_t slot_delete(struct slot_ref *ref)
{
    return run(ref, false);
}

error_t slot_revoke(struct slot_ref *ref)
{
    return run(ref, true);
}
