/* SPDX-License-Identifier: MIT */
/* Capabilities: rights, badges, the operations of CNodes, the derivation tree. */
#include "kt.h"

static error_t cnode(cptr_t c, uint32_t op, uint64_t a, uint64_t b, uint64_t d, uint64_t e)
{
    return invoke(c, op, a, b, d, e, 0);
}

TEST(caps, copy_keeps_only_the_rights_of_the_mask)
{
    cptr_t n = note(), c = copy_cap(n, RIGHT_READ);

    CHECK_EQ(inspect(c), CAP_TYPE_NOTIFICATION | RIGHT_READ << 8);
    CHECK_EQ(sys_signal(c), ERR_RIGHTS);
    CHECK_EQ(sys_wait(c, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);
}

TEST(caps, copy_never_has_more_rights_than_its_source)
{
    cptr_t weak = copy_cap(note(), RIGHT_WRITE), c = copy_cap(weak, RIGHTS_ALL);

    CHECK_EQ(inspect(c), CAP_TYPE_NOTIFICATION | RIGHT_WRITE << 8);
    CHECK_EQ(sys_wait(c, DEADLINE_POLL, NULL), ERR_RIGHTS);
    OK(sys_signal(c));
}

TEST(caps, copy_errors_change_nothing)
{
    cptr_t n = note(), taken = note(), empty = slots(2), ut = make(CAP_TYPE_UNTYPED, 12, 0);
    cptr_t cn = make(CAP_TYPE_CNODE, 2, 0), ro = copy_cap(cn, RIGHT_READ);
    uint64_t before = inspect(taken);

    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_COPY, taken, n, RIGHTS_ALL, 0), ERR_SLOT_OCCUPIED);
    CHECK_EQ(inspect(taken), before);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_COPY, empty, empty + 1, RIGHTS_ALL, 0), ERR_INVALID_CAP);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_COPY, empty, ut, RIGHTS_ALL, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(cnode(cn, CNODE_COPY, 4, n, RIGHTS_ALL, 0), ERR_RANGE);
    CHECK_EQ(cnode(ro, CNODE_COPY, 0, n, RIGHTS_ALL, 0), ERR_RIGHTS);
    CHECK_EQ(cnode(n, CNODE_COPY, 0, n, RIGHTS_ALL, 0), ERR_INVALID_CALL);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_COPY, empty, 0, RIGHTS_ALL, 0), ERR_INVALID_CAP);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_COPY, empty, ~0ul, RIGHTS_ALL, 0), ERR_INVALID_CAP);
    CHECK_EQ(inspect(empty), 0);
}

TEST(caps, mint_gives_a_badge_once)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), b = mint(ep, 0x1234), s = slots(1);

    CHECK_EQ(inspect(b) >> 16, 0x1234);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_MINT, s, b, RIGHTS_ALL, 0x5678), ERR_INVALID_ARGUMENT);
    CHECK_EQ(inspect(s), 0);
    OK(cnode(CAP_INIT_CNODE, CNODE_MINT, s, b, RIGHTS_ALL, 0x1234));
    CHECK_EQ(inspect(s) >> 16, 0x1234);
}

TEST(caps, a_copy_of_a_badged_capability_has_its_badge)
{
    cptr_t b = mint(note(), 0x30), c = copy_cap(b, RIGHTS_ALL);
    uint64_t bits = 0;

    OK(sys_signal(c));
    OK(sys_wait(b, DEADLINE_POLL, &bits));
    CHECK_EQ(bits, 0x30);
}

TEST(caps, a_notification_badge_may_lose_bits_but_not_gain_them)
{
    cptr_t b = mint(note(), 0x33), s = slots(2);

    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_MINT, s, b, RIGHTS_ALL, 0x34), ERR_INVALID_ARGUMENT);
    OK(cnode(CAP_INIT_CNODE, CNODE_MINT, s, b, RIGHTS_ALL, 0x31));
    CHECK_EQ(inspect(s) >> 16, 0x31);
}

TEST(caps, objects_that_have_no_badge_take_none)
{
    cptr_t tcb = make(CAP_TYPE_TCB, 0, 0), s = slots(1);

    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_MINT, s, tcb, RIGHTS_ALL, 1), ERR_INVALID_ARGUMENT);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_MINT, s, CAP_INIT_CNODE, RIGHTS_ALL, 7), ERR_INVALID_ARGUMENT);
    OK(cnode(CAP_INIT_CNODE, CNODE_MINT, s, tcb, RIGHT_READ, 0));
}

