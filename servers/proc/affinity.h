/* SPDX-License-Identifier: MIT */
/* On which hart a thread runs. */
#ifndef PROC_AFFINITY_H
#define PROC_AFFINITY_H

#include "process.h"

/* Threads assigned to a hart. */
void hart_count(unsigned hart, int change);
/* A hart of `mask` for a new thread, `near` if it is as good as any. */
unsigned hart_choose(uint64_t mask, unsigned near);

#endif
