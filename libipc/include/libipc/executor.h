/* SPDX-License-Identifier: MIT */
/*
 * A server's one executor: its main loop, its coroutines, its timers.
 *
 * One turn: run woken coroutines; look at notification bits; serve the polled
 * sessions, each with a quantum; run due timers. When a turn found nothing:
 * spin for a bounded, learned time if no other thread is runnable on this hart
 * (hart page), then declare all sessions asleep, full fence, look again, and
 * wait on the server's notification until the next timer.
 */
#ifndef LIBIPC_EXECUTOR_H
#define LIBIPC_EXECUTOR_H

#include <libipc/server.h>

/* ---- coroutines: stackful, cooperative, from a fixed pool ---- */
struct coro;
/* NULL on the executor's own stack. */
struct coro *coro_self(void);
/* Start fn(arg) on a coroutine in a later turn. ERR_NO_MEMORY when none is free. */
error_t coro_spawn(void (*fn)(void *), void *arg, const char *name);
/* Sleep until coro_wake; a wake that came first is not lost. Returns 0, or
 * ERR_CANCELLED once after coro_cancel. */
error_t coro_suspend(void) MAY_YIELD;
error_t coro_suspend_until(ticks_t deadline) MAY_YIELD;   /* or ERR_TIMEOUT */
void coro_wake(struct coro *);
void coro_cancel(struct coro *);
void coro_yield(void) MAY_YIELD;
struct coro_stats { uint32_t total, used, high_water; size_t stack_bytes, stack_high_water; };
void coro_get_stats(struct coro_stats *);

/* ---- timers, on the executor's stack ---- */
struct exec_timer {
    ticks_t deadline;
    void (*fire)(struct exec_timer *);
    struct exec_timer *next, *prev; bool armed;     /* executor's */
    struct exec_timer *child;                       /* executor's */
};
void exec_timer_set(struct exec_timer *, ticks_t deadline);
void exec_timer_cancel(struct exec_timer *);
ticks_t exec_now(void);             /* the time CSR */

/* ---- the loop ---- */
struct exec_config {
    cptr_t   notification;          /* the server's own: doorbells and IRQs     */
    uint64_t doorbell_mask;         /* bits that are session doorbells: session k
                                     * rings bit k % popcount, from bit 0 up     */
    const volatile struct hart_page *hart_page;
    const volatile uint32_t *hart;  /* where the executor runs; the supervisor
                                     * changes it when it moves the server      */
    uint32_t nr_coroutines;
    size_t   coroutine_stack_bytes;
    void    *coroutine_stacks;      /* nr_coroutines * (stack + a guard page), the
                                     * guard first; NULL: mapped by exec_init at
                                     * SRV_CORO_STACKS                          */
};
error_t exec_init(const struct exec_config *);
void exec_add_server(struct rpc_server *);
/* Sessions in which this server is the client: drained in each turn. */
void exec_add_client(struct rpc_client *);
/* Call fn when any of these notification bits was signalled. */
void exec_on_signal(uint64_t bits, void (*fn)(uint64_t bits, void *), void *arg);
void exec_run(void);
/* Called now and then while there is work: figures.h. */
void exec_set_sampler(void (*)(struct rpc_server *));

struct exec_stats { uint64_t turns, sleeps, requests, spins_won, spins_lost; };
void exec_get_stats(struct exec_stats *);

/* One turn without sleeping; returns whether anything was done. For tests. */
bool exec_turn(void);
/* End exec_run after this turn. For tests: a server never ends its loop. */
void exec_stop(void);

extern const struct rpc_env coro_rpc_env;   /* for clients inside a server      */

#endif
