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

/* Empty an internal slot whose thread is about to be given another. */
static error_t empty_slot(struct tcb *t, enum tcb_slot which)
{
    struct slot_ref ref = { &t->slot[which], NULL, 0, 1 };

    return slot_is_empty(ref.slot) ? 0 : slot_delete(&ref);
}

/* Tree lock held: may this capability go into a slot of that kind? */
static error_t check_source(const struct slot_ref *src, enum cap_type type, unsigned rights)
{
    uint64_t word = src->slot->word0;

    if (!slot_ref_valid(src) || cap_type(word) != type || word & CAP_ZOMBIE)
        return ERR_INVALID_CAP;
    return (cap_rights(word) & rights) == rights ? 0 : ERR_RIGHTS;
}

/* Tree lock held: copy the capability found at src into an empty internal slot. */
static void put_in_slot(struct tcb *t, enum tcb_slot which, const struct slot_ref *src)
{
    slot_derive(&t->slot[which], src->slot, cap_rights(src->slot->word0), src->slot->word1, CAP_INTERNAL);
}

/* The same, checked. */
static error_t fill_slot(struct tcb *t, enum tcb_slot which, const struct slot_ref *src,
                         enum cap_type type, unsigned rights)
{
    error_t err = check_source(src, type, rights);

    if (err != 0)
        return err;
    if (!slot_is_empty(&t->slot[which]))
        return ERR_BUSY;
    put_in_slot(t, which, src);
    return 0;
}

/* Find the new capability, or none for cptr 0, and empty the slot for it. */
static error_t replace_slot(struct invoke *inv, struct tcb *t, enum tcb_slot which, struct slot_ref *src,
                            enum cap_type type, unsigned rights)
{
    error_t err = inv->arg[0] != 0 ? cspace_find(inv->caller, inv->arg[0], src) : 0;

    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
    if (err == 0 && inv->arg[0] != 0)
        err = check_source(src, type, rights);
    if (err == 0 && type == CAP_TYPE_SEGMENT) {
        struct segment *seg = cap_object(src->slot->word0);
        void *kva;
        paddr_t pa;
        err = segment_pin_page(seg, inv->arg[1], &kva, &pa);
        if (err == 0)
            segment_unpin_page(seg, inv->arg[1]);
    }
    if (err == 0 && type == CAP_TYPE_NOTIFICATION && inv->arg[0] != 0) {
        const struct notification *n = cap_object(src->slot->word0);
        if (n->bound != NULL && n->bound != t)
            err = ERR_BUSY;
    }
    spin_unlock(&tree_lock);
    return err != 0 ? err : empty_slot(t, which);
}

/* Without act only checks. */
static error_t configure_locked(struct invoke *inv, struct tcb *t, struct slot_ref src[3], bool act)
{
    bool with_sc = inv->arg[2] != 0;
    error_t err = at_rest(inv, t);

    if (err != 0)
        return err;
    if (inv->slot->word0 != inv->word || t->sc != t->home_sc)
        return ERR_BUSY;
    err = check_source(&src[0], CAP_TYPE_CNODE, 0);
    if (err == 0)
        err = check_source(&src[1], CAP_TYPE_VSPACE, 0);
    if (err == 0 && with_sc) {
        struct sched_context *sc = cap_object(src[2].slot->word0);
        err = check_source(&src[2], CAP_TYPE_SCHED_CONTEXT, 0);
        if (err == 0 && sc->owner != NULL && sc->owner != t)
            err = ERR_BUSY;
    }
    if (err != 0 || !act)
        return err;
    for (unsigned i = TCB_SLOT_CSPACE; i <= TCB_SLOT_SCHED; i++)
        if (!slot_is_empty(&t->slot[i]))
            return ERR_BUSY;    /* configured by somebody else meanwhile */
    for (unsigned i = TCB_SLOT_CSPACE; i <= (with_sc ? TCB_SLOT_SCHED : TCB_SLOT_VSPACE); i++)
        put_in_slot(t, (enum tcb_slot)i, &src[i - TCB_SLOT_CSPACE]);
    t->priority = (int32_t)(inv->arg[3] & 0xff);
    t->hart_ptr = &harts[inv->arg[3] >> 8];
    __atomic_store_n(&t->hart, (uint32_t)(inv->arg[3] >> 8), __ATOMIC_RELEASE);
    if (t->frame != NULL)
        t->frame->hart = t->hart;
    tcb_take_slots(t);
    return 0;
}

static error_t tcb_configure(struct invoke *inv, struct tcb *t)
{
    struct slot_ref src[3];
    error_t err = 0;

    if (inv->arg[3] >> 8 >= nr_harts)
        return ERR_INVALID_ARGUMENT;
    if (t == inv->caller)
        return ERR_BUSY;
    for (unsigned i = 0; i < 3 && err == 0; i++)
        if (i < 2 || inv->arg[2] != 0)
            err = cspace_find(inv->caller, inv->arg[i], &src[i]);
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = configure_locked(inv, t, src, false);
    spin_unlock(&tree_lock);
    for (unsigned i = TCB_SLOT_CSPACE; i <= TCB_SLOT_SCHED && err == 0; i++)
        err = empty_slot(t, (enum tcb_slot)i);
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = configure_locked(inv, t, src, true);
    spin_unlock(&tree_lock);
    return err;
}

