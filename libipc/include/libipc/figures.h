/* SPDX-License-Identifier: MIT */
/*
 * What a server can say about itself: /proc/atoll/servers. Costs nothing on a
 * request's way: everything but the latencies is counted anyway, and those are
 * taken of about every 250th request, which then goes the way that traced ones go.
 */
#ifndef LIBIPC_FIGURES_H
#define LIBIPC_FIGURES_H

#include <libipc/server.h>

struct rpc_figures {
    uint64_t hart;
    uint64_t requests;              /* and events, so far                       */
    uint64_t median_ns, p99_ns;     /* from taking a request to its answer; 0: none sampled */
    uint64_t queued;                /* published, not taken, now                */
    uint64_t user_ns, system_ns;    /* of the executor's thread                 */
    uint64_t coroutines, coroutines_used, coroutines_most;
    uint64_t stack_bytes, stack_most;
    uint64_t restarts;
    uint64_t undeclared, undeclared_last;   /* errors that the method does not declare; method << 16 | error */
};

/* Ask another server: a method that every server has. Waits, but not long: it is answered in the server's same turn. */
error_t rpc_ask_figures(struct rpc_client *, struct rpc_figures *) MAY_YIELD;

/* The own ones. `tcb`: the executor's own thread. */
void rpc_figures(struct rpc_server *, cptr_t tcb, uint64_t hz, struct rpc_figures *);

/* Answer RPC_METHOD_FIGURES, and time a request now and then, while nobody traces. Requests that are put aside are
 * not timed: they wait for something. Once, after exec_init. */
void rpc_figures_start(struct rpc_server *, const struct server_info *);

#endif
