/* SPDX-License-Identifier: MIT */
/*
 * Many things at the same time: threads that talk across harts while they are
 * suspended, resumed, moved, upcalled, made to fault, cloned and deleted; objects that
 * are revoked under them; nonsense. The checker: whoever is not deleted makes progress
 * afterwards, each thread by its own count, and all memory is there again at the end of
 * the case. Each storm comes with the fastest and the slowest timer: slices of 1 us,
 * slices that never end, budgets of 1 us in every 10.
 *
 * With "soak=SECONDS seed=N" on the kernel's command line the storms run again and
 * again, each round with the next seed and with the next of the timer's settings,
 * slices of 10 ms among them, or with "slices=K" always with setting K. A round that
 * began is ended; on 8 harts of an emulator on two cores it takes up to a minute.
 */
#include "kt.h"

#define PAIRS 6

enum { STOP = 1, DONE, SHARED, NEVER, TURNS = 16, NOTE_A = 80, NOTE_B = 96, EPS = 112, REPLIES = 128 };

/* How often thread k (0: a, 1: b) of pair i has come round. Its own to write. */
#define TURN(i, k) sh->word[TURNS + (i) * 8 + (k)]

static void pair_a(uint64_t i)
{
    for (;;) {
        sys(SYS_SIGNAL_WAIT, sh->word[NOTE_A + i], sh->word[NOTE_B + i], now() + MS, 0, 0, 0, 0);
        TURN(i, 0)++;
    }
}

static void pair_b(uint64_t i)
{
    for (;;) {
        sys(SYS_SIGNAL_WAIT, sh->word[NOTE_B + i], sh->word[NOTE_A + i], now() + MS, 0, 0, 0, 0);
        TURN(i, 1)++;
    }
}

static void pair_call(uint64_t i)
{
    for (;;) {
        sys(SYS_CALL, sh->word[EPS + i], MSG_INFO(1, i % 5 + 1, 0), 1, 2, 3, 4, 0);
        TURN(i, 0)++;
    }
}

static void pair_serve(uint64_t i)
{
    for (;;) {
        struct ret r = sys(SYS_RECV, sh->word[EPS + i], 0, 0, 0, 0, 0, sh->word[REPLIES + i]);
        while (r.a[0] == 0) {
            TURN(i, 1)++;
            r = sys(SYS_REPLY_RECV, sh->word[EPS + i], MSG_INFO(1, 4, 0), 1, 2, 3, 4, sh->word[REPLIES + i]);
        }
    }
}

/* Faults again and again: each partner is the other's handler of faults. */
static void pair_fault(uint64_t i)
{
    for (;;) {
        (void)*(volatile uint64_t *)(HERE + 0x1000000 + i * PAGE);
        invoke(CAP_INIT_VSPACE, VSPACE_UNMAP, HERE + 0x1000000 + i * PAGE, PAGE, 0, 0, 0);
        TURN(i, 0)++;
    }
}

static void pair_handle(uint64_t i)
{
    for (;;) {
        struct ret r = sys(SYS_RECV, sh->word[EPS + i], 0, 0, 0, 0, 0, sh->word[REPLIES + i]);
        if (r.a[0] != 0)
            continue;
        invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE + 0x1000000 + i * PAGE, PAGE, RW, 0, 0);
        sys(SYS_REPLY, sh->word[REPLIES + i], 0, 0, 0, 0, 0, 0);
        TURN(i, 1)++;
    }
}

/* Clones of this address space, changed and destroyed. */
static void pair_clone(uint64_t i)
{
    cptr_t v = sh->word[NOTE_A + i];    /* a VSpace of the case here */

    for (;;) {
        invoke(v, VSPACE_CLONE, CAP_INIT_VSPACE, 0, 0, 0, 0);
        invoke(v, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0);
        TURN(i, 0)++;
        pause_for(MS / 20);     /* a slice that never ends is everybody's on this hart */
    }
}

