/* SPDX-License-Identifier: MIT */
/* The executor's timers; exec_timer_set and _cancel are in libipc/executor.h. */
#ifndef LIBIPC_SRC_TIMER_H
#define LIBIPC_SRC_TIMER_H

#include <libipc/executor.h>

/* The first timer, or NULL. */
extern struct exec_timer *timer_root;
/* Its deadline, or DEADLINE_NONE. */
static inline ticks_t timer_next(void)
{
    return timer_root != NULL ? timer_root->deadline : DEADLINE_NONE;
}
/* Fire all that are due at `now`; true when there was one. */
bool timer_run(ticks_t now);

#endif
