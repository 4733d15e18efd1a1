/* SPDX-License-Identifier: MIT */
/*
 * Virtio over memory-mapped registers; see virtio_mmio.h. Register numbers and
 * the order of initialization: virtio 1.2, 4.2.2 and 3.1.1.
 */
#include "virtio_mmio.h"

enum {
    REG_MAGIC = 0x000, REG_VERSION = 0x004, REG_DEVICE_ID = 0x008,
    REG_DEVICE_FEATURES = 0x010, REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020, REG_DRIVER_FEATURES_SEL = 0x024,
    REG_QUEUE_SEL = 0x030, REG_QUEUE_NUM_MAX = 0x034, REG_QUEUE_NUM = 0x038,
    REG_QUEUE_READY = 0x044, REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060, REG_INTERRUPT_ACK = 0x064, REG_STATUS = 0x070,
    REG_QUEUE_DESC_LOW = 0x080, REG_QUEUE_DESC_HIGH = 0x084,
    REG_QUEUE_DRIVER_LOW = 0x090, REG_QUEUE_DRIVER_HIGH = 0x094,
    REG_QUEUE_DEVICE_LOW = 0x0a0, REG_QUEUE_DEVICE_HIGH = 0x0a4,
    REG_CONFIG = 0x100
};

#define MAGIC 0x74726976u
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define STATUS_FAILED      128u

static uint32_t get(const struct virtio_device *dev, unsigned reg)
{
    return mmio_read32(dev->base + reg);
}

static void set(const struct virtio_device *dev, unsigned reg, uint32_t value)
{
    mmio_write32(dev->base + reg, value);
}

static void set_status(const struct virtio_device *dev, uint32_t bits)
{
    set(dev, REG_STATUS, get(dev, REG_STATUS) | bits);
}

bool virtio_probe(struct virtio_device *dev, uint64_t base, struct dma_region *dma)
{
    *dev = (struct virtio_device){ .base = base, .dma = dma };
    if (get(dev, REG_MAGIC) != MAGIC || get(dev, REG_VERSION) != 2)
        return false;
    dev->device_id = get(dev, REG_DEVICE_ID);
    if (dev->device_id == 0)
        return false;
    set(dev, REG_STATUS, 0);
    set_status(dev, STATUS_ACKNOWLEDGE);
    set_status(dev, STATUS_DRIVER);
    return true;
}

bool virtio_negotiate(struct virtio_device *dev, uint64_t wanted, uint64_t *agreed)
{
    uint64_t offered;

    set(dev, REG_DEVICE_FEATURES_SEL, 0);
    offered = get(dev, REG_DEVICE_FEATURES);
    set(dev, REG_DEVICE_FEATURES_SEL, 1);
    offered |= (uint64_t)get(dev, REG_DEVICE_FEATURES) << 32;
    *agreed = offered & (wanted | 1ul << VIRTIO_F_VERSION_1);
    set(dev, REG_DRIVER_FEATURES_SEL, 0);
    set(dev, REG_DRIVER_FEATURES, (uint32_t)*agreed);
    set(dev, REG_DRIVER_FEATURES_SEL, 1);
    set(dev, REG_DRIVER_FEATURES, (uint32_t)(*agreed >> 32));
    set_status(dev, STATUS_FEATURES_OK);
    if (!(*agreed >> VIRTIO_F_VERSION_1 & 1) || !(get(dev, REG_STATUS) & STATUS_FEATURES_OK)) {
        set_status(dev, STATUS_FAILED);
        return false;
    }
    return true;
}

void virtio_driver_ok(struct virtio_device *dev)
{
    set_status(dev, STATUS_DRIVER_OK);
}

uint32_t virtio_ack_interrupt(struct virtio_device *dev)
{
    uint32_t causes = get(dev, REG_INTERRUPT_STATUS);
    if (causes != 0)
        set(dev, REG_INTERRUPT_ACK, causes);
    return causes;
}

uint32_t virtio_config32(const struct virtio_device *dev, unsigned offset)
{
    return get(dev, REG_CONFIG + offset);
}

static void set_address(struct virtio_device *dev, unsigned low, uint64_t paddr)
{
    set(dev, low, (uint32_t)paddr);
    set(dev, low + 4, (uint32_t)(paddr >> 32));
}

bool virtq_setup(struct virtq *vq, struct virtio_device *dev, uint16_t index, uint16_t size)
{
    uint64_t desc, avail, used;

    *vq = (struct virtq){ .device = dev, .index = index };
    set(dev, REG_QUEUE_SEL, index);
    uint32_t max = get(dev, REG_QUEUE_NUM_MAX);
    if (max == 0 || get(dev, REG_QUEUE_READY) != 0)
        return false;
    if (size > VIRTQ_MAX)
        size = VIRTQ_MAX;
    while (size > max)
        size /= 2;
    vq->size = size;
    vq->desc = dma_alloc(dev->dma, sizeof(struct virtq_desc) * size, 16, &desc);
    vq->avail = dma_alloc(dev->dma, sizeof(struct virtq_avail), 2, &avail);
    vq->used = dma_alloc(dev->dma, sizeof(struct virtq_used), 4, &used);
    if (vq->desc == NULL || vq->avail == NULL || vq->used == NULL)
        return false;
    set(dev, REG_QUEUE_NUM, size);
    set_address(dev, REG_QUEUE_DESC_LOW, desc);
    set_address(dev, REG_QUEUE_DRIVER_LOW, avail);
    set_address(dev, REG_QUEUE_DEVICE_LOW, used);
    set(dev, REG_QUEUE_READY, 1);
    return true;
}

void virtq_offer(struct virtq *vq, uint16_t id, uint64_t paddr, uint32_t bytes, bool device_writes)
{
    vq->in_flight |= 1ul << id;
    vq->desc[id].addr = paddr;
    vq->desc[id].len = bytes;
    vq->desc[id].flags = device_writes ? VIRTQ_DESC_F_WRITE : 0;
    vq->desc[id].next = 0;
    vq->avail->ring[vq->avail_idx & (vq->size - 1)] = id;
    vq->avail_idx++;
}

void virtq_notify(struct virtq *vq)
{
    dma_fence();        /* descriptors and ring before the index */
    vq->avail->idx = vq->avail_idx;
    dma_fence();
    set(vq->device, REG_QUEUE_NOTIFY, vq->index);
}

bool virtq_take(struct virtq *vq, uint16_t *id, uint32_t *bytes)
{
    uint16_t idx = vq->used->idx;

    if (idx == vq->used_idx || vq->device->broken)
        return false;
    dma_fence();        /* the index before the entry */
    uint32_t slot = vq->used_idx & (vq->size - 1);
    uint32_t used_id = vq->used->ring[slot].id;
    uint32_t used_len = vq->used->ring[slot].len;
    if (used_id >= vq->size || !(vq->in_flight >> used_id & 1)) {
        vq->device->broken = true;
        return false;
    }
    vq->in_flight &= ~(1ul << used_id);
    vq->used_idx++;
    *id = (uint16_t)used_id;
    *bytes = used_len;
    return true;
}
