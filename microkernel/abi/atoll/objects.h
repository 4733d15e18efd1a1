/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects, capability addresses, rights and operations (SYS_INVOKE).
 *
 * docs/kernel-reference.md gives for each operation the rights it needs, each
 * error and what is unchanged after it; this header is the authority on
 * numbers and argument order.
 */
#ifndef ATOLL_ABI_OBJECTS_H
#define ATOLL_ABI_OBJECTS_H

#include <atoll/types.h>

/*
 * Capability addresses. A CSpace is a root CNode and the CNodes in its slots:
 * bits 0..19 index the root CNode; bits 20..51 are 0 to name that slot itself,
 * or 1 + the index inside the CNode that the slot holds. Slot 0 of a root
 * CNode is always empty, so CAP_NULL never resolves.
 */
#define CAP_NULL        0ul
#define CAP_IN(cnode_slot, index) \
    ((cptr_t)(cnode_slot) | (((cptr_t)(index) + 1) << 20))

enum cap_type {
    CAP_TYPE_NULL, CAP_TYPE_UNTYPED, CAP_TYPE_CNODE, CAP_TYPE_TCB,
    CAP_TYPE_SCHED_CONTEXT, CAP_TYPE_ENDPOINT, CAP_TYPE_REPLY,
    CAP_TYPE_NOTIFICATION, CAP_TYPE_VSPACE, CAP_TYPE_POOL, CAP_TYPE_SEGMENT,
    CAP_TYPE_IRQ, CAP_TYPE_PLATFORM, CAP_TYPE_COUNT
};

/* Rights. A copy never has more than its source. */
#define RIGHT_READ      0x01u   /* receive, wait, read memory                  */
#define RIGHT_WRITE     0x02u   /* send, signal, write memory                  */
#define RIGHT_GRANT     0x04u   /* send caps over an endpoint; call needs it or
                                 * GRANT_REPLY                                  */
#define RIGHT_EXEC      0x08u   /* Segment: may be mapped executable           */
#define RIGHT_CONTROL   0x10u   /* configure, resize, destroy contents         */
#define RIGHT_COPY      0x20u   /* VSpace: SYS_VSPACE_COPY, SEGMENT_COPY       */
#define RIGHT_MAP       0x40u   /* VSpace: range operations; Pool: use for new
                                 * VSpaces and Segments                        */
#define RIGHT_CLONE     0x80u   /* VSpace: be source or target of a clone      */
#define RIGHTS_ALL      0xffu

/*
 * Sizes: retyped memory is aligned to its size. Bits of each object's size:
 * CNode = 6 + radix; the rest are fixed; kernel asserts that they suffice.
 * A Pool takes any size >= 16 pages; an Untyped any power of two >= 64 bytes.
 */
#define SLOT_BITS           6
#define TCB_BITS            11
#define SCHED_CONTEXT_BITS  8
#define ENDPOINT_BITS       6
#define REPLY_BITS          6
#define NOTIFICATION_BITS   6
#define VSPACE_BITS         10
#define SEGMENT_BITS        8

/* ---- Untyped ----
 * UNTYPED_RETYPE: a2 = type, a3 = size bits (Untyped: log2 bytes; CNode: radix;
 *   Pool: number of PAGES; Segment: 0 for pool-backed, else number of pages of
 *   physical memory, the only form a device untyped allows; others: 0),
 *   a4 = destination cptr (first slot; a slot of the caller's CSpace),
 *   a5 = number of objects in consecutive slots, a6 = extra: Segment: the pool
 *   cap | account << 32; Pool: the physical pages its tables shall span, first
 *   page number | pages << 32, its own among them, or 0 for just those; else 0.
 *   RAM untyped memory is cleared; device untyped memory is left alone.
 *   A retype of an Untyped with no children starts again at its beginning;
 *   it may restart (invisibly) until other harts have left the kernel.
 * UNTYPED_INFO: -> free bytes; */
enum { UNTYPED_RETYPE = 0x100, UNTYPED_INFO };

