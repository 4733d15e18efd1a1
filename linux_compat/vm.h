/* SPDX-License-Identifier: MIT */
/*
 * The one address space: what all processes in it share. Private to the core
 * families; FILES uses process.h.
 */
#ifndef COMPAT_VM_H
#define COMPAT_VM_H

#include "lock.h"
#include "process.h"
#include "region.h"

/* What a new thread or process gets from its creator: start.c. */
struct inherit {
    uint32_t busy;              /* 1 from the creator's filling to the child's copy */
    uint32_t area;              /* of the creator                               */
    uint32_t child;             /* its tid; the creator writes, for itself      */
    uint64_t flags;             /* CLONE_*                                      */
    uint64_t blocked;
    uaddr_t  parent_tid, child_tid;
    uaddr_t  altstack_base;     /* fork, vfork without CLONE_VM semantics        */
    uint64_t altstack_bytes;
    uint32_t altstack_flags;
    uint32_t child_index, child_area;   /* the child writes                     */
    struct sig_hand *hand;      /* the creator's                                */
};

/* What fork writes stands first and together: one page to copy for the parent
 * and one for the child. */
struct vm {
    uint64_t thread_live[2];    /* atomic: threads that exist                   */
    uint32_t area_live;         /* atomic: processes that exist, by area        */

    struct lock fork_lock;      /* one fork, vfork or exec at a time            */
    /* guarded by fork_lock; a fork child reads its clone */
    struct inherit fork_save;

    struct lock mm_lock;        /* guards brk to persona, and regions below     */
    uaddr_t brk_start, brk;     /* brk is what the guest set, not rounded       */
    uaddr_t stack_top, stack_bottom;
    uint64_t reserved_bytes;    /* for RLIMIT_AS                                */
    uint32_t persona;           /* personality(2), relaxed                      */

    /* random.c, guarded by random_lock */
    struct lock random_lock;
    uint32_t random_key[8];
    uint64_t random_counter;
    uint32_t random_pid;        /* who seeded it                                */

    /* signal actions of process i, unless it shares another's */
    struct sig_hand hand[VM_MAX_AREAS];

    /* a record a thread; owned by the creating thread until busy */
    struct inherit inherit[VM_MAX_THREADS];

    /* written by the loader, for /proc; a new process copies it to its page */
    struct {
        uint64_t arg_start, arg_end, env_start, env_end, code_start, code_end;
        uint64_t auxv[48];
    } about;

    struct region_list regions; /* guarded by mm_lock                           */
} __attribute__((aligned(4096)));

extern struct vm vm;

#endif
