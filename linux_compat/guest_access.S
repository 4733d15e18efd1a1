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
5:  /* bytes; when both are misaligned alike, up to the boundary and then words */
    beqz a2, 8f
    xor t2, a0, a1
    andi t2, t2, 7
    bnez t2, 7f
6:  andi t2, a0, 7
    bnez t2, 9f
    li t2, 8
    bgeu a2, t2, 1b
9:  lbu a3, 0(a1)
    sb a3, 0(a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    bnez a2, 6b
    j 8f
7:  lbu a3, 0(a1)
    sb a3, 0(a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    bnez a2, 7b
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
 * a whole one is safe where its first wanted byte is. */
    .balign 16
    .globl guest_strnlen_raw
guest_strnlen_raw:
    mv a2, a0
    add a3, a0, a1
    li a4, 0x0101010101010101
    slli a5, a4, 7
10: bgeu a2, a3, 4f
    andi t2, a2, 7
    beqz t2, 1f
2:  lbu a6, 0(a2)
    beqz a6, 4f
    addi a2, a2, 1
    j 10b
1:  addi t3, a2, 8
    bltu a3, t3, 2b
    ld a6, 0(a2)
    sub a7, a6, a4
    not a6, a6
    and a7, a7, a6
    and a7, a7, a5
    bnez a7, 2b
    addi a2, a2, 8
    j 10b
4:  sub a0, a2, a0
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
