/* SPDX-License-Identifier: MIT */
/* See census.h. */
#include "census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/mapping.h"
#include "object/vspace_table.h"

#define RECORDS_PER_PAGE 56u

static struct pool *pool;
static uint32_t frame_refs[CENSUS_PAGES];   /* counted from tables             */
static bool table_page[CENSUS_PAGES];
static bool free_page[CENSUS_PAGES];
static uint64_t charged[POOL_ACCOUNTS];
static size_t pages_used, users;

#define REQUIRE(x) do { if (!(x)) { \
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x); abort(); } } while (0)

static unsigned frame_number(paddr_t pa)
{
    uint64_t n = (pa - pool->base) >> PAGE_BITS;

    REQUIRE(pa >= pool->base && n < pool->nr_pages && n < CENSUS_PAGES && n != 0);
    return (unsigned)n;
}

static void count_table(unsigned account, paddr_t pa)
{
    unsigned n = frame_number(pa);

    REQUIRE(!table_page[n] && frame_refs[n] == 0);
    table_page[n] = true;
    charged[account]++;
    pages_used++;
}

static void count_frame(unsigned account, paddr_t pa)
{
    unsigned n = frame_number(pa);

    REQUIRE(!table_page[n]);
    if (frame_refs[n]++ == 0)
        pages_used++;
    charged[account]++;
}

/* The last answer of record_from: the walk asks for ascending pages. */
static struct { struct vspace *vs; uint32_t page; struct mapping *record; } found;

/* The first record that ends beyond a page. The walk calls no function of the kernel:
 * those change caches, and a fuzzer takes calls for coverage. */
static struct mapping *record_from(struct vspace *vs, uint32_t page)
{
    struct mapping *m = vs->mappings, *best = NULL;

    if (found.vs == vs && page >= found.page &&
        (!found.record || page < found.record->page + found.record->count))
        return found.record;
    while (m)
        if (page < m->page + m->count) {
            best = m;
            m = m->left;
        } else {
            m = m->right;
        }
    found.vs = vs;
    found.page = page;
    found.record = best;
    return best;
}

static struct mapping *record_of(struct vspace *vs, uint32_t page)
{
    struct mapping *m = record_from(vs, page);

    return m && m->page <= page ? m : NULL;
}

/* The Segment's entry of a page, or NULL. */
static const uint64_t *entry_of(const struct segment *seg, uint64_t page)
{
    const uint64_t *node = seg->radix;

    if (page < SEGMENT_DIRECT)
        return &seg->direct[page];
    if (!node || page >> (TABLE_BITS * seg->height))
        return NULL;
    for (unsigned h = seg->height; h > 1 && node; h--)
        node = (const uint64_t *)node[page >> (TABLE_BITS * (h - 1)) & (TABLE_ENTRIES - 1)];
    return node ? &node[page & (TABLE_ENTRIES - 1)] : NULL;
}

struct sums { uint64_t private_pages, segment_pages, mapped, tables; };

static void check_present(struct mapping *m, uaddr_t va, pte_t pte)
{
    const uint64_t *entry;
    uint64_t page;

    REQUIRE(m && m->segment);
    REQUIRE((pte & PTE_SEGMENT) && (pte_prot(pte) & ~m->flags & 7) == 0);
    if (m->segment->pending)
        return;                 /* on its way out */
    page = (uint64_t)m->first + (PAGE_OF(va) - m->page);
    REQUIRE(page < m->segment->size_pages);
    REQUIRE(!(pte & PTE_W) || m->flags & MAPPING_SHARED);
    if (!m->segment->pool) {
        REQUIRE(pte_paddr(pte) == m->segment->base + (page << PAGE_BITS));
        return;
    }
    entry = entry_of(m->segment, page);
    REQUIRE(entry && *entry & SEG_PRESENT && (*entry & SEG_PAGE_MASK) == pte_paddr(pte));
    REQUIRE(!(pte & PTE_W) || *entry & SEG_DIRTY);
}

