/* SPDX-License-Identifier: MIT */
/*
 * Messages between threads: a matrix of same or other address space, same or other
 * hart, priority of the receiver, length and capabilities (up to four words without
 * capabilities on one hart take the fast path, all else the general one), and the
 * single facts.
 */
#include "kt.h"

enum { EP = 1, REPLY, WORDS, CAPS, OTHER_HART, BAD, SERVED, NOTE, ERROR, PRIORITY, BUFFER, FIRST, SENT };

static struct row { bool other_space, other_hart; unsigned priority, words, caps; bool receiver_first; } row;

static void put_words(struct ipc_buffer *b, uint64_t seed, unsigned n)
{
    for (unsigned i = MSG_REG_WORDS; i < n; i++)
        b->words[i - MSG_REG_WORDS] = seed + i;
}

static bool words_are(const struct ret *r, const struct ipc_buffer *b, uint64_t seed, unsigned n)
{
    bool good = MSG_LEN((uint64_t)r->a[1]) == n;

    for (unsigned i = 0; i < n; i++)
        good = good && (i < MSG_REG_WORDS ? (uint64_t)r->a[2 + i] : b->words[i - MSG_REG_WORDS]) == seed + i;
    return good;
}

/* Answers with each word plus one; signals the capabilities it was sent. */
static void server(uint64_t buffer)
{
    struct ipc_buffer *b = (struct ipc_buffer *)buffer;
    cptr_t ep = sh->word[EP], reply = sh->word[REPLY];
    unsigned n = (unsigned)sh->word[WORDS], caps = (unsigned)sh->word[CAPS];
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);

    for (uint64_t round = 0; r.a[0] == 0; round++) {
        uint64_t seed = round * 1000;
        if (r.a[6] != 0xbad6e || MSG_LABEL((uint64_t)r.a[1]) != 9 || !words_are(&r, b, seed, n) ||
            MSG_CAPS((uint64_t)r.a[1]) != caps)
            sh->word[BAD]++;
        for (unsigned i = 0; i < caps; i++) {
            if (b->recv_badges[i] != 1u << i || sys_signal(b->recv_slots[i]) != 0 || destroy(b->recv_slots[i]) != 0)
                sh->word[BAD]++;
        }
        sh->word[SERVED]++;
        put_words(b, seed + 1, n);
        r = sys(SYS_REPLY_RECV, ep, MSG_INFO(5, n, 0), seed + 1, seed + 2, seed + 3, seed + 4, reply);
    }
    sh->word[ERROR] = (uint64_t)r.a[0];
    rest();
}

static cptr_t partner(void (*f)(uint64_t), uint64_t buffer_for)
{
    cptr_t t = make(CAP_TYPE_TCB, 0, 0), sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0);
    struct ipc_buffer *b = buffer_for ? give_buffer(t) : NULL;
    cptr_t space = row.other_space ? space_clone() : CAP_INIT_VSPACE;

    if (b)
        for (unsigned i = 0; i < MSG_MAX_CAPS; i++)
            b->recv_slots[i] = slots(1);
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, space, sc,
              row.priority | (row.other_hart ? other_hart() : 0) << 8, 0));
    OK(start(t, f, (uint64_t)b));
    return t;
}

static void call_row(void)
{
    bool long_one = row.words > MSG_REG_WORDS || row.caps != 0;
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), badged = mint(ep, 0xbad6e), n = note();
    struct ipc_buffer *b = long_one ? give_buffer(CAP_INIT_TCB) : NULL;
    uint64_t bits;

    sh->word[EP] = ep;
    sh->word[REPLY] = make(CAP_TYPE_REPLY, 0, 0);
    sh->word[WORDS] = row.words;
    sh->word[CAPS] = row.caps;
    for (unsigned i = 0; i < row.caps; i++)
        b->caps[i] = mint(n, 1u << i);
    partner(server, long_one);
    for (uint64_t round = 0; round < 25; round++) {
        uint64_t s = round * 1000;
        put_words(b, s, row.words);
        struct ret r = sys(SYS_CALL, badged, MSG_INFO(9, row.words, row.caps), s, s + 1, s + 2, s + 3, 0);
        if (!OK(r.a[0]) || !CHECK(words_are(&r, b, s + 1, row.words)) ||
            !CHECK_EQ(MSG_LABEL((uint64_t)r.a[1]), 5) || !CHECK_EQ(r.a[6], 0))
            return;
        if (row.caps && (!OK(sys_wait(n, DEADLINE_POLL, &bits)) || !CHECK_EQ(bits, (1u << row.caps) - 1)))
            return;
    }
    CHECK_EQ(sh->word[BAD], 0);
    CHECK_EQ(sh->word[SERVED], 25);
    OK(destroy(badged));
    OK(destroy(ep));            /* the server's wait ends */
    CHECK(EVENTUALLY((long)sh->word[ERROR] == ERR_DELETED || (long)sh->word[ERROR] == ERR_INVALID_CAP));
}

