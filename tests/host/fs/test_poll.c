/* SPDX-License-Identifier: MIT */
/* build: tests/host/fs/stream_fakes.c servers/fs/lease.c servers/fs/poll.c servers/fs/epoll.c servers/fs/eventfd.c servers/fs/pipe.c
 *        servers/fs/signalfd.c servers/fs/wait.c servers/fs/io.c servers/fs/rw.c;
 * include: servers/fs libipc/include microkernel/abi build/gen */
/* poll, epoll and eventfd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stream_fakes.h"

#define EPOLLET      (1u << 31)
#define EPOLLONESHOT (1u << 30)
#define ADD 1
#define DEL 2
#define MOD 3
#define NEVER DEADLINE_NONE

static struct process *p;
static struct fs_pollfd fds[64];
static struct fs_epoll_event events[64];

static int setup(void **state)
{
    (void)state;
    p = fake_process(20, 20, 20, 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fakes_reset();
    return 0;
}

static int32_t eventfd(uint32_t initial, uint32_t flags)
{
    struct request *r = request_new(p);
    struct fs_eventfd_out out = { 0 };
    assert_int_equal(fs_serve_eventfd(&r->call, &(struct fs_eventfd_in){ initial, flags }, &out), 0);
    free(r);
    return out.fd;
}

static int32_t epoll_create(void)
{
    struct request *r = request_new(p);
    struct fs_epoll_create_out out = { 0 };
    assert_int_equal(fs_serve_epoll_create(&r->call, &(struct fs_epoll_create_in){ 0 }, &out), 0);
    free(r);
    return out.fd;
}

static error_t ctl(int32_t ep, uint32_t op, int32_t fd, uint32_t ev, uint64_t data)
{
    struct request *r = request_new(p);
    error_t error = serve_epoll_ctl(&r->call, ep, op, fd, ev, data);
    free(r);
    return error;
}

static struct request *start_poll(uint32_t count, ticks_t deadline)
{
    struct request *r = request_new(p);
    struct fs_poll_out out = { 0 };
    struct fs_poll_in in = { .fds = { (uint64_t)fds, count * sizeof(fds[0]), NULL }, .fds_out = (uint64_t)fds,
                             .count = count, .deadline = deadline };
    error_t error = fs_serve_poll(&r->call, &in, &out);
    request_result(r, error, out.ready);
    return r;
}

static struct request *start_wait(int32_t ep, uint32_t max, ticks_t deadline)
{
    struct request *r = request_new(p);
    struct fs_epoll_wait_out out = { 0 };
    error_t error = SERVE(epoll_wait, file, epfd, FS_FILE_USE, &r->call, ep, &out, .max = max, .deadline = deadline,
                          .events = { (uint64_t)events, sizeof(events), NULL });
    request_result(r, error, out.count);
    return r;
}

static int64_t end(struct request *r)
{
    settle();
    assert_true(r->answered);
    int64_t result = r->error != 0 ? r->error : (int64_t)r->done;
    request_free(r);
    return result;
}

static int64_t wait_now(int32_t ep, uint32_t max) { return end(start_wait(ep, max, 0)); }

static void post(int32_t fd)
{
    uint64_t one = 1;
    assert_int_equal(now_write(p, fd, &one, 8), 8);
}

static void take(int32_t fd)
{
    uint64_t value;
    assert_int_equal(now_read(p, fd, &value, 8), 8);
}

/* ---- eventfd ---- */

static void an_eventfd_adds_up_and_is_taken_at_once(void **state)
{
    uint64_t value = 5;
    (void)state;
    int32_t fd = eventfd(2, 0);
    assert_int_equal(now_write(p, fd, &value, 8), 8);
    assert_int_equal(now_read(p, fd, &value, 8), 8);
    assert_int_equal(value, 7);
    assert_int_equal(now_read(p, fd, &value, 4), ERR_INVALID_ARGUMENT);
}

