/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART (TI TL16C550C data sheet, "register descriptions"). See uart.h
 * for who owns what.
 *
 * Receive: the FIFO's trigger level is one byte, since keys come one at a time
 * and the handler empties the FIFO anyway. When the owner has no room, the
 * receive interrupt is turned off and the FIFO left full: hardware flow
 * control, if wired, does the rest.
 */
#include "mmio.h"
#include "uart.h"

#define REG_RBR 0
#define REG_THR 0
#define REG_IER 1
#define REG_IIR 2
#define REG_FCR 2
#define REG_MCR 4
#define REG_LSR 5

#define IER_RX       0x01u
#define IER_TX_EMPTY 0x02u
#define IER_LINE     0x04u
#define FCR_ENABLE   0x01u
#define FCR_CLEAR    0x06u
#define MCR_DTR      0x01u
#define MCR_RTS      0x02u
#define MCR_OUT2     0x08u  /* gates the interrupt line on PC-like boards       */
#define LSR_DATA     0x01u
#define LSR_OVERRUN  0x02u
#define LSR_BREAK    0x10u
#define LSR_THR_EMPTY 0x20u
#define LSR_IDLE     0x40u
#define IIR_NONE     0x01u

#define FIFO_BYTES 16

static uint8_t read_reg(const struct uart *u, unsigned reg)
{
    return mmio_read8(u->base + reg);
}

static void write_reg(const struct uart *u, unsigned reg, uint8_t value)
{
    mmio_write8(u->base + reg, value);
}

static void set_ier(struct uart *u, uint32_t ier)
{
    if (ier == u->enabled)
        return;
    u->enabled = ier;
    write_reg(u, REG_IER, (uint8_t)ier);
}

static void init(struct uart *u)
{
    write_reg(u, REG_IER, 0);
    write_reg(u, REG_FCR, FCR_ENABLE | FCR_CLEAR);
    write_reg(u, REG_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
    set_ier(u, IER_RX | IER_LINE);
}

static void receive(struct uart *u)
{
    uint8_t bytes[FIFO_BYTES];
    size_t n;
    /* bounded: a line that never stops must not keep the server here */
    for (unsigned round = 0; round < 16; round++) {
        size_t room = u->ops->receive_room(u->owner);
        if (room == 0) {
            set_ier(u, u->enabled & ~(IER_RX | IER_LINE));
            return;
        }
        uint8_t lsr = 0;
        for (n = 0; n < sizeof(bytes) && n < room; n++) {
            lsr = read_reg(u, REG_LSR);
            if (lsr & LSR_OVERRUN)
                u->nr_overruns++;
            if (!(lsr & LSR_DATA) || (lsr & LSR_BREAK))
                break;
            bytes[n] = read_reg(u, REG_RBR);
        }
        if (n != 0)
            u->ops->receive(u->owner, bytes, n);
        if ((lsr & (LSR_BREAK | LSR_DATA)) == (LSR_BREAK | LSR_DATA)) {
            (void)read_reg(u, REG_RBR);     /* the NUL that stands for the break */
            u->ops->receive_break(u->owner);
        } else if (!(lsr & LSR_DATA)) {
            return;
        }
    }
}

static void transmit(struct uart *u)
{
    uint8_t bytes[FIFO_BYTES];

    while (read_reg(u, REG_LSR) & LSR_THR_EMPTY) {
        size_t n = u->ops->next_tx(u->owner, bytes, sizeof(bytes));
        if (n == 0) {
            set_ier(u, u->enabled & ~IER_TX_EMPTY);
            return;
        }
        for (size_t i = 0; i < n; i++)
            write_reg(u, REG_THR, bytes[i]);
    }
    set_ier(u, u->enabled | IER_TX_EMPTY);
}

static void interrupt(struct uart *u)
{
    u->nr_interrupts++;
    (void)read_reg(u, REG_IIR);     /* reading clears a pending transmit interrupt */
    receive(u);
    if (u->enabled & IER_TX_EMPTY)
        transmit(u);
}

static void kick(struct uart *u)
{
    /* with the interrupt on, the next one asks for more by itself */
    if (!(u->enabled & IER_TX_EMPTY))
        transmit(u);
}

static void resume_rx(struct uart *u)
{
    if (u->enabled & IER_RX)
        return;
    set_ier(u, u->enabled | IER_RX | IER_LINE);
    receive(u);
}

static bool drained(const struct uart *u)
{
    return (read_reg(u, REG_LSR) & LSR_IDLE) != 0;
}

const struct uart_chip ns16550 = {
    .compatible = "ns16550a",
    .init = init,
    .interrupt = interrupt,
    .kick = kick,
    .resume_rx = resume_rx,
    .drained = drained,
};
