/* SPDX-License-Identifier: MIT */
/* Untyped memory and retype. */
#include "kt.h"

static uint64_t free_in(cptr_t ut) { return (uint64_t)sys(SYS_INVOKE, ut, UNTYPED_INFO, 0, 0, 0, 0, 0).a[1]; }

TEST(untyped, retype_makes_objects_of_every_type)
{
    CHECK_EQ(inspect(make(CAP_TYPE_UNTYPED, 12, 0)) & 0xff, CAP_TYPE_UNTYPED);
    CHECK_EQ(inspect(make(CAP_TYPE_CNODE, 3, 0)), CAP_TYPE_CNODE | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_TCB, 0, 0)), CAP_TYPE_TCB | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_SCHED_CONTEXT, 0, 0)), CAP_TYPE_SCHED_CONTEXT | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_ENDPOINT, 0, 0)), CAP_TYPE_ENDPOINT | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_REPLY, 0, 0)), CAP_TYPE_REPLY | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_NOTIFICATION, 0, 0)), CAP_TYPE_NOTIFICATION | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_VSPACE, 0, 0)), CAP_TYPE_VSPACE | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_POOL, 64, 0)), CAP_TYPE_POOL | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL)), CAP_TYPE_SEGMENT | RIGHTS_ALL << 8);
    CHECK_EQ(inspect(make(CAP_TYPE_SEGMENT, 3, 0)), CAP_TYPE_SEGMENT | RIGHTS_ALL << 8);
}

TEST(untyped, types_that_cannot_be_retyped)
{
    cptr_t s = slots(1), ut = make(CAP_TYPE_UNTYPED, 14, 0);

    CHECK_EQ(retype(ut, CAP_TYPE_NULL, 0, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_IRQ, 0, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_PLATFORM, 0, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_COUNT, 0, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, (enum cap_type)-1, 0, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(free_in(ut), 1 << 14);
}

TEST(untyped, sizes_that_are_refused)
{
    cptr_t s = slots(1), ut = make(CAP_TYPE_UNTYPED, 14, 0);

    CHECK_EQ(retype(ut, CAP_TYPE_TCB, 1, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_CNODE, 19, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_UNTYPED, 5, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_UNTYPED, 48, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_POOL, 15, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_POOL, 16, s, 2, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 1ul << 60, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK(inspect(s) == 0 && free_in(ut) == 1 << 14);
}

TEST(untyped, counts_that_are_refused)
{
    cptr_t s = slots(2), ut = make(CAP_TYPE_UNTYPED, 14, 0);

    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1025, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1ul << 60, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_UNTYPED, 47, s, 2, 0), ERR_NO_MEMORY);
    CHECK_EQ(free_in(ut), 1 << 14);
}

TEST(untyped, destination_errors_change_nothing)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), cn = make(CAP_TYPE_CNODE, 2, 0), s = slots(4), taken = note();

    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, taken, 1, 0), ERR_SLOT_OCCUPIED);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 5, 0), ERR_SLOT_OCCUPIED);     /* runs into it */
    CHECK_EQ(inspect(s), 0);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, CAP_IN(cn, 2), 3, 0), ERR_RANGE);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, CAP_IN(cn, 4), 1, 0), ERR_RANGE);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, (1 << 14) - 1, 2, 0), ERR_RANGE);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, 0, 1, 0), ERR_INVALID_CAP);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, CAP_IN(taken, 1), 1, 0), ERR_INVALID_CAP);
    CHECK_EQ(free_in(ut), 1 << 14);
    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, CAP_IN(cn, 0), 4, 0));
}

TEST(untyped, retype_needs_control)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 12, 0), s = slots(1);

    CHECK_EQ(invoke(note(), UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s, 1, 0), ERR_INVALID_CALL);
    CHECK_EQ(invoke(ut, UNTYPED_INFO + 1, 0, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(inspect(s), 0);
}

TEST(untyped, memory_runs_out_exactly_at_the_end)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 12, 0), s = slots(65);

    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 63, 0));
    CHECK_EQ(free_in(ut), 64);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s + 63, 2, 0), ERR_NO_MEMORY);
    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s + 63, 1, 0));
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s + 64, 1, 0), ERR_NO_MEMORY);
    CHECK_EQ(free_in(ut), 0);
}

