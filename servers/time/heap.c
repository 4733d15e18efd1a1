/* SPDX-License-Identifier: MIT */
/* Deadlines; see heap.h. */
#include "heap.h"

#include <libipc/executor.h>
#include <libipc/journal.h>
#include <stdlib.h>

#include "clock.h"
#include "process.h"

/* A moment: for what an event of proc says, or for room in a ring if there is not even a coroutine to wait on. */
#define LATER_NS 1000000

static struct deadline **heap;
static uint32_t count, capacity;
static bool stalled;            /* what is due waits for room in a peer's ring  */

static void on_timer(struct exec_timer *timer);
static struct exec_timer timer = { .fire = on_timer };

static void put(uint32_t at, struct deadline *d)
{
    heap[at] = d;
    d->place = at + 1;
}

static void sift_up(uint32_t at)
{
    struct deadline *d = heap[at];

    while (at > 0 && heap[(at - 1) / 2]->due_ns > d->due_ns) {
        put(at, heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(at, d);
}

static void sift_down(uint32_t at)
{
    struct deadline *d = heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= count)
            break;
        if (child + 1 < count && heap[child + 1]->due_ns < heap[child]->due_ns)
            child++;
        if (heap[child]->due_ns >= d->due_ns)
            break;
        put(at, heap[child]);
        at = child;
    }
    put(at, d);
}

static void arm(void)
{
    if (count == 0 || stalled)
        exec_timer_cancel(&timer);
    else if (!timer.armed || timer.deadline != clock_ns_to_ticks(heap[0]->due_ns))
        exec_timer_set(&timer, clock_ns_to_ticks(heap[0]->due_ns));
}

static int64_t due(const struct deadline *d)
{
    return d->realtime ? d->at_ns - clock_realtime_offset() : d->at_ns;
}

static void remove_at(uint32_t at)
{
    heap[at]->place = 0;
    if (--count == at)
        return;
    put(at, heap[count]);
    sift_up(at);
    sift_down(heap[at]->place - 1);
}

/* Of no heap yet, its due_ns is known; false: no memory. */
static bool insert(struct deadline *d)
{
    if (count == capacity) {
        uint32_t more = capacity ? capacity * 2 : 64;
        struct deadline **bigger = realloc(heap, more * sizeof *heap); /* NOLINT(bugprone-sizeof-expression): of pointers */

        if (!bigger)
            return false;
        heap = bigger;
        capacity = more;
    }
    heap[count] = d;
    sift_up(count++);
    arm();
    return true;
}

bool deadline_set(struct deadline *d, int64_t at_ns, bool realtime)
{
    if (d->place)
        remove_at(d->place - 1);
    d->at_ns = at_ns;
    d->realtime = realtime;
    d->due_ns = due(d);
    d->armed = insert(d);
    return d->armed;
}

void deadline_again(struct deadline *d)
{
    d->due_ns = clock_monotonic_ns() + LATER_NS;
    d->armed = insert(d);
}

void deadline_cancel(struct deadline *d)
{
    d->armed = false;
    if (!d->place)
        return;
    remove_at(d->place - 1);
    arm();
}

void deadline_recover(struct deadline *d, void (*fire)(struct deadline *))
{
    d->place = 0;
    d->fire = fire;
    d->due_ns = due(d);
    if (d->armed && !insert(d))
        abort();    /* there was memory for it before */
}

void deadlines_clock_changed(void)
{
    for (uint32_t i = 0; i < count; i++)
        heap[i]->due_ns = due(heap[i]);
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(i);
    arm();
}

int64_t deadline_left_ns(const struct deadline *d)
{
    int64_t left;

    if (!d->armed)
        return 0;
    left = due(d) - clock_monotonic_ns();
    return left > 0 ? left : 1;
}

static bool have_room(void)
{
    return rpc_has_room(&proc_client) && rpc_has_room(&fs_client);
}

/* On a coroutine. */
static void await_room(void *arg)
{
    (void)arg;
    while (!have_room()) {
        rpc_await_room(&proc_client);
        rpc_await_room(&fs_client);
    }
    stalled = false;
    deadlines_run();
}

/* An event that waits on a list would be lost with this server: what is due waits instead. */
static void wait_for_room(void)
{
    stalled = coro_spawn(await_room, NULL, "room") == 0;
    if (!stalled)
        exec_timer_set(&timer, clock_ns_to_ticks(clock_monotonic_ns() + LATER_NS));
}

void deadlines_run(void)
{
    int64_t now_ns = clock_monotonic_ns();

    while (count && heap[0]->due_ns <= now_ns && !stalled) {
        struct deadline *d = heap[0];

        if (d->realtime && due(d) > now_ns) {   /* another shard set the clock back, and its event is on the way */
            deadlines_clock_changed();
            continue;
        }
        if (!have_room()) {
            wait_for_room();
            return;
        }
        journal_begin(NULL);
        journal_save(d, sizeof *d);
        remove_at(0);
        d->armed = false;
        d->fire(d);
        journal_commit();
    }
    arm();
}

static void on_timer(struct exec_timer *t)
{
    (void)t;
    deadlines_run();
}
