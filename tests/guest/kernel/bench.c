/* SPDX-License-Identifier: MIT */
/* Instruction counts of kernel operations; run with -icount shift=0, one hart. */
#include "kt.h"

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

static void server_long(uint64_t reply)
{
    sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    for (;;)
        sys(SYS_REPLY_RECV, ep, MSG_INFO(0, 10, 0), 1, 2, 3, 4, reply);
}

/* Ten words: the six beyond the registers go from buffer to buffer. */
static void bench_long(cptr_t reply)
{
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL), t = spawn_stopped(0, 129);
    static struct tcb_regs r;
    uint64_t at = 0x2b000000;

    invoke(seg, SEGMENT_RESIZE, 2, 0, 0, 0, 0);
    invoke(CAP_INIT_VSPACE, VSPACE_MAP, at, 8192, VM_READ | VM_WRITE | VM_SHARED, seg, 0);
    invoke(CAP_INIT_TCB, TCB_SET_IPC_BUFFER, seg, 0, at, 0, 0);
    invoke(t, TCB_SET_IPC_BUFFER, seg, 1, at + 4096, 0, 0);
    fill_regs(&r, server_long, reply);
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    MEASURE("Call/ReplyRecv, 10 words", sys(SYS_CALL, ep, MSG_INFO(0, 10, 0), 1, 2, 3, 4, 0));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
}

/* A resident page of a Segment, mapped present and unmapped. */
static void bench_map(void)
{
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL), me = CAP_INIT_VSPACE;
    static struct invocation maps[16], unmaps[16];
    uint64_t at = 0x2c000000, flags = VM_READ | VM_WRITE | VM_SHARED;

    invoke(seg, SEGMENT_RESIZE, 17, 0, 0, 0, 0);
    invoke(me, VSPACE_MAP, at, 17 * 4096, flags, seg, 0);
    for (unsigned i = 0; i < 17; i++)
        ((volatile char *)at)[i * 4096] = 1;
    invoke(me, VSPACE_UNMAP, at, 16 * 4096, 0, 0, 0);       /* the last one keeps the table */
    for (unsigned i = 0; i < 16; i++) {
        uint64_t page = at + i * 4096;
        maps[i] = (struct invocation){ .cap = me, .op = VSPACE_MAP, .arg = { page, 4096, flags | VM_POPULATE, seg, i } };
        unmaps[i] = (struct invocation){ .cap = me, .op = VSPACE_UNMAP, .arg = { page, 4096 } };
    }
    MEASURE("map + unmap a page, one call each",
            (invoke(me, VSPACE_MAP, at, 4096, flags | VM_POPULATE, seg, 0),
             invoke(me, VSPACE_UNMAP, at, 4096, 0, 0, 0)));
    uint64_t start = instret();
    for (unsigned i = 0; i < ROUNDS / 16; i++) {
        sys(SYS_BATCH, (uint64_t)maps, 16, 0, 0, 0, 0, 0);
        sys(SYS_BATCH, (uint64_t)unmaps, 16, 0, 0, 0, 0, 0);
    }
    report("map + unmap a page, batches of 16", (instret() - start) * ROUNDS / (ROUNDS / 16 * 16));
    start = instret();
    for (unsigned i = 0; i < ROUNDS / 16; i++) {
        invoke(me, VSPACE_MAP, at, 16 * 4096, flags | VM_POPULATE, seg, 0);
        invoke(me, VSPACE_UNMAP, at, 16 * 4096, 0, 0, 0);
    }
    report("map + unmap a page, 16 in a range", (instret() - start) * ROUNDS / (ROUNDS / 16 * 16));
}

static cptr_t run_in(cptr_t space, void (*f)(uint64_t), uint64_t arg)
{
    cptr_t t = spawn_in(space, 0, 129);

    OK(start(t, f, arg));
    return t;
}

/* Partners in another address space. */
static void bench_spaces(cptr_t reply)
{
    cptr_t space = make(CAP_TYPE_VSPACE, 0, 0), t;

    invoke(space, VSPACE_INIT, CAP_INIT_POOL, 8, 0, 0, 0);
    invoke(space, VSPACE_CLONE, CAP_INIT_VSPACE, 0, 0, 0, 0);
    t = run_in(space, server, reply);
    MEASURE("Call/ReplyRecv, 4 words", sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0));
    MEASURE("Call/ReplyRecv, 0 words", sys(SYS_CALL, ep, MSG_INFO(0, 0, 0), 0, 0, 0, 0, 0));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = run_in(space, server_fp, reply);
    MEASURE("Call/ReplyRecv, 4 words, FP on both sides",
            (use_fp(), sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0)));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = run_in(space, partner_signal, 0);
    MEASURE("signal/wait ping-pong, two spaces", sys_signal_wait(a, b, DEADLINE_NONE));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, space, 0, 0, 0, 0);
}

/* ---- two pairs, two harts: time ---- */

struct pair {
    cptr_t ep, reply;
    volatile uint64_t rounds;
} __attribute__((aligned(64)));
static struct pair pairs[2];

static void pair_server(uint64_t i)
{
    sys(SYS_RECV, pairs[i].ep, 0, 0, 0, 0, 0, pairs[i].reply);
    for (;;)
        sys(SYS_REPLY_RECV, pairs[i].ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, pairs[i].reply);
}

