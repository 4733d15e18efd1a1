/* SPDX-License-Identifier: MIT */
/*
 * The assembly: what each component is given. The data is generated from
 * servers/system.toml (build/gen/assembly.c); the supervisor adds nothing.
 */
#ifndef SUPERVISOR_ASSEMBLY_H
#define SUPERVISOR_ASSEMBLY_H

#include <assembly_size.h>
#include <libipc/system.h>

/* Segments that several components share; made once at boot. */
enum segment_origin {
    FROM_POOL,                  /* made, `pages` large                          */
    FROM_KERNEL,                /* the hart page                                */
    FROM_LINUX_COMPAT,          /* made and filled with the personality         */
    FROM_BOOT,                  /* the boot archive                             */
    FROM_TRACE                  /* trace rings, only with BOOT_TRACE            */
};
struct shared_segment {
    const char *name;
    uint64_t    pages;          /* 0: found out at boot                         */
    enum segment_origin origin;
    uint8_t     owner;          /* index + 1 of the component with which it is made; 0: always */
};
extern const struct shared_segment shared_segments[NR_SHARED];

#define MAX_COMPATIBLE 4
struct device_kind {
    const char *name;
    const char *compatible[MAX_COMPATIBLE];    /* of the device tree; NULL ends  */
    uint64_t    ram_bytes;      /* not 0: no device, contiguous memory          */
    uint32_t    behind;         /* bit virtio device ID; 0: any                 */
};
extern const struct device_kind device_kinds[NR_DEVICE_KINDS];

/* A shared Segment mapped into a component. */
struct grant_map {
    uint8_t  segment;           /* index of shared_segments                     */
    uint8_t  prot;              /* VM_*                                         */
    uint16_t pages;             /* 0: all                                       */
    uint32_t first_page;
    uint64_t address;
};

/* A capability in a component's CSpace, or in the CNodes of its clients. */
enum grant_place { IN_CSPACE, IN_CLIENT_VSPACES, IN_CLIENT_DOORBELLS };
enum grant_object {
    /* of component `which` */
    OBJECT_CNODE, OBJECT_TCB, OBJECT_VSPACE, OBJECT_NOTIFICATION, OBJECT_UNTYPED, OBJECT_CLIENT_VSPACES,
    OBJECT_CLIENT_DOORBELLS,
    OBJECT_SEGMENT,             /* shared_segments[which]                       */
    OBJECT_POOL, OBJECT_PLATFORM, OBJECT_SUPERVISOR
};
struct grant_cap {
    uint8_t  place, object, which, rights;
    uint16_t slot;
    badge_t  badge;
};

/* One that can be divided has a row for each shard; the placement says which of them there are (docs/shards.md). */
struct component {
    const char *name;
    const char *program;        /* of the member servers/PROGRAM.elf, and in placements */
    uint8_t  first, shard;      /* the id of the first shard; 0: this is it     */
    const char *node;           /* forwarded to it by fs, in /dev; NULL: none   */
    uint32_t node_mode;
    uint64_t layout_hash;       /* of the interface that it serves              */
    uint8_t  id;                /* enum server_id, or the build's choice        */
    uint8_t  priority;
    uint8_t  untyped_share;     /* log2: RAM / 2^share, at least ...            */
    uint8_t  untyped_min_bits;
    uint32_t budget_ms, period_ms;
    uint32_t stack_bytes;       /* of the executor                              */
    uint32_t nr_coroutines, coroutine_stack_bytes;
    uint32_t devices;           /* bit index of device_kinds                    */
    uint32_t interrupts;        /* of these                                     */
    uint32_t asks;              /* bit SUPERVISOR_*: what it may ask us         */
    const struct grant_map *map;
    const struct grant_cap *cap;
    uint32_t nr_maps, nr_caps;
    uint32_t max_restarts, restarts_ms; /* after faults, at most so many in this time; 0: none */
};
extern const struct component assembly[NR_COMPONENTS];

#define DEVICE_STRIDE       0x100000ul      /* device i at SRV_DEVICES + i * this */
#define MAX_RESTARTS        64u             /* of max_restarts              */
#define FAULT_BADGE         0x100ul         /* + server_id: faults of a server  */

#endif
