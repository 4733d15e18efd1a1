/* SPDX-License-Identifier: MIT */
/* The few kernel calls of the supervisor, with the root CNode at hand. */
#ifndef SUPERVISOR_SYS_H
#define SUPERVISOR_SYS_H

#include <atoll/bootinfo.h>
#include <atoll/errors.h>
#include <atoll/objects.h>
#include <atoll/syscall.h>

static inline error_t sys_invoke(cptr_t cap, uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                 uint64_t *result)
{
    register uint64_t a0 __asm__("a0") = cap;
    register uint64_t a1 __asm__("a1") = op;
    register uint64_t a2 __asm__("a2") = a;
    register uint64_t a3 __asm__("a3") = b;
    register uint64_t a4 __asm__("a4") = c;
    register uint64_t a5 __asm__("a5") = d;
    register uint64_t a6 __asm__("a6") = e;
    register uint64_t a7 __asm__("a7") = SYS_INVOKE;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7) : "memory");
    if (result)
        *result = a1;
    return (error_t)(int64_t)a0;
}

static inline error_t sys_retype(cptr_t untyped, enum cap_type type, uint64_t size, cptr_t slot, uint64_t count,
                                 uint64_t extra)
{
    register uint64_t a0 __asm__("a0") = untyped;
    register uint64_t a1 __asm__("a1") = UNTYPED_RETYPE;
    register uint64_t a2 __asm__("a2") = type;
    register uint64_t a3 __asm__("a3") = size;
    register uint64_t a4 __asm__("a4") = slot;
    register uint64_t a5 __asm__("a5") = count;
    register uint64_t a6 __asm__("a6") = extra;
    register uint64_t a7 __asm__("a7") = SYS_INVOKE;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7) : "memory");
    return (error_t)(int64_t)a0;
}

/* Copy a capability of the root CNode into another CNode. badge 0: unchanged. */
static inline error_t sys_mint(cptr_t cnode, uint64_t index, cptr_t source, uint64_t rights, badge_t badge)
{
    return sys_invoke(cnode, badge ? CNODE_MINT : CNODE_COPY, index, source, rights, badge, 0, NULL);
}

static inline void sys_debug_write(const char *text, size_t bytes)
{
    register uint64_t a0 __asm__("a0") = CAP_INIT_PLATFORM;
    register uint64_t a1 __asm__("a1") = (uint64_t)text;
    register uint64_t a2 __asm__("a2") = bytes;
    register uint64_t a7 __asm__("a7") = SYS_DEBUG_WRITE;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a7) : "memory");
}

/* A message as SYS_RECV delivers it. */
struct message {
    uint64_t info;
    uint64_t word[4];
    badge_t  badge;
};

static inline error_t sys_recv(cptr_t endpoint, cptr_t reply, struct message *out)
{
    register uint64_t a0 __asm__("a0") = endpoint;
    register uint64_t a1 __asm__("a1") = 0;
    register uint64_t a2 __asm__("a2") = 0;
    register uint64_t a3 __asm__("a3") = 0;
    register uint64_t a4 __asm__("a4") = 0;
    register uint64_t a5 __asm__("a5") = 0;
    register uint64_t a6 __asm__("a6") = reply;
    register uint64_t a7 __asm__("a7") = SYS_RECV;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6) : "r"(a7) : "memory");
    *out = (struct message){ .info = a1, .word = { a2, a3, a4, a5 }, .badge = a6 };
    return (error_t)(int64_t)a0;
}

#endif
