/* SPDX-License-Identifier: MIT */
/*
 * Entry and exit of the kernel, with reflection and resume done on the spot.
 *
 * Register contract. In user mode sscratch holds the current TCB, in the kernel
 * zero, by which a trap out of the kernel is told apart. In the kernel tp is the
 * hart, sp the hart's stack; gp is never used by kernel code. The user's
 * registers are saved in the TCB (x[0] is the pc).
 *
 * Paths, cheapest first:
 *   ecall below the personality base      -> reflected, nothing else touched
 *   SYS_RESUME, no upcall pending         -> back to the guest
 *   SYS_CALL, SYS_REPLY_RECV, SYS_SIGNAL_WAIT -> fastpath/ipc.c, else slow
 *   other calls                           -> syscall_fast or syscall_light with
 *        only the registers that C may clobber saved; if they decline, or a choice
 *        is due, the callee-saved ones (untouched so far) are saved too
 *   page faults                           -> trap_page, the same way
 *   anything else                         -> trap_slow
 * The fast paths change nothing when they decline.
 */
#include "arch/riscv/csr.h"
#include "offsets.h"

#define TCB_X(n)   (TCB_PC + (n) * 8)
#define FRAME_X(n) (FRAME_GUEST + (n) * 8)

#define X_RA TCB_X(1)
#define X_SP TCB_X(2)
#define X_GP TCB_X(3)
#define X_TP TCB_X(4)
#define X_T0 TCB_X(5)
#define X_T1 TCB_X(6)
#define X_T2 TCB_X(7)
#define X_A0 TCB_X(10)

    .section .text.fastpath, "ax"

/* Registers that a C function may change, but t0, t1 and tp; base in \b. */
.macro volatile_regs op, b
    \op     ra, TCB_X(1)(\b)
    \op     t2, TCB_X(7)(\b)
    \op     a1, TCB_X(11)(\b)
    \op     a2, TCB_X(12)(\b)
    \op     a3, TCB_X(13)(\b)
    \op     a4, TCB_X(14)(\b)
    \op     a5, TCB_X(15)(\b)
    \op     a6, TCB_X(16)(\b)
    \op     a7, TCB_X(17)(\b)
    \op     t3, TCB_X(28)(\b)
    \op     t4, TCB_X(29)(\b)
    \op     t5, TCB_X(30)(\b)
    \op     t6, TCB_X(31)(\b)
.endm

.macro saved_regs op, b
    \op     gp, TCB_X(3)(\b)
    \op     s0, TCB_X(8)(\b)
    \op     s1, TCB_X(9)(\b)
    \op     s2, TCB_X(18)(\b)
    \op     s3, TCB_X(19)(\b)
    \op     s4, TCB_X(20)(\b)
    \op     s5, TCB_X(21)(\b)
    \op     s6, TCB_X(22)(\b)
    \op     s7, TCB_X(23)(\b)
    \op     s8, TCB_X(24)(\b)
    \op     s9, TCB_X(25)(\b)
    \op     s10, TCB_X(26)(\b)
    \op     s11, TCB_X(27)(\b)
.endm

/* What a thread keeps over a Call, but pc, tp, t0 and t1; a0 is stored only. */
.macro switch_regs op, b
    saved_regs \op, \b
    \op     ra, TCB_X(1)(\b)
    \op     sp, TCB_X(2)(\b)
    \op     t2, TCB_X(7)(\b)
    \op     a7, TCB_X(17)(\b)
    \op     t3, TCB_X(28)(\b)
    \op     t4, TCB_X(29)(\b)
    \op     t5, TCB_X(30)(\b)
    \op     t6, TCB_X(31)(\b)
.ifc \op, sd
    sd      a0, X_A0(\b)
.endif
.endm

.macro message_regs op, b
    \op     a1, TCB_X(11)(\b)
    \op     a2, TCB_X(12)(\b)
    \op     a3, TCB_X(13)(\b)
    \op     a4, TCB_X(14)(\b)
    \op     a5, TCB_X(15)(\b)
.endm

    .balign 64
    .globl trap_entry
trap_entry:
    csrrw   tp, sscratch, tp
    beqz    tp, from_kernel
    sd      t0, X_T0(tp)
    sd      t1, X_T1(tp)
    csrr    t0, scause
    addi    t0, t0, -8              /* ecall from user mode */
    bnez    t0, other_trap
    csrr    t0, sepc
    ld      t1, TCB_PERS_BASE(tp)
    bgeu    t0, t1, kernel_call

/* Reflect: a guest's system call enters the personality (atoll/frame.h). */
    ld      t1, TCB_FRAME(tp)
    addi    t0, t0, 4
    sd      t0, FRAME_X(0)(t1)
    sd      sp, FRAME_X(2)(t1)
    ld      t0, X_T0(tp)
    sd      t0, FRAME_X(5)(t1)
    ld      t0, X_T1(tp)
    sd      t0, FRAME_X(6)(t1)
    csrrw   t0, sscratch, tp        /* the guest's tp */
    sd      t0, FRAME_X(4)(t1)
    ld      t0, TCB_HART(tp)
    ld      t1, HART_REFLECTIONS(t0)
    addi    t1, t1, 1
    sd      t1, HART_REFLECTIONS(t0)
    ld      t0, TCB_PERS_SYSCALL(tp)
    csrw    sepc, t0
    ld      tp, TCB_FRAME_UADDR(tp)
    sret

