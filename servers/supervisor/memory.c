/* SPDX-License-Identifier: MIT */
/*
 * Memory of the root task; see memory.h.
 *
 * The kernel hands out power-of-two untypeds. Objects come from the smallest
 * one that still has room, so that the largest stays whole for the Pool. The
 * kernel takes objects from an untyped in ascending order, each aligned to its
 * size; `used` follows it, which lets a device range in the middle be reached by
 * spending the part before it on untypeds that nobody uses.
 */
#include "memory.h"

#include "main.h"
#include "sys.h"

struct area {
    cptr_t   cap;
    uint64_t paddr, bytes, used;
    bool     device;
};

/* The pool's last pages are for the servers: their stacks, and the sessions and
 * pages of processes that exist already. */
#define RESERVE_FRACTION 16
#define RESERVE_MAX      4096

static struct area areas[BOOT_MAX_UNTYPEDS + 1];
static unsigned nr_areas;
static cptr_t next_slot, end_slot;
static uint64_t ram_bytes;

void mem_init(const struct bootinfo *boot)
{
    nr_areas = boot->nr_untypeds < BOOT_MAX_UNTYPEDS ? (unsigned)boot->nr_untypeds : BOOT_MAX_UNTYPEDS;
    for (unsigned i = 0; i < nr_areas; i++) {
        areas[i] = (struct area){ .cap = CAP_INIT_FIRST_UNTYPED + i, .paddr = boot->untyped[i].paddr,
                                  .bytes = 1ul << boot->untyped[i].size_bits,
                                  .device = boot->untyped[i].device != 0 };
        if (!areas[i].device)
            ram_bytes += areas[i].bytes;
    }
    next_slot = boot->first_free_slot;
    end_slot = 1ul << 14;
}

uint64_t mem_ram_bytes(void)
{
    return ram_bytes;
}

cptr_t mem_slots(unsigned n)
{
    cptr_t slot = next_slot;

    if (end_slot - next_slot < n)
        fail("out of capability slots");
    next_slot += n;
    return slot;
}

cptr_t mem_slot(void)
{
    return mem_slots(1);
}

static uint64_t align_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) & ~(to - 1);
}

static uint64_t object_bytes(enum cap_type type, unsigned size_bits)
{
    /* NOLINTBEGIN(bugprone-branch-clone): sizes that happen to be equal */
    switch (type) {
    case CAP_TYPE_UNTYPED:       return 1ul << size_bits;
    case CAP_TYPE_CNODE:         return 1ul << (SLOT_BITS + size_bits);
    case CAP_TYPE_TCB:           return 1ul << TCB_BITS;
    case CAP_TYPE_SCHED_CONTEXT: return 1ul << SCHED_CONTEXT_BITS;
    case CAP_TYPE_ENDPOINT:      return 1ul << ENDPOINT_BITS;
    case CAP_TYPE_REPLY:         return 1ul << REPLY_BITS;
    case CAP_TYPE_NOTIFICATION:  return 1ul << NOTIFICATION_BITS;
    case CAP_TYPE_VSPACE:        return 1ul << VSPACE_BITS;
    case CAP_TYPE_SEGMENT:       return 1ul << SEGMENT_BITS;
    default:                     fail("no such object type");
    }
    /* NOLINTEND(bugprone-branch-clone) */
}

/* The RAM area with the least room that still fits; NULL when none does. */
static struct area *best_area(uint64_t bytes, uint64_t align)
{
    struct area *best = NULL;

    for (unsigned i = 0; i < nr_areas; i++) {
        struct area *a = &areas[i];
        uint64_t start = align_up(a->used, align);

        if (a->device || start > a->bytes || a->bytes - start < bytes)
            continue;
        if (!best || a->bytes - a->used < best->bytes - best->used)
            best = a;
    }
    return best;
}

static cptr_t retype_from_ram(enum cap_type type, uint64_t size, uint64_t bytes, uint64_t align, uint64_t extra)
{
    cptr_t slot = mem_slot();

    for (;;) {
        struct area *a = best_area(bytes, align);
        error_t error;

        if (!a)
            fail("RAM untypeds are used up (type %u, %lu bytes)", type, bytes);
        error = untyped_retype(a->cap, type, size, slot, 1, extra);
        if (error == 0) {
            a->used = align_up(a->used, align) + bytes;
            return slot;
        }
        if (error != ERR_NO_MEMORY)
            fail("retype to type %u: error %d", type, error);
        a->used = a->bytes;     /* the kernel knows better: full */
    }
}

cptr_t mem_object(enum cap_type type, unsigned size_bits)
{
    uint64_t bytes = object_bytes(type, size_bits);

    return retype_from_ram(type, type == CAP_TYPE_UNTYPED || type == CAP_TYPE_CNODE ? size_bits : 0, bytes, bytes, 0);
}

cptr_t mem_physical(unsigned pages)
{
    uint64_t bytes = pages * PAGE_BYTES;

    return retype_from_ram(CAP_TYPE_SEGMENT, pages, bytes, bytes, 0);
}

cptr_t mem_segment(cptr_t pool, uint64_t pages)
{
    cptr_t cap = retype_from_ram(CAP_TYPE_SEGMENT, 0, 1ul << SEGMENT_BITS, 1ul << SEGMENT_BITS, pool);

    must(sys_invoke(cap, SEGMENT_RESIZE, pages, 0, 0, 0, 0, NULL), "resize a Segment");
    return cap;
}

