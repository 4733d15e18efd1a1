/* SPDX-License-Identifier: MIT */
/*
 * Translation and instruction-fetch fences. See tlb.h for the contract.
 *
 * Remote fences are SBI calls (SBI specification, RFENCE extension): OpenSBI
 * sends the IPI and its M-mode handler on the other hart executes the fence
 * although that hart has S-mode interrupts off, so a lock holder cannot
 * deadlock here.
 */
#include "arch/riscv/tlb.h"

#include "arch/riscv/sbi.h"
#include "kernel/hart.h"

/* Dense hart numbers to the firmware's. */
static uint64_t mhartid_mask(uint64_t harts_mask)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < nr_harts; i++)
        mask |= (harts_mask >> i & 1) << harts[i].mhartid;
    return mask;
}

static bool no_page_fences;     /* some hart has CIP-1200; written at boot only */

void tlb_init_hart(void)
{
    if (has_cip_1200(sbi_machine_id()))
        __atomic_store_n(&no_page_fences, true, __ATOMIC_RELAXED);
}

void tlb_local_page(uaddr_t va)
{
    if (__builtin_expect(no_page_fences, 0))
        tlb_local_all();
    else
        __asm__ volatile("sfence.vma %0, x0" :: "r"(va) : "memory");
}

void tlb_local_all(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

void tlb_remote(uint64_t harts, uaddr_t start, size_t bytes)
{
    for (unsigned i = 0; i < nr_harts; i++)
        this_hart()->counters.nr_fence_targets += harts >> i & 1;
    if (!bytes) {   /* the firmware's way to say everything */
        start = 0;
        bytes = SIZE_MAX;
    }
    sbi_remote_sfence_vma(mhartid_mask(harts), start, bytes);
}

void icache_remote(uint64_t harts)
{
    sbi_remote_fence_i(mhartid_mask(harts));
}
