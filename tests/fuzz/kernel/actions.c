/* SPDX-License-Identifier: MIT */
/*
 * See actions.h, and docs/fuzzing.md for the encoding.
 *
 * A thread's program is a row of ecalls at ascending addresses. A call that was not
 * completed leaves the pc on its ecall, and then it is repeated with the registers
 * as they are, as the hardware would; so each TCB has a note of the pc of its last
 * call.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atoll/syscall.h>

#include "actions.h"
#include "kernel/mailbox.h"
#include "kernel/tree.h"
#include "kinds.h"
#include "object/irq.h"
#include "object/sched_context.h"
#include "object/tcb_ops.h"
#include "object/untyped.h"
#include "object/vspace.h"

enum kind {
#define K(name) DO_##name,
    KINDS(K)
#undef K
    NR_KINDS
};

static const char *const kind_names[] = {
#define K(name) #name,
    KINDS(K)
#undef K
};

/* ---- calls ---- */

#define PERSONALITY 0x20000000ul
#define NOTES       4096u

/* Where the last call of the TCB at this place stands; 0: it has none open. */
static uint64_t open_call[NOTES];

static uint64_t *note(const struct tcb *t)
{
    return &open_call[((uintptr_t)t >> TCB_BITS) % NOTES];
}

static bool trace_calls(void)
{
    static int on;

    if (on == 0)
        on = getenv("FUZZ_TRACE") != NULL ? 1 : -1;
    return on > 0;
}

static void ecall(struct hart *h)
{
    struct tcb *t = h->current;

    if (trace_calls())
        fprintf(stderr, "  hart %u thread %.15s nr %lu: %lx %lx %lx %lx %lx %lx %lx pc %lx\n", h->id,
                t->name, t->x[17], t->x[10], t->x[11], t->x[12], t->x[13], t->x[14], t->x[15],
                t->x[16], t->x[0]);
    *note(t) = t->x[0];
    machine_ecall(h);
    if (trace_calls() && h->current == t)
        fprintf(stderr, "    -> %ld %lx%s\n", (long)t->x[10], t->x[11],
                t->x[0] == *note(t) ? " (again)" : "");
}

static bool unfinished(const struct tcb *t)
{
    return t != NULL && *note(t) != 0 && *note(t) == t->x[0];
}

bool actions_unfinished(unsigned hart)
{
    return machine_place(hart) == PLACE_USER && unfinished(harts[hart].current);
}

void actions_repeat(struct hart *h)
{
    if (unfinished(h->current))
        ecall(h);
}

static void call(struct hart *h, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                 uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct tcb *t = h->current;
    const uint64_t args[7] = { a0, a1, a2, a3, a4, a5, a6 };

    memcpy(&t->x[10], args, sizeof(args));
    t->x[17] = nr;
    ecall(h);
}

/* ---- the janitor ---- */

#define J_CNODE    1u
#define J_TCB      2u
#define J_VSPACE   3u
#define J_SCHED    4u
#define J_PLATFORM 5u
#define J_MEMORY   6u
#define J_DEVICE   7u
#define J_WORLD    8u   /* the CNode that all other threads share              */
#define J_RADIX    4u

/* Slots of the shared CNode. */
#define W_SELF     1u
#define W_TCB      2u   /* 7 */
#define W_SPARE    9u   /* a context that no thread has                        */
#define W_SCHED    10u  /* 6 */
#define W_ENDPOINT 16u  /* 3 */
#define W_REPLY    19u  /* 4 */
#define W_NOTIFY   23u  /* 4 */
#define W_VSPACE   27u  /* 4 */
#define W_POOL     31u
#define W_SEGMENT  32u  /* 3 */
#define W_PHYSICAL 35u
#define W_DEVICE   36u
#define W_UNTYPED  37u  /* 3 */
#define W_DEVMEM   40u
#define W_PLATFORM 41u
#define W_IRQ      42u  /* 2 */
#define W_INNER    44u
#define W_BADGED   45u
#define W_RADIX    7u
#define NR_THREADS 7u
#define NR_CONTEXTS 6u
#define POOL_PAGES 112u
#define FRAMES_VA  0x100000ul   /* where the threads see their frames, IPC buffers */
#define DATA_VA    0x200000ul

/* Objects of the janitor, each as large as a retyped one. */
#define OBJECT(type, name, bits) \
    static union { struct type it; char room[1 << (bits)]; } name##_memory \
        __attribute__((aligned(1 << (bits))))
OBJECT(tcb, janitor, TCB_BITS);
OBJECT(vspace, janitor_space, VSPACE_BITS);
OBJECT(sched_context, janitor_context, SCHED_CONTEXT_BITS);
static struct slot janitor_cnode[1 << J_RADIX] __attribute__((aligned(64 << J_RADIX)));
#define janitor         (janitor_memory.it)
#define janitor_space   (janitor_space_memory.it)
#define janitor_context (janitor_context_memory.it)
static bool finished;

static void give(unsigned index, enum cap_type type, const void *object, unsigned extra)
{
    tree_add_child(&tree_root, &janitor_cnode[index]);
    slot_set(&janitor_cnode[index], cap_word(type, object, RIGHTS_ALL, extra), 0);
}

