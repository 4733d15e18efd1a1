/* SPDX-License-Identifier: MIT */
/*
 * A server's main loop.
 *
 * Doorbells to clients are deferred to the next doorbell or to the moment when
 * the server goes idle. Then there are two ways on:
 *   - The rung client shares this hart (or anything else is runnable here):
 *     ringing and waiting are one SYS_SIGNAL_WAIT.
 *   - It runs elsewhere: ring, then spin for a learned time, then wait. Whether
 *     a client shares the hart shows in the hart page right after a plain
 *     signal; the answer is kept for TOGETHER_TURNS idle moments.
 * Before a wait all sessions are declared asleep, a full fence, one more look
 * (docs/rings.md).
 *
 * Most wake-ups on a shared hart are one doorbell whose request is answered at
 * once. They are served in a short loop around the wait (serve_at_once), which
 * ends as soon as there is anything else.
 *
 * The notification's bits are taken when the server sleeps; while it is busy,
 * every POLL_TURNS turns, so that cold sessions and interrupts get their share.
 */
#include <assert.h>
#include <libipc/atomic.h>
#include <libipc/syscall.h>
#include <string.h>

#include "coro.h"
#include "executor.h"
#include "timer.h"

#define MAX_CLIENTS     NR_SERVERS
#define MAX_HANDLERS    16u
#define POLL_TURNS      32u
#define SAMPLE_POLLS    8u      /* figures.h                                    */
#define SAMPLE_SLEEPS   256u
#define TIMER_TURNS     8u
#define TOGETHER_TURNS  64u
#define SPIN_MIN_US     2u
#define SPIN_MAX_US     100u
#define SPIN_LOOKS      64u     /* between two readings of the clock            */
#define SPIN_WORTH_US   300u    /* a sleep shorter than this was not worth it;
                                 * falling asleep and being woken are in it     */

static struct {
    struct exec_config config;
    struct rpc_server *servers;
    struct rpc_client *client[MAX_CLIENTS];
    uint32_t nr_clients;
    struct { uint64_t bits; void (*fn)(uint64_t, void *); void *arg; } handler[MAX_HANDLERS];
    uint32_t nr_handlers;
    cptr_t deferred;            /* notification still to be rung, or CAP_NULL     */
    uint32_t together;
    ticks_t spin_ticks;     /* learned bound of a spin                         */
    uint32_t turns_to_poll, turns_to_timer, polls;
    void (*sample)(struct rpc_server *);    /* now and then, or NULL           */
    bool stop;
    struct exec_stats stats;
} exec;

uint32_t exec_timebase_hz(void)
{
    return exec.config.hart_page != NULL ? exec.config.hart_page->timebase_hz : 0;
}

/* ---- setting up ---- */

static error_t map_stacks(const struct exec_config *config)
{
    uint64_t step = config->coroutine_stack_bytes + PAGE_BYTES;

    for (uint32_t i = 0; i < config->nr_coroutines; i++) {
        error_t error = vspace_reserve(SRV_CAP_VSPACE, SRV_CORO_STACKS + i * step + PAGE_BYTES,
                                       config->coroutine_stack_bytes, VM_READ | VM_WRITE);
        if (error != 0)
            return error;
    }
    return 0;
}

error_t exec_init(const struct exec_config *config)
{
    memset(&exec, 0, sizeof exec);
    exec.config = *config;
    exec.spin_ticks = config->hart_page ? (uint64_t)config->hart_page->timebase_hz * SPIN_MAX_US / 1000000 : 0;
    exec.turns_to_poll = POLL_TURNS;
    exec.turns_to_timer = TIMER_TURNS;
    void *stacks = config->coroutine_stacks;
    if (stacks == NULL && config->nr_coroutines != 0) {
        error_t error = map_stacks(config);
        if (error != 0)
            return error;
        stacks = (void *)SRV_CORO_STACKS;
    }
    return coro_init(stacks, config->nr_coroutines, config->coroutine_stack_bytes);
}

static void flush_ring(void)
{
    cptr_t cap = exec.deferred;

    if (cap == CAP_NULL)
        return;
    exec.deferred = CAP_NULL;
    sys_signal(cap);
}

static void defer_ring(struct rpc_server *server, uint32_t client)
{
    cptr_t cap = CAP_IN(server->client_doorbells, client);

    if (exec.deferred != cap)
        flush_ring();
    exec.deferred = cap;
}

void exec_add_server(struct rpc_server *server)
{
    server->ring = defer_ring;
    server->next = exec.servers;
    exec.servers = server;
}

void exec_add_client(struct rpc_client *client)
{
    assert(exec.nr_clients < MAX_CLIENTS);
    exec.client[exec.nr_clients++] = client;
}

