/* SPDX-License-Identifier: MIT */
/* Bare system calls for the kernel's own tests; nothing of the system is used. */
#ifndef KERNEL_TEST_SYS_H
#define KERNEL_TEST_SYS_H

#include <atoll/bootinfo.h>
#include <atoll/errors.h>
#include <atoll/frame.h>
#include <atoll/objects.h>
#include <atoll/syscall.h>

struct ret { long a[7]; };

static inline struct ret sys(long nr, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3,
                             uint64_t x4, uint64_t x5, uint64_t x6)
{
    register uint64_t a0 __asm__("a0") = x0;
    register uint64_t a1 __asm__("a1") = x1;
    register uint64_t a2 __asm__("a2") = x2;
    register uint64_t a3 __asm__("a3") = x3;
    register uint64_t a4 __asm__("a4") = x4;
    register uint64_t a5 __asm__("a5") = x5;
    register uint64_t a6 __asm__("a6") = x6;
    register uint64_t a7 __asm__("a7") = (uint64_t)nr;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5),
                     "+r"(a6) : "r"(a7) : "memory");
    return (struct ret){ { (long)a0, (long)a1, (long)a2, (long)a3, (long)a4, (long)a5, (long)a6 } };
}

static inline error_t invoke(cptr_t cap, uint32_t op, uint64_t a2, uint64_t a3, uint64_t a4,
                             uint64_t a5, uint64_t a6)
{
    return (error_t)sys(SYS_INVOKE, cap, op, a2, a3, a4, a5, a6).a[0];
}

static inline error_t sys_signal(cptr_t n) { return (error_t)sys(SYS_SIGNAL, n, 0, 0, 0, 0, 0, 0).a[0]; }

static inline error_t sys_wait(cptr_t n, ticks_t deadline, uint64_t *bits)
{
    struct ret r = sys(SYS_WAIT, n, deadline, 0, 0, 0, 0, 0);
    if (bits)
        *bits = (uint64_t)r.a[1];
    return (error_t)r.a[0];
}

static inline error_t sys_signal_wait(cptr_t s, cptr_t w, ticks_t deadline)
{
    return (error_t)sys(SYS_SIGNAL_WAIT, s, w, deadline, 0, 0, 0, 0).a[0];
}

static inline void sys_yield(void) { sys(SYS_YIELD, 0, 0, 0, 0, 0, 0, 0); }

static inline ticks_t now(void)
{
    ticks_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

static inline uint64_t instret(void)
{
    uint64_t t;
    __asm__ volatile("rdinstret %0" : "=r"(t));
    return t;
}

#endif
