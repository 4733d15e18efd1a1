/* SPDX-License-Identifier: MIT */
/*
 * What the kernel hands to the root task (the supervisor).
 *
 * The initial ramdisk starts with struct system_header: the root task as a
 * flat image, then a cpio archive (newc; several may be concatenated, later
 * members win). The root task is mapped at ROOT_BASE (read, write, execute by
 * page according to the header), its stack below ROOT_STACK_TOP, bootinfo
 * (read-only) at ROOT_BOOTINFO, and starts at `entry` with a0 = ROOT_BOOTINFO.
 */
#ifndef ATOLL_ABI_BOOTINFO_H
#define ATOLL_ABI_BOOTINFO_H

#include <atoll/types.h>

#define ROOT_BASE        0x10000000ul
#define ROOT_STACK_TOP   0x30000000ul
#define ROOT_STACK_BYTES 0x10000ul
#define ROOT_BOOTINFO    0x3f000000ul   /* 4 pages at most                      */

#define SYSTEM_MAGIC 0x316c6c6f7461ul   /* "atoll1" */
struct system_header {
    uint64_t magic;
    uint64_t root_offset, root_bytes;   /* file bytes, page-aligned offset      */
    uint64_t root_text_bytes;           /* first part: r-x, page-aligned        */
    uint64_t root_rodata_bytes;         /* second part: r--, page-aligned       */
    uint64_t root_memory_bytes;         /* with bss; the rest is rw-            */
    uint64_t root_entry;                /* absolute                             */
    uint64_t archive_offset;            /* page-aligned; to the ramdisk's end   */
};

/* Slots of the root CNode (radix 14) at start. */
enum {
    CAP_INIT_CNODE = 1, CAP_INIT_TCB = 2, CAP_INIT_VSPACE = 3,
    CAP_INIT_SCHED = 4, CAP_INIT_PLATFORM = 5,
    CAP_INIT_POOL = 6,          /* small pool the root's own VSpace uses         */
    CAP_INIT_ARCHIVE = 7,       /* physical Segment over the archive             */
    CAP_INIT_FDT = 8,           /* physical Segment over the device tree blob    */
    CAP_INIT_HART_PAGE = 9,     /* physical Segment, struct hart_page            */
    CAP_INIT_TRACE = 10,        /* physical Segment, a struct trace_ring for each
                                 * hart; empty without "trace" on the command
                                 * line                                          */
    CAP_INIT_FIRST_UNTYPED = 16 /* bootinfo.nr_untypeds of them                  */
};

#define BOOT_MAX_UNTYPEDS 230
struct bootinfo {
    uint64_t nr_harts;
    uint64_t boot_hart;
    uint64_t timebase_hz;
    uint64_t nr_untypeds;
    uint64_t first_free_slot;
    uint64_t archive_bytes;     /* exact length inside CAP_INIT_ARCHIVE          */
    uint64_t archive_page_offset; /* offset of byte 0 inside its first page      */
    uint64_t fdt_bytes, fdt_page_offset;
    uint64_t mhartid[MAX_HARTS];
    char     command_line[512];
    struct boot_untyped {
        uint64_t paddr; uint8_t size_bits; uint8_t device; uint8_t pad[6];
    } untyped[BOOT_MAX_UNTYPEDS];
};

#endif
