/* SPDX-License-Identifier: MIT */
/*
 * A UART as the terminal ttyS0: glue between a driver of uart.h, which moves
 * bytes, and tty/, which knows what they mean.
 */
#include <stdlib.h>
#include <string.h>

#include "../tty/tty.h"
#include "../vfs.h"
#include "drivers.h"
#include "uart.h"

#define UART_MAJOR 4u
#define UART_MINOR 64u

struct uart_tty {
    struct uart uart;
    struct tty *tty;
    uint8_t urgent;         /* a flow control character to send first           */
    bool    has_urgent;
};

static struct uart_tty *the_uart;

static size_t uart_receive(void *owner, const uint8_t *bytes, size_t n)
{
    struct uart_tty *u = owner;
    return tty_receive(u->tty, bytes, n);
}

static size_t uart_receive_room(void *owner)
{
    struct uart_tty *u = owner;
    return ldisc_receive_room(&u->tty->ld);
}

static void uart_receive_break(void *owner)
{
    struct uart_tty *u = owner;

    ldisc_receive_break(&u->tty->ld);
    tty_wake_all(u->tty);
}

static size_t uart_next_tx(void *owner, uint8_t *bytes, size_t n)
{
    struct uart_tty *u = owner;
    size_t done = 0;

    if (u->has_urgent && n != 0) {
        bytes[done++] = u->urgent;
        u->has_urgent = false;
    }
    return done + tty_take_output(u->tty, bytes + done, n - done);
}

static const struct uart_ops uart_ops = {
    .receive = uart_receive,
    .receive_room = uart_receive_room,
    .receive_break = uart_receive_break,
    .next_tx = uart_next_tx,
};

static void start_tx(struct tty *t)
{
    struct uart_tty *u = t->driver_data;
    u->uart.chip->kick(&u->uart);
}

static void input_room(struct tty *t)
{
    struct uart_tty *u = t->driver_data;
    u->uart.chip->resume_rx(&u->uart);
}

static void send_char(struct tty *t, uint8_t c)
{
    struct uart_tty *u = t->driver_data;

    u->urgent = c;
    u->has_urgent = true;
    u->uart.chip->kick(&u->uart);
}

static const struct tty_driver uart_driver = {
    .start_tx = start_tx,
    .input_room = input_room,
    .send_char = send_char,
};

static void on_interrupt(void *arg)
{
    struct uart_tty *u = arg;
    u->uart.chip->interrupt(&u->uart);
}

const struct uart_chip *uart_chip_of(const struct srv_device *d)
{
    static const struct uart_chip *const chips[] = { &ns16550, &sifive_uart };

    for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
        if (strcmp(d->compatible, chips[i]->compatible) == 0)
            return chips[i];
    return NULL;
}

struct tty *uart_tty_start(const struct srv_device *d)
{
    const struct uart_chip *chip = uart_chip_of(d);
    struct uart_tty *u = chip != NULL ? calloc(1, sizeof(*u)) : NULL;

    if (u == NULL)
        return NULL;
    u->tty = tty_new(&uart_driver, u, FS_MAKEDEV(UART_MAJOR, UART_MINOR));
    if (u->tty == NULL) {
        free(u);
        return NULL;
    }
    u->tty->winsize = (struct tty_winsize){ .rows = 24, .cols = 80 };
    uart_init(&u->uart, chip, d->address, &uart_ops, u);
    irq_attach(d, on_interrupt, u);
    the_uart = u;
    return u->tty;
}

bool uart_tty_idle(void)
{
    if (the_uart == NULL)
        return true;
    struct tty *t = the_uart->tty;
    if (!t->ld.stopped && byte_ring_used(&t->out) != 0) {
        the_uart->uart.chip->interrupt(&the_uart->uart);     /* nobody may be waiting for the real one */
        return false;
    }
    return the_uart->uart.chip->drained(&the_uart->uart);
}
