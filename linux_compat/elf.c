/* SPDX-License-Identifier: MIT */
/* See elf.h. Everything read here came from a file that anybody may have made. */
#include <string.h>
#include <libipc/system.h>
#include "elf.h"

enum { ET_EXEC = 2, ET_DYN = 3, EM_RISCV = 243 };
enum { PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct header) == ELF_HEADER_BYTES, "ELF64");

struct phdr { uint32_t type, flags; uint64_t offset, vaddr, paddr, filesz, memsz, align; };
_Static_assert(sizeof(struct phdr) == ELF_PHDR_BYTES, "ELF64");

static uint64_t down(uint64_t n) { return n & ~(PAGE_BYTES - 1); }
static uint64_t up(uint64_t n) { return (n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); }

error_t elf_read_header(const uint8_t *data, uint64_t bytes, struct elf_header *out)
{
    struct header h;
    if (bytes < sizeof(h))
        return ERR_NOT_EXECUTABLE;
    memcpy(&h, data, sizeof(h));
    if (memcmp(h.ident, "\177ELF\2\1\1", 7) != 0 || (h.type != ET_EXEC && h.type != ET_DYN) || h.machine != EM_RISCV)
        return ERR_NOT_EXECUTABLE;
    if (h.phentsize != ELF_PHDR_BYTES || !h.phnum || h.phnum > ELF_MAX_PHDRS || h.phoff > INT64_MAX / 2)
        return ERR_NOT_EXECUTABLE;
    *out = (struct elf_header){ .dynamic = h.type == ET_DYN, .entry = h.entry, .phoff = h.phoff, .nr_phdrs = h.phnum };
    return ERR_OK;
}

static uint8_t prot_of(uint32_t flags)
{
    return (flags & PF_R ? VM_READ : 0) | (flags & PF_W ? VM_READ | VM_WRITE : 0) | (flags & PF_X ? VM_EXEC : 0);
}

static error_t add_load(struct elf_plan *plan, const struct phdr *p)
{
    if (!p->memsz)
        return p->filesz ? ERR_NOT_EXECUTABLE : ERR_OK;
    if (p->filesz > p->memsz || p->memsz > GUEST_TOP || p->vaddr > GUEST_TOP - p->memsz ||
        p->offset > INT64_MAX / 2 || (p->filesz && (p->vaddr - p->offset) % PAGE_BYTES))
        return ERR_NOT_EXECUTABLE;
    if (plan->nr_loads == ELF_MAX_LOADS)
        return ERR_NOT_EXECUTABLE;
    if (plan->nr_loads && p->vaddr < plan->load[plan->nr_loads - 1].end)
        return ERR_NOT_EXECUTABLE;      /* not ascending, or overlapping */
    struct elf_load *l = &plan->load[plan->nr_loads++];
    *l = (struct elf_load){
        .vaddr = down(p->vaddr),
        .file_offset = down(p->offset),
        .file_bytes = p->filesz ? p->filesz + p->vaddr % PAGE_BYTES : 0,
        .zero_at = p->vaddr + p->filesz,
        .end = p->vaddr + p->memsz,
        .prot = prot_of(p->flags),
    };
    if (plan->nr_loads == 1)
        plan->low = l->vaddr;
    plan->high = up(l->end);
    if ((p->flags & PF_X) && !plan->code_end) {
        plan->code_start = p->vaddr;
        plan->code_end = p->vaddr + p->filesz;
    }
    return ERR_OK;
}

error_t elf_make_plan(const struct elf_header *h, const uint8_t *phdrs, struct elf_plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    for (uint32_t i = 0; i < h->nr_phdrs; i++) {
        struct phdr p;
        memcpy(&p, phdrs + i * ELF_PHDR_BYTES, sizeof(p));
        switch (p.type) {
        case PT_LOAD: {
            error_t e = add_load(plan, &p);
            if (e)
                return e;
            /* Where the headers themselves will be, if a load brings them. */
            if (p.filesz && h->phoff >= p.offset &&
                h->phoff + h->nr_phdrs * ELF_PHDR_BYTES <= p.offset + p.filesz && !plan->phdr_vaddr)
                plan->phdr_vaddr = p.vaddr + (h->phoff - p.offset);
            break;
        }
        case PT_INTERP:
            if (plan->interp_bytes)
                break;
            if (p.filesz < 2 || p.filesz > 4096 || p.offset > INT64_MAX / 2)
                return ERR_NOT_EXECUTABLE;
            plan->interp_offset = p.offset;
            plan->interp_bytes = p.filesz;
            break;
        case PT_GNU_STACK:
            plan->executable_stack = p.flags & PF_X;
            break;
        default:
            break;
        }
    }
    if (!plan->nr_loads)
        return ERR_NOT_EXECUTABLE;
    if (!h->dynamic && plan->low < 0x10000)
        return ERR_NOT_EXECUTABLE;
    if (h->entry >= plan->high || h->entry < plan->low)
        return h->dynamic || h->entry >= GUEST_TOP ? ERR_NOT_EXECUTABLE : ERR_OK;
    return ERR_OK;
}
