/* SPDX-License-Identifier: MIT */
/* Replies, call chains, and what becomes of scheduling contexts along them. */
#include "kt.h"

enum { EPS = 200, REPLIES = 280, ERROR = 100, DONE, SEEN, GO, ORDER, DEPTH };

static void caller(uint64_t ep)
{
    struct ret r = sys(SYS_CALL, ep, MSG_INFO(1, 1, 0), 7, 0, 0, 0, 0);

    sh->word[ERROR] = (uint64_t)r.a[0];
    sh->word[SEEN] = (uint64_t)r.a[2];
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

/* A caller whose message has been received with `reply`. */
static cptr_t waiting_caller(unsigned hart, cptr_t *ep, cptr_t *reply)
{
    *ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    *reply = make(CAP_TYPE_REPLY, 0, 0);
    cptr_t t = spawn(hart, 100, caller, *ep);
    OK(sys(SYS_RECV, *ep, 0, 0, 0, 0, 0, *reply).a[0]);
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_REPLY);
    return t;
}

static void answered(unsigned hart)
{
    cptr_t ep, reply;

    waiting_caller(hart, &ep, &reply);
    OK(sys(SYS_REPLY, reply, MSG_INFO(2, 1, 0), 9, 0, 0, 0, 0).a[0]);
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK(sh->word[ERROR] == 0 && sh->word[SEEN] == 9);
    CHECK_EQ(sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0], ERR_CANCELLED);
}

TEST(reply, a_reply_answers_once) { answered(0); }
TEST_ON(2, reply, a_reply_answers_a_caller_of_another_hart) { answered(other_hart()); }

TEST(reply, a_reply_without_caller_is_cancelled)
{
    CHECK_EQ(sys(SYS_REPLY, make(CAP_TYPE_REPLY, 0, 0), 0, 0, 0, 0, 0, 0).a[0], ERR_CANCELLED);
}

TEST(reply, a_reply_object_holds_one_caller)
{
    cptr_t ep, reply;

    waiting_caller(0, &ep, &reply);
    cptr_t t = spawn(0, 100, caller, ep);
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_SEND));
    CHECK_EQ(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply).a[0], ERR_BUSY);
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_SEND);
    OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, make(CAP_TYPE_REPLY, 0, 0)).a[0]);
}

static void receiver(uint64_t reply)
{
    struct ret r = sys(SYS_RECV, sh->word[EPS], 0, 0, 0, 0, 0, reply);

    sh->word[ERROR] = (uint64_t)r.a[0];
    __atomic_fetch_add(&sh->word[DONE], 1, __ATOMIC_SEQ_CST);
    rest();
}

TEST(reply, two_receivers_cannot_wait_with_one_reply_object)
{
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0);

    sh->word[EPS] = make(CAP_TYPE_ENDPOINT, 0, 0);
    cptr_t t = spawn(0, 200, receiver, reply);
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_RECV);
    spawn(0, 200, receiver, reply);
    CHECK(sh->word[DONE] == 1 && (long)sh->word[ERROR] == ERR_BUSY);
}

static void reply_deleted(unsigned hart)
{
    cptr_t ep, reply;

    waiting_caller(hart, &ep, &reply);
    OK(destroy(reply));
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ((long)sh->word[ERROR], ERR_DELETED);
}

TEST(reply, deleting_the_reply_object_releases_the_caller) { reply_deleted(0); }
TEST_ON(2, reply, deleting_the_reply_object_releases_a_caller_of_another_hart) { reply_deleted(other_hart()); }

TEST(reply, a_receiver_whose_reply_object_is_deleted_goes_on_without)
{
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0), ep = make(CAP_TYPE_ENDPOINT, 0, 0);

    sh->word[EPS] = ep;
    cptr_t t = spawn(0, 200, receiver, reply);
    OK(destroy(reply));
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_RECV);
    CHECK_EQ(sys(SYS_CALL, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_ARGUMENT);
    OK(sys(SYS_SEND, ep, 0, 0, 0, 0, 0, 0).a[0]);
    CHECK_EQ(sh->word[DONE], 1);
}