struct tcb *janitor_make(void)
{
    tcb_init(&janitor);
    vspace_init(&janitor_space);
    sched_context_init(&janitor_context, 1000);
    give(J_CNODE, CAP_TYPE_CNODE, janitor_cnode, J_RADIX);
    give(J_TCB, CAP_TYPE_TCB, &janitor, 0);
    give(J_VSPACE, CAP_TYPE_VSPACE, &janitor_space, 0);
    give(J_SCHED, CAP_TYPE_SCHED_CONTEXT, &janitor_context, 0);
    give(J_PLATFORM, CAP_TYPE_PLATFORM, NULL, 0);
    give(J_MEMORY, CAP_TYPE_UNTYPED, arena, (unsigned)__builtin_ctzl(ARENA_BYTES));
    give(J_DEVICE, CAP_TYPE_UNTYPED, (void *)DEVICE_BASE, DEVICE_BITS);
    janitor_cnode[J_DEVICE].word1 = UNTYPED_DEVICE;
    slot_derive(&janitor.slot[TCB_SLOT_CSPACE], &janitor_cnode[J_CNODE], RIGHTS_ALL, 0, CAP_INTERNAL);
    slot_derive(&janitor.slot[TCB_SLOT_VSPACE], &janitor_cnode[J_VSPACE], RIGHTS_ALL, 0, CAP_INTERNAL);
    slot_derive(&janitor.slot[TCB_SLOT_SCHED], &janitor_cnode[J_SCHED], RIGHTS_ALL, 0, CAP_INTERNAL);
    janitor.priority = NR_PRIORITIES - 1;
    janitor.x[0] = 0x1000;
    memcpy(janitor.name, "janitor", 8);
    tcb_take_slots(&janitor);
    return &janitor;
}

/* A call of the janitor, to its end; nothing else runs while the world is made. */
static void must(struct hart *h, uint64_t cap, uint64_t op, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5, uint64_t a6)
{
    struct tcb *t = h->current;

    call(h, SYS_INVOKE, cap, op, a2, a3, a4, a5, a6);
    while (h->current == t && unfinished(t))
        ecall(h);
    REQUIRE(h->current == t);
    if ((int64_t)t->x[10] != 0)
        fail("the world: operation %lx of %lx (%lx %lx %lx %lx %lx): error %ld", op, cap, a2, a3, a4,
             a5, a6, (long)t->x[10]);
}

static cptr_t in_world(unsigned slot) { return CAP_IN(J_WORLD, slot); }

static void make(struct hart *h, unsigned slot, unsigned count, enum cap_type type, uint64_t size,
                 uint64_t extra)
{
    bool device = slot == W_DEVICE || slot == W_DEVMEM;

    must(h, device ? J_DEVICE : J_MEMORY, UNTYPED_RETYPE, type, size,
         slot == J_WORLD && type == CAP_TYPE_CNODE ? J_WORLD : in_world(slot), count, extra);
}

static void make_objects(struct hart *h)
{
    make(h, J_WORLD, 1, CAP_TYPE_CNODE, W_RADIX, 0);
    make(h, W_POOL, 1, CAP_TYPE_POOL, POOL_PAGES,
         ((uintptr_t)arena >> PAGE_BITS) | (ARENA_BYTES >> PAGE_BITS) << 32);
    make(h, W_TCB, NR_THREADS, CAP_TYPE_TCB, 0, 0);
    make(h, W_SCHED, NR_CONTEXTS, CAP_TYPE_SCHED_CONTEXT, 0, 0);
    make(h, W_SPARE, 1, CAP_TYPE_SCHED_CONTEXT, 0, 0);
    make(h, W_ENDPOINT, 3, CAP_TYPE_ENDPOINT, 0, 0);
    make(h, W_REPLY, 4, CAP_TYPE_REPLY, 0, 0);
    make(h, W_NOTIFY, 4, CAP_TYPE_NOTIFICATION, 0, 0);
    make(h, W_VSPACE, 4, CAP_TYPE_VSPACE, 0, 0);
    make(h, W_SEGMENT, 3, CAP_TYPE_SEGMENT, 0, in_world(W_POOL) | 4ul << 32);
    make(h, W_PHYSICAL, 1, CAP_TYPE_SEGMENT, 2, 0);
    make(h, W_UNTYPED, 1, CAP_TYPE_UNTYPED, 14, 0);
    make(h, W_UNTYPED + 1, 1, CAP_TYPE_UNTYPED, 17, 0);
    make(h, W_UNTYPED + 2, 1, CAP_TYPE_UNTYPED, 12, 0);
    make(h, W_INNER, 1, CAP_TYPE_CNODE, 4, 0);
    make(h, W_DEVICE, 1, CAP_TYPE_SEGMENT, 1024, 0);
    make(h, W_DEVMEM, 1, CAP_TYPE_UNTYPED, 16, 0);
}

static void copy_cap(struct hart *h, unsigned to, cptr_t from, unsigned rights, uint64_t badge)
{
    must(h, J_WORLD, badge != 0 ? CNODE_MINT : CNODE_COPY, to, from, rights, badge, 0);
}

