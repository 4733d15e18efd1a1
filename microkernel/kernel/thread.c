/* SPDX-License-Identifier: MIT */
/*
 * See thread.h. Everything here runs on the owner hart of the thread, except
 * thread_wake and thread_unclaim, which a claimer calls.
 *
 * A thread that is claimed cannot be stopped, detached or moved at once; the
 * request is kept in `deferred`. The claim ends with a wake-up, which looks
 * there, or with thread_unclaim, which does so after a full fence; the owner
 * stores `deferred`, fences, and looks at `claimed` again.
 *
 * Marks like [stop] are those of tests/models/notification.pml; claim.pml models
 * thread_unclaim and [defer].
 */
#include "kernel/thread.h"

#include <atoll/frame.h>

#include "arch/riscv/csr.h"
#include "kernel/assert.h"
#include "kernel/deadline.h"
#include "kernel/mailbox.h"
#include "kernel/print.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "object/endpoint.h"
#include "object/notification.h"
#include "object/sched_context.h"
#include "object/tcb_ops.h"
#include "kernel/trace.h"
#include "object/segment.h"

#define RETRIES_BEFORE_SLEEP 16     /* about as long as the sleep                  */
#define BACK_OFF_HZ          50000  /* 20 us                                       */
#define MAX_STOP_REPORTS 64

void thread_wake(struct tcb *t)
{
    tcb_request(t, TCB_OP_WAKE);
}

void thread_unclaim(struct tcb *t)
{
    __atomic_store_n(&t->claimed, 0, __ATOMIC_RELEASE);
    fence_full();
    if (__atomic_load_n(&t->deferred, __ATOMIC_RELAXED) != 0)
        mailbox_post(t, TCB_OP_RECHECK);
}

/* t is out of its wait. */
static void wait_ended(struct hart *h, struct tcb *t)
{
    deadline_remove(h, t);
    if (t->lent != NULL)
        sched_reclaim(h, t);
}

static void wake(struct hart *h, struct tcb *t)
{
    wait_ended(h, t);
    __atomic_store_n(&t->claimed, 0, __ATOMIC_RELAXED);
    if (t->suspend_pending) {
        t->suspend_pending = 0;
        t->state = THREAD_STOPPED;
    } else {
        sched_make_runnable(h, t);
    }
}

_Static_assert(offsetof(struct endpoint, lock) == 0 && offsetof(struct notification, lock) == 0 &&
               offsetof(struct reply, lock) == 0, "what a thread waits for begins with its lock");

/* Out of whatever it waits for, or false: it is claimed. Until the lock is held a sender
 * can become a caller that waits for a reply: what was read before is read again. */
static bool leave_wait(struct hart *h, struct tcb *t)   /* [leave] */
{
    for (bool out = false; !out;) {
        if (__atomic_load_n(&t->claimed, __ATOMIC_ACQUIRE))
            return false;
        uint32_t state = __atomic_load_n(&t->state, __ATOMIC_RELAXED);
        void *object = __atomic_load_n(&t->wait_object, __ATOMIC_RELAXED);
        spin_lock(object);
        out = !t->claimed && t->wait_object == object && t->state == state;
        if (out && state == THREAD_BLOCKED_NOTIFICATION) {
            struct notification *n = object;
            tcb_claim_waiter(&n->head, &n->tail, t);
        } else if (out && (state == THREAD_BLOCKED_SEND || state == THREAD_BLOCKED_RECV)) {
            endpoint_unlink_receiver(object, t);
        } else if (out) {
            struct reply *r = object;
            kassert(r->caller == t);
            r->caller = NULL;
        }
        if (out)
            t->claimed = 0;
        spin_unlock(object);
    }
    wait_ended(h, t);
    return true;
}

/* Make t STOPPED. A wait that has had no effect yet starts again when it is
 * resumed (the pc still stands on its ecall); a call that the receiver has got
 * ends with ERR_INTERRUPTED. False: claimed, nothing changed. */
