/* SPDX-License-Identifier: MIT */
/*
 * ELF loading (System V ABI, RISC-V supplement). The files come from our own
 * build, but a wrong archive must end in a message and not in a fault, so every
 * offset is checked against the file.
 */
#include "load.h"

#include <libipc/system.h>
#include <string.h>

#include "main.h"
#include "memory.h"
#include "sys.h"

struct elf_header {
    uint8_t  ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_segment) == 56, "ELF64");

enum { ET_EXEC = 2, ET_DYN = 3, EM_RISCV = 243, PT_LOAD = 1, PF_X = 1, PF_W = 2, PF_R = 4 };
#define MAX_SEGMENTS MAX_PROGRAM_SEGMENTS

static uint64_t page_up(uint64_t n)
{
    return (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

void load_fill(cptr_t segment, uint64_t at, const void *from, size_t bytes)
{
    const uint8_t *p = from;

    while (bytes) {
        uint64_t done = 0;
        error_t error = sys_invoke(segment, SEGMENT_COPY, at, CAP_INIT_VSPACE, (uint64_t)p, bytes, 1, &done);

        if (error != 0 || done == 0 || done > bytes)
            fail("cannot fill a Segment: error %d", error);
        at += done;
        p += done;
        bytes -= done;
    }
}

/* The PT_LOAD entries, ascending and checked; their number, or -1. */
static int read_segments(const uint8_t *file, size_t bytes, struct elf_header *head, struct elf_segment *out)
{
    int count = 0;

    if (bytes < sizeof *head)
        return -1;
    memcpy(head, file, sizeof *head);
    if (memcmp(head->ident, "\177ELF\2\1\1", 7) != 0 || head->machine != EM_RISCV ||
        (head->type != ET_EXEC && head->type != ET_DYN) || head->phentsize != sizeof(struct elf_segment))
        return -1;
    if (head->phoff > bytes || (uint64_t)head->phnum * sizeof *out > bytes - head->phoff)
        return -1;
    for (unsigned i = 0; i < head->phnum; i++) {
        struct elf_segment s;

        memcpy(&s, file + head->phoff + i * sizeof s, sizeof s);
        if (s.type != PT_LOAD || s.memsz == 0)
            continue;
        if (count == MAX_SEGMENTS || s.vaddr % PAGE_BYTES || s.filesz > s.memsz || s.offset > bytes ||
            s.filesz > bytes - s.offset || s.vaddr >= USER_TOP || s.memsz > USER_TOP - s.vaddr)
            return -1;
        if (count && s.vaddr < page_up(out[count - 1].vaddr + out[count - 1].memsz))
            return -1;
        out[count++] = s;
    }
    return count;
}

static uint32_t prot_of(uint32_t flags)
{
    return (flags & PF_R ? VM_READ : 0) | (flags & PF_W ? VM_READ | VM_WRITE : 0) |
           (flags & PF_X ? VM_READ | VM_EXEC : 0);
}

error_t load_elf(cptr_t vspace, cptr_t pool, const uint8_t *file, size_t bytes, struct program *program, uaddr_t *entry)
{
    struct elf_segment seg[MAX_SEGMENTS];
    struct elf_header head;
    int count = read_segments(file, bytes, &head, seg);

    if (count <= 0)
        return ERR_NOT_EXECUTABLE;
    for (int i = 0; i < count; i++) {
        uint64_t file_length = page_up(seg[i].filesz), length = page_up(seg[i].memsz);
        uint32_t prot = prot_of(seg[i].flags);

        if (file_length) {
            cptr_t segment = program->segment[i] ? program->segment[i] : mem_segment(pool, file_length / PAGE_BYTES);

            program->segment[i] = segment;
            load_fill(segment, 0, file + seg[i].offset, seg[i].filesz);
            if (file_length > seg[i].filesz)
                must(sys_invoke(segment, SEGMENT_ZERO, seg[i].filesz, file_length - seg[i].filesz, 0, 0, 0, NULL),
                     "clear the end of a program's segment");
            must(sys_invoke(vspace, VSPACE_MAP, seg[i].vaddr, file_length, prot | VM_SHARED, segment, 0, NULL),
                 "map a program's segment");
        }
        if (length > file_length)
            must(sys_invoke(vspace, VSPACE_RESERVE, seg[i].vaddr + file_length, length - file_length, prot, 0, 0, NULL),
                 "reserve a program's bss");
    }
    *entry = head.entry;
    return 0;
}

cptr_t load_personality(cptr_t pool, const uint8_t *file, size_t bytes, uint64_t *image_bytes)
{
    struct elf_segment seg[MAX_SEGMENTS];
    struct elf_header head;
    uint64_t end = 0;
    cptr_t segment;
    int count;

    if (bytes < 4 || memcmp(file, "\177ELF", 4) != 0) {
        *image_bytes = page_up(bytes);
        segment = mem_segment(pool, *image_bytes / PAGE_BYTES);
        load_fill(segment, 0, file, bytes);
        return segment;
    }
    count = read_segments(file, bytes, &head, seg);
    for (int i = 0; i < count; i++) {
        if (seg[i].vaddr < PERS_BASE || seg[i].vaddr >= PERS_THREADS)
            continue;
        if (seg[i].filesz)
            end = page_up(seg[i].vaddr - PERS_BASE + seg[i].filesz);
    }
    if (end == 0)
        fail("linux_compat.elf has nothing to load at its base");
    segment = mem_segment(pool, end / PAGE_BYTES);
    for (int i = 0; i < count; i++)
        if (seg[i].vaddr >= PERS_BASE && seg[i].vaddr < PERS_THREADS && seg[i].filesz)
            load_fill(segment, seg[i].vaddr - PERS_BASE, file + seg[i].offset, seg[i].filesz);
    *image_bytes = end;
    return segment;
}
