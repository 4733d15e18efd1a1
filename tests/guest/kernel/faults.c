/* SPDX-License-Identifier: MIT */
/* Faults of every kind, as messages and as upcalls; reflection. */
#include "kt.h"

enum { DONE = 1, SEEN, ERROR, UPCALLS, CAUSE, VALUE, PC_AFTER, RESULT };

/* ---- native threads: messages to the fault endpoint ---- */

struct kind {
    const char *name;
    void (*run)(uint64_t);
    uint64_t cause;
    uint64_t address;           /* what the message must say; ~0: the pc          */
};

static void bad_store(uint64_t at) { *(volatile uint64_t *)at = 1; sh->word[DONE] = 1; rest(); }
static void bad_load(uint64_t at) { sh->word[SEEN] = *(volatile uint64_t *)at; sh->word[DONE] = 1; rest(); }
static void bad_fetch(uint64_t at) { ((void (*)(void))at)(); rest(); }
static void illegal(uint64_t at) { (void)at; __asm__ volatile(".word 0"); rest(); }
static void breakpoint(uint64_t at) { (void)at; __asm__ volatile("ebreak"); rest(); }
static void csr(uint64_t at) { (void)at; __asm__ volatile(".option push\n.option arch, +zicsr\ncsrw sscratch, zero\n.option pop"); rest(); }
static void supervisor(uint64_t at) { (void)at; __asm__ volatile("sret"); rest(); }

#define READ_ONLY (HERE + 0x1000000)
#define NO_ACCESS (HERE + 0x1001000)
#define NOT_EXEC  (HERE + 0x1002000)
#define BEYOND    (HERE + 0x1100000)
#define POOR      (HERE + 0x1200000)

static const struct kind kinds[] = {
    { "store_to_nothing",          bad_store,  15, 0x24000000 },
    { "load_from_nothing",         bad_load,   13, 0x24000008 },
    { "fetch_from_nothing",        bad_fetch,  12, 0x24001000 },
    { "store_to_null",             bad_store,  15, 8 },
    { "store_read_only",           bad_store,  15, READ_ONLY },
    { "load_no_access",            bad_load,   13, NO_ACCESS },
    { "fetch_not_executable",      bad_fetch,  12, NOT_EXEC },
    { "store_to_the_kernel",       bad_store,  15, 0xffffffc080200000 },
    { "load_from_the_kernel",      bad_load,   13, 0xffffffc080200000 },
    { "fetch_from_the_kernel",     bad_fetch,  12, 0xffffffc080200000 },
    { "store_above_user_space",    bad_store,  15, USER_TOP },
    { "load_not_canonical",        bad_load,   13, 1ul << 50 },
    { "illegal_instruction",       illegal,    2,  0 },
    { "supervisor_csr",            csr,        2,  ~0ul },
    { "supervisor_instruction",    supervisor, 2,  ~0ul },
    { "breakpoint",                breakpoint, 3,  ~0ul },
    { "beyond_a_segment",          bad_load,   UPCALL_SEGMENT, BEYOND },
    { "no_memory",                 bad_store,  UPCALL_NO_MEMORY, POOR },
};

static const struct kind *kind;
static unsigned where;

static void prepare(void)
{
    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, READ_ONLY, PAGE, VM_READ, 0, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, NO_ACCESS, PAGE, 0, 0, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, NOT_EXEC, PAGE, RW, 0, 0));
    if (kind->cause == UPCALL_SEGMENT) {
        cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
        OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, BEYOND, PAGE, VM_READ | VM_SHARED, seg, 0));
    }
    if (kind->cause == UPCALL_NO_MEMORY) {      /* a Segment whose account is full */
        cptr_t seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL | 77ul << 32);
        OK(invoke(seg, SEGMENT_RESIZE, 1, 0, 0, 0, 0));
        OK(invoke(CAP_INIT_POOL, POOL_SET_LIMIT, 77, 0, 0, 0, 0));
        OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, POOR, PAGE, RW | VM_SHARED, seg, 0));
    }
}

