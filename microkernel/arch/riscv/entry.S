/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of each hart, at physical addresses, MMU off.
 *
 * Boot hart: a0 = mhartid, a1 = physical address of the device tree. Builds
 * the root table (256 leaves of 1 GiB for the direct map, and one identity
 * leaf to survive the switch), then runs boot_main(mhartid, fdt) on boot_stack.
 * Other harts, through SBI hart_start: a0 = mhartid; they find their struct hart
 * in secondary_table and run hart_main(). boot.c tightens the map afterwards.
 *
 * Only the first hart to arrive at _start boots. OpenSBI before 1.2 publishes
 * "start pending" before the address to start at, so a hart that looks in
 * between comes to _start too, with whatever a1 was: it is one that boot.c has
 * just started, and goes the others' way.
 *
 * The image begins with the header of a Linux image (Documentation/arch/riscv/
 * boot-image-header.rst, version 0.2), which boot loaders ask for; its first
 * instruction is the way in for all.
 */
#include "arch/riscv/layout.h"
#include "offsets.h"

    .section .text.entry, "ax"
    .globl _start
_start:
    .option push
    .option norvc
    j       1f
    .word   0
    .option pop
    .dword  KERNEL_PHYS - 0x80000000    /* from the start of RAM                  */
    .dword  kernel_image_bytes          /* with bss                               */
    .dword  0                           /* little endian                          */
    .word   2, 0, 0, 0                  /* version 0.2                            */
    .asciz  "RISCV\0\0"
    .ascii  "RSC\5"
    .word   0

1:  la      t0, boot_taken
    li      t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez    t1, secondary_start
    csrw    sie, zero
    csrw    sscratch, zero
    mv      s0, a0
    mv      s1, a1

    la      t0, kernel_bss_start
    la      t1, kernel_bss_end
1:  sd      zero, 0(t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b

    /* Leaf for GiB i: i << 28 | D A G X W R V. */
    la      t0, kernel_root_table
    li      t1, 2048
    add     t1, t0, t1
    li      t2, 0xef
    li      t3, 1 << 28
    li      t4, 256
2:  sd      t2, 0(t1)
    add     t2, t2, t3
    addi    t1, t1, 8
    addi    t4, t4, -1
    bnez    t4, 2b
    /* Identity leaf of the GiB we run in (no G). */
    la      t1, _start
    srli    t1, t1, 30
    slli    t2, t1, 28
    ori     t2, t2, 0xcf
    slli    t1, t1, 3
    add     t1, t1, t0
    sd      t2, 0(t1)

    call    enable_mmu
    la      sp, boot_stack + KSTACK_BYTES
    la      tp, harts
    la      t0, trap_entry
    csrw    stvec, t0
    mv      a0, s0
    mv      a1, s1
    call    boot_main
    unimp

    .globl secondary_start
secondary_start:
    csrw    sie, zero
    csrw    sscratch, zero
    mv      s0, a0
    fence   rw, rw
    call    enable_mmu
    la      t0, secondary_table     /* { mhartid, struct hart * }, boot.c */
1:  ld      t1, 0(t0)
    ld      tp, 8(t0)
    addi    t0, t0, 16
    bne     t1, s0, 1b
    ld      sp, HART_STACK_TOP(tp)
    la      t0, trap_entry
    csrw    stvec, t0
    call    hart_main
    unimp

/* Turns Sv39 on and returns to the caller's high alias. Clobbers t0..t2. */
enable_mmu:
    la      t0, kernel_root_table
    srli    t0, t0, 12
    li      t1, 8
    slli    t1, t1, 60
    or      t0, t0, t1
    li      t2, -1
    slli    t2, t2, 38          /* DIRECT_BASE */
    add     ra, ra, t2
    sfence.vma
    csrw    satp, t0
    sfence.vma
    ret

    .data
    .balign 4
boot_taken:                         /* not in .bss, which _start clears */
    .word   0

    .bss
    .balign 4096
    .globl kernel_root_table
kernel_root_table:
    .skip   4096
    .balign 16
boot_stack:
    .skip   KSTACK_BYTES