static const char *row_name(const char *kind)
{
    static char name[120];
    char *at = append(name, kind);

    at = append(at, row.other_space ? "_other_space" : "_same_space");
    at = append(at, row.other_hart ? "_other_hart" : "_same_hart");
    at = append(at, row.priority > 128 ? "_higher" : row.priority == 128 ? "_equal" : "_lower");
    at = append(at, row.words == 0 ? "_0_words" : row.words == 4 ? "_4_words" : row.words == 5 ? "_5_words" : "_64_words");
    if (row.caps)
        at = append(at, "_3_caps");
    return name;
}

TEST_MATRIX(ipc, call_matrix)
{
    static const unsigned priorities[] = { 200, 128, 50 };
    static const struct { unsigned words, caps; } messages[] = { { 0, 0 }, { 4, 0 }, { 5, 0 }, { 64, 0 }, { 64, 3 } };

    for (unsigned i = 0; i < 60; i++) {
        row = (struct row){ .other_space = i & 1, .other_hart = i >> 1 & 1, .priority = priorities[i / 4 % 3],
                            .words = messages[i / 12].words, .caps = messages[i / 12].caps };
        run_case("ipc", row_name("call"), row.other_hart ? 2 : 1, call_row);
    }
}

/* ---- one way ---- */

static void sender(uint64_t buffer)
{
    unsigned n = (unsigned)sh->word[WORDS];

    for (uint64_t round = 0; round < 10; round++) {
        while (sh->word[SENT] > sh->word[SERVED])
            pause_for(50);
        put_words((struct ipc_buffer *)buffer, round * 1000, n);
        sh->word[SENT]++;
        error_t err = (error_t)sys(SYS_SEND, sh->word[EP], MSG_INFO(3, n, 0), round * 1000, round * 1000 + 1,
                                   round * 1000 + 2, round * 1000 + 3, 0).a[0];
        if (err != 0)
            sh->word[ERROR] = (uint64_t)err;
    }
    rest();
}

static void send_row(void)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    struct ipc_buffer *b = row.words > MSG_REG_WORDS ? give_buffer(CAP_INIT_TCB) : NULL;

    sh->word[EP] = mint(ep, 77);
    sh->word[WORDS] = row.words;
    cptr_t t = partner(sender, row.words > MSG_REG_WORDS);
    for (uint64_t round = 0; round < 10; round++) {
        if (!row.receiver_first)
            CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_SEND));
        struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, 0);
        if (!OK(r.a[0]) || !CHECK(words_are(&r, b, round * 1000, row.words)) || !CHECK_EQ(r.a[6], 77))
            return;
        sh->word[SERVED]++;
    }
    OK(sh->word[ERROR]);
}

TEST_MATRIX(ipc, send_matrix)
{
    for (unsigned i = 0; i < 16; i++) {
        row = (struct row){ .other_space = i & 1, .other_hart = i >> 1 & 1, .priority = i & 4 ? 100 : 150,
                            .words = i & 8 ? 64 : 4, .receiver_first = i & 4 };
        run_case("ipc", row_name(row.receiver_first ? "send_to_a_waiting_receiver" : "receive_from_a_waiting_sender"),
                 row.other_hart ? 2 : 1, send_row);
    }
}

/* ---- single facts ---- */

