/* SPDX-License-Identifier: MIT */
/* Batches of invocations; see batch.h. */
#include "batch.h"

struct batch the_batch;

struct batch *batch_begin(void)
{
    the_batch.count = 0;
    the_batch.overflow = false;
    return &the_batch;
}

void batch_add(struct batch *b, cptr_t cap, uint32_t op, uint64_t a, uint64_t bb, uint64_t c, uint64_t d, uint64_t e)
{
    struct invocation *i;

    if (b->count == BATCH_MAX) {
        b->overflow = true;
        return;
    }
    i = &b->entry[b->count++];
    i->cap = cap;
    i->op = op;
    i->error = 0;
    i->arg[0] = a;
    i->arg[1] = bb;
    i->arg[2] = c;
    i->arg[3] = d;
    i->arg[4] = e;
    i->result = 0;
}

error_t batch_run(struct batch *b, unsigned *done)
{
    uint64_t count = 0;
    error_t error = 0;

    if (b->overflow)
        error = ERR_OVERFLOW;
    else if (b->count)
        error = sys_batch(b->entry, b->count, &count);
    if (done)
        *done = (unsigned)count;
    return error;
}

void batch_run_all(struct batch *b)
{
    uint32_t at = 0;

    while (at < b->count) {
        uint64_t count = 0;

        if (sys_batch(b->entry + at, b->count - at, &count) == 0)
            return;
        if (count > b->count - at)
            return;
        at += (uint32_t)count + 1;
    }
}
