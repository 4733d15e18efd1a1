/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. What requests of interface sample are made of, for fuzzers. */
#ifndef SAMPLE_FUZZ_H
#define SAMPLE_FUZZ_H

#include <libipc/fuzz_requests.h>
#include <stddef.h>
#include <sample_types.h>

static const struct fuzz_param sample_sum_fuzz[] = {
    { "a", FUZZ_SCALAR, false, 0, 8, 0ull },
    { "b", FUZZ_SCALAR, false, 8, 8, 0ull },
    { "c", FUZZ_SCALAR, false, 16, 8, 0ull },
    { "d", FUZZ_SCALAR, false, 24, 8, 0ull },
};

static const struct fuzz_param sample_calc_fuzz[] = {
    { "a", FUZZ_SCALAR, false, 0, 1, 0ull },
    { "what", FUZZ_SCALAR, false, 1, 1, 0ull },
    { "b", FUZZ_SCALAR, false, 2, 2, 0ull },
    { "negate", FUZZ_SCALAR, false, 4, 1, 0ull },
    { "how", FUZZ_SCALAR, false, 8, 4, 0ull },
};

static const struct fuzz_param sample_hello_fuzz[] = {
    { "name", FUZZ_STRING, false, 8, 1, 1000ull },
    { "repeat", FUZZ_SCALAR, false, 0, 4, 0ull },
};

static const struct fuzz_param sample_swap_fuzz[] = {
    { "p", FUZZ_STRUCT, false, 0, 8, 0ull },
    { "s", FUZZ_STRUCT, true, 0, 32, 0ull },
};

static const struct fuzz_param sample_total_fuzz[] = {
    { "numbers", FUZZ_ARRAY, false, 0, 4, 8ull },
    { "points", FUZZ_ARRAY, false, 8, 8, 4ull },
};

static const struct fuzz_param sample_checksum_fuzz[] = {
    { "data", FUZZ_LEND_IN, false, 8, 1, 1000000ull },
    { "seed", FUZZ_SCALAR, false, 0, 4, 0ull },
};

static const struct fuzz_param sample_fill_fuzz[] = {
    { "data", FUZZ_LEND_OUT, false, 8, 1, 1000000ull },
    { "with", FUZZ_SCALAR, false, 0, 1, 0ull },
};

static const struct fuzz_param sample_convert_fuzz[] = {
    { "from", FUZZ_STRING, false, 0, 1, 300ull },
    { "to", FUZZ_STRING, false, 16, 1, 300ull },
    { "key", FUZZ_ARRAY, false, 32, 1, 64ull },
    { "data", FUZZ_LEND_IN, true, 0, 1, 65536ull },
    { "result", FUZZ_LEND_OUT, true, 16, 1, 65536ull },
    { "s", FUZZ_STRUCT, true, 32, 32, 0ull },
};

static const struct fuzz_param sample_wide_fuzz[] = {
    { "a", FUZZ_SCALAR, false, 0, 8, 0ull },
    { "b", FUZZ_SCALAR, false, 8, 1, 0ull },
    { "c", FUZZ_SCALAR, false, 16, 8, 0ull },
    { "d", FUZZ_SCALAR, false, 24, 8, 0ull },
    { "e", FUZZ_SCALAR, false, 32, 8, 0ull },
    { "f", FUZZ_SCALAR, false, 40, 8, 0ull },
    { "g", FUZZ_SCALAR, true, 0, 2, 0ull },
    { "h", FUZZ_SCALAR, true, 2, 1, 0ull },
    { "i", FUZZ_SCALAR, true, 8, 8, 0ull },
};

static const struct fuzz_param sample_wait_fuzz[] = {
    { "key", FUZZ_SCALAR, false, 0, 4, 0ull },
};

static const struct fuzz_param sample_wake_fuzz[] = {
    { "key", FUZZ_SCALAR, false, 0, 4, 0ull },
    { "value", FUZZ_SCALAR, false, 4, 4, 0ull },
};

static const struct fuzz_param sample_sleep_fuzz[] = {
    { "ticks", FUZZ_SCALAR, false, 0, 8, 0ull },
    { "note", FUZZ_STRING, false, 8, 1, 500ull },
};

static const struct fuzz_param sample_read_later_fuzz[] = {
    { "key", FUZZ_SCALAR, false, 0, 4, 0ull },
    { "data", FUZZ_LEND_OUT, false, 8, 1, 100000ull },
};

static const struct fuzz_param sample_open_fuzz[] = {
    { "which", FUZZ_SCALAR, false, 0, 4, 0ull },
};

