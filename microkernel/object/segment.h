/* SPDX-License-Identifier: MIT */
/*
 * Segment: a growable vector of pages that can be mapped into VSpaces.
 *
 * Two forms. A pool-backed Segment takes zeroed pages from its Pool at first
 * use and charges them to its account. A physical Segment is a fixed range of
 * memory or of a device's registers.
 *
 * Size and content: SEGMENT_RESIZE sets the size; growing is O(1) and takes no
 * page. Pages inside the size that were never written are holes and read as
 * zero. Nothing but RESIZE changes the size: a copy or a touch beyond it fails
 * (SEGMENT_COPY: ERR_RANGE, a mapped touch: FAULT_BEYOND_SEGMENT), for shared
 * and private mappings alike.
 *
 * Where pages are: the first SEGMENT_DIRECT in the structure itself (most files
 * are small), the others in a radix tree of 512-entry nodes. An entry is the
 * page's physical address with SEG_* bits below.
 *
 * Taking pages away (RESIZE down, SEGMENT_ZERO over whole pages, destruction)
 * cannot be done at once: mappings must be found, cleared and fenced first. The
 * range is made `pending` under the lock; from then on nobody can look up or
 * populate a page in it. Then every mapping record is visited, then the pages
 * are freed, in bounded steps. Whoever meets a pending range (another resize, a
 * fault, a copy) helps to finish it; so it needs no owner and survives its
 * starter's death.
 *
 * Lock order: VSpace -> Segment -> Pool. The walk over mapping records needs a
 * VSpace's lock while it comes from the Segment: it looks at the list head
 * under the Segment's lock, lets go, takes both in order, and looks again. A
 * VSpace that was being deleted meanwhile is still memory of a VSpace, since
 * objects are not reused before this hart leaves the kernel.
 *
 * Pins: a page that the kernel itself writes (frames, IPC buffers) is pinned.
 * RESIZE below a pinned page is refused, SEGMENT_ZERO clears it in place.
 */
#ifndef ATOLL_OBJECT_SEGMENT_H
#define ATOLL_OBJECT_SEGMENT_H

#include <atoll/errors.h>
#include <atoll/objects.h>

#include "arch/riscv/layout.h"
#include "kernel/lock.h"

struct invoke;
struct mapping;
struct pool;

#define SEGMENT_DIRECT    8u
#define SEGMENT_MAX_PAGES (1ul << 27)

#define SEG_PRESENT   0x001ul
#define SEG_DIRTY     0x002ul       /* stored to since the last collection     */
#define SEG_PIN_ONE   0x004ul       /* bits 2..11: number of pins              */
#define SEG_PIN_MASK  0xffcul
#define SEG_PAGE_MASK (~0xffful)

enum segment_pending { PENDING_NONE, PENDING_UNMAP, PENDING_FREE, PENDING_CLEAN };

struct segment {
    /* immutable after init: */
    uint64_t id;
    struct pool *pool;              /* NULL: physical                          */
    paddr_t  base;                  /* physical: page 0                        */
    uint32_t account;
    bool     device;                /* physical: not for the kernel's loads    */

    /* guarded by lock: */
    struct spinlock lock;
    uint32_t height;                /* of the radix tree; 0: none              */
    uint64_t size_pages;
    uint64_t resident;
    uint64_t *radix;
    uint64_t direct[SEGMENT_DIRECT];
    struct mapping *head, *tail;    /* records; those to visit come first      */
    uint64_t nr_mappings;
    uint32_t nr_pins;
    uint32_t nr_node_pages;
    uint64_t pinned_end;            /* no pin at or beyond; lazily lowered     */
    uint32_t visit;                 /* record->visit == visit: done with it    */
    uint8_t  pending;               /* enum segment_pending                    */
    bool     truncating;            /* pending: private copies go too          */
    bool     dead;                  /* pending: records go, too                */
    uint64_t pending_from, pending_to;  /* pages                               */
    uint64_t pending_next;          /* PENDING_FREE over holes: next page      */
    uint64_t clean_first, clean_count;  /* PENDING_CLEAN: pages                */
    uint64_t collected;             /* their dirty bits, not yet delivered     */
    uint64_t collection;            /* number of the collection they are of    */
} __attribute__((aligned(CACHE_LINE)));   /* a capability drops the low bits */
_Static_assert(sizeof(struct segment) <= 1ul << SEGMENT_BITS, "SEGMENT_BITS");

void segment_init(struct segment *seg, struct pool *pool, unsigned account);
/* device: memory that the kernel must not touch by itself. */
void segment_init_physical(struct segment *seg, paddr_t base, size_t pages,
                           bool device);

/* Populate a page and keep it until segment_unpin_page. The Segment must
 * outlive the pin. ERR_RANGE: beyond the size; ERR_NO_MEMORY;
 * ERR_INVALID_ARGUMENT: device; ERR_OVERFLOW: 1023 pins; ERR_BUSY: the page is
 * being taken away just now. */
error_t segment_pin_page(struct segment *seg, size_t page, void **kva, paddr_t *pa);
void segment_unpin_page(struct segment *seg, size_t page);

/* Unmap everywhere, free all. 0, K_PREEMPTED or K_AGAIN: call again. */
error_t segment_destroy_step(struct segment *seg);

/* Finish what is pending. 0, or K_PREEMPTED. Takes VSpace locks: hold none. */
error_t segment_help(struct segment *seg);

/* RESIZE and ZERO. *cursor: progress over K_PREEMPTED, 0 at first. */
error_t segment_resize(struct segment *seg, uint64_t pages);
error_t segment_zero(struct segment *seg, uint64_t offset, uint64_t length,
                     uint64_t *cursor);

error_t segment_decode(struct invoke *inv);

/* Take and clear the dirty bits of [first, first + count), count <= 64, and make
 * stores through any mapping set them anew. 0, or K_PREEMPTED. */
error_t segment_collect_dirty(struct segment *seg, uint64_t first, uint64_t count,
                              uint64_t *cursor, uint64_t *bitmap);

/* ---- for the VSpace, with the Segment's lock held ---- */

enum segment_lookup {
    LOOKUP_OK,
    LOOKUP_ABSENT,          /* a hole                                          */
    LOOKUP_BEYOND,
    LOOKUP_PENDING,         /* call segment_help without locks, try again      */
};

/* Where a page's entry stands (pool-backed only), NULL if its node is absent.
 * Entries of one node are neighbours. */
uint64_t *segment_slot(struct segment *seg, uint64_t page);

/* The entry of a resident page (pool-backed only), or NULL. */
uint64_t *segment_entry(struct segment *seg, uint64_t page);

/* Where the page is. *entry is NULL for physical Segments. */
enum segment_lookup segment_find_page(struct segment *seg, uint64_t page,
                                      paddr_t *pa, uint64_t **entry);

/* After LOOKUP_ABSENT: give the hole a zeroed page. NULL: no memory. */
uint64_t *segment_populate(struct segment *seg, uint64_t page);
/* The same with old data in it: overwrite all before the lock is let go. */
uint64_t *segment_populate_raw(struct segment *seg, uint64_t page);

#endif
