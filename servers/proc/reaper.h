/* SPDX-License-Identifier: MIT */
/*
 * Taking dead kernel objects apart, on a second thread at guest priority.
 *
 * Unmapping a whole address space can be long; proc itself must not wait for
 * it. The main thread puts numbers of vms and groups into one ring, the reaper
 * thread unmaps the vms, revokes the groups' chunks, and puts the numbers into another ring, both with one writer and one reader. Nothing else
 * is shared between the two threads.
 *
 * The reaper also receives the faults of guest threads that no personality can
 * handle (its fault endpoint) and passes the badge on.
 */
#ifndef PROC_REAPER_H
#define PROC_REAPER_H

#include "process.h"
#include "vm.h"

/* Make and start the thread. */
error_t reaper_init(void);
/* The vm holds the image of its slot; a group's image is held until done. */
void reap_vm(struct vm *);
void reap_group(int group, struct image *);
/* Is anything under way, so that waiting helps against a lack of objects? */
bool reaper_busy(void);
unsigned reaper_backlog(void);     /* vms and groups under way */
/* A coroutine that waits for objects: woken when something was reaped. */
error_t reaper_wait(ticks_t deadline) MAY_YIELD;

#define REAPER_DONE_BIT (1ul << 60)     /* of proc's notification */

#endif
