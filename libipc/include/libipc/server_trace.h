/* SPDX-License-Identifier: MIT */
/* A server that was started with BOOT_TRACE shows what it is asked. */
#ifndef LIBIPC_SERVER_TRACE_H
#define LIBIPC_SERVER_TRACE_H

#include <libipc/server.h>
#include <libipc/trace.h>

/* From now on each request and answer becomes a line of trace. One server a program. */
void rpc_server_trace(struct rpc_server *, const struct trace_interface *);

#endif
