/* SPDX-License-Identifier: MIT */
/*
 * System-call decode, the general path. Each handler returns an error for a0,
 * or one of K_*: restart (the pc stays on the ecall), blocked, or done (it has
 * set the registers). Only when a call ends are its restart notes forgotten.
 */
#include "kernel/syscall.h"

#include <atoll/syscall.h>

#include "kernel/cspace.h"
#include "kernel/invoke.h"
#include "kernel/preempt.h"
#include "kernel/print.h"
#include "kernel/quiesce.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "kernel/usercopy.h"
#include "object/cnode.h"
#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/platform.h"
#include "object/pool.h"
#include "object/sched_context.h"
#include "object/segment.h"
#include "object/tcb_ops.h"
#include "object/untyped.h"
#include "object/vspace.h"

#define DEBUG_CHUNK 32

/* Objects whose invocations leave the caller and its registers alone: they do not
 * stop, move or delete a thread. */
#define LIGHT_TYPES (1u << CAP_TYPE_VSPACE | 1u << CAP_TYPE_SEGMENT | 1u << CAP_TYPE_POOL | \
                     1u << CAP_TYPE_SCHED_CONTEXT | 1u << CAP_TYPE_UNTYPED | \
                     1u << CAP_TYPE_IRQ | 1u << CAP_TYPE_PLATFORM)
#define ALL_TYPES   (~0u)

/* K_DECLINED: the capability is of a type that is not in `types`. */
static inline error_t invoke(struct tcb *t, cptr_t cptr, struct invoke *inv, uint32_t types)
{
    uint64_t word, badge;
    struct slot *slot = cspace_slot(t->cspace, t->cspace_mask, cptr);

    inv->result = 0;    /* first: the answer of a refused one carries it too */
    if (slot == NULL || !slot_read(slot, &word, &badge))
        return ERR_INVALID_CAP;
    if ((types >> cap_type(word) & 1) == 0)
        return K_DECLINED;
    inv->caller = t;
    inv->slot = slot;
    inv->word = word;
    inv->object = cap_object(word);
    inv->rights = cap_rights(word);
    inv->badge = badge;
    switch (cap_type(word)) {
    case CAP_TYPE_UNTYPED:       return untyped_decode(inv);
    case CAP_TYPE_CNODE:         return cnode_decode(inv);
    case CAP_TYPE_TCB:           return tcb_decode(inv);
    case CAP_TYPE_SCHED_CONTEXT: return sched_context_decode(inv);
    case CAP_TYPE_VSPACE:        return vspace_decode(inv);
    case CAP_TYPE_POOL:          return pool_decode(inv);
    case CAP_TYPE_SEGMENT:       return segment_decode(inv);
    case CAP_TYPE_IRQ:           return irq_decode(inv);
    case CAP_TYPE_PLATFORM:      return platform_decode(inv);
    default:                     return ERR_INVALID_CALL;
    }
}

static error_t sys_invoke(struct tcb *t, uint32_t types)
{
    struct invoke inv;

    inv.op = (uint32_t)t->x[11];
    if (t->x[11] != inv.op)
        return ERR_INVALID_CALL;
    for (unsigned i = 0; i < 5; i++)
        inv.arg[i] = t->x[12 + i];
    error_t err = invoke(t, t->x[10], &inv, types);
    if (err <= 0)
        t->x[11] = inv.result;
    return err;
}

/*
 * Batches. Neighbours that map or unmap neighbouring pages are done as one range, which
 * costs little more than a page; they are compared where they stand. From the first on
 * that differs, entries are read ahead, up to BATCH_AHEAD with one copy.
 * One range is so few pages that nothing is preempted in between; if something is wrong
 * with the whole, nothing has changed, and each is done by itself.
 */
#define BATCH_AHEAD 16u
#define JOIN_PAGES  4u          /* most of each entry                          */

/* Words of an entry. Others may change it meanwhile: each is read once. */
typedef const volatile uint64_t __attribute__((may_alias)) entry_word;
_Static_assert(offsetof(struct invocation, op) == 8 && offsetof(struct invocation, arg) == 16,
               "cap, op with error, arg[5], result");

/* How many entries are one operation: e, and those from `next` to `end` that continue it
 * and have nothing to store. */
