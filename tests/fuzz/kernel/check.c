/* SPDX-License-Identifier: MIT */
/*
 * See check.h. One pass over the derivation tree finds all capabilities and with
 * them all objects; everything else is compared with that list. Nothing of the
 * kernel is changed.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "census.h"
#include "kernel/deadline.h"
#include "kernel/mailbox.h"
#include "kernel/tree.h"
#include "machine.h"
#include "object/endpoint.h"
#include "object/irq.h"
#include "object/notification.h"
#include "object/sched_context.h"

#define MAX_CAPS   4096u
#define MAX_OBJECTS 2048u
#define MAX_QUEUE  1024u

struct object {
    enum cap_type type;
    bool zombie;
    uintptr_t start;            /* of its memory                               */
    uint64_t bytes;
    void *object;
    unsigned run, heap, mail, wait, pins;   /* where a thread (Segment) was found */
    int untyped;                /* index of the Untyped it was made from        */
    unsigned depth;
};

static struct slot *caps[MAX_CAPS];
static unsigned nr_caps;
static struct object objects[MAX_OBJECTS];
static unsigned nr_objects;
static uint16_t by_address[8192];       /* hash: 1 + index in objects           */
static uint16_t by_slot[8192];          /* hash: 1 + index in caps              */

unsigned check_capabilities(void) { return nr_caps; }

/* ---- tables ---- */

static unsigned hash(uintptr_t key, unsigned type)
{
    return (unsigned)((key * 0x9e3779b97f4a7c15ul >> 40) + type * 977) & 8191;
}

static struct object *find(const void *object, enum cap_type type)
{
    for (unsigned h = hash((uintptr_t)object, type); by_address[h] != 0; h = (h + 1) & 8191) {
        struct object *o = &objects[by_address[h] - 1];
        if (o->object == object && o->type == type)
            return o;
    }
    return NULL;
}

/* The object must be there, whatever refers to it. */
static struct object *live(const void *object, enum cap_type type)
{
    struct object *o = find(object, type);

    if (o == NULL)
        fail("a reference to an object of type %d at %p that no capability names", type, object);
    return o;
}

static bool is_cap(const struct slot *slot)
{
    for (unsigned h = hash((uintptr_t)slot, 0); by_slot[h] != 0; h = (h + 1) & 8191)
        if (caps[by_slot[h] - 1] == slot)
            return true;
    return false;
}

static void extent(struct object *o, uint64_t word)
{
    static const uint8_t bits[CAP_TYPE_COUNT] = {
        [CAP_TYPE_TCB] = TCB_BITS, [CAP_TYPE_SCHED_CONTEXT] = SCHED_CONTEXT_BITS,
        [CAP_TYPE_ENDPOINT] = ENDPOINT_BITS, [CAP_TYPE_REPLY] = REPLY_BITS,
        [CAP_TYPE_NOTIFICATION] = NOTIFICATION_BITS, [CAP_TYPE_VSPACE] = VSPACE_BITS,
        [CAP_TYPE_SEGMENT] = SEGMENT_BITS,
    };
    const struct segment *seg = o->object;

    o->start = (uintptr_t)o->object;
    o->bytes = 1ul << bits[o->type];
    switch (o->type) {
    case CAP_TYPE_UNTYPED: o->bytes = 1ul << cap_extra(word); break;
    case CAP_TYPE_CNODE:   o->bytes = 1ul << (SLOT_BITS + cap_extra(word)); break;
    case CAP_TYPE_POOL: {
        const struct pool *pool = o->object;
        o->bytes = pool->base_kva + pool->ranges[0].end * PAGE_BYTES - (uintptr_t)pool;
        break;
    }
    case CAP_TYPE_SEGMENT:
        if (o->start < (uintptr_t)arena || o->start >= (uintptr_t)arena + ARENA_BYTES) {
            o->start = seg->base;
            o->bytes = seg->size_pages << PAGE_BITS;
        }
        break;
    case CAP_TYPE_IRQ: case CAP_TYPE_PLATFORM: o->bytes = 0; break;
    default: break;
    }
}

