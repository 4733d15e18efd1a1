/* SPDX-License-Identifier: MIT */
/*
 * What happens to a thread on its owner hart: the end of waits, requests from
 * other harts, upcalls and faults. See object/tcb.h for the rules of waiting.
 */
#ifndef ATOLL_KERNEL_THREAD_H
#define ATOLL_KERNEL_THREAD_H

#include "object/tcb.h"

/* Carry out enum tcb_op bits for a thread of this hart. */
void thread_do_ops(struct hart *h, struct tcb *t, uint32_t ops);
/* Its deadline has passed. */
void thread_deadline(struct hart *h, struct tcb *t);

/* A system call of t is over: a0 = err and the pc moves on. For waits of
 * threads of other harts only by the claimer. */
static inline void thread_complete(struct tcb *t, error_t err)
{
    t->x[10] = (uint64_t)(int64_t)err;
    t->x[0] += 4;
}

/* The claimed wait of t has been completed; t may be of any hart. */
void thread_wake(struct tcb *t);
/* A claim ended although the thread goes on waiting for something else. */
void thread_unclaim(struct tcb *t);

/* What t does comes again; others must act first: equals run, and after a few tries in a
 * row it sleeps for a short time. */
void thread_retry(struct hart *h, struct tcb *t);

/* Enter the personality's upcall entry with the registers of the guest. */
void thread_enter_upcall(struct tcb *t, uint64_t cause, uint64_t value);
/* A trap of the current thread that the kernel does not resolve. */
void thread_fault(struct hart *h, struct tcb *t, uint64_t cause, uint64_t value);

/* The first thread, from boot on: a fault of it that nobody receives is a panic. */
extern struct tcb *root_thread;
/* The budget of the current thread has ended. False: nobody is told. */
bool thread_budget_fault(struct hart *h, struct tcb *t);

#endif
