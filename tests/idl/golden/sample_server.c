/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Dispatch of interface sample: `entry` and `arena` are private
 * copies; every value is checked here before a handler sees it. */
#include <sample_server.h>
#if __has_include(<sample/handles.h>)
#include <sample/handles.h>     /* lookups that the server wants compiled into the dispatch */
#endif

static __attribute__((unused)) void refuse(struct rpc_call *call, bool is_event, error_t err)
{
    if (is_event)
        rpc_event_done(call, err);
    else
        rpc_complete(call, err);
}

/* ---- sum ---- */

static inline __attribute__((always_inline)) void answer_sum(
    struct rpc_call *call, error_t err, const struct sample_sum_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000000711e30ull, 0x200000a2ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->total;
    }
    rpc_complete(call, err);
}

static __attribute__((noinline)) void dispatch_sum(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_sum_in in;
    (void)arena;
    in.a = entry->word[0];
    in.b = entry->word[1];
    in.c = entry->word[2];
    in.d = entry->word[3];
    struct sample_sum_out out = {};
    error_t err = sample_serve_sum(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_sum(call, err, &out);
}

/* ---- calc ---- */

static inline __attribute__((always_inline)) void answer_calc(
    struct rpc_call *call, error_t err, const struct sample_calc_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000000711e38ull, 0x200000a2ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 2;
        call->result[0] = (uint64_t)out->value;
        call->result[1] = out->odd;
    }
    rpc_complete(call, err);
}

void sample_calc_reply(struct rpc_call *call, error_t err, const struct sample_calc_out *out)
{
    answer_calc(call, err, out);
}

static __attribute__((noinline)) void dispatch_calc(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_calc_in in;
    (void)arena;
    in.a = (uint8_t)entry->word[0];
    in.what = (uint8_t)(entry->word[0] >> 8);
    if (!sample_op_valid(in.what)) {
        refuse(call, false, ERR_INVALID_ARGUMENT);
        return;
    }
    in.b = (int16_t)(entry->word[0] >> 16);
    in.negate = ((entry->word[0] >> 32) & 0xff) != 0;
    in.how = (uint32_t)entry->word[1];
    if (!sample_mode_valid(in.how)) {
        refuse(call, false, ERR_INVALID_ARGUMENT);
        return;
    }
    struct sample_calc_out out = {};
    error_t err = sample_serve_calc(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_calc(call, err, &out);
}

/* ---- hello ---- */

static inline __attribute__((always_inline)) void answer_hello(
    struct rpc_call *call, error_t err, const struct sample_hello_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 2;
        call->result[0] = out->bytes;
        uint8_t *arena = rpc_result_arena(call, 0);
        if (arena != NULL) {
            rpc_put_result(call, arena, &call->result[1], out->text,
                           out->text_bytes, 1, 200);
        }
    }
    rpc_complete(call, err);
}

void sample_hello_reply(struct rpc_call *call, error_t err, const struct sample_hello_out *out)
{
    answer_hello(call, err, out);
}

static __attribute__((noinline)) void dispatch_hello(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_hello_in in;
    if (entry->arena_slot == ARENA_NONE) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    in.repeat = (uint32_t)entry->word[0];
    error_t bad = rpc_get_string(call, entry, arena, &entry->word[1], 1000ull, &in.name, &in.name_bytes);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_hello_out out = {};
    error_t err = sample_serve_hello(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_hello(call, err, &out);
}

/* ---- swap ---- */

static inline __attribute__((always_inline)) void answer_swap(
    struct rpc_call *call, error_t err, const struct sample_swap_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        __builtin_memcpy(&call->result[0], &out->p, 8);
        uint8_t *arena = rpc_result_arena(call, 32);
        if (arena != NULL) {
            __builtin_memcpy(__builtin_assume_aligned(arena, 8), &out->s, 32);
        }
    }
    rpc_complete(call, err);
}

void sample_swap_reply(struct rpc_call *call, error_t err, const struct sample_swap_out *out)
{
    answer_swap(call, err, out);
}

static __attribute__((noinline)) void dispatch_swap(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_swap_in in;
    if (entry->arena_slot == ARENA_NONE || entry->arena_bytes < 32) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    __builtin_memcpy(&in.p, &entry->word[0], 8);
    __builtin_memcpy(&in.s, arena, 32);
    struct sample_swap_out out = {};
    error_t err = sample_serve_swap(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_swap(call, err, &out);
}

/* ---- total ---- */

static inline __attribute__((always_inline)) void answer_total(
    struct rpc_call *call, error_t err, const struct sample_total_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 2;
        call->result[0] = out->sum;
        uint8_t *arena = rpc_result_arena(call, 0);
        if (arena != NULL) {
            rpc_put_result(call, arena, &call->result[1], out->doubled,
                           out->doubled_count, 8, 4);
        }
    }
    rpc_complete(call, err);
}