#define WRITTEN(i) (HERE + 0x1000000 + (i) * PAGE)

/* Writes into the address space that is cloned meanwhile: it stays its own. */
static void pair_write(uint64_t i)
{
    for (uint64_t n = 0;; n++) {
        *(volatile uint64_t *)WRITTEN(i) = n;
        pause_for(MS / 20);
        if (*(volatile uint64_t *)WRITTEN(i) == n)
            TURN(i, 1)++;
    }
}

/* weight: of a round, each of whose fences waits for all harts. */
struct storm { const char *name; void (*a)(uint64_t), (*b)(uint64_t); bool faults, clones; unsigned weight; };
/* What a thread may run of each period, in ticks: equal is a slice. */
struct slices { const char *name; ticks_t budget, period; };

static void disturb(cptr_t t)
{
    switch (random_below(6)) {
    case 0:
        suspend(t);
        resume(t);
        break;
    case 1: invoke(t, TCB_SET_HART, random_below(hart_count()), 0, 0, 0, 0); break;
    case 2: invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0); break;
    case 3: invoke(t, TCB_SET_PRIORITY, 90 + random_below(4) * 10, 0, 0, 0, 0); break;
    case 4: invoke(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, sh->word[EPS + random_below(PAIRS)], 0, 0, 0, 0); break;
    default: pause_for(random_below(20) * 10); break;
    }
}

/* Each thread comes round once more, from beginning to end. */
static void all_make_progress(void)
{
    for (unsigned i = 0; i < 2 * PAIRS; i++) {
        uint64_t before = TURN(i / 2, i % 2);
        bool turned = false;
        for (unsigned tries = 0; tries < 10 && !turned; tries++)    /* twelve threads may share a loaded hart */
            turned = EVENTUALLY(TURN(i / 2, i % 2) > before + 1);
        CHECK(turned);
    }
}

static void storm(const struct storm *s, unsigned rounds, const struct slices *of)
{
    cptr_t ta[PAIRS], tb[PAIRS];

    for (unsigned i = 0; i < PAIRS; i++) {
        sh->word[NOTE_A + i] = s->clones ? make(CAP_TYPE_VSPACE, 0, 0) : note();
        if (s->clones) {
            OK(invoke(sh->word[NOTE_A + i], VSPACE_INIT, CAP_INIT_POOL, 9, 0, 0, 0));
            OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, WRITTEN(i), PAGE, RW, 0, 0));
        }
        sh->word[NOTE_B + i] = note();
        sh->word[EPS + i] = make(CAP_TYPE_ENDPOINT, 0, 0);
        sh->word[REPLIES + i] = make(CAP_TYPE_REPLY, 0, 0);
        for (unsigned k = 0; k < 2; k++) {
            unsigned hart = (unsigned)random_below(hart_count());
            cptr_t t = spawn_stopped(hart, k ? 120 : 110);
            OK(invoke(last_context(), SCHED_CONFIGURE, of->budget, of->period, hart, 0, 0));
            if (s->faults && !k)
                OK(invoke(t, TCB_SET_FAULT_EP, sh->word[EPS + i], 0, 0, 0, 0));
            *(k ? &tb[i] : &ta[i]) = t;
            OK(start(t, k ? s->b : s->a, i));
        }
    }
    for (unsigned r = 0; r < rounds; r++)
        disturb(random_below(2) ? ta[random_below(PAIRS)] : tb[random_below(PAIRS)]);
    /* After the storm everybody must still make progress. A fault that was cancelled
     * has stopped its thread, hence the resumes. */
    for (unsigned i = 0; i < PAIRS; i++) {
        invoke(ta[i], TCB_SET_PRIORITY, 100, 0, 0, 0, 0);
        invoke(tb[i], TCB_SET_PRIORITY, 100, 0, 0, 0, 0);
        resume(ta[i]);
        resume(tb[i]);
    }
    all_make_progress();
    for (unsigned i = 0; i < PAIRS; i++) {      /* and it may be taken apart in any order */
        cptr_t all[] = { ta[i], tb[i], sh->word[NOTE_A + i], sh->word[NOTE_B + i], sh->word[EPS + i],
                         sh->word[REPLIES + i] };
        for (unsigned k = 6; k > 0; k--) {
            unsigned pick = (unsigned)random_below(k);
            OK(destroy(all[pick]));
            all[pick] = all[k - 1];
        }
    }
}

