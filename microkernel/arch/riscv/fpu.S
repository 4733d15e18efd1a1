/* SPDX-License-Identifier: MIT */
/*
 * Floating-point state. fp_save(uint64_t f[33]) and fp_restore(uint64_t f[33]):
 * f[0..31] the registers, f[32] fcsr. sstatus.FS must not be Off. Clobber t0.
 */
    .option arch, +d
    .text
    .globl fp_save
fp_save:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, (\n * 8)(a0)
    .endr
    frcsr   t0
    sd      t0, 256(a0)
    ret

    .globl fp_restore
fp_restore:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, (\n * 8)(a0)
    .endr
    ld      t0, 256(a0)
    fscsr   t0
    ret
