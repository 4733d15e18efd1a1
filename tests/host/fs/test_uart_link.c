/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/drivers/uart_link.c servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* The link to the host: frames of several streams on one UART, whose FIFO of eight bytes the test empties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/drivers.h"
#include "drivers/uart.h"
#include "stream_fakes.h"

enum { FIFO = 8 };
static struct {
    uint8_t line[1 << 17];
    size_t line_bytes, fifo_bytes;
    bool interrupts;
} dev;
static void (*handler)(void *);
static void *handler_arg;
static struct process *p;
static int32_t fd[3];           /* by stream */

/* ---- the device ---- */

static void transmit(struct uart *u)
{
    uint8_t bytes[FIFO];

    if (dev.fifo_bytes != 0)
        return;
    dev.fifo_bytes = u->ops->next_tx(u->owner, bytes, FIFO);
    memcpy(dev.line + dev.line_bytes, bytes, dev.fifo_bytes);
    dev.line_bytes += dev.fifo_bytes;
    dev.interrupts = dev.fifo_bytes != 0;
}

static void init(struct uart *u) { (void)u; }
static bool drained(const struct uart *u) { (void)u; return dev.fifo_bytes == 0; }

static const struct uart_chip chip = {
    .init = init, .interrupt = transmit, .kick = transmit, .resume_rx = init, .drained = drained,
};

static bool step(void)
{
    dev.fifo_bytes = 0;
    if (!dev.interrupts)
        return false;
    handler(handler_arg);
    settle();
    return true;
}

static void drain(void)
{
    while (step())
        continue;
}

const struct uart_chip *uart_chip_of(const struct srv_device *d) { return d->address == 1 ? &chip : NULL; }

void irq_attach(const struct srv_device *d, void (*fn)(void *), void *arg)
{
    (void)d;
    handler = fn;
    handler_arg = arg;
}

/* What the frames on the line carry of a stream. */
static size_t carried(uint8_t stream, uint8_t *to)
{
    size_t n = 0, at = 0;

    while (at < dev.line_bytes) {
        size_t bytes = dev.line[at + 1] | (size_t)dev.line[at + 2] << 8;

        assert_true(bytes != 0 && at + 3 + bytes <= dev.line_bytes);
        if (dev.line[at] == stream) {
            memcpy(to + n, dev.line + at + 3, bytes);
            n += bytes;
        }
        at += 3 + bytes;
    }
    return n;
}

static int setup(void **state)
{
    struct srv_device other = { .address = 2 }, uart = { .address = 1 };

    (void)state;
    memset(&dev, 0, sizeof dev);
    p = fake_process(20, 20, 20, 20);
    if (handler == NULL) {
        assert_null(uart_link_open(1));
        assert_false(uart_link_start(&other));
        assert_true(uart_link_start(&uart));
        assert_false(uart_link_start(&uart));       /* there is one already */
    }
    for (uint8_t stream = 1; stream <= 2; stream++)
        assert_int_equal(fd_install(p, uart_link_open(stream), 0, (uint32_t *)&fd[stream]), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drain();
    fakes_reset();
    return 0;
}

static void a_write_ends_when_the_device_has_taken_it(void **state)
{
    uint8_t got[64];
    struct request *r = start_write(p, fd[1], "twelve bytes", 12);

    (void)state;
    assert_false(r->answered);
    assert_true(step());            /* 15 bytes with the head: the second half is in the FIFO */
    assert_false(r->answered);
    drain();
    assert_true(r->answered);
    assert_int_equal(r->done, 12);
    assert_int_equal(carried(1, got), 12);
    assert_memory_equal(got, "twelve bytes", 12);
    assert_int_equal(carried(2, got), 0);
    request_free(r);
}

static void streams_do_not_mix(void **state)
{
    static uint8_t out[40000], err[30000], got[40000];
    struct request *a, *b;

    (void)state;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof err; i++)
        err[i] = (uint8_t)(i * 11 + 1);
    a = start_write(p, fd[1], out, sizeof out);     /* more than the ring holds */
    b = start_write(p, fd[2], err, sizeof err);
    assert_false(uart_link_idle());
    drain();
    assert_true(a->answered && b->answered);
    assert_int_equal(a->done, sizeof out);
    assert_int_equal(b->done, sizeof err);
    assert_int_equal(carried(1, got), sizeof out);
    assert_memory_equal(got, out, sizeof out);
    assert_int_equal(carried(2, got), sizeof err);
    assert_memory_equal(got, err, sizeof err);
    assert_true(uart_link_idle());
    request_free(a);
    request_free(b);
}

static void whole_frames_are_sent_where_there_is_room(void **state)
{
    static uint8_t frame[4096], got[5 * 4096];
    unsigned sent = 0;

    (void)state;
    for (; uart_link_ready(sizeof frame); sent++) {
        memset(frame, (int)sent, sizeof frame);
        uart_link_send(3, frame, sizeof frame);
    }
    assert_in_range(sent, 3, 4);
    drain();
    assert_int_equal(carried(3, got), sent * sizeof frame);
    assert_true(uart_link_ready(sizeof frame));
}

static void nothing_is_read_from_it(void **state)
{
    char c;

    (void)state;
    assert_int_equal(now_read(p, fd[1], &c, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_write_ends_when_the_device_has_taken_it, setup, teardown),
        cmocka_unit_test_setup_teardown(streams_do_not_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_frames_are_sent_where_there_is_room, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_read_from_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
