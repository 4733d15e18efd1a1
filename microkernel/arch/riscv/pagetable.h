/* SPDX-License-Identifier: MIT */
/*
 * Sv39 page-table entries, and the promises that live in not-present ones.
 *
 * Format: RISC-V privileged specification, "Sv39". A present leaf uses the two
 * bits that the hardware leaves to software:
 *
 *   PTE_LOGICAL_W  stores are permitted, but W is off: the frame is shared by
 *                  clones (copy on write), or it is a clean Segment page. W and
 *                  PTE_LOGICAL_W are never both needed; "may write" is either.
 *   PTE_SEGMENT    the page belongs to a Segment, not to the VSpace: it has no
 *                  reference from here, and a mapping record covers it.
 *
 * So W without PTE_SEGMENT means that this entry owns its frame alone. Clones
 * keep that true by clearing W on both sides.
 *
 * A not-present entry is a promise. Its permission bits sit where the hardware
 * has them (so a promise becomes a leaf by OR), its kind in bits 4..5:
 *
 *   FREE    nothing is here; the whole entry is 0
 *   ZERO    private memory that was never touched
 *   RECORD  a Segment page that was not touched yet: the mapping record that
 *           covers the address says which
 *   KEPT    a private frame under PROT_NONE: the frame number stays in place
 *
 * ZERO and RECORD may stand at any level, for 4 KiB, 2 MiB or 1 GiB, and are
 * split when something finer is needed below them. A leaf at level 1 (2 MiB) is
 * always a page range of a physical Segment. There are no leaves at level 2.
 *
 * A and D are set together with V: nothing here depends on the hardware's
 * updating them. Dirty state of Segment pages is kept by PTE_LOGICAL_W.
 */
#ifndef ATOLL_ARCH_RISCV_PAGETABLE_H
#define ATOLL_ARCH_RISCV_PAGETABLE_H

#include <atoll/objects.h>
#include "arch/riscv/layout.h"

typedef uint64_t pte_t;

#define PTE_V         0x001ul
#define PTE_R         0x002ul
#define PTE_W         0x004ul
#define PTE_X         0x008ul
#define PTE_U         0x010ul
#define PTE_A         0x040ul
#define PTE_D         0x080ul
#define PTE_LOGICAL_W 0x100ul
#define PTE_SEGMENT   0x200ul

#define PTE_RWX       (PTE_R | PTE_W | PTE_X)
#define PTE_LEAF      (PTE_V | PTE_U | PTE_A | PTE_D)   /* every user leaf     */
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  0x003ffffffffffc00ul

#define PROMISE_KIND_MASK 0x30ul    /* with V clear                            */
#define PROMISE_ZERO      0x10ul
#define PROMISE_RECORD    0x20ul
#define PROMISE_KEPT      0x30ul

#define TABLE_BITS     9
#define TABLE_ENTRIES  512u
#define LEVEL_SHIFT(level) (PAGE_BITS + TABLE_BITS * (level))
#define LEVEL_BYTES(level) (1ul << LEVEL_SHIFT(level))
#define USER_ROOT_ENTRIES  256u

#define SATP_SV39 (8ul << 60)

static inline uint64_t satp_of(paddr_t root)
{
    return SATP_SV39 | root >> PAGE_BITS;
}

/* VM_READ, VM_WRITE and VM_EXEC are the hardware's R, W and X one bit lower. */
_Static_assert(VM_READ << 1 == PTE_R && VM_WRITE << 1 == PTE_W &&
               VM_EXEC << 1 == PTE_X, "permissions convert by a shift");
_Static_assert(USER_TOP == USER_ROOT_ENTRIES * LEVEL_BYTES(2), "lower half");

static inline size_t pte_index(uaddr_t va, unsigned level)
{
    return (va >> LEVEL_SHIFT(level)) & (TABLE_ENTRIES - 1);
}

static inline paddr_t pte_paddr(pte_t pte)
{
    return (pte & PTE_PPN_MASK) << (PAGE_BITS - PTE_PPN_SHIFT);
}

static inline pte_t pte_of_paddr(paddr_t pa)
{
    return (pa >> PAGE_BITS) << PTE_PPN_SHIFT;
}

static inline bool pte_is_table(pte_t pte)
{
    return (pte & (PTE_V | PTE_RWX)) == PTE_V;
}

static inline pte_t *pte_table(pte_t pte)
{
    return phys_to_kva(pte_paddr(pte));
}

static inline pte_t pte_make_table(const pte_t *table)
{
    return pte_of_paddr(kva_to_phys(table)) | PTE_V;
}

/* A private frame is referenced from here (present or under PROT_NONE). */
static inline bool pte_has_frame(pte_t pte)
{
    if (pte & PTE_V)
        return !(pte & PTE_SEGMENT);
    return (pte & PROMISE_KIND_MASK) == PROMISE_KEPT;
}

/* The permissions that the owner of the memory sees, as VM_* bits. */
static inline unsigned pte_prot(pte_t pte)
{
    unsigned prot = (pte & PTE_RWX) >> 1;

    if ((pte & (PTE_V | PTE_LOGICAL_W)) == (PTE_V | PTE_LOGICAL_W))
        prot |= VM_WRITE;
    return prot;
}

static inline pte_t pte_promise(pte_t kind, unsigned prot)
{
    return kind | (pte_t)prot << 1;
}

/*
 * All page-table stores go through here: another hart may walk the table at
 * any time, and a zeroed table or page must be visible before the entry that
 * leads to it.
 */
static inline void pte_store(pte_t *entry, pte_t value)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
    *(volatile pte_t *)entry = value;   /* the compiler makes an atomic store an exchange */
}

#endif