static struct object *add(const struct slot *slot, int untyped, unsigned depth)
{
    enum cap_type type = cap_type(slot->word0);
    void *object = cap_object(slot->word0);
    struct object *o = type == CAP_TYPE_UNTYPED ? NULL : find(object, type);
    unsigned h = hash((uintptr_t)object, type);

    if (o == NULL) {
        REQUIRE(nr_objects < MAX_OBJECTS);
        o = &objects[nr_objects++];
        *o = (struct object){ .type = type, .object = object, .untyped = untyped, .depth = depth };
        extent(o, slot->word0);
        while (by_address[h] != 0)
            h = (h + 1) & 8191;
        by_address[h] = (uint16_t)nr_objects;
    } else {
        REQUIRE(!o->zombie && !(slot->word0 & CAP_ZOMBIE));     /* a zombie is the last */
    }
    o->zombie = (slot->word0 & CAP_ZOMBIE) != 0;
    return o;
}

/* ---- the derivation tree ---- */

static bool same_object(const struct slot *a, const struct slot *b)
{
    return ((a->word0 ^ b->word0) & (CAP_OBJECT_MASK | CAP_TYPE_MASK)) == 0;
}

/* Last seen capability in preorder: those of one object follow each other. */
static const struct slot *previous;

static void check_neighbours(const struct slot *slot, bool known)
{
    enum cap_type type = cap_type(slot->word0);

    if (!known || type == CAP_TYPE_PLATFORM || type == CAP_TYPE_UNTYPED)
        return;
    if (!same_object(previous, slot))
        fail("capabilities of one object (type %d) are not neighbours in the tree", type);
}

static void check_inside(const struct slot *ut, const struct object *o)
{
    uintptr_t base = (uintptr_t)cap_object(ut->word0);
    uint64_t used = ut->word1 & ~UNTYPED_DEVICE;

    if (o->bytes == 0)
        return;
    REQUIRE(used <= 1ul << cap_extra(ut->word0));
    REQUIRE(o->start >= base && o->start + o->bytes <= base + (1ul << cap_extra(ut->word0)));
    if (!(ut->word1 & UNTYPED_DEVICE))
        REQUIRE(o->start + o->bytes <= base + used);
}

static void walk(struct slot *parent, const struct slot *ut, int ut_index, unsigned depth)
{
    uintptr_t up = (uintptr_t)parent | 1, prev = up;
    struct slot *s = parent->first;

    REQUIRE((parent->first == NULL) == (parent->last == NULL));
    while (s != NULL) {
        REQUIRE(memory_is_live(s, sizeof(*s)));
        REQUIRE(s->prev == prev && !slot_is_empty(s) && nr_caps < MAX_CAPS && depth < 1000);
        unsigned h = hash((uintptr_t)s, 0);
        while (by_slot[h] != 0)
            h = (h + 1) & 8191;
        caps[nr_caps++] = s;
        by_slot[h] = (uint16_t)nr_caps;
        enum cap_type type = cap_type(s->word0);
        REQUIRE(type < CAP_TYPE_COUNT);
        bool given = s->word0 & CAP_INTERNAL && type == CAP_TYPE_POOL;
        if (!given) {
            bool known = type != CAP_TYPE_UNTYPED && find(cap_object(s->word0), type) != NULL;
            struct object *o = add(s, ut_index, depth);
            check_neighbours(s, known);
            if (parent != &tree_root && same_object(s, parent) && type != CAP_TYPE_UNTYPED)
                REQUIRE((cap_rights(s->word0) & ~cap_rights(parent->word0)) == 0);
            else if (ut != NULL)
                check_inside(ut, o);
            previous = s;
            if (type == CAP_TYPE_UNTYPED)
                walk(s, s, (int)(o - objects), depth + 1);
            else
                walk(s, ut, ut_index, depth + 1);
        } else {
            REQUIRE(s->first == NULL && parent == ut);
        }
        prev = (uintptr_t)s;
        if (s->next & 1) {
            REQUIRE(s->next == up && parent->last == s);
            break;
        }
        s = (struct slot *)s->next;
    }
}

