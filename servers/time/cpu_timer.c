/* SPDX-License-Identifier: MIT */
/* Timers on CPU time; see cpu_timer.h. */
#include "cpu_timer.h"

#include <libipc/executor.h>
#include <libipc/journal.h>
#include <proc_client.h>
#include <stddef.h>
#include <stdlib.h>

#include "process.h"

/* The next look is not nearer than this, or than the second when the clock has
 * not moved since the last: then the process sleeps. */
#define SHORTEST_LOOK_NS 1000000
#define IDLE_LOOK_NS     20000000

enum { CLOCK_KIND_VIRTUAL = 1, CLOCK_KIND_INVALID = 3, CLOCK_KIND = 3, CLOCK_PER_THREAD = 4 };

struct question {
    struct cpu_timer *timer;        /* NULL: cancelled meanwhile                */
    struct cpu_clock clock;
};

bool cpu_clock_of(uint32_t clock, uint32_t pid, struct cpu_clock *out)
{
    int32_t number = (int32_t)clock, id = (int32_t)~(clock >> 3 | 7u << 29);

    *out = (struct cpu_clock){ .pid = (int32_t)pid };
    if (clock == CLOCK_PROCESS_CPUTIME)
        return true;
    if (clock == CLOCK_THREAD_CPUTIME || number >= 0 || (clock & CLOCK_KIND) == CLOCK_KIND_INVALID)
        return false;               /* the caller names its thread by number */
    out->user_only = (clock & CLOCK_KIND) == CLOCK_KIND_VIRTUAL;
    if (clock & CLOCK_PER_THREAD)
        out->tid = id;
    else if (id)
        out->pid = id;
    return id || !(clock & CLOCK_PER_THREAD);
}

error_t cpu_clock_read(const struct cpu_clock *clock, struct cpu_use *out)
{
    return proc_cpu_time(&proc_client, clock->pid, clock->tid, clock->user_only, &out->used, &out->parallel);
}

static bool look_after(struct cpu_timer *t, int64_t ns)
{
    int64_t at;

    if (__builtin_add_overflow(clock_monotonic_ns(), ns, &at))
        at = INT64_MAX;
    return deadline_set(&t->look, at, false);
}

static bool arm(struct cpu_timer *t, const struct cpu_use *now)
{
    ticks_t left = t->due > now->used ? t->due - now->used : 0;
    int64_t ns = clock_ticks_to_ns(left / (now->parallel ? now->parallel : 1));
    int64_t least = now->used == t->seen ? IDLE_LOOK_NS : SHORTEST_LOOK_NS;

    t->seen = now->used;
    if (look_after(t, ns > least ? ns : least))
        return true;
    t->due = 0;
    return false;
}

/* On a coroutine: waits for proc. */
static void find_out(void *arg)
{
    struct question *q = arg;
    struct cpu_timer *t;
    uint64_t periods = 1;
    struct cpu_use now;
    error_t error = cpu_clock_read(&q->clock, &now);

    rpc_await_room(&proc_client);   /* for the signal: heap.c */
    t = q->timer;
    free(q);
    if (!t)
        return;
    t->question = NULL;
    if (t->process && !process_pid(t->process)) {
        look_after(t, SHORTEST_LOOK_NS);    /* deadline_again */
        return;
    }
    journal_begin(NULL);
    journal_save(t, sizeof *t);
    if (error) {
        t->due = 0;
    } else if (now.used < t->due) {
        arm(t, &now);
    } else {
        if (t->interval) {
            periods += (now.used - t->due) / t->interval;
            if (__builtin_add_overflow(t->due, periods * t->interval, &t->due))
                t->due = UINT64_MAX;
            arm(t, &now);
        } else {
            t->due = 0;
        }
        t->expired(t, periods);
    }
    journal_commit();
}

static void on_look(struct deadline *d)
{
    struct cpu_timer *t = (struct cpu_timer *)((char *)d - offsetof(struct cpu_timer, look));
    struct question *q = malloc(sizeof *q);

    if (q) {
        *q = (struct question){ t, t->clock };
        if (coro_spawn(find_out, q, "cpu timer") == 0) {
            t->question = q;
            return;
        }
        free(q);
    }
    look_after(t, SHORTEST_LOOK_NS);    /* no coroutine is free now */
}

bool cpu_timer_set(struct cpu_timer *t, ticks_t due, ticks_t interval, const struct cpu_use *now)
{
    cpu_timer_cancel(t);
    t->look.fire = on_look;
    t->interval = interval;
    t->due = due;
    t->seen = now->used - 1;    /* it may be running */
    return arm(t, now);
}

void cpu_timer_cancel(struct cpu_timer *t)
{
    deadline_cancel(&t->look);
    t->due = 0;
    if (t->question)
        t->question->timer = NULL;
    t->question = NULL;
}

void cpu_timer_recover(struct cpu_timer *t, struct process *process, void (*expired)(struct cpu_timer *, uint64_t periods))
{
    t->process = process;
    t->question = NULL;
    t->expired = expired;
    t->look = (struct deadline){ .fire = on_look };
    t->seen = 0;
    if (t->due && !look_after(t, 0))
        abort();
}

int64_t cpu_timer_left_ns(const struct cpu_timer *t, ticks_t used)
{
    if (!t->due)
        return 0;
    return t->due > used ? clock_ticks_to_ns(t->due - used) : 1;
}