static void caller_deleted(unsigned hart)
{
    cptr_t ep, reply, t = waiting_caller(hart, &ep, &reply);

    OK(destroy(t));
    CHECK_EQ(sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0], ERR_CANCELLED);
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, reply).a[0], ERR_WOULD_BLOCK);   /* it is free again */
}

TEST(reply, a_deleted_caller_is_forgotten) { caller_deleted(0); }
TEST_ON(2, reply, a_deleted_caller_of_another_hart_is_forgotten) { caller_deleted(other_hart()); }

static void caller_suspended(unsigned hart)
{
    cptr_t ep, reply, t = waiting_caller(hart, &ep, &reply);

    OK(suspend(t));
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
    CHECK_EQ(sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0], ERR_CANCELLED);
    OK(resume(t));
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ((long)sh->word[ERROR], ERR_INTERRUPTED);
}

TEST(reply, a_suspended_caller_leaves_its_call_with_interrupted) { caller_suspended(0); }
TEST_ON(2, reply, a_suspended_caller_of_another_hart_leaves_its_call) { caller_suspended(other_hart()); }

TEST(reply, a_suspended_sender_begins_anew)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), t = spawn(0, 200, caller, ep), reply = make(CAP_TYPE_REPLY, 0, 0);

    CHECK_EQ(thread_state(t), THREAD_BLOCKED_SEND);
    OK(suspend(t));
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, reply).a[0], ERR_WOULD_BLOCK);
    OK(resume(t));
    OK(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, reply).a[0]);
    OK(sys(SYS_REPLY, reply, MSG_INFO(0, 1, 0), 5, 0, 0, 0, 0).a[0]);
    CHECK(sh->word[ERROR] == 0 && sh->word[SEEN] == 5);
}

TEST(reply, another_thread_may_answer)
{
    cptr_t ep, reply;

    waiting_caller(other_hart(), &ep, &reply);
    cptr_t copy = copy_cap(reply, RIGHTS_ALL);
    OK(destroy(reply));         /* not the last capability */
    OK(sys(SYS_REPLY, copy, MSG_INFO(0, 1, 0), 3, 0, 0, 0, 0).a[0]);
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ(sh->word[SEEN], 3);
}

/* ---- chains ---- */

/* Thread i of a chain serves EPS + i by asking EPS + i + 1; the last adds one. */
static void link(uint64_t i)
{
    cptr_t ep = sh->word[EPS + i], next = sh->word[EPS + i + 1], reply = sh->word[REPLIES + i];
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);

    for (;;) {
        uint64_t value = (uint64_t)r.a[2], label = 0;
        if (r.a[0] != 0) {
            sh->word[ERROR + 20 + i] = (uint64_t)r.a[0];
            rest();
        }
        if (next == 0) {
            value++;
            sh->word[DEPTH]++;
            while (sh->word[GO]) {      /* works, but lets the case go on */
                for (volatile int k = 0; k < 2000; k++)
                    ;
                pause_for(20);
            }
        } else {
            struct ret a = sys(SYS_CALL, next, MSG_INFO(0, 1, 0), value, 0, 0, 0, 0);
            value = a.a[0] == 0 ? (uint64_t)a.a[2] + 1 : 0;
            label = a.a[0] == 0 ? MSG_LABEL((uint64_t)a.a[1]) : (uint64_t)-a.a[0];
        }
        r = sys(SYS_REPLY_RECV, ep, MSG_INFO(label, 1, 0), value, 0, 0, 0, reply);
    }
}

/* passive: without contexts of their own. */
static void make_chain(unsigned length, bool across, bool passive, cptr_t *threads)
{
    for (unsigned i = 0; i < length; i++) {
        sh->word[EPS + i] = make(CAP_TYPE_ENDPOINT, 0, 0);
        sh->word[REPLIES + i] = make(CAP_TYPE_REPLY, 0, 0);
    }
    for (unsigned i = 0; i < length; i++) {
        threads[i] = spawn(across ? i % hart_count() : 0, 140 + i, link, i);
        CHECK(EVENTUALLY(thread_state(threads[i]) == THREAD_BLOCKED_RECV));
        if (passive) {
            OK(revoke(last_context()));
            CHECK_EQ(thread_state(threads[i]), THREAD_BLOCKED_RECV);
        }
    }
}

