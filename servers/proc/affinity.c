/* SPDX-License-Identifier: MIT */
/*
 * Harts and priorities. Linux's CPU i is hart i; guests may use the harts of
 * guest_hart_mask. A new thread goes to the allowed hart with the fewest
 * runnable threads (the kernel's hart page), then the fewest threads of ours;
 * the creator's hart wins a tie, since its caches are warm and fork is mostly
 * followed by a wait. Nobody is moved later except by request.
 */
#include "affinity.h"

#include "signal.h"
#include "thread.h"

static unsigned assigned[MAX_HARTS];

void hart_count(unsigned hart, int change)
{
    assigned[hart % MAX_HARTS] += (unsigned)change;
}

unsigned hart_choose(uint64_t mask, unsigned near)
{
    const volatile struct hart_page *page = (const volatile struct hart_page *)SRV_HART_PAGE;
    unsigned best = 0, best_cost = UINT32_MAX;

    mask &= info->guest_hart_mask;
    if (!mask)
        mask = info->guest_hart_mask;
    if ((mask & (mask - 1)) == 0)
        return (unsigned)__builtin_ctzl(mask);
    for (unsigned h = 0; h < info->nr_harts && h < MAX_HARTS; h++) {
        unsigned runnable, cost;

        if (!(mask >> h & 1))
            continue;
        runnable = page->hart[h].runnable;
        if (h == near && runnable)
            runnable--;             /* the creator itself, soon waiting */
        cost = (runnable > 255 ? 255 : runnable) * 4096 + assigned[h] * 2 + (h != near);
        if (cost < best_cost) {
            best_cost = cost;
            best = h;
        }
    }
    return best;
}

/* ---- affinity ---- */

static struct thread *find_thread(struct rpc_call *call, int32_t tid)
{
    struct image *image = caller_image(call);

    if (!image)
        return NULL;
    return tid > 0 ? thread_by_tid((uint32_t)tid) : image->threads;
}

static error_t migrate(struct thread *t, unsigned hart)
{
    error_t error;

    if (t->hart == hart)
        return 0;
    error = tcb_set_hart(thread_cap(t, ROW_TCB), hart);
    if (error)
        return error;
    if (t->group < 0)
        t->image->vm->configured = (uint16_t)((t->image->vm->configured & 0xff) | hart << 8);
    hart_count(t->hart, -1);
    t->hart = (uint8_t)hart;
    hart_count(t->hart, 1);
    return 0;
}

error_t proc_serve_set_affinity(struct rpc_call *call, const struct proc_set_affinity_in *in,
                                struct proc_set_affinity_out *out)
{
    struct thread *t = find_thread(call, in->tid);
    uint64_t mask = in->mask & info->guest_hart_mask;
    struct process *from = caller(call);

    (void)out;
    if (!t || !from)
        return ERR_NO_PROCESS;
    if (!signal_allowed(from, t->image->process, 0))
        return ERR_PERMISSION;
    if (!mask)
        return ERR_INVALID_ARGUMENT;
    t->affinity = mask;
    return mask >> t->hart & 1 ? 0 : migrate(t, hart_choose(mask, t->hart));
}

error_t proc_serve_get_affinity(struct rpc_call *call, const struct proc_get_affinity_in *in,
                                struct proc_get_affinity_out *out)
{
    struct thread *t = find_thread(call, in->tid);

    if (!t)
        return ERR_NO_PROCESS;
    out->mask = t->affinity;
    return 0;
}

/* ---- nice ---- */

static bool meant(const struct process *p, const struct process *from, uint32_t which, uint32_t who)
{
    const struct proc_page *page = p->image->page, *own = from->image->page;

    switch (which) {
    case PRIO_PROCESS:
        return who ? p->pid == who : p == from;
    case PRIO_PGRP:
        return page->pgid == (who ? who : own->pgid);
    default:
        return page->ruid == (who ? who : own->ruid);
    }
}

static error_t set_nice(struct process *p, const struct process *from, int nice)
{
    struct proc_page *page = p->image->page;
    const struct proc_page *own = from->image->page;
    uint32_t value = (uint32_t)(20 - nice);

    if (own->euid != 0 && own->euid != page->ruid && own->euid != page->euid)
        return ERR_PERMISSION;
    if (own->euid != 0 && value > page->nice && value > page->rlimit[RLIMIT_NICE][0])
        return ERR_ACCESS;
    page->nice = value;
    for (struct thread *t = p->image->threads; t; t = t->next) {
        unsigned priority = thread_priority(t);

        tcb_set_priority(thread_cap(t, ROW_TCB), priority);
        if (t->group < 0)
            p->image->vm->configured = (uint16_t)((p->image->vm->configured & 0xff00) | priority);
    }
    return 0;
}

error_t proc_serve_set_priority(struct rpc_call *call, const struct proc_set_priority_in *in,
                                struct proc_set_priority_out *out)
{
    struct process *from = caller(call);
    error_t error = ERR_NO_PROCESS;
    int nice = in->nice < -20 ? -20 : in->nice > 19 ? 19 : in->nice;

    (void)out;
    if (!from)
        return ERR_NO_PROCESS;
    if (in->which > PRIO_USER)
        return ERR_INVALID_ARGUMENT;
    for (struct process *p = all_processes; p; p = p->all_next) {
        error_t one;

        if (!is_live(p) || !meant(p, from, in->which, (uint32_t)in->who))
            continue;
        one = set_nice(p, from, nice);
        if (one || error == ERR_NO_PROCESS)
            error = one;
    }
    return error;
}

error_t proc_serve_get_priority(struct rpc_call *call, const struct proc_get_priority_in *in,
                                struct proc_get_priority_out *out)
{
    struct process *from = caller(call);
    uint32_t best = 0;

    if (!from)
        return ERR_NO_PROCESS;
    if (in->which > PRIO_USER)
        return ERR_INVALID_ARGUMENT;
    for (struct process *p = all_processes; p; p = p->all_next)
        if (meant(p, from, in->which, (uint32_t)in->who) && p->image->page->nice > best)
            best = p->image->page->nice;
    if (!best)
        return ERR_NO_PROCESS;
    out->nice = 20 - (int)best;
    return 0;
}
