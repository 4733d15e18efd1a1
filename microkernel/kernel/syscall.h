/* SPDX-License-Identifier: MIT */
/* System calls; see atoll/syscall.h. */
#ifndef ATOLL_KERNEL_SYSCALL_H
#define ATOLL_KERNEL_SYSCALL_H

#include "object/tcb.h"

/* The call that t made; all its registers are in the TCB. */
void syscall_handle(struct hart *h, struct tcb *t);

/* The same, known to be SYS_CALL or SYS_REPLY_RECV. */
void syscall_ipc(struct hart *h, struct tcb *t);

/*
 * The same for calls that leave the caller's registers alone and have no effect on
 * who runs but by the scheduler: the callee-saved ones need not be in the TCB yet.
 * They must be before sched_exit, since another hart may then get the thread.
 */
enum { SYSCALL_DONE, SYSCALL_DECLINED, SYSCALL_CHOOSE /* by sched_exit */ };
int syscall_light(struct tcb *t);

#endif
