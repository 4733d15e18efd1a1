/* SPDX-License-Identifier: MIT */
/* build: servers/time/clock.c servers/time/heap.c servers/time/timer.c servers/time/itimer.c servers/time/cpu_timer.c
 *  servers/time/posix_timer.c servers/time/timerfd.c servers/time/sleep.c servers/time/shards.c servers/time/process.c
 *  servers/time/state.c libipc/src/journal.c;
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
#include <time_client.h>

#include "clock.h"
#include "shards.h"
#include "state.h"

#define HZ 10000000u
#define MS 1000000ll
#define SLOT 20

static struct server_info fake_info = { .timebase_hz = HZ };
const struct server_info *const info = &fake_info;
struct rpc_server server;
static struct session sessions[2];
struct rpc_client proc_client = { .session = &sessions[0] }, fs_client = { .session = &sessions[1] };
static uint32_t done;
static bool full;               /* no room in fs's ring                         */
static struct rpc_client *busy; /* a shard in whose ring there is none          */
static struct time_page time_page;
static struct { unsigned set, told; struct rpc_client *at; error_t error; } first;
static ticks_t ticks;
static struct exec_timer *armed;
static struct { unsigned count; uint32_t pid, tid, signo; int32_t code; uint64_t value; } sent;
static struct { unsigned count; uint64_t timer, periods; } fired;
static struct { unsigned count; error_t error; } slept;
static struct rpc_call *parked;
static struct { ticks_t used; uint32_t parallel, asked; int32_t pid, tid; error_t error; } cpu = { .parallel = 1 };
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
uint32_t *rpc_done_word(const struct rpc_call *call) { (void)call; return &done; }
bool rpc_has_room(struct rpc_client *client) { return client != busy && (client != &fs_client || !full); }
void rpc_await_room(struct rpc_client *client)
{
    full = false;
    if (busy == client)
        busy = NULL;
}
/* As the first shard does it, for who is another. */
error_t time_set_realtime(struct rpc_client *client, int64_t ns)
{
    first.set++;
    first.at = client;
    if (!first.error)
        time_page.realtime_offset_ns = ns - clock_monotonic_ns();
    return first.error;
}
void time_clock_changed(struct rpc_client *client)
{
    first.told++;
    first.at = client;
}
void proc_signal_process(struct rpc_client *c, uint32_t pid, uint32_t tid, uint32_t signo, int32_t code, uint64_t value)
{
    (void)c;
    sent.count++;
    sent.pid = pid;
    sent.tid = tid;
    sent.signo = signo;
    sent.code = code;
    sent.value = value;
}
error_t proc_cpu_time(struct rpc_client *c, int32_t pid, int32_t tid, uint32_t user_only, uint64_t *out, uint32_t *parallel)
{
    (void)c;
    cpu.pid = pid;
    cpu.tid = tid;
    cpu.asked++;
    *out = user_only ? cpu.used / 2 : cpu.used;
    *parallel = cpu.parallel;
    return cpu.error;
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
static void woken(struct rpc_call *call, error_t error)
{
    slept.count++;
    slept.error = error;
    free(call);
    parked = NULL;
}
void time_cpu_sleep_reply(struct rpc_call *call, error_t error, const struct time_cpu_sleep_out *out)
{
    (void)out;
    woken(call, error);
}
void time_sleep_until_reply(struct rpc_call *call, error_t error, const struct time_sleep_until_out *out)
{
    (void)out;
    woken(call, error);
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
    void *p = mmap((void *)SRV_PROC_PAGES, NR_SLOTS * PAGE_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    (void)state;
    ticks = 5 * HZ;
    state_open(mmap(NULL, sizeof(struct time_state), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
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
    memset(&first, 0, sizeof first);
    memset(fake_info.peer, 0, sizeof fake_info.peer);
    fake_info.server_id = SERVER_TIME;
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

static void work(int64_t ns) { cpu.used += clock_ns_to_ticks(ns); }

static void a_cpu_timer_waits_for_cpu_time(void **s)
{
    (void)s;
    work(MS);
    itimer(ITIMER_PROF, 10000, 0);      /* 10 ms of CPU time */
    pass(50 * MS);
    assert_int_equal(sent.count, 0);
    work(9 * MS);
    pass(50 * MS);
    assert_int_equal(sent.count, 0);
    work(1 * MS);
    pass(50 * MS);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.signo, 27);
}

static void virtual_time_is_the_users_share(void **s)
{
    struct time_setitimer_out out;

    (void)s;
    itimer(ITIMER_VIRTUAL, 10000, 5000);
    work(10 * MS);
    pass(50 * MS);
    assert_int_equal(sent.count, 0);
    out = itimer(ITIMER_VIRTUAL, 10000, 5000);
    assert_int_equal(out.old_value_us, 5000);
    assert_int_equal(out.old_interval_us, 5000);
    work(20 * MS);
    pass(20 * MS);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.signo, 26);
    itimer(ITIMER_VIRTUAL, 0, 0);
}

static void a_process_that_sleeps_is_seldom_looked_at(void **s)
{
    (void)s;
    itimer(ITIMER_PROF, 1000000, 0);
    cpu.asked = 0;
    pass(10000 * MS);
    assert_int_equal(cpu.asked, 10);
    work(999 * MS);
    pass(1000 * MS);
    cpu.asked = 0;
    pass(1000 * MS);                    /* 1 ms is left */
    assert_in_range(cpu.asked, 49, 51);
    itimer(ITIMER_PROF, 0, 0);
    cpu.asked = 0;
    pass(10000 * MS);
    assert_int_equal(cpu.asked, 0);
}

static uint32_t create(uint32_t clock)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_create_out out;

    assert_int_equal(time_serve_timer_create(&call, &(struct time_timer_create_in){ clock, 0, 34, 99, 0 }, &out), 0);
    return out.timer;
}

/* What the dispatch does with a handle before it calls the handler. */
static struct time_posix_timer *timer_of(uint32_t id)
{
    struct rpc_call call = { .client = SLOT };
    struct time_posix_timer *timer;

    assert_int_equal(time_lookup_posix_timer(&call, id, 0, &timer), 0);
    return timer;
}

static error_t settime(uint32_t timer, uint32_t flags, int64_t value, int64_t interval)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_settime_out out;

    return time_serve_timer_settime(&call, &(struct time_timer_settime_in){ timer_of(timer), timer, flags, value, interval }, &out);
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
    assert_int_equal(time_serve_timer_overrun(&call, &(struct time_timer_overrun_in){ timer_of(timer), timer }, &out), 0);
    assert_int_equal(out.count, 3);
    pass(MS);
    assert_int_equal(sent.count, 2);
    assert_int_equal(time_serve_timer_delete(&call, &(struct time_timer_delete_in){ timer_of(timer), timer }, NULL), 0);
}

static void a_number_is_a_timer_only_for_who_made_it_and_while_it_lives(void **s)
{
    struct rpc_call call = { .client = SLOT }, other = { .client = SLOT + 1 }, nobody = { .client = NR_SLOTS };
    const uint32_t wrong[] = { MAX_POSIX_TIMERS - 1, MAX_POSIX_TIMERS, MAX_POSIX_TIMERS + 1, INT32_MAX, UINT32_MAX };
    struct time_posix_timer *timer;
    uint32_t id = create(CLOCK_MONOTONIC);

    (void)s;
    assert_int_equal(time_lookup_posix_timer(&call, id, 0, &timer), 0);
    assert_int_equal(time_lookup_posix_timer(&other, id, 0, &timer), ERR_INVALID_ARGUMENT);
    assert_int_equal(time_lookup_posix_timer(&nobody, id, 0, &timer), ERR_INVALID_ARGUMENT);
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(time_lookup_posix_timer(&call, wrong[i], 0, &timer), ERR_INVALID_ARGUMENT);
    assert_int_equal(time_serve_timer_delete(&call, &(struct time_timer_delete_in){ timer_of(id), id }, NULL), 0);
    assert_int_equal(time_lookup_posix_timer(&call, id, 0, &timer), ERR_INVALID_ARGUMENT);
}

static void a_thread_that_is_signalled_is_the_callers_own(void **s)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_create_in in = { CLOCK_MONOTONIC, 4, 9, 0, 1 };
    struct time_timer_create_out out;

    (void)s;
    page(SLOT)->thread[3].tid = 80;
    page(SLOT + 1)->thread[0].tid = 81;
    for (in.tid = -1; in.tid < 80; in.tid++)
        assert_int_equal(time_serve_timer_create(&call, &in, &out), ERR_INVALID_ARGUMENT);
    in.tid = 81;
    assert_int_equal(time_serve_timer_create(&call, &in, &out), ERR_INVALID_ARGUMENT);
    in.tid = 80;
    assert_int_equal(time_serve_timer_create(&call, &in, &out), 0);
    assert_int_equal(settime(out.timer, 0, MS, 0), 0);
    pass(MS);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.pid, 77);
    assert_int_equal(sent.tid, 80);
    page(SLOT)->thread[3].tid = page(SLOT + 1)->thread[0].tid = 0;
}