static void check_entry(struct vspace *vs, uaddr_t va, unsigned level, pte_t pte, struct sums *sums)
{
    uint64_t pages = LEVEL_BYTES(level) >> PAGE_BITS;
    struct mapping *m = record_of(vs, PAGE_OF(va));
    bool present = pte & PTE_V;

    if (!pte) {
        REQUIRE(!m || vs->dying || vs->clone_state == CLONE_UNDO);
        return;
    }
    sums->mapped += pages;
    if (m)
        REQUIRE(m->page + m->count >= PAGE_OF(va) + pages);
    if (pte_has_frame(pte)) {
        REQUIRE(level == 0);
        REQUIRE(!(present && (pte & PTE_W)) || pool_ref_read(pool, pte_paddr(pte)) == 1);
        count_frame(vs->account, pte_paddr(pte));
        sums->private_pages++;
    } else if (present) {
        check_present(m, va, pte);
        sums->segment_pages += pages;
    } else if ((pte & PROMISE_KIND_MASK) == PROMISE_RECORD) {
        REQUIRE(m);
    } else {
        REQUIRE((pte & PROMISE_KIND_MASK) == PROMISE_ZERO);
        REQUIRE(!m || !m->segment);
    }
}

static void check_table(struct vspace *vs, pte_t *table, unsigned level, uaddr_t base,
                        struct sums *sums)
{
    unsigned n = level == 2 ? USER_ROOT_ENTRIES : TABLE_ENTRIES, used = 0;

    count_table(vs->account, kva_to_phys(table));
    sums->tables++;
    for (unsigned i = 0; i < n; i++) {
        uaddr_t va = base + (uaddr_t)i * LEVEL_BYTES(level);

        used += table[i] != 0;
        if (level == 1 && table[i])
            REQUIRE(i >= (*table_used(vs, table) & 0xffff) && i <= *table_used(vs, table) >> 16);
        if (level && pte_is_table(table[i])) {
            check_table(vs, pte_table(table[i]), level - 1, va, sums);
        } else if (table[i] || (level == 0 && vs->mappings)) {
            check_entry(vs, va, level, table[i], sums);
        } else if (vs->mappings && !vs->dying && vs->clone_state != CLONE_UNDO) {
            struct mapping *m = record_from(vs, PAGE_OF(va));

            REQUIRE(!m || m->page >= PAGE_OF(va + LEVEL_BYTES(level)));
        }
    }
    if (level == 0)
        REQUIRE(*table_used(vs, table) == used);
}

static unsigned check_treap(struct vspace *vs, struct mapping *m, uint64_t low, uint64_t high)
{
    if (!m)
        return 0;
    REQUIRE(mapping_vspace(m) == vs);
    REQUIRE(m->count && m->page >= low && (uint64_t)m->page + m->count <= high);
    REQUIRE(!m->left || m->left->priority <= m->priority);
    REQUIRE(!m->right || m->right->priority <= m->priority);
    return 1 + check_treap(vs, m->left, low, m->page) +
           check_treap(vs, m->right, (uint64_t)m->page + m->count, high);
}

void census_begin(struct pool *p)
{
    pool = p;
    REQUIRE(pool->nr_pages <= CENSUS_PAGES);
    memset(frame_refs, 0, pool->nr_pages * sizeof(frame_refs[0]));
    memset(table_page, 0, pool->nr_pages);
    memset(free_page, 0, pool->nr_pages);
    memset(charged, 0, sizeof charged);
    pages_used = users = 0;
    found.vs = NULL;
}

void census_space(struct vspace *vs)
{
    struct sums sums = { 0, 0, 0, 0 };
    unsigned records = check_treap(vs, vs->mappings, 0, USER_TOP >> PAGE_BITS), pages = 0;

    REQUIRE(vs->pool == pool && vs->root && vs->lock.word == 0);
    users++;
    check_table(vs, vs->root, 2, 0, &sums);
    REQUIRE(sums.private_pages == vs->private_pages);
    REQUIRE(sums.segment_pages == vs->segment_pages);
    REQUIRE(sums.mapped == vs->mapped_pages);
    REQUIRE(sums.tables == vs->table_pages || vs->dying);
    for (struct mapping_page *p = vs->mapping_pages; p; p = p->next) {
        count_table(vs->account, kva_to_phys(p));
        pages++;
    }
    REQUIRE(records + vs->nr_free_mappings == pages * RECORDS_PER_PAGE);
    if (vs->last_mapping)
        REQUIRE(record_of(vs, vs->last_mapping->page) == vs->last_mapping);
}

