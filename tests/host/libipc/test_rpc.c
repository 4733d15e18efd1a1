/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/fake_kernel.c tests/host/libipc/sample_handlers.c
 *        tests/idl/golden/sample_client.c tests/idl/golden/sample_server.c
 *        libipc/src/client.c libipc/src/client_drain.c libipc/src/client_post.c
 *        libipc/src/client_args.c libipc/src/server.c libipc/src/call.c libipc/src/job.c
 *        libipc/src/coro.c libipc/src/coro_switch.S libipc/src/timer.c libipc/src/executor.c libipc/src/coro_env.c;
 * include: libipc/include microkernel/abi tests/idl/golden */
/*
 * Client and server in one thread: the client's wait runs turns of the server.
 * What each kind of argument becomes, and what a hostile client can do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <libipc/executor.h>
#include <sample_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kernel.h"
#include "sample_handlers.h"

#define NR_SESSIONS 64
#define ME          20
#define PEER        3

static struct session *sessions;
static struct rpc_server server;
static struct rpc_client client;
static void *stacks;
static bool interrupt_next_wait;
static uint64_t frozen_clock;   /* advances with the turns of a wait; 0: real time */

/* Looks at the ring only when the deadline has not passed. */
static error_t wait_by_turns_until(struct rpc_client *c, struct rpc_request *request, ticks_t deadline)
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

static error_t wait_by_turns(struct rpc_client *c, struct rpc_request *request)
{
    return wait_by_turns_until(c, request, DEADLINE_NONE);
}

static struct rpc_env env;
static void another_server_takes_over(uint32_t epoch);
static void have_deadlines(void);

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void assert_nothing_leaked(void)
{
    assert_int_equal(client.tokens[0], UINT64_MAX);
    assert_int_equal(client.tokens[1], UINT64_MAX);
    assert_int_equal(client.arenas, UINT32_MAX);
    assert_int_equal(client.nr_reserved, 0);
}

static void scalars_travel_in_words(void **state)
{
    (void)state;
    uint64_t total;
    assert_int_equal(sample_sum(&client, 1, 20, 300, UINT64_MAX, &total), 0);
    assert_int_equal(total, 320);
    int64_t value;
    bool odd;
    assert_int_equal(sample_calc(&client, 200, SAMPLE_OP_MUL, -3, true, SAMPLE_MODE_READ, &value, &odd), 0);
    assert_int_equal(value, 600);
    assert_false(odd);
    assert_int_equal(sample_calc(&client, 3, SAMPLE_OP_SUB, 10, false, 3, &value, &odd), 0);
    assert_int_equal(value, -7);
    assert_true(odd);
    assert_nothing_leaked();
}

static void enum_and_flags_outside_their_set_are_refused(void **state)
{
    (void)state;
    int64_t value;
    bool odd;
    assert_int_equal(sample_calc(&client, 1, 3, 1, false, 1, &value, &odd), ERR_INVALID_ARGUMENT);
    assert_int_equal(sample_calc(&client, 1, 0, 1, false, 5, &value, &odd), ERR_INVALID_ARGUMENT);
}

static void strings_go_by_the_arena_or_stay(void **state)
{
    (void)state;
    char text[200], name[1001];
    uint32_t text_bytes, bytes;
    assert_int_equal(sample_hello(&client, (struct rpc_in){ "abc", 3 }, 4, (struct rpc_out){ text, 200 },
                                  &text_bytes, &bytes), 0);
    assert_int_equal(text_bytes, 12);
    assert_memory_equal(text, "abcabcabcabc", 12);
    assert_int_equal(fake_nr_copies, 0);

    memset(name, 'x', sizeof name);
    fake_allow_memory(name, sizeof name);
    assert_int_equal(sample_hello(&client, (struct rpc_in){ name, 1000 }, 0, (struct rpc_out){ text, 200 },
                                  &text_bytes, &bytes), 0);
    assert_int_equal(bytes, 1000);
    assert_int_equal(fake_nr_copies, 1);
    assert_int_equal(sample_hello(&client, (struct rpc_in){ "", 0 }, 1, (struct rpc_out){ text, 0 }, &text_bytes,
                                  &bytes), 0);
    assert_int_equal(sample_hello(&client, (struct rpc_in){ name, 1001 }, 0, (struct rpc_out){ text, 200 },
                                  &text_bytes, &bytes), ERR_NAME_TOO_LONG);
    assert_int_equal(sample_hello(&client, (struct rpc_in){ "a\0b", 3 }, 1, (struct rpc_out){ text, 200 },
                                  &text_bytes, &bytes), ERR_BAD_MESSAGE);
    assert_int_equal(sample_hello(&client, (struct rpc_in){ "abc", 3 }, 4, (struct rpc_out){ text, 11 },
                                  &text_bytes, &bytes), ERR_RANGE_RESULT);
    assert_nothing_leaked();
}