static __attribute__((noinline)) unsigned batch_join(const struct invocation *e, entry_word *next,
                                                     entry_word *end)
{
    uint64_t cap = e->cap, bytes = e->arg[1], flags = e->arg[2], segment = e->arg[3];
    uint64_t pages = e->op == VSPACE_MAP ? bytes / PAGE_BYTES : 0;
    uint64_t va = e->arg[0] + bytes, page = e->arg[4] + pages, op = e->op;
    entry_word *w = next;

    if ((!pages && op != VSPACE_UNMAP) || bytes % PAGE_BYTES || bytes > JOIN_PAGES * PAGE_BYTES ||
        e->error || e->result)
        return 1;
    for (; w < end && w[2] == va && w[0] == cap && w[1] == op && w[3] == bytes && !w[7] &&
           (!pages || (w[4] == flags && w[5] == segment && w[6] == page)); w += 8) {
        va += bytes;
        page += pages;
    }
    return 1 + (unsigned)(w - next) / 8;
}

/* Read up to BATCH_AHEAD entries, fewer if there are no more that can be read in this page.
 * The first `*joined` are one operation; of these only the first is in the list. */
static error_t batch_read(struct tcb *t, struct invocation *list, uaddr_t at, uint64_t left,
                          unsigned *count, unsigned *joined)
{
    uint64_t n = (PAGE_BYTES - at % PAGE_BYTES) / sizeof(*list);
    const struct invocation *user;

    n = n < left ? n : left;
    n = n < BATCH_AHEAD ? n : BATCH_AHEAD;
    *count = *joined = 1;
    if (n < 2 || at % 8 || (user = user_page_lock(t->vspace, at)) == NULL)
        return copy_from_user(t->vspace, list, at, sizeof(*list));
    bytes_copy(list, user, sizeof(*list));
    *count = (unsigned)n;
    *joined = batch_join(list, (entry_word *)(user + 1), (entry_word *)(user + n));
    bytes_copy(list + *joined, user + *joined, (*count - *joined) * sizeof(*list));
    spin_unlock(&t->vspace->lock);
    return 0;
}

/* The entry that stands at `at`, or *n from it on; *n: how many. */
static error_t batch_entry(struct tcb *t, uaddr_t at, struct invocation *e, unsigned *n,
                           uint32_t types)
{
    struct invoke inv = { .op = e->op, .arg = { e->arg[0], e->arg[1], e->arg[2], e->arg[3], e->arg[4] } };

    if (e->op == TCB_SET_HART)
        return ERR_INVALID_CALL;        /* could take the caller elsewhere */
    inv.arg[1] *= *n;
    error_t err = invoke(t, e->cap, &inv, types);
    if (err < 0 && *n > 1) {
        *n = 1;
        inv.arg[1] = e->arg[1];
        err = invoke(t, e->cap, &inv, types);
    }
    if (err > 0 || (e->error == err && e->result == inv.result))
        return err;                     /* it says so already */
    e->error = err;
    e->result = inv.result;
    if (t->vspace == NULL)
        return K_PREEMPTED;             /* it has just deleted its own */
    error_t copy = copy_to_user(t->vspace, at, e, sizeof(*e));
    return err != 0 ? err : copy;
}

static error_t sys_batch(struct tcb *t, uint32_t types)
{
    struct invocation list[BATCH_AHEAD], *e = list, *end = list;
    uint64_t count = t->x[11];

    while (t->batch_index < count) {
        uaddr_t at = t->x[10] + t->batch_index * sizeof(*e);
        unsigned n, joined;
        error_t err = 0;

        if (e == end) {
            err = batch_read(t, list, at, count - t->batch_index, &n, &joined);
            e = list;
            end = list + n;
        } else {
            joined = batch_join(e, (entry_word *)(e + 1), (entry_word *)end);
        }
        if (err == 0) {
            n = t->restart_cursor ? 1 : joined;
            err = batch_entry(t, at, e, &n, types);
        }
        if (err > 0)
            return err;
        if (err < 0) {
            t->x[11] = t->batch_index;
            return err;
        }
        e = n == joined ? e + n : end;  /* what was joined is not in the list */
        t->batch_index += n;
        t->restart_cursor = 0;
        if (t->batch_index < count && (preempt_pending() || t->state != THREAD_RUNNABLE))
            return K_PREEMPTED;
    }
    t->x[11] = t->batch_index;
    return 0;
}

