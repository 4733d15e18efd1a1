/* SPDX-License-Identifier: MIT */
/*
 * Wait queues and parked requests: see wait.h.
 *
 * A parked record goes through: park -> (ready -> attempt)* -> ended. The ready
 * list is run by an executor timer that is due at once, so attempts happen
 * between requests and never inside the operation that woke them. Records are
 * recycled by size class: a blocked reader costs no trip to the allocator.
 */
#include "wait.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"

/* ---- queues ---- */
void waitq_add(struct waitq *q, struct waiter *w)
{
    w->queue = q;
    w->next = NULL;
    w->prev = q->last;
    if (q->last)
        q->last->next = w;
    else
        q->first = w;
    q->last = w;
}

void waiter_remove(struct waiter *w)
{
    struct waitq *q = w->queue;

    if (!q)
        return;
    if (w->prev)
        w->prev->next = w->next;
    else
        q->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        q->last = w->prev;
    w->queue = NULL;
    w->next = w->prev = NULL;
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    struct waiter *next;

    for (struct waiter *w = q->first; w; w = next) {
        next = w->next;
        if (events & (w->events | FS_POLL_ALWAYS))
            w->wake(w, events);
    }
}

void waitq_break_leases(struct waitq *q)
{
    q->leased = false;
    waitq_wake(q, FS_WAKE_LEVEL);
}

void waitq_close(struct waitq *q)
{
    while (q->first) {
        struct waiter *w = q->first;

        waiter_remove(w);
        w->wake(w, FS_POLLNVAL | FS_POLLHUP);
    }
}

/* ---- parked requests ---- */
static const uint16_t class_bytes[] = { 256, 512, PARKED_MAX_BYTES };
#define NR_CLASSES (sizeof class_bytes / sizeof class_bytes[0])
static struct parked *free_records[NR_CLASSES];

static struct parked *ready_first, *ready_last;
static void ready_timer_fired(struct exec_timer *t) { (void)t; wait_run_ready(); }
static struct exec_timer ready_timer = { .fire = ready_timer_fired };

static struct parked *record_alloc(size_t bytes)
{
    for (unsigned c = 0; c < NR_CLASSES; c++) {
        struct parked *p;

        if (bytes > class_bytes[c])
            continue;
        p = free_records[c];
        if (p)
            free_records[c] = p->next_ready;
        else
            p = malloc(class_bytes[c]);
        if (p) {
            memset(p, 0, bytes);
            p->size_class = (uint8_t)c;
        }
        return p;
    }
    return NULL;
}

static void record_free(struct parked *p)
{
    p->next_ready = free_records[p->size_class];
    free_records[p->size_class] = p;
}

static void ready_remove(struct parked *p)
{
    struct parked **at = &ready_first, *prev = NULL;

    if (!p->ready)
        return;
    while (*at != p) {
        prev = *at;
        at = &(*at)->next_ready;
    }
    *at = p->next_ready;
    if (ready_last == p)
        ready_last = prev;
    p->ready = false;
}

void parked_retry(struct parked *p)
{
    if (p->ready || p->ended)
        return;
    p->ready = true;
    p->next_ready = NULL;
    if (ready_last)
        ready_last->next_ready = p;
    else
        ready_first = p;
    ready_last = p;
    if (!ready_timer.armed)
        exec_timer_set(&ready_timer, 0);
}

static void parked_wake(struct waiter *w, uint32_t events)
{
    (void)events;
    parked_retry((struct parked *)((char *)w - offsetof(struct parked, waiter)));
}

static void parked_timeout(struct exec_timer *t)
{
    struct parked *p = (struct parked *)((char *)t - offsetof(struct parked, timer));

    parked_end(p, ERR_TIMEOUT);
}

static void parked_cancelled(struct rpc_call *call)
{
    parked_end(call->context, ERR_CANCELLED);
}

error_t park(struct rpc_call *call, const struct parked_ops *ops, size_t bytes,
             struct file *file, ticks_t deadline, struct parked **out)
{
    struct parked *p = record_alloc(bytes);

    if (!p)
        return ERR_NO_MEMORY;
    p->call = rpc_park(call, parked_cancelled, p);
    if (!p->call) {
        record_free(p);
        return ERR_NO_BUFFERS;
    }
    p->ops = ops;
    p->waiter.wake = parked_wake;
    p->timer.fire = parked_timeout;
    p->file = file ? file_get(file) : NULL;
    if (deadline != DEADLINE_NONE)
        exec_timer_set(&p->timer, deadline);
    *out = p;
    return 0;
}

void parked_end(struct parked *p, error_t result)
{
    struct file *file = p->file;

    if (p->ended)
        return;
    p->ended = true;
    waiter_remove(&p->waiter);
    ready_remove(p);
    if (p->timer.armed)
        exec_timer_cancel(&p->timer);
    p->ops->reply(p, result);
    if (p->ops->release)
        p->ops->release(p);
    record_free(p);
    if (file)
        file_put(file);
}

void wait_run_ready(void)
{
    /* What becomes ready meanwhile is run too; each attempt moves something or waits,
     * and a bound keeps two parties that feed each other from holding the executor. */
    for (unsigned budget = 256; ready_first && budget; budget--) {
        struct parked *p = ready_first;
        error_t e;

        ready_first = p->next_ready;
        if (!ready_first)
            ready_last = NULL;
        p->ready = false;
        e = p->ops->attempt(p);
        if (e != ERR_WOULD_BLOCK)
            parked_end(p, e);
    }
    if (ready_first && !ready_timer.armed)
        exec_timer_set(&ready_timer, 0);
}
