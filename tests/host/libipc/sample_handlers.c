/* SPDX-License-Identifier: MIT */
#include "sample_handlers.h"

#include <libipc/executor.h>
#include <stdlib.h>
#include <string.h>

unsigned handlers_nr_notes;
uint64_t handlers_last_note;
unsigned handlers_nr_parked;
unsigned handlers_nr_sleeping;

struct waiter {
    struct rpc_call *call;
    uint32_t key;
    struct rpc_buf buf;
    struct waiter *next;
};
static struct waiter *waiters;
bool handlers_named;
struct rpc_identity handlers_identity;

error_t sample_serve_sum(struct rpc_call *call, const struct sample_sum_in *in, struct sample_sum_out *out)
{
    handlers_named = rpc_identity(call, &handlers_identity);
    out->total = in->a + in->b + in->c + in->d;
    return 0;
}

error_t sample_serve_calc(struct rpc_call *call, const struct sample_calc_in *in, struct sample_calc_out *out)
{
    (void)call;
    if ((in->how & SAMPLE_MODE_READ) == 0)
        return ERR_INVALID_ARGUMENT;
    int64_t value = in->what == SAMPLE_OP_ADD ? in->a + in->b : in->what == SAMPLE_OP_SUB ? in->a - in->b
                                                                                       : in->a * in->b;
    out->value = in->negate ? -value : value;
    out->odd = value % 2 != 0;
    return 0;
}

error_t sample_serve_hello(struct rpc_call *call, const struct sample_hello_in *in, struct sample_hello_out *out)
{
    static char text[200];
    (void)call;
    if (strlen(in->name) != in->name_bytes)
        abort();
    size_t used = 0;
    for (uint32_t i = 0; i < in->repeat && used + in->name_bytes <= sizeof text; i++) {
        memcpy(text + used, in->name, in->name_bytes);
        used += in->name_bytes;
    }
    out->text = text;
    out->text_bytes = (uint32_t)used;
    out->bytes = in->name_bytes;
    return 0;
}

error_t sample_serve_swap(struct rpc_call *call, const struct sample_swap_in *in, struct sample_swap_out *out)
{
    (void)call;
    out->s = in->s;
    out->s.corner[0] = in->s.corner[1];
    out->s.corner[1] = in->s.corner[0];
    out->p = (struct sample_point){ in->p.y, in->p.x };
    return 0;
}

error_t sample_serve_total(struct rpc_call *call, const struct sample_total_in *in, struct sample_total_out *out)
{
    static struct sample_point doubled[4];
    (void)call;
    for (uint32_t i = 0; i < in->numbers_count; i++)
        out->sum += in->numbers[i];
    for (uint32_t i = 0; i < in->points_count; i++)
        doubled[i] = (struct sample_point){ in->points[i].x * 2, in->points[i].y * 2 };
    out->doubled = doubled;
    out->doubled_count = in->points_count;
    return 0;
}

static error_t sum_of(struct rpc_call *call, const struct rpc_buf *buf, uint32_t *sum)
{
    uint8_t chunk[100];
    for (uint64_t at = 0; at < buf->bytes; at += sizeof chunk) {
        size_t bytes = buf->bytes - at < sizeof chunk ? buf->bytes - at : sizeof chunk;
        error_t error = rpc_buf_read(call, buf, at, chunk, bytes);
        if (error != 0)
            return error;
        for (size_t i = 0; i < bytes; i++)
            *sum += chunk[i];
    }
    return 0;
}

error_t sample_serve_checksum(struct rpc_call *call, const struct sample_checksum_in *in,
                              struct sample_checksum_out *out)
{
    out->sum = in->seed;
    return sum_of(call, &in->data, &out->sum);
}

error_t sample_serve_fill(struct rpc_call *call, const struct sample_fill_in *in, struct sample_fill_out *out)
{
    uint8_t chunk[64];
    memset(chunk, in->with, sizeof chunk);
    uint64_t half = in->data.bytes / 2 + in->data.bytes % 2;
    for (uint64_t at = 0; at < half; at += sizeof chunk) {
        size_t bytes = half - at < sizeof chunk ? half - at : sizeof chunk;
        error_t error = rpc_buf_write(call, &in->data, at, chunk, bytes);
        if (error != 0)
            return error;
    }
    out->done = half;
    return 0;
}

