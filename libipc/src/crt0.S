/* SPDX-License-Identifier: MIT */
/*
 * First instructions of a server: a0 = address of struct server_info (SRV_INFO),
 * sp as the supervisor set it. Weak, so that images with an entry of their own
 * (supervisor, personality) may link libipc whole.
 */
#if defined(__riscv)
        .section .text.start, "ax", @progbits
        .weak   _start
        .type   _start, @function
_start:
        .option push
        .option norelax
        lla     gp, __global_pointer$
        .option pop
        li      sp, 0x30000000          /* SRV_STACK_TOP */
        li      ra, 0
        li      s0, 0
        call    server_start
        ebreak
        .size   _start, . - _start
        .weak   __global_pointer$
#endif
        .section .note.GNU-stack, "", @progbits
