/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Client stubs of interface sample. */
#ifndef SAMPLE_CLIENT_H
#define SAMPLE_CLIENT_H

#include <libipc/client.h>
#include <sample_types.h>

/* Four words there, one back. */
error_t sample_sum(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *total) MAY_YIELD;
error_t sample_sum_submit(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                          struct rpc_request **submitted) MAY_YIELD;
error_t sample_sum_queue(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                         struct rpc_request **queued) MAY_YIELD;
error_t sample_sum_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *total) MAY_YIELD;

error_t sample_calc(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate, uint32_t how,
                    int64_t *value, bool *odd) MAY_YIELD;
error_t sample_calc_submit(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                           uint32_t how, struct rpc_request **submitted) MAY_YIELD;
error_t sample_calc_queue(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                          uint32_t how, struct rpc_request **queued) MAY_YIELD;
error_t sample_calc_finish(struct rpc_client *rpc, struct rpc_request *req, int64_t *value, bool *odd) MAY_YIELD;

/* A name goes by the arena, or stays where it is. */
error_t sample_hello(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat, struct rpc_out text,
                     uint32_t *text_bytes, uint32_t *bytes) MAY_YIELD;
error_t sample_hello_submit(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                            struct rpc_request **submitted) MAY_YIELD;
error_t sample_hello_queue(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                           struct rpc_request **queued) MAY_YIELD;
error_t sample_hello_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out text,
                            uint32_t *text_bytes, uint32_t *bytes) MAY_YIELD;

error_t sample_swap(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                    struct sample_shape *s_out, struct sample_point *p_out) MAY_YIELD;
error_t sample_swap_submit(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                           struct rpc_request **submitted) MAY_YIELD;
error_t sample_swap_queue(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                          struct rpc_request **queued) MAY_YIELD;
error_t sample_swap_finish(struct rpc_client *rpc, struct rpc_request *req, struct sample_shape *s_out,
                           struct sample_point *p_out) MAY_YIELD;

error_t sample_total(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                     const struct sample_point *points, uint32_t points_count, uint64_t *sum,
                     struct sample_point *doubled, uint32_t *doubled_count) MAY_YIELD;
error_t sample_total_submit(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                            const struct sample_point *points, uint32_t points_count,
                            struct rpc_request **submitted) MAY_YIELD;
error_t sample_total_queue(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                           const struct sample_point *points, uint32_t points_count,
                           struct rpc_request **queued) MAY_YIELD;
error_t sample_total_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *sum,
                            struct sample_point *doubled, uint32_t *doubled_count) MAY_YIELD;

error_t sample_checksum(struct rpc_client *rpc, struct rpc_in data, uint32_t seed, uint32_t *sum) MAY_YIELD;
error_t sample_checksum_submit(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                               struct rpc_request **submitted) MAY_YIELD;
error_t sample_checksum_queue(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                              struct rpc_request **queued) MAY_YIELD;
error_t sample_checksum_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum) MAY_YIELD;

error_t sample_fill(struct rpc_client *rpc, struct rpc_out data, uint8_t with, uint64_t *done) MAY_YIELD;
error_t sample_fill_submit(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                           struct rpc_request **submitted) MAY_YIELD;
error_t sample_fill_queue(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                          struct rpc_request **queued) MAY_YIELD;
error_t sample_fill_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                           uint64_t *done) MAY_YIELD;

/* Both directions, and everything else. */
error_t sample_convert(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                       struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                       uint32_t *result_done, struct sample_shape *s_out) MAY_YIELD;
error_t sample_convert_submit(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                              struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                              struct rpc_request **submitted) MAY_YIELD;
error_t sample_convert_queue(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                             struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                             struct rpc_request **queued) MAY_YIELD;
error_t sample_convert_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out result,
                              uint32_t *result_done, struct sample_shape *s_out) MAY_YIELD;

/* More scalars than fit the words. */
error_t sample_wide(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f, uint16_t g, bool h, int64_t i, uint64_t *r0, uint64_t *r1, uint64_t *r2,
                    uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7) MAY_YIELD;
error_t sample_wide_submit(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                           uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **submitted) MAY_YIELD;
error_t sample_wide_queue(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                          uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **queued) MAY_YIELD;
error_t sample_wide_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *r0, uint64_t *r1,
                           uint64_t *r2, uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7) MAY_YIELD;

/* Answered when wake is called, or cancelled. */
error_t sample_wait(struct rpc_client *rpc, uint32_t key, uint32_t *value) MAY_YIELD;
error_t sample_wait_submit(struct rpc_client *rpc, uint32_t key, struct rpc_request **submitted) MAY_YIELD;
error_t sample_wait_queue(struct rpc_client *rpc, uint32_t key, struct rpc_request **queued) MAY_YIELD;
error_t sample_wait_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value) MAY_YIELD;

error_t sample_wake(struct rpc_client *rpc, uint32_t key, uint32_t value, uint32_t *woken) MAY_YIELD;
error_t sample_wake_submit(struct rpc_client *rpc, uint32_t key, uint32_t value,
                           struct rpc_request **submitted) MAY_YIELD;
error_t sample_wake_queue(struct rpc_client *rpc, uint32_t key, uint32_t value, struct rpc_request **queued) MAY_YIELD;
error_t sample_wake_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *woken) MAY_YIELD;

