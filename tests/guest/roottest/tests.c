/* SPDX-License-Identifier: MIT */
/* Behaviour of the kernel as seen by its first task. */
#include "root.h"

#define MS 10000ul      /* ticks in a millisecond on this machine */

static cptr_t ping, pong, done;
static volatile uint64_t shared, order[8];

static cptr_t note(void) { return make(CAP_TYPE_NOTIFICATION, 0, 0); }

static error_t wait_for(cptr_t n, ticks_t ms) { return sys_wait(n, now() + ms * MS, NULL); }

/* ---- objects and capabilities ---- */

static void test_caps(void)
{
    cptr_t n = note(), copy = slots(1), minted = slots(1), moved = slots(1);

    check(n != 0, "retype_makes_a_notification", 0);
    expect(invoke(CAP_INIT_CNODE, CNODE_COPY, copy, n, RIGHT_READ, 0, 0), 0, "copy_with_fewer_rights");
    expect(sys_signal(copy), ERR_RIGHTS, "signal_without_write_is_refused");
    expect(invoke(CAP_INIT_CNODE, CNODE_MINT, minted, n, RIGHTS_ALL, 0x30, 0), 0, "mint_a_badge");
    expect(sys_signal(minted), 0, "signal_minted");
    uint64_t bits = 0;
    expect(sys_wait(copy, DEADLINE_POLL, &bits), 0, "poll_takes_bits");
    check(bits == 0x30, "badge_arrives_as_bits", (long)bits);
    expect(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK, "poll_of_empty_would_block");
    expect(invoke(CAP_INIT_CNODE, CNODE_MOVE, moved, minted, 0, 0, 0), 0, "move");
    expect(sys_signal(minted), ERR_INVALID_CAP, "old_slot_is_empty");
    expect(sys_signal(moved), 0, "new_slot_works");
    expect(invoke(CAP_INIT_CNODE, CNODE_COPY, copy, n, RIGHTS_ALL, 0, 0), ERR_SLOT_OCCUPIED,
           "occupied_slot_is_refused");
    expect(invoke(CAP_INIT_CNODE, CNODE_REVOKE, n, 0, 0, 0, 0), 0, "revoke");
    expect(sys_signal(moved), ERR_INVALID_CAP, "revoked_copy_is_gone");
    expect(sys_signal(n), 0, "revoked_original_stays");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, n, 0, 0, 0, 0), 0, "delete");
    expect(sys_signal(n), ERR_INVALID_CAP, "deleted_is_gone");
    expect(invoke(CAP_INIT_CNODE, 0xfffff, 0, 0, 0, 0, 0), ERR_INVALID_CALL, "unknown_operation");
    expect((error_t)sys(999, 0, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CALL, "unknown_system_call");
    expect(sys_signal(0), ERR_INVALID_CAP, "null_capability");
    expect(sys_signal(~0ul), ERR_INVALID_CAP, "absurd_capability_address");
}

static void test_cnodes(void)
{
    cptr_t a = make(CAP_TYPE_CNODE, 4, 0), b = make(CAP_TYPE_CNODE, 4, 0), n = note();

    expect(invoke(a, CNODE_COPY, 3, n, RIGHTS_ALL, 0, 0), 0, "copy_into_second_level");
    expect(sys_signal(CAP_IN(a, 3)), 0, "second_level_address");
    expect(sys_signal(CAP_IN(a, 99)), ERR_INVALID_CAP, "index_beyond_cnode");
    expect(invoke(a, CNODE_ROTATE, 5, 3, 3, 0, 0), ERR_INVALID_ARGUMENT, "rotate_same_slot");
    /* Cycle: each CNode holds the other's last capability. */
    expect(invoke(a, CNODE_MOVE, 7, b, 0, 0, 0), 0, "move_b_into_a");
    expect(invoke(CAP_IN(a, 7), CNODE_MOVE, 0, a, 0, 0, 0), 0, "move_a_into_b");
    expect(sys_signal(CAP_IN(a, 3)), ERR_INVALID_CAP, "cycle_is_unreachable");

    cptr_t small = make(CAP_TYPE_UNTYPED, 16, 0), c = slots(4);
    expect(invoke(small, UNTYPED_RETYPE, CAP_TYPE_CNODE, 3, c, 2, 0), 0, "cnodes_from_small_untyped");
    expect(invoke(c, CNODE_MOVE, 0, c + 1, 0, 0, 0), 0, "inner_cnode_in_slot_0");
    expect(invoke(CAP_IN(c, 0), CNODE_MOVE, 5, c, 0, 0, 0), 0, "outer_cnode_in_inner");
    expect(invoke(CAP_INIT_CNODE, CNODE_REVOKE, small, 0, 0, 0, 0), 0, "revoke_untyped_with_a_cycle");
    expect(invoke(small, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 16, c, 1, 0), 0,
           "whole_untyped_is_free_again");
    expect(invoke(small, UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, c + 1, 1, 0), ERR_NO_MEMORY,
           "used_up_untyped");
    expect(invoke(CAP_INIT_CNODE, CNODE_COPY, c + 2, small, RIGHTS_ALL, 0, 0), ERR_INVALID_ARGUMENT,
           "untyped_cannot_be_copied");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, c, 0, 0, 0, 0), 0, "delete_child_untyped");
    uint64_t big = make(CAP_TYPE_UNTYPED, 22, 0);
    expect(invoke(big, UNTYPED_RETYPE, CAP_TYPE_CNODE, 14, c, 3, 0), 0, "big_cnodes");
    expect(invoke(CAP_INIT_CNODE, CNODE_REVOKE, big, 0, 0, 0, 0), 0, "revoke_big_cnodes");
}