/* Each slot of the container that is not empty is in the tree. */
static unsigned check_slots(const struct slot *slot, uint64_t n)
{
    unsigned used = 0;

    REQUIRE(memory_is_live(slot, n * sizeof(*slot)));
    for (uint64_t i = 0; i < n; i++) {
        if (slot_is_empty(&slot[i])) {
            REQUIRE(slot[i].first == NULL && slot[i].prev == 0 && slot[i].next == 0);
        } else {
            if (!is_cap(&slot[i]))
                fail("a capability of type %d is not in the derivation tree", cap_type(slot[i].word0));
            used++;
        }
    }
    return used;
}

static void check_containers(void)
{
    unsigned found = 0;

    for (unsigned i = 0; i < nr_objects; i++) {
        const struct object *o = &objects[i];
        if (o->type == CAP_TYPE_CNODE)
            found += check_slots(o->object, o->bytes >> SLOT_BITS);
        else if (o->type == CAP_TYPE_TCB)
            found += check_slots(((const struct tcb *)o->object)->slot, TCB_NR_SLOTS);
        else if (o->type == CAP_TYPE_POOL)
            found += check_slots(((const struct pool *)o->object)->given, POOL_MAX_ADDED) +
                     check_slots(&((const struct pool *)o->object)->self, 1);
    }
    for (uint32_t i = 1; i <= IRQ_SOURCES; i++) {
        found += check_slots(&irq_object(i)->slot, 1);
        REQUIRE(irq_object(i)->in_use == (find(irq_object(i), CAP_TYPE_IRQ) != NULL));
    }
    REQUIRE(found == nr_caps);
}

static int order(const void *a, const void *b)
{
    const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->depth < y->depth ? -1 : x->depth > y->depth;
}

/* Memory is nested as the tree says: every byte has one owner. */
static void check_extents(void)
{
    static struct object *sorted[MAX_OBJECTS];
    struct object *open[64];
    unsigned n = 0, depth = 0;

    for (unsigned i = 0; i < nr_objects; i++)
        if (objects[i].bytes != 0 && objects[i].start < DEVICE_BASE)
            sorted[n++] = &objects[i];
    qsort(sorted, n, sizeof(sorted[0]), order);
    for (unsigned i = 0; i < n; i++) {
        struct object *o = sorted[i];
        while (depth > 0 && open[depth - 1]->start + open[depth - 1]->bytes <= o->start)
            depth--;
        if (depth > 0) {
            struct object *outer = open[depth - 1];
            REQUIRE(o->start + o->bytes <= outer->start + outer->bytes);
            if (outer->type != CAP_TYPE_UNTYPED || o->untyped != (int)(outer - objects))
                fail("an object of type %d lies inside one of type %d that it was not made from",
                     o->type, outer->type);
        }
        REQUIRE(depth < 64);
        open[depth++] = o;
        if (o->type != CAP_TYPE_UNTYPED && o->type != CAP_TYPE_POOL && !o->zombie)
            REQUIRE(memory_is_live((void *)o->start, o->bytes));
    }
}

/* ---- threads ---- */

static void check_run_queue(struct hart *h)
{
    struct run_queue *q = &h->queue;
    unsigned count = 0;
    int top = -1;

    for (int p = 0; p < NR_PRIORITIES; p++) {
        struct tcb *prev = NULL;
        for (struct tcb *t = q->level[p].head; t != NULL; prev = t, t = t->run_next) {
            live(t, CAP_TYPE_TCB)->run++;
            REQUIRE(t->run_prev == prev && t->priority == p && t->hart == h->id && t->in_queue);
            REQUIRE(++count < MAX_QUEUE && t->state == THREAD_RUNNABLE);
            top = p;
        }
        REQUIRE(q->level[p].tail == prev);
        REQUIRE((q->bits[p / 8] >> (p % 8) & 1) == (prev != NULL));
    }
    for (unsigned i = 0; i < NR_PRIORITIES / 8; i++)
        REQUIRE((q->bytes >> i & 1) == (q->bits[i] != 0));
    REQUIRE(q->top == top && q->count == count);
}

