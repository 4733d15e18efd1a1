/* SPDX-License-Identifier: MIT */
/* Signals: queues, routing, job control. signal.c has the story. */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "process.h"

/* To a process. Permission was checked. 0, or ERR_AGAIN when a real-time signal
 * from sigqueue finds the queue full. */
error_t signal_process(struct process *, const struct proc_siginfo *);
error_t signal_thread(struct thread *, const struct proc_siginfo *);
/* The kernel's own: SIGHUP and the like. */
void signal_simple(struct process *, uint32_t signo);
void signal_group(uint32_t pgid, uint32_t signo);
/* May the caller signal the target? */
bool signal_allowed(const struct process *from, const struct process *to, uint32_t signo);
/* SIGCHLD for a child's change of state. */
void signal_child_event(struct process *child, int32_t code, int32_t status);
/* Drop everything queued: the thread or the process is gone. */
void signal_thread_gone(struct thread *);
void signal_process_gone(struct process *);
/* exec: pending signals of the calling thread go to the new one. */
void signal_move_thread(struct thread *from, struct thread *to);
/* Stop and continue. */
void process_stop(struct process *, uint32_t signo);
void process_continue(struct process *);

#endif
