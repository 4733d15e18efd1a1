/* SPDX-License-Identifier: MIT */
/*
 * The drivers that live in fs, as streams.c starts them: each takes a device
 * of server_info and makes terminals or character devices of it.
 */
#ifndef FS_DRIVERS_DRIVERS_H
#define FS_DRIVERS_DRIVERS_H

#include <libipc/system.h>

#include "../file.h"
#include "mmio.h"

struct tty;
struct uart_chip;
struct inode;
struct process;

/* Call fn at each interrupt of the device, and acknowledge it afterwards. */
void irq_attach(const struct srv_device *, void (*fn)(void *), void *arg);

/* The driver of a UART; NULL: there is none, or it is no UART. */
const struct uart_chip *uart_chip_of(const struct srv_device *);
/* A UART as a terminal; NULL: no memory, or no driver. */
struct tty *uart_tty_start(const struct srv_device *);

/* A virtio console: its named ports become /dev/vport/NAME, its console ports
 * terminals hvcN. False: the slot is empty or holds something else. */
bool vport_start(const struct srv_device *, struct dma_region *);
/* Wait, by polling, until both --exec ports have shown up or the deadline has
 * passed. Only while the system starts. */
void vport_settle(ticks_t deadline);
/* An open file on the port with this name; NULL: there is none. */
struct file *vport_open_named(const char *name);
/* The port "atoll.trace": is a buffer free; send up to VPORT_TX_BYTES. */
bool vport_trace_ready(void);
void vport_trace_send(const void *, size_t);
error_t vport_open(struct inode *, struct file *, struct process *);
/* The terminal of hvc<minor>, or NULL. */
struct tty *hvc_tty(uint32_t minor);

/* A UART beside the console as a link to the host (uart_link.c), for one device. False: no memory, no driver, or there
 * is a link. Then: is there room for n (at most 4096) bytes; send them to a stream; an open file on a stream, NULL
 * where there is no link. */
bool uart_link_start(const struct srv_device *);
bool uart_link_ready(uint32_t n);
void uart_link_send(uint8_t stream, const void *, uint32_t n);
struct file *uart_link_open(uint8_t stream);

/* Spin until everything written to the UARTs and the ports is out, or until the
 * deadline. For the moment before the power goes. */
void drivers_drain(ticks_t deadline);
bool uart_tty_idle(void);
bool uart_link_idle(void);
bool vport_all_idle(void);

#endif
