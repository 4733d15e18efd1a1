/* SPDX-License-Identifier: MIT */
/*
 * VSpace: invocations. Arguments are checked here or, where the tables must be
 * looked at, under the lock before anything changes.
 */
#include "object/vspace.h"

#include "arch/riscv/csr.h"
#include "kernel/invoke.h"
#include "kernel/mailbox.h"
#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/cap.h"
#include "object/mapping.h"
#include "object/pool.h"
#include "object/segment.h"
#include "object/tcb.h"
#include "object/vspace_table.h"

#define POPULATE_PAGES_PER_CHECK 8u     /* a page may cost a copy              */
#define QUERY_ENTRIES_MAX        32u
#define QUERY_PRESENT            0x100u

/* VM_POPULATE's second half: progress is kept as va | POPULATING. */
#define POPULATING 1ul

/* ---- populate ---- */

static error_t populate_page(struct vspace *vs, uaddr_t va, unsigned access)
{
    error_t err;

    do {
        enum fault_result why;
        struct segment *blocked = NULL;

        spin_lock(&vs->lock);
        const void *page = vspace_page(vs, va, access, &why, &blocked);
        spin_unlock(&vs->lock);
        if (page || why == FAULT_RESOLVED)      /* or a device's */
            return 0;
        err = why == FAULT_BEYOND_SEGMENT ? ERR_RANGE : vspace_page_failed(why, blocked);
    } while (!err);
    return err;
}

static error_t populate(struct vspace *vs, uaddr_t va, uint64_t len, unsigned access, uint64_t *cursor)
{
    uaddr_t end = va + len, at = va;

    spin_lock(&vs->lock);
    error_t err = vspace_check(vs, va, len);
    spin_unlock(&vs->lock);
    if (!err && cursor && *cursor > va && *cursor < end)
        at = *cursor;
    for (unsigned n = 1; !err && at < end; n++) {
        err = populate_page(vs, at, access);
        if (err == 0) {
            at += PAGE_BYTES;
            if (n % POPULATE_PAGES_PER_CHECK == 0 && cursor && preempt_pending())
                err = at < end ? K_PREEMPTED : 0;
        }
    }
    if (err == K_PREEMPTED && cursor)
        *cursor = at;
    return err;
}

/*
 * VM_POPULATE of MAP and RESERVE, after the range stands. A failure to get
 * memory is not an error of the call: the promise stays.
 */
static error_t populate_range(struct vspace *vs, uaddr_t va, uint64_t len,
                              unsigned flags, bool segment, uint64_t *cursor)
{
    unsigned prot = normal_prot(flags);
    unsigned access = flags & VM_WRITE && (!segment || flags & VM_SHARED)
                          ? VM_WRITE : flags & VM_READ ? VM_READ : VM_EXEC;
    uaddr_t at = *cursor & POPULATING && *cursor > va ? *cursor & ~POPULATING : va;
    unsigned work = 0, bound = segment ? VSPACE_CHUNK : POPULATE_PAGES_PER_CHECK;

    while (prot && at < va + len) {
        uaddr_t from = at;
        error_t err = 0;

        if (segment) {
            at = vspace_map_resident(vs, at, va + len, prot, access);
            work += 8;      /* a call, whatever it found */
        } else if (!(err = populate_page(vs, at, access))) {
            at += PAGE_BYTES;
        }
        work += (unsigned)((at - from) >> PAGE_BITS);
        if (err == ERR_NO_MEMORY)
            break;
        if (err == K_PREEMPTED || (work >= bound && at < va + len && preempt_pending())) {
            *cursor = at | POPULATING;
            return K_PREEMPTED;
        }
        work %= bound;
    }
    return 0;
}

/* ---- decode: ranges ---- */

/* RESERVE and MAP. */
static error_t decode_map(struct vspace *vs, struct invoke *inv)
{
    uint64_t *cursor = &inv->caller->restart_cursor;
    unsigned flags = (unsigned)inv->arg[2], max_prot = 0;
    bool segment = inv->op == VSPACE_MAP;
    struct cap_ref ref;
    error_t err = 0;

    if (inv->arg[2] >> 32)
        return ERR_INVALID_ARGUMENT;
    if (segment) {
        err = cap_lookup(inv->caller, inv->arg[3], CAP_TYPE_SEGMENT, 0, &ref);
        if (err)
            return err;
        /* Stores to a private mapping go to copies: reading is enough. */
        if (ref.rights & RIGHT_READ)
            max_prot |= ref.rights & RIGHT_WRITE || !(flags & VM_SHARED) ? VM_READ | VM_WRITE : VM_READ;
        if (ref.rights & RIGHT_EXEC)
            max_prot |= VM_EXEC;
    }
    if (!(*cursor & POPULATING))
        err = segment ? vspace_map(vs, inv->arg[0], inv->arg[1], flags & ~VM_POPULATE,
                                   ref.object, inv->arg[4], max_prot, cursor)
                      : vspace_reserve(vs, inv->arg[0], inv->arg[1], flags & ~VM_POPULATE, cursor);
    if (!err && (flags & VM_POPULATE))
        err = populate_range(vs, inv->arg[0], inv->arg[1], flags, segment, cursor);
    return err;
}

