/* SPDX-License-Identifier: MIT */
/* A growing text, for procfs. Out of memory: it stays as it is and `failed` is set. */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text { char *data; size_t len, room; bool failed; };

void text_add(struct text *, const char *bytes, size_t len);
void text_printf(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With space, tab, newline and backslash as octal escapes (mounts). */
void text_escaped(struct text *, const char *s);
void text_free(struct text *);

#endif