/* The physical address of a childless Untyped. */
static uint64_t address_of(cptr_t ut)
{
    cptr_t probe = slots(1);
    struct segment_info info = { 0 };

    invoke(ut, UNTYPED_RETYPE, CAP_TYPE_SEGMENT, 1, probe, 1, 0);
    invoke(probe, SEGMENT_INFO, (uint64_t)&info, 0, 0, 0, 0);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, probe, 0, 0, 0, 0);
    return info.paddr;
}

static volatile uint64_t turns;

static void count_turns(uint64_t arg)
{
    (void)arg;
    for (;;) {
        turns++;
        sys_wait(done, now() + 100, NULL);
    }
}

/* A SUSPEND that was posted twice must not catch the RESUME that follows. */
static void test_suspend_and_resume(void)
{
    unsigned lost = 0;

    if (hart_count() == 1)
        return;
    done = note();
    cptr_t t = spawn(1, 128, count_turns, 0);
    for (unsigned i = 0; i < 5000 && lost == 0; i++) {
        invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0);
        uint64_t before = turns;
        invoke(t, TCB_RESUME, 0, 0, 0, 0, 0);
        for (ticks_t end = now() + 1000 * MS; turns == before && now() < end;)
            sys_yield();
        lost += turns == before;
    }
    check(lost == 0, "resume_after_suspend_runs_the_thread", lost);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
}

static void test_pool_memory(void)
{
    cptr_t all = make(CAP_TYPE_UNTYPED, 21, 0), a = slots(1), b = slots(1), c = slots(1), p = slots(1), s = slots(1);
    uint64_t first = address_of(all) >> 12;
    struct pool_info before = { 0 }, info = { 0 };

    invoke(all, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 20, a, 1, 0);
    invoke(all, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 18, b, 1, 0);
    invoke(all, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 12, c, 1, 0);
    expect(invoke(a, UNTYPED_RETYPE, CAP_TYPE_POOL, 256, p, 1, (first + 1) | 512ul << 32), ERR_RANGE,
           "pool_outside_its_span");
    expect(invoke(a, UNTYPED_RETYPE, CAP_TYPE_POOL, 256, p, 1, first | 1ul << 58), ERR_INVALID_ARGUMENT,
           "pool_with_an_absurd_span");
    expect(invoke(a, UNTYPED_RETYPE, CAP_TYPE_POOL, 256, p, 1, first | 512ul << 32), 0, "pool_with_a_span");
    invoke(p, POOL_INFO, ~0ul, (uint64_t)&before, 0, 0, 0);
    expect(invoke(p, POOL_ADD_MEMORY, b, 0, 0, 0, 0), 0, "add_memory_to_a_pool");
    expect(invoke(p, POOL_ADD_MEMORY, b, 0, 0, 0, 0), ERR_BUSY, "add_it_twice");
    expect(invoke(p, POOL_ADD_MEMORY, all, 0, 0, 0, 0), ERR_BUSY, "add_an_untyped_in_use");
    expect(invoke(p, POOL_ADD_MEMORY, p, 0, 0, 0, 0), ERR_INVALID_CAP, "add_what_is_no_untyped");
    expect(invoke(p, POOL_ADD_MEMORY, make(CAP_TYPE_UNTYPED, 12, 0), 0, 0, 0, 0), ERR_RANGE, "add_outside_the_span");
    expect(invoke(p, POOL_ADD_MEMORY, c, 0, 0, 0, 0), 0, "add_one_page");
    invoke(p, POOL_INFO, ~0ul, (uint64_t)&info, 0, 0, 0);
    check(info.total_pages == before.total_pages + 65, "pool_has_grown", (long)info.total_pages);
    expect(invoke(b, UNTYPED_RETYPE, CAP_TYPE_ENDPOINT, 0, s, 1, 0), ERR_NO_MEMORY, "added_memory_is_used_up");
    cptr_t v = make(CAP_TYPE_VSPACE, 0, 0);
    expect(invoke(v, VSPACE_INIT, p, 0, 0, 0, 0), 0, "vspace_of_the_grown_pool");
    expect(invoke(v, VSPACE_RESERVE, 0x1000000, 300ul << 12, VM_READ | VM_WRITE, 0, 0), 0, "reserve_beyond_the_first_part");
    expect(invoke(v, VSPACE_POPULATE, 0x1000000, 300ul << 12, 1, 0, 0), 0, "populate_beyond_the_first_part");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, v, 0, 0, 0, 0), 0, "delete_the_vspace");
    expect(invoke(CAP_INIT_CNODE, CNODE_REVOKE, b, 0, 0, 0, 0), 0, "revoke_added_memory");
    expect(invoke(b, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 18, s, 1, 0), 0, "revoked_memory_is_free");
    v = make(CAP_TYPE_VSPACE, 0, 0);
    expect(invoke(v, VSPACE_INIT, p, 0, 0, 0, 0), ERR_DELETED, "its_pool_is_down");
    expect(invoke(c, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 12, s + 1, 1, 0), ERR_NO_MEMORY, "the_rest_is_not_free_yet");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, p, 0, 0, 0, 0), 0, "delete_the_pool");
    expect(invoke(c, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 12, slots(1), 1, 0), 0, "now_it_is_free");
    expect(invoke(CAP_INIT_CNODE, CNODE_REVOKE, all, 0, 0, 0, 0), 0, "revoke_all");
    expect(invoke(all, UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 21, slots(1), 1, 0), 0, "all_is_free_again");
}