static error_t sys_send(struct hart *h, struct tcb *t, unsigned flags)
{
    struct cap_ref ep;
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_ENDPOINT, RIGHT_WRITE, &ep);

    if (err != 0)
        return err;
    if (ep.rights & RIGHT_GRANT)
        flags |= SEND_CAN_GRANT;
    return endpoint_send(h, t, ep.object, ep.badge, flags);
}

static error_t sys_recv(struct hart *h, struct tcb *t, bool blocking)
{
    struct cap_ref ep, reply = { 0 };
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_ENDPOINT, RIGHT_READ, &ep);

    if (err == 0 && t->x[16] != 0)
        err = cap_lookup(t, t->x[16], CAP_TYPE_REPLY, 0, &reply);
    return err != 0 ? err : endpoint_recv(h, t, ep.object, reply.object, blocking);
}

/* A restarted call must not answer twice: the reply is then without caller, and
 * sending to nobody is no error here. */
static error_t sys_reply_recv(struct hart *h, struct tcb *t)
{
    struct cap_ref ep, reply;
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_ENDPOINT, RIGHT_READ, &ep);

    if (err == 0)
        err = cap_lookup(t, t->x[16], CAP_TYPE_REPLY, 0, &reply);
    if (err != 0)
        return err;
    err = reply_send(h, t, reply.object, true);
    if (err == K_AGAIN)
        return err;
    return endpoint_recv(h, t, ep.object, reply.object, true);
}

static error_t sys_reply(struct hart *h, struct tcb *t)
{
    struct cap_ref reply;
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_REPLY, 0, &reply);

    return err != 0 ? err : reply_send(h, t, reply.object, true);
}

static error_t signal(struct tcb *t, cptr_t cptr)
{
    struct cap_ref n;
    error_t err = cap_lookup(t, cptr, CAP_TYPE_NOTIFICATION, RIGHT_WRITE, &n);

    if (err == 0)
        notification_signal(n.object, n.badge != 0 ? n.badge : 1);
    return err;
}

static error_t wait(struct hart *h, struct tcb *t, cptr_t cptr, ticks_t deadline)
{
    struct cap_ref n;
    error_t err = cap_lookup(t, cptr, CAP_TYPE_NOTIFICATION, RIGHT_READ, &n);

    return err != 0 ? err : notification_wait(h, t, n.object, deadline);
}

static error_t sys_signal_wait(struct hart *h, struct tcb *t)
{
    struct cap_ref n;
    error_t err = cap_lookup(t, t->x[11], CAP_TYPE_NOTIFICATION, RIGHT_READ, &n);

    if (err == 0)
        err = signal(t, t->x[10]);
    return err != 0 ? err : notification_wait(h, t, n.object, t->x[12]);
}

/* What the fast path left: an upcall is pending, or there is no frame. */
static __attribute__((cold)) error_t sys_resume(struct tcb *t)
{
    if (t->frame == NULL)
        return ERR_INVALID_CALL;
    const struct upcall_regs *g = &t->frame->guest;
    t->x[0] = g->x[0];
    t->x[2] = g->x[2];
    t->x[4] = g->x[4];
    t->x[5] = g->x[5];
    t->x[6] = g->x[6];
    t->x[17] = g->x[17];
    return K_DONE;      /* sched_exit delivers the upcall */
}

static __attribute__((cold)) error_t sys_resume_all(struct tcb *t, bool fault)
{
    if (t->frame == NULL)
        return ERR_INVALID_CALL;
    const struct upcall_regs *from = fault ? &t->frame->fault : &t->frame->guest;
    for (unsigned i = 0; i < 32; i++)
        t->x[i] = __atomic_load_n(&from->x[i], __ATOMIC_RELAXED);
    if (fault)
        t->frame->fault_active = 0;
    return K_DONE;
}

static error_t sys_vspace_copy(struct tcb *t)
{
    struct cap_ref vs;
    uint64_t done = 0;
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_VSPACE, RIGHT_COPY, &vs);

    if (err != 0)
        return err;
    err = vspace_copy(vs.object, t->x[11], t->vspace, t->x[12], t->x[13], t->x[14] != 0,
                      &t->restart_cursor, &done);
    if (err <= 0)
        t->x[11] = done;
    return err;
}