void sample_total_reply(struct rpc_call *call, error_t err, const struct sample_total_out *out)
{
    answer_total(call, err, out);
}

static __attribute__((noinline)) void dispatch_total(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_total_in in;
    if (entry->arena_slot == ARENA_NONE) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    error_t bad = rpc_get_array(entry, arena, &entry->word[0], 4, 8ull, (const void **)&in.numbers,
                                &in.numbers_count);
    if (bad == 0)
        bad = rpc_get_array(entry, arena, &entry->word[1], 8, 4ull, (const void **)&in.points,
                            &in.points_count);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_total_out out = {};
    error_t err = sample_serve_total(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_total(call, err, &out);
}

/* ---- checksum ---- */

static inline __attribute__((always_inline)) void answer_checksum(
    struct rpc_call *call, error_t err, const struct sample_checksum_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->sum;
    }
    rpc_complete(call, err);
}

void sample_checksum_reply(struct rpc_call *call, error_t err, const struct sample_checksum_out *out)
{
    answer_checksum(call, err, out);
}

static __attribute__((noinline)) void dispatch_checksum(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_checksum_in in;
    (void)arena;
    in.seed = (uint32_t)entry->word[0];
    error_t bad = rpc_get_lend(call, entry, &entry->word[1], 1000000ull, 0, &in.data);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_checksum_out out = {};
    error_t err = sample_serve_checksum(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_checksum(call, err, &out);
}

/* ---- fill ---- */

static inline __attribute__((always_inline)) void answer_fill(
    struct rpc_call *call, error_t err, const struct sample_fill_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->done;
    }
    rpc_complete(call, err);
}

void sample_fill_reply(struct rpc_call *call, error_t err, const struct sample_fill_out *out)
{
    answer_fill(call, err, out);
}

static __attribute__((noinline)) void dispatch_fill(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_fill_in in;
    (void)arena;
    in.with = (uint8_t)entry->word[0];
    error_t bad = rpc_get_lend(call, entry, &entry->word[1], 1000000ull, 0, &in.data);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_fill_out out = {};
    error_t err = sample_serve_fill(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_fill(call, err, &out);
}

/* ---- convert ---- */

static inline __attribute__((always_inline)) void answer_convert(
    struct rpc_call *call, error_t err, const struct sample_convert_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->result_done;
        uint8_t *arena = rpc_result_arena(call, 32);
        if (arena != NULL) {
            __builtin_memcpy(__builtin_assume_aligned(arena, 8), &out->s, 32);
        }
    }
    rpc_complete(call, err);
}

void sample_convert_reply(struct rpc_call *call, error_t err, const struct sample_convert_out *out)
{
    answer_convert(call, err, out);
}

static __attribute__((noinline)) void dispatch_convert(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_convert_in in;
    if (entry->arena_slot == ARENA_NONE || entry->arena_bytes < 64) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    __builtin_memcpy(&in.s, arena + 32, 32);
    error_t bad = rpc_get_array(entry, arena, &entry->word[4], 1, 64ull, (const void **)&in.key,
                                &in.key_bytes);
    if (bad == 0)
        bad = rpc_get_string(call, entry, arena, &entry->word[0], 300ull, &in.from, &in.from_bytes);
    if (bad == 0)
        bad = rpc_get_string(call, entry, arena, &entry->word[2], 300ull, &in.to, &in.to_bytes);
    if (bad == 0)
        bad = rpc_get_lend(call, entry, arena, 65536ull, 0, &in.data);
    if (bad == 0)
        bad = rpc_get_lend(call, entry, arena + 16, 65536ull, 32, &in.result);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_convert_out out = {};
    error_t err = sample_serve_convert(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_convert(call, err, &out);
}

/* ---- wide ---- */

static inline __attribute__((always_inline)) void answer_wide(
    struct rpc_call *call, error_t err, const struct sample_wide_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 6;
        call->result[0] = out->r0;
        call->result[1] = out->r1;
        call->result[2] = out->r2;
        call->result[3] = out->r3;
        call->result[4] = out->r4;
        call->result[5] = out->r5;
        uint8_t *arena = rpc_result_arena(call, 8);
        if (arena != NULL) {
            __builtin_memcpy(arena, &out->r6, 2);
            __builtin_memcpy(arena + 2, &out->r7, 1);
        }
    }
    rpc_complete(call, err);
}