void exec_on_signal(uint64_t bits, void (*fn)(uint64_t, void *), void *arg)
{
    assert(exec.nr_handlers < MAX_HANDLERS && (bits & exec.config.doorbell_mask) == 0);
    exec.handler[exec.nr_handlers].bits = bits;
    exec.handler[exec.nr_handlers].fn = fn;
    exec.handler[exec.nr_handlers].arg = arg;
    exec.nr_handlers++;
}

ticks_t exec_now(void)
{
    return sys_clock();
}

void exec_get_stats(struct exec_stats *stats)
{
    *stats = exec.stats;
    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next)
        stats->requests += server->stats.requests;
}

void exec_stop(void)
{
    exec.stop = true;
}

/* ---- one turn ---- */

/* Does anything else run on this hart? */
static inline bool crowded(void)
{
    const volatile struct hart_page *page = exec.config.hart_page;
    return page == NULL || page->nr_harts < 2 || page->hart[*exec.config.hart].runnable > 1;
}

static void take_bits(uint64_t bits)
{
    uint64_t doorbells = bits & exec.config.doorbell_mask;

    if (doorbells != 0) {
        for (struct rpc_server *server = exec.servers; server != NULL; server = server->next) {
            if (crowded())
                rpc_server_ring(server, doorbells);
            else
                rpc_server_doorbells(server, doorbells);
        }
    }
    if (bits == doorbells)
        return;
    for (uint32_t i = 0; i < exec.nr_handlers; i++)
        if ((bits & exec.handler[i].bits) != 0)
            exec.handler[i].fn(bits & exec.handler[i].bits, exec.handler[i].arg);
}

/* Did a doorbell of a session that is not polled, an interrupt or a peer ring? */
static bool rang(void)
{
    uint64_t bits = 0;

    if (sys_wait(exec.config.notification, DEADLINE_POLL, &bits) != 0 || bits == 0)
        return false;
    take_bits(bits);
    return true;
}

void exec_set_sampler(void (*sample)(struct rpc_server *))
{
    exec.sample = sample;
}

__attribute__((noinline)) static void sample(void)
{
    for (struct rpc_server *server = exec.servers; server != NULL && exec.sample != NULL; server = server->next)
        exec.sample(server);
}

static void poll_notification(void)
{
    exec.turns_to_poll = POLL_TURNS;
    if (++exec.polls % SAMPLE_POLLS == 0)
        sample();
    (void)rang();
}

static bool run_timers(void)
{
    exec.turns_to_timer = TIMER_TURNS;
    return timer_run(exec_now());
}

__attribute__((noinline)) static bool turn_clients(void)
{
    bool did = false, any = false;

    for (uint32_t i = 0; i < exec.nr_clients; i++) {
        if (!coro_env_waits(exec.client[i]))
            continue;
        did |= rpc_drain(exec.client[i]) != 0;
        did |= coro_env_turn(exec.client[i]);
        any |= coro_env_waits(exec.client[i]);
    }
    coro_env_used = any;
    return did;
}

__attribute__((noinline)) static bool turn_timers(bool did)
{
    if (timer_next() == 0)      /* "at once": work that this turn's requests left */
        return timer_run(0);
    return (!did || --exec.turns_to_timer == 0) && run_timers();
}

static inline void flush_servers(void)
{
    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next)
        if (__builtin_expect(server->to_ring != NULL, 0))
            rpc_server_flush(server);
}

bool exec_turn(void)
{
    unsigned did = __builtin_expect(coro_any_woken(), 0) && coro_run_woken();

    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next)
        if (server->hot != NULL)
            did |= rpc_server_turn(server);
    if (__builtin_expect(coro_env_used, 0))
        did |= turn_clients();
    if (timer_next() != DEADLINE_NONE)
        did |= turn_timers(did != 0);
    flush_servers();
    exec.stats.turns++;
    return did != 0;
}

/* ---- going idle ---- */

static bool anything(void)
{
    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next)
        if (rpc_server_peek(server))
            return true;
    for (uint32_t i = 0; i < exec.nr_clients; i++)
        if (load_acquire(&exec.client[i]->session->header.cq_tail) != exec.client[i]->cq_head)
            return true;
    return false;
}

static ticks_t ticks_of_us(uint64_t us)
{
    return (uint64_t)exec.config.hart_page->timebase_hz * us / 1000000;
}

/* Bounded by time, not by turns: what a turn costs differs between machines.
 * Cold sessions ring the notification, which nobody else looks at meanwhile. */
static bool spin(void)
{
    ticks_t now = exec_now(), end = now + exec.spin_ticks, timer = timer_next();

    do {
        for (unsigned i = 0; i < SPIN_LOOKS; i++) {
            if (anything()) {
                exec.stats.spins_won++;
                return true;
            }
            if (crowded())
                return false;
        }
        now = exec_now();
        if (now >= timer || rang())
            return true;
    } while (now < end);
    exec.stats.spins_lost++;
    exec.spin_ticks -= exec.spin_ticks / 4;
    if (exec.spin_ticks < ticks_of_us(SPIN_MIN_US))
        exec.spin_ticks = ticks_of_us(SPIN_MIN_US);
    return false;
}