TEST(ipc, rights_are_checked)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), ro = copy_cap(ep, RIGHT_READ), wo = copy_cap(ep, RIGHT_WRITE);
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0), n = note();

    CHECK_EQ(sys(SYS_CALL, ro, 0, 0, 0, 0, 0, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_SEND, ro, 0, 0, 0, 0, 0, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_NB_SEND, ro, 0, 0, 0, 0, 0, 0).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_RECV, wo, 0, 0, 0, 0, 0, reply).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_NB_RECV, wo, 0, 0, 0, 0, 0, reply).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_REPLY_RECV, wo, 0, 0, 0, 0, 0, reply).a[0], ERR_RIGHTS);
    CHECK_EQ(sys(SYS_CALL, n, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CAP);
    CHECK_EQ(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, n).a[0], ERR_INVALID_CAP);
    CHECK_EQ(sys(SYS_REPLY_RECV, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CAP);
    CHECK_EQ(sys(SYS_REPLY, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CAP);
}

TEST(ipc, non_blocking_calls_do_not_block)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);

    CHECK_EQ(sys(SYS_NB_SEND, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_WOULD_BLOCK);
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_WOULD_BLOCK);
}

static void caller(uint64_t ep)
{
    struct ret r = sys(SYS_CALL, ep, MSG_INFO(1, 1, 0), sh->word[FIRST], 0, 0, 0, 0);

    sh->word[ERROR] = (uint64_t)r.a[0];
    sh->word[SERVED] = 1;
    rest();
}

static void call_later(cptr_t ep, unsigned hart)
{
    cptr_t t = spawn(hart, 100, caller, ep);
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_SEND));
}

TEST(ipc, a_call_to_a_receiver_without_reply_object_is_refused)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);

    call_later(ep, 0);
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_WOULD_BLOCK);
    CHECK(EVENTUALLY(sh->word[SERVED]));
    CHECK_EQ((long)sh->word[ERROR], ERR_INVALID_ARGUMENT);
}

static void plain_receiver(uint64_t ep)
{
    for (;;) {
        struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, 0);
        sh->word[SERVED] += r.a[0] == 0;
    }
}

TEST(ipc, a_call_that_finds_a_receiver_without_reply_object_is_refused)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), t = spawn(0, 200, plain_receiver, ep);

    CHECK_EQ(thread_state(t), THREAD_BLOCKED_RECV);
    CHECK_EQ(sys(SYS_CALL, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0).a[0], ERR_INVALID_ARGUMENT);
    OK(sys(SYS_SEND, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0).a[0]);
    CHECK_EQ(sh->word[SERVED], 1);
}

TEST(ipc, senders_are_served_in_order)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);

    for (uint64_t i = 1; i <= 5; i++) {
        sh->word[FIRST] = i;
        call_later(ep, 0);
    }
    for (long i = 1; i <= 5; i++) {
        struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, make(CAP_TYPE_REPLY, 0, 0));
        CHECK(r.a[0] == 0 && r.a[2] == i);
    }
}

TEST(ipc, a_message_without_buffer_is_cut_to_four_words)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);

    row = (struct row){ .priority = 100 };
    sh->word[EP] = ep;
    sh->word[WORDS] = 4;
    partner(sender, 0);
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, 0);
    CHECK(r.a[0] == 0 && MSG_LEN((uint64_t)r.a[1]) == 4 && r.a[5] == 3);
}

static void long_sender(uint64_t buffer)
{
    struct ipc_buffer *b = (struct ipc_buffer *)buffer;

    put_words(b, 0, 64);
    sh->word[ERROR] = (uint64_t)sys(SYS_SEND, sh->word[EP], sh->word[WORDS], 0, 1, 2, 3, 0).a[0];
    sh->word[SERVED] = 1;
    rest();
}

/* The thread is made and its buffer filled; the message info is given. */
static cptr_t long_message(uint64_t info, struct ipc_buffer **its)
{
    cptr_t t = spawn_stopped(0, 100);

    sh->word[WORDS] = info;
    *its = give_buffer(t);
    return t;
}

TEST(ipc, lengths_above_64_are_cut)
{
    struct ipc_buffer *b, *mine = give_buffer(CAP_INIT_TCB);
    cptr_t t = long_message(MSG_INFO(0, 127, 0), &b);

    sh->word[EP] = make(CAP_TYPE_ENDPOINT, 0, 0);
    OK(start(t, long_sender, (uint64_t)b));
    struct ret r = sys(SYS_RECV, sh->word[EP], 0, 0, 0, 0, 0, 0);
    CHECK(r.a[0] == 0 && words_are(&r, mine, 0, 64));
}

