/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/uart_fakes.c servers/fs/drivers/sifive_uart.c; include: servers/fs microkernel/abi tests/host/fs */
/*
 * SiFive's UART driver against simulated registers: two FIFOs of eight bytes,
 * interrupts that are levels, a receive register that takes what it shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/mmio.h"
#include "uart_fakes.h"

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c, IE = 0x10, IP = 0x14 };
enum { IRQ_TX = 1, IRQ_RX = 2, FIFO = 8 };

/* ---- the device ---- */
static struct {
    uint32_t txctrl, rxctrl, ie;
    char     rx[FIFO], line[4096];          /* line: what left on the wire */
    char     tx[FIFO];
    size_t   rx_bytes, tx_bytes, line_bytes;
    unsigned nr_accesses;
    bool     endless;                       /* the other side never stops */
} dev;

static uint32_t pending(void)
{
    return (dev.tx_bytes < (dev.txctrl >> 16) ? IRQ_TX : 0) | (dev.rx_bytes > (dev.rxctrl >> 16) ? IRQ_RX : 0);
}

static bool interrupts(void) { return (dev.ie & pending()) != 0; }

static uint32_t take_rx(void)
{
    if (dev.endless)
        return 'x';
    if (dev.rx_bytes == 0)
        return 0x80000000;
    uint32_t byte = (uint8_t)dev.rx[0];
    memmove(dev.rx, dev.rx + 1, --dev.rx_bytes);
    return byte;
}

uint32_t mmio_read32(uint64_t address)
{
    dev.nr_accesses++;
    switch (address - UART_BASE) {
    case RXDATA: return dev.rxctrl & 1 ? take_rx() : 0x80000000;
    case IP:     return pending();
    default:     fail_msg("read of register %#lx", address - UART_BASE); return 0;
    }
}

void mmio_write32(uint64_t address, uint32_t value)
{
    dev.nr_accesses++;
    switch (address - UART_BASE) {
    case TXDATA:
        assert_true(dev.tx_bytes < FIFO);   /* a full FIFO drops the byte */
        dev.tx[dev.tx_bytes++] = (char)value;
        break;
    case TXCTRL: dev.txctrl = value; break;
    case RXCTRL: dev.rxctrl = value; break;
    case IE:     dev.ie = value; break;
    default:     fail_msg("write of register %#lx", address - UART_BASE);
    }
}

/* n bytes leave the FIFO. */
static void shift_out(size_t n)
{
    assert_true(n <= dev.tx_bytes && (dev.txctrl & 1));
    memcpy(dev.line + dev.line_bytes, dev.tx, n);
    dev.line_bytes += n;
    dev.tx_bytes -= n;
    memmove(dev.tx, dev.tx + n, dev.tx_bytes);
}

static void come_in(const char *text)
{
    size_t n = strlen(text);
    assert_true(dev.rx_bytes + n <= FIFO);
    memcpy(dev.rx + dev.rx_bytes, text, n);
    dev.rx_bytes += n;
}

static int setup(void **state)
{
    (void)state;
    memset(&dev, 0, sizeof(dev));
    dev.ie = IRQ_TX | IRQ_RX;               /* as firmware may leave it */
    uart_owner_start(&sifive_uart);
    return 0;
}

static void it_starts_listening_and_silent(void **state)
{
    (void)state;
    assert_int_equal(dev.txctrl, 1 | 1 << 16);
    assert_int_equal(dev.rxctrl, 1);
    assert_int_equal(dev.ie, IRQ_RX);
    assert_false(interrupts());
    assert_true(uart.chip->drained(&uart));
}

static void output_goes_out_by_full_fifos_in_order(void **state)
{
    static const char text[] = "the quick brown fox jumps";
    (void)state;
    uart_owner_send(text);
    for (size_t sent = 0; sent < strlen(text); sent += FIFO) {
        assert_int_equal(dev.tx_bytes, strlen(text) - sent < FIFO ? strlen(text) - sent : FIFO);
        assert_true(dev.ie & IRQ_TX);
        assert_false(interrupts());
        assert_false(uart.chip->drained(&uart));
        shift_out(dev.tx_bytes);
        assert_true(interrupts());
        uart.chip->interrupt(&uart);
    }
    assert_int_equal(dev.ie, IRQ_RX);
    assert_true(uart.chip->drained(&uart));
    assert_int_equal(dev.line_bytes, strlen(text));
    assert_memory_equal(dev.line, text, strlen(text));
}

static void a_kick_while_the_interrupt_is_on_touches_nothing(void **state)
{
    (void)state;
    uart_owner_send("0123456789");
    dev.nr_accesses = 0;
    uart.chip->kick(&uart);
    assert_int_equal(dev.nr_accesses, 0);
    assert_int_equal(owner.output_bytes, 2);
}

