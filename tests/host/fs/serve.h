/* SPDX-License-Identifier: MIT */
/* Requests as the dispatch makes them: the descriptor is looked up, then the handler is called. `...`: the other members
 * of the request, with their names. */
#ifndef TESTS_FS_SERVE_H
#define TESTS_FS_SERVE_H

#include <fs_server.h>

#define SERVE(method, object, member, rights, call, number, out, ...) \
    ({ \
        struct fs_##method##_in request_ = { .member##_handle = (uint32_t)(number), ##__VA_ARGS__ }; \
        error_t error_ = fs_lookup_##object(call, request_.member##_handle, rights, &request_.member); \
        error_ ? error_ : fs_serve_##method(call, &request_, out); \
    })
#define SERVE_FILE(method, rights, call, number, out, ...) SERVE(method, file, fd, rights, call, number, out, ##__VA_ARGS__)
#define SERVE_SOCKET(method, call, number, out, ...) SERVE(method, socket, fd, 0, call, number, out, ##__VA_ARGS__)

/* For a request with a second descriptor. */
static inline error_t serve_epoll_ctl(struct rpc_call *call, int32_t epfd, uint32_t op, int32_t fd, uint32_t events, uint64_t data)
{
    struct fs_epoll_ctl_out out;
    struct fs_file *target;
    error_t e = fs_lookup_file(call, (uint32_t)fd, FS_FILE_USE, &target);

    return e ? e : SERVE(epoll_ctl, file, epfd, FS_FILE_USE, call, epfd, &out, .op = op, .fd = target, .fd_handle = (uint32_t)fd,
                         .events = events, .data = data);
}
static inline error_t serve_transfer(struct rpc_call *call, int64_t from, int64_t at, int64_t to, int64_t to_at, uint64_t bytes,
                                     uint32_t flags, struct fs_transfer_out *out)
{
    struct fs_file *target;
    error_t e = fs_lookup_file(call, (uint32_t)to, FS_FILE_USE, &target);

    return e ? e : SERVE(transfer, file, in_fd, FS_FILE_USE, call, from, out, .in_offset = at, .out_fd = target,
                         .out_fd_handle = (uint32_t)to, .out_offset = to_at, .bytes = bytes, .flags = flags);
}

#endif
