/* SPDX-License-Identifier: MIT */
/*
 * Calls into the machine-mode firmware (RISC-V SBI specification 1.0, 2.0).
 * Hart masks name machine hart numbers, bit n = mhartid n (all below 64).
 */
#ifndef ATOLL_ARCH_SBI_H
#define ATOLL_ARCH_SBI_H

#include "arch/riscv/errata.h"
#include "arch/riscv/layout.h"

struct sbi_result { long error; long value; };

void sbi_init(void);                    /* probe extensions; before any other  */
struct machine_id sbi_machine_id(void); /* of this hart                        */
void sbi_console_write(const char *text, size_t len);
void sbi_set_timer(ticks_t when);
void sbi_send_ipi(uint64_t mhartid_mask);
/* Both wait until the other harts have done it. bytes = SIZE_MAX: everything. */
void sbi_remote_sfence_vma(uint64_t mhartid_mask, uintptr_t start, size_t bytes);
void sbi_remote_fence_i(uint64_t mhartid_mask);
long sbi_hart_start(uint64_t mhartid, paddr_t entry, uint64_t opaque);
_Noreturn void sbi_shutdown(bool failed, bool reboot);

#endif
