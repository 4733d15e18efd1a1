/* SPDX-License-Identifier: MIT */
/*
 * The kernel's calls as C functions: SYS_* and comfortable forms of the
 * invocations (atoll/objects.h has their meaning, docs/kernel-reference.md
 * their errors). Every function returns 0 or a negative error; results go
 * through the last pointers, which may be NULL.
 *
 * On a host (tests, fuzzing) there is no kernel: host_syscall is a function of
 * the test's fake kernel.
 */
#ifndef LIBIPC_SYSCALL_H
#define LIBIPC_SYSCALL_H

#include <atoll/errors.h>
#include <atoll/objects.h>
#include <atoll/syscall.h>

#if defined(__riscv)

/* The time CSR: ticks since boot. */
static inline ticks_t sys_clock(void)
{
    ticks_t now;
    __asm__ volatile(".option push\n.option arch, +zicsr\nrdtime %0\n.option pop" : "=r"(now));
    return now;
}
#define SYS_REGS(nr, x0, x1, x2, x3, x4, x5, x6)                                                        \
    register uint64_t a0_ __asm__("a0") = (x0);                                                         \
    register uint64_t a1_ __asm__("a1") = (x1);                                                         \
    register uint64_t a2_ __asm__("a2") = (x2);                                                         \
    register uint64_t a3_ __asm__("a3") = (x3);                                                         \
    register uint64_t a4_ __asm__("a4") = (x4);                                                         \
    register uint64_t a5_ __asm__("a5") = (x5);                                                         \
    register uint64_t a6_ __asm__("a6") = (x6);                                                         \
    register uint64_t a7_ __asm__("a7") = (nr);                                                         \
    __asm__ volatile("ecall"                                                                            \
                     : "+r"(a0_), "+r"(a1_), "+r"(a2_), "+r"(a3_), "+r"(a4_), "+r"(a5_), "+r"(a6_)      \
                     : "r"(a7_)                                                                         \
                     : "memory")

/* One result word (a1). */
static inline error_t sys_enter(uint64_t nr, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
                                uint64_t x5, uint64_t x6, uint64_t *result)
{
    SYS_REGS(nr, x0, x1, x2, x3, x4, x5, x6);
    if (result != NULL)
        *result = a1_;
    return (error_t)a0_;
}

/* Two arguments, one result; keeps the other argument registers. */
static inline error_t sys_enter2(uint64_t nr, uint64_t x0, uint64_t x1, uint64_t *result)
{
    register uint64_t a0_ __asm__("a0") = x0;
    register uint64_t a1_ __asm__("a1") = x1;
    register uint64_t a7_ __asm__("a7") = nr;
    __asm__ volatile("ecall" : "+r"(a0_), "+r"(a1_) : "r"(a7_) : "memory");
    if (result != NULL)
        *result = a1_;
    return (error_t)a0_;
}

static inline error_t sys_enter3(uint64_t nr, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t *result)
{
    register uint64_t a0_ __asm__("a0") = x0;
    register uint64_t a1_ __asm__("a1") = x1;
    register uint64_t a2_ __asm__("a2") = x2;
    register uint64_t a7_ __asm__("a7") = nr;
    __asm__ volatile("ecall" : "+r"(a0_), "+r"(a1_) : "r"(a2_), "r"(a7_) : "memory");
    if (result != NULL)
        *result = a1_;
    return (error_t)a0_;
}
#else
/* arg[0..6] as a0..a6; results go back to arg[]. Returns the error. */
error_t host_syscall(uint64_t nr, uint64_t arg[7]);

/* The fake kernel's clock. */
static inline ticks_t sys_clock(void)
{
    uint64_t arg[7] = { 0 };
    host_syscall(SYS_COUNT, arg);
    return arg[1];
}

static inline error_t sys_enter(uint64_t nr, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
                                uint64_t x5, uint64_t x6, uint64_t *result)
{
    uint64_t arg[7] = { x0, x1, x2, x3, x4, x5, x6 };
    error_t error = host_syscall(nr, arg);
    if (result != NULL)
        *result = arg[1];
    return error;
}
static inline error_t sys_enter2(uint64_t nr, uint64_t x0, uint64_t x1, uint64_t *result)
{
    return sys_enter(nr, x0, x1, 0, 0, 0, 0, 0, result);
}
static inline error_t sys_enter3(uint64_t nr, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t *result)
{
    return sys_enter(nr, x0, x1, x2, 0, 0, 0, 0, result);
}
#endif