static const struct storm storms[] = {
    { "signal_pairs", pair_a, pair_b, false, false, 1 },
    { "call_pairs", pair_call, pair_serve, false, false, 1 },
    { "fault_pairs", pair_fault, pair_handle, true, false, 4 },
    { "clones", pair_clone, pair_write, false, true, 8 },
};
#define NR_STORMS 4

static const struct slices settings[] = {
    { "slices_of_a_microsecond", 10, 10 },
    { "slices_without_end", INT64_MAX, INT64_MAX },
    { "budgets_of_a_microsecond", 10, 100 },
    { "slices_of_ten_milliseconds", 10 * MS, 10 * MS },
};
#define NR_SETTINGS 4

/* What run_case runs. */
static const struct storm *this_storm;
static const struct slices *this_setting;
static unsigned this_rounds;

static void one_storm(void)
{
    storm(this_storm, this_rounds / this_storm->weight, this_setting);
}

/* The extremes; budgets where no fence waits for all harts of an emulator that shares its
 * host; on 8 harts faults with the slowest timer and clones with the fastest (the long run
 * has them all). Fewer rounds where more harts share the host. */
TEST_MATRIX(stress, storms)
{
    for (unsigned s = 0; s < NR_STORMS; s++)
        for (unsigned k = 0; k < (storms[s].weight > 1 ? 2 : 3); k++) {
            char name[80];
            if (hart_count() > 4 && storms[s].weight > 1 && k != (storms[s].faults ? 1 : 0))
                continue;
            this_storm = &storms[s];
            this_setting = &settings[k];
            this_rounds = 400 / hart_count();
            append(append(append(name, storms[s].name), "_survive_with_"), settings[k].name);
            run_case("stress", name, 1, one_storm);
        }
}

/* Revoke the Untyped under threads that run on all harts, again and again. */
static void pull_the_rug(unsigned times)
{
    cptr_t ut = make(CAP_TYPE_UNTYPED, 18, 0), s = slots(40);

    for (unsigned round = 0; round < times; round++) {
        unsigned n = 2;
        struct tcb_regs r;

        OK(retype(ut, CAP_TYPE_ENDPOINT, 0, s, 1, 0));
        OK(retype(ut, CAP_TYPE_REPLY, 0, s + 1, 1, 0));
        sh->word[EPS] = s;
        sh->word[REPLIES] = s + 1;
        for (unsigned i = 0; i < 6; i++) {
            cptr_t t = s + n++, sc = s + n++;
            OK(retype(ut, CAP_TYPE_TCB, 0, t, 1, 0));
            OK(retype(ut, CAP_TYPE_SCHED_CONTEXT, 0, sc, 1, 0));
            OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, sc, 110 | i % hart_count() << 8, 0));
            fill_regs(&r, i == 0 ? pair_serve : pair_call, 0);
            OK(invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0));
        }
        pause_for(random_below(3) * MS);
        if (!OK(revoke(ut)))
            return;
    }
}

TEST(stress, an_untyped_is_revoked_under_running_threads) { pull_the_rug(40); }