static void test_batch(void)
{
    static struct invocation b[40];
    cptr_t s = slots(40);

    for (unsigned i = 0; i < 40; i++) {
        b[i].cap = main_untyped();
        b[i].op = UNTYPED_RETYPE;
        b[i].arg[0] = CAP_TYPE_ENDPOINT;
        b[i].arg[2] = s + i;
        b[i].arg[3] = 1;
    }
    b[39].arg[2] = s;       /* occupied by then */
    struct ret r = sys(SYS_BATCH, (uint64_t)b, 40, 0, 0, 0, 0, 0);
    check(r.a[0] == ERR_SLOT_OCCUPIED && r.a[1] == 39, "batch_stops_at_the_first_error", r.a[1]);
    r = sys(SYS_BATCH, 0x7000, 1, 0, 0, 0, 0, 0);
    check(r.a[0] == ERR_FAULT, "batch_at_bad_address", r.a[0]);
}

/* ---- threads, notifications ---- */

static void signaller(uint64_t n)
{
    sys_signal(n);
    sys_wait(0, DEADLINE_NONE, NULL);       /* an error, not the end */
    for (;;)
        sys_wait(done, DEADLINE_NONE, NULL);
}

static void ponger(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        sys_wait(ping, DEADLINE_NONE, NULL);
        shared++;
        sys_signal(pong);
    }
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void ping_pong(unsigned hart, unsigned priority, const char *name)
{
    uint64_t rounds = 300;

    ping = note(), pong = note(), done = note();
    shared = 0;
    cptr_t t = spawn(hart, priority, ponger, rounds);
    error_t err = 0;
    for (uint64_t i = 0; i < rounds && err == 0; i++)
        err = i % 2 ? sys_signal_wait(ping, pong, now() + 1000 * MS)
                    : (sys_signal(ping), sys_wait(pong, now() + 1000 * MS, NULL));
    check(err == 0 && shared == rounds, name, err ? err : (long)shared);
    expect(wait_for(done, 1000), 0, "partner_finishes");
    expect(invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0), 0, "suspend_a_waiting_thread");
    check(thread_state(t) == THREAD_STOPPED, "is_stopped", thread_state(t));
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0), 0, "delete_thread");
}

static void test_notifications(void)
{
    cptr_t n = note();

    done = note();
    spawn(0, 200, signaller, n);
    expect(wait_for(n, 1000), 0, "a_thread_runs_and_signals");
    ping_pong(0, 200, "ping_pong_same_hart_higher_priority");
    ping_pong(0, 128, "ping_pong_same_hart_equal_priority");
    ping_pong(0, 50, "ping_pong_same_hart_lower_priority");
    for (unsigned h = 1; h < hart_count(); h++)
        ping_pong(h, 128, "ping_pong_across_harts");
    ticks_t start = now();
    expect(sys_wait(n, start + 5 * MS, NULL), ERR_TIMEOUT, "deadline_ends_a_wait");
    ticks_t late = now() - start;
    check(late >= 5 * MS && late < 100 * MS, "not_early_and_not_very_late", (long)late);
    expect(sys_wait(n, start, NULL), ERR_TIMEOUT, "past_deadline");
}