void mem_reserve(unsigned bits)
{
    cptr_t cap = mem_object(CAP_TYPE_UNTYPED, bits);

    if (nr_areas == BOOT_MAX_UNTYPEDS + 1)
        fail("no room to set memory apart");
    areas[nr_areas++] = (struct area){ .cap = cap, .bytes = 1ul << bits };
}

/* Pieces below this stay for objects: each costs the Pool one of its 64 places. */
#define POOL_PIECE_BITS 18

static struct area *largest_area(void)
{
    struct area *best = NULL;

    for (unsigned i = 0; i < nr_areas; i++)
        if (!areas[i].device && (!best || areas[i].bytes - areas[i].used > best->bytes - best->used))
            best = &areas[i];
    if (!best || best->used == best->bytes)
        fail("no RAM for the pool");
    return best;
}

static uint64_t pool_add(cptr_t pool, cptr_t untyped, uint64_t bytes)
{
    error_t error = sys_invoke(pool, POOL_ADD_MEMORY, untyped, 0, 0, 0, 0, NULL);

    if (error && error != ERR_NO_MEMORY)
        fail("give memory to the pool: error %d", error);
    return error ? 0 : bytes / PAGE_BYTES;
}

/* The largest naturally aligned piece of an area's rest that wastes little
 * before it; its start, or the area's end when there is none. */
static uint64_t next_piece(const struct area *a, unsigned *bits)
{
    for (*bits = 40; *bits >= POOL_PIECE_BITS; --*bits) {
        uint64_t start = align_up(a->used, 1ul << *bits);

        if (start < a->bytes && a->bytes - start >= 1ul << *bits && start - a->used < 1ul << POOL_PIECE_BITS)
            return start;
    }
    return a->bytes;
}

static uint64_t pool_add_rest(cptr_t pool, struct area *a)
{
    uint64_t pages = 0, start;
    unsigned bits;

    if (a->used == 0 && a->bytes >> POOL_PIECE_BITS) {
        a->used = a->bytes;
        return pool_add(pool, a->cap, a->bytes);
    }
    while ((start = next_piece(a, &bits)) < a->bytes) {
        cptr_t piece = mem_slot();

        if (untyped_retype(a->cap, CAP_TYPE_UNTYPED, bits, piece, 1, 0) != 0)
            break;
        a->used = start + (1ul << bits);
        pages += pool_add(pool, piece, 1ul << bits);
    }
    return pages;
}

uint64_t mem_make_pool(cptr_t *pool)
{
    struct area *home = largest_area();
    uint64_t pages = (home->bytes - align_up(home->used, PAGE_BYTES)) / PAGE_BYTES;
    uint64_t low = ~0ul, high = 0, span, reserve;

    for (unsigned i = 0; i < nr_areas; i++) {
        if (areas[i].device || !areas[i].paddr)
            continue;
        low = areas[i].paddr < low ? areas[i].paddr : low;
        high = areas[i].paddr + areas[i].bytes > high ? areas[i].paddr + areas[i].bytes : high;
    }
    span = low / PAGE_BYTES | (high - low) / PAGE_BYTES << 32;
    *pool = mem_slot();
    must(untyped_retype(home->cap, CAP_TYPE_POOL, pages, *pool, 1, span), "make the pool");
    home->used = home->bytes;
    for (unsigned i = 0; i < nr_areas; i++)
        if (!areas[i].device && areas[i].paddr && areas[i].used < areas[i].bytes)
            pages += pool_add_rest(*pool, &areas[i]);
    reserve = pages / RESERVE_FRACTION < RESERVE_MAX ? pages / RESERVE_FRACTION : RESERVE_MAX;
    must(sys_invoke(*pool, POOL_SET_RESERVE, reserve, 0, 0, 0, 0, NULL), "set the pool's reserve");
    return pages;
}

/* Spend [a->used, to) on untypeds of falling or rising natural size. */
static bool skip_to(struct area *a, uint64_t to)
{
    while (a->used < to) {
        unsigned bits = a->used ? (unsigned)__builtin_ctzl(a->used) : 63;

        while (bits > 0 && 1ul << bits > to - a->used)
            bits--;
        if (bits < PAGE_BITS || untyped_retype(a->cap, CAP_TYPE_UNTYPED, bits, mem_slot(), 1, 0) != 0)
            return false;
        a->used += 1ul << bits;
    }
    return true;
}

cptr_t mem_device(uint64_t paddr, uint64_t bytes)
{
    uint64_t start = paddr & ~(PAGE_BYTES - 1);
    uint64_t length = align_up(paddr + bytes, PAGE_BYTES) - start;

    for (unsigned i = 0; i < nr_areas; i++) {
        struct area *a = &areas[i];
        cptr_t slot;

        if (!a->device || start < a->paddr || start - a->paddr > a->bytes ||
            a->bytes - (start - a->paddr) < length || a->used > start - a->paddr)
            continue;
        if (!skip_to(a, start - a->paddr))
            continue;
        slot = mem_slot();
        if (untyped_retype(a->cap, CAP_TYPE_SEGMENT, length / PAGE_BYTES, slot, 1, 0) != 0)
            return 0;
        a->used += length;
        return slot;
    }
    return 0;
}
