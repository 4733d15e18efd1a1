/* SPDX-License-Identifier: MIT */
/*
 * Coroutines: stackful, cooperative, a fixed pool on the executor's one thread.
 *
 * Life: free -> spawned (its bit is set) -> running <-> suspended -> free. Only
 * the executor's own stack resumes one, so a switch always goes between that
 * stack and a coroutine's.
 *
 * Wakers are bits: bit i of coro_woken[] asks for coroutine i. Waking is one atomic
 * OR; the executor takes a whole word with one exchange. A bit that is set while
 * its coroutine runs stays, and ends that coroutine's next suspend at once: no
 * wake is lost. Suspends may end without reason; callers look at their condition
 * again.
 *
 * A stack is painted when it is first used, so that coro_get_stats can tell how
 * deep it ever went. Below each lies a guard page.
 */
#include <assert.h>
#include <libipc/atomic.h>
#include <stdlib.h>
#include <string.h>

#include "coro.h"
#include "coro_fiber.h"

#define PAINT           0x5aa55aa5c33cc33cull
#define SAVED_WORDS     14u     /* rv64: 13 registers, padded to 16 bytes       */

enum coro_state { CORO_FREE, CORO_SUSPENDED, CORO_RUNNING };

struct coro {
    void *sp;
    void (*fn)(void *);
    void *arg;
    const char *name;
    enum coro_state state;
    uint32_t index;
    bool cancelled;         /* coro_cancel came, coro_suspend has not told yet   */
    bool timed_out;
    bool painted;
    uint8_t *stack;         /* lowest byte above the guard                       */
    void *fiber;
    struct exec_timer timer;
    struct coro *next_free;
};

static struct {
    struct coro *all;
    uint32_t nr, used, high_water;
    size_t stack_bytes;
    struct coro *free;
    struct coro *current;
    void *main_sp;
    void *main_fiber;
    const void *main_stack;
    size_t main_stack_bytes;
} pool;
static uint64_t coro_woken[CORO_MAX / 64];
uint32_t coro_woken_any;

error_t coro_init(void *stacks, uint32_t nr, size_t stack_bytes)
{
    if (nr > CORO_MAX || stack_bytes % PAGE_BYTES != 0 || stack_bytes < PAGE_BYTES)
        return ERR_INVALID_ARGUMENT;
    free(pool.all);     /* of a former executor (tests) */
    memset(&pool, 0, sizeof pool);
    memset(coro_woken, 0, sizeof coro_woken);
    coro_woken_any = 0;
    pool.all = calloc(nr, sizeof *pool.all);
    if (pool.all == NULL && nr != 0)
        return ERR_NO_MEMORY;
    pool.nr = nr;
    pool.stack_bytes = stack_bytes;
    for (uint32_t i = nr; i-- != 0;) {
        struct coro *c = &pool.all[i];
        c->index = i;
        c->stack = (uint8_t *)stacks + i * (stack_bytes + PAGE_BYTES) + PAGE_BYTES;
        c->next_free = pool.free;
        pool.free = c;
    }
    return 0;
}

struct coro *coro_self(void)
{
    return pool.current;
}

static void paint(struct coro *c)
{
    uint64_t *word = (uint64_t *)c->stack;
    for (size_t i = 0; i < pool.stack_bytes / sizeof *word; i++)
        word[i] = PAINT;
    c->painted = true;
}

error_t coro_spawn(void (*fn)(void *), void *arg, const char *name)
{
    struct coro *c = pool.free;

    if (c == NULL)
        return ERR_NO_MEMORY;
    pool.free = c->next_free;
    if (++pool.used > pool.high_water)
        pool.high_water = pool.used;
    fiber_fresh(c->stack, pool.stack_bytes);
    if (!c->painted)
        paint(c);
    c->fn = fn;
    c->arg = arg;
    c->name = name;
    c->cancelled = c->timed_out = false;
    c->state = CORO_SUSPENDED;
    /* What coro_switch restores: zeros, and coro_entry as return address. On
     * x86-64 that is the seventh word, and the stack is 8 off 16 after it. */
    uint64_t *top = (uint64_t *)(c->stack + pool.stack_bytes) - 2 - SAVED_WORDS;
    memset(top, 0, (SAVED_WORDS + 2) * sizeof *top);
#if defined(__riscv)
    top[0] = (uint64_t)(uintptr_t)coro_entry;
#else
    top[6] = (uint64_t)(uintptr_t)coro_entry;
#endif
    c->sp = top;
    coro_wake(c);
    return 0;
}

