/* SPDX-License-Identifier: MIT */
/*
 * Segment: invocations. Every argument is checked before anything changes.
 *
 * SEGMENT_COPY holds the VSpace's lock and then the Segment's for each piece, which
 * lies in one page of the Segment, so no page can go away under it.
 */
#include "object/segment.h"

#include "kernel/invoke.h"
#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/cap.h"
#include "object/tcb.h"
#include "object/vspace.h"
#include "object/vspace_table.h"

#define COPY_BYTES_PER_CHECK 8192u
#define COLLECT_MAX 64u

/* What is copied in one hold of the locks: bytes of one page of the Segment, on
 * the other side from one user page or two neighbours. */
struct copy {
    struct segment *seg;
    uint64_t offset;
    unsigned char *user, *next;     /* the second part is at the start of `next` */
    size_t first, rest;
    bool to_segment;
};

static inline void copy_part(bool to_segment, unsigned char *kernel, unsigned char *user, size_t n)
{
    if (!to_segment) {
        unsigned char *from = kernel;

        kernel = user;
        user = from;
    }
    if (n == PAGE_BYTES)
        page_copy(kernel, user);
    else
        bytes_copy(kernel, user, n);
}

/* The Segment's side; both locks held. */
static inline error_t copy_locked(const struct copy *c, struct segment **blocked)
{
    size_t in_page = c->offset & (PAGE_BYTES - 1);
    uint64_t page = c->offset >> PAGE_BITS, *entry;
    unsigned char *kernel;
    paddr_t pa;

    switch (segment_find_page(c->seg, page, &pa, &entry)) {
    case LOOKUP_BEYOND:
        return ERR_RANGE;       /* cut off while we copied */
    case LOOKUP_PENDING:
        *blocked = c->seg;
        return K_PREEMPTED;
    case LOOKUP_ABSENT:
        if (!c->to_segment) {
            bytes_clear(c->user, c->first);
            if (c->rest)
                bytes_clear(c->next, c->rest);
            return 0;
        }
        entry = c->first + c->rest == PAGE_BYTES ? segment_populate_raw(c->seg, page)
                                                 : segment_populate(c->seg, page);
        if (!entry)
            return ERR_NO_MEMORY;
        pa = *entry & SEG_PAGE_MASK;
        break;
    case LOOKUP_OK:
        break;
    }
    if (c->to_segment && entry)
        *entry |= SEG_DIRTY;
    kernel = (unsigned char *)phys_to_kva(pa) + in_page;
    copy_part(c->to_segment, kernel, c->user, c->first);
    if (c->rest)
        copy_part(c->to_segment, kernel + c->first, c->next, c->rest);
    return 0;
}

/*
 * Up to `n` bytes within one page of the Segment. A second user page that cannot
 * be had now is left for the next call: what is wrong with it is told then. Both
 * user pages are resolved before the Segment is locked, since that may lock it.
 */
static error_t copy_piece(struct copy *c, struct vspace *vs, uaddr_t va, size_t n, size_t *moved)
{
    unsigned access = c->to_segment ? VM_READ : VM_WRITE;
    size_t in_page = va & (PAGE_BYTES - 1), room = PAGE_BYTES - in_page;

    for (;;) {
        enum fault_result why = FAULT_RESOLVED, why_next;
        struct segment *blocked = NULL, *blocked_next;
        error_t err = K_PREEMPTED;      /* a page is to be waited for, or not there */

        spin_lock(&vs->lock);
        c->user = vspace_page(vs, va, access, &why, &blocked);
        if (c->user) {
            c->user += in_page;
            c->first = n;
            c->rest = 0;
            if (n > room) {
                c->first = room;
                c->next = vspace_page(vs, va + room, access, &why_next, &blocked_next);
                if (c->next)
                    c->rest = n - room;
            }
            spin_lock(&c->seg->lock);
            err = copy_locked(c, &blocked);
            spin_unlock(&c->seg->lock);
        }
        spin_unlock(&vs->lock);
        if (err != K_PREEMPTED) {
            *moved = c->first + c->rest;
            return err;
        }
        err = vspace_page_failed(c->user ? FAULT_RETRY_LATER : why, blocked);
        if (err)
            return err;
    }
}

