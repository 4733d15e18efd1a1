/* SPDX-License-Identifier: MIT */
/* The end of processes and images. */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "process.h"

/* End the process now, wherever it is in its life; status is a wait status. */
void process_exit(struct process *, uint32_t status);
/* The zombie was waited for: forget it. */
void process_reap(struct process *);
/* Threads stopped for good, session closed, objects to the reaper. The caller
 * drops its hold (process_reap, exec). */
void image_teardown(struct image *);
/* Release the vfork parent, if one waits. */
void vfork_release(struct process *);
/* Recompute pgrp_orphaned of a process group. `signal`: SIGHUP and SIGCONT to
 * stopped members when it became orphaned. */
void pgrp_update(uint32_t pgid, bool signal);

#endif
