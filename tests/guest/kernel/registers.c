/* SPDX-License-Identifier: MIT */
/* Every register and the FP state of both sides, over calls that switch, fast and slow. */
#include "kt.h"

enum { EP = 1, PING, PONG, CHANGED };

uint64_t pattern_call(const uint64_t a[8], uint64_t out[8], uint64_t seed);

static inline void fp_set(uint64_t v)
{
    __asm__ volatile(".option push\n.option arch, +d\nfmv.d.x f8, %0\nfmv.d.x f31, %0\n.option pop" :: "r"(v));
}

static inline bool fp_is(uint64_t v)
{
    uint64_t a, b;
    __asm__ volatile(".option push\n.option arch, +d\nfmv.x.d %0, f8\nfmv.x.d %1, f31\n.option pop"
                     : "=r"(a), "=r"(b));
    return a == v && b == v;
}

/* One call; which registers it changed that it must not (bit 63: FP). A call with
 * results in a0..`last` leaves the arguments after that alone. */
static uint64_t changed_by(const uint64_t a[8], uint64_t out[8], unsigned last, uint64_t seed, bool fp)
{
    if (fp)
        fp_set(seed);
    uint64_t bad = pattern_call(a, out, seed);
    for (unsigned i = last + 1; i < 8; i++)
        bad |= (uint64_t)(out[i] != a[i]) << (10 + i);
    return bad | (uint64_t)(fp && !fp_is(seed)) << 63;
}

/* Bit 0 of the argument: with FP; the rest: the reply object. */
static void register_server(uint64_t arg)
{
    uint64_t reply = arg >> 1, ep = sh->word[EP];
    uint64_t a[8] = { ep, MSG_INFO(1, 2, 0), 11, 12, 13, 14, reply, SYS_REPLY_RECV }, out[8];

    sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    for (uint64_t n = 1;; n++)
        sh->word[CHANGED] |= changed_by(a, out, 6, 1000 + n, arg & 1);
}

static void register_signaller(uint64_t fp)
{
    uint64_t a[8] = { sh->word[PONG], sh->word[PING], DEADLINE_NONE, 4, 5, 6, 7, SYS_SIGNAL_WAIT }, out[8];

    sys_wait(sh->word[PING], DEADLINE_NONE, NULL);
    for (uint64_t n = 1;; n++)
        sh->word[CHANGED] |= changed_by(a, out, 1, 2000 + n, fp);
}

static void calls(bool fp, unsigned hart, unsigned priority)
{
    uint64_t out[8], changed = 0;
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    uint64_t call[8] = { ep, MSG_INFO(3, 4, 0), 21, 22, 23, 24, 0, SYS_CALL };

    sh->word[EP] = ep;
    spawn(hart, priority, register_server, make(CAP_TYPE_REPLY, 0, 0) << 1 | fp);
    for (unsigned i = 0; i < 20; i++) {
        changed |= changed_by(call, out, 6, i, fp);
        if (!CHECK(out[0] == 0 && out[1] == MSG_INFO(1, 2, 0) && out[2] == 11 && out[3] == 12 && out[6] == 0))
            return;
    }
    CHECK_EQ(changed, 0);
    CHECK_EQ(sh->word[CHANGED], 0);
}

static void signals(bool fp, unsigned hart, unsigned priority)
{
    uint64_t out[8], changed = 0, ping = note(), pong = note();
    uint64_t signal_wait[8] = { ping, pong, DEADLINE_NONE, 34, 35, 36, 37, SYS_SIGNAL_WAIT };

    sh->word[PING] = ping;
    sh->word[PONG] = pong;
    spawn(hart, priority, register_signaller, fp);
    for (unsigned i = 0; i < 20; i++) {
        signal_wait[2] = i < 10 ? DEADLINE_NONE : now() + 5000 * MS;
        changed |= changed_by(signal_wait, out, 1, 100 + i, fp);
        if (!CHECK(out[0] == 0 && out[1] == 1))
            return;
    }
    CHECK_EQ(changed, 0);
    CHECK_EQ(sh->word[CHANGED], 0);
}

TEST(registers, calls_that_do_not_switch_keep_them)
{
    uint64_t a[8] = { note(), 51, 52, 53, 54, 55, 56, SYS_SIGNAL }, out[8];

    CHECK_EQ(changed_by(a, out, 0, 1, true), 0);
    a[7] = SYS_YIELD;
    CHECK_EQ(changed_by(a, out, 0, 2, false), 0);
    a[7] = 999;
    CHECK_EQ(changed_by(a, out, 0, 3, false), 0);
    a[0] = CAP_INIT_SCHED, a[1] = SCHED_INFO, a[7] = SYS_INVOKE;
    CHECK_EQ(changed_by(a, out, 1, 4, false), 0);
}

TEST(registers, call_to_a_higher_server_keeps_them) { calls(false, 0, 129); }
TEST(registers, call_to_an_equal_server_keeps_them) { calls(false, 0, 128); }
TEST(registers, call_to_a_lower_server_keeps_them) { calls(false, 0, 100); }
TEST_ON(2, registers, call_to_a_server_of_another_hart_keeps_them) { calls(false, other_hart(), 128); }
TEST(registers, call_to_a_higher_server_keeps_fp) { calls(true, 0, 129); }
TEST(registers, call_to_an_equal_server_keeps_fp) { calls(true, 0, 128); }
TEST(registers, call_to_a_lower_server_keeps_fp) { calls(true, 0, 100); }
TEST_ON(2, registers, call_to_a_server_of_another_hart_keeps_fp) { calls(true, other_hart(), 128); }
TEST(registers, signal_wait_with_a_higher_partner_keeps_them) { signals(false, 0, 129); }
TEST(registers, signal_wait_with_an_equal_partner_keeps_them) { signals(false, 0, 128); }
TEST(registers, signal_wait_with_a_lower_partner_keeps_them) { signals(false, 0, 100); }
TEST(registers, signal_wait_with_a_higher_partner_keeps_fp) { signals(true, 0, 129); }
TEST(registers, signal_wait_with_an_equal_partner_keeps_fp) { signals(true, 0, 128); }
TEST(registers, signal_wait_with_a_lower_partner_keeps_fp) { signals(true, 0, 100); }
