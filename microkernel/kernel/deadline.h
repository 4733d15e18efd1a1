/* SPDX-License-Identifier: MIT */
/*
 * The deadlines of one hart: a pairing heap threaded through the TCBs, owner
 * hart only. A thread has at most one deadline: the end of its wait, or the
 * time at which it has budget again.
 */
#ifndef ATOLL_KERNEL_DEADLINE_H
#define ATOLL_KERNEL_DEADLINE_H

#include "object/tcb.h"

void deadline_insert(struct hart *h, struct tcb *t, ticks_t when);
void deadline_remove(struct hart *h, struct tcb *t);    /* no-op if not in it  */

/* The earliest, or DEADLINE_NONE. */
static inline ticks_t deadline_first(const struct hart *h)
{
    return h->deadlines != NULL ? h->deadlines->deadline : DEADLINE_NONE;
}

#endif