static error_t decode_range(struct vspace *vs, struct invoke *inv)
{
    uint64_t *cursor = &inv->caller->restart_cursor;

    if (!(inv->rights & RIGHT_MAP))
        return ERR_RIGHTS;
    switch (inv->op) {
    case VSPACE_RESERVE:
    case VSPACE_MAP:      return decode_map(vs, inv);
    case VSPACE_PROTECT:
        if (inv->arg[2] & ~(uint64_t)VM_PROT_MASK)
            return ERR_INVALID_ARGUMENT;
        return vspace_protect(vs, inv->arg[0], inv->arg[1], (unsigned)inv->arg[2], cursor);
    case VSPACE_UNMAP:    return vspace_unmap(vs, inv->arg[0], inv->arg[1], cursor);
    case VSPACE_MOVE:     return vspace_move(vs, inv->arg[0], inv->arg[1],
                                             inv->arg[2], cursor);
    case VSPACE_DISCARD:  return vspace_discard(vs, inv->arg[0], inv->arg[1], cursor);
    case VSPACE_POPULATE:
        if (inv->arg[2] > 1)
            return ERR_INVALID_ARGUMENT;
        return populate(vs, inv->arg[0], inv->arg[1], inv->arg[2] ? VM_WRITE : VM_READ, cursor);
    default:              return ERR_INVALID_CALL;
    }
}

/* ---- decode: the whole ---- */

static error_t decode_init(struct vspace *vs, struct invoke *inv)
{
    struct cap_ref ref;

    if (!(inv->rights & RIGHT_CONTROL))
        return ERR_RIGHTS;
    error_t err = cap_lookup(inv->caller, inv->arg[0], CAP_TYPE_POOL, RIGHT_MAP, &ref);
    if (err)
        return err;
    if (inv->arg[1] >= POOL_ACCOUNTS)
        return ERR_RANGE;
    err = vspace_bind(vs, ref.object, (unsigned)inv->arg[1]);
    if (err)
        return err;
    /* A thread may have begun to run in it: its hart still uses the kernel's tables. */
    fence_full();
    mailbox_post_harts(__atomic_load_n(&vs->harts, __ATOMIC_RELAXED), HART_OP_DROP_VSPACE);
    return 0;
}

static error_t decode_clone(struct vspace *vs, struct invoke *inv)
{
    struct cap_ref ref;

    if (!(inv->rights & RIGHT_CLONE))
        return ERR_RIGHTS;
    error_t err = cap_lookup(inv->caller, inv->arg[0], CAP_TYPE_VSPACE, RIGHT_CLONE, &ref);
    return err ? err : vspace_clone(vs, ref.object);
}

/* Of one entry: what QUERY compares. */
static void query_entry(struct vspace *vs, uaddr_t va, pte_t pte,
                        struct vspace_query *q)
{
    struct mapping *m = pte && vs->mappings ? mapping_find(vs, PAGE_OF(va)) : NULL;

    *q = (struct vspace_query){ .prot = pte_prot(pte) };
    if (!pte)
        return;
    if (!(pte & PTE_V) && (pte & PROMISE_KIND_MASK) == PROMISE_KEPT)
        q->prot = 0;
    q->kind = m && m->segment ? 2 : 1;
    if (q->kind == 2) {
        q->segment_id = m->segment->id;
        q->segment_page = (uint64_t)m->first + (PAGE_OF(va) - m->page);
        q->flags = m->flags & MAPPING_SHARED ? VM_SHARED : 0;
    }
    if (m && (m->flags & MAPPING_NO_CLONE))
        q->flags |= VM_NO_CLONE;
}

static bool query_alike(const struct vspace_query *a, const struct vspace_query *b,
                        uint64_t pages)
{
    return a->kind == b->kind && a->prot == b->prot && a->flags == b->flags &&
           a->segment_id == b->segment_id &&
           (a->kind != 2 || a->segment_page + pages == b->segment_page);
}

error_t vspace_query(struct vspace *vs, uaddr_t va, struct vspace_query *out)
{
    bool present = false;
    uaddr_t at = va;

    spin_lock(&vs->lock);
    error_t err = vspace_check(vs, va, PAGE_BYTES);
    for (unsigned n = 0; !err && n < QUERY_ENTRIES_MAX && at < USER_TOP; n++) {
        struct vspace_query q;
        unsigned level;
        pte_t *entry = table_entry(vs, at, &level);

        query_entry(vs, at, *entry, &q);
        if (n == 0) {
            present = *entry & PTE_V;
            *out = q;
        } else if (!query_alike(out, &q, (at - va) >> PAGE_BITS)) {
            break;
        }
        at = (at & ~(LEVEL_BYTES(level) - 1)) + LEVEL_BYTES(level);
    }
    spin_unlock(&vs->lock);
    if (err)
        return err;
    out->length = at - va;
    if (present)
        out->flags |= QUERY_PRESENT;
    return 0;
}

static error_t decode_query(struct vspace *vs, struct invoke *inv)
{
    struct vspace_query q;

    if (!(inv->rights & (RIGHT_READ | RIGHT_MAP)))
        return ERR_RIGHTS;
    error_t err = vspace_query(vs, inv->arg[0], &q);
    if (err)
        return err;
    return copy_to_user(inv->caller->vspace, inv->arg[1], &q, sizeof q);
}

static error_t decode_info(struct vspace *vs, struct invoke *inv)
{
    spin_lock(&vs->lock);
    struct vspace_info info = {
        .resident_pages = vs->private_pages + vs->segment_pages,
        .table_pages = vs->table_pages, .shared_pages = vs->segment_pages,
        .mapped_pages = vs->mapped_pages, .nr_faults = vs->nr_faults,
        .nr_cow = vs->nr_cow,
    };
    spin_unlock(&vs->lock);
    return copy_to_user(inv->caller->vspace, inv->arg[0], &info, sizeof info);
}

error_t vspace_decode(struct invoke *inv)
{
    struct vspace *vs = inv->object;

    switch (inv->op) {
    case VSPACE_INIT:  return decode_init(vs, inv);
    case VSPACE_CLONE: return decode_clone(vs, inv);
    case VSPACE_QUERY: return decode_query(vs, inv);
    case VSPACE_INFO:  return decode_info(vs, inv);
    default:           return decode_range(vs, inv);
    }
}