static bool stop(struct hart *h, struct tcb *t) /* [stop] */
{
    if (__atomic_load_n(&t->claimed, __ATOMIC_ACQUIRE))
        return false;
    switch (t->state) {
    case THREAD_STOPPED:
        return true;
    case THREAD_RUNNABLE:
        sched_remove(h, t);
        break;
    case THREAD_OUT_OF_BUDGET:
        deadline_remove(h, t);
        break;
    default:
        if (!leave_wait(h, t))
            return false;
        if (t->state == THREAD_BLOCKED_REPLY)
            thread_complete(t, ERR_INTERRUPTED);
        break;
    }
    t->state = THREAD_STOPPED;
    return true;
}

static void detach_sched(struct hart *h, struct tcb *t)
{
    struct sched_context *sc = t->home_sc;

    t->home_sc = NULL;
    if (sc == NULL)
        return;
    sched_take_from_holder(h, sc);
    sched_forget_lenders(sc);
    __atomic_store_n(&sc->owner, NULL, __ATOMIC_RELEASE);
}

/* Its context goes while it waits for a message: it goes on waiting, and will run on
 * what its callers lend it. False: claimed. */
static bool make_passive(struct hart *h, struct tcb *t)
{
    struct endpoint *ep = t->wait_object;

    spin_lock(&ep->lock);       /* senders look at t->sc under it */
    bool waits = !t->claimed;
    if (waits)
        detach_sched(h, t);
    spin_unlock(&ep->lock);
    return waits;
}

static void detach(struct hart *h, struct tcb *t, uint32_t mask)
{
    if (mask & 1u << TCB_SLOT_CSPACE) {
        t->cspace = NULL;
        t->cspace_mask = 0;
    }
    if (mask & 1u << TCB_SLOT_VSPACE)
        t->vspace = NULL;
    if (mask & 1u << TCB_SLOT_SCHED)
        detach_sched(h, t);
    if (mask & 1u << TCB_SLOT_FAULT_EP)
        t->fault_ep = NULL;
    if (mask & 1u << TCB_SLOT_NOTIFICATION && t->bound != NULL) {
        spin_lock(&t->bound->lock);
        t->bound->bound = NULL;
        spin_unlock(&t->bound->lock);
        t->bound = NULL;
    }
    if (mask & 1u << TCB_SLOT_FRAME && t->frame != NULL) {
        t->pers_base = 0;
        t->frame = NULL;
        segment_unpin_page(t->frame_segment, t->frame_page);
    }
    if (mask & 1u << TCB_SLOT_IPC_BUFFER && t->ipc_buffer != NULL) {
        t->ipc_buffer = NULL;
        segment_unpin_page(t->ipc_segment, t->ipc_page);
    }
}

#define DETACH_STOPS (1u << TCB_SLOT_CSPACE | 1u << TCB_SLOT_VSPACE | \
                      1u << TCB_SLOT_SCHED | 1u << TCB_SLOT_FRAME)

static bool do_detach(struct hart *h, struct tcb *t)
{
    uint32_t mask = __atomic_load_n(&t->detach_mask, __ATOMIC_ACQUIRE);

    if (__atomic_load_n(&t->claimed, __ATOMIC_ACQUIRE))
        return false;
    uint32_t stops = mask & DETACH_STOPS;
    if (stops == 1u << TCB_SLOT_SCHED && t->state == THREAD_BLOCKED_RECV) {
        if (!make_passive(h, t))
            return false;
        stops = 0;
    }
    if (stops != 0 && !stop(h, t))
        return false;
    detach(h, t, mask);
    __atomic_fetch_and(&t->detach_mask, ~mask, __ATOMIC_RELEASE);
    return true;
}

static bool do_unlink(struct hart *h, struct tcb *t)
{
    if (!stop(h, t))
        return false;
    sched_return_context(h, t);
    detach(h, t, ~0u);
    sched_forget(h, t);
    __atomic_store_n(&t->unlinked, 1, __ATOMIC_RELEASE);
    return true;
}

static void do_upcall(struct hart *h, struct tcb *t)    /* [upcall] */
{
    t->upcall_pending = 1;
    if (t->state != THREAD_BLOCKED_NOTIFICATION && t->state != THREAD_BLOCKED_RECV &&
        !(t->state == THREAD_BLOCKED_SEND && !t->wait_is_fault))
        return;
    if (!leave_wait(h, t))
        return;     /* the flag stays for the next wait or resume */
    if (t->state != THREAD_BLOCKED_REPLY)   /* not a call in progress before we got the lock */
        t->upcall_pending = 0;
    thread_complete(t, ERR_INTERRUPTED);
    sched_make_runnable(h, t);
}

