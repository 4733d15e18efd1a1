/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "uart_fakes.h"

struct uart_owner owner;
struct uart uart;

static size_t receive(void *arg, const uint8_t *bytes, size_t n)
{
    struct uart_owner *o = arg;
    assert_true(n <= o->room && n <= sizeof(o->received) - o->received_bytes);
    memcpy(o->received + o->received_bytes, bytes, n);
    o->received_bytes += n;
    o->room -= n;
    o->nr_calls++;
    return n;
}

static size_t receive_room(void *arg)
{
    struct uart_owner *o = arg;
    return o->room;
}

static void receive_break(void *arg)
{
    struct uart_owner *o = arg;
    o->nr_breaks++;
}

static size_t next_tx(void *arg, uint8_t *bytes, size_t n)
{
    struct uart_owner *o = arg;
    n = o->stopped ? 0 : n < o->output_bytes ? n : o->output_bytes;
    if (n != 0)
        memcpy(bytes, o->output, n);
    o->output += n;
    o->output_bytes -= n;
    return n;
}

const struct uart_ops uart_owner_ops = { receive, receive_room, receive_break, next_tx };

void uart_owner_start(const struct uart_chip *chip)
{
    memset(&owner, 0, sizeof(owner));
    owner.room = sizeof(owner.received);
    owner.output = "";
    uart_init(&uart, chip, UART_BASE, &uart_owner_ops, &owner);
}

void uart_owner_send(const char *text)
{
    owner.output = text;
    owner.output_bytes = strlen(text);
    uart.chip->kick(&uart);
}
