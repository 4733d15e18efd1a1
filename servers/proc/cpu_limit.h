/* SPDX-License-Identifier: MIT */
/* RLIMIT_CPU. */
#ifndef PROC_CPU_LIMIT_H
#define PROC_CPU_LIMIT_H

#include "process.h"

/* A limit was set or inherited, or a thread more uses CPU time: look soon.
 * Nothing happens, and no timer is armed, for a process without a limit. */
void cpu_limit_changed(struct process *);

#endif
