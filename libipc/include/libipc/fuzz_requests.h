/* SPDX-License-Identifier: MIT */
/*
 * What generated NAME_fuzz.h says of each method, for programs that make up requests (tests/fuzz/server): which pieces the
 * request has, and where they go.
 */
#ifndef LIBIPC_FUZZ_REQUESTS_H
#define LIBIPC_FUZZ_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

enum fuzz_kind { FUZZ_SCALAR, FUZZ_STRUCT, FUZZ_STRING, FUZZ_ARRAY, FUZZ_LEND_IN, FUZZ_LEND_OUT };

struct fuzz_param {
    const char *name;
    enum fuzz_kind kind;
    bool in_arena;          /* the fixed piece; else in the words               */
    uint16_t offset;        /* of the fixed piece                               */
    uint16_t bytes;         /* of a scalar, a struct, or an array's element     */
    uint64_t limit;         /* bytes, or elements of an array                   */
};

struct fuzz_method {
    const char *name;
    uint16_t ordinal;
    bool is_event;
    uint16_t arena_fixed;   /* bytes of the arena slot before the variable parts */
    uint16_t answer_max;    /* bytes that the answer may put there               */
    uint16_t nr_params;
    const struct fuzz_param *param;
};

#endif
