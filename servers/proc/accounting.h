/* SPDX-License-Identifier: MIT */
/* CPU time and other usage. */
#ifndef PROC_ACCOUNTING_H
#define PROC_ACCOUNTING_H

#include "process.h"

/* Add an ending thread's figures to its process. */
void account_thread_end(struct thread *);
/* All of a process, living threads included. */
struct cpu_use { ticks_t user, system; uint64_t faults, switches, nr_runnable; };
void account_process(const struct process *, struct cpu_use *);
/* How many harts its threads can use at once, at least 1. */
unsigned account_parallel(const struct process *);
void usage_of(const struct process *, bool children, struct proc_usage *);
/* A waited-for child's figures go to its parent. */
void account_reaped(struct process *parent, const struct process *child);
int64_t ticks_to_us(ticks_t);

#endif
