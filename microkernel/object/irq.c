/* SPDX-License-Identifier: MIT */
/* See irq.h. */
#include "object/irq.h"

#include "arch/riscv/plic.h"
#include "kernel/delete.h"
#include "kernel/hart.h"
#include "kernel/tree.h"
#include "object/notification.h"

static struct irq irqs[MAX_IRQS] __attribute__((aligned(CACHE_LINE)));
uint32_t irq_sources;

struct irq *irq_object(uint32_t source)
{
    return source > 0 && source <= irq_sources && source < MAX_IRQS ? &irqs[source] : NULL;
}

bool irq_owns_slot(const struct slot *slot)
{
    return (uintptr_t)slot >= (uintptr_t)irqs && (uintptr_t)slot < (uintptr_t)(irqs + MAX_IRQS);
}

static uint32_t source_of(const struct irq *irq) { return (uint32_t)(irq - irqs); }

/*
 * irq->lock held, claimed: the source may interrupt again. A completion counts only while the source is enabled for the
 * context that claimed it (RISC-V PLIC 1.0.0, 9), and it may have been routed to another one since.
 */
static void complete(struct irq *irq)
{
    uint32_t source = source_of(irq), context = irq->claim_context;
    bool left = !irq->routed || irq->context != context;

    if (left)
        plic_route(source, context, true);
    plic_complete(context, source);
    if (left)
        plic_route(source, context, false);
    irq->claimed = false;
}

void irq_shut(struct irq *irq)
{
    spin_lock(&irq->lock);
    if (irq->claimed)
        complete(irq);
    if (irq->routed)
        plic_route(source_of(irq), irq->context, false);
    irq->routed = false;
    irq->target = NULL;
    spin_unlock(&irq->lock);
}

/* It may have been routed to another hart, or silenced, since this one claimed it. */
void irq_fire(struct hart *h, uint32_t source)
{
    struct irq *irq = irq_object(source);
    struct notification *n;
    badge_t badge;

    h->counters.nr_irqs++;
    if (irq == NULL)            /* never enabled */
        return;
    spin_lock(&irq->lock);
    n = irq->target;
    badge = irq->badge;
    irq->claimed = true;
    irq->claim_context = h->plic_context;
    if (n == NULL)
        complete(irq);
    spin_unlock(&irq->lock);
    if (n != NULL)
        notification_signal(n, badge);
}

/* Tree lock held. Signal what src names from now on, and interrupt that context. A claim stays: whoever has it
 * acknowledges it. */
static void set_target(struct irq *irq, struct slot *src, uint32_t context)
{
    badge_t badge = src->word1;

    if (!slot_is_empty(&irq->slot))
        slot_remove(&irq->slot);
    slot_derive(&irq->slot, src, cap_rights(src->word0), badge, CAP_INTERNAL);
    spin_lock(&irq->lock);
    plic_route(source_of(irq), context, true);
    if (irq->routed && irq->context != context)
        plic_route(source_of(irq), irq->context, false);
    irq->target = cap_object(src->word0);
    irq->badge = badge != 0 ? badge : 1;
    irq->context = context;
    irq->routed = true;
    spin_unlock(&irq->lock);
}

/* Tree lock held: is there no other notification's capability in the way? */
static bool may_set(const struct irq *irq, uint64_t word)
{
    return slot_is_empty(&irq->slot) ||
           (!(irq->slot.word0 & CAP_ZOMBIE) && cap_object(irq->slot.word0) == cap_object(word));
}

/*
 * A notification that it has already is set in one step, so that no interrupt finds the source without a target: the
 * controller need not tell of it again. Another one's capability goes first; it may be the last of its object.
 */
static error_t irq_set_notification(struct invoke *inv, struct irq *irq)
{
    struct slot_ref src;
    uint64_t hart = inv->arg[1];
    error_t err = cspace_find(inv->caller, inv->arg[0], &src);

    if (err != 0)
        return err;
    if (hart >= nr_harts || harts[hart].plic_context == ~0u)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&tree_lock);
    err = slot_ref_check(&src, CAP_TYPE_NOTIFICATION, RIGHT_WRITE);
    bool other = err == 0 && !may_set(irq, src.slot->word0);
    spin_unlock(&tree_lock);
    if (other) {
        struct slot_ref own = { &irq->slot, NULL, 0, 1 };
        err = slot_delete(&own);
    }
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = slot_ref_check(&src, CAP_TYPE_NOTIFICATION, RIGHT_WRITE);
    if (err == 0 && (!may_set(irq, src.slot->word0) || inv->slot->word0 != inv->word))
        err = ERR_BUSY;
    if (err == 0)
        set_target(irq, src.slot, harts[hart].plic_context);
    spin_unlock(&tree_lock);
    return err;
}

error_t irq_decode(struct invoke *inv)
{
    struct irq *irq = inv->object;

    if (!(inv->rights & RIGHT_CONTROL))
        return ERR_RIGHTS;
    switch (inv->op) {
    case IRQ_SET_NOTIFICATION:
        return irq_set_notification(inv, irq);
    case IRQ_ACK:
        spin_lock(&irq->lock);
        if (irq->claimed)
            complete(irq);
        spin_unlock(&irq->lock);
        return 0;
    default:
        return ERR_INVALID_CALL;
    }
}
