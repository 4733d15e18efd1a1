/* SPDX-License-Identifier: MIT */
/*
 * See endpoint.h. This is the general path; fastpath/ipc.c does the common
 * same-hart case of Call and ReplyRecv with the same outcome.
 *
 * Copying. Words 0..3 travel in registers, the rest from IPC buffer to IPC
 * buffer through the kernel's mapping; either side without a buffer cuts the
 * message to four words. Capabilities are copied from the sender's CSpace into
 * the receiver's recv_slots; a capability that cannot be copied ends the list,
 * and nr_caps_received tells.
 *
 * Contexts. A caller lends its scheduling context to a receiver of the same
 * hart that has none of its own (kernel/sched.c). What is not a call cannot do so, nor
 * can a caller of another hart, nor one at the end of a long chain: it is refused.
 */
#include "object/endpoint.h"

#include "kernel/cspace.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "object/notification.h"

#define SCAN_CHUNK 256u         /* senders looked at in one hold of the lock   */

static void enqueue(struct endpoint *ep, struct tcb *t, enum endpoint_kind kind)
{
    ep->kind = kind;
    tcb_wait_last(&ep->head, &ep->tail, t);
}

/* With ep->lock held: unlink and claim. */
static void endpoint_unlink(struct endpoint *ep, struct tcb *t)
{
    if (ep->scan == t)
        ep->scan = t->wait_next;
    tcb_claim_waiter(&ep->head, &ep->tail, t);
    if (ep->head == NULL)
        ep->kind = EP_IDLE;
}

/* Both threads are at rest: one is the current one, the other is claimed. */
static __attribute__((cold)) uint64_t transfer_caps(struct tcb *from, struct tcb *to, unsigned n)
{
    struct ipc_buffer *src = from->ipc_buffer, *dst = to->ipc_buffer;
    unsigned done = 0;

    for (; done < n; done++) {
        cptr_t s = __atomic_load_n(&src->caps[done], __ATOMIC_RELAXED);
        cptr_t d = __atomic_load_n(&dst->recv_slots[done], __ATOMIC_RELAXED);
        uint64_t badge;
        if (cspace_copy(from, s, to, d, &badge) != 0)
            break;
        dst->recv_badges[done] = badge;
    }
    dst->nr_caps_received = done;
    return done;
}

/* What is in the buffers. Apart, so that transfer needs no stack frame. */
static __attribute__((noinline)) void transfer_long(struct tcb *from, struct tcb *to, uint64_t info,
                                                    bool can_grant)
{
    unsigned len = MSG_LEN(info), caps = MSG_CAPS(info);

    if (len > MSG_MAX_WORDS)
        len = MSG_MAX_WORDS;
    bool buffers = from->ipc_buffer != NULL && to->ipc_buffer != NULL;
    if (len > MSG_REG_WORDS && !buffers)
        len = MSG_REG_WORDS;
    for (unsigned i = MSG_REG_WORDS; i < len; i++)
        to->ipc_buffer->words[i - MSG_REG_WORDS] = from->ipc_buffer->words[i - MSG_REG_WORDS];
    if (caps != 0 && can_grant && buffers)
        caps = (unsigned)transfer_caps(from, to, caps);
    else
        caps = 0;
    to->x[11] = MSG_INFO(MSG_LABEL(info), len, caps);
}

static void transfer(struct tcb *from, struct tcb *to, badge_t badge, bool can_grant)
{
    if (from->wait_is_fault) {
        for (unsigned i = 0; i < MSG_REG_WORDS; i++)
            to->x[12 + i] = from->fault_words[i];
        to->x[11] = MSG_INFO(MSG_LABEL_FAULT, MSG_REG_WORDS, 0);
        to->x[16] = badge;
        return;
    }
    uint64_t info = from->x[11];

    to->x[12] = from->x[12];
    to->x[13] = from->x[13];
    to->x[14] = from->x[14];
    to->x[15] = from->x[15];
    to->x[16] = badge;
    to->x[11] = info;
    if (MSG_LEN(info) > MSG_REG_WORDS || MSG_CAPS(info) != 0)
        transfer_long(from, to, info, can_grant);
}

