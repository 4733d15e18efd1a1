/* SPDX-License-Identifier: MIT */
/*
 * What the fast paths share: looking capabilities up, and the switch from the
 * current thread to one that fast_hart says may run here at once. The outcome is
 * that of the general paths (kernel/cspace.c, kernel/sched.c).
 */
#ifndef ATOLL_FASTPATH_FAST_H
#define ATOLL_FASTPATH_FAST_H

#include "arch/riscv/atomic.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/fpu.h"
#include "kernel/cspace.h"
#include "kernel/deadline.h"
#include "kernel/mailbox.h"
#include "kernel/quiesce.h"
#include "kernel/sched.h"
#include "object/notification.h"
#include "object/sched_context.h"
#include "object/vspace.h"

#define FAST_INLINE inline __attribute__((always_inline))
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The object of a capability; false: decline. */
static FAST_INLINE bool fast_find(const struct tcb *t, cptr_t cptr, enum cap_type type,
                                  uint64_t rights, void *object, badge_t *badge)
{
    const struct slot *s;

    if (likely(cptr - 1 < t->cspace_mask)) {    /* as cspace_slot */
        s = &t->cspace[cptr];
    } else {
        uint64_t root = cptr & CPTR_ROOT_MASK;
        if (unlikely(root - 1 >= t->cspace_mask))
            return false;
        s = cspace_second(&t->cspace[root], cptr >> CPTR_ROOT_BITS);
        if (unlikely(s == NULL))
            return false;
    }
    uint64_t word = __atomic_load_n(&s->word0, __ATOMIC_RELAXED);

    if (badge != NULL) {
        fence_loads();
        *badge = __atomic_load_n(&s->word1, __ATOMIC_RELAXED);
        fence_loads();
        if (unlikely(__atomic_load_n(&s->word0, __ATOMIC_RELAXED) != word))
            return false;
    }
    object_found();
    /* What the object holds is ordered by the address dependency. */
    *(void **)object = cap_object(word);
    return likely((word & (CAP_TYPE_MASK | CAP_ZOMBIE)) == type) &&
           likely((rights << CAP_RIGHTS_SHIFT & ~word) == 0);
}

/* May the switch from the current thread, which waits, to `to` be made without
 * looking at anything else? */
static FAST_INLINE bool fast_switchable(const struct hart *h, const struct tcb *to)
{
    return to->fast_hart == h && to->priority > h->queue.top;
}

/* With n->lock held: its first waiter leaves; no bits are pending then. Returns
 * what it gets for a1. */
static FAST_INLINE uint64_t fast_unlink_waiter(struct notification *n, struct tcb *to, badge_t badge)
{
    struct tcb *next = to->wait_next;

    n->head = next;
    if (next == NULL)
        n->tail = NULL;
    else
        next->wait_prev = NULL;
    return badge != 0 ? badge : 1;
}

/* With own->lock held, which has no bits. */
static FAST_INLINE void fast_begin_wait(struct notification *own, struct tcb *t)
{
    t->state = THREAD_BLOCKED_NOTIFICATION;
    t->wait_object = own;
    tcb_wait_last(&own->head, &own->tail, t);
}

/* A wait of `to`, which runs later or now, ended with these bits. */
static FAST_INLINE void complete_wait(struct tcb *to, uint64_t bits)
{
    to->x[10] = 0;
    to->x[11] = bits;
    to->x[0] += 4;
}

/* SignalWait: the thread that waits for the first notification, which then runs at once,
 * while t waits for the one of a1. NULL: declined. With bits != NULL neither may have a
 * deadline, and its wait is the caller's to complete. */
