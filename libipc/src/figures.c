/* SPDX-License-Identifier: MIT */
/*
 * Sampled latencies, and the figures of a server. A server has one thread, so
 * there is one sample at a time.
 */
#include <libipc/atomic.h>
#include <libipc/executor.h>
#include <libipc/figures.h>
#include <libipc/syscall.h>
#include <string.h>

#include "session.h"

/* Four to an octave of ticks: a figure is at most a quarter too high. */
#define PARTS_BITS 2
#define BUCKETS    (64u << PARTS_BITS)

static uint32_t histogram[BUCKETS];
static uint64_t nr_samples;
static uint64_t sampled_request;    /* its number; of the server's requests     */
static ticks_t sampled_since;

static unsigned bucket_of(uint64_t ticks)
{
    if (ticks < 1u << PARTS_BITS)
        return (unsigned)ticks;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ticks);
    return octave << PARTS_BITS | (unsigned)(ticks >> (octave - PARTS_BITS) & ((1u << PARTS_BITS) - 1));
}

/* The most that falls into it. */
static uint64_t bucket_top(unsigned bucket)
{
    unsigned octave = bucket >> PARTS_BITS, part = bucket & ((1u << PARTS_BITS) - 1);

    if (octave < PARTS_BITS)
        return bucket;
    return ((uint64_t)((1u << PARTS_BITS) + part + 1) << (octave - PARTS_BITS)) - 1;
}

static void on_request(const struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    (void)entry, (void)arena;
    if (sampled_request == 0) {
        sampled_request = call->server->stats.requests;
        sampled_since = exec_now();
    } else {
        call->server->tracer = NULL;    /* the sampled one was put aside */
    }
}

static void on_answer(const struct rpc_call *call, const struct cq_entry *entry)
{
    (void)entry;
    call->server->tracer = NULL;
    if (sampled_request != call->server->stats.requests)
        return;                         /* of another, put aside before */
    histogram[bucket_of(exec_now() - sampled_since)]++;
    nr_samples++;
}

static const struct rpc_tracer sampler = { on_request, on_answer };

static void sample(struct rpc_server *server)
{
    if (server->tracer != NULL)
        return;
    sampled_request = 0;    /* the next */
    server->tracer = &sampler;
}

static const struct server_info *own;

static void answer(struct rpc_call *call)
{
    struct rpc_figures figures;
    uint8_t *arena = rpc_result_arena(call, sizeof figures);

    if (arena == NULL) {
        rpc_complete(call, ERR_BAD_MESSAGE);
        return;
    }
    rpc_figures(call->server, SRV_CAP_TCB, own->timebase_hz, &figures);
    memcpy(arena, &figures, sizeof figures);
    rpc_complete(call, 0);
}

void rpc_figures_start(struct rpc_server *server, const struct server_info *info)
{
    own = info;
    server->figures = answer;
    exec_set_sampler(sample);
}

static error_t ask(struct rpc_client *client, struct rpc_figures *figures)
{
    struct rpc_request *request = rpc_begin_with(client, RPC_METHOD_FIGURES, RPC_NEED_ARENA);

    if (request == NULL)
        return ERR_PEER_CLOSED;
    error_t error = rpc_invoke(client, request, false);
    if (error == 0 && request->result_bytes < sizeof *figures)
        error = ERR_BAD_MESSAGE;
    if (error == 0)
        memcpy(figures, request->arena, sizeof *figures);
    rpc_end(client, request);
    return error;
}

error_t rpc_ask_figures(struct rpc_client *client, struct rpc_figures *figures)
{
    error_t error;

    do
        error = ask(client, figures);
    while (error == ERR_PEER_RESTARTED);
    return error;
}

/* The least latency that `share` of 1000 samples do not exceed. */
static uint64_t percentile_ticks(unsigned share)
{
    uint64_t rank = (nr_samples * share + 999) / 1000, seen = 0;

    for (unsigned i = 0; i < BUCKETS && nr_samples != 0; i++) {
        seen += histogram[i];
        if (seen >= rank && seen != 0)
            return bucket_top(i);
    }
    return 0;
}

static uint64_t ns(uint64_t ticks, uint64_t hz)
{
    return ticks / hz * 1000000000 + ticks % hz * 1000000000 / hz;
}

void rpc_figures(struct rpc_server *server, cptr_t tcb, uint64_t hz, struct rpc_figures *out)
{
    struct coro_stats coro;
    struct tcb_info thread = { 0 };

    coro_get_stats(&coro);
    if (tcb_info(tcb, &thread) != 0)
        memset(&thread, 0, sizeof thread);
    *out = (struct rpc_figures){
        .hart = thread.hart,
        .requests = server->stats.requests,
        .undeclared = server->stats.undeclared, .undeclared_last = server->stats.undeclared_last,
        .median_ns = ns(percentile_ticks(500), hz), .p99_ns = ns(percentile_ticks(990), hz),
        .user_ns = ns(thread.user_ticks, hz), .system_ns = ns(thread.system_ticks, hz),
        .coroutines = coro.total, .coroutines_used = coro.used, .coroutines_most = coro.high_water,
        .stack_bytes = coro.stack_bytes, .stack_most = coro.stack_high_water,
        .restarts = server->epoch > 1 ? server->epoch - 1 : 0,
    };
    for (uint32_t i = 0; i < server->nr_sessions; i++)
        if (server->state[i].open)
            out->queued += load_relaxed(&server->state[i].shared->header.sq_tail) - server->state[i].sq_head;
}