/* The reply object that a receiver waits with, locked, or NULL. */
static __attribute__((cold)) struct reply *lock_recv_reply(struct tcb *receiver)
{
    struct reply *r = receiver->recv_reply;

    if (r == NULL)
        return NULL;
    spin_lock(&r->lock);
    if (!r->dead)
        return r;
    spin_unlock(&r->lock);
    return NULL;
}

static __attribute__((cold)) void forget_recv_reply(struct tcb *receiver)
{
    struct reply *r = receiver->recv_reply;

    if (r == NULL)
        return;
    receiver->recv_reply = NULL;
    spin_lock(&r->lock);
    if (r->receiver == receiver)
        r->receiver = NULL;
    spin_unlock(&r->lock);
}

__attribute__((cold)) void endpoint_unlink_receiver(struct endpoint *ep, struct tcb *t)
{
    endpoint_unlink(ep, t);
    forget_recv_reply(t);
}

/* The claimed wait of t ends with an error; a fault that nobody takes stops it. */
static void end_wait(struct tcb *t, bool fault, error_t err)
{
    if (fault)
        t->suspend_pending = 1;
    else
        thread_complete(t, err);
    thread_wake(t);
}

/* Fills in t's side of a call that waits for r; r->lock held. */
static void bind_caller(struct reply *r, struct tcb *t)
{
    r->caller = t;
    r->receiver = NULL;
    t->wait_object = r;
    t->state = t->wait_is_fault ? THREAD_BLOCKED_FAULT : THREAD_BLOCKED_REPLY;
}

/* ep->lock held: nobody receives. */
static error_t wait_for_receiver(struct tcb *t, struct endpoint *ep, unsigned flags)
{
    if (!(flags & SEND_BLOCKING))
        return ERR_WOULD_BLOCK;
    if (t->upcall_pending && !(flags & SEND_FAULT)) {
        t->upcall_pending = 0;
        return ERR_INTERRUPTED;
    }
    t->wait_object = ep;
    t->state = THREAD_BLOCKED_SEND;
    enqueue(ep, t, EP_SENDERS);
    return K_BLOCKED;
}

error_t endpoint_send(struct hart *h, struct tcb *t, struct endpoint *ep, badge_t badge,
                      unsigned flags)
{
    bool call = flags & (SEND_CALL | SEND_FAULT);

    t->wait_is_fault = (flags & SEND_FAULT) != 0;
    t->wait_is_call = call;
    t->wait_can_grant = (flags & SEND_CAN_GRANT) != 0;
    t->wait_badge = badge;
    spin_lock(&ep->lock);
    struct tcb *to = ep->head;
    struct reply *r = NULL;
    bool donate = ep->kind == EP_RECEIVERS && to->sc == NULL;
    error_t err = 0;
    if (ep->dead)
        err = ERR_INVALID_CAP;
    else if (ep->kind != EP_RECEIVERS)
        err = wait_for_receiver(t, ep, flags);
    else if (donate && (!call || to->hart != h->id || !sched_can_lend(h, t)))
        err = ERR_NO_SCHED_CONTEXT;
    else if (call && (r = lock_recv_reply(to)) == NULL)
        err = ERR_INVALID_ARGUMENT;
    if (err != 0) {
        spin_unlock(&ep->lock);
        return err;
    }
    endpoint_unlink(ep, to);
    if (call) {
        /* Claimed until the copy is done: an answer must not come before it. */
        t->claimed = 1;
        bind_caller(r, t);
        to->recv_reply = NULL;
        spin_unlock(&r->lock);
    } else {
        forget_recv_reply(to);
    }
    spin_unlock(&ep->lock);

    transfer(t, to, badge, t->wait_can_grant);
    thread_complete(to, 0);
    if (donate)
        sched_donate(h, t, to);
    if (call)
        thread_unclaim(t);
    thread_wake(to);
    if (call)
        return K_BLOCKED;
    thread_complete(t, 0);
    return K_DONE;
}

/* A bound notification with bits ends a receive at once. */
static __attribute__((cold)) bool take_bound_bits(struct tcb *t)
{
    struct notification *n = t->bound;

    if (n->bits == 0 || t->sc == NULL)
        return false;
    t->x[11] = MSG_INFO(MSG_LABEL_NOTIFICATION, 0, 0);
    t->x[16] = n->bits;
    n->bits = 0;
    thread_complete(t, 0);
    return true;
}

