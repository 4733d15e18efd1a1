/* SPDX-License-Identifier: MIT */
/*
 * Internal invariants. A failed one is a kernel bug, never a user's doing:
 * panic stops all harts, reports, and ends the machine with a failing status.
 */
#ifndef ATOLL_KERNEL_ASSERT_H
#define ATOLL_KERNEL_ASSERT_H

#include <stdint.h>

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One string, since each argument is code at each use; no % in x. */
#define KASSERT_STRING(line) #line
#define KASSERT_LINE(line)   KASSERT_STRING(line)
#define kassert(x) do { \
        if (__builtin_expect(!(x), 0)) \
            panic("assertion failed: " #x " (" __FILE__ ":" KASSERT_LINE(__LINE__) ")"); \
    } while (0)

/* Registers (regs[0] = pc) at a trap inside the kernel. */
_Noreturn void panic_trap(const uint64_t regs[32], uint64_t cause, uint64_t value);
extern uint32_t panicking;      /* one hart does: the others stop              */

#endif
