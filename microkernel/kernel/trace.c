/* SPDX-License-Identifier: MIT */
/* See trace.h. A ring is written by its hart only, with interrupts off. */
#include "kernel/trace.h"

#include <atoll/frame.h>
#include <atoll/syscall.h>

#include "arch/riscv/csr.h"
#include "kernel/mailbox.h"
#include "kernel/string.h"
#include "kernel/syscall.h"
#include "object/tcb.h"

bool trace_on;
static struct trace_ring *rings;

extern char trap_entry[], trap_entry_traced[];

void trace_init(struct trace_ring *memory)
{
    rings = memory;
}

void trace_set_vector(void)
{
    bool on = __atomic_load_n(&trace_on, __ATOMIC_ACQUIRE);

    csr_write("stvec", (uintptr_t)(on ? trap_entry_traced : trap_entry));
    if (on) {
        this_hart()->counters.longest_stretch = 0;
        trace_stretch_point(false);
    }
}

void trace_stretch_point(bool ends)
{
    struct hart *h = this_hart();
    uint64_t length = csr_read("instret") - h->stretch_start;

    if (ends && length > h->counters.longest_stretch)
        h->counters.longest_stretch = length;
    h->stretch_start = csr_read("instret");
}

error_t trace_switch(bool on)
{
    if (rings == NULL)
        return ERR_INVALID_CALL;
    __atomic_store_n(&trace_on, on, __ATOMIC_RELEASE);
    mailbox_post_harts(~this_hart()->mask, HART_OP_TRACE);
    trace_set_vector();
    if (on)
        trace_name(this_hart()->current);
    return 0;
}

/* TCBs are 2 KiB apart at least, so this is their own number. */
uint32_t trace_thread(const struct tcb *t)
{
    return t == NULL ? 0 : (uint32_t)(kva_to_phys(t) >> TCB_BITS);
}

void trace_event(enum trace_kind kind, uint64_t a, uint64_t b)
{
    struct hart *h = this_hart();
    struct trace_ring *r = &rings[h->id];

    r->event[r->head % TRACE_EVENTS] = (struct trace_event){
        .time = read_time(), .kind = (uint16_t)kind, .hart = (uint16_t)h->id,
        .thread = trace_thread(h->current), .a = a, .b = b,
    };
    __atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
}

void trace_text(const char *text, uint64_t bytes)
{
    if (!trace_on)
        return;
    struct trace_ring *r = &rings[this_hart()->id];
    uint64_t at = r->head, entry = sizeof(struct trace_event);

    for (uint64_t done = 0; done < bytes; done += entry) {
        struct trace_event *e = &r->event[++at % TRACE_EVENTS];
        uint64_t n = bytes - done < entry ? bytes - done : entry;
        memset(e, 0, entry);
        memcpy(e, text + done, n);
    }
    trace_event(TRACE_TEXT, bytes, 0);
    __atomic_store_n(&r->head, at + 1, __ATOMIC_RELEASE);
}

void trace_name(const struct tcb *t)
{
    uint64_t words[2];

    if (!trace_on)
        return;
    memcpy(words, t->name, sizeof(words));
    trace_event(TRACE_NAME, words[0], words[1]);
    struct trace_ring *r = &rings[this_hart()->id];
    r->event[(r->head - 1) % TRACE_EVENTS].thread = trace_thread(t);
}

/* What fastpath/trap.S does in its first half. */
static void reflect(struct hart *h, struct tcb *t)
{
    struct upcall_regs *g = &t->frame->guest;

    trace_event(TRACE_REFLECT, t->x[17], t->frame->tid);
    g->x[0] = t->x[0] + 4;
    g->x[2] = t->x[2];
    g->x[4] = t->x[4];
    g->x[5] = t->x[5];
    g->x[6] = t->x[6];
    h->nr_reflections++;
    t->x[0] = t->pers_syscall;
    t->x[4] = t->frame_uaddr;
}

void trace_call(struct hart *h, struct tcb *t)
{
    uint64_t nr = t->x[17];

    if (t->x[0] < t->pers_base) {
        reflect(h, t);
        return;
    }
    if (nr == SYS_RESUME || nr == SYS_RESUME_FULL)
        trace_event(TRACE_RESUME, t->x[10], t->frame != NULL ? t->frame->tid : 0);
    else
        trace_event(TRACE_CALL, nr == SYS_INVOKE ? nr | t->x[11] << 32 : nr, t->x[10]);
    if (nr == SYS_RESUME && !t->upcall_pending)
        h->nr_resumes++;
    syscall_handle(h, t);
}