static void sleeper(uint64_t i)
{
    sys_wait(pong, now() + (8 - i) * 3 * MS, NULL);
    uint64_t at = __atomic_fetch_add(&shared, 1, __ATOMIC_SEQ_CST);
    order[at] = i;
    if (at == 5)
        sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_deadlines(void)
{
    bool sorted = true;

    ping = note(), pong = note(), done = note();
    shared = 0;
    for (unsigned i = 0; i < 6; i++)
        spawn(0, 100, sleeper, i);
    expect(wait_for(done, 2000), 0, "all_deadlines_fire");
    for (unsigned i = 0; i < 6; i++)
        sorted = sorted && order[i] == 5 - i;
    check(sorted, "deadlines_fire_in_order", (long)order[0]);
}

/* ---- scheduling ---- */

static void spinner(uint64_t which)
{
    for (;;)
        order[which]++;
}

/* A hart runs when the emulator's host lets it: such conditions get up to five
 * seconds to become true, not a moment at which they must be. */
#define EVENTUALLY(n, cond)                                                     \
    ({                                                                          \
        ticks_t end_ = now() + 5000 * MS;                                       \
        while (!(cond) && now() < end_)                                         \
            sys_wait(n, now() + 10 * MS, NULL);                                 \
        (cond);                                                                 \
    })

static bool even(uint64_t a, uint64_t b)
{
    return a > 0 && b > 0 && a < b * 3 && b < a * 3;
}

static void test_slices(void)
{
    ticks_t began = now();

    order[0] = order[1] = 0;
    cptr_t a = spawn(0, 90, spinner, 0), b = spawn(0, 90, spinner, 1);
    cptr_t n = note();
    sys_wait(n, now() + 100 * MS, NULL);
    check(EVENTUALLY(n, order[0] > 0 && order[1] > 0), "equals_share_the_hart", (long)order[1]);
    check(EVENTUALLY(n, even(order[0], order[1])), "about_evenly", (long)(order[0] / (order[1] + 1)));
    expect(invoke(a, TCB_SUSPEND, 0, 0, 0, 0, 0), 0, "suspend_a_runnable_thread");
    uint64_t before = order[0];
    sys_wait(n, now() + 10 * MS, NULL);
    check(order[0] == before, "a_suspended_thread_does_not_run", (long)(order[0] - before));
    expect(invoke(a, TCB_RESUME, 0, 0, 0, 0, 0), 0, "resume");
    check(EVENTUALLY(n, order[0] > before), "and_runs_again", 0);
    struct tcb_info ti;
    check(EVENTUALLY(n, (invoke(a, TCB_INFO, (uint64_t)&ti, 0, 0, 0, 0), ti.user_ticks > 20 * MS)) &&
          ti.user_ticks < now() - began, "time_is_accounted", (long)ti.user_ticks);
    if (hart_count() > 1) {
        expect(invoke(a, TCB_SET_HART, 1, 0, 0, 0, 0), 0, "migrate_a_running_thread");
        before = order[0];
        check(EVENTUALLY(n, order[0] > before), "it_runs_there", 0);
        expect(invoke(a, TCB_SUSPEND, 0, 0, 0, 0, 0), 0, "suspend_across_harts");
        before = order[0];
        sys_wait(n, now() + 5 * MS, NULL);
        check(order[0] == before, "stopped_across_harts", 0);
        expect(invoke(a, TCB_RESUME, 0, 0, 0, 0, 0), 0, "resume_across_harts");
    }
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, a, 0, 0, 0, 0), 0, "delete_a_running_thread");
    before = order[0];
    sys_wait(n, now() + 5 * MS, NULL);
    check(order[0] == before, "deleted_thread_does_not_run", 0);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, b, 0, 0, 0, 0), 0, "delete_the_other");
}

static void test_budget(void)
{
    cptr_t t = make(CAP_TYPE_TCB, 0, 0), sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0), n = note();
    static struct tcb_regs r;

    expect(invoke(sc, SCHED_CONFIGURE, 2 * MS, 20 * MS, 0, 0, 0), 0, "configure_a_budget");
    expect(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 200, 0), 0, "configure");
    fill_regs(&r, spinner, 2);
    ticks_t start = now();
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    sys_wait(n, start + 100 * MS, NULL);    /* it outranks us, but only for a tenth */
    struct tcb_info ti;     /* what the host's pauses overdrew is paid back later */
    check(EVENTUALLY(n, (invoke(t, TCB_INFO, (uint64_t)&ti, 0, 0, 0, 0),
                         ti.user_ticks >= 2 * MS && ti.user_ticks <= (now() - start) / 4)),
          "budget_limits_a_spinner", (long)ti.user_ticks);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, sc, 0, 0, 0, 0), 0, "delete_context_cap");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0), 0, "delete_budgeted_thread");
}

/* ---- endpoints ---- */

static cptr_t ep;
static struct ipc_buffer *my_buffer;