/* ---- switching ---- */

static void resume(struct coro *c)
{
    pool.current = c;
    c->state = CORO_RUNNING;
    fiber_leave(&pool.main_fiber, c->stack, pool.stack_bytes);
    coro_switch(&pool.main_sp, c->sp);
    fiber_arrive(pool.main_fiber, NULL, NULL);
    pool.current = NULL;
}

static void leave(struct coro *c)
{
    c->state = CORO_SUSPENDED;
    fiber_leave(&c->fiber, pool.main_stack, pool.main_stack_bytes);
    coro_switch(&c->sp, pool.main_sp);
    fiber_arrive(c->fiber, &pool.main_stack, &pool.main_stack_bytes);
}

void coro_main(void)
{
    struct coro *c = pool.current;

    fiber_arrive(NULL, &pool.main_stack, &pool.main_stack_bytes);
    c->fn(c->arg);
    c->state = CORO_FREE;
    c->next_free = pool.free;
    pool.free = c;
    pool.used--;
    fiber_leave(NULL, pool.main_stack, pool.main_stack_bytes);
    void *unused;
    coro_switch(&unused, pool.main_sp);
    __builtin_unreachable();
}

bool coro_run_woken(void)
{
    bool any = false;

    store_relaxed(&coro_woken_any, 0);
    full_fence();       /* what is set after this look is told of again */
    for (uint32_t w = 0; w < (pool.nr + 63) / 64; w++) {
        if (load_relaxed(&coro_woken[w]) == 0)
            continue;
        uint64_t bits = __atomic_exchange_n(&coro_woken[w], 0, __ATOMIC_ACQUIRE);
        for (; bits != 0; bits &= bits - 1) {
            struct coro *c = &pool.all[w * 64 + (unsigned)__builtin_ctzll(bits)];
            if (c->state == CORO_SUSPENDED) {
                resume(c);
                any = true;
            }
        }
    }
    return any;
}

/* ---- waiting and waking ---- */

void coro_wake(struct coro *c)
{
    __atomic_fetch_or(&coro_woken[c->index / 64], 1ull << (c->index % 64), __ATOMIC_RELEASE);
    store_release(&coro_woken_any, 1);
}

void coro_cancel(struct coro *c)
{
    c->cancelled = true;
    coro_wake(c);
}

void coro_set_cancelled(struct coro *c, bool cancelled)
{
    c->cancelled = cancelled;
}

error_t coro_suspend(void)
{
    struct coro *c = pool.current;

    assert(c != NULL);  /* the executor's own stack cannot wait */
    if (!c->cancelled)
        leave(c);
    if (!c->cancelled)
        return 0;
    c->cancelled = false;
    return ERR_CANCELLED;
}

static void timer_fired(struct exec_timer *timer)
{
    struct coro *c = (struct coro *)((uint8_t *)timer - offsetof(struct coro, timer));
    c->timed_out = true;
    coro_wake(c);
}

error_t coro_suspend_until(ticks_t deadline)
{
    struct coro *c = pool.current;

    assert(c != NULL);
    c->timed_out = false;
    c->timer.fire = timer_fired;
    exec_timer_set(&c->timer, deadline);
    error_t error = coro_suspend();
    exec_timer_cancel(&c->timer);
    return error == 0 && c->timed_out ? ERR_TIMEOUT : error;
}

void coro_yield(void)
{
    struct coro *c = pool.current;

    assert(c != NULL);
    coro_wake(c);
    leave(c);
}

NO_ASAN void coro_get_stats(struct coro_stats *stats)
{
    *stats = (struct coro_stats){ pool.nr, pool.used, pool.high_water, pool.stack_bytes, 0 };
    for (uint32_t i = 0; i < pool.nr; i++) {
        const uint64_t *word = (const uint64_t *)pool.all[i].stack;
        size_t clean = 0, nr = pool.stack_bytes / sizeof *word;
        if (!pool.all[i].painted)
            continue;
        while (clean < nr && word[clean] == PAINT)
            clean++;
        size_t deep = pool.stack_bytes - clean * sizeof *word;
        if (deep > stats->stack_high_water)
            stats->stack_high_water = deep;
    }
}