void sample_wide_reply(struct rpc_call *call, error_t err, const struct sample_wide_out *out)
{
    answer_wide(call, err, out);
}

static __attribute__((noinline)) void dispatch_wide(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_wide_in in;
    if (entry->arena_slot == ARENA_NONE || entry->arena_bytes < 16) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    in.a = entry->word[0];
    in.b = (uint8_t)entry->word[1];
    in.c = entry->word[2];
    in.d = entry->word[3];
    in.e = entry->word[4];
    in.f = entry->word[5];
    __builtin_memcpy(&in.g, arena, 2);
    in.h = arena[2] != 0;
    __builtin_memcpy(&in.i, arena + 8, 8);
    struct sample_wide_out out = {};
    error_t err = sample_serve_wide(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_wide(call, err, &out);
}

/* ---- wait ---- */

static inline __attribute__((always_inline)) void answer_wait(
    struct rpc_call *call, error_t err, const struct sample_wait_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->value;
    }
    rpc_complete(call, err);
}

void sample_wait_reply(struct rpc_call *call, error_t err, const struct sample_wait_out *out)
{
    answer_wait(call, err, out);
}

static __attribute__((noinline)) void dispatch_wait(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_wait_in in;
    (void)arena;
    in.key = (uint32_t)entry->word[0];
    struct sample_wait_out out = {};
    error_t err = sample_serve_wait(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_wait(call, err, &out);
}

/* ---- wake ---- */

static inline __attribute__((always_inline)) void answer_wake(
    struct rpc_call *call, error_t err, const struct sample_wake_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->woken;
    }
    rpc_complete(call, err);
}

static __attribute__((noinline)) void dispatch_wake(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_wake_in in;
    (void)arena;
    in.key = (uint32_t)entry->word[0];
    in.value = (uint32_t)(entry->word[0] >> 32);
    struct sample_wake_out out = {};
    error_t err = sample_serve_wake(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_wake(call, err, &out);
}

/* ---- sleep ---- */

static inline __attribute__((always_inline)) void answer_sleep(
    struct rpc_call *call, error_t err, const struct sample_sleep_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->note_bytes;
    }
    rpc_complete(call, err);
}

void sample_sleep_reply(struct rpc_call *call, error_t err, const struct sample_sleep_out *out)
{
    answer_sleep(call, err, out);
}

static __attribute__((noinline)) void dispatch_sleep(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_sleep_in in;
    in.ticks = entry->word[0];
    error_t bad = rpc_get_string(call, entry, arena, &entry->word[1], 500ull, &in.note, &in.note_bytes);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_sleep_out out = {};
    error_t err = sample_serve_sleep(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_sleep(call, err, &out);
}

/* ---- read_later ---- */

static inline __attribute__((always_inline)) void answer_read_later(
    struct rpc_call *call, error_t err, const struct sample_read_later_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->done;
    }
    rpc_complete(call, err);
}

void sample_read_later_reply(struct rpc_call *call, error_t err, const struct sample_read_later_out *out)
{
    answer_read_later(call, err, out);
}