static void a_kick_with_nothing_to_send_leaves_the_interrupt_off(void **state)
{
    (void)state;
    uart.chip->kick(&uart);
    assert_int_equal(dev.ie, IRQ_RX);
    assert_int_equal(dev.tx_bytes, 0);
}

static void a_fifo_that_is_not_empty_waits(void **state)
{
    (void)state;
    uart_owner_send("0123456789");
    shift_out(FIFO - 1);
    come_in("k");
    assert_true(interrupts());
    uart.chip->interrupt(&uart);            /* for the key: the last byte is still there */
    assert_int_equal(dev.tx_bytes, 1);
    assert_int_equal(owner.received_bytes, 1);
    shift_out(1);
    assert_true(interrupts());
    uart.chip->interrupt(&uart);
    shift_out(2);
    assert_memory_equal(dev.line, "0123456789", 10);
}

static void stopped_output_goes_on_with_a_kick(void **state)
{
    (void)state;
    uart_owner_send("0123456789");
    owner.stopped = true;
    shift_out(FIFO);
    uart.chip->interrupt(&uart);
    assert_int_equal(dev.ie, IRQ_RX);       /* or the level would interrupt for ever */
    assert_false(interrupts());
    owner.stopped = false;
    uart.chip->kick(&uart);
    shift_out(2);
    assert_memory_equal(dev.line, "0123456789", 10);
}

static void a_full_receive_fifo_is_emptied(void **state)
{
    (void)state;
    come_in("abcdefgh");
    assert_true(interrupts());
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 8);
    assert_memory_equal(owner.received, "abcdefgh", 8);
    assert_int_equal(owner.nr_calls, 1);
    assert_false(interrupts());
    assert_int_equal(dev.ie, IRQ_RX);
}

static void bytes_above_127_and_nul_arrive_as_they_are(void **state)
{
    (void)state;
    dev.rx[0] = '\0';
    dev.rx[1] = (char)0xff;
    dev.rx_bytes = 2;
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 2);
    assert_memory_equal(owner.received, "\0\xff", 2);
}

static void without_room_bytes_stay_in_the_fifo(void **state)
{
    (void)state;
    owner.room = 3;
    come_in("abcdefgh");
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 3);
    assert_int_equal(dev.rx_bytes, 5);
    assert_false(interrupts());             /* a level that nobody can answer */
    uart.chip->interrupt(&uart);            /* one for the other direction changes nothing */
    assert_int_equal(dev.rx_bytes, 5);
    owner.room = 100;
    uart.chip->resume_rx(&uart);
    assert_memory_equal(owner.received, "abcdefgh", 8);
    assert_int_equal(owner.received_bytes, 8);
    assert_int_equal(dev.ie, IRQ_RX);
}

static void room_for_just_what_came_loses_nothing(void **state)
{
    (void)state;
    owner.room = 4;
    come_in("abcd");
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 4);
    come_in("ef");
    assert_false(interrupts());
    owner.room = 100;
    uart.chip->resume_rx(&uart);
    assert_memory_equal(owner.received, "abcdef", 6);
    assert_int_equal(dev.ie, IRQ_RX);
}

static void resume_without_need_touches_nothing(void **state)
{
    (void)state;
    dev.nr_accesses = 0;
    uart.chip->resume_rx(&uart);
    assert_int_equal(dev.nr_accesses, 0);
}

static void a_stop_of_input_leaves_output_going(void **state)
{
    (void)state;
    uart_owner_send("0123456789");
    owner.room = 0;
    come_in("a");
    uart.chip->interrupt(&uart);
    assert_int_equal(dev.ie, IRQ_TX);
    shift_out(FIFO);
    uart.chip->interrupt(&uart);
    shift_out(2);
    uart.chip->interrupt(&uart);
    assert_int_equal(dev.ie, 0);
    assert_memory_equal(dev.line, "0123456789", 10);
    owner.room = 1;
    uart.chip->resume_rx(&uart);
    assert_int_equal(owner.received_bytes, 1);
}

static void a_line_that_never_stops_does_not_keep_the_server(void **state)
{
    (void)state;
    dev.endless = true;
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 16 * FIFO);
    assert_int_equal(dev.ie, IRQ_RX);       /* the level brings the driver back */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        T(it_starts_listening_and_silent), T(output_goes_out_by_full_fifos_in_order),
        T(a_kick_while_the_interrupt_is_on_touches_nothing), T(a_kick_with_nothing_to_send_leaves_the_interrupt_off),
        T(a_fifo_that_is_not_empty_waits), T(stopped_output_goes_on_with_a_kick), T(a_full_receive_fifo_is_emptied),
        T(bytes_above_127_and_nul_arrive_as_they_are), T(without_room_bytes_stay_in_the_fifo),
        T(room_for_just_what_came_loses_nothing), T(resume_without_need_touches_nothing),
        T(a_stop_of_input_leaves_output_going), T(a_line_that_never_stops_does_not_keep_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