static __attribute__((cold)) error_t sys_debug_write(struct tcb *t)
{
    struct cap_ref platform;
    char text[DEBUG_CHUNK];
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_PLATFORM, RIGHT_WRITE, &platform);

    while (err == 0 && t->restart_cursor < t->x[12]) {
        uint64_t left = t->x[12] - t->restart_cursor;
        uint64_t n = left < sizeof(text) ? left : sizeof(text);
        err = copy_from_user(t->vspace, text, t->x[11] + t->restart_cursor, n);
        if (err != 0)
            break;
        kwrite(text, n);
        t->restart_cursor += n;
        if (preempt_pending())
            return K_PREEMPTED;
    }
    return err;
}

static __attribute__((cold)) error_t sys_trace(struct tcb *t)
{
    struct cap_ref platform;
    char text[TRACE_TEXT_MAX];
    error_t err = cap_lookup(t, t->x[10], CAP_TYPE_PLATFORM, RIGHT_WRITE, &platform);

    if (err == 0 && t->x[12] > sizeof(text))
        err = ERR_RANGE;
    if (err == 0)
        err = copy_from_user(t->vspace, text, t->x[11], t->x[12]);
    if (err == 0)
        trace_text(text, t->x[12]);
    return err;
}

static error_t dispatch(struct hart *h, struct tcb *t)
{
    switch (t->x[17]) {
    case SYS_CALL:          return sys_send(h, t, SEND_CALL | SEND_BLOCKING);
    case SYS_REPLY_RECV:    return sys_reply_recv(h, t);
    case SYS_SEND:          return sys_send(h, t, SEND_BLOCKING);
    case SYS_NB_SEND:       return sys_send(h, t, 0);
    case SYS_RECV:          return sys_recv(h, t, true);
    case SYS_NB_RECV:       return sys_recv(h, t, false);
    case SYS_REPLY:         return sys_reply(h, t);
    case SYS_SIGNAL:        return signal(t, t->x[10]);
    case SYS_WAIT:          return wait(h, t, t->x[10], t->x[11]);
    case SYS_SIGNAL_WAIT:   return sys_signal_wait(h, t);
    case SYS_INVOKE:        return sys_invoke(t, ALL_TYPES);
    case SYS_BATCH:         return sys_batch(t, ALL_TYPES);
    case SYS_YIELD:         sched_yield(h); return 0;
    case SYS_RESUME:        return sys_resume(t);
    case SYS_RESUME_FULL:   return sys_resume_all(t, false);
    case SYS_RESUME_FAULT:  return sys_resume_all(t, true);
    case SYS_VSPACE_COPY:   return sys_vspace_copy(t);
    case SYS_DEBUG_WRITE:   return sys_debug_write(t);
    case SYS_TRACE:         return sys_trace(t);
    case SYS_UPCALL_CLEAR:
        t->x[11] = t->upcall_pending;
        t->upcall_pending = 0;
        return 0;
    default:
        return ERR_INVALID_CALL;
    }
}

/* What a handler returned. */
static inline void finish(struct hart *h, struct tcb *t, error_t err)
{
    if (err <= 0) {
        thread_complete(t, err);
    } else if (err == K_AGAIN) {
        thread_retry(h, t);
        return;
    } else if (err == K_PREEMPTED) {
        return;
    }
    t->retries = 0;
    t->batch_index = 0;
    t->restart_cursor = 0;
}

void syscall_handle(struct hart *h, struct tcb *t)
{
    h->counters.nr_syscalls++;
    finish(h, t, dispatch(h, t));
}

void syscall_ipc(struct hart *h, struct tcb *t)
{
    h->counters.nr_syscalls++;
    finish(h, t, t->x[17] == SYS_CALL ? sys_send(h, t, SEND_CALL | SEND_BLOCKING) : sys_reply_recv(h, t));
}

int syscall_light(struct tcb *t)
{
    struct hart *h = this_hart();
    error_t err;

    quiesce_enter(h);
    switch (t->x[17]) {
    case SYS_YIELD:
        if (h->queue.top >= t->priority)
            return SYSCALL_DECLINED;
        err = 0;
        break;
    case SYS_INVOKE:      err = sys_invoke(t, LIGHT_TYPES); break;
    case SYS_BATCH:       err = sys_batch(t, LIGHT_TYPES); break;
    case SYS_VSPACE_COPY: err = sys_vspace_copy(t); break;
    default:              return SYSCALL_DECLINED;
    }
    if (err == K_DECLINED)
        return SYSCALL_DECLINED;
    h->counters.nr_syscalls++;
    finish(h, t, err);
    return sched_must_choose(h) ? SYSCALL_CHOOSE : SYSCALL_DONE;
}
