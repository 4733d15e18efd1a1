/* SPDX-License-Identifier: MIT */
/*
 * Accesses to guest memory that may fault: leaf functions in the exception
 * table, each with one fixup. The fault entry comes back with all registers
 * intact but t0 and t1, so what a fixup needs stays out of those two.
 */
    .macro COVER from, to, fixup
    .pushsection .exception_table, "a"
    .quad \from, \to, \fixup
    .popsection
    .endm

    .text

/* guest_copy_raw(to, from, bytes): bytes not done. a2 counts what is left and is
 * lowered only after the stores. */
    .balign 16
    .globl guest_copy_raw
guest_copy_raw:
10: or t2, a0, a1
    andi t2, t2, 7
    bnez t2, 5f
1:  li t2, 64
    bltu a2, t2, 3f
2:  ld a3, 0(a1)
    ld a4, 8(a1)
    ld a5, 16(a1)
    ld a6, 24(a1)
    ld a7, 32(a1)
    ld t3, 40(a1)
    ld t4, 48(a1)
    ld t5, 56(a1)
    sd a3, 0(a0)
    sd a4, 8(a0)
    sd a5, 16(a0)
    sd a6, 24(a0)
    sd a7, 32(a0)
    sd t3, 40(a0)
    sd t4, 48(a0)
    sd t5, 56(a0)
    addi a0, a0, 64
    addi a1, a1, 64
    addi a2, a2, -64
    bgeu a2, t2, 2b
3:  li t2, 8
    bltu a2, t2, 5f
4:  ld a3, 0(a1)
    sd a3, 0(a0)
    addi a0, a0, 8
    addi a1, a1, 8
    addi a2, a2, -8
    bgeu a2, t2, 4b
5:  /* the rest, or misaligned; when both are alike, up to the boundary and then words */
    li t2, 8
    bltu a2, t2, 7f
    xor t2, a0, a1
    andi t2, t2, 7
    bnez t2, 9f
6:  lbu a3, 0(a1)
    sb a3, 0(a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    andi t2, a0, 7
    bnez t2, 6b
    j 1b
9:  li t2, 8
    bltu a2, t2, 7f
    lbu a3, 0(a1)
    lbu a4, 1(a1)
    lbu a5, 2(a1)
    lbu a6, 3(a1)
    lbu a7, 4(a1)
    lbu t3, 5(a1)
    lbu t4, 6(a1)
    lbu t5, 7(a1)
    sb a3, 0(a0)
    sb a4, 1(a0)
    sb a5, 2(a0)
    sb a6, 3(a0)
    sb a7, 4(a0)
    sb t3, 5(a0)
    sb t4, 6(a0)
    sb t5, 7(a0)
    addi a0, a0, 8
    addi a1, a1, 8
    addi a2, a2, -8
    j 9b
7:  beqz a2, 8f
    lbu a3, 0(a1)
    sb a3, 0(a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j 7b
8:  mv a0, a2
    ret
11:
    COVER 10b, 11b, 8b

/* guest_zero_raw(to, bytes): bytes not done. */
    .balign 16
    .globl guest_zero_raw
guest_zero_raw:
10: beqz a1, 3f
    andi t2, a0, 7
    bnez t2, 2f
    li t2, 8
    bltu a1, t2, 2f
1:  sd zero, 0(a0)
    addi a0, a0, 8
    addi a1, a1, -8
    bgeu a1, t2, 1b
    j 10b
2:  sb zero, 0(a0)
    addi a0, a0, 1
    addi a1, a1, -1
    j 10b
3:  mv a0, a1
    ret
11:
    COVER 10b, 11b, 3b

/* guest_strnlen_raw(from, max): an aligned word never crosses a page, so reading
 * a whole one is safe where one wanted byte is. What lies before the first is made
 * not zero. a7: the top bit of each zero byte, right up to the first. */
    .balign 16
    .globl guest_strnlen_raw
guest_strnlen_raw:
    beqz a1, 2f
    li a4, 0x01010101
    slli a5, a4, 32
    or a4, a4, a5
    slli a5, a4, 7
    add a3, a0, a1
    andi a2, a0, -8
    slli t2, a0, 3
    li t3, -1
    sll t3, t3, t2
    not t3, t3
10: ld a6, 0(a2)
    or a6, a6, t3
    li t3, 0
    sub a7, a6, a4
    not a6, a6
    and a7, a7, a6
    and a7, a7, a5
    bnez a7, 3f
    addi a2, a2, 8
    bltu a2, a3, 10b
2:  mv a0, a1
    ret
3:  /* the lowest bit is 8 k + 7: k + 1 bytes have ones below it */
    neg t2, a7
    and a7, a7, t2
    addi a7, a7, -1
    and a7, a7, a4
    mul a7, a7, a4
    srli a7, a7, 56
    addi a7, a7, -1
    add a2, a2, a7
    sub a0, a2, a0
    bgeu a0, a1, 2b
    ret
5:  li a0, -1
    ret
13:
    COVER 10b, 13b, 5b

    .macro LEAF name
    .balign 8
    .globl \name
\name:
    .endm

LEAF guest_load32_raw           /* (uint32_t *value, from) */
10: lw a2, 0(a1)
11: sw a2, 0(a0)
    li a0, 0
    ret
12: li a0, -1
    ret
    COVER 10b, 11b, 12b

LEAF guest_load64_raw
10: ld a2, 0(a1)
11: sd a2, 0(a0)
    li a0, 0
    ret
12: li a0, -1
    ret
    COVER 10b, 11b, 12b

LEAF guest_store32_raw          /* (to, value) */
10: sw a1, 0(a0)
11: li a0, 0
    ret
12: li a0, -1
    ret
    COVER 10b, 11b, 12b

LEAF guest_store64_raw
10: sd a1, 0(a0)
11: li a0, 0
    ret
12: li a0, -1
    ret
    COVER 10b, 11b, 12b

LEAF guest_cmpxchg32_raw        /* (at, expected, desired, old) */
    sext.w a1, a1
10: lr.w.aqrl a4, (a0)
    bne a4, a1, 11f
    sc.w.rl a5, a2, (a0)
    bnez a5, 10b
11: sw a4, 0(a3)
    li a0, 0
    ret
12: li a0, -1
    ret
    COVER 10b, 11b, 12b
