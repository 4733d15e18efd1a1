/* SPDX-License-Identifier: MIT */
/*
 * See untyped.h.
 *
 * Objects are cut from the front. An Untyped without children starts again at
 * its beginning; since another hart may still look at an object that was there,
 * this waits for quiescence. RAM is cleared before it becomes an object, in
 * chunks with preemption points; slot->link remembers how far.
 */
#include "object/untyped.h"

#include "kernel/poison.h"
#include "kernel/preempt.h"
#include "kernel/quiesce.h"
#include "kernel/string.h"
#include "kernel/tree.h"
#include "kernel/cspace.h"
#include "object/pool.h"
#include "object/sched_context.h"
#include "object/segment.h"
#include "object/tcb_ops.h"
#include "object/vspace.h"

#define MAX_COUNT        1024
#define CLEAR_CHUNK      (32ul << 10)
#define MAKE_CHUNK       8
#define MAX_CNODE_RADIX  18
#define NR_PHYSICAL      256
#define LARGE_PAGE       (2ul << 20)
#define DEFAULT_SLICE_HZ 100        /* a fresh context: slices of 10 ms        */

static struct segment physical[NR_PHYSICAL] __attribute__((aligned(CACHE_LINE)));
static uint8_t physical_state[NR_PHYSICAL];     /* 0 free, 1 used, 2 stale     */

struct segment *untyped_alloc_physical(void)
{
    bool quiet = quiesce_reached();

    for (unsigned i = 0; i < NR_PHYSICAL; i++) {
        if (physical_state[i] == 1 || (physical_state[i] == 2 && !quiet))
            continue;
        physical_state[i] = 1;
        memset(&physical[i], 0, sizeof(physical[i]));
        return &physical[i];
    }
    return NULL;
}

void untyped_free_physical(const struct segment *seg)
{
    if (seg >= physical && seg < physical + NR_PHYSICAL)
        physical_state[seg - physical] = 2;
}

/* Pool memory: the first word names the slot itself, so that nobody takes it for
 * a capability of the Pool; the second names the Pool. */
error_t untyped_add_to_pool(struct invoke *inv)
{
    struct pool *pool = inv->object;
    struct slot_ref ref;
    error_t err = cspace_find(inv->caller, inv->arg[0], &ref);

    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    err = inv->slot->word0 != inv->word ? ERR_INVALID_CAP
                                        : slot_ref_check(&ref, CAP_TYPE_UNTYPED, RIGHT_CONTROL);
    struct slot *ut = ref.slot;
    uint64_t bytes = 1ul << cap_extra(ut->word0), pages = bytes >> PAGE_BITS;
    paddr_t base = kva_to_phys(cap_object(ut->word0));
    if (err != 0)
        ;
    else if (ut->word1 & UNTYPED_DEVICE || pages == 0)
        err = ERR_INVALID_ARGUMENT;
    else if (ut->first != NULL)
        err = ERR_BUSY;
    else if (!pool_spans(pool, base, pages))
        err = ERR_RANGE;
    else if (pool->nr_given == POOL_MAX_ADDED)
        err = ERR_NO_MEMORY;
    else if (ut->word1 != 0 && !quiesce_reached())
        err = K_AGAIN;
    if (err == 0) {
        struct slot *slot = &pool->given[pool->nr_given++];
        tree_add_child(ut, slot);
        slot_set(slot, cap_word(CAP_TYPE_POOL, slot, 0, 0) | CAP_INTERNAL, (uintptr_t)pool);
        __atomic_store_n(&ut->word1, bytes, __ATOMIC_RELAXED);
        pool_add_range(pool, base, pages);
    }
    spin_unlock(&tree_lock);
    return err;
}

error_t untyped_take_from_pool(struct slot *slot)
{
    if (pool_destroy_step((struct pool *)slot->word1) != 0)
        return K_AGAIN;
    quiesce_mark();
    slot_remove(slot);
    return 0;
}

void untyped_pool_gone(struct pool *pool)
{
    for (unsigned i = 0; i < pool->nr_given; i++)
        if (!slot_is_empty(&pool->given[i]))
            slot_remove(&pool->given[i]);
}

struct retype {
    struct invoke *inv;
    enum cap_type type;
    uint64_t size;              /* as given                                    */
    uint64_t bytes, align;      /* of each object, in the Untyped              */
    uint64_t count;
    bool     clear;
    bool     device;
    uint64_t start;             /* offset of the first object                  */
    bool     sparse;            /* device Segment at an explicit offset        */
    uint64_t span_first, span_pages;    /* Pool                                */
    struct slot_ref dest;
};

/* What the tables of a new Pool shall span. */
static bool pool_span(struct retype *r)
{
    uint64_t extra = r->inv->arg[4];

    r->span_first = extra & UINT32_MAX;
    r->span_pages = extra != 0 ? extra >> 32 : r->size;
    return r->span_first + r->span_pages <= PHYS_LIMIT >> PAGE_BITS &&
           (extra == 0 || r->span_first != 0) && r->size <= r->span_pages &&
           r->size > pool_overhead(r->span_pages);
}

