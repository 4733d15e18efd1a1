/* SPDX-License-Identifier: MIT */
/*
 * Where memory begins and ends to be an object or a page, and where a hart has just
 * found an object that no lock keeps. In the kernel nothing happens here; the fuzzer
 * (docs/fuzzing.md) compiles against its own version, which tells the address
 * sanitizer and lets other harts go on.
 */
#ifndef ATOLL_KERNEL_POISON_H
#define ATOLL_KERNEL_POISON_H

#include <stddef.h>
#include <stdint.h>

/* These bytes become an object, or the page that a Pool hands out. */
static inline void memory_in_use(const void *start, size_t bytes)
{
    (void)start, (void)bytes;
}

/* Whole pages are a Pool's and free; only the first word of each is used. */
static inline void pages_unused(const void *start, size_t pages)
{
    (void)start, (void)pages;
}

/* The object of this capability word is gone; harts that are in the kernel now
 * may look at it until they leave. */
static inline void object_unused(uint64_t word0)
{
    (void)word0;
}

/* A capability has been read without a lock; what it names is used next. */
static inline void object_found(void) { }

#endif
