/* SPDX-License-Identifier: MIT */
/* Instruction counts of kernel operations; run with -icount shift=0, one hart. */
#include "root.h"

#ifndef ROUNDS
#define ROUNDS 1000u
#endif

static cptr_t a, b, ep;

static void report(const char *name, uint64_t instructions)
{
    print("bench ");
    print(name);
    print(" ");
    print_number((long)(instructions / ROUNDS));
    print("\n");
}

static void partner_signal(uint64_t arg)
{
    (void)arg;
    sys_wait(a, DEADLINE_NONE, NULL);
    for (;;)
        sys_signal_wait(b, a, DEADLINE_NONE);
}

static void partner_yield(uint64_t arg)
{
    for (uint64_t i = 0; i < arg; i++)
        sys_yield();
    for (;;)
        sys_wait(a, DEADLINE_NONE, NULL);
}

static void server(uint64_t reply)
{
    sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    for (;;)
        sys(SYS_REPLY_RECV, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, reply);
}

/* One floating-point instruction that dirties the registers. */
static inline void use_fp(void)
{
    __asm__ volatile(".option push\n.option arch, +d\nfmv.d.x f8, zero\n.option pop");
}

static void server_fp(uint64_t reply)
{
    sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    for (;;) {
        use_fp();
        sys(SYS_REPLY_RECV, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, reply);
    }
}

#define MEASURE(name, code) do { \
        uint64_t start_ = instret(); \
        for (unsigned i_ = 0; i_ < ROUNDS; i_++) { code; } \
        report(name, instret() - start_); \
    } while (0)

extern char fake_base[], fake_bench[], fake_bench_base[], fake_bench_syscall[];
volatile uint64_t bench_guest_instret;

/* Time, not instructions: with several harts. */
static void bench_across(void)
{
    cptr_t t = spawn(1, 128, partner_signal, 0);
    struct kernel_counters before, after;

    sys_wait(b, now() + 100000, NULL);
    invoke(CAP_INIT_PLATFORM, PLATFORM_COUNTERS, (uint64_t)&before, 1, 0, 0, 0);
    ticks_t start = now();
    for (unsigned i = 0; i < 10 * ROUNDS; i++)
        sys_signal_wait(a, b, DEADLINE_NONE);
    print("bench signal_wait across harts, ns ");
    print_number((long)((now() - start) * 100 / (10 * ROUNDS)));
    invoke(CAP_INIT_PLATFORM, PLATFORM_COUNTERS, (uint64_t)&after, 1, 0, 0, 0);
    print(" sleeps ");
    print_number((long)(after.nr_idle_sleeps - before.nr_idle_sleeps));
    print(" ipis taken ");
    print_number((long)(after.nr_ipis_taken - before.nr_ipis_taken));
    print("\n");
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
}

/* Partners in another address space. */
static void bench_spaces(cptr_t reply)
{
    cptr_t space = make(CAP_TYPE_VSPACE, 0, 0), t;

    invoke(space, VSPACE_INIT, CAP_INIT_POOL, 8, 0, 0, 0);
    invoke(space, VSPACE_CLONE, CAP_INIT_VSPACE, 0, 0, 0, 0);
    t = spawn_in(space, 0, 129, server, reply);
    MEASURE("call/reply_recv 4 words, 2 spaces", sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0));
    MEASURE("call/reply_recv 0 words, 2 spaces", sys(SYS_CALL, ep, MSG_INFO(0, 0, 0), 0, 0, 0, 0, 0));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = spawn_in(space, 0, 129, server_fp, reply);
    MEASURE("call/reply_recv 4 words, 2 spaces, FP",
            (use_fp(), sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0)));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = spawn_in(space, 0, 129, partner_signal, 0);
    MEASURE("signal_wait ping-pong, 2 spaces", sys_signal_wait(a, b, DEADLINE_NONE));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, space, 0, 0, 0, 0);
}

void bench(void)
{
    MEASURE("empty loop", __asm__ volatile(""));
    a = make(CAP_TYPE_NOTIFICATION, 0, 0);
    b = make(CAP_TYPE_NOTIFICATION, 0, 0);
    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    MEASURE("signal, nobody waits", sys_signal(a));
    MEASURE("wait, bits there (with a signal)", (sys_signal(a), sys_wait(a, DEADLINE_POLL, NULL)));
    MEASURE("yield, alone", sys_yield());
    MEASURE("unknown call", sys(999, 0, 0, 0, 0, 0, 0, 0));
    MEASURE("null invocation", invoke(CAP_INIT_SCHED, SCHED_INFO, 0, 0, 0, 0, 0));
    sys_wait(a, DEADLINE_POLL, NULL);
    if (hart_count() > 1)
        bench_across();
    cptr_t t = spawn(0, 129, partner_signal, 0);
    MEASURE("signal_wait ping-pong, higher", sys_signal_wait(a, b, DEADLINE_NONE));
    MEASURE("signal_wait ping-pong, deadline", sys_signal_wait(a, b, now() + 10000000));
    invoke(t, TCB_SET_PRIORITY, 128, 0, 0, 0, 0);
    MEASURE("signal_wait ping-pong, equal", sys_signal_wait(a, b, DEADLINE_NONE));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = spawn(0, 128, partner_yield, ROUNDS);
    MEASURE("yield to an equal and back", sys_yield());
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0);
    t = spawn(0, 129, server, reply);
    MEASURE("call/reply_recv 4 words", sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0));
    MEASURE("call/reply_recv slow", sys(SYS_CALL, ep, MSG_INFO(0, 5, 0), 1, 2, 3, 4, 0));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    bench_spaces(reply);
    cptr_t s = slots(1);
    MEASURE("retype + delete endpoint",
            (invoke(main_untyped(), UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s, 1, 0),
             invoke(CAP_INIT_CNODE, CNODE_DELETE, s, 0, 0, 0, 0)));

    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    static struct tcb_regs r;
    invoke(seg, SEGMENT_RESIZE, 1, 0, 0, 0, 0);
    invoke(CAP_INIT_VSPACE, VSPACE_MAP, 0x28000000, 4096, VM_READ | VM_WRITE | VM_SHARED, seg, 0);
    t = spawn_stopped(0, 129);
    invoke(t, TCB_SET_FRAME, seg, 0, 0x28000000, 0, 0);
    invoke(t, TCB_SET_PERSONALITY, (uint64_t)fake_bench_base, (uint64_t)fake_bench_syscall,
           (uint64_t)fake_bench_syscall, (uint64_t)fake_bench_syscall, 0);
    fill_regs(&r, 0, ROUNDS);
    r.x[0] = (uint64_t)fake_bench;
    r.x[11] = b;
    r.x[12] = a;
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    sys_wait(b, DEADLINE_NONE, NULL);
    report("reflect + resume (with 6 of the loop and entry)", bench_guest_instret);
    uint64_t at = 0x2a000000;
    invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, at, 500 * 4096, VM_READ | VM_WRITE, 0, 0);
    uint64_t start = instret();
    for (unsigned i = 0; i < 500; i++)
        *(volatile char *)(at + i * 4096) = 1;
    report("anonymous fault", (instret() - start) * ROUNDS / 500);
}
