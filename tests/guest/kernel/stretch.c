/* SPDX-License-Identifier: MIT */
/*
 * With "stretch" and "trace" on the kernel's command line, and -icount: the longest
 * stretch of instructions with interrupts off in each long operation, on objects so
 * large that it could not be done in one. `stretch NAME COUNT` lines; each is a case,
 * too, that fails above the limit.
 */
#include "kt.h"

#define LIMIT 20000ul
#define AREA  0x100000000ul

static uint64_t longest_of_all;

void stretch_begin(void) { OK(invoke(CAP_INIT_PLATFORM, PLATFORM_TRACE, 1, 0, 0, 0, 0)); }

void stretch_end(const char *what)
{
    uint64_t longest = counters(0).longest_stretch;

    invoke(CAP_INIT_PLATFORM, PLATFORM_TRACE, 0, 0, 0, 0, 0);
    print("stretch ");
    print(what);
    print(" ");
    print_number((long)longest);
    print("\n");
    if (longest > longest_of_all)
        longest_of_all = longest;
    CHECK(longest > 100);
    check(longest <= LIMIT, what, (long)longest);
}

#define MEASURE(what, call) do { stretch_begin(); error_t err_ = (call); stretch_end(what); OK(err_); } while (0)

static cptr_t big_pool(void)
{
    static cptr_t p;

    p = make(CAP_TYPE_POOL, 7000, 0);
    return p;
}

static cptr_t space_in(cptr_t p)
{
    cptr_t v = make(CAP_TYPE_VSPACE, 0, 0);

    OK(invoke(v, VSPACE_INIT, p, 1, 0, 0, 0));
    return v;
}

static void revokes(void)
{
    cptr_t n = note(), at = n, ut = make(CAP_TYPE_UNTYPED, 21, 0), base = slots(1024);

    for (unsigned i = 0; i < 2000; i++)
        mint(n, i + 1);
    MEASURE("revoke of 2000 children", revoke(n));
    for (unsigned i = 0; i < 2000; i++)
        at = copy_cap(at, RIGHTS_ALL);
    MEASURE("revoke of a chain of 2000", revoke(n));
    OK(retype(ut, CAP_TYPE_TCB, 0, base, 1000, 0));
    MEASURE("revoke of an Untyped with 1000 TCBs", revoke(ut));
    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, base, 1024, 0));
    MEASURE("revoke of an Untyped with 1024 endpoints", revoke(ut));
    OK(retype(ut, CAP_TYPE_SEGMENT, 0, base, 1000, CAP_INIT_POOL));
    MEASURE("revoke of an Untyped with 1000 Segments", revoke(ut));
    OK(retype(ut, CAP_TYPE_VSPACE, 0, base, 1000, 0));
    MEASURE("revoke of an Untyped with 1000 VSpaces", revoke(ut));
}

static void retypes(void)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 24, 0), base = slots(1024);

    MEASURE("retype of 1024 endpoints", retype(ut, CAP_TYPE_ENDPOINT, 0, base, 1024, 0));
    OK(revoke(ut));
    MEASURE("retype of 1024 TCBs", retype(ut, CAP_TYPE_TCB, 0, base, 1024, 0));
    OK(revoke(ut));
    MEASURE("retype of 1024 VSpaces", retype(ut, CAP_TYPE_VSPACE, 0, base, 1024, 0));
    OK(revoke(ut));
    MEASURE("retype of a CNode of 2^17 slots", retype(ut, CAP_TYPE_CNODE, 17, base, 1, 0));
    OK(revoke(ut));
    MEASURE("retype of a physical Segment of 8 MiB", retype(ut, CAP_TYPE_SEGMENT, 2048, base, 1, 0));
    OK(revoke(ut));
    MEASURE("retype of 200 physical Segments", retype(ut, CAP_TYPE_SEGMENT, 1, base, 200, 0));
    OK(revoke(ut));
    MEASURE("retype of a Pool of 16 MiB", retype(ut, CAP_TYPE_POOL, 4096, base, 1, 0));
}

