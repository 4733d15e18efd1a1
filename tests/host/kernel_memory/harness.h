/* SPDX-License-Identifier: MIT */
/*
 * Host harness of the kernel's memory objects.
 *
 * The real Pool, Segment, VSpace and copy code runs over a malloc'ed arena.
 * Each fake hart has a translation buffer that keeps every translation it ever
 * used until a fence names it, so a missing fence shows as a stale page.
 */
#ifndef KERNEL_MEMORY_HARNESS_H
#define KERNEL_MEMORY_HARNESS_H

#include "kernel/invoke.h"
#include "kernel/preempt.h"
#include "kernel/usercopy.h"
#include "object/mapping.h"
#include "object/pool.h"
#include "object/segment.h"
#include "object/tcb.h"
#include "object/vspace.h"
#include "object/vspace_table.h"

#define NR_FAKE_HARTS 3u
#define MAX_SPACES    8u
#define MAX_SEGMENTS  8u

struct world {
    struct pool *pool;
    struct vspace vspace[MAX_SPACES];
    bool live[MAX_SPACES];
    struct segment segment[MAX_SEGMENTS];
    bool segment_live[MAX_SEGMENTS];
    size_t free_at_start;
};
extern struct world world;
extern struct tcb fake_tcb;
extern unsigned preempt_one_in;     /* 0: never; n: each check, 1 in n         */
extern uint32_t fake_rng;

uint32_t rng(uint32_t below);
void world_setup(size_t pool_pages);
/* Destroys everything and checks that no page is missing. */
void world_teardown(void);
void vspace_make(unsigned i, unsigned account);
void vspace_kill(unsigned i);
void segment_make(unsigned i, unsigned account, uint64_t pages);
void segment_kill(unsigned i);

/* Play hart `hart` running vspace i (MAX_SPACES: none). */
void run_on(unsigned hart, unsigned i);

/* A load or store of 8 bytes by the program on fake_hart. */
enum fault_result user_load(uaddr_t va, uint64_t *value);
enum fault_result user_store(uaddr_t va, uint64_t value);
enum fault_result user_fetch(uaddr_t va);

/* Repeat until not preempted. */
#define COMPLETE(call) ({ error_t e_; uint64_t cursor = 0; (void)cursor; \
    do { e_ = (call); } while (e_ == K_PREEMPTED); e_; })

/* Everything that must hold between operations. */
void check_world(void);

/* Capabilities that cap_lookup finds: fake cptr 1.. */
void *fake_cap(cptr_t cptr, enum cap_type type, void *object, unsigned rights);
error_t invoke(error_t (*decode)(struct invoke *), void *object, unsigned rights,
               uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
               uint64_t e, uint64_t *result);

#endif
