/* SPDX-License-Identifier: MIT */
/* The simulated harts' FP registers, machine.c. */
#ifndef ATOLL_ARCH_RISCV_FPU_H
#define ATOLL_ARCH_RISCV_FPU_H

#include <stdint.h>

void fp_save(uint64_t f[33]);
void fp_restore(const uint64_t f[33]);
#define fp_save_inline(at, offset)    fp_save((uint64_t *)((char *)(at) + (offset)))
#define fp_restore_inline(at, offset) fp_restore((const uint64_t *)((const char *)(at) + (offset)))

#endif
