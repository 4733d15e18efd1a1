/* SPDX-License-Identifier: MIT */
/* Which hart each server runs on, and which harts are the guests'. */
#ifndef SUPERVISOR_PLACEMENT_H
#define SUPERVISOR_PLACEMENT_H

#include <libipc/system.h>

struct placement {
    uint32_t server_hart[NR_SERVERS];   /* by id; NOWHERE: there is no such server, or no such shard of it */
    uint32_t guest_mask;
};
#define NOWHERE UINT32_MAX

/* The defaults for a number of harts: servers on the last one, one shard of each. */
void placement_default(struct placement *, unsigned nr_harts);
/* Apply a placement text: lines (or words) `server=hart`, `server=2,3` (a shard on each), `guests=0-1,3`, `#`
 * starts a comment. Sections `[harts N]` apply only to N harts. Items that name
 * unknown servers or absent harts are left out and counted; the number is
 * returned. */
unsigned placement_parse(struct placement *, const char *text, size_t bytes, unsigned nr_harts);
/* Apply `place=fs=1,net=1,guests=0-1` of a kernel command line. A guest range
 * contains no comma there: `guests=0-1` or `guests=0+2`. */
unsigned placement_command_line(struct placement *, const char *command_line, unsigned nr_harts);

#endif