/* A short sleep tells that a longer spin would have caught the work. */
static void learn_from_sleep(ticks_t slept)
{
    if (slept < ticks_of_us(SPIN_WORTH_US) && exec.spin_ticks < ticks_of_us(SPIN_MAX_US))
        exec.spin_ticks *= 2;
}

/* Declares everything asleep; false when work came in between. */
static bool declare_asleep(void)
{
    bool quiet = !coro_any_woken();

    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next)
        quiet &= rpc_server_sleep(server);
    for (uint32_t i = 0; i < exec.nr_clients; i++)
        if (coro_env_waits(exec.client[i]))
            quiet &= rpc_prepare_sleep(exec.client[i]) && !coro_env_has_room(exec.client[i]);
    return quiet;
}

/* Does another server owe us anything? */
__attribute__((noinline)) static bool clients_wait(void)
{
    bool any = false;

    for (uint32_t i = 0; i < exec.nr_clients; i++)
        any |= coro_env_waits(exec.client[i]);
    coro_env_used = any;
    return any;
}

/* Timers set for "right after this request". Whom they wake is rung before the client of that request, which thus
 * keeps the last doorbell: the one that is rung by the wait itself. */
__attribute__((noinline)) static void run_timers_at_once(void)
{
    cptr_t last = exec.deferred;

    exec.deferred = CAP_NULL;
    timer_run(DEADLINE_POLL);
    flush_servers();
    if (last != CAP_NULL && last != exec.deferred) {
        flush_ring();
        exec.deferred = last;
    }
}

/* Only doorbells, of clients on this hart: serve them on the spot. True when
 * nothing else is left to do, so the next wait may begin at once: all sessions are
 * cold, nothing is woken, and no other server owes us anything. */
static inline bool serve_at_once(uint64_t bits)
{
    bool more = false;

    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next)
        rpc_server_ring(server, bits);
    if (__builtin_expect(timer_next() == DEADLINE_POLL, 0))
        run_timers_at_once();
    for (struct rpc_server *server = exec.servers; server != NULL; server = server->next) {
        if (server->to_ring != NULL)
            rpc_server_flush(server);
        more |= server->hot != NULL;
    }
    exec.stats.turns++;
    return !more && !coro_any_woken() && !exec.stop && (!coro_env_used || !clients_wait());
}

static inline error_t ring_and_wait(uint64_t *bits)
{
    cptr_t ring = exec.deferred;

    exec.deferred = CAP_NULL;
    if (++exec.stats.sleeps % SAMPLE_SLEEPS == 0)
        sample();
    if (ring != CAP_NULL)
        return sys_signal_wait(ring, exec.config.notification, timer_next(), bits);
    return sys_wait(exec.config.notification, timer_next(), bits);
}

static void wait_for_signal(bool may_learn)
{
    uint64_t bits = 0;
    ticks_t start = may_learn ? exec_now() : 0;
    error_t error = ring_and_wait(&bits);

    /* A timer that is due gets its chance after TIMER_TURNS. */
    uint32_t turns = 0;
    while (error == 0 && (bits & ~exec.config.doorbell_mask) == 0 && crowded()) {
        if (!serve_at_once(bits))
            return;
        if (timer_next() != DEADLINE_NONE && ++turns > TIMER_TURNS)
            return;
        error = ring_and_wait(&bits);
    }
    if (may_learn)
        learn_from_sleep(exec_now() - start);
    exec.turns_to_poll = POLL_TURNS;
    if (error == 0)
        take_bits(bits);
}

/* Nothing woken: spin or sleep. Returns whether the notification was taken. */
static bool idle(void)
{
    bool alone = crowded();     /* something else may run here: do not spin */

    if (!alone && exec.deferred != CAP_NULL) {
        if (exec.together != 0) {
            exec.together--;
            alone = true;
        } else {
            flush_ring();
            alone = crowded();
            exec.together = alone ? TOGETHER_TURNS : 0;
        }
    }
    if (!alone && spin())
        return false;
    bool quiet = declare_asleep();
    if (quiet)
        wait_for_signal(!alone);
    for (uint32_t i = 0; i < exec.nr_clients; i++)
        if (load_relaxed(&exec.client[i]->session->header.client_asleep) != 0)
            rpc_end_sleep(exec.client[i]);
    return quiet;
}

void exec_run(void)
{
    for (;;) {
        exec_turn();
        if (exec.stop)
            break;
        if (!coro_any_woken() && idle())
            continue;   /* slept: the bits are taken */
        if (--exec.turns_to_poll == 0)
            poll_notification();
    }
    flush_ring();
}
