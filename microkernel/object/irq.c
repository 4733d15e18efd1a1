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

/* irq->lock held. */
static void unroute(struct irq *irq)
{
    if (irq->claimed)
        plic_complete(irq->context, source_of(irq));
    if (irq->routed)
        plic_route(source_of(irq), irq->context, false);
    irq->routed = irq->claimed = false;
}

void irq_shut(struct irq *irq)
{
    spin_lock(&irq->lock);
    unroute(irq);
    irq->target = NULL;
    spin_unlock(&irq->lock);
}

void irq_fire(struct hart *h, uint32_t source)
{
    struct irq *irq = irq_object(source);
    struct notification *n = NULL;
    badge_t badge = 0;

    h->counters.nr_irqs++;
    if (irq != NULL) {
        spin_lock(&irq->lock);
        n = irq->target;
        badge = irq->badge;
        if (n != NULL && irq->context == h->plic_context)
            irq->claimed = true;
        else
            n = NULL;
        spin_unlock(&irq->lock);
    }
    if (n != NULL) {
        notification_signal(n, badge);
    } else {
        plic_route(source, h->plic_context, false);
        plic_complete(h->plic_context, source);
    }
}

/* Tree lock held. */
static error_t check_target(const struct slot_ref *src, uint64_t *word, badge_t *badge)
{
    if (!slot_ref_valid(src) || !slot_read(src->slot, word, badge) ||
        cap_type(*word) != CAP_TYPE_NOTIFICATION)
        return ERR_INVALID_CAP;
    return cap_rights(*word) & RIGHT_WRITE ? 0 : ERR_RIGHTS;
}

static error_t irq_set_notification(struct invoke *inv, struct irq *irq)
{
    struct slot_ref src;
    uint64_t hart = inv->arg[1], word, badge;
    error_t err = cspace_find(inv->caller, inv->arg[0], &src);

    if (err != 0)
        return err;
    if (hart >= nr_harts || harts[hart].plic_context == ~0u)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&tree_lock);
    err = check_target(&src, &word, &badge);
    spin_unlock(&tree_lock);
    if (err == 0 && !slot_is_empty(&irq->slot)) {
        struct slot_ref own = { &irq->slot, NULL, 0, 1 };
        err = slot_delete(&own);
    }
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = check_target(&src, &word, &badge);
    if (err != 0) {
        ;                       /* deleted just now: the source has no target  */
    } else if (!slot_is_empty(&irq->slot) || inv->slot->word0 != inv->word) {
        err = ERR_BUSY;
    } else {
        slot_derive(&irq->slot, src.slot, cap_rights(word), badge, CAP_INTERNAL);
        spin_lock(&irq->lock);
        irq->target = cap_object(word);
        irq->badge = badge != 0 ? badge : 1;
        irq->context = harts[hart].plic_context;
        irq->routed = true;
        plic_route(source_of(irq), irq->context, true);
        spin_unlock(&irq->lock);
    }
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
        if (irq->claimed) {
            irq->claimed = false;
            plic_complete(irq->context, source_of(irq));
        }
        spin_unlock(&irq->lock);
        return 0;
    default:
        return ERR_INVALID_CALL;
    }
}
