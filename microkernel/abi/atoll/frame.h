/* SPDX-License-Identifier: MIT */
/*
 * Reflection: how a guest's trap enters the personality and how it goes back.
 *
 * A guest thread has a personality base. While its pc is below the base it is
 * the guest; at or above it is the personality. The kernel writes the frame
 * through its own mapping of the page that TCB_SET_FRAME named.
 *
 * ecall below base ("syscall entry"):
 *   frame.x[0]=pc after the ecall, x[2]=sp, x[4]=tp, x[5]=t0, x[6]=t1 are
 *   stored. On entry tp = user address of the frame, pc = syscall entry; t0,
 *   t1 hold anything; every other register still holds the guest's value
 *   (sp too: the entry loads its own). Interrupts of the thread by upcalls
 *   are off by nature while its pc is at or above base.
 * SYS_RESUME: loads pc, sp, tp, t0, t1 and a7 (x[17]) from the frame, all other
 *   registers stay as they are (so the entry code has put a0 etc. in place),
 *   goes on in the guest. If the upcall flag is set: see below.
 * any other trap below base, which the kernel does not resolve (fault, illegal
 * instruction, breakpoint), and a set upcall flag ("upcall entry"):
 *   all of x[0..31] are stored, cause and value are set, the flag is cleared
 *   if it was the reason, tp = user address of the frame, pc = upcall entry.
 *   Back by SYS_RESUME_FULL, which loads all of x[0..31].
 * a fault at or above base which the kernel does not resolve ("fault entry"):
 *   all registers go to frame.fault, cause and value there; tp is set,
 *   pc = fault entry. The handler looks the pc up in its exception table and
 *   returns by jumping there itself, or restores through SYS_RESUME_FAULT.
 *   A second one before fault.active is cleared by the handler, or no frame,
 *   stops the thread and goes to its fault endpoint.
 * The upcall flag (TCB_UPCALL) is sticky: it is looked at by SYS_RESUME*, on
 *   every kernel exit to a pc below base, and by every wait; a wait ends with
 *   ERR_INTERRUPTED and clears it. So between setting it and the guest's next
 *   instruction the personality always runs.
 */
#ifndef ATOLL_ABI_FRAME_H
#define ATOLL_ABI_FRAME_H

#include <atoll/types.h>

/* frame.cause: scause of RISC-V (privileged spec, table of causes), or: */
#define UPCALL_FLAG      0x100u    /* the sticky flag                           */
#define UPCALL_START     0x101u    /* written by proc: first entry of a thread  */
#define UPCALL_NO_MEMORY 0x102u    /* a touch found no frame in pool or account */
#define UPCALL_SEGMENT   0x103u    /* beyond the end of a Segment (SIGBUS)      */
#define FAULT_BUDGET     0x104u    /* to the fault endpoint: TCB_SET_FAULT_EP   */

struct upcall_regs {
    uint64_t x[32];             /* x[0] = pc                                    */
    uint64_t cause;             /* kernel writes                                */
    uint64_t value;             /* stval, or 0                                  */
};

/* start_arg[0] of a thread that starts with UPCALL_START; docs/architecture.md 2 */
enum { START_LOADER, START_FORK, START_VFORK, START_THREAD };

struct upcall_frame {
    struct upcall_regs guest;   /* offset 0                                     */
    struct upcall_regs fault;   /* offset 272                                   */
    uint64_t fault_active;      /* kernel sets 1, personality sets 0            */
    uint64_t hart;              /* kernel writes: where the thread runs         */
    uint64_t tid;               /* proc writes at creation                      */
    uint64_t stack_top;         /* proc writes at creation: personality's stack */
    uint64_t thread_index;      /* in the VM; proc writes                       */
    uint64_t process_index;     /* process area in the VM; proc writes          */
    uint64_t start_arg[8];      /* proc writes; meaning in docs/personality.md  */
    uint64_t robust_list;       /* personality writes, 0 at first: proc walks the
                                 * list when the thread ends without its doing  */
    /* the rest of the page belongs to the personality */
};
_Static_assert(offsetof(struct upcall_frame, fault) == 272, "known to assembly");
_Static_assert(offsetof(struct upcall_frame, fault_active) == 544, "known to assembly");

#endif
