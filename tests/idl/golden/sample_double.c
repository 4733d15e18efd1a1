/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Test double of interface sample, in place of its client stubs. */
#include <sample_double.h>
#include <string.h>

static const struct double_method methods[] = {
    { SAMPLE_METHOD_SUM, false, "sum" },
    { SAMPLE_METHOD_CALC, false, "calc" },
    { SAMPLE_METHOD_HELLO, false, "hello" },
    { SAMPLE_METHOD_SWAP, false, "swap" },
    { SAMPLE_METHOD_TOTAL, false, "total" },
    { SAMPLE_METHOD_CHECKSUM, false, "checksum" },
    { SAMPLE_METHOD_FILL, false, "fill" },
    { SAMPLE_METHOD_CONVERT, false, "convert" },
    { SAMPLE_METHOD_WIDE, false, "wide" },
    { SAMPLE_METHOD_WAIT, false, "wait" },
    { SAMPLE_METHOD_WAKE, false, "wake" },
    { SAMPLE_METHOD_SLEEP, false, "sleep" },
    { SAMPLE_METHOD_READ_LATER, false, "read_later" },
    { SAMPLE_METHOD_WRONG, false, "wrong" },
    { SAMPLE_METHOD_OPEN, false, "open" },
    { SAMPLE_METHOD_COPY, false, "copy" },
    { SAMPLE_METHOD_SOON, false, "soon" },
    { SAMPLE_METHOD_READ_SOON, false, "read_soon" },
    { SAMPLE_METHOD_DRAW, false, "draw" },
    { SAMPLE_METHOD_POST, false, "post" },
    { SAMPLE_METHOD_LABEL, false, "label" },
    { SAMPLE_METHOD_NOTE, true, "note" },
    { SAMPLE_METHOD_STOP, true, "stop" },
};
struct rpc_double sample_double = {
    .name = "sample", .method = methods, .nr_methods = sizeof methods / sizeof methods[0],
};

/* ---- sum ---- */

const struct sample_sum_in *sample_double_sum_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_SUM, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_sum(error_t error, const struct sample_sum_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_SUM, error, out, sizeof *out, NULL, 0);
}

void sample_double_sum_answer(struct double_call *call, error_t error, const struct sample_sum_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_sum_submit(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                          struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_SUM, sizeof(struct sample_sum_in));
    struct sample_sum_in *in = call->in;

    in->a = a;
    in->b = b;
    in->c = c;
    in->d = d;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_sum_queue(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                         struct rpc_request **queued)
{
    return sample_sum_submit(rpc, a, b, c, d, queued);
}

error_t sample_sum_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *total)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_sum_out *out = call->out;
    *total = out->total;
    return err;
}

error_t sample_sum(struct rpc_client *rpc, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *total)
{
    struct rpc_request *req;
    error_t err = sample_sum_submit(rpc, a, b, c, d, &req);

    return err != 0 ? err : sample_sum_finish(rpc, req, total);
}

/* ---- calc ---- */

const struct sample_calc_in *sample_double_calc_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_CALC, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_calc(error_t error, const struct sample_calc_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_CALC, error, out, sizeof *out, NULL, 0);
}

void sample_double_calc_answer(struct double_call *call, error_t error, const struct sample_calc_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_calc_submit(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                           uint32_t how, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_CALC, sizeof(struct sample_calc_in));
    struct sample_calc_in *in = call->in;

    in->a = a;
    in->what = what;
    in->b = b;
    in->negate = negate;
    in->how = how;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_calc_queue(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate,
                          uint32_t how, struct rpc_request **queued)
{
    return sample_calc_submit(rpc, a, what, b, negate, how, queued);
}

error_t sample_calc_finish(struct rpc_client *rpc, struct rpc_request *req, int64_t *value, bool *odd)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_calc_out *out = call->out;
    *value = out->value;
    *odd = out->odd;
    return err;
}

error_t sample_calc(struct rpc_client *rpc, uint8_t a, uint8_t what, int16_t b, bool negate, uint32_t how,
                    int64_t *value, bool *odd)
{
    struct rpc_request *req;
    error_t err = sample_calc_submit(rpc, a, what, b, negate, how, &req);

    return err != 0 ? err : sample_calc_finish(rpc, req, value, odd);
}