kernel_call:
    li      t1, NR_SYS_RESUME
    bne     a7, t1, other_call
    lwu     t0, TCB_UPCALL_FLAG(tp)
    ld      t1, TCB_FRAME(tp)
    bnez    t0, resume_declined
    beqz    t1, resume_declined
    ld      t0, TCB_HART(tp)
    ld      sp, HART_RESUMES(t0)
    addi    sp, sp, 1
    sd      sp, HART_RESUMES(t0)
    ld      t0, FRAME_X(0)(t1)
    csrw    sepc, t0
    csrw    sscratch, tp
    ld      sp, FRAME_X(2)(t1)
    ld      tp, FRAME_X(4)(t1)
    ld      t0, FRAME_X(5)(t1)
    ld      a7, FRAME_X(17)(t1)
    ld      t1, FRAME_X(6)(t1)
    sret

resume_declined:
    csrr    t0, sepc
other_call:                             /* t0 = pc */
    li      t1, NR_SYS_REPLY_RECV
    bleu    a7, t1, ipc_call
    li      t1, NR_SYS_SIGNAL_WAIT
    beq     a7, t1, wait_call
    sd      t0, TCB_PC(tp)
    csrrw   t1, sscratch, zero
    sd      t1, X_TP(tp)
    sd      sp, X_SP(tp)
    sd      a0, X_A0(tp)
    volatile_regs sd, tp
    mv      a0, tp
    ld      tp, TCB_HART(a0)
    ld      sp, HART_STACK_TOP(tp)
    li      t1, NR_SYS_INVOKE
    bgeu    a7, t1, 1f
    call    syscall_fast            /* (tcb) -> enum in kernel/syscall.h */
    beqz    a0, 2f
    j       fast_not_done
1:  call    syscall_light           /* (tcb) -> the same */
    bnez    a0, fast_not_done
2:
    ld      t0, HART_CURRENT(tp)
    ld      t1, TCB_PC(t0)
    csrw    sepc, t1

/* t0 = the thread that goes on, with the callee-saved registers as they are. */
light_exit:
    csrw    sscratch, t0
    volatile_regs ld, t0
    ld      a0, X_A0(t0)
    ld      sp, X_SP(t0)
    ld      tp, X_TP(t0)
    ld      t1, X_T1(t0)
    ld      t0, X_T0(t0)
    sret

fast_not_done:
    mv      t0, a0
    ld      a0, HART_CURRENT(tp)
    li      t1, NR_SYSCALL_DECLINED
    saved_regs sd, a0
    bne     t0, t1, 1f
    call    trap_syscall            /* (tcb) -> tcb to run */
    j       restore_all
1:  mv      a0, tp
    call    sched_exit              /* (hart) -> tcb to run */
    j       restore_all

/* Call and ReplyRecv: the message stays in a1..a5 (fastpath/ipc.c). */
ipc_call:
    switch_regs sd, tp
    sd      a6, TCB_X(16)(tp)
    sd      t0, TCB_PC(tp)
    csrrw   t1, sscratch, zero
    sd      t1, X_TP(tp)
    ld      tp, TCB_HART(tp)
    andi    t1, a1, MSG_SIZE_MASK
    li      t0, MSG_REG_WORDS_MAX
    ld      sp, HART_STACK_TOP(tp)
    bltu    t0, t1, ipc_long        /* more words, or capabilities */
    bnez    a7, 1f
    call    fastpath_call           /* (endpoint) -> tcb to run, or 0: declined */
    bnez    a0, ipc_exit
    j       ipc_declined
1:  call    fastpath_reply_recv     /* (endpoint) -> the same */
    bnez    a0, ipc_exit

ipc_declined:
    ld      a0, HART_CURRENT(tp)
    message_regs sd, a0
    mv      a1, a0
    mv      a0, tp
    call    syscall_ipc             /* (hart, tcb) */
    mv      a0, tp
    call    sched_exit              /* (hart) -> tcb to run */
    j       restore_all

ipc_long:
    ld      a0, HART_CURRENT(tp)
    message_regs sd, a0
    call    trap_syscall
    j       restore_all

/* a0 = thread that waited in a Call or for one; a1..a6 = the end of its call. */
ipc_exit:
    csrw    sscratch, a0
    ld      t0, TCB_PC(a0)
    addi    t0, t0, 4
    csrw    sepc, t0
    sc.d    zero, t0, (a0)          /* only to end a reservation */
    switch_regs ld, a0
    ld      t0, X_T0(a0)
    ld      t1, X_T1(a0)
    ld      tp, X_TP(a0)
    li      a0, 0
    sret

/* The same, when the mailbox must be looked at first. */
    .globl ipc_exit_drain
ipc_exit_drain:
    message_regs sd, a0
    sd      a6, TCB_X(16)(a0)
    j       exit_drain

