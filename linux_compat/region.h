/* SPDX-License-Identifier: MIT */
/*
 * The list of mapped ranges of an address space: a sorted array.
 *
 * Pure bookkeeping, without kernel calls and without locks, so that it is tested
 * on the host. The caller holds vm.mm_lock and keeps kernel and list in step.
 * Ranges never overlap; neighbours that are alike are merged. All addresses are
 * multiples of the page size.
 */
#ifndef COMPAT_REGION_H
#define COMPAT_REGION_H

#include <atoll/errors.h>
#include <atoll/types.h>

#define REGIONS_MAX 16384

enum region_kind { REGION_ANON, REGION_ANON_SHARED, REGION_FILE, REGION_FILE_SHARED };
enum region_name { NAME_NONE, NAME_HEAP, NAME_STACK, NAME_PROGRAM, NAME_INTERPRETER };

#define REGION_NO_WRITE     0x1u    /* shared file opened for reading only      */
#define REGION_DONTFORK     0x2u
#define REGION_WIPEONFORK   0x4u

struct region {
    uaddr_t  start, end;
    uint64_t offset;        /* of start in the file; 0 for anonymous            */
    uint8_t  prot;          /* VM_READ...                                       */
    uint8_t  kind;          /* enum region_kind                                 */
    uint8_t  name;          /* enum region_name                                 */
    uint8_t  flags;         /* REGION_*                                         */
    uint32_t file;          /* 0, or a number that differs between mmap calls of
                             * different files, so that those never merge       */
};

struct region_list {
    uint32_t nr;
    uint32_t next_file;
    /* No hole of `hole` bytes or more lies in [search_from, top of the last
     * search): the place where the next top-down search starts. */
    uaddr_t  search_from;
    uint64_t hole;
    struct region r[REGIONS_MAX];
};

void region_init(struct region_list *);
/* Index of the first region that ends above `at` (nr when there is none). */
uint32_t region_find(const struct region_list *, uaddr_t at);
/* The region that holds `at`, or NULL. */
const struct region *region_at(const struct region_list *, uaddr_t at);
bool region_is_free(const struct region_list *, uaddr_t start, uaddr_t end);
bool region_is_covered(const struct region_list *, uaddr_t start, uaddr_t end);
/* Highest free place of `bytes` in [low, high), or 0. */
uaddr_t region_search(struct region_list *, uaddr_t low, uaddr_t high, uint64_t bytes);
/* Would insert, remove or change have room whatever they split? */
bool region_has_room(const struct region_list *);
/* Preconditions of those below: region_has_room. The range of insert is free. */
void region_insert(struct region_list *, const struct region *);
/* Returns the bytes that were mapped. */
uint64_t region_remove(struct region_list *, uaddr_t start, uaddr_t end);
/* The range is covered. */
void region_protect(struct region_list *, uaddr_t start, uaddr_t end, uint8_t prot);
void region_set_flags(struct region_list *, uaddr_t start, uaddr_t end, uint8_t set, uint8_t clear);
uint64_t region_total(const struct region_list *);

#endif
