/* SPDX-License-Identifier: MIT */
/* build: servers/time/clock.c servers/time/heap.c servers/time/timer.c servers/time/itimer.c servers/time/cpu_timer.c
 *  servers/time/posix_timer.c servers/time/timerfd.c servers/time/sleep.c servers/time/shards.c servers/time/process.c servers/time/state.c;
 *  include: servers/time libipc/include microkernel/abi build/gen */
/*
 * The time server dies at each step of what it does, and the next one goes on. A life is a process: what outlives it is
 * shared memory, everything else is gone with it. A step is a place in the journal, or just before or after something
 * that others see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void step(void);
#define STEP() step()
#include "../../../libipc/src/journal.c"

#include <fs_client.h>
#include <proc_client.h>
#include <time_client.h>

#include "clock.h"
#include "state.h"

#define HZ   10000000u
#define MS   1000000ll
#define SLOT 20u
#define DEAD 77

/* What outlives a life. */
static struct world {
    struct time_page time_page;
    struct session proc, fs;        /* sq_tail counts what was told             */
    uint32_t done;                  /* requests answered                        */
    ticks_t ticks;
    int64_t old_us;                 /* of the last setitimer that was answered  */
    struct time_state state;
} *world;
static uint32_t steps, death;       /* 0: lives on                              */

static void step(void)
{
    __asm__ volatile("" ::: "memory");
    if (death && ++steps == death)
        _exit(DEAD);
}

static struct server_info fake_info = { .timebase_hz = HZ };
const struct server_info *const info = &fake_info;
struct rpc_server server;
struct rpc_client proc_client, fs_client;
static struct exec_timer *armed;

ticks_t exec_now(void) { return world->ticks; }
void exec_timer_set(struct exec_timer *t, ticks_t deadline) { t->deadline = deadline; t->armed = true; armed = t; }
void exec_timer_cancel(struct exec_timer *t) { t->armed = false; armed = NULL; }
struct coro *coro_self(void) { return NULL; }
error_t coro_spawn(void (*fn)(void *), void *arg, const char *name) { (void)fn, (void)arg, (void)name; return ERR_NO_MEMORY; }
uint32_t *rpc_done_word(const struct rpc_call *call) { (void)call; return &world->done; }
bool rpc_has_room(struct rpc_client *client) { (void)client; return true; }
void rpc_await_room(struct rpc_client *client) { (void)client; }
static void tell(struct session *s)
{
    step();
    s->header.sq_tail++;
    step();
}
void proc_signal_process(struct rpc_client *c, uint32_t pid, uint32_t tid, uint32_t signo, int32_t code, uint64_t value)
{
    (void)c, (void)tid, (void)signo, (void)code, (void)value;
    assert(pid == 77);
    tell(&world->proc);
}
void fs_timer_fired(struct rpc_client *c, uint64_t timer, uint64_t count)
{
    (void)c, (void)timer;
    for (; count > 1; count--)
        world->fs.sq[0].word[0]++;      /* those of the same event */
    tell(&world->fs);
}
error_t proc_cpu_time(struct rpc_client *c, int32_t pid, int32_t tid, uint32_t user_only, uint64_t *out, uint32_t *parallel)
{
    (void)c, (void)pid, (void)tid, (void)user_only, (void)out, (void)parallel;
    return ERR_NO_PROCESS;
}
struct rpc_call *rpc_park(struct rpc_call *call, void (*on_cancel)(struct rpc_call *), void *context)
{
    (void)call, (void)on_cancel, (void)context;
    return NULL;
}
void rpc_session_open(struct rpc_server *s, uint32_t k) { (void)s, (void)k; }
void rpc_session_close(struct rpc_server *s, uint32_t k) { (void)s, (void)k; }
void time_cpu_sleep_reply(struct rpc_call *c, error_t e, const struct time_cpu_sleep_out *o) { (void)c, (void)e, (void)o; }
void time_sleep_until_reply(struct rpc_call *c, error_t e, const struct time_sleep_until_out *o) { (void)c, (void)e, (void)o; }

error_t time_set_realtime(struct rpc_client *c, int64_t ns) { (void)c, (void)ns; abort(); }
void time_clock_changed(struct rpc_client *c) { (void)c; abort(); }

static void born(void)
{
    proc_client.session = &world->proc;
    fs_client.session = &world->fs;
    clock_init(&world->time_page, HZ, 1700000000ll * 1000000000);
    state_open(&world->state);
}

/* One life; true if it lived to the end. */
static bool live(void (*life)(void), uint32_t until)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        steps = 0;
        death = until;
        born();
        life();
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DEAD);
    return WEXITSTATUS(status) == 0;
}

/* The world begins anew. */
static void begin(void)
{
    if (world)
        munmap(world, sizeof *world);
    world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(world != MAP_FAILED);
    world->ticks = 5 * HZ;
}

static void pass(int64_t ns)
{
    ticks_t until = world->ticks + clock_ns_to_ticks(ns);

    while (armed && armed->armed && armed->deadline <= until) {
        if (armed->deadline > world->ticks)
            world->ticks = armed->deadline;
        armed->armed = false;
        armed->fire(armed);
    }
    world->ticks = until;
}

/* The answer is published: the request is done. */
static void answered(error_t error)
{
    assert(error == 0);
    step();
    world->done++;
    step();
}

static void set_itimer(int64_t value_us, int64_t interval_us)
{
    struct rpc_call call = { .client = SLOT };
    struct time_setitimer_out out;
    error_t error = time_serve_setitimer(&call, &(struct time_setitimer_in){ ITIMER_REAL, value_us, interval_us }, &out);

    world->old_us = out.old_value_us;
    answered(error);
}

