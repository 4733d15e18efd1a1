/* SPDX-License-Identifier: MIT */
/* The devices that the supervisor found and gives to servers. */
#ifndef SUPERVISOR_DEVICES_H
#define SUPERVISOR_DEVICES_H

#include <libipc/system.h>

#include "assembly.h"

struct device {
    unsigned kind;              /* index of device_kinds                        */
    const char *compatible;     /* of device_kinds                              */
    uint64_t paddr, bytes;
    uint32_t irq;               /* source number; 0: none                       */
    cptr_t   segment;           /* in the root CNode                            */
    cptr_t   irq_cap;           /* the same; 0: nobody has it                   */
    cptr_t   irq_bit;           /* the same: what the interrupt signals         */
};

#define MAX_DEVICES 24
/* Read the device tree; kinds that the assembly does not know, and virtio-mmio
 * slots without one of the devices that it names behind them, are left out.
 * Also makes the Segments of kinds that are memory. */
unsigned devices_find(const void *fdt_blob, size_t bytes, struct device *out);

#endif
