/* SPDX-License-Identifier: MIT */
/* build: microkernel/kernel/run_queue.c microkernel/kernel/deadline.c; include: tests/host/kernel/fake microkernel microkernel/abi */
/* The run queue and the deadline heap, against sorted arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/assert.h"
#include "kernel/deadline.h"
#include "kernel/run_queue.h"
#include "object/tcb.h"

#define THREADS 100

void panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    abort();
}

static struct tcb threads[THREADS];
static struct hart hart;

static int setup(void **state)
{
    (void)state;
    memset(threads, 0, sizeof(threads));
    memset(&hart, 0, sizeof(hart));
    run_queue_init(&hart.queue);
    return 0;
}

static void highest_priority_comes_first_and_equals_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        threads[i].priority = i * 7 % 5 * 60;
        run_queue_add(&hart.queue, &threads[i], false);
    }
    struct tcb *last = NULL, *t;
    int n = 0;
    while ((t = run_queue_take(&hart.queue)) != NULL) {
        n++;
        if (last != NULL) {
            assert_true(t->priority <= last->priority);
            if (t->priority == last->priority)
                assert_true(t > last);
        }
        last = t;
    }
    assert_int_equal(n, THREADS);
    assert_int_equal(hart.queue.top, -1);
}

static void a_preempted_thread_goes_to_the_front(void **state)
{
    (void)state;
    threads[0].priority = threads[1].priority = 255;
    run_queue_add(&hart.queue, &threads[0], false);
    run_queue_add(&hart.queue, &threads[1], true);
    assert_ptr_equal(run_queue_take(&hart.queue), &threads[1]);
}

static void top_is_right_after_any_change(void **state)
{
    (void)state;
    srand(2);
    for (int step = 0; step < 50000; step++) {
        struct tcb *t = &threads[rand() % THREADS];
        if (t->in_queue) {
            run_queue_remove(&hart.queue, t);
        } else {
            t->priority = rand() % 256;
            run_queue_add(&hart.queue, t, rand() % 2);
        }
        int top = -1;
        uint32_t count = 0;
        for (int i = 0; i < THREADS; i++)
            if (threads[i].in_queue) {
                count++;
                top = threads[i].priority > top ? threads[i].priority : top;
            }
        assert_int_equal(hart.queue.top, top);
        assert_int_equal(hart.queue.count, count);
    }
}

static void earliest_deadline_is_first_after_any_change(void **state)
{
    (void)state;
    srand(3);
    assert_true(deadline_first(&hart) == DEADLINE_NONE);
    for (int step = 0; step < 50000; step++) {
        struct tcb *t = &threads[rand() % THREADS];
        if (t->in_heap)
            deadline_remove(&hart, t);
        else
            deadline_insert(&hart, t, (ticks_t)(rand() % 1000));
        ticks_t first = DEADLINE_NONE;
        for (int i = 0; i < THREADS; i++)
            if (threads[i].in_heap && threads[i].deadline < first)
                first = threads[i].deadline;
        assert_true(deadline_first(&hart) == first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(highest_priority_comes_first_and_equals_in_order, setup),
        cmocka_unit_test_setup(a_preempted_thread_goes_to_the_front, setup),
        cmocka_unit_test_setup(top_is_right_after_any_change, setup),
        cmocka_unit_test_setup(earliest_deadline_is_first_after_any_change, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