/* ---- CNode: the capability is the CNode; a2 = index in it ----
 * CNODE_COPY/MINT: a2 = dest index, a3 = source cptr (caller's CSpace),
 *   a4 = rights mask, a5 = badge (MINT; endpoint badge or notification bits)
 * CNODE_MOVE: a2 = dest index, a3 = source cptr
 * CNODE_ROTATE: a2 = index a, a3 = index b, a4 = index c, all in this CNode:
 *   b moves to a, c moves to b (a must be empty or equal c)
 * CNODE_DELETE, CNODE_REVOKE: a2 = index. Preemptible, restart invisibly.
 * CNODE_CANCEL_BADGED: a2 = index of an endpoint cap: queued senders with its
 *   badge leave with ERR_CANCELLED.
 * CNODE_INSPECT: a2 = index -> type | rights << 8 | badge << 16 (or 0);
 *   a3 = 0 or address of struct capability_info (out), which has the whole badge,
 *   a4 = 0 or a cptr of the caller: does it name the same object?            */
enum { CNODE_COPY = 0x200, CNODE_MINT, CNODE_MOVE, CNODE_ROTATE, CNODE_DELETE,
       CNODE_REVOKE, CNODE_CANCEL_BADGED, CNODE_INSPECT };

struct capability_info {
    uint64_t type, rights;      /* an empty slot: all 0                        */
    uint64_t badge;             /* Untyped: 0                                  */
    uint64_t same_object;       /* 1: as a4's                                  */
};

/* ---- TCB ----
 * TCB_CONFIGURE: a2 = CNode cptr (CSpace root), a3 = VSpace cptr,
 *   a4 = SchedContext cptr or 0, a5 = priority | hart << 8
 * TCB_SET_FRAME: a2 = Segment cptr, a3 = page index in it (the page is
 *   populated and pinned while the TCB names it), a4 = user address of that
 *   page in the thread's VSpace; frame.h
 * TCB_SET_PERSONALITY: a2 = base, a3 = syscall entry, a4 = upcall entry,
 *   a5 = fault entry. base 0: a native thread, nothing is reflected.
 * TCB_SET_IPC_BUFFER: a2 = Segment, a3 = page index, a4 = user address
 * TCB_SET_FAULT_EP: a2 = endpoint cptr (copied, with its badge) or 0,
 *   a3 = 1: the end of a limited budget is a fault too (FAULT_BUDGET, frame.h)
 * TCB_WRITE_REGS: a2 = address of struct tcb_regs, a3 = 1 to resume after
 * TCB_READ_REGS:  a2 = address of struct tcb_regs (thread must be stopped)
 * TCB_COPY_FPU: a2 = source TCB cptr (FP state as of its last switch; source
 *   must be blocked or stopped)
 * TCB_SET_PRIORITY: a2; TCB_SET_HART: a2 = hart (migrates)
 * TCB_RESUME, TCB_SUSPEND: suspend returns when the thread is stopped
 * TCB_UPCALL: set the sticky upcall flag, frame.h; never waits
 * TCB_INFO: a2 = address of struct tcb_info
 * TCB_SET_NAME: a2, a3 = 16 bytes, for traces and panics
 * TCB_BIND_NOTIFICATION: a2 = notification cptr or 0: RECV also ends with it */
enum { TCB_CONFIGURE = 0x300, TCB_SET_FRAME, TCB_SET_PERSONALITY,
       TCB_SET_IPC_BUFFER, TCB_SET_FAULT_EP, TCB_WRITE_REGS, TCB_READ_REGS,
       TCB_COPY_FPU, TCB_SET_PRIORITY, TCB_SET_HART, TCB_RESUME, TCB_SUSPEND,
       TCB_UPCALL, TCB_INFO, TCB_SET_NAME, TCB_BIND_NOTIFICATION };

/* x[0] is the pc, x[i] register i. */
struct tcb_regs { uint64_t x[32]; };

struct tcb_info {
    uint64_t state;         /* enum thread_state below                          */
    uint64_t hart;
    ticks_t  user_ticks;    /* time spent in user mode below the personality,
                             * or in a native thread                            */
    ticks_t  system_ticks;  /* time in the kernel or the personality on its
                             * behalf; both advance at switches and traps that
                             * read the clock, see docs/                        */
    uint64_t nr_switches;
    uint64_t nr_faults;
};
enum thread_state { THREAD_STOPPED, THREAD_RUNNABLE, THREAD_BLOCKED_SEND,
    THREAD_BLOCKED_RECV, THREAD_BLOCKED_REPLY, THREAD_BLOCKED_NOTIFICATION,
    THREAD_BLOCKED_FAULT, THREAD_OUT_OF_BUDGET };

