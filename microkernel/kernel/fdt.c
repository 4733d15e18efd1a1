/* SPDX-License-Identifier: MIT */
/*
 * One pass over the structure block. A small stack keeps, per depth, the
 * node's own address and size cells (for its children) and what has been
 * gathered about the node so far; a node is judged when it ends, because its
 * properties come in any order.
 */
#include "kernel/fdt.h"

#include "kernel/string.h"

#define FDT_MAGIC      0xd00dfeed
#define TOKEN_BEGIN    1
#define TOKEN_END      2
#define TOKEN_PROP     3
#define TOKEN_NOP      4
#define MAX_DEPTH      12

struct bytes { const uint8_t *p; uint32_t len; };

struct node {
    const char *name;
    uint32_t child_intc;        /* of a cpu: phandle of its intc child          */
    /* the properties; p: NULL if it has none of that name                      */
    struct bytes address_cells, size_cells, phandle, intc, reg, compatible, isa, isa_list, status;
    struct bytes device_type, mmu, irqs_ext, ndev, timebase, bootargs, initrd_start, initrd_end;
};

static __attribute__((noinline)) uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be_cells(const uint8_t *p, unsigned cells)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < cells; i++)
        v = v << 32 | be32(p + 4 * i);
    return v;
}

/* A property of one or two cells, or what it is without. */
static uint64_t number(struct bytes v, uint64_t otherwise)
{
    return v.len == 4 || v.len == 8 ? be_cells(v.p, v.len / 4) : otherwise;
}

static bool has_string(struct bytes list, const char *want)
{
    size_t n = strlen(want) + 1;
    for (uint32_t at = 0; at < list.len;) {
        const char *s = (const char *)list.p + at;
        if (at + n <= list.len && memcmp(s, want, n) == 0)
            return true;
        while (at < list.len && list.p[at] != '\0')
            at++;
        at++;
    }
    return false;
}

static bool same(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX) == 0; }

/* Is `want`, "_sstc", one of the extensions of an isa string, "rv64imac_zicsr_sstc"? */
static bool isa_has(struct bytes isa, const char *want)
{
    size_t n = strlen(want);
    for (uint32_t at = 0; at + n <= isa.len; at++)
        if (memcmp(isa.p + at, want, n) == 0 &&
            (at + n == isa.len || isa.p[at + n] == '_' || isa.p[at + n] == '\0'))
            return true;
    return false;
}

static bool reg_entry(const struct node *n, const struct node *parent, unsigned index,
                      struct fdt_range *out)
{
    uint64_t a = number(parent->address_cells, 2), s = number(parent->size_cells, 1);
    uint64_t at = index * 4 * (a + s);

    if (a > 2 || s > 2 || at + 4 * (a + s) > n->reg.len)
        return false;
    out->base = be_cells(n->reg.p + at, (unsigned)a);
    out->bytes = be_cells(n->reg.p + at + 4 * a, (unsigned)s);
    return true;
}

static void add_ranges(const struct node *n, const struct node *parent,
                       struct fdt_range *list, unsigned *count)
{
    struct fdt_range r;
    for (unsigned i = 0; *count < FDT_MAX_RANGES && reg_entry(n, parent, i, &r); i++)
        if (r.bytes != 0)
            list[(*count)++] = r;
}

static void judge_cpu(const struct node *n, const struct node *parent, struct fdt_facts *f)
{
    struct fdt_hart *h = &f->hart[f->nr_harts];
    uint64_t cells = number(parent->address_cells, 2);

    if (f->nr_harts == FDT_MAX_HARTS || n->mmu.len == 0 || has_string(n->mmu, "riscv,none"))
        return;
    if (n->status.len != 0 && !has_string(n->status, "okay") && !has_string(n->status, "ok"))
        return;
    if (cells == 0 || cells > 2 || n->reg.len < 4 * cells)
        return;
    uint32_t id = (uint32_t)be_cells(n->reg.p, (unsigned)cells);
    for (; h > f->hart && h[-1].mhartid > id; h--)
        *h = h[-1];
    h->mhartid = id;
    h->intc_phandle = n->child_intc;
    h->sstc = isa_has(n->isa, "_sstc") || has_string(n->isa_list, "sstc");
    f->nr_harts++;
}

static void judge_plic(const struct node *n, const struct node *parent, struct fdt_facts *f)
{
    if (!reg_entry(n, parent, 0, &f->plic))
        return;
    f->plic_sources = (uint32_t)number(n->ndev, 0);
    for (uint32_t at = 0; at + 8 <= n->irqs_ext.len && f->nr_plic_contexts < FDT_MAX_HARTS * 2;
         at += 8) {
        f->plic_contexts[f->nr_plic_contexts][0] = be32(n->irqs_ext.p + at);
        f->plic_contexts[f->nr_plic_contexts][1] = be32(n->irqs_ext.p + at + 4);
        f->nr_plic_contexts++;
    }
}