error_t sample_serve_convert(struct rpc_call *call, const struct sample_convert_in *in,
                             struct sample_convert_out *out)
{
    uint32_t sum = 0;
    error_t error = sum_of(call, &in->data, &sum);
    if (error != 0)
        return error;
    for (uint32_t i = 0; i < in->key_bytes; i++)
        sum += in->key[i];
    sum += in->from_bytes * 1000 + in->to_bytes;
    if (in->result.bytes >= sizeof sum) {
        error = rpc_buf_write(call, &in->result, 0, &sum, sizeof sum);
        out->result_done = sizeof sum;
    }
    out->s = in->s;
    out->s.color = sum;
    return error;
}

error_t sample_serve_wide(struct rpc_call *call, const struct sample_wide_in *in, struct sample_wide_out *out)
{
    (void)call;
    *out = (struct sample_wide_out){ in->a, in->b, in->c, in->d, in->e, in->f, (int16_t)in->g, in->h };
    if (in->i != -5)
        return ERR_NOT_FOUND;
    return 0;
}

/* ---- parked ---- */

static void take_out(struct waiter *waiter)
{
    for (struct waiter **at = &waiters; *at != NULL; at = &(*at)->next) {
        if (*at == waiter) {
            *at = waiter->next;
            handlers_nr_parked--;
            free(waiter);
            return;
        }
    }
    abort();
}

static void cancelled(struct rpc_call *call)
{
    take_out(call->context);
    rpc_complete(call, ERR_CANCELLED);
}

static error_t park(struct rpc_call *call, uint32_t key, const struct rpc_buf *buf)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);
    waiter->call = rpc_park(call, cancelled, waiter);
    if (waiter->call == NULL) {
        free(waiter);
        return ERR_NO_BUFFERS;
    }
    waiter->key = key;
    if (buf != NULL)
        waiter->buf = *buf;
    waiter->next = waiters;
    waiters = waiter;
    handlers_nr_parked++;
    return RPC_PENDING;
}

static uint32_t sum_of_given(struct rpc_call *call, const struct rpc_buf *data);

unsigned handlers_wake(uint32_t key, uint32_t value)
{
    unsigned nr = 0;
    for (struct waiter *w = waiters, *next; w != NULL; w = next) {
        next = w->next;
        if (w->key != key)
            continue;
        struct rpc_call *call = w->call;
        nr++;
        if (call->method == SAMPLE_METHOD_WAIT) {
            sample_wait_reply(call, 0, &(struct sample_wait_out){ .value = value });
        } else if (call->method == SAMPLE_METHOD_SOON) {
            sample_soon_reply(call, 0, &(struct sample_soon_out){ .value = value });
        } else if (call->method == SAMPLE_METHOD_POST) {
            sample_post_reply(call, 0, &(struct sample_post_out){ .sum = sum_of_given(call, &w->buf) });
        } else if (call->method == SAMPLE_METHOD_READ_SOON) {
            error_t error = rpc_buf_write(call, &w->buf, 0, &value, sizeof value);
            sample_read_soon_reply(call, error, &(struct sample_read_soon_out){ .done = sizeof value });
        } else {
            error_t error = rpc_buf_write(call, &w->buf, 0, &value, sizeof value);
            sample_read_later_reply(call, error, &(struct sample_read_later_out){ .done = sizeof value });
        }
        take_out(w);
    }
    return nr;
}

error_t sample_serve_wait(struct rpc_call *call, const struct sample_wait_in *in, struct sample_wait_out *out)
{
    (void)out;
    return park(call, in->key, NULL);
}

/* Files 1 to 9, the even ones for reading only; to be looked up by nobody else. */
struct sample_file {
    uint32_t number;
};

error_t sample_lookup_file(struct rpc_call *call, uint32_t handle, uint32_t rights, struct sample_file **object)
{
    static struct sample_file files[10];

    (void)call;
    if (handle == 0 || handle > 9)
        return ERR_BAD_HANDLE;
    if (handle % 2 == 0 && (rights & SAMPLE_FILE_WRITE) != 0)
        return ERR_RIGHTS;
    files[handle].number = handle;
    *object = &files[handle];
    return 0;
}

