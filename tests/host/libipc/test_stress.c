/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/fake_kernel.c tests/host/libipc/sample_handlers.c
 *        tests/idl/golden/sample_client.c tests/idl/golden/sample_server.c
 *        libipc/src/coro_switch.S; tree: libipc/src -start.c;
 * include: libipc/include microkernel/abi tests/idl/golden */
/*
 * One server thread and several client threads over shared memory. Both sides
 * go to sleep at random moments; a wake-up that is lost shows as a hang, which
 * the alarm ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <libipc/atomic.h>
#include <libipc/executor.h>
#include <pthread.h>
#include <sample_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "sample_handlers.h"

#define NR_SESSIONS 64
#define NR_CLIENTS  4
#define SECONDS     60

static struct session *sessions;
static struct rpc_server server;
static struct hart_page harts;
static const uint32_t our_hart;
static void *stacks;
static unsigned rounds;

struct user {
    pthread_t thread;
    struct rpc_client client;
    uint32_t slot;
    uint64_t random;
    uint64_t nr_interrupted, nr_completed;
    uint32_t buffer[256];
};
static struct user user[NR_CLIENTS];

static uint32_t roll(struct user *u, uint32_t sides)
{
    u->random = u->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(u->random >> 33) % sides;
}

static void dawdle(struct user *u)
{
    uint32_t r = roll(u, 100);
    if (r < 2)
        usleep(roll(u, 200));
    else if (r < 40)
        for (volatile uint32_t i = roll(u, 3000); i != 0; i--)
            continue;
}

static void one_call(struct user *u)
{
    uint64_t total, done;
    uint32_t value;
    switch (roll(u, 6)) {
    case 0:
    case 1:
        assert_int_equal(sample_sum(&u->client, u->slot, 2, 3, 4, &total), 0);
        assert_int_equal(total, u->slot + 9);
        break;
    case 2:
        memset(u->buffer, 0, sizeof u->buffer);
        assert_int_equal(sample_fill(&u->client, (struct rpc_out){ u->buffer, 1 + roll(u, 1024) }, 7, &done), 0);
        assert_int_equal(((uint8_t *)u->buffer)[done - 1], 7);
        break;
    case 3: {
        char name[40];
        int bytes = snprintf(name, sizeof name, "user %u", u->slot);
        assert_int_equal(sample_sleep(&u->client, roll(u, 30000), (struct rpc_in){ name, (uint64_t)bytes }, &value), 0);
        assert_int_equal(value, bytes);
        break;
    }
    case 4: {
        /* A batch: several in flight, an answer to the first comes from the last. */
        struct rpc_request *waiter, *sum[10];
        assert_int_equal(sample_wait_submit(&u->client, u->slot, &waiter), 0);
        unsigned nr = roll(u, 10);
        for (unsigned i = 0; i < nr; i++)
            assert_int_equal(sample_sum_submit(&u->client, i, 0, 0, 0, &sum[i]), 0);
        assert_int_equal(sample_wake(&u->client, u->slot, 99, &value), 0);
        assert_int_equal(value, 1);
        for (unsigned i = 0; i < nr; i++) {
            assert_int_equal(sample_sum_finish(&u->client, sum[i], &total), 0);
            assert_int_equal(total, i);
        }
        assert_int_equal(sample_wait_finish(&u->client, waiter, &value), 0);
        assert_int_equal(value, 99);
        break;
    }
    default: {
        /* Cancelled by a signal that comes before or during the wait. */
        fake_upcall(u->client.own);
        error_t error = sample_wait(&u->client, 1000 + u->slot, &value);
        assert_int_equal(error, ERR_INTERRUPTED);
        u->nr_interrupted++;
        break;
    }
    }
}

static void *client_main(void *argument)
{
    struct user *u = argument;
    for (unsigned i = 0; i < rounds; i++) {
        one_call(u);
        dawdle(u);
        if (roll(u, 20) == 0)
            sample_note(&u->client, i, 1, &(struct sample_point){ 0, 0 });
    }
    return NULL;
}

static void *server_main(void *argument)
{
    (void)argument;
    exec_run();
    return NULL;
}

/* As linux_compat's on one hart: libipc itself rings and sleeps. What the kernel
 * told it once must be told again to the wait that cancels. */
static void interrupted_again(struct rpc_client *c)
{
    fake_upcall(c->own);
}