static void nothing(void) {}
static void set_5_seconds(void) { set_itimer(5000000, 0); }
static void set_9_seconds(void) { set_itimer(9000000, 0); }
static void pass_10_seconds(void) { pass(10000 * MS); }

static int64_t left_us(void)
{
    return world->state.process[0].itimer[0].timer.deadline.armed
        ? (world->state.process[0].itimer[0].timer.deadline.at_ns - 5000 * MS) / 1000 : 0;
}

/* At every death either the answer was given, and the timer is set, or neither. A repeated request tells the same. */
static void a_request_and_its_answer_are_one(void **s)
{
    (void)s;
    for (uint32_t n = 1;; n++) {
        begin();
        assert_true(live(set_5_seconds, 0));
        bool lived = live(set_9_seconds, n);
        bool was_answered = world->done == 2;
        assert_true(live(nothing, 0));
        assert_int_equal(left_us(), was_answered ? 9000000 : 5000000);
        if (!was_answered) {
            assert_true(live(set_9_seconds, 0));
            assert_int_equal(world->old_us, 5000000);
        }
        assert_true(live(pass_10_seconds, 0));
        assert_int_equal(world->proc.header.sq_tail, 1);
        if (lived) {
            assert_in_range(n, 10, 1000);
            return;
        }
    }
}

static void set_periods(void)
{
    struct rpc_call fs = { .client = SERVER_FS }, call = { .client = SLOT };
    struct time_timer_create_out timer;
    struct time_timer_settime_out out;
    struct time_posix_timer *posix;

    set_itimer(1000, 3000);
    answered(time_serve_fs_timer_set(&fs, &(struct time_fs_timer_set_in){ 0x700000003, CLOCK_MONOTONIC, 0, MS, 2 * MS }));
    answered(time_serve_timer_create(&call, &(struct time_timer_create_in){ CLOCK_MONOTONIC, 0, 34, 99, 0 }, &timer));
    assert_int_equal(time_lookup_posix_timer(&call, timer.timer, 0, &posix), 0);
    answered(time_serve_timer_settime(&call, &(struct time_timer_settime_in){ posix, timer.timer, 0, 2 * MS, 5 * MS }, &out));
}
static void pass_20_ms(void) { pass(5000 * MS + 20 * MS - clock_ticks_to_ns(world->ticks)); }

/* 1, 4 .. 19; 2, 7 .. 17; and of the timerfd 1, 3 .. 19. */
static void each_expiration_is_told_once(void **s)
{
    (void)s;
    for (uint32_t n = 1;; n++) {
        begin();
        assert_true(live(set_periods, 0));
        bool lived = live(pass_20_ms, n);
        live(pass_20_ms, n / 2 + 1);    /* and once more on the way */
        assert_true(live(pass_20_ms, 0));
        assert_int_equal(world->proc.header.sq_tail, 7 + 4);
        assert_int_equal(world->fs.header.sq_tail + world->fs.sq[0].word[0], 10);
        if (lived) {
            assert_in_range(n, 100, 10000);
            return;
        }
    }
}

static void move_on(void)
{
    struct rpc_call call = { .client = SERVER_PROC };

    answered(time_serve_process_exec(&call, &(struct time_process_exec_in){ SLOT, SLOT + 1 }));
}
static void close_old(void)
{
    struct rpc_call call = { .client = SERVER_PROC };

    answered(time_serve_process_close(&call, &(struct time_process_close_in){ SLOT }));
}

/* An event that was not handled comes again. */
static void exec_takes_the_timer_along_once(void **s)
{
    (void)s;
    for (uint32_t n = 1;; n++) {
        begin();
        assert_true(live(set_5_seconds, 0));
        bool lived = live(move_on, n);
        if (world->done == 1)
            assert_true(live(move_on, 0));
        live(close_old, n);
        if (world->done == 2)
            assert_true(live(close_old, 0));
        assert_int_equal(world->state.record[SLOT], 0);
        assert_int_not_equal(world->state.record[SLOT + 1], 0);
        assert_true(live(pass_10_seconds, 0));
        assert_int_equal(world->proc.header.sq_tail, 1);
        if (lived) {
            assert_in_range(n, 10, 1000);
            return;
        }
    }
}

static void set_clock(void)
{
    struct rpc_call call = { .client = SLOT };

    answered(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ 1800000000ll * 1000 * MS }, NULL));
}

static void the_clock_goes_on(void **s)
{
    (void)s;
    begin();
    assert_true(live(set_clock, 0));
    world->time_page.seq++;             /* as if it had died in between */
    assert_true(live(nothing, 0));
    assert_int_equal(world->time_page.seq % 2, 0);
    assert_int_equal(world->time_page.realtime_offset_ns, 1800000000ll * 1000 * MS - 5000 * MS);
}

static int setup(void **state)
{
    void *p = mmap((void *)SRV_PROC_PAGES, NR_SLOTS * PAGE_BYTES, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    struct proc_page *page = (struct proc_page *)(SRV_PROC_PAGES + SLOT * PAGE_BYTES);

    (void)state;
    if (p != (void *)SRV_PROC_PAGES)
        return -1;
    page[0].in_use = 1;
    page[0].pid = 77;
    page = (struct proc_page *)((uint8_t *)page + PAGE_BYTES);
    page[0].in_use = 1;
    page[0].pid = 77;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_answer_are_one), cmocka_unit_test(each_expiration_is_told_once),
        cmocka_unit_test(exec_takes_the_timer_along_once), cmocka_unit_test(the_clock_goes_on),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