static void server(uint64_t reply)
{
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);

    for (;;) {
        if (r.a[0] != 0 || MSG_LABEL((uint64_t)r.a[1]) == 77)
            break;
        r = sys(SYS_REPLY_RECV, ep, MSG_INFO(5, 4, 0), (uint64_t)r.a[2] + 1, (uint64_t)r.a[3] + 1,
                (uint64_t)r.a[4] + 1, (uint64_t)r.a[6], reply);
    }
    shared = (uint64_t)r.a[0];
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_ipc_on(unsigned hart, unsigned priority, const char *name)
{
    cptr_t badged = slots(1), reply = make(CAP_TYPE_REPLY, 0, 0);
    bool good = true;

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    done = note(), ping = note();
    expect(invoke(CAP_INIT_CNODE, CNODE_MINT, badged, ep, RIGHTS_ALL, 0xbad6e, 0), 0, "mint_endpoint");
    cptr_t t = spawn(hart, priority, server, reply);
    for (unsigned i = 0; i < 200; i++) {
        struct ret r = sys(SYS_CALL, badged, MSG_INFO(9, 4, 0), i, i + 1, i + 2, i + 3, 0);
        good = good && r.a[0] == 0 && (uint64_t)r.a[1] == MSG_INFO(5, 4, 0) && r.a[2] == (long)i + 1 &&
               r.a[3] == (long)i + 2 && r.a[4] == (long)i + 3 && r.a[5] == 0xbad6e;
    }
    check(good, name, 0);
    struct ret r = sys(SYS_NB_SEND, badged, MSG_INFO(77, 0, 0), 0, 0, 0, 0, 0);
    for (unsigned i = 0; r.a[0] == ERR_WOULD_BLOCK && i < 1000; i++) {
        sys_wait(ping, now() + MS, NULL);
        r = sys(SYS_NB_SEND, badged, MSG_INFO(77, 0, 0), 0, 0, 0, 0, 0);
    }
    expect((error_t)r.a[0], 0, "send_without_call");
    expect(wait_for(done, 1000), 0, "server_ends");
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0), 0, "delete_server");
}

static void caller(uint64_t e)
{
    struct ret r = sys(SYS_CALL, e, MSG_INFO(1, 1, 0), 7, 0, 0, 0, 0);
    shared = (uint64_t)r.a[0];
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_ipc_ends(unsigned hart)
{
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0);

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    done = note(), ping = note();
    cptr_t t = spawn(hart, 128, caller, ep);
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    check(r.a[0] == 0 && r.a[2] == 7, "receive_from_a_caller", r.a[0]);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, reply, 0, 0, 0, 0), 0, "delete_reply_with_a_caller");
    expect(wait_for(done, 1000), 0, "caller_is_released");
    check((long)shared == ERR_DELETED, "with_deleted", (long)shared);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);

    t = spawn(hart, 128, caller, ep);
    sys_wait(ping, now() + 5 * MS, NULL);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, ep, 0, 0, 0, 0), 0, "delete_endpoint_with_senders");
    expect(wait_for(done, 1000), 0, "sender_is_released");
    check((long)shared == ERR_DELETED, "ep_delete_wakes_blocked_senders", (long)shared);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    reply = make(CAP_TYPE_REPLY, 0, 0);
    t = spawn(hart, 128, caller, ep);
    r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0), 0, "delete_a_thread_that_waits_for_a_reply");
    expect((error_t)sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0], ERR_CANCELLED, "reply_to_nobody");
    expect((error_t)sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, reply).a[0], ERR_WOULD_BLOCK, "nb_recv_empty");
}

static void long_sender(uint64_t e)
{
    cptr_t cap = ping;
    struct ipc_buffer *b = (struct ipc_buffer *)order[7];

    for (unsigned i = 0; i < 60; i++)
        b->words[i] = i * 3;
    b->caps[0] = cap;
    b->caps[1] = 0;         /* cannot be copied: ends the list */
    sys(SYS_SEND, e, MSG_INFO(3, 64, 2), 1, 2, 3, 4, 0);
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_long_messages(unsigned hart)
{
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL), dest = slots(1);
    uint64_t at = 0x20000000ul + hart * 0x10000;
    static struct tcb_regs r;
    bool good = true;

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    done = note(), ping = note();
    expect(invoke(seg, SEGMENT_RESIZE, 2, 0, 0, 0, 0), 0, "resize_segment");
    expect(invoke(CAP_INIT_VSPACE, VSPACE_MAP, at, 8192, VM_READ | VM_WRITE | VM_SHARED, seg, 0), 0,
           "map_segment");
    expect(invoke(CAP_INIT_TCB, TCB_SET_IPC_BUFFER, seg, 0, at, 0, 0), 0, "set_own_ipc_buffer");
    my_buffer = (struct ipc_buffer *)at;
    cptr_t t = spawn_stopped(hart, 128);
    expect(invoke(t, TCB_SET_IPC_BUFFER, seg, 1, at + 4096, 0, 0), 0, "set_ipc_buffer");
    order[7] = at + 4096;
    fill_regs(&r, long_sender, ep);
    my_buffer->recv_slots[0] = dest;
    my_buffer->recv_slots[1] = dest + 1;
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    struct ret m = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < 60; i++)
        good = good && my_buffer->words[i] == i * 3;
    check(good && m.a[2] == 1 && m.a[5] == 4, "sixty_four_words_arrive", m.a[2]);
    check(MSG_CAPS((uint64_t)m.a[1]) == 1 && my_buffer->nr_caps_received == 1, "one_cap_arrives",
          (long)my_buffer->nr_caps_received);
    expect(sys_signal(dest), 0, "and_works");
    expect(wait_for(done, 1000), 0, "sender_goes_on");
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    expect(invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, at, 8192, 0, 0, 0), 0, "unmap");
}

