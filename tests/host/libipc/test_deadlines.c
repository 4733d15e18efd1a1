/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/one_thread.c tests/host/libipc/fake_kernel.c tests/host/libipc/sample_handlers.c
 *        tests/idl/golden/sample_client.c tests/idl/golden/sample_server.c libipc/src/coro_switch.S;
 * tree: libipc/src -start.c; include: libipc/include microkernel/abi tests/idl/golden */
/* Requests that end when their time is over, and what becomes of their answers. */
#include "one_thread.h"

static void answer_before_the_deadline_is_as_without(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint32_t value, woken;
    have_deadlines();
    assert_int_equal(rpc_deadline_in(&client, 5000000), 1005);
    assert_int_equal(rpc_deadline_in(&client, 2000000001), 3001);
    assert_int_equal(sample_soon_submit(&client, 5, &request), 0);
    assert_int_equal(sample_wake(&client, 5, 77, &woken), 0);
    request->deadline = frozen_clock + 1000;
    assert_int_equal(sample_soon_finish(&client, request, &value), 0);
    assert_int_equal(value, 77);
    interrupt_next_wait = true;
    assert_int_equal(sample_soon_until(&client, frozen_clock + 1000, 5, &value), ERR_INTERRUPTED);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

static void deadline_gives_the_request_up_and_its_last_answer_frees_it(void **state)
{
    (void)state;
    uint32_t value = 3;
    uint64_t total, before = server.stats.cancels;
    have_deadlines();
    assert_int_equal(sample_soon(&client, 5, &value), ERR_TIMEOUT);
    assert_int_equal(value, 3);
    assert_int_equal(handlers_nr_parked, 1);
    assert_int_equal(client.tokens[0], ~1ull);          /* the server has it still */
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
    assert_int_equal(server.stats.cancels, before + 1);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

static void answer_after_the_deadline_is_nobodys(void **state)
{
    (void)state;
    struct rpc_request *late, *next;
    uint32_t value;
    uint64_t total;
    have_deadlines();
    assert_int_equal(sample_soon_submit(&client, 5, &late), 0);
    rpc_server_doorbells(&server, DOORBELL_MASK);
    exec_turn();
    assert_int_equal(handlers_wake(5, 77), 1);          /* in the ring, not drained */
    late->deadline = frozen_clock;
    assert_int_equal(sample_soon_finish(&client, late, &value), ERR_TIMEOUT);
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &next), 0);
    assert_ptr_not_equal(late, next);                   /* not before that answer is drained */
    assert_int_equal(sample_sum_finish(&client, next, &total), 0);
    assert_int_equal(total, 10);
    assert_nothing_leaked();
}

static void lent_memory_comes_back_with_the_last_answer_only(void **state)
{
    (void)state;
    static uint8_t large[1000];
    uint32_t small = 0;
    uint64_t done;
    have_deadlines();
    fake_allow_memory(large, sizeof large);
    assert_int_equal(sample_read_soon(&client, 5, (struct rpc_out){ &small, 4 }, &done), ERR_TIMEOUT);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
    assert_int_equal(sample_read_soon(&client, 5, (struct rpc_out){ large, sizeof large }, &done), ERR_TIMEOUT);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

static void deadline_holds_while_a_server_is_away(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint32_t value;
    uint64_t total;
    have_deadlines();
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
    assert_int_equal(sample_soon_queue(&client, 5, &request), 0);
    request->deadline = frozen_clock;
    assert_int_equal(sample_soon_finish(&client, request, &value), ERR_TIMEOUT);
    another_server_takes_over(2);
    assert_int_equal(sample_sum(&client, 2, 2, 2, 2, &total), 0);
    assert_int_equal(total, 8);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

static error_t told;
static void call_from_a_coroutine(void *of)
{
    uint32_t value;

    told = sample_soon_until(of, 2000, 9, &value);
}

static void coroutines_have_deadlines(void **state)
{
    (void)state;
    static struct rpc_client own;
    fake_clock_set(1000);
    rpc_session_open(&server, PEER);
    assert_int_equal(rpc_client_init(&own, &sessions[PEER], &coro_rpc_env, 18, 19, SAMPLE_LAYOUT_HASH), 0);
    exec_add_client(&own);
    told = 1;
    assert_int_equal(coro_spawn(call_from_a_coroutine, &own, "test"), 0);
    for (int i = 0; i < 10; i++) {
        rpc_server_doorbells(&server, DOORBELL_MASK);
        exec_turn();
    }
    assert_int_equal(told, 1);
    assert_int_equal(handlers_nr_parked, 1);
    fake_clock_set(2000);
    for (int i = 0; i < 100; i++) {
        rpc_server_doorbells(&server, DOORBELL_MASK);
        exec_turn();
    }
    assert_int_equal(told, ERR_TIMEOUT);
    assert_int_equal(handlers_nr_parked, 0);
    assert_int_equal(own.tokens[0], UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answer_before_the_deadline_is_as_without),
        TEST(deadline_gives_the_request_up_and_its_last_answer_frees_it), TEST(answer_after_the_deadline_is_nobodys),
        TEST(lent_memory_comes_back_with_the_last_answer_only), TEST(deadline_holds_while_a_server_is_away),
        TEST(coroutines_have_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
