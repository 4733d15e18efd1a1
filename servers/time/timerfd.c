/* SPDX-License-Identifier: MIT */
/*
 * Timers behind timerfds. fs owns the descriptors and names each timer by a
 * number of its own; it arms and disarms by an event, and hears of expirations
 * by one. A timer exists here only while it is armed.
 */
#include <fs_client.h>
#include <stdlib.h>

#include "clock.h"
#include "process.h"

#define NR_BUCKETS 64

struct fs_timer {
    struct timer timer;
    uint64_t id;
    struct fs_timer *next;
};
static struct fs_timer *buckets[NR_BUCKETS];

static struct fs_timer **find(uint64_t id)
{
    struct fs_timer **at = &buckets[(id ^ id >> 32) % NR_BUCKETS];

    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void drop(struct fs_timer **at)
{
    struct fs_timer *t = *at;

    *at = t->next;
    deadline_cancel(&t->timer.deadline);
    free(t);
}

static void expired(struct timer *timer, uint64_t periods)
{
    struct fs_timer *t = (struct fs_timer *)timer;

    fs_timer_fired(&fs_client, t->id, periods);
    if (!deadline_is_armed(&t->timer.deadline))
        drop(find(t->id));
}

error_t time_serve_fs_timer_set(struct rpc_call *call, const struct time_fs_timer_set_in *in)
{
    struct fs_timer **at = find(in->timer), *t = *at;
    bool realtime;

    if (call->client != SERVER_FS)
        return ERR_PERMISSION;
    if (in->value_ns == 0) {
        if (t)
            drop(at);
        return 0;
    }
    if (clock_is_realtime(in->clock, &realtime))
        return ERR_INVALID_ARGUMENT;
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            return ERR_NO_MEMORY;
        t->id = in->timer;
        t->timer.expired = expired;
        *at = t;
    }
    return timer_set(&t->timer, realtime, in->absolute != 0, in->value_ns, in->interval_ns);
}
