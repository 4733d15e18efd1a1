/* SPDX-License-Identifier: MIT */
/*
 * From the first C instruction to the first user instruction. The boot hart
 * reads the device tree, numbers the harts by ascending mhartid, starts the
 * others, and makes the root task; the others go straight to idling (hart.c).
 */
#include "kernel/boot.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/plic.h"
#include "arch/riscv/sbi.h"
#include "kernel/assert.h"
#include "kernel/print.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"
#include "object/irq.h"
#include "object/platform.h"

#define START_TIMEOUT_SECONDS 5

_Noreturn void boot_main(uint64_t mhartid, paddr_t fdt);
void secondary_start(void);

static char stacks[MAX_HARTS][KSTACK_BYTES] __attribute__((aligned(KSTACK_BYTES)));
static struct fdt_facts facts;

static uint32_t plic_context_of(uint32_t phandle)
{
    for (unsigned i = 0; i < facts.nr_plic_contexts; i++)
        if (facts.plic_contexts[i][0] == phandle && facts.plic_contexts[i][1] == IRQ_EXTERNAL)
            return i;
    return ~0u;
}

/* Returns the struct of the boot hart. */
static struct hart *init_harts(uint64_t boot_mhartid)
{
    struct hart *boot = NULL;

    have_sstc = true;
    for (unsigned i = 0; i < facts.nr_harts; i++) {
        const struct fdt_hart *f = &facts.hart[i];
        bool last_chance = boot == NULL && nr_harts == MAX_HARTS - 1;
        if (nr_harts == MAX_HARTS || f->mhartid >= 64 ||
            (last_chance && f->mhartid != boot_mhartid))
            continue;
        struct hart *h = &harts[nr_harts];
        h->id = nr_harts++;
        h->mask = 1ul << h->id;
        h->load = &hart_page.hart[h->id];
        h->mhartid = f->mhartid;
        h->plic_context = plic_context_of(f->intc_phandle);
        h->stack_top = stacks[h->id] + KSTACK_BYTES;
        h->running_priority = PRIORITY_IDLE;
        h->poll_ticks = 50;
        run_queue_init(&h->queue);
        have_sstc = have_sstc && f->sstc;
        if (f->mhartid == boot_mhartid)
            boot = h;
    }
    if (boot == NULL)
        panic("the boot hart %lu is not in the device tree", boot_mhartid);
    hart_page.nr_harts = nr_harts;
    return boot;
}

/* For entry.S, complete before the first hart is started. */
struct { uint64_t mhartid; struct hart *hart; } secondary_table[MAX_HARTS];

static void start_others(void)
{
    for (unsigned i = 0; i < nr_harts; i++) {
        secondary_table[i].mhartid = harts[i].mhartid;
        secondary_table[i].hart = &harts[i];
    }
    __asm__ volatile("fence rw, rw" ::: "memory");
    for (unsigned i = 0; i < nr_harts; i++) {
        struct hart *h = &harts[i];
        if (h == this_hart())
            continue;
        long err = sbi_hart_start(h->mhartid, kva_to_phys((void *)secondary_start), 0);
        if (err != 0)
            panic("hart %u does not start: SBI error %ld", h->mhartid, err);
    }
    ticks_t limit = read_time() + START_TIMEOUT_SECONDS * timebase_hz;
    for (unsigned i = 0; i < nr_harts; i++)
        while (&harts[i] != this_hart() && !__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
            if (read_time() > limit)
                panic("hart %u did not come up", harts[i].mhartid);
}

void boot_main(uint64_t mhartid, paddr_t fdt)
{
    sbi_init();
    if (!fdt_read(phys_to_kva(fdt), &facts))
        panic("malformed device tree at %lx", fdt);
    struct hart *h = init_harts(mhartid);
    __asm__ volatile("mv tp, %0" :: "r"(h) : "memory");
    timebase_hz = facts.timebase_hz != 0 ? facts.timebase_hz : 10000000;
    hart_page.timebase_hz = (uint32_t)timebase_hz;
    for (unsigned i = 0; i < facts.nr_memory; i++)
        hart_page.total_ram_bytes += facts.memory[i].bytes;
    platform_finisher = facts.finisher.base;
    if (facts.plic.bytes != 0) {
        irq_sources = facts.plic_sources < MAX_IRQS ? facts.plic_sources : MAX_IRQS - 1;
        plic_init(facts.plic.base, facts.plic.bytes, irq_sources);
    }
    boot_memory_init(&facts, fdt, facts.total_bytes);
    hart_start(h);
    start_others();
    boot_map_final();
    struct tcb *root = boot_root_task(&facts, fdt);
    kprint("atoll: %u harts, %lu MiB, %s timer\n", nr_harts, hart_page.total_ram_bytes >> 20,
           have_sstc ? "Sstc" : "SBI");
    boot_leave(root);
}
