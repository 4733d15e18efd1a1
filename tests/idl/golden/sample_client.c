/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Client stubs of interface sample. */
#include <sample_client.h>

/* ---- sum ---- */

error_t sample_sum(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *total)
{
    uint64_t word[6];
    word[0] = a;
    word[1] = b;
    word[2] = c;
    word[3] = d;
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_SUM, RPC_IDEMPOTENT | RPC_ONE_RESULT, word, 4);
    if (err == 0) {
        *total = word[0];
    }
    return err;
}

static error_t sum_encode(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                          struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_SUM, 0);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = a;
    req->word[1] = b;
    req->word[2] = c;
    req->word[3] = d;
    *encoded = req;
    return 0;
}

static error_t sum_decode(struct rpc_client *rpc, struct rpc_request *req, uint64_t *total)
{
    error_t err = req->error;
    if (err == 0) {
        *total = req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_sum_queue(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                         struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = sum_encode(rpc, a, b, c, d, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_sum_submit(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                          struct rpc_request **submitted)
{
    error_t err = sample_sum_queue(rpc, a, b, c, d, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_sum_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *total)
{
    rpc_finish(rpc, req, false);
    return sum_decode(rpc, req, total);
}

/* ---- calc ---- */

error_t sample_calc(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate, uint32_t how,
                    int64_t *value, bool *odd)
{
    uint64_t word[6];
    word[0] = a | (uint64_t)what << 8 | (uint64_t)(uint16_t)b << 16 | (uint64_t)negate << 32;
    word[1] = how;
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_CALC, 0, word, 2);
    if (err == 0) {
        *value = (int64_t)word[0];
        *odd = (word[1] & 0xff) != 0;
    }
    return err;
}

static error_t calc_encode(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                           uint32_t how, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_CALC, 0);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = a | (uint64_t)what << 8 | (uint64_t)(uint16_t)b << 16 | (uint64_t)negate << 32;
    req->word[1] = how;
    *encoded = req;
    return 0;
}

static error_t calc_decode(struct rpc_client *rpc, struct rpc_request *req, int64_t *value, bool *odd)
{
    error_t err = req->error;
    if (err == 0) {
        *value = (int64_t)req->word[0];
        *odd = (req->word[1] & 0xff) != 0;
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_calc_queue(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                          uint32_t how, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = calc_encode(rpc, a, what, b, negate, how, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_calc_submit(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                           uint32_t how, struct rpc_request **submitted)
{
    error_t err = sample_calc_queue(rpc, a, what, b, negate, how, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_calc_finish(struct rpc_client *rpc, struct rpc_request *req, int64_t *value, bool *odd)
{
    rpc_finish(rpc, req, false);
    return calc_decode(rpc, req, value, odd);
}

/* ---- hello ---- */

static error_t hello_encode(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                            struct rpc_request **encoded)
{
    if (name.bytes > 1000ull)
        return ERR_NAME_TOO_LONG;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_HELLO, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->arena_bytes = 0;
    req->word[0] = repeat;
    error_t err = rpc_put_string(rpc, req, &req->word[1], name);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t hello_decode(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out text,
                            uint32_t *text_bytes, uint32_t *bytes)
{
    error_t err = req->error;
    if (err == 0) {
        *bytes = (uint32_t)req->word[0];
    }
    if (err == 0)
        err = rpc_take_bytes(rpc, req, &req->word[1], text, text_bytes);
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_hello(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat, struct rpc_out text,
                     uint32_t *text_bytes, uint32_t *bytes)
{
    struct rpc_request *req;
    error_t err = hello_encode(rpc, name, repeat, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return hello_decode(rpc, req, text, text_bytes, bytes);
}

error_t sample_hello_queue(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                           struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = hello_encode(rpc, name, repeat, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_hello_submit(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                            struct rpc_request **submitted)
{
    error_t err = sample_hello_queue(rpc, name, repeat, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_hello_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out text,
                            uint32_t *text_bytes, uint32_t *bytes)
{
    rpc_finish(rpc, req, false);
    return hello_decode(rpc, req, text, text_bytes, bytes);
}

/* ---- swap ---- */

static error_t swap_encode(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                           struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_SWAP, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->arena_bytes = 32;
    __builtin_memcpy(&req->word[0], p, 8);
    __builtin_memcpy(req->arena, s, 32);
    *encoded = req;
    return 0;
}

static error_t swap_decode(struct rpc_client *rpc, struct rpc_request *req, struct sample_shape *s_out,
                           struct sample_point *p_out)
{
    error_t err = req->error;
    if (err == 0 && req->result_bytes < 32)
        err = ERR_BAD_MESSAGE;
    if (err == 0) {
        __builtin_memcpy(__builtin_assume_aligned(s_out, 8), __builtin_assume_aligned(req->arena, 8), 32);
        __builtin_memcpy(p_out, &req->word[0], 8);
    }
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_swap(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                    struct sample_shape *s_out, struct sample_point *p_out)
{
    struct rpc_request *req;
    error_t err = swap_encode(rpc, p, s, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return swap_decode(rpc, req, s_out, p_out);
}

error_t sample_swap_queue(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                          struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = swap_encode(rpc, p, s, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_swap_submit(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                           struct rpc_request **submitted)
{
    error_t err = sample_swap_queue(rpc, p, s, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_swap_finish(struct rpc_client *rpc, struct rpc_request *req, struct sample_shape *s_out,
                           struct sample_point *p_out)
{
    rpc_finish(rpc, req, false);
    return swap_decode(rpc, req, s_out, p_out);
}

/* ---- total ---- */

static error_t total_encode(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                            const struct sample_point *points, uint32_t points_count,
                            struct rpc_request **encoded)
{
    if (numbers_count > 8)
        return ERR_INVALID_ARGUMENT;
    if (points_count > 4)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_TOTAL, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->arena_bytes = 0;
    error_t err = 0;
    rpc_put_array(req, &req->word[0], numbers, numbers_count, 4);
    rpc_put_array(req, &req->word[1], points, points_count, 8);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t total_decode(struct rpc_client *rpc, struct rpc_request *req, uint64_t *sum,
                            struct sample_point *doubled, uint32_t *doubled_count)
{
    error_t err = req->error;
    if (err == 0) {
        *sum = req->word[0];
    }
    if (err == 0)
        err = rpc_take_array(req, &req->word[1], doubled, 8, 4, doubled_count);
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_total(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                     const struct sample_point *points, uint32_t points_count, uint64_t *sum,
                     struct sample_point *doubled, uint32_t *doubled_count)
{
    struct rpc_request *req;
    error_t err = total_encode(rpc, numbers, numbers_count, points, points_count, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return total_decode(rpc, req, sum, doubled, doubled_count);
}

error_t sample_total_queue(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                           const struct sample_point *points, uint32_t points_count,
                           struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = total_encode(rpc, numbers, numbers_count, points, points_count, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_total_submit(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                            const struct sample_point *points, uint32_t points_count,
                            struct rpc_request **submitted)
{
    error_t err = sample_total_queue(rpc, numbers, numbers_count, points, points_count, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_total_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *sum,
                            struct sample_point *doubled, uint32_t *doubled_count)
{
    rpc_finish(rpc, req, false);
    return total_decode(rpc, req, sum, doubled, doubled_count);
}

/* ---- checksum ---- */

static error_t checksum_encode(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                               struct rpc_request **encoded)
{
    if (data.bytes > 1000000ull)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_CHECKSUM, (data.bytes <= RPC_LEND_INLINE ? RPC_WANT_ARENA : 0));
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = seed;
    error_t err = rpc_put_lend_in(rpc, req, &req->word[1], data);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t checksum_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    error_t err = req->error;
    if (err == 0) {
        *sum = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_checksum(struct rpc_client *rpc, struct rpc_in data, uint32_t seed, uint32_t *sum)
{
    struct rpc_request *req;
    for (;;) {
        error_t err = checksum_encode(rpc, data, seed, &req);
        if (err != 0)
            return err;
        err = rpc_invoke(rpc, req, false);
        if (err != ERR_PEER_RESTARTED)
            break;
        rpc_end(rpc, req);
    }
    return checksum_decode(rpc, req, sum);
}

error_t sample_checksum_queue(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                              struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = checksum_encode(rpc, data, seed, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_checksum_submit(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                               struct rpc_request **submitted)
{
    error_t err = sample_checksum_queue(rpc, data, seed, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_checksum_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    rpc_finish(rpc, req, false);
    return checksum_decode(rpc, req, sum);
}

/* ---- fill ---- */

static error_t fill_encode(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                           struct rpc_request **encoded)
{
    if (data.bytes > 1000000ull)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_FILL, (data.bytes <= RPC_LEND_INLINE ? RPC_WANT_ARENA : 0));
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = with;
    error_t err = 0;
    rpc_put_lend_out(req, &req->word[1], data, 0);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t fill_decode(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                           uint64_t *done)
{
    error_t err = req->error;
    if (err == 0) {
        *done = req->word[0];
    }
    if (err == 0)
        err = rpc_take_lend_out(rpc, req, data, (uint64_t)*done);
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_fill(struct rpc_client *rpc, struct rpc_out data, uint8_t with, uint64_t *done)
{
    struct rpc_request *req;
    error_t err = fill_encode(rpc, data, with, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return fill_decode(rpc, req, data, done);
}

error_t sample_fill_queue(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                          struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = fill_encode(rpc, data, with, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_fill_submit(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                           struct rpc_request **submitted)
{
    error_t err = sample_fill_queue(rpc, data, with, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_fill_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                           uint64_t *done)
{
    rpc_finish(rpc, req, false);
    return fill_decode(rpc, req, data, done);
}

/* ---- convert ---- */

static error_t convert_encode(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                              struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                              struct rpc_request **encoded)
{
    if (from.bytes > 300ull)
        return ERR_NAME_TOO_LONG;
    if (to.bytes > 300ull)
        return ERR_NAME_TOO_LONG;
    if (key.bytes > 64ull)
        return ERR_INVALID_ARGUMENT;
    if (data.bytes > 65536ull)
        return ERR_INVALID_ARGUMENT;
    if (result.bytes > 65536ull)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_CONVERT, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->arena_bytes = 64;
    __builtin_memcpy(req->arena + 32, s, 32);
    error_t err = rpc_put_bytes(rpc, req, &req->word[4], key);
    if (err == 0)
        err = rpc_put_string(rpc, req, &req->word[0], from);
    if (err == 0)
        err = rpc_put_string(rpc, req, &req->word[2], to);
    if (err == 0)
        err = rpc_put_lend_in(rpc, req, req->arena, data);
    if (err == 0)
        rpc_put_lend_out(req, req->arena + 16, result, 32);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t convert_decode(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out result,
                              uint32_t *result_done, struct sample_shape *s_out)
{
    error_t err = req->error;
    if (err == 0 && req->result_bytes < 32)
        err = ERR_BAD_MESSAGE;
    if (err == 0) {
        *result_done = (uint32_t)req->word[0];
        __builtin_memcpy(__builtin_assume_aligned(s_out, 8), __builtin_assume_aligned(req->arena, 8), 32);
    }
    if (err == 0)
        err = rpc_take_lend_out(rpc, req, result, (uint64_t)*result_done);
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_convert(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                       struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                       uint32_t *result_done, struct sample_shape *s_out)
{
    struct rpc_request *req;
    error_t err = convert_encode(rpc, from, to, key, data, result, s, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return convert_decode(rpc, req, result, result_done, s_out);
}

error_t sample_convert_queue(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                             struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                             struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = convert_encode(rpc, from, to, key, data, result, s, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_convert_submit(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                              struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                              struct rpc_request **submitted)
{
    error_t err = sample_convert_queue(rpc, from, to, key, data, result, s, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_convert_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out result,
                              uint32_t *result_done, struct sample_shape *s_out)
{
    rpc_finish(rpc, req, false);
    return convert_decode(rpc, req, result, result_done, s_out);
}

/* ---- wide ---- */

static error_t wide_encode(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                           uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_WIDE, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->arena_bytes = 16;
    req->word[0] = a;
    req->word[1] = b;
    req->word[2] = c;
    req->word[3] = d;
    req->word[4] = e;
    req->word[5] = f;
    __builtin_memcpy(req->arena, &g, 2);
    __builtin_memcpy(req->arena + 2, &h, 1);
    __builtin_memcpy(req->arena + 8, &i, 8);
    *encoded = req;
    return 0;
}

static error_t wide_decode(struct rpc_client *rpc, struct rpc_request *req, uint64_t *r0, uint64_t *r1,
                           uint64_t *r2, uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7)
{
    error_t err = req->error;
    if (err == 0 && req->result_bytes < 8)
        err = ERR_BAD_MESSAGE;
    if (err == 0) {
        *r0 = req->word[0];
        *r1 = req->word[1];
        *r2 = req->word[2];
        *r3 = req->word[3];
        *r4 = req->word[4];
        *r5 = req->word[5];
        __builtin_memcpy(r6, req->arena, 2);
        *r7 = req->arena[2] != 0;
    }
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_wide(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f, uint16_t g, bool h, int64_t i, uint64_t *r0, uint64_t *r1, uint64_t *r2,
                    uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7)
{
    struct rpc_request *req;
    error_t err = wide_encode(rpc, a, b, c, d, e, f, g, h, i, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return wide_decode(rpc, req, r0, r1, r2, r3, r4, r5, r6, r7);
}

error_t sample_wide_queue(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                          uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = wide_encode(rpc, a, b, c, d, e, f, g, h, i, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_wide_submit(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                           uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **submitted)
{
    error_t err = sample_wide_queue(rpc, a, b, c, d, e, f, g, h, i, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_wide_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *r0, uint64_t *r1,
                           uint64_t *r2, uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7)
{
    rpc_finish(rpc, req, false);
    return wide_decode(rpc, req, r0, r1, r2, r3, r4, r5, r6, r7);
}

/* ---- wait ---- */

error_t sample_wait(struct rpc_client *rpc, uint32_t key, uint32_t *value)
{
    uint64_t word[6];
    word[0] = key;
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_WAIT, RPC_LONG | RPC_ONE_RESULT, word, 1);
    if (err == 0) {
        *value = (uint32_t)word[0];
    }
    return err;
}

static error_t wait_encode(struct rpc_client *rpc, uint32_t key, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_WAIT, RPC_LONG);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = key;
    *encoded = req;
    return 0;
}

static error_t wait_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value)
{
    error_t err = req->error;
    if (err == 0) {
        *value = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_wait_queue(struct rpc_client *rpc, uint32_t key, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = wait_encode(rpc, key, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_wait_submit(struct rpc_client *rpc, uint32_t key, struct rpc_request **submitted)
{
    error_t err = sample_wait_queue(rpc, key, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_wait_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value)
{
    rpc_finish(rpc, req, true);
    return wait_decode(rpc, req, value);
}

/* ---- wake ---- */

error_t sample_wake(struct rpc_client *rpc, uint32_t key, uint32_t value, uint32_t *woken)
{
    uint64_t word[6];
    word[0] = key | (uint64_t)value << 32;
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_WAKE, RPC_ONE_RESULT, word, 1);
    if (err == 0) {
        *woken = (uint32_t)word[0];
    }
    return err;
}

static error_t wake_encode(struct rpc_client *rpc, uint32_t key, uint32_t value, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_WAKE, 0);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = key | (uint64_t)value << 32;
    *encoded = req;
    return 0;
}

static error_t wake_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *woken)
{
    error_t err = req->error;
    if (err == 0) {
        *woken = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_wake_queue(struct rpc_client *rpc, uint32_t key, uint32_t value, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = wake_encode(rpc, key, value, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_wake_submit(struct rpc_client *rpc, uint32_t key, uint32_t value,
                           struct rpc_request **submitted)
{
    error_t err = sample_wake_queue(rpc, key, value, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_wake_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *woken)
{
    rpc_finish(rpc, req, false);
    return wake_decode(rpc, req, woken);
}

/* ---- sleep ---- */

static error_t sleep_encode(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                            struct rpc_request **encoded)
{
    if (note.bytes > 500ull)
        return ERR_NAME_TOO_LONG;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_SLEEP, RPC_WANT_ARENA | RPC_LONG);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = ticks;
    error_t err = rpc_put_string(rpc, req, &req->word[1], note);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t sleep_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *note_bytes)
{
    error_t err = req->error;
    if (err == 0) {
        *note_bytes = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_sleep(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note, uint32_t *note_bytes)
{
    struct rpc_request *req;
    error_t err = sleep_encode(rpc, ticks, note, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, true);
    return sleep_decode(rpc, req, note_bytes);
}

error_t sample_sleep_queue(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                           struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = sleep_encode(rpc, ticks, note, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_sleep_submit(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                            struct rpc_request **submitted)
{
    error_t err = sample_sleep_queue(rpc, ticks, note, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_sleep_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *note_bytes)
{
    rpc_finish(rpc, req, true);
    return sleep_decode(rpc, req, note_bytes);
}

/* ---- read_later ---- */

static error_t read_later_encode(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                 struct rpc_request **encoded)
{
    if (data.bytes > 100000ull)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_READ_LATER, (data.bytes <= RPC_LEND_INLINE ? RPC_WANT_ARENA : 0) | RPC_LONG);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = key;
    error_t err = 0;
    rpc_put_lend_out(req, &req->word[1], data, 0);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t read_later_decode(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                 uint64_t *done)
{
    error_t err = req->error;
    if (err == 0) {
        *done = req->word[0];
    }
    if (err == 0)
        err = rpc_take_lend_out(rpc, req, data, (uint64_t)*done);
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_read_later(struct rpc_client *rpc, uint32_t key, struct rpc_out data, uint64_t *done)
{
    struct rpc_request *req;
    error_t err = read_later_encode(rpc, key, data, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, true);
    return read_later_decode(rpc, req, data, done);
}

error_t sample_read_later_queue(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = read_later_encode(rpc, key, data, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_read_later_submit(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                 struct rpc_request **submitted)
{
    error_t err = sample_read_later_queue(rpc, key, data, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_read_later_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                 uint64_t *done)
{
    rpc_finish(rpc, req, true);
    return read_later_decode(rpc, req, data, done);
}

/* ---- wrong ---- */

error_t sample_wrong(struct rpc_client *rpc)
{
    uint64_t word[6];
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_WRONG, RPC_ONE_RESULT, word, 0);
    return err;
}

static error_t wrong_encode(struct rpc_client *rpc, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_WRONG, 0);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    *encoded = req;
    return 0;
}

static error_t wrong_decode(struct rpc_client *rpc, struct rpc_request *req)
{
    error_t err = req->error;
    rpc_end(rpc, req);
    return err;
}

error_t sample_wrong_queue(struct rpc_client *rpc, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = wrong_encode(rpc, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_wrong_submit(struct rpc_client *rpc, struct rpc_request **submitted)
{
    error_t err = sample_wrong_queue(rpc, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_wrong_finish(struct rpc_client *rpc, struct rpc_request *req)
{
    rpc_finish(rpc, req, false);
    return wrong_decode(rpc, req);
}

/* ---- open ---- */

error_t sample_open(struct rpc_client *rpc, uint32_t which, uint32_t *file)
{
    uint64_t word[6];
    word[0] = which;
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_OPEN, RPC_ONE_RESULT, word, 1);
    if (err == 0) {
        *file = (uint32_t)word[0];
    }
    return err;
}

static error_t open_encode(struct rpc_client *rpc, uint32_t which, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_OPEN, 0);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = which;
    *encoded = req;
    return 0;
}

static error_t open_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *file)
{
    error_t err = req->error;
    if (err == 0) {
        *file = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_open_queue(struct rpc_client *rpc, uint32_t which, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = open_encode(rpc, which, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_open_submit(struct rpc_client *rpc, uint32_t which, struct rpc_request **submitted)
{
    error_t err = sample_open_queue(rpc, which, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_open_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *file)
{
    rpc_finish(rpc, req, false);
    return open_decode(rpc, req, file);
}

/* ---- copy ---- */

error_t sample_copy(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes, uint32_t *size)
{
    uint64_t word[6];
    word[0] = from | (uint64_t)to << 32;
    word[1] = bytes;
    error_t err = rpc_call_words(rpc, SAMPLE_METHOD_COPY, RPC_ONE_RESULT, word, 2);
    if (err == 0) {
        *size = (uint32_t)word[0];
    }
    return err;
}

static error_t copy_encode(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                           struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_COPY, 0);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = from | (uint64_t)to << 32;
    req->word[1] = bytes;
    *encoded = req;
    return 0;
}

static error_t copy_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *size)
{
    error_t err = req->error;
    if (err == 0) {
        *size = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_copy_queue(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                          struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = copy_encode(rpc, from, to, bytes, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_copy_submit(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                           struct rpc_request **submitted)
{
    error_t err = sample_copy_queue(rpc, from, to, bytes, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_copy_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *size)
{
    rpc_finish(rpc, req, false);
    return copy_decode(rpc, req, size);
}

/* ---- soon ---- */

static error_t soon_encode(struct rpc_client *rpc, uint32_t key, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_SOON, RPC_LONG);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = key;
    *encoded = req;
    return 0;
}

static error_t soon_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value)
{
    error_t err = req->error;
    if (err == 0) {
        *value = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_soon_until(struct rpc_client *rpc, ticks_t until, uint32_t key, uint32_t *value)
{
    struct rpc_request *req;
    error_t err = soon_encode(rpc, key, &req);
    if (err != 0)
        return err;
    req->deadline = until;
    rpc_queue(rpc, req);
    if (!rpc_finish_until(rpc, req, true, false))
        return ERR_TIMEOUT;
    return soon_decode(rpc, req, value);
}

error_t sample_soon(struct rpc_client *rpc, uint32_t key, uint32_t *value)
{
    return sample_soon_until(rpc, rpc_deadline_in(rpc, 5000000), key, value);
}

error_t sample_soon_queue(struct rpc_client *rpc, uint32_t key, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = soon_encode(rpc, key, &req);
    if (err != 0)
        return err;
    req->deadline = rpc_deadline_in(rpc, 5000000);
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_soon_submit(struct rpc_client *rpc, uint32_t key, struct rpc_request **submitted)
{
    error_t err = sample_soon_queue(rpc, key, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_soon_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value)
{
    if (!rpc_finish_until(rpc, req, true, false))
        return ERR_TIMEOUT;
    return soon_decode(rpc, req, value);
}

/* ---- read_soon ---- */

static error_t read_soon_encode(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **encoded)
{
    if (data.bytes > 100000ull)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_READ_SOON, (data.bytes <= RPC_LEND_INLINE ? RPC_WANT_ARENA : 0));
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = key;
    error_t err = 0;
    rpc_put_lend_out(req, &req->word[1], data, 0);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t read_soon_decode(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                uint64_t *done)
{
    error_t err = req->error;
    if (err == 0) {
        *done = req->word[0];
    }
    if (err == 0)
        err = rpc_take_lend_out(rpc, req, data, (uint64_t)*done);
    rpc_end(rpc, req);
    return err;
}

error_t sample_read_soon_until(struct rpc_client *rpc, ticks_t until, uint32_t key, struct rpc_out data,
                               uint64_t *done)
{
    struct rpc_request *req;
    for (;;) {
        error_t err = read_soon_encode(rpc, key, data, &req);
        if (err != 0)
            return err;
        req->deadline = until;
        rpc_queue(rpc, req);
        if (!rpc_finish_until(rpc, req, false, true))
            return ERR_TIMEOUT;
        if (req->error != ERR_PEER_RESTARTED)
            break;
        rpc_end(rpc, req);
    }
    return read_soon_decode(rpc, req, data, done);
}

error_t sample_read_soon(struct rpc_client *rpc, uint32_t key, struct rpc_out data, uint64_t *done)
{
    return sample_read_soon_until(rpc, rpc_deadline_in(rpc, 5000000), key, data, done);
}

error_t sample_read_soon_queue(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                               struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = read_soon_encode(rpc, key, data, &req);
    if (err != 0)
        return err;
    req->deadline = rpc_deadline_in(rpc, 5000000);
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_read_soon_submit(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **submitted)
{
    error_t err = sample_read_soon_queue(rpc, key, data, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_read_soon_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                uint64_t *done)
{
    if (!rpc_finish_until(rpc, req, false, true))
        return ERR_TIMEOUT;
    return read_soon_decode(rpc, req, data, done);
}

/* ---- draw ---- */

static error_t draw_encode(struct rpc_client *rpc, const struct sample_figure *what,
                           const struct sample_word *more, struct rpc_request **encoded)
{
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_DRAW, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->arena_bytes = 40;
    __builtin_memcpy(&req->word[0], what, 12);
    __builtin_memcpy(req->arena, more, 40);
    *encoded = req;
    return 0;
}

static error_t draw_decode(struct rpc_client *rpc, struct rpc_request *req, struct sample_figure *last,
                           struct sample_word *sum)
{
    error_t err = req->error;
    if (err == 0 && req->result_bytes < 40)
        err = ERR_BAD_MESSAGE;
    if (err == 0) {
        __builtin_memcpy(last, &req->word[0], 12);
        __builtin_memcpy(__builtin_assume_aligned(sum, 8), __builtin_assume_aligned(req->arena, 8), 40);
    }
    if (err == 0 && !sample_figure_valid(last))
        err = ERR_BAD_MESSAGE;
    if (err == 0 && !sample_word_valid(sum))
        err = ERR_BAD_MESSAGE;
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_draw(struct rpc_client *rpc, const struct sample_figure *what, const struct sample_word *more,
                    struct sample_figure *last, struct sample_word *sum)
{
    struct rpc_request *req;
    error_t err = draw_encode(rpc, what, more, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return draw_decode(rpc, req, last, sum);
}

error_t sample_draw_queue(struct rpc_client *rpc, const struct sample_figure *what,
                          const struct sample_word *more, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = draw_encode(rpc, what, more, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_draw_submit(struct rpc_client *rpc, const struct sample_figure *what,
                           const struct sample_word *more, struct rpc_request **submitted)
{
    error_t err = sample_draw_queue(rpc, what, more, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_draw_finish(struct rpc_client *rpc, struct rpc_request *req, struct sample_figure *last,
                           struct sample_word *sum)
{
    rpc_finish(rpc, req, false);
    return draw_decode(rpc, req, last, sum);
}

/* ---- post ---- */

static error_t post_encode(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                           struct rpc_request **encoded)
{
    if (data.bytes > 300ull)
        return ERR_INVALID_ARGUMENT;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_POST, RPC_NEED_ARENA | RPC_LONG);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    req->word[0] = key;
    error_t err = rpc_put_give_in(rpc, req, &req->word[1], data);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t post_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    error_t err = req->error;
    if (err == 0) {
        *sum = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

error_t sample_post_until(struct rpc_client *rpc, ticks_t until, uint32_t key, struct rpc_in data,
                          uint32_t *sum)
{
    struct rpc_request *req;
    error_t err = post_encode(rpc, key, data, &req);
    if (err != 0)
        return err;
    req->deadline = until;
    rpc_queue(rpc, req);
    if (!rpc_finish_until(rpc, req, true, false))
        return ERR_TIMEOUT;
    return post_decode(rpc, req, sum);
}

error_t sample_post(struct rpc_client *rpc, uint32_t key, struct rpc_in data, uint32_t *sum)
{
    return sample_post_until(rpc, rpc_deadline_in(rpc, 5000000), key, data, sum);
}

error_t sample_post_queue(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                          struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = post_encode(rpc, key, data, &req);
    if (err != 0)
        return err;
    req->deadline = rpc_deadline_in(rpc, 5000000);
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_post_submit(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                           struct rpc_request **submitted)
{
    error_t err = sample_post_queue(rpc, key, data, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_post_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    if (!rpc_finish_until(rpc, req, true, false))
        return ERR_TIMEOUT;
    return post_decode(rpc, req, sum);
}

/* ---- label ---- */

static error_t label_encode(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                            struct rpc_in note, struct rpc_request **encoded)
{
    if (before.bytes > 50ull)
        return ERR_INVALID_ARGUMENT;
    if (data.bytes > 400ull)
        return ERR_INVALID_ARGUMENT;
    if (note.bytes > 300ull)
        return ERR_NAME_TOO_LONG;
    struct rpc_request *req = rpc_begin_with(rpc, SAMPLE_METHOD_LABEL, RPC_NEED_ARENA);
    if (req == NULL)
        return ERR_PEER_CLOSED;
    error_t err = rpc_put_bytes(rpc, req, &req->word[0], before);
    if (err == 0)
        err = rpc_put_give_in(rpc, req, &req->word[1], data);
    if (err == 0)
        err = rpc_put_string(rpc, req, &req->word[3], note);
    if (err != 0) {
        rpc_end(rpc, req);
        return err;
    }
    *encoded = req;
    return 0;
}

static error_t label_decode(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    error_t err = req->error;
    if (err == 0) {
        *sum = (uint32_t)req->word[0];
    }
    rpc_end(rpc, req);
    return err;
}

__attribute__((flatten)) error_t sample_label(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data, struct rpc_in note,
                     uint32_t *sum)
{
    struct rpc_request *req;
    error_t err = label_encode(rpc, before, data, note, &req);
    if (err != 0)
        return err;
    rpc_invoke(rpc, req, false);
    return label_decode(rpc, req, sum);
}

error_t sample_label_queue(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                           struct rpc_in note, struct rpc_request **queued)
{
    struct rpc_request *req;
    error_t err = label_encode(rpc, before, data, note, &req);
    if (err != 0)
        return err;
    rpc_queue(rpc, req);
    *queued = req;
    return 0;
}

error_t sample_label_submit(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                            struct rpc_in note, struct rpc_request **submitted)
{
    error_t err = sample_label_queue(rpc, before, data, note, submitted);
    if (err == 0)
        rpc_flush(rpc);
    return err;
}

error_t sample_label_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    rpc_finish(rpc, req, false);
    return label_decode(rpc, req, sum);
}

void sample_note(struct rpc_client *rpc, uint64_t a, uint32_t b, const struct sample_point *p)
{
    uint64_t word[6] = { 0 };
    word[0] = a;
    word[1] = b;
    __builtin_memcpy(&word[2], p, 8);
    rpc_post_event(rpc, SAMPLE_METHOD_NOTE, word);
}

void sample_stop(struct rpc_client *rpc)
{
    uint64_t word[6] = { 0 };
    rpc_post_event(rpc, SAMPLE_METHOD_STOP, word);
}