static void run_chain(unsigned length, bool across, bool passive)
{
    cptr_t t[64];

    make_chain(length, across, passive, t);
    for (uint64_t round = 0; round < 30; round++) {
        struct ret r = sys(SYS_CALL, sh->word[EPS], MSG_INFO(0, 1, 0), round, 0, 0, 0, 0);
        if (!OK(r.a[0]) || !CHECK_EQ(r.a[2], round + length))
            return;
    }
}

TEST(reply, a_chain_of_calls_on_one_hart) { run_chain(8, false, false); }
TEST_ON(2, reply, a_chain_of_calls_across_all_harts) { run_chain(8, true, false); }
TEST(reply, a_context_is_lent_to_a_passive_server) { run_chain(1, false, true); }
TEST(reply, a_context_is_lent_down_a_chain_of_passive_servers) { run_chain(8, false, true); }
TEST(reply, a_context_is_lent_64_times) { run_chain(64, false, true); }

TEST(reply, a_context_is_not_lent_65_times)
{
    cptr_t t[65];

    make_chain(65, false, true, t);
    struct ret r = sys(SYS_CALL, sh->word[EPS], MSG_INFO(0, 1, 0), 1, 0, 0, 0, 0);
    OK(r.a[0]);
    CHECK_EQ(MSG_LABEL((uint64_t)r.a[1]), -ERR_NO_SCHED_CONTEXT);   /* told from the last but one */
    CHECK_EQ(r.a[2], 63);
    CHECK_EQ(thread_state(t[64]), THREAD_BLOCKED_RECV);
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(thread_state(t[i]), THREAD_BLOCKED_RECV);
}

/* The chain stands in the call of its last; then something happens to one of them. */
static cptr_t standing_chain(bool across, bool passive, cptr_t *threads)
{
    make_chain(4, across, passive, threads);
    sh->word[GO] = 1;
    cptr_t c = spawn(0, 100, caller, sh->word[EPS]);
    CHECK(EVENTUALLY(sh->word[DEPTH] == 1));
    return c;
}

static void middle_deleted(bool across, bool passive)
{
    cptr_t t[4], c = standing_chain(across, passive, t);

    OK(destroy(t[1]));
    CHECK_EQ(sh->word[DONE], 0);
    OK(destroy(sh->word[REPLIES + 1]));     /* and with it what it had received */
    sh->word[GO] = 0;
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    OK((long)sh->word[ERROR]);              /* thread 0 answered */
    CHECK(thread_state(c) == THREAD_BLOCKED_NOTIFICATION);
    if (passive)
        return;
    /* The end of the chain works on. */
    struct ret r = sys(SYS_CALL, sh->word[EPS + 2], MSG_INFO(0, 1, 0), 10, 0, 0, 0, 0);
    CHECK(r.a[0] == 0 && r.a[2] == 12);
}

TEST(reply, a_tcb_in_the_middle_of_a_call_chain_is_deleted) { middle_deleted(false, false); }
TEST_ON(2, reply, a_tcb_in_the_middle_of_a_chain_across_harts_is_deleted) { middle_deleted(true, false); }
TEST(reply, a_tcb_in_the_middle_of_a_passive_chain_is_deleted) { middle_deleted(false, true); }

TEST(reply, the_client_of_a_passive_chain_is_deleted)
{
    cptr_t t[4], c = standing_chain(false, true, t);

    OK(destroy(c));             /* its context goes with it: nobody runs */
    sh->word[GO] = 0;
    CHECK_EQ(sh->word[DONE], 0);
    for (unsigned i = 0; i < 4; i++)
        OK(destroy(t[i]));
}

