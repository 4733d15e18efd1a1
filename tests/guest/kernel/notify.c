/* SPDX-License-Identifier: MIT */
/* Notifications: signals, waits, deadlines. */
#include "kt.h"

enum { PING = 1, PONG, DONE, COUNT, ERROR, BITS, ROUNDS, STOP, ORDER = 20 };

TEST(notify, bits_gather_until_they_are_taken)
{
    cptr_t n = note();
    uint64_t bits = 0;

    OK(sys_signal(mint(n, 1)));
    OK(sys_signal(mint(n, 4)));
    OK(sys_signal(mint(n, 4)));
    OK(sys_wait(n, DEADLINE_POLL, &bits));
    CHECK_EQ(bits, 5);
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, &bits), ERR_WOULD_BLOCK);
}

TEST(notify, all_64_bits_are_badges)
{
    cptr_t n = note();
    uint64_t bits = 0;

    OK(sys_signal(mint(n, 1ul << 63 | 1)));
    OK(sys_wait(n, DEADLINE_NONE, &bits));
    CHECK_EQ(bits, 1ul << 63 | 1);
}

TEST(notify, rights_are_checked)
{
    cptr_t n = note(), ro = copy_cap(n, RIGHT_READ), wo = copy_cap(n, RIGHT_WRITE);

    CHECK_EQ(sys_signal(ro), ERR_RIGHTS);
    CHECK_EQ(sys_wait(wo, DEADLINE_POLL, NULL), ERR_RIGHTS);
    CHECK_EQ(sys_signal_wait(ro, n, DEADLINE_POLL), ERR_RIGHTS);
    CHECK_EQ(sys_signal_wait(n, wo, DEADLINE_POLL), ERR_RIGHTS);
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);    /* nothing was signalled */
    CHECK_EQ(sys_wait(CAP_INIT_TCB, DEADLINE_POLL, NULL), ERR_INVALID_CAP);
}

TEST(notify, signal_wait_checks_both_before_it_signals)
{
    cptr_t n = note();

    CHECK_EQ(sys_signal_wait(n, slots(1), DEADLINE_POLL), ERR_INVALID_CAP);
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);
    CHECK_EQ(sys_signal_wait(slots(1), n, DEADLINE_POLL), ERR_INVALID_CAP);
}

TEST(notify, signal_wait_on_the_same_notification_returns_at_once)
{
    cptr_t n = note();

    OK(sys_signal_wait(n, n, DEADLINE_NONE));
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);
}

TEST(notify, a_deadline_ends_a_wait)
{
    ticks_t start = now();

    CHECK_EQ(sys_wait(note(), start + 5 * MS, NULL), ERR_TIMEOUT);
    CHECK(now() - start >= 5 * MS);
}

TEST(notify, a_past_deadline_does_not_wait)
{
    cptr_t n = note();

    CHECK_EQ(sys_wait(n, now(), NULL), ERR_TIMEOUT);
    CHECK_EQ(sys_wait(n, 1, NULL), ERR_TIMEOUT);
    OK(sys_signal(n));
    OK(sys_wait(n, 1, NULL));   /* bits that are there are taken */
}

static void sleeper(uint64_t i)
{
    sys_wait(sh->word[PING], sh->word[DONE] + (6 - i) * MS, NULL);
    sh->word[ORDER + __atomic_fetch_add(&sh->word[COUNT], 1, __ATOMIC_SEQ_CST)] = i;
    rest();
}

/* All must sleep before the first deadline: if that came too early, with later ones. */
TEST(notify, deadlines_end_in_their_order)
{
    bool in_time = false;

    sh->word[PING] = note();
    for (ticks_t ahead = 50 * MS; !in_time; ahead *= 2) {
        cptr_t t[6];

        sh->word[COUNT] = 0;
        sh->word[DONE] = now() + ahead;
        for (unsigned i = 0; i < 6; i++) {
            t[i] = spawn(0, 100, sleeper, i);
            CHECK(EVENTUALLY(sh->word[COUNT] || thread_state(t[i]) == THREAD_BLOCKED_NOTIFICATION));
        }
        in_time = now() < sh->word[DONE];
        CHECK(EVENTUALLY(sh->word[COUNT] == 6));
    }
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(sh->word[ORDER + i], 5 - i);
}