TEST(stress, processes_come_and_go)
{
    cptr_t base = slots(8);

    for (unsigned i = 0; i < 60; i++) {
        OK(retype(main_untyped(), CAP_TYPE_UNTYPED, 16, base, 1, 0));
        OK(retype(base, CAP_TYPE_TCB, 0, base + 1, 1, 0));
        OK(retype(base, CAP_TYPE_SCHED_CONTEXT, 0, base + 2, 1, 0));
        OK(retype(base, CAP_TYPE_CNODE, 5, base + 3, 1, 0));
        OK(retype(base, CAP_TYPE_VSPACE, 0, base + 4, 1, 0));
        OK(invoke(base + 4, VSPACE_INIT, CAP_INIT_POOL, 0, 0, 0, 0));
        OK(invoke(base + 1, TCB_CONFIGURE, base + 3, base + 4, base + 2, 100 | (i % hart_count()) << 8, 0));
        OK(resume(base + 1));       /* faults at pc 0 */
        if (i % 3 == 0)
            pause_for(MS / 2);
        OK(revoke(base));
        if (!OK(destroy(base)))
            return;
    }
}

static void self_deleter(uint64_t slot)
{
    sh->word[DONE] = 1;
    destroy(slot);
    sh->word[SHARED] = 666;
    for (;;)
        ;
}

static void self_delete(unsigned hart)
{
    cptr_t t = spawn_stopped(hart, 200);

    OK(start(t, self_deleter, t));
    CHECK(EVENTUALLY(sh->word[DONE] && inspect(t) == 0));
    CHECK_EQ(sh->word[SHARED], 0);
    CHECK_EQ(resume(t), ERR_INVALID_CAP);
}

TEST(deletion, a_thread_deletes_itself) { self_delete(0); }
TEST_ON(2, deletion, a_thread_of_another_hart_deletes_itself) { self_delete(other_hart()); }

static void in_many(uint64_t ep) { sys(SYS_SEND, ep, MSG_INFO(0, 4, 0), 1, 2, 3, 4, 0); rest(); }

TEST(deletion, an_endpoint_with_queued_senders_on_all_harts)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), t[16];

    for (unsigned i = 0; i < 16; i++)
        t[i] = spawn(i % hart_count(), 110, in_many, ep);
    for (unsigned i = 0; i < 16; i++)
        CHECK(EVENTUALLY(thread_state(t[i]) == THREAD_BLOCKED_SEND));
    OK(destroy(ep));
    for (unsigned i = 0; i < 16; i++)
        CHECK(EVENTUALLY(thread_state(t[i]) == THREAD_BLOCKED_NOTIFICATION));
}

static void toucher(uint64_t arg)
{
    (void)arg;
    for (uint64_t i = 0;; i++) {
        *(volatile uint64_t *)(HERE + i % 64 * PAGE) = i;
        if (i % 64 == 63)
            invoke(CAP_INIT_VSPACE, VSPACE_DISCARD, HERE, 64 * PAGE, 0, 0, 0);
        sh->word[DONE]++;
    }
}

TEST(deletion, a_vspace_in_use_on_all_harts)
{
    for (unsigned round = 0; round < 5; round++) {
        OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, 64 * PAGE, RW | VM_REPLACE, 0, 0));
        cptr_t v = space_clone(), t[8];
        for (unsigned i = 0; i < hart_count(); i++) {
            t[i] = spawn_in(v, i, 110);
            OK(start(t[i], toucher, 0));
        }
        uint64_t before = sh->word[DONE];
        CHECK(EVENTUALLY(sh->word[DONE] > before));
        OK(revoke(v));              /* the threads give it up, and stop */
        OK(destroy(v));
        for (unsigned i = 0; i < hart_count(); i++)
            CHECK(EVENTUALLY(thread_state(t[i]) == THREAD_STOPPED));
    }
}

static void pool_deleter(uint64_t p)
{
    sh->word[SHARED] = (uint64_t)destroy(p);
    sh->word[DONE] = 1;
    rest();
}

/* Nobody waits for its users; its memory is free (see the end of every case) when the
 * last of them is gone. */
