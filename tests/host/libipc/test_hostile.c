/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/one_thread.c tests/host/libipc/fake_kernel.c tests/host/libipc/sample_handlers.c
 *        tests/idl/golden/sample_client.c tests/idl/golden/sample_server.c libipc/src/coro_switch.S;
 * tree: libipc/src -start.c; include: libipc/include microkernel/abi tests/idl/golden */
/* A hostile client writes the ring itself. */
#include "one_thread.h"

static struct cq_entry raw_from(uint32_t client_slot, struct sq_entry entry)
{
    struct session *session = &sessions[client_slot];
    uint32_t at = session->header.cq_tail;
    session->sq[session->header.sq_tail % SQ_ENTRIES] = entry;
    session->header.sq_tail++;
    rpc_session_serve(&server, client_slot, 1);
    session->header.cq_head = session->header.cq_tail;
    if (session->header.cq_tail == at)
        return (struct cq_entry){ .error = 1 };
    return session->cq[at % CQ_ENTRIES];
}

static struct cq_entry raw(struct sq_entry entry)
{
    return raw_from(ME, entry);
}

/* Also on a coroutine, and whatever is in the slot by then: the private copy counts. */
static void servers_say_for_whom_they_ask_and_others_are_not_believed(void **state)
{
    const struct rpc_identity who = { 42, 1000, 100, 0 };
    struct sq_entry e = { .method = SAMPLE_METHOD_SUM, .flags = SQ_IDENTITY, .arena_slot = 5, .arena_bytes = ARENA_SLOT_BYTES };

    (void)state;
    rpc_session_open(&server, PEER);
    for (uint32_t slot = PEER; slot <= ME; slot += ME - PEER)
        memcpy(sessions[slot].arena[5] + ARENA_SLOT_BYTES - sizeof who, &who, sizeof who);
    assert_int_equal(raw(e).error, 0);
    assert_false(handlers_named);
    assert_int_equal(raw_from(PEER, e).error, 0);
    assert_true(handlers_named);
    assert_memory_equal(&handlers_identity, &who, sizeof who);
    e.arena_bytes--;
    assert_int_equal(raw_from(PEER, e).error, 0);
    assert_false(handlers_named);
    e.arena_bytes++;
    e.flags = 0;
    assert_int_equal(raw_from(PEER, e).error, 0);
    assert_false(handlers_named);

    e = (struct sq_entry){ .method = SAMPLE_METHOD_SLEEP, .flags = SQ_IDENTITY, .arena_slot = 5, .arena_bytes = ARENA_SLOT_BYTES };
    struct rpc_ref note = { 0, 1, RPC_PLACE_ARENA };
    memcpy(&e.word[1], &note, sizeof note);
    memcpy(sessions[PEER].arena[5], "x", 2);
    raw_from(PEER, e);
    memset(sessions[PEER].arena[5], 0, ARENA_SLOT_BYTES);
    for (unsigned i = 0; i < 100 && sessions[PEER].header.cq_tail != 4; i++)
        exec_turn();
    assert_int_equal(sessions[PEER].header.cq_tail, 4);
    assert_int_equal(sessions[PEER].cq[3].error, 0);
    assert_true(handlers_named);
    assert_memory_equal(&handlers_identity, &who, sizeof who);
    rpc_session_close(&server, PEER);
}

