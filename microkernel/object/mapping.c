/* SPDX-License-Identifier: MIT */
/*
 * Mapping records: treap, splitting and merging. See mapping.h for the rules.
 *
 * Trimming a record at its start changes its key in place, which is safe since
 * ranges never overlap and order is kept.
 */
#include "object/mapping.h"

#include "arch/riscv/csr.h"
#include "kernel/assert.h"
#include "kernel/preempt.h"
#include "object/pool.h"
#include "object/segment.h"
#include "object/vspace.h"

#define RECORDS_PER_PAGE \
    ((PAGE_BYTES - sizeof(struct mapping_page)) / sizeof(struct mapping))

#define PAGES_PER_CHECK 64u     /* freed between preemption points             */

_Static_assert(sizeof(struct mapping) == 72, "56 records a page");

struct mapping *mapping_find(struct vspace *vs, uint32_t page)
{
    struct mapping *m = vs->last_mapping;

    if (m && page - m->page < m->count)
        return m;
    for (m = vs->mappings; m; ) {
        if (page < m->page) {
            m = m->left;
        } else if (page - m->page < m->count) {
            vs->last_mapping = m;
            return m;
        } else {
            m = m->right;
        }
    }
    return NULL;
}

struct mapping *mapping_from(struct vspace *vs, uint32_t page)
{
    struct mapping *m = vs->mappings, *best = NULL;

    while (m) {
        if (page < m->page + m->count) {
            best = m;
            m = m->left;
        } else {
            m = m->right;
        }
    }
    return best;
}

/* ---- memory ---- */

error_t mapping_prepare(struct vspace *vs, unsigned n)
{
    paddr_t pa;

    if (vs->nr_free_mappings >= n)
        return 0;
    if (pool_alloc_raw(vs->pool, vs->account, &pa))
        return ERR_NO_MEMORY;
    struct mapping_page *page = phys_to_kva(pa);
    page->vspace = vs;
    page->next = vs->mapping_pages;
    vs->mapping_pages = page;
    for (unsigned i = 0; i < RECORDS_PER_PAGE; i++) {
        page->record[i].left = vs->free_mappings;
        vs->free_mappings = &page->record[i];
    }
    vs->nr_free_mappings += RECORDS_PER_PAGE;
    return 0;
}

static struct mapping *record_take(struct vspace *vs)
{
    struct mapping *m = vs->free_mappings;

    kassert(m != NULL);
    vs->free_mappings = m->left;
    vs->nr_free_mappings--;
    return m;
}

static void record_give(struct vspace *vs, struct mapping *m)
{
    if (vs->last_mapping == m)
        vs->last_mapping = NULL;
    m->segment = NULL;
    m->left = vs->free_mappings;
    vs->free_mappings = m;
    vs->nr_free_mappings++;
}

error_t mapping_release_pages(struct vspace *vs)
{
    kassert(vs->mappings == NULL);
    vs->free_mappings = NULL;
    vs->last_mapping = NULL;
    vs->nr_free_mappings = 0;
    for (unsigned n = 1; vs->mapping_pages; n++) {
        struct mapping_page *page = vs->mapping_pages;

        vs->mapping_pages = page->next;
        pool_free_page(vs->pool, vs->account, kva_to_phys(page));
        if (n % PAGES_PER_CHECK == 0 && preempt_pending())
            return K_PREEMPTED;
    }
    return 0;
}

/* ---- treap ---- */

static uint32_t next_priority(struct vspace *vs)
{
    uint32_t x = (vs->random ^ (uint32_t)read_time()) | 1;  /* for xorshift32: not 0, and not known */

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    vs->random = x;
    return x;
}

static void treap_insert(struct vspace *vs, struct mapping *m)
{
    struct mapping **link = &vs->mappings, **l = &m->left, **r = &m->right, *t;

    m->priority = next_priority(vs);
    while (*link && (*link)->priority >= m->priority)
        link = m->page < (*link)->page ? &(*link)->left : &(*link)->right;
    for (t = *link; t; ) {      /* what was here splits around the new one */
        if (t->page < m->page) {
            *l = t;
            l = &t->right;
            t = t->right;
        } else {
            *r = t;
            r = &t->left;
            t = t->left;
        }
    }
    *l = *r = NULL;
    *link = m;
}

static void treap_remove(struct vspace *vs, struct mapping *m)
{
    struct mapping **link = &vs->mappings, *a, *b;

    while (*link != m)
        link = m->page < (*link)->page ? &(*link)->left : &(*link)->right;
    a = m->left;
    b = m->right;
    while (a && b) {
        if (a->priority >= b->priority) {
            *link = a;
            link = &a->right;
            a = a->right;
        } else {
            *link = b;
            link = &b->left;
            b = b->left;
        }
    }
    *link = a ? a : b;
}

