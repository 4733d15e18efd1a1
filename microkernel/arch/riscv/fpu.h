/* SPDX-License-Identifier: MIT */
/*
 * Floating-point registers to and from memory: f[0..31], and fcsr in f[32].
 * sstatus.FS must not be Off. The kernel itself is compiled without F and D.
 */
#ifndef ATOLL_ARCH_RISCV_FPU_H
#define ATOLL_ARCH_RISCV_FPU_H

#include <stdint.h>

#define FP_EACH_REGISTER \
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"

/* f is `offset` bytes into what `at` points to, a constant. */
static inline __attribute__((always_inline)) void fp_save_inline(void *at, const unsigned offset)
{
    uint64_t fcsr;
    __asm__ volatile(".option push\n.option arch, +d\n"
                     FP_EACH_REGISTER "fsd f\\n, (%2 + \\n * 8)(%1)\n.endr\n"
                     "frcsr %0\nsd %0, %2 + 256(%1)\nfence w, w\n.option pop"  /* before current changes: TCB_COPY_FPU */
                     : "=&r"(fcsr) : "r"(at), "i"(offset) : "memory");
}

static inline __attribute__((always_inline)) void fp_restore_inline(const void *at, const unsigned offset)
{
    uint64_t fcsr;
    __asm__ volatile(".option push\n.option arch, +d\n"
                     FP_EACH_REGISTER "fld f\\n, (%2 + \\n * 8)(%1)\n.endr\n"
                     "ld %0, %2 + 256(%1)\nfscsr %0\n.option pop"
                     : "=&r"(fcsr) : "r"(at), "i"(offset) : "memory");
}

/* The same by fpu.S, in 4 instructions more and 500 bytes less. */
static inline void fp_save(uint64_t f[33])
{
    register uint64_t *t1 __asm__("t1") = f;
    __asm__ volatile("jal t0, fp_save_routine" :: "r"(t1) : "t0", "t2", "memory");
}

static inline void fp_restore(const uint64_t f[33])
{
    register const uint64_t *t1 __asm__("t1") = f;
    __asm__ volatile("jal t0, fp_restore_routine" :: "r"(t1) : "t0", "t2", "memory");
}

#endif