/* TCB_SET_FRAME and TCB_SET_IPC_BUFFER: name and pin a page. */
static error_t set_page(struct invoke *inv, struct tcb *t, enum tcb_slot which)
{
    struct slot_ref src;
    paddr_t pa;
    void *kva;
    error_t err;

    if ((inv->arg[2] & (PAGE_BYTES - 1)) != 0 || inv->arg[2] >= USER_TOP)
        return ERR_INVALID_ARGUMENT;
    if (inv->arg[0] == 0)
        return ERR_INVALID_CAP;
    err = replace_slot(inv, t, which, &src, CAP_TYPE_SEGMENT, RIGHT_READ | RIGHT_WRITE);
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
    if (err == 0 && inv->slot->word0 != inv->word)
        err = ERR_INVALID_CAP;
    if (err == 0)
        err = fill_slot(t, which, &src, CAP_TYPE_SEGMENT, RIGHT_READ | RIGHT_WRITE);
    if (err == 0) {
        struct segment *seg = cap_object(t->slot[which].word0);
        err = segment_pin_page(seg, inv->arg[1], &kva, &pa);
        if (err != 0) {
            slot_remove(&t->slot[which]);
        } else if (which == TCB_SLOT_FRAME) {
            t->frame = kva;
            t->frame->hart = t->hart;
            t->frame_uaddr = inv->arg[2];
            t->frame_segment = seg;
            t->frame_page = inv->arg[1];
            t->pers_base = t->pers_base_wanted;
        } else {
            t->ipc_buffer = kva;
            t->ipc_segment = seg;
            t->ipc_page = inv->arg[1];
        }
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t set_personality(struct invoke *inv, struct tcb *t)
{
    error_t err;

    if (inv->arg[0] >= USER_TOP || inv->arg[1] >= USER_TOP || inv->arg[2] >= USER_TOP ||
        inv->arg[3] >= USER_TOP)
        return ERR_INVALID_ARGUMENT;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
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

static error_t set_fault_ep(struct invoke *inv, struct tcb *t)
{
    struct slot_ref src;
    error_t err;

    if (inv->arg[1] > 1)
        return ERR_INVALID_ARGUMENT;
    err = replace_slot(inv, t, TCB_SLOT_FAULT_EP, &src, CAP_TYPE_ENDPOINT, RIGHT_WRITE);
    if (err != 0 || inv->arg[0] == 0)
        return err;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
    if (err == 0)
        err = fill_slot(t, TCB_SLOT_FAULT_EP, &src, CAP_TYPE_ENDPOINT, RIGHT_WRITE);
    if (err == 0) {
        t->budget_faults = (uint32_t)inv->arg[1];
        t->fault_badge = t->slot[TCB_SLOT_FAULT_EP].word1;
        t->fault_ep = cap_object(t->slot[TCB_SLOT_FAULT_EP].word0);
    }
    spin_unlock(&tree_lock);
    return err;
}

static error_t bind_notification(struct invoke *inv, struct tcb *t)
{
    struct slot_ref src;
    error_t err = replace_slot(inv, t, TCB_SLOT_NOTIFICATION, &src, CAP_TYPE_NOTIFICATION, RIGHT_READ);

    if (err != 0 || inv->arg[0] == 0)
        return err;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
    if (err == 0)
        err = fill_slot(t, TCB_SLOT_NOTIFICATION, &src, CAP_TYPE_NOTIFICATION, RIGHT_READ);
    if (err == 0) {
        struct notification *n = cap_object(t->slot[TCB_SLOT_NOTIFICATION].word0);
        spin_lock(&n->lock);
        if (n->bound != NULL)
            err = ERR_BUSY;
        else
            n->bound = t;
        spin_unlock(&n->lock);
        if (err != 0)
            slot_remove(&t->slot[TCB_SLOT_NOTIFICATION]);
        else
            t->bound = n;
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
    error_t err;

    if (t == inv->caller)
        return ERR_BUSY;
    spin_lock(&tree_lock);
    err = at_rest(inv, t);
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
    memcpy(t->name, &inv->arg[0], 8);
    memcpy(t->name + 8, &inv->arg[1], 8);
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
    case TCB_SET_FAULT_EP:      return set_fault_ep(inv, t);
    case TCB_WRITE_REGS:        return write_regs(inv, t);
    case TCB_READ_REGS:         return read_regs(inv, t);
    case TCB_COPY_FPU:          return copy_fpu(inv, t);
    case TCB_SET_PRIORITY:      return set_priority(inv, t);
    case TCB_SET_HART:          return set_hart(inv, t);
    case TCB_RESUME:            return tcb_resume(t);
    case TCB_SUSPEND:           return tcb_suspend(inv, t);
    case TCB_SET_NAME:          return set_name(inv, t);
    case TCB_BIND_NOTIFICATION: return bind_notification(inv, t);
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