/* Returns the rank. */
static uint32_t check_heap(struct hart *h, struct tcb *t, const struct tcb *up, ticks_t least)
{
    if (t == NULL)
        return 0;
    struct object *o = live(t, CAP_TYPE_TCB);
    REQUIRE(o->heap++ == 0 && t->hart == h->id && t->heap_up == up && t->deadline >= least);
    uint32_t left = check_heap(h, t->heap_left, t, t->deadline);
    uint32_t right = check_heap(h, t->heap_right, t, t->deadline);
    REQUIRE(left >= right && t->in_heap == right + 1);
    return t->in_heap;
}

static void check_hart(struct hart *h)
{
    struct tcb *t = h->current;
    enum place place = machine_place(h->id);

    check_run_queue(h);
    check_heap(h, h->deadlines, NULL, 0);
    const struct tcb *const mail[] = { h->mailbox, h->taken, h->turned };
    for (unsigned i = 0; i < 3; i++)
        for (const struct tcb *m = mail[i]; m != NULL; m = m->mailbox_next) {
            REQUIRE(live(m, CAP_TYPE_TCB)->mail++ == 0);
            /* Only the wake-up of a thread that would not run now may wait for the next entry. */
            if (t != NULL && m->hart == h->id && (m->ops & ~TCB_OP_WAKE || m->priority >= h->running_priority) &&
                !machine_interrupted(h->id))
                fail("thread %.15s is in the mailbox of hart %u and no interrupt is on its way", m->name, h->id);
        }
    bool drained = h->taken == NULL && h->turned == NULL;
    /* What was taken out and not done yet has an interrupt to come. */
    REQUIRE(drained || (h->ops & HART_OP_DRAIN && machine_interrupted(h->id)));
    REQUIRE((t != NULL) == (place == PLACE_USER));
    if (t != NULL) {
        live(t, CAP_TYPE_TCB);
        REQUIRE(t->state == THREAD_RUNNABLE && t->hart == h->id && t->hart_ptr == h);
        REQUIRE(!t->in_queue && t->sc != NULL && t->vspace == h->vspace);
        REQUIRE(t->priority >= h->queue.top && h->running_priority == t->priority);
        if ((sc_is_limited(t->sc) || h->queue.top == t->priority) && h->mailbox == NULL && drained)
            REQUIRE(h->armed != DEADLINE_NONE);     /* the slice ends */
    } else {
        REQUIRE(h->queue.count == 0 && h->running_priority == PRIORITY_IDLE);
        REQUIRE((place == PLACE_ASLEEP) == (h->asleep != 0));
    }
    REQUIRE(h->armed <= deadline_first(h));         /* no deadline is forgotten */
    REQUIRE(hart_page.hart[h->id].runnable == h->queue.count + (t != NULL));
    if (h->vspace != NULL) {
        live(h->vspace, CAP_TYPE_VSPACE);
        bool own = h->vspace->root != NULL && !h->vspace->dying;
        if (h->ops == 0)
            REQUIRE(machine_root(h->id) == (uint64_t)(own ? h->vspace->root : kernel_root_table));
    }
    if (h->fp_owner != NULL)
        live(h->fp_owner, CAP_TYPE_TCB);
    /* Whoever posted and saw this hart asleep has sent an interrupt. */
    if (h->asleep && (h->mailbox != NULL || h->ops != 0))
        REQUIRE(machine_interrupted(h->id));
}