static void native(void)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), reply = make(CAP_TYPE_REPLY, 0, 0), t = spawn_stopped(where, 200);

    prepare();
    OK(invoke(t, TCB_SET_FAULT_EP, mint(ep, 5), 0, 0, 0, 0));
    OK(start(t, kind->run, kind->address));
    struct ret m = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    CHECK(m.a[0] == 0 && (uint64_t)m.a[1] == MSG_INFO(MSG_LABEL_FAULT, 4, 0) && m.a[6] == 5);
    CHECK_EQ(m.a[2], kind->cause);
    if (kind->address != ~0ul && kind->cause != 2)
        CHECK_EQ(m.a[3], kind->address);
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_FAULT);
    CHECK_EQ(thread_info(t).nr_faults, 1);
    OK(sys(SYS_REPLY, reply, MSG_INFO(1, 0, 0), 0, 0, 0, 0, 0).a[0]);
    CHECK(EVENTUALLY(thread_state(t) == THREAD_STOPPED));
    CHECK_EQ(sh->word[DONE], 0);
}

TEST_MATRIX(faults, every_kind)
{
    static char name[80];

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        kind = &kinds[i];
        where = 0;
        append(append(name, "message_"), kind->name);
        run_case("faults", name, 1, native);
    }
    kind = &kinds[0];
    where = other_hart();
    run_case("faults", "message_store_to_nothing_on_another_hart", 2, native);
}

TEST(faults, a_reply_repeats_the_instruction)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), reply = make(CAP_TYPE_REPLY, 0, 0), t = spawn_stopped(other_hart(), 128);

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    OK(start(t, bad_store, HERE));
    OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply).a[0]);
    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0));
    OK(sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0]);
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ(*(volatile uint64_t *)HERE, 1);
}

TEST(faults, without_endpoint_the_thread_stops)
{
    cptr_t t = spawn(0, 200, illegal, 0);

    CHECK_EQ(thread_state(t), THREAD_STOPPED);
}

TEST(faults, the_handler_may_change_the_registers)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), reply = make(CAP_TYPE_REPLY, 0, 0), t = spawn_stopped(0, 200);
    struct tcb_regs r;

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    OK(start(t, bad_store, 0x24000000));
    OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply).a[0]);
    CHECK_EQ(invoke(t, TCB_READ_REGS, (uint64_t)&r, 0, 0, 0, 0), ERR_BUSY);
    OK(sys(SYS_REPLY, reply, MSG_INFO(1, 0, 0), 0, 0, 0, 0, 0).a[0]);
    OK(invoke(t, TCB_READ_REGS, (uint64_t)&r, 0, 0, 0, 0));
    CHECK_EQ(r.x[10], 0x24000000);
    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0));
    for (unsigned i = 5; i < 32; i++)       /* whichever register has the address */
        if (r.x[i] == 0x24000000)
            r.x[i] = HERE;
    OK(invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0));
    CHECK_EQ(sh->word[DONE], 1);
}

/* A fault is a call: without reply object nobody could answer it. The thread is
 * stopped where it is; neither its pc nor its registers change. */
TEST(faults, a_receiver_without_reply_object_stops_the_thread_unchanged)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), t = spawn_stopped(0, 200);
    struct tcb_regs before, after;

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    fill_regs(&before, 0, 0x77);
    before.x[0] = 0x6000;
    OK(invoke(t, TCB_WRITE_REGS, (uint64_t)&before, 1, 0, 0, 0));
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_SEND);
    CHECK_EQ(sys(SYS_NB_RECV, ep, 0, 0, 0, 0, 0, 0).a[0], ERR_WOULD_BLOCK);
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
    OK(invoke(t, TCB_READ_REGS, (uint64_t)&after, 0, 0, 0, 0));
    CHECK(after.x[0] == 0x6000 && after.x[10] == 0x77);
}

static void ended(unsigned how, unsigned hart)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), badged = mint(ep, 3), t = spawn_stopped(hart, 200);
    cptr_t reply = make(CAP_TYPE_REPLY, 0, 0);

    OK(invoke(t, TCB_SET_FAULT_EP, badged, 0, 0, 0, 0));
    OK(start(t, bad_store, 0x24000000));
    CHECK(EVENTUALLY(thread_state(t) == THREAD_BLOCKED_SEND));
    if (how == 0) {
        OK(revoke(ep));         /* the thread gives its endpoint up, but waits there still */
        OK(destroy(ep));
    } else if (how == 1) {
        OK(invoke(CAP_INIT_CNODE, CNODE_CANCEL_BADGED, badged, 0, 0, 0, 0));
    } else if (how == 2) {
        OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply).a[0]);
        OK(destroy(reply));
    } else {
        OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply).a[0]);
        OK(suspend(t));
        CHECK_EQ(sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0], ERR_CANCELLED);
    }
    CHECK(EVENTUALLY(thread_state(t) == THREAD_STOPPED));
    CHECK_EQ(sh->word[DONE], 0);
    struct tcb_regs r;
    OK(invoke(t, TCB_READ_REGS, (uint64_t)&r, 0, 0, 0, 0));
    CHECK_EQ(r.x[10], 0x24000000);
}

