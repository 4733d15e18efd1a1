/* SPDX-License-Identifier: MIT */
/* See notification.h. Marks like [wait] are those of tests/models/notification.pml. */
#include "object/notification.h"

#include "arch/riscv/csr.h"
#include "kernel/deadline.h"
#include "kernel/preempt.h"
#include "kernel/thread.h"
#include "object/endpoint.h"

/*
 * A bound thread that receives on an endpoint: end that with the bits. What the
 * thread waits for may change until its lock is held, even to something that
 * comes earlier in the lock order; hence only a try, and everything again.
 */
static struct tcb *claim_bound(struct notification *n)
{
    struct tcb *t = n->bound;
    struct endpoint *ep;

    if (t == NULL || __atomic_load_n(&t->sc, __ATOMIC_RELAXED) == NULL)
        return NULL;            /* without a context it could not run */
    do {
        if (__atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != THREAD_BLOCKED_RECV)
            return NULL;
        ep = __atomic_load_n(&t->wait_object, __ATOMIC_RELAXED);
    } while (!spin_trylock(&ep->lock));
    bool ours = !t->claimed && t->wait_object == ep && t->state == THREAD_BLOCKED_RECV;
    if (ours)
        endpoint_unlink_receiver(ep, t);
    spin_unlock(&ep->lock);
    return ours ? t : NULL;
}

void notification_signal(struct notification *n, badge_t bits)
{
    spin_lock(&n->lock);
    if (n->dead) {
        spin_unlock(&n->lock);
        return;
    }
    n->bits |= bits;                            /* [signal] */
    struct tcb *t = n->head;
    if (t != NULL) {
        tcb_claim_waiter(&n->head, &n->tail, t);
        t->x[11] = n->bits;
        n->bits = 0;
    } else if ((t = claim_bound(n)) != NULL) {
        t->x[11] = MSG_INFO(MSG_LABEL_NOTIFICATION, 0, 0);
        t->x[16] = n->bits;
        n->bits = 0;
    }
    spin_unlock(&n->lock);
    if (t != NULL) {
        thread_complete(t, 0);
        thread_wake(t);
    }
}

error_t notification_wait(struct hart *h, struct tcb *t, struct notification *n, ticks_t deadline)
{
    error_t err = 0;

    spin_lock(&n->lock);
    if (n->dead) {
        err = ERR_INVALID_CAP;
    } else if (n->bits != 0) {                  /* [wait] */
        t->x[11] = n->bits;
        n->bits = 0;
        thread_complete(t, 0);
        err = K_DONE;
    } else if (t->upcall_pending) {
        t->upcall_pending = 0;
        err = ERR_INTERRUPTED;
    } else if (deadline == DEADLINE_POLL) {
        err = ERR_WOULD_BLOCK;
    } else if (deadline != DEADLINE_NONE && deadline <= read_time()) {
        err = ERR_TIMEOUT;
    }
    if (err != 0) {
        spin_unlock(&n->lock);
        return err;
    }
    t->state = THREAD_BLOCKED_NOTIFICATION;
    t->wait_object = n;
    tcb_wait_last(&n->head, &n->tail, t);
    if (deadline != DEADLINE_NONE)
        deadline_insert(h, t, deadline);
    spin_unlock(&n->lock);
    return K_BLOCKED;
}

error_t notification_destroy_step(struct notification *n)
{
    for (;;) {
        spin_lock(&n->lock);
        n->dead = 1;
        struct tcb *t = n->head;
        if (t != NULL)
            tcb_claim_waiter(&n->head, &n->tail, t);
        spin_unlock(&n->lock);
        if (t == NULL)
            return 0;
        thread_complete(t, ERR_DELETED);
        thread_wake(t);
        if (preempt_pending())
            return K_PREEMPTED;
    }
}