static void faulter(uint64_t address)
{
    *(volatile uint64_t *)address = 1;
    shared = 42;
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_faults(unsigned hart)
{
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0), badged = slots(1);
    static struct tcb_regs r;

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    done = note(), ping = note();
    shared = 0;
    invoke(CAP_INIT_CNODE, CNODE_MINT, badged, ep, RIGHTS_ALL, 5, 0);
    cptr_t t = spawn_stopped(hart, 128);
    expect(invoke(t, TCB_SET_FAULT_EP, badged, 0, 0, 0, 0), 0, "set_fault_endpoint");
    uint64_t where = 0x25000000ul + hart * 4096;
    fill_regs(&r, faulter, where);
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    struct ret m = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    check(MSG_LABEL((uint64_t)m.a[1]) == MSG_LABEL_FAULT && m.a[2] == 15 && m.a[3] == (long)where && m.a[6] == 5,
          "fault_message", m.a[2]);
    expect(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, where, 4096, VM_READ | VM_WRITE, 0, 0), 0, "reserve");
    expect((error_t)sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0], 0, "reply_to_fault");
    expect(wait_for(done, 1000), 0, "faulter_goes_on");
    check(shared == 42, "its_store_was_repeated", (long)shared);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
}

static void passive(uint64_t reply)
{
    sys_signal(done);
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    for (;;)
        r = sys(SYS_REPLY_RECV, ep, MSG_INFO(0, 1, 0), (uint64_t)r.a[2] * 2, 0, 0, 0, reply);
}

static void test_donation(void)
{
    cptr_t t = spawn_stopped(0, 150), reply = make(CAP_TYPE_REPLY, 0, 0);
    static struct tcb_regs r;
    struct ret m;

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    done = note();
    fill_regs(&r, passive, reply);
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    wait_for(done, 1000);
    expect(invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0), 0, "suspend_server");
    expect(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, 0, 150, 0), 0, "make_it_passive");
    /* It cannot run to receive again until it has a context: give it one by a
     * call is impossible before it waits; so it stays where it is. */
    m = sys(SYS_NB_SEND, ep, 0, 0, 0, 0, 0, 0);
    check(m.a[0] == ERR_WOULD_BLOCK, "no_receiver_without_context", m.a[0]);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0), 0, "delete_passive_server");
}

/* ---- reflection ---- */

extern char fake_guest[], fake_after_fault[], fake_base[], fake_syscall[], fake_upcall[], fake_fault[], fake_spin[];
static volatile uint64_t guest_result, upcalls, last_cause;
static uint64_t guest_pc_after;

void fake_finished(uint64_t a0)
{
    guest_result = a0;
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

void fake_upcalled(struct upcall_frame *f)
{
    upcalls++;
    last_cause = f->guest.cause;
    if (guest_pc_after != 0)
        f->guest.x[0] = guest_pc_after;
}

static cptr_t guest(unsigned hart, cptr_t seg, uint64_t at, char *entry, uint64_t rounds)
{
    static struct tcb_regs r;
    cptr_t t = spawn_stopped(hart, 128);

    expect(invoke(t, TCB_SET_FRAME, seg, 0, at, 0, 0), 0, "set_frame");
    expect(invoke(t, TCB_SET_PERSONALITY, (uint64_t)fake_base, (uint64_t)fake_syscall,
                  (uint64_t)fake_upcall, (uint64_t)fake_fault, 0), 0, "set_personality");
    fill_regs(&r, 0, rounds);
    r.x[0] = (uint64_t)entry;
    r.x[4] = 0x7777;
    expect(invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0), 0, "start_guest");
    return t;
}

static void test_reflection(unsigned hart)
{
    cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    uint64_t at = 0x28000000ul + hart * 0x10000;

    done = note(), ping = note();
    upcalls = 0, guest_result = 77;
    guest_pc_after = (uint64_t)fake_after_fault;
    invoke(seg, SEGMENT_RESIZE, 1, 0, 0, 0, 0);
    expect(invoke(CAP_INIT_VSPACE, VSPACE_MAP, at, 4096, VM_READ | VM_WRITE | VM_SHARED, seg, 0), 0, "map_frame");
    cptr_t t = guest(hart, seg, at, fake_guest, 1000);
    expect(wait_for(done, 2000), 0, "guest_finishes");
    check(guest_result == 0, "reflected_calls_preserve_registers", (long)guest_result);
    check(upcalls == 1 && last_cause == 13, "guest_fault_is_an_upcall", (long)last_cause);
    expect(invoke(t, TCB_SUSPEND, 0, 0, 0, 0, 0), 0, "stop_guest");
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);

    guest_pc_after = (uint64_t)fake_after_fault;
    t = guest(hart, seg, at, fake_spin, 0);
    sys_wait(ping, now() + 5 * MS, NULL);
    expect(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0), 0, "set_upcall_flag");
    expect(wait_for(done, 2000), 0, "a_spinning_guest_is_interrupted");
    check(upcalls == 2 && last_cause == UPCALL_FLAG, "by_the_flag", (long)last_cause);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    expect(invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, at, 4096, 0, 0, 0), 0, "unmap_frame");
}

