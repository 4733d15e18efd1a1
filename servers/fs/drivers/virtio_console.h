/* SPDX-License-Identifier: MIT */
/*
 * Virtio console with several named ports (virtio 1.2, 5.3).
 *
 * Life cycle: virtio_console_init negotiates and asks the device for its ports;
 * virtio_console_poll (called for each interrupt, and in a loop while the
 * system starts) handles control messages, and data of all ports. A port exists
 * for its user once it has a name, or is a console port.
 *
 * Sending: vport_send copies into the port's free buffers and tells the device;
 * bytes count as sent when the device gave the buffer back. `sent` tells the
 * user. So a write that is answered only when vport_idle() has left the machine
 * before anybody can power it off.
 */
#ifndef FS_DRIVERS_VIRTIO_CONSOLE_H
#define FS_DRIVERS_VIRTIO_CONSOLE_H

#include "virtio_mmio.h"

#define VPORT_MAX           8
#define VPORT_NAME_BYTES    32
#define VPORT_TX_BUFFERS    4
#define VPORT_TX_BYTES      4096u
#define VPORT_RX_BUFFERS    4
#define VPORT_RX_BYTES      256u
#define VCON_CONTROL_BUFFERS 16
#define VCON_CONTROL_BYTES  64u

struct virtio_console;

struct vport {
    struct virtio_console *console;
    uint32_t id;
    bool     added;             /* the device announced it                      */
    bool     has_queues;
    bool     host_open;         /* somebody listens on the other side           */
    bool     is_console;
    char     name[VPORT_NAME_BYTES];
    struct virtq rx, tx;
    uint8_t *rx_memory, *tx_memory;
    uint64_t rx_paddr, tx_paddr;
    void    *user;
};

struct virtio_console_ops {
    /* The port can be used now (it has a name, or it is a console). */
    void (*port_ready)(struct vport *);
    void (*port_removed)(struct vport *);
    void (*received)(struct vport *, const uint8_t *, size_t);
    /* Buffers came back from the device. */
    void (*sent)(struct vport *);
};

struct virtio_console {
    struct virtio_device *device;
    const struct virtio_console_ops *ops;
    bool     multiport;
    uint32_t nr_ports;          /* that can exist, <= VPORT_MAX                 */
    struct virtq control_rx, control_tx;
    uint8_t *control_rx_memory, *control_tx_memory;
    uint64_t control_rx_paddr, control_tx_paddr;
    struct vport port[VPORT_MAX];
};

/* False: not a usable console. */
bool virtio_console_init(struct virtio_console *, struct virtio_device *, const struct virtio_console_ops *);
void virtio_console_interrupt(struct virtio_console *);
/* Handle what came without an interrupt. */
void virtio_console_poll(struct virtio_console *);

/* Copy up to n bytes into free buffers and start them; returns how many. */
size_t vport_send(struct vport *, const uint8_t *, size_t n);
/* Has the device given back all buffers? */
bool vport_idle(const struct vport *);
/* Is a buffer free? */
bool vport_can_send(const struct vport *);
struct vport *virtio_console_port(struct virtio_console *, const char *name);

#endif
