/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/one_thread.c tests/host/libipc/fake_kernel.c tests/host/libipc/sample_handlers.c
 *        tests/idl/golden/sample_client.c tests/idl/golden/sample_server.c libipc/src/coro_switch.S;
 * tree: libipc/src -start.c; include: libipc/include microkernel/abi tests/idl/golden */
/* A server is started again: what its clients see, and what it sees of the servers that it asked. */
#include "one_thread.h"

#include <stdlib.h>

static void restart_of_the_server_ends_requests(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint32_t value;
    uint64_t total;
    assert_int_equal(sample_wait_submit(&client, 5, &request), 0);
    rpc_server_doorbells(&server, DOORBELL_MASK);
    exec_turn();
    another_server_takes_over(2);
    assert_int_equal(sample_wait_finish(&client, request, &value), ERR_PEER_RESTARTED);
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
    assert_int_equal(total, 4);
    assert_nothing_leaked();
}

static void answers_before_the_restart_count(void **state)
{
    (void)state;
    struct rpc_request *answered, *unserved;
    uint64_t total;
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &answered), 0);
    rpc_server_doorbells(&server, DOORBELL_MASK);
    exec_turn();
    assert_int_equal(sample_sum_submit(&client, 5, 6, 7, 8, &unserved), 0);
    another_server_takes_over(2);
    another_server_takes_over(3);
    assert_int_equal(sample_sum_finish(&client, answered, &total), 0);
    assert_int_equal(total, 10);
    assert_int_equal(sample_sum_finish(&client, unserved, &total), ERR_PEER_RESTARTED);
    assert_nothing_leaked();
}

static void queued_requests_end_with_the_server_too(void **state)
{
    (void)state;
    struct rpc_request *before, *queued;
    uint64_t total;
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &before), 0);
    assert_int_equal(sample_sum_queue(&client, 5, 6, 7, 8, &queued), 0);
    another_server_takes_over(2);
    rpc_flush(&client);
    assert_int_equal(sample_sum_finish(&client, queued, &total), ERR_PEER_RESTARTED);
    assert_int_equal(sample_sum_finish(&client, before, &total), ERR_PEER_RESTARTED);
    assert_int_equal(sample_sum(&client, 2, 2, 2, 2, &total), 0);
    assert_int_equal(total, 8);
    assert_nothing_leaked();
}

/* The client has not noticed yet: its entry bears the old epoch, and is no
 * request of the new server's. */
static void entry_for_the_server_before_is_not_served(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint64_t total;
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
    another_server_takes_over(2);
    sessions[ME].header.epoch = 1;      /* as long as the client looked before the store */
    assert_int_equal(sample_sum_submit(&client, 5, 6, 7, 8, &request), 0);
    sessions[ME].header.epoch = 2;
    uint64_t served = server.stats.requests;
    rpc_server_doorbells(&server, DOORBELL_MASK);
    exec_turn();
    assert_int_equal(server.stats.requests, served);
    assert_int_equal(sample_sum_finish(&client, request, &total), ERR_PEER_RESTARTED);
    assert_int_equal(sample_sum(&client, 2, 2, 2, 2, &total), 0);
    assert_int_equal(total, 8);
    assert_nothing_leaked();
}

static void client_of_a_restarted_server_starts_like_any(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint64_t total;
    rpc_session_close(&server, ME);
    server.epoch = 7;
    assert_int_equal(rpc_client_init(&client, &sessions[ME], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &request), 0);
    rpc_session_open(&server, ME);
    assert_int_equal(sample_sum_finish(&client, request, &total), 0);
    assert_int_equal(total, 10);
    assert_nothing_leaked();
}

static void an_event_is_handled_once_over_a_restart(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint64_t total;
    struct sample_point p = { 0 };
    sample_note(&client, 1, 0, &p);
    sample_note(&client, 2, 0, &p);
    turns();
    assert_int_equal(handlers_nr_notes, 2);
    sample_note(&client, 3, 0, &p);
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &request), 0);
    sample_note(&client, 4, 0, &p);
    another_server_takes_over(2);
    sessions[ME].header.epoch = 1;      /* as long as the client looked before the store */
    sample_note(&client, 5, 0, &p);
    sessions[ME].header.epoch = 2;
    uint64_t served = server.stats.requests;
    turns();
    assert_int_equal(handlers_nr_notes, 5);
    assert_int_equal(handlers_last_note, 5);
    assert_int_equal(server.stats.requests, served + 3);
    assert_int_equal(sample_sum_finish(&client, request, &total), ERR_PEER_RESTARTED);
    assert_nothing_leaked();
}