static void many_deadlines(uint64_t i)
{
    uint64_t early = 0;

    for (unsigned k = 0; k < 40; k++) {
        ticks_t until = now() + (i * 37 + k * 101) % 2000;
        if (sys_wait(sh->word[PING], until, NULL) != ERR_TIMEOUT || now() < until)
            early++;
    }
    __atomic_fetch_add(&sh->word[ERROR], early, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

TEST(notify, hundreds_of_deadlines_are_never_early)
{
    sh->word[PING] = note();
    for (unsigned i = 0; i < 32; i++)
        spawn(i % hart_count(), 100, many_deadlines, i);
    CHECK(EVENTUALLY(sh->word[DONE] == 32));
    CHECK_EQ(sh->word[ERROR], 0);
}

static void waiter(uint64_t n)
{
    uint64_t bits = 0;

    sh->word[ERROR] = (uint64_t)sys_wait(n, DEADLINE_NONE, &bits);
    sh->word[BITS] = bits;
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

static cptr_t waits(unsigned hart, cptr_t n)
{
    cptr_t t = spawn(hart, 100, waiter, n);
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_NOTIFICATION));
    return t;
}

TEST(notify, a_signal_wakes_one_waiter)
{
    cptr_t n = note();

    waits(0, n);
    waits(0, n);
    OK(sys_signal(mint(n, 6)));
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    CHECK(sh->word[ERROR] == 0 && sh->word[BITS] == 6);
    OK(sys_signal(n));
    CHECK(EVENTUALLY(sh->word[DONE] == 2));
}

static void woken(unsigned hart)
{
    cptr_t n = note();

    waits(hart, n);
    OK(sys_signal(mint(n, 0x40)));
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    CHECK_EQ(sh->word[BITS], 0x40);
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);
}

TEST(notify, the_waiter_gets_the_bits_and_the_word_is_empty) { woken(0); }
TEST_ON(2, notify, a_waiter_of_another_hart_gets_the_bits) { woken(other_hart()); }

static void interrupted(unsigned hart)
{
    cptr_t n = note(), t = waits(hart, n);

    OK(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0));
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    CHECK_EQ((long)sh->word[ERROR], ERR_INTERRUPTED);
}

TEST(notify, an_upcall_ends_a_wait) { interrupted(0); }
TEST_ON(2, notify, an_upcall_ends_a_wait_on_another_hart) { interrupted(other_hart()); }

static void deleted(unsigned hart)
{
    cptr_t n = note();

    waits(hart, n);
    waits(0, n);
    OK(destroy(n));
    CHECK(EVENTUALLY(sh->word[DONE] == 2));
    CHECK_EQ((long)sh->word[ERROR], ERR_DELETED);
}

TEST(notify, deletion_ends_the_waits) { deleted(0); }
TEST_ON(2, notify, deletion_ends_the_waits_of_other_harts) { deleted(other_hart()); }

TEST(notify, a_suspended_wait_begins_anew)
{
    cptr_t n = note(), t = waits(0, n);

    OK(suspend(t));
    OK(sys_signal(n));
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
    OK(sys_wait(n, DEADLINE_POLL, NULL));   /* the bits went to nobody */
    OK(resume(t));
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_NOTIFICATION));
    OK(sys_signal(n));
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    OK((long)sh->word[ERROR]);
}

static void upcall_before_wait(uint64_t n)
{
    while (!sh->word[STOP])
        sys_yield();
    waiter(n);
}

TEST(notify, a_wait_that_finds_bits_takes_them_although_an_upcall_is_pending)
{
    cptr_t n = note(), t = spawn(0, 100, upcall_before_wait, n);

    OK(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0));
    OK(sys_signal(n));
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    OK((long)sh->word[ERROR]);
}