/* ---- SchedContext ----
 * SCHED_CONFIGURE: a2 = budget ticks, a3 = period ticks (budget == period:
 *   round robin with that slice), a4 = hart
 * SCHED_INFO: -> consumed ticks */
enum { SCHED_CONFIGURE = 0x400, SCHED_INFO };

/* ---- VSpace (user range [0, USER_TOP)); all ranges page-aligned ----
 * VSPACE_INIT: a2 = Pool cptr (RIGHT_MAP), a3 = account; once, after retype
 * VSPACE_RESERVE: a2 = address, a3 = length, a4 = prot: promise zeroed memory;
 *   the range must be free, or a4 has VM_REPLACE
 * VSPACE_MAP: a2 = address, a3 = length, a4 = prot | flags,
 *   a5 = Segment cptr, a6 = first page in the Segment
 * VSPACE_PROTECT: a2, a3, a4 = prot
 * VSPACE_UNMAP: a2, a3. Free parts are skipped.
 * VSPACE_MOVE: a2 = old, a3 = length, a4 = new (free, no overlap)
 * VSPACE_DISCARD: a2, a3: private memory becomes zero or file content again
 *   (MADV_DONTNEED)
 * VSPACE_CLONE: this cap is the (empty) target; a2 = source VSpace cptr.
 *   Copy-on-write of all but VM_NO_CLONE mappings. Runs on the caller's time,
 *   preemptible.
 * VSPACE_QUERY: a2 = address, a3 = address of struct vspace_query (out)
 * VSPACE_POPULATE: a2, a3, a4 = 1 for write: resolve faults ahead
 * VSPACE_INFO: a2 = address of struct vspace_info (out)
 * All of them: a mapping that meets existing ones fails with ERR_BUSY unless
 * VM_REPLACE is given; then the old content is unmapped in the same step.   */
enum { VSPACE_INIT = 0x500, VSPACE_RESERVE, VSPACE_MAP, VSPACE_PROTECT,
       VSPACE_UNMAP, VSPACE_MOVE, VSPACE_DISCARD, VSPACE_CLONE, VSPACE_QUERY,
       VSPACE_POPULATE, VSPACE_INFO };

#define VM_READ      0x01u
#define VM_WRITE     0x02u
#define VM_EXEC      0x04u
#define VM_PROT_MASK 0x07u
#define VM_SHARED    0x10u   /* MAP: stores reach the Segment                  */
#define VM_REPLACE   0x20u   /* unmap what is there                            */
#define VM_NO_CLONE  0x40u   /* not inherited by VSPACE_CLONE                  */
#define VM_POPULATE  0x80u   /* install present pages now                      */

struct vspace_query {
    uint64_t kind;          /* 0 free, 1 private/zero memory, 2 segment        */
    uint64_t prot;          /* VM_* of this page                               */
    uint64_t segment_id;    /* kind 2: a number unique to the Segment object   */
    uint64_t segment_page;  /* kind 2                                          */
    uint64_t flags;         /* VM_SHARED, and 0x100 when present               */
    uint64_t length;        /* bytes from the address on that are alike        */
};
struct vspace_info {
    uint64_t resident_pages; uint64_t table_pages; uint64_t shared_pages;
    uint64_t mapped_pages;   uint64_t nr_faults;   uint64_t nr_cow;
};

/* ---- Pool ----
 * POOL_SET_LIMIT: a2 = account (0..POOL_ACCOUNTS-1), a3 = pages
 * POOL_INFO: a2 = account or ~0 for the pool, a3 = address of struct pool_info
 * POOL_ADD_MEMORY: a2 = Untyped cptr: RAM, without children, inside the span
 *   that the Pool was made for; all of it becomes the Pool's
 * POOL_SET_RESERVE: a2 = pages; when no more than these are free, only account 0
 *   gets pages: servers cannot be starved by those they serve. At first 0.
 * Account 0 is the system's, unlimited at first, as are all. */
