/* SPDX-License-Identifier: MIT */
/*
 * Entry of the root task. In: a0 = address of struct bootinfo, sp = top of its
 * stack, both set up by the kernel. gp is set for linker relaxation; bss is
 * zero memory already.
 */
    .section .text.start, "ax"
    .global _start
    .weak   __global_pointer$
_start:
    .option push
    .option norelax
    lla     gp, __global_pointer$
    .option pop
    li      tp, 0
    call    supervisor_main
1:  ebreak
    j       1b