static void cnodes(void)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 24, 0), c = slots(65), ut2 = make(CAP_TYPE_UNTYPED, 18, 0);

    OK(retype(ut, CAP_TYPE_CNODE, 17, c, 1, 0));
    MEASURE("delete of an empty CNode of 2^17 slots", destroy(c));
    OK(retype(ut, CAP_TYPE_CNODE, 14, c, 1, 0));
    for (unsigned i = 0; i < 16384; i += 3)
        OK(invoke(c, CNODE_COPY, i, CAP_INIT_TCB, 0, 0, 0));
    MEASURE("delete of a CNode with 5461 capabilities", destroy(c));
    OK(retype(ut2, CAP_TYPE_CNODE, 1, c, 64, 0));
    for (unsigned i = 63; i > 0; i--)
        OK(invoke(c + i - 1, CNODE_MOVE, i % 2, c + i, 0, 0, 0));
    MEASURE("delete of CNodes nested 64 deep", destroy(c));
    static const enum cap_type types[] = { CAP_TYPE_NOTIFICATION, CAP_TYPE_TCB, CAP_TYPE_SEGMENT };
    for (unsigned i = 0; i < 3; i++) {
        OK(retype(ut2, CAP_TYPE_CNODE, 10, c, 1, 0));
        OK(revoke(ut));
        OK(retype(ut, types[i], 0, CAP_IN(c, 0), 1000, CAP_INIT_POOL));
        MEASURE("delete of a CNode with the last capabilities of 1000 objects", destroy(c));
    }
}

static void spaces(void)
{
    static struct vspace_query query;
    cptr_t p = big_pool(), v = space_in(p), w = space_in(p), far = space_in(p);
    uint64_t pages = 3000;

    MEASURE("reserve and populate 3000 pages", invoke(v, VSPACE_RESERVE, AREA, pages * PAGE, RW | VM_POPULATE, 0, 0));
    MEASURE("protect 3000 pages", invoke(v, VSPACE_PROTECT, AREA, pages * PAGE, VM_READ, 0, 0));
    MEASURE("protect them back", invoke(v, VSPACE_PROTECT, AREA, pages * PAGE, RW, 0, 0));
    MEASURE("clone of 3000 pages", invoke(w, VSPACE_CLONE, v, 0, 0, 0, 0));
    MEASURE("move of 3000 pages", invoke(v, VSPACE_MOVE, AREA, pages * PAGE, 3 * AREA, 0, 0));
    MEASURE("discard of 3000 pages", invoke(v, VSPACE_DISCARD, 3 * AREA, pages * PAGE, 0, 0, 0));
    MEASURE("delete of the clone", destroy(w));
    MEASURE("populate 3000 pages", invoke(v, VSPACE_POPULATE, 3 * AREA, pages * PAGE, 1, 0, 0));
    MEASURE("unmap of 3000 pages", invoke(v, VSPACE_UNMAP, 3 * AREA, pages * PAGE, 0, 0, 0));
    /* One page in every 2 MiB: as many tables as pages. */
    for (unsigned i = 0; i < 600; i++)
        OK(invoke(far, VSPACE_RESERVE, AREA + i * 0x200000ul, PAGE, RW | VM_POPULATE, 0, 0));
    w = space_in(p);
    MEASURE("clone of 600 tables", invoke(w, VSPACE_CLONE, far, 0, 0, 0, 0));
    MEASURE("unmap of 600 tables", invoke(far, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0));
    MEASURE("delete of a VSpace with 600 tables", destroy(w));
    w = space_in(p);
    for (unsigned i = 0; i < 600; i++)
        OK(invoke(w, VSPACE_RESERVE, AREA + i * 0x200000ul, PAGE, RW | VM_POPULATE, 0, 0));
    MEASURE("move of 600 tables", invoke(w, VSPACE_MOVE, AREA, 600 * 0x200000ul, 3 * AREA + PAGE, 0, 0));
    MEASURE("discard of 600 tables", invoke(w, VSPACE_DISCARD, 0, USER_TOP, 0, 0, 0));
    OK(destroy(w));
    for (unsigned i = 0; i < 2000; i++)
        OK(invoke(far, VSPACE_RESERVE, AREA + i * 2 * PAGE, PAGE, RW | VM_NO_CLONE, 0, 0));
    MEASURE("protect of 2000 records", invoke(far, VSPACE_PROTECT, AREA, 4000 * PAGE, VM_READ, 0, 0));
    MEASURE("unmap of 2000 records", invoke(far, VSPACE_UNMAP, AREA, 4000 * PAGE, 0, 0, 0));
    MEASURE("reserve of 200 GiB", invoke(far, VSPACE_RESERVE, 0, 200ul << 30, RW, 0, 0));
    MEASURE("query of 200 GiB", invoke(far, VSPACE_QUERY, 0, (uint64_t)&query, 0, 0, 0));
    MEASURE("protect of 200 GiB", invoke(far, VSPACE_PROTECT, 0, 200ul << 30, VM_READ, 0, 0));
    MEASURE("unmap of 200 GiB", invoke(far, VSPACE_UNMAP, 0, 200ul << 30, 0, 0, 0));
    OK(invoke(far, VSPACE_RESERVE, 0, 3ul << 30, RW, 0, 0));
    MEASURE("move of 3 GiB to a place not aligned alike",
            invoke(far, VSPACE_MOVE, 0, 3ul << 30, (9ul << 30) + PAGE, 0, 0));
    MEASURE("move of them to a place aligned for tables",
            invoke(far, VSPACE_MOVE, (9ul << 30) + PAGE, 3ul << 30, 0x200000, 0, 0));
    OK(invoke(far, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0));
    /* Tables above the leaf level stay: 100,000 free entries to look at. */
    for (unsigned i = 0; i < 200; i++) {
        OK(invoke(far, VSPACE_RESERVE, ((uint64_t)i << 30) + PAGE, PAGE, RW, 0, 0));
        OK(invoke(far, VSPACE_RESERVE, ((i + 1ul) << 30) - 2 * PAGE, PAGE, RW, 0, 0));
    }
    OK(invoke(far, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0));
    MEASURE("reserve of 200 GiB over empty tables", invoke(far, VSPACE_RESERVE, PAGE, 200ul << 30, RW, 0, 0));
    MEASURE("delete of a VSpace with 200 GiB of promises", destroy(far));
}

