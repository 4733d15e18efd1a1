/* SPDX-License-Identifier: MIT */
/*
 * The 16550A UART, driven by interrupts in both directions.
 *
 * The driver owns no buffers: received bytes are pushed to `receive`, bytes to
 * send are pulled with `next_tx` whenever the transmit FIFO is empty. A caller
 * that has new bytes calls ns16550_kick; the transmit interrupt is on only
 * while there is something left to send.
 */
#ifndef FS_DRIVERS_NS16550_H
#define FS_DRIVERS_NS16550_H

#include <atoll/types.h>

struct ns16550;

struct ns16550_ops {
    /* n bytes came in; false: no room, keep the rest in the FIFO. */
    size_t (*receive)(void *owner, const uint8_t *bytes, size_t n);
    size_t (*receive_room)(void *owner);
    void (*receive_break)(void *owner);
    /* Up to n bytes to send; returns how many. */
    size_t (*next_tx)(void *owner, uint8_t *bytes, size_t n);
};

struct ns16550 {
    /* immutable after init */
    uint64_t base;
    const struct ns16550_ops *ops;
    void    *owner;
    /* the driver's */
    uint8_t  ier;           /* as last written                                  */
    uint64_t nr_overruns, nr_interrupts;
};

/* Reset the FIFOs and turn the receive interrupt on. The speed is left as the
 * firmware set it. */
void ns16550_init(struct ns16550 *, uint64_t base, const struct ns16550_ops *, void *owner);
void ns16550_interrupt(struct ns16550 *);
/* There may be something to send, or the flow was started. */
void ns16550_kick(struct ns16550 *);
/* The owner has room again: take what waits in the receive FIFO. */
void ns16550_resume_rx(struct ns16550 *);
/* All bytes have left the wire? */
bool ns16550_drained(const struct ns16550 *);

#endif