static void waiter(uint64_t n)
{
    shared = (uint64_t)(int64_t)sys_wait(n, DEADLINE_NONE, NULL);
    sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_interrupted_wait(unsigned hart)
{
    cptr_t n = note();

    done = note(), ping = note();
    cptr_t t = spawn(hart, 128, waiter, n);
    sys_wait(ping, now() + 5 * MS, NULL);
    expect(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0), 0, "upcall_a_waiter");
    expect(wait_for(done, 1000), 0, "its_wait_ends");
    check((long)shared == ERR_INTERRUPTED, "with_interrupted", (long)shared);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = spawn(hart, 128, waiter, n);
    sys_wait(ping, now() + 5 * MS, NULL);
    expect(invoke(CAP_INIT_CNODE, CNODE_DELETE, n, 0, 0, 0, 0), 0, "delete_a_notification_with_a_waiter");
    expect(wait_for(done, 1000), 0, "waiter_is_released");
    check((long)shared == ERR_DELETED, "with_deleted", (long)shared);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
}

/* ---- registers ---- */

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

static uint64_t partner_changed;
static cptr_t reg_ping, reg_pong;     /* threads of other tests still wait for theirs */

/* Bit 0 of the argument: with FP; the rest: the reply object. */
static void register_server(uint64_t arg)
{
    uint64_t reply = arg >> 1, a[8] = { ep, MSG_INFO(1, 2, 0), 11, 12, 13, 14, reply, SYS_REPLY_RECV }, out[8];

    sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    for (uint64_t n = 1;; n++)
        partner_changed |= changed_by(a, out, 6, 1000 + n, arg & 1);
}

static void register_signaller(uint64_t fp)
{
    uint64_t a[8] = { reg_pong, reg_ping, DEADLINE_NONE, 4, 5, 6, 7, SYS_SIGNAL_WAIT }, out[8];

    sys_wait(reg_ping, DEADLINE_NONE, NULL);
    for (uint64_t n = 1;; n++)
        partner_changed |= changed_by(a, out, 1, 2000 + n, fp);
}

static void test_registers_with(bool fp, unsigned priority)
{
    uint64_t call[8] = { ep, MSG_INFO(3, 4, 0), 21, 22, 23, 24, 0, SYS_CALL }, out[8], changed = 0;
    uint64_t signal_wait[8] = { reg_ping, reg_pong, DEADLINE_NONE, 34, 35, 36, 37, SYS_SIGNAL_WAIT };
    bool good = true;

    partner_changed = 0;
    cptr_t t = spawn(0, priority, register_server, make(CAP_TYPE_REPLY, 0, 0) << 1 | fp);

    sys_wait(reg_pong, now() + MS, NULL);
    for (unsigned i = 0; i < 20; i++) {
        changed |= changed_by(call, out, 6, i, fp);
        good = good && out[0] == 0 && out[1] == MSG_INFO(1, 2, 0) && out[2] == 11 && out[3] == 12 && out[6] == 0;
    }
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    t = spawn(0, priority, register_signaller, fp);
    sys_wait(reg_pong, now() + MS, NULL);
    for (unsigned i = 0; i < 20; i++) {
        signal_wait[2] = i < 10 ? DEADLINE_NONE : now() + 1000 * MS;
        changed |= changed_by(signal_wait, out, 1, 100 + i, fp);
        good = good && out[0] == 0 && out[1] == 1;
    }
    invoke(CAP_INIT_CNODE, CNODE_DELETE, t, 0, 0, 0, 0);
    check(good, "results_of_switching_calls", 0);
    check(changed == 0, "switching_calls_keep_the_callers_registers", (long)changed);
    check(partner_changed == 0, "switching_calls_keep_the_partners_registers", (long)partner_changed);
}

static void test_registers(void)
{
    static const unsigned priorities[] = { 129, 128, 100 };
    uint64_t a[8] = { 0, 51, 52, 53, 54, 55, 56, SYS_SIGNAL }, out[8], changed;

    ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    reg_ping = note(), reg_pong = note();
    a[0] = reg_pong;
    changed = changed_by(a, out, 0, 1, true);
    a[7] = SYS_YIELD;
    changed |= changed_by(a, out, 0, 2, false);
    a[7] = 999;
    changed |= changed_by(a, out, 0, 3, false);
    a[0] = CAP_INIT_SCHED, a[1] = SCHED_INFO, a[7] = SYS_INVOKE;
    changed |= changed_by(a, out, 1, 4, false);
    check(changed == 0, "calls_keep_registers", (long)changed);
    sys_wait(reg_pong, DEADLINE_POLL, NULL);
    for (unsigned i = 0; i < 6; i++)
        test_registers_with(i & 1, priorities[i / 2]);
}