/* Every second page of 4000 is a Segment's, each with a record of its own. */
static void map_pieces(cptr_t v, cptr_t s, uint64_t at)
{
    for (unsigned i = 0; i < 2000; i++)
        OK(invoke(v, VSPACE_MAP, at + i * 2 * PAGE, PAGE, RW | VM_SHARED | VM_POPULATE, s, 1999 - i));
}

static void records(void)
{
    cptr_t p = big_pool(), v = space_in(p), w = space_in(p), s = make(CAP_TYPE_SEGMENT, 0, p);
    uint64_t bytes = 4000 * PAGE;

    OK(invoke(s, SEGMENT_RESIZE, 2000, 0, 0, 0, 0));
    for (unsigned i = 0; i < 2000; i++)
        OK(invoke(v, VSPACE_RESERVE, AREA + (2 * i + 1) * PAGE, PAGE, RW, 0, 0));
    map_pieces(v, s, AREA);
    OK(invoke(v, VSPACE_POPULATE, AREA, bytes, 1, 0, 0));
    MEASURE("clone of 2000 pieces of a Segment", invoke(w, VSPACE_CLONE, v, 0, 0, 0, 0));
    MEASURE("protect of 2000 pieces", invoke(v, VSPACE_PROTECT, AREA, bytes, VM_READ, 0, 0));
    MEASURE("discard of 2000 pieces", invoke(v, VSPACE_DISCARD, AREA, bytes, 0, 0, 0));
    OK(invoke(v, VSPACE_POPULATE, AREA, bytes, 0, 0, 0));
    MEASURE("move of 2000 pieces", invoke(v, VSPACE_MOVE, AREA, bytes, 3 * AREA + PAGE, 0, 0));
    MEASURE("unmap of 64 of the pieces", invoke(v, VSPACE_UNMAP, 3 * AREA + PAGE, 64 * PAGE, 0, 0, 0));
    MEASURE("reserve instead of 2000 pieces",
            invoke(v, VSPACE_RESERVE, 3 * AREA + PAGE, bytes, RW | VM_REPLACE | VM_NO_CLONE, 0, 0));
    OK(invoke(v, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0));
    map_pieces(v, s, AREA);
    MEASURE("unmap of 2000 pieces", invoke(v, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0));
    map_pieces(v, s, AREA);
    MEASURE("cut of a Segment mapped in 4000 pieces", invoke(s, SEGMENT_RESIZE, 500, 0, 0, 0, 0));
    MEASURE("delete of a VSpace with 2000 pieces", destroy(w));
    MEASURE("delete of a Segment mapped in 2000 pieces", destroy(s));
    MEASURE("delete of a VSpace with pages for 2000 records", destroy(v));
}

