/* SPDX-License-Identifier: MIT */
/*
 * The run queue of one hart: a list for each of 256 priorities and a two-level
 * bitmap to find the highest. `top` caches it, so the question asked on every
 * switch ("is somebody at least as important?") is one load.
 */
#ifndef ATOLL_KERNEL_RUN_QUEUE_H
#define ATOLL_KERNEL_RUN_QUEUE_H

#include "kernel/hart.h"

void run_queue_init(struct run_queue *q);
void run_queue_add(struct run_queue *q, struct tcb *t, bool front);
void run_queue_remove(struct run_queue *q, struct tcb *t);
struct tcb *run_queue_take(struct run_queue *q);    /* highest, first; or NULL */

#endif