static void make_copies(struct hart *h)
{
    copy_cap(h, W_SELF, J_WORLD, RIGHTS_ALL, 0);
    copy_cap(h, W_PLATFORM, J_PLATFORM, RIGHTS_ALL, 0);
    must(h, J_PLATFORM, PLATFORM_IRQ, 1, in_world(W_IRQ), 0, 0, 0);
    must(h, J_PLATFORM, PLATFORM_IRQ, 2, in_world(W_IRQ + 1), 0, 0, 0);
    copy_cap(h, W_BADGED, in_world(W_ENDPOINT), RIGHTS_ALL, 1);
    copy_cap(h, W_BADGED + 1, in_world(W_ENDPOINT), RIGHT_WRITE, 2);
    copy_cap(h, W_BADGED + 2, in_world(W_NOTIFY), RIGHTS_ALL, 2);
    copy_cap(h, W_BADGED + 3, in_world(W_NOTIFY + 1), RIGHT_WRITE, 4);
    copy_cap(h, W_BADGED + 4, in_world(W_SEGMENT), RIGHT_READ, 0);
}

static void map_space(struct hart *h, unsigned space, unsigned account)
{
    cptr_t vs = in_world(W_VSPACE + space);

    must(h, vs, VSPACE_INIT, in_world(W_POOL), account, 0, 0, 0);
    if (space > 1)
        return;
    must(h, vs, VSPACE_MAP, FRAMES_VA, 16 << PAGE_BITS, VM_READ | VM_WRITE | VM_SHARED,
         in_world(W_SEGMENT), 0);
    must(h, vs, VSPACE_RESERVE, DATA_VA, 16 << PAGE_BITS, VM_READ | VM_WRITE, 0, 0);
    must(h, vs, VSPACE_MAP, DATA_VA + (16 << PAGE_BITS), 4 << PAGE_BITS, VM_READ | VM_WRITE | VM_EXEC,
         in_world(W_SEGMENT + 1), 0);
}

static void make_memory(struct hart *h)
{
    must(h, in_world(W_SEGMENT), SEGMENT_RESIZE, 16, 0, 0, 0, 0);
    must(h, in_world(W_SEGMENT + 1), SEGMENT_RESIZE, 4, 0, 0, 0, 0);
    must(h, in_world(W_SEGMENT + 2), SEGMENT_RESIZE, 600, 0, 0, 0, 0);
    for (unsigned i = 0; i < 3; i++)
        map_space(h, i, i + 1);
    must(h, in_world(W_POOL), POOL_SET_LIMIT, 2, 40, 0, 0, 0);
}

static void make_thread(struct hart *h, unsigned i)
{
    static const uint8_t priority[NR_THREADS] = { 100, 100, 100, 50, 100, 90, 120 };
    cptr_t t = in_world(W_TCB + i);
    char name[16] = "thread ";

    name[7] = (char)('0' + i);
    uint64_t words[2];
    memcpy(words, name, sizeof(words));
    must(h, t, TCB_SET_NAME, words[0], words[1], 0, 0, 0);
    must(h, t, TCB_CONFIGURE, J_WORLD, in_world(W_VSPACE + (i >= 4)),
         i < NR_CONTEXTS ? in_world(W_SCHED + i) : 0,
         priority[i] | (uint64_t)(i < 6 ? i / 2 % nr_harts : 0) << 8, 0);
    must(h, t, TCB_SET_IPC_BUFFER, in_world(W_SEGMENT), i, FRAMES_VA + i * PAGE_BYTES, 0, 0);
    if (i == 1 || i == 5)
        must(h, t, TCB_SET_FAULT_EP, in_world(W_ENDPOINT + 2), 0, 0, 0, 0);
    if (i == 5) {
        must(h, t, TCB_SET_FRAME, in_world(W_SEGMENT), 8, FRAMES_VA + 8 * PAGE_BYTES, 0, 0);
        must(h, t, TCB_SET_PERSONALITY, PERSONALITY, PERSONALITY, PERSONALITY + 0x100000,
             PERSONALITY + 0x200000, 0);
    }
    struct tcb *tcb = cap_object(((struct slot *)cap_object(janitor_cnode[J_WORLD].word0))
                                 [W_TCB + i].word0);
    tcb->x[0] = 0x10000;
    if (i < NR_CONTEXTS)
        must(h, t, TCB_RESUME, 0, 0, 0, 0, 0);
}

void janitor_build(struct hart *h)
{
    make_objects(h);
    make_copies(h);
    make_memory(h);
    for (unsigned i = 0; i < NR_THREADS; i++)
        make_thread(h, i);
    call(h, SYS_INVOKE, J_TCB, TCB_SUSPEND, 0, 0, 0, 0, 0);
}

void janitor_call_up(void)
{
    mailbox_post(&janitor, TCB_OP_RESUME);
}

bool janitor_done(void) { return finished; }

/* What it does when it runs again: the steps of the end, each until it succeeds. */
static void clean_up(struct hart *h)
{
    static const unsigned slots[] = { J_MEMORY, J_DEVICE, J_PLATFORM };
    static unsigned step;

    if (unfinished(&janitor)) {
        ecall(h);
        return;
    }
    if (step < sizeof(slots) / sizeof(slots[0])) {
        call(h, SYS_INVOKE, J_CNODE, CNODE_REVOKE, slots[step++], 0, 0, 0, 0);
        return;
    }
    finished = true;
    call(h, SYS_YIELD, 0, 0, 0, 0, 0, 0, 0);
}

