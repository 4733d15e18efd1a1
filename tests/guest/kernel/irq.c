/* SPDX-License-Identifier: MIT */
/* Interrupts of a device: the UART's transmitter-empty interrupt. A 16550 as QEMU's virt
 * machine has it; with the word "sifive" on the command line SiFive's, as in sifive_u. */
#include <atoll/trace.h>

#include "kt.h"

#define UART     (option("sifive") ? 0x10010000ul : 0x10000000ul)
#define UART_IRQ (option("sifive") ? 4u : 10u)
#define AT       (HERE + 0x2000000)

static volatile uint8_t *map_uart(void)
{
    const struct bootinfo *bi = (const struct bootinfo *)ROOT_BOOTINFO;
    cptr_t ut = 0, seg = slots(1);
    uint64_t base = 0;

    for (unsigned i = 0; i < bi->nr_untypeds; i++)
        if (bi->untyped[i].device && bi->untyped[i].paddr <= UART &&
            UART - bi->untyped[i].paddr < 1ul << bi->untyped[i].size_bits)
            ut = CAP_INIT_FIRST_UNTYPED + i, base = bi->untyped[i].paddr;
    CHECK(ut != 0);
    OK(retype(ut, CAP_TYPE_SEGMENT, 1, seg, 1, (UART - base) | 1));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, AT, PAGE, RW | VM_SHARED, seg, 0));
    return (volatile uint8_t *)AT;
}

static cptr_t make_irq(void)
{
    cptr_t irq = slots(1);

    OK(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, UART_IRQ, irq, 0, 0, 0));
    return irq;
}

/* Does the transmitter interrupt while it is empty? */
static void ask(volatile uint8_t *uart, bool on)
{
    if (option("sifive")) {
        *(volatile uint32_t *)(uart + 0x08) = 1 | 1u << 16;     /* txctrl: enabled, "fewer than 1" */
        *(volatile uint32_t *)(uart + 0x10) = on;               /* ie */
    } else {
        uart[1] = on ? 2 : 0;
    }
}

/* The 16550's cause goes away when it is read; then it is asked for again. */
static void again(volatile uint8_t *uart)
{
    if (!option("sifive")) {
        uint8_t iir = uart[2];
        (void)iir;
    }
    ask(uart, false);
    ask(uart, true);
}

static void arrives(unsigned hart)
{
    volatile uint8_t *uart = map_uart();
    cptr_t irq = make_irq(), n = note(), b = mint(n, 0x100);
    uint64_t bits = 0;

    OK(invoke(irq, IRQ_SET_NOTIFICATION, b, hart, 0, 0, 0));
    ask(uart, true);
    OK(sys_wait(n, now() + 5000 * MS, &bits));
    CHECK_EQ(bits, 0x100);
    CHECK_EQ(wait_for(n, 5), ERR_TIMEOUT);      /* quiet until it is acknowledged */
    for (unsigned i = 0; i < 50; i++) {
        again(uart);
        OK(invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0));
        if (!OK(wait_for(n, 5000)))
            break;
    }
    ask(uart, false);
    OK(invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0));
    OK(destroy(irq));
}

TEST(irq, an_interrupt_signals_and_is_quiet_until_acknowledged) { arrives(0); }
TEST_ON(2, irq, an_interrupt_is_taken_by_another_hart) { arrives(other_hart()); }

TEST(irq, an_interrupt_moves_to_another_notification)
{
    volatile uint8_t *uart = map_uart();
    cptr_t irq = make_irq(), n = note(), m = note();

    OK(invoke(irq, IRQ_SET_NOTIFICATION, n, 0, 0, 0, 0));
    OK(invoke(irq, IRQ_SET_NOTIFICATION, m, other_hart(), 0, 0, 0));
    sys_wait(n, DEADLINE_POLL, NULL);   /* what an earlier case left in the controller */
    ask(uart, true);
    OK(wait_for(m, 5000));
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);
    ask(uart, false);
    OK(destroy(irq));
}

/* The source is never without a target, claimed or not: what came is told, and what is acknowledged comes again. */
TEST_ON(2, irq, a_claimed_interrupt_moves_to_another_hart)
{
    volatile uint8_t *uart = map_uart();
    cptr_t irq = make_irq(), n = note();

    OK(invoke(irq, IRQ_SET_NOTIFICATION, n, 0, 0, 0, 0));
    ask(uart, true);
    OK(wait_for(n, 5000));
    for (unsigned i = 1; i < 1000; i++) {
        uint64_t hart = random_below(hart_count());
        if (i % 4 < 2)
            OK(invoke(irq, IRQ_SET_NOTIFICATION, n, hart, 0, 0, 0));
        again(uart);
        OK(invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0));
        if (i % 4 > 0)
            OK(invoke(irq, IRQ_SET_NOTIFICATION, n, random_below(hart_count()), 0, 0, 0));
        if (!OK(wait_for(n, 5000)))
            break;
    }
    ask(uart, false);
    OK(invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0));
    OK(destroy(irq));
}

