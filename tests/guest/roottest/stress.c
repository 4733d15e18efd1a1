/* SPDX-License-Identifier: MIT */
/*
 * Things at the same time: threads that talk across harts while they are
 * suspended, resumed, moved, upcalled and deleted; and a device interrupt.
 */
#include "root.h"

#define MS 10000ul
#define PAIRS 6

static cptr_t note_a[PAIRS], note_b[PAIRS], eps[PAIRS], replies[PAIRS], done, never;
static volatile uint64_t turns[PAIRS], stop_all;
static uint64_t random_state = 12345;

static uint64_t random(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

static void pair_a(uint64_t i)
{
    for (;;) {
        sys(SYS_SIGNAL_WAIT, note_a[i], note_b[i], now() + MS, 0, 0, 0, 0);
        turns[i]++;
    }
}

static void pair_b(uint64_t i)
{
    for (;;)
        sys(SYS_SIGNAL_WAIT, note_b[i], note_a[i], now() + MS, 0, 0, 0, 0);
}

static void pair_call(uint64_t i)
{
    for (;;) {
        sys(SYS_CALL, eps[i], MSG_INFO(1, i % 5 + 1, 0), 1, 2, 3, 4, 0);
        turns[i]++;
    }
}

static void pair_serve(uint64_t i)
{
    for (;;) {
        struct ret r = sys(SYS_RECV, eps[i], 0, 0, 0, 0, 0, replies[i]);
        while (r.a[0] == 0)
            r = sys(SYS_REPLY_RECV, eps[i], MSG_INFO(1, 4, 0), 1, 2, 3, 4, replies[i]);
    }
}

static void disturb(cptr_t t)
{
    unsigned harts = hart_count();

    switch (random(5)) {
    case 0:
        invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0);
        invoke(t, TCB_RESUME, 0, 0, 0, 0, 0);
        break;
    case 1: invoke(t, TCB_SET_HART, random(harts), 0, 0, 0, 0); break;
    case 2: invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0); break;
    case 3: invoke(t, TCB_SET_PRIORITY, 90 + random(4) * 10, 0, 0, 0, 0); break;
    default: sys_wait(never, now() + random(20) * 10, NULL); break;
    }
}

static void storm(const char *name, void (*fa)(uint64_t), void (*fb)(uint64_t), unsigned rounds)
{
    cptr_t ta[PAIRS], tb[PAIRS];
    uint64_t low = ~0ul;
    bool good = true;

    for (unsigned i = 0; i < PAIRS; i++) {
        note_a[i] = make(CAP_TYPE_NOTIFICATION, 0, 0);
        note_b[i] = make(CAP_TYPE_NOTIFICATION, 0, 0);
        eps[i] = make(CAP_TYPE_ENDPOINT, 0, 0);
        replies[i] = make(CAP_TYPE_REPLY, 0, 0);
        turns[i] = 0;
        ta[i] = spawn(random(hart_count()), 110, fa, i);
        tb[i] = spawn(random(hart_count()), 120, fb, i);
    }
    for (unsigned r = 0; r < rounds; r++)
        disturb(random(2) ? ta[random(PAIRS)] : tb[random(PAIRS)]);
    /* After the storm everybody must still make progress. */
    for (unsigned i = 0; i < PAIRS; i++) {
        turns[i] = 0;
        invoke(ta[i], TCB_SET_PRIORITY, 100, 0, 0, 0, 0);
        invoke(tb[i], TCB_SET_PRIORITY, 100, 0, 0, 0, 0);
        invoke(ta[i], TCB_RESUME, 0, 0, 0, 0, 0);
        invoke(tb[i], TCB_RESUME, 0, 0, 0, 0, 0);
    }
    sys_wait(never, now() + 300 * MS, NULL);
    for (unsigned i = 0; i < PAIRS; i++)
        low = turns[i] < low ? turns[i] : low;
    check(low > 10, name, (long)low);
    for (unsigned i = 0; i < PAIRS; i++) {
        good = good && invoke(CAP_INIT_CNODE, CNODE_DELETE, i % 2 ? ta[i] : eps[i], 0, 0, 0, 0) == 0;
        good = good && invoke(CAP_INIT_CNODE, CNODE_DELETE, i % 2 ? replies[i] : ta[i], 0, 0, 0, 0) == 0;
        good = good && invoke(CAP_INIT_CNODE, CNODE_DELETE, note_a[i], 0, 0, 0, 0) == 0;
        good = good && invoke(CAP_INIT_CNODE, CNODE_DELETE, tb[i], 0, 0, 0, 0) == 0;
    }
    check(good, "delete_in_the_middle", 0);
}