/* ---- floating point ---- */

static void fp_user(uint64_t seed)
{
    uint64_t bad = 0, got;

    for (unsigned i = 0; i < 200; i++) {
        uint64_t v = seed * 1000 + i;
        __asm__ volatile(".option push\n.option arch, +d\nfmv.d.x f8, %0\nfmv.d.x f31, %0\n.option pop" :: "r"(v));
        sys_yield();
        for (volatile int k = 0; k < 100; k++)
            ;
        __asm__ volatile(".option push\n.option arch, +d\nfmv.x.d %0, f8\n.option pop" : "=r"(got));
        bad += got != v;
        __asm__ volatile(".option push\n.option arch, +d\nfmv.x.d %0, f31\n.option pop" : "=r"(got));
        bad += got != v;
    }
    __atomic_fetch_add(&shared, bad, __ATOMIC_SEQ_CST);
    if (__atomic_add_fetch(&order[3], 1, __ATOMIC_SEQ_CST) == 3)
        sys_signal(done);
    for (;;)
        sys_wait(ping, DEADLINE_NONE, NULL);
}

static void test_fp(void)
{
    done = note(), ping = note();
    shared = order[3] = 0;
    for (unsigned i = 1; i <= 3; i++)
        spawn(0, 100, fp_user, i);
    expect(wait_for(done, 3000), 0, "fp_threads_finish");
    check(shared == 0, "fp_registers_are_kept_per_thread", (long)shared);
}

/* ---- many ---- */

static void churn(void)
{
    bool good = true;
    cptr_t base = slots(8);

    for (unsigned i = 0; i < 60 && good; i++) {
        cptr_t ut = base;
        good = good && invoke(main_untyped(), UNTYPED_RETYPE, CAP_TYPE_UNTYPED, 16, ut, 1, 0) == 0;
        good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_TCB, 0, base + 1, 1, 0) == 0;
        good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_SCHED_CONTEXT, 0, base + 2, 1, 0) == 0;
        good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_CNODE, 5, base + 3, 1, 0) == 0;
        good = good && invoke(ut, UNTYPED_RETYPE, CAP_TYPE_VSPACE, 0, base + 4, 1, 0) == 0;
        good = good && invoke(base + 4, VSPACE_INIT, CAP_INIT_POOL, 0, 0, 0, 0) == 0;
        good = good && invoke(base + 1, TCB_CONFIGURE, base + 3, base + 4, base + 2,
                              100 | (i % hart_count()) << 8, 0) == 0;
        good = good && invoke(base + 1, TCB_RESUME, 0, 0, 0, 0, 0) == 0;   /* faults at pc 0 */
        if (i % 3 == 0)
            sys_wait(ping, now() + MS / 2, NULL);
        good = good && invoke(CAP_INIT_CNODE, CNODE_REVOKE, ut, 0, 0, 0, 0) == 0;
        good = good && invoke(CAP_INIT_CNODE, CNODE_DELETE, ut, 0, 0, 0, 0) == 0;
    }
    check(good, "processes_come_and_go", 0);
}

static void self_deleter(uint64_t slot)
{
    sys_signal(done);
    invoke(CAP_INIT_CNODE, CNODE_DELETE, slot, 0, 0, 0, 0);
    shared = 666;
    for (;;)
        ;
}

static void test_self_delete(unsigned hart)
{
    static struct tcb_regs r;

    done = note();
    shared = 0;
    cptr_t t = spawn_stopped(hart, 200);
    fill_regs(&r, self_deleter, t);
    invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0);
    expect(wait_for(done, 1000), 0, "self_deleter_runs");
    sys_wait(done, now() + 5 * MS, NULL);
    check(shared == 0, "a_thread_that_deletes_itself_stops", (long)shared);
    expect(invoke(t, TCB_RESUME, 0, 0, 0, 0, 0), ERR_INVALID_CAP, "and_is_gone");
}

void tests(void)
{
    test_caps();
    test_cnodes();
    test_pool_memory();
    test_suspend_and_resume();
    test_batch();
    test_notifications();
    test_deadlines();
    test_slices();
    test_budget();
    test_fp();
    test_registers();
    test_donation();
    for (unsigned h = 0; h < hart_count() && h < 2; h++) {
        test_ipc_on(h, 200, "calls_are_answered_by_a_more_important_server");
        test_ipc_on(h, 128, "calls_are_answered_by_an_equal");
        test_ipc_on(h, 50, "calls_are_answered_by_a_less_important_server");
        test_ipc_ends(h);
        test_long_messages(h);
        test_faults(h);
        test_reflection(h);
        test_interrupted_wait(h);
        test_self_delete(h);
    }
    churn();
}
