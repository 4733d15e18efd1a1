/* SPDX-License-Identifier: MIT */
/*
 * Kernel invocations collected and run in one kernel entry (SYS_BATCH).
 * proc is single-threaded, so one batch (the_batch) serves all of it: start with
 * batch_begin, and run it before calling anything that may begin another.
 */
#ifndef PROC_BATCH_H
#define PROC_BATCH_H

#include <libipc/syscall.h>

#define BATCH_MAX 64

struct batch {
    struct invocation entry[BATCH_MAX];
    uint32_t count;
    bool overflow;
};
extern struct batch the_batch;

struct batch *batch_begin(void);
void batch_add(struct batch *b, cptr_t cap, uint32_t op, uint64_t a, uint64_t bb, uint64_t c, uint64_t d, uint64_t e);
/* Run up to the first error, which is returned; *done (may be NULL) is the
 * number of entries that succeeded. */
error_t batch_run(struct batch *, unsigned *done);
/* Run all; entries that fail are passed over: for taking things apart. */
void batch_run_all(struct batch *);

#endif