/* A whole server: its private memory is gone. */
static void restart_server(uint64_t *survivors, uint32_t restarts)
{
    exec_init(&(struct exec_config){ .notification = 4, .doorbell_mask = DOORBELL_MASK, .nr_coroutines = 4,
                                     .coroutine_stack_bytes = 65536, .coroutine_stacks = stacks });
    free(server.state);
    assert_int_equal(rpc_server_init(&server, &sample_interface, sessions, NR_SESSIONS, 8, 9), 0);
    exec_add_server(&server);
    rpc_server_survive(&server, survivors, restarts);
}

static void open_sessions_survive_a_restart(void **state)
{
    (void)state;
    uint64_t *survivors = RPC_SURVIVORS(sessions), total;
    rpc_session_close(&server, ME);
    restart_server(survivors, 0);
    rpc_session_open(&server, ME);
    rpc_session_open(&server, ME + 1);
    rpc_session_open(&server, PEER);
    rpc_session_close(&server, ME + 1);
    assert_int_equal(survivors[0], 1ul << ME | 1ul << PEER);
    assert_int_equal(sample_sum(&client, 1, 2, 3, 4, &total), 0);
    uint32_t head = sessions[ME].header.sq_head;
    restart_server(survivors, 1);
    assert_true(rpc_session_is_open(&server, ME) && rpc_session_is_open(&server, PEER));
    assert_false(rpc_session_is_open(&server, ME + 1));
    rpc_session_open(&server, ME);      /* told of it once more */
    assert_int_equal(sessions[ME].header.sq_head, head);
    assert_int_equal(sample_sum(&client, 1, 2, 3, 4, &total), 0);
    assert_int_equal(sessions[ME].header.epoch, 2);
    rpc_session_close(&server, ME);
    assert_int_equal(survivors[0], 1ul << PEER);
    rpc_session_close(&server, PEER);
}

/* The server died when the client knew of the session, but the next server does not. */
static void opening_that_was_cut_short_is_taken_over(void **state)
{
    (void)state;
    uint64_t *survivors = RPC_SURVIVORS(sessions), total;
    struct rpc_request *request;
    restart_server(survivors, 0);
    memset(&sessions[ME].header, 0, sizeof sessions[ME].header);
    assert_int_equal(rpc_client_init(&client, &sessions[ME], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &request), 0);
    rpc_session_open(&server, ME);
    survivors[0] = 0;
    restart_server(survivors, 1);
    assert_false(rpc_session_is_open(&server, ME));
    rpc_session_open(&server, ME);
    turns();
    assert_int_equal(sample_sum_finish(&client, request, &total), ERR_PEER_RESTARTED);
    assert_int_equal(sample_sum(&client, 1, 2, 3, 4, &total), 0);
    assert_nothing_leaked();
}

/* Whoever is to be interrupted is so before. */
static unsigned restarts_to_come;
static error_t wait_by_restarts_until(struct rpc_client *c, struct rpc_request *request, ticks_t deadline)
{
    if (restarts_to_come == 0 || (interrupt_next_wait && request->interruptible))
        return wait_by_turns_until(c, request, deadline);
    rpc_take_ring(c);
    another_server_takes_over(server.epoch + 1);
    restarts_to_come--;
    rpc_drain(c);
    return 0;
}

static error_t wait_by_restarts(struct rpc_client *c, struct rpc_request *request)
{
    return wait_by_restarts_until(c, request, DEADLINE_NONE);
}

