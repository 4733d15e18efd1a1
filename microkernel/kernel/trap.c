/* SPDX-License-Identifier: MIT */
/* What fastpath/trap.S calls: all user registers are in the TCB. */
#include <atoll/frame.h>

#include "arch/riscv/atomic.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/plic.h"
#include "kernel/assert.h"
#include "kernel/quiesce.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/trace.h"
#include "object/irq.h"
#include "object/vspace.h"

struct tcb *trap_slow(struct tcb *t, uint64_t cause, uint64_t value);
struct tcb *trap_syscall(struct tcb *t);
uint64_t trap_page(struct tcb *t, uint64_t cause, uint64_t value);
struct tcb *trap_page_end(struct tcb *t, uint64_t cause, uint64_t value, uint64_t outcome);
struct tcb *fastpath_wait(struct hart *h, struct tcb *t);   /* fastpath/fast.c */
struct tcb *fastpath_yield(struct hart *h, struct tcb *t);

static __attribute__((noinline)) void take_devices(struct hart *h)
{
    uint32_t source;

    while ((source = plic_claim(h->plic_context)) != 0) {
        trace(TRACE_IRQ, source, 0);
        irq_fire(h, source);
    }
}

void interrupt_take(struct hart *h)
{
    uint64_t pending = csr_read("sip");

    while (__builtin_expect(__atomic_load_n(&panicking, __ATOMIC_RELAXED), 0))
        wait_for_interrupt();
    if (pending & SIP_SSIP) {
        h->counters.nr_ipis_taken++;
        csr_clear("sip", SIP_SSIP);
        /* Posters that still see the flag rely on the drain that follows; step
         * [take] of tests/models/mailbox.pml. */
        store_relaxed(&h->ipi_sent, 0);
        fence_full();
    }
    if (pending & SIP_STIP)
        sched_tick(h);
    if (pending & SIP_SEIP)
        take_devices(h);
}

/* The rest of a fault, with all registers in the TCB. */
static void page_fault_result(struct hart *h, struct tcb *t, uint64_t cause, uint64_t value,
                              enum fault_result result)
{
    if (result == FAULT_RETRY_LATER) {
        thread_retry(h, t);
        return;
    }
    if (result == FAULT_NO_MEMORY)
        cause = UPCALL_NO_MEMORY;
    else if (result == FAULT_BEYOND_SEGMENT)
        cause = UPCALL_SEGMENT;
    if (result != FAULT_RESOLVED)
        thread_fault(h, t, cause, value);
    t->retries = 0;
}

uint64_t trap_page(struct tcb *t, uint64_t cause, uint64_t value)
{
    struct hart *h = this_hart();
    /* VM_EXEC, VM_READ, 0, VM_WRITE for the causes 12 to 15; a nibble each. */
    unsigned access = 0x2014u >> (cause - CAUSE_FETCH_PAGE) * 4 & 7;

    quiesce_enter(h);
    h->counters.nr_faults++;
    enum fault_result result = vspace_fault(t->vspace, value, access);
    trace(TRACE_FAULT, value, access | (uint64_t)result << 8);
    if (result == FAULT_RESOLVED && !sched_must_choose(h)) {
        t->retries = 0;
        return 0;
    }
    return 1 + (uint64_t)result;
}

struct tcb *trap_page_end(struct tcb *t, uint64_t cause, uint64_t value, uint64_t outcome)
{
    struct hart *h = this_hart();

    if (outcome != 0)
        page_fault_result(h, t, cause, value, (enum fault_result)(outcome - 1));
    return sched_exit(h);
}

static inline struct tcb *handle(struct hart *h, struct tcb *t, uint64_t cause, uint64_t value)
{
    if (cause & CAUSE_INTERRUPT)
        interrupt_take(h);
    else if (cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE || cause == CAUSE_FETCH_PAGE)
        return trap_page_end(t, cause, value, trap_page(t, cause, value));
    else if (cause == CAUSE_ECALL_U)    /* trap_entry_traced sends all here */
        trace_call(h, t);
    else if (cause != CAUSE_ILLEGAL || !fp_first_use(h, t))
        thread_fault(h, t, cause, value);
    return sched_exit(h);
}

static __attribute__((noinline)) struct tcb *handle_traced(struct hart *h, struct tcb *t, uint64_t cause,
                                                           uint64_t value)
{
    trace_stretch_point(false);
    t = handle(h, t, cause, value);
    trace_stretch(true);
    return t;
}

struct tcb *trap_slow(struct tcb *t, uint64_t cause, uint64_t value)
{
    struct hart *h = this_hart();

    quiesce_enter(h);
    return __builtin_expect(trace_on, 0) ? handle_traced(h, t, cause, value) : handle(h, t, cause, value);
}

struct tcb *trap_syscall(struct tcb *t)
{
    struct hart *h = this_hart();

    quiesce_enter(h);
    struct tcb *next = NULL;
    if (t->x[17] == SYS_WAIT)
        next = fastpath_wait(h, t);
    else if (t->x[17] == SYS_YIELD)
        next = fastpath_yield(h, t);
    if (next != NULL)
        return next;
    syscall_handle(h, t);
    return sched_exit(h);
}
