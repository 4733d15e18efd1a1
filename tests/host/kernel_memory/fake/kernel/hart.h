/* SPDX-License-Identifier: MIT */
/* Harts of the host tests: the test says which one it plays. */
#ifndef ATOLL_KERNEL_HART_H
#define ATOLL_KERNEL_HART_H

#include <atoll/objects.h>

struct tcb;
struct hart { hartid_t id; uint32_t mhartid; struct tcb *current; };

extern struct hart harts[MAX_HARTS];
extern unsigned fake_hart;
static inline struct hart *this_hart(void) { return &harts[fake_hart]; }

#endif