/* Sleeps on a coroutine for some ticks. */
error_t sample_sleep(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note, uint32_t *note_bytes) MAY_YIELD;
error_t sample_sleep_submit(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                            struct rpc_request **submitted) MAY_YIELD;
error_t sample_sleep_queue(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                           struct rpc_request **queued) MAY_YIELD;
error_t sample_sleep_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *note_bytes) MAY_YIELD;

/* A wait that keeps a lent buffer. */
error_t sample_read_later(struct rpc_client *rpc, uint32_t key, struct rpc_out data, uint64_t *done) MAY_YIELD;
error_t sample_read_later_submit(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                 struct rpc_request **submitted) MAY_YIELD;
error_t sample_read_later_queue(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **queued) MAY_YIELD;
error_t sample_read_later_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                 uint64_t *done) MAY_YIELD;

/* An error outside its set. */
error_t sample_wrong(struct rpc_client *rpc) MAY_YIELD;
error_t sample_wrong_submit(struct rpc_client *rpc, struct rpc_request **submitted) MAY_YIELD;
error_t sample_wrong_queue(struct rpc_client *rpc, struct rpc_request **queued) MAY_YIELD;
error_t sample_wrong_finish(struct rpc_client *rpc, struct rpc_request *req) MAY_YIELD;

error_t sample_open(struct rpc_client *rpc, uint32_t which, uint32_t *file) MAY_YIELD;
error_t sample_open_submit(struct rpc_client *rpc, uint32_t which, struct rpc_request **submitted) MAY_YIELD;
error_t sample_open_queue(struct rpc_client *rpc, uint32_t which, struct rpc_request **queued) MAY_YIELD;
error_t sample_open_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *file) MAY_YIELD;

/* Both files are known to be open, the second for writing, before the handler runs. */
error_t sample_copy(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes, uint32_t *size) MAY_YIELD;
error_t sample_copy_submit(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                           struct rpc_request **submitted) MAY_YIELD;
error_t sample_copy_queue(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                          struct rpc_request **queued) MAY_YIELD;
error_t sample_copy_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *size) MAY_YIELD;

/* Answered when wake is called. The second keeps the caller's memory. */
error_t sample_soon(struct rpc_client *rpc, uint32_t key, uint32_t *value) MAY_YIELD;
error_t sample_soon_until(struct rpc_client *rpc, ticks_t until, uint32_t key, uint32_t *value) MAY_YIELD;
error_t sample_soon_submit(struct rpc_client *rpc, uint32_t key, struct rpc_request **submitted) MAY_YIELD;
error_t sample_soon_queue(struct rpc_client *rpc, uint32_t key, struct rpc_request **queued) MAY_YIELD;
error_t sample_soon_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value) MAY_YIELD;

error_t sample_read_soon(struct rpc_client *rpc, uint32_t key, struct rpc_out data, uint64_t *done) MAY_YIELD;
error_t sample_read_soon_until(struct rpc_client *rpc, ticks_t until, uint32_t key, struct rpc_out data,
                               uint64_t *done) MAY_YIELD;
error_t sample_read_soon_submit(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **submitted) MAY_YIELD;
error_t sample_read_soon_queue(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                               struct rpc_request **queued) MAY_YIELD;
error_t sample_read_soon_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                uint64_t *done) MAY_YIELD;

error_t sample_draw(struct rpc_client *rpc, const struct sample_figure *what, const struct sample_word *more,
                    struct sample_figure *last, struct sample_word *sum) MAY_YIELD;
error_t sample_draw_submit(struct rpc_client *rpc, const struct sample_figure *what,
                           const struct sample_word *more, struct rpc_request **submitted) MAY_YIELD;
error_t sample_draw_queue(struct rpc_client *rpc, const struct sample_figure *what,
                          const struct sample_word *more, struct rpc_request **queued) MAY_YIELD;
error_t sample_draw_finish(struct rpc_client *rpc, struct rpc_request *req, struct sample_figure *last,
                           struct sample_word *sum) MAY_YIELD;

/* Adds up the bytes when wake is called, whatever the caller has done with its memory since. */
error_t sample_post(struct rpc_client *rpc, uint32_t key, struct rpc_in data, uint32_t *sum) MAY_YIELD;
error_t sample_post_until(struct rpc_client *rpc, ticks_t until, uint32_t key, struct rpc_in data,
                          uint32_t *sum) MAY_YIELD;
error_t sample_post_submit(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                           struct rpc_request **submitted) MAY_YIELD;
error_t sample_post_queue(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                          struct rpc_request **queued) MAY_YIELD;
error_t sample_post_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum) MAY_YIELD;

error_t sample_label(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data, struct rpc_in note,
                     uint32_t *sum) MAY_YIELD;
error_t sample_label_submit(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                            struct rpc_in note, struct rpc_request **submitted) MAY_YIELD;
error_t sample_label_queue(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                           struct rpc_in note, struct rpc_request **queued) MAY_YIELD;
error_t sample_label_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum) MAY_YIELD;

void sample_note(struct rpc_client *rpc, uint64_t a, uint32_t b, const struct sample_point *p) MAY_YIELD;

void sample_stop(struct rpc_client *rpc) MAY_YIELD;

#endif
