/* SPDX-License-Identifier: MIT */
/*
 * Pool: allocation, reference counts, accounts. See pool.h for the model.
 *
 * A free page is linked by the number of the next one in its first word. That
 * is safe because a page comes here only after the fences that end every
 * translation of it.
 */
#include "object/pool.h"

#include "kernel/assert.h"
#include "kernel/hart.h"
#include "kernel/invoke.h"
#include "kernel/poison.h"
#include "kernel/usercopy.h"
#include "object/tcb.h"
#include "object/untyped.h"

_Static_assert(sizeof(struct pool_account) == 8, "8 KiB of accounts");

static inline uint32_t *page_link(struct pool *pool, uint32_t page)
{
    return (uint32_t *)(pool->base_kva + (uint64_t)page * PAGE_BYTES);
}

static size_t refs_offset(void)
{
    return (sizeof(struct pool) + CACHE_LINE - 1) & ~(CACHE_LINE - 1ul);
}

size_t pool_overhead(size_t span_pages)
{
    /* one more: page number 0 is outside the span unless it is the Pool itself */
    size_t bytes = refs_offset() + (span_pages + 1) * sizeof(uint32_t);

    return (bytes + PAGE_BYTES - 1) >> PAGE_BITS;
}

__attribute__((cold)) void pool_init(struct pool *pool, paddr_t base, size_t pages, paddr_t span_base,
               size_t span_pages)
{
    kassert(pages >= POOL_MIN_PAGES && pages > pool_overhead(span_pages));
    memory_in_use(pool, pool_overhead(span_pages) << PAGE_BITS);
    pages_unused((char *)pool + (pool_overhead(span_pages) << PAGE_BITS),
                 pages - pool_overhead(span_pages));
    *pool = (struct pool){ .base = span_base, .nr_pages = (uint32_t)span_pages, .nr_ranges = 1 };
    if (span_base != base) {            /* a page number of 0 means none */
        pool->base -= PAGE_BYTES;
        pool->nr_pages++;
    }
    uint32_t own = (uint32_t)((base - pool->base) >> PAGE_BITS);
    pool->base_kva = (uint64_t)(uintptr_t)pool - (base - pool->base);
    pool->first = own + (uint32_t)pool_overhead(span_pages);
    pool->refs = (uint32_t *)((char *)pool + refs_offset());
    pool->nr_fresh = pool->nr_total = own + (uint32_t)pages - pool->first;
    pool->ranges[0] = (struct pool_range){ pool->first, own + (uint32_t)pages };
    for (unsigned i = 0; i < POOL_ACCOUNTS; i++)
        pool->accounts[i].limit = POOL_NO_LIMIT;
}

__attribute__((cold)) bool pool_spans(const struct pool *pool, paddr_t base, size_t pages)
{
    uint64_t page = (base - pool->base) >> PAGE_BITS;

    return base > pool->base && page < pool->nr_pages && pages <= pool->nr_pages - page;
}

__attribute__((cold)) void pool_add_range(struct pool *pool, paddr_t base, size_t pages)
{
    uint32_t page = (uint32_t)((base - pool->base) >> PAGE_BITS);

    kassert(pool_spans(pool, base, pages) && pool->nr_ranges <= POOL_MAX_ADDED);
    pages_unused(phys_to_kva(base), pages);
    spin_lock(&pool->lock);
    pool->ranges[pool->nr_ranges++] = (struct pool_range){ page, page + (uint32_t)pages };
    pool->nr_fresh += (uint32_t)pages;
    pool->nr_total += (uint32_t)pages;
    spin_unlock(&pool->lock);
}