/* ---- hello ---- */

const struct sample_hello_in *sample_double_hello_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_HELLO, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_hello(error_t error, const struct sample_hello_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_HELLO, error, out, sizeof *out, NULL, 0);
}

void sample_double_hello_answer(struct double_call *call, error_t error, const struct sample_hello_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_hello_submit(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                            struct rpc_request **submitted)
{
    (void)rpc;
    if (name.bytes > 1000ull)
        return ERR_NAME_TOO_LONG;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_HELLO, sizeof(struct sample_hello_in));
    struct sample_hello_in *in = call->in;

    in->name = double_copy(&sample_double, name.data, name.bytes);
    in->name_bytes = (uint32_t)name.bytes;
    in->repeat = repeat;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_hello_queue(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat,
                           struct rpc_request **queued)
{
    return sample_hello_submit(rpc, name, repeat, queued);
}

error_t sample_hello_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out text,
                            uint32_t *text_bytes, uint32_t *bytes)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_hello_out *out = call->out;
    if (err == 0)
        err = double_give(text, out->text, out->text_bytes);
    *text_bytes = out->text_bytes;
    *bytes = out->bytes;
    return err;
}

error_t sample_hello(struct rpc_client *rpc, struct rpc_in name, uint32_t repeat, struct rpc_out text,
                     uint32_t *text_bytes, uint32_t *bytes)
{
    struct rpc_request *req;
    error_t err = sample_hello_submit(rpc, name, repeat, &req);

    return err != 0 ? err : sample_hello_finish(rpc, req, text, text_bytes, bytes);
}

/* ---- swap ---- */

const struct sample_swap_in *sample_double_swap_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_SWAP, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_swap(error_t error, const struct sample_swap_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_SWAP, error, out, sizeof *out, NULL, 0);
}

void sample_double_swap_answer(struct double_call *call, error_t error, const struct sample_swap_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_swap_submit(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                           struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_SWAP, sizeof(struct sample_swap_in));
    struct sample_swap_in *in = call->in;

    in->p = *p;
    in->s = *s;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_swap_queue(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                          struct rpc_request **queued)
{
    return sample_swap_submit(rpc, p, s, queued);
}

error_t sample_swap_finish(struct rpc_client *rpc, struct rpc_request *req, struct sample_shape *s_out,
                           struct sample_point *p_out)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_swap_out *out = call->out;
    *s_out = out->s;
    *p_out = out->p;
    return err;
}

error_t sample_swap(struct rpc_client *rpc, const struct sample_point *p, const struct sample_shape *s,
                    struct sample_shape *s_out, struct sample_point *p_out)
{
    struct rpc_request *req;
    error_t err = sample_swap_submit(rpc, p, s, &req);

    return err != 0 ? err : sample_swap_finish(rpc, req, s_out, p_out);
}

/* ---- total ---- */

const struct sample_total_in *sample_double_total_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_TOTAL, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_total(error_t error, const struct sample_total_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_TOTAL, error, out, sizeof *out, NULL, 0);
}

void sample_double_total_answer(struct double_call *call, error_t error, const struct sample_total_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_total_submit(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                            const struct sample_point *points, uint32_t points_count,
                            struct rpc_request **submitted)
{
    (void)rpc;
    if (numbers_count > 8)
        return ERR_INVALID_ARGUMENT;
    if (points_count > 4)
        return ERR_INVALID_ARGUMENT;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_TOTAL, sizeof(struct sample_total_in));
    struct sample_total_in *in = call->in;

    in->numbers = double_copy(&sample_double, numbers, (uint64_t)numbers_count * sizeof *numbers);
    in->numbers_count = numbers_count;
    in->points = double_copy(&sample_double, points, (uint64_t)points_count * sizeof *points);
    in->points_count = points_count;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_total_queue(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                           const struct sample_point *points, uint32_t points_count,
                           struct rpc_request **queued)
{
    return sample_total_submit(rpc, numbers, numbers_count, points, points_count, queued);
}

error_t sample_total_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *sum,
                            struct sample_point *doubled, uint32_t *doubled_count)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_total_out *out = call->out;
    *sum = out->sum;
    memcpy(doubled, out->doubled, out->doubled_count * sizeof *doubled);
    *doubled_count = out->doubled_count;
    return err;
}