TEST(caps, a_capability_without_badge_signals_bit_0)
{
    cptr_t n = note();
    uint64_t bits = 0;

    OK(sys_signal(n));
    OK(sys_wait(n, DEADLINE_POLL, &bits));
    CHECK_EQ(bits, 1);
}

TEST(caps, move_empties_the_old_slot)
{
    cptr_t n = mint(note(), 6), to = slots(1);
    uint64_t was = inspect(n);

    OK(cnode(CAP_INIT_CNODE, CNODE_MOVE, to, n, 0, 0));
    CHECK_EQ(inspect(n), 0);
    CHECK_EQ(inspect(to), was);
    CHECK_EQ(sys_signal(n), ERR_INVALID_CAP);
    OK(sys_signal(to));
}

TEST(caps, move_keeps_the_place_in_the_tree)
{
    cptr_t n = note(), mid = mint(n, 1), leaf = copy_cap(mid, RIGHTS_ALL), to = slots(1);

    OK(cnode(CAP_INIT_CNODE, CNODE_MOVE, to, mid, 0, 0));
    OK(revoke(to));
    CHECK_EQ(inspect(leaf), 0);
    CHECK(inspect(to) != 0);
    OK(revoke(n));
    CHECK_EQ(inspect(to), 0);
}

TEST(caps, move_errors_change_nothing)
{
    cptr_t a = note(), b = mint(note(), 2), cn = make(CAP_TYPE_CNODE, 1, 0), ro = copy_cap(cn, RIGHT_READ);
    uint64_t was_a = inspect(a), was_b = inspect(b);

    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_MOVE, b, a, 0, 0), ERR_SLOT_OCCUPIED);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_MOVE, a, a, 0, 0), ERR_SLOT_OCCUPIED);
    CHECK_EQ(cnode(cn, CNODE_MOVE, 2, a, 0, 0), ERR_RANGE);
    CHECK_EQ(cnode(ro, CNODE_MOVE, 0, a, 0, 0), ERR_RIGHTS);
    CHECK_EQ(cnode(cn, CNODE_MOVE, 0, CAP_IN(cn, 1), 0, 0), ERR_INVALID_CAP);
    CHECK(inspect(a) == was_a && inspect(b) == was_b);
}

TEST(caps, untypeds_move_with_their_children)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 12, 0), s = slots(3);

    OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1, 0));
    OK(cnode(CAP_INIT_CNODE, CNODE_MOVE, s + 1, ut, 0, 0));
    OK(retype(s + 1, CAP_TYPE_ENDPOINT, 0, s + 2, 1, 0));
    OK(revoke(s + 1));
    CHECK(inspect(s) == 0 && inspect(s + 2) == 0);
}

TEST(caps, rotate_moves_b_to_a_and_c_to_b)
{
    cptr_t s = slots(1), b = mint(note(), 0xb), c = mint(note(), 0xc);

    OK(cnode(CAP_INIT_CNODE, CNODE_ROTATE, s, b, c, 0));
    CHECK(inspect(s) >> 16 == 0xb && inspect(b) >> 16 == 0xc && inspect(c) == 0);
}

TEST(caps, rotate_with_a_equal_c_exchanges)
{
    cptr_t a = mint(note(), 0xa), b = mint(note(), 0xb);

    OK(cnode(CAP_INIT_CNODE, CNODE_ROTATE, a, b, a, 0));
    CHECK(inspect(a) >> 16 == 0xb && inspect(b) >> 16 == 0xa);
}

TEST(caps, rotate_exchanges_parent_and_child)
{
    cptr_t n = note(), child = mint(n, 5), leaf = copy_cap(child, RIGHTS_ALL);

    OK(cnode(CAP_INIT_CNODE, CNODE_ROTATE, n, child, n, 0));
    CHECK(inspect(n) >> 16 == 5 && inspect(child) >> 16 == 0);
    OK(revoke(child));          /* now the parent */
    CHECK(inspect(n) == 0 && inspect(leaf) == 0 && inspect(child) != 0);
}

