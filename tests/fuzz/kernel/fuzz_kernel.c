/* SPDX-License-Identifier: MIT */
/* build: tests/fuzz/kernel/machine.c tests/fuzz/kernel/entries.c tests/fuzz/kernel/state.c
 * tests/fuzz/kernel/check.c tests/fuzz/kernel/actions.c
 * tests/host/kernel_memory/census.c
 * microkernel/kernel/cspace.c microkernel/kernel/deadline.c microkernel/kernel/delete.c
 * microkernel/kernel/mailbox.c microkernel/kernel/print.c microkernel/kernel/quiesce.c
 * microkernel/kernel/run_queue.c microkernel/kernel/sched.c microkernel/kernel/syscall.c
 * microkernel/kernel/thread.c microkernel/kernel/trace.c microkernel/kernel/trap.c
 * microkernel/kernel/tree.c microkernel/kernel/usercopy.c microkernel/fastpath/fast.c
 * microkernel/fastpath/ipc.c microkernel/object/cnode.c microkernel/object/endpoint.c microkernel/object/irq.c
 * microkernel/object/mapping.c microkernel/object/notification.c microkernel/object/platform.c
 * microkernel/object/pool.c microkernel/object/sched_context.c microkernel/object/segment.c
 * microkernel/object/segment_invoke.c microkernel/object/tcb_ops.c microkernel/object/untyped.c
 * microkernel/object/vspace.c microkernel/object/vspace_clone.c microkernel/object/vspace_fault.c
 * microkernel/object/vspace_move.c microkernel/object/vspace_range.c
 * microkernel/object/vspace_table.c;
 * include: tests/fuzz/kernel/shim tests/host/kernel_memory microkernel
 * microkernel/abi;
 * prelude: tests/fuzz/kernel/shim/sections.h */
/* fuzz: runs=2000; max_len=700 */
/*
 * System calls in any order on up to three harts, and after each everything that
 * must hold; docs/fuzzing.md.
 */
#pragma clang section bss="" data=""

#include <sanitizer/asan_interface.h>

#include "actions.h"
#include "check.h"
#include "kernel/trace.h"
#include "kernel/tree.h"
#include "machine.h"
#include "object/pool.h"
#include "state.h"

#define MAX_ACTIONS 400u
#define DRAIN_ROUNDS 64u
#define END_ROUNDS 4000u
#define END_CHECKED 8u      /* rounds from check to check                      */
#define BOOT_CAPS  10u  /* what the janitor holds, and its TCB                 */

char arena[ARENA_BYTES] __attribute__((aligned(ARENA_BYTES)));
struct trace_ring trace_rings[SIM_HARTS];
char machine_stacks[SIM_HARTS][64ul << 10] __attribute__((aligned(64)));

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:detect_stack_use_after_return=0:handle_abort=1";
}

/* The machine as it was when the program started, and the arena belongs to nobody. */
static void reset(void)
{
    static bool started;

    if (started)
        state_restore(COPY_START);
    else
        state_save(COPY_START);
    started = true;
    ASAN_POISON_MEMORY_REGION(arena, ARENA_BYTES);
    for (unsigned i = 0; i < SIM_HARTS; i++)
        trace_rings[i].head = 0;
}

static void check(void)
{
    if (machine_quiet() && !machine_off())
        check_all();
}

/* One entry into the kernel, or two: a pending interrupt comes first. */
static void step(unsigned hart, int park_after, void (*work)(struct hart *h))
{
    if (machine_off())
        return;
    if (machine_place(hart) == PLACE_USER && machine_interrupted(hart))
        machine_run(hart, -1, work);
    machine_run(hart, park_after, work);
}

static void do_action(unsigned hart, int park_after)
{
    step(hart, park_after, actions_do);
    check();
}

static bool something_left(void)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if (machine_place(i) > PLACE_ASLEEP || machine_interrupted(i) || actions_unfinished(i) ||
            harts[i].mailbox != NULL || harts[i].ops != 0)
            return true;
    return false;
}

/* Everybody goes on with what they have begun. */
static void drain(void)
{
    for (unsigned n = 0; n < DRAIN_ROUNDS && something_left() && !machine_off(); n++) {
        machine_advance(100);
        for (unsigned i = 0; i < nr_harts; i++)
            step(i, -1, actions_repeat);
        check();
    }
}

/* The janitor takes everything back: nothing may be left of it, and it may not take
 * for ever. */
static void end(void)
{
    janitor_call_up();
    for (unsigned n = 0; n < END_ROUNDS && !janitor_done() && !machine_off(); n++) {
        machine_advance(200);
        for (unsigned i = 0; i < nr_harts; i++)
            step(i, -1, actions_end);
        if (n % END_CHECKED == 0)
            check();
    }
    if (machine_off())
        return;
    if (!janitor_done())
        fail("what was given away cannot be taken back");
    drain();
    check_all();
    if (check_capabilities() != BOOT_CAPS)
        fail("%u capabilities are left, not %u", check_capabilities(), BOOT_CAPS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    unsigned count, hart;
    int park_after;

    reset();
    actions_begin(bytes, size, &count);
    if (size > 0 && bytes[0] & 0x80)
        trace_init(trace_rings);
    entries_compare(size > 0 && bytes[0] & 0x40);
    machine_start(count, janitor_make());
    machine_run(0, -1, janitor_build);
    drain();
    for (unsigned n = 0; n < MAX_ACTIONS && !machine_off() && actions_next(&hart, &park_after); n++)
        do_action(hart, park_after);
    drain();
    end();
    return 0;
}