static void do_resume(struct hart *h, struct tcb *t)
{
    t->suspend_pending = 0;
    if (t->state == THREAD_STOPPED && !t->unlinked)
        sched_make_runnable(h, t);
    __atomic_store_n(&t->starting, 0, __ATOMIC_RELEASE);
}

static void do_priority(struct hart *h, struct tcb *t)
{
    int32_t p = __atomic_load_n(&t->new_priority, __ATOMIC_ACQUIRE);
    bool queued = t->in_queue;

    if (queued)
        sched_remove(h, t);
    t->priority = p;
    if (queued)
        sched_make_runnable(h, t);
    if (t == h->current)
        h->resched = h->timer_dirty = true;
}

/* First half: leave this hart. The node then travels with TCB_OP_ARRIVE. */
static bool do_migrate(struct hart *h, struct tcb *t)
{
    uint32_t to = __atomic_load_n(&t->new_hart, __ATOMIC_ACQUIRE);
    bool waits = t->in_heap != 0;

    if (to == h->id)
        return true;
    if (__atomic_load_n(&t->claimed, __ATOMIC_ACQUIRE))
        return false;
    if (t->sc != t->home_sc || t->lent != NULL) {
        __atomic_store_n(&t->migrate_refused, 1, __ATOMIC_RELEASE);
        return true;
    }
    if (t->state == THREAD_RUNNABLE)
        sched_remove(h, t);
    if (waits)
        deadline_remove(h, t);
    fp_flush(h, t);
    sched_forget(h, t);
    if (t->sc != NULL)
        t->sc->hart = to;
    if (t->frame != NULL)
        t->frame->hart = to;
    t->arrive_waits = waits;
    t->arriving = 1;
    t->hart_ptr = &harts[to];
    tcb_refresh(t);     /* before its new hart can */
    __atomic_store_n(&t->hart, to, __ATOMIC_RELEASE);
    mailbox_post(t, TCB_OP_ARRIVE);
    return true;
}

/* A request made on the new hart itself may come before the mailbox's turn. */
static void do_arrive(struct hart *h, struct tcb *t)
{
    t->arriving = 0;
    tcb_refresh(t);
    if (t->arrive_waits)
        deadline_insert(h, t, t->deadline);
    if (t->state == THREAD_RUNNABLE)
        sched_make_runnable(h, t);
}

/* Keep ops for the end of the claim; true if it has ended meanwhile. */
static bool defer(struct tcb *t, uint32_t ops)  /* [defer] */
{
    t->deferred |= ops;
    tcb_refresh(t);
    fence_full();
    return !__atomic_load_n(&t->claimed, __ATOMIC_ACQUIRE);
}

/* Those that need the thread unclaimed. Returns what could not be done. */
static uint32_t do_structural(struct hart *h, struct tcb *t, uint32_t ops)
{
    uint32_t left = 0;

    if (ops & TCB_OP_SUSPEND && !stop(h, t))
        left |= TCB_OP_SUSPEND;
    if (ops & TCB_OP_DETACH && !do_detach(h, t))
        left |= TCB_OP_DETACH;
    if (ops & TCB_OP_UNLINK && !do_unlink(h, t))
        left |= TCB_OP_UNLINK;
    if (ops & TCB_OP_MIGRATE && !do_migrate(h, t))
        left |= TCB_OP_MIGRATE;
    return left;
}

static __attribute__((noinline)) void do_ops(struct hart *h, struct tcb *t, uint32_t ops)
{
    if (t->arriving)
        do_arrive(h, t);
    if (ops & TCB_OP_WAKE)
        wake(h, t);
    if (ops & TCB_OP_RECHECK)
        h->timer_dirty = true;      /* its context may have got a limit */
    if (ops & (TCB_OP_WAKE | TCB_OP_RECHECK)) {
        ops |= t->deferred;
        t->deferred = 0;
    }
    if (ops & TCB_OP_PRIORITY)
        do_priority(h, t);
    if (ops & TCB_OP_UPCALL)
        do_upcall(h, t);
    if (ops & TCB_OP_RESUME)
        do_resume(h, t);
    uint32_t left = do_structural(h, t, ops);
    while (left != 0 && defer(t, left)) {
        left = t->deferred;
        t->deferred = 0;
        left = do_structural(h, t, left);
    }
    if (t->hart == h->id)       /* else it has just migrated */
        tcb_refresh(t);
}

