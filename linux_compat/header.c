/* SPDX-License-Identifier: MIT */
/*
 * The head of the image: entry points and what proc maps into each process.
 */
#include <libipc/system.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): symbols of linux_compat.ld */
extern const char __pers_start[], __text_end[], __rodata_start[], __rodata_end[], __vdso_start[], __vdso_end[];
extern const char __data_start[], __data_end[], __bss_end[];
/* NOLINTEND(bugprone-reserved-identifier) */
extern const char pers_syscall_entry[], pers_upcall_entry[], pers_fault_entry[];

/*
 * The linker knows addresses, not differences of symbols in C initialisers:
 * hence assembly for the numbers.
 */
__asm__(
    ".pushsection .pers_header, \"ax\"\n"
    ".globl pers_header\n"
    ".balign 8\n"
    "pers_header:\n"
    "    .quad 0x736f6369747473\n"
    "    .quad pers_syscall_entry, pers_upcall_entry, pers_fault_entry\n"
    "    .quad 4\n"
    /* image_offset, address, bytes, file_bytes, prot */
    "    .quad 0, __pers_start, __text_end - __pers_start, __text_end - __pers_start, 5\n"
    "    .quad __rodata_start - __pers_start, __rodata_start\n"
    "    .quad __rodata_end - __rodata_start, __rodata_end - __rodata_start, 1\n"
    "    .quad __vdso_start - __pers_start, 0x3fbfff0000\n"
    "    .quad __vdso_end - __vdso_start, __vdso_end - __vdso_start, 5\n"
    "    .quad __data_start - __pers_start, __data_start\n"
    "    .quad __bss_end - __data_start, __data_end - __data_start, 3\n"
    "    .zero 40 * 4\n"
    ".popsection\n");

_Static_assert(PERS_MAGIC == 0x736f6369747473ul, "written above");
_Static_assert(VDSO_BASE == 0x3fbfff0000ul, "written above");
_Static_assert(PERS_BASE == 0x3fc0000000ul, "known to linux_compat.ld");
_Static_assert(sizeof(struct pers_header) == 40 + 8 * 40, "written above");
_Static_assert(VM_READ == 1 && (VM_READ | VM_EXEC) == 5 && (VM_READ | VM_WRITE) == 3, "written above");
