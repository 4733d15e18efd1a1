/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/fake_kernel.c libipc/src/coro_switch.S; tree: libipc/src -start.c;
 * include: libipc/include microkernel/abi */
/*
 * The short ways of both sides: a client with one thread that looks for its
 * answer by itself, and a session whose one request is answered on the spot.
 * The interface is written by hand: method n < 7 gets n words and gives six.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <libipc/executor.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kernel.h"

#define NR_SESSIONS 64
#define ME          20
#define OTHER       21
enum { METHOD_FAIL = 10, METHOD_BYTES, METHOD_ARENA, METHOD_PARK, METHOD_WAKE };

static struct session *sessions;
static struct rpc_server server;
static struct rpc_client client;
static struct rpc_env env;
static void *stacks;
static struct rpc_call *parked;
static unsigned nr_rung[NR_SESSIONS], nr_waits, nr_served;
static uint64_t seen_arena;

static void cancelled(struct rpc_call *call)
{
    parked = NULL;
    rpc_complete(call, ERR_CANCELLED);
}

static void dispatch(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    nr_served++;
    for (unsigned i = 0; entry->method <= 6 && i < entry->method; i++)
        assert_int_equal(entry->word[i], 100 + i);
    switch (entry->method) {
    case METHOD_FAIL:
        rpc_complete(call, ERR_NOT_FOUND);
        return;
    case METHOD_BYTES:
        call->result_bytes = 8;     /* of a request without arena */
        break;
    case METHOD_ARENA:
        memcpy(&seen_arena, arena, sizeof seen_arena);
        break;
    case METHOD_PARK:
        parked = rpc_park(call, cancelled, NULL);
        rpc_defer(call, entry, arena, RPC_PENDING);
        return;
    case METHOD_WAKE:
        rpc_complete(parked, 0);
        parked = NULL;
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < 6; i++)
        call->result[i] = 200 + i;
    call->nr_words = 6;
    rpc_complete(call, 0);
}

static const struct rpc_interface interface = { .name = "direct", .layout_hash = 7, .dispatch = dispatch };

static void count_ring(struct rpc_server *s, uint32_t session)
{
    (void)s;
    nr_rung[session]++;
}

static bool spin(struct rpc_client *c)
{
    (void)c;
    return exec_turn();
}

static error_t wait_by_turns(struct rpc_client *c, struct rpc_request *request)
{
    nr_waits++;
    rpc_take_ring(c);
    while (!request->done) {
        rpc_server_doorbells(&server, DOORBELL_MASK);
        exec_turn();
        rpc_drain(c);
    }
    return 0;
}

static void never_interrupted(struct rpc_client *c)
{
    (void)c;
    fail();
}

static int set_up(void **state)
{
    (void)state;
    fake_kernel_reset();
    sessions = aligned_alloc(PAGE_BYTES, NR_SESSIONS * sizeof *sessions);
    memset(sessions, 0, NR_SESSIONS * sizeof *sessions);
    stacks = aligned_alloc(PAGE_BYTES, 65536 + PAGE_BYTES);
    struct exec_config config = { .notification = 4, .doorbell_mask = DOORBELL_MASK, .nr_coroutines = 1,
                                  .coroutine_stack_bytes = 65536, .coroutine_stacks = stacks };
    assert_int_equal(exec_init(&config), 0);
    assert_int_equal(rpc_server_init(&server, &interface, sessions, NR_SESSIONS, 8, 9), 0);
    exec_add_server(&server);
    server.ring = count_ring;
    rpc_session_open(&server, ME);
    rpc_session_open(&server, OTHER);
    env = thread_env;
    env.wait = wait_by_turns;
    env.interrupted = never_interrupted;
    env.spin = spin;
    assert_int_equal(rpc_client_init(&client, &sessions[ME], &env, 16, 17, interface.layout_hash), 0);
    memset(nr_rung, 0, sizeof nr_rung);
    nr_waits = nr_served = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rpc_session_close(&server, ME);
    rpc_session_close(&server, OTHER);
    free(server.state);
    free(sessions);
    free(stacks);
    return parked != NULL;
}

/* The first call finds the server asleep; the session is hot from then on. */
static void warm_up(void)
{
    uint64_t word[6];
    assert_int_equal(rpc_call_words(&client, 0, 0, word, 0), 0);
    assert_int_equal(sessions[ME].header.server_asleep, 0);
    nr_waits = nr_served = 0;
}