static void a_semaphore_gives_one_at_a_time(void **state)
{
    uint64_t value = 0;
    (void)state;
    int32_t fd = eventfd(2, 1 | O_NONBLOCK);
    take(fd);
    take(fd);
    assert_int_equal(now_read(p, fd, &value, 8), ERR_WOULD_BLOCK);
}

static void an_overflowing_write_waits_and_adds_once(void **state)
{
    uint64_t big = 0xfffffffffffffffeul, three = 3, all = ~0ul, value;
    (void)state;
    int32_t fd = eventfd(0, 0);
    assert_int_equal(now_write(p, fd, &big, 8), 8);
    assert_int_equal(now_write(p, fd, &all, 8), ERR_INVALID_ARGUMENT);
    struct request *w = start_write(p, fd, &three, 8);
    assert_false(w->answered);
    assert_int_equal(now_read(p, fd, &value, 8), 8);
    assert_int_equal(value, big);
    assert_int_equal(end(w), 8);
    assert_int_equal(now_read(p, fd, &value, 8), 8);
    assert_int_equal(value, 3);
}

static error_t own(struct process *who, int32_t fd, uint64_t *counter)
{
    struct request *r = request_new(who);
    struct fs_eventfd_take_out out = { 0 };
    error_t e = SERVE_FILE(eventfd_take, FS_FILE_USE, &r->call, fd, &out);
    free(r);
    *counter = out.counter;
    return e;
}

static error_t give(struct process *who, int32_t fd, uint64_t counter)
{
    struct request *r = request_new(who);
    error_t e = SERVE_FILE(eventfd_return, FS_FILE_USE, &r->call, fd, &(struct fs_eventfd_return_out){}, .counter = counter);
    free(r);
    return e;
}

static void a_counter_is_taken_and_returned(void **state)
{
    uint64_t value;
    (void)state;
    int32_t fd = eventfd(2, 0);
    p->files->refs = 1;
    assert_int_equal(own(p, fd, &value), 0);
    assert_int_equal(value, 2);
    assert_int_equal(give(p, fd, 40), 0);
    assert_int_equal(now_read(p, fd, &value, 8), 8);
    assert_int_equal(value, 40);
    /* Not owned: nothing to return. */
    assert_int_equal(give(p, fd, 41), ERR_INVALID_ARGUMENT);
    assert_int_equal(own(p, fd, &value), 0);
    assert_int_equal(give(p, fd, ~0ul), ERR_INVALID_ARGUMENT);
    assert_int_equal(give(p, fd, ~0ul - 1), 0);
    assert_int_equal(own(p, 99, &value), ERR_BAD_HANDLE);
    assert_int_equal(own(p, epoll_create(), &value), ERR_INVALID_ARGUMENT);
}

static void a_counter_that_others_may_see_is_not_given(void **state)
{
    uint64_t value;
    (void)state;
    int32_t fd = eventfd(2, 0), ep = epoll_create();
    struct file *f = fd_lookup(p, fd);
    p->files->refs = 2;
    assert_int_equal(own(p, fd, &value), ERR_BUSY);
    p->files->refs = 1;
    f->refs++;
    assert_int_equal(own(p, fd, &value), ERR_BUSY);
    f->refs--;
    assert_int_equal(ctl(ep, ADD, fd, FS_POLLIN, 1), 0);
    assert_int_equal(own(p, fd, &value), ERR_BUSY);
    assert_int_equal(ctl(ep, DEL, fd, 0, 0), 0);
    f->flags |= O_ASYNC;
    assert_int_equal(own(p, fd, &value), ERR_BUSY);
    f->flags &= ~O_ASYNC;
    take(fd);
    struct request *r = start_read(p, fd, &value, 8);
    assert_false(r->answered);
    assert_int_equal(own(p, fd, &value), ERR_BUSY);
    post(fd);
    assert_int_equal(end(r), 8);
    assert_int_equal(own(p, fd, &value), 0);
}