/* What a pointer of the thread refers to is in the slot that keeps it. */
static void check_slot(const struct tcb *t, enum tcb_slot which, enum cap_type type,
                       const void *object)
{
    uint64_t word = t->slot[which].word0;

    if (object == NULL)
        return;
    REQUIRE(cap_type(word) == type && !(word & CAP_ZOMBIE) && cap_object(word) == object);
    REQUIRE(word & CAP_INTERNAL);
    live(object, type);
}

static void check_contexts(const struct tcb *t)
{
    if (t->home_sc != NULL) {
        live(t->home_sc, CAP_TYPE_SCHED_CONTEXT);
        REQUIRE(t->home_sc->owner == t);
    }
    bool fast = t->sc != NULL && t->sc == t->home_sc && !sc_is_limited(t->sc) &&
                t->vspace != NULL && t->deferred == 0 && !t->arriving;
    if (t->ops == 0)        /* else its hart is about to look again */
        REQUIRE(t->fast_hart == (fast ? t->hart_ptr : NULL));
    if (t->sc == NULL)
        return;
    live(t->sc, CAP_TYPE_SCHED_CONTEXT);
    REQUIRE(t->sc->holder == t && t->sc->hart == t->hart);
    if (t->sc != t->home_sc)
        REQUIRE(t->sc->owner != NULL && t->sc->owner != t);
}

static void check_state(const struct tcb *t, const struct object *o)
{
    bool current = harts[t->hart].current == t, ready = t->sc != NULL && t->vspace != NULL;

    REQUIRE(o->run == t->in_queue && o->heap == (t->in_heap != 0));
    REQUIRE(o->run == 0 || !current);
    if (t->claimed) {       /* its waker has posted the end of the wait */
        REQUIRE(t->ops & TCB_OP_WAKE && o->wait == 0 && o->run == 0);
        return;
    }
    REQUIRE(t->deferred == 0 && t->suspend_pending == 0);
    switch ((enum thread_state)t->state) {
    case THREAD_STOPPED:
        REQUIRE(o->run == 0 && o->heap == 0 && o->wait == 0 && !current);
        break;
    case THREAD_RUNNABLE:
        REQUIRE(o->wait == 0 && o->heap == 0);
        REQUIRE(o->run + current + (t->arriving || !ready) == 1);
        break;
    case THREAD_BLOCKED_SEND: case THREAD_BLOCKED_RECV:
        REQUIRE(o->wait == 1 && o->run == 0 && o->heap == 0 && !current);
        break;
    case THREAD_BLOCKED_NOTIFICATION:
        REQUIRE(o->wait == 1 && o->run == 0 && !current);
        break;
    case THREAD_BLOCKED_REPLY: case THREAD_BLOCKED_FAULT:
        live(t->wait_object, CAP_TYPE_REPLY);
        REQUIRE(((struct reply *)t->wait_object)->caller == t);
        REQUIRE(o->run == 0 && o->heap == 0 && !current);
        break;
    case THREAD_OUT_OF_BUDGET:
        REQUIRE((o->heap == 1 || (t->arriving && t->arrive_waits)) && o->run == 0 && !current);
        break;
    default:
        fail("state %u", t->state);
    }
}