static void words_of_each_number_go_there_and_back(void **state)
{
    (void)state;
    warm_up();
    for (unsigned i = 0; i < 300; i++) {
        uint64_t word[6] = { 100, 101, 102, 103, 104, 105 };
        unsigned nr = i % 7;
        bool one = i % 2 != 0;
        assert_int_equal(rpc_call_words(&client, (uint16_t)nr, one ? RPC_ONE_RESULT : 0, word, nr), 0);
        for (unsigned k = 0; k < 6; k++)
            assert_int_equal(word[k], (one && k != 0 ? 100 : 200) + k);
    }
    assert_int_equal(nr_served, 300);
    /* Now and then the server asks how far the client has drained; that is no wait of the client. */
    assert_int_equal(nr_waits, 0);
    assert_int_equal(client.tokens[0] & client.tokens[1], UINT64_MAX);
}

static void answer_that_is_no_good_one_goes_the_long_way(void **state)
{
    (void)state;
    uint64_t word[6] = { 0 };
    warm_up();
    assert_int_equal(rpc_call_words(&client, METHOD_FAIL, 0, word, 0), ERR_NOT_FOUND);
    assert_int_equal(rpc_call_words(&client, METHOD_BYTES, 0, word, 0), ERR_BAD_MESSAGE);
    assert_int_equal(nr_waits, 2);
    assert_int_equal(word[0], 0);
    assert_int_equal(rpc_call_words(&client, 0, 0, word, 0), 0);
    assert_int_equal(nr_waits, 2);
    assert_int_equal(nr_served, 3);
}

static void closed_session_is_seen_by_the_short_way(void **state)
{
    (void)state;
    uint64_t word[6];
    warm_up();
    sessions[ME].header.closed = 1;
    assert_int_equal(rpc_call_words(&client, 0, 0, word, 0), ERR_PEER_CLOSED);
    sessions[ME].header.closed = 0;
    sessions[ME].header.epoch = server.epoch = 9;
    assert_int_equal(rpc_call_words(&client, 0, 0, word, 0), 0);    /* adopts it first */
    assert_int_equal(client.epoch, 9);
}

/* ---- entries written by hand ---- */

static void put_entry(uint32_t session, struct sq_entry entry)
{
    struct session_header *header = &sessions[session].header;

    entry.epoch = server.epoch;
    sessions[session].sq[header->sq_tail % SQ_ENTRIES] = entry;
    header->sq_tail++;
}

/* Served in a turn of its hot session: its answer's error, or 1 for none. */
static int raw(struct sq_entry entry)
{
    struct session_header *header = &sessions[ME].header;
    uint32_t at = header->cq_tail;

    put_entry(ME, entry);
    assert_true(exec_turn());
    assert_int_equal(header->sq_head, header->sq_tail);
    return header->cq_tail == at ? 1 : sessions[ME].cq[at % CQ_ENTRIES].error;
}

static void hostile_heads_are_refused_in_a_hot_session(void **state)
{
    (void)state;
    warm_up();
    memcpy(sessions[ME].arena[31], "arguments", 9);
    struct sq_entry e = { .method = METHOD_ARENA, .arena_slot = 31, .arena_bytes = 8 };
    assert_int_equal(raw(e), 0);
    assert_memory_equal(&seen_arena, "argument", 8);
    e.arena_bytes = ARENA_SLOT_BYTES;
    assert_int_equal(raw(e), 0);
    assert_int_equal(nr_served, 2);
    e.arena_bytes++;
    assert_int_equal(raw(e), ERR_BAD_MESSAGE);
    e = (struct sq_entry){ .method = METHOD_ARENA, .arena_slot = ARENA_SLOTS };
    assert_int_equal(raw(e), ERR_BAD_MESSAGE);
    e = (struct sq_entry){ .arena_slot = ARENA_NONE, .arena_bytes = 1 };
    assert_int_equal(raw(e), ERR_BAD_MESSAGE);
    e = (struct sq_entry){ .flags = SQ_CANCEL, .arena_slot = ARENA_NONE };
    assert_int_equal(raw(e), 1);
    assert_int_equal(nr_served, 2);
    assert_int_equal(server.stats.bad_messages, 3);
    e = (struct sq_entry){ .token = TOKEN_EVENT, .arena_slot = ARENA_NONE };
    assert_int_equal(raw(e), 1);
    e = (struct sq_entry){ .token = 1u << 31, .arena_slot = ARENA_NONE };
    assert_int_equal(raw(e), 0);    /* a token is the client's own affair */
    assert_int_equal(nr_served, 4);
    /* The slot of a request that still waits. */
    e = (struct sq_entry){ .method = METHOD_PARK, .arena_slot = 2 };
    assert_int_equal(raw(e), 1);
    e.method = METHOD_ARENA;
    assert_int_equal(raw(e), ERR_BAD_MESSAGE);
    assert_int_equal(server.stats.broken_sessions, 0);
}

