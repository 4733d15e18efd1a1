/* SPDX-License-Identifier: MIT */
/*
 * Kernel calls of the personality, in line. All registers but the results are
 * preserved by the kernel (atoll/syscall.h).
 */
#ifndef COMPAT_KCALL_H
#define COMPAT_KCALL_H

#include <atoll/errors.h>
#include <atoll/objects.h>
#include <atoll/syscall.h>
#include <libipc/system.h>

static inline error_t kcall_signal(cptr_t notification)
{
    register uint64_t a0 __asm__("a0") = notification;
    register uint64_t a7 __asm__("a7") = SYS_SIGNAL;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "a1", "memory");
    return (error_t)a0;
}

static inline error_t kcall_wait(cptr_t notification, ticks_t deadline)
{
    register uint64_t a0 __asm__("a0") = notification;
    register uint64_t a1 __asm__("a1") = deadline;
    register uint64_t a7 __asm__("a7") = SYS_WAIT;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a7) : "memory");
    return (error_t)a0;
}

static inline error_t kcall_signal_wait(cptr_t signal, cptr_t wait, ticks_t deadline)
{
    register uint64_t a0 __asm__("a0") = signal;
    register uint64_t a1 __asm__("a1") = wait;
    register uint64_t a2 __asm__("a2") = deadline;
    register uint64_t a7 __asm__("a7") = SYS_SIGNAL_WAIT;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a7) : "memory");
    return (error_t)a0;
}

static inline error_t kcall_invoke(cptr_t cap, uint64_t op, uint64_t x, uint64_t y, uint64_t z)
{
    register uint64_t a0 __asm__("a0") = cap;
    register uint64_t a1 __asm__("a1") = op;
    register uint64_t a2 __asm__("a2") = x;
    register uint64_t a3 __asm__("a3") = y;
    register uint64_t a4 __asm__("a4") = z;
    register uint64_t a7 __asm__("a7") = SYS_INVOKE;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a7) : "memory");
    return (error_t)a0;
}

/* Bytes done; 0 when the capability is gone. */
static inline uint64_t kcall_vspace_copy(cptr_t vspace, uaddr_t theirs, void *own, uint64_t bytes, bool into)
{
    register uint64_t a0 __asm__("a0") = vspace;
    register uint64_t a1 __asm__("a1") = theirs;
    register uint64_t a2 __asm__("a2") = (uint64_t)own;
    register uint64_t a3 __asm__("a3") = bytes;
    register uint64_t a4 __asm__("a4") = into;
    register uint64_t a7 __asm__("a7") = SYS_VSPACE_COPY;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a7) : "memory");
    error_t e = (error_t)a0;
    return e && e != ERR_FAULT ? 0 : a1;
}

static inline void kcall_yield(void)
{
    register uint64_t a0 __asm__("a0") = 0;
    register uint64_t a7 __asm__("a7") = SYS_YIELD;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "a1", "memory");
}

static inline error_t vspace_reserve(uaddr_t at, uint64_t bytes, uint64_t prot)
{
    return kcall_invoke(GUEST_CAP_VSPACE, VSPACE_RESERVE, at, bytes, prot);
}
static inline error_t vspace_unmap(uaddr_t at, uint64_t bytes)
{
    return kcall_invoke(GUEST_CAP_VSPACE, VSPACE_UNMAP, at, bytes, 0);
}
static inline error_t vspace_protect(uaddr_t at, uint64_t bytes, uint64_t prot)
{
    return kcall_invoke(GUEST_CAP_VSPACE, VSPACE_PROTECT, at, bytes, prot);
}
static inline error_t vspace_discard(uaddr_t at, uint64_t bytes)
{
    return kcall_invoke(GUEST_CAP_VSPACE, VSPACE_DISCARD, at, bytes, 0);
}
static inline error_t vspace_move(uaddr_t from, uint64_t bytes, uaddr_t to)
{
    return kcall_invoke(GUEST_CAP_VSPACE, VSPACE_MOVE, from, bytes, to);
}
static inline error_t vspace_populate(uaddr_t at, uint64_t bytes, bool write)
{
    return kcall_invoke(GUEST_CAP_VSPACE, VSPACE_POPULATE, at, bytes, write);
}

#endif