/* ---- the input ---- */

static const uint8_t *input;
static size_t input_bytes;
static size_t next_at;                  /* the next action                     */
static size_t read_at, read_end;        /* arguments of this one               */
static enum kind next_kind;

static uint8_t byte(void)
{
    return read_at < read_end ? input[read_at++] : 0;
}

static uint64_t word(void)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)byte() << (8 * i);
    return v;
}

void actions_begin(const uint8_t *data, size_t size, unsigned *n)
{
    input = data;
    input_bytes = size;
    next_at = 1;
    *n = 1 + (size > 0 ? data[0] % SIM_HARTS : 0);
}

bool actions_next(unsigned *hart, int *park_after)
{
    if (next_at + 3 > input_bytes)
        return false;
    const uint8_t *header = input + next_at;
    *hart = (header[0] & 3u) % nr_harts;
    next_kind = header[1] % NR_KINDS;
    *park_after = header[2] >= 128 ? header[2] - 128 : -1;
    read_at = next_at + 3;
    read_end = read_at + (header[0] >> 2);
    if (read_end > input_bytes)
        read_end = input_bytes;
    next_at = read_end;
    return true;
}

/* Slots of the thread's CSpace, CNodes in it included. */
static struct slot *slot_at(const struct tcb *t, uint64_t i, cptr_t *cptr)
{
    *cptr = i;
    return t->cspace != NULL && i > 0 && i <= t->cspace_mask ? &t->cspace[i] : NULL;
}

static struct slot *inner_at(const struct tcb *t, uint64_t root, uint64_t i, cptr_t *cptr)
{
    uint64_t w = t->cspace[root].word0;

    if (cap_type(w) != CAP_TYPE_CNODE || w & CAP_ZOMBIE || i >= 1ul << cap_extra(w) || i >= 16)
        return NULL;
    *cptr = CAP_IN(root, i);
    return (struct slot *)cap_object(w) + i;
}

static bool fits(const struct slot *s, enum cap_type type)
{
    return type == CAP_TYPE_NULL ? slot_is_empty(s)
                                 : cap_type(s->word0) == type && !(s->word0 & CAP_ZOMBIE);
}

/* The n-th address whose slot holds a capability of the type (NULL: none). With
 * count, how many there are. */
static cptr_t nth(const struct tcb *t, enum cap_type type, unsigned n, unsigned *count)
{
    unsigned seen = 0;
    cptr_t cptr, inner;

    for (uint64_t i = 1; t->cspace != NULL && i <= t->cspace_mask && i < 1024; i++) {
        struct slot *s = slot_at(t, i, &cptr);
        if (fits(s, type) && seen++ == n && count == NULL)
            return cptr;
        if (cap_type(s->word0) != CAP_TYPE_CNODE || cap_object(s->word0) == t->cspace)
            continue;
        for (uint64_t j = 0; (s = inner_at(t, i, j, &inner)) != NULL; j++)
            if (fits(s, type) && seen++ == n && count == NULL)
                return inner;
    }
    if (count != NULL)
        *count = seen;
    return 0;
}

/* A byte names the n-th capability of a type; from 0xf0 on, something else. */
static cptr_t cap(const struct tcb *t, enum cap_type type)
{
    uint8_t v = byte();
    unsigned count;

    if (v >= 0xf0) {
        switch (v & 7) {
        case 0: return 0;
        case 1: return word();
        case 2: return CAP_IN(byte(), byte());
        default: return byte();
        }
    }
    nth(t, type, 0, &count);
    return count != 0 ? nth(t, type, v % count, NULL) : v;
}

static cptr_t any_cap(const struct tcb *t)
{
    return cap(t, (enum cap_type)(byte() % CAP_TYPE_COUNT));
}

static cptr_t empty_slot(const struct tcb *t) { return cap(t, CAP_TYPE_NULL); }

/* An index in the CNode that `cnode` names: of a used slot, or an empty one. */
static uint64_t index_in(const struct tcb *t, cptr_t cnode, bool used)
{
    const struct slot *s = t->cspace;
    uint8_t v = byte();
    unsigned count = 0;

    if (v >= 0xf8 || s == NULL || cnode == 0 || cnode > t->cspace_mask ||
        cap_type(s[cnode].word0) != CAP_TYPE_CNODE)
        return v & 31;
    uint64_t size = 1ul << cap_extra(s[cnode].word0);
    const struct slot *slots = cap_object(s[cnode].word0);
    if (used && v < 0x60)       /* slots by their number: what seeds name */
        return v & (size - 1);
    for (unsigned pass = 0; pass < 2; pass++)
        for (uint64_t i = pass == 0 ? 0 : 1, n = 0; i < size && i < 256; i++) {
            if (slot_is_empty(&slots[i]) == used)
                continue;
            if (pass == 0)
                count++;
            else if (count != 0 && n++ == v % count)
                return i;
        }
    return v;
}