static void a_timer_without_a_signal_has_no_overrun(void **s)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_create_in in = { CLOCK_MONOTONIC, 1, 1000, 0, 0 };
    struct time_timer_create_out out;
    struct time_timer_overrun_out overrun;

    (void)s;
    assert_int_equal(time_serve_timer_create(&call, &in, &out), 0);
    assert_int_equal(settime(out.timer, 0, MS, 1000), 0);
    pass(5 * MS);
    assert_int_equal(time_serve_timer_overrun(&call, &(struct time_timer_overrun_in){ timer_of(out.timer), out.timer }, &overrun), 0);
    assert_int_equal(overrun.count, 0);
    assert_int_equal(sent.count, 0);
}

/* Linux's numbers: MAKE_PROCESS_CPUCLOCK, MAKE_THREAD_CPUCLOCK of posix-timers_types.h */
#define OF_PROCESS(pid) (~(uint32_t)(pid) << 3 | 2)
#define OF_THREAD(tid)  (~(uint32_t)(tid) << 3 | 6)

static error_t cpu_settime(uint32_t timer, uint32_t flags, int64_t value, int64_t interval)
{
    error_t error;

    assert_int_equal(settime(timer, flags, value, interval), RPC_BLOCKS);
    on_coroutine = true;
    error = settime(timer, flags, value, interval);
    on_coroutine = false;
    return error;
}