static error_t object_size(struct retype *r)
{
    static const uint8_t fixed[CAP_TYPE_COUNT] = {
        [CAP_TYPE_TCB] = TCB_BITS, [CAP_TYPE_SCHED_CONTEXT] = SCHED_CONTEXT_BITS,
        [CAP_TYPE_ENDPOINT] = ENDPOINT_BITS, [CAP_TYPE_REPLY] = REPLY_BITS,
        [CAP_TYPE_NOTIFICATION] = NOTIFICATION_BITS, [CAP_TYPE_VSPACE] = VSPACE_BITS,
        [CAP_TYPE_SEGMENT] = SEGMENT_BITS,
    };
    unsigned bits;

    r->clear = true;
    if (r->type == CAP_TYPE_POOL || (r->type == CAP_TYPE_SEGMENT && r->size != 0)) {
        if (r->size > PHYS_LIMIT >> PAGE_BITS ||
            (r->type == CAP_TYPE_POOL && r->size < POOL_MIN_PAGES))
            return ERR_INVALID_ARGUMENT;
        r->bytes = r->size << PAGE_BITS;
        r->align = r->bytes >= LARGE_PAGE && r->type == CAP_TYPE_SEGMENT ? LARGE_PAGE : PAGE_BYTES;
        r->clear = r->type == CAP_TYPE_SEGMENT;
        if (r->type == CAP_TYPE_POOL && (r->count != 1 || !pool_span(r)))
            return ERR_INVALID_ARGUMENT;
        return 0;
    }
    if (r->type == CAP_TYPE_UNTYPED) {
        if (r->size < 6 || r->size > 47)
            return ERR_INVALID_ARGUMENT;
        bits = (unsigned)r->size;
        r->clear = false;
    } else if (r->type == CAP_TYPE_CNODE) {
        if (r->size > MAX_CNODE_RADIX)
            return ERR_INVALID_ARGUMENT;
        bits = SLOT_BITS + (unsigned)r->size;
    } else {
        bits = r->type < CAP_TYPE_COUNT ? fixed[r->type] : 0;
        if (bits == 0 || r->size != 0)
            return ERR_INVALID_ARGUMENT;
    }
    r->bytes = r->align = 1ul << bits;
    return 0;
}

/* Tree lock held: find the place, or reset first. */
static error_t place(struct retype *r, struct slot *ut)
{
    uint64_t total = 1ul << cap_extra(ut->word0);
    uint64_t base = kva_to_phys(cap_object(ut->word0));
    uint64_t used = ut->word1 & ~UNTYPED_DEVICE;
    uint64_t extra = r->inv->arg[4];

    r->device = (ut->word1 & UNTYPED_DEVICE) != 0;
    if (r->device) {
        if (r->type != CAP_TYPE_UNTYPED && !(r->type == CAP_TYPE_SEGMENT && r->size != 0))
            return ERR_INVALID_ARGUMENT;
        r->clear = false;
        r->sparse = r->type == CAP_TYPE_SEGMENT && (extra & 1) != 0;
        if (r->align > PAGE_BYTES && r->type == CAP_TYPE_SEGMENT)
            r->align = PAGE_BYTES;
        if (r->sparse) {
            r->start = extra & ~1ul;
            if ((r->start & (PAGE_BYTES - 1)) != 0 || r->count != 1)
                return ERR_INVALID_ARGUMENT;
            return r->start < total && r->bytes <= total - r->start ? 0 : ERR_RANGE;
        }
    }
    if (ut->first == NULL && used != 0) {
        if (!quiesce_reached())
            return K_AGAIN;
        used = 0;
        ut->word1 &= UNTYPED_DEVICE;
        ut->link = 0;
    }
    r->start = ((base + used + r->align - 1) & ~(r->align - 1)) - base;
    if (r->start > total || r->bytes > (total - r->start) / r->count)
        return ERR_NO_MEMORY;
    if (r->type == CAP_TYPE_POOL) {
        uint64_t first = (base + r->start) >> PAGE_BITS;
        if (r->inv->arg[4] == 0)
            r->span_first = first;
        if (first < r->span_first || first + r->size > r->span_first + r->span_pages)
            return ERR_RANGE;
    }
    return 0;
}

/* All places at the start, then those of the next portion. */
static error_t check_dest(struct retype *r, uint64_t done)
{
    uint64_t count = done == 0 || r->count < MAKE_CHUNK ? r->count : MAKE_CHUNK;

    if (!slot_ref_valid(&r->dest))
        return ERR_INVALID_CAP;
    if (done + r->count > r->dest.room)
        return ERR_RANGE;
    for (uint64_t i = 0; i < count; i++)
        if (!slot_is_empty(r->dest.slot + done + i))
            return ERR_SLOT_OCCUPIED;
    return 0;
}