TEST(untyped, objects_are_aligned_to_their_size)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 13, 0), s = slots(3);

    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1, 0));
    OK(retype(ut, CAP_TYPE_TCB, 0, s + 1, 1, 0));
    CHECK_EQ(free_in(ut), (1 << 13) - 2 * (1 << TCB_BITS));
}

TEST(untyped, without_children_it_starts_again)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 12, 0), s = slots(64);

    for (unsigned i = 0; i < 20; i++) {
        OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 64, 0));
        CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1, 0), ERR_SLOT_OCCUPIED);
        OK(revoke(ut));
        CHECK_EQ(free_in(ut), 4096);
    }
}

TEST(untyped, one_child_that_is_left_keeps_it_used)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 12, 0), s = slots(65);

    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 64, 0));
    for (unsigned i = 1; i < 64; i++)
        OK(destroy(s + i));
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s + 64, 1, 0), ERR_NO_MEMORY);
    OK(destroy(s));
    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s + 64, 1, 0));
}

TEST(untyped, retyped_memory_is_cleared)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), s = slots(4);
    bool zero = true;

    OK(retype(ut, CAP_TYPE_SEGMENT, 4, s, 1, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, HERE, 4 * PAGE, RW | VM_SHARED, s, 0));
    for (unsigned i = 0; i < 2048; i++)
        ((volatile uint64_t *)HERE)[i] = ~0ul;
    OK(revoke(ut));
    OK(retype(ut, CAP_TYPE_SEGMENT, 4, s, 1, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, HERE, 4 * PAGE, RW | VM_SHARED, s, 0));
    for (unsigned i = 0; i < 2048; i++)
        zero = zero && ((volatile uint64_t *)HERE)[i] == 0;
    CHECK(zero);
}

/* A batch of Segments whose pool capability is none: nothing is made, and the
 * result says so. */
TEST(untyped, the_result_counts_the_objects_made)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), s = slots(300);
    struct ret r = sys(SYS_INVOKE, ut, UNTYPED_RETYPE, CAP_TYPE_SEGMENT, 0, s, 3, note());

    CHECK_EQ(r.a[0], ERR_INVALID_CAP);
    CHECK_EQ(r.a[1], 0);
    CHECK_EQ(inspect(s), 0);
    r = sys(SYS_INVOKE, ut, UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s, 200, 0);
    CHECK(r.a[0] == 0 && r.a[1] == 200);
    CHECK(inspect(s + 199) != 0 && inspect(s + 200) == 0);
}

TEST(untyped, a_segment_needs_a_pool_it_may_use)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), s = slots(1), weak = copy_cap(CAP_INIT_POOL, RIGHT_READ);

    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 0, s, 1, 0), ERR_INVALID_CAP);
    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 0, s, 1, weak), ERR_RIGHTS);
    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 0, s, 1, CAP_INIT_POOL | 1024ul << 32), ERR_INVALID_ARGUMENT);
    CHECK_EQ(inspect(s), 0);
    OK(retype(ut, CAP_TYPE_SEGMENT, 0, s, 1, CAP_INIT_POOL | 1023ul << 32));
}

TEST(untyped, untypeds_of_untypeds)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 16, 0), s = slots(10), e = slots(1);

    for (unsigned i = 0; i < 10; i++)
        OK(retype(i ? s + i - 1 : ut, CAP_TYPE_UNTYPED, 15 - i, s + i, 1, 0));
    OK(retype(s + 9, CAP_TYPE_ENDPOINT, 0, e, 1, 0));
    OK(revoke(s + 3));
    CHECK(inspect(s + 4) == 0 && inspect(e) == 0 && inspect(s + 3) != 0);
    OK(revoke(ut));
    OK(retype(ut, CAP_TYPE_UNTYPED, 16, s, 1, 0));
}