error_t sample_serve_copy(struct rpc_call *call, const struct sample_copy_in *in, struct sample_copy_out *out)
{
    (void)call;
    if (in->from->number != in->from_handle || in->to->number != in->to_handle || in->to_handle % 2 == 0)
        abort();
    out->size = in->from->number * 100 + in->to->number * 10 + in->bytes;
    return 0;
}

static uint32_t sum_of_given(struct rpc_call *call, const struct rpc_buf *data)
{
    uint8_t bytes[400];
    uint32_t sum = 0;

    if (rpc_buf_read(call, data, 0, bytes, data->bytes) != 0)
        abort();
    for (uint64_t i = 0; i < data->bytes; i++)
        sum += bytes[i];
    return sum;
}

error_t sample_serve_post(struct rpc_call *call, const struct sample_post_in *in, struct sample_post_out *out)
{
    (void)out;
    return park(call, in->key, &in->data);
}

error_t sample_serve_label(struct rpc_call *call, const struct sample_label_in *in, struct sample_label_out *out)
{
    out->sum = sum_of_given(call, &in->data) + in->note_bytes * 1000000 + in->before_bytes;
    for (uint32_t i = 0; i < in->before_bytes; i++)
        out->sum += in->before[i];
    return strlen(in->note) == in->note_bytes ? 0 : ERR_NOT_FOUND;
}

/* Answers what it was given; the sum of a shape is its corners'. */
error_t sample_serve_draw(struct rpc_call *call, const struct sample_draw_in *in, struct sample_draw_out *out)
{
    (void)call;
    out->last = in->what;
    out->sum.tag = SAMPLE_WORD_NUMBER;
    if (in->more.tag == SAMPLE_WORD_NUMBER)
        out->sum.number = in->more.number + 1;
    else
        out->sum.number = (uint64_t)in->more.whole.corner[0].x + (uint64_t)in->more.whole.corner[1].y;
    if (in->what.tag == SAMPLE_FIGURE_HOW && in->what.how == SAMPLE_MODE_WRITE)
        out->last.tag = 3;      /* no such figure: the client refuses it */
    return 0;
}

error_t sample_serve_soon(struct rpc_call *call, const struct sample_soon_in *in, struct sample_soon_out *out)
{
    (void)out;
    return park(call, in->key, NULL);
}

error_t sample_serve_read_soon(struct rpc_call *call, const struct sample_read_soon_in *in, struct sample_read_soon_out *out)
{
    (void)out;
    return park(call, in->key, &in->data);
}

error_t sample_serve_read_later(struct rpc_call *call, const struct sample_read_later_in *in,
                                struct sample_read_later_out *out)
{
    (void)out;
    return park(call, in->key, &in->data);
}

error_t sample_serve_wake(struct rpc_call *call, const struct sample_wake_in *in, struct sample_wake_out *out)
{
    (void)call;
    out->woken = handlers_wake(in->key, in->value);
    return 0;
}

error_t sample_serve_sleep(struct rpc_call *call, const struct sample_sleep_in *in, struct sample_sleep_out *out)
{
    if (coro_self() == NULL)
        return RPC_BLOCKS;
    handlers_named = rpc_identity(call, &handlers_identity);
    ticks_t until = exec_now() + in->ticks;
    error_t error;
    handlers_nr_sleeping++;
    do
        error = coro_suspend_until(until);
    while (error == 0);
    handlers_nr_sleeping--;
    if (strlen(in->note) != in->note_bytes)
        abort();
    out->note_bytes = in->note_bytes;
    return error == ERR_TIMEOUT ? 0 : error;
}

error_t sample_serve_wrong(struct rpc_call *call, const struct sample_wrong_in *in, struct sample_wrong_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_LOOP;
}

error_t sample_serve_open(struct rpc_call *call, const struct sample_open_in *in, struct sample_open_out *out)
{
    (void)call;
    out->file = in->which + 1;
    return in->which == 7 ? ERR_NOT_FOUND : 0;
}

error_t sample_serve_note(struct rpc_call *call, const struct sample_note_in *in)
{
    (void)call;
    handlers_nr_notes++;
    handlers_last_note = in->a + in->b + (uint64_t)in->p.x + (uint64_t)in->p.y;
    return 0;
}

error_t sample_serve_stop(struct rpc_call *call, const struct sample_stop_in *in)
{
    (void)call, (void)in;
    exec_stop();
    return 0;
}
