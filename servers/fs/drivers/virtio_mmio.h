/* SPDX-License-Identifier: MIT */
/*
 * Virtio over memory-mapped registers, modern layout (version 2), and split
 * virtqueues: virtio 1.2, sections 2.7 and 4.2.
 *
 * A queue's memory is allocated once from a dma_region. The device may write
 * the used ring at any time with anything; what is read from it is copied and
 * checked, and a device that breaks the rules is marked broken and left alone.
 */
#ifndef FS_DRIVERS_VIRTIO_MMIO_H
#define FS_DRIVERS_VIRTIO_MMIO_H

#include "mmio.h"

#define VIRTIO_ID_CONSOLE   3
#define VIRTIO_F_VERSION_1  32

#define VIRTQ_MAX 64        /* entries used at most                             */

struct virtq_desc { uint64_t addr; uint32_t len; uint16_t flags, next; };
struct virtq_avail { uint16_t flags, idx, ring[VIRTQ_MAX], used_event; };
struct virtq_used_elem { uint32_t id, len; };
struct virtq_used { uint16_t flags, idx; struct virtq_used_elem ring[VIRTQ_MAX]; uint16_t avail_event; };
#define VIRTQ_DESC_F_NEXT   1
#define VIRTQ_DESC_F_WRITE  2

struct virtio_device {
    uint64_t base;
    struct dma_region *dma;
    uint32_t device_id;
    bool     broken;
};

struct virtq {
    /* immutable after setup */
    struct virtio_device *device;
    uint16_t index;
    uint16_t size;                      /* entries; a power of two              */
    volatile struct virtq_desc *desc;   /* we write, the device reads           */
    volatile struct virtq_avail *avail; /* we write, the device reads           */
    volatile struct virtq_used *used;   /* the device writes, we read           */
    /* the driver's */
    uint16_t avail_idx;                 /* own copy of avail->idx               */
    uint16_t used_idx;                  /* next used entry to look at           */
    uint64_t in_flight;                 /* bit i: descriptor i is the device's  */
};

/* Is there a modern virtio device at `base`? Then reset it and say we know it. */
bool virtio_probe(struct virtio_device *, uint64_t base, struct dma_region *);
/* Agree on VERSION_1 and `wanted` (bit i: feature i) as far as offered;
 * *agreed gets the result. False: the device refused. */
bool virtio_negotiate(struct virtio_device *, uint64_t wanted, uint64_t *agreed);
void virtio_driver_ok(struct virtio_device *);
/* Set up queue `index` with at most `size` entries. False: no such queue, or no
 * memory. */
bool virtq_setup(struct virtq *, struct virtio_device *, uint16_t index, uint16_t size);
/* Read and acknowledge the interrupt's causes. */
uint32_t virtio_ack_interrupt(struct virtio_device *);
uint32_t virtio_config32(const struct virtio_device *, unsigned offset);

/* Offer one buffer in descriptor `id` (not in flight). */
void virtq_offer(struct virtq *, uint16_t id, uint64_t paddr, uint32_t bytes, bool device_writes);
/* Tell the device about what was offered. */
void virtq_notify(struct virtq *);
/* Take back one used buffer: true and its descriptor and length. */
bool virtq_take(struct virtq *, uint16_t *id, uint32_t *bytes);

#endif
