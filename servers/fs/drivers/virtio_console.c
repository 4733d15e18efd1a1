/* SPDX-License-Identifier: MIT */
/*
 * Virtio console; see the header. Queue numbers (5.3.2): 0, 1 receive and
 * transmit of port 0; 2, 3 control receive and transmit; then 4, 5 of port 1
 * and so on.
 */
#include "virtio_console.h"

#include <string.h>

#define F_MULTIPORT (1ul << 1)
#define CONFIG_MAX_PORTS 4

/* struct virtio_console_control and its events (5.3.6.2) */
struct control { uint32_t id; uint16_t event, value; };
enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

static uint16_t lowest(uint64_t bits)
{
    return (uint16_t)__builtin_ctzl(bits);
}

static uint64_t mask(uint16_t n)
{
    return n >= 64 ? ~0ul : (1ul << n) - 1;
}

/* ---- control messages to the device ---- */

static void send_control(struct virtio_console *vc, uint32_t id, uint16_t event, uint16_t value)
{
    uint16_t done_id;
    uint32_t done_bytes;
    struct virtq *vq = &vc->control_tx;
    /* The device consumes these at once; wait for room only if it lags, and not
     * for ever. */
    for (unsigned spin = 0; spin < 1000000; spin++) {
        while (virtq_take(vq, &done_id, &done_bytes))
            continue;
        if ((~vq->in_flight & mask(vq->size)) != 0)
            break;
    }
    uint64_t free = ~vq->in_flight & mask(vq->size);
    if (free == 0) {
        vc->device->broken = true;
        return;
    }
    uint16_t slot = lowest(free);
    struct control message = { id, event, value };
    memcpy(vc->control_tx_memory + slot * sizeof(message), &message, sizeof(message));
    virtq_offer(vq, slot, vc->control_tx_paddr + slot * sizeof(message), sizeof(message), false);
    virtq_notify(vq);
}

/* ---- ports ---- */

static uint16_t rx_queue(uint32_t id)
{
    return (uint16_t)(id == 0 ? 0 : 2 + id * 2);
}

static void offer_all(struct virtq *vq, uint64_t paddr, uint32_t bytes)
{
    for (uint16_t i = 0; i < vq->size; i++)
        virtq_offer(vq, i, paddr + (uint64_t)i * bytes, bytes, true);
    virtq_notify(vq);
}

/* Queues can be set up only before DRIVER_OK, so all ports get theirs at once. */
static bool setup_port(struct virtio_console *vc, uint32_t id)
{
    struct vport *port = &vc->port[id];
    struct virtio_device *dev = vc->device;

    port->console = vc;
    port->id = id;
    if (!virtq_setup(&port->rx, dev, rx_queue(id), VPORT_RX_BUFFERS) ||
        !virtq_setup(&port->tx, dev, rx_queue(id) + 1, VPORT_TX_BUFFERS))
        return false;
    port->rx_memory = dma_alloc(dev->dma, port->rx.size * VPORT_RX_BYTES, 64, &port->rx_paddr);
    port->tx_memory = dma_alloc(dev->dma, port->tx.size * VPORT_TX_BYTES, 64, &port->tx_paddr);
    port->has_queues = port->rx_memory != NULL && port->tx_memory != NULL;
    return port->has_queues;
}

static void port_ready(struct vport *port)
{
    send_control(port->console, port->id, PORT_OPEN, 1);
    port->console->ops->port_ready(port);
}

static void handle_control(struct virtio_console *vc, const uint8_t *bytes, uint32_t n)
{
    struct control message;

    if (n < sizeof(message))
        return;
    memcpy(&message, bytes, sizeof(message));
    if (message.id >= vc->nr_ports || !vc->port[message.id].has_queues) {
        if (message.event == PORT_ADD)
            send_control(vc, message.id, PORT_READY, 0);
        return;
    }
    struct vport *port = &vc->port[message.id];
    switch (message.event) {
    case PORT_ADD:
        port->added = true;
        send_control(vc, message.id, PORT_READY, 1);
        break;
    case PORT_REMOVE:
        if (port->added)
            vc->ops->port_removed(port);
        port->added = false;
        port->name[0] = '\0';
        break;
    case CONSOLE_PORT:
        port->is_console = true;
        port_ready(port);
        break;
    case PORT_OPEN:
        port->host_open = message.value != 0;
        break;
    case PORT_NAME: {
        uint32_t length = n - (uint32_t)sizeof(message);
        bool first = port->name[0] == '\0';
        if (length >= VPORT_NAME_BYTES)
            length = VPORT_NAME_BYTES - 1;
        memcpy(port->name, bytes + sizeof(message), length);
        port->name[length] = '\0';
        if (first && port->name[0] != '\0')
            port_ready(port);
        break;
    }
    default:
        break;
    }
}

/* ---- interrupts ---- */

static void poll_control(struct virtio_console *vc)
{
    uint8_t copy[VCON_CONTROL_BYTES];
    uint16_t id;
    uint32_t n;
    bool any = false;

    while (virtq_take(&vc->control_rx, &id, &n)) {
        if (n > VCON_CONTROL_BYTES)
            n = VCON_CONTROL_BYTES;
        memcpy(copy, vc->control_rx_memory + id * VCON_CONTROL_BYTES, n);
        virtq_offer(&vc->control_rx, id, vc->control_rx_paddr + id * VCON_CONTROL_BYTES, VCON_CONTROL_BYTES, true);
        any = true;
        handle_control(vc, copy, n);
    }
    if (any)
        virtq_notify(&vc->control_rx);
}