error_t sample_total(struct rpc_client *rpc, const uint32_t *numbers, uint32_t numbers_count,
                     const struct sample_point *points, uint32_t points_count, uint64_t *sum,
                     struct sample_point *doubled, uint32_t *doubled_count)
{
    struct rpc_request *req;
    error_t err = sample_total_submit(rpc, numbers, numbers_count, points, points_count, &req);

    return err != 0 ? err : sample_total_finish(rpc, req, sum, doubled, doubled_count);
}

/* ---- checksum ---- */

const struct sample_checksum_in *sample_double_checksum_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_CHECKSUM, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_checksum(error_t error, const struct sample_checksum_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_CHECKSUM, error, out, sizeof *out, NULL, 0);
}

void sample_double_checksum_answer(struct double_call *call, error_t error,
                                   const struct sample_checksum_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_checksum_submit(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                               struct rpc_request **submitted)
{
    (void)rpc;
    if (data.bytes > 1000000ull)
        return ERR_INVALID_ARGUMENT;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_CHECKSUM, sizeof(struct sample_checksum_in));
    struct sample_checksum_in *in = call->in;

    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_in = double_copy(&sample_double, data.data, data.bytes);
    call->lent_in_bytes = data.bytes;
    in->seed = seed;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_checksum_queue(struct rpc_client *rpc, struct rpc_in data, uint32_t seed,
                              struct rpc_request **queued)
{
    return sample_checksum_submit(rpc, data, seed, queued);
}

error_t sample_checksum_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_checksum_out *out = call->out;
    *sum = out->sum;
    return err;
}

error_t sample_checksum(struct rpc_client *rpc, struct rpc_in data, uint32_t seed, uint32_t *sum)
{
    struct rpc_request *req;
    error_t err = sample_checksum_submit(rpc, data, seed, &req);

    return err != 0 ? err : sample_checksum_finish(rpc, req, sum);
}

/* ---- fill ---- */

const struct sample_fill_in *sample_double_fill_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_FILL, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_fill(error_t error, const struct sample_fill_out *out, const void *lent)
{
    double_tell(&sample_double, SAMPLE_METHOD_FILL, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->done : 0);
}

void sample_double_fill_answer(struct double_call *call, error_t error, const struct sample_fill_out *out,
                               const void *lent)
{
    double_answer(&sample_double, call, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->done : 0);
}

error_t sample_fill_submit(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                           struct rpc_request **submitted)
{
    (void)rpc;
    if (data.bytes > 1000000ull)
        return ERR_INVALID_ARGUMENT;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_FILL, sizeof(struct sample_fill_in));
    struct sample_fill_in *in = call->in;

    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_out = data;
    in->with = with;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_fill_queue(struct rpc_client *rpc, struct rpc_out data, uint8_t with,
                          struct rpc_request **queued)
{
    return sample_fill_submit(rpc, data, with, queued);
}

error_t sample_fill_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                           uint64_t *done)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    (void)data;
    if (err != 0)
        return err;
    const struct sample_fill_out *out = call->out;
    *done = out->done;
    return err;
}

error_t sample_fill(struct rpc_client *rpc, struct rpc_out data, uint8_t with, uint64_t *done)
{
    struct rpc_request *req;
    error_t err = sample_fill_submit(rpc, data, with, &req);

    return err != 0 ? err : sample_fill_finish(rpc, req, data, done);
}

/* ---- convert ---- */

const struct sample_convert_in *sample_double_convert_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_CONVERT, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_convert(error_t error, const struct sample_convert_out *out, const void *lent)
{
    double_tell(&sample_double, SAMPLE_METHOD_CONVERT, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->result_done : 0);
}

void sample_double_convert_answer(struct double_call *call, error_t error,
                                  const struct sample_convert_out *out, const void *lent)
{
    double_answer(&sample_double, call, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->result_done : 0);
}

