/* SPDX-License-Identifier: MIT */
/* Heap, numbers, the end. The heap is single-threaded, as servers are. */
#ifndef LIB_STDLIB_H
#define LIB_STDLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Give malloc its memory: one range, zero at first, touched from below. */
void  heap_init(void *base, size_t bytes);
/* Asked before the heap grows over a range: is there memory for it? What is granted
 * never faults for want of memory later. A weak default says yes. */
bool  heap_commit(void *from, size_t bytes);
/* NULL when there is no room. Blocks are 16-aligned. */
void *malloc(size_t bytes) __attribute__((__malloc__));
void *calloc(size_t nr, size_t bytes) __attribute__((__malloc__));
void *realloc(void *p, size_t bytes);
void *aligned_alloc(size_t alignment, size_t bytes);
void  free(void *p);
/* Walks the whole heap and panics if something is wrong. */
void  heap_check(void);
struct heap_stats { size_t used_bytes, free_bytes, grown_bytes; uint64_t nr_blocks; };
void  heap_get_stats(struct heap_stats *);

/* As in C; no errno: out of range saturates. */
unsigned long strtoul(const char *text, char **end, int base);
long  strtol(const char *text, char **end, int base);
void  qsort(void *base, size_t nr, size_t bytes, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t nr, size_t bytes, int (*compare)(const void *, const void *));

/* Print and stop; the fault that ends it reaches the supervisor. */
void panic(const char *format, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));
void abort(void) __attribute__((noreturn));

#endif