static void a_request_on_an_owned_counter_ends_that(void **state)
{
    uint64_t value;
    (void)state;
    int32_t fd = eventfd(2, O_NONBLOCK);
    p->files->refs = 1;
    assert_int_equal(own(p, fd, &value), 0);
    post(fd);
    assert_int_equal(give(p, fd, 1000), ERR_INVALID_ARGUMENT);
    assert_int_equal(now_read(p, fd, &value, 8), 8);
    assert_int_equal(value, 3);
    assert_int_equal(own(p, fd, &value), 0);
    fds[0] = (struct fs_pollfd){ fd, FS_POLLIN, 0 };
    assert_int_equal(end(start_poll(1, 0)), 0);
    assert_int_equal(give(p, fd, 1000), ERR_INVALID_ARGUMENT);
    /* Owned to the end: nothing is left behind. */
    assert_int_equal(own(p, fd, &value), 0);
    fd_close(p, fd);
}

/* ---- poll ---- */

static void poll_reports_what_is_ready_now(void **state)
{
    (void)state;
    int32_t a = eventfd(1, 0), b = eventfd(0, 0);
    fds[0] = (struct fs_pollfd){ a, FS_POLLIN, 0 };
    fds[1] = (struct fs_pollfd){ b, FS_POLLIN | FS_POLLOUT, 0 };
    fds[2] = (struct fs_pollfd){ 99, FS_POLLIN, 0 };
    fds[3] = (struct fs_pollfd){ -1, FS_POLLIN, 7 };
    assert_int_equal(end(start_poll(4, NEVER)), 3);
    assert_int_equal(fds[0].revents, FS_POLLIN);
    assert_int_equal(fds[1].revents, FS_POLLOUT);
    assert_int_equal(fds[2].revents, FS_POLLNVAL);
    assert_int_equal(fds[3].revents, 0);
}

static void poll_waits_until_one_is_ready(void **state)
{
    (void)state;
    int32_t a = eventfd(0, 0), b = eventfd(0, 0);
    fds[0] = (struct fs_pollfd){ a, FS_POLLIN, 0 };
    fds[1] = (struct fs_pollfd){ b, FS_POLLIN, 0 };
    struct request *r = start_poll(2, NEVER);
    assert_false(r->answered);
    post(b);
    assert_int_equal(end(r), 1);
    assert_int_equal(fds[0].revents, 0);
    assert_int_equal(fds[1].revents, FS_POLLIN);
}

static void poll_times_out_with_nothing(void **state)
{
    (void)state;
    fds[0] = (struct fs_pollfd){ eventfd(0, 0), FS_POLLIN, 5 };
    struct request *r = start_poll(1, exec_now() + 100);
    advance_clock(50);
    assert_false(r->answered);
    advance_clock(60);
    assert_int_equal(end(r), 0);
    assert_int_equal(fds[0].revents, 0);
    assert_int_equal(end(start_poll(1, 0)), 0);
}

static void poll_without_descriptors_is_a_sleep(void **state)
{
    (void)state;
    struct request *r = start_poll(0, exec_now() + 10);
    assert_false(r->answered);
    advance_clock(20);
    assert_int_equal(end(r), 0);
}

static void a_polled_file_outlives_its_descriptor(void **state)
{
    (void)state;
    int32_t a = eventfd(0, 0);
    fds[0] = (struct fs_pollfd){ a, FS_POLLIN, 0 };
    struct request *r = start_poll(1, NEVER);
    fd_close(p, a);
    settle();
    assert_false(r->answered);
    request_cancel(r);
    request_free(r);
}

static void poll_refuses_more_than_the_limit(void **state)
{
    (void)state;
    ((struct proc_page *)p->page)->rlimit[FS_RLIMIT_NOFILE][0] = 2;
    assert_int_equal(end(start_poll(3, 0)), ERR_INVALID_ARGUMENT);
}

static void the_same_file_twice_is_reported_twice(void **state)
{
    (void)state;
    int32_t a = eventfd(0, 0);
    fds[0] = fds[1] = (struct fs_pollfd){ a, FS_POLLIN, 0 };
    struct request *r = start_poll(2, NEVER);
    post(a);
    assert_int_equal(end(r), 2);
}

/* ---- epoll ---- */

