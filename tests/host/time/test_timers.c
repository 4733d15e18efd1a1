/* SPDX-License-Identifier: MIT */
/* build: servers/time/clock.c servers/time/heap.c servers/time/timer.c servers/time/itimer.c
 *  servers/time/posix_timer.c servers/time/timerfd.c servers/time/sleep.c servers/time/process.c;
 *  include: servers/time libipc/include microkernel/abi build/gen */
/* The time server's timers against a clock of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <fs_client.h>
#include <proc_client.h>

#include "clock.h"
#include "process.h"

#define HZ 10000000u
#define MS 1000000ll
#define SLOT 20

static struct server_info fake_info = { .timebase_hz = HZ };
const struct server_info *const info = &fake_info;
struct rpc_server server;
struct rpc_client proc_client, fs_client;
static ticks_t ticks;
static struct exec_timer *armed;
static struct { unsigned count; uint32_t pid, signo; int32_t code; uint64_t value; } sent;
static struct { unsigned count; uint64_t timer, periods; } fired;
static struct { unsigned count; error_t error; } slept;
static struct rpc_call *parked;
static ticks_t cpu;
static void (*spawned)(void *);
static void *spawned_arg;
static bool on_coroutine;

ticks_t exec_now(void) { return ticks; }
void exec_timer_set(struct exec_timer *t, ticks_t deadline) { t->deadline = deadline; t->armed = true; armed = t; }
void exec_timer_cancel(struct exec_timer *t) { t->armed = false; armed = NULL; }
struct coro *coro_self(void) { return on_coroutine ? (struct coro *)1 : NULL; }
error_t coro_spawn(void (*fn)(void *), void *arg, const char *name)
{
    (void)name;
    spawned = fn;
    spawned_arg = arg;
    return 0;
}
void proc_signal_process(struct rpc_client *c, uint32_t pid, uint32_t signo, int32_t code, uint64_t value)
{
    (void)c;
    sent.count++;
    sent.pid = pid;
    sent.signo = signo;
    sent.code = code;
    sent.value = value;
}
error_t proc_cpu_time(struct rpc_client *c, int32_t pid, int32_t tid, uint64_t *out)
{
    (void)c, (void)pid, (void)tid;
    *out = cpu;
    return 0;
}
error_t proc_stat(struct rpc_client *c, uint32_t pid, struct proc_proc_stat *st)
{
    (void)c, (void)pid, (void)st;
    return ERR_NO_PROCESS;
}
void fs_timer_fired(struct rpc_client *c, uint64_t timer, uint64_t count)
{
    (void)c;
    fired.count++;
    fired.timer = timer;
    fired.periods = count;
}
struct rpc_call *rpc_park(struct rpc_call *call, void (*on_cancel)(struct rpc_call *), void *context)
{
    parked = malloc(sizeof *parked);
    *parked = *call;
    parked->on_cancel = on_cancel;
    parked->context = context;
    return parked;
}
void rpc_session_open(struct rpc_server *s, uint32_t k) { (void)s, (void)k; }
void rpc_session_close(struct rpc_server *s, uint32_t k) { (void)s, (void)k; }
void time_sleep_until_reply(struct rpc_call *call, error_t error, const struct time_sleep_until_out *out)
{
    (void)out;
    slept.count++;
    slept.error = error;
    free(call);
    parked = NULL;
}

static struct proc_page *page(uint32_t slot) { return (struct proc_page *)(SRV_PROC_PAGES + slot * PAGE_BYTES); }

/* Let the time pass, firing what is due at its time. */
static void pass(int64_t ns)
{
    ticks_t until = ticks + clock_ns_to_ticks(ns);

    while (armed && armed->armed && armed->deadline <= until) {
        if (armed->deadline > ticks)
            ticks = armed->deadline;
        armed->armed = false;
        armed->fire(armed);
        if (spawned) {
            void (*fn)(void *) = spawned;

            spawned = NULL;
            fn(spawned_arg);
        }
    }
    ticks = until;
}

