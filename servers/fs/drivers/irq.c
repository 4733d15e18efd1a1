/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of devices in fs: the supervisor bound each device's IRQ to a bit
 * of the server's notification (SRV_IRQ_BIT); here the bit is bound to the
 * driver.
 */
#include <libipc/executor.h>
#include <libipc/syscall.h>

#include "drivers.h"

static struct { void (*fn)(void *); void *arg; cptr_t cap; } handler[SRV_MAX_DEVICES];

static void on_bits(uint64_t bits, void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;

    (void)bits;
    handler[i].fn(handler[i].arg);
    (void)irq_ack(handler[i].cap);
}

void irq_attach(const struct srv_device *d, void (*fn)(void *), void *arg)
{
    if (d->cap < SRV_CAP_IRQ || d->cap >= SRV_CAP_IRQ + SRV_MAX_DEVICES)
        return;     /* a device without an interrupt */
    unsigned i = d->cap - SRV_CAP_IRQ;
    handler[i].fn = fn;
    handler[i].arg = arg;
    handler[i].cap = d->cap;
    exec_on_signal(SRV_IRQ_BIT(i), on_bits, (void *)(uintptr_t)i);
    (void)irq_ack(d->cap);      /* whatever came before we listened */
}