enum { POOL_SET_LIMIT = 0x600, POOL_INFO, POOL_ADD_MEMORY, POOL_SET_RESERVE };
#define POOL_ACCOUNTS 1024
struct pool_info { uint64_t total_pages; uint64_t free_pages; uint64_t used_pages; uint64_t limit_pages;
                   uint64_t reserve_pages; };

/* ---- Segment (pages numbered from 0, grows by itself up to its limit) ----
 * SEGMENT_RESIZE: a2 = new size in pages: pages beyond are freed and unmapped
 *   everywhere; preemptible. A fresh pool-backed Segment has size 0.
 * SEGMENT_ZERO: a2 = byte offset, a3 = length: zero a range (for truncation
 *   inside a page, hole punching frees whole pages)
 * SEGMENT_COPY: a2 = byte offset, a3 = VSpace cptr, a4 = its address,
 *   a5 = length, a6 = 0 Segment to memory, 1 memory to Segment;
 *   -> bytes done. Holes read as zero; writes populate. Never beyond the size.
 * SEGMENT_INFO: a2 = address of struct segment_info
 * SEGMENT_SET_PAGER: a2 = endpoint cptr; absent pages are asked for there
 * SEGMENT_COLLECT_DIRTY: a2 = first page, a3 = count (<= 64) -> bitmap, cleared */
enum { SEGMENT_RESIZE = 0x700, SEGMENT_ZERO, SEGMENT_COPY, SEGMENT_INFO,
       SEGMENT_SET_PAGER, SEGMENT_COLLECT_DIRTY };
struct segment_info {
    uint64_t id; uint64_t size_pages; uint64_t resident_pages;
    uint64_t nr_mappings;   /* mapping records, all VSpaces                    */
    uint64_t paddr;         /* physical Segments: of page 0; else of no meaning */
};

/* ---- IRQ ----
 * IRQ_SET_NOTIFICATION: a2 = notification cptr (its badge is signalled),
 *   a3 = hart that takes it; IRQ_ACK: re-enable after handling */
enum { IRQ_SET_NOTIFICATION = 0x800, IRQ_ACK };

/* ---- Platform ----
 * PLATFORM_IRQ: a2 = source number, a3 = dest cptr: make an IRQ cap
 * PLATFORM_SHUTDOWN: a2 = exit status (0..255), a3 = 1 to reboot instead
 * PLATFORM_COUNTERS: a2 = address of struct kernel_counters, a3 = hart
 * PLATFORM_TRACE: a2 = 1 on, 0 off; trace.h                                 */
enum { PLATFORM_IRQ = 0x900, PLATFORM_SHUTDOWN, PLATFORM_COUNTERS, PLATFORM_TRACE };

/* Events on one hart since boot; written by that hart only. */
struct kernel_counters {
    uint64_t nr_traps;          /* every kernel entry                           */
    uint64_t nr_syscalls, nr_reflections, nr_resumes, nr_faults, nr_irqs;
    uint64_t nr_timer_irqs, nr_ipis_sent, nr_ipis_taken, nr_switches;
    uint64_t nr_idle_sleeps;    /* wfi executed                                 */
    uint64_t nr_lock_waits;     /* a kernel lock was not free at once           */
    ticks_t  idle_ticks;
    uint64_t nr_fence_targets;  /* harts asked to fence translations, each time */
    uint64_t longest_stretch;   /* instructions between two points at which this
                                 * hart takes interrupts; since PLATFORM_TRACE 1 */
    uint64_t spare[1];
};

/* A read-only page written by the kernel (CAP_INIT_HART_PAGE): nobody spins in
 * user mode while runnable on its hart is above one. */
struct hart_page {
    struct hart_load { uint32_t runnable; uint32_t idle; uint64_t pad[7]; } hart[MAX_HARTS];
    uint32_t nr_harts;
    uint32_t timebase_hz;
    uint64_t total_ram_bytes;
};
_Static_assert(sizeof(struct hart_load) == CACHE_LINE, "one line a hart");

#endif