static void clear_upcall(uint64_t n)
{
    while (!sh->word[STOP])
        sys_yield();
    struct ret r = sys(SYS_UPCALL_CLEAR, 0, 0, 0, 0, 0, 0, 0);
    sh->word[BITS] = (uint64_t)r.a[1];
    r = sys(SYS_UPCALL_CLEAR, 0, 0, 0, 0, 0, 0, 0);
    sh->word[COUNT] = (uint64_t)r.a[1];
    sh->word[ERROR] = (uint64_t)sys_wait(n, now() + MS, NULL);
    sh->word[DONE] = 1;
    rest();
}

TEST(notify, upcall_clear_takes_the_flag_away)
{
    cptr_t t = spawn(0, 100, clear_upcall, note());

    OK(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0));
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    CHECK(sh->word[BITS] == 1 && sh->word[COUNT] == 0);
    CHECK_EQ((long)sh->word[ERROR], ERR_TIMEOUT);
}

/* ---- ping-pong, by priority and hart ---- */

static void ponger(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        sys_wait(sh->word[PING], DEADLINE_NONE, NULL);
        sh->word[COUNT]++;
        sys_signal(sh->word[PONG]);
    }
    sys_signal(sh->word[DONE]);
    rest();
}

static void ping_pong(unsigned hart, unsigned priority)
{
    uint64_t rounds = 300;
    error_t err = 0;

    sh->word[PING] = note(), sh->word[PONG] = note(), sh->word[DONE] = note();
    cptr_t t = spawn(hart, priority, ponger, rounds);
    for (uint64_t i = 0; i < rounds && err == 0; i++)
        err = i % 2 ? sys_signal_wait(sh->word[PING], sh->word[PONG], now() + 5000 * MS)
                    : (sys_signal(sh->word[PING]), sys_wait(sh->word[PONG], now() + 5000 * MS, NULL));
    OK(err);
    CHECK_EQ(sh->word[COUNT], rounds);
    OK(wait_for(sh->word[DONE], 5000));
    OK(suspend(t));
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
}

TEST(notify, ping_pong_with_a_higher_one) { ping_pong(0, 200); }
TEST(notify, ping_pong_with_an_equal) { ping_pong(0, 128); }
TEST(notify, ping_pong_with_a_lower_one) { ping_pong(0, 50); }
TEST_ON(2, notify, ping_pong_with_every_other_hart)
{
    for (unsigned h = 1; h < hart_count(); h++) {
        sh->word[COUNT] = 0;
        ping_pong(h, 128);
    }
}

/* ---- no signal is lost ---- */

static void counting_waiter(uint64_t n)
{
    while (!sh->word[STOP]) {
        uint64_t bits;
        if (sys_wait(n, now() + 50 * MS, &bits) == 0)
            sh->word[COUNT]++;
    }
    sh->word[DONE] = 1;
    rest();
}

TEST_ON(2, notify, no_signal_to_a_hart_that_falls_asleep_is_lost)
{
    cptr_t n = note();

    spawn(other_hart(), 128, counting_waiter, n);
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t before = sh->word[COUNT];
        OK(sys_signal(n));
        if (!CHECK(EVENTUALLY(sh->word[COUNT] > before)))
            return;
        if (i % 3 == 0)
            pause_for(random_below(300));
    }
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE]));
}

static void signaller(uint64_t n)
{
    while (!sh->word[STOP]) {
        sys_signal(n);
        __atomic_fetch_add(&sh->word[ROUNDS], 1, __ATOMIC_RELAXED);
    }
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

TEST_ON(2, notify, deletion_against_signals_from_all_other_harts)
{
    cptr_t n = slots(1);

    for (unsigned h = 1; h < hart_count(); h++)
        spawn(h, 128, signaller, n);
    for (unsigned i = 0; i < 300; i++) {
        if (!OK(retype(main_untyped(), CAP_TYPE_NOTIFICATION, 0, n, 1, 0)))
            break;
        sys_wait(n, now() + random_below(100), NULL);
        if (!OK(destroy(n)))
            break;
    }
    sh->word[STOP] = 1;
    CHECK(EVENTUALLY(sh->word[DONE] == hart_count() - 1));
}
