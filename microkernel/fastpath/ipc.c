/* SPDX-License-Identifier: MIT */
/*
 * Call, ReplyRecv and SignalWait between two threads of one hart, when the switch
 * is decided: the partner waits, has a round-robin context of its own, and outranks
 * everything that is ready, so no slice need be timed.
 *
 * Registers. trap.S has stored the caller's registers but a1..a5 of Call and
 * ReplyRecv: those are the message, and reach the partner by staying where they are.
 * This file is compiled with -ffixed-a1 to -ffixed-a6, so the compiler does not
 * touch them, and with -fcall-used-s1 to -fcall-used-s11, since nobody needs the
 * others any more; tools/atoll_build/components.py. No function may be called here:
 * it would not know.
 *
 * Each first makes sure that its case is the simple one and declines otherwise,
 * having changed nothing. At an entry from user mode the timer is armed and no
 * choice is due (sched_exit saw to that), so neither is looked at.
 */
#include "fastpath/fast.h"

#include <atoll/syscall.h>

#include "fastpath/ipc_regs.h"
#include "object/endpoint.h"

struct tcb *fastpath_call(cptr_t cptr);
struct tcb *fastpath_reply_recv(cptr_t cptr);
struct tcb *fastpath_signal_wait(cptr_t cptr);

/* Switch, and return the thread for ipc_exit or wait_exit; or go to the label. */
#define SWITCH(h, t, to, fp_inline, drain) do { \
        if (unlikely(fast_switch(h, t, to, fp_inline))) \
            EXIT_BY(drain, to); \
        return to; \
    } while (0)

/* a0 = endpoint; the partner gets the badge in a6. */
struct tcb *fastpath_call(cptr_t cptr)
{
    struct hart *h = hart_in_tp;
    struct tcb *t = h->current;
    struct endpoint *ep;
    badge_t badge = 0;

    quiesce_enter(h);
    if (!fast_find(t, cptr, CAP_TYPE_ENDPOINT, RIGHT_WRITE, &ep, &badge) ||
        unlikely(!spin_trylock(&ep->lock)))
        return NULL;
    struct tcb *to = ep->head;
    if (unlikely(ep->kind != EP_RECEIVERS || !fast_switchable(h, to)))
        goto decline;
    struct reply *r = to->recv_reply;
    if (unlikely(r == NULL || !spin_trylock(&r->lock)))
        goto decline;
    if (unlikely(r->dead)) {
        spin_unlock(&r->lock);
        goto decline;
    }
    struct tcb *next = to->wait_next;
    ep->head = next;
    if (next == NULL) {
        ep->tail = NULL;
        ep->kind = EP_IDLE;
    } else {
        next->wait_prev = NULL;
    }
    to->recv_reply = NULL;
    t->wait_object = r;
    t->state = THREAD_BLOCKED_REPLY;
    r->caller = t;
    r->receiver = NULL;
    spin_unlock(&r->lock);
    spin_unlock(&ep->lock);
    set_a6(badge);
    SWITCH(h, t, to, true, ipc_exit_drain);
decline:
    spin_unlock(&ep->lock);
    return NULL;
}

/* a0 = endpoint, x[16] = the reply object; the partner gets 0 in a6. */
struct tcb *fastpath_reply_recv(cptr_t cptr)
{
    struct hart *h = hart_in_tp;
    struct tcb *t = h->current;
    struct endpoint *ep;
    struct reply *r;

    quiesce_enter(h);
    /* fast_hart: its context is its own, so there is none to give back. */
    if (!fast_find(t, cptr, CAP_TYPE_ENDPOINT, RIGHT_READ, &ep, NULL) ||
        !fast_find(t, t->x[16], CAP_TYPE_REPLY, 0, &r, NULL) ||
        unlikely(t->bound != NULL || t->upcall_pending || t->fast_hart != h ||
                 !spin_trylock(&r->lock)))
        return NULL;
    /* A reply with a caller is alive, and nobody waits with it. */
    struct tcb *c = r->caller;
    if (unlikely(c == NULL || c->claimed || c->state != THREAD_BLOCKED_REPLY ||
                 !fast_switchable(h, c) || !spin_trylock(&ep->lock)))
        goto decline;
    if (unlikely(ep->kind == EP_SENDERS || ep->dead)) {
        spin_unlock(&ep->lock);
        goto decline;
    }
    r->caller = NULL;
    r->receiver = t;
    t->recv_reply = r;
    t->wait_object = ep;
    tcb_wait_last(&ep->head, &ep->tail, t);
    ep->kind = EP_RECEIVERS;
    t->state = THREAD_BLOCKED_RECV;
    spin_unlock(&ep->lock);
    spin_unlock(&r->lock);
    set_a6(0);
    SWITCH(h, t, c, true, ipc_exit_drain);
decline:
    spin_unlock(&r->lock);
    return NULL;
}

/* The signalled thread runs next, with its bits in a6, and this one waits; both
 * without deadlines. */
struct tcb *fastpath_signal_wait(cptr_t cptr)
{
    struct hart *h = hart_in_tp;
    struct tcb *t = h->current;
    uint64_t bits;
    struct tcb *to = fast_signal_wait(h, t, cptr, t->x[12], &bits);

    if (to == NULL)
        return NULL;
    set_a6(bits);
    SWITCH(h, t, to, false, wait_exit_drain);
}