error_t sample_convert_submit(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                              struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                              struct rpc_request **submitted)
{
    (void)rpc;
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
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_CONVERT, sizeof(struct sample_convert_in));
    struct sample_convert_in *in = call->in;

    in->from = double_copy(&sample_double, from.data, from.bytes);
    in->from_bytes = (uint32_t)from.bytes;
    in->to = double_copy(&sample_double, to.data, to.bytes);
    in->to_bytes = (uint32_t)to.bytes;
    in->key = double_copy(&sample_double, key.data, key.bytes);
    in->key_bytes = (uint32_t)key.bytes;
    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_in = double_copy(&sample_double, data.data, data.bytes);
    call->lent_in_bytes = data.bytes;
    in->result = (struct rpc_buf){ .bytes = result.bytes };
    call->lent_out = result;
    in->s = *s;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_convert_queue(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                             struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                             struct rpc_request **queued)
{
    return sample_convert_submit(rpc, from, to, key, data, result, s, queued);
}

error_t sample_convert_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out result,
                              uint32_t *result_done, struct sample_shape *s_out)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    (void)result;
    if (err != 0)
        return err;
    const struct sample_convert_out *out = call->out;
    *result_done = out->result_done;
    *s_out = out->s;
    return err;
}

error_t sample_convert(struct rpc_client *rpc, struct rpc_in from, struct rpc_in to, struct rpc_in key,
                       struct rpc_in data, struct rpc_out result, const struct sample_shape *s,
                       uint32_t *result_done, struct sample_shape *s_out)
{
    struct rpc_request *req;
    error_t err = sample_convert_submit(rpc, from, to, key, data, result, s, &req);

    return err != 0 ? err : sample_convert_finish(rpc, req, result, result_done, s_out);
}

/* ---- wide ---- */

const struct sample_wide_in *sample_double_wide_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_WIDE, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_wide(error_t error, const struct sample_wide_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_WIDE, error, out, sizeof *out, NULL, 0);
}

void sample_double_wide_answer(struct double_call *call, error_t error, const struct sample_wide_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_wide_submit(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                           uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_WIDE, sizeof(struct sample_wide_in));
    struct sample_wide_in *in = call->in;

    in->a = a;
    in->b = b;
    in->c = c;
    in->d = d;
    in->e = e;
    in->f = f;
    in->g = g;
    in->h = h;
    in->i = i;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_wide_queue(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                          uint64_t f, uint16_t g, bool h, int64_t i, struct rpc_request **queued)
{
    return sample_wide_submit(rpc, a, b, c, d, e, f, g, h, i, queued);
}

error_t sample_wide_finish(struct rpc_client *rpc, struct rpc_request *req, uint64_t *r0, uint64_t *r1,
                           uint64_t *r2, uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_wide_out *out = call->out;
    *r0 = out->r0;
    *r1 = out->r1;
    *r2 = out->r2;
    *r3 = out->r3;
    *r4 = out->r4;
    *r5 = out->r5;
    *r6 = out->r6;
    *r7 = out->r7;
    return err;
}

error_t sample_wide(struct rpc_client *rpc, uint64_t a, uint8_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f, uint16_t g, bool h, int64_t i, uint64_t *r0, uint64_t *r1, uint64_t *r2,
                    uint64_t *r3, uint64_t *r4, uint64_t *r5, int16_t *r6, bool *r7)
{
    struct rpc_request *req;
    error_t err = sample_wide_submit(rpc, a, b, c, d, e, f, g, h, i, &req);

    return err != 0 ? err : sample_wide_finish(rpc, req, r0, r1, r2, r3, r4, r5, r6, r7);
}

/* ---- wait ---- */

const struct sample_wait_in *sample_double_wait_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_WAIT, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_wait(error_t error, const struct sample_wait_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_WAIT, error, out, sizeof *out, NULL, 0);
}

void sample_double_wait_answer(struct double_call *call, error_t error, const struct sample_wait_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_wait_submit(struct rpc_client *rpc, uint32_t key, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_WAIT, sizeof(struct sample_wait_in));
    struct sample_wait_in *in = call->in;

    in->key = key;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_wait_queue(struct rpc_client *rpc, uint32_t key, struct rpc_request **queued)
{
    return sample_wait_submit(rpc, key, queued);
}

error_t sample_wait_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_wait_out *out = call->out;
    *value = out->value;
    return err;
}

