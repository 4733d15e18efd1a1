/* SPDX-License-Identifier: MIT */
/*
 * What outlives the server: every timer that is armed, in the Segment `time_state`. With the offset in the time page and
 * the sessions it is all that the next server needs. Sleepers are not here: their clients ask again.
 *
 * Pages are there before they are written (state_commit), so that a full machine is an error for who asks, not a fault.
 */
#ifndef TIME_STATE_H
#define TIME_STATE_H

#include <libipc/journal.h>

#include "process.h"

struct fs_timer {
    struct timer timer;
    uint64_t id;                    /* fs's: the place is its lower half        */
};

struct time_state {
    struct journal journal;
    uint16_t record[NR_SLOTS];      /* of the process in this slot: index + 1; 0: it has none */
    uint64_t fs_timers_used[NR_FS_TIMERS / 64];
    struct fs_timer fs_timer[NR_FS_TIMERS];
    struct process process[NR_SLOTS];
};
_Static_assert(sizeof(struct time_state) <= TIME_STATE_PAGES * PAGE_BYTES, "it fits");

extern struct time_state *state;

/* Take over what the server before us left, or nothing. Before sessions are opened or taken over. */
void state_open(struct time_state *);
/* See to it that these pages are there. False: no memory. */
bool state_commit(void *piece, size_t bytes);

#endif