static void pair_client(uint64_t i)
{
    for (;;) {
        sys(SYS_CALL, pairs[i].ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0);
        pairs[i].rounds++;
    }
}

/* Calls in a second of the first n pairs. */
static uint64_t pairs_run(const cptr_t client[2], unsigned n)
{
    uint64_t before = 0, after = 0;

    for (unsigned i = 0; i < n; i++)
        invoke(client[i], TCB_RESUME, 0, 0, 0, 0, 0);
    sys_wait(a, now() + 200000, NULL);      /* both run at full speed */
    for (unsigned i = 0; i < n; i++)
        before += pairs[i].rounds;
    ticks_t start = now();
    sys_wait(a, start + 5000000, NULL);
    for (unsigned i = 0; i < n; i++)
        after += pairs[i].rounds;
    uint64_t rate = (after - before) * 10000000 / (now() - start);
    for (unsigned i = 0; i < n; i++)
        invoke(client[i], TCB_SUSPEND, 0, 0, 0, 0, 0);
    return rate;
}

/*
 * Pairs that share nothing, on harts 1 and 2, while hart 0 sleeps: one pair alone and
 * both together, in turn. Prints calls a second, and the kernel locks waited for.
 */
void bench_pairs(void)
{
    cptr_t client[2];
    struct kernel_counters counters;
    uint64_t waits = 0;

    a = make(CAP_TYPE_NOTIFICATION, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        pairs[i].ep = make(CAP_TYPE_ENDPOINT, 0, 0);
        pairs[i].reply = make(CAP_TYPE_REPLY, 0, 0);
        spawn(1 + i, 129, pair_server, i);
        client[i] = spawn_stopped(1 + i, 128);
        OK(start(client[i], pair_client, i));
        invoke(client[i], TCB_SUSPEND, 0, 0, 0, 0, 0);
    }
    for (unsigned round = 0; round < 7; round++)
        for (unsigned n = 1; n <= 2; n++) {
            print(n == 1 ? "pairs one " : "pairs two ");
            print_number((long)pairs_run(client, n));
            print("\n");
        }
    for (unsigned i = 1; i <= 2; i++) {
        invoke(CAP_INIT_PLATFORM, PLATFORM_COUNTERS, (uint64_t)&counters, i, 0, 0, 0);
        waits += counters.nr_lock_waits;
    }
    print("pairs waits ");
    print_number((long)waits);
    print("\n");
}

/*
 * For tools/atoll_build/bench.py, which counts the instructions of both harts and the
 * firmware from outside: 100 times a pause in which the partner's hart falls asleep,
 * and then the operation, if there is one.
 */
void bench_cross(unsigned kind)
{
    cptr_t never = make(CAP_TYPE_NOTIFICATION, 0, 0), reply = make(CAP_TYPE_REPLY, 0, 0);

    a = make(CAP_TYPE_NOTIFICATION, 0, 0);
    b = make(CAP_TYPE_NOTIFICATION, 0, 0);
    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    spawn(1, 128, kind == CROSS_SIGNAL ? partner_signal : server, reply);
    for (unsigned i = 0; i < 100; i++) {
        sys_wait(never, now() + 20000, NULL);
        if (kind == CROSS_CALL)
            sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0);
        else if (kind == CROSS_SIGNAL)
            sys_signal_wait(a, b, DEADLINE_NONE);
    }
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
    cptr_t t = spawn(0, 129, partner_signal, 0);
    MEASURE("signal/wait ping-pong, to a higher priority", sys_signal_wait(a, b, DEADLINE_NONE));
    MEASURE("signal/wait ping-pong, with a deadline", sys_signal_wait(a, b, now() + 10000000));
    invoke(t, TCB_SET_PRIORITY, 128, 0, 0, 0, 0);
    MEASURE("signal/wait ping-pong", sys_signal_wait(a, b, DEADLINE_NONE));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = spawn(0, 128, partner_yield, ROUNDS);
    uint64_t yields = instret();
    for (unsigned i = 0; i < ROUNDS; i++)
        sys_yield();
    report("yield to an equal", (instret() - yields) / 2);     /* both yield */
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0);
    t = spawn(0, 129, server, reply);
    MEASURE("Call/ReplyRecv, 4 words, one space", sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0));
    MEASURE("Call/ReplyRecv, slow path", sys(SYS_CALL, ep, MSG_INFO(0, 5, 0), 1, 2, 3, 4, 0));
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    bench_spaces(reply);
    bench_long(reply);
    cptr_t s = slots(1);
    uint64_t deleting = 0, began = instret();
    for (unsigned i = 0; i < ROUNDS; i++) {
        invoke(main_untyped(), UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s, 1, 0);
        uint64_t made = instret();
        invoke(CAP_INIT_CNODE, CNODE_DELETE, s, 0, 0, 0, 0);
        deleting += instret() - made;
    }
    report("retype an endpoint", instret() - began - deleting);
    report("delete an endpoint", deleting);
    bench_map();

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
    report("unknown call to a handler and back", bench_guest_instret);
    uint64_t at = 0x2a000000;
    invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, at, 500 * 4096, VM_READ | VM_WRITE, 0, 0);
    uint64_t start = instret();
    for (unsigned i = 0; i < 500; i++)
        *(volatile char *)(at + i * 4096) = 1;
    report("anonymous fault", (instret() - start) * ROUNDS / 500);
}
