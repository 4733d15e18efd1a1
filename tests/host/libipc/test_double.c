/* SPDX-License-Identifier: MIT */
/* build: tests/host/libipc/double.c tests/idl/golden/sample_double.c;
 * include: libipc/include microkernel/abi tests/idl/golden */
/*
 * The generated test double of sample.idl: what it keeps of a call, how it answers, and what it complains of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sample_double.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rpc_client client;

static int set_up(void **state)
{
    (void)state;
    double_reset(&sample_double);
    sample_double.wait = NULL;
    client = (struct rpc_client){ 0 };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    double_reset(&sample_double);
    return 0;
}

static void answers_come_in_the_order_they_were_told(void **state)
{
    uint64_t total = 7;

    (void)state;
    sample_double_sum(0, &(struct sample_sum_out){ .total = 10 });
    sample_double_sum(ERR_OVERFLOW, NULL);
    assert_int_equal(sample_sum(&client, 1, 2, 3, 4, &total), 0);
    assert_int_equal(total, 10);
    assert_int_equal(sample_sum(&client, 5, 6, 7, 8, &total), ERR_OVERFLOW);
    assert_int_equal(total, 10);
    assert_int_equal(double_nr_calls(&sample_double, SAMPLE_METHOD_SUM), 2);
    assert_int_equal(sample_double_sum_call(0)->b, 2);
    assert_int_equal(sample_double_sum_call(1)->d, 8);
    assert_null(sample_double_sum_call(2));
    assert_int_equal(double_unmet(&sample_double), 0);
}

static void an_answer_may_hold_for_all_calls(void **state)
{
    uint64_t total;

    (void)state;
    sample_double_sum(0, &(struct sample_sum_out){ .total = 3 });
    double_repeat(&sample_double);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(sample_sum(&client, i, 0, 0, 0, &total), 0);
    assert_int_equal(sample_double_sum_call(4)->a, 4);
    assert_int_equal(double_unmet(&sample_double), 0);
}

static void arguments_are_kept_as_copies(void **state)
{
    char name[] = "somebody", data[] = "data", key[] = { 1, 2 }, text[200];
    uint32_t numbers[] = { 1, 2, 3 }, text_bytes, bytes, done, doubled;
    struct sample_point points[2] = { { 1, 2 }, { 3, 4 } }, twice[4];
    struct sample_shape shape = { .id = 99 }, back;
    uint64_t sum;

    (void)state;
    sample_double_hello(0, &(struct sample_hello_out){ .text = "ho", .text_bytes = 2, .bytes = 8 });
    assert_int_equal(sample_hello(&client, (struct rpc_in){ name, 8 }, 3, (struct rpc_out){ text, sizeof text }, &text_bytes,
                                  &bytes), 0);
    memset(name, 'x', sizeof name);
    assert_string_equal(sample_double_hello_call(0)->name, "somebody");
    assert_int_equal(sample_double_hello_call(0)->name_bytes, 8);
    assert_int_equal(text_bytes, 2);
    assert_memory_equal(text, "ho", 2);

    sample_double_total(0, &(struct sample_total_out){ .sum = 6, .doubled = points, .doubled_count = 1 });
    assert_int_equal(sample_total(&client, numbers, 3, points, 2, &sum, twice, &doubled), 0);
    numbers[2] = 0;
    assert_int_equal(sample_double_total_call(0)->numbers[2], 3);
    assert_int_equal(sample_double_total_call(0)->points[1].y, 4);
    assert_int_equal(doubled, 1);
    assert_int_equal(twice[0].y, 2);

    sample_double_convert(0, &(struct sample_convert_out){ .result_done = 3, .s = { .id = 5 } }, "abc");
    assert_int_equal(sample_convert(&client, (struct rpc_in){ "from", 4 }, (struct rpc_in){ "to", 2 },
                                    (struct rpc_in){ key, 2 }, (struct rpc_in){ data, 4 },
                                    (struct rpc_out){ text, 10 }, &shape, &done, &back), 0);
    data[0] = 0;
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(back.id, 5);
    assert_string_equal(sample_double_convert_call(0)->to, "to");
    assert_int_equal(sample_double_convert_call(0)->s.id, 99);
    const struct double_call *call = double_call(&sample_double, SAMPLE_METHOD_CONVERT, 0);
    assert_int_equal(call->lent_in_bytes, 4);
    assert_memory_equal(call->lent_in, "data", 4);
    assert_int_equal(sample_double_convert_call(0)->result.bytes, 10);
}

static void arguments_over_their_bounds_are_refused_and_not_kept(void **state)
{
    char text[200];
    uint32_t text_bytes, bytes, sum;

    (void)state;
    assert_int_equal(sample_hello(&client, (struct rpc_in){ text, 1001 }, 1, (struct rpc_out){ text, 200 }, &text_bytes,
                                  &bytes), ERR_NAME_TOO_LONG);
    assert_int_equal(sample_checksum(&client, (struct rpc_in){ text, 1000001 }, 0, &sum), ERR_INVALID_ARGUMENT);
    assert_null(sample_double.calls);
}

static void results_without_room_are_refused(void **state)
{
    char text[2];
    uint32_t text_bytes, bytes;

    (void)state;
    sample_double_hello(0, &(struct sample_hello_out){ .text = "long", .text_bytes = 4 });
    assert_int_equal(sample_hello(&client, (struct rpc_in){ "a", 1 }, 1, (struct rpc_out){ text, 2 }, &text_bytes, &bytes),
                     ERR_RANGE_RESULT);
}

static void a_held_call_is_answered_later(void **state)
{
    struct rpc_request *first, *second;
    uint32_t value = 0;

    (void)state;
    double_hold(&sample_double, SAMPLE_METHOD_WAIT);
    double_hold(&sample_double, SAMPLE_METHOD_WAIT);
    assert_int_equal(sample_wait_submit(&client, 1, &first), 0);
    assert_int_equal(sample_wait_submit(&client, 2, &second), 0);
    assert_int_equal(double_unmet(&sample_double), 2);
    sample_double_wait_answer(double_call(&sample_double, SAMPLE_METHOD_WAIT, 1), ERR_CANCELLED, NULL);
    assert_ptr_equal(double_held(&sample_double, SAMPLE_METHOD_WAIT), double_call(&sample_double, SAMPLE_METHOD_WAIT, 0));
    sample_double_wait_answer(double_held(&sample_double, SAMPLE_METHOD_WAIT), 0, &(struct sample_wait_out){ 11 });
    assert_null(double_held(&sample_double, SAMPLE_METHOD_WAIT));
    assert_int_equal(sample_wait_finish(&client, second, &value), ERR_CANCELLED);
    assert_int_equal(sample_wait_finish(&client, first, &value), 0);
    assert_int_equal(value, 11);
    assert_int_equal(double_unmet(&sample_double), 0);
}

static void wake_it(struct double_call *call)
{
    const struct sample_wait_in *in = call->in;

    sample_double_wait_answer(call, 0, &(struct sample_wait_out){ in->key * 2 });
}

static void a_waiter_runs_the_others_meanwhile(void **state)
{
    uint32_t value;

    (void)state;
    sample_double.wait = wake_it;
    double_hold(&sample_double, SAMPLE_METHOD_WAIT);
    assert_int_equal(sample_wait(&client, 21, &value), 0);
    assert_int_equal(value, 42);
}

static void events_are_kept_and_count_as_posted(void **state)
{
    (void)state;
    sample_note(&client, 1, 2, &(struct sample_point){ 3, 4 });
    sample_stop(&client);
    assert_int_equal(client.sq_tail, 2);
    assert_int_equal(sample_double_note_call(0)->p.y, 4);
    assert_int_equal(double_nr_calls(&sample_double, SAMPLE_METHOD_STOP), 1);
    assert_int_equal(double_unmet(&sample_double), 0);
}

static void an_answer_nobody_called_for_is_unmet(void **state)
{
    (void)state;
    sample_double_wrong(0, NULL);
    assert_int_equal(double_unmet(&sample_double), 1);
}

/* In a child process: does it abort? */
static bool dies(void (*of)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        of();
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void call_untold(void)
{
    uint64_t total;

    (void)sample_sum(&client, 1, 2, 3, 4, &total);
}

static void lend_too_much(void)
{
    uint64_t done;
    char room[4];

    sample_double_fill(0, &(struct sample_fill_out){ .done = 5 }, "12345");
    (void)sample_fill(&client, (struct rpc_out){ room, sizeof room }, 1, &done);
}

static void wait_for_nobody(void)
{
    uint32_t value;

    double_hold(&sample_double, SAMPLE_METHOD_WAIT);
    (void)sample_wait(&client, 1, &value);
}

static void mistakes_of_the_test_end_it(void **state)
{
    (void)state;
    assert_true(dies(call_untold));
    assert_true(dies(lend_too_much));
    assert_true(dies(wait_for_nobody));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(answers_come_in_the_order_they_were_told), T(an_answer_may_hold_for_all_calls),
        T(arguments_are_kept_as_copies), T(arguments_over_their_bounds_are_refused_and_not_kept),
        T(results_without_room_are_refused), T(a_held_call_is_answered_later), T(a_waiter_runs_the_others_meanwhile),
        T(events_are_kept_and_count_as_posted), T(an_answer_nobody_called_for_is_unmet), T(mistakes_of_the_test_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
