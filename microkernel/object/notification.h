/* SPDX-License-Identifier: MIT */
/*
 * Notifications: a word of bits. Signal ORs the badge in, or hands all bits to
 * a waiter; wait takes all bits or blocks. One TCB may be bound: its receive on
 * an endpoint then ends with a signal too.
 */
#ifndef ATOLL_OBJECT_NOTIFICATION_H
#define ATOLL_OBJECT_NOTIFICATION_H

#include "kernel/lock.h"
#include "object/tcb.h"

struct notification {
    /* guarded by lock */
    struct spinlock lock;
    uint32_t dead;
    uint64_t bits;
    struct tcb *head, *tail;
    struct tcb *bound;
};
_Static_assert(sizeof(struct notification) <= 1 << NOTIFICATION_BITS, "size");

void notification_signal(struct notification *n, badge_t bits);
/* Current thread. K_DONE, K_BLOCKED or an error. */
error_t notification_wait(struct hart *h, struct tcb *t, struct notification *n, ticks_t deadline);
error_t notification_destroy_step(struct notification *n);

#endif