/* The reply object is to be used by a receiver or caller: lock it, unless another has it. */
static bool lock_free_reply(struct reply *r)
{
    spin_lock(&r->lock);
    if (!r->dead && r->caller == NULL && r->receiver == NULL)
        return true;
    spin_unlock(&r->lock);
    return false;
}

/* ep->lock held, there are senders: take the first, *out. It is claimed after, and its
 * message can be had (0), or it is to leave with the error. ERR_BUSY: not taken, the
 * reply object is in use. */
static error_t take_sender(struct hart *h, struct endpoint *ep, struct tcb *t, struct reply *reply,
                           struct tcb **out)
{
    struct tcb *s = ep->head;
    error_t err = 0;

    *out = s;
    if (t->sc == NULL && (!s->wait_is_call || !sched_can_lend(h, s)))
        err = ERR_NO_SCHED_CONTEXT;
    else if (s->wait_is_call && reply == NULL)
        err = ERR_INVALID_ARGUMENT;
    else if (s->wait_is_call && !lock_free_reply(reply))
        return ERR_BUSY;
    endpoint_unlink(ep, s);
    if (s->wait_is_call && err == 0) {
        bind_caller(reply, s);
        spin_unlock(&reply->lock);
    }
    return err;
}

static error_t wait_for_sender(struct tcb *t, struct endpoint *ep, struct reply *reply)
{
    if (reply != NULL) {
        if (!lock_free_reply(reply))
            return ERR_BUSY;
        reply->receiver = t;
        spin_unlock(&reply->lock);
    }
    t->recv_reply = reply;
    t->wait_object = ep;
    __atomic_store_n(&t->state, THREAD_BLOCKED_RECV, __ATOMIC_RELEASE);
    enqueue(ep, t, EP_RECEIVERS);
    return K_BLOCKED;
}

static error_t receive_locked(struct hart *h, struct tcb *t, struct endpoint *ep,
                              struct reply *reply, bool blocking)
{
    struct tcb *s;

    for (;;) {
        if (ep->dead) {
            spin_unlock(&ep->lock);
            return ERR_INVALID_CAP;
        }
        if (ep->kind != EP_SENDERS) {
            error_t err = ERR_WOULD_BLOCK;
            if (blocking && t->upcall_pending) {
                t->upcall_pending = 0;
                err = ERR_INTERRUPTED;
            } else if (blocking) {
                err = wait_for_sender(t, ep, reply);
            }
            spin_unlock(&ep->lock);
            if (err == K_BLOCKED && t->sc != t->home_sc)
                sched_return_context(h, t);
            return err;
        }
        error_t err = take_sender(h, ep, t, reply, &s);
        spin_unlock(&ep->lock);
        if (err == ERR_BUSY)
            return err;
        if (err == 0)
            break;
        end_wait(s, s->wait_is_fault, err);
        if (preempt_pending())
            return K_PREEMPTED;
        if (t->bound != NULL)
            return K_AGAIN;     /* look at its bits again */
        spin_lock(&ep->lock);
    }
    transfer(s, t, s->wait_badge, s->wait_can_grant);
    if (s->wait_is_call) {
        /* One that was lent for an earlier call, not answered yet, is due back. */
        if (sched_can_lend(h, s))
            sched_return_context(h, t);
        if (t->sc == NULL)
            sched_donate(h, s, t);
        thread_unclaim(s);
    } else {
        thread_complete(s, 0);
        thread_wake(s);
    }
    thread_complete(t, 0);
    return K_DONE;
}

error_t endpoint_recv(struct hart *h, struct tcb *t, struct endpoint *ep,
                      struct reply *reply, bool blocking)
{
    struct notification *n = t->bound;
    error_t err;

    if (n == NULL) {
        spin_lock(&ep->lock);
        return receive_locked(h, t, ep, reply, blocking);
    }
    do {                        /* again: a sender was sent away */
        spin_lock(&n->lock);
        if (take_bound_bits(t)) {
            spin_unlock(&n->lock);
            return K_DONE;
        }
        /* Signals must see either no receiver and leave bits, or the queued one. */
        spin_lock(&ep->lock);
        bool senders = ep->kind == EP_SENDERS || ep->dead;
        if (senders)
            spin_unlock(&n->lock);
        err = receive_locked(h, t, ep, reply, blocking);
        if (!senders)
            spin_unlock(&n->lock);
    } while (err == K_AGAIN);
    return err;
}

