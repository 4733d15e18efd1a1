/* SPDX-License-Identifier: MIT */
/*
 * The frequent cases of the system calls, with exactly the outcome of the
 * general paths (kernel/syscall.c, object/endpoint.c, kernel/sched.c). Each
 * function first makes sure that its case is the simple one and declines
 * otherwise, having changed nothing.
 *
 * syscall_fast: signals that find nobody waiting or somebody of this hart who runs
 * later, waits that find bits, yields without competitors. The thread goes on
 * running.
 *
 * fastpath_wait: a wait that finds no bits, when the next thread is clear.
 *
 * fastpath_ipc: Call and ReplyRecv of up to four words, and SignalWait that ends
 * one wait and begins another, between two threads of this hart that both have a
 * round-robin context of their own and outrank everything that is ready, so no
 * slice need be timed and the switch is decided. Deadlines of the two waits move
 * the timer only when one becomes the earliest; a timer that was set for a wait
 * which ended early goes off for nothing once.
 */
#include <atoll/syscall.h>

#include "arch/riscv/csr.h"
#include "kernel/cspace.h"
#include "kernel/deadline.h"
#include "kernel/mailbox.h"
#include "kernel/quiesce.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "object/endpoint.h"
#include "object/notification.h"
#include "object/sched_context.h"
#include "object/vspace.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

int syscall_fast(struct tcb *t);
struct tcb *fastpath_ipc(struct tcb *t);
struct tcb *fastpath_wait(struct hart *h, struct tcb *t);

/* The object of a capability, or NULL to decline. In two-level addresses the
 * CNode lies in a root slot (kernel/cspace.c). */
static inline void *find(const struct tcb *t, cptr_t cptr, enum cap_type type, uint64_t rights,
                         badge_t *badge)
{
    uint64_t root = cptr & CPTR_ROOT_MASK;
    const struct slot *s = &t->cspace[root];
    if (unlikely(root - 1 >= t->cspace_mask))
        return NULL;
    if (cptr != root) {
        s = cspace_second(s, cptr >> CPTR_ROOT_BITS);
        if (unlikely(s == NULL))
            return NULL;
    }
    uint64_t word = __atomic_load_n(&s->word0, __ATOMIC_RELAXED);

    if (badge != NULL) {
        fence_loads();
        *badge = __atomic_load_n(&s->word1, __ATOMIC_RELAXED);
        fence_loads();
        if (unlikely(__atomic_load_n(&s->word0, __ATOMIC_RELAXED) != word))
            return NULL;
    }
    /* What the object holds is ordered by the address dependency. */
    if (unlikely((word & (CAP_TYPE_MASK | CAP_ZOMBIE)) != type))
        return NULL;
    if (unlikely((rights << CAP_RIGHTS_SHIFT & ~word) != 0))
        return NULL;
    return cap_object(word);
}

static inline int done(struct hart *h, struct tcb *t)
{
    h->counters.nr_syscalls++;
    t->x[10] = 0;
    t->x[0] += 4;
    return 0;
}

/* With n->lock held: its first waiter leaves with the bits. */
static inline void complete_wait(struct notification *n, struct tcb *to, badge_t badge)
{
    n->head = to->wait_next;
    if (n->head == NULL)
        n->tail = NULL;
    else
        n->head->wait_prev = NULL;
    to->x[10] = 0;
    to->x[11] = n->bits | (badge != 0 ? badge : 1);
    to->x[0] += 4;
    n->bits = 0;
}

static inline int fast_signal(struct hart *h, struct tcb *t)
{
    badge_t badge = 0;
    struct notification *n = find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_WRITE, &badge);

    if (unlikely(n == NULL))
        return 1;
    spin_lock(&n->lock);
    struct tcb *to = n->head;
    if (n->dead || (to == NULL ? n->bound != NULL
                               : to->priority >= t->priority || to->in_heap || to->fast_hart != h)) {
        spin_unlock(&n->lock);
        return 1;
    }
    if (to == NULL) {
        n->bits |= badge != 0 ? badge : 1;
        spin_unlock(&n->lock);
        return done(h, t);
    }
    complete_wait(n, to, badge);
    spin_unlock(&n->lock);
    to->state = THREAD_RUNNABLE;
    run_queue_add(&h->queue, to, false);
    sched_update_page(h);
    return done(h, t);
}

static inline int fast_wait(struct hart *h, struct tcb *t)
{
    struct notification *n = find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_READ, NULL);

    if (unlikely(n == NULL))
        return 1;
    spin_lock(&n->lock);
    uint64_t bits = n->bits;
    n->bits = 0;
    spin_unlock(&n->lock);
    if (bits == 0)
        return 1;
    t->x[11] = bits;
    return done(h, t);
}

int syscall_fast(struct tcb *t)
{
    struct hart *h = this_hart();

    quiesce_enter(h);
    switch (t->x[17]) {
    case SYS_SIGNAL: return fast_signal(h, t);
    case SYS_WAIT:   return fast_wait(h, t);
    case SYS_YIELD:
        if (h->queue.top >= t->priority || mailbox_pending(h))
            return 1;
        return done(h, t);
    default:
        return 1;
    }
}

