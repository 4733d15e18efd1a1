/* SPDX-License-Identifier: MIT */
/* Waiting for children. */
#ifndef PROC_WAIT_H
#define PROC_WAIT_H

#include "process.h"

/* The child is a zombie now (or a zombie got this parent): signal the parent,
 * answer its waits; reaps the child at once if the parent does not care. */
void wait_child_exited(struct process *child);
/* The child stopped or continued. */
void wait_child_changed(struct process *child);
/* The process itself is gone. */
void wait_process_gone(struct process *);

#endif
