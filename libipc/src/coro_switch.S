/* SPDX-License-Identifier: MIT */
/*
 * void coro_switch(void **save, void *load)
 *   in:  a0/rdi = where to store the old sp, a1/rsi = sp to continue with
 *   out: returns on the other stack; callee-saved registers are those saved there
 * coro_entry: the return address of a fresh stack; enters coro_main, which never
 * returns. A fresh stack holds CORO_SAVED_WORDS zero words but for the return
 * address (coro.c).
 */
#if defined(__riscv)
        .text
        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, @function
        .balign 4
coro_switch:
        addi    sp, sp, -112
        sd      ra, 0(sp)
        sd      s0, 8(sp)
        sd      s1, 16(sp)
        sd      s2, 24(sp)
        sd      s3, 32(sp)
        sd      s4, 40(sp)
        sd      s5, 48(sp)
        sd      s6, 56(sp)
        sd      s7, 64(sp)
        sd      s8, 72(sp)
        sd      s9, 80(sp)
        sd      s10, 88(sp)
        sd      s11, 96(sp)
        sd      sp, 0(a0)
        mv      sp, a1
        ld      ra, 0(sp)
        ld      s0, 8(sp)
        ld      s1, 16(sp)
        ld      s2, 24(sp)
        ld      s3, 32(sp)
        ld      s4, 40(sp)
        ld      s5, 48(sp)
        ld      s6, 56(sp)
        ld      s7, 64(sp)
        ld      s8, 72(sp)
        ld      s9, 80(sp)
        ld      s10, 88(sp)
        ld      s11, 96(sp)
        addi    sp, sp, 112
        ret
        .size   coro_switch, . - coro_switch

        .globl  coro_entry
        .hidden coro_entry
        .type   coro_entry, @function
coro_entry:
        call    coro_main
        ebreak
        .size   coro_entry, . - coro_entry

#elif defined(__x86_64__)
        .text
        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, @function
coro_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   coro_switch, . - coro_switch

        .globl  coro_entry
        .hidden coro_entry
        .type   coro_entry, @function
coro_entry:
        xorl    %ebp, %ebp
        andq    $-16, %rsp
        call    coro_main@PLT
        ud2
        .size   coro_entry, . - coro_entry
#endif

        .section .note.GNU-stack, "", @progbits
