/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: synchronous messages between threads.
 *
 * The queue holds either senders or receivers, linked through wait_next. The
 * endpoint's lock guards the queue, and the recv_reply of queued receivers; who
 * unlinks a thread has claimed it (object/tcb.h). Lock order: notification ->
 * endpoint -> reply.
 */
#ifndef ATOLL_OBJECT_ENDPOINT_H
#define ATOLL_OBJECT_ENDPOINT_H

#include "kernel/lock.h"
#include "object/tcb.h"

enum endpoint_kind { EP_IDLE, EP_SENDERS, EP_RECEIVERS };

struct endpoint {
    /* guarded by lock */
    struct spinlock lock;
    uint32_t kind;
    uint32_t dead;
    struct tcb *head, *tail;
    struct tcb *scan;           /* the next that a cancellation looks at       */
    badge_t  scan_badge;
    uint64_t nr_scans;          /* begun                                       */
};
_Static_assert(sizeof(struct endpoint) <= 1 << ENDPOINT_BITS, "size");

/* Reply objects: the right to answer one caller. */
struct reply {
    /* guarded by lock */
    struct spinlock lock;
    uint32_t dead;
    struct tcb *caller;         /* blocked in BLOCKED_REPLY or BLOCKED_FAULT   */
    struct tcb *receiver;       /* queued with this as its recv_reply          */
};
_Static_assert(sizeof(struct reply) <= 1 << REPLY_BITS, "size");

enum send_flags { SEND_CALL = 1, SEND_BLOCKING = 2, SEND_CAN_GRANT = 4, SEND_FAULT = 8 };

/* Messages of the current thread t, in its registers. K_BLOCKED, K_DONE (its
 * registers and pc are set), or an error. */
error_t endpoint_send(struct hart *h, struct tcb *t, struct endpoint *ep, badge_t badge,
                      unsigned flags);
error_t endpoint_recv(struct hart *h, struct tcb *t, struct endpoint *ep,
                      struct reply *reply, bool blocking);
/* Answer the caller. ERR_CANCELLED: it is gone. */
error_t reply_send(struct hart *h, struct tcb *t, struct reply *reply, bool can_grant);

/* With ep->lock held: unlink and claim a sender, or a thread that received nothing: its
 * reply object is free again. */
void endpoint_unlink_receiver(struct endpoint *ep, struct tcb *t);

/* Senders with the badge leave with ERR_CANCELLED. 0 or K_PREEMPTED; *cursor is 0
 * at first. */
error_t endpoint_cancel_badged(struct endpoint *ep, badge_t badge, uint64_t *cursor);
error_t endpoint_destroy_step(struct endpoint *ep);
error_t reply_destroy_step(struct reply *reply);

#endif
