/* SPDX-License-Identifier: MIT */
/*
 * Preemption points of long operations. The kernel runs with interrupts off;
 * an operation that may take long looks at preempt_pending() at points where
 * its state is consistent and returns one of the values below. The system call
 * then restarts from the beginning when its thread runs again (its pc still
 * stands on the ecall), so progress must be kept in the objects.
 */
#ifndef ATOLL_KERNEL_PREEMPT_H
#define ATOLL_KERNEL_PREEMPT_H

#include "arch/riscv/csr.h"
#include "kernel/hart.h"
#include "kernel/trace.h"

#define K_PREEMPTED 1   /* something waits on this hart: restart after it       */
#define K_AGAIN     2   /* another hart or thread must act first: others run,
                         * and after a few tries the thread sleeps a little     */
#define K_BLOCKED   3   /* internal: the thread waits; its waker completes it   */
#define K_DECLINED  5   /* internal: not here, nothing was done                 */
#define K_DONE      4   /* internal: registers and pc are already set           */

static inline bool preempt_pending(void)
{
    struct hart *h = this_hart();

    trace_stretch(true);
    return __atomic_load_n(&h->mailbox, __ATOMIC_RELAXED) != NULL ||
           __atomic_load_n(&h->ops, __ATOMIC_RELAXED) != 0 ||
           (csr_read("sip") & (SIP_SSIP | SIP_STIP | SIP_SEIP)) != 0;
}

#endif