TEST(deletion, a_pool_in_use_goes_when_its_last_user_goes)
{
    cptr_t p = make(CAP_TYPE_POOL, 256, 0), v = make(CAP_TYPE_VSPACE, 0, 0), s = make(CAP_TYPE_SEGMENT, 0, p);
    cptr_t late = make(CAP_TYPE_VSPACE, 0, 0);

    OK(invoke(v, VSPACE_INIT, p, 1, 0, 0, 0));
    OK(invoke(v, VSPACE_RESERVE, HERE, 100 * PAGE, RW | VM_POPULATE, 0, 0));
    spawn(other_hart(), 120, pool_deleter, p);
    CHECK(EVENTUALLY(inspect(p) == 0));
    CHECK_EQ(invoke(late, VSPACE_INIT, p, 1, 0, 0, 0), ERR_INVALID_CAP);
    CHECK(EVENTUALLY(sh->word[DONE] == 1));
    OK((long)sh->word[SHARED]);
    OK(poke(v, HERE, 1));           /* those that are there work on */
    OK(poke(v, HERE + PAGE, 1));
    OK(destroy(v));
    OK(destroy(s));
}

/* Arguments that must be refused, thrown at every operation. */
static void nonsense(unsigned times)
{
    static const uint64_t values[] = { 0, 1, 2, 3, 7, 64, 4096, 0x10000000, 0x3ffffff000, ~0ul, 1ul << 63,
                                       0x4000000000, 0xffffffc080200000, 255, 1ul << 32, ROOT_BOOTINFO };
    cptr_t n = note(), t = make(CAP_TYPE_TCB, 0, 0), seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    cptr_t cn = make(CAP_TYPE_CNODE, 2, 0), vs = make(CAP_TYPE_VSPACE, 0, 0);
    cptr_t sc = make(CAP_TYPE_SCHED_CONTEXT, 0, 0), ut = make(CAP_TYPE_UNTYPED, 14, 0);
    cptr_t caps[] = { n, t, seg, cn, vs, sc, ut, CAP_IN(cn, 1), CAP_INIT_FDT };

    /* Without a context: who knows what code it would be resumed at. */
    OK(invoke(t, TCB_CONFIGURE, CAP_INIT_CNODE, CAP_INIT_VSPACE, 0, 10, 0));
    for (unsigned round = 0; round < times; round++) {
        cptr_t cap = caps[random_below(sizeof(caps) / sizeof(caps[0]))];
        uint32_t op = (uint32_t)((random_below(8) + 1) << 8 | random_below(17));
        uint64_t a[5];
        for (unsigned i = 0; i < 5; i++)
            a[i] = random_below(8) == 0 ? random_below(~0ul) : values[random_below(16)];
        if (cap == cn && a[1] < 64)     /* not the case's own capabilities as sources */
            a[1] = 16000 + a[1];
        invoke(cap, op, a[0], a[1], a[2], a[3], a[4]);
    }
    OK(destroy(t));
    /* No address here is a capability: nothing can block. */
    for (unsigned round = 0; round < times / 6; round++)
        sys((long)(random_below(10) == 0 ? random_below(64) : 100 + random_below(20)), values[7 + random_below(4)],
            values[random_below(16)], DEADLINE_POLL, values[random_below(16)], 0, 0, values[random_below(16)]);
}

TEST(stress, nonsense_is_survived) { nonsense(20000); }

/* ---- long ---- */

static void long_rug(void) { pull_the_rug(40); }
static void long_nonsense(void) { nonsense(20000); }

void long_stress(uint64_t seconds, uint64_t seed, uint64_t setting)
{
    ticks_t until = now() + seconds * 1000 * MS;

    this_rounds = 200;
    for (; now() < until; seed++) {
        this_setting = &settings[setting < NR_SETTINGS ? setting : seed % NR_SETTINGS];
        random_seed(seed);
        print("# seed ");
        print_number((long)seed);
        print(", ");
        print(this_setting->name);
        print("\n");
        for (unsigned s = 0; s < NR_STORMS; s++) {
            this_storm = &storms[s];
            run_case("long", storms[s].name, 1, one_storm);
        }
        run_case("long", "revokes", 1, long_rug);
        run_case("long", "nonsense", 1, long_nonsense);
    }
}