static void string_in_memory_that_is_not_there_is_a_fault(void **state)
{
    (void)state;
    char text[8];
    uint32_t n, m;
    static char name[600];
    memset(name, 'y', sizeof name);
    fake_allow_memory(name, 599);
    assert_int_equal(sample_hello(&client, (struct rpc_in){ name, 600 }, 0, (struct rpc_out){ text, 8 }, &n, &m),
                     ERR_FAULT);
    assert_nothing_leaked();
}

static void structs_and_arrays_arrive_unchanged(void **state)
{
    (void)state;
    struct sample_shape s = { { { 1, 2 }, { 3, 4 } }, 5, 6, 1, { 0 } }, s_out;
    struct sample_point p = { -1, -2 }, p_out;
    assert_int_equal(sample_swap(&client, &p, &s, &s_out, &p_out), 0);
    assert_int_equal(p_out.x, -2);
    assert_int_equal(s_out.corner[0].x, 3);
    assert_int_equal(s_out.corner[1].y, 2);
    assert_int_equal(s_out.id, 5);

    uint32_t numbers[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    struct sample_point points[4] = { { 1, 1 }, { 2, 2 }, { 3, 3 } }, doubled[4];
    uint64_t sum;
    uint32_t nr;
    assert_int_equal(sample_total(&client, numbers, 8, points, 3, &sum, doubled, &nr), 0);
    assert_int_equal(sum, 36);
    assert_int_equal(nr, 3);
    assert_int_equal(doubled[2].y, 6);
    assert_int_equal(sample_total(&client, numbers, 9, points, 3, &sum, doubled, &nr), ERR_INVALID_ARGUMENT);
    assert_int_equal(sample_total(&client, numbers, 0, points, 0, &sum, doubled, &nr), 0);
    assert_int_equal(nr, 0);
    assert_nothing_leaked();
}

static void more_scalars_than_words(void **state)
{
    (void)state;
    uint64_t r[6];
    int16_t r6;
    bool r7;
    assert_int_equal(sample_wide(&client, 1, 2, 3, 4, 5, 6, 7, true, -5, &r[0], &r[1], &r[2], &r[3], &r[4], &r[5],
                                 &r6, &r7), 0);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(r[i], i + 1);
    assert_int_equal(r6, 7);
    assert_true(r7);
}

static void lent_buffers_small_and_large(void **state)
{
    (void)state;
    static uint8_t data[5000];
    uint32_t sum;
    uint64_t done;
    memset(data, 1, sizeof data);
    assert_int_equal(sample_checksum(&client, (struct rpc_in){ data, 300 }, 7, &sum), 0);
    assert_int_equal(sum, 307);
    assert_int_equal(fake_nr_copies, 0);
    fake_allow_memory(data, sizeof data);
    assert_int_equal(sample_checksum(&client, (struct rpc_in){ data, 5000 }, 0, &sum), 0);
    assert_int_equal(sum, 5000);
    assert_int_equal(fake_nr_copies, 50);

    for (uint64_t bytes = 0; bytes < 1000; bytes += 37) {
        memset(data, 0, sizeof data);
        assert_int_equal(sample_fill(&client, (struct rpc_out){ data, bytes }, 9, &done), 0);
        assert_int_equal(done, (bytes + 1) / 2);
        for (uint64_t i = 0; i < 1000; i++)
            assert_int_equal(data[i], i < done ? 9 : 0);
    }
    assert_nothing_leaked();
}

static void all_kinds_together_for_all_sizes(void **state)
{
    (void)state;
    static uint8_t data[600], key[64];
    static char from[301], to[301];
    struct sample_shape s = { 0 }, s_out;
    memset(data, 2, sizeof data);
    memset(key, 3, sizeof key);
    memset(from, 'f', sizeof from);
    memset(to, 't', sizeof to);
    fake_allow_memory(data, sizeof data);
    fake_allow_memory(from, sizeof from);
    fake_allow_memory(to, sizeof to);
    for (unsigned n = 0; n < 2000; n++) {
        uint32_t nf = n * 7 % 301, nt = n * 13 % 301, nk = n % 65, nd = n * 11 % 601, result = 0, done;
        uint32_t want = nf * 1000 + nt + nk * 3 + nd * 2;
        struct rpc_out out = { &result, n % 3 == 0 ? 0 : 4 };
        error_t error = sample_convert(&client, (struct rpc_in){ from, nf }, (struct rpc_in){ to, nt },
                                       (struct rpc_in){ key, nk }, (struct rpc_in){ data, nd }, out, &s, &done,
                                       &s_out);
        if (error == ERR_FAULT)
            fake_allow_memory(&result, sizeof result);
        else
            assert_int_equal(error, 0);
        if (error == 0) {
            assert_int_equal(s_out.color, want);
            assert_int_equal(result, out.bytes == 4 ? want : 0);
        }
    }
    assert_nothing_leaked();
}

static void variants_arrive_with_known_tags_only(void **state)
{
    (void)state;
    struct sample_figure what = { .tag = SAMPLE_FIGURE_DOT, .dot = { -3, 4 } }, last;
    struct sample_word more = { .tag = SAMPLE_WORD_NUMBER, .number = 41 }, sum;
    assert_int_equal(sample_draw(&client, &what, &more, &last, &sum), 0);
    assert_memory_equal(&last, &what, sizeof what);
    assert_int_equal(sum.number, 42);
    what = (struct sample_figure){ .tag = SAMPLE_FIGURE_NOTHING };
    more = (struct sample_word){ .tag = SAMPLE_WORD_WHOLE, .whole.corner = { { 1, 2 }, { 3, 4 } } };
    assert_int_equal(sample_draw(&client, &what, &more, &last, &sum), 0);
    assert_int_equal(last.tag, SAMPLE_FIGURE_NOTHING);
    assert_int_equal(sum.number, 5);
    what.tag = 3;
    assert_int_equal(sample_draw(&client, &what, &more, &last, &sum), ERR_BAD_MESSAGE);
    what.tag = SAMPLE_FIGURE_COLOR;
    more.tag = 0;
    assert_int_equal(sample_draw(&client, &what, &more, &last, &sum), ERR_BAD_MESSAGE);
    what = (struct sample_figure){ .tag = SAMPLE_FIGURE_HOW, .how = SAMPLE_MODE_WRITE };
    more.tag = SAMPLE_WORD_WHOLE;
    assert_int_equal(sample_draw(&client, &what, &more, &last, &sum), ERR_BAD_MESSAGE);     /* from the server */
    assert_nothing_leaked();
}

static void handles_are_looked_up_before_the_handler(void **state)
{
    (void)state;
    uint32_t file, size;
    assert_int_equal(sample_open(&client, 2, &file), 0);
    assert_int_equal(sample_copy(&client, 4, file, 7, &size), 0);
    assert_int_equal(size, 4 * 100 + 3 * 10 + 7);
    uint64_t before = server.stats.undeclared;
    assert_int_equal(sample_copy(&client, 4, 8, 7, &size), ERR_RIGHTS);
    assert_int_equal(sample_copy(&client, 0, 3, 7, &size), ERR_BAD_HANDLE);
    assert_int_equal(sample_copy(&client, 4, UINT32_MAX, 7, &size), ERR_BAD_HANDLE);
    assert_int_equal(server.stats.undeclared, before);
    assert_nothing_leaked();
}

static void given_memory_is_the_servers_until_it_answers(void **state)
{
    (void)state;
    struct rpc_request *request;
    uint8_t data[300];
    uint32_t sum, woken;
    have_deadlines();
    memset(data, 1, sizeof data);
    assert_int_equal(sample_post_submit(&client, 5, (struct rpc_in){ data, 300 }, &request), 0);
    request->deadline = frozen_clock + 1000;
    memset(data, 2, sizeof data);       /* the caller's again at once */
    assert_int_equal(sample_wake(&client, 5, 0, &woken), 0);
    assert_int_equal(woken, 1);
    assert_int_equal(sample_post_finish(&client, request, &sum), 0);
    assert_int_equal(sum, 300);
    assert_nothing_leaked();
    /* Given up: the slot is used again only when the server has answered. */
    assert_int_equal(sample_post(&client, 5, (struct rpc_in){ data, 100 }, &sum), ERR_TIMEOUT);
    assert_int_equal(client.arenas, ~1u);
    assert_int_equal(sample_label(&client, (struct rpc_in){ "ab", 2 }, (struct rpc_in){ data, 5 }, (struct rpc_in){ "note", 4 }, &sum), 0);
    assert_int_equal(sum, 10 + 4000000 + 2 + 'a' + 'b');
    assert_nothing_leaked();
}

static void given_memory_leaves_strings_what_is_left(void **state)
{
    (void)state;
    static uint8_t data[400];
    static char note[301];
    uint32_t sum;
    fake_allow_memory(note, sizeof note);
    memset(note, 'x', 300);
    for (unsigned bytes = 0; bytes <= 400; bytes += 50)
        for (unsigned letters = 0; letters <= 300; letters += 20) {
            memset(data, 1, sizeof data);
            assert_int_equal(sample_label(&client, (struct rpc_in){ "\1\2\3", 3 }, (struct rpc_in){ data, bytes },
                                          (struct rpc_in){ note, letters }, &sum), 0);
            assert_int_equal(sum, bytes + letters * 1000000 + 3 + 6);
        }
    assert_int_equal(sample_label(&client, (struct rpc_in){ "", 0 }, (struct rpc_in){ data, 401 }, (struct rpc_in){ "", 0 }, &sum),
                     ERR_INVALID_ARGUMENT);
    assert_nothing_leaked();
}

static void given_memory_elsewhere_is_refused(void **state)
{
    (void)state;
    struct rpc_request *request = rpc_begin(&client, SAMPLE_METHOD_POST);
    struct rpc_ref ref = { (uint64_t)(uintptr_t)&ref, 8, RPC_PLACE_CLIENT };
    request->word[0] = 5;
    memcpy(&request->word[1], &ref, sizeof ref);
    assert_int_equal(rpc_invoke(&client, request, false), ERR_BAD_MESSAGE);
    rpc_end(&client, request);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

static void errors_outside_the_set_become_io(void **state)
{
    (void)state;
    assert_int_equal(sample_wrong(&client), ERR_IO);
    assert_int_equal(server.stats.undeclared, 1);
    assert_int_equal(server.stats.undeclared_last, SAMPLE_METHOD_WRONG << 16 | -ERR_LOOP);
    uint32_t file;
    assert_int_equal(sample_open(&client, 7, &file), ERR_NOT_FOUND);
    assert_int_equal(sample_open(&client, 8, &file), 0);
    assert_int_equal(file, 9);
}

static void events_have_no_answer_and_keep_their_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        sample_note(&client, i, 2, &(struct sample_point){ 3, 4 });
    uint64_t total;
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
    assert_int_equal(handlers_nr_notes, 20);
    assert_int_equal(handlers_last_note, 19 + 2 + 3 + 4);
    assert_int_equal(server.state != NULL, 1);
    assert_int_equal(sessions[ME].header.cq_tail, 1);
    assert_nothing_leaked();
}

static void parked_request_is_answered_later(void **state)
{
    (void)state;
    struct rpc_request *first, *second;
    uint32_t value, woken, buffer = 0;
    uint64_t done;
    assert_int_equal(sample_wait_submit(&client, 5, &first), 0);
    assert_int_equal(sample_read_later_submit(&client, 5, (struct rpc_out){ &buffer, 4 }, &second), 0);
    assert_int_equal(sample_wake(&client, 4, 1, &woken), 0);
    assert_int_equal(woken, 0);
    assert_int_equal(handlers_nr_parked, 2);
    assert_int_equal(sample_wake(&client, 5, 77, &woken), 0);
    assert_int_equal(woken, 2);
    assert_int_equal(sample_wait_finish(&client, first, &value), 0);
    assert_int_equal(value, 77);
    assert_int_equal(sample_read_later_finish(&client, second, (struct rpc_out){ &buffer, 4 }, &done), 0);
    assert_int_equal(buffer, 77);
    assert_nothing_leaked();
}

static void batch_is_published_by_one_flush_and_rings_once(void **state)
{
    (void)state;
    struct rpc_request *request[16];
    uint64_t total;
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(sample_sum_queue(&client, i, 1, 1, 1, &request[i]), 0);
    assert_int_equal(sessions[ME].header.sq_tail, 0);
    assert_int_equal(fake_nr_signals, 0);
    rpc_flush(&client);
    assert_int_equal(sessions[ME].header.sq_tail, 16);
    assert_int_equal(fake_nr_signals, 1);
    rpc_flush(&client);
    assert_int_equal(fake_nr_signals, 1);
    for (unsigned i = 16; i-- > 0;) {
        assert_int_equal(sample_sum_finish(&client, request[i], &total), 0);
        assert_int_equal(total, i + 3);
    }
    assert_int_equal(client.nr_rings, 1);
    assert_nothing_leaked();
}

static void who_waits_publishes_what_is_queued(void **state)
{
    (void)state;
    struct rpc_request *first, *second;
    uint64_t total;
    assert_int_equal(sample_sum_queue(&client, 1, 0, 0, 0, &first), 0);
    assert_int_equal(sample_sum_finish(&client, first, &total), 0);
    assert_int_equal(total, 1);
    assert_int_equal(sample_sum_queue(&client, 2, 0, 0, 0, &first), 0);
    assert_int_equal(sample_sum_queue(&client, 3, 0, 0, 0, &second), 0);
    assert_int_equal(sample_sum(&client, 4, 0, 0, 0, &total), 0);
    assert_true(first->done && second->done);
    assert_int_equal(sample_sum_finish(&client, second, &total), 0);
    assert_int_equal(total, 3);
    assert_int_equal(sample_sum_finish(&client, first, &total), 0);
    assert_int_equal(total, 2);
    assert_nothing_leaked();
}

static uint32_t a_thousand(void)
{
    return 1000;
}

static void have_deadlines(void)
{
    env.wait_until = wait_by_turns_until;
    env.timebase_hz = a_thousand;
    fake_clock_set(frozen_clock = 1000);
}

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

static void serve_for_room(struct rpc_client *c)
{
    rpc_server_doorbells(&server, DOORBELL_MASK);
    exec_turn();
    rpc_drain(c);
}

static void batch_larger_than_the_ring_goes_on(void **state)
{
    (void)state;
    struct rpc_request *request[100];
    uint64_t total;
    env.wait_room = serve_for_room;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(sample_sum_queue(&client, i, 0, 0, 0, &request[i]), 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(sample_sum_finish(&client, request[i], &total), 0);
        assert_int_equal(total, i);
    }
    assert_nothing_leaked();
}

static void interrupted_wait_cancels_the_request(void **state)
{
    (void)state;
    uint32_t value;
    interrupt_next_wait = true;
    assert_int_equal(sample_wait(&client, 5, &value), ERR_INTERRUPTED);
    assert_int_equal(handlers_nr_parked, 0);
    assert_nothing_leaked();
}

static void cancel_of_a_coroutine_unwinds_it(void **state)
{
    (void)state;
    uint32_t bytes;
    interrupt_next_wait = true;
    assert_int_equal(sample_sleep(&client, 1000000000000, (struct rpc_in){ "x", 1 }, &bytes), ERR_INTERRUPTED);
    assert_int_equal(handlers_nr_sleeping, 0);
    assert_nothing_leaked();
}

static void blocking_handlers_beyond_the_coroutines_wait_their_turn(void **state)
{
    (void)state;
    struct rpc_request *request[20];
    static char note[460];
    uint32_t bytes;
    memset(note, 'n', sizeof note);
    fake_allow_memory(note, sizeof note);
    fake_clock_set(frozen_clock = 1000);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(sample_sleep_submit(&client, 50, (struct rpc_in){ note, 440 + i }, &request[i]), 0);
    for (unsigned i = 0; i < 5; i++) {
        rpc_server_doorbells(&server, DOORBELL_MASK);
        exec_turn();
    }
    assert_int_equal(handlers_nr_sleeping, 4);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(sample_sleep_finish(&client, request[i], &bytes), 0);
        assert_int_equal(bytes, 440 + i);
    }
    struct coro_stats stats;
    coro_get_stats(&stats);
    assert_int_equal(stats.used, 0);
    assert_int_equal(stats.high_water, 4);
    assert_true(stats.stack_high_water > 0 && stats.stack_high_water < 65536);
    assert_nothing_leaked();
}