/* Revoke the Untyped under threads that run on all harts, again and again. */
static void test_pull_the_rug(void)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 18, 0), s = slots(40);
    static struct tcb_regs r;
    bool good = true;

    for (unsigned round = 0; round < 40 && good; round++) {
        unsigned n = 0;
        good = invoke(ut, UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s + n++, 1, 0) == 0;
        eps[0] = s;
        good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_REPLY, 0, s + n++, 1, 0) == 0;
        replies[0] = s + 1;
        for (unsigned i = 0; i < 6; i++) {
            cptr_t t = s + n++, sc = s + n++;
            good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_TCB, 0, t, 1, 0) == 0;
            good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_SCHED_CONTEXT, 0, sc, 1, 0) == 0;
            good = good && invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc,
                                  110 | i % hart_count() << 8, 0) == 0;
            fill_regs(&r, i == 0 ? pair_serve : pair_call, 0);
            good = good && invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0) == 0;
        }
        sys_wait(never, now() + random(3) * MS, NULL);
        error_t err = invoke(CAP_INIT_CNODE, CNODE_REVOKE, ut, 0, 0, 0, 0);
        good = good && err == 0;
    }
    check(good, "untyped_is_revoked_under_running_threads", 0);
}

static void hog(uint64_t i)
{
    (void)i;
    while (!stop_all)
        ;
    for (;;)
        sys_wait(never, DEADLINE_NONE, NULL);
}

/* The other hart runs something; a more important thread there must get in at
 * once, a less important one only afterwards, an equal one after a slice. */
static void late(uint64_t n)
{
    sys_signal(n);
    for (;;)
        sys_wait(never, DEADLINE_NONE, NULL);
}

static void test_cross_preemption(void)
{
    if (hart_count() < 2)
        return;
    cptr_t n = make(CAP_TYPE_NOTIFICATION, 0, 0);
    stop_all = 0;
    cptr_t t = spawn(1, 120, hog, 0);
    sys_wait(never, now() + 5 * MS, NULL);
    spawn(1, 121, late, n);
    expect(sys_wait(n, now() + 500 * MS, NULL), 0, "a_more_important_thread_preempts_another_hart");
    spawn(1, 120, late, n);
    expect(sys_wait(n, now() + 500 * MS, NULL), 0, "an_equal_gets_its_slice_on_another_hart");
    spawn(1, 119, late, n);
    expect(sys_wait(n, now() + 50 * MS, NULL), ERR_TIMEOUT, "a_less_important_one_waits");
    stop_all = 1;
    expect(sys_wait(n, now() + 500 * MS, NULL), 0, "until_the_hart_is_free");
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
}