static struct time_timer_gettime_out cpu_gettime(uint32_t timer)
{
    struct rpc_call call = { .client = SLOT };
    struct time_timer_gettime_out out = { 0 };

    on_coroutine = true;
    assert_int_equal(time_serve_timer_gettime(&call, &(struct time_timer_gettime_in){ timer_of(timer), timer }, &out), 0);
    on_coroutine = false;
    return out;
}

static void posix_timers_run_on_cpu_clocks(void **s)
{
    uint32_t own = create(CLOCK_PROCESS_CPUTIME), other = create(OF_PROCESS(1234)), thread = create(OF_THREAD(88));

    (void)s;
    assert_int_equal(cpu_settime(other, 0, 0, 0), 0);
    assert_int_equal(cpu.pid, 1234);
    assert_int_equal(cpu_settime(thread, 0, 0, 0), 0);
    assert_int_equal(cpu.pid, 77);
    assert_int_equal(cpu.tid, 88);
    assert_int_equal(cpu_settime(own, 0, 3 * MS, 2 * MS), 0);
    assert_int_equal(cpu.pid, 77);
    assert_int_equal(cpu.tid, 0);
    work(MS);
    assert_int_equal(cpu_gettime(own).value_ns, 2 * MS);
    assert_int_equal(cpu_gettime(own).interval_ns, 2 * MS);
    pass(30 * MS);
    assert_int_equal(sent.count, 0);
    work(2 * MS);
    pass(30 * MS);
    assert_int_equal(sent.count, 1);
    work(5 * MS);                       /* due at 2 and 4, then at 6 */
    pass(30 * MS);
    assert_int_equal(sent.count, 2);
    assert_int_equal(cpu_gettime(own).value_ns, 1 * MS);
    assert_int_equal(cpu_settime(own, 1, clock_ticks_to_ns(cpu.used) + MS, 0), 0);
    work(MS);
    pass(30 * MS);
    assert_int_equal(sent.count, 3);
    assert_int_equal(cpu_gettime(own).value_ns, 0);
}