static void count_page(struct segment *seg, uint64_t entry, uint64_t *pins)
{
    paddr_t pa = entry & SEG_PAGE_MASK;

    count_frame(seg->account, pa);
    REQUIRE(frame_refs[frame_number(pa)] == 1);
    *pins += (entry & SEG_PIN_MASK) / SEG_PIN_ONE;
}

static void check_node(struct segment *seg, uint64_t *node, unsigned height, uint64_t *resident,
                       uint64_t *pins)
{
    count_table(seg->account, kva_to_phys(node));
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        if (!node[i])
            continue;
        if (height > 1) {
            check_node(seg, (uint64_t *)node[i], height - 1, resident, pins);
        } else {
            ++*resident;
            count_page(seg, node[i], pins);
        }
    }
}

void census_segment(struct segment *seg)
{
    uint64_t resident = 0, records = 0, pins = 0;

    REQUIRE(seg->lock.word == 0);
    found.vs = NULL;
    for (struct mapping *m = seg->head; m; m = m->next) {
        REQUIRE(m->segment == seg && (m->next ? m->next->prev == m : seg->tail == m));
        REQUIRE(record_of(mapping_vspace(m), m->page) == m);
        records++;
    }
    REQUIRE(records == seg->nr_mappings);
    if (!seg->pool)
        return;
    REQUIRE(seg->pool == pool);
    users++;
    for (unsigned i = 0; i < SEGMENT_DIRECT; i++)
        if (seg->direct[i]) {
            resident++;
            count_page(seg, seg->direct[i], &pins);
        }
    if (seg->radix)
        check_node(seg, seg->radix, seg->height, &resident, &pins);
    REQUIRE(resident == seg->resident);
    REQUIRE(pins == seg->nr_pins);
}

static void count_free(uint32_t page)
{
    REQUIRE(page != 0 && page < pool->nr_pages);
    REQUIRE(!free_page[page] && !table_page[page] && !frame_refs[page]);
    free_page[page] = true;
}

/* Every page that was given is in exactly one place. */
static size_t count_free_pages(void)
{
    size_t n = 0, listed = 0, fresh = 0;

    for (uint32_t page = pool->free_head; page != 0; listed++) {
        count_free(page);
        page = *(uint32_t *)(pool->base_kva + (uint64_t)page * PAGE_BYTES);
    }
    REQUIRE(listed == pool->nr_free);
    for (unsigned i = 0; i < pool->nr_ranges; i++)
        for (uint32_t page = pool->ranges[i].next; page < pool->ranges[i].end; page++, fresh++)
            count_free(page);
    REQUIRE(fresh == pool->nr_fresh);
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        REQUIRE(pool->caches[i].count <= POOL_CACHE_PAGES && pool->caches[i].lock.word == 0);
        for (unsigned j = 0; j < pool->caches[i].count; j++)
            count_free(pool->caches[i].page[j]);
        n += pool->caches[i].count;
    }
    return n + listed + fresh;
}

void census_end(void)
{
    REQUIRE(pool->lock.word == 0);
    REQUIRE(count_free_pages() + pages_used == pool->nr_total);
    for (unsigned i = 1; i < pool->nr_pages; i++)
        if (frame_refs[i])
            REQUIRE(pool->refs[i] == frame_refs[i]);
    for (unsigned i = 0; i < POOL_ACCOUNTS; i++) {
        if (pool->accounts[i].used != charged[i])
            fprintf(stderr, "account %u: %u used, %lu found\n", i, pool->accounts[i].used,
                    charged[i]);
        REQUIRE(pool->accounts[i].used == charged[i]);
    }
    REQUIRE((pool->nr_users & ~POOL_DYING) == users);
}

bool census_is_free(uint32_t page)
{
    return free_page[page];
}