/* The UART's transmitter-empty interrupt; registers of a 16550. */
static void test_irq(unsigned hart)
{
    cptr_t ut = 0, seg = slots(1), irq = slots(1), n = make(CAP_TYPE_NOTIFICATION, 0, 0);
    const struct bootinfo *bi = (const struct bootinfo *)ROOT_BOOTINFO;
    uint64_t at = 0x2f000000, uart = 0x10000000, base = 0;

    for (unsigned i = 0; i < bi->nr_untypeds; i++)
        if (bi->untyped[i].device && bi->untyped[i].paddr <= uart &&
            uart - bi->untyped[i].paddr < 1ul << bi->untyped[i].size_bits)
            ut = CAP_INIT_FIRST_UNTYPED + i, base = bi->untyped[i].paddr;
    check(ut != 0, "a_device_untyped_covers_the_uart", 0);
    expect(invoke(ut, UNTYPED_RETYPE, CAP_TYPE_SEGMENT, 1, seg, 1, (uart - base) | 1), 0, "uart_segment");
    expect(invoke(CAP_INIT_VSPACE, VSPACE_MAP, at, 4096, VM_READ | VM_WRITE | VM_SHARED, seg, 0), 0, "map_uart");
    expect(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, 10, irq, 0, 0, 0), 0, "make_irq");
    expect(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, 10, slots(1), 0, 0, 0), ERR_BUSY, "only_once");
    expect(invoke(irq, IRQ_SET_NOTIFICATION, n, hart, 0, 0, 0), 0, "set_notification");
    volatile uint8_t *reg = (volatile uint8_t *)at;
    reg[1] = 2;             /* interrupt when the transmitter is empty */
    expect(sys_wait(n, now() + 500 * MS, NULL), 0, "interrupt_arrives");
    expect(sys_wait(n, now() + 5 * MS, NULL), ERR_TIMEOUT, "and_is_quiet_until_acknowledged");
    uint8_t iir = reg[2];   /* reading clears it */
    (void)iir;
    reg[1] = 0;
    reg[1] = 2;
    expect(invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0), 0, "acknowledge");
    expect(sys_wait(n, now() + 500 * MS, NULL), 0, "it_comes_again");
    reg[1] = 0;
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, irq, 0, 0, 0, 0), 0, "delete_irq");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, seg, 0, 0, 0, 0), 0, "delete_device_segment");
}

/* Arguments that must be refused, thrown at every operation. */
static void test_nonsense(void)
{
    static const uint64_t values[] = { 0, 1, 2, 3, 7, 64, 4096, 0x10000000, 0x3ffffff000, ~0ul, 1ul << 63,
                                       0x4000000000, 0xffffffc080200000, 255, 1ul << 32, ROOT_BOOTINFO };
    cptr_t n = make(CAP_TYPE_NOTIFICATION, 0, 0), t = spawn_stopped(0, 10), s = slots(1);
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL), cn = make(CAP_TYPE_CNODE, 2, 0);
    cptr_t vs = make(CAP_TYPE_VSPACE, 0, 0), sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0);
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0);
    cptr_t caps[] = { n, t, seg, cn, vs, sc, ut, CAP_IN(cn, 1), CAP_INIT_FDT };

    (void)s;
    for (unsigned round = 0; round < 20000; round++) {
        cptr_t cap = caps[random(sizeof(caps) / sizeof(caps[0]))];
        uint32_t op = (uint32_t)((random(8) + 1) << 8 | random(17));
        uint64_t a[5];
        for (unsigned i = 0; i < 5; i++)
            a[i] = random(8) == 0 ? random(~0ul) : values[random(16)];
        invoke(cap, op, a[0], a[1], a[2], a[3], a[4]);
    }
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    /* No address here is a capability: nothing can block. */
    for (unsigned round = 0; round < 3000; round++)
        sys((long)(random(10) == 0 ? random(64) : 100 + random(20)), values[7 + random(4)], values[random(16)],
            DEADLINE_POLL, values[random(16)], 0, 0, values[random(16)]);
    check(true, "nonsense_is_survived", 0);
}

void stress(void)
{
    never = make(CAP_TYPE_NOTIFICATION, 0, 0);
    done = make(CAP_TYPE_NOTIFICATION, 0, 0);
    test_irq(0);
    test_irq(hart_count() - 1);
    test_cross_preemption();
    storm("signal_pairs_survive_the_storm", pair_a, pair_b, 2000);
    storm("call_pairs_survive_the_storm", pair_call, pair_serve, 2000);
    test_pull_the_rug();
    test_nonsense();
}
