/* SPDX-License-Identifier: MIT */
    .section .text.start, "ax"
    .globl _start
_start:                         /* a0 = bootinfo; the kernel gives a stack */
    call    bench_main
    unimp
