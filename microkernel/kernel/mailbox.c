/* SPDX-License-Identifier: MIT */
/* See mailbox.h. */
#include "kernel/mailbox.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/sbi.h"
#include "kernel/quiesce.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/trace.h"

/* A portion in entries turned round; what one of them asks for counts as so many. */
#ifndef MAILBOX_PORTION         /* tests/fuzz has few threads */
#define MAILBOX_PORTION 512u
#endif
#define OPS_WORK 32u

/* Apart, so that posting needs no stack frame. */
static __attribute__((cold, noinline)) void send_ipi_traced(struct hart *h)
{
    trace_event(TRACE_IPI, h->id, 0);
    sbi_send_ipi(1ul << h->mhartid);
}

static void send_ipi(struct hart *h)
{
    if (__atomic_exchange_n(&h->ipi_sent, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    this_hart()->counters.nr_ipis_sent++;
    if (__builtin_expect(trace_on, 0))
        send_ipi_traced(h);
    else
        sbi_send_ipi(1ul << h->mhartid);
}

/* The list or ops word of h has been written. Step [look] of tests/models/mailbox.pml. */
static __attribute__((noinline)) void notify(struct hart *h, bool interrupt, int priority)
{
    fence_full();
    if (__atomic_load_n(&h->asleep, __ATOMIC_RELAXED)) {
        send_ipi(h);
        return;
    }
    int running = __atomic_load_n(&h->running_priority, __ATOMIC_RELAXED);
    if (running != PRIORITY_IDLE && (interrupt || priority >= running))
        send_ipi(h);
}

/* Step [push] of tests/models/mailbox.pml. */
static void push(struct hart *h, struct tcb *t)
{
    struct tcb *head = __atomic_load_n(&h->mailbox, __ATOMIC_RELAXED);
    do {
        t->mailbox_next = head;
    } while (!__atomic_compare_exchange_n(&h->mailbox, &head, t, true,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

void mailbox_post(struct tcb *t, uint32_t op)
{
    int priority = t->priority;
    bool first = __atomic_fetch_or(&t->ops, op, __ATOMIC_ACQ_REL) == 0;
    struct hart *h = &harts[__atomic_load_n(&t->hart, __ATOMIC_RELAXED)];

    if (first)
        push(h, t);
    notify(h, op != TCB_OP_WAKE, priority);
}

void mailbox_post_hart(struct hart *h, uint32_t op)
{
    __atomic_fetch_or(&h->ops, op, __ATOMIC_ACQ_REL);
    notify(h, true, 0);
}

void mailbox_post_harts(uint64_t mask, uint32_t op)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if (mask >> i & 1)
            mailbox_post_hart(&harts[i], op);
}

void tcb_request(struct tcb *t, uint32_t op)
{
    if (t->hart == this_hart()->id)
        thread_do_ops(this_hart(), t, op);
    else
        mailbox_post(t, op);
}

static void do_hart_ops(struct hart *h)
{
    uint32_t ops = __atomic_load_n(&h->ops, __ATOMIC_ACQUIRE);

    if (ops & HART_OP_CHARGE)
        sched_charge(h);
    /* What is new stays for the next time; its sender's interrupt comes after. */
    __atomic_fetch_and(&h->ops, ~ops, __ATOMIC_ACQ_REL);
    if (ops & HART_OP_QUIESCE)
        quiesce_enter(h);
    if (ops & HART_OP_DROP_VSPACE)
        sched_drop_vspace(h);
    if (ops & HART_OP_TRACE)
        trace_set_vector();
}

static void pass_on(struct tcb *t)
{
    struct hart *to = &harts[t->hart];

    push(to, t);
    notify(to, true, 0);
}

/* Step [drain]: have the oldest of what was posted stand first in h->turned. False:
 * nothing is there, or the work of this portion is done. */
static inline bool fetch(struct hart *h, unsigned *work)
{
    struct tcb *list = h->taken, *first = h->turned;

    if (list == NULL && first != NULL)
        return true;
    if (list == NULL && __atomic_load_n(&h->mailbox, __ATOMIC_RELAXED) != NULL)
        list = __atomic_exchange_n(&h->mailbox, NULL, __ATOMIC_ACQUIRE);
    for (; list != NULL && *work < MAILBOX_PORTION; ++*work) {
        struct tcb *next = list->mailbox_next;
        list->mailbox_next = first;
        first = list;
        list = next;
    }
    h->taken = list;
    h->turned = first;
    return list == NULL && first != NULL;
}

/*
 * Steps [portion] and [own] of tests/models/mailbox.pml. It ends early only when the
 * mailbox was seen empty: a poster that relies on this drain (it found ipi_sent set, or
 * this hart awake) would not be heard otherwise.
 */
void mailbox_drain(struct hart *h)
{
    unsigned work = 0;

    if (__atomic_load_n(&h->ops, __ATOMIC_RELAXED) != 0)
        do_hart_ops(h);
    for (; work < MAILBOX_PORTION && fetch(h, &work); work += OPS_WORK) {
        struct tcb *t = h->turned;
        h->turned = t->mailbox_next;
        if (t->hart == h->id)
            thread_do_ops(h, t, __atomic_exchange_n(&t->ops, 0, __ATOMIC_ACQ_REL));
        else
            pass_on(t);         /* it has migrated */
    }
    if (work < MAILBOX_PORTION)
        return;
    __atomic_fetch_or(&h->ops, HART_OP_DRAIN, __ATOMIC_RELAXED);
    csr_set("sip", SIP_SSIP);
}