TEST(caps, rotate_errors_change_nothing)
{
    cptr_t a = slots(1), b = mint(note(), 1), c = mint(note(), 2), cn = make(CAP_TYPE_CNODE, 2, 0);

    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_ROTATE, a, b, b, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_ROTATE, b, b, c, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_ROTATE, cn, b, c, 0), ERR_SLOT_OCCUPIED);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_ROTATE, a, a + 9, c, 0), ERR_INVALID_CAP);
    CHECK_EQ(cnode(cn, CNODE_ROTATE, 0, 1, 4, 0), ERR_RANGE);
    CHECK(inspect(a) == 0 && inspect(b) >> 16 == 1 && inspect(c) >> 16 == 2);
}

TEST(caps, delete_of_an_empty_slot_is_no_error) { OK(destroy(slots(1))); }

TEST(caps, delete_leaves_the_children_to_the_parent)
{
    cptr_t n = note(), mid = mint(n, 1), leaf = copy_cap(mid, RIGHTS_ALL);

    OK(destroy(mid));
    OK(sys_signal(leaf));
    OK(revoke(n));
    CHECK_EQ(inspect(leaf), 0);
}

TEST(caps, the_object_lives_until_its_last_capability_goes)
{
    cptr_t n = note(), c = copy_cap(n, RIGHTS_ALL);

    OK(destroy(n));
    OK(sys_signal(c));
    OK(sys_wait(c, DEADLINE_POLL, NULL));
    OK(destroy(c));
    CHECK_EQ(sys_signal(c), ERR_INVALID_CAP);
}

TEST(caps, revoke_spares_the_capability_itself)
{
    cptr_t n = note(), c = mint(n, 3);

    OK(revoke(n));
    CHECK_EQ(sys_signal(c), ERR_INVALID_CAP);
    OK(sys_signal(n));
}

TEST(caps, revoke_spares_siblings)
{
    cptr_t n = note(), a = mint(n, 1), b = mint(n, 2), under_a = copy_cap(a, RIGHTS_ALL);

    OK(revoke(a));
    CHECK_EQ(inspect(under_a), 0);
    OK(sys_signal(b));
}

TEST(caps, revoke_of_an_empty_slot_is_no_error) { OK(revoke(slots(1))); }

/* Each a child of the one before. */
TEST(caps, revoke_of_a_chain_of_1000_derivations)
{
    cptr_t first = note(), at = first;

    for (unsigned i = 0; i < 1000; i++)
        at = copy_cap(at, RIGHTS_ALL);
    OK(sys_signal(at));
    OK(revoke(first));
    CHECK_EQ(inspect(at), 0);
    CHECK_EQ(inspect(first + 1), 0);
    OK(sys_signal(first));
}

TEST(caps, revoke_of_1000_children)
{
    cptr_t n = note(), first = slots(0);

    for (unsigned i = 0; i < 1000; i++)
        mint(n, i + 1);
    OK(revoke(n));
    for (unsigned i = 0; i < 1000; i++)
        if (!CHECK_EQ(inspect(first + i), 0))
            break;
}

/* A random tree; revoking any node must take exactly its descendants. */
TEST(caps, revoke_takes_exactly_the_descendants_of_any_node)
{
    enum { NODES = 120 };
    static unsigned parent[NODES];

    for (unsigned round = 0; round < 12; round++) {
        cptr_t base = slots(NODES);
        OK(retype(main_untyped(), CAP_TYPE_NOTIFICATION, 0, base, 1, 0));
        for (unsigned i = 1; i < NODES; i++) {
            parent[i] = (unsigned)random_below(i);
            OK(cnode(CAP_INIT_CNODE, CNODE_COPY, base + i, base + parent[i], RIGHTS_ALL, 0));
        }
        unsigned victim = (unsigned)random_below(NODES);
        OK(revoke(base + victim));
        for (unsigned i = 0; i < NODES; i++) {
            bool below = false;
            for (unsigned at = i; at != 0 && !below; at = parent[at])
                below = parent[at] == victim;
            if (!CHECK_EQ(inspect(base + i) == 0, below))
                return;
        }
    }
}

TEST(caps, delete_in_any_order_finds_the_last_capability)
{
    enum { NODES = 40 };

    for (unsigned round = 0; round < 20; round++) {
        cptr_t base = slots(NODES);
        unsigned order[NODES];
        OK(retype(main_untyped(), CAP_TYPE_NOTIFICATION, 0, base, 1, 0));
        for (unsigned i = 0; i < NODES; i++)
            order[i] = i;
        for (unsigned i = 1; i < NODES; i++) {
            OK(cnode(CAP_INIT_CNODE, CNODE_COPY, base + i, base + random_below(i), RIGHTS_ALL, 0));
            unsigned j = (unsigned)random_below(i + 1), k = order[i];
            order[i] = order[j], order[j] = k;
        }
        for (unsigned i = 0; i < NODES; i++) {
            if (!OK(sys_signal(base + order[i])))
                return;         /* the object was taken too early */
            OK(destroy(base + order[i]));
        }
    }
}