static void the_first_look_is_when_all_harts_could_have_used_it(void **s)
{
    uint32_t timer = create(CLOCK_PROCESS_CPUTIME);

    (void)s;
    cpu.parallel = 4;
    assert_int_equal(cpu_settime(timer, 0, 40 * MS, 0), 0);
    work(40 * MS);
    pass(10 * MS - 1000);
    assert_int_equal(sent.count, 0);
    pass(1000);
    assert_int_equal(sent.count, 1);
    cpu.parallel = 1;
}

static void a_timer_whose_process_ended_stays_quiet(void **s)
{
    uint32_t timer = create(OF_PROCESS(1234));

    (void)s;
    assert_int_equal(cpu_settime(timer, 0, MS, 0), 0);
    cpu.error = ERR_NO_PROCESS;
    cpu.asked = 0;
    pass(1000 * MS);
    assert_int_equal(cpu.asked, 1);
    assert_int_equal(sent.count, 0);
    assert_int_equal(cpu_settime(timer, 0, MS, 0), ERR_NO_PROCESS);
    cpu.error = 0;
}

static void a_timer_may_be_deleted_while_proc_is_asked(void **s)
{
    struct rpc_call call = { .client = SLOT };
    uint32_t timer = create(CLOCK_PROCESS_CPUTIME);
    void (*fn)(void *);

    (void)s;
    assert_int_equal(cpu_settime(timer, 0, 2 * MS, 0), 0);
    work(2 * MS);
    ticks += clock_ns_to_ticks(2 * MS);
    armed->armed = false;
    armed->fire(armed);
    fn = spawned;
    spawned = NULL;
    assert_non_null(fn);
    assert_int_equal(time_serve_timer_delete(&call, &(struct time_timer_delete_in){ timer_of(timer), timer }, NULL), 0);
    fn(spawned_arg);
    assert_int_equal(sent.count, 0);
}