error_t sample_wait(struct rpc_client *rpc, uint32_t key, uint32_t *value)
{
    struct rpc_request *req;
    error_t err = sample_wait_submit(rpc, key, &req);

    return err != 0 ? err : sample_wait_finish(rpc, req, value);
}

/* ---- wake ---- */

const struct sample_wake_in *sample_double_wake_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_WAKE, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_wake(error_t error, const struct sample_wake_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_WAKE, error, out, sizeof *out, NULL, 0);
}

void sample_double_wake_answer(struct double_call *call, error_t error, const struct sample_wake_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_wake_submit(struct rpc_client *rpc, uint32_t key, uint32_t value,
                           struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_WAKE, sizeof(struct sample_wake_in));
    struct sample_wake_in *in = call->in;

    in->key = key;
    in->value = value;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_wake_queue(struct rpc_client *rpc, uint32_t key, uint32_t value, struct rpc_request **queued)
{
    return sample_wake_submit(rpc, key, value, queued);
}

error_t sample_wake_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *woken)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_wake_out *out = call->out;
    *woken = out->woken;
    return err;
}

error_t sample_wake(struct rpc_client *rpc, uint32_t key, uint32_t value, uint32_t *woken)
{
    struct rpc_request *req;
    error_t err = sample_wake_submit(rpc, key, value, &req);

    return err != 0 ? err : sample_wake_finish(rpc, req, woken);
}

/* ---- sleep ---- */

const struct sample_sleep_in *sample_double_sleep_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_SLEEP, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_sleep(error_t error, const struct sample_sleep_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_SLEEP, error, out, sizeof *out, NULL, 0);
}

void sample_double_sleep_answer(struct double_call *call, error_t error, const struct sample_sleep_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_sleep_submit(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                            struct rpc_request **submitted)
{
    (void)rpc;
    if (note.bytes > 500ull)
        return ERR_NAME_TOO_LONG;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_SLEEP, sizeof(struct sample_sleep_in));
    struct sample_sleep_in *in = call->in;

    in->ticks = ticks;
    in->note = double_copy(&sample_double, note.data, note.bytes);
    in->note_bytes = (uint32_t)note.bytes;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_sleep_queue(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note,
                           struct rpc_request **queued)
{
    return sample_sleep_submit(rpc, ticks, note, queued);
}

error_t sample_sleep_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *note_bytes)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_sleep_out *out = call->out;
    *note_bytes = out->note_bytes;
    return err;
}

error_t sample_sleep(struct rpc_client *rpc, uint64_t ticks, struct rpc_in note, uint32_t *note_bytes)
{
    struct rpc_request *req;
    error_t err = sample_sleep_submit(rpc, ticks, note, &req);

    return err != 0 ? err : sample_sleep_finish(rpc, req, note_bytes);
}

/* ---- read_later ---- */

const struct sample_read_later_in *sample_double_read_later_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_READ_LATER, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_read_later(error_t error, const struct sample_read_later_out *out, const void *lent)
{
    double_tell(&sample_double, SAMPLE_METHOD_READ_LATER, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->done : 0);
}

void sample_double_read_later_answer(struct double_call *call, error_t error,
                                     const struct sample_read_later_out *out, const void *lent)
{
    double_answer(&sample_double, call, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->done : 0);
}

error_t sample_read_later_submit(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                 struct rpc_request **submitted)
{
    (void)rpc;
    if (data.bytes > 100000ull)
        return ERR_INVALID_ARGUMENT;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_READ_LATER, sizeof(struct sample_read_later_in));
    struct sample_read_later_in *in = call->in;

    in->key = key;
    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_out = data;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_read_later_queue(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **queued)
{
    return sample_read_later_submit(rpc, key, data, queued);
}

error_t sample_read_later_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                 uint64_t *done)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    (void)data;
    if (err != 0)
        return err;
    const struct sample_read_later_out *out = call->out;
    *done = out->done;
    return err;
}

error_t sample_read_later(struct rpc_client *rpc, uint32_t key, struct rpc_out data, uint64_t *done)
{
    struct rpc_request *req;
    error_t err = sample_read_later_submit(rpc, key, data, &req);

    return err != 0 ? err : sample_read_later_finish(rpc, req, data, done);
}