static void sleeping_client_is_rung_once_until_it_drains(void **state)
{
    (void)state;
    struct session_header *header = &sessions[ME].header;
    struct sq_entry e = { .arena_slot = ARENA_NONE };
    warm_up();
    assert_int_equal(raw(e), 0);
    assert_int_equal(nr_rung[ME], 0);
    header->cq_head = header->cq_tail;
    header->client_asleep = 1;
    assert_int_equal(raw(e), 0);
    assert_int_equal(nr_rung[ME], 1);
    assert_int_equal(raw(e), 0);
    assert_int_equal(nr_rung[ME], 1);
    header->cq_head = header->cq_tail;
    assert_int_equal(raw(e), 0);
    assert_int_equal(nr_rung[ME], 2);
    /* What has no answer yet rings nobody. */
    header->cq_head = header->cq_tail;
    e.method = METHOD_PARK;
    assert_int_equal(raw(e), 1);
    assert_int_equal(nr_rung[ME], 2);
    /* Both answers of this one, with one ring. */
    e = (struct sq_entry){ .method = METHOD_WAKE, .token = 1, .arena_slot = ARENA_NONE };
    assert_int_equal(raw(e), 0);
    assert_int_equal(header->cq_tail - header->cq_head, 2);
    assert_int_equal(nr_rung[ME], 3);
    exec_turn();
    assert_int_equal(nr_rung[ME], 3);
}

static void answer_for_another_session_rings_both(void **state)
{
    (void)state;
    sessions[ME].header.client_asleep = sessions[OTHER].header.client_asleep = 1;
    put_entry(OTHER, (struct sq_entry){ .method = METHOD_PARK, .arena_slot = ARENA_NONE });
    assert_int_equal(rpc_server_ring(&server, 1ull << OTHER), 1);
    rpc_server_flush(&server);
    assert_int_equal(nr_rung[OTHER], 0);
    put_entry(ME, (struct sq_entry){ .method = METHOD_WAKE, .arena_slot = ARENA_NONE });
    assert_int_equal(rpc_server_ring(&server, 1ull << ME), 1);
    rpc_server_flush(&server);
    assert_int_equal(nr_rung[ME], 1);
    assert_int_equal(nr_rung[OTHER], 1);
}

/* A spin that is broken off leaves its bound as it is; one that lasts in vain shortens it. */
static void sleep_through_a_parked_request_spoils_no_later_spin(void **state)
{
    struct hart_page harts = { .nr_harts = 2, .timebase_hz = 10000000 };
    const uint64_t bound = client.spin_ticks = 1000;

    (void)state;
    harts.hart[0].runnable = 1;
    sessions[ME].header.server_asleep = 0;
    sessions[ME].header.parks++;            /* put aside; and we slept without a look */
    rpc_spin_learn(&client, 0, harts.timebase_hz);
    assert_false(rpc_spin(&client, &harts, 0));
    assert_true(client.spin_ticks < bound);
    const uint64_t shorter = client.spin_ticks;
    sessions[ME].header.parks++;            /* this one is seen, and the spin ends */
    assert_false(rpc_spin(&client, &harts, 0));
    assert_int_equal(client.spin_ticks, shorter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_of_each_number_go_there_and_back), TEST(answer_that_is_no_good_one_goes_the_long_way),
        TEST(closed_session_is_seen_by_the_short_way), TEST(hostile_heads_are_refused_in_a_hot_session),
        TEST(sleeping_client_is_rung_once_until_it_drains), TEST(answer_for_another_session_rings_both),
        TEST(sleep_through_a_parked_request_spoils_no_later_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
