/* SPDX-License-Identifier: MIT */
    .section .text.start, "ax"
    .globl _start
_start:
    call    root_main
    unimp

/* Threads start here: s0 = function, a0 = argument. */
    .text
    .globl thread_start
thread_start:
    jalr    s0
    ebreak

/* The guests and their personalities come first in the image, so that all C code
 * lies above the bases. */
    .section .text.start.guests, "ax"

/* A fake guest (below fake_base) and its personality (at or above). The guest
 * calls number 1 (add one to a0, count), or 2 (finish); what comes back in a0. */
    .balign 4096
    .globl fake_guest
fake_guest:
    li      s2, 0x1234
    li      s3, 0           /* errors seen */
    mv      s1, a0          /* rounds */
1:  li      a7, 1
    li      a0, 41
    li      t0, 0x11
    li      t1, 0x22
    li      t2, 0x33
    mv      s4, tp
    mv      s5, sp
    ecall
    addi    a0, a0, -42
    snez    a0, a0
    or      s3, s3, a0
    addi    t0, t0, -0x11
    snez    t0, t0
    or      s3, s3, t0
    addi    t1, t1, -0x22
    snez    t1, t1
    or      s3, s3, t1
    addi    t2, t2, -0x33
    snez    t2, t2
    or      s3, s3, t2
    addi    a7, a7, -1
    snez    a7, a7
    or      s3, s3, a7
    bne     s4, tp, 9f
    bne     s5, sp, 9f
    addi    s1, s1, -1
    bnez    s1, 1b
    li      t0, 0
    lw      t0, 0(zero)     /* a fault: the upcall entry skips it */
    .globl fake_after_fault
fake_after_fault:
    mv      a0, s3
    li      a7, 2
    ecall
9:  li      a0, 99
    li      a7, 2
    ecall
    .globl fake_spin
fake_spin:                  /* until an upcall moves us on */
    j       fake_spin

    .balign 4096
    .globl fake_base
fake_base:
    .globl fake_syscall
fake_syscall:               /* tp = frame; a7 = number */
    li      t0, 1
    bne     a7, t0, 2f
    addi    a0, a0, 1
    li      a7, 15          /* SYS_RESUME: takes a7 back from the frame */
    sd      t0, 136(tp)
    ecall
2:  la      sp, fake_stack_top
    call    fake_finished
    unimp
    .globl fake_upcall
fake_upcall:                /* all registers are in the frame */
    la      sp, fake_stack_top
    mv      a0, tp
    call    fake_upcalled
    li      a7, 16          /* SYS_RESUME_FULL */
    ecall
    unimp
    .globl fake_fault
fake_fault:
    ebreak

    .bss
    .balign 16
    .skip   8192
    .globl fake_stack_top
fake_stack_top:

/*
 * uint64_t pattern_call(const uint64_t a[8], uint64_t out[8], uint64_t seed):
 * the system call a[7] with a[0..6], while all other registers hold a pattern;
 * out = a0..a7 after it. Returns the registers (bit n: xn) that have changed.
 */
    .text
    .globl pattern_call
pattern_call:
    addi    sp, sp, -256
    .irp n, 1,3,4,8,9,18,19,20,21,22,23,24,25,26,27,11
    sd      x\n, (\n * 8)(sp)
    .endr
    slli    a2, a2, 6
    sd      a2, 0(sp)
    .irp n, 1,3,4,5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    addi    x\n, a2, \n
    .endr
    mv      a7, a0
    .irp n, 10,11,12,13,14,15,16,17
    ld      x\n, (\n * 8 - 80)(a7)
    .endr
    ecall
    sd      a0, 80(sp)
    ld      a0, 88(sp)          /* out */
    .irp n, 11,12,13,14,15,16,17
    sd      x\n, (\n * 8 - 80)(a0)
    .endr
    ld      a1, 80(sp)
    sd      a1, 0(a0)
    li      a0, 0
    ld      a2, 0(sp)
    .irp n, 1,3,4,5,6,7,8,9,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    addi    a1, a2, \n
    xor     a1, a1, x\n
    snez    a1, a1
    slli    a1, a1, \n
    or      a0, a0, a1
    .endr
    .irp n, 1,3,4,8,9,18,19,20,21,22,23,24,25,26,27
    ld      x\n, (\n * 8)(sp)
    .endr
    addi    sp, sp, 256
    ret

/* For the benchmark: a0 rounds of a reflected call; a1 = notification. */
    .section .text.start.guests, "ax"
    .balign 4096
    .globl fake_bench
fake_bench:
    mv      s1, a0
    mv      s2, a1
    mv      s5, a2
    rdinstret s3
1:  li      a7, 1
    ecall
    addi    s1, s1, -1
    bnez    s1, 1b
    rdinstret s4
    sub     s4, s4, s3
    la      t0, bench_guest_instret
    sd      s4, 0(t0)
    mv      a0, s2
    li      a7, 2
    ecall
    .balign 4096
    .globl fake_bench_base
fake_bench_base:
    .globl fake_bench_syscall
fake_bench_syscall:
    li      t0, 1
    bne     a7, t0, 1f
    li      a7, 15
    ecall
1:  li      a7, 8           /* SYS_SIGNAL */
    ecall
2:  mv      a0, s5          /* stay out of the way: wait on what nobody signals */
    li      a1, -1
    li      a7, 9
    ecall
    j       2b
