/* SPDX-License-Identifier: MIT */
/* See state.h. The variables here are none of the machine's. */
#pragma clang section bss="" data=""

#include "state.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "kernel/hart.h"
#include "machine.h"

#define MAX_IGNORED 64u

extern char __start_machine_bss[], __stop_machine_bss[];
extern char __start_machine_data[], __stop_machine_data[];

static struct { char *start, *stop; } regions[3];
static char *copies[NR_COPIES];
static struct { uintptr_t at; size_t bytes; } ignored[MAX_IGNORED];
static unsigned nr_ignored;

/* The sections hold the sanitizer's gaps, and memory that is free is poisoned. */
__attribute__((no_sanitize("address"), no_builtin("memcpy", "memmove"))) static void
copy_words(uint64_t *restrict to, const uint64_t *restrict from, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++)
        to[i] = from[i];
}

static void begin(void)
{
    size_t bytes = 0;

    regions[0].start = __start_machine_bss;
    regions[0].stop = __stop_machine_bss;
    regions[1].start = __start_machine_data;
    regions[1].stop = __stop_machine_data;
    regions[2].start = arena;
    regions[2].stop = arena + ARENA_BYTES;
    for (unsigned r = 0; r < 3; r++)
        bytes += (size_t)(regions[r].stop - regions[r].start);
    for (unsigned i = 0; i < NR_COPIES; i++)
        copies[i] = malloc(bytes);
}

void state_save(enum copy which)
{
    if (copies[0] == NULL)
        begin();
    char *to = copies[which];
    for (unsigned r = 0; r < 3; to += regions[r].stop - regions[r].start, r++)
        copy_words((uint64_t *)to, (uint64_t *)regions[r].start, (size_t)(regions[r].stop - regions[r].start));
}

void state_restore(enum copy which)
{
    const char *from = copies[which];

    for (unsigned r = 0; r < 3; from += regions[r].stop - regions[r].start, r++)
        copy_words((uint64_t *)regions[r].start, (const uint64_t *)from,
                   (size_t)(regions[r].stop - regions[r].start));
}

void *state_in(enum copy which, const void *at)
{
    char *copy = copies[which];
    const char *p = at;

    for (unsigned r = 0; r < 3; copy += regions[r].stop - regions[r].start, r++)
        if (p >= regions[r].start && p < regions[r].stop)
            return copy + (p - regions[r].start);
    fail("%p is no part of the machine", at);
}

void state_ignore_nothing(void) { nr_ignored = 0; }

void state_ignore(const void *at, size_t bytes)
{
    REQUIRE(nr_ignored < MAX_IGNORED);
    ignored[nr_ignored].at = (uintptr_t)at;
    ignored[nr_ignored++].bytes = bytes;
}

static bool is_ignored(uintptr_t at)
{
    for (unsigned i = 0; i < nr_ignored; i++)
        if (at - ignored[i].at < ignored[i].bytes)
            return true;
    return false;
}

static const char *where(uintptr_t at, uintptr_t *offset)
{
    for (unsigned i = 0; i < nr_harts; i++)
        if (at - (uintptr_t)&harts[i] < sizeof(harts[i])) {
            *offset = at - (uintptr_t)&harts[i];
            return "struct hart";
        }
    *offset = at - (uintptr_t)arena;
    if (*offset < ARENA_BYTES)
        return "the arena";
    *offset = at;
    return "address";
}

__attribute__((no_sanitize("address"))) void state_compare(enum copy which, const char *what, unsigned long nr)
{
    const uint64_t *copy = (const uint64_t *)copies[which];
    uintptr_t offset;

    for (unsigned r = 0; r < 3; r++)
        for (const uint64_t *p = (const uint64_t *)regions[r].start; p < (const uint64_t *)regions[r].stop;
             p++, copy++) {
            if (*p == *copy)
                continue;
            for (unsigned i = 0; i < 8; i++) {
                uintptr_t at = (uintptr_t)p + i;
                if ((*p >> (8 * i) & 255) == (*copy >> (8 * i) & 255) || is_ignored(at))
                    continue;
                const char *name = where(at, &offset);
                fail("call %lu, %s: %s + 0x%lx: now %lx, in the copy %lx", nr, what, name, offset, *p, *copy);
            }
        }
}
