/* SPDX-License-Identifier: MIT */
/* What fastpath/ipc.c says of registers by name. The fuzzer (docs/fuzzing.md) has its
 * own version, in which the machine holds them. */
#ifndef ATOLL_FASTPATH_IPC_REGS_H
#define ATOLL_FASTPATH_IPC_REGS_H

#include "kernel/hart.h"

register struct hart *hart_in_tp __asm__("tp");

#define set_a6(value) __asm__ volatile("mv a6, %0" :: "r"((uint64_t)(value)))

/* End the function: go to this label of trap.S with a0 = the thread. */
#define EXIT_BY(label, to) do { \
        __asm__ volatile("mv a0, %0\n\tj " #label :: "r"(to) : "memory"); \
        __builtin_unreachable(); \
    } while (0)

#endif
