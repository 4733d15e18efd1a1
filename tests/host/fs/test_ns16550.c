/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/uart_fakes.c servers/fs/drivers/ns16550.c; include: servers/fs microkernel/abi tests/host/fs */
/*
 * The 16550A driver against simulated registers: FIFOs of sixteen bytes, a
 * transmit interrupt that its own register clears, breaks and overruns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/mmio.h"
#include "uart_fakes.h"

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, FIFO = 16 };
enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4, LISTENING = IER_RX | IER_LINE };
enum { LSR_DATA = 1, LSR_OVERRUN = 2, LSR_BREAK = 0x10, LSR_THRE = 0x20, LSR_TEMT = 0x40 };

/* ---- the device ---- */
static struct {
    uint8_t ier, fcr, mcr;
    struct { char byte; bool is_break; } rx[FIFO];
    char     tx[FIFO], line[4096];
    size_t   rx_bytes, tx_bytes, line_bytes;
    unsigned nr_accesses;
    bool     overrun, shifting, tx_pending, endless;
} dev;

static bool interrupts(void)
{
    return ((dev.ier & IER_RX) && dev.rx_bytes != 0) || ((dev.ier & IER_TX) && dev.tx_pending) ||
           ((dev.ier & IER_LINE) && (dev.overrun || (dev.rx_bytes != 0 && dev.rx[0].is_break)));
}

static uint8_t line_status(void)
{
    bool data = dev.rx_bytes != 0 || dev.endless;
    uint8_t lsr = (uint8_t)((data ? LSR_DATA : 0) | (dev.overrun ? LSR_OVERRUN : 0) |
                            (dev.rx_bytes != 0 && dev.rx[0].is_break ? LSR_BREAK : 0) |
                            (dev.tx_bytes == 0 ? LSR_THRE : 0) | (dev.tx_bytes == 0 && !dev.shifting ? LSR_TEMT : 0));
    dev.overrun = false;                    /* reading clears it */
    return lsr;
}

static uint8_t take_rx(void)
{
    if (dev.endless)
        return 'x';
    assert_true(dev.rx_bytes != 0);         /* an empty FIFO has nothing to read */
    uint8_t byte = (uint8_t)dev.rx[0].byte;
    memmove(dev.rx, dev.rx + 1, --dev.rx_bytes * sizeof(dev.rx[0]));
    return byte;
}

uint8_t mmio_read8(uint64_t address)
{
    dev.nr_accesses++;
    switch (address - UART_BASE) {
    case RBR_THR: return take_rx();
    case IIR_FCR: dev.tx_pending = false; return 0xc1;
    case LSR:     return line_status();
    default:      fail_msg("read of register %lu", address - UART_BASE); return 0;
    }
}

void mmio_write8(uint64_t address, uint8_t value)
{
    dev.nr_accesses++;
    switch (address - UART_BASE) {
    case RBR_THR:
        assert_true(dev.tx_bytes < FIFO);
        dev.tx[dev.tx_bytes++] = (char)value;
        dev.tx_pending = false;
        break;
    case IER:
        dev.tx_pending |= (value & IER_TX) && !(dev.ier & IER_TX) && dev.tx_bytes == 0;
        dev.ier = value;
        break;
    case IIR_FCR:
        dev.fcr = value;
        if (value & 2)
            dev.rx_bytes = 0;
        if (value & 4)
            dev.tx_bytes = 0;
        break;
    case MCR: dev.mcr = value; break;
    default:  fail_msg("write of register %lu", address - UART_BASE);   /* the speed is the firmware's */
    }
}

static void shift_out(size_t n)
{
    assert_true(n <= dev.tx_bytes);
    memcpy(dev.line + dev.line_bytes, dev.tx, n);
    dev.line_bytes += n;
    dev.tx_bytes -= n;
    memmove(dev.tx, dev.tx + n, dev.tx_bytes);
    dev.tx_pending |= dev.tx_bytes == 0;
}

static void come_in(const char *text)
{
    for (; *text != '\0'; text++) {
        assert_true(dev.rx_bytes < FIFO);
        dev.rx[dev.rx_bytes].byte = *text;
        dev.rx[dev.rx_bytes++].is_break = false;
    }
}

static void break_comes_in(void)
{
    dev.rx[dev.rx_bytes].byte = '\0';
    dev.rx[dev.rx_bytes++].is_break = true;
}

static int setup(void **state)
{
    (void)state;
    memset(&dev, 0, sizeof(dev));
    dev.ier = 0xf;
    come_in("stale");
    uart_owner_start(&ns16550);
    return 0;
}

static void it_starts_with_empty_fifos_listening(void **state)
{
    (void)state;
    assert_int_equal(dev.ier, LISTENING);
    assert_int_equal(dev.fcr & 0xc7, 7);    /* FIFOs on and cleared, trigger at one byte */
    assert_int_equal(dev.mcr & 3, 3);
    assert_int_equal(dev.rx_bytes, 0);
    assert_false(interrupts());
    assert_true(uart.chip->drained(&uart));
}

