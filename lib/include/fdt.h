/* SPDX-License-Identifier: MIT */
/*
 * Reading a flattened device tree (Devicetree Specification 0.4, chapter 5).
 *
 * The blob is data from outside: every offset is checked against its length,
 * and a damaged blob ends an iteration early, never with an access outside.
 * Nothing is copied; names and properties point into the blob, which must stay.
 */
#ifndef LIB_FDT_H
#define LIB_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_MAX_DEPTH 12

struct fdt {
    const uint8_t *structure;   /* structure block                              */
    size_t structure_bytes;
    const char *strings;
    size_t strings_bytes;
};

/* A place in the tree. Zero it to start; fdt_next moves it to the next node in
 * depth-first order. */
struct fdt_node {
    const char *name;           /* "" for the root                              */
    uint32_t depth;             /* 1 for the root                               */
    size_t   at;                /* offset of the node's first property          */
    size_t   next;              /* where fdt_next goes on                       */
    /* #address-cells and #size-cells that hold for the children of depth i */
    uint8_t  address_cells[FDT_MAX_DEPTH + 1], size_cells[FDT_MAX_DEPTH + 1];
};

/* False: not a device tree, or one of another version. */
bool fdt_open(struct fdt *, const void *blob, size_t bytes);
/* False at the end, or where the blob is damaged. */
bool fdt_next(const struct fdt *, struct fdt_node *);
/* The property's value, *len_bytes long; NULL when the node has none. */
const void *fdt_property(const struct fdt *, const struct fdt_node *, const char *name, size_t *len_bytes);
/* Is `compatible` one of the node's? */
bool fdt_is_compatible(const struct fdt *, const struct fdt_node *, const char *compatible);
/* Pair `index` of the node's "reg". Addresses are taken as physical: buses
 * with a translating "ranges" do not occur on the boards we run on. */
bool fdt_reg(const struct fdt *, const struct fdt_node *, unsigned index, uint64_t *address, uint64_t *bytes);
/* 32-bit cell `index` of a property. */
bool fdt_cell(const struct fdt *, const struct fdt_node *, const char *name, unsigned index, uint32_t *value);

#endif