static uint64_t address(void)
{
    static const uint64_t bases[] = { FRAMES_VA, DATA_VA, 0x3f0000, 0x40000000 - 0x8000, 0x80000000,
                                      0x8000000, USER_TOP - 0x20000 };
    uint8_t v = byte();

    if (v >> 5 < 7)
        return bases[v >> 5] + (v & 31ul) * PAGE_BYTES;
    switch (v & 31) {
    case 0: return 0;
    case 1: return DATA_VA + 1;
    case 2: return USER_TOP;
    case 3: return ~0ul;
    case 4: return 1ul << 30;
    case 5: return 2ul << 20;
    case 6: return -PAGE_BYTES;
    case 7: return DATA_VA + 0xff8;
    default: return word();
    }
}

static uint64_t length(void)
{
    static const uint64_t more[] = { 512, 513, 1024, 1ul << 18, (1ul << 18) + 1, 2ul << 18, 64, 511 };
    uint8_t v = byte();

    if (v < 0x80)
        return ((v & 31) + 1ul) * PAGE_BYTES;
    if (v < 0xc0)
        return more[v & 7] * PAGE_BYTES;
    switch (v & 7) {
    case 0: return 0;
    case 1: return 1;
    case 2: return USER_TOP;
    case 3: return ~0ul;
    case 4: return 1ul << 63;
    case 5: return 4095;
    default: return word();
    }
}

static ticks_t deadline(void)
{
    uint8_t v = byte();

    return v == 0 ? DEADLINE_POLL : v == 255 ? DEADLINE_NONE : v == 254 ? 1 : machine_now() + v * 16;
}

static uint64_t small(void)
{
    uint8_t v = byte();

    return v < 0xf8 ? v : v == 0xf8 ? ~0ul : v == 0xf9 ? 1ul << 32 : word();
}

/* ---- one invocation ---- */

struct request { uint64_t cap, op, a[5]; };

static void cnode_request(const struct tcb *t, enum kind kind, struct request *r)
{
    r->cap = cap(t, CAP_TYPE_CNODE);
    switch (kind) {
    case DO_copy: case DO_mint:
        r->op = kind == DO_copy ? CNODE_COPY : CNODE_MINT;
        r->a[0] = index_in(t, r->cap, false);
        r->a[1] = any_cap(t);
        r->a[2] = byte();
        r->a[3] = small();
        break;
    case DO_move:
        r->op = CNODE_MOVE;
        r->a[0] = index_in(t, r->cap, false);
        r->a[1] = any_cap(t);
        break;
    case DO_rotate:
        r->op = CNODE_ROTATE;
        r->a[0] = index_in(t, r->cap, false);
        r->a[1] = index_in(t, r->cap, true);
        r->a[2] = index_in(t, r->cap, true);
        if (byte() & 1)
            r->a[0] = r->a[2];
        break;
    default:
        r->op = kind == DO_delete ? CNODE_DELETE : kind == DO_revoke ? CNODE_REVOKE :
                kind == DO_inspect ? CNODE_INSPECT : CNODE_CANCEL_BADGED;
        r->a[0] = index_in(t, r->cap, true);
        break;
    }
}

static void retype_request(const struct tcb *t, struct request *r)
{
    r->cap = cap(t, CAP_TYPE_UNTYPED);
    r->op = UNTYPED_RETYPE;
    r->a[0] = byte() % (CAP_TYPE_COUNT + 1);
    r->a[1] = byte();
    r->a[2] = empty_slot(t);
    r->a[3] = 1 + byte() % 8;
    r->a[4] = 0;
    if (r->a[0] == CAP_TYPE_SEGMENT)
        r->a[4] = r->a[1] == 0 ? (cap(t, CAP_TYPE_POOL) & 0xffffffff) | (uint64_t)(byte() & 7) << 32
                               : byte() & 1 ? (uint64_t)byte() << PAGE_BITS | 1 : 0;
    else if (r->a[0] == CAP_TYPE_POOL)
        r->a[1] = byte() & 1 ? 16 : r->a[1];
    else if (r->a[0] != CAP_TYPE_UNTYPED && r->a[0] != CAP_TYPE_CNODE)
        r->a[1] = r->a[1] < 0xf0 ? 0 : r->a[1];
    else
        r->a[1] = r->a[1] < 0xf0 ? r->a[0] == CAP_TYPE_CNODE ? r->a[1] % 6 : 6 + r->a[1] % 12
                                 : r->a[1];
}