static void sleeping_on_cpu_time(void **s)
{
    struct rpc_call call = { .client = SLOT };
    struct time_cpu_sleep_in in = { CLOCK_PROCESS_CPUTIME, 0 };

    (void)s;
    assert_int_equal(time_serve_cpu_sleep(&call, &in, NULL), 0);
    in.cpu_ns = clock_ticks_to_ns(cpu.used) + 5 * MS;
    assert_int_equal(time_serve_cpu_sleep(&call, &in, NULL), RPC_PENDING);
    pass(100 * MS);
    assert_int_equal(slept.count, 0);
    work(5 * MS);
    pass(100 * MS);
    assert_int_equal(slept.count, 1);
    assert_int_equal(slept.error, 0);
    in.cpu_ns += 1000 * MS;
    assert_int_equal(time_serve_cpu_sleep(&call, &in, NULL), RPC_PENDING);
    parked->on_cancel(parked);
    assert_int_equal(slept.error, ERR_CANCELLED);
    in.clock = CLOCK_MONOTONIC;
    assert_int_equal(time_serve_cpu_sleep(&call, &in, NULL), ERR_INVALID_ARGUMENT);
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

/* ---- shards ---- */

static void become_shard(unsigned shard, unsigned of)
{
    for (unsigned i = 0; i < of; i++) {
        struct srv_peer *peer = &fake_info.peer[i ? 8 + i : SERVER_TIME];

        strcpy(peer->name, "time");
        peer->first = SERVER_TIME;
        peer->shard = (uint16_t)i;
    }
    strcpy(fake_info.peer[SERVER_FS].name, "fs");
    fake_info.server_id = shard ? 8 + shard : SERVER_TIME;
    assert_int_equal(shard_self(), shard);
    assert_int_equal(shard_count(), of);
}

static error_t set_clock(uint32_t client, int64_t ns)
{
    return time_serve_set_realtime(&(struct rpc_call){ .client = client }, &(struct time_set_realtime_in){ ns }, NULL);
}

static error_t clock_changed(uint32_t client)
{
    return time_serve_clock_changed(&(struct rpc_call){ .client = client }, &(struct time_clock_changed_in){ });
}

static void a_shard_has_the_first_set_the_clock(void **s)
{
    uint32_t real = create(CLOCK_REALTIME);
    int64_t now = clock_monotonic_ns() + clock_realtime_offset();

    (void)s;
    become_shard(1, 3);
    assert_int_equal(settime(real, 1, now + 1000 * MS, 0), 0);
    page(SLOT)->euid = 5;
    on_coroutine = true;
    assert_int_equal(set_clock(SLOT, now), ERR_PERMISSION);
    page(SLOT)->euid = 0;
    assert_int_equal(set_clock(SLOT, -1), ERR_INVALID_ARGUMENT);
    on_coroutine = false;
    assert_int_equal(set_clock(SLOT, now + 999 * MS), RPC_BLOCKS);
    assert_int_equal(first.set, 0);
    on_coroutine = true;
    first.error = ERR_PEER_CLOSED;
    assert_int_equal(set_clock(SLOT, now + 999 * MS), ERR_PEER_CLOSED);
    first.error = 0;
    assert_int_equal(set_clock(SLOT, now + 999 * MS), 0);
    on_coroutine = false;
    assert_ptr_equal(first.at, &shard_client[0]);
    assert_int_equal(first.told, 0);
    pass(1 * MS);                       /* the event has not come yet: its own process sees what it set */
    assert_int_equal(sent.count, 1);
}

static void the_first_shard_tells_the_others(void **s)
{
    int64_t now = clock_monotonic_ns() + clock_realtime_offset();

    (void)s;
    become_shard(0, 3);
    assert_int_equal(set_clock(SLOT, now + 5), 0);
    assert_int_equal(first.told, 2);
    assert_ptr_equal(first.at, &shard_client[2]);
    assert_int_equal(clock_realtime_offset() + clock_monotonic_ns(), now + 5);
    busy = &shard_client[1];
    assert_int_equal(set_clock(SLOT, now), RPC_BLOCKS);
    assert_int_equal(clock_realtime_offset() + clock_monotonic_ns(), now + 5);
    on_coroutine = true;
    assert_int_equal(set_clock(SLOT, now), 0);
    on_coroutine = false;
    assert_null(busy);
    assert_int_equal(first.told, 4);
    assert_int_equal(first.set, 0);
}

static void only_shards_speak_for_others(void **s)
{
    int64_t now = clock_monotonic_ns() + clock_realtime_offset();

    (void)s;
    become_shard(0, 2);
    assert_int_equal(set_clock(9, now + 5), 0);
    for (uint32_t client = 0; client < FIRST_PROCESS_SLOT; client++) {
        bool shard = client == SERVER_TIME || client == 9;

        assert_int_equal(set_clock(client, now), shard ? 0 : ERR_PERMISSION);
        assert_int_equal(clock_changed(client), shard ? 0 : ERR_PERMISSION);
    }
    assert_int_equal(clock_changed(SLOT), ERR_PERMISSION);
}

/* Set by another shard: forward when its event comes, and back without anything coming early meanwhile. */
static void deadlines_follow_a_clock_that_another_shard_sets(void **s)
{
    uint32_t real = create(CLOCK_REALTIME), other = create(CLOCK_REALTIME);
    int64_t now = clock_monotonic_ns() + clock_realtime_offset();

    (void)s;
    become_shard(1, 2);
    assert_int_equal(settime(real, 1, now + 1000 * MS, 0), 0);
    assert_int_equal(settime(other, 1, now + 1500 * MS, 0), 0);
    time_page.realtime_offset_ns -= 700 * MS;
    pass(1400 * MS);
    assert_int_equal(sent.count, 0);
    assert_int_equal(clock_changed(SERVER_TIME), 0);
    pass(300 * MS);
    assert_int_equal(sent.count, 1);
    time_page.realtime_offset_ns += 700 * MS;
    assert_int_equal(sent.count, 1);
    assert_int_equal(clock_changed(SERVER_TIME), 0);
    pass(0);
    assert_int_equal(sent.count, 2);
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

static void realtime_is_set_within_bounds(void **s)
{
    struct rpc_call call = { .client = SLOT };
    int64_t now = clock_monotonic_ns() + clock_realtime_offset(), uptime = clock_monotonic_ns();
    uint32_t timer = create(CLOCK_REALTIME);

    (void)s;
    assert_int_equal(settime(timer, 1, INT64_MAX, INT64_MAX), 0);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ uptime - 1 }, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ -1 }, NULL), ERR_INVALID_ARGUMENT);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ REALTIME_MAX_NS + 1 }, NULL),
                     ERR_INVALID_ARGUMENT);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ uptime }, NULL), 0);
    assert_int_equal(clock_realtime_offset(), 0);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ REALTIME_MAX_NS }, NULL), 0);
    assert_int_equal(time_serve_set_realtime(&call, &(struct time_set_realtime_in){ now }, NULL), 0);
    assert_int_equal(sent.count, 0);
}