/* ---- notifications ---- */
static inline error_t sys_signal(cptr_t notification)
{
    return sys_enter2(SYS_SIGNAL, notification, 0, NULL);
}
static inline error_t sys_wait(cptr_t notification, ticks_t deadline, uint64_t *bits)
{
    return sys_enter2(SYS_WAIT, notification, deadline, bits);
}
static inline error_t sys_signal_wait(cptr_t to_signal, cptr_t to_wait, ticks_t deadline, uint64_t *bits)
{
    return sys_enter3(SYS_SIGNAL_WAIT, to_signal, to_wait, deadline, bits);
}

/* ---- endpoint IPC, message in registers ---- */
struct sys_message {
    uint64_t info;          /* MSG_INFO                                         */
    uint64_t word[MSG_REG_WORDS];
    badge_t  badge;         /* out                                              */
};
static inline error_t sys_ipc(uint64_t nr, cptr_t cap, struct sys_message *m, cptr_t reply)
{
#if defined(__riscv)
    SYS_REGS(nr, cap, m->info, m->word[0], m->word[1], m->word[2], m->word[3], reply);
    m->info = a1_;
    m->word[0] = a2_;
    m->word[1] = a3_;
    m->word[2] = a4_;
    m->word[3] = a5_;
    m->badge = a6_;
    return (error_t)a0_;
#else
    uint64_t arg[7] = { cap, m->info, m->word[0], m->word[1], m->word[2], m->word[3], reply };
    error_t error = host_syscall(nr, arg);
    *m = (struct sys_message){ arg[1], { arg[2], arg[3], arg[4], arg[5] }, arg[6] };
    return error;
#endif
}
static inline error_t sys_call(cptr_t endpoint, struct sys_message *m)
{
    return sys_ipc(SYS_CALL, endpoint, m, 0);
}
static inline error_t sys_send(cptr_t endpoint, struct sys_message *m)
{
    return sys_ipc(SYS_SEND, endpoint, m, 0);
}
static inline error_t sys_nb_send(cptr_t endpoint, struct sys_message *m)
{
    return sys_ipc(SYS_NB_SEND, endpoint, m, 0);
}
static inline error_t sys_recv(cptr_t endpoint, struct sys_message *m, cptr_t reply)
{
    return sys_ipc(SYS_RECV, endpoint, m, reply);
}
static inline error_t sys_nb_recv(cptr_t endpoint, struct sys_message *m, cptr_t reply)
{
    return sys_ipc(SYS_NB_RECV, endpoint, m, reply);
}
static inline error_t sys_reply_recv(cptr_t endpoint, struct sys_message *m, cptr_t reply)
{
    return sys_ipc(SYS_REPLY_RECV, endpoint, m, reply);
}
static inline error_t sys_reply(cptr_t reply, struct sys_message *m)
{
    return sys_ipc(SYS_REPLY, reply, m, 0);
}

/* ---- the rest ---- */
static inline error_t sys_invoke(cptr_t cap, uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                 uint64_t *result)
{
    return sys_enter(SYS_INVOKE, cap, op, a, b, c, d, e, result);
}
static inline error_t sys_batch(struct invocation *list, uint64_t count, uint64_t *done)
{
    return sys_enter2(SYS_BATCH, (uint64_t)(uintptr_t)list, count, done);
}
static inline void sys_yield(void)
{
    sys_enter2(SYS_YIELD, 0, 0, NULL);
}
/* Copy between own memory and another VSpace; done may be short (ERR_FAULT). */
static inline error_t sys_vspace_copy(cptr_t vspace, uaddr_t theirs, void *own, uint64_t bytes, bool into,
                                      uint64_t *done)
{
    return sys_enter(SYS_VSPACE_COPY, vspace, theirs, (uint64_t)(uintptr_t)own, bytes, into, 0, 0, done);
}
static inline error_t sys_debug_write(cptr_t platform, const char *text, size_t bytes)
{
    return sys_enter3(SYS_DEBUG_WRITE, platform, (uint64_t)(uintptr_t)text, bytes, NULL);
}
static inline bool sys_upcall_clear(void)
{
    uint64_t was = 0;
    sys_enter2(SYS_UPCALL_CLEAR, 0, 0, &was);
    return was != 0;
}

