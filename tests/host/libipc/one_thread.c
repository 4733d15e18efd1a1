/* SPDX-License-Identifier: MIT */
#include "one_thread.h"

#include <stdlib.h>

struct session *sessions;
struct rpc_server server;
struct rpc_client client;
struct rpc_env env;
void *stacks;
bool interrupt_next_wait;
uint64_t frozen_clock;

void turns(void)
{
    rpc_server_doorbells(&server, DOORBELL_MASK);
    for (int i = 0; i < 4; i++)
        exec_turn();
}

error_t wait_by_turns_until(struct rpc_client *c, struct rpc_request *request, ticks_t deadline)
{
    for (unsigned turn = 0; turn < 10000; turn++) {
        if (frozen_clock >= deadline)
            return ERR_TIMEOUT;
        if (frozen_clock != 0)
            fake_clock_set(frozen_clock += 10);
        rpc_take_ring(c);
        rpc_server_doorbells(&server, DOORBELL_MASK);
        exec_turn();
        rpc_drain(c);
        if (request->done)
            return 0;
        if (interrupt_next_wait && request->interruptible) {
            interrupt_next_wait = false;
            return ERR_INTERRUPTED;
        }
    }
    fail_msg("request %u was never answered", request->method);
    return 0;
}

error_t wait_by_turns(struct rpc_client *c, struct rpc_request *request)
{
    return wait_by_turns_until(c, request, DEADLINE_NONE);
}

int set_up(void **state)
{
    (void)state;
    fake_kernel_reset();
    sessions = aligned_alloc(PAGE_BYTES, NR_SESSIONS * sizeof *sessions);
    memset(sessions, 0, NR_SESSIONS * sizeof *sessions);
    stacks = aligned_alloc(PAGE_BYTES, 4 * (65536 + PAGE_BYTES));
    struct exec_config config = { .notification = 4, .doorbell_mask = DOORBELL_MASK, .nr_coroutines = 4,
                                  .coroutine_stack_bytes = 65536, .coroutine_stacks = stacks };
    assert_int_equal(exec_init(&config), 0);
    assert_int_equal(rpc_server_init(&server, &sample_interface, sessions, NR_SESSIONS, 8, 9), 0);
    exec_add_server(&server);
    rpc_session_open(&server, ME);
    env = thread_env;
    env.wait = wait_by_turns;
    assert_int_equal(rpc_client_init(&client, &sessions[ME], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
    interrupt_next_wait = false;
    frozen_clock = 0;
    handlers_nr_notes = 0;
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < NR_SESSIONS; i++)
        rpc_session_close(&server, i);
    for (int i = 0; i < 10; i++)
        exec_turn();
    int left = (int)(handlers_nr_parked + handlers_nr_sleeping);
    free(server.state);
    free(sessions);
    free(stacks);
    return left;
}

void assert_nothing_leaked(void)
{
    assert_int_equal(client.tokens[0], UINT64_MAX);
    assert_int_equal(client.tokens[1], UINT64_MAX);
    assert_int_equal(client.arenas, UINT32_MAX);
    assert_int_equal(client.nr_reserved, 0);
}

static uint32_t a_thousand(void)
{
    return 1000;
}

void have_deadlines(void)
{
    env.wait_until = wait_by_turns_until;
    env.timebase_hz = a_thousand;
    fake_clock_set(frozen_clock = 1000);
}

void another_server_takes_over(uint32_t epoch)
{
    struct session *kept = malloc(sizeof *kept);

    memcpy(kept, &sessions[ME], sizeof *kept);
    rpc_session_close(&server, ME);     /* frees what the old one held */
    memcpy(&sessions[ME], kept, sizeof *kept);
    free(kept);
    server.epoch = epoch;
    rpc_session_take_over(&server, ME);
}