static void a_level_is_reported_until_it_is_gone(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(0, 0);
    assert_int_equal(ctl(ep, ADD, a, FS_POLLIN, 42), 0);
    assert_int_equal(wait_now(ep, 8), 0);
    post(a);
    assert_int_equal(wait_now(ep, 8), 1);
    assert_int_equal(events[0].data, 42);
    assert_int_equal(events[0].events, FS_POLLIN);
    assert_int_equal(wait_now(ep, 8), 1);
    take(a);
    assert_int_equal(wait_now(ep, 8), 0);
}

static void an_edge_is_reported_once(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(0, 0);
    ctl(ep, ADD, a, FS_POLLIN | EPOLLET, 1);
    post(a);
    assert_int_equal(wait_now(ep, 8), 1);
    assert_int_equal(wait_now(ep, 8), 0);
    post(a);            /* still readable, but something new came */
    assert_int_equal(wait_now(ep, 8), 1);
}

static void a_oneshot_item_is_deaf_until_modified(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(1, 0);
    ctl(ep, ADD, a, FS_POLLIN | EPOLLONESHOT, 1);
    assert_int_equal(wait_now(ep, 8), 1);
    post(a);
    assert_int_equal(wait_now(ep, 8), 0);
    assert_int_equal(ctl(ep, MOD, a, FS_POLLIN | EPOLLONESHOT, 2), 0);
    assert_int_equal(wait_now(ep, 8), 1);
    assert_int_equal(events[0].data, 2);
}

static void a_waiter_is_woken(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(0, 0);
    ctl(ep, ADD, a, FS_POLLIN, 3);
    struct request *r = start_wait(ep, 8, NEVER);
    assert_false(r->answered);
    post(a);
    assert_int_equal(end(r), 1);
}

static void an_item_added_ready_wakes_a_waiter(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(1, 0);
    struct request *r = start_wait(ep, 8, NEVER);
    ctl(ep, ADD, a, FS_POLLIN, 3);
    assert_int_equal(end(r), 1);
}

static void waiting_times_out(void **state)
{
    (void)state;
    int32_t ep = epoll_create();
    struct request *r = start_wait(ep, 8, exec_now() + 10);
    advance_clock(11);
    assert_int_equal(end(r), 0);
}

static void ready_items_take_turns(void **state)
{
    (void)state;
    int32_t ep = epoll_create();
    uint32_t seen = 0;
    for (int i = 0; i < 3; i++)
        ctl(ep, ADD, eventfd(1, 0), FS_POLLIN, (uint64_t)i);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_now(ep, 1), 1);
        seen |= 1u << events[0].data;
    }
    assert_int_equal(seen, 7);
}

static void closing_a_file_removes_it(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(1, 0);
    ctl(ep, ADD, a, FS_POLLIN, 1);
    fd_close(p, a);
    assert_int_equal(wait_now(ep, 8), 0);
}