static void an_interval_longer_than_time_lasts_comes_once(void **s)
{
    uint32_t timer = create(CLOCK_MONOTONIC);

    (void)s;
    assert_int_equal(settime(timer, 0, MS, INT64_MAX), 0);
    pass(2 * MS);
    assert_int_equal(sent.count, 1);
    pass(1000 * MS);
    assert_int_equal(sent.count, 1);
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

static void what_is_due_waits_for_room(void **s)
{
    (void)s;
    itimer(ITIMER_REAL, 2000, 0);
    full = true;
    ticks += clock_ns_to_ticks(2 * MS);
    armed->armed = false;
    armed->fire(armed);
    assert_int_equal(sent.count, 0);
    assert_true(armed == NULL || !armed->armed);    /* nobody looks in the meantime */
    assert_non_null(spawned);
    spawned(spawned_arg);
    spawned = NULL;
    assert_int_equal(sent.count, 1);
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
        T(a_cpu_timer_waits_for_cpu_time), T(virtual_time_is_the_users_share),
        T(a_process_that_sleeps_is_seldom_looked_at), T(a_pending_signal_counts_overruns),
        T(a_thread_that_is_signalled_is_the_callers_own), T(a_timer_without_a_signal_has_no_overrun),
        T(a_number_is_a_timer_only_for_who_made_it_and_while_it_lives), T(posix_timers_run_on_cpu_clocks), T(the_first_look_is_when_all_harts_could_have_used_it),
        T(a_timer_whose_process_ended_stays_quiet), T(a_timer_may_be_deleted_while_proc_is_asked), T(sleeping_on_cpu_time),
        T(a_shard_has_the_first_set_the_clock), T(the_first_shard_tells_the_others), T(only_shards_speak_for_others),
        T(deadlines_follow_a_clock_that_another_shard_sets), T(absolute_realtime_timers_follow_the_clock), T(sleeping_until_a_realtime),
        T(realtime_is_set_within_bounds), T(an_interval_longer_than_time_lasts_comes_once), T(timerfds_belong_to_fs),
        T(what_is_due_waits_for_room), T(many_deadlines_fire_in_order),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