/* vspace_switch_in and _out in one. The atomic's acquire puts the bit before the
 * look at satp (who destroys the VSpace changes that first), and sfence.vma puts it
 * before the first walk (who changes entries looks at the bits last). */
static inline void switch_space(struct hart *h, struct vspace *old, struct vspace *to)
{
    uint64_t me = h->mask;

    h->vspace = to;
    __atomic_fetch_or(&to->harts, me, __ATOMIC_ACQUIRE);
    satp_write(to->satp);
    if (unlikely((to->icache_stale & me) != 0)) {
        __atomic_fetch_and(&to->icache_stale, ~me, __ATOMIC_RELAXED);
        fence_instructions();
    }
    if (likely(old != NULL))
        __atomic_fetch_and(&old->harts, ~me, __ATOMIC_RELEASE);
}

/* May the switch to `to` be made without looking at anything else? */
static inline bool simple(const struct hart *h, const struct tcb *to)
{
    return to->priority > h->queue.top && to->fast_hart == h;
}

/* The registers stay where they are while threads without FP state run. */
static inline void switch_fp(struct hart *h, struct tcb *t, struct tcb *to)
{
    uint64_t fs = csr_read("sstatus") & SSTATUS_FS_MASK;

    if (unlikely(fs == SSTATUS_FS_DIRTY)) {
        fp_flush(h, t);
        fs = SSTATUS_FS_CLEAN;
    }
    if (to->fp_state == FP_NEVER) {
        if (fs != 0)
            csr_clear("sstatus", SSTATUS_FS_MASK);
    } else if (likely(h->fp_owner == to && to->fp_hart == h->id)) {
        if (fs == 0)
            csr_set("sstatus", SSTATUS_FS_CLEAN);
    } else {
        fp_enter(h, to);
    }
}

static inline struct tcb *switch_fast(struct hart *h, struct tcb *t, struct tcb *to)
{
    ticks_t now = read_time(), spent = now - h->slice_start;
    h->slice_start = now;
    t->ticks += spent;
    if (t->pers_base_wanted != 0)
        t->system_ticks += sched_system_share(h, spent);
    t->sc->remaining -= (int64_t)spent;
    if ((t->fp_state | to->fp_state) != FP_NEVER)
        switch_fp(h, t, to);
    h->current = to;
    to->state = THREAD_RUNNABLE;
    to->nr_switches++;
    h->nr_fast_switches++;
    struct vspace *old = h->vspace, *vs = to->vspace;
    if (vs != old)
        switch_space(h, old, vs);
    clear_reservation();
    if (h->running_priority != to->priority) {
        __atomic_store_n(&h->running_priority, to->priority, __ATOMIC_RELAXED);
        fence_full();
        if (mailbox_pending(h))
            return sched_exit(h);
    }
    return to;
}

static inline void copy_message(const struct tcb *from, struct tcb *to, badge_t badge)
{
    to->x[10] = 0;
    to->x[11] = from->x[11];
    to->x[12] = from->x[12];
    to->x[13] = from->x[13];
    to->x[14] = from->x[14];
    to->x[15] = from->x[15];
    to->x[16] = badge;
    to->x[0] += 4;
}

static inline struct tcb *fast_call(struct hart *h, struct tcb *t)
{
    badge_t badge = 0;
    struct endpoint *ep = find(t, t->x[10], CAP_TYPE_ENDPOINT, RIGHT_WRITE, &badge);

    if (unlikely(ep == NULL || !spin_trylock(&ep->lock)))
        return NULL;
    struct tcb *to = ep->head;
    if (unlikely(ep->kind != EP_RECEIVERS || !simple(h, to)))
        goto decline;
    struct reply *r = to->recv_reply;
    if (unlikely(r == NULL || !spin_trylock(&r->lock)))
        goto decline;
    if (unlikely(r->dead)) {
        spin_unlock(&r->lock);
        goto decline;
    }
    ep->head = to->wait_next;
    if (ep->head == NULL) {
        ep->tail = NULL;
        ep->kind = EP_IDLE;
    } else {
        ep->head->wait_prev = NULL;
    }
    to->recv_reply = NULL;
    copy_message(t, to, badge);
    t->wait_is_call = 1;
    t->wait_is_fault = 0;
    t->wait_object = r;
    t->state = THREAD_BLOCKED_REPLY;
    r->caller = t;
    r->receiver = NULL;
    spin_unlock(&r->lock);
    spin_unlock(&ep->lock);
    return switch_fast(h, t, to);
decline:
    spin_unlock(&ep->lock);
    return NULL;
}