bool pool_enter(struct pool *pool)
{
    uint32_t users = __atomic_load_n(&pool->nr_users, __ATOMIC_RELAXED);

    /* Whoever destroys the last user must not see another that fails to begin. */
    do {
        if (users & POOL_DYING)
            return false;
    } while (!__atomic_compare_exchange_n(&pool->nr_users, &users, users + 1, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
}

void pool_leave(struct pool *pool)
{
    __atomic_fetch_sub(&pool->nr_users, 1, __ATOMIC_ACQ_REL);
}

__attribute__((cold)) error_t pool_destroy_step(struct pool *pool)
{
    uint32_t users = __atomic_fetch_or(&pool->nr_users, POOL_DYING, __ATOMIC_ACQ_REL);

    return (users & ~POOL_DYING) ? ERR_BUSY : 0;
}

/* ---- accounts ---- */

error_t pool_charge(struct pool *pool, unsigned account, uint32_t pages)
{
    struct pool_account *a = &pool->accounts[account];
    uint32_t limit = __atomic_load_n(&a->limit, __ATOMIC_RELAXED);
    uint32_t used = __atomic_fetch_add(&a->used, pages, __ATOMIC_RELAXED);

    if (__builtin_expect((uint64_t)used + pages > limit, 0)) {
        __atomic_fetch_sub(&a->used, pages, __ATOMIC_RELAXED);
        return ERR_NO_MEMORY;
    }
    return 0;
}

void pool_uncharge(struct pool *pool, unsigned account, uint32_t pages)
{
    __atomic_fetch_sub(&pool->accounts[account].used, pages, __ATOMIC_RELAXED);
}

/* ---- pages ---- */

/* Up to `want` pages that were never handed out, with the lock held. */
static uint32_t take_fresh(struct pool *pool, uint32_t *out, uint32_t want)
{
    uint32_t got = 0;

    while (got < want && pool->range < pool->nr_ranges) {
        struct pool_range *r = &pool->ranges[pool->range];

        if (r->next == r->end)
            pool->range++;
        else
            out[got++] = r->next++;
    }
    pool->nr_fresh -= got;
    return got;
}

/* With the lock held: how many of `want` pages the account may have. Near the
 * reserve the system gets single pages, so that none of it reaches a cache,
 * where everybody takes. */
static uint32_t may_take(const struct pool *pool, unsigned account, uint32_t want)
{
    uint32_t left = pool->nr_free + pool->nr_fresh;

    if (left >= pool->reserve + want)
        return want;
    if (account == POOL_SYSTEM_ACCOUNT)
        return 1;
    return left > pool->reserve ? left - pool->reserve : 0;
}

/* Up to `want` pages from the shared part. Returns how many. */
static uint32_t take_shared(struct pool *pool, unsigned account, uint32_t *out, uint32_t want)
{
    uint32_t got = 0;

    spin_lock(&pool->lock);
    want = may_take(pool, account, want);
    while (got < want && pool->free_head) {
        out[got++] = pool->free_head;
        pool->free_head = *page_link(pool, pool->free_head);
        pool->nr_free--;
    }
    if (got < want)
        got += take_fresh(pool, out + got, want - got);
    spin_unlock(&pool->lock);
    return got;
}

static void give_shared(struct pool *pool, const uint32_t *pages, uint32_t count)
{
    spin_lock(&pool->lock);
    for (uint32_t i = 0; i < count; i++) {
        *page_link(pool, pages[i]) = pool->free_head;
        pool->free_head = pages[i];
    }
    pool->nr_free += count;
    spin_unlock(&pool->lock);
}

/* The shared part is empty: a page from another hart's cache. 0 = none. */
static __attribute__((cold)) uint32_t steal(struct pool *pool)
{
    uint32_t page = 0;

    for (unsigned i = 0; i < MAX_HARTS && !page; i++) {
        struct pool_cache *cache = &pool->caches[i];

        if (!__atomic_load_n(&cache->count, __ATOMIC_RELAXED))
            continue;
        spin_lock(&cache->lock);
        if (cache->count)
            page = cache->page[--cache->count];
        spin_unlock(&cache->lock);
    }
    return page;
}

/* Fill this hart's empty cache and take one page of it. 0 = none anywhere. */
static __attribute__((noinline)) uint32_t refill(struct pool *pool, unsigned account,
                                                 struct pool_cache *cache)
{
    uint32_t page = 0;

    cache->count = take_shared(pool, account, cache->page, POOL_CACHE_BATCH);
    if (cache->count)
        page = cache->page[--cache->count];
    spin_unlock(&cache->lock);
    return page ? page : steal(pool);
}

error_t pool_take_raw(struct pool *pool, unsigned account, paddr_t *out)
{
    struct pool_cache *cache = &pool->caches[this_hart()->id];
    uint32_t page;

    spin_lock(&cache->lock);
    if (__builtin_expect(cache->count != 0, 1)) {
        page = cache->page[--cache->count];
        spin_unlock(&cache->lock);
    } else {
        page = refill(pool, account, cache);
        if (!page)
            return ERR_NO_MEMORY;
    }
    pool->refs[page] = 1;
    *out = pool->base + ((paddr_t)page << PAGE_BITS);
    memory_in_use(phys_to_kva(*out), PAGE_BYTES);
    return 0;
}

error_t pool_alloc_raw(struct pool *pool, unsigned account, paddr_t *out)
{
    if (pool_charge(pool, account, 1))
        return ERR_NO_MEMORY;
    if (pool_take_raw(pool, account, out)) {
        pool_uncharge(pool, account, 1);
        return ERR_NO_MEMORY;
    }
    return 0;
}

error_t pool_alloc_page(struct pool *pool, unsigned account, paddr_t *out)
{
    error_t err = pool_alloc_raw(pool, account, out);

    if (!err)
        page_clear(phys_to_kva(*out));
    return err;
}

/* With the cache's lock held. */
static inline void release(struct pool *pool, struct pool_cache *cache,
                           uint32_t page)
{
    kassert(page != 0 && page < pool->nr_pages);
    pages_unused(page_link(pool, page), 1);
    if (cache->count == POOL_CACHE_PAGES) {
        cache->count -= POOL_CACHE_BATCH;
        give_shared(pool, cache->page + cache->count, POOL_CACHE_BATCH);
    }
    cache->page[cache->count++] = page;
}

/* True when the last reference is gone. A count of 1 is the caller's alone:
 * nobody can add to it, so no atomic. */
static inline bool unref(struct pool *pool, uint32_t page)
{
    uint32_t *ref = &pool->refs[page];

    if (__atomic_load_n(ref, __ATOMIC_ACQUIRE) != 1 &&
        __atomic_fetch_sub(ref, 1, __ATOMIC_ACQ_REL) != 1)
        return false;
    *ref = 0;
    return true;
}

void pool_put_page(struct pool *pool, paddr_t pa)
{
    struct pool_cache *cache = &pool->caches[this_hart()->id];
    uint32_t page = (uint32_t)((pa - pool->base) >> PAGE_BITS);

    if (!unref(pool, page))
        return;
    spin_lock(&cache->lock);
    release(pool, cache, page);
    spin_unlock(&cache->lock);
}

void pool_free_page(struct pool *pool, unsigned account, paddr_t pa)
{
    *pool_ref(pool, pa) = 1;
    pool_drop_page(pool, account, pa);
}

void pool_drop_page(struct pool *pool, unsigned account, paddr_t pa)
{
    pool_put_page(pool, pa);
    pool_uncharge(pool, account, 1);
}

void pool_drop_batch(struct pool *pool, unsigned account, const uint32_t *pages,
                     unsigned count)
{
    const uint32_t *end = pages + count;

    pool_uncharge(pool, account, count);
    if (count > POOL_CACHE_BATCH) {     /* past the cache */
        uint32_t head, freed = 0;

        spin_lock(&pool->lock);
        head = pool->free_head;
        for (; pages < end; pages++) {
            if (!unref(pool, *pages))
                continue;
            pages_unused(page_link(pool, *pages), 1);
            *page_link(pool, *pages) = head;
            head = *pages;
            freed++;
        }
        pool->free_head = head;
        pool->nr_free += freed;
        spin_unlock(&pool->lock);
        return;
    }
    for (; pages < end; pages++)
        pool_put_page(pool, pool->base + ((paddr_t)*pages << PAGE_BITS));
}

__attribute__((cold)) size_t pool_free_pages(struct pool *pool)
{
    size_t free_pages = 0;

    for (unsigned i = 0; i < MAX_HARTS; i++)
        free_pages += __atomic_load_n(&pool->caches[i].count, __ATOMIC_RELAXED);
    spin_lock(&pool->lock);
    free_pages += pool->nr_free + pool->nr_fresh;
    spin_unlock(&pool->lock);
    return free_pages;
}

/* ---- invocations ---- */

static __attribute__((cold)) error_t decode_set_limit(struct pool *pool, const struct invoke *inv)
{
    uint64_t pages = inv->arg[1];

    if (!(inv->rights & RIGHT_CONTROL))
        return ERR_RIGHTS;
    if (inv->arg[0] >= POOL_ACCOUNTS)
        return ERR_RANGE;
    if (pages > POOL_NO_LIMIT)
        pages = POOL_NO_LIMIT;
    __atomic_store_n(&pool->accounts[inv->arg[0]].limit, (uint32_t)pages,
                     __ATOMIC_RELAXED);
    return 0;
}

static __attribute__((cold)) error_t decode_set_reserve(struct pool *pool, const struct invoke *inv)
{
    if (!(inv->rights & RIGHT_CONTROL))
        return ERR_RIGHTS;
    if (inv->arg[0] > pool->nr_total)
        return ERR_RANGE;
    spin_lock(&pool->lock);
    pool->reserve = (uint32_t)inv->arg[0];
    spin_unlock(&pool->lock);
    return 0;
}

static __attribute__((cold)) error_t decode_info(struct pool *pool, const struct invoke *inv)
{
    struct pool_info info = {
        .total_pages = pool->nr_total,
        .free_pages = pool_free_pages(pool),
        .reserve_pages = pool->reserve,
    };

    info.used_pages = info.total_pages - info.free_pages;
    info.limit_pages = info.total_pages;
    if (inv->arg[0] != ~0ul) {
        if (inv->arg[0] >= POOL_ACCOUNTS)
            return ERR_RANGE;
        struct pool_account *a = &pool->accounts[inv->arg[0]];
        info.used_pages = __atomic_load_n(&a->used, __ATOMIC_RELAXED);
        info.limit_pages = __atomic_load_n(&a->limit, __ATOMIC_RELAXED);
        if (info.limit_pages == POOL_NO_LIMIT)
            info.limit_pages = UINT64_MAX;
    }
    return copy_to_user(inv->caller->vspace, inv->arg[1], &info, sizeof info);
}

__attribute__((cold)) error_t pool_decode(struct invoke *inv)
{
    switch (inv->op) {
    case POOL_SET_LIMIT: return decode_set_limit(inv->object, inv);
    case POOL_INFO:      return decode_info(inv->object, inv);
    case POOL_ADD_MEMORY:
        return inv->rights & RIGHT_CONTROL ? untyped_add_to_pool(inv) : ERR_RIGHTS;
    case POOL_SET_RESERVE: return decode_set_reserve(inv->object, inv);
    default:             return ERR_INVALID_CALL;
    }
}