static const struct fuzz_param sample_copy_fuzz[] = {
    { "from", FUZZ_SCALAR, false, 0, 4, 0ull },
    { "to", FUZZ_SCALAR, false, 4, 4, 0ull },
    { "bytes", FUZZ_SCALAR, false, 8, 4, 0ull },
};

static const struct fuzz_param sample_soon_fuzz[] = {
    { "key", FUZZ_SCALAR, false, 0, 4, 0ull },
};

static const struct fuzz_param sample_read_soon_fuzz[] = {
    { "key", FUZZ_SCALAR, false, 0, 4, 0ull },
    { "data", FUZZ_LEND_OUT, false, 8, 1, 100000ull },
};

static const struct fuzz_param sample_draw_fuzz[] = {
    { "what", FUZZ_STRUCT, false, 0, 12, 0ull },
    { "more", FUZZ_STRUCT, true, 0, 40, 0ull },
};

static const struct fuzz_param sample_post_fuzz[] = {
    { "key", FUZZ_SCALAR, false, 0, 4, 0ull },
    { "data", FUZZ_LEND_IN, false, 8, 1, 300ull },
};

static const struct fuzz_param sample_label_fuzz[] = {
    { "before", FUZZ_ARRAY, false, 0, 1, 50ull },
    { "data", FUZZ_LEND_IN, false, 8, 1, 400ull },
    { "note", FUZZ_STRING, false, 24, 1, 300ull },
};

static const struct fuzz_param sample_note_fuzz[] = {
    { "a", FUZZ_SCALAR, false, 0, 8, 0ull },
    { "b", FUZZ_SCALAR, false, 8, 4, 0ull },
    { "p", FUZZ_STRUCT, false, 16, 8, 0ull },
};

static const struct fuzz_method sample_fuzz_methods[] = {
    { "sum", SAMPLE_METHOD_SUM, false, 0, 0, 4, sample_sum_fuzz },
    { "calc", SAMPLE_METHOD_CALC, false, 0, 0, 5, sample_calc_fuzz },
    { "hello", SAMPLE_METHOD_HELLO, false, 0, 208, 2, sample_hello_fuzz },
    { "swap", SAMPLE_METHOD_SWAP, false, 32, 32, 2, sample_swap_fuzz },
    { "total", SAMPLE_METHOD_TOTAL, false, 0, 32, 2, sample_total_fuzz },
    { "checksum", SAMPLE_METHOD_CHECKSUM, false, 0, 0, 2, sample_checksum_fuzz },
    { "fill", SAMPLE_METHOD_FILL, false, 0, 0, 2, sample_fill_fuzz },
    { "convert", SAMPLE_METHOD_CONVERT, false, 64, 32, 6, sample_convert_fuzz },
    { "wide", SAMPLE_METHOD_WIDE, false, 16, 8, 9, sample_wide_fuzz },
    { "wait", SAMPLE_METHOD_WAIT, false, 0, 0, 1, sample_wait_fuzz },
    { "wake", SAMPLE_METHOD_WAKE, false, 0, 0, 2, sample_wake_fuzz },
    { "sleep", SAMPLE_METHOD_SLEEP, false, 0, 0, 2, sample_sleep_fuzz },
    { "read_later", SAMPLE_METHOD_READ_LATER, false, 0, 0, 2, sample_read_later_fuzz },
    { "wrong", SAMPLE_METHOD_WRONG, false, 0, 0, 0, NULL },
    { "open", SAMPLE_METHOD_OPEN, false, 0, 0, 1, sample_open_fuzz },
    { "copy", SAMPLE_METHOD_COPY, false, 0, 0, 3, sample_copy_fuzz },
    { "soon", SAMPLE_METHOD_SOON, false, 0, 0, 1, sample_soon_fuzz },
    { "read_soon", SAMPLE_METHOD_READ_SOON, false, 0, 0, 2, sample_read_soon_fuzz },
    { "draw", SAMPLE_METHOD_DRAW, false, 40, 40, 2, sample_draw_fuzz },
    { "post", SAMPLE_METHOD_POST, false, 0, 0, 2, sample_post_fuzz },
    { "label", SAMPLE_METHOD_LABEL, false, 0, 0, 3, sample_label_fuzz },
    { "note", SAMPLE_METHOD_NOTE, true, 0, 0, 3, sample_note_fuzz },
    { "stop", SAMPLE_METHOD_STOP, true, 0, 0, 0, NULL },
};

#endif