static void poll_port(struct vport *port)
{
    uint8_t copy[VPORT_RX_BYTES];
    uint16_t id;
    uint32_t n;
    bool received = false, sent = false;

    while (virtq_take(&port->rx, &id, &n)) {
        if (n > VPORT_RX_BYTES)
            n = VPORT_RX_BYTES;
        memcpy(copy, port->rx_memory + id * VPORT_RX_BYTES, n);
        virtq_offer(&port->rx, id, port->rx_paddr + id * VPORT_RX_BYTES, VPORT_RX_BYTES, true);
        received = true;
        port->console->ops->received(port, copy, n);
    }
    if (received)
        virtq_notify(&port->rx);
    while (virtq_take(&port->tx, &id, &n))
        sent = true;
    if (sent)
        port->console->ops->sent(port);
}

void virtio_console_poll(struct virtio_console *vc)
{
    if (vc->device->broken)
        return;
    if (vc->multiport)
        poll_control(vc);
    for (uint32_t i = 0; i < vc->nr_ports; i++)
        if (vc->port[i].has_queues)
            poll_port(&vc->port[i]);
}

void virtio_console_interrupt(struct virtio_console *vc)
{
    (void)virtio_ack_interrupt(vc->device);
    virtio_console_poll(vc);
}

/* ---- sending ---- */

static uint64_t free_tx(const struct vport *port)
{
    return ~port->tx.in_flight & mask(port->tx.size);
}

bool vport_can_send(const struct vport *port)
{
    return port->has_queues && free_tx(port) != 0;
}

bool vport_idle(const struct vport *port)
{
    return port->tx.in_flight == 0 || port->console->device->broken;
}

size_t vport_send(struct vport *port, const uint8_t *bytes, size_t n)
{
    uint16_t id;
    uint32_t ignored;
    size_t done = 0;

    if (!port->has_queues || port->console->device->broken)
        return n;       /* nobody will ever take it: as if unplugged */
    while (virtq_take(&port->tx, &id, &ignored))
        continue;
    while (done < n && free_tx(port) != 0) {
        id = lowest(free_tx(port));
        size_t part = n - done < VPORT_TX_BYTES ? n - done : VPORT_TX_BYTES;
        memcpy(port->tx_memory + (size_t)id * VPORT_TX_BYTES, bytes + done, part);
        virtq_offer(&port->tx, id, port->tx_paddr + (uint64_t)id * VPORT_TX_BYTES, (uint32_t)part, false);
        done += part;
    }
    if (done != 0)
        virtq_notify(&port->tx);
    /* most devices are done by now */
    while (virtq_take(&port->tx, &id, &ignored))
        continue;
    return done;
}

struct vport *virtio_console_port(struct virtio_console *vc, const char *name)
{
    for (uint32_t i = 0; i < vc->nr_ports; i++)
        if (vc->port[i].added && strcmp(vc->port[i].name, name) == 0)
            return &vc->port[i];
    return NULL;
}

/* ---- start ---- */

static bool setup_control(struct virtio_console *vc)
{
    struct virtio_device *dev = vc->device;

    if (!virtq_setup(&vc->control_rx, dev, 2, VCON_CONTROL_BUFFERS) ||
        !virtq_setup(&vc->control_tx, dev, 3, VCON_CONTROL_BUFFERS))
        return false;
    vc->control_rx_memory = dma_alloc(dev->dma, VCON_CONTROL_BUFFERS * VCON_CONTROL_BYTES, 64, &vc->control_rx_paddr);
    vc->control_tx_memory =
        dma_alloc(dev->dma, VCON_CONTROL_BUFFERS * sizeof(struct control), 64, &vc->control_tx_paddr);
    return vc->control_rx_memory != NULL && vc->control_tx_memory != NULL;
}

bool virtio_console_init(struct virtio_console *vc, struct virtio_device *dev, const struct virtio_console_ops *ops)
{
    uint64_t features;

    memset(vc, 0, sizeof(*vc));
    vc->device = dev;
    vc->ops = ops;
    if (dev->device_id != VIRTIO_ID_CONSOLE || !virtio_negotiate(dev, F_MULTIPORT, &features))
        return false;
    vc->multiport = (features & F_MULTIPORT) != 0;
    vc->nr_ports = vc->multiport ? virtio_config32(dev, CONFIG_MAX_PORTS) : 1;
    if (vc->nr_ports > VPORT_MAX)
        vc->nr_ports = VPORT_MAX;
    if (vc->multiport && !setup_control(vc))
        return false;
    unsigned nr_usable = 0;
    for (uint32_t id = 0; id < vc->nr_ports; id++)
        nr_usable += setup_port(vc, id);
    if (nr_usable == 0)
        return false;
    virtio_driver_ok(dev);
    for (uint32_t id = 0; id < vc->nr_ports; id++)
        if (vc->port[id].has_queues)
            offer_all(&vc->port[id].rx, vc->port[id].rx_paddr, VPORT_RX_BYTES);
    if (vc->multiport) {
        offer_all(&vc->control_rx, vc->control_rx_paddr, VCON_CONTROL_BYTES);
        send_control(vc, 0, DEVICE_READY, 1);
    } else {
        vc->port[0].added = vc->port[0].is_console = vc->port[0].host_open = true;
        ops->port_ready(&vc->port[0]);
    }
    return true;
}
