/* SPDX-License-Identifier: MIT */
/*
 * See tcb_ops.h.
 *
 * Operations that change what a thread is made of require it to be at rest: it
 * is the caller itself, or it is stopped with nothing pending. Whether it is
 * stopped is looked at under the tree lock, and TCB_RESUME announces itself
 * (`starting`) under the same lock, so a thread found at rest stays so until
 * the lock is let go.
 *
 * To give a thread another capability in place of one it has, the old one goes
 * first, which may need its hart and restarts. So that an error leaves the thread as
 * it was, all is checked before that, and again after.
 */
#include "object/tcb_ops.h"

#include "kernel/cspace.h"
#include "kernel/delete.h"
#include "kernel/mailbox.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "kernel/tree.h"
#include "kernel/usercopy.h"
#include "kernel/trace.h"
#include "object/notification.h"
#include "object/sched_context.h"
#include "object/segment.h"

void tcb_init(struct tcb *t)
{
    t->hart_ptr = &harts[0];
    t->state = THREAD_STOPPED;
}

void tcb_refresh(struct tcb *t)
{
    bool fast = t->sc != NULL && t->sc == t->home_sc && !sc_is_limited(t->sc) &&
                t->vspace != NULL && t->deferred == 0 && !t->arriving;

    t->fast_hart = fast ? t->hart_ptr : NULL;
}

/* Tree lock held. 0, K_AGAIN while something is on its way, or ERR_BUSY. */
static error_t at_rest(const struct invoke *inv, const struct tcb *t)
{
    if (t == inv->caller)
        return 0;
    if (__atomic_load_n(&t->starting, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&t->ops, __ATOMIC_ACQUIRE) != 0)
        return K_AGAIN;
    if (__atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != THREAD_STOPPED || t->unlinked)
        return ERR_BUSY;
    return 0;
}

void tcb_take_slots(struct tcb *t)
{
    uint64_t cspace = t->slot[TCB_SLOT_CSPACE].word0;
    struct sched_context *sc = cap_object(t->slot[TCB_SLOT_SCHED].word0);

    t->cspace = cap_object(cspace);
    t->cspace_mask = ((1ul << cap_extra(cspace)) - 1) & CPTR_ROOT_MASK;
    t->vspace = cap_object(t->slot[TCB_SLOT_VSPACE].word0);
    if (!slot_is_empty(&t->slot[TCB_SLOT_SCHED])) {
        t->home_sc = t->sc = sc;
        sc->owner = sc->holder = t;
        sc->hart = t->hart;
    }
    tcb_refresh(t);
}

/* What a slot takes. */
static const struct { uint8_t type, rights; } takes[TCB_NR_SLOTS] = {
    [TCB_SLOT_CSPACE] = { CAP_TYPE_CNODE, 0 },
    [TCB_SLOT_VSPACE] = { CAP_TYPE_VSPACE, 0 },
    [TCB_SLOT_SCHED] = { CAP_TYPE_SCHED_CONTEXT, 0 },
    [TCB_SLOT_FAULT_EP] = { CAP_TYPE_ENDPOINT, RIGHT_WRITE },
    [TCB_SLOT_NOTIFICATION] = { CAP_TYPE_NOTIFICATION, RIGHT_READ },
    [TCB_SLOT_FRAME] = { CAP_TYPE_SEGMENT, RIGHT_READ | RIGHT_WRITE },
    [TCB_SLOT_IPC_BUFFER] = { CAP_TYPE_SEGMENT, RIGHT_READ | RIGHT_WRITE },
};

/* The capabilities that arg[0], ... name for `count` slots from `first` on. */
struct give {
    struct invoke *inv;
    struct tcb *t;
    enum tcb_slot first;
    unsigned count;
    struct slot_ref src[3];
    void *page;                 /* pinned, of FRAME and IPC_BUFFER              */
};

/* Is this object free for the thread? `last`: and stays so. */
static error_t check_object(struct give *g, enum tcb_slot which, void *object, bool last)
{
    error_t err;
    paddr_t pa;

    switch (which) {
    case TCB_SLOT_SCHED: {
        const struct sched_context *sc = object;
        return sc->owner != NULL && sc->owner != g->t ? ERR_BUSY : 0;
    }
    case TCB_SLOT_NOTIFICATION: {       /* who binds one holds the tree lock */
        const struct notification *n = object;
        return n->bound != NULL && n->bound != g->t ? ERR_BUSY : 0;
    }
    case TCB_SLOT_FRAME:
    case TCB_SLOT_IPC_BUFFER:
        err = segment_pin_page(object, g->inv->arg[1], &g->page, &pa);
        if (err == 0 && !last)
            segment_unpin_page(object, g->inv->arg[1]);
        return err;
    default:
        return 0;
    }
}

