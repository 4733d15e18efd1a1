/* SPDX-License-Identifier: MIT */
/*
 * The three ways into the personality and the two ways back (atoll/frame.h).
 *
 * System call: pc, sp, tp, t0, t1 are in the frame; every other register still
 * holds the guest's value. We store what C may change (ra, t2..t6, a0..a7);
 * s0..s11 are C's to keep, gp is never touched. x[10] keeps the original a0
 * until the call is over, for a restart. Calls that copy the whole register set
 * (clone, fork, execve, rt_sigreturn) come through a full_ stub.
 *
 * Way back: SYS_RESUME with the registers in place, unless the thread has work
 * (signals): then all registers go to the frame and SYS_RESUME_FULL loads them.
 */
#include <compat_offsets.h>

#define X(n) ((n) * 8)

    .macro SAVE_CALLEE
    sd x3, X(3)(tp)
    sd s0, X(8)(tp)
    sd s1, X(9)(tp)
    sd s2, X(18)(tp)
    sd s3, X(19)(tp)
    sd s4, X(20)(tp)
    sd s5, X(21)(tp)
    sd s6, X(22)(tp)
    sd s7, X(23)(tp)
    sd s8, X(24)(tp)
    sd s9, X(25)(tp)
    sd s10, X(26)(tp)
    sd s11, X(27)(tp)
    .endm

    .section .text.entry, "ax"
    .balign 64
    .globl pers_syscall_entry
pers_syscall_entry:
    sd ra, X(1)(tp)
    sd t2, X(7)(tp)
    sd a0, X(10)(tp)
    sd a1, X(11)(tp)
    sd a2, X(12)(tp)
    sd a3, X(13)(tp)
    sd a4, X(14)(tp)
    sd a5, X(15)(tp)
    sd a6, X(16)(tp)
    sd a7, X(17)(tp)
    sd t3, X(28)(tp)
    sd t4, X(29)(tp)
    sd t5, X(30)(tp)
    sd t6, X(31)(tp)
    ld sp, FRAME_STACK_TOP(tp)
    li t0, 512
    bgeu a7, t0, 3f
    lla t1, syscall_table
    slli t0, a7, 3
    add t1, t1, t0
    ld t1, 0(t1)
    jalr t1
1:  lwu t0, THREAD_WORK(tp)
    bnez t0, 2f
    ld ra, X(1)(tp)
    ld t2, X(7)(tp)
    ld a1, X(11)(tp)
    ld a2, X(12)(tp)
    ld a3, X(13)(tp)
    ld a4, X(14)(tp)
    ld a5, X(15)(tp)
    ld a6, X(16)(tp)
    ld t3, X(28)(tp)
    ld t4, X(29)(tp)
    ld t5, X(30)(tp)
    ld t6, X(31)(tp)
    li a7, NUMBER_RESUME
    ecall
    /* not reached: resume has no way to fail */
    ebreak
2:  SAVE_CALLEE
    call syscall_exit_work
    j resume_full
3:  call sys_unimplemented
    j 1b

/* noreturn: everything from the frame. */
    .globl resume_full
resume_full:
    li a7, NUMBER_RESUME_FULL
    ecall
    ebreak

    .balign 16
    .globl pers_upcall_entry
pers_upcall_entry:
    ld sp, FRAME_STACK_TOP(tp)
    call upcall_main
    j resume_full

/*
 * A fault of the personality: all registers are in frame.fault. If the pc lies
 * in a range of the exception table, go on at its fixup with all registers as
 * they were but t0 and t1; else fault_fatal on the same stack (or from its top,
 * when the stack pointer is what broke).
 */
    .balign 16
    .globl pers_fault_entry
pers_fault_entry:
    ld t0, FRAME_FAULT + X(0)(tp)
    lla t1, __exception_table
    lla t2, __exception_table_end
1:  bgeu t1, t2, 3f
    ld a0, 0(t1)
    ld a1, 8(t1)
    bltu t0, a0, 2f
    bgeu t0, a1, 2f
    ld t0, 16(t1)
    ld ra, FRAME_FAULT + X(1)(tp)
    ld sp, FRAME_FAULT + X(2)(tp)
    ld gp, FRAME_FAULT + X(3)(tp)
    ld t2, FRAME_FAULT + X(7)(tp)
    ld s0, FRAME_FAULT + X(8)(tp)
    ld s1, FRAME_FAULT + X(9)(tp)
    ld a0, FRAME_FAULT + X(10)(tp)
    ld a1, FRAME_FAULT + X(11)(tp)
    ld a2, FRAME_FAULT + X(12)(tp)
    ld a3, FRAME_FAULT + X(13)(tp)
    ld a4, FRAME_FAULT + X(14)(tp)
    ld a5, FRAME_FAULT + X(15)(tp)
    ld a6, FRAME_FAULT + X(16)(tp)
    ld a7, FRAME_FAULT + X(17)(tp)
    ld s2, FRAME_FAULT + X(18)(tp)
    ld s3, FRAME_FAULT + X(19)(tp)
    ld s4, FRAME_FAULT + X(20)(tp)
    ld s5, FRAME_FAULT + X(21)(tp)
    ld s6, FRAME_FAULT + X(22)(tp)
    ld s7, FRAME_FAULT + X(23)(tp)
    ld s8, FRAME_FAULT + X(24)(tp)
    ld s9, FRAME_FAULT + X(25)(tp)
    ld s10, FRAME_FAULT + X(26)(tp)
    ld s11, FRAME_FAULT + X(27)(tp)
    ld t3, FRAME_FAULT + X(28)(tp)
    ld t4, FRAME_FAULT + X(29)(tp)
    ld t5, FRAME_FAULT + X(30)(tp)
    ld t6, FRAME_FAULT + X(31)(tp)
    fence rw, rw
    sd zero, FRAME_FAULT_ACTIVE(tp)
    jr t0
2:  addi t1, t1, 24
    j 1b
3:  ld sp, FRAME_STACK_TOP(tp)
    sd zero, FRAME_FAULT_ACTIVE(tp)
    call fault_fatal
    ebreak

    .macro FULL name
    .globl full_\name
full_\name:
    SAVE_CALLEE
    tail sys_\name
    .endm

    FULL clone
    FULL clone3
    FULL execve
    FULL execveat
    FULL rt_sigreturn
