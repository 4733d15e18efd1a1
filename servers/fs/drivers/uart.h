/* SPDX-License-Identifier: MIT */
/*
 * UARTs, driven by interrupts in both directions.
 *
 * A driver owns no buffers: received bytes are pushed to `receive`, bytes to
 * send are pulled with `next_tx` whenever the transmit FIFO has room. A caller
 * that has new bytes calls kick; the transmit interrupt is on only while there
 * is something left to send. The speed stays as the firmware set it.
 */
#ifndef FS_DRIVERS_UART_H
#define FS_DRIVERS_UART_H

#include <atoll/types.h>

struct uart;

/* What the owner does with the bytes. */
struct uart_ops {
    /* n bytes came in, for which there is room. */
    size_t (*receive)(void *owner, const uint8_t *bytes, size_t n);
    size_t (*receive_room)(void *owner);
    void (*receive_break)(void *owner);
    /* Up to n bytes to send; returns how many. */
    size_t (*next_tx)(void *owner, uint8_t *bytes, size_t n);
};

/* A kind of UART. */
struct uart_chip {
    const char *compatible;                 /* in the device tree               */
    /* Reset the FIFOs and turn the receive interrupt on. */
    void (*init)(struct uart *);
    void (*interrupt)(struct uart *);
    /* There may be something to send, or the flow was started. */
    void (*kick)(struct uart *);
    /* The owner has room again: take what waits in the receive FIFO. */
    void (*resume_rx)(struct uart *);
    /* All bytes have left the FIFO? */
    bool (*drained)(const struct uart *);
};

struct uart {
    /* immutable after uart_init */
    const struct uart_chip *chip;
    uint64_t base;
    const struct uart_ops *ops;
    void    *owner;
    /* the driver's */
    uint32_t enabled;       /* interrupts, as last written                      */
    uint64_t nr_overruns, nr_interrupts;
};

extern const struct uart_chip ns16550, sifive_uart;

static inline void uart_init(struct uart *u, const struct uart_chip *chip, uint64_t base, const struct uart_ops *ops,
                             void *owner)
{
    *u = (struct uart){ .chip = chip, .base = base, .ops = ops, .owner = owner };
    chip->init(u);
}

#endif
