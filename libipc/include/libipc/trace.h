/* SPDX-License-Identifier: MIT */
/*
 * Text of ring entries, by generated decoders (NAME_trace.c). `bytes` bounds
 * the text; the return value is snprintf's. The text of a request has no
 * closing parenthesis, so that a caller can append to it.
 */
#ifndef LIBIPC_TRACE_H
#define LIBIPC_TRACE_H

#include <libipc/ring.h>

struct trace_interface {
    const char *name;
    int (*show_request)(char *text, size_t bytes, const struct sq_entry *);
    int (*show_answer)(char *text, size_t bytes, uint16_t method, const struct cq_entry *);
};

#endif
