/* SPDX-License-Identifier: MIT */
/*
 * Segment objects: made in batches, recycled for ever. See segments.h.
 *
 * Slots: CNode i of the second level lies in root slot FIRST_CNODE + i, has
 * 2^CNODE_RADIX slots, and is used in pairs: an even slot holds the Segment
 * with all rights, the odd one after it a copy without RIGHT_WRITE, made the
 * first time a file that is open for reading only is mapped shared.
 */
#include "segments.h"

#include <stdlib.h>
#include <string.h>

#include <libipc/syscall.h>
#include <libipc/system.h>

#define FIRST_CNODE  (SRV_CAP_OWN_FREE + 256)
#define NR_CNODES    256u
#define CNODE_RADIX  12u
#define PER_CNODE    (1u << (CNODE_RADIX - 1))
#define REAP_LOOKS   32u            /* orphans looked at in one go              */

static struct segment *free_list, *orphans, *orphans_last;
static uint32_t nr_cnodes, used_in_cnode = PER_CNODE;

static error_t space_error(error_t e)
{
    return e == ERR_NO_MEMORY ? ERR_NO_SPACE : e;
}

/* A new object in the next pair of slots. */
static error_t object_make(struct segment *s)
{
    uint64_t result;
    error_t e;

    if (used_in_cnode == PER_CNODE) {
        if (nr_cnodes == NR_CNODES)
            return ERR_NO_SPACE;
        e = sys_invoke(SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_CNODE, CNODE_RADIX, FIRST_CNODE + nr_cnodes, 1, 0,
                       &result);
        if (e)
            return space_error(e);
        nr_cnodes++;
        used_in_cnode = 0;
    }
    s->cap = CAP_IN(FIRST_CNODE + nr_cnodes - 1, used_in_cnode * 2);
    e = sys_invoke(SRV_CAP_UNTYPED, UNTYPED_RETYPE, CAP_TYPE_SEGMENT, 0, s->cap, 1,
                   SRV_CAP_POOL | (uint64_t)FILES_ACCOUNT << 32, &result);
    if (!e)
        used_in_cnode++;
    return space_error(e);
}

void segments_init(void)
{
    uint64_t total, left, result;

    /* Files alone shall not make it impossible to start a program that removes them. */
    segments_memory(&total, &left);
    sys_invoke(SRV_CAP_POOL, POOL_SET_LIMIT, FILES_ACCOUNT, total - total / 4, 0, 0, 0, &result);
}

error_t seg_new(struct segment **out)
{
    struct segment *s;
    error_t e;

    if (!free_list && orphans)
        segments_reap();
    s = free_list;
    if (s) {
        free_list = s->next;
        *out = s;
        return 0;
    }
    s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_SPACE;
    e = object_make(s);
    if (e) {
        free(s);
        return e;
    }
    *out = s;
    return 0;
}

/* Empty it and put it on the free list. An object that cannot be emptied (which
 * the kernel does not do) is lost rather than reused with content. */
static void recycle(struct segment *s)
{
    if (s->nr_pages && seg_resize(s, 0)) {
        free(s);
        return;
    }
    s->mapped = false;
    s->next = free_list;
    free_list = s;
}

/* True: somebody still maps it, and it went to the end of the list. */
static bool release(struct segment *s)
{
    struct segment_info info = { 0 };

    if (!s->mapped || (!seg_info(s, &info) && info.nr_mappings == 0)) {
        recycle(s);
        return false;
    }
    s->next = NULL;
    if (orphans_last)
        orphans_last->next = s;
    else
        orphans = s;
    orphans_last = s;
    return true;
}

void seg_free(struct segment *s)
{
    (void)release(s);
}

void segments_reap(void)
{
    struct segment_info info;

    for (unsigned i = 0; i < REAP_LOOKS && orphans; i++) {
        struct segment *s = orphans;

        orphans = s->next;
        if (!orphans)
            orphans_last = NULL;
        if (release(s) && seg_info(s, &info))
            break;
    }
}

error_t seg_resize(struct segment *s, uint64_t nr_pages)
{
    uint64_t result;
    error_t e = sys_invoke(s->cap, SEGMENT_RESIZE, nr_pages, 0, 0, 0, 0, &result);

    if (!e)
        s->nr_pages = nr_pages;
    return space_error(e);
}