TEST(reply, the_client_of_a_passive_server_is_interrupted_and_has_its_context_back)
{
    cptr_t t[4], c = standing_chain(false, true, t);

    OK(suspend(c));
    OK(resume(c));
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    CHECK_EQ((long)sh->word[ERROR], ERR_INTERRUPTED);
    sh->word[GO] = 0;           /* the servers are without, until the next call: */
    CHECK(EVENTUALLY(thread_state(t[3]) == THREAD_RUNNABLE));
}

TEST(reply, a_passive_server_serves_clients_that_queue)
{
    cptr_t t[4], c[3];

    make_chain(1, false, true, t);
    sh->word[GO] = 1;
    for (unsigned i = 0; i < 3; i++)
        c[i] = spawn(0, 100, caller, sh->word[EPS]);
    CHECK(EVENTUALLY(sh->word[DEPTH] == 1 && thread_state(c[2]) == THREAD_BLOCKED_SEND));
    sh->word[GO] = 0;
    CHECK(EVENTUALLY(sh->word[DONE] == 3));
    OK((long)sh->word[ERROR]);
    CHECK_EQ(thread_state(t[0]), THREAD_BLOCKED_RECV);
}

TEST(reply, the_work_of_a_passive_server_is_charged_to_its_caller)
{
    cptr_t t[4];

    make_chain(1, false, true, t);
    sh->word[GO] = 1;
    spawn(0, 100, caller, sh->word[EPS]);
    cptr_t sc = last_context();
    CHECK(EVENTUALLY(sh->word[DEPTH] == 1));
    CHECK(EVENTUALLY(sys(SYS_INVOKE, sc, SCHED_INFO, 0, 0, 0, 0, 0).a[1] > (long)(2 * MS)));
    sh->word[GO] = 0;
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
}

static void call_passive(uint64_t ep) { caller(ep); }

TEST_ON(2, reply, a_passive_server_is_not_called_from_another_hart)
{
    cptr_t t[4];

    make_chain(1, false, true, t);
    spawn(other_hart(), 100, call_passive, sh->word[EPS]);
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    CHECK_EQ((long)sh->word[ERROR], ERR_NO_SCHED_CONTEXT);
    CHECK_EQ(thread_state(t[0]), THREAD_BLOCKED_RECV);
}

TEST(reply, a_message_that_is_no_call_does_not_wake_a_passive_server)
{
    cptr_t t[4];

    make_chain(1, false, true, t);
    CHECK_EQ(sys(SYS_NB_SEND, sh->word[EPS], 0, 0, 0, 0, 0, 0).a[0], ERR_NO_SCHED_CONTEXT);
    CHECK_EQ(thread_state(t[0]), THREAD_BLOCKED_RECV);
}

TEST_ON(2, reply, lenders_and_borrowers_are_not_migrated)
{
    cptr_t t[4], c = standing_chain(false, true, t);

    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(invoke(t[i], TCB_SET_HART, other_hart(), 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(c, TCB_SET_HART, other_hart(), 0, 0, 0, 0), ERR_BUSY);
    sh->word[GO] = 0;
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    OK(invoke(c, TCB_SET_HART, other_hart(), 0, 0, 0, 0));
    OK(invoke(t[0], TCB_SET_HART, other_hart(), 0, 0, 0, 0));
}

TEST(reply, a_server_may_answer_before_it_receives_again)
{
    cptr_t ep, r1, r2 = make(CAP_TYPE_REPLY, 0, 0);

    waiting_caller(0, &ep, &r1);
    spawn(0, 100, caller, ep);
    OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, r2).a[0]);
    OK(sys(SYS_REPLY, r2, 0, 0, 0, 0, 0, 0).a[0]);      /* out of order */
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    OK(sys(SYS_REPLY, r1, 0, 0, 0, 0, 0, 0).a[0]);
    CHECK(EVENTUALLY(sh->word[DONE] == 2));
}

TEST(reply, reply_recv_to_nobody_still_receives)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), reply = make(CAP_TYPE_REPLY, 0, 0);

    spawn(0, 100, caller, ep);
    struct ret r = sys(SYS_REPLY_RECV, ep, 0, 0, 0, 0, 0, reply);
    CHECK(r.a[0] == 0 && r.a[2] == 7);
}
