/* SPDX-License-Identifier: MIT */
/* build: servers/fs/tty/ldisc.c servers/fs/tty/ldisc_output.c;
 * include: servers/fs microkernel/abi */
/*
 * Random bytes, settings, reads and writes into the line discipline. The
 * sanitizers look for trouble; here its own rules are checked after each step.
 * ldisc_fuzz_one has libFuzzer's shape and is driven by a generator of fixed
 * seed, so a failure can be repeated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tty/ldisc.h"

static struct ldisc ld;
static struct byte_ring out;
static uint8_t out_data[1024];

static void on_signal(struct ldisc *l, int signo) { (void)l; assert_true(signo == 2 || signo == 3 || signo == 20); }
static void on_flow(struct ldisc *l, bool stopped) { assert_int_equal(l->stopped, stopped); }
static void on_flushed(struct ldisc *l, unsigned what) { (void)l; (void)what; }
static void on_send(struct ldisc *l, uint8_t c) { (void)l; (void)c; }
static const struct ldisc_ops ops = { on_signal, on_flow, on_flushed, on_send };

static void check(void)
{
    assert_true(ld.head - ld.tail <= LDISC_BUF_BYTES);
    assert_true(ld.canon_head - ld.tail <= ld.head - ld.tail || !ldisc_canonical(&ld));
    assert_true(byte_ring_used(&out) <= out.bytes);
    assert_true(ldisc_input_bytes(&ld) <= LDISC_BUF_BYTES);
    if (ldisc_canonical(&ld))
        assert_true(ldisc_receive_room(&ld) >= (ld.canon_head == ld.tail ? 1u : 0u));
}

static void step(uint8_t op, const uint8_t *data, size_t n)
{
    static uint8_t got[LDISC_BUF_BYTES];
    struct tty_termios t = ld.termios;
    bool any;

    switch (op % 8) {
    case 0: case 1: case 2: {
        size_t taken = ldisc_receive(&ld, data, n);
        assert_true(taken <= n);
        break;
    }
    case 3: {
        bool ready = ldisc_readable(&ld, 1);
        size_t done = ldisc_read(&ld, got, n * 16, &any);
        assert_true(done <= n * 16);
        assert_int_equal(any, ready && true);
        break;
    }
    case 4:
        assert_true(ldisc_write(&ld, data, n) <= n);
        break;
    case 5:
        memcpy(&t, data, n < sizeof(t) ? n : sizeof(t));
        ldisc_set_termios(&ld, &t);
        break;
    case 6:
        out.tail += byte_ring_used(&out) / 2;
        break;
    default:
        switch (n % 5) {
        case 0: ldisc_flush_input(&ld); break;
        case 1: ldisc_flush_output(&ld); break;
        case 2: ldisc_stop(&ld, n & 8); break;
        case 3: ldisc_start(&ld, n & 8); break;
        default: ldisc_receive_break(&ld); break;
        }
    }
    check();
}

static int ldisc_fuzz_one(const uint8_t *data, size_t size)
{
    out = (struct byte_ring){ .data = out_data, .bytes = sizeof(out_data) };
    ldisc_init(&ld, &out, &ops);
    while (size >= 2) {
        uint8_t op = data[0];
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        step(op, data + 2, n);
        data += 2 + n;
        size -= 2 + n;
    }
    return 0;
}

static uint64_t seed = 88172645463325252ul;

static uint8_t random_byte(void)
{
    /* mostly characters that mean something */
    static const uint8_t special[] = { 3, 4, 8, 9, 10, 13, 17, 18, 19, 21, 22, 23, 26, 28, 127, 0xc3, 0xa4, 0xff, 0, ' ' };
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 40) % 3 == 0 ? special[(seed >> 8) % sizeof(special)] : (uint8_t)(seed >> 16);
}

static void random_input_keeps_the_rules(void **state)
{
    static uint8_t data[8192];
    (void)state;
    for (int round = 0; round < 1500; round++) {
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = random_byte();
        ldisc_fuzz_one(data, sizeof(data));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_input_keeps_the_rules) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
