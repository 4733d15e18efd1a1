/* SPDX-License-Identifier: MIT */
/* What outlives the server; see state.h. */
#include "state.h"

#include <stdlib.h>

struct time_state *state;
static uint64_t known[TIME_STATE_PAGES / 64 + 1];   /* bit page: it is there    */

bool state_commit(void *piece, size_t bytes)
{
    uint64_t first = (uint64_t)((uint8_t *)piece - (uint8_t *)state) / PAGE_BYTES;
    uint64_t last = (uint64_t)((uint8_t *)piece - (uint8_t *)state + bytes - 1) / PAGE_BYTES;

    for (uint64_t page = first; page <= last; page++) {
        if (known[page / 64] >> (page % 64) & 1)
            continue;
        if (!durable_commit((uint8_t *)state + page * PAGE_BYTES, PAGE_BYTES))
            return false;
        known[page / 64] |= 1ul << (page % 64);
    }
    return true;
}

void state_open(struct time_state *memory)
{
    state = memory;
    if (!state_commit(state, offsetof(struct time_state, fs_timer)))
        abort();
    journal_open(&state->journal, state, sizeof *state);
    processes_recover();
    fs_timers_recover();
}
