/* SPDX-License-Identifier: MIT */
/* Generated from sample.idl by the IDL compiler. Interface sample, version 2. */
#ifndef SAMPLE_TYPES_H
#define SAMPLE_TYPES_H

#include <atoll/types.h>

#define SAMPLE_VERSION 2
#define SAMPLE_LAYOUT_HASH 0xb17cd6988ab082c1ull

#define SAMPLE_MAX_ITEMS 8
/* Negative, and used nowhere. */
#define SAMPLE_NOBODY (-1)
#define SAMPLE_BIG 4294967296ll

/* Ordinals. */
#define SAMPLE_METHOD_SUM 1
#define SAMPLE_METHOD_CALC 2
#define SAMPLE_METHOD_HELLO 3
#define SAMPLE_METHOD_SWAP 4
#define SAMPLE_METHOD_TOTAL 5
#define SAMPLE_METHOD_CHECKSUM 6
#define SAMPLE_METHOD_FILL 7
#define SAMPLE_METHOD_CONVERT 8
#define SAMPLE_METHOD_WIDE 9
#define SAMPLE_METHOD_WAIT 20
#define SAMPLE_METHOD_WAKE 21
#define SAMPLE_METHOD_SLEEP 22
#define SAMPLE_METHOD_READ_LATER 23
#define SAMPLE_METHOD_WRONG 24
#define SAMPLE_METHOD_OPEN 25
#define SAMPLE_METHOD_COPY 30
#define SAMPLE_METHOD_SOON 27
#define SAMPLE_METHOD_READ_SOON 28
#define SAMPLE_METHOD_DRAW 29
#define SAMPLE_METHOD_POST 31
#define SAMPLE_METHOD_LABEL 32
#define SAMPLE_METHOD_NOTE 40
#define SAMPLE_METHOD_STOP 41

/* What to do with a number. */
enum sample_op {
    SAMPLE_OP_ADD = 0,
    SAMPLE_OP_SUB = 1,
    SAMPLE_OP_MUL = 4,
};
static inline bool sample_op_valid(int64_t value)
{
    switch (value) {
    case 0:
    case 1:
    case 4:
        return true;
    default:
        return false;
    }
}

#define SAMPLE_MODE_READ 1u
#define SAMPLE_MODE_WRITE 2u
static inline bool sample_mode_valid(uint64_t value)
{
    return (value & ~0x3ull) == 0;
}

/* Rights of a handle of file. */
#define SAMPLE_FILE_READ 1u
#define SAMPLE_FILE_WRITE 2u

struct sample_point {
    int32_t x;
    int32_t y;
};
_Static_assert(sizeof(struct sample_point) == 8, "wire layout");
_Static_assert(offsetof(struct sample_point, x) == 0, "wire layout");
_Static_assert(offsetof(struct sample_point, y) == 4, "wire layout");

struct sample_shape {
    struct sample_point corner[2];
    uint64_t id;
    uint32_t color;
    uint8_t filled;
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct sample_shape) == 32, "wire layout");
_Static_assert(offsetof(struct sample_shape, corner) == 0, "wire layout");
_Static_assert(offsetof(struct sample_shape, id) == 16, "wire layout");
_Static_assert(offsetof(struct sample_shape, color) == 24, "wire layout");
_Static_assert(offsetof(struct sample_shape, filled) == 28, "wire layout");
_Static_assert(offsetof(struct sample_shape, reserved) == 29, "wire layout");

/* What a drawing is made of. */
enum sample_figure_tag {
    SAMPLE_FIGURE_NOTHING = 0,
    SAMPLE_FIGURE_DOT = 1,
    SAMPLE_FIGURE_COLOR = 2,
    SAMPLE_FIGURE_HOW = 7,
};
struct sample_figure {
    uint8_t tag;
    uint8_t reserved[3];
    union {
        struct sample_point dot;
        uint16_t color[3];
        uint32_t how;
        uint8_t bytes[8];
    };
};
_Static_assert(sizeof(struct sample_figure) == 12, "wire layout");
_Static_assert(offsetof(struct sample_figure, bytes) == 4, "wire layout");
static inline bool sample_figure_valid(const struct sample_figure *variant)
{
    switch ((int64_t)variant->tag) {
    case 0:
    case 1:
    case 2:
    case 7:
        return true;
    default:
        return false;
    }
}

enum sample_word_tag {
    SAMPLE_WORD_NUMBER = 1,
    SAMPLE_WORD_WHOLE = 2,
};
struct sample_word {
    uint32_t tag;
    uint8_t reserved[4];
    union {
        uint64_t number;
        struct sample_shape whole;
        uint8_t bytes[32];
    };
};
_Static_assert(sizeof(struct sample_word) == 40, "wire layout");
_Static_assert(offsetof(struct sample_word, bytes) == 8, "wire layout");
static inline bool sample_word_valid(const struct sample_word *variant)
{
    switch ((int64_t)variant->tag) {
    case 1:
    case 2:
        return true;
    default:
        return false;
    }
}

#endif
