/* SPDX-License-Identifier: MIT */
/*
 * Counts what a Pool's pages are used for, by walking page tables, records and
 * Segments, and compares with what the Pool believes. For tests (this folder) and
 * the fuzzer (tests/fuzz/kernel). Nothing runs meanwhile, and nothing is changed. A
 * difference is printed and ends the program.
 */
#ifndef KERNEL_MEMORY_CENSUS_H
#define KERNEL_MEMORY_CENSUS_H

#include "object/pool.h"
#include "object/segment.h"
#include "object/vspace.h"

#define CENSUS_PAGES 9216u      /* most that a Pool may span                   */

/* One Pool at a time: begin, each VSpace and Segment that is bound to it, end. */
void census_begin(struct pool *pool);
void census_space(struct vspace *vs);
void census_segment(struct segment *seg);
/* Counts, accounts, users and free pages are what was found. */
void census_end(void);

/* After census_end: is this page of the Pool free? */
bool census_is_free(uint32_t page);

#endif
