/* SPDX-License-Identifier: MIT */
/*
 * Per-hart state. A hart owns its run queue, its current thread, its deadlines
 * and its idle state; other harts post to its mailbox (kernel/mailbox.h) and
 * read the few words marked so. In the kernel tp points to the hart's struct.
 */
#ifndef ATOLL_KERNEL_HART_H
#define ATOLL_KERNEL_HART_H

#include <atoll/objects.h>
#include <atoll/types.h>

#include "arch/riscv/csr.h"

struct tcb;
struct vspace;

#define NR_PRIORITIES 256
#define PRIORITY_IDLE (-1)

struct run_queue {
    int32_t  top;               /* highest non-empty priority, or -1           */
    uint32_t count;
    uint32_t bytes;             /* bit i: byte i of bits[] is not zero         */
    uint8_t  bits[NR_PRIORITIES / 8];
    struct { struct tcb *head, *tail; } level[NR_PRIORITIES];
};

struct hart {
    /* owner hart only; offsets of the first four known to assembly */
    struct tcb *current;        /* NULL while idle; TCB_INFO elsewhere reads it */
    void       *stack_top;
    uint64_t    nr_reflections;
    uint64_t    nr_resumes;
    struct vspace *vspace;      /* whose tables satp names; NULL: kernel's     */
    struct tcb *fp_owner;       /* whose FP state the registers hold           */
    bool        resched;        /* the choice of current must be made again    */
    bool        rotate;         /* ... and current goes behind its equals      */
    bool        timer_dirty;    /* the timer's need may have changed           */
    ticks_t     armed;          /* what the timer is set to                    */
    ticks_t     slice_start;    /* since when current has been charged         */
    uint64_t    charged_reflections; /* how many went into system_ticks        */
    struct tcb *deadlines;      /* heap, kernel/deadline.h                     */
    ticks_t     poll_ticks;     /* how long to poll before sleeping            */
    struct kernel_counters counters;
    uint64_t    stretch_start;  /* kernel/trace.h                              */
    uint64_t    slice_pc;       /* where current was when its slice was timed  */
    uint32_t    slice_longer;   /* how often it was found there at its end     */
    uint64_t    nr_fast_switches;   /* calls and switches of fastpath_ipc      */
    struct tcb *taken, *turned; /* out of the mailbox: newest first, oldest first */

    /* immutable after init */
    hartid_t    id;
    uint64_t    mask;           /* 1 << id                                     */
    struct hart_load *load;     /* in hart_page                                */
    uint32_t    mhartid;
    uint32_t    plic_context;   /* ~0: none                                    */
    bool        online;         /* written once by the hart itself at boot     */

    /* written by any hart */
    struct tcb *mailbox __attribute__((aligned(CACHE_LINE)));
    uint32_t    ops;            /* enum hart_op bits                           */
    uint32_t    ipi_sent;       /* and not taken yet                           */

    /* owner writes, others read */
    uint32_t    asleep __attribute__((aligned(CACHE_LINE)));
    int32_t     running_priority;
    uint64_t    passes;         /* kernel entries that look at capabilities    */

    /* owner hart only; last, so that all before has small offsets */
    struct run_queue queue __attribute__((aligned(CACHE_LINE)));
} __attribute__((aligned(CACHE_LINE)));

extern struct hart harts[MAX_HARTS];
extern unsigned nr_harts;
extern uint64_t timebase_hz;
extern struct hart_page hart_page;

static inline struct hart *this_hart(void)
{
    return hart_pointer();
}

#endif
