/* SPDX-License-Identifier: MIT */
/*
 * Floating-point registers to and from a signal frame. The only code of the
 * personality that touches them, and only for guests that own them.
 */
#include <compat_offsets.h>
    .option arch, +d

    .macro EACH op
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \op f\n, \n * 8(a0)
    .endr
    .endm

    .text
    .globl fp_save
fp_save:
    EACH fsd
    frcsr t0
    sw t0, FP_FCSR(a0)
    ret

    .globl fp_restore
fp_restore:
    EACH fld
    lw t0, FP_FCSR(a0)
    fscsr t0
    ret