/* ---- Untyped ---- */
static inline error_t untyped_retype(cptr_t untyped, enum cap_type type, uint64_t size, cptr_t dest, uint64_t count,
                                     uint64_t extra)
{
    return sys_invoke(untyped, UNTYPED_RETYPE, type, size, dest, count, extra, NULL);
}
static inline error_t untyped_info(cptr_t untyped, uint64_t *free_bytes)
{
    return sys_invoke(untyped, UNTYPED_INFO, 0, 0, 0, 0, 0, free_bytes);
}

/* ---- CNode ---- */
static inline error_t cnode_copy(cptr_t cnode, uint64_t index, cptr_t source, uint64_t rights)
{
    return sys_invoke(cnode, CNODE_COPY, index, source, rights, 0, 0, NULL);
}
static inline error_t cnode_mint(cptr_t cnode, uint64_t index, cptr_t source, uint64_t rights, badge_t badge)
{
    return sys_invoke(cnode, CNODE_MINT, index, source, rights, badge, 0, NULL);
}
static inline error_t cnode_move(cptr_t cnode, uint64_t index, cptr_t source)
{
    return sys_invoke(cnode, CNODE_MOVE, index, source, 0, 0, 0, NULL);
}
static inline error_t cnode_rotate(cptr_t cnode, uint64_t a, uint64_t b, uint64_t c)
{
    return sys_invoke(cnode, CNODE_ROTATE, a, b, c, 0, 0, NULL);
}
static inline error_t cnode_delete(cptr_t cnode, uint64_t index)
{
    return sys_invoke(cnode, CNODE_DELETE, index, 0, 0, 0, 0, NULL);
}
static inline error_t cnode_revoke(cptr_t cnode, uint64_t index)
{
    return sys_invoke(cnode, CNODE_REVOKE, index, 0, 0, 0, 0, NULL);
}
static inline error_t cnode_cancel_badged(cptr_t cnode, uint64_t index)
{
    return sys_invoke(cnode, CNODE_CANCEL_BADGED, index, 0, 0, 0, 0, NULL);
}
static inline error_t cnode_inspect(cptr_t cnode, uint64_t index, uint64_t *what)
{
    return sys_invoke(cnode, CNODE_INSPECT, index, 0, 0, 0, 0, what);
}
/* `like`: CAP_NULL, or a capability that may name the same object (out->same_object). */
static inline error_t cnode_capability(cptr_t cnode, uint64_t index, cptr_t like, struct capability_info *out)
{
    return sys_invoke(cnode, CNODE_INSPECT, index, (uint64_t)out, like, 0, 0, NULL);
}

