/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine that the kernel's generic code runs on; docs/fuzzing.md.
 *
 * Each hart is a coroutine. It goes on only when machine_run() says so, and stops in
 * user mode, while idle, or inside the kernel at a point (kernel/lock.h,
 * arch/riscv/csr.h of the shim) that the input names. So any interleaving is a
 * function of the input.
 */
#ifndef FUZZ_KERNEL_MACHINE_H
#define FUZZ_KERNEL_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/hart.h"

#define SIM_HARTS    3u
#define ARENA_BYTES  (1ul << 20)
#define DEVICE_BASE  0x10000000ul   /* addresses that nothing answers at       */
#define DEVICE_BITS  23u
#define IRQ_SOURCES  4u

/* The arena is all RAM that the kernel's objects get. */
extern char arena[ARENA_BYTES];

enum place {
    PLACE_USER,         /* in user mode                                        */
    PLACE_IDLE,         /* in the kernel's idle loop, no references held       */
    PLACE_ASLEEP,       /* the same, in wfi                                    */
    PLACE_KERNEL,       /* stopped at a point in the kernel                    */
    PLACE_LOCK,         /* waits for a lock                                    */
    PLACE_TRY,          /* has just failed to get a lock                       */
};

/* Harts exist and are idle; hart 0 begins with `first`. */
void machine_start(unsigned harts, struct tcb *first);
/* The machine has been switched off. */
bool machine_off(void);

/*
 * Let a hart go on until it is in user mode, idle, or has passed `park_after`
 * points of the kernel (negative: however many). In user mode it first takes a
 * pending interrupt, or else does work(h). From the main context only.
 */
void machine_run(unsigned hart, int park_after, void (*work)(struct hart *h));
enum place machine_place(unsigned hart);
bool machine_interrupted(unsigned hart);    /* something is pending            */
uint64_t machine_root(unsigned hart);       /* the tables it walks             */
/* No hart is inside the kernel. */
bool machine_quiet(void);
/* From a hart: it is the only one inside, and passes all points. */
bool machine_alone(void);
/* Time stands, points are none, and to stop in the kernel is a failure. */
void machine_freeze(bool freeze);
/* This hart leaves the kernel: it holds neither locks nor references. */
void machine_outside(void);
bool machine_traced(void);                  /* its vector is the traced one    */
uint64_t *machine_timer(unsigned hart);     /* when its timer goes off         */
void machine_advance(uint64_t ticks);
uint64_t machine_now(void);
void machine_raise(uint32_t source);

/* ---- from work(): what the program on a hart does; entries.c ---- */

/* Calls are done by fast and general path, from here on. */
void entries_compare(bool compare);
/* ecall of h->current with the registers in its TCB. */
void machine_ecall(struct hart *h);
void machine_trap(struct hart *h, uint64_t cause, uint64_t value);
/* Store or load by the program, through the translation buffer; faults are taken.
 * False: it cannot, or another thread runs on the hart now. */
bool machine_store(struct hart *h, uint64_t va, const void *data, size_t n);
bool machine_load(struct hart *h, uint64_t va, void *data, size_t n);
bool machine_fetch(struct hart *h, uint64_t va);
/* An FP instruction. */
void machine_fp(struct hart *h);

/* ---- for the checks ---- */

/* Every byte may be touched. */
bool memory_is_live(const void *start, size_t bytes);
/* No byte may, first words of pages apart. */
bool page_is_poisoned(const void *page);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define REQUIRE(x) do { if (__builtin_expect(!(x), 0)) \
    fail("%s:%d: not so: %s", __FILE__, __LINE__, #x); } while (0)

#endif
