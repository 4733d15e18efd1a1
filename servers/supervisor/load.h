/* SPDX-License-Identifier: MIT */
/* Loading programs out of the boot archive. */
#ifndef SUPERVISOR_LOAD_H
#define SUPERVISOR_LOAD_H

#include <atoll/errors.h>
#include <atoll/types.h>
#include <stddef.h>

/* Fill a Segment from the root task's own memory. */
void load_fill(cptr_t segment, uint64_t at, const void *from, size_t bytes);

/* The Segments of a program, one for each PT_LOAD with contents. Zero at first. */
#define MAX_PROGRAM_SEGMENTS 16
struct program { cptr_t segment[MAX_PROGRAM_SEGMENTS]; };

/*
 * Check a static riscv64 ELF executable and build its memory in `vspace`: the
 * program's Segments, made out of `pool` the first time and filled anew each
 * time, demand-zero memory behind file contents. Returns 0 and the entry, or
 * ERR_NOT_EXECUTABLE.
 */
error_t load_elf(cptr_t vspace, cptr_t pool, const uint8_t *file, size_t bytes, struct program *, uaddr_t *entry);

/* The personality: an ELF file whose segments are laid out in one Segment at
 * (address - PERS_BASE), or a flat image that is taken as it is. */
cptr_t load_personality(cptr_t pool, const uint8_t *file, size_t bytes, uint64_t *image_bytes);

#endif
