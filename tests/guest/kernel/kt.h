/* SPDX-License-Identifier: MIT */
/*
 * The frame of the kernel's tests: a root task of its own on the bare kernel.
 *
 * A *case* is a function TEST(group, name) { ... }, or one made at run time by
 * run_case() for a row of a matrix; it is one line of TAP, `group/name`. Inside,
 * CHECK and friends look at single facts: the first that fails is told as a comment
 * and the case fails. A case that needs more harts than there are is skipped.
 *
 * Each case begins with an empty world: objects come out of an Untyped of its own
 * (make), slots out of a fresh range (slots). At its end the Untyped is revoked, with
 * whatever threads still run in it, the slots are emptied, and all of the memory must
 * be there again: so each case is also one of deletion.
 *
 * Threads run in this address space, or in a copy-on-write copy of it (space_clone),
 * where only `sh`, a page of a shared Segment, is common. No check waits for a moment:
 * EVENTUALLY gives a condition as long as it needs, and five seconds at most.
 */
#ifndef KERNEL_TEST_KT_H
#define KERNEL_TEST_KT_H

#include "sys.h"

#define PAGE 4096ul
#define RW   (VM_READ | VM_WRITE)
#define MS   10000ul            /* ticks in a millisecond on this machine         */

/* ---- cases ---- */

struct test_case {
    const char *group, *name;
    void (*run)(void);
    unsigned harts;
};

#define TEST_ON(min_harts, grp, name_)                                                       \
    static void test_##grp##_##name_(void);                                                  \
    static const struct test_case case_##grp##_##name_ = {                                   \
        #grp, #name_, test_##grp##_##name_, min_harts };                                     \
    static const struct test_case *listed_##grp##_##name_                                    \
        __attribute__((section(".init_array"), used)) = &case_##grp##_##name_;               \
    static void test_##grp##_##name_(void)
#define TEST(grp, name_) TEST_ON(1, grp, name_)

/* Makes several cases at run time, with run_case. */
#define TEST_MATRIX(grp, name_) TEST_ON(0, grp, name_)
void run_case(const char *group, const char *name, unsigned harts, void (*run)(void));

/* Facts. Failures are told with file, line and value. */
bool kt_check(bool ok, const char *what, long value, const char *file, int line);
#define CHECK(cond)         kt_check((cond), #cond, 0, __FILE__, __LINE__)
#define CHECK_EQ(got, want) ({ long got_ = (long)(got); \
        kt_check(got_ == (long)(want), #got " == " #want, got_, __FILE__, __LINE__); })
#define OK(call)            CHECK_EQ(call, 0)
/* Ends the case when it does not hold. */
#define REQUIRE(cond)       do { if (!CHECK(cond)) return; } while (0)
/* Older spelling: one fact with a name of its own. */
#define check(ok, name, value) kt_check(ok, name, value, __FILE__, __LINE__)
#define expect(err, want, name) ({ long err_ = (err); kt_check(err_ == (want), name, err_, __FILE__, __LINE__); })

#define EVENTUALLY(cond)                                                                     \
    ({                                                                                       \
        ticks_t end_ = now() + 5000 * MS;                                                    \
        bool ok_;                                                                            \
        while (!(ok_ = (cond)) && now() < end_)                                              \
            pause_for(MS / 2);                                                               \
        ok_;                                                                                 \
    })

void print(const char *s);
/* Copies s to `at`; where it ends there. */
char *append(char *at, const char *s);
void print_number(long v);
_Noreturn void finish(void);
/* A word of the kernel's command line; the number after `word=`, or otherwise. */
bool option(const char *word);
uint64_t option_number(const char *word, uint64_t otherwise);

/* ---- the world of a case ---- */

unsigned hart_count(void);
static inline unsigned other_hart(void) { return hart_count() - 1; }    /* hart 0 runs the case */
cptr_t slots(unsigned n);
/* The case's Untyped, 32 MiB. */
cptr_t main_untyped(void);
cptr_t make(enum cap_type type, uint64_t size, uint64_t extra);
error_t retype(cptr_t ut, enum cap_type type, uint64_t size, cptr_t at, uint64_t count, uint64_t extra);
cptr_t note(void);
cptr_t mint(cptr_t source, badge_t badge);
cptr_t copy_cap(cptr_t source, unsigned rights);
error_t destroy(cptr_t c);
error_t revoke(cptr_t c);
/* type | rights << 8 | badge << 16, 0: empty. */
uint64_t inspect(cptr_t slot);
/* Wait for nothing, without running. */
void pause_for(ticks_t ticks);
error_t wait_for(cptr_t n, ticks_t ms);
uint64_t random_below(uint64_t n);
void random_seed(uint64_t seed);

/* The page that all address spaces of a case share. */
#define SHARED_AT 0x2e000000ul
#define sh ((struct shared *)SHARED_AT)
struct shared { volatile uint64_t word[512]; };

/* Addresses of the root's own VSpace that are free at the start of each case. */
#define HERE  0x20000000ul
#define HERE_BYTES 0x08000000ul

cptr_t pool_of_case(void);      /* 4 MiB, made when first asked for              */
cptr_t new_vspace(unsigned account);
cptr_t new_segment(uint64_t pages);
/* A copy-on-write copy of this address space. */
cptr_t space_clone(void);
uint64_t peek(cptr_t vspace, uint64_t va);      /* ~0: not accessible            */
error_t poke(cptr_t vspace, uint64_t va, uint64_t value);

/* ---- threads ---- */

void fill_regs(struct tcb_regs *r, void (*f)(uint64_t), uint64_t arg);
cptr_t spawn_stopped(unsigned hart, unsigned priority);
cptr_t spawn_in(cptr_t vspace, unsigned hart, unsigned priority);       /* stopped */
error_t start(cptr_t t, void (*f)(uint64_t), uint64_t arg);
cptr_t spawn(unsigned hart, unsigned priority, void (*f)(uint64_t), uint64_t arg);
/* The SchedContext of the thread made last. */
cptr_t last_context(void);
unsigned thread_state(cptr_t t);
struct tcb_info thread_info(cptr_t t);
error_t resume(cptr_t t);
error_t suspend(cptr_t t);
/* For threads that have nothing more to do. */
_Noreturn void rest(void);
/* An IPC buffer at a free address; its Segment is mapped here and in later clones. */
struct ipc_buffer *give_buffer(cptr_t t);
struct kernel_counters counters(unsigned hart);

/* ---- parts that are no cases ---- */

enum { CROSS_PAUSE, CROSS_CALL, CROSS_SIGNAL };
void bench(void);
void bench_cross(unsigned kind);
void bench_pairs(void);
void memory_bench(void);
void stretches(void);
void stretch_begin(void);       /* tracing on                                    */
void stretch_end(const char *what);
void stretch_of_wake_ups(void);
/* setting: of the timer, stress.c; one that there is not: all in turn */
void long_stress(uint64_t seconds, uint64_t seed, uint64_t setting);

#endif