/* caps[0] good, caps[1] bad. */
static void caps_message(uint64_t rights, cptr_t second, unsigned want)
{
    struct ipc_buffer *b, *mine = give_buffer(CAP_INIT_TCB);
    cptr_t t = long_message(MSG_INFO(0, 0, 3), &b), n = note(), dest = slots(3);

    b->caps[0] = b->caps[2] = n;
    b->caps[1] = second;
    for (unsigned i = 0; i < 3; i++)
        mine->recv_slots[i] = dest + i;
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0);
    sh->word[EP] = copy_cap(ep, (unsigned)rights);
    OK(start(t, long_sender, (uint64_t)b));
    struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, 0);
    OK(r.a[0]);
    CHECK_EQ(MSG_CAPS((uint64_t)r.a[1]), want);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(inspect(dest + i) != 0, i < want);
    CHECK(EVENTUALLY(sh->word[SERVED]));
    OK((long)sh->word[ERROR]);
}

TEST(ipc, an_empty_slot_ends_the_list_of_capabilities) { caps_message(RIGHTS_ALL, slots(1), 1); }
TEST(ipc, an_untyped_is_not_sent) { caps_message(RIGHTS_ALL, make(CAP_TYPE_UNTYPED, 12, 0), 1); }
TEST(ipc, without_grant_no_capabilities_are_sent) { caps_message(RIGHT_WRITE | RIGHT_READ, slots(1), 0); }
TEST(ipc, three_capabilities_arrive) { caps_message(RIGHT_WRITE | RIGHT_GRANT, note(), 3); }

TEST(ipc, capabilities_do_not_overwrite_a_slot)
{
    struct ipc_buffer *b, *mine = give_buffer(CAP_INIT_TCB);
    cptr_t t = long_message(MSG_INFO(0, 0, 2), &b), taken = mint(note(), 3);

    b->caps[0] = b->caps[1] = note();
    mine->recv_slots[0] = slots(1);
    mine->recv_slots[1] = taken;
    sh->word[EP] = make(CAP_TYPE_ENDPOINT, 0, 0);
    OK(start(t, long_sender, (uint64_t)b));
    struct ret r = sys(SYS_RECV, sh->word[EP], 0, 0, 0, 0, 0, 0);
    CHECK_EQ(MSG_CAPS((uint64_t)r.a[1]), 1);
    CHECK_EQ(mine->nr_caps_received, 1);
    CHECK_EQ(inspect(taken) >> 16, 3);
}

TEST(ipc, a_capability_that_was_sent_is_a_child_of_the_senders)
{
    struct ipc_buffer *b, *mine = give_buffer(CAP_INIT_TCB);
    cptr_t t = long_message(MSG_INFO(0, 0, 1), &b), n = note();

    b->caps[0] = n;
    mine->recv_slots[0] = slots(1);
    sh->word[EP] = make(CAP_TYPE_ENDPOINT, 0, 0);
    OK(start(t, long_sender, (uint64_t)b));
    OK(sys(SYS_RECV, sh->word[EP], 0, 0, 0, 0, 0, 0).a[0]);
    OK(sys_signal(mine->recv_slots[0]));
    OK(revoke(n));
    CHECK_EQ(inspect(mine->recv_slots[0]), 0);
}

/* ---- cancelling ---- */

static void cancel(unsigned hart)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), one = mint(ep, 1), two = mint(ep, 2);
    cptr_t a = spawn(hart, 100, caller, one), b = spawn(hart, 100, caller, two);

    CHECK(EVENTUALLY(thread_state(a) == THREAD_BLOCKED_SEND && thread_state(b) == THREAD_BLOCKED_SEND));
    OK(invoke(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, one, 0, 0, 0, 0));
    CHECK(EVENTUALLY(sh->word[SERVED]));
    CHECK_EQ((long)sh->word[ERROR], ERR_CANCELLED);
    CHECK_EQ(thread_state(b), THREAD_BLOCKED_SEND);
    OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, make(CAP_TYPE_REPLY, 0, 0)).a[0]);
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_WOULD_BLOCK);
}