static __attribute__((noinline)) error_t decode_copy(struct segment *seg, struct invoke *inv)
{
    uint64_t len = inv->arg[3], *cursor = &inv->caller->restart_cursor;
    uint64_t at = *cursor < len ? *cursor : 0, work = 0;
    struct copy c = { .seg = seg, .to_segment = inv->arg[4] == 1 };
    struct cap_ref ref;

    if (inv->arg[4] > 1 || seg->device)
        return ERR_INVALID_ARGUMENT;
    if (!(inv->rights & (c.to_segment ? RIGHT_WRITE : RIGHT_READ)))
        return ERR_RIGHTS;
    error_t err = cap_lookup(inv->caller, inv->arg[1], CAP_TYPE_VSPACE, RIGHT_COPY, &ref);
    if (err)
        return err;
    if (inv->arg[0] + len < len || inv->arg[0] + len > seg->size_pages << PAGE_BITS)
        return ERR_RANGE;
    while (!err && at < len) {
        size_t n, moved;

        c.offset = inv->arg[0] + at;
        n = PAGE_BYTES - (c.offset & (PAGE_BYTES - 1));
        if (n > len - at)
            n = len - at;
        err = copy_piece(&c, ref.object, inv->arg[2] + at, n, &moved);
        if (err)
            break;
        at += moved;
        work += moved;
        if (work >= COPY_BYTES_PER_CHECK && at < len) {
            work = 0;
            if (preempt_pending())
                err = K_PREEMPTED;
        }
    }
    if (err == K_PREEMPTED)
        *cursor = at;
    inv->result = at;
    return err;
}

static error_t decode_info(struct segment *seg, struct invoke *inv)
{
    spin_lock(&seg->lock);
    struct segment_info info = {
        .id = seg->id, .size_pages = seg->size_pages, .resident_pages = seg->resident,
        .nr_mappings = seg->nr_mappings, .paddr = seg->pool ? 0 : seg->base,
    };
    spin_unlock(&seg->lock);
    return copy_to_user(inv->caller->vspace, inv->arg[0], &info, sizeof info);
}

static error_t decode_collect(struct segment *seg, struct invoke *inv)
{
    uint64_t first = inv->arg[0], count = inv->arg[1];

    if (!(inv->rights & RIGHT_CONTROL))
        return ERR_RIGHTS;
    if (!seg->pool || !count || count > COLLECT_MAX)
        return ERR_INVALID_ARGUMENT;
    if (first > SEGMENT_MAX_PAGES)
        return ERR_RANGE;
    return segment_collect_dirty(seg, first, count, &inv->caller->restart_cursor, &inv->result);
}

error_t segment_decode(struct invoke *inv)
{
    struct segment *seg = inv->object;

    switch (inv->op) {
    case SEGMENT_RESIZE:
        return inv->rights & RIGHT_CONTROL ? segment_resize(seg, inv->arg[0]) : ERR_RIGHTS;
    case SEGMENT_ZERO:
        return inv->rights & RIGHT_WRITE
                   ? segment_zero(seg, inv->arg[0], inv->arg[1], &inv->caller->restart_cursor) : ERR_RIGHTS;
    case SEGMENT_COPY:          return decode_copy(seg, inv);
    case SEGMENT_INFO:          return decode_info(seg, inv);
    case SEGMENT_SET_PAGER:     /* not there yet; saying so beats a Segment that reads as zeros */
        return inv->rights & RIGHT_CONTROL ? ERR_NOT_IMPLEMENTED : ERR_RIGHTS;
    case SEGMENT_COLLECT_DIRTY: return decode_collect(seg, inv);
    default:                    return ERR_INVALID_CALL;
    }
}
