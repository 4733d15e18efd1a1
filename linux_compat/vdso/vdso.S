/* SPDX-License-Identifier: MIT */
/*
 * The vDSO: a small ELF shared object at VDSO_BASE, written out by hand, so that
 * no second link step is needed. C libraries look its symbols up with version
 * LINUX_4.15 through DT_HASH (System V gABI, chapter 5; Linux' symbol names).
 *
 * The clocks read the time page (libipc/system.h, a seqlock) and fall back to
 * the system call for the clocks that it does not know. Everything is relative
 * to vdso_start; code may use only a0..a7 and t0..t6.
 */
#include <compat_offsets.h>

#define NR_GETTIMEOFDAY 169
#define NR_CLOCK_GETTIME 113
#define NR_CLOCK_GETRES 114
#define NR_GETCPU 168
#define NR_RT_SIGRETURN 139
#define NR_FLUSH_ICACHE 259
#define REL(x) ((x) - vdso_start)

    .section .vdso, "ax"
    .option norvc
    .option arch, +zicsr
    .balign 4096
vdso_start:
    .byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
    .zero 8
    .half 3, 243                    /* ET_DYN, EM_RISCV                         */
    .word 1
    .quad 0
    .quad REL(vdso_phdr)
    .quad 0
    .word 5                         /* RVC, double-float ABI                    */
    .half 64, 56, 2, 64, 0, 0

vdso_phdr:
    .word 1, 5                      /* PT_LOAD, r-x                             */
    .quad 0, 0, 0, REL(vdso_end), REL(vdso_end), 4096
    .word 2, 4                      /* PT_DYNAMIC                               */
    .quad REL(vdso_dynamic), REL(vdso_dynamic), REL(vdso_dynamic)
    .quad vdso_dynamic_end - vdso_dynamic, vdso_dynamic_end - vdso_dynamic, 8

    .macro SYMBOL name, code, code_end
    .word \name - vdso_strings
    .byte 0x12, 0                   /* global function                          */
    .half 1                         /* any defined section                      */
    .quad REL(\code), \code_end - \code
    .endm

    .balign 8
vdso_symbols:
    .zero 24
    SYMBOL name_sigreturn, code_sigreturn, code_gettimeofday
    SYMBOL name_gettimeofday, code_gettimeofday, code_clock_gettime
    SYMBOL name_clock_gettime, code_clock_gettime, code_clock_getres
    SYMBOL name_clock_getres, code_clock_getres, code_getcpu
    SYMBOL name_getcpu, code_getcpu, code_flush_icache
    SYMBOL name_flush_icache, code_flush_icache, vdso_end
#define NR_SYMBOLS 7

vdso_hash:                          /* one bucket, all symbols in its chain     */
    .word 1, NR_SYMBOLS
    .word 1
    .word 0, 2, 3, 4, 5, 6, 0

vdso_versions:
    .half 0, 2, 2, 2, 2, 2, 2

    .balign 8
vdso_version_definitions:
    .half 1, 1, 1, 1                /* base: the object's own name              */
    .word 0x0deebfa1, 20, 28
    .word name_soname - vdso_strings, 0
    .half 1, 0, 2, 1
    .word 0x0ae77f75, 20, 0
    .word name_version - vdso_strings, 0

vdso_strings:
    .byte 0
name_sigreturn:     .asciz "__vdso_rt_sigreturn"
name_gettimeofday:  .asciz "__vdso_gettimeofday"
name_clock_gettime: .asciz "__vdso_clock_gettime"
name_clock_getres:  .asciz "__vdso_clock_getres"
name_getcpu:        .asciz "__vdso_getcpu"
name_flush_icache:  .asciz "__vdso_flush_icache"
name_soname:        .asciz "linux-vdso.so.1"
name_version:       .asciz "LINUX_4.15"
vdso_strings_end:

    .balign 8
vdso_dynamic:
    .quad 14, name_soname - vdso_strings
    .quad 4, REL(vdso_hash)
    .quad 5, REL(vdso_strings)
    .quad 6, REL(vdso_symbols)
    .quad 10, vdso_strings_end - vdso_strings
    .quad 11, 24
    .quad 0x6ffffff0, REL(vdso_versions)
    .quad 0x6ffffffc, REL(vdso_version_definitions)
    .quad 0x6ffffffd, 2
    .quad 0, 0
vdso_dynamic_end:

    .balign 16
    nop                             /* unwinders look one instruction back      */
code_sigreturn:
    li a7, NR_RT_SIGRETURN
    ecall

/* READ_NS: a4 = monotonic ns, a2 = realtime offset; uses t2..t6, a3, a5. */
    .macro READ_NS
    li t2, TIME_PAGE
9:  lw t3, TIME_SEQ(t2)
    fence r, r
    rdtime t4
    ld t5, TIME_MULT(t2)
    lw t6, TIME_SHIFT(t2)
    ld a2, TIME_REALTIME(t2)
    fence r, r
    lw a3, TIME_SEQ(t2)
    andi a5, t3, 1
    bnez a5, 9b
    bne t3, a3, 9b
    mul a4, t4, t5
    mulhu a5, t4, t5
    neg a3, t6
    srl a4, a4, t6
    sll a5, a5, a3
    or a4, a4, a5
    .endm

/* (timeval, timezone) */
    .balign 16
code_gettimeofday:
    bnez a1, 1f
    beqz a0, 2f
    READ_NS
    add a4, a4, a2
    li t2, 1000000000
    divu a5, a4, t2
    mul a3, a5, t2
    sub a4, a4, a3
    li t2, 1000
    divu a4, a4, t2
    sd a5, 0(a0)
    sd a4, 8(a0)
2:  li a0, 0
    ret
1:  li a7, NR_GETTIMEOFDAY
    ecall
    ret

/* (clock, timespec): REALTIME 0, MONOTONIC 1, MONOTONIC_RAW 4, the COARSE ones
 * 5 and 6, BOOTTIME 7 */
    .balign 16
code_clock_gettime:
    li t0, 8
    bgeu a0, t0, 1f
    li t1, 0xf3
    srl t1, t1, a0
    andi t1, t1, 1
    beqz t1, 1f
    READ_NS
    li t1, 0x21
    srl t1, t1, a0
    andi t1, t1, 1
    beqz t1, 2f
    add a4, a4, a2
2:  li t2, 1000000000
    divu a5, a4, t2
    mul a3, a5, t2
    sub a4, a4, a3
    sd a5, 0(a1)
    sd a4, 8(a1)
    li a0, 0
    ret
1:  li a7, NR_CLOCK_GETTIME
    ecall
    ret

    .balign 16
code_clock_getres:
    li a7, NR_CLOCK_GETRES
    ecall
    ret

    .balign 16
code_getcpu:
    li a7, NR_GETCPU
    ecall
    ret

    .balign 16
code_flush_icache:
    li a7, NR_FLUSH_ICACHE
    ecall
    ret
    .balign 8
vdso_end:

    .section .rodata
    .balign 8
    .globl vdso_sigreturn_offset
vdso_sigreturn_offset:
    .quad REL(code_sigreturn)
