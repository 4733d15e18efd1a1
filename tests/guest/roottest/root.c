/* SPDX-License-Identifier: MIT */
/*
 * A root task that exercises the kernel and prints TAP. With "bench" on the
 * kernel's command line it measures instead: instructions under -icount.
 */
#include "root.h"

static struct bootinfo *info;
static cptr_t next_slot, untyped;
static unsigned nr_tests, nr_failed;

void print(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    sys(SYS_DEBUG_WRITE, CAP_INIT_PLATFORM, (uint64_t)s, n, 0, 0, 0, 0);
}

void print_number(long v)
{
    char text[24];
    int at = 23;
    bool minus = v < 0;
    unsigned long u = minus ? -(unsigned long)v : (unsigned long)v;

    text[at] = '\0';
    do
        text[--at] = (char)('0' + u % 10);
    while ((u /= 10) != 0);
    if (minus)
        text[--at] = '-';
    print(text + at);
}

void check(bool ok, const char *name, long value)
{
    nr_tests++;
    if (!ok)
        nr_failed++;
    print(ok ? "ok " : "not ok ");
    print_number(nr_tests);
    print(" - ");
    print(name);
    if (!ok) {
        print(" # got ");
        print_number(value);
    }
    print("\n");
}

void expect(error_t err, error_t want, const char *name)
{
    check(err == want, name, err);
}

_Noreturn void finish(void)
{
    print("1..");
    print_number(nr_tests);
    print("\n");
    invoke(CAP_INIT_PLATFORM, PLATFORM_SHUTDOWN, nr_failed ? 1 : 0, 0, 0, 0, 0);
    for (;;)
        ;
}

cptr_t slots(unsigned n)
{
    cptr_t s = next_slot;
    next_slot += n;
    return s;
}

cptr_t make(enum cap_type type, uint64_t size, uint64_t extra)
{
    cptr_t s = slots(1);
    error_t err = invoke(untyped, UNTYPED_RETYPE, type, size, s, 1, extra);

    if (err != 0) {
        print("# retype failed: ");
        print_number(err);
        print("\n");
    }
    return err == 0 ? s : 0;
}

cptr_t main_untyped(void) { return untyped; }
unsigned hart_count(void) { return (unsigned)info->nr_harts; }

static char stacks[32][8192] __attribute__((aligned(16)));
static unsigned nr_stacks;
static struct tcb_regs regs;

extern char thread_start[];

void fill_regs(struct tcb_regs *r, void (*f)(uint64_t), uint64_t arg)
{
    for (int i = 0; i < 32; i++)
        r->x[i] = 0;
    r->x[0] = (uint64_t)thread_start;
    r->x[2] = (uint64_t)(stacks[nr_stacks++ % 32] + 8192);
    r->x[8] = (uint64_t)f;
    r->x[10] = arg;
}

static cptr_t spawn_stopped_in(cptr_t vspace, unsigned hart, unsigned priority)
{
    cptr_t t = make(CAP_TYPE_TCB, 0, 0), sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0);
    error_t err = invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, vspace, sc, priority | hart << 8, 0);

    invoke(t, TCB_SET_NAME, 0x64616572687474, 0, 0, 0, 0);
    if (err != 0)
        check(false, "spawn", err);
    return t;
}

cptr_t spawn_stopped(unsigned hart, unsigned priority)
{
    return spawn_stopped_in(CAP_INIT_VSPACE, hart, priority);
}

cptr_t spawn_in(cptr_t vspace, unsigned hart, unsigned priority, void (*f)(uint64_t), uint64_t arg)
{
    cptr_t t = spawn_stopped_in(vspace, hart, priority);

    fill_regs(&regs, f, arg);
    error_t err = invoke(t, TCB_WRITE_REGS, (uint64_t)&regs, 1, 0, 0, 0);
    if (err != 0)
        check(false, "spawn: write registers", err);
    return t;
}

cptr_t spawn(unsigned hart, unsigned priority, void (*f)(uint64_t), uint64_t arg)
{
    return spawn_in(CAP_INIT_VSPACE, hart, priority, f, arg);
}

unsigned thread_state(cptr_t t)
{
    struct tcb_info ti = { 0 };

    invoke(t, TCB_INFO, (uint64_t)&ti, 0, 0, 0, 0);
    return (unsigned)ti.state;
}

static bool has_word(const char *line, const char *word)
{
    for (; *line; line++) {
        size_t i = 0;
        while (word[i] && line[i] == word[i])
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

_Noreturn void root_main(struct bootinfo *bi)
{
    info = bi;
    next_slot = bi->first_free_slot;
    unsigned best = 0;
    for (unsigned i = 0; i < bi->nr_untypeds; i++) {
        if (bi->untyped[i].device || bi->untyped[i].size_bits <= best)
            continue;
        best = bi->untyped[i].size_bits;
        untyped = CAP_INIT_FIRST_UNTYPED + i;
    }
    print("# root task runs\n");
    if (has_word(bi->command_line, "cross-pause")) {
        bench_cross(CROSS_PAUSE);
    } else if (has_word(bi->command_line, "cross-call")) {
        bench_cross(CROSS_CALL);
    } else if (has_word(bi->command_line, "cross-signal")) {
        bench_cross(CROSS_SIGNAL);
    } else if (has_word(bi->command_line, "bench")) {
        bench();
        memory_bench();
    } else {
        tests();
        memory_tests();
        stress();
    }
    finish();
}
