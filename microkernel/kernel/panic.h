/* SPDX-License-Identifier: MIT */
/* The end of the system by a kernel bug; see assert.h for panic(). */
#ifndef ATOLL_KERNEL_PANIC_H
#define ATOLL_KERNEL_PANIC_H

#include <stdint.h>

/* Registers (regs[0] = pc) at a trap inside the kernel. */
_Noreturn void panic_trap(const uint64_t regs[32], uint64_t cause, uint64_t value);
extern uint32_t panicking;      /* one hart does: the others stop              */
/* Name and offset of a kernel address; "" without a symbol table. */
const char *symbol_name(uint64_t address, uint64_t *offset);

#endif