TEST(caps, inspect_tells_type_rights_and_badge)
{
    cptr_t b = mint(make(CAP_TYPE_ENDPOINT, 0, 0), 0x77), wo = copy_cap(CAP_INIT_CNODE, RIGHT_WRITE);

    CHECK_EQ(inspect(b), CAP_TYPE_ENDPOINT | RIGHTS_ALL << 8 | 0x77 << 16);
    CHECK_EQ(inspect(slots(1)), 0);
    CHECK_EQ(cnode(wo, CNODE_INSPECT, 1, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_INSPECT, 1 << 14, 0, 0, 0), ERR_RANGE);
}

TEST(caps, inspect_compares_objects_and_tells_all_of_a_badge)
{
    cptr_t n = note(), badged = slots(1), other = note(), segment = make(CAP_TYPE_SEGMENT, 1, 0);
    struct capability_info info;

    OK(invoke(CAP_INIT_CNODE, CNODE_MINT, badged, n, RIGHT_WRITE, 1ul << 63, 0));
    OK(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, (uint64_t)&info, n, 0));
    CHECK(info.type == CAP_TYPE_NOTIFICATION && info.rights == RIGHT_WRITE && info.badge == 1ul << 63);
    CHECK_EQ(info.same_object, 1);
    OK(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, (uint64_t)&info, other, 0));
    CHECK_EQ(info.same_object, 0);
    OK(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, (uint64_t)&info, segment, 0));
    CHECK_EQ(info.same_object, 0);
    OK(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, (uint64_t)&info, CAP_NULL, 0));
    CHECK_EQ(info.same_object, 0);
    OK(cnode(CAP_INIT_CNODE, CNODE_INSPECT, slots(1), (uint64_t)&info, n, 0));
    CHECK(info.type == CAP_TYPE_NULL && info.rights == 0 && info.badge == 0 && info.same_object == 0);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, (uint64_t)&info, slots(1), 0), ERR_INVALID_CAP);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, USER_TOP, n, 0), ERR_FAULT);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_INSPECT, badged, 0, slots(1), 0), ERR_INVALID_CAP);
}