static FAST_INLINE struct tcb *fast_signal_wait(struct hart *h, struct tcb *t, cptr_t cptr,
                                                ticks_t deadline, uint64_t *const bits)
{
    const bool timed = bits == NULL;
    struct notification *n, *own;
    badge_t badge = 0;

    if (!timed && unlikely(deadline != DEADLINE_NONE))
        return NULL;
    quiesce_enter(h);
    if (!fast_find(t, cptr, CAP_TYPE_NOTIFICATION, RIGHT_WRITE, &n, &badge) ||
        !fast_find(t, t->x[11], CAP_TYPE_NOTIFICATION, RIGHT_READ, &own, NULL) ||
        unlikely(n == own || t->upcall_pending ||
                 (deadline != DEADLINE_NONE && deadline <= read_time()) || !spin_trylock(&n->lock)))
        return NULL;
    struct tcb *to = n->head;
    if (unlikely(to == NULL || (!timed && to->in_heap) || !fast_switchable(h, to) ||
                 !spin_trylock(&own->lock)))
        goto decline;
    if (unlikely(own->bits != 0 || own->dead)) {
        spin_unlock(&own->lock);
        goto decline;
    }
    uint64_t got = fast_unlink_waiter(n, to, badge);
    if (timed)
        complete_wait(to, got);
    else
        *bits = got;
    fast_begin_wait(own, t);
    if (timed && unlikely(to->in_heap))
        deadline_remove(h, to);
    if (timed && unlikely(deadline != DEADLINE_NONE))
        deadline_insert(h, t, deadline);
    spin_unlock(&own->lock);
    spin_unlock(&n->lock);
    return to;
decline:
    spin_unlock(&n->lock);
    return NULL;
}

/* vspace_switch_in and _out in one. The atomic's acquire puts the bit before the
 * look at satp (who destroys the VSpace changes that first), and sfence.vma puts it
 * before the first walk (who changes entries looks at the bits last). The current
 * thread came from user mode, so its VSpace is loaded: old is not NULL. */
static FAST_INLINE void fast_switch_space(struct hart *h, struct vspace *old, struct vspace *to)
{
    uint64_t me = h->mask;

    h->vspace = to;
    __atomic_fetch_or(&to->harts, me, __ATOMIC_ACQUIRE);
    satp_write(to->satp);
    if (unlikely((to->icache_stale & me) != 0)) {
        __atomic_fetch_and(&to->icache_stale, ~me, __ATOMIC_RELAXED);
        fence_instructions();
    }
    atomic_and_release(&old->harts, ~me);
}

/* One of the two has used floating point. The registers stay where they are while
 * threads without such state run. Only the owner can make them dirty. `state` is to's. */
static FAST_INLINE void fast_switch_fp(struct hart *h, struct tcb *t, struct tcb *to, uint32_t state,
                                       const bool fp_inline)
{
    uint64_t fs = csr_read("sstatus") & SSTATUS_FS_MASK;

    if (fs == SSTATUS_FS_DIRTY && fp_inline)
        fp_save_inline(t, offsetof(struct tcb, f));
    else if (fs == SSTATUS_FS_DIRTY)
        fp_save(t->f);
    if (state == FP_NEVER) {
        csr_clear("sstatus", SSTATUS_FS_MASK);
        return;
    }
    if (fs != SSTATUS_FS_DIRTY)
        csr_set("sstatus", SSTATUS_FS_MASK);
    if (h->fp_owner != to || state != FP_USED) {
        if (fp_inline)
            fp_restore_inline(to, offsetof(struct tcb, f));
        else
            fp_restore(to->f);
        h->fp_owner = to;
        to->fp_state = FP_USED;
    }
    csr_clear("sstatus", SSTATUS_FS_DIRTY & ~SSTATUS_FS_CLEAN);
}

/* All but the registers and the reservation. True: something came into the mailbox before others saw
 * the new priority, so the way out is sched_exit. */
static FAST_INLINE bool fast_switch(struct hart *h, struct tcb *t, struct tcb *to,
                                    const bool fp_inline)
{
    ticks_t now = read_time(), spent = now - h->slice_start;

    h->slice_start = now;
    t->ticks += spent;
    if (t->pers_base_wanted != 0)
        t->system_ticks += sched_system_share(h, spent);
    t->sc->remaining -= (int64_t)spent;
    uint32_t state = to->fp_state;
    if ((t->fp_state | state) != FP_NEVER)
        fast_switch_fp(h, t, to, state, fp_inline);
    h->current = to;
    to->state = THREAD_RUNNABLE;
    to->nr_switches++;
    h->nr_fast_switches++;
    struct vspace *old = h->vspace, *vs = to->vspace;
    if (vs != old)
        fast_switch_space(h, old, vs);
    if (h->running_priority == to->priority)
        return false;
    store_relaxed((uint32_t *)&h->running_priority, (uint32_t)to->priority);
    fence_full();
    return unlikely(mailbox_pending(h));
}

#endif