static int setup(void **state)
{
    static struct time_page time_page;
    void *p = mmap((void *)SRV_PROC_PAGES, NR_SLOTS * PAGE_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    (void)state;
    ticks = 5 * HZ;
    clock_init(&time_page, HZ, 1700000000ll * 1000000000);
    page(SLOT)->in_use = page(SLOT + 1)->in_use = 1;
    page(SLOT)->pid = page(SLOT + 1)->pid = 77;
    return p == (void *)SRV_PROC_PAGES ? 0 : -1;
}

static int reset(void **state)
{
    struct rpc_call call = { .client = SERVER_PROC };

    (void)state;
    time_serve_process_close(&call, &(struct time_process_close_in){ SLOT });
    time_serve_process_close(&call, &(struct time_process_close_in){ SLOT + 1 });
    memset(&sent, 0, sizeof sent);
    memset(&fired, 0, sizeof fired);
    memset(&slept, 0, sizeof slept);
    page(SLOT)->pending = 0;
    page(SLOT)->euid = 0;
    return armed && armed->armed;       /* nothing may be left */
}

static struct time_setitimer_out itimer(uint32_t which, int64_t value_us, int64_t interval_us)
{
    struct rpc_call call = { .client = SLOT };
    struct time_setitimer_out out = { 0 };

    on_coroutine = which != ITIMER_REAL;
    assert_int_equal(time_serve_setitimer(&call, &(struct time_setitimer_in){ which, value_us, interval_us }, &out), 0);
    on_coroutine = false;
    return out;
}

static void the_page_converts_exactly(void **s)
{
    (void)s;
    for (ticks_t t = 0; t < 1ul << 50; t = t * 3 + 1) {
        assert_int_equal(clock_ticks_to_ns(t), t * 100);
        assert_int_equal(clock_ns_to_ticks((int64_t)t * 100), t);
    }
    assert_int_equal(clock_ns_to_ticks(1), 1);
    assert_int_equal(clock_monotonic_ns() + clock_realtime_offset(), 1700000000ll * 1000000000);
}

static void an_alarm_comes_once_and_on_time(void **s)
{
    (void)s;
    itimer(ITIMER_REAL, 2000, 0);
    pass(2 * MS - 100);
    assert_int_equal(sent.count, 0);
    pass(100);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.pid, 77);
    assert_int_equal(sent.signo, 14);
    pass(100 * MS);
    assert_int_equal(sent.count, 1);
}

static void setitimer_tells_what_was_left(void **s)
{
    struct time_setitimer_out out;

    (void)s;
    itimer(ITIMER_REAL, 5000, 700);
    pass(2 * MS);
    out = itimer(ITIMER_REAL, 0, 0);
    assert_int_equal(out.old_value_us, 3000);
    assert_int_equal(out.old_interval_us, 700);
    pass(20 * MS);
    assert_int_equal(sent.count, 0);
}

static void an_interval_does_not_drift(void **s)
{
    (void)s;
    itimer(ITIMER_REAL, 1000, 1000);
    pass(10 * MS + 1000);
    assert_int_equal(sent.count, 10);
}

static void itimers_survive_exec_and_end_with_the_process(void **s)
{
    struct rpc_call call = { .client = SERVER_PROC };

    (void)s;
    itimer(ITIMER_REAL, 5000, 0);
    assert_int_equal(time_serve_process_exec(&call, &(struct time_process_exec_in){ SLOT, SLOT + 1 }), 0);
    time_serve_process_close(&call, &(struct time_process_close_in){ SLOT });
    pass(5 * MS);
    assert_int_equal(sent.count, 1);
    itimer(ITIMER_REAL, 5000, 0);
    time_serve_process_close(&call, &(struct time_process_close_in){ SLOT });
    pass(5 * MS);
    assert_int_equal(sent.count, 1);
}

static void a_cpu_timer_waits_for_cpu_time(void **s)
{
    (void)s;
    cpu = 1000;
    itimer(ITIMER_PROF, 10000, 0);      /* 10 ms of CPU time */
    pass(50 * MS);
    assert_int_equal(sent.count, 0);
    cpu += clock_ns_to_ticks(9 * MS);
    pass(50 * MS);
    assert_int_equal(sent.count, 0);
    cpu += clock_ns_to_ticks(1 * MS);
    pass(50 * MS);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.signo, 27);
}

static uint32_t create(uint32_t clock)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_create_out out;

    assert_int_equal(time_serve_timer_create(&call, &(struct time_timer_create_in){ clock, 0, 34, 99, 0 }, &out), 0);
    return out.timer;
}

static error_t settime(uint32_t timer, uint32_t flags, int64_t value, int64_t interval)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_settime_out out;

    return time_serve_timer_settime(&call, &(struct time_timer_settime_in){ timer, flags, value, interval }, &out);
}

