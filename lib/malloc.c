/* SPDX-License-Identifier: MIT */
/*
 * The heap: segregated free lists with boundary tags, over one range that is
 * taken from below as needed (its pages appear when touched).
 *
 * A block is a 16-byte header and its payload. The header holds the block's
 * size, the size of the block before it, and flags; free blocks are members of
 * the list of their size class. Classes are two-level (power of two, then eighths,
 * as in TLSF by Masmano, Ripoll, Crespo and Real, 2004), so finding one is two bit
 * scans and every operation O(1). Free neighbours are merged at once, so no two
 * free blocks ever touch.
 *
 * Small blocks that were freed just now are kept as they are, a few of each size,
 * and handed out again without a search: servers make and drop the same records
 * with every request that waits. They go back when memory runs short.
 *
 * Each header carries a check word derived from its address and size: a
 * scribbled header, a wild pointer or a double free ends in a panic at the call
 * that meets it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN       16u
#define MIN_PAYLOAD 16u
#define SECOND_BITS 3u
#define SECOND      (1u << SECOND_BITS)
#define FIRST_MIN   4u              /* payloads below 128 have linear classes    */
#define FIRST       40u
#define GROW_BYTES  65536u
#define MAX_BYTES   (1ul << 40)

struct block {
    uint32_t prev_units;            /* of the block before, 0: first; in ALIGN   */
    uint32_t units;                 /* of this block with its header; in ALIGN   */
    uint32_t used;                  /* 0 free, 1 in use, KEPT                    */
    uint32_t check;
    /* payload; of a free block: */
    struct block *next, *prev;
};
#define HEADER_BYTES 16u
#define KEPT         2u
#define KEPT_UNITS   32u            /* largest that is kept                      */
#define KEPT_EACH    8u
_Static_assert(offsetof(struct block, next) == HEADER_BYTES, "header and payload");

static struct {
    uint8_t *base, *top, *limit;    /* blocks lie in [base, top)                 */
    struct block *last;             /* the block that ends at top                */
    uint64_t first_map;
    uint8_t second_map[FIRST];
    struct block *list[FIRST][SECOND];
    size_t used_bytes;
    uint64_t nr_blocks;
    struct block *kept[KEPT_UNITS + 1];
    uint8_t nr_kept[KEPT_UNITS + 1];
} heap;

