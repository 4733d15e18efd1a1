/* SPDX-License-Identifier: MIT */
/*
 * Panic: the first hart to get here stops the others, reports and shuts the
 * machine down with status 125. The backtrace is found without frame pointers:
 * each word on the stack that lies just behind a call instruction in the kernel
 * text is printed, so stale return addresses may be among them.
 *
 * The symbol table comes from tools/symbols.py in the second link:
 * kernel_symbols[0] = count, then pairs of address and name, ascending.
 */

#include "arch/riscv/csr.h"
#include "arch/riscv/sbi.h"
#include "kernel/assert.h"
#include "kernel/hart.h"
#include "kernel/print.h"
#include "object/platform.h"
#include "object/tcb.h"

#define PANIC_STATUS  125
#define MAX_BACKTRACE 24

extern const uint64_t kernel_symbols[] __attribute__((weak));
/* Through memory: a weak symbol at 0 is out of reach of a relative address. */
static const uint64_t *const volatile symbols = kernel_symbols;
extern const char kernel_start[], kernel_text_end[];

uint32_t panicking;

/* Name and offset of a kernel address; "" without a symbol table. */
static const char *symbol_name(uint64_t address, uint64_t *offset)
{
    const uint64_t *table = symbols;
    uint64_t low = 0, high = table != NULL ? table[0] : 0;

    *offset = address;
    if (high == 0 || address < table[1])
        return "";
    while (high - low > 1) {
        uint64_t mid = (low + high) / 2;
        if (table[1 + 2 * mid] <= address)
            low = mid;
        else
            high = mid;
    }
    *offset = address - table[1 + 2 * low];
    return (const char *)table[2 + 2 * low];
}

static bool in_text(uint64_t address)
{
    return address > (uint64_t)kernel_start + 4 && address < (uint64_t)kernel_text_end;
}

/* Does a call (jal, jalr or c.jalr with link register ra) end at the address? */
static bool after_call(uint64_t address)
{
    uint16_t half = *(const uint16_t *)(address - 2);
    uint32_t word = (uint32_t)*(const uint16_t *)(address - 4) | (uint32_t)half << 16;

    return (half & 0xf07f) == 0x9002 || (word & 0xfff) == 0xef || (word & 0xfff) == 0xe7;
}

static void print_address(const char *what, uint64_t address)
{
    uint64_t offset;
    const char *name = symbol_name(address, &offset);

    kprint("  %s %lx %s+%lx\n", what, address, name, offset);
}

static void backtrace(uint64_t sp)
{
    uint64_t end = (sp + KSTACK_BYTES) & ~(KSTACK_BYTES - 1ul);
    unsigned n = 0;

    for (; sp % 8 == 0 && sp < end && n < MAX_BACKTRACE; sp += 8) {
        uint64_t word = *(const uint64_t *)sp;
        if (in_text(word) && word % 2 == 0 && after_call(word)) {
            print_address("from", word);
            n++;
        }
    }
}

static void begin(void)
{
    if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL) != 0)
        for (;;)
            wait_for_interrupt();
    for (unsigned i = 0; i < nr_harts; i++)
        if (&harts[i] != this_hart() && harts[i].online)
            sbi_send_ipi(1ul << harts[i].mhartid);
}

static _Noreturn void end(uint64_t sp)
{
    const struct tcb *t = this_hart()->current;

    if (t != NULL)
        kprint("  thread '%s' pc %lx\n", t->name, t->x[0]);
    backtrace(sp);
    kprint("PANIC: end of report\n");
    platform_shutdown(PANIC_STATUS, false);
}

void panic(const char *format, ...)
{
    va_list args;

    begin();
    kprint("\nPANIC: hart %u: ", this_hart()->id);
    va_start(args, format);
    kvprint(format, args);
    va_end(args);
    kprint("\n");
    end((uint64_t)__builtin_frame_address(0) & ~7ul);
}

void panic_trap(const uint64_t regs[32], uint64_t cause, uint64_t value)
{
    static const char names[32][4] = {
        "pc ", "ra ", "sp ", "gp ", "tp ", "t0 ", "t1 ", "t2 ", "s0 ", "s1 ", "a0 ", "a1 ", "a2 ", "a3 ", "a4 ",
        "a5 ", "a6 ", "a7 ", "s2 ", "s3 ", "s4 ", "s5 ", "s6 ", "s7 ", "s8 ", "s9 ", "s10", "s11", "t3 ",
        "t4 ", "t5 ", "t6 " };

    begin();
    kprint("\nPANIC: hart %u: trap in the kernel, cause %lx value %lx\n", this_hart()->id,
           cause, value);
    for (unsigned i = 0; i < 32; i++)
        kprint("  %s %016lx%s", names[i], regs[i], i % 4 == 3 ? "\n" : "");
    print_address("at", regs[0]);
    print_address("ra", regs[1]);
    end(regs[2] & ~7ul);
}