TEST(faults, deleting_the_endpoint_stops_the_thread_unchanged) { ended(0, 0); }
TEST(faults, cancelling_the_badge_stops_the_thread_unchanged) { ended(1, 0); }
TEST(faults, deleting_the_reply_stops_the_thread_unchanged) { ended(2, 0); }
TEST(faults, suspending_the_thread_ends_its_fault) { ended(3, 0); }
TEST_ON(2, faults, deleting_the_endpoint_stops_a_thread_of_another_hart) { ended(0, other_hart()); }
TEST_ON(2, faults, deleting_the_reply_stops_a_thread_of_another_hart) { ended(2, other_hart()); }

TEST(faults, an_upcall_does_not_end_a_fault_message)
{
    cptr_t ep = make(CAP_TYPE_ENDPOINT, 0, 0), t = spawn_stopped(0, 200), reply = make(CAP_TYPE_REPLY, 0, 0);

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    OK(start(t, bad_store, HERE));
    OK(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0));
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_SEND);
    OK(sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply).a[0]);
    OK(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0));
    CHECK_EQ(thread_state(t), THREAD_BLOCKED_FAULT);
    OK(invoke(CAP_INIT_VSPACE, VSPACE_RESERVE, HERE, PAGE, RW, 0, 0));
    OK(sys(SYS_REPLY, reply, 0, 0, 0, 0, 0, 0).a[0]);
    CHECK_EQ(sh->word[DONE], 1);
}

/* ---- guests: upcalls, reflection ---- */

extern char fake_guest[], fake_after_fault[], fake_base[], fake_syscall[], fake_upcall[], fake_fault[], fake_spin[];

void fake_finished(uint64_t a0)
{
    sh->word[RESULT] = a0;
    sh->word[DONE] = 1;
    rest();
}

void fake_upcalled(struct upcall_frame *f)
{
    sh->word[UPCALLS]++;
    sh->word[CAUSE] = f->guest.cause;
    sh->word[VALUE] = f->guest.value;
    if (sh->word[PC_AFTER] != 0)
        f->guest.x[0] = sh->word[PC_AFTER];
}

/* A guest thread with its frame; not started. */
static cptr_t guest(unsigned hart, cptr_t *segment)
{
    cptr_t t = spawn_stopped(hart, 128), seg = make(CAP_TYPE_SEGMENT, 0, CAP_INIT_POOL);
    uint64_t at = HERE + 0x4000000;

    OK(invoke(seg, SEGMENT_RESIZE, 1, 0, 0, 0, 0));
    OK(invoke(CAP_INIT_VSPACE, VSPACE_MAP, at, PAGE, RW | VM_SHARED, seg, 0));
    OK(invoke(t, TCB_SET_FRAME, seg, 0, at, 0, 0));
    OK(invoke(t, TCB_SET_PERSONALITY, (uint64_t)fake_base, (uint64_t)fake_syscall, (uint64_t)fake_upcall,
              (uint64_t)fake_fault, 0));
    if (segment)
        *segment = seg;
    return t;
}

static void start_guest(cptr_t t, char *entry, uint64_t a0)
{
    struct tcb_regs r;

    fill_regs(&r, 0, a0);
    r.x[0] = (uint64_t)entry;
    r.x[4] = 0x7777;
    OK(invoke(t, TCB_WRITE_REGS, (uint64_t)&r, 1, 0, 0, 0));
}

static void reflected(unsigned hart)
{
    cptr_t t = guest(hart, NULL);

    sh->word[PC_AFTER] = (uint64_t)fake_after_fault;
    sh->word[RESULT] = 77;
    start_guest(t, fake_guest, 1000);
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK_EQ(sh->word[RESULT], 0);
    CHECK(sh->word[UPCALLS] == 1 && sh->word[CAUSE] == 13 && sh->word[VALUE] == 0);
}

