/* SPDX-License-Identifier: MIT */
/* Building and starting the servers of the assembly. */
#ifndef SUPERVISOR_SERVER_H
#define SUPERVISOR_SERVER_H

#include <atoll/bootinfo.h>
#include <atoll/errors.h>

#include "archive.h"
#include "assembly.h"
#include "devices.h"
#include "load.h"
#include "placement.h"

/* What all servers are built from; made once by main.c. */
struct system {
    const struct bootinfo *boot;
    const uint8_t *archive;         /* mapped here                              */
    struct placement placement;
    uint32_t boot_flags;
    bool     walks;                 /* command line: caps                       */
    cptr_t   pool;
    uint64_t pool_pages;
    uint64_t personality_bytes;
    int64_t  made_s;                /* the boot archive: seconds since 1970     */
    cptr_t   shared[NR_SHARED];
    cptr_t   endpoint;              /* the supervisor's own                     */
    cptr_t   reply;                 /* to who calls it                          */
    struct device device[MAX_DEVICES];      /* ascending; memory last       */
    unsigned nr_devices;
};

/* Capabilities of a server, in the root CNode. */
struct server {
    const struct component *component;      /* NULL: the placement has no such shard */
    cptr_t vspace, cnode, tcb, sched, notification;
    cptr_t client_vspaces, client_doorbells;
    cptr_t untyped;
    struct program program;
    struct server_info info;
    cptr_t info_segment;            /* with a copy of it, which the server sees */
    ticks_t restarted[MAX_RESTARTS];        /* after faults: the last ones, a ring */
    uint32_t nr_faults;
    uint32_t faults_to_come;        /* command line: faulty=NAME                */
};

/* The capability in the root CNode for what a grant names; CAP_NULL: not there. */
cptr_t server_object(enum grant_object, unsigned which, const struct server all[NR_COMPONENTS], const struct system *);
/* Make the objects (all servers first, since they get caps to each other). */
void server_create(struct server *, const struct component *, const struct system *);
/* Fill the CSpace and the address space, load the program. Also after server_empty. */
void server_build(struct server *, const struct server all[NR_COMPONENTS], struct system *);
void server_start(struct server *);
/*
 * To another hart, at any time: the thread with what it waits for, and the
 * interrupts of its devices. Returns 0 when it is there; ERR_INVALID_ARGUMENT: no
 * such hart, or one that takes no interrupts; it is then where it was.
 */
error_t server_move(struct server *, struct system *, uint64_t hart);
/* Its thread is stopped: take away all that it holds but its clients and its Untyped, out of which nothing is made then. */
void server_empty(struct server *);

#endif