static void hostile_entries_get_errors(void **state)
{
    (void)state;
    struct sq_entry e = { .method = 999, .arena_slot = ARENA_NONE };
    assert_int_equal(raw(e).error, ERR_INVALID_CALL);
    e.method = 26;    /* removed */
    assert_int_equal(raw(e).error, ERR_INVALID_CALL);
    e = (struct sq_entry){ .method = SAMPLE_METHOD_SWAP, .arena_slot = ARENA_NONE };
    assert_int_equal(raw(e).error, ERR_BAD_MESSAGE);
    e.arena_slot = ARENA_SLOTS;
    assert_int_equal(raw(e).error, ERR_BAD_MESSAGE);
    e.arena_slot = 0;
    e.arena_bytes = 31;
    assert_int_equal(raw(e).error, ERR_BAD_MESSAGE);
    e.arena_bytes = 513;
    assert_int_equal(raw(e).error, ERR_BAD_MESSAGE);
    e.arena_bytes = 32;
    assert_int_equal(raw(e).error, 0);

    /* A string whose NUL is beyond what was copied, or missing. */
    struct sq_entry h = { .method = SAMPLE_METHOD_HELLO, .arena_slot = 1, .arena_bytes = 4 };
    memcpy(sessions[ME].arena[1], "abcd", 5);
    struct rpc_ref ref = { 0, 4, RPC_PLACE_ARENA };
    memcpy(&h.word[1], &ref, sizeof ref);
    assert_int_equal(raw(h).error, ERR_BAD_MESSAGE);
    h.arena_bytes = 5;
    assert_int_equal(raw(h).error, 0);
    ref = (struct rpc_ref){ UINT64_MAX - 2, 4, RPC_PLACE_ARENA };
    memcpy(&h.word[1], &ref, sizeof ref);
    assert_int_equal(raw(h).error, ERR_BAD_MESSAGE);
    ref = (struct rpc_ref){ 0, UINT32_MAX, RPC_PLACE_ARENA };
    memcpy(&h.word[1], &ref, sizeof ref);
    assert_int_equal(raw(h).error, ERR_NAME_TOO_LONG);

    /* An array that ends outside, or is not aligned. */
    struct sq_entry t = { .method = SAMPLE_METHOD_TOTAL, .arena_slot = 1, .arena_bytes = 16 };
    struct rpc_pair pair = { 8, 3 };
    memcpy(&t.word[0], &pair, sizeof pair);
    assert_int_equal(raw(t).error, ERR_BAD_MESSAGE);
    pair = (struct rpc_pair){ 4, 1 };
    memcpy(&t.word[0], &pair, sizeof pair);
    assert_int_equal(raw(t).error, ERR_BAD_MESSAGE);
    pair = (struct rpc_pair){ UINT32_MAX - 7, 2 };
    memcpy(&t.word[0], &pair, sizeof pair);
    assert_int_equal(raw(t).error, ERR_BAD_MESSAGE);

    /* A lent buffer in the arena over the results, or beyond the slot. */
    struct sq_entry c = { .method = SAMPLE_METHOD_FILL, .arena_slot = 2 };
    ref = (struct rpc_ref){ 500, 13, RPC_PLACE_ARENA };
    memcpy(&c.word[1], &ref, sizeof ref);
    c.word[0] = 1;
    memcpy(&c.word[0], &ref, sizeof ref);
    assert_int_equal(raw(c).error <= 0, 1);
}

static void absurd_completion_index_breaks_the_session(void **state)
{
    (void)state;
    sessions[ME].header.cq_head = 1000;
    struct sq_entry e = { .method = SAMPLE_METHOD_SUM, .arena_slot = ARENA_NONE };
    for (unsigned i = 0; i < CQ_ENTRIES + 1; i++) {
        sessions[ME].sq[sessions[ME].header.sq_tail++ % SQ_ENTRIES] = e;
        rpc_session_serve(&server, ME, 1);
    }
    assert_int_equal(server.stats.broken_sessions, 1);
}

static void absurd_indices_break_the_session_only(void **state)
{
    (void)state;
    sessions[ME].header.sq_tail += SQ_ENTRIES + 1;
    rpc_server_doorbells(&server, DOORBELL_MASK);
    exec_turn();
    assert_int_equal(server.stats.broken_sessions, 1);
    assert_int_equal(sessions[ME].header.closed, 1);
    uint64_t total;
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), ERR_PEER_CLOSED);
}