static void tcb_request_of(const struct tcb *t, enum kind kind, struct request *r)
{
    r->cap = cap(t, CAP_TYPE_TCB);
    switch (kind) {
    case DO_configure:
        r->op = TCB_CONFIGURE;
        r->a[0] = cap(t, CAP_TYPE_CNODE);
        r->a[1] = cap(t, CAP_TYPE_VSPACE);
        r->a[2] = cap(t, CAP_TYPE_SCHED_CONTEXT);
        r->a[3] = byte();
        r->a[3] |= (byte() % (nr_harts + 1)) << 8;
        break;
    case DO_set_frame: case DO_set_ipc_buffer:
        r->op = kind == DO_set_frame ? TCB_SET_FRAME : TCB_SET_IPC_BUFFER;
        r->a[0] = cap(t, CAP_TYPE_SEGMENT);
        r->a[1] = small() & 31;
        r->a[2] = address();
        break;
    case DO_set_personality:
        r->op = TCB_SET_PERSONALITY;
        r->a[0] = byte() & 1 ? PERSONALITY : word();
        r->a[1] = PERSONALITY;
        r->a[2] = PERSONALITY + 0x100000;
        r->a[3] = address();
        break;
    case DO_set_fault_ep: r->op = TCB_SET_FAULT_EP; r->a[0] = cap(t, CAP_TYPE_ENDPOINT); break;
    case DO_bind_notification:
        r->op = TCB_BIND_NOTIFICATION;
        r->a[0] = cap(t, CAP_TYPE_NOTIFICATION);
        break;
    case DO_write_regs: case DO_read_regs:
        r->op = kind == DO_write_regs ? TCB_WRITE_REGS : TCB_READ_REGS;
        r->a[0] = address();
        r->a[1] = byte() & 1;
        break;
    case DO_copy_fpu:     r->op = TCB_COPY_FPU; r->a[0] = cap(t, CAP_TYPE_TCB); break;
    case DO_set_priority: r->op = TCB_SET_PRIORITY; r->a[0] = small(); break;
    case DO_set_hart:     r->op = TCB_SET_HART; r->a[0] = byte() % (nr_harts + 1); break;
    case DO_tcb_resume:   r->op = TCB_RESUME; break;
    case DO_suspend:      r->op = TCB_SUSPEND; break;
    case DO_upcall:       r->op = TCB_UPCALL; break;
    case DO_tcb_info:     r->op = TCB_INFO; r->a[0] = address(); break;
    default:              r->op = TCB_SET_NAME; r->a[0] = word(); break;
    }
}

static void vspace_request(const struct tcb *t, enum kind kind, struct request *r)
{
    r->cap = cap(t, CAP_TYPE_VSPACE);
    switch (kind) {
    case DO_vspace_init: r->op = VSPACE_INIT; r->a[0] = cap(t, CAP_TYPE_POOL); r->a[1] = small(); return;
    case DO_clone:       r->op = VSPACE_CLONE; r->a[0] = cap(t, CAP_TYPE_VSPACE); return;
    case DO_vspace_info: r->op = VSPACE_INFO; r->a[0] = address(); return;
    case DO_query:       r->op = VSPACE_QUERY; r->a[0] = address(); r->a[1] = address(); return;
    default: break;
    }
    r->a[0] = address();
    r->a[1] = length();
    switch (kind) {
    case DO_reserve: r->op = VSPACE_RESERVE; r->a[2] = byte(); break;
    case DO_map:
        r->op = VSPACE_MAP;
        r->a[2] = byte();
        r->a[3] = cap(t, CAP_TYPE_SEGMENT);
        r->a[4] = small();
        break;
    case DO_protect:     r->op = VSPACE_PROTECT; r->a[2] = byte() & 15; break;
    case DO_unmap:       r->op = VSPACE_UNMAP; break;
    case DO_vspace_move: r->op = VSPACE_MOVE; r->a[2] = address(); break;
    case DO_discard:     r->op = VSPACE_DISCARD; break;
    default:             r->op = VSPACE_POPULATE; r->a[2] = byte() % 3; break;
    }
}

static void segment_request(const struct tcb *t, enum kind kind, struct request *r)
{
    r->cap = cap(t, CAP_TYPE_SEGMENT);
    switch (kind) {
    case DO_resize: r->op = SEGMENT_RESIZE; r->a[0] = small(); break;
    case DO_zero:   r->op = SEGMENT_ZERO; r->a[0] = small() * 1000; r->a[1] = length(); break;
    case DO_segment_copy:
        r->op = SEGMENT_COPY;
        r->a[0] = small() * 1024;
        r->a[1] = cap(t, CAP_TYPE_VSPACE);
        r->a[2] = address();
        r->a[3] = length();
        r->a[4] = byte() % 3;
        break;
    case DO_segment_info: r->op = SEGMENT_INFO; r->a[0] = address(); break;
    case DO_set_pager:    r->op = SEGMENT_SET_PAGER; r->a[0] = cap(t, CAP_TYPE_ENDPOINT); break;
    default:              r->op = SEGMENT_COLLECT_DIRTY; r->a[0] = small(); r->a[1] = byte() % 66; break;
    }
}

