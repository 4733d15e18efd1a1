/* SPDX-License-Identifier: MIT */
/*
 * SiFive's UART (SiFive FU740-C000 Manual, "Universal Asynchronous Receiver/
 * Transmitter"). See uart.h for who owns what.
 *
 * Both FIFOs hold eight bytes. Interrupts are levels: the transmit one while
 * the FIFO has fewer bytes than txcnt, the receive one while it has more than
 * rxcnt. With txcnt 1 and rxcnt 0 they mean "nothing to send" and "something
 * came". Reading rxdata takes a byte, so its emptiness is learned by taking one;
 * the device knows neither breaks nor overruns.
 */
#include "mmio.h"
#include "uart.h"

#define REG_TXDATA 0x00
#define REG_RXDATA 0x04
#define REG_TXCTRL 0x08
#define REG_RXCTRL 0x0c
#define REG_IE     0x10
#define REG_IP     0x14

#define RXDATA_EMPTY 0x80000000u
#define CTRL_ENABLE  0x1u
#define CTRL_LEVEL(n) ((uint32_t)(n) << 16)
#define WATERMARK_TX 0x1u
#define WATERMARK_RX 0x2u

#define FIFO_BYTES 8

static uint32_t read_reg(const struct uart *u, unsigned reg)
{
    return mmio_read32(u->base + reg);
}

static void write_reg(const struct uart *u, unsigned reg, uint32_t value)
{
    mmio_write32(u->base + reg, value);
}

static void enable(struct uart *u, uint32_t interrupts)
{
    if (interrupts == u->enabled)
        return;
    u->enabled = interrupts;
    write_reg(u, REG_IE, interrupts);
}

static void init(struct uart *u)
{
    write_reg(u, REG_IE, 0);
    write_reg(u, REG_TXCTRL, CTRL_ENABLE | CTRL_LEVEL(1));
    write_reg(u, REG_RXCTRL, CTRL_ENABLE | CTRL_LEVEL(0));
    enable(u, WATERMARK_RX);
}

static void receive(struct uart *u)
{
    uint8_t bytes[FIFO_BYTES];

    /* bounded: a line that never stops must not keep the server here */
    for (unsigned round = 0; round < 16; round++) {
        size_t room = u->ops->receive_room(u->owner), n = 0;
        uint32_t data = 0;

        if (room == 0) {
            enable(u, u->enabled & ~WATERMARK_RX);
            return;
        }
        while (n < sizeof(bytes) && n < room && !((data = read_reg(u, REG_RXDATA)) & RXDATA_EMPTY))
            bytes[n++] = (uint8_t)data;
        if (n != 0)
            u->ops->receive(u->owner, bytes, n);
        if (data & RXDATA_EMPTY)
            return;
    }
}

static void transmit(struct uart *u)
{
    uint8_t bytes[FIFO_BYTES];

    while (read_reg(u, REG_IP) & WATERMARK_TX) {
        size_t n = u->ops->next_tx(u->owner, bytes, sizeof(bytes));

        if (n == 0) {
            enable(u, u->enabled & ~WATERMARK_TX);
            return;
        }
        for (size_t i = 0; i < n; i++)
            write_reg(u, REG_TXDATA, bytes[i]);     /* the FIFO is empty: all have room */
    }
    enable(u, u->enabled | WATERMARK_TX);
}

static void interrupt(struct uart *u)
{
    u->nr_interrupts++;
    receive(u);
    if (u->enabled & WATERMARK_TX)
        transmit(u);
}

static void kick(struct uart *u)
{
    /* with the interrupt on, the next one asks for more by itself */
    if (!(u->enabled & WATERMARK_TX))
        transmit(u);
}

static void resume_rx(struct uart *u)
{
    if (u->enabled & WATERMARK_RX)
        return;
    enable(u, u->enabled | WATERMARK_RX);
    receive(u);
}

static bool drained(const struct uart *u)
{
    return (read_reg(u, REG_IP) & WATERMARK_TX) != 0;
}

const struct uart_chip sifive_uart = {
    .compatible = "sifive,uart0",
    .init = init,
    .interrupt = interrupt,
    .kick = kick,
    .resume_rx = resume_rx,
    .drained = drained,
};