/* Tree lock held. `last`: after the slots were emptied. */
static error_t check_all(struct give *g, bool last)
{
    error_t err = at_rest(g->inv, g->t);

    if (err == 0 && g->inv->slot->word0 != g->inv->word)
        err = ERR_INVALID_CAP;
    if (err == 0 && g->first == TCB_SLOT_CSPACE && g->t->sc != g->t->home_sc)
        err = ERR_BUSY;
    for (unsigned i = 0; err == 0 && i < g->count; i++) {
        enum tcb_slot which = g->first + i;
        if (last && !slot_is_empty(&g->t->slot[which]))
            err = ERR_BUSY;     /* filled by somebody else meanwhile */
        else if (g->inv->arg[i] != 0)
            err = slot_ref_check(&g->src[i], takes[which].type, takes[which].rights);
        if (err == 0 && g->inv->arg[i] != 0)
            err = check_object(g, which, cap_object(g->src[i].slot->word0), last);
    }
    return err;
}

/* Tree lock held: the slots are full, now the thread uses them. */
static void begin_use(const struct give *g)
{
    const struct slot *slot = &g->t->slot[g->first];
    const uint64_t *arg = g->inv->arg;
    void *object = cap_object(slot->word0);
    struct tcb *t = g->t;

    switch (g->first) {
    case TCB_SLOT_FAULT_EP:
        t->budget_faults = (uint32_t)arg[1];
        t->fault_badge = slot->word1;
        t->fault_ep = object;
        break;
    case TCB_SLOT_NOTIFICATION:
        t->bound = object;
        spin_lock(&t->bound->lock);
        t->bound->bound = t;
        spin_unlock(&t->bound->lock);
        break;
    case TCB_SLOT_FRAME:
        t->frame = g->page;
        t->frame->hart = t->hart;
        t->frame_uaddr = arg[2];
        t->frame_segment = object;
        t->frame_page = arg[1];
        t->pers_base = t->pers_base_wanted;
        break;
    case TCB_SLOT_IPC_BUFFER:
        t->ipc_buffer = g->page;
        t->ipc_segment = object;
        t->ipc_page = arg[1];
        break;
    default:                            /* TCB_CONFIGURE */
        t->priority = (int32_t)(arg[3] & 0xff);
        t->hart_ptr = &harts[arg[3] >> 8];
        __atomic_store_n(&t->hart, (uint32_t)(arg[3] >> 8), __ATOMIC_RELEASE);
        if (t->frame != NULL)
            t->frame->hart = t->hart;
        tcb_take_slots(t);
        break;
    }
}

