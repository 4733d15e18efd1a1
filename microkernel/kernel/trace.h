/* SPDX-License-Identifier: MIT */
/*
 * Tracing (atoll/trace.h). While it is on every trap takes the slow path: harts
 * use the entry trap_entry_traced, and reflection happens in trace_call. So the
 * fast paths know nothing of it, and the others pay one branch.
 */
#ifndef ATOLL_KERNEL_TRACE_H
#define ATOLL_KERNEL_TRACE_H

#include <atoll/errors.h>
#include <atoll/trace.h>

#include "kernel/hart.h"

struct tcb;

extern bool trace_on;

/* Boot: rings for nr_harts at this address. */
void trace_init(struct trace_ring *memory);
/* ERR_INVALID_CALL: no rings. */
error_t trace_switch(bool on);
/* This hart takes the vector that goes with trace_on. */
void trace_set_vector(void);

void trace_event(enum trace_kind kind, uint64_t a, uint64_t b);
void trace_text(const char *text, uint64_t bytes);      /* <= TRACE_TEXT_MAX    */
void trace_name(const struct tcb *t);
uint32_t trace_thread(const struct tcb *t) __attribute__((pure));

/*
 * While tracing, the instructions between two points at which this hart takes
 * interrupts, or would if one were there, are counted, and the longest such stretch
 * kept (counters.longest_stretch). At such a point: does a stretch end here too, or
 * only begin?
 */
void trace_stretch_point(bool ends);
static inline void trace_stretch(bool ends)
{
    if (__builtin_expect(trace_on, 0))
        trace_stretch_point(ends);
}

/* A system call of the current thread while tracing: reflected or carried out. */
void trace_call(struct hart *h, struct tcb *t);

static inline void trace(enum trace_kind kind, uint64_t a, uint64_t b)
{
    if (__builtin_expect(trace_on, 0))
        trace_event(kind, a, b);
}

#endif
