/* SPDX-License-Identifier: MIT */
/*
 * What a server can say about itself: /proc/atoll/servers. Costs nothing on a
 * request's way: everything but the latencies is counted anyway, and those are
 * taken of about every 250th request, which then goes the way that traced ones go.
 */
#ifndef LIBIPC_FIGURES_H
#define LIBIPC_FIGURES_H

#include <libipc/server.h>

/* All words, in the order of the interfaces' struct server_figures. */
struct rpc_figures {
    uint64_t hart;
    uint64_t requests;              /* and events, so far                       */
    uint64_t median_ns, p99_ns;     /* from taking a request to its answer; 0: none sampled */
    uint64_t queued;                /* published, not taken, now                */
    uint64_t user_ns, system_ns;    /* of the executor's thread                 */
    uint64_t coroutines, coroutines_used, coroutines_most;
    uint64_t stack_bytes, stack_most;
    uint64_t restarts;
};

/* `tcb`: the executor's own thread. */
void rpc_figures(struct rpc_server *, cptr_t tcb, uint64_t hz, uint32_t hart, struct rpc_figures *);

/* Time a request now and then, while nobody traces. Requests that are put aside are
 * not timed: they wait for something. Once, after exec_init. */
void rpc_figures_start(void);

#endif
