/* SPDX-License-Identifier: MIT */
/* The executor's timers; exec_timer_set and _cancel are in libipc/executor.h. */
#ifndef LIBIPC_SRC_TIMER_H
#define LIBIPC_SRC_TIMER_H

#include <libipc/executor.h>

/* Deadline of the next timer, or DEADLINE_NONE. */
ticks_t timer_next(void);
/* Fire all that are due at `now`; true when there was one. */
bool timer_run(ticks_t now);

#endif