/* The target's account runs out; the copy so far goes again. */
static void undone_clone(void)
{
    cptr_t p = big_pool(), v = space_in(p), w = make(CAP_TYPE_VSPACE, 0, 0), s = make(CAP_TYPE_SEGMENT, 0, p);

    OK(invoke(w, VSPACE_INIT, p, 2, 0, 0, 0));
    OK(invoke(s, SEGMENT_RESIZE, 2000, 0, 0, 0, 0));
    OK(invoke(v, VSPACE_RESERVE, AREA / 2, 1500 * PAGE, RW | VM_POPULATE, 0, 0));
    map_pieces(v, s, AREA);
    for (unsigned limit = 1500; limit < 1550; limit += 7) {
        OK(invoke(p, POOL_SET_LIMIT, 2, limit, 0, 0, 0));
        stretch_begin();
        error_t err = invoke(w, VSPACE_CLONE, v, 0, 0, 0, 0);
        stretch_end("clone that fails and is undone");
        CHECK_EQ(err, ERR_NO_MEMORY);
    }
    OK(destroy(w));
    OK(destroy(v));
}

static void segments(void)
{
    cptr_t p = big_pool(), s = make(CAP_TYPE_SEGMENT, 0, p), v[20], big = space_in(p);
    static char buffer[64 * 1024];

    OK(invoke(s, SEGMENT_RESIZE, 2500, 0, 0, 0, 0));
    MEASURE("map and populate nothing of 2500 pages",
            invoke(big, VSPACE_MAP, AREA, 2500 * PAGE, RW | VM_SHARED | VM_POPULATE, s, 0));
    MEASURE("populate 2500 pages of a Segment", invoke(big, VSPACE_POPULATE, AREA, 2500 * PAGE, 1, 0, 0));
    for (unsigned i = 0; i < 20; i++) {
        v[i] = space_in(p);
        OK(invoke(v[i], VSPACE_MAP, AREA, 2500 * PAGE, VM_READ | VM_SHARED | VM_POPULATE, s, 0));
    }
    MEASURE("copy of 64 KiB out of a Segment",
            invoke(s, SEGMENT_COPY, 0, CAP_INIT_VSPACE, (uint64_t)buffer, sizeof(buffer), 0));
    stretch_begin();
    struct ret r = sys(SYS_VSPACE_COPY, big, AREA, (uint64_t)buffer, sizeof(buffer), 1, 0, 0);
    stretch_end("vspace_copy of 64 KiB");
    OK(r.a[0]);
    MEASURE("collect dirty bits of 64 pages in 20 spaces", (error_t)(invoke(s, SEGMENT_COLLECT_DIRTY, 0, 64, 0, 0, 0) & 0));
    MEASURE("zero 1000 pages in 20 spaces", invoke(s, SEGMENT_ZERO, 0, 1000 * PAGE, 0, 0, 0));
    MEASURE("cut 1000 pages off in 20 spaces", invoke(s, SEGMENT_RESIZE, 1500, 0, 0, 0, 0));
    MEASURE("delete a Segment mapped in 20 spaces", destroy(s));
    for (unsigned i = 0; i < 20; i++)
        OK(destroy(v[i]));
    /* A page in each node of the tree. */
    s = make(CAP_TYPE_SEGMENT, 0, p);
    OK(invoke(s, SEGMENT_RESIZE, 600 * 512, 0, 0, 0, 0));
    for (unsigned i = 0; i < 600; i++)
        OK(invoke(s, SEGMENT_COPY, i * 512 * PAGE + 16, CAP_INIT_VSPACE, (uint64_t)buffer, 16, 1));
    MEASURE("zero of 600 pages far apart", invoke(s, SEGMENT_ZERO, 0, 600 * 512 * PAGE, 0, 0, 0));
    for (unsigned i = 0; i < 600; i++)
        OK(invoke(s, SEGMENT_COPY, (i * 512 + 7) * PAGE, CAP_INIT_VSPACE, (uint64_t)buffer, 16, 1));
    MEASURE("cut of 600 pages far apart", invoke(s, SEGMENT_RESIZE, 1, 0, 0, 0, 0));
    OK(invoke(s, SEGMENT_RESIZE, 100, 0, 0, 0, 0));
    cptr_t tcbs = slots(90);
    OK(retype(main_untyped(), CAP_TYPE_TCB, 0, tcbs, 90, 0));
    for (unsigned i = 0; i < 90; i++)
        OK(invoke(tcbs + i, TCB_SET_IPC_BUFFER, s, i, HERE, 0, 0));
    MEASURE("zero of 90 IPC buffers", invoke(s, SEGMENT_ZERO, 0, 90 * PAGE, 0, 0, 0));
    MEASURE("copy of 64 KiB into another Segment's pages, not aligned alike",
            invoke(s, SEGMENT_COPY, 3, CAP_INIT_VSPACE, (uint64_t)buffer, sizeof(buffer), 1));
    OK(destroy(big));
    MEASURE("delete of a Pool", destroy(p));
}