static void output_goes_out_by_full_fifos_in_order(void **state)
{
    static const char text[] = "pack my box with five dozen liquor jugs";
    (void)state;
    uart_owner_send(text);
    for (size_t sent = 0; sent < strlen(text); sent += FIFO) {
        assert_int_equal(dev.tx_bytes, strlen(text) - sent < FIFO ? strlen(text) - sent : FIFO);
        assert_true(dev.ier & IER_TX);
        assert_false(uart.chip->drained(&uart));
        shift_out(dev.tx_bytes);
        assert_true(interrupts());
        uart.chip->interrupt(&uart);
    }
    assert_int_equal(dev.ier, LISTENING);
    assert_int_equal(dev.line_bytes, strlen(text));
    assert_memory_equal(dev.line, text, strlen(text));
}

static void drained_means_the_last_bit_has_left(void **state)
{
    (void)state;
    uart_owner_send("a");
    shift_out(1);
    dev.shifting = true;
    assert_false(uart.chip->drained(&uart));
    dev.shifting = false;
    assert_true(uart.chip->drained(&uart));
}

static void kicks_do_no_more_than_is_needed(void **state)
{
    (void)state;
    uart.chip->kick(&uart);
    assert_int_equal(dev.ier, LISTENING);
    uart_owner_send("0123456789abcdefgh");
    dev.nr_accesses = 0;
    uart.chip->kick(&uart);                 /* the interrupt is on */
    uart.chip->resume_rx(&uart);
    assert_int_equal(dev.nr_accesses, 0);
    assert_int_equal(owner.output_bytes, 2);
}

static void a_kick_onto_a_busy_fifo_waits_for_the_interrupt(void **state)
{
    (void)state;
    uart_owner_send("0123");
    owner.stopped = true;
    uart.chip->interrupt(&uart);            /* a spurious one: the FIFO is not empty */
    assert_int_equal(dev.tx_bytes, 4);
    shift_out(4);
    uart.chip->interrupt(&uart);
    assert_int_equal(dev.ier, LISTENING);
    owner.stopped = false;
    uart_owner_send("4567");
    uart_owner_send("89");
    assert_int_equal(dev.tx_bytes, 4);
    shift_out(4);
    assert_true(interrupts());
    uart.chip->interrupt(&uart);
    shift_out(2);
    assert_memory_equal(dev.line, "0123456789", 10);
}

static void a_full_receive_fifo_is_emptied(void **state)
{
    (void)state;
    come_in("abcdefghijklmnop");
    assert_true(interrupts());
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 16);
    assert_memory_equal(owner.received, "abcdefghijklmnop", 16);
    assert_false(interrupts());
}

static void without_room_bytes_stay_in_the_fifo(void **state)
{
    (void)state;
    owner.room = 3;
    come_in("abcdefgh");
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 3);
    assert_int_equal(dev.rx_bytes, 5);
    assert_false(interrupts());
    owner.room = 100;
    uart.chip->resume_rx(&uart);
    assert_int_equal(owner.received_bytes, 8);
    assert_memory_equal(owner.received, "abcdefgh", 8);
    assert_int_equal(dev.ier, LISTENING);
}

static void a_stop_of_input_leaves_output_going(void **state)
{
    (void)state;
    uart_owner_send("0123456789abcdefgh");
    owner.room = 0;
    come_in("a");
    uart.chip->interrupt(&uart);
    assert_int_equal(dev.ier, IER_TX);
    shift_out(FIFO);
    assert_true(interrupts());
    uart.chip->interrupt(&uart);
    shift_out(2);
    uart.chip->interrupt(&uart);
    assert_int_equal(dev.ier, 0);
    assert_memory_equal(dev.line, "0123456789abcdefgh", 18);
}

static void a_break_is_told_between_the_bytes_around_it(void **state)
{
    (void)state;
    come_in("ab");
    break_comes_in();
    come_in("c");
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.nr_breaks, 1);
    assert_int_equal(owner.received_bytes, 3);      /* its NUL is not data */
    assert_memory_equal(owner.received, "abc", 3);
    assert_int_equal(owner.nr_calls, 2);
}

static void overruns_are_counted(void **state)
{
    (void)state;
    come_in("abc");
    dev.overrun = true;
    uart.chip->interrupt(&uart);
    assert_int_equal(uart.nr_overruns, 1);
    assert_int_equal(owner.received_bytes, 3);
}

static void a_line_that_never_stops_does_not_keep_the_server(void **state)
{
    (void)state;
    dev.endless = true;
    uart.chip->interrupt(&uart);
    assert_int_equal(owner.received_bytes, 16 * FIFO);
    assert_int_equal(dev.ier, LISTENING);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        T(it_starts_with_empty_fifos_listening), T(output_goes_out_by_full_fifos_in_order),
        T(drained_means_the_last_bit_has_left), T(kicks_do_no_more_than_is_needed),
        T(a_kick_onto_a_busy_fifo_waits_for_the_interrupt), T(a_full_receive_fifo_is_emptied),
        T(without_room_bytes_stay_in_the_fifo), T(a_stop_of_input_leaves_output_going),
        T(a_break_is_told_between_the_bytes_around_it), T(overruns_are_counted),
        T(a_line_that_never_stops_does_not_keep_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