/* ---- TCB ---- */
static inline error_t tcb_configure(cptr_t tcb, cptr_t cnode, cptr_t vspace, cptr_t sched, unsigned priority,
                                    hartid_t hart)
{
    return sys_invoke(tcb, TCB_CONFIGURE, cnode, vspace, sched, priority | (uint64_t)hart << 8, 0, NULL);
}
static inline error_t tcb_set_frame(cptr_t tcb, cptr_t segment, uint64_t page, uaddr_t address)
{
    return sys_invoke(tcb, TCB_SET_FRAME, segment, page, address, 0, 0, NULL);
}
static inline error_t tcb_set_personality(cptr_t tcb, uaddr_t base, uaddr_t syscall_entry, uaddr_t upcall_entry,
                                          uaddr_t fault_entry)
{
    return sys_invoke(tcb, TCB_SET_PERSONALITY, base, syscall_entry, upcall_entry, fault_entry, 0, NULL);
}
static inline error_t tcb_set_ipc_buffer(cptr_t tcb, cptr_t segment, uint64_t page, uaddr_t address)
{
    return sys_invoke(tcb, TCB_SET_IPC_BUFFER, segment, page, address, 0, 0, NULL);
}
static inline error_t tcb_set_fault_ep(cptr_t tcb, cptr_t endpoint)
{
    return sys_invoke(tcb, TCB_SET_FAULT_EP, endpoint, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_write_regs(cptr_t tcb, const struct tcb_regs *regs, bool resume)
{
    return sys_invoke(tcb, TCB_WRITE_REGS, (uint64_t)(uintptr_t)regs, resume, 0, 0, 0, NULL);
}
static inline error_t tcb_read_regs(cptr_t tcb, struct tcb_regs *regs)
{
    return sys_invoke(tcb, TCB_READ_REGS, (uint64_t)(uintptr_t)regs, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_copy_fpu(cptr_t tcb, cptr_t source)
{
    return sys_invoke(tcb, TCB_COPY_FPU, source, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_set_priority(cptr_t tcb, unsigned priority)
{
    return sys_invoke(tcb, TCB_SET_PRIORITY, priority, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_set_hart(cptr_t tcb, hartid_t hart)
{
    return sys_invoke(tcb, TCB_SET_HART, hart, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_resume(cptr_t tcb)
{
    return sys_invoke(tcb, TCB_RESUME, 0, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_suspend(cptr_t tcb)
{
    return sys_invoke(tcb, TCB_SUSPEND, 0, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_upcall(cptr_t tcb)
{
    return sys_invoke(tcb, TCB_UPCALL, 0, 0, 0, 0, 0, NULL);
}
static inline error_t tcb_info(cptr_t tcb, struct tcb_info *info)
{
    return sys_invoke(tcb, TCB_INFO, (uint64_t)(uintptr_t)info, 0, 0, 0, 0, NULL);
}
/* At most 16 bytes of the name count. */
static inline error_t tcb_set_name(cptr_t tcb, const char *name)
{
    union { char text[16]; uint64_t word[2]; } u = { { 0 } };
    for (unsigned i = 0; i < sizeof u.text && name[i] != 0; i++)
        u.text[i] = name[i];
    return sys_invoke(tcb, TCB_SET_NAME, u.word[0], u.word[1], 0, 0, 0, NULL);
}
static inline error_t tcb_bind_notification(cptr_t tcb, cptr_t notification)
{
    return sys_invoke(tcb, TCB_BIND_NOTIFICATION, notification, 0, 0, 0, 0, NULL);
}

/* ---- SchedContext ---- */
static inline error_t sched_configure(cptr_t sched, ticks_t budget, ticks_t period, hartid_t hart)
{
    return sys_invoke(sched, SCHED_CONFIGURE, budget, period, hart, 0, 0, NULL);
}
static inline error_t sched_info(cptr_t sched, ticks_t *consumed)
{
    return sys_invoke(sched, SCHED_INFO, 0, 0, 0, 0, 0, consumed);
}

/* ---- VSpace ---- */
static inline error_t vspace_init(cptr_t vspace, cptr_t pool, uint64_t account)
{
    return sys_invoke(vspace, VSPACE_INIT, pool, account, 0, 0, 0, NULL);
}
static inline error_t vspace_reserve(cptr_t vspace, uaddr_t address, uint64_t bytes, uint64_t prot)
{
    return sys_invoke(vspace, VSPACE_RESERVE, address, bytes, prot, 0, 0, NULL);
}
static inline error_t vspace_map(cptr_t vspace, uaddr_t address, uint64_t bytes, uint64_t prot, cptr_t segment,
                                 uint64_t first_page)
{
    return sys_invoke(vspace, VSPACE_MAP, address, bytes, prot, segment, first_page, NULL);
}
static inline error_t vspace_protect(cptr_t vspace, uaddr_t address, uint64_t bytes, uint64_t prot)
{
    return sys_invoke(vspace, VSPACE_PROTECT, address, bytes, prot, 0, 0, NULL);
}
static inline error_t vspace_unmap(cptr_t vspace, uaddr_t address, uint64_t bytes)
{
    return sys_invoke(vspace, VSPACE_UNMAP, address, bytes, 0, 0, 0, NULL);
}
static inline error_t vspace_move(cptr_t vspace, uaddr_t from, uint64_t bytes, uaddr_t to)
{
    return sys_invoke(vspace, VSPACE_MOVE, from, bytes, to, 0, 0, NULL);
}
static inline error_t vspace_discard(cptr_t vspace, uaddr_t address, uint64_t bytes)
{
    return sys_invoke(vspace, VSPACE_DISCARD, address, bytes, 0, 0, 0, NULL);
}
static inline error_t vspace_clone(cptr_t target, cptr_t source)
{
    return sys_invoke(target, VSPACE_CLONE, source, 0, 0, 0, 0, NULL);
}
static inline error_t vspace_query(cptr_t vspace, uaddr_t address, struct vspace_query *query)
{
    return sys_invoke(vspace, VSPACE_QUERY, address, (uint64_t)(uintptr_t)query, 0, 0, 0, NULL);
}
static inline error_t vspace_populate(cptr_t vspace, uaddr_t address, uint64_t bytes, bool write)
{
    return sys_invoke(vspace, VSPACE_POPULATE, address, bytes, write, 0, 0, NULL);
}
static inline error_t vspace_info(cptr_t vspace, struct vspace_info *info)
{
    return sys_invoke(vspace, VSPACE_INFO, (uint64_t)(uintptr_t)info, 0, 0, 0, 0, NULL);
}

/* ---- Pool ---- */
static inline error_t pool_set_limit(cptr_t pool, uint64_t account, uint64_t pages)
{
    return sys_invoke(pool, POOL_SET_LIMIT, account, pages, 0, 0, 0, NULL);
}
static inline error_t pool_info(cptr_t pool, uint64_t account, struct pool_info *info)
{
    return sys_invoke(pool, POOL_INFO, account, (uint64_t)(uintptr_t)info, 0, 0, 0, NULL);
}

/* ---- Segment ---- */
static inline error_t segment_resize(cptr_t segment, uint64_t pages)
{
    return sys_invoke(segment, SEGMENT_RESIZE, pages, 0, 0, 0, 0, NULL);
}
static inline error_t segment_zero(cptr_t segment, uint64_t offset, uint64_t bytes)
{
    return sys_invoke(segment, SEGMENT_ZERO, offset, bytes, 0, 0, 0, NULL);
}
/* Bytes done may be fewer than asked for. */
static inline error_t segment_read(cptr_t segment, uint64_t offset, cptr_t vspace, uaddr_t to, uint64_t bytes,
                                   uint64_t *done)
{
    return sys_invoke(segment, SEGMENT_COPY, offset, vspace, to, bytes, 0, done);
}
static inline error_t segment_write(cptr_t segment, uint64_t offset, cptr_t vspace, uaddr_t from, uint64_t bytes,
                                    uint64_t *done)
{
    return sys_invoke(segment, SEGMENT_COPY, offset, vspace, from, bytes, 1, done);
}
static inline error_t segment_info(cptr_t segment, struct segment_info *info)
{
    return sys_invoke(segment, SEGMENT_INFO, (uint64_t)(uintptr_t)info, 0, 0, 0, 0, NULL);
}
static inline error_t segment_set_pager(cptr_t segment, cptr_t endpoint)
{
    return sys_invoke(segment, SEGMENT_SET_PAGER, endpoint, 0, 0, 0, 0, NULL);
}
static inline error_t segment_collect_dirty(cptr_t segment, uint64_t first, uint64_t count, uint64_t *bits)
{
    return sys_invoke(segment, SEGMENT_COLLECT_DIRTY, first, count, 0, 0, 0, bits);
}

/* ---- IRQ, Platform ---- */
static inline error_t irq_set_notification(cptr_t irq, cptr_t notification, hartid_t hart)
{
    return sys_invoke(irq, IRQ_SET_NOTIFICATION, notification, hart, 0, 0, 0, NULL);
}
static inline error_t irq_ack(cptr_t irq)
{
    return sys_invoke(irq, IRQ_ACK, 0, 0, 0, 0, 0, NULL);
}
static inline error_t platform_irq(cptr_t platform, uint64_t source, cptr_t dest)
{
    return sys_invoke(platform, PLATFORM_IRQ, source, dest, 0, 0, 0, NULL);
}
static inline error_t platform_shutdown(cptr_t platform, uint64_t status, bool reboot)
{
    return sys_invoke(platform, PLATFORM_SHUTDOWN, status, reboot, 0, 0, 0, NULL);
}
static inline error_t platform_counters(cptr_t platform, struct kernel_counters *counters, hartid_t hart)
{
    return sys_invoke(platform, PLATFORM_COUNTERS, (uint64_t)(uintptr_t)counters, hart, 0, 0, 0, NULL);
}
/* A line of trace; dropped while tracing is off. */
static inline error_t sys_trace(cptr_t platform, const char *text, size_t bytes)
{
    return sys_enter3(SYS_TRACE, platform, (uint64_t)(uintptr_t)text, bytes, NULL);
}
static inline error_t platform_trace(cptr_t platform, bool on)
{
    return sys_invoke(platform, PLATFORM_TRACE, on, 0, 0, 0, 0, NULL);
}

#endif
