/* SPDX-License-Identifier: MIT */
/* See region.h. */
#include <string.h>
#include "region.h"

void region_init(struct region_list *l)
{
    l->nr = 0;
    l->next_file = 1;
    l->search_from = 0;
    l->hole = 0;
}

uint32_t region_find(const struct region_list *l, uaddr_t at)
{
    uint32_t low = 0, high = l->nr;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (l->r[mid].end > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

const struct region *region_at(const struct region_list *l, uaddr_t at)
{
    uint32_t i = region_find(l, at);
    return i < l->nr && l->r[i].start <= at ? &l->r[i] : NULL;
}

bool region_is_free(const struct region_list *l, uaddr_t start, uaddr_t end)
{
    uint32_t i = region_find(l, start);
    return i == l->nr || l->r[i].start >= end;
}

bool region_is_covered(const struct region_list *l, uaddr_t start, uaddr_t end)
{
    for (uint32_t i = region_find(l, start); start < end; i++) {
        if (i == l->nr || l->r[i].start > start)
            return false;
        start = l->r[i].end;
    }
    return true;
}

/* First fit from the top, from region i downwards; also notes the largest hole. */
static uaddr_t search_down(struct region_list *l, uaddr_t low, uaddr_t high, uint64_t bytes)
{
    uaddr_t top = high;
    uint32_t i = region_find(l, high - 1);
    if (i < l->nr && l->r[i].start < high)
        top = l->r[i].start;
    for (;;) {
        uaddr_t floor = i ? l->r[i - 1].end : low;
        if (floor < low)
            floor = low;
        if (top > floor) {
            if (top - floor >= bytes)
                return top - bytes;
            if (top - floor > l->hole)
                l->hole = top - floor;
        }
        if (!i || l->r[i - 1].start <= low)
            return 0;
        top = l->r[--i].start;
    }
}

uaddr_t region_search(struct region_list *l, uaddr_t low, uaddr_t high, uint64_t bytes)
{
    if (!bytes || high <= low || bytes > high - low)
        return 0;
    uaddr_t from = high;
    if (bytes > l->hole && l->search_from > low && l->search_from < high)
        from = l->search_from;
    else
        l->hole = 0;
    uaddr_t at = search_down(l, low, from, bytes);
    if (!at && from != high) {
        l->hole = 0;
        at = search_down(l, low, high, bytes);
    }
    if (at)
        l->search_from = at;
    return at;
}

bool region_has_room(const struct region_list *l)
{
    return l->nr + 2 <= REGIONS_MAX;
}

static void open_slot(struct region_list *l, uint32_t i)
{
    memmove(&l->r[i + 1], &l->r[i], (l->nr - i) * sizeof(l->r[0]));
    l->nr++;
}

static void close_slots(struct region_list *l, uint32_t first, uint32_t count)
{
    memmove(&l->r[first], &l->r[first + count], (l->nr - first - count) * sizeof(l->r[0]));
    l->nr -= count;
}

/* Do a and b, which follow each other, make one region? */
static bool alike(const struct region *a, const struct region *b)
{
    if (a->end != b->start || a->prot != b->prot || a->kind != b->kind || a->name != b->name ||
        a->flags != b->flags || a->file != b->file)
        return false;
    return a->kind == REGION_ANON || a->kind == REGION_ANON_SHARED || a->offset + (a->end - a->start) == b->offset;
}

static void merge_at(struct region_list *l, uint32_t i)
{
    if (i + 1 < l->nr && alike(&l->r[i], &l->r[i + 1])) {
        l->r[i].end = l->r[i + 1].end;
        close_slots(l, i + 1, 1);
    }
    if (i && i < l->nr && alike(&l->r[i - 1], &l->r[i])) {
        l->r[i - 1].end = l->r[i].end;
        close_slots(l, i, 1);
    }
}

/* Make `at` a boundary. */
static void split_at(struct region_list *l, uaddr_t at)
{
    uint32_t i = region_find(l, at);
    if (i == l->nr || l->r[i].start >= at)
        return;
    open_slot(l, i + 1);
    l->r[i + 1] = l->r[i];
    l->r[i].end = at;
    l->r[i + 1].start = at;
    if (l->r[i].kind == REGION_FILE || l->r[i].kind == REGION_FILE_SHARED)
        l->r[i + 1].offset += at - l->r[i].start;
}

void region_insert(struct region_list *l, const struct region *region)
{
    uint32_t i = region_find(l, region->start);
    /* The frequent case first: an anonymous range below its like. */
    if (i < l->nr && alike(region, &l->r[i]) && region->kind == REGION_ANON && !(i && l->r[i - 1].end == region->start)) {
        l->r[i].start = region->start;
        return;
    }
    open_slot(l, i);
    l->r[i] = *region;
    merge_at(l, i);
}

uint64_t region_remove(struct region_list *l, uaddr_t start, uaddr_t end)
{
    uint32_t first = region_find(l, start);
    if (first == l->nr || l->r[first].start >= end)
        return 0;
    uint64_t bytes = 0;
    /* A hole opens: searches must see it again. */
    if (end > l->search_from)
        l->search_from = end;
    struct region *r = &l->r[first];
    if (r->start == start && r->end > end && r->kind == REGION_ANON) {
        r->start = end;
        return end - start;
    }
    split_at(l, start);
    split_at(l, end);
    first = region_find(l, start);
    uint32_t last = first;
    while (last < l->nr && l->r[last].end <= end) {
        bytes += l->r[last].end - l->r[last].start;
        last++;
    }
    close_slots(l, first, last - first);
    return bytes;
}

void region_protect(struct region_list *l, uaddr_t start, uaddr_t end, uint8_t prot)
{
    split_at(l, start);
    split_at(l, end);
    uint32_t i = region_find(l, start);
    uint32_t last = i;
    for (; last < l->nr && l->r[last].end <= end; last++)
        l->r[last].prot = prot;
    while (last-- > i)
        merge_at(l, last);
    merge_at(l, i);
}

void region_set_flags(struct region_list *l, uaddr_t start, uaddr_t end, uint8_t set, uint8_t clear)
{
    split_at(l, start);
    split_at(l, end);
    uint32_t i = region_find(l, start);
    uint32_t last = i;
    for (; last < l->nr && l->r[last].end <= end; last++)
        l->r[last].flags = (uint8_t)((l->r[last].flags & ~clear) | set);
    while (last-- > i)
        merge_at(l, last);
    merge_at(l, i);
}

uint64_t region_total(const struct region_list *l)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < l->nr; i++)
        sum += l->r[i].end - l->r[i].start;
    return sum;
}