static void check_thread(const struct object *o)
{
    const struct tcb *t = o->object;

    REQUIRE(t->hart < nr_harts && t->hart_ptr == &harts[t->hart]);
    REQUIRE(t->priority >= 0 && t->priority < NR_PRIORITIES);
    if (t->ops & TCB_OP_DEAD)
        REQUIRE(o->mail == 0);
    else
        REQUIRE(o->mail == (t->ops != 0));
    REQUIRE(!t->arriving || t->ops != 0);
    check_state(t, o);
    check_contexts(t);
    check_slot(t, TCB_SLOT_CSPACE, CAP_TYPE_CNODE, t->cspace);
    check_slot(t, TCB_SLOT_VSPACE, CAP_TYPE_VSPACE, t->vspace);
    check_slot(t, TCB_SLOT_SCHED, CAP_TYPE_SCHED_CONTEXT, t->home_sc);
    check_slot(t, TCB_SLOT_FAULT_EP, CAP_TYPE_ENDPOINT, t->fault_ep);
    check_slot(t, TCB_SLOT_NOTIFICATION, CAP_TYPE_NOTIFICATION, t->bound);
    if (t->cspace != NULL)
        REQUIRE(t->cspace_mask == (1ul << cap_extra(t->slot[TCB_SLOT_CSPACE].word0)) - 1);
    if (t->frame != NULL) {
        check_slot(t, TCB_SLOT_FRAME, CAP_TYPE_SEGMENT, t->frame_segment);
        live(t->frame_segment, CAP_TYPE_SEGMENT)->pins++;
        REQUIRE(memory_is_live(t->frame, PAGE_BYTES));
    } else {
        REQUIRE(t->pers_base == 0);
    }
    if (t->ipc_buffer != NULL) {
        check_slot(t, TCB_SLOT_IPC_BUFFER, CAP_TYPE_SEGMENT, t->ipc_segment);
        live(t->ipc_segment, CAP_TYPE_SEGMENT)->pins++;
        REQUIRE(memory_is_live(t->ipc_buffer, PAGE_BYTES));
    }
    if (t->bound != NULL)
        REQUIRE(t->bound->bound == t);
    if (t->unlinked)
        REQUIRE(t->state == THREAD_STOPPED && t->vspace == NULL && t->sc == NULL);
}

/* ---- queues ---- */

static void check_endpoint(const struct endpoint *ep)
{
    const struct tcb *prev = NULL;

    REQUIRE((ep->head == NULL) == (ep->kind == EP_IDLE));
    for (struct tcb *t = ep->head; t != NULL; prev = t, t = t->wait_next) {
        REQUIRE(live(t, CAP_TYPE_TCB)->wait++ == 0);
        REQUIRE(t->wait_prev == prev && t->wait_object == ep && !t->claimed);
        REQUIRE(t->state == (ep->kind == EP_SENDERS ? THREAD_BLOCKED_SEND : THREAD_BLOCKED_RECV));
        if (ep->kind == EP_RECEIVERS && t->recv_reply != NULL) {
            live(t->recv_reply, CAP_TYPE_REPLY);
            REQUIRE(t->recv_reply->receiver == t);
        }
        if (ep->kind == EP_RECEIVERS && t->bound != NULL)
            REQUIRE(t->bound->bits == 0);   /* a signal would have ended this */
    }
    REQUIRE(ep->tail == prev);
}

static void check_notification(const struct notification *n)
{
    const struct tcb *prev = NULL;

    for (struct tcb *t = n->head; t != NULL; prev = t, t = t->wait_next) {
        REQUIRE(live(t, CAP_TYPE_TCB)->wait++ == 0);
        REQUIRE(t->wait_prev == prev && t->wait_object == n && !t->claimed);
        REQUIRE(t->state == THREAD_BLOCKED_NOTIFICATION && n->bits == 0);
    }
    REQUIRE(n->tail == prev || n->head == NULL);
    if (n->bound != NULL) {
        live(n->bound, CAP_TYPE_TCB);
        REQUIRE(n->bound->bound == n);
    }
}

static void check_reply(const struct reply *r)
{
    if (r->caller != NULL) {
        live(r->caller, CAP_TYPE_TCB);
        REQUIRE(r->caller->wait_object == r && !r->caller->claimed);
        REQUIRE(r->caller->state == THREAD_BLOCKED_REPLY || r->caller->state == THREAD_BLOCKED_FAULT);
    }
    if (r->receiver != NULL) {
        live(r->receiver, CAP_TYPE_TCB);
        REQUIRE(r->receiver->recv_reply == r && r->receiver->state == THREAD_BLOCKED_RECV);
        REQUIRE(r->caller == NULL);
    }
}

