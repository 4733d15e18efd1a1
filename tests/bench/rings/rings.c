/* SPDX-License-Identifier: MIT */
/*
 * What a request over a ring costs in instructions, without any kernel entry:
 * both sides are awake, as they are when client and server run on two harts.
 *
 * One thread plays both, so that -icount counts exactly: where a client on its own hart would look at the ring again
 * and again, env.wait runs one turn of the server and drains once. So all that the two sides execute for a request
 * is in the figure, and looks that found nothing are not. What is not in it: cache lines that travel.
 *
 *   bare        rpc_call_words, and a dispatch that does nothing but answer
 *   stub        the same through generated stubs, four words there and one back (tests/idl/sample.idl)
 *   batch of 16 submitted together, one turn, all answers drained; figure for one
 *   shares      what the stubs add to the bare request on each side: its turn is counted apart from the rest
 */
#include <atoll/bootinfo.h>
#include <libipc/atomic.h>
#include <libipc/executor.h>
#include <libipc/syscall.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_client.c"
#include "sample_server.c"
#include "handlers.h"

#define ROUNDS   1000
#define SESSIONS 32
#define ME       20
#define BATCH    16

static struct session sessions[SESSIONS] __attribute__((aligned(PAGE_BYTES)));
static uint8_t heap[1 << 20];
static uint8_t stacks[PAGE_BYTES * 8] __attribute__((aligned(PAGE_BYTES)));
static struct rpc_server bare_server, stub_server;
static struct rpc_client client;
static struct rpc_env env;
static uint64_t server_count;   /* of turns, while env.spin is spin_counting */

static void write_console(const char *text, size_t bytes)
{
    sys_debug_write(CAP_INIT_PLATFORM, text, bytes);
}

static inline uint64_t instructions(void)
{
    uint64_t n;
    __asm__ volatile("rdinstret %0" : "=r"(n) :: "memory");
    return n;
}

static void report(const char *name, uint64_t count)
{
    printf("BENCH\t%s\t%lu\tinstructions\n", name, (unsigned long)(count / ROUNDS));
}

static error_t wait_by_turns(struct rpc_client *c, struct rpc_request *request)
{
    do {
        exec_turn();
        rpc_drain(c);
    } while (!request->done);
    return 0;
}

static void never_interrupted(struct rpc_client *c)
{
    (void)c;
}

/* The server's turn. The look that finds the answer is rpc_call_words' own. */
static bool spin_by_turns(struct rpc_client *c)
{
    (void)c;
    return exec_turn();
}

static bool spin_counting(struct rpc_client *c)
{
    uint64_t start = instructions();

    (void)c;
    bool did = exec_turn();
    server_count += instructions() - start;
    return did;
}

static void bare_dispatch(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    (void)arena;
    call->result[0] = entry->word[0] + entry->word[1] + entry->word[2] + entry->word[3];
    call->nr_words = 1;
    rpc_complete(call, 0);
}

static const struct rpc_interface bare_interface = { .dispatch = bare_dispatch, .layout_hash = 1 };

/* The session is hot after its first request, and stays so. */
static void connect(struct rpc_server *server, uint64_t hash)
{
    rpc_session_open(server, ME);
    if (rpc_client_init(&client, &sessions[ME], &env, 0, 0, hash) != 0)
        abort();
    uint64_t bits = 1ull << (ME % DOORBELL_BITS);
    struct rpc_request *first = rpc_begin_with(&client, 1, 0);
    rpc_submit(&client, first);
    rpc_server_doorbells(server, bits);
    if (rpc_finish(&client, first, false) != 0)
        abort();
    rpc_end(&client, first);
}

static void one(void)
{
    uint64_t word[6] = { 1, 2, 3, 4 };

    for (unsigned i = 0; i < 10; i++)
        rpc_call_words(&client, 1, 0, word, 4);
    uint64_t start = instructions();
    for (unsigned i = 0; i < ROUNDS; i++)
        if (rpc_call_words(&client, 1, RPC_ONE_RESULT, word, 4) != 0)
            abort();
    report("bare: request and answer, both awake", instructions() - start);
}

static void many(void)
{
    struct rpc_request *request[BATCH];
    uint64_t start = instructions();

    for (unsigned i = 0; i < ROUNDS / BATCH; i++) {
        for (unsigned k = 0; k < BATCH; k++) {
            request[k] = rpc_begin_with(&client, 1, 0);
            request[k]->word[0] = k;
            rpc_queue(&client, request[k]);
        }
        rpc_flush(&client);
        for (unsigned k = 0; k < BATCH; k++) {
            if (rpc_finish(&client, request[k], false) != 0)
                abort();
            rpc_end(&client, request[k]);
        }
    }
    report("bare: the same in batches of 16", (instructions() - start) * ROUNDS / (ROUNDS / BATCH * BATCH));
}

