/* SPDX-License-Identifier: MIT */
/*
 * Trace rings: what happened on each hart, written by the kernel without locks,
 * read through a read-only mapping (CAP_INIT_TRACE: the rings of all harts, one
 * after the other). They exist only when the kernel's command line has the word
 * "trace"; events are written between PLATFORM_TRACE 1 and 0.
 *
 * A reader keeps its own count and copies events from it up to `head`; when it
 * finds afterwards that head - count > TRACE_EVENTS, what it has copied may be
 * overwritten, and the difference is lost.
 *
 * TRACE_TEXT is followed by ceil(a / 32) raw entries that hold its bytes.
 */
#ifndef ATOLL_ABI_TRACE_H
#define ATOLL_ABI_TRACE_H

#include <atoll/types.h>

enum trace_kind {
    TRACE_LOST = 1,     /* a = events (made by readers)                         */
    TRACE_NAME,         /* a, b = 16 bytes: name of thread                      */
    TRACE_REFLECT,      /* a = Linux system call, b = thread id of the frame    */
    TRACE_RESUME,       /* a = its result (a0), b = thread id of the frame      */
    TRACE_CALL,         /* a = SYS_* | operation << 32 for invocations, b = a0  */
    TRACE_FAULT,        /* a = address, b = VM_* access | fault_result << 8     */
    TRACE_TRAP,         /* a = cause, b = value: goes to personality or endpoint */
    TRACE_WAKE,         /* a = thread that became ready, b = its priority       */
    TRACE_SWITCH,       /* a = thread that runs from now on, 0: none            */
    TRACE_IRQ,          /* a = source                                           */
    TRACE_TEXT,         /* SYS_TRACE; a = bytes                                 */
    TRACE_IPI,          /* a = hart that is sent an interrupt                   */
};

struct trace_event {
    ticks_t  time;
    uint16_t kind;
    uint16_t hart;
    uint32_t thread;    /* number of the thread that ran, 0: idle               */
    uint64_t a, b;
};
_Static_assert(sizeof(struct trace_event) == 32, "one event");

#define TRACE_RING_BYTES (512ul << 10)
#define TRACE_EVENTS     ((TRACE_RING_BYTES - CACHE_LINE) / sizeof(struct trace_event))
#define TRACE_TEXT_MAX   512u

struct trace_ring {
    uint64_t head;      /* events ever written; stored last                     */
    uint64_t pad[7];
    struct trace_event event[TRACE_EVENTS];
};
_Static_assert(sizeof(struct trace_ring) == TRACE_RING_BYTES, "whole pages");

#endif
