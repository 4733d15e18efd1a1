/* SPDX-License-Identifier: MIT */
/*
 * Timers behind timerfds. fs owns the descriptors and names each timer by a
 * number of its own; it arms and disarms by an event, and hears of expirations
 * by one. A timer exists here only while it is armed, in the place that its number names.
 */
#include <fs_client.h>
#include <libipc/journal.h>

#include "clock.h"
#include "state.h"

static struct fs_timer *place_of(uint64_t id)
{
    return (uint32_t)id < NR_FS_TIMERS ? &state->fs_timer[(uint32_t)id] : NULL;
}

static void expired(struct timer *timer, uint64_t periods)
{
    struct fs_timer *t = (struct fs_timer *)timer;

    journal_commit_with(&fs_client.session->header.sq_tail);
    fs_timer_fired(&fs_client, t->id, periods);
}

error_t time_serve_fs_timer_set(struct rpc_call *call, const struct time_fs_timer_set_in *in)
{
    struct fs_timer *t = place_of(in->timer);
    uint64_t *used = &state->fs_timers_used[(uint32_t)in->timer % NR_FS_TIMERS / 64], bit = 1ul << (in->timer % 64);
    bool realtime;

    if (call->client != SERVER_FS)
        return ERR_PERMISSION;
    if (!t || clock_is_realtime(in->clock, &realtime))
        return ERR_INVALID_ARGUMENT;
    if (!(*used & bit)) {
        if (in->value_ns == 0)
            return 0;
        if (!state_commit(t, sizeof *t))
            return ERR_NO_MEMORY;
        journal_commit();
        *t = (struct fs_timer){ .timer = { .deadline.fire = timer_fire, .expired = expired } };
        __asm__ volatile("" ::: "memory");
        *used |= bit;
    }
    if (in->value_ns == 0 && t->id != in->timer)
        return 0;               /* of one that was set anew */
    journal_begin(rpc_done_word(call));
    journal_save(t, sizeof *t);
    t->id = in->timer;
    return timer_set(&t->timer, realtime, in->absolute != 0, in->value_ns, in->interval_ns);
}

void fs_timers_recover(void)
{
    for (uint32_t word = 0; word < NR_FS_TIMERS / 64; word++)
        for (uint64_t left = state->fs_timers_used[word]; left; left &= left - 1) {
            struct timer *t = &state->fs_timer[word * 64 + (uint32_t)__builtin_ctzl(left)].timer;

            t->expired = expired;
            deadline_recover(&t->deadline, timer_fire);
        }
}