error_t seg_zero(struct segment *s, uint64_t at, uint64_t bytes)
{
    uint64_t result;

    return bytes ? space_error(sys_invoke(s->cap, SEGMENT_ZERO, at, bytes, 0, 0, 0, &result)) : 0;
}

static error_t copy(struct segment *s, uint64_t at, cptr_t vspace, uint64_t address, uint64_t bytes, uint64_t to_segment,
                    uint64_t *done)
{
    uint64_t moved = 0;
    error_t e = sys_invoke(s->cap, SEGMENT_COPY, at, vspace, address, bytes, to_segment, &moved);

    *done = moved <= bytes ? moved : bytes;
    if (!e && *done < bytes)
        e = to_segment ? ERR_NO_SPACE : ERR_FAULT;
    return space_error(e);
}

error_t seg_read(struct segment *s, uint64_t at, void *to, uint64_t bytes)
{
    uint64_t done;

    return bytes ? copy(s, at, SRV_CAP_VSPACE, (uintptr_t)to, bytes, 0, &done) : 0;
}

error_t seg_write(struct segment *s, uint64_t at, const void *from, uint64_t bytes)
{
    uint64_t done;

    return bytes ? copy(s, at, SRV_CAP_VSPACE, (uintptr_t)from, bytes, 1, &done) : 0;
}

error_t seg_read_client(struct segment *s, uint64_t at, uint32_t client, uint64_t address, uint64_t bytes,
                            uint64_t *done)
{
    error_t e = copy(s, at, CAP_IN(SRV_CAP_CLIENT_VSPACES, client), address, bytes, 0, done);

    return e == ERR_NO_SPACE ? ERR_CLIENT_MEMORY : e;   /* a Segment that is read needs no page */
}

error_t seg_write_client(struct segment *s, uint64_t at, uint32_t client, uint64_t address, uint64_t bytes,
                             uint64_t *done)
{
    return copy(s, at, CAP_IN(SRV_CAP_CLIENT_VSPACES, client), address, bytes, 1, done);
}

error_t seg_info(struct segment *s, struct segment_info *info)
{
    uint64_t result;

    return sys_invoke(s->cap, SEGMENT_INFO, (uintptr_t)info, 0, 0, 0, 0, &result);
}

/* The copy without RIGHT_WRITE, in the slot after the Segment's own. */
static error_t read_only_cap(struct segment *s, cptr_t *cap)
{
    uint64_t cnode = s->cap & 0xfffff, index = (s->cap >> 20) - 1, result;
    error_t e;

    *cap = CAP_IN(cnode, index + 1);
    if (s->has_read_only)
        return 0;
    e = sys_invoke(cnode, CNODE_COPY, index + 1, s->cap, RIGHT_READ | RIGHT_EXEC, 0, 0, &result);
    if (!e)
        s->has_read_only = true;
    return e;
}

error_t seg_map(struct segment *s, uint32_t client, uint64_t address, uint64_t bytes, uint32_t prot,
                    uint64_t first_page, bool may_write)
{
    cptr_t cap = s->cap;
    uint64_t result;
    error_t e;

    if ((prot & VM_SHARED) && !may_write) {
        e = read_only_cap(s, &cap);
        if (e)
            return e;
    }
    e = sys_invoke(CAP_IN(SRV_CAP_CLIENT_VSPACES, client), VSPACE_MAP, address, bytes, prot, cap, first_page, &result);
    if (!e)
        s->mapped = true;
    return e;
}

void segments_memory(uint64_t *total_pages, uint64_t *free_pages)
{
    struct pool_info info = { 0 };
    uint64_t result;

    (void)sys_invoke(SRV_CAP_POOL, POOL_INFO, ~0ul, (uintptr_t)&info, 0, 0, 0, &result);
    *total_pages = info.total_pages;
    *free_pages = info.free_pages;
}

uint64_t segments_charged(uint32_t account)
{
    struct pool_info info = { 0 };
    uint64_t result;

    (void)sys_invoke(SRV_CAP_POOL, POOL_INFO, account, (uintptr_t)&info, 0, 0, 0, &result);
    return info.used_pages;
}

uint64_t segments_available(void)
{
    struct pool_info info = { 0 };
    uint64_t result;

    (void)sys_invoke(SRV_CAP_POOL, POOL_INFO, ~0ul, (uintptr_t)&info, 0, 0, 0, &result);
    return info.free_pages > info.reserve_pages ? info.free_pages - info.reserve_pages : 0;
}