static void closing_a_session_drops_what_waits(void **state)
{
    (void)state;
    struct rpc_request *a, *b;
    assert_int_equal(sample_wait_submit(&client, 5, &a), 0);
    assert_int_equal(sample_sleep_submit(&client, 1u << 30, (struct rpc_in){ "x", 1 }, &b), 0);
    rpc_server_doorbells(&server, DOORBELL_MASK);
    for (int i = 0; i < 3; i++)
        exec_turn();
    assert_int_equal(handlers_nr_parked, 1);
    assert_int_equal(handlers_nr_sleeping, 1);
    rpc_session_close(&server, ME);
    for (int i = 0; i < 3; i++)
        exec_turn();
    assert_int_equal(handlers_nr_parked, 0);
    assert_int_equal(handlers_nr_sleeping, 0);
    assert_int_equal(sessions[ME].header.cq_tail, 0);
    /* The next user of the slot starts afresh. */
    rpc_session_open(&server, ME);
    assert_int_equal(rpc_client_init(&client, &sessions[ME], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
    uint64_t total;
    assert_int_equal(sample_sum(&client, 1, 1, 1, 1, &total), 0);
}

static void request_before_the_session_is_open_is_served(void **state)
{
    (void)state;
    struct rpc_client early;
    struct rpc_request *request;
    uint64_t total = 0;
    assert_int_equal(rpc_client_init(&early, &sessions[40], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
    assert_int_equal(sample_sum_submit(&early, 1, 2, 3, 4, &request), 0);
    exec_turn();
    rpc_session_open(&server, 40);
    assert_int_equal(sample_sum_finish(&early, request, &total), 0);
    assert_int_equal(total, 10);
}

static void other_layout_is_refused(void **state)
{
    (void)state;
    struct rpc_client other;
    assert_int_equal(rpc_client_init(&other, &sessions[ME], &env, 16, 17, 1), ERR_BAD_MESSAGE);
}

static void peers_events_come_before_clients_requests(void **state)
{
    (void)state;
    struct rpc_client peer;
    struct rpc_request *request;
    uint64_t total;
    rpc_session_open(&server, PEER);
    assert_int_equal(rpc_client_init(&peer, &sessions[PEER], &env, 16, 17, SAMPLE_LAYOUT_HASH), 0);
    assert_int_equal(sample_sum_submit(&client, 1, 2, 3, 4, &request), 0);
    sample_note(&peer, 1, 1, &(struct sample_point){ 0, 0 });
    /* Served directly, without the peer being hot at all. */
    assert_int_equal(rpc_session_serve(&server, ME, 1), 1);
    assert_int_equal(handlers_nr_notes, 1);
    assert_int_equal(sample_sum_finish(&client, request, &total), 0);
}

static void many_parked_leave_room_for_others(void **state)
{
    (void)state;
    struct rpc_request *request[ARENA_SLOTS];
    static uint32_t buffer[ARENA_SLOTS];
    uint32_t woken;
    uint64_t done;
    struct sample_shape s = { 0 }, s_out;
    struct sample_point p = { 0, 0 };
    fake_allow_memory(buffer, sizeof buffer);
    for (unsigned i = 0; i < ARENA_SLOTS; i++) {
        assert_int_equal(sample_read_later_submit(&client, 5, (struct rpc_out){ &buffer[i], 4 }, &request[i]), 0);
        rpc_server_doorbells(&server, DOORBELL_MASK);
        exec_turn();
    }
    /* All are waiting, and a request that must have a slot still gets one. */
    assert_int_equal(handlers_nr_parked, ARENA_SLOTS);
    assert_int_equal(sample_swap(&client, &p, &s, &s_out, &p), 0);
    assert_int_equal(sample_wake(&client, 5, 3, &woken), 0);
    for (unsigned i = 0; i < ARENA_SLOTS; i++) {
        assert_int_equal(sample_read_later_finish(&client, request[i], (struct rpc_out){ &buffer[i], 4 }, &done), 0);
        assert_int_equal(buffer[i], 3);
    }
    assert_nothing_leaked();
}

/* ---- a hostile client writes the ring itself ---- */

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

/* The server dies where it stands: what it knew is gone, the rings stay. */
static void another_server_takes_over(uint32_t epoch)
{
    struct session *kept = malloc(sizeof *kept);

    memcpy(kept, &sessions[ME], sizeof *kept);
    rpc_session_close(&server, ME);     /* frees what the old one held */
    memcpy(&sessions[ME], kept, sizeof *kept);
    free(kept);
    server.epoch = epoch;
    rpc_session_take_over(&server, ME);
}

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

static void turns(void)
{
    rpc_server_doorbells(&server, DOORBELL_MASK);
    for (int i = 0; i < 4; i++)
        exec_turn();
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scalars_travel_in_words), TEST(enum_and_flags_outside_their_set_are_refused),
        TEST(strings_go_by_the_arena_or_stay), TEST(string_in_memory_that_is_not_there_is_a_fault),
        TEST(structs_and_arrays_arrive_unchanged), TEST(more_scalars_than_words), TEST(lent_buffers_small_and_large),
        TEST(all_kinds_together_for_all_sizes), TEST(errors_outside_the_set_become_io),
        TEST(variants_arrive_with_known_tags_only), TEST(handles_are_looked_up_before_the_handler),
        TEST(given_memory_is_the_servers_until_it_answers), TEST(given_memory_leaves_strings_what_is_left),
        TEST(given_memory_elsewhere_is_refused),
        TEST(events_have_no_answer_and_keep_their_order), TEST(parked_request_is_answered_later),
        TEST(batch_is_published_by_one_flush_and_rings_once), TEST(who_waits_publishes_what_is_queued),
        TEST(batch_larger_than_the_ring_goes_on), TEST(queued_requests_end_with_the_server_too),
        TEST(answer_before_the_deadline_is_as_without), TEST(deadline_gives_the_request_up_and_its_last_answer_frees_it),
        TEST(answer_after_the_deadline_is_nobodys), TEST(lent_memory_comes_back_with_the_last_answer_only),
        TEST(deadline_holds_while_a_server_is_away), TEST(coroutines_have_deadlines),
        TEST(interrupted_wait_cancels_the_request), TEST(cancel_of_a_coroutine_unwinds_it),
        TEST(blocking_handlers_beyond_the_coroutines_wait_their_turn), TEST(closing_a_session_drops_what_waits),
        TEST(request_before_the_session_is_open_is_served), TEST(other_layout_is_refused),
        TEST(peers_events_come_before_clients_requests), TEST(many_parked_leave_room_for_others),
        TEST(servers_say_for_whom_they_ask_and_others_are_not_believed),
        TEST(hostile_entries_get_errors), TEST(absurd_completion_index_breaks_the_session), TEST(absurd_indices_break_the_session_only),
        TEST(without_credit_the_session_is_broken), TEST(parked_are_limited_per_session),
        TEST(arena_slot_of_a_parked_request_is_not_shared), TEST(hot_sessions_are_bounded_and_go_cold),
        TEST(restart_of_the_server_ends_requests), TEST(answers_before_the_restart_count),
        TEST(entry_for_the_server_before_is_not_served), TEST(client_of_a_restarted_server_starts_like_any),
        TEST(an_event_is_handled_once_over_a_restart), TEST(open_sessions_survive_a_restart),
        TEST(opening_that_was_cut_short_is_taken_over), TEST(idempotent_requests_are_repeated_as_often_as_needed),
        TEST(restarts_move_no_deadline_and_undo_no_interrupt),
        TEST(answers_to_an_earlier_life_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