/* The server sleeps, and is told of the whole batch at once. */
static void rings_of_a_batch(void)
{
    struct rpc_request *request[BATCH];
    uint32_t before = client.nr_rings;
    uint64_t total;

    if (!rpc_server_sleep(&stub_server))
        abort();
    for (unsigned k = 0; k < BATCH; k++)
        if (sample_sum_queue(&client, k, 1, 1, 1, &request[k]) != 0)
            abort();
    rpc_flush(&client);
    printf("BENCH\tstub: doorbells of a batch of 16, server asleep\t%u\tdoorbells\n", client.nr_rings - before);
    rpc_server_doorbells(&stub_server, 1ull << (ME % DOORBELL_BITS));
    for (unsigned k = 0; k < BATCH; k++)
        if (sample_sum_finish(&client, request[k], &total) != 0 || total != k + 3)
            abort();
}

static void stub_batch(void)
{
    struct rpc_request *request[BATCH];
    uint64_t total, start = instructions();

    for (unsigned i = 0; i < ROUNDS / BATCH; i++) {
        for (unsigned k = 0; k < BATCH; k++)
            if (sample_sum_queue(&client, k, 2, 3, 4, &request[k]) != 0)
                abort();
        rpc_flush(&client);
        for (unsigned k = 0; k < BATCH; k++)
            if (sample_sum_finish(&client, request[k], &total) != 0)
                abort();
    }
    report("stub: the same in batches of 16", (instructions() - start) * ROUNDS / (ROUNDS / BATCH * BATCH));
}

/* Instructions of ROUNDS requests, by side. */
struct shares { uint64_t client, server; };

static struct shares shares_of(error_t (*request)(unsigned))
{
    env.spin = spin_counting;
    server_count = 0;
    uint64_t start = instructions();
    for (unsigned i = 0; i < ROUNDS; i++)
        if (request(i) != 0)
            abort();
    uint64_t all = instructions() - start;
    env.spin = spin_by_turns;
    return (struct shares){ all - server_count, server_count };
}

static error_t bare_request(unsigned i)
{
    static uint64_t word[6] = { 1, 2, 3, 4 };

    (void)i;
    return rpc_call_words(&client, 1, RPC_ONE_RESULT, word, 4);
}

static error_t stub_request(unsigned i)
{
    uint64_t total;
    return sample_sum(&client, i, 2, 3, 4, &total);
}

static void stub(void)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < 10; i++)
        sample_sum(&client, 1, 2, 3, 4, &total);
    uint64_t start = instructions();
    for (unsigned i = 0; i < ROUNDS; i++)
        if (sample_sum(&client, i, 2, 3, 4, &total) != 0)
            abort();
    report("stub: four words there, one back", instructions() - start);
    if (total != ROUNDS - 1 + 9)
        abort();
}

_Noreturn void bench_main(struct bootinfo *info);
_Noreturn void bench_main(struct bootinfo *info)
{
    (void)info;
    stdio_set_writer(write_console);
    heap_init(heap, sizeof heap);
    struct exec_config config = { .doorbell_mask = DOORBELL_MASK, .nr_coroutines = 1,
                                  .coroutine_stack_bytes = PAGE_BYTES * 4, .coroutine_stacks = stacks };
    if (exec_init(&config) != 0)
        abort();
    env.wait = wait_by_turns;
    env.interrupted = never_interrupted;
    env.spin = spin_by_turns;
    if (rpc_server_init(&bare_server, &bare_interface, sessions, SESSIONS, 0, 0) != 0)
        abort();
    exec_add_server(&bare_server);
    connect(&bare_server, bare_interface.layout_hash);
    one();
    many();
    struct shares bare = shares_of(bare_request);
    rpc_session_close(&bare_server, ME);

    if (rpc_server_init(&stub_server, &sample_interface, sessions, SESSIONS, 0, 0) != 0)
        abort();
    exec_add_server(&stub_server);
    connect(&stub_server, SAMPLE_LAYOUT_HASH);
    stub();
    stub_batch();
    rings_of_a_batch();
    struct shares stubs = shares_of(stub_request);
    report("stub, four words: adds at the client", stubs.client - bare.client);
    report("stub, four words: adds at the server", stubs.server - bare.server);
    platform_shutdown(CAP_INIT_PLATFORM, 0, false);
    for (;;)
        ;
}
