/* SPDX-License-Identifier: MIT */
/*
 * Requests from one hart to another.
 *
 * A thread has one list node and a word of pending-operation bits. A poster
 * sets its bit and pushes the node on the owner's mailbox only when the word
 * was zero; the owner takes the whole list, turns it round so that the oldest comes
 * first, then per thread takes it off, exchanges the word with zero and does what it
 * says. So a thread is in at most one list, and any number of requests need no memory;
 * a word of zero says that it is in none.
 *
 * The owner does this in portions, since other harts may wake any number of threads
 * while it is elsewhere. What is left stays in its own lists (taken, turned), and it
 * gives itself an interrupt: on the way to user mode, where it arrives before the next
 * instruction, all others that wait are taken too. HART_OP_DRAIN says meanwhile that
 * there is more, so the hart does not sleep and a long operation is preempted.
 *
 * Who wakes whom: after pushing, the poster executes a full fence and reads
 * `asleep` and `running_priority` of the target. The target stores these, then
 * executes a full fence, and then looks at its mailbox again before it sleeps
 * or returns to user mode. One of the two sees the other. An inter-processor
 * interrupt is sent only to a hart that sleeps, or that runs something which
 * the request must interrupt.
 */
#ifndef ATOLL_KERNEL_MAILBOX_H
#define ATOLL_KERNEL_MAILBOX_H

#include "object/tcb.h"

enum hart_op {
    HART_OP_QUIESCE     = 1 << 0,   /* quiesce_enter                           */
    HART_OP_DROP_VSPACE = 1 << 1,   /* leave the address space of an idle hart,
                                     * or load it anew                         */
    HART_OP_TRACE       = 1 << 2,   /* tracing was switched on or off          */
    HART_OP_CHARGE      = 1 << 3,   /* charge the current thread; done when the
                                     * bit is gone                             */
    HART_OP_DRAIN       = 1 << 4,   /* its own: the mailbox goes on            */
};

/* Ask the owner hart of t; carried out at once if that is this hart. */
void tcb_request(struct tcb *t, uint32_t op);
/* Always through the mailbox, this hart's own included. */
void mailbox_post(struct tcb *t, uint32_t op);
void mailbox_post_hart(struct hart *h, uint32_t op);
void mailbox_post_harts(uint64_t mask, uint32_t op);
/* Carry out a portion of what waits; if that may not be all, an interrupt of this hart
 * is pending at return. Only where no capability reference is held. */
void mailbox_drain(struct hart *h);

static inline bool mailbox_pending(const struct hart *h)
{
    return __atomic_load_n(&h->mailbox, __ATOMIC_RELAXED) != NULL ||
           __atomic_load_n(&h->ops, __ATOMIC_RELAXED) != 0;
}

#endif