static inline struct tcb *fast_reply_recv(struct hart *h, struct tcb *t)
{
    struct endpoint *ep = find(t, t->x[10], CAP_TYPE_ENDPOINT, RIGHT_READ, NULL);
    struct reply *r = find(t, t->x[16], CAP_TYPE_REPLY, 0, NULL);

    if (unlikely(ep == NULL || r == NULL || t->bound != NULL || t->upcall_pending ||
                 t->sc != t->home_sc || !spin_trylock(&r->lock)))
        return NULL;
    struct tcb *c = r->caller;
    if (unlikely(c == NULL || c->claimed || c->state != THREAD_BLOCKED_REPLY || !simple(h, c) ||
                 r->receiver != NULL || r->dead || !spin_trylock(&ep->lock)))
        goto decline;
    if (unlikely(ep->kind == EP_SENDERS || ep->dead)) {
        spin_unlock(&ep->lock);
        goto decline;
    }
    copy_message(t, c, 0);
    r->caller = NULL;
    r->receiver = t;
    t->recv_reply = r;
    t->wait_object = ep;
    t->wait_next = NULL;
    t->wait_prev = ep->tail;
    if (ep->tail != NULL)
        ep->tail->wait_next = t;
    else
        ep->head = t;
    ep->tail = t;
    ep->kind = EP_RECEIVERS;
    t->state = THREAD_BLOCKED_RECV;
    spin_unlock(&ep->lock);
    spin_unlock(&r->lock);
    return switch_fast(h, t, c);
decline:
    spin_unlock(&r->lock);
    return NULL;
}

/* With own->lock held, which has no bits. */
static inline void begin_wait(struct notification *own, struct tcb *t)
{
    t->state = THREAD_BLOCKED_NOTIFICATION;
    t->wait_object = own;
    t->wait_next = NULL;
    t->wait_prev = own->tail;
    if (own->tail != NULL)
        own->tail->wait_next = t;
    else
        own->head = t;
    own->tail = t;
}

/* After deadlines changed: a timer that goes off too early does no harm. */
static inline void advance_timer(struct hart *h)
{
    if (likely(!h->timer_dirty))
        return;
    h->timer_dirty = false;
    ticks_t first = deadline_first(h);
    if (first < h->armed)
        timer_set(h, first);
}

/* Called by the general path's entry, with all registers saved: this thread waits,
 * and the only one at the next priority runs. */
struct tcb *fastpath_wait(struct hart *h, struct tcb *t)
{
    ticks_t deadline = t->x[11];
    int32_t top = h->queue.top;

    if (unlikely(top < 0 || h->timer_dirty || h->resched || t->sc == NULL || t->upcall_pending ||
                 mailbox_pending(h) || (deadline != DEADLINE_NONE && deadline <= read_time())))
        return NULL;
    struct tcb *to = h->queue.level[top].head;
    struct notification *own = find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_READ, NULL);
    if (unlikely(own == NULL || to->run_next != NULL || to->fast_hart != h || to->upcall_pending ||
                 top > t->priority || !spin_trylock(&own->lock)))
        return NULL;
    if (unlikely(own->bits != 0 || own->dead)) {
        spin_unlock(&own->lock);
        return NULL;
    }
    begin_wait(own, t);
    if (unlikely(deadline != DEADLINE_NONE))
        deadline_insert(h, t, deadline);
    spin_unlock(&own->lock);
    run_queue_remove(&h->queue, to);
    advance_timer(h);
    to = switch_fast(h, t, to);
    sched_update_page(h);
    return to;
}

/* The signalled thread runs next and this one waits. */
static inline struct tcb *fast_signal_wait(struct hart *h, struct tcb *t)
{
    badge_t badge = 0;
    struct notification *n = find(t, t->x[10], CAP_TYPE_NOTIFICATION, RIGHT_WRITE, &badge);
    struct notification *own = find(t, t->x[11], CAP_TYPE_NOTIFICATION, RIGHT_READ, NULL);

    ticks_t deadline = t->x[12];
    if (unlikely(n == NULL || own == NULL || n == own || t->upcall_pending))
        return NULL;
    if (unlikely(deadline != DEADLINE_NONE && deadline <= read_time()))
        return NULL;
    if (unlikely(!spin_trylock(&n->lock)))
        return NULL;
    struct tcb *to = n->head;
    if (unlikely(to == NULL || !simple(h, to) || !spin_trylock(&own->lock)))
        goto decline;
    if (unlikely(own->bits != 0 || own->dead)) {
        spin_unlock(&own->lock);
        goto decline;
    }
    complete_wait(n, to, badge);
    begin_wait(own, t);
    if (unlikely(to->in_heap))
        deadline_remove(h, to);
    if (unlikely(deadline != DEADLINE_NONE))
        deadline_insert(h, t, deadline);
    spin_unlock(&own->lock);
    spin_unlock(&n->lock);
    advance_timer(h);
    return switch_fast(h, t, to);
decline:
    spin_unlock(&n->lock);
    return NULL;
}

struct tcb *fastpath_ipc(struct tcb *t)
{
    struct hart *h = this_hart();
    uint64_t nr = t->x[17];

    quiesce_enter(h);
    if (unlikely(h->timer_dirty || t->sc == NULL || t->x[10] == 0))
        return NULL;
    if (nr == SYS_SIGNAL_WAIT)
        return fast_signal_wait(h, t);
    if (unlikely((t->x[11] & 0x1ff) > MSG_REG_WORDS))   /* or any capability */
        return NULL;
    return nr == SYS_CALL ? fast_call(h, t) : fast_reply_recv(h, t);
}