static __attribute__((noinline)) void dispatch_read_later(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_read_later_in in;
    (void)arena;
    in.key = (uint32_t)entry->word[0];
    error_t bad = rpc_get_lend(call, entry, &entry->word[1], 100000ull, 0, &in.data);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_read_later_out out = {};
    error_t err = sample_serve_read_later(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_read_later(call, err, &out);
}

/* ---- wrong ---- */

static inline __attribute__((always_inline)) void answer_wrong(
    struct rpc_call *call, error_t err, const struct sample_wrong_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000080701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    (void)out;
    rpc_complete(call, err);
}

void sample_wrong_reply(struct rpc_call *call, error_t err, const struct sample_wrong_out *out)
{
    answer_wrong(call, err, out);
}

static __attribute__((noinline)) void dispatch_wrong(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_wrong_in in;
    (void)arena;
    (void)entry;
    struct sample_wrong_out out = {};
    error_t err = sample_serve_wrong(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_wrong(call, err, &out);
}

/* ---- open ---- */

static inline __attribute__((always_inline)) void answer_open(
    struct rpc_call *call, error_t err, const struct sample_open_out *out)
{
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->file;
    }
    rpc_complete(call, err);
}

void sample_open_reply(struct rpc_call *call, error_t err, const struct sample_open_out *out)
{
    answer_open(call, err, out);
}

static __attribute__((noinline)) void dispatch_open(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_open_in in;
    (void)arena;
    in.which = (uint32_t)entry->word[0];
    struct sample_open_out out = {};
    error_t err = sample_serve_open(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_open(call, err, &out);
}

/* ---- copy ---- */

static inline __attribute__((always_inline)) void answer_copy(
    struct rpc_call *call, error_t err, const struct sample_copy_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->size;
    }
    rpc_complete(call, err);
}

void sample_copy_reply(struct rpc_call *call, error_t err, const struct sample_copy_out *out)
{
    answer_copy(call, err, out);
}

static __attribute__((noinline)) void dispatch_copy(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_copy_in in;
    (void)arena;
    in.bytes = (uint32_t)entry->word[1];
    error_t from_bad = sample_lookup_file(call, (uint32_t)entry->word[0], SAMPLE_FILE_READ, &in.from);
    if (from_bad != 0) {
        refuse(call, false, from_bad);
        return;
    }
    in.from_handle = (uint32_t)entry->word[0];
    error_t to_bad = sample_lookup_file(call, (uint32_t)(entry->word[0] >> 32), SAMPLE_FILE_READ | SAMPLE_FILE_WRITE, &in.to);
    if (to_bad != 0) {
        refuse(call, false, to_bad);
        return;
    }
    in.to_handle = (uint32_t)(entry->word[0] >> 32);
    struct sample_copy_out out = {};
    error_t err = sample_serve_copy(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_copy(call, err, &out);
}

/* ---- soon ---- */

static inline __attribute__((always_inline)) void answer_soon(
    struct rpc_call *call, error_t err, const struct sample_soon_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->value;
    }
    rpc_complete(call, err);
}

void sample_soon_reply(struct rpc_call *call, error_t err, const struct sample_soon_out *out)
{
    answer_soon(call, err, out);
}

static __attribute__((noinline)) void dispatch_soon(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_soon_in in;
    (void)arena;
    in.key = (uint32_t)entry->word[0];
    struct sample_soon_out out = {};
    error_t err = sample_serve_soon(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_soon(call, err, &out);
}

/* ---- read_soon ---- */

static inline __attribute__((always_inline)) void answer_read_soon(
    struct rpc_call *call, error_t err, const struct sample_read_soon_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->done;
    }
    rpc_complete(call, err);
}

void sample_read_soon_reply(struct rpc_call *call, error_t err, const struct sample_read_soon_out *out)
{
    answer_read_soon(call, err, out);
}

static __attribute__((noinline)) void dispatch_read_soon(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_read_soon_in in;
    (void)arena;
    in.key = (uint32_t)entry->word[0];
    error_t bad = rpc_get_lend(call, entry, &entry->word[1], 100000ull, 0, &in.data);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_read_soon_out out = {};
    error_t err = sample_serve_read_soon(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_read_soon(call, err, &out);
}

/* ---- draw ---- */

static inline __attribute__((always_inline)) void answer_draw(
    struct rpc_call *call, error_t err, const struct sample_draw_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 2;
        call->result[1] = 0;
        __builtin_memcpy(&call->result[0], &out->last, 12);
        uint8_t *arena = rpc_result_arena(call, 40);
        if (arena != NULL) {
            __builtin_memcpy(__builtin_assume_aligned(arena, 8), &out->sum, 40);
        }
    }
    rpc_complete(call, err);
}

void sample_draw_reply(struct rpc_call *call, error_t err, const struct sample_draw_out *out)
{
    answer_draw(call, err, out);
}

static __attribute__((noinline)) void dispatch_draw(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_draw_in in;
    if (entry->arena_slot == ARENA_NONE || entry->arena_bytes < 40) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    __builtin_memcpy(&in.what, &entry->word[0], 12);
    if (!sample_figure_valid(&in.what)) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    __builtin_memcpy(&in.more, arena, 40);
    if (!sample_word_valid(&in.more)) {
        refuse(call, false, ERR_BAD_MESSAGE);
        return;
    }
    struct sample_draw_out out = {};
    error_t err = sample_serve_draw(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_draw(call, err, &out);
}

/* ---- post ---- */

static inline __attribute__((always_inline)) void answer_post(
    struct rpc_call *call, error_t err, const struct sample_post_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->sum;
    }
    rpc_complete(call, err);
}

void sample_post_reply(struct rpc_call *call, error_t err, const struct sample_post_out *out)
{
    answer_post(call, err, out);
}

static __attribute__((noinline)) void dispatch_post(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_post_in in;
    (void)arena;
    in.key = (uint32_t)entry->word[0];
    error_t bad = rpc_get_given(call, entry, &entry->word[1], 300ull, &in.data);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_post_out out = {};
    error_t err = sample_serve_post(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_post(call, err, &out);
}

/* ---- label ---- */

static inline __attribute__((always_inline)) void answer_label(
    struct rpc_call *call, error_t err, const struct sample_label_out *out)
{
    static const uint64_t allowed[2] = { 0x8000000180701e30ull, 0x200000a0ull };
    if (err != 0)
        err = rpc_check_error(call, err, allowed);
    if (err == 0) {
        call->nr_words = 1;
        call->result[0] = out->sum;
    }
    rpc_complete(call, err);
}

void sample_label_reply(struct rpc_call *call, error_t err, const struct sample_label_out *out)
{
    answer_label(call, err, out);
}

static __attribute__((noinline)) void dispatch_label(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_label_in in;
    error_t bad = rpc_get_array(entry, arena, &entry->word[0], 1, 50ull, (const void **)&in.before,
                                &in.before_bytes);
    if (bad == 0)
        bad = rpc_get_given(call, entry, &entry->word[1], 400ull, &in.data);
    if (bad == 0)
        bad = rpc_get_string(call, entry, arena, &entry->word[3], 300ull, &in.note, &in.note_bytes);
    if (bad != 0) {
        refuse(call, false, bad);
        return;
    }
    struct sample_label_out out = {};
    error_t err = sample_serve_label(call, &in, &out);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        answer_label(call, err, &out);
}

/* ---- note ---- */

static __attribute__((noinline)) void dispatch_note(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_note_in in;
    (void)arena;
    in.a = entry->word[0];
    in.b = (uint32_t)entry->word[1];
    __builtin_memcpy(&in.p, &entry->word[2], 8);
    error_t err = sample_serve_note(call, &in);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        rpc_event_done(call, err);
}

/* ---- stop ---- */

static __attribute__((noinline)) void dispatch_stop(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct sample_stop_in in;
    (void)arena;
    (void)entry;
    error_t err = sample_serve_stop(call, &in);
    if (err > 0)
        rpc_defer(call, entry, arena, err);
    else
        rpc_event_done(call, err);
}

/* Only a jump: each method has the frame that it needs. */
static void dispatch(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    switch (entry->method) {
    case SAMPLE_METHOD_SUM:
        dispatch_sum(call, entry, arena);
        break;
    case SAMPLE_METHOD_CALC:
        dispatch_calc(call, entry, arena);
        break;
    case SAMPLE_METHOD_HELLO:
        dispatch_hello(call, entry, arena);
        break;
    case SAMPLE_METHOD_SWAP:
        dispatch_swap(call, entry, arena);
        break;
    case SAMPLE_METHOD_TOTAL:
        dispatch_total(call, entry, arena);
        break;
    case SAMPLE_METHOD_CHECKSUM:
        dispatch_checksum(call, entry, arena);
        break;
    case SAMPLE_METHOD_FILL:
        dispatch_fill(call, entry, arena);
        break;
    case SAMPLE_METHOD_CONVERT:
        dispatch_convert(call, entry, arena);
        break;
    case SAMPLE_METHOD_WIDE:
        dispatch_wide(call, entry, arena);
        break;
    case SAMPLE_METHOD_WAIT:
        dispatch_wait(call, entry, arena);
        break;
    case SAMPLE_METHOD_WAKE:
        dispatch_wake(call, entry, arena);
        break;
    case SAMPLE_METHOD_SLEEP:
        dispatch_sleep(call, entry, arena);
        break;
    case SAMPLE_METHOD_READ_LATER:
        dispatch_read_later(call, entry, arena);
        break;
    case SAMPLE_METHOD_WRONG:
        dispatch_wrong(call, entry, arena);
        break;
    case SAMPLE_METHOD_OPEN:
        dispatch_open(call, entry, arena);
        break;
    case SAMPLE_METHOD_COPY:
        dispatch_copy(call, entry, arena);
        break;
    case SAMPLE_METHOD_SOON:
        dispatch_soon(call, entry, arena);
        break;
    case SAMPLE_METHOD_READ_SOON:
        dispatch_read_soon(call, entry, arena);
        break;
    case SAMPLE_METHOD_DRAW:
        dispatch_draw(call, entry, arena);
        break;
    case SAMPLE_METHOD_POST:
        dispatch_post(call, entry, arena);
        break;
    case SAMPLE_METHOD_LABEL:
        dispatch_label(call, entry, arena);
        break;
    case SAMPLE_METHOD_NOTE:
        dispatch_note(call, entry, arena);
        break;
    case SAMPLE_METHOD_STOP:
        dispatch_stop(call, entry, arena);
        break;
    default:
        rpc_other_method(call);
        break;
    }
}

const struct rpc_interface sample_interface = {
    .name = "sample",
    .layout_hash = SAMPLE_LAYOUT_HASH,
    .dispatch = dispatch,
};
