/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/one_thread.c tests/host/libipc/fake_kernel.c tests/host/libipc/sample_handlers.c
 *        tests/idl/golden/sample_client.c tests/idl/golden/sample_server.c libipc/src/coro_switch.S;
 * tree: libipc/src -start.c; include: libipc/include microkernel/abi tests/idl/golden */
/* What each kind of argument becomes, and the life of requests: parked, in batches, cancelled, events among them. */
#include "one_thread.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scalars_travel_in_words), TEST(enum_and_flags_outside_their_set_are_refused),
        TEST(strings_go_by_the_arena_or_stay), TEST(string_in_memory_that_is_not_there_is_a_fault),
        TEST(structs_and_arrays_arrive_unchanged), TEST(more_scalars_than_words), TEST(lent_buffers_small_and_large),
        TEST(all_kinds_together_for_all_sizes), TEST(errors_outside_the_set_become_io),
        TEST(variants_arrive_with_known_tags_only), TEST(handles_are_looked_up_before_the_handler),
        TEST(given_memory_is_the_servers_until_it_answers), TEST(given_memory_leaves_strings_what_is_left),
        TEST(given_memory_elsewhere_is_refused), TEST(events_have_no_answer_and_keep_their_order),
        TEST(parked_request_is_answered_later), TEST(batch_is_published_by_one_flush_and_rings_once),
        TEST(who_waits_publishes_what_is_queued), TEST(batch_larger_than_the_ring_goes_on),
        TEST(interrupted_wait_cancels_the_request), TEST(cancel_of_a_coroutine_unwinds_it),
        TEST(blocking_handlers_beyond_the_coroutines_wait_their_turn), TEST(closing_a_session_drops_what_waits),
        TEST(request_before_the_session_is_open_is_served), TEST(other_layout_is_refused),
        TEST(peers_events_come_before_clients_requests), TEST(many_parked_leave_room_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