/* Capabilities for slots of the thread, in place of what is there; none for arg[0] = 0. */
static error_t give(struct invoke *inv, struct tcb *t, enum tcb_slot first, unsigned count)
{
    struct give g = { .inv = inv, .t = t, .first = first, .count = count };
    error_t err = 0;

    for (unsigned i = 0; i < count && err == 0; i++)
        if (inv->arg[i] != 0)
            err = cspace_find(inv->caller, inv->arg[i], &g.src[i]);
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = check_all(&g, false);
    spin_unlock(&tree_lock);
    for (unsigned i = 0; i < count && err == 0; i++) {
        struct slot_ref old = { &t->slot[first + i], NULL, 0, 1 };
        err = slot_is_empty(old.slot) ? 0 : slot_delete(&old);
    }
    if (err != 0 || inv->arg[0] == 0)
        return err;
    spin_lock(&tree_lock);
    err = check_all(&g, true);
    if (err == 0) {
        for (unsigned i = 0; i < count; i++)
            if (inv->arg[i] != 0)
                slot_derive(&t->slot[first + i], g.src[i].slot, cap_rights(g.src[i].slot->word0),
                            g.src[i].slot->word1, CAP_INTERNAL);
        begin_use(&g);
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t tcb_configure(struct invoke *inv, struct tcb *t)
{
    if (inv->arg[3] >> 8 >= nr_harts)
        return ERR_INVALID_ARGUMENT;
    if (t == inv->caller)
        return ERR_BUSY;
    return inv->arg[0] == 0 || inv->arg[1] == 0 ? ERR_INVALID_CAP : give(inv, t, TCB_SLOT_CSPACE, 3);
}

/* TCB_SET_FRAME and TCB_SET_IPC_BUFFER: name and pin a page. */
static error_t set_page(struct invoke *inv, struct tcb *t, enum tcb_slot which)
{
    if ((inv->arg[2] & (PAGE_BYTES - 1)) != 0 || inv->arg[2] >= USER_TOP)
        return ERR_INVALID_ARGUMENT;
    return inv->arg[0] == 0 ? ERR_INVALID_CAP : give(inv, t, which, 1);
}

static error_t set_personality(struct invoke *inv, struct tcb *t)
{
    if (inv->arg[0] >= USER_TOP || inv->arg[1] >= USER_TOP || inv->arg[2] >= USER_TOP ||
        inv->arg[3] >= USER_TOP)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&tree_lock);
    error_t err = at_rest(inv, t);
    if (err == 0) {
        t->pers_base_wanted = inv->arg[0];
        t->pers_syscall = inv->arg[1];
        t->pers_upcall = inv->arg[2];
        t->pers_fault = inv->arg[3];
        t->pers_base = t->frame != NULL ? t->pers_base_wanted : 0;
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t tcb_resume(struct tcb *t)
{
    spin_lock(&tree_lock);
    __atomic_store_n(&t->starting, 1, __ATOMIC_RELAXED);
    tcb_request(t, TCB_OP_RESUME);
    spin_unlock(&tree_lock);
    return 0;
}

static error_t write_regs(struct invoke *inv, struct tcb *t)
{
    struct tcb_regs regs;
    error_t err = copy_from_user(inv->caller->vspace, &regs, inv->arg[0], sizeof(regs));

    if (err != 0)
        return err;
    if (t == inv->caller)
        return ERR_BUSY;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
    if (err == 0) {
        memcpy(t->x, regs.x, sizeof(t->x));
        t->batch_index = 0;
        t->restart_cursor = 0;
    }
    spin_unlock(&tree_lock);
    return err == 0 && inv->arg[1] != 0 ? tcb_resume(t) : err;
}

static error_t read_regs(struct invoke *inv, struct tcb *t)
{
    struct tcb_regs regs;

    if (t == inv->caller)
        return ERR_BUSY;
    spin_lock(&tree_lock);
    error_t err = at_rest(inv, t);
    if (err == 0)
        memcpy(regs.x, t->x, sizeof(regs.x));
    spin_unlock(&tree_lock);
    return err != 0 ? err : copy_to_user(inv->caller->vspace, inv->arg[0], &regs, sizeof(regs));
}

static error_t copy_fpu(struct invoke *inv, struct tcb *t)
{
    struct cap_ref ref;
    error_t err = cap_lookup(inv->caller, inv->arg[0], CAP_TYPE_TCB, RIGHT_CONTROL, &ref);

    if (err != 0)
        return err;
    struct tcb *src = ref.object;
    if (t == inv->caller)
        return ERR_BUSY;
    if (src == inv->caller)
        fp_flush(this_hart(), src);
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
    if (err == 0 && src != inv->caller) {
        uint32_t state = __atomic_load_n(&src->state, __ATOMIC_ACQUIRE);
        if (state == THREAD_RUNNABLE || state == THREAD_OUT_OF_BUDGET)
            err = ERR_BUSY;
        /* It waits, but its hart has not switched yet, and its state is still in the
         * registers: they are saved, with a fence behind, before `current` changes. */
        else if (__atomic_load_n(&src->hart_ptr->current, __ATOMIC_ACQUIRE) == src)
            err = K_AGAIN;
    }
    if (err == 0) {
        memcpy(t->f, src->f, sizeof(t->f));
        t->fp_state = src->fp_state != FP_NEVER ? FP_STALE : FP_NEVER;
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t set_hart(struct invoke *inv, struct tcb *t)
{
    uint64_t hart = inv->arg[0];

    if (hart >= nr_harts)
        return ERR_INVALID_ARGUMENT;
    if (t->hart == hart && !(__atomic_load_n(&t->ops, __ATOMIC_ACQUIRE) & TCB_OP_ARRIVE))
        return 0;
    if (__atomic_exchange_n(&t->migrate_refused, 0, __ATOMIC_ACQ_REL))
        return ERR_BUSY;
    __atomic_store_n(&t->new_hart, (uint32_t)hart, __ATOMIC_RELEASE);
    if (t != inv->caller) {
        tcb_request(t, TCB_OP_MIGRATE);
        return K_AGAIN;
    }
    if (t->sc != t->home_sc)
        return ERR_BUSY;
    /* Once it has left, another hart may run it: complete the call first. */
    thread_complete(t, 0);
    tcb_request(t, TCB_OP_MIGRATE);
    return K_DONE;
}

/* Steps [suspend] and, with TCB_RESUME, [starting] of tests/models/notification.pml. */
static error_t tcb_suspend(struct invoke *inv, struct tcb *t)
{
    if (t == inv->caller) {
        tcb_request(t, TCB_OP_SUSPEND);
        return 0;
    }
    if (__atomic_load_n(&t->starting, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != THREAD_STOPPED)
        tcb_request(t, TCB_OP_SUSPEND);
    /* A request that is still in the word (it was posted just when an earlier
     * try's had stopped the thread) would stop it again after our caller's RESUME,
     * which its hart carries out first when it finds both. */
    if (__atomic_load_n(&t->starting, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != THREAD_STOPPED ||
        __atomic_load_n(&t->ops, __ATOMIC_ACQUIRE) & TCB_OP_SUSPEND)
        return K_AGAIN;
    return 0;
}

static error_t set_priority(struct invoke *inv, struct tcb *t)
{
    if (inv->arg[0] >= NR_PRIORITIES)
        return ERR_INVALID_ARGUMENT;
    __atomic_store_n(&t->new_priority, (int32_t)inv->arg[0], __ATOMIC_RELEASE);
    tcb_request(t, TCB_OP_PRIORITY);
    return 0;
}

static error_t tcb_read_info(struct invoke *inv, struct tcb *t)
{
    struct hart *h = &harts[t->hart];

    if (h == this_hart()) {
        sched_charge(h);
    } else if (__atomic_load_n(&h->current, __ATOMIC_RELAXED) == t) {
        /* It runs, perhaps for long: that hart charges it, once for each call. */
        if (inv->caller->restart_cursor++ == 0)
            mailbox_post_hart(h, HART_OP_CHARGE);
        if (__atomic_load_n(&h->ops, __ATOMIC_ACQUIRE) & HART_OP_CHARGE)
            return K_AGAIN;
    }
    struct tcb_info info = {
        .state = t->state, .hart = t->hart, .user_ticks = t->ticks - t->system_ticks,
        .system_ticks = t->system_ticks, .nr_switches = t->nr_switches, .nr_faults = t->nr_faults,
    };
    return copy_to_user(inv->caller->vspace, inv->arg[0], &info, sizeof(info));
}

static error_t set_name(struct invoke *inv, struct tcb *t)
{
    memcpy(t->name, inv->arg, sizeof(t->name));
    for (unsigned i = 0; i < sizeof(t->name); i++)
        if (t->name[i] != '\0' && (t->name[i] < ' ' || t->name[i] > '~'))
            t->name[i] = '?';
    t->name[sizeof(t->name) - 1] = '\0';
    trace_name(t);
    return 0;
}

static error_t decode_control(struct invoke *inv, struct tcb *t)
{
    switch (inv->op) {
    case TCB_CONFIGURE:         return tcb_configure(inv, t);
    case TCB_SET_FRAME:         return set_page(inv, t, TCB_SLOT_FRAME);
    case TCB_SET_PERSONALITY:   return set_personality(inv, t);
    case TCB_SET_IPC_BUFFER:    return set_page(inv, t, TCB_SLOT_IPC_BUFFER);
    case TCB_SET_FAULT_EP:
        return inv->arg[1] > 1 ? ERR_INVALID_ARGUMENT : give(inv, t, TCB_SLOT_FAULT_EP, 1);
    case TCB_WRITE_REGS:        return write_regs(inv, t);
    case TCB_READ_REGS:         return read_regs(inv, t);
    case TCB_COPY_FPU:          return copy_fpu(inv, t);
    case TCB_SET_PRIORITY:      return set_priority(inv, t);
    case TCB_SET_HART:          return set_hart(inv, t);
    case TCB_RESUME:            return tcb_resume(t);
    case TCB_SUSPEND:           return tcb_suspend(inv, t);
    case TCB_SET_NAME:          return set_name(inv, t);
    case TCB_BIND_NOTIFICATION: return give(inv, t, TCB_SLOT_NOTIFICATION, 1);
    default:                    return ERR_INVALID_CALL;
    }
}

error_t tcb_decode(struct invoke *inv)
{
    struct tcb *t = inv->object;

    if (inv->op == TCB_UPCALL) {
        if (!(inv->rights & (RIGHT_WRITE | RIGHT_CONTROL)))
            return ERR_RIGHTS;
        tcb_request(t, TCB_OP_UPCALL);
        return 0;
    }
    if (inv->op == TCB_INFO)
        return (inv->rights & (RIGHT_READ | RIGHT_CONTROL)) ? tcb_read_info(inv, t) : ERR_RIGHTS;
    return inv->rights & RIGHT_CONTROL ? decode_control(inv, t) : ERR_RIGHTS;
}
