/* SPDX-License-Identifier: MIT */
/*
 * Text of ring entries, by generated decoders (NAME_trace.c). `bytes` bounds
 * the text; the return value is snprintf's. The text of a request has no
 * closing parenthesis, so that a caller can append to it. `arena` is the
 * server's private copy of the entry's arena_bytes, or NULL: then strings are
 * shown by their length only.
 */
#ifndef LIBIPC_TRACE_H
#define LIBIPC_TRACE_H

#include <libipc/ring.h>

struct trace_interface {
    const char *name;
    int (*show_request)(char *text, size_t bytes, const struct sq_entry *, const uint8_t *arena);
    int (*show_answer)(char *text, size_t bytes, uint16_t method, const struct cq_entry *);
};

/* Room for the text of a string: the first 40 characters, quotes, dots, NUL. */
#define TRACE_STRING_BYTES 48
/* A string whose descriptor is at `where` in the words: "text", with ? for what does not print, if it lies in the arena
 * copy; else [n bytes]. Returns `text`. */
const char *trace_string(const struct sq_entry *, const uint8_t *arena, const void *where, char text[TRACE_STRING_BYTES]);

#endif