static void without_credit_the_session_is_broken(void **state)
{
    (void)state;
    struct session *session = &sessions[ME];
    struct sq_entry e = { .method = SAMPLE_METHOD_SUM, .arena_slot = ARENA_NONE };
    unsigned taken = 0;
    for (unsigned i = 0; i < CQ_ENTRIES; i++) {
        session->sq[session->header.sq_tail++ % SQ_ENTRIES] = e;
        taken += rpc_session_serve(&server, ME, 4);
    }
    assert_int_equal(taken, CQ_ENTRIES);
    /* An event and a cancel need no completion slot, a request does. */
    session->sq[session->header.sq_tail++ % SQ_ENTRIES] =
        (struct sq_entry){ .method = SAMPLE_METHOD_NOTE, .arena_slot = ARENA_NONE, .token = TOKEN_EVENT };
    session->sq[session->header.sq_tail++ % SQ_ENTRIES] = (struct sq_entry){ .flags = SQ_CANCEL };
    assert_int_equal(rpc_session_serve(&server, ME, 4), 2);
    assert_int_equal(handlers_nr_notes, 1);
    session->header.cq_head += 1;
    session->sq[session->header.sq_tail++ % SQ_ENTRIES] = e;
    assert_int_equal(rpc_session_serve(&server, ME, 4), 1);
    session->sq[session->header.sq_tail++ % SQ_ENTRIES] = e;
    assert_int_equal(rpc_session_serve(&server, ME, 4), 0);
    assert_int_equal(server.stats.broken_sessions, 1);
    assert_false(rpc_server_peek(&server));
}

static void parked_are_limited_per_session(void **state)
{
    (void)state;
    struct sq_entry e = { .method = SAMPLE_METHOD_WAIT, .arena_slot = ARENA_NONE };
    for (unsigned i = 0; i < 124; i++) {
        e.token = i;
        assert_int_equal(raw(e).error, 1);
    }
    assert_int_equal(raw(e).error, ERR_NO_BUFFERS);
    e = (struct sq_entry){ .flags = SQ_CANCEL, .arena_slot = ARENA_NONE };
    e.word[0] = 17;
    struct cq_entry answer = raw(e);
    assert_int_equal(answer.error, ERR_CANCELLED);
    assert_int_equal(answer.token, 17);
    assert_int_equal(handlers_nr_parked, 123);
}

static void arena_slot_of_a_parked_request_is_not_shared(void **state)
{
    (void)state;
    struct sq_entry e = { .method = SAMPLE_METHOD_READ_LATER, .arena_slot = 3 };
    struct rpc_ref ref = { 64, 8, RPC_PLACE_ARENA };
    memcpy(&e.word[1], &ref, sizeof ref);
    assert_int_equal(raw(e).error, 1);
    assert_int_equal(raw(e).error, ERR_BAD_MESSAGE);
    handlers_wake(0, 5);
    sessions[ME].header.cq_head = sessions[ME].header.cq_tail;
    assert_int_equal(raw(e).error, 1);
}

static void hot_sessions_are_bounded_and_go_cold(void **state)
{
    (void)state;
    static struct rpc_client many[30];
    struct rpc_request *request[30];
    uint64_t total;
    for (uint32_t i = 0; i < 30; i++) {
        rpc_session_open(&server, 21 + i);
        rpc_client_init(&many[i], &sessions[21 + i], &env, 16, 17, SAMPLE_LAYOUT_HASH);
        assert_true(rpc_server_sleeps(&many[i]));
        assert_int_equal(sample_sum_submit(&many[i], i, 0, 0, 0, &request[i]), 0);
    }
    rpc_server_doorbells(&server, DOORBELL_MASK);
    for (int i = 0; i < 40; i++)
        exec_turn();
    assert_true(server.nr_hot <= 17);
    for (int i = 0; i < 200; i++)
        exec_turn();
    assert_int_equal(server.nr_hot, 0);
    for (uint32_t i = 0; i < 30; i++) {
        assert_true(rpc_server_sleeps(&many[i]));
        assert_int_equal(sample_sum_finish(&many[i], request[i], &total), 0);
        assert_int_equal(total, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(servers_say_for_whom_they_ask_and_others_are_not_believed), TEST(hostile_entries_get_errors),
        TEST(absurd_completion_index_breaks_the_session), TEST(absurd_indices_break_the_session_only),
        TEST(without_credit_the_session_is_broken), TEST(parked_are_limited_per_session),
        TEST(arena_slot_of_a_parked_request_is_not_shared), TEST(hot_sessions_are_bounded_and_go_cold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