static void control_checks_its_arguments(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), a = eventfd(0, 0);
    assert_int_equal(ctl(ep, ADD, 77, FS_POLLIN, 0), ERR_BAD_HANDLE);
    assert_int_equal(ctl(77, ADD, a, FS_POLLIN, 0), ERR_BAD_HANDLE);
    assert_int_equal(ctl(a, ADD, ep, FS_POLLIN, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(ctl(ep, ADD, ep, FS_POLLIN, 0), ERR_INVALID_ARGUMENT);
    assert_int_equal(ctl(ep, MOD, a, FS_POLLIN, 0), ERR_NOT_FOUND);
    assert_int_equal(ctl(ep, DEL, a, 0, 0), ERR_NOT_FOUND);
    assert_int_equal(ctl(ep, ADD, a, FS_POLLIN, 0), 0);
    assert_int_equal(ctl(ep, ADD, a, FS_POLLIN, 0), ERR_EXISTS);
    assert_int_equal(ctl(ep, DEL, a, 0, 0), 0);
    assert_int_equal(wait_now(ep, 0), ERR_INVALID_ARGUMENT);
}

static void circles_are_refused(void **state)
{
    (void)state;
    int32_t a = epoll_create(), b = epoll_create(), c = epoll_create();
    assert_int_equal(ctl(a, ADD, b, FS_POLLIN, 0), 0);
    assert_int_equal(ctl(b, ADD, c, FS_POLLIN, 0), 0);
    assert_int_equal(ctl(c, ADD, a, FS_POLLIN, 0), ERR_LOOP);
    assert_int_equal(ctl(b, ADD, a, FS_POLLIN, 0), ERR_LOOP);
}

static void towers_are_refused(void **state)
{
    (void)state;
    int32_t below = epoll_create();
    error_t error = 0;
    int height = 0;
    for (; height < 10 && error == 0; height++) {
        int32_t ep = epoll_create();
        error = ctl(ep, ADD, below, FS_POLLIN, 0);
        below = ep;
    }
    assert_int_equal(error, ERR_LOOP);
    assert_in_range(height, 4, 6);
}

static void readiness_travels_through_nested_sets(void **state)
{
    (void)state;
    int32_t inner = epoll_create(), outer = epoll_create(), a = eventfd(0, 0);
    ctl(inner, ADD, a, FS_POLLIN, 1);
    ctl(outer, ADD, inner, FS_POLLIN, 2);
    struct request *r = start_wait(outer, 8, NEVER);
    post(a);
    assert_int_equal(end(r), 1);
    assert_int_equal(events[0].data, 2);
    take(a);
    assert_int_equal(wait_now(outer, 8), 0);
}

static void many_items_cost_only_the_ready_ones(void **state)
{
    (void)state;
    int32_t ep = epoll_create(), last = -1;
    for (int i = 0; i < 500; i++)
        assert_int_equal(ctl(ep, ADD, last = eventfd(0, 0), FS_POLLIN, (uint64_t)i), 0);
    post(last);
    assert_int_equal(wait_now(ep, 8), 1);
    assert_int_equal(events[0].data, 499);
    fd_close(p, ep);
}

/* ---- signalfd ---- */

static void a_signalfd_is_ready_when_its_signal_is_pending(void **state)
{
    struct request *rq = request_new(p);
    struct fs_signalfd_out out;
    (void)state;
    assert_int_equal(fs_serve_signalfd(&rq->call, &(struct fs_signalfd_in){ -1, 1u << 9, 0 }, &out), 0);
    fds[0] = (struct fs_pollfd){ out.fd, FS_POLLIN, 0 };
    struct request *r = start_poll(1, NEVER);
    rq->call.client = SERVER_PROC;
    fs_serve_signals_pending(&rq->call, &(struct fs_signals_pending_in){ 20, 1 });
    settle();
    assert_false(r->answered);
    ((struct proc_page *)p->page)->pending = 1u << 9;
    fs_serve_signals_pending(&rq->call, &(struct fs_signals_pending_in){ 20, 1 << 9 });
    assert_int_equal(end(r), 1);
    free(rq);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_eventfd_adds_up_and_is_taken_at_once), T(a_semaphore_gives_one_at_a_time),
        T(an_overflowing_write_waits_and_adds_once), T(a_counter_is_taken_and_returned),
        T(a_counter_that_others_may_see_is_not_given), T(a_request_on_an_owned_counter_ends_that),
        T(poll_reports_what_is_ready_now),
        T(poll_waits_until_one_is_ready), T(poll_times_out_with_nothing), T(poll_without_descriptors_is_a_sleep),
        T(a_polled_file_outlives_its_descriptor), T(poll_refuses_more_than_the_limit),
        T(the_same_file_twice_is_reported_twice), T(a_level_is_reported_until_it_is_gone),
        T(an_edge_is_reported_once), T(a_oneshot_item_is_deaf_until_modified), T(a_waiter_is_woken),
        T(an_item_added_ready_wakes_a_waiter), T(waiting_times_out), T(ready_items_take_turns),
        T(closing_a_file_removes_it), T(control_checks_its_arguments), T(circles_are_refused),
        T(towers_are_refused), T(readiness_travels_through_nested_sets), T(many_items_cost_only_the_ready_ones),
        T(a_signalfd_is_ready_when_its_signal_is_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