void heap_init(void *base, size_t bytes)
{
    memset(&heap, 0, sizeof heap);
    heap.base = heap.top = (uint8_t *)(((uintptr_t)base + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
    heap.limit = (uint8_t *)base + bytes;
}

/* ---- headers ---- */

static uint32_t check_of(const struct block *b)
{
    uint64_t x = (uint64_t)(uintptr_t)b * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(x >> 32) ^ b->units * 2654435761u ^ b->used;
}

static void seal(struct block *b)
{
    b->check = check_of(b);
}

static void verify(const struct block *b, const void *what)
{
    if ((uint8_t *)b < heap.base || (uint8_t *)b >= heap.top || ((uintptr_t)b & (ALIGN - 1)) != 0
        || b->check != check_of(b))
        panic("heap: bad block %p", what);
}

static size_t block_bytes(const struct block *b)
{
    return (size_t)b->units * ALIGN;
}

static struct block *after(const struct block *b)
{
    uint8_t *next = (uint8_t *)(uintptr_t)b + block_bytes(b);
    return next < heap.top ? (struct block *)next : NULL;
}

static struct block *before(const struct block *b)
{
    return b->prev_units != 0 ? (struct block *)((uint8_t *)(uintptr_t)b - (size_t)b->prev_units * ALIGN) : NULL;
}

static void set_units(struct block *b, size_t units)
{
    b->units = (uint32_t)units;
    struct block *next = after(b);
    if (next != NULL)
        next->prev_units = b->units;    /* no part of the check word */
    else
        heap.last = b;
}

static void *payload(struct block *b)
{
    return (uint8_t *)b + HEADER_BYTES;
}

static struct block *block_of(const void *p)
{
    struct block *b = (struct block *)((uintptr_t)p - HEADER_BYTES);
    verify(b, p);
    if (b->used != 1)
        panic("heap: block %p is not in use", p);
    return b;
}

/* ---- free lists ---- */

static void class_of(size_t units, unsigned *first, unsigned *second)
{
    if (units < SECOND) {
        *first = 0;
        *second = (unsigned)units;
        return;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll(units);
    *first = top - SECOND_BITS + 1;
    *second = (unsigned)(units >> (top - SECOND_BITS)) & (SECOND - 1);
}

static void list_insert(struct block *b)
{
    unsigned first, second;

    class_of(b->units, &first, &second);
    b->used = 0;
    b->prev = NULL;
    b->next = heap.list[first][second];
    if (b->next != NULL)
        b->next->prev = b;
    heap.list[first][second] = b;
    heap.second_map[first] |= (uint8_t)(1u << second);
    heap.first_map |= 1ull << first;
    seal(b);
}

static void list_take(struct block *b)
{
    unsigned first, second;

    class_of(b->units, &first, &second);
    if (b->next != NULL)
        b->next->prev = b->prev;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        heap.list[first][second] = b->next;
    if (heap.list[first][second] == NULL) {
        heap.second_map[first] &= (uint8_t)~(1u << second);
        if (heap.second_map[first] == 0)
            heap.first_map &= ~(1ull << first);
    }
}

/* Up to the next class: any member of the result's class has `units`. */
static size_t round_up(size_t units)
{
    if (units < SECOND)
        return units;
    return units + (1ull << (63u - (unsigned)__builtin_clzll(units) - SECOND_BITS)) - 1;
}

/* Some free block of at least `units`, out of its list, or NULL. */
static struct block *find(size_t units)
{
    unsigned first, second;

    class_of(round_up(units), &first, &second);
    unsigned map = heap.second_map[first] & (0xffu << second);
    if (map == 0) {
        uint64_t firsts = first + 1 < 64 ? heap.first_map & (UINT64_MAX << (first + 1)) : 0;
        if (firsts == 0)
            return NULL;
        first = (unsigned)__builtin_ctzll(firsts);
        map = heap.second_map[first];
    }
    struct block *b = heap.list[first][(unsigned)__builtin_ctz(map)];
    verify(b, b);
    list_take(b);
    b->used = 1;        /* so that cutting it does not merge the rest back */
    return b;
}

/* ---- blocks ---- */

/* Merge with free neighbours and put into a list. */
static void give_back(struct block *b)
{
    struct block *next = after(b), *prev = before(b);

    if (next != NULL && !next->used) {
        verify(next, next);
        list_take(next);
        set_units(b, (size_t)b->units + next->units);
    }
    if (prev != NULL && !prev->used) {
        verify(prev, prev);
        list_take(prev);
        set_units(prev, (size_t)prev->units + b->units);
        b = prev;
    }
    list_insert(b);
}

/* Cut what is beyond `units` off a block that is in no list. */
static void cut(struct block *b, size_t units)
{
    if (b->units < units + 2)       /* header and the smallest payload */
        return;
    struct block *rest = (struct block *)((uint8_t *)b + units * ALIGN);
    size_t rest_units = b->units - units;
    b->units = (uint32_t)units;
    rest->prev_units = (uint32_t)units;
    rest->used = 1;
    set_units(rest, rest_units);
    give_back(rest);
}

/* Without memory of its own system to ask (tests): a page fault will do. */
__attribute__((weak)) bool heap_commit(void *from, size_t bytes)
{
    (void)from, (void)bytes;
    return true;
}

/* A block that find(units) finds, if the limit allows. */
static bool grow(size_t units)
{
    size_t bytes = round_up(units) * ALIGN > GROW_BYTES ? round_up(units) * ALIGN : GROW_BYTES;

    if (bytes > (size_t)(heap.limit - heap.top))
        bytes = (size_t)(heap.limit - heap.top) & ~(size_t)(ALIGN - 1);
    if (bytes < units * ALIGN || !heap_commit(heap.top, bytes))
        return false;
    struct block *b = (struct block *)heap.top;
    b->prev_units = heap.last != NULL ? heap.last->units : 0;
    heap.top += bytes;
    b->used = 1;
    set_units(b, bytes / ALIGN);
    give_back(b);
    return true;
}

static size_t units_for(size_t bytes)
{
    if (bytes < MIN_PAYLOAD)
        bytes = MIN_PAYLOAD;
    return (bytes + HEADER_BYTES + ALIGN - 1) / ALIGN;
}

static void mark_used(struct block *b)
{
    b->used = 1;
    seal(b);
    heap.used_bytes += block_bytes(b);
    heap.nr_blocks++;
}

static bool keep(struct block *b)
{
    uint32_t units = b->units;

    if (units > KEPT_UNITS || heap.nr_kept[units] == KEPT_EACH)
        return false;
    b->used = KEPT;
    b->next = heap.kept[units];
    heap.kept[units] = b;
    heap.nr_kept[units]++;
    seal(b);
    return true;
}

static struct block *take_kept(size_t units)
{
    struct block *b = units <= KEPT_UNITS ? heap.kept[units] : NULL;

    if (b != NULL) {
        verify(b, b);
        heap.kept[units] = b->next;
        heap.nr_kept[units]--;
    }
    return b;
}

/* True when there was something. */
static bool give_back_kept(void)
{
    bool any = false;

    for (size_t units = 0; units <= KEPT_UNITS; units++) {
        for (struct block *b; (b = take_kept(units)) != NULL; any = true)
            give_back(b);
    }
    return any;
}

void *malloc(size_t bytes)
{
    if (bytes > MAX_BYTES)
        return NULL;
    size_t units = units_for(bytes);
    struct block *b = take_kept(units);
    if (b == NULL) {
        b = find(units);
        if (b == NULL && (grow(units) || give_back_kept()))
            b = find(units);
        if (b == NULL)
            return NULL;
        cut(b, units);
    }
    mark_used(b);
    return payload(b);
}

void free(void *p)
{
    if (p == NULL)
        return;
    struct block *b = block_of(p);
    heap.used_bytes -= block_bytes(b);
    heap.nr_blocks--;
    if (!keep(b))
        give_back(b);
}

void *calloc(size_t nr, size_t bytes)
{
    size_t all;

    if (__builtin_mul_overflow(nr, bytes, &all))
        return NULL;
    void *p = malloc(all);
    if (p != NULL)
        memset(p, 0, all);
    return p;
}

void *realloc(void *p, size_t bytes)
{
    if (p == NULL)
        return malloc(bytes);
    struct block *b = block_of(p);
    if (bytes > MAX_BYTES)
        return NULL;
    size_t units = units_for(bytes), old = block_bytes(b);
    struct block *next = after(b);

    if (b->units < units && next != NULL && !next->used && (size_t)b->units + next->units >= units) {
        verify(next, next);
        list_take(next);
        set_units(b, (size_t)b->units + next->units);
    }
    if (b->units >= units) {
        cut(b, units);
        seal(b);
        heap.used_bytes += block_bytes(b) - old;
        return p;
    }
    void *copy = malloc(bytes);
    if (copy != NULL) {
        memcpy(copy, p, old - HEADER_BYTES);
        free(p);
    }
    return copy;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    if (alignment <= ALIGN)
        return malloc(bytes);
    if ((alignment & (alignment - 1)) != 0 || bytes > MAX_BYTES || alignment > MAX_BYTES)
        return NULL;
    uint8_t *p = malloc(bytes + alignment + 2 * ALIGN);
    if (p == NULL)
        return NULL;
    uintptr_t aligned = ((uintptr_t)p + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (aligned == (uintptr_t)p)
        return p;
    /* The part before must hold a block of its own. */
    if (aligned - (uintptr_t)p < 2 * ALIGN)
        aligned += alignment;
    struct block *front = block_of(p), *b = (struct block *)(aligned - HEADER_BYTES);
    size_t units = front->units, front_units = (size_t)((uint8_t *)b - (uint8_t *)front) / ALIGN;
    front->units = (uint32_t)front_units;
    b->prev_units = (uint32_t)front_units;
    set_units(b, units - front_units);
    b->used = 1;
    seal(b);
    give_back(front);
    heap.used_bytes -= front_units * ALIGN;
    return (void *)aligned;
}

void heap_check(void)
{
    uint32_t prev_units = 0;
    bool prev_free = false;
    struct block *b = heap.base < heap.top ? (struct block *)heap.base : NULL;
    size_t used = 0;

    for (; b != NULL; b = after(b)) {
        verify(b, b);
        if (b->prev_units != prev_units || b->units < 2 || (prev_free && !b->used)
            || (uint8_t *)b + block_bytes(b) > heap.top)
            panic("heap: chain broken at %p", (void *)b);
        used += b->used == 1 ? block_bytes(b) : 0;
        prev_units = b->units;
        prev_free = !b->used;
    }
    if (used != heap.used_bytes)
        panic("heap: %zu bytes in use, %zu counted", used, heap.used_bytes);
}

void heap_get_stats(struct heap_stats *stats)
{
    size_t grown = (size_t)(heap.top - heap.base);
    *stats = (struct heap_stats){ heap.used_bytes, grown - heap.used_bytes, grown, heap.nr_blocks };
}