/* ---- wrong ---- */

const struct sample_wrong_in *sample_double_wrong_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_WRONG, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_wrong(error_t error, const struct sample_wrong_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_WRONG, error, out, sizeof *out, NULL, 0);
}

void sample_double_wrong_answer(struct double_call *call, error_t error, const struct sample_wrong_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_wrong_submit(struct rpc_client *rpc, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_WRONG, sizeof(struct sample_wrong_in));
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_wrong_queue(struct rpc_client *rpc, struct rpc_request **queued)
{
    return sample_wrong_submit(rpc, queued);
}

error_t sample_wrong_finish(struct rpc_client *rpc, struct rpc_request *req)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    (void)call;
    return err;
}

error_t sample_wrong(struct rpc_client *rpc)
{
    struct rpc_request *req;
    error_t err = sample_wrong_submit(rpc, &req);

    return err != 0 ? err : sample_wrong_finish(rpc, req);
}

/* ---- open ---- */

const struct sample_open_in *sample_double_open_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_OPEN, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_open(error_t error, const struct sample_open_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_OPEN, error, out, sizeof *out, NULL, 0);
}

void sample_double_open_answer(struct double_call *call, error_t error, const struct sample_open_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_open_submit(struct rpc_client *rpc, uint32_t which, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_OPEN, sizeof(struct sample_open_in));
    struct sample_open_in *in = call->in;

    in->which = which;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_open_queue(struct rpc_client *rpc, uint32_t which, struct rpc_request **queued)
{
    return sample_open_submit(rpc, which, queued);
}

error_t sample_open_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *file)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_open_out *out = call->out;
    *file = out->file;
    return err;
}

error_t sample_open(struct rpc_client *rpc, uint32_t which, uint32_t *file)
{
    struct rpc_request *req;
    error_t err = sample_open_submit(rpc, which, &req);

    return err != 0 ? err : sample_open_finish(rpc, req, file);
}

/* ---- copy ---- */

const struct sample_copy_in *sample_double_copy_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_COPY, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_copy(error_t error, const struct sample_copy_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_COPY, error, out, sizeof *out, NULL, 0);
}

void sample_double_copy_answer(struct double_call *call, error_t error, const struct sample_copy_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_copy_submit(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                           struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_COPY, sizeof(struct sample_copy_in));
    struct sample_copy_in *in = call->in;

    in->from_handle = from;
    in->to_handle = to;
    in->bytes = bytes;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_copy_queue(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes,
                          struct rpc_request **queued)
{
    return sample_copy_submit(rpc, from, to, bytes, queued);
}

error_t sample_copy_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *size)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_copy_out *out = call->out;
    *size = out->size;
    return err;
}

error_t sample_copy(struct rpc_client *rpc, uint32_t from, uint32_t to, uint32_t bytes, uint32_t *size)
{
    struct rpc_request *req;
    error_t err = sample_copy_submit(rpc, from, to, bytes, &req);

    return err != 0 ? err : sample_copy_finish(rpc, req, size);
}

/* ---- soon ---- */

const struct sample_soon_in *sample_double_soon_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_SOON, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_soon(error_t error, const struct sample_soon_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_SOON, error, out, sizeof *out, NULL, 0);
}

void sample_double_soon_answer(struct double_call *call, error_t error, const struct sample_soon_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_soon_submit(struct rpc_client *rpc, uint32_t key, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_SOON, sizeof(struct sample_soon_in));
    struct sample_soon_in *in = call->in;

    in->key = key;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_soon_queue(struct rpc_client *rpc, uint32_t key, struct rpc_request **queued)
{
    return sample_soon_submit(rpc, key, queued);
}

error_t sample_soon_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *value)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_soon_out *out = call->out;
    *value = out->value;
    return err;
}

error_t sample_soon(struct rpc_client *rpc, uint32_t key, uint32_t *value)
{
    struct rpc_request *req;
    error_t err = sample_soon_submit(rpc, key, &req);

    return err != 0 ? err : sample_soon_finish(rpc, req, value);
}

