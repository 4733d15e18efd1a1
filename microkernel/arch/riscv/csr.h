/* SPDX-License-Identifier: MIT */
/*
 * Control and status registers (RISC-V privileged specification 1.12) and the
 * few instructions that have no C.
 */
#ifndef ATOLL_ARCH_CSR_H
#define ATOLL_ARCH_CSR_H

#define SSTATUS_FS_MASK   (3 << 13)
#define SSTATUS_FS_CLEAN  (2 << 13)
#define SSTATUS_FS_DIRTY  (3 << 13)

#define SIP_SSIP          (1 << 1)
#define SIP_STIP          (1 << 5)
#define SIP_SEIP          (1 << 9)

#define CAUSE_INTERRUPT   (1ul << 63)
#define IRQ_EXTERNAL      9

#define CAUSE_ILLEGAL          2
#define CAUSE_ECALL_U          8
#define CAUSE_FETCH_PAGE      12
#define CAUSE_LOAD_PAGE       13
#define CAUSE_STORE_PAGE      15

#ifndef __ASSEMBLER__
#include <stdint.h>

#define csr_read(name) ({ uint64_t v_; \
    __asm__ volatile("csrr %0, " name : "=r"(v_) :: "memory"); v_; })
#define csr_write(name, v) \
    __asm__ volatile("csrw " name ", %0" :: "rK"((uint64_t)(v)) : "memory")
#define csr_set(name, v) \
    __asm__ volatile("csrs " name ", %0" :: "rK"((uint64_t)(v)) : "memory")
#define csr_clear(name, v) \
    __asm__ volatile("csrc " name ", %0" :: "rK"((uint64_t)(v)) : "memory")

/* stimecmp (Sstc) by number: the assembler need not know the extension. */
#define csr_write_stimecmp(v) \
    __asm__ volatile("csrw 0x14d, %0" :: "r"((uint64_t)(v)) : "memory")

static inline uint64_t read_time(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

/* The kernel's tp: the struct of this hart (kernel/hart.h). Constant while one entry
 * lasts, so it may be read once. */
static inline void *hart_pointer(void)
{
    void *p;
    __asm__("mv %0, tp" : "=r"(p));
    return p;
}

/* A load reservation of the thread that ran before must not serve the next one. */
static inline void clear_reservation(void)
{
    uint64_t scratch;
    __asm__ volatile("sc.d zero, zero, (%0)" :: "r"(&scratch) : "memory");
}

/* Other tables, and no translation of the old ones (no ASIDs are used). */
static inline void satp_write(uint64_t satp)
{
    __asm__ volatile("csrw satp, %0\n\tsfence.vma" :: "r"(satp) : "memory");
}

static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void fence_full(void) { __asm__ volatile("fence rw, rw" ::: "memory"); }
/* Also orders accesses to devices. */
static inline void fence_io(void) { __asm__ volatile("fence iorw, iorw" ::: "memory"); }
static inline void fence_instructions(void) { __asm__ volatile("fence.i" ::: "memory"); }
static inline void cpu_relax(void) { __asm__ volatile(".word 0x0100000f" ::: "memory"); /* pause */ }
#endif
#endif