static void other_request(const struct tcb *t, enum kind kind, struct request *r)
{
    switch (kind) {
    case DO_untyped_info: r->cap = cap(t, CAP_TYPE_UNTYPED); r->op = UNTYPED_INFO; break;
    case DO_sched_configure:
        r->cap = cap(t, CAP_TYPE_SCHED_CONTEXT);
        r->op = SCHED_CONFIGURE;
        r->a[0] = small() * 50;
        r->a[1] = r->a[0] + (byte() & 1 ? small() * 50 : 0);
        r->a[2] = byte() % (nr_harts + 1);
        break;
    case DO_sched_info: r->cap = cap(t, CAP_TYPE_SCHED_CONTEXT); r->op = SCHED_INFO; break;
    case DO_set_limit:
        r->cap = cap(t, CAP_TYPE_POOL);
        r->op = POOL_SET_LIMIT;
        r->a[0] = small() % 1100;
        r->a[1] = small();
        break;
    case DO_pool_info:
        r->cap = cap(t, CAP_TYPE_POOL);
        r->op = POOL_INFO;
        r->a[0] = small();
        r->a[1] = address();
        break;
    case DO_add_memory:
        r->cap = cap(t, CAP_TYPE_POOL);
        r->op = POOL_ADD_MEMORY;
        r->a[0] = cap(t, CAP_TYPE_UNTYPED);
        break;
    case DO_set_reserve: r->cap = cap(t, CAP_TYPE_POOL); r->op = POOL_SET_RESERVE; r->a[0] = small(); break;
    case DO_irq_set:
        r->cap = cap(t, CAP_TYPE_IRQ);
        r->op = IRQ_SET_NOTIFICATION;
        r->a[0] = cap(t, CAP_TYPE_NOTIFICATION);
        r->a[1] = byte() % (nr_harts + 1);
        break;
    case DO_irq_ack: r->cap = cap(t, CAP_TYPE_IRQ); r->op = IRQ_ACK; break;
    case DO_platform_irq:
        r->cap = cap(t, CAP_TYPE_PLATFORM);
        r->op = PLATFORM_IRQ;
        r->a[0] = byte() % (IRQ_SOURCES + 2);
        r->a[1] = empty_slot(t);
        break;
    case DO_counters:
        r->cap = cap(t, CAP_TYPE_PLATFORM);
        r->op = PLATFORM_COUNTERS;
        r->a[0] = address();
        r->a[1] = byte() % (nr_harts + 1);
        break;
    default:
        r->cap = cap(t, CAP_TYPE_PLATFORM);
        r->op = PLATFORM_TRACE;
        r->a[0] = byte() & 1;
        break;
    }
}

static void read_request(const struct tcb *t, enum kind kind, struct request *r)
{
    memset(r, 0, sizeof(*r));
    if (kind == DO_retype)
        retype_request(t, r);
    else if (kind >= DO_copy && kind <= DO_inspect)
        cnode_request(t, kind, r);
    else if (kind >= DO_configure && kind <= DO_bind_notification)
        tcb_request_of(t, kind, r);
    else if (kind >= DO_vspace_init && kind <= DO_vspace_info)
        vspace_request(t, kind, r);
    else if (kind >= DO_resize && kind <= DO_collect_dirty)
        segment_request(t, kind, r);
    else
        other_request(t, kind, r);
}

/* ---- system calls ---- */

static uint64_t message_info(void)
{
    uint8_t v = byte();

    return MSG_INFO(v >> 7, v < 0xf0 ? v & 7 : v & 0x7f, v < 0xf0 ? v >> 3 & 3 : 3);
}

static void do_message(struct hart *h, struct tcb *t, uint64_t nr, enum cap_type type)
{
    uint64_t object = cap(t, type), info = message_info();
    uint64_t reply = nr == SYS_REPLY_RECV || nr == SYS_RECV || nr == SYS_NB_RECV
                         ? cap(t, CAP_TYPE_REPLY) : 0;

    call(h, nr, object, info, 1, 2, 3, 4, reply);
}

/* The kernel's pages of a thread are its own to write. */
static void do_ipc_words(struct tcb *t)
{
    struct ipc_buffer *b = t->ipc_buffer;

    for (unsigned i = 0; b != NULL && i < MSG_MAX_CAPS; i++) {
        b->caps[i] = any_cap(t);
        b->recv_slots[i] = empty_slot(t);
    }
}

static void do_batch(struct hart *h, struct tcb *t)
{
    struct invocation entries[4];
    uint8_t v = byte();
    unsigned n = 1 + (v & 3);

    memset(entries, 0, sizeof(entries));
    for (unsigned i = 0; i < n; i++) {
        struct request r;
        enum kind kind = DO_retype + byte() % (DO_platform_trace - DO_retype + 1);
        read_request(t, kind, &r);
        entries[i].cap = r.cap;
        entries[i].op = (uint32_t)r.op;
        memcpy(entries[i].arg, r.a, sizeof(r.a));
    }
    if (machine_store(h, DATA_VA + (v >> 2) * 64ul, entries, n * sizeof(entries[0])) && h->current == t)
        call(h, SYS_BATCH, DATA_VA + (v >> 2) * 64ul, n + (v >> 7), 0, 0, 0, 0, 0);
}

/* A batch of maps or unmaps that are neighbours, or nearly: with gaps each makes a record. */
static void do_strip(struct hart *h, struct tcb *t)
{
    struct invocation entries[32];
    uint8_t v = byte(), step = byte(), odd = byte();
    unsigned n = 1 + (v & 31), pages = 1 + (step & 3);
    uint64_t at = DATA_VA + (step >> 4) * 264ul;
    struct invocation e = { .cap = cap(t, CAP_TYPE_VSPACE), .op = v & 32 ? VSPACE_UNMAP : VSPACE_MAP };

    e.arg[0] = address();
    e.arg[1] = pages * PAGE_BYTES;
    e.arg[2] = byte();
    e.arg[3] = cap(t, CAP_TYPE_SEGMENT);
    e.arg[4] = small();
    for (unsigned i = 0; i < n; i++) {
        entries[i] = e;
        e.arg[0] += (pages + (step >> 2 & 1)) * PAGE_BYTES;
        e.arg[4] += pages + (step >> 3 & 1);
    }
    if (odd != 0)
        entries[odd % n].arg[odd >> 5 & 3] ^= odd >> 7 ? PAGE_BYTES : 1;
    if (machine_store(h, at, entries, n * sizeof(e)) && h->current == t)
        call(h, SYS_BATCH, at, n + (v >> 7), 0, 0, 0, 0, 0);
}

