/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Handlers that a server of interface sample writes. */
#ifndef SAMPLE_SERVER_H
#define SAMPLE_SERVER_H

#include <libipc/server.h>
#include <sample_types.h>

/* The server's own objects. A lookup answers 0 and the object that `handle` names for this client, or the error that the client
 * is to get: no such handle (ERR_BAD_HANDLE), or not all of `rights` (ERR_RIGHTS). The dispatch asks before each handler. */
/* What open gives. */
struct sample_file;
error_t sample_lookup_file(struct rpc_call *, uint32_t handle, uint32_t rights, struct sample_file **);

/* Four words there, one back. */
struct sample_sum_in {
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint64_t d;
};
struct sample_sum_out {
    uint64_t total;
};
error_t sample_serve_sum(struct rpc_call *, const struct sample_sum_in *, struct sample_sum_out *);

struct sample_calc_in {
    uint8_t a;
    uint8_t what;
    int16_t b;
    bool negate;
    uint32_t how;
};
struct sample_calc_out {
    int64_t value;
    bool odd;
};
error_t sample_serve_calc(struct rpc_call *, const struct sample_calc_in *, struct sample_calc_out *);
void sample_calc_reply(struct rpc_call *, error_t, const struct sample_calc_out *);

/* A name goes by the arena, or stays where it is. */
struct sample_hello_in {
    const char *name;
    uint32_t name_bytes;
    uint32_t repeat;
};
struct sample_hello_out {
    const char *text;
    uint32_t text_bytes;
    uint32_t bytes;
};
error_t sample_serve_hello(struct rpc_call *, const struct sample_hello_in *, struct sample_hello_out *);
void sample_hello_reply(struct rpc_call *, error_t, const struct sample_hello_out *);

struct sample_swap_in {
    struct sample_point p;
    struct sample_shape s;
};
struct sample_swap_out {
    struct sample_shape s;
    struct sample_point p;
};
error_t sample_serve_swap(struct rpc_call *, const struct sample_swap_in *, struct sample_swap_out *);
void sample_swap_reply(struct rpc_call *, error_t, const struct sample_swap_out *);

struct sample_total_in {
    const uint32_t *numbers;
    uint32_t numbers_count;
    const struct sample_point *points;
    uint32_t points_count;
};
struct sample_total_out {
    uint64_t sum;
    const struct sample_point *doubled;
    uint32_t doubled_count;
};
error_t sample_serve_total(struct rpc_call *, const struct sample_total_in *, struct sample_total_out *);
void sample_total_reply(struct rpc_call *, error_t, const struct sample_total_out *);

struct sample_checksum_in {
    struct rpc_buf data;
    uint32_t seed;
};
struct sample_checksum_out {
    uint32_t sum;
};
error_t sample_serve_checksum(struct rpc_call *, const struct sample_checksum_in *, struct sample_checksum_out *);
void sample_checksum_reply(struct rpc_call *, error_t, const struct sample_checksum_out *);

struct sample_fill_in {
    struct rpc_buf data;
    uint8_t with;
};
struct sample_fill_out {
    uint64_t done;
};
error_t sample_serve_fill(struct rpc_call *, const struct sample_fill_in *, struct sample_fill_out *);
void sample_fill_reply(struct rpc_call *, error_t, const struct sample_fill_out *);

/* Both directions, and everything else. */
struct sample_convert_in {
    const char *from;
    uint32_t from_bytes;
    const char *to;
    uint32_t to_bytes;
    const uint8_t *key;
    uint32_t key_bytes;
    struct rpc_buf data;
    struct rpc_buf result;
    struct sample_shape s;
};
struct sample_convert_out {
    uint32_t result_done;
    struct sample_shape s;
};
error_t sample_serve_convert(struct rpc_call *, const struct sample_convert_in *, struct sample_convert_out *);
void sample_convert_reply(struct rpc_call *, error_t, const struct sample_convert_out *);

/* More scalars than fit the words. */
struct sample_wide_in {
    uint64_t a;
    uint8_t b;
    uint64_t c;
    uint64_t d;
    uint64_t e;
    uint64_t f;
    uint16_t g;
    bool h;
    int64_t i;
};
struct sample_wide_out {
    uint64_t r0;
    uint64_t r1;
    uint64_t r2;
    uint64_t r3;
    uint64_t r4;
    uint64_t r5;
    int16_t r6;
    bool r7;
};
error_t sample_serve_wide(struct rpc_call *, const struct sample_wide_in *, struct sample_wide_out *);
void sample_wide_reply(struct rpc_call *, error_t, const struct sample_wide_out *);