wait_call:
    switch_regs sd, tp
    message_regs sd, tp
    sd      a6, TCB_X(16)(tp)
    sd      t0, TCB_PC(tp)
    csrrw   t1, sscratch, zero
    sd      t1, X_TP(tp)
    ld      tp, TCB_HART(tp)
    ld      sp, HART_STACK_TOP(tp)
    call    fastpath_signal_wait    /* (notification) -> tcb to run, or 0: declined */
    bnez    a0, wait_exit
    ld      a0, HART_CURRENT(tp)
    call    fastpath_wait_timed     /* (tcb) -> tcb to run, or 0: declined */
    bnez    a0, restore_all
    ld      a0, HART_CURRENT(tp)
    call    trap_syscall
    j       restore_all

/* a0 = thread that waited for bits, which are in a6. */
wait_exit:
    csrw    sscratch, a0
    ld      t0, TCB_PC(a0)
    addi    t0, t0, 4
    csrw    sepc, t0
    sc.d    zero, t0, (a0)          /* only to end a reservation */
    mv      a1, a6
    switch_regs ld, a0
    ld      a2, TCB_X(12)(a0)
    ld      a3, TCB_X(13)(a0)
    ld      a4, TCB_X(14)(a0)
    ld      a5, TCB_X(15)(a0)
    ld      a6, TCB_X(16)(a0)
    ld      t0, X_T0(a0)
    ld      t1, X_T1(a0)
    ld      tp, X_TP(a0)
    li      a0, 0
    sret

    .globl wait_exit_drain
wait_exit_drain:
    sd      a6, TCB_X(11)(a0)
exit_drain:
    ld      t0, TCB_PC(a0)
    addi    t0, t0, 4
    sd      t0, TCB_PC(a0)
    sd      zero, X_A0(a0)
    mv      a0, tp
    call    sched_exit              /* (hart) -> tcb to run */
    j       restore_all

/*
 * Page faults: most are resolved, and the thread goes on where it was, so only the
 * registers that C may clobber are saved at first. Nothing traps in the kernel:
 * sepc, scause and stval stay as they are.
 */
other_trap:                             /* t0 = cause - 8 */
    addi    t0, t0, 8 - CAUSE_FETCH_PAGE
    li      t1, CAUSE_STORE_PAGE - CAUSE_FETCH_PAGE
    bltu    t1, t0, slow_trap
    csrrw   t1, sscratch, zero
    sd      t1, X_TP(tp)
    sd      sp, X_SP(tp)
    sd      a0, X_A0(tp)
    volatile_regs sd, tp
    mv      a0, tp
    csrr    a1, scause
    csrr    a2, stval
    ld      tp, TCB_HART(a0)
    ld      sp, HART_STACK_TOP(tp)
    call    trap_page               /* (tcb, cause, value) -> 0: go on */
    ld      t0, HART_CURRENT(tp)
    beqz    a0, light_exit
    mv      a3, a0
    mv      a0, t0
    csrr    t1, sepc
    sd      t1, TCB_PC(a0)
    saved_regs sd, a0
    csrr    a1, scause
    csrr    a2, stval
    call    trap_page_end           /* (tcb, cause, value, outcome) -> tcb to run */
    j       restore_all

/* The vector while events are traced (kernel/trace.h): nothing is fast. */
    .balign 64
    .globl trap_entry_traced
trap_entry_traced:
    csrrw   tp, sscratch, tp
    beqz    tp, from_kernel
    sd      t0, X_T0(tp)
    sd      t1, X_T1(tp)

/* t0, t1 are saved. */
slow_trap:
    csrrw   t0, sscratch, zero
    sd      t0, X_TP(tp)
    csrr    t0, sepc
    sd      t0, TCB_PC(tp)
    sd      sp, X_SP(tp)
    sd      a0, X_A0(tp)
    volatile_regs sd, tp
    saved_regs sd, tp
    mv      a0, tp
    csrr    a1, scause
    csrr    a2, stval
    ld      tp, TCB_HART(a0)
    ld      sp, HART_STACK_TOP(tp)
    call    trap_slow               /* (tcb, cause, value) -> tcb to run */

/* a0 = the thread to run. */
    .globl restore_all
restore_all:
    csrw    sscratch, a0
    ld      t0, TCB_PC(a0)
    csrw    sepc, t0
    saved_regs ld, a0
    volatile_regs ld, a0
    ld      sp, X_SP(a0)
    ld      tp, X_TP(a0)
    ld      t0, X_T0(a0)
    ld      t1, X_T1(a0)
    ld      a0, X_A0(a0)
    sret

/*
 * A trap taken inside the kernel: always a kernel bug. Keeps all registers on
 * the stack below the one that was in use and reports; sscratch stays 0.
 */
from_kernel:
    csrrw   tp, sscratch, zero
    addi    sp, sp, -256
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, (\n * 8)(sp)
    .endr
    addi    t0, sp, 256
    sd      t0, 16(sp)
    csrr    t0, sepc
    sd      t0, 0(sp)
    mv      a0, sp
    csrr    a1, scause
    csrr    a2, stval
    call    panic_trap
    unimp
