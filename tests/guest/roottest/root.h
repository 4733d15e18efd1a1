/* SPDX-License-Identifier: MIT */
/* What the parts of the kernel's test root task share. */
#ifndef ROOTTEST_ROOT_H
#define ROOTTEST_ROOT_H

#include "sys.h"

void print(const char *s);
void print_number(long v);
void check(bool ok, const char *name, long value);
void expect(error_t err, error_t want, const char *name);
_Noreturn void finish(void);
cptr_t slots(unsigned n);
cptr_t make(enum cap_type type, uint64_t size, uint64_t extra);
cptr_t main_untyped(void);
unsigned hart_count(void);
void fill_regs(struct tcb_regs *r, void (*f)(uint64_t), uint64_t arg);
cptr_t spawn_stopped(unsigned hart, unsigned priority);
/* In a clone of the own VSpace the thread sees a copy of all data. */
cptr_t spawn_in(cptr_t vspace, unsigned hart, unsigned priority, void (*f)(uint64_t), uint64_t arg);
cptr_t spawn(unsigned hart, unsigned priority, void (*f)(uint64_t), uint64_t arg);
unsigned thread_state(cptr_t t);
void tests(void);
void stress(void);
void bench(void);
enum { CROSS_PAUSE, CROSS_CALL, CROSS_SIGNAL };
void bench_cross(unsigned kind);
void memory_tests(void);
void memory_bench(void);

#endif
