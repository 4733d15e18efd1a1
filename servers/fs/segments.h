/* SPDX-License-Identifier: MIT */
/*
 * Segments: the memory of file contents.
 *
 * A file with data owns one kernel Segment. The objects are made from fs's
 * Untyped, in batches, into second-level CNodes made on demand, and never
 * deleted: when a file dies, its Segment is resized to nothing and kept for
 * the next. If somebody still maps it, it waits on the orphan list, which is
 * looked at when a process ends and when there is no free object.
 *
 * nr_pages is the Segment's size as the kernel knows it; contents within it
 * are absent (zero) until written.
 */
#ifndef FS_SEGMENTS_H
#define FS_SEGMENTS_H

#include <atoll/errors.h>
#include <atoll/objects.h>

struct segment {
    cptr_t cap;                     /* all rights                               */
    uint64_t nr_pages;
    struct segment *next;           /* free or orphan list                      */
    bool mapped;                    /* was mapped into a client since its reuse */
    bool has_read_only;             /* the slot after `cap` holds a copy without RIGHT_WRITE */
};

void segments_init(void);
/* Size 0. ERR_NO_SPACE. */
error_t seg_new(struct segment **);
/* The owner is done with it; mappings keep their content. */
void seg_free(struct segment *);
error_t seg_resize(struct segment *, uint64_t nr_pages);
error_t seg_zero(struct segment *, uint64_t at, uint64_t bytes);
/* Between the Segment and fs's own memory. ERR_NO_SPACE on exhaustion, ERR_FAULT. */
error_t seg_read(struct segment *, uint64_t at, void *to, uint64_t bytes);
error_t seg_write(struct segment *, uint64_t at, const void *from, uint64_t bytes);
/* Between the Segment and a client's memory; *done tells how far it came, also on error. */
error_t seg_read_client(struct segment *, uint64_t at, uint32_t client, uint64_t address, uint64_t bytes, uint64_t *done);
error_t seg_write_client(struct segment *, uint64_t at, uint32_t client, uint64_t address, uint64_t bytes, uint64_t *done);
error_t seg_info(struct segment *, struct segment_info *);
/* may_write false: a shared mapping that can never be made writable, even by the client's own
 * VSPACE_PROTECT: it is made through a capability without the right. */
error_t seg_map(struct segment *, uint32_t client, uint64_t address, uint64_t bytes, uint32_t prot,
                    uint64_t first_page, bool may_write);
/* Give back what nobody maps any more. Cheap when there is nothing. */
void segments_reap(void);
/* Pages of the system's pool. */
void segments_memory(uint64_t *total_pages, uint64_t *free_pages);
/* What the Pool's account `account` pays for, in pages (references to shared frames included). */
uint64_t segments_charged(uint32_t account);
/* What files hold is not the system's: it may not take the pool's reserve. The accounts
 * between the system's and FIRST_PROCESS_SLOT belong to no process. */
#define SYSTEM_ACCOUNT 0u
#define FILES_ACCOUNT  SERVER_FS
/* Free pages without those that are kept for the system. */
uint64_t segments_available(void);

#endif