error_t sample_soon_until(struct rpc_client *rpc, ticks_t until, uint32_t key, uint32_t *value)
{
    (void)until;
    return sample_soon(rpc, key, value);
}

/* ---- read_soon ---- */

const struct sample_read_soon_in *sample_double_read_soon_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_READ_SOON, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_read_soon(error_t error, const struct sample_read_soon_out *out, const void *lent)
{
    double_tell(&sample_double, SAMPLE_METHOD_READ_SOON, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->done : 0);
}

void sample_double_read_soon_answer(struct double_call *call, error_t error,
                                    const struct sample_read_soon_out *out, const void *lent)
{
    double_answer(&sample_double, call, error, out, sizeof *out, lent, error == 0 ? (uint64_t)out->done : 0);
}

error_t sample_read_soon_submit(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                                struct rpc_request **submitted)
{
    (void)rpc;
    if (data.bytes > 100000ull)
        return ERR_INVALID_ARGUMENT;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_READ_SOON, sizeof(struct sample_read_soon_in));
    struct sample_read_soon_in *in = call->in;

    in->key = key;
    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_out = data;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_read_soon_queue(struct rpc_client *rpc, uint32_t key, struct rpc_out data,
                               struct rpc_request **queued)
{
    return sample_read_soon_submit(rpc, key, data, queued);
}

error_t sample_read_soon_finish(struct rpc_client *rpc, struct rpc_request *req, struct rpc_out data,
                                uint64_t *done)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    (void)data;
    if (err != 0)
        return err;
    const struct sample_read_soon_out *out = call->out;
    *done = out->done;
    return err;
}

error_t sample_read_soon(struct rpc_client *rpc, uint32_t key, struct rpc_out data, uint64_t *done)
{
    struct rpc_request *req;
    error_t err = sample_read_soon_submit(rpc, key, data, &req);

    return err != 0 ? err : sample_read_soon_finish(rpc, req, data, done);
}

error_t sample_read_soon_until(struct rpc_client *rpc, ticks_t until, uint32_t key, struct rpc_out data,
                               uint64_t *done)
{
    (void)until;
    return sample_read_soon(rpc, key, data, done);
}

/* ---- draw ---- */

const struct sample_draw_in *sample_double_draw_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_DRAW, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_draw(error_t error, const struct sample_draw_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_DRAW, error, out, sizeof *out, NULL, 0);
}

void sample_double_draw_answer(struct double_call *call, error_t error, const struct sample_draw_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_draw_submit(struct rpc_client *rpc, const struct sample_figure *what,
                           const struct sample_word *more, struct rpc_request **submitted)
{
    (void)rpc;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_DRAW, sizeof(struct sample_draw_in));
    struct sample_draw_in *in = call->in;

    in->what = *what;
    in->more = *more;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_draw_queue(struct rpc_client *rpc, const struct sample_figure *what,
                          const struct sample_word *more, struct rpc_request **queued)
{
    return sample_draw_submit(rpc, what, more, queued);
}

error_t sample_draw_finish(struct rpc_client *rpc, struct rpc_request *req, struct sample_figure *last,
                           struct sample_word *sum)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_draw_out *out = call->out;
    *last = out->last;
    *sum = out->sum;
    return err;
}

error_t sample_draw(struct rpc_client *rpc, const struct sample_figure *what, const struct sample_word *more,
                    struct sample_figure *last, struct sample_word *sum)
{
    struct rpc_request *req;
    error_t err = sample_draw_submit(rpc, what, more, &req);

    return err != 0 ? err : sample_draw_finish(rpc, req, last, sum);
}

/* ---- post ---- */

const struct sample_post_in *sample_double_post_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_POST, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_post(error_t error, const struct sample_post_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_POST, error, out, sizeof *out, NULL, 0);
}

void sample_double_post_answer(struct double_call *call, error_t error, const struct sample_post_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_post_submit(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                           struct rpc_request **submitted)
{
    (void)rpc;
    if (data.bytes > 300ull)
        return ERR_INVALID_ARGUMENT;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_POST, sizeof(struct sample_post_in));
    struct sample_post_in *in = call->in;

    in->key = key;
    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_in = double_copy(&sample_double, data.data, data.bytes);
    call->lent_in_bytes = data.bytes;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_post_queue(struct rpc_client *rpc, uint32_t key, struct rpc_in data,
                          struct rpc_request **queued)
{
    return sample_post_submit(rpc, key, data, queued);
}

error_t sample_post_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_post_out *out = call->out;
    *sum = out->sum;
    return err;
}

