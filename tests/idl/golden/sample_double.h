/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Test double of interface sample; libipc/double.h says what it does.
 *     sample_double_METHOD          tells the answer to the next call (an error, or 0 and the results; what goes into a lent buffer)
 *     sample_double_METHOD_answer   answers a held call
 *     sample_double_METHOD_call     what the method was called with; n from 0, NULL: not so often */
#ifndef SAMPLE_DOUBLE_H
#define SAMPLE_DOUBLE_H

#include <libipc/double.h>
#include <sample_client.h>
#include <sample_server.h>

extern struct rpc_double sample_double;

void sample_double_sum(error_t error, const struct sample_sum_out *out);
void sample_double_sum_answer(struct double_call *call, error_t error, const struct sample_sum_out *out);
const struct sample_sum_in *sample_double_sum_call(unsigned n);

void sample_double_calc(error_t error, const struct sample_calc_out *out);
void sample_double_calc_answer(struct double_call *call, error_t error, const struct sample_calc_out *out);
const struct sample_calc_in *sample_double_calc_call(unsigned n);

void sample_double_hello(error_t error, const struct sample_hello_out *out);
void sample_double_hello_answer(struct double_call *call, error_t error, const struct sample_hello_out *out);
const struct sample_hello_in *sample_double_hello_call(unsigned n);

void sample_double_swap(error_t error, const struct sample_swap_out *out);
void sample_double_swap_answer(struct double_call *call, error_t error, const struct sample_swap_out *out);
const struct sample_swap_in *sample_double_swap_call(unsigned n);

void sample_double_total(error_t error, const struct sample_total_out *out);
void sample_double_total_answer(struct double_call *call, error_t error, const struct sample_total_out *out);
const struct sample_total_in *sample_double_total_call(unsigned n);

void sample_double_checksum(error_t error, const struct sample_checksum_out *out);
void sample_double_checksum_answer(struct double_call *call, error_t error,
                                   const struct sample_checksum_out *out);
const struct sample_checksum_in *sample_double_checksum_call(unsigned n);

void sample_double_fill(error_t error, const struct sample_fill_out *out, const void *lent);
void sample_double_fill_answer(struct double_call *call, error_t error, const struct sample_fill_out *out,
                               const void *lent);
const struct sample_fill_in *sample_double_fill_call(unsigned n);

void sample_double_convert(error_t error, const struct sample_convert_out *out, const void *lent);
void sample_double_convert_answer(struct double_call *call, error_t error,
                                  const struct sample_convert_out *out, const void *lent);
const struct sample_convert_in *sample_double_convert_call(unsigned n);

void sample_double_wide(error_t error, const struct sample_wide_out *out);
void sample_double_wide_answer(struct double_call *call, error_t error, const struct sample_wide_out *out);
const struct sample_wide_in *sample_double_wide_call(unsigned n);

void sample_double_wait(error_t error, const struct sample_wait_out *out);
void sample_double_wait_answer(struct double_call *call, error_t error, const struct sample_wait_out *out);
const struct sample_wait_in *sample_double_wait_call(unsigned n);

void sample_double_wake(error_t error, const struct sample_wake_out *out);
void sample_double_wake_answer(struct double_call *call, error_t error, const struct sample_wake_out *out);
const struct sample_wake_in *sample_double_wake_call(unsigned n);

void sample_double_sleep(error_t error, const struct sample_sleep_out *out);
void sample_double_sleep_answer(struct double_call *call, error_t error, const struct sample_sleep_out *out);
const struct sample_sleep_in *sample_double_sleep_call(unsigned n);

void sample_double_read_later(error_t error, const struct sample_read_later_out *out, const void *lent);
void sample_double_read_later_answer(struct double_call *call, error_t error,
                                     const struct sample_read_later_out *out, const void *lent);
const struct sample_read_later_in *sample_double_read_later_call(unsigned n);

void sample_double_wrong(error_t error, const struct sample_wrong_out *out);
void sample_double_wrong_answer(struct double_call *call, error_t error, const struct sample_wrong_out *out);
const struct sample_wrong_in *sample_double_wrong_call(unsigned n);

void sample_double_open(error_t error, const struct sample_open_out *out);
void sample_double_open_answer(struct double_call *call, error_t error, const struct sample_open_out *out);
const struct sample_open_in *sample_double_open_call(unsigned n);

void sample_double_copy(error_t error, const struct sample_copy_out *out);
void sample_double_copy_answer(struct double_call *call, error_t error, const struct sample_copy_out *out);
const struct sample_copy_in *sample_double_copy_call(unsigned n);

void sample_double_soon(error_t error, const struct sample_soon_out *out);
void sample_double_soon_answer(struct double_call *call, error_t error, const struct sample_soon_out *out);
const struct sample_soon_in *sample_double_soon_call(unsigned n);

void sample_double_read_soon(error_t error, const struct sample_read_soon_out *out, const void *lent);
void sample_double_read_soon_answer(struct double_call *call, error_t error,
                                    const struct sample_read_soon_out *out, const void *lent);
const struct sample_read_soon_in *sample_double_read_soon_call(unsigned n);

void sample_double_draw(error_t error, const struct sample_draw_out *out);
void sample_double_draw_answer(struct double_call *call, error_t error, const struct sample_draw_out *out);
const struct sample_draw_in *sample_double_draw_call(unsigned n);

void sample_double_post(error_t error, const struct sample_post_out *out);
void sample_double_post_answer(struct double_call *call, error_t error, const struct sample_post_out *out);
const struct sample_post_in *sample_double_post_call(unsigned n);

void sample_double_label(error_t error, const struct sample_label_out *out);
void sample_double_label_answer(struct double_call *call, error_t error, const struct sample_label_out *out);
const struct sample_label_in *sample_double_label_call(unsigned n);

const struct sample_note_in *sample_double_note_call(unsigned n);

const struct sample_stop_in *sample_double_stop_call(unsigned n);

#endif
