/* SPDX-License-Identifier: MIT */
/*
 * Flattened device tree reader; see fdt.h. The structure block is a sequence of
 * big-endian 32-bit tokens: BEGIN_NODE name, PROP length nameoff value,
 * END_NODE, NOP, END, each padded to four bytes.
 */
#include "include/fdt.h"
#include <string.h>

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_NOP = 4, FDT_END = 9 };
#define FDT_MAGIC 0xd00dfeedu

static uint32_t be32(const void *p)
{
    const uint8_t *b = p;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool in_range(uint32_t offset, uint32_t bytes, size_t total)
{
    return offset <= total && bytes <= total - offset;
}

bool fdt_open(struct fdt *fdt, const void *blob, size_t bytes)
{
    const uint8_t *b = blob;
    uint32_t total, structure, structure_bytes, strings, strings_bytes;

    if (bytes < 40 || be32(b) != FDT_MAGIC)
        return false;
    total = be32(b + 4);
    structure = be32(b + 8);
    strings = be32(b + 12);
    strings_bytes = be32(b + 32);
    structure_bytes = be32(b + 36);
    if (total > bytes || be32(b + 24) > 17 || be32(b + 20) < 17)
        return false;
    if ((structure & 3) || !in_range(structure, structure_bytes, total) || !in_range(strings, strings_bytes, total))
        return false;
    fdt->structure = b + structure;
    fdt->structure_bytes = structure_bytes;
    fdt->strings = (const char *)b + strings;
    fdt->strings_bytes = strings_bytes;
    return true;
}

static bool token_at(const struct fdt *fdt, size_t at, uint32_t *token)
{
    if (at > fdt->structure_bytes || fdt->structure_bytes - at < 4)
        return false;
    *token = be32(fdt->structure + at);
    return true;
}

static const char *string_at(const struct fdt *fdt, uint32_t offset)
{
    if (offset >= fdt->strings_bytes)
        return NULL;
    if (!memchr(fdt->strings + offset, 0, fdt->strings_bytes - offset))
        return NULL;
    return fdt->strings + offset;
}

struct fdt_prop {
    const char *name;
    const void *value;
    size_t bytes;
    size_t next;        /* offset behind it */
};

/* The property at `at`, past any NOPs; false when there is none. */
static bool prop_at(const struct fdt *fdt, size_t at, struct fdt_prop *prop)
{
    uint32_t token, bytes;

    while (token_at(fdt, at, &token) && token == FDT_NOP)
        at += 4;
    if (!token_at(fdt, at, &token) || token != FDT_PROP || fdt->structure_bytes - at < 12)
        return false;
    bytes = be32(fdt->structure + at + 4);
    prop->name = string_at(fdt, be32(fdt->structure + at + 8));
    if (!prop->name || bytes > fdt->structure_bytes - at - 12)
        return false;
    prop->value = fdt->structure + at + 12;
    prop->bytes = bytes;
    prop->next = at + 12 + (((size_t)bytes + 3) & ~(size_t)3);
    return true;
}

static void read_cells(const struct fdt *fdt, struct fdt_node *node)
{
    uint32_t value;

    node->address_cells[node->depth] = 2;
    node->size_cells[node->depth] = 1;
    if (fdt_cell(fdt, node, "#address-cells", 0, &value) && value <= 4)
        node->address_cells[node->depth] = (uint8_t)value;
    if (fdt_cell(fdt, node, "#size-cells", 0, &value) && value <= 4)
        node->size_cells[node->depth] = (uint8_t)value;
}

bool fdt_next(const struct fdt *fdt, struct fdt_node *node)
{
    size_t at = node->next;
    struct fdt_prop prop;
    uint32_t token;

    while (token_at(fdt, at, &token)) {
        const char *name = (const char *)fdt->structure + at + 4;
        const char *end;

        switch (token) {
        case FDT_BEGIN_NODE:
            end = memchr(name, 0, fdt->structure_bytes - at - 4);
            if (!end || node->depth >= FDT_MAX_DEPTH)
                return false;
            node->name = name;
            node->depth++;
            node->at = node->next = at + 4 + (((size_t)(end - name) + 4) & ~(size_t)3);
            read_cells(fdt, node);
            return true;
        case FDT_PROP:
            if (!prop_at(fdt, at, &prop))
                return false;
            at = prop.next;
            break;
        case FDT_END_NODE:
            if (node->depth == 0)
                return false;
            node->depth--;
            at += 4;
            break;
        case FDT_NOP:
            at += 4;
            break;
        default:
            return false;
        }
    }
    return false;
}

const void *fdt_property(const struct fdt *fdt, const struct fdt_node *node, const char *name, size_t *len_bytes)
{
    struct fdt_prop prop;

    for (size_t at = node->at; prop_at(fdt, at, &prop); at = prop.next) {
        if (strcmp(prop.name, name) == 0) {
            *len_bytes = prop.bytes;
            return prop.value;
        }
    }
    return NULL;
}

bool fdt_is_compatible(const struct fdt *fdt, const struct fdt_node *node, const char *compatible)
{
    size_t bytes, length = strlen(compatible) + 1;
    const char *list = fdt_property(fdt, node, "compatible", &bytes);

    while (list && bytes) {
        const char *end = memchr(list, 0, bytes);
        size_t step;

        if (!end)
            return false;
        step = (size_t)(end - list) + 1;
        if (step == length && memcmp(list, compatible, length) == 0)
            return true;
        list += step;
        bytes -= step;
    }
    return false;
}

static uint64_t read_number(const uint8_t *p, unsigned cells)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < cells; i++)
        value = value << 32 | be32(p + 4 * i);
    return value;
}

bool fdt_reg(const struct fdt *fdt, const struct fdt_node *node, unsigned index, uint64_t *address, uint64_t *bytes)
{
    unsigned a, s, stride;
    size_t length;
    const uint8_t *reg = fdt_property(fdt, node, "reg", &length);

    if (!reg || node->depth == 0)
        return false;
    a = node->address_cells[node->depth - 1];
    s = node->size_cells[node->depth - 1];
    stride = 4 * (a + s);
    if (stride == 0 || length / stride <= index)
        return false;
    *address = read_number(reg + index * stride, a);
    *bytes = read_number(reg + index * stride + 4 * a, s);
    return true;
}

bool fdt_cell(const struct fdt *fdt, const struct fdt_node *node, const char *name, unsigned index, uint32_t *value)
{
    size_t length;
    const uint8_t *cells = fdt_property(fdt, node, name, &length);

    if (!cells || length / 4 <= index)
        return false;
    *value = be32(cells + 4 * index);
    return true;
}
