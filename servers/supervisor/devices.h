/* SPDX-License-Identifier: MIT */
/* The devices that the supervisor found and gives to servers. */
#ifndef SUPERVISOR_DEVICES_H
#define SUPERVISOR_DEVICES_H

#include <libipc/system.h>

#include "assembly.h"

struct device {
    enum device_kind kind;
    char     compatible[32];
    uint64_t paddr, bytes;
    uint32_t irq;
    cptr_t   segment;           /* in the root CNode */
};

#define MAX_DEVICES 24
/* Read the device tree; virtio-mmio slots without a console or block device
 * behind them are left out. Also makes the DMA Segment. */
unsigned devices_find(const void *fdt_blob, size_t bytes, struct device *out);

#endif
