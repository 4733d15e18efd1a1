/* SPDX-License-Identifier: MIT */
/* How most servers begin: one interface over the sessions that the supervisor mapped. */
#ifndef LIBIPC_SERVE_H
#define LIBIPC_SERVE_H

#include <libipc/executor.h>
#include <libipc/server_trace.h>

/* Sets up executor, sessions, figures and, under --trace, the decoder. Then open the sessions of other servers
 * (rpc_session_open) and call exec_run. Ends the program when there is no memory. A server that begins like this
 * may be restarted: what it knew of its sessions goes on, anything else it keeps is its own affair (docs/restart.md). */
void serve_init(const struct server_info *, struct rpc_server *, const struct rpc_interface *,
                const struct trace_interface *);
/* Become a client of another server of the assembly; the client is the executor's from now on. */
void serve_connect(struct rpc_client *, uint32_t server_id, uint64_t layout_hash);

#endif
