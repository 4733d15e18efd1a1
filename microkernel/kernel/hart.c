/* SPDX-License-Identifier: MIT */
/*
 * The harts, and the last that each of them does at boot. What comes before runs
 * once: the pages of that code (kernel.ld, .init) become an Untyped of the root
 * task, so nothing here may be part of it.
 */
#include "kernel/boot.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/pagetable.h"
#include "arch/riscv/plic.h"
#include "arch/riscv/tlb.h"
#include "kernel/mailbox.h"
#include "kernel/sched.h"
#include "kernel/string.h"

_Noreturn void hart_main(void);
_Noreturn void restore_all(struct tcb *t);

struct hart harts[MAX_HARTS];
unsigned nr_harts;
struct hart_page hart_page __attribute__((aligned(PAGE_BYTES)));
_Static_assert(sizeof(struct hart_page) <= PAGE_BYTES, "one page");
uint64_t timebase_hz;
uint64_t kernel_gib_table[TABLE_ENTRIES] __attribute__((aligned(PAGE_BYTES)));

void hart_start(struct hart *h)
{
    if (h->plic_context != ~0u)
        plic_init_hart(h->plic_context);
    tlb_init_hart();
    csr_write("scounteren", 7);     /* user level may read cycle, time, instret */
    csr_clear("sstatus", SSTATUS_FS_MASK);
    timer_set(h, DEADLINE_NONE);
    csr_clear("sip", SIP_SSIP);
    csr_write("sie", SIP_SSIP | SIP_STIP | SIP_SEIP);
    __atomic_store_n(&h->online, true, __ATOMIC_RELEASE);
}

void hart_main(void)
{
    struct hart *h = this_hart();

    hart_start(h);
    restore_all(sched_exit(h));
}

void boot_leave(struct tcb *root)
{
    struct hart *h = this_hart();

    pte_store(&kernel_gib_table[pte_index(kva_to_phys(kernel_init_start), 1)],
              pte_of_paddr(kva_to_phys(kernel_init_start)) | KERNEL_LEAF_RW);
    tlb_local_all();
    tlb_remote(~h->mask, 0, 0);
    /* No code is left in what becomes objects: an emulator that keeps a translation of a page's code
     * looks for it at each store to that page, so one TCB there slows all traps of its thread. */
    memset(kernel_init_start, 0, (uintptr_t)kernel_init_end - (uintptr_t)kernel_init_start);
    tcb_request(root, TCB_OP_RESUME);   /* on hart 0, whichever hart the firmware booted on */
    restore_all(sched_exit(h));
}