/* Tree lock held. Initializes one object and gives its capability's word. */
static error_t make(struct retype *r, void *memory, struct slot *slot)
{
    struct pool *pool = NULL;
    uint64_t word1 = 0;
    unsigned extra = 0;

    switch (r->type) {
    case CAP_TYPE_UNTYPED:
        extra = (unsigned)r->size;
        word1 = r->device ? UNTYPED_DEVICE : 0;
        break;
    case CAP_TYPE_CNODE: extra = (unsigned)r->size; break;
    case CAP_TYPE_TCB:   tcb_init(memory); break;
    case CAP_TYPE_SCHED_CONTEXT:
        sched_context_init(memory, timebase_hz / DEFAULT_SLICE_HZ);
        break;
    case CAP_TYPE_VSPACE: vspace_init(memory); break;
    case CAP_TYPE_POOL:
        pool_init(memory, kva_to_phys(memory), r->size, r->span_first << PAGE_BITS, r->span_pages);
        break;
    case CAP_TYPE_SEGMENT:
        if (r->size != 0) {
            struct segment *seg = untyped_alloc_physical();
            if (seg == NULL)
                return ERR_NO_MEMORY;
            segment_init_physical(seg, kva_to_phys(memory), r->size, r->device);
            memory = seg;
        } else {
            struct cap_ref ref;
            error_t err = cap_lookup(r->inv->caller, r->inv->arg[4] & 0xffffffff,
                                     CAP_TYPE_POOL, RIGHT_MAP, &ref);
            if (err != 0)
                return err;
            if (r->inv->arg[4] >> 32 >= POOL_ACCOUNTS)
                return ERR_INVALID_ARGUMENT;
            pool = ref.object;
            segment_init(memory, pool, (unsigned)(r->inv->arg[4] >> 32));
        }
        break;
    default: break;         /* endpoint, reply, notification: zeroes */
    }
    tree_add_child(r->inv->slot, slot);
    slot_set(slot, cap_word(r->type, memory, RIGHTS_ALL, extra), word1);
    return 0;
}

/* Tree lock held. 0: all clear; K_PROGRESS-like 1: more to do. */
static bool clear_some(struct retype *r, struct slot *ut)
{
    uint64_t end = r->start + r->bytes * r->count;
    uint64_t at = ut->link > r->start ? ut->link : r->start;

    if (!r->clear || at >= end)
        return true;
    uint64_t n = end - at < CLEAR_CHUNK ? end - at : CLEAR_CHUNK;
    memory_in_use((char *)cap_object(ut->word0) + at, n);
    memset((char *)cap_object(ut->word0) + at, 0, n);
    ut->link = at + n;
    return at + n == end;
}

/* Tree lock held: clear a portion of memory, or if that is done make a portion of
 * the objects. */
static error_t retype_some(struct retype *r, struct slot *ut, uint64_t *done)
{
    error_t err = ut->word0 != r->inv->word ? ERR_INVALID_CAP : check_dest(r, *done);

    if (err == 0)
        err = place(r, ut);
    if (err != 0 || !clear_some(r, ut))
        return err;
    for (uint64_t i = 0; err == 0 && i < r->count && i < MAKE_CHUNK; i++) {
        err = make(r, (char *)cap_object(ut->word0) + r->start + i * r->bytes, r->dest.slot + *done);
        if (err != 0)
            break;
        if (!r->sparse) {
            uint64_t used = r->start + (i + 1) * r->bytes;
            __atomic_store_n(&ut->word1, used | (r->device ? UNTYPED_DEVICE : 0), __ATOMIC_RELAXED);
        }
        ++*done;
    }
    return err;
}

static error_t untyped_retype(struct invoke *inv)
{
    struct retype r = { .inv = inv, .type = (enum cap_type)inv->arg[0], .size = inv->arg[1] };
    uint64_t *done = &inv->caller->restart_cursor, count = inv->arg[3];

    if (inv->arg[0] >= CAP_TYPE_COUNT || count == 0 || count > MAX_COUNT)
        return ERR_INVALID_ARGUMENT;
    r.count = count;            /* for object_size                              */
    error_t err = object_size(&r);
    if (err == 0)
        err = cspace_find(inv->caller, inv->arg[2], &r.dest);
    while (err == 0 && *done < count) {
        r.count = count - *done;
        spin_lock(&tree_lock);
        err = retype_some(&r, inv->slot, done);
        spin_unlock(&tree_lock);
        if (err == 0 && *done < count && preempt_pending())
            return K_PREEMPTED;
    }
    inv->result = *done;
    return err;
}

error_t untyped_decode(struct invoke *inv)
{
    switch (inv->op) {
    case UNTYPED_RETYPE:
        return inv->rights & RIGHT_CONTROL ? untyped_retype(inv) : ERR_RIGHTS;
    case UNTYPED_INFO:
        spin_lock(&tree_lock);
        inv->result = (1ul << cap_extra(inv->word)) -
                      (inv->slot->first == NULL ? 0 : inv->slot->word1 & ~UNTYPED_DEVICE);
        spin_unlock(&tree_lock);
        return 0;
    default:
        return ERR_INVALID_CALL;
    }
}