static void do_raw(struct hart *h, struct tcb *t)
{
    uint8_t which = byte();
    uint64_t a[7];

    for (unsigned i = 0; i < 7; i++)
        a[i] = which >> i & 1 ? word() : byte();
    (void)t;
    if (a[1] == PLATFORM_SHUTDOWN)
        a[1]++;
    call(h, byte(), a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
}

static void do_touch(struct hart *h, enum kind kind)
{
    uint64_t va = address(), value = 0;

    if (kind == DO_store)
        machine_store(h, va, &va, sizeof(va));
    else if (kind == DO_load)
        machine_load(h, va, &value, sizeof(value));
    else
        machine_fetch(h, va & ~7ul);
}

static void do_syscall(struct hart *h, struct tcb *t, enum kind kind)
{
    cptr_t a, b;

    switch (kind) {
    case DO_call:       do_message(h, t, SYS_CALL, CAP_TYPE_ENDPOINT); break;
    case DO_reply_recv: do_message(h, t, SYS_REPLY_RECV, CAP_TYPE_ENDPOINT); break;
    case DO_send:       do_message(h, t, SYS_SEND, CAP_TYPE_ENDPOINT); break;
    case DO_nb_send:    do_message(h, t, SYS_NB_SEND, CAP_TYPE_ENDPOINT); break;
    case DO_recv:       do_message(h, t, SYS_RECV, CAP_TYPE_ENDPOINT); break;
    case DO_nb_recv:    do_message(h, t, SYS_NB_RECV, CAP_TYPE_ENDPOINT); break;
    case DO_reply:      do_message(h, t, SYS_REPLY, CAP_TYPE_REPLY); break;
    case DO_signal:     call(h, SYS_SIGNAL, cap(t, CAP_TYPE_NOTIFICATION), 0, 0, 0, 0, 0, 0); break;
    case DO_wait:
        a = cap(t, CAP_TYPE_NOTIFICATION);
        call(h, SYS_WAIT, a, deadline(), 0, 0, 0, 0, 0);
        break;
    case DO_signal_wait:
        a = cap(t, CAP_TYPE_NOTIFICATION);
        b = cap(t, CAP_TYPE_NOTIFICATION);
        call(h, SYS_SIGNAL_WAIT, a, b, deadline(), 0, 0, 0, 0);
        break;
    case DO_yield:        call(h, SYS_YIELD, 0, 0, 0, 0, 0, 0, 0); break;
    case DO_resume:       call(h, SYS_RESUME, 0, 0, 0, 0, 0, 0, 0); break;
    case DO_resume_full:  call(h, SYS_RESUME_FULL, 0, 0, 0, 0, 0, 0, 0); break;
    case DO_resume_fault: call(h, SYS_RESUME_FAULT, 0, 0, 0, 0, 0, 0, 0); break;
    case DO_upcall_clear: call(h, SYS_UPCALL_CLEAR, 0, 0, 0, 0, 0, 0, 0); break;
    case DO_vspace_copy: {
        uint64_t there, here, n;
        a = cap(t, CAP_TYPE_VSPACE);
        there = address();
        here = address();
        n = length();
        call(h, SYS_VSPACE_COPY, a, there, here, n > 1ul << 20 ? 1ul << 20 : n, byte() & 1, 0, 0);
        break;
    }
    case DO_debug_write: case DO_trace_text: {
        uint64_t at, n;
        a = cap(t, CAP_TYPE_PLATFORM);
        at = address();
        n = small() * 2;
        call(h, kind == DO_debug_write ? SYS_DEBUG_WRITE : SYS_TRACE, a, at, n < 100000 ? n : 300, 0, 0,
             0, 0);
        break;
    }
    default: break;
    }
}

static void do_kind(struct hart *h, struct tcb *t, enum kind kind)
{
    struct request r;

    switch (kind) {
    case DO_batch:   do_batch(h, t); return;
    case DO_strip:   do_strip(h, t); return;
    case DO_raw:     do_raw(h, t); return;
    case DO_load: case DO_store: case DO_fetch: do_touch(h, kind); return;
    case DO_fp:      machine_fp(h); return;
    case DO_illegal: machine_trap(h, 2, 0); return;
    case DO_irq:     machine_raise(1 + byte() % IRQ_SOURCES); return;
    case DO_advance: machine_advance(byte() * 50ul); return;
    case DO_nothing: case DO_wait_alone: return;
    case DO_ipc_words: do_ipc_words(t); return;
    default: break;
    }
    if (kind < DO_retype) {
        do_syscall(h, t, kind);
    } else {
        read_request(t, kind, &r);
        call(h, SYS_INVOKE, r.cap, r.op, r.a[0], r.a[1], r.a[2], r.a[3], r.a[4]);
    }
}

void actions_end(struct hart *h)
{
    if (h->current == &janitor)
        clean_up(h);
    else
        actions_repeat(h);
}

void actions_do(struct hart *h)
{
    struct tcb *t = h->current;

    if (unfinished(t)) {
        ecall(h);
    } else {
        if (trace_calls())
            fprintf(stderr, "%s\n", kind_names[next_kind]);
        do_kind(h, t, next_kind);
    }
}