TEST(caps, delete_and_revoke_need_write)
{
    cptr_t n = note(), ro = copy_cap(CAP_INIT_CNODE, RIGHT_READ);

    CHECK_EQ(cnode(ro, CNODE_DELETE, n, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(cnode(ro, CNODE_REVOKE, n, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(cnode(ro, CNODE_CANCEL_BADGED, n, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_DELETE, 1 << 14, 0, 0, 0), ERR_RANGE);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_REVOKE, 1 << 14, 0, 0, 0), ERR_RANGE);
    OK(sys_signal(n));
}

TEST(caps, cancel_badged_wants_an_endpoint)
{
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, note(), 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(cnode(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, slots(1), 0, 0, 0), ERR_INVALID_CAP);
}

TEST(caps, unknown_operations_are_refused)
{
    CHECK_EQ(invoke(CAP_INIT_CNODE, 0xfffff, 1, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(invoke(CAP_INIT_TCB, CNODE_COPY, 1, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(invoke(note(), CNODE_COPY, 1, 0, 0, 0, 0), ERR_INVALID_CALL);
    CHECK_EQ(sys(SYS_INVOKE, CAP_INIT_CNODE, 1ul << 40 | CNODE_INSPECT, 1, 0, 0, 0, 0).a[0], ERR_INVALID_CALL);
    CHECK_EQ(sys(999, 0, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CALL);
    CHECK_EQ(sys(-1, 0, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CALL);
}

TEST(caps, addresses_that_name_nothing)
{
    CHECK_EQ(sys_signal(0), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(~0ul), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(1 << 14), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(1ul << 60), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(CAP_IN(CAP_INIT_TCB, 0)), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(CAP_INIT_CNODE), ERR_INVALID_CAP);
}

TEST(caps, second_level_addresses)
{
    cptr_t a = make(CAP_TYPE_CNODE, 4, 0), n = note();

    OK(cnode(a, CNODE_COPY, 3, n, RIGHTS_ALL, 0));
    OK(sys_signal(CAP_IN(a, 3)));
    CHECK_EQ(sys_signal(CAP_IN(a, 4)), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(CAP_IN(a, 99)), ERR_INVALID_CAP);
    CHECK_EQ(sys_signal(CAP_IN(n, 0)), ERR_INVALID_CAP);
    OK(cnode(a, CNODE_COPY, 0, n, RIGHTS_ALL, 0));
    OK(sys_signal(CAP_IN(a, 0)));
}

TEST(caps, a_cnode_that_dies_takes_its_capabilities)
{
    cptr_t a = make(CAP_TYPE_CNODE, 4, 0), n = note();

    OK(cnode(a, CNODE_MOVE, 3, n, 0, 0));
    OK(sys_signal(CAP_IN(a, 3)));
    OK(destroy(a));
    CHECK_EQ(sys_signal(CAP_IN(a, 3)), ERR_INVALID_CAP);
}

TEST(caps, cnodes_that_hold_each_others_last_capability)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), c = slots(2);

    OK(retype(ut, CAP_TYPE_CNODE, 4, c, 2, 0));
    OK(cnode(c, CNODE_MOVE, 0, c + 1, 0, 0));
    OK(cnode(CAP_IN(c, 0), CNODE_MOVE, 5, c, 0, 0));
    OK(revoke(ut));
    OK(retype(ut, CAP_TYPE_UNTYPED, 14, c, 1, 0));
}

TEST(caps, a_cnode_that_holds_itself)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 14, 0), c = slots(1);

    OK(retype(ut, CAP_TYPE_CNODE, 3, c, 1, 0));
    OK(cnode(c, CNODE_COPY, 0, c, RIGHTS_ALL, 0));
    OK(cnode(c, CNODE_COPY, 7, c, RIGHTS_ALL, 0));
    OK(cnode(c, CNODE_DELETE, 0, 0, 0, 0));
    OK(revoke(ut));
    OK(retype(ut, CAP_TYPE_UNTYPED, 14, c, 1, 0));
}

TEST(caps, cnodes_nested_64_deep_are_deleted_from_the_top)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 16, 0), s = slots(65);

    OK(retype(ut, CAP_TYPE_CNODE, 1, s, 64, 0));
    for (unsigned i = 63; i > 0; i--)
        OK(cnode(s + i - 1, CNODE_MOVE, i % 2, s + i, 0, 0));
    OK(destroy(s));
    OK(retype(ut, CAP_TYPE_UNTYPED, 16, s, 1, 0));
}

/* ---- two harts change the same part of the tree ---- */

static void copier(uint64_t source)
{
    cptr_t to = sh->word[1];

    while (!sh->word[0]) {
        cnode(CAP_INIT_CNODE, CNODE_COPY, to, source, RIGHTS_ALL, 0);
        cnode(CAP_INIT_CNODE, CNODE_MOVE, to + 1, to, 0, 0);
        destroy(to + 1);
        sh->word[2]++;
    }
    sh->word[3] = 1;
    rest();
}

TEST_ON(2, caps, revoke_against_a_hart_that_derives)
{
    cptr_t n = note();

    sh->word[1] = slots(2);
    spawn(other_hart(), 128, copier, n);
    for (unsigned i = 0; i < 2000; i++)
        if (!OK(revoke(n)))
            break;
    CHECK(EVENTUALLY(sh->word[2] > 10));
    sh->word[0] = 1;
    CHECK(EVENTUALLY(sh->word[3]));
    OK(sys_signal(n));
}

TEST_ON(2, caps, lookups_against_a_hart_that_moves_the_capability)
{
    cptr_t n = note(), a = mint(n, 0x11), b = slots(1);

    sh->word[1] = slots(2);
    spawn(other_hart(), 128, copier, a);
    for (unsigned i = 0; i < 20000; i++) {
        error_t err = sys_signal(sh->word[1] + i % 2);
        uint64_t bits = 0;
        if (err == 0)
            sys_wait(n, DEADLINE_POLL, &bits);
        if (!CHECK(err == ERR_INVALID_CAP || (err == 0 && bits == 0x11)))
            break;
        if (i % 16 == 0)
            OK(cnode(CAP_INIT_CNODE, CNODE_MOVE, i % 32 ? a : b, i % 32 ? b : a, 0, 0));
    }
    sh->word[0] = 1;
    CHECK(EVENTUALLY(sh->word[3]));
}