static void a_pending_signal_counts_overruns(void **s)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_overrun_out out;
    uint32_t timer = create(CLOCK_MONOTONIC);

    (void)s;
    assert_int_equal(settime(timer, 0, MS, MS), 0);
    pass(MS);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.value, 99);
    page(SLOT)->pending = 1ul << 33;
    pass(3 * MS);
    assert_int_equal(sent.count, 1);
    page(SLOT)->pending = 0;            /* taken */
    assert_int_equal(time_serve_timer_overrun(&call, &(struct time_timer_overrun_in){ timer }, &out), 0);
    assert_int_equal(out.count, 3);
    pass(MS);
    assert_int_equal(sent.count, 2);
    assert_int_equal(time_serve_timer_delete(&call, &(struct time_timer_delete_in){ timer }, NULL), 0);
    assert_int_equal(time_serve_timer_delete(&call, &(struct time_timer_delete_in){ timer }, NULL), ERR_INVALID_ARGUMENT);
}

static void absolute_realtime_timers_follow_the_clock(void **s)
{
    struct rpc_call call = { .client = SLOT };
    uint32_t real = create(CLOCK_REALTIME), relative = create(CLOCK_REALTIME);
    int64_t now = clock_monotonic_ns() + clock_realtime_offset();

    (void)s;
    assert_int_equal(settime(real, 1, now + 1000 * MS, 0), 0);
    assert_int_equal(settime(relative, 0, 1000 * MS, 0), 0);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ now + 999 * MS }, NULL), 0);
    pass(1 * MS);
    assert_int_equal(sent.count, 1);
    pass(998 * MS);
    assert_int_equal(sent.count, 1);
    pass(1 * MS);
    assert_int_equal(sent.count, 2);
    page(SLOT)->euid = 5;
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ now }, NULL), ERR_PERMISSION);
}

static void sleeping_until_a_realtime(void **s)
{
    struct rpc_call call = { .client = SLOT };
    int64_t now = clock_monotonic_ns() + clock_realtime_offset();

    (void)s;
    assert_int_equal(time_serve_sleep_until(&call, &(struct time_sleep_until_in){ CLOCK_REALTIME, now }, NULL), 0);
    assert_int_equal(time_serve_sleep_until(&call, &(struct time_sleep_until_in){ CLOCK_REALTIME, now + 5 * MS }, NULL),
                     RPC_PENDING);
    pass(4 * MS);
    assert_int_equal(slept.count, 0);
    pass(1 * MS);
    assert_int_equal(slept.count, 1);
    assert_int_equal(time_serve_sleep_until(&call, &(struct time_sleep_until_in){ CLOCK_REALTIME, now + 500 * MS }, NULL),
                     RPC_PENDING);
    parked->on_cancel(parked);
    assert_int_equal(slept.error, ERR_CANCELLED);
}

static void timerfds_belong_to_fs(void **s)
{
    struct rpc_call fs = { .client = SERVER_FS }, other = { .client = SLOT };
    struct time_fs_timer_set_in in = { 0x123400000001, CLOCK_MONOTONIC, 0, 2 * MS, 1000 };

    (void)s;
    assert_int_equal(time_serve_fs_timer_set(&other, &in), ERR_PERMISSION);
    assert_int_equal(time_serve_fs_timer_set(&fs, &in), 0);
    pass(2 * MS);
    assert_int_equal(fired.count, 1);
    assert_int_equal(fired.timer, in.timer);
    pass(MS);                           /* 1 us interval: counted, not fired 1000 times */
    assert_in_range(fired.count, 2, 60);
    in.value_ns = 0;
    assert_int_equal(time_serve_fs_timer_set(&fs, &in), 0);
}

static void many_deadlines_fire_in_order(void **s)
{
    uint32_t timer[MAX_POSIX_TIMERS];

    (void)s;
    for (unsigned i = 0; i < MAX_POSIX_TIMERS; i++) {
        timer[i] = create(CLOCK_MONOTONIC);
        assert_int_equal(settime(timer[i], 0, 1 + (i * 7919 % MAX_POSIX_TIMERS) * MS, 0), 0);
    }
    for (unsigned i = 0; i < MAX_POSIX_TIMERS; i += 3)
        assert_int_equal(settime(timer[i], 0, 0, 0), 0);
    for (unsigned i = 1; i <= MAX_POSIX_TIMERS; i++)
        pass(MS);
    assert_int_equal(sent.count, MAX_POSIX_TIMERS - (MAX_POSIX_TIMERS + 2) / 3);
}

#define T(f) cmocka_unit_test_teardown(f, reset)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_page_converts_exactly), T(an_alarm_comes_once_and_on_time), T(setitimer_tells_what_was_left),
        T(an_interval_does_not_drift), T(itimers_survive_exec_and_end_with_the_process),
        T(a_cpu_timer_waits_for_cpu_time), T(a_pending_signal_counts_overruns),
        T(absolute_realtime_timers_follow_the_clock), T(sleeping_until_a_realtime), T(timerfds_belong_to_fs),
        T(many_deadlines_fire_in_order),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
