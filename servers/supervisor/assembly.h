/* SPDX-License-Identifier: MIT */
/* The assembly: what each component is given. assembly.c holds only data. */
#ifndef SUPERVISOR_ASSEMBLY_H
#define SUPERVISOR_ASSEMBLY_H

#include <libipc/system.h>

/* Segments that several components share; made once at boot. */
enum shared_segment {
    SHARED_SESSIONS_PROC, SHARED_SESSIONS_FS, SHARED_SESSIONS_TIME,
    SHARED_PROC_PAGES, SHARED_SIG_PAGES, SHARED_FD_PAGES, SHARED_TIME_PAGE,
    SHARED_THREAD_FRAMES, SHARED_HART_PAGE, SHARED_PERSONALITY, SHARED_ARCHIVE,
    NR_SHARED
};
#define SHARED_SESSIONS(id) (SHARED_SESSIONS_PROC + (id) - SERVER_PROC)

struct shared_size { uint64_t pages; };     /* 0: made elsewhere                */
extern const struct shared_size shared_sizes[NR_SHARED];

/* A shared Segment mapped into a component. */
struct grant_map {
    uint8_t  segment;           /* enum shared_segment                          */
    uint8_t  prot;              /* VM_*                                         */
    uint16_t pages;             /* 0: all                                       */
    uint32_t first_page;
    uint64_t address;
};
/* A shared Segment's capability in a component's CSpace. */
struct grant_cap {
    uint8_t  segment;
    uint8_t  rights;
    uint16_t slot;
};

enum device_kind { DEVICE_UART, DEVICE_VIRTIO, DEVICE_RTC, DEVICE_DMA };

#define MAX_GRANT_MAPS 12
#define MAX_GRANT_CAPS 12
struct component {
    const char *name;           /* also of the member servers/NAME.elf          */
    uint8_t  id;                /* enum server_id                               */
    uint8_t  priority;
    uint8_t  untyped_share;     /* log2: RAM / 2^share, at least ...            */
    uint8_t  untyped_min_bits;
    uint32_t client_of;         /* bit server_id: holds a session there         */
    uint32_t devices;           /* bit device_kind                              */
    uint8_t  platform_rights;
    bool     builds_processes;  /* gets the peers' client CNodes and doorbells  */
    struct grant_map map[MAX_GRANT_MAPS];
    struct grant_cap cap[MAX_GRANT_CAPS];
};

#define NR_COMPONENTS 3
extern const struct component assembly[NR_COMPONENTS];

#define DMA_BYTES           0x40000ul
#define DEVICE_STRIDE       0x100000ul      /* device i at SRV_DEVICES + i * this */
#define SRV_STACK_BYTES     0x10000ul
#define FAULT_BADGE         0x100ul         /* + server_id: faults of a server  */

#endif