error_t sample_post(struct rpc_client *rpc, uint32_t key, struct rpc_in data, uint32_t *sum)
{
    struct rpc_request *req;
    error_t err = sample_post_submit(rpc, key, data, &req);

    return err != 0 ? err : sample_post_finish(rpc, req, sum);
}

error_t sample_post_until(struct rpc_client *rpc, ticks_t until, uint32_t key, struct rpc_in data,
                          uint32_t *sum)
{
    (void)until;
    return sample_post(rpc, key, data, sum);
}

/* ---- label ---- */

const struct sample_label_in *sample_double_label_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_LABEL, n);

    return call != NULL ? call->in : NULL;
}

void sample_double_label(error_t error, const struct sample_label_out *out)
{
    double_tell(&sample_double, SAMPLE_METHOD_LABEL, error, out, sizeof *out, NULL, 0);
}

void sample_double_label_answer(struct double_call *call, error_t error, const struct sample_label_out *out)
{
    double_answer(&sample_double, call, error, out, sizeof *out, NULL, 0);
}

error_t sample_label_submit(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                            struct rpc_in note, struct rpc_request **submitted)
{
    (void)rpc;
    if (before.bytes > 50ull)
        return ERR_INVALID_ARGUMENT;
    if (data.bytes > 400ull)
        return ERR_INVALID_ARGUMENT;
    if (note.bytes > 300ull)
        return ERR_NAME_TOO_LONG;
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_LABEL, sizeof(struct sample_label_in));
    struct sample_label_in *in = call->in;

    in->before = double_copy(&sample_double, before.data, before.bytes);
    in->before_bytes = (uint32_t)before.bytes;
    in->data = (struct rpc_buf){ .bytes = data.bytes };
    call->lent_in = double_copy(&sample_double, data.data, data.bytes);
    call->lent_in_bytes = data.bytes;
    in->note = double_copy(&sample_double, note.data, note.bytes);
    in->note_bytes = (uint32_t)note.bytes;
    double_called(&sample_double, call);
    *submitted = (struct rpc_request *)call;
    return 0;
}

error_t sample_label_queue(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data,
                           struct rpc_in note, struct rpc_request **queued)
{
    return sample_label_submit(rpc, before, data, note, queued);
}

error_t sample_label_finish(struct rpc_client *rpc, struct rpc_request *req, uint32_t *sum)
{
    const struct double_call *call = (const struct double_call *)req;
    error_t err = double_finish(&sample_double, (struct double_call *)req);

    (void)rpc;
    if (err != 0)
        return err;
    const struct sample_label_out *out = call->out;
    *sum = out->sum;
    return err;
}

error_t sample_label(struct rpc_client *rpc, struct rpc_in before, struct rpc_in data, struct rpc_in note,
                     uint32_t *sum)
{
    struct rpc_request *req;
    error_t err = sample_label_submit(rpc, before, data, note, &req);

    return err != 0 ? err : sample_label_finish(rpc, req, sum);
}

/* ---- note ---- */

const struct sample_note_in *sample_double_note_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_NOTE, n);

    return call != NULL ? call->in : NULL;
}

void sample_note(struct rpc_client *rpc, uint64_t a, uint32_t b, const struct sample_point *p)
{
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_NOTE, sizeof(struct sample_note_in));
    struct sample_note_in *in = call->in;

    in->a = a;
    in->b = b;
    in->p = *p;
    double_posted(&sample_double, rpc, call);
}

/* ---- stop ---- */

const struct sample_stop_in *sample_double_stop_call(unsigned n)
{
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_STOP, n);

    return call != NULL ? call->in : NULL;
}

void sample_stop(struct rpc_client *rpc)
{
    struct double_call *call = double_begin(&sample_double, SAMPLE_METHOD_STOP, sizeof(struct sample_stop_in));
    double_posted(&sample_double, rpc, call);
}