static void waiting(uint64_t n) { sys_wait(n, DEADLINE_NONE, NULL); rest(); }
static void sending(uint64_t ep) { sys(SYS_SEND, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0); rest(); }
static void calling(uint64_t ep) { sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0); rest(); }
static void at_once(uint64_t when) { sys_wait(sh->word[1], when, NULL); rest(); }

static void waiters(void)
{
    cptr_t n = note(), ep = make(CAP_TYPE_ENDPOINT, 0, 0), b = mint(ep, 7);
    struct ret r;

    sh->word[1] = note();
    for (unsigned i = 0; i < 90; i++)
        spawn(0, 129, i % 2 ? waiting : sending, i % 2 ? n : b);
    MEASURE("delete of a notification with 45 waiters", destroy(n));
    MEASURE("cancel among 45 senders of none", invoke(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, mint(ep, 8), 0, 0, 0, 0));
    MEASURE("cancel of 45 senders", invoke(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, b, 0, 0, 0, 0));
    for (unsigned i = 0; i < 90; i++)
        spawn(0, 129, calling, b);
    stretch_begin();
    r = sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, 0);     /* no reply object: each goes with an error */
    stretch_end("receive that refuses 90 callers");
    CHECK_EQ(r.a[0], ERR_WOULD_BLOCK);
    ticks_t when = now() + 30 * MS;
    for (unsigned i = 0; i < 80; i++)
        spawn(0, 129, at_once, when);
    stretch_begin();
    while (now() < when + MS)
        ;
    stretch_end("80 deadlines at the same time");
}

static struct invocation batch_entries[512];

static void batches(void)
{
    cptr_t s = slots(512);

    for (unsigned i = 0; i < 512; i++)
        batch_entries[i] = (struct invocation){ .cap = main_untyped(), .op = UNTYPED_RETYPE,
                                                .arg = { CAP_TYPE_TCB, 0, s + i, 1 } };
    MEASURE("a batch of 512 retypes", (error_t)sys(SYS_BATCH, (uint64_t)batch_entries, 512, 0, 0, 0, 0, 0).a[0]);

    cptr_t seg = new_segment(4);
    for (unsigned op = VSPACE_MAP, n = 0; n < 2; op = VSPACE_UNMAP, n++) {
        for (unsigned i = 0; i < 512; i++)
            batch_entries[i] = (struct invocation){ .cap = CAP_INIT_VSPACE, .op = op,
                                                    .arg = { AREA + i * PAGE, PAGE, VM_READ | VM_SHARED, seg, i * 2 } };
        MEASURE(n == 0 ? "a batch of 512 maps, a record each" : "a batch of 512 unmaps, a record each",
                (error_t)sys(SYS_BATCH, (uint64_t)batch_entries, 512, 0, 0, 0, 0, 0).a[0]);
    }
    static char text[2000];
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = i % 100 == 99 ? '\n' : '#';
    MEASURE("console output of 2000 bytes",
            (error_t)sys(SYS_DEBUG_WRITE, CAP_INIT_PLATFORM, (uint64_t)text, sizeof(text), 0, 0, 0, 0).a[0]);
}

void stretches(void)
{
    run_case("stretch", "revoke", 1, revokes);
    run_case("stretch", "retype", 1, retypes);
    run_case("stretch", "cnode", 1, cnodes);
    run_case("stretch", "vspace", 1, spaces);
    run_case("stretch", "records", 1, records);
    run_case("stretch", "undone_clone", 1, undone_clone);
    run_case("stretch", "segment_and_pool", 1, segments);
    run_case("stretch", "waiters", 1, waiters);
    run_case("stretch", "batch", 1, batches);
    print("stretch of all ");
    print_number((long)longest_of_all);
    print("\n");
}