TEST(irq, errors_keep_the_notification_that_was_set)
{
    volatile uint8_t *uart = map_uart();
    cptr_t irq = make_irq(), n = note();

    OK(invoke(irq, IRQ_SET_NOTIFICATION, n, 0, 0, 0, 0));
    CHECK_EQ(invoke(irq, IRQ_SET_NOTIFICATION, slots(1), 0, 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(irq, IRQ_SET_NOTIFICATION, CAP_INIT_TCB, 0, 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(irq, IRQ_SET_NOTIFICATION, copy_cap(note(), RIGHT_READ), 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(irq, IRQ_SET_NOTIFICATION, note(), hart_count(), 0, 0, 0), ERR_INVALID_ARGUMENT);
    ask(uart, true);
    OK(wait_for(n, 5000));
    ask(uart, false);
    OK(destroy(irq));
}

TEST(irq, a_source_has_one_capability)
{
    cptr_t irq = make_irq(), s = slots(1);

    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, UART_IRQ, s, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, UART_IRQ, irq, 0, 0, 0), ERR_SLOT_OCCUPIED);
    OK(destroy(irq));
    OK(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, UART_IRQ, s, 0, 0, 0));
}

TEST(irq, sources_and_rights_are_checked)
{
    cptr_t irq = make_irq(), weak = copy_cap(irq, RIGHT_READ | RIGHT_WRITE), s = slots(1);
    cptr_t platform = copy_cap(CAP_INIT_PLATFORM, RIGHT_READ | RIGHT_WRITE);

    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, 0, s, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, 1 << 20, s, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, 1ul << 40 | 3, s, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(platform, PLATFORM_IRQ, 3, s, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(platform, PLATFORM_SHUTDOWN, 0, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, IRQ_ACK, 0, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(weak, IRQ_SET_NOTIFICATION, note(), 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(irq, IRQ_ACK + 1, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
    OK(invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0));    /* nothing to acknowledge */
}

static void deleted_while_active(bool the_irq)
{
    volatile uint8_t *uart = map_uart();

    for (unsigned i = 0; i < 30; i++) {
        cptr_t irq = make_irq(), n = note();
        OK(invoke(irq, IRQ_SET_NOTIFICATION, n, i % hart_count(), 0, 0, 0));
        again(uart);
        if (i % 3)
            OK(wait_for(n, 5000));      /* claimed, not acknowledged */
        OK(destroy(the_irq ? irq : n));
        again(uart);
        OK(destroy(the_irq ? n : irq));
    }
    ask(uart, false);
}

TEST(irq, an_irq_is_deleted_while_it_is_claimed) { deleted_while_active(true); }
TEST(irq, the_notification_is_deleted_while_the_irq_is_claimed) { deleted_while_active(false); }

TEST(irq, counters_and_debug_output_check_their_rights)
{
    cptr_t none = copy_cap(CAP_INIT_PLATFORM, 0);
    struct kernel_counters c;

    CHECK_EQ(invoke(none, PLATFORM_COUNTERS, (uint64_t)&c, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_COUNTERS, (uint64_t)&c, hart_count(), 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_COUNTERS, 0x7000, 0, 0, 0, 0), ERR_FAULT);
    CHECK_EQ(invoke(none, PLATFORM_TRACE, 1, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(CAP_INIT_PLATFORM, PLATFORM_TRACE, 1, 0, 0, 0, 0), ERR_INVALID_CALL);  /* no rings */
    CHECK_EQ(sys(SYS_DEBUG_WRITE, none, (uint64_t)&c, 1, 0, 0, 0, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_DEBUG_WRITE, CAP_INIT_PLATFORM, 0x7000, 1, 0, 0, 0, 0).a[0], ERR_FAULT);
    CHECK_EQ(sys(SYS_TRACE, none, (uint64_t)&c, 1, 0, 0, 0, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_TRACE, CAP_INIT_PLATFORM, (uint64_t)&c, TRACE_TEXT_MAX + 1, 0, 0, 0, 0).a[0], ERR_RANGE);
    CHECK_EQ(sys(SYS_TRACE, CAP_INIT_PLATFORM, 0x7000, 1, 0, 0, 0, 0).a[0], ERR_FAULT);
    OK(sys(SYS_TRACE, CAP_INIT_PLATFORM, (uint64_t)&c, 8, 0, 0, 0, 0).a[0]);
}
