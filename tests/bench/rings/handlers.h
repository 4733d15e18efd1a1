/* SPDX-License-Identifier: MIT */
/* The handlers of tests/idl/sample.idl: only the sum is called. */
error_t sample_serve_sum(struct rpc_call *call, const struct sample_sum_in *in, struct sample_sum_out *out)
{
    (void)call;
    out->total = in->a + in->b + in->c + in->d;
    return 0;
}

error_t sample_serve_calc(struct rpc_call *call, const struct sample_calc_in *in, struct sample_calc_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_hello(struct rpc_call *call, const struct sample_hello_in *in, struct sample_hello_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_swap(struct rpc_call *call, const struct sample_swap_in *in, struct sample_swap_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_total(struct rpc_call *call, const struct sample_total_in *in, struct sample_total_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_checksum(struct rpc_call *call, const struct sample_checksum_in *in,
                              struct sample_checksum_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_fill(struct rpc_call *call, const struct sample_fill_in *in, struct sample_fill_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_convert(struct rpc_call *call, const struct sample_convert_in *in,
                             struct sample_convert_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_wide(struct rpc_call *call, const struct sample_wide_in *in, struct sample_wide_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_wait(struct rpc_call *call, const struct sample_wait_in *in, struct sample_wait_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_wake(struct rpc_call *call, const struct sample_wake_in *in, struct sample_wake_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_sleep(struct rpc_call *call, const struct sample_sleep_in *in, struct sample_sleep_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_read_later(struct rpc_call *call, const struct sample_read_later_in *in,
                                struct sample_read_later_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_wrong(struct rpc_call *call, const struct sample_wrong_in *in, struct sample_wrong_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_open(struct rpc_call *call, const struct sample_open_in *in, struct sample_open_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_soon(struct rpc_call *call, const struct sample_soon_in *in, struct sample_soon_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_read_soon(struct rpc_call *call, const struct sample_read_soon_in *in, struct sample_read_soon_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_draw(struct rpc_call *call, const struct sample_draw_in *in, struct sample_draw_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_copy(struct rpc_call *call, const struct sample_copy_in *in, struct sample_copy_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_post(struct rpc_call *call, const struct sample_post_in *in, struct sample_post_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_label(struct rpc_call *call, const struct sample_label_in *in, struct sample_label_out *out)
{
    (void)call, (void)in, (void)out;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_lookup_file(struct rpc_call *call, uint32_t handle, uint32_t rights, struct sample_file **object)
{
    (void)call, (void)handle, (void)rights, (void)object;
    return ERR_BAD_HANDLE;
}

error_t sample_serve_note(struct rpc_call *call, const struct sample_note_in *in)
{
    (void)call, (void)in;
    return ERR_NOT_IMPLEMENTED;
}

error_t sample_serve_stop(struct rpc_call *call, const struct sample_stop_in *in)
{
    (void)call, (void)in;
    return ERR_NOT_IMPLEMENTED;
}
