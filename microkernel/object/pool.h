/* SPDX-License-Identifier: MIT */
/*
 * Pool: the frames of user memory, with reference counts and accounts.
 *
 * Life cycle: a Pool is retyped from RAM and manages the pages that follow its
 * own tables. Pages handed out for the first time come from a watermark, later
 * ones from a free list, so that nothing needs to be cleared or linked at init.
 * A Pool that has lost its last capability lives on until no VSpace or Segment
 * uses it (kernel/delete.c).
 *
 * Its tables span a range of physical addresses that may be larger than its
 * own memory. Further ranges inside the span can be added, each from an Untyped;
 * pages of the span that nobody added are just never free, so no path knows of
 * ranges but the one that takes pages from the watermark. An added Untyped has
 * one child, a slot inside the Pool (`given`), which keeps it from being used
 * otherwise: it goes when the Pool goes, and to revoke it takes the Pool down
 * (object/untyped.c).
 *
 * References and charges: each frame has a count, and every reference is
 * charged as one page to some account. A private frame has one reference for
 * each VSpace that maps it; a Segment's frame has one from the Segment. So the
 * sum of all accounts equals the sum of all counts plus
 * the pages that are not counted (page tables, record pages, radix nodes: they
 * have one owner, are charged once, and a page table keeps the number of its
 * entries in use where a frame keeps its count).
 *
 * Lock order: VSpace -> Segment -> cache -> pool. Each hart allocates from a
 * cache of its own under that cache's lock, which another hart takes only when
 * the Pool is otherwise empty. Accounts and counts are changed by atomics.
 */
#ifndef ATOLL_OBJECT_POOL_H
#define ATOLL_OBJECT_POOL_H

#include <atoll/errors.h>
#include <atoll/objects.h>

#include "arch/riscv/layout.h"
#include "kernel/lock.h"
#include "object/cap.h"

struct invoke;

#define POOL_CACHE_PAGES 60
#define POOL_CACHE_BATCH 24     /* moved between a cache and the pool at once  */
#define POOL_MIN_PAGES   16
#define POOL_MAX_ADDED   64     /* Untypeds given to one Pool                  */
#define POOL_NO_LIMIT    UINT32_MAX
#define POOL_SYSTEM_ACCOUNT 0u
#define POOL_DYING       (1u << 31)     /* in nr_users                         */

struct pool_account {
    uint32_t used;              /* pages; atomic                               */
    uint32_t limit;             /* pages; atomic                               */
};

/* Pages that were never handed out. */
struct pool_range {
    uint32_t next, end;         /* page numbers                                */
};

struct pool_cache {
    struct spinlock lock;
    uint32_t count;             /* guarded by lock:                            */
    uint32_t page[POOL_CACHE_PAGES];
} __attribute__((aligned(CACHE_LINE)));

struct pool {
    /* immutable after init: */
    uint64_t base_kva;          /* of page 0, which is never handed out        */
    paddr_t  base;
    uint32_t nr_pages;          /* that the tables span                        */
    uint32_t first;             /* page number of the first allocatable page   */
    uint32_t *refs;             /* per page; atomic                            */

    /* guarded by lock: */
    struct spinlock lock __attribute__((aligned(CACHE_LINE)));
    uint32_t free_head;         /* page number, 0 = none; linked in the pages  */
    uint32_t nr_free;           /* on the list                                 */
    uint32_t nr_fresh;          /* in the ranges                               */
    uint32_t nr_total;          /* pages given to the Pool, without its tables */
    uint32_t reserve;           /* the last pages are for the system's account */
    uint32_t nr_ranges, range;  /* all; the one in use                         */
    struct pool_range ranges[1 + POOL_MAX_ADDED];

    /* atomic: */
    uint32_t nr_users __attribute__((aligned(CACHE_LINE)));
                                /* VSpaces and Segments, POOL_DYING            */

    struct pool_cache caches[MAX_HARTS];
    struct pool_account accounts[POOL_ACCOUNTS];

    /* guarded by the tree lock: the zombie of a Pool that has no capabilities but
     * users; children of the Untypeds that were added */
    struct slot self __attribute__((aligned(CACHE_LINE)));
    struct slot given[POOL_MAX_ADDED] __attribute__((aligned(CACHE_LINE)));
    uint32_t nr_given;
};

/* The pages that the tables of a Pool with such a span take. */
size_t pool_overhead(size_t span_pages);

/* The memory at base need not be cleared. pages >= POOL_MIN_PAGES, and more
 * than the overhead of the span, which contains them all. */
void pool_init(struct pool *pool, paddr_t base, size_t pages, paddr_t span_base,
               size_t span_pages);

/* Do the tables cover these pages? */
bool pool_spans(const struct pool *pool, paddr_t base, size_t pages);

/* Pages inside the span that are in no use. At most POOL_MAX_ADDED times. */
void pool_add_range(struct pool *pool, paddr_t base, size_t pages);

/* A VSpace or Segment begins or ends to use the Pool. False: it is being
 * destroyed. */
bool pool_enter(struct pool *pool);
void pool_leave(struct pool *pool);

/* ERR_BUSY while something uses the Pool, and nothing new can; else its memory
 * may be reused once every hart has left the kernel. */
error_t pool_destroy_step(struct pool *pool);

/* One page, charged to the account, count 1. ERR_NO_MEMORY: account or pool.
 * The page of pool_alloc_raw holds old data and must be overwritten before
 * anyone else can see it. */
error_t pool_alloc_page(struct pool *pool, unsigned account, paddr_t *out);
error_t pool_alloc_raw(struct pool *pool, unsigned account, paddr_t *out);

/* The same two steps without a charge: when one page takes another's place. */
error_t pool_take_raw(struct pool *pool, unsigned account, paddr_t *out);
void pool_put_page(struct pool *pool, paddr_t pa);

/* Give a page back whatever its count is (tables, nodes), and its charge. */
void pool_free_page(struct pool *pool, unsigned account, paddr_t pa);

/* Drop one reference and its charge; the last one frees the page. */
void pool_drop_page(struct pool *pool, unsigned account, paddr_t pa);

/* The same for many page numbers at once. */
void pool_drop_batch(struct pool *pool, unsigned account, const uint32_t *pages,
                     unsigned count);

/* Charge without allocating: for a further reference to a page. */
error_t pool_charge(struct pool *pool, unsigned account, uint32_t pages);
void pool_uncharge(struct pool *pool, unsigned account, uint32_t pages);

/* Pages that an allocation could find now; exact only when nothing runs. */
size_t pool_free_pages(struct pool *pool);

error_t pool_decode(struct invoke *inv);

static inline uint32_t *pool_ref(struct pool *pool, paddr_t pa)
{
    return &pool->refs[(pa - pool->base) >> PAGE_BITS];
}

static inline uint32_t pool_ref_read(struct pool *pool, paddr_t pa)
{
    return __atomic_load_n(pool_ref(pool, pa), __ATOMIC_ACQUIRE);
}

#endif