TEST(ipc, cancel_badged_ends_queued_senders_with_that_badge_only) { cancel(0); }
TEST_ON(2, ipc, cancel_badged_ends_senders_of_another_hart) { cancel(other_hart()); }

TEST(ipc, cancel_badged_leaves_receivers_alone)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), t = spawn(0, 200, plain_receiver, ep);

    OK(invoke(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, ep, 0, 0, 0, 0));
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_RECV);
    OK(sys(SYS_SEND, ep, 0, 0, 0, 0, 0, 0).a[0]);
}

/* ---- bound notifications ---- */

static void bound_receiver(uint64_t ep)
{
    for (;;) {
        struct ret r = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, sh->word[REPLY]);
        sh->word[FIRST] = (uint64_t)r.a[1];
        sh->word[BAD] = (uint64_t)r.a[6];
        __atomic_fetch_add(&sh->word[SERVED], 1, __ATOMIC_SEQ_CST);
        sys(SYS_REPLY, sh->word[REPLY], 0, 0, 0, 0, 0, 0);
    }
}

static void bound(unsigned hart)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), n = note(), b = mint(n, 0x50), t = spawn_stopped(hart, 150);

    sh->word[REPLY] = make(CAP_TYPE_REPLY, 0, 0);
    OK(invoke(t, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0));
    OK(start(t, bound_receiver, ep));
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_RECV));
    OK(sys_signal(b));
    CHECK(EVENTUALLY(sh->word[SERVED] == 1));
    CHECK(sh->word[FIRST] == MSG_INFO(MSG_LABEL_NOTIFICATION, 0, 0) && sh->word[BAD] == 0x50);
    CHECK_EQ(sys_wait(n, DEADLINE_POLL, NULL), ERR_WOULD_BLOCK);
    OK(sys(SYS_CALL, ep, MSG_INFO(4, 0, 0), 0, 0, 0, 0, 0).a[0]);
    CHECK_EQ(sh->word[FIRST], MSG_INFO(4, 0, 0));
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_RECV));
    OK(suspend(t));
    OK(invoke(t, TCB_BIND_NOTIFICATION, 0, 0, 0, 0, 0));
    OK(resume(t));
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_RECV));
    OK(sys_signal(b));
    CHECK_EQ(sh->word[SERVED], 2);
    OK(sys_wait(n, DEADLINE_POLL, NULL));
}

TEST(ipc, a_bound_notification_ends_a_receive_until_it_is_unbound) { bound(0); }
TEST_ON(2, ipc, a_bound_notification_ends_a_receive_on_another_hart) { bound(other_hart()); }

TEST(ipc, bits_that_were_there_end_the_receive_at_once)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), n = note(), t = spawn_stopped(0, 200);

    OK(invoke(t, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0));
    OK(sys_signal(mint(n, 8)));
    sh->word[REPLY] = make(CAP_TYPE_REPLY, 0, 0);
    OK(start(t, bound_receiver, ep));
    CHECK(sh->word[SERVED] == 1 && sh->word[BAD] == 8);
}

TEST(ipc, a_notification_is_bound_to_one_thread)
{
    cptr_t n = note(), m = note(), a = spawn_stopped(0, 10), b = spawn_stopped(0, 10), weak = copy_cap(n, RIGHT_WRITE);

    OK(invoke(a, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0));
    OK(invoke(b, TCB_BIND_NOTIFICATION, m, 0, 0, 0, 0));
    CHECK_EQ(invoke(b, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0), ERR_BUSY);
    CHECK_EQ(invoke(b, TCB_BIND_NOTIFICATION, weak, 0, 0, 0, 0), ERR_RIGHTS);
    CHECK_EQ(invoke(b, TCB_BIND_NOTIFICATION, b, 0, 0, 0, 0), ERR_INVALID_CAP);
    CHECK_EQ(invoke(a, TCB_BIND_NOTIFICATION, m, 0, 0, 0, 0), ERR_BUSY);   /* b still has it */
    OK(invoke(b, TCB_BIND_NOTIFICATION, 0, 0, 0, 0, 0));
    OK(invoke(a, TCB_BIND_NOTIFICATION, m, 0, 0, 0, 0));
    OK(invoke(b, TCB_BIND_NOTIFICATION, n, 0, 0, 0, 0));
}