TEST(reflection, calls_preserve_registers_and_a_fault_is_an_upcall) { reflected(0); }
TEST_ON(2, reflection, calls_preserve_registers_on_another_hart) { reflected(other_hart()); }

static void flagged(unsigned hart)
{
    cptr_t t = guest(hart, NULL);

    sh->word[PC_AFTER] = (uint64_t)fake_after_fault;
    start_guest(t, fake_spin, 0);
    pause_for(3 * MS);
    OK(invoke(t, TCB_UPCALL, 0, 0, 0, 0, 0));
    CHECK(EVENTUALLY(sh->word[DONE]));
    CHECK(sh->word[UPCALLS] == 1 && sh->word[CAUSE] == UPCALL_FLAG);
}

TEST(reflection, the_flag_interrupts_a_spinning_guest) { flagged(0); }
TEST_ON(2, reflection, the_flag_interrupts_a_spinning_guest_of_another_hart) { flagged(other_hart()); }

TEST_ON(2, reflection, a_guest_is_told_where_it_runs)
{
    cptr_t t = guest(0, NULL);
    struct upcall_frame *f = (struct upcall_frame *)(HERE + 0x4000000);

    start_guest(t, fake_spin, 0);
    CHECK_EQ(f->hart, 0);
    OK(invoke(t, TCB_SET_HART, other_hart(), 0, 0, 0, 0));
    CHECK_EQ(f->hart, other_hart());
}

TEST(reflection, a_fault_in_the_personality_enters_its_fault_vector_then_stops)
{
    cptr_t t = guest(0, NULL), ep = make(CAP_TYPE_ENDPOINT, 0, 0), reply = make(CAP_TYPE_REPLY, 0, 0);
    struct upcall_frame *f = (struct upcall_frame *)(HERE + 0x4000000);

    OK(invoke(t, TCB_SET_FAULT_EP, ep, 0, 0, 0, 0));
    /* fake_fault is an ebreak: the first fault (no such address) enters it, and
     * its own, with fault_active set, goes to the endpoint. */
    start_guest(t, (char *)0x3000000000, 0);
    struct ret m = sys(SYS_RECV, ep, 0, 0, 0, 0, 0, reply);
    CHECK(m.a[0] == 0 && m.a[2] == 3 && (uint64_t)m.a[4] == (uint64_t)fake_fault);
    CHECK(f->fault_active == 1 && f->fault.cause == 12 && f->fault.value == 0x3000000000);
}

TEST(reflection, resume_without_frame_is_refused)
{
    CHECK_EQ(sys(SYS_RESUME, 0, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CALL);
    CHECK_EQ(sys(SYS_RESUME_FULL, 0, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CALL);
    CHECK_EQ(sys(SYS_RESUME_FAULT, 0, 0, 0, 0, 0, 0, 0).a[0], ERR_INVALID_CALL);
}

TEST(reflection, a_guest_whose_frame_is_revoked_stops)
{
    cptr_t seg, t = guest(other_hart(), &seg);

    start_guest(t, fake_spin, 0);
    OK(revoke(seg));
    CHECK_EQ(thread_state(t), THREAD_STOPPED);
    CHECK_EQ(*(volatile uint64_t *)(HERE + 0x4000000 + offsetof(struct upcall_frame, fault_active)), 0);
}

TEST(reflection, a_pinned_page_is_not_cut_off)
{
    cptr_t seg, t = guest(0, &seg);

    CHECK_EQ(invoke(seg, SEGMENT_RESIZE, 0, 0, 0, 0, 0), ERR_BUSY);
    OK(destroy(t));
    OK(invoke(seg, SEGMENT_RESIZE, 0, 0, 0, 0, 0));
}

TEST(reflection, personality_addresses_must_be_user_addresses)
{
    cptr_t t = spawn_stopped(0, 10);

    CHECK_EQ(invoke(t, TCB_SET_PERSONALITY, USER_TOP, 0, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(t, TCB_SET_PERSONALITY, PAGE, USER_TOP, 0, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(t, TCB_SET_PERSONALITY, PAGE, PAGE, ~0ul, 0, 0), ERR_INVALID_ARGUMENT);
    CHECK_EQ(invoke(t, TCB_SET_PERSONALITY, PAGE, PAGE, PAGE, USER_TOP, 0), ERR_INVALID_ARGUMENT);
    OK(invoke(t, TCB_SET_PERSONALITY, 0, 0, 0, 0, 0));
}