/* Answered when wake is called, or cancelled. */
struct sample_wait_in {
    uint32_t key;
};
struct sample_wait_out {
    uint32_t value;
};
error_t sample_serve_wait(struct rpc_call *, const struct sample_wait_in *, struct sample_wait_out *);
void sample_wait_reply(struct rpc_call *, error_t, const struct sample_wait_out *);

struct sample_wake_in {
    uint32_t key;
    uint32_t value;
};
struct sample_wake_out {
    uint32_t woken;
};
error_t sample_serve_wake(struct rpc_call *, const struct sample_wake_in *, struct sample_wake_out *);

/* Sleeps on a coroutine for some ticks. */
struct sample_sleep_in {
    uint64_t ticks;
    const char *note;
    uint32_t note_bytes;
};
struct sample_sleep_out {
    uint32_t note_bytes;
};
error_t sample_serve_sleep(struct rpc_call *, const struct sample_sleep_in *, struct sample_sleep_out *);
void sample_sleep_reply(struct rpc_call *, error_t, const struct sample_sleep_out *);

/* A wait that keeps a lent buffer. */
struct sample_read_later_in {
    uint32_t key;
    struct rpc_buf data;
};
struct sample_read_later_out {
    uint64_t done;
};
error_t sample_serve_read_later(struct rpc_call *, const struct sample_read_later_in *, struct sample_read_later_out *);
void sample_read_later_reply(struct rpc_call *, error_t, const struct sample_read_later_out *);

/* An error outside its set. */
struct sample_wrong_in {
};
struct sample_wrong_out {
};
error_t sample_serve_wrong(struct rpc_call *, const struct sample_wrong_in *, struct sample_wrong_out *);
void sample_wrong_reply(struct rpc_call *, error_t, const struct sample_wrong_out *);

struct sample_open_in {
    uint32_t which;
};
struct sample_open_out {
    uint32_t file;
};
error_t sample_serve_open(struct rpc_call *, const struct sample_open_in *, struct sample_open_out *);
void sample_open_reply(struct rpc_call *, error_t, const struct sample_open_out *);

/* Both files are known to be open, the second for writing, before the handler runs. */
struct sample_copy_in {
    struct sample_file *from;
    uint32_t from_handle;
    struct sample_file *to;
    uint32_t to_handle;
    uint32_t bytes;
};
struct sample_copy_out {
    uint32_t size;
};
error_t sample_serve_copy(struct rpc_call *, const struct sample_copy_in *, struct sample_copy_out *);
void sample_copy_reply(struct rpc_call *, error_t, const struct sample_copy_out *);

/* Answered when wake is called. The second keeps the caller's memory. */
struct sample_soon_in {
    uint32_t key;
};
struct sample_soon_out {
    uint32_t value;
};
error_t sample_serve_soon(struct rpc_call *, const struct sample_soon_in *, struct sample_soon_out *);
void sample_soon_reply(struct rpc_call *, error_t, const struct sample_soon_out *);

struct sample_read_soon_in {
    uint32_t key;
    struct rpc_buf data;
};
struct sample_read_soon_out {
    uint64_t done;
};
error_t sample_serve_read_soon(struct rpc_call *, const struct sample_read_soon_in *, struct sample_read_soon_out *);
void sample_read_soon_reply(struct rpc_call *, error_t, const struct sample_read_soon_out *);

struct sample_draw_in {
    struct sample_figure what;
    struct sample_word more;
};
struct sample_draw_out {
    struct sample_figure last;
    struct sample_word sum;
};
error_t sample_serve_draw(struct rpc_call *, const struct sample_draw_in *, struct sample_draw_out *);
void sample_draw_reply(struct rpc_call *, error_t, const struct sample_draw_out *);

/* Adds up the bytes when wake is called, whatever the caller has done with its memory since. */
struct sample_post_in {
    uint32_t key;
    struct rpc_buf data;
};
struct sample_post_out {
    uint32_t sum;
};
error_t sample_serve_post(struct rpc_call *, const struct sample_post_in *, struct sample_post_out *);
void sample_post_reply(struct rpc_call *, error_t, const struct sample_post_out *);

struct sample_label_in {
    const uint8_t *before;
    uint32_t before_bytes;
    struct rpc_buf data;
    const char *note;
    uint32_t note_bytes;
};
struct sample_label_out {
    uint32_t sum;
};
error_t sample_serve_label(struct rpc_call *, const struct sample_label_in *, struct sample_label_out *);
void sample_label_reply(struct rpc_call *, error_t, const struct sample_label_out *);

struct sample_note_in {
    uint64_t a;
    uint32_t b;
    struct sample_point p;
};
error_t sample_serve_note(struct rpc_call *, const struct sample_note_in *);

struct sample_stop_in {
};
error_t sample_serve_stop(struct rpc_call *, const struct sample_stop_in *);

extern const struct rpc_interface sample_interface;

#endif