/* As linux_compat's on several harts: libipc itself looks for the answer. */
static bool look_for_answer(struct rpc_client *c)
{
    return rpc_spin(c, &harts, 0);
}

static void run(bool spinning, bool alone, unsigned nr)
{
    struct rpc_env env = thread_env;
    env.interrupted = alone ? interrupted_again : NULL;
    env.spin = alone && spinning ? look_for_answer : NULL;

    pthread_t thread;
    fake_kernel_reset();
    rounds = nr;
    harts = (struct hart_page){ .nr_harts = spinning ? 2 : 1, .timebase_hz = 1000000000 };
    harts.hart[0].runnable = 1;
    struct exec_config config = { .notification = 4, .doorbell_mask = DOORBELL_MASK, .nr_coroutines = 3,
                                  .coroutine_stack_bytes = 65536, .coroutine_stacks = stacks, .hart_page = &harts, .hart = &our_hart };
    memset(sessions, 0, NR_SESSIONS * sizeof *sessions);
    assert_int_equal(exec_init(&config), 0);
    assert_int_equal(rpc_server_init(&server, &sample_interface, sessions, NR_SESSIONS, 8, 9), 0);
    exec_add_server(&server);
    for (uint32_t i = 0; i < NR_CLIENTS; i++) {
        struct user *u = &user[i];
        u->slot = 16 + i;
        u->random = i + 1;
        rpc_session_open(&server, u->slot);
        /* Doorbell: bit slot % 48 of notification 4 (fake: from bit 8 of the cap). */
        assert_int_equal(rpc_client_init(&u->client, &sessions[u->slot], &env, 4 | u->slot % 48 << 8,
                                         CAP_IN(9, u->slot), SAMPLE_LAYOUT_HASH), 0);
        u->client.own_bit = 2;  /* what the fake kernel sets there */
        fake_allow_memory(u->buffer, sizeof u->buffer);
    }
    alarm(SECONDS);
    pthread_create(&thread, NULL, server_main, NULL);
    for (uint32_t i = 0; i < NR_CLIENTS; i++)
        pthread_create(&user[i].thread, NULL, client_main, &user[i]);
    for (uint32_t i = 0; i < NR_CLIENTS; i++)
        pthread_join(user[i].thread, NULL);
    sample_stop(&user[0].client);
    pthread_join(thread, NULL);
    alarm(0);

    struct exec_stats stats;
    exec_get_stats(&stats);
    print_message("# %lu requests, %lu turns, %lu sleeps, spins %lu won %lu lost, %lu signals, %lu client+server waits\n",
                  stats.requests, stats.turns, stats.sleeps, stats.spins_won, stats.spins_lost, fake_nr_signals,
                  fake_nr_waits);
    assert_int_equal(handlers_nr_parked, 0);
    assert_int_equal(server.stats.bad_messages, 0);
    /* What this run is about did happen. */
    assert_true((spinning ? stats.spins_won : stats.sleeps) > 100);
    for (uint32_t i = 0; i < NR_CLIENTS; i++) {
        assert_int_equal(user[i].client.tokens[0] & user[i].client.tokens[1], UINT64_MAX);
        rpc_session_close(&server, user[i].slot);
    }
    free(server.state);
}

static void no_wakeup_is_lost_when_all_sleep_at_once(void **state)
{
    (void)state;
    run(false, false, 6000);
}

static void no_wakeup_is_lost_when_the_server_spins(void **state)
{
    (void)state;
    run(true, false, 6000);
}

static void no_wakeup_is_lost_with_one_fence_for_both_halves(void **state)
{
    (void)state;
    run(false, true, 6000);
}

static void nor_when_both_spin(void **state)
{
    (void)state;
    run(true, true, 6000);
}

static int set_up(void **state)
{
    (void)state;
    sessions = aligned_alloc(PAGE_BYTES, NR_SESSIONS * sizeof *sessions);
    stacks = aligned_alloc(PAGE_BYTES, 4 * (65536 + PAGE_BYTES));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(sessions);
    free(stacks);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wakeup_is_lost_when_all_sleep_at_once),
        cmocka_unit_test(no_wakeup_is_lost_when_the_server_spins),
        cmocka_unit_test(no_wakeup_is_lost_with_one_fence_for_both_halves),
        cmocka_unit_test(nor_when_both_spin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