static void check_context(const struct sched_context *sc)
{
    if (sc->owner != NULL) {
        live(sc->owner, CAP_TYPE_TCB);
        REQUIRE(sc->owner->home_sc == sc && sc->hart == sc->owner->hart);
    }
    if (sc->holder != NULL) {
        live(sc->holder, CAP_TYPE_TCB);
        REQUIRE(sc->holder->sc == sc);
    }
    REQUIRE((sc->owner == NULL) == (sc->holder == NULL));
    unsigned lenders = 0;
    for (struct tcb *t = sc->lenders; t != NULL; t = t->lend_next) {
        live(t, CAP_TYPE_TCB);
        REQUIRE(++lenders <= SCHED_MAX_LENDERS && t->lent == sc && t->sc == NULL);
    }
    REQUIRE(lenders == sc->nr_lenders);
}

/* ---- memory ---- */

static void check_space(const struct vspace *vs)
{
    REQUIRE((vs->root == NULL || vs->pool != NULL) && vs->lock.word == 0);
    for (unsigned i = 0; i < nr_harts; i++) {
        if (vs->harts >> i & 1)
            REQUIRE(harts[i].vspace == vs);
        if (harts[i].vspace == vs && vs->root != NULL && !vs->dying)
            REQUIRE(vs->harts >> i & 1);
    }
    if (vs->root != NULL)
        live(vs->pool, CAP_TYPE_POOL);
}

static void check_pool(struct pool *pool)
{
    census_begin(pool);
    for (unsigned i = 0; i < nr_objects; i++) {
        struct vspace *vs = objects[i].object;
        struct segment *seg = objects[i].object;
        if (objects[i].type == CAP_TYPE_VSPACE && vs->root != NULL && vs->pool == pool)
            census_space(vs);
        if (objects[i].type == CAP_TYPE_SEGMENT && seg->pool == pool)
            census_segment(seg);
    }
    census_end();
    for (uint32_t page = 1; page < pool->nr_pages; page++)
        if (census_is_free(page))
            REQUIRE(page_is_poisoned((void *)(pool->base_kva + page * PAGE_BYTES)));
}

static void check_segment(const struct object *o)
{
    struct segment *seg = o->object;

    REQUIRE(seg->nr_pins == o->pins);
    if (seg->pool != NULL)
        live(seg->pool, CAP_TYPE_POOL);
    else
        census_segment(seg);
}

/* In an order that lets threads be compared with the queues they were found in. */
static void check_objects(void)
{
    for (unsigned i = 0; i < nr_harts; i++)
        check_hart(&harts[i]);
    for (unsigned i = 0; i < nr_objects; i++) {
        const struct object *o = &objects[i];
        switch (o->type) {
        case CAP_TYPE_ENDPOINT:      check_endpoint(o->object); break;
        case CAP_TYPE_NOTIFICATION:  check_notification(o->object); break;
        case CAP_TYPE_REPLY:         check_reply(o->object); break;
        case CAP_TYPE_SCHED_CONTEXT: check_context(o->object); break;
        case CAP_TYPE_VSPACE:        check_space(o->object); break;
        case CAP_TYPE_POOL:          check_pool(o->object); break;
        default: break;
        }
    }
    for (unsigned i = 0; i < nr_objects; i++)
        if (objects[i].type == CAP_TYPE_TCB)
            check_thread(&objects[i]);
    for (unsigned i = 0; i < nr_objects; i++)
        if (objects[i].type == CAP_TYPE_SEGMENT)
            check_segment(&objects[i]);
}

void check_all(void)
{
    nr_caps = nr_objects = 0;
    memset(by_address, 0, sizeof(by_address));
    memset(by_slot, 0, sizeof(by_slot));
    previous = NULL;
    REQUIRE(tree_lock.word == 0);
    walk(&tree_root, NULL, -1, 0);
    check_containers();
    check_extents();
    check_objects();
}
