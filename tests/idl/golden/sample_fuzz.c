/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. libFuzzer harness of the dispatch of interface sample:
 * the input is one submission entry (64 bytes), then the arena slot. The handlers read all that they are given, so that
 * the sanitizers see a bad pointer or length. */
#include <sample_server.h>
#include <libipc/fuzz.h>
#include <stdlib.h>
#include <string.h>

error_t sample_lookup_file(struct rpc_call *call, uint32_t handle, uint32_t rights, struct sample_file **object)
{
    (void)call;
    return fuzz_lookup(handle, rights, (void **)object);
}

error_t sample_serve_sum(struct rpc_call *call, const struct sample_sum_in *in, struct sample_sum_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_calc(struct rpc_call *call, const struct sample_calc_in *in, struct sample_calc_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_hello(struct rpc_call *call, const struct sample_hello_in *in, struct sample_hello_out *out)
{
    (void)in;
    fuzz_string(in->name, in->name_bytes, 1000);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_swap(struct rpc_call *call, const struct sample_swap_in *in, struct sample_swap_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_total(struct rpc_call *call, const struct sample_total_in *in, struct sample_total_out *out)
{
    (void)in;
    fuzz_read(in->numbers, in->numbers_count * sizeof *in->numbers);
    fuzz_read(in->points, in->points_count * sizeof *in->points);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_checksum(struct rpc_call *call, const struct sample_checksum_in *in, struct sample_checksum_out *out)
{
    (void)in;
    fuzz_lend_in(call, &in->data);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_fill(struct rpc_call *call, const struct sample_fill_in *in, struct sample_fill_out *out)
{
    (void)in;
    fuzz_lend_out(call, &in->data);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_convert(struct rpc_call *call, const struct sample_convert_in *in, struct sample_convert_out *out)
{
    (void)in;
    fuzz_string(in->from, in->from_bytes, 300);
    fuzz_string(in->to, in->to_bytes, 300);
    fuzz_read(in->key, in->key_bytes);
    fuzz_lend_in(call, &in->data);
    fuzz_lend_out(call, &in->result);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_wide(struct rpc_call *call, const struct sample_wide_in *in, struct sample_wide_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_wait(struct rpc_call *call, const struct sample_wait_in *in, struct sample_wait_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_wake(struct rpc_call *call, const struct sample_wake_in *in, struct sample_wake_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_sleep(struct rpc_call *call, const struct sample_sleep_in *in, struct sample_sleep_out *out)
{
    (void)in;
    fuzz_string(in->note, in->note_bytes, 500);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_read_later(struct rpc_call *call, const struct sample_read_later_in *in, struct sample_read_later_out *out)
{
    (void)in;
    fuzz_lend_out(call, &in->data);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_wrong(struct rpc_call *call, const struct sample_wrong_in *in, struct sample_wrong_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_open(struct rpc_call *call, const struct sample_open_in *in, struct sample_open_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_copy(struct rpc_call *call, const struct sample_copy_in *in, struct sample_copy_out *out)
{
    (void)in;
    fuzz_handle(in->from, in->from_handle, SAMPLE_FILE_READ);
    fuzz_handle(in->to, in->to_handle, SAMPLE_FILE_READ | SAMPLE_FILE_WRITE);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_soon(struct rpc_call *call, const struct sample_soon_in *in, struct sample_soon_out *out)
{
    (void)in;
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_read_soon(struct rpc_call *call, const struct sample_read_soon_in *in, struct sample_read_soon_out *out)
{
    (void)in;
    fuzz_lend_out(call, &in->data);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_draw(struct rpc_call *call, const struct sample_draw_in *in, struct sample_draw_out *out)
{
    (void)in;
    if (!sample_figure_valid(&in->what))
        abort();
    fuzz_read(&in->what, sizeof in->what);
    if (!sample_word_valid(&in->more))
        abort();
    fuzz_read(&in->more, sizeof in->more);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_post(struct rpc_call *call, const struct sample_post_in *in, struct sample_post_out *out)
{
    (void)in;
    fuzz_lend_in(call, &in->data);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_label(struct rpc_call *call, const struct sample_label_in *in, struct sample_label_out *out)
{
    (void)in;
    fuzz_read(in->before, in->before_bytes);
    fuzz_lend_in(call, &in->data);
    fuzz_string(in->note, in->note_bytes, 300);
    (void)out;
    return fuzz_outcome(call);
}

error_t sample_serve_note(struct rpc_call *call, const struct sample_note_in *in)
{
    (void)in;
    (void)call;
    return 0;
}

error_t sample_serve_stop(struct rpc_call *call, const struct sample_stop_in *in)
{
    (void)in;
    (void)call;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t methods[] = {
        SAMPLE_METHOD_SUM,
        SAMPLE_METHOD_CALC,
        SAMPLE_METHOD_HELLO,
        SAMPLE_METHOD_SWAP,
        SAMPLE_METHOD_TOTAL,
        SAMPLE_METHOD_CHECKSUM,
        SAMPLE_METHOD_FILL,
        SAMPLE_METHOD_CONVERT,
        SAMPLE_METHOD_WIDE,
        SAMPLE_METHOD_WAIT,
        SAMPLE_METHOD_WAKE,
        SAMPLE_METHOD_SLEEP,
        SAMPLE_METHOD_READ_LATER,
        SAMPLE_METHOD_WRONG,
        SAMPLE_METHOD_OPEN,
        SAMPLE_METHOD_COPY,
        SAMPLE_METHOD_SOON,
        SAMPLE_METHOD_READ_SOON,
        SAMPLE_METHOD_DRAW,
        SAMPLE_METHOD_POST,
        SAMPLE_METHOD_LABEL,
        SAMPLE_METHOD_NOTE,
        SAMPLE_METHOD_STOP,
    };
    fuzz_one(&sample_interface, methods, sizeof methods / sizeof methods[0], data, size);
    return 0;
}
