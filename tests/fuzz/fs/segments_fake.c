/* SPDX-License-Identifier: MIT */
/* See segments_fake.h. */
#include "segments_fake.h"

#include <libipc/syscall.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define MAX_SEGMENTS 65536u
#define MAX_PAGES (1ul << 27)
#define POOL_PAGES 4096u

struct page {
    uint64_t number;
    struct page *next;
    uint8_t bytes[PAGE_BYTES];
};
static struct segment_state { cptr_t cap, read_only; uint64_t nr_pages; struct page *pages; } segments[MAX_SEGMENTS];
static unsigned nr_segments;
static uint64_t nr_free = POOL_PAGES;

static struct segment_state *segment_of(cptr_t cap)
{
    for (unsigned i = nr_segments; i-- > 0;)
        if (segments[i].cap == cap || segments[i].read_only == cap)
            return &segments[i];
    world_fail("a capability that was never made");
}

static struct page *find(struct segment_state *s, uint64_t number)
{
    struct page *p = s->pages;

    while (p != NULL && p->number != number)
        p = p->next;
    return p;
}

/* Pages from `first` up to `end` go. */
static void drop(struct segment_state *s, uint64_t first, uint64_t end)
{
    for (struct page **at = &s->pages; *at != NULL;) {
        struct page *p = *at;

        if (p->number < first || p->number >= end) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free(p);
        nr_free++;
    }
}

static error_t resize(struct segment_state *s, uint64_t nr)
{
    if (nr > MAX_PAGES)
        return ERR_RANGE;
    drop(s, nr, UINT64_MAX);
    s->nr_pages = nr;
    return 0;
}

static error_t zero(struct segment_state *s, uint64_t at, uint64_t bytes)
{
    uint64_t end = at + bytes;

    if (end < at || end > s->nr_pages * PAGE_BYTES)
        return ERR_RANGE;
    for (struct page *p = s->pages; p != NULL; p = p->next) {
        uint64_t base = p->number * PAGE_BYTES, from = at > base ? at : base, to = end < base + PAGE_BYTES ? end : base + PAGE_BYTES;

        if (from < to)
            memset(p->bytes + (from - base), 0, to - from);
    }
    drop(s, (at + PAGE_BYTES - 1) / PAGE_BYTES, end / PAGE_BYTES);
    return 0;
}

static error_t copy_part(struct segment_state *s, uint64_t at, uint8_t *memory, uint64_t bytes, bool in)
{
    struct page *p = find(s, at / PAGE_BYTES);

    if (p == NULL && in) {
        if (nr_free == 0)
            return ERR_NO_MEMORY;
        nr_free--;
        p = calloc(1, sizeof *p);
        p->number = at / PAGE_BYTES;
        p->next = s->pages;
        s->pages = p;
    }
    if (in)
        memcpy(p->bytes + at % PAGE_BYTES, memory, bytes);
    else if (p != NULL)
        memcpy(memory, p->bytes + at % PAGE_BYTES, bytes);
    else
        memset(memory, 0, bytes);
    return 0;
}

static error_t copy(struct segment_state *s, uint64_t at, cptr_t vspace, uint64_t address, uint64_t bytes, bool in, uint64_t *done)
{
    uint64_t size = s->nr_pages * PAGE_BYTES;

    if (at > size)
        return ERR_RANGE;
    bytes = bytes < size - at ? bytes : size - at;
    for (*done = 0; *done < bytes;) {
        uint64_t room = PAGE_BYTES - (at + *done) % PAGE_BYTES, n = room < bytes - *done ? room : bytes - *done, there = n;
        uint8_t *memory = (uint8_t *)(uintptr_t)(address + *done);

        if (vspace != SRV_CAP_VSPACE)
            memory = world_memory(address + *done, &there);
        if (there == 0)
            return ERR_FAULT;
        error_t e = copy_part(s, at + *done, memory, there, in);
        if (e != 0)
            return e;
        *done += there;
        if (there < n)
            return ERR_FAULT;
    }
    return 0;
}

static error_t retype(const uint64_t *a)
{
    if (a[2] != CAP_TYPE_SEGMENT)
        return 0;
    if (nr_segments == MAX_SEGMENTS)
        return ERR_NO_MEMORY;
    segments[nr_segments++].cap = a[4];
    return 0;
}

static error_t on_segment(struct segment_state *s, uint64_t op, const uint64_t *a, uint64_t *result)
{
    switch (op) {
    case SEGMENT_RESIZE: return resize(s, a[2]);
    case SEGMENT_ZERO: return zero(s, a[2], a[3]);
    case SEGMENT_COPY: return copy(s, a[2], a[3], a[4], a[5], a[6] != 0, result);
    default:
        *(struct segment_info *)(uintptr_t)a[2] = (struct segment_info){ .size_pages = s->nr_pages };
        return 0;
    }
}

error_t fake_segments_invoke(uint64_t a[7])
{
    uint64_t op = a[1], result = 0;
    error_t e = 0;

    switch (op) {
    case UNTYPED_RETYPE: e = retype(a); break;
    case CNODE_COPY: segment_of(a[3])->read_only = CAP_IN(a[0], a[2]); break;
    case POOL_INFO:
        *(struct pool_info *)(uintptr_t)a[3] = (struct pool_info){ .total_pages = POOL_PAGES, .free_pages = nr_free };
        break;
    case VSPACE_MAP: (void)segment_of(a[5]); break;
    case VSPACE_RESERVE: case POOL_SET_LIMIT: break;
    case SEGMENT_RESIZE: case SEGMENT_ZERO: case SEGMENT_COPY: case SEGMENT_INFO:
        e = on_segment(segment_of(a[0]), op, a, &result);
        break;
    default: e = ERR_INVALID_CALL; break;       /* the kernel's counters */
    }
    a[1] = result;
    return e;
}
