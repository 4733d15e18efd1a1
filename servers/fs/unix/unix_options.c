/* SPDX-License-Identifier: MIT */
/*
 * Options of unix sockets, level SOL_SOCKET. Those that have no meaning for
 * local sockets are accepted as Linux accepts them; unknown ones are refused.
 */
#include <fs_server.h>
#include <string.h>

#include "../peers.h"
#include "unix.h"

#define SOL_SOCKET 1u
enum {
    SO_DEBUG = 1, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE,
    SO_OOBINLINE, SO_PRIORITY = 12, SO_LINGER, SO_REUSEPORT = 15, SO_PASSCRED, SO_PEERCRED, SO_RCVLOWAT, SO_SNDLOWAT,
    SO_RCVTIMEO, SO_SNDTIMEO, SO_ACCEPTCONN = 30, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE, SO_PROTOCOL = 38, SO_DOMAIN
};
#define BUF_MIN 4608u
#define BUF_MAX (2u * UNIX_BUF_DEFAULT)
#define CAP_NET_ADMIN 12

struct timeval64 { int64_t s, us; };

static error_t get_timeout(const uint8_t *value, uint32_t bytes, uint64_t *ticks)
{
    struct timeval64 tv;
    uint64_t hz = fs_info->timebase_hz;

    if (bytes < sizeof(tv))
        return ERR_INVALID_ARGUMENT;
    memcpy(&tv, value, sizeof(tv));
    if (tv.us < 0 || tv.us >= 1000000)
        return ERR_RANGE_RESULT;    /* EDOM has no code of its own */
    if (tv.s < 0)
        *ticks = 1;
    else if (tv.s > 1000000000)
        *ticks = 0;
    else
        *ticks = (uint64_t)tv.s * hz + (uint64_t)tv.us * hz / 1000000;
    return 0;
}

static uint32_t clamp_buffer(int32_t value, bool force)
{
    uint64_t bytes = value < 0 ? BUF_MAX : (uint64_t)value * 2;

    if (bytes > BUF_MAX && !force)
        bytes = BUF_MAX;
    return bytes < BUF_MIN ? BUF_MIN : bytes > (1u << 30) ? 1u << 30 : (uint32_t)bytes;
}

error_t fs_serve_setsockopt(struct rpc_call *call, const struct fs_setsockopt_in *in, struct fs_setsockopt_out *out)
{
    struct unix_socket *u = handle_socket(in->fd);
    int32_t value = 0;

    (void)out;
    if (in->level != SOL_SOCKET)
        return ERR_NOT_SUPPORTED;
    if (in->name == SO_RCVTIMEO)
        return get_timeout(in->value, in->value_bytes, &u->rcvtimeo);
    if (in->name == SO_SNDTIMEO)
        return get_timeout(in->value, in->value_bytes, &u->sndtimeo);
    if (in->value_bytes < sizeof(value))
        return ERR_INVALID_ARGUMENT;
    memcpy(&value, in->value, sizeof(value));
    switch (in->name) {
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        if (!process_capable(request_process(call), CAP_NET_ADMIN))
            return ERR_PERMISSION;
        *(in->name == SO_SNDBUFFORCE ? &u->sndbuf : &u->rcvbuf) = clamp_buffer(value, true);
        waitq_level_changes(&u->waiters);
        return 0;
    case SO_SNDBUF:
        u->sndbuf = clamp_buffer(value, false);
        waitq_level_changes(&u->waiters);
        return 0;
    case SO_RCVBUF: u->rcvbuf = clamp_buffer(value, false); return 0;
    case SO_PASSCRED: u->passcred = value != 0; return 0;
    case SO_DEBUG: case SO_REUSEADDR: case SO_DONTROUTE: case SO_BROADCAST: case SO_KEEPALIVE: case SO_OOBINLINE:
    case SO_PRIORITY: case SO_LINGER: case SO_REUSEPORT: case SO_RCVLOWAT:
        return 0;
    default: return ERR_NO_PROTOOPT;
    }
}

/* The option's value is a number of Linux, like the others. Only these two are
 * ever pending on a unix socket. */
static int32_t linux_errno(error_t error)
{
    return error == ERR_CONN_RESET ? 104 : error == ERR_CONN_REFUSED ? 111 : 0;
}

static error_t answer(struct rpc_call *call, const struct fs_getsockopt_in *in, const void *value, uint64_t bytes,
                      struct fs_getsockopt_out *out)
{
    out->done = bytes < in->value.bytes ? bytes : in->value.bytes;
    return out->done == 0 ? 0 : rpc_buf_write(call, &in->value, 0, value, out->done);
}

static struct timeval64 timeval_of(uint64_t ticks)
{
    uint64_t hz = fs_info->timebase_hz;
    return (struct timeval64){ (int64_t)(ticks / hz), (int64_t)(ticks % hz * 1000000 / hz) };
}

error_t fs_serve_getsockopt(struct rpc_call *call, const struct fs_getsockopt_in *in, struct fs_getsockopt_out *out)
{
    struct unix_socket *u = handle_socket(in->fd);
    struct timeval64 tv;
    int32_t value = 0;

    if (in->level != SOL_SOCKET)
        return ERR_NOT_SUPPORTED;
    switch (in->name) {
    case SO_TYPE: value = (int32_t)u->type; break;
    case SO_DOMAIN: value = AF_UNIX; break;
    case SO_PROTOCOL: value = 0; break;
    case SO_ERROR:
        value = linux_errno(unix_take_error(u));
        break;
    case SO_SNDBUF: value = (int32_t)u->sndbuf; break;
    case SO_RCVBUF: value = (int32_t)u->rcvbuf; break;
    case SO_PASSCRED: value = u->passcred; break;
    case SO_ACCEPTCONN: value = u->state == UNIX_LISTENING; break;
    case SO_RCVLOWAT: case SO_SNDLOWAT: value = 1; break;
    case SO_DEBUG: case SO_REUSEADDR: case SO_DONTROUTE: case SO_BROADCAST: case SO_KEEPALIVE: case SO_OOBINLINE:
    case SO_PRIORITY: case SO_REUSEPORT:
        break;
    case SO_LINGER: return answer(call, in, (int32_t[2]){ 0, 0 }, 8, out);
    case SO_PEERCRED: return answer(call, in, &u->peer_cred, sizeof(u->peer_cred), out);
    case SO_RCVTIMEO: tv = timeval_of(u->rcvtimeo); return answer(call, in, &tv, sizeof(tv), out);
    case SO_SNDTIMEO: tv = timeval_of(u->sndtimeo); return answer(call, in, &tv, sizeof(tv), out);
    default: return ERR_NO_PROTOOPT;
    }
    return answer(call, in, &value, sizeof(value), out);
}