error_t reply_send(struct hart *h, struct tcb *t, struct reply *reply, bool can_grant)
{
    (void)h;
    spin_lock(&reply->lock);
    struct tcb *c = reply->caller;
    /* A caller that its own hart still hands over is not answerable yet; that
     * lasts for the copy of one message. */
    if (c == NULL || c->claimed) {
        spin_unlock(&reply->lock);
        return c == NULL ? ERR_CANCELLED : K_AGAIN;
    }
    reply->caller = NULL;
    c->claimed = 1;
    spin_unlock(&reply->lock);

    t->wait_is_fault = 0;
    if (c->state == THREAD_BLOCKED_FAULT) {
        if (MSG_LABEL(t->x[11]) != 0)
            c->suspend_pending = 1;
    } else {
        transfer(t, c, 0, can_grant);
        thread_complete(c, 0);
    }
    thread_wake(c);
    return 0;
}

/*
 * The queue is looked through in portions. Where the next one begins is kept in the
 * endpoint, and moves on when that sender leaves. Who meets another's scan finishes it
 * first. The cursor is the number of our own: it is over when none is under way, or a
 * later one.
 */
__attribute__((cold)) error_t endpoint_cancel_badged(struct endpoint *ep, badge_t badge,
                                                     uint64_t *cursor)
{
    do {
        spin_lock(&ep->lock);
        if (*cursor != 0 && (ep->scan == NULL || *cursor != ep->nr_scans)) {
            spin_unlock(&ep->lock);
            return 0;
        }
        if (ep->scan == NULL) {
            ep->scan = ep->kind == EP_SENDERS ? ep->head : NULL;
            ep->scan_badge = badge;
            *cursor = ++ep->nr_scans;
        }
        struct tcb *t = ep->scan;
        for (unsigned n = 0; t != NULL && t->wait_badge != ep->scan_badge && n < SCAN_CHUNK; n++)
            t = t->wait_next;
        ep->scan = t;
        bool hit = t != NULL && t->wait_badge == ep->scan_badge, fault = hit && t->wait_is_fault;
        if (hit)
            endpoint_unlink(ep, t);
        spin_unlock(&ep->lock);
        if (hit)
            end_wait(t, fault, ERR_CANCELLED);
    } while (!preempt_pending());
    return K_PREEMPTED;
}

__attribute__((cold)) error_t endpoint_destroy_step(struct endpoint *ep)
{
    for (;;) {
        spin_lock(&ep->lock);
        ep->dead = 1;
        struct tcb *t = ep->head;
        if (t != NULL)
            endpoint_unlink_receiver(ep, t);
        spin_unlock(&ep->lock);
        if (t == NULL)
            return 0;
        end_wait(t, t->wait_is_fault && t->state == THREAD_BLOCKED_SEND, ERR_DELETED);
        if (preempt_pending())
            return K_PREEMPTED;
    }
}

/*
 * The reply dies: its caller leaves with ERR_DELETED, and a receiver that waits
 * with it goes on without (calls to it fail until it waits with another).
 */
__attribute__((cold)) error_t reply_destroy_step(struct reply *r)
{
    spin_lock(&r->lock);
    struct tcb *c = r->caller, *receiver = r->receiver;
    if (c != NULL && c->claimed) {
        spin_unlock(&r->lock);
        return K_AGAIN;
    }
    r->dead = 1;
    r->caller = NULL;
    r->receiver = NULL;
    if (c != NULL)
        c->claimed = 1;
    spin_unlock(&r->lock);
    if (c != NULL)
        end_wait(c, c->state == THREAD_BLOCKED_FAULT, ERR_DELETED);
    if (receiver != NULL) {
        struct endpoint *ep = receiver->wait_object;
        spin_lock(&ep->lock);
        if (receiver->recv_reply == r)
            receiver->recv_reply = NULL;
        spin_unlock(&ep->lock);
    }
    return 0;
}
