/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file asks for (System V gABI, chapters 4 and 5; RISC-V psABI), as
 * a plan that the loader carries out. Pure: tested on the host.
 */
#ifndef COMPAT_ELF_H
#define COMPAT_ELF_H

#include <atoll/errors.h>
#include <atoll/types.h>

#define ELF_HEADER_BYTES  64
#define ELF_PHDR_BYTES    56
#define ELF_MAX_PHDRS     73        /* fit a page, as Linux demands             */
#define ELF_MAX_LOADS     24

struct elf_load {
    uint64_t vaddr;                 /* page-aligned                             */
    uint64_t file_offset;           /* page-aligned                             */
    uint64_t file_bytes;            /* to map from the file, from vaddr; may be 0 */
    uint64_t zero_at;               /* first byte after the file's part         */
    uint64_t end;                   /* first byte after the segment             */
    uint8_t  prot;                  /* VM_*                                     */
};

struct elf_header {
    bool     dynamic;               /* ET_DYN: may be placed anywhere           */
    uint64_t entry;
    uint64_t phoff;
    uint32_t nr_phdrs;
};

struct elf_plan {
    struct elf_load load[ELF_MAX_LOADS];
    uint32_t nr_loads;
    bool     executable_stack;
    uint64_t low, high;             /* page-aligned span of all loads           */
    uint64_t code_start, code_end;
    uint64_t interp_offset, interp_bytes;   /* 0: none; bytes with the NUL      */
    uint64_t phdr_vaddr;            /* 0: not inside a load                     */
};

/* The first `bytes` of the file. ERR_NOT_EXECUTABLE when it is no program for
 * this machine, or its header is nonsense. */
error_t elf_read_header(const uint8_t *data, uint64_t bytes, struct elf_header *);
/* The nr_phdrs program headers. */
error_t elf_make_plan(const struct elf_header *, const uint8_t *phdrs, struct elf_plan *);

#endif