static void judge(struct node *stack, unsigned depth, struct fdt_facts *f)
{
    struct node *n = &stack[depth], *parent = &stack[depth - 1];

    if (n->intc.p != NULL && has_string(parent->device_type, "cpu"))
        parent->child_intc = (uint32_t)number(n->phandle, 0);
    f->timebase_hz = number(n->timebase, f->timebase_hz);
    if (same(n->name, "chosen")) {
        uint32_t bytes = n->bootargs.len;
        memcpy(f->bootargs, n->bootargs.p, bytes < sizeof(f->bootargs) ? bytes : sizeof(f->bootargs) - 1);
        f->initrd_start = number(n->initrd_start, 0);
        f->initrd_end = number(n->initrd_end, 0);
    }
    if (has_string(n->device_type, "cpu"))
        judge_cpu(n, parent, f);
    else if (has_string(n->device_type, "memory"))
        add_ranges(n, parent, f->memory, &f->nr_memory);
    else if (depth == 3 && same(parent->name, "reserved-memory"))
        add_ranges(n, parent, f->reserved, &f->nr_reserved);
    else if (has_string(n->compatible, "sifive,plic-1.0.0") || has_string(n->compatible, "riscv,plic0"))
        judge_plic(n, parent, f);
    else if (has_string(n->compatible, "riscv,clint0") || has_string(n->compatible, "sifive,clint0"))
        reg_entry(n, parent, 0, &f->clint);
    else if (has_string(n->compatible, "sifive,test0") || has_string(n->compatible, "sifive,test1"))
        reg_entry(n, parent, 0, &f->finisher);
}

static void read_property(struct node *n, const char *name, struct bytes v)
{
    static const struct { const char *name; size_t at; } known[] = {
        { "#address-cells", offsetof(struct node, address_cells) },
        { "#size-cells", offsetof(struct node, size_cells) },
        { "phandle", offsetof(struct node, phandle) },
        { "interrupt-controller", offsetof(struct node, intc) },
        { "reg", offsetof(struct node, reg) },
        { "compatible", offsetof(struct node, compatible) },
        { "riscv,isa", offsetof(struct node, isa) },
        { "riscv,isa-extensions", offsetof(struct node, isa_list) },
        { "status", offsetof(struct node, status) },
        { "device_type", offsetof(struct node, device_type) },
        { "mmu-type", offsetof(struct node, mmu) },
        { "interrupts-extended", offsetof(struct node, irqs_ext) },
        { "riscv,ndev", offsetof(struct node, ndev) },
        { "timebase-frequency", offsetof(struct node, timebase) },
        { "bootargs", offsetof(struct node, bootargs) },
        { "linux,initrd-start", offsetof(struct node, initrd_start) },
        { "linux,initrd-end", offsetof(struct node, initrd_end) },
    };
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (same(name, known[i].name))
            *(struct bytes *)((char *)n + known[i].at) = v;
}

bool fdt_read(const void *blob, struct fdt_facts *f)
{
    const uint8_t *b = blob;
    struct node stack[MAX_DEPTH];
    unsigned depth = 0;     /* of the open node; stack[0] is above the root    */

    memset(f, 0, sizeof(*f));
    memset(stack, 0, sizeof(stack));
    stack[0].name = "";
    if (be32(b) != FDT_MAGIC)
        return false;
    uint32_t total = be32(b + 4), structs = be32(b + 8), strings = be32(b + 12);
    f->total_bytes = total;
    for (uint32_t at = structs; at + 4 <= total;) {
        uint32_t token = be32(b + at);
        at += 4;
        if (token == TOKEN_BEGIN) {
            if (++depth >= MAX_DEPTH)
                return false;
            memset(&stack[depth], 0, sizeof(stack[depth]));
            stack[depth].name = (const char *)b + at;
            at = (at + (uint32_t)strlen(stack[depth].name) + 1 + 3) & ~3u;
        } else if (token == TOKEN_END) {
            if (depth == 0)
                return false;
            judge(stack, depth, f);
            depth--;
        } else if (token == TOKEN_PROP) {
            if (at + 8 > total || be32(b + at) > total - at - 8 || depth == 0)
                return false;
            struct bytes v = { b + at + 8, be32(b + at) };
            read_property(&stack[depth], (const char *)b + strings + be32(b + at + 4), v);
            at = (at + 8 + v.len + 3) & ~3u;
        } else if (token != TOKEN_NOP) {
            break;
        }
    }
    return depth == 0 && f->nr_memory > 0 && f->nr_harts > 0;
}
