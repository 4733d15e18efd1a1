/* SPDX-License-Identifier: MIT */
/* The owner of a UART under test: what came in, what is to go out, and how much room there is. */
#ifndef UART_FAKES_H
#define UART_FAKES_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/uart.h"

#define UART_BASE 0x10010000ul

struct uart_owner {
    char   received[4096];
    size_t received_bytes, room, nr_calls, nr_breaks;
    const char *output;             /* what is still to go out */
    size_t output_bytes;
    bool   stopped;                 /* flow control: nothing goes out */
};

extern struct uart_owner owner;
extern struct uart uart;
extern const struct uart_ops uart_owner_ops;

/* A new owner with plenty of room, whose UART is the chip's. */
void uart_owner_start(const struct uart_chip *chip);
void uart_owner_send(const char *text);

#endif