TEST(untyped, an_untyped_deleted_before_its_children_leaves_them_to_its_parent)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), s = slots(2);

    OK(retype(ut, CAP_TYPE_UNTYPED, 13, s, 1, 0));
    OK(retype(s, CAP_TYPE_NOTIFICATION, 0, s + 1, 1, 0));
    OK(destroy(s));
    OK(sys_signal(s + 1));
    CHECK_EQ(retype(ut, CAP_TYPE_UNTYPED, 14, s, 1, 0), ERR_NO_MEMORY);
    OK(revoke(ut));
    CHECK_EQ(inspect(s + 1), 0);
    OK(retype(ut, CAP_TYPE_UNTYPED, 14, s, 1, 0));
}

TEST(untyped, a_cnode_of_16384_slots_comes_and_goes)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 22, 0), s = slots(3);

    OK(retype(ut, CAP_TYPE_CNODE, 14, s, 3, 0));
    OK(invoke(s, CNODE_COPY, 16383, s, RIGHTS_ALL, 0, 0));
    OK(revoke(ut));
    OK(retype(ut, CAP_TYPE_UNTYPED, 22, s, 1, 0));
}

TEST(untyped, info_needs_no_right)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 13, 0), s = slots(1);

    CHECK_EQ(free_in(ut), 8192);
    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1, 0));
    CHECK_EQ(free_in(ut), 8192 - 64);
    OK(destroy(s));
    CHECK_EQ(free_in(ut), 8192);
}

static const struct bootinfo *boot(void) { return (const struct bootinfo *)ROOT_BOOTINFO; }

static cptr_t device_untyped(void)
{
    for (unsigned i = 0; i < boot()->nr_untypeds; i++)
        if (boot()->untyped[i].device && boot()->untyped[i].size_bits >= 13)
            return CAP_INIT_FIRST_UNTYPED + i;
    return 0;
}

#define BOOT_CODE_AT 0x2c000000ul

/* kernel.ld: what runs only at boot lies first in the 2 MiB after the kernel's code. */
TEST(untyped, the_code_of_boot_is_memory_now)
{
    volatile uint64_t *p = (volatile uint64_t *)BOOT_CODE_AT;
    cptr_t seg = slots(1), ut = 0;
    unsigned bits = 0;

    for (unsigned i = 0; i < boot()->nr_untypeds; i++)
        if (boot()->untyped[i].paddr == 0x80400000 && !boot()->untyped[i].device) {
            ut = CAP_INIT_FIRST_UNTYPED + i;
            bits = boot()->untyped[i].size_bits;
        }
    REQUIRE(ut != 0 && bits >= 12);
    OK(retype(ut, CAP_TYPE_SEGMENT, 1ul << (bits - 12), seg, 1, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, BOOT_CODE_AT, 1ul << bits, RW | VM_SHARED, seg, 0));
    for (uint64_t i = 0; i < (1ul << bits) / 8; i++) {
        CHECK(p[i] == 0);
        p[i] = i;
    }
    OK(invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, BOOT_CODE_AT, 1ul << bits, 0, 0, 0));
    OK(destroy(seg));
}

TEST(untyped, device_memory_makes_untypeds_and_segments_only)
{
    cptr_t ut = device_untyped(), s = slots(2);

    REQUIRE(ut != 0);
    CHECK_EQ(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_CNODE, 2, s, 1, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 0, s, 1, CAP_INIT_POOL), ERR_INVALID_ARGUMENT);
    OK(retype(ut, CAP_TYPE_SEGMENT, 1, s, 1, PAGE | 1));
    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 1, s + 1, 1, 100 | 1), ERR_INVALID_ARGUMENT);
    CHECK_EQ(retype(ut, CAP_TYPE_SEGMENT, 1, s + 1, 1, 1ul << 46 | 1), ERR_RANGE);
}

