/* SPDX-License-Identifier: MIT */
/* Bitmaps in arrays of 64-bit words. */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)
#define BITMAP_NONE SIZE_MAX

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return (map[bit / 64] >> (bit % 64) & 1) != 0;
}
static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}
static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}
/* First bit >= from that is set (or clear), below `bits`; else BITMAP_NONE. */
static inline size_t bitmap_find(const uint64_t *map, size_t bits, size_t from, bool set)
{
    for (size_t word = from / 64; word * 64 < bits; word++) {
        uint64_t value = set ? map[word] : ~map[word];
        if (word == from / 64)
            value &= UINT64_MAX << (from % 64);
        if (value != 0) {
            size_t bit = word * 64 + (size_t)__builtin_ctzll(value);
            return bit < bits ? bit : BITMAP_NONE;
        }
    }
    return BITMAP_NONE;
}
static inline size_t bitmap_find_set(const uint64_t *map, size_t bits, size_t from)
{
    return bitmap_find(map, bits, from, true);
}
static inline size_t bitmap_find_clear(const uint64_t *map, size_t bits, size_t from)
{
    return bitmap_find(map, bits, from, false);
}
static inline size_t bitmap_count(const uint64_t *map, size_t bits)
{
    size_t nr = 0;
    for (size_t word = 0; word < bits / 64; word++)
        nr += (size_t)__builtin_popcountll(map[word]);
    if (bits % 64 != 0)
        nr += (size_t)__builtin_popcountll(map[bits / 64] & ((1ull << (bits % 64)) - 1));
    return nr;
}

#endif
