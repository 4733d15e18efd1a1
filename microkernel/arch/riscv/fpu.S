/* SPDX-License-Identifier: MIT */
/*
 * The same as fp_save_inline and fp_restore_inline of fpu.h, once: t1 = f[33], link
 * in t0, clobbers t2.
 */
    .option arch, +d
    .text
    .globl fp_save_routine
fp_save_routine:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, (\n * 8)(t1)
    .endr
    frcsr   t2
    sd      t2, 256(t1)
    fence   w, w            /* before hart->current changes: TCB_COPY_FPU */
    jr      t0

    .globl fp_restore_routine
fp_restore_routine:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, (\n * 8)(t1)
    .endr
    ld      t2, 256(t1)
    fscsr   t2
    jr      t0