TEST(untyped, there_are_256_physical_segments_and_they_come_back)
{
    cptr_t s = slots(300);
    unsigned n = 0;
    error_t err = 0;

    while (n < 300 && (err = retype(main_untyped(), CAP_TYPE_SEGMENT, 1, s + n, 1, 0)) == 0)
        n++;
    CHECK_EQ(err, ERR_NO_MEMORY);
    CHECK(n > 200 && n <= 256);
    for (unsigned i = 0; i < n; i++)
        OK(destroy(s + i));
    CHECK(EVENTUALLY(retype(main_untyped(), CAP_TYPE_SEGMENT, 1, s, 1, 0) == 0));
}

/* The physical address of a childless Untyped. */
static uint64_t address_of(cptr_t ut)
{
    cptr_t probe = slots(1);
    struct segment_info si = { 0 };

    retype(ut, CAP_TYPE_SEGMENT, 1, probe, 1, 0);
    invoke(probe, SEGMENT_INFO, (uint64_t)&si, 0, 0, 0, 0);
    destroy(probe);
    return si.paddr;
}

TEST(untyped, a_pool_grows_by_untypeds_and_gives_them_back)
{
    cptr_t all = make(CAP_TYPE_UNTYPED, 21, 0), a = slots(1), b = slots(1), c = slots(1), p = slots(1), s = slots(2);
    uint64_t first = address_of(all) >> 12;
    struct pool_info before = { 0 }, after = { 0 };

    OK(retype(all, CAP_TYPE_UNTYPED, 20, a, 1, 0));
    OK(retype(all, CAP_TYPE_UNTYPED, 18, b, 1, 0));
    OK(retype(all, CAP_TYPE_UNTYPED, 12, c, 1, 0));
    expect(retype(a, CAP_TYPE_POOL, 256, p, 1, (first + 1) | 512ul << 32), ERR_RANGE, "pool_outside_its_span");
    expect(retype(a, CAP_TYPE_POOL, 256, p, 1, first | 1ul << 58), ERR_INVALID_ARGUMENT, "pool_with_an_absurd_span");
    expect(retype(a, CAP_TYPE_POOL, 256, p, 1, first | 512ul << 32), 0, "pool_with_a_span");
    invoke(p, POOL_INFO, ~0ul, (uint64_t)&before, 0, 0, 0);
    expect(invoke(p, POOL_ADD_MEMORY, b, 0, 0, 0, 0), 0, "add_memory_to_a_pool");
    expect(invoke(p, POOL_ADD_MEMORY, b, 0, 0, 0, 0), ERR_BUSY, "add_it_twice");
    expect(invoke(p, POOL_ADD_MEMORY, all, 0, 0, 0, 0), ERR_BUSY, "add_an_untyped_in_use");
    expect(invoke(p, POOL_ADD_MEMORY, p, 0, 0, 0, 0), ERR_INVALID_CAP, "add_what_is_no_untyped");
    expect(invoke(p, POOL_ADD_MEMORY, make(CAP_TYPE_UNTYPED, 12, 0), 0, 0, 0, 0), ERR_RANGE, "add_outside_the_span");
    expect(invoke(p, POOL_ADD_MEMORY, c, 0, 0, 0, 0), 0, "add_one_page");
    invoke(p, POOL_INFO, ~0ul, (uint64_t)&after, 0, 0, 0);
    check(after.total_pages == before.total_pages + 65, "pool_has_grown", (long)after.total_pages);
    expect(retype(b, CAP_TYPE_ENDPOINT, 0, s, 1, 0), ERR_NO_MEMORY, "added_memory_is_used_up");
    cptr_t v = make(CAP_TYPE_VSPACE, 0, 0);
    OK(invoke(v, VSPACE_INIT, p, 0, 0, 0, 0));
    OK(invoke(v, VSPACE_RESERVE, 0x1000000, 300ul << 12, RW, 0, 0));
    expect(invoke(v, VSPACE_POPULATE, 0x1000000, 300ul << 12, 1, 0, 0), 0, "populate_beyond_the_first_part");
    OK(destroy(v));
    expect(revoke(b), 0, "revoke_added_memory");
    expect(retype(b, CAP_TYPE_UNTYPED, 18, s, 1, 0), 0, "revoked_memory_is_free");
    v = make(CAP_TYPE_VSPACE, 0, 0);
    expect(invoke(v, VSPACE_INIT, p, 0, 0, 0, 0), ERR_DELETED, "its_pool_is_down");
    expect(retype(c, CAP_TYPE_UNTYPED, 12, s + 1, 1, 0), ERR_NO_MEMORY, "the_rest_is_not_free_yet");
    OK(destroy(p));
    expect(retype(c, CAP_TYPE_UNTYPED, 12, slots(1), 1, 0), 0, "now_it_is_free");
    OK(revoke(all));
    expect(retype(all, CAP_TYPE_UNTYPED, 21, slots(1), 1, 0), 0, "all_is_free_again");
}