static void idempotent_requests_are_repeated_as_often_as_needed(void **state)
{
    (void)state;
    uint8_t data[600] = { 1, 2, 3 };
    uint64_t total;
    uint32_t sum, value;
    env.wait = wait_by_restarts;
    fake_allow_memory(data, sizeof data);
    restarts_to_come = 20;
    assert_int_equal(sample_sum(&client, 1, 2, 3, 4, &total), 0);
    assert_int_equal(total, 10);
    restarts_to_come = 20;
    assert_int_equal(sample_checksum(&client, (struct rpc_in){ data, sizeof data }, 0, &sum), 0);
    assert_int_equal(restarts_to_come, 0);
    restarts_to_come = 1;
    assert_int_equal(sample_wait(&client, 5, &value), ERR_PEER_RESTARTED);
    assert_nothing_leaked();
}

static void restarts_move_no_deadline_and_undo_no_interrupt(void **state)
{
    (void)state;
    uint32_t value;
    uint64_t done;
    have_deadlines();
    env.wait = wait_by_restarts;
    env.wait_until = wait_by_restarts_until;
    restarts_to_come = 20;              /* repeated, until time is over */
    assert_int_equal(sample_read_soon(&client, 5, (struct rpc_out){ &value, sizeof value }, &done), ERR_TIMEOUT);
    assert_int_equal(restarts_to_come, 0);
    assert_nothing_leaked();
    env.wait_until = wait_by_turns_until;
    restarts_to_come = 1;               /* time is over, and then the server dies with the cancel */
    assert_int_equal(sample_read_soon(&client, 5, (struct rpc_out){ &value, sizeof value }, &done), ERR_TIMEOUT);
    assert_int_equal(restarts_to_come, 0);
    assert_nothing_leaked();
    env.wait_until = wait_by_restarts_until;
    restarts_to_come = 1;
    assert_int_equal(sample_soon(&client, 5, &value), ERR_PEER_RESTARTED);
    restarts_to_come = 1;
    interrupt_next_wait = true;
    assert_int_equal(sample_soon(&client, 5, &value), ERR_INTERRUPTED);
    assert_int_equal(restarts_to_come, 0);
    restarts_to_come = 1;
    interrupt_next_wait = true;
    assert_int_equal(sample_wait(&client, 5, &value), ERR_INTERRUPTED);
    assert_int_equal(restarts_to_come, 0);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

/* The client is a server that was restarted: what its earlier life asked is cancelled, and answers to it are dropped. */
static void answers_to_an_earlier_life_are_dropped(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint32_t value;
    uint64_t total;
    struct sample_point p = { 0 };
    assert_int_equal(sample_wait_submit(&client, 5, &request), 0);
    turns();
    assert_int_equal(handlers_nr_parked, 1);
    assert_int_equal(sample_sum_submit(&client, 7, 7, 7, 7, &request), 0);
    sample_note(&client, 1, 0, &p);     /* events stand */
    for (uint32_t life = 1; life < 4; life++) {
        assert_int_equal(rpc_client_init(&client, &sessions[ME], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
        rpc_client_resume(&client, life);
        assert_int_equal(sample_sum_submit(&client, life, 0, 0, 0, &request), 0);
        assert_int_equal(request->token, 0);
        turns();
        assert_int_equal(handlers_nr_parked, 0);
        assert_int_equal(handlers_nr_notes, 1);
        assert_int_equal(sample_sum_finish(&client, request, &total), 0);
        assert_int_equal(total, life);
        interrupt_next_wait = true;     /* cancels by its own token */
        assert_int_equal(sample_wait(&client, 6, &value), ERR_INTERRUPTED);
        assert_nothing_leaked();
        assert_int_equal(sample_wait_submit(&client, 5, &request), 0);
        turns();
        assert_int_equal(handlers_nr_parked, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(queued_requests_end_with_the_server_too), TEST(restart_of_the_server_ends_requests),
        TEST(answers_before_the_restart_count), TEST(entry_for_the_server_before_is_not_served),
        TEST(client_of_a_restarted_server_starts_like_any), TEST(an_event_is_handled_once_over_a_restart),
        TEST(open_sessions_survive_a_restart), TEST(opening_that_was_cut_short_is_taken_over),
        TEST(idempotent_requests_are_repeated_as_often_as_needed),
        TEST(restarts_move_no_deadline_and_undo_no_interrupt), TEST(answers_to_an_earlier_life_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
