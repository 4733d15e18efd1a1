/* SPDX-License-Identifier: MIT */
/*
 * Interrupt sources as notifications. An IRQ object exists per source in a
 * table; its capability is made once by PLATFORM_IRQ. Between the interrupt
 * and IRQ_ACK the source is quiet. Each has a slot that holds a copy of the
 * notification's capability, whose badge is signalled.
 */
#ifndef ATOLL_OBJECT_IRQ_H
#define ATOLL_OBJECT_IRQ_H

#include "kernel/invoke.h"
#include "kernel/lock.h"
#include "object/cap.h"

#define MAX_IRQS 256

struct hart;

struct irq {
    struct slot slot;           /* tree lock                                   */
    bool     in_use;            /* has a capability; tree lock                 */
    /* guarded by lock */
    struct spinlock lock __attribute__((aligned(CACHE_LINE)));
    struct notification *target;
    badge_t  badge;
    uint32_t context;           /* routed to                                   */
    uint32_t claim_context;     /* that it was claimed by, if it is            */
    bool     routed, claimed;
};

struct irq *irq_object(uint32_t source);    /* NULL: no such source            */
bool irq_owns_slot(const struct slot *slot);
void irq_shut(struct irq *irq);             /* the source is silenced          */
void irq_fire(struct hart *h, uint32_t source);
error_t irq_decode(struct invoke *inv);
extern uint32_t irq_sources;                /* of the interrupt controller     */

#endif