/* ---- quiescence: memory is reused while all harts work with what was there ---- */

static void user_of_objects(uint64_t i)
{
    cptr_t base = sh->word[1];

    while (!sh->word[0]) {
        sys_signal(base);
        sys_wait(base, DEADLINE_POLL, NULL);
        sys(SYS_NB_SEND, base + 1, MSG_INFO(0, 1, 0), i, 0, 0, 0, 0);
        sys(SYS_NB_RECV, base + 1, 0, 0, 0, 0, 0, base + 2);
        invoke(base + 3, TCB_SET_PRIORITY, 10, 0, 0, 0, 0);
        sys_signal(CAP_IN(base + 4, 1));
        sys_wait(base, now() + 5, NULL);
        sh->word[16 + i * 8]++;
    }
    __atomic_fetch_add(&sh->word[2], 1, __ATOMIC_SEQ_CST);
    rest();
}

TEST(untyped, objects_are_deleted_and_retyped_under_all_harts_that_use_them)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 16, 0), base = slots(5), probe = slots(1);
    unsigned harts = hart_count();

    sh->word[1] = base;
    for (unsigned i = 0; i < harts; i++)
        spawn(i, 127, user_of_objects, i);
    for (unsigned round = 0; round < 120 / (harts * harts) + 10; round++) {
        static const uint8_t types[2][5] = {
            { CAP_TYPE_NOTIFICATION, CAP_TYPE_ENDPOINT, CAP_TYPE_REPLY, CAP_TYPE_TCB, CAP_TYPE_CNODE },
            { CAP_TYPE_ENDPOINT, CAP_TYPE_NOTIFICATION, CAP_TYPE_SCHED_CONTEXT, CAP_TYPE_CNODE, CAP_TYPE_TCB },
        };
        for (unsigned i = 0; i < 5; i++) {
            enum cap_type type = types[round % 2][i];
            if (!OK(retype(ut, type, type == CAP_TYPE_CNODE ? 3 : 0, base + i, 1, 0)))
                return;
        }
        if (round % 2 == 0)
            OK(invoke(base + 4, CNODE_COPY, 1, base, RIGHTS_ALL, 0, 0));
        for (uint64_t spin = random_below(2000); spin > 0; spin--)
            __asm__ volatile("");
        /* The same memory becomes something else at once, and must not be changed by
         * a hart that still holds the old object. */
        if (!OK(revoke(ut)) || !OK(retype(ut, CAP_TYPE_SEGMENT, 8, probe, 1, 0)))
            return;
        OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, HERE, 8 * PAGE, VM_READ | VM_SHARED, probe, 0));
        bool zero = true;
        for (unsigned k = 0; k < 2; k++)
            for (unsigned i = 0; i < 8 * 512; i++)
                zero = zero && ((volatile uint64_t *)HERE)[i] == 0;
        if (!CHECK(zero) || !OK(revoke(ut)))
            return;
    }
    for (unsigned i = 0; i < harts; i++)
        CHECK(EVENTUALLY(sh->word[16 + i * 8] > 3));
    sh->word[0] = 1;
    CHECK(EVENTUALLY(sh->word[2] == harts));
}