/* ---- the Segment's list ---- */

/* A record that still has to be visited goes to the head, others to the tail. */
static void segment_link(struct mapping *m, bool to_visit)
{
    struct segment *seg = m->segment;

    /* NOLINTBEGIN(clang-analyzer-core.NullDereference): callers looked, and hold its lock */
    m->next = to_visit ? seg->head : NULL;
    m->prev = to_visit ? NULL : seg->tail;
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    *(m->prev ? &m->prev->next : &seg->head) = m;
    *(m->next ? &m->next->prev : &seg->tail) = m;
    seg->nr_mappings++;
}

static void list_remove(struct mapping *m)
{
    struct segment *seg = m->segment;

    *(m->prev ? &m->prev->next : &seg->head) = m->next;
    *(m->next ? &m->next->prev : &seg->tail) = m->prev;
    seg->nr_mappings--;
}

static void segment_unlink(struct mapping *m)
{
    spin_lock(&m->segment->lock);
    list_remove(m);
    spin_unlock(&m->segment->lock);
}

void mapping_visited(struct mapping *m)
{
    struct segment *seg = m->segment;

    spin_lock(&seg->lock);
    m->visit = seg->visit;
    m->visited = 0;
    list_remove(m);
    segment_link(m, false);
    spin_unlock(&seg->lock);
}

/* Its range changed: a visit must look at it again, or from its start. */
static void visit_again(struct mapping *m, bool whole)
{
    if (!m->segment)
        return;
    spin_lock(&m->segment->lock);
    m->visited = 0;
    if (whole && m->visit == m->segment->visit) {
        list_remove(m);
        m->visit = m->segment->visit - 1;
        segment_link(m, true);
    }
    spin_unlock(&m->segment->lock);
}

/* ---- insert, remove ---- */

static bool continues(const struct mapping *m, uint32_t page, const struct segment *seg,
                      uint32_t first, uint32_t flags)
{
    return m && m->page + m->count == page && m->segment == seg &&
           m->flags == flags && (!seg || m->first + m->count == first);
}

void mapping_insert(struct vspace *vs, uint32_t page, uint32_t count,
                    struct segment *seg, uint32_t first, uint32_t flags,
                    bool fresh)
{
    struct mapping *m = page ? mapping_find(vs, page - 1) : NULL;

    if (continues(m, page, seg, first, flags)) {
        m->count += count;
        if (!fresh)
            visit_again(m, true);
        return;
    }
    m = record_take(vs);
    *m = (struct mapping){ .page = page, .count = count, .first = first,
                           .flags = flags, .segment = seg };
    if (seg) {
        spin_lock(&seg->lock);
        if (fresh && seg->dead) {   /* deleted while we were on the way */
            m->segment = NULL;
        } else {
            m->visit = fresh ? seg->visit : seg->visit - 1;
            segment_link(m, !fresh);
        }
        spin_unlock(&seg->lock);
    }
    treap_insert(vs, m);
    vs->last_mapping = m;
}

/* Cut a record in two at `page`, strictly inside it. */
static void split(struct vspace *vs, struct mapping *m, uint32_t page)
{
    struct mapping *tail = record_take(vs);
    uint32_t head_count = page - m->page;

    *tail = (struct mapping){ .page = page, .count = m->count - head_count,
                              .first = m->first + head_count, .flags = m->flags,
                              .segment = m->segment };
    m->count = head_count;
    if (m->segment) {
        spin_lock(&m->segment->lock);
        m->visited = 0;
        tail->visit = m->visit;
        segment_link(tail, m->visit != m->segment->visit);
        spin_unlock(&m->segment->lock);
    }
    treap_insert(vs, tail);
}

void mapping_remove(struct vspace *vs, uint32_t page, uint32_t count)
{
    uint32_t end = page + count;
    struct mapping *m;

    while ((m = mapping_from(vs, page)) && m->page < end) {
        uint32_t m_end = m->page + m->count;

        if (m->page < page) {
            if (m_end > end)
                split(vs, m, end);
            m->count = page - m->page;
        } else if (m_end > end) {
            uint32_t cut = end - m->page;

            m->page += cut;
            m->first += cut;
            m->count -= cut;
            visit_again(m, false);
        } else {
            if (m->segment)
                segment_unlink(m);
            treap_remove(vs, m);
            record_give(vs, m);
        }
    }
}