void thread_do_ops(struct hart *h, struct tcb *t, uint32_t ops)
{
    /* by far the most frequent */
    if (ops == TCB_OP_WAKE && (t->deferred | t->arriving) == 0)
        wake(h, t);
    else
        do_ops(h, t, ops);
}

void thread_deadline(struct hart *h, struct tcb *t) /* [deadline] */
{
    deadline_remove(h, t);
    if (t->state == THREAD_OUT_OF_BUDGET) {
        sched_make_runnable(h, t);
    } else if (t->state == THREAD_BLOCKED_NOTIFICATION && leave_wait(h, t)) {
        thread_complete(t, ERR_TIMEOUT);
        sched_make_runnable(h, t);
    }
}

void thread_retry(struct hart *h, struct tcb *t)
{
    if (++t->retries < RETRIES_BEFORE_SLEEP) {
        sched_yield(h);
        return;
    }
    if (t->state != THREAD_RUNNABLE)
        return;
    sched_remove(h, t);
    t->state = THREAD_OUT_OF_BUDGET;
    deadline_insert(h, t, read_time() + timebase_hz / BACK_OFF_HZ);
}

static void store_regs(struct upcall_regs *to, const struct tcb *t, uint64_t cause, uint64_t value)
{
    for (unsigned i = 0; i < 32; i++)
        to->x[i] = t->x[i];
    to->cause = cause;
    to->value = value;
}

void thread_enter_upcall(struct tcb *t, uint64_t cause, uint64_t value)
{
    if (cause == UPCALL_FLAG)
        t->upcall_pending = 0;
    store_regs(&t->frame->guest, t, cause, value);
    t->x[4] = t->frame_uaddr;
    t->x[0] = t->pers_upcall;
}

struct tcb *root_thread;

static void report_stop(const struct tcb *t, uint64_t cause, uint64_t value)
{
    static unsigned reports;

    if (__atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED) < MAX_STOP_REPORTS)
        kprint("kernel: thread '%s' stopped: cause %lx value %lx pc %lx sp %lx ra %lx\n",
               t->name, cause, value, t->x[0], t->x[2], t->x[1]);
}

static bool send_fault(struct hart *h, struct tcb *t, uint64_t cause, uint64_t value)
{
    t->fault_words[0] = cause;
    t->fault_words[1] = value;
    t->fault_words[2] = t->x[0];
    t->fault_words[3] = t->x[2];
    return t->fault_ep != NULL &&
           endpoint_send(h, t, t->fault_ep, t->fault_badge, SEND_FAULT | SEND_BLOCKING) == K_BLOCKED;
}

bool thread_budget_fault(struct hart *h, struct tcb *t)
{
    return send_fault(h, t, FAULT_BUDGET, (uint64_t)(t->sc->granted - t->sc->remaining));
}

void thread_fault(struct hart *h, struct tcb *t, uint64_t cause, uint64_t value)
{
    t->nr_faults++;
    trace(TRACE_TRAP, cause, value);
    if (t->x[0] < t->pers_base) {
        thread_enter_upcall(t, cause, value);
        return;
    }
    if (t->pers_base != 0 && __atomic_load_n(&t->frame->fault_active, __ATOMIC_RELAXED) == 0) {
        store_regs(&t->frame->fault, t, cause, value);
        t->frame->fault_active = 1;
        t->x[4] = t->frame_uaddr;
        t->x[0] = t->pers_fault;
        return;
    }
    if (send_fault(h, t, cause, value))
        return;
    if (t == root_thread)       /* who holds all there is; nobody else could end the system */
        panic("the root task faulted: cause %lx value %lx pc %lx sp %lx ra %lx", cause, value, t->x[0], t->x[2], t->x[1]);
    report_stop(t, cause, value);
    sched_remove(h, t);
    t->state = THREAD_STOPPED;
}
