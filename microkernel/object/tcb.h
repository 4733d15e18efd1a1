/* SPDX-License-Identifier: MIT */
/*
 * Threads.
 *
 * A TCB belongs to the hart it is assigned to: only that hart changes its
 * scheduling state, its queue links and its deadline; others set bits in `ops`
 * and push it on that hart's mailbox.
 *
 * Waiting. A thread that waits is linked in the queue of an endpoint or a
 * notification (under that object's lock), or is named by a reply object (under
 * the reply's lock). Whoever takes it from there under the lock sets `claimed`
 * and from then on alone completes the wait: it writes the results and ends
 * with tcb_wake(), which clears `claimed` on the owner hart. An owner that wants
 * to cancel the wait and finds the thread claimed puts the request off until
 * the wake-up arrives.
 *
 * Capabilities that a thread uses (CSpace root, VSpace, ...) are slots inside
 * the TCB and nodes of the derivation tree like any other, so revoking finds
 * them. Beside them the TCB keeps plain pointers for speed, which only the
 * owner hart clears (tcb_detach).
 */
#ifndef ATOLL_OBJECT_TCB_H
#define ATOLL_OBJECT_TCB_H

#include <atoll/frame.h>
#include <atoll/syscall.h>

#include "kernel/hart.h"
#include "object/cap.h"

struct endpoint;
struct notification;
struct reply;
struct sched_context;
struct segment;

/* Bits of tcb->ops: what another hart asks of the owner hart. */
enum tcb_op {
    TCB_OP_WAKE     = 1 << 0,   /* its wait was completed                      */
    TCB_OP_UPCALL   = 1 << 1,
    TCB_OP_SUSPEND  = 1 << 2,
    TCB_OP_RESUME   = 1 << 3,
    TCB_OP_MIGRATE  = 1 << 4,   /* to tcb->new_hart                            */
    TCB_OP_PRIORITY = 1 << 5,   /* to tcb->new_priority                        */
    TCB_OP_UNLINK   = 1 << 6,   /* leave everything for good                   */
    TCB_OP_DETACH   = 1 << 7,   /* give up tcb->detach_mask                    */
    TCB_OP_ARRIVE   = 1 << 8,   /* second half of MIGRATE, on the new hart     */
    TCB_OP_RECHECK  = 1 << 9,   /* a claim ended without a wake-up, or its
                                 * context was configured                      */
    TCB_OP_DEAD     = 1 << 10,  /* destroyed: no list takes it any more        */
};

enum tcb_slot {
    TCB_SLOT_SELF,      /* used while the TCB itself is destroyed              */
    TCB_SLOT_CSPACE, TCB_SLOT_VSPACE, TCB_SLOT_SCHED, TCB_SLOT_FAULT_EP,
    TCB_SLOT_NOTIFICATION, TCB_SLOT_FRAME, TCB_SLOT_IPC_BUFFER, TCB_NR_SLOTS
};

/* Of FP_STALE the registers of no hart are a copy; of FP_USED those of its hart are
 * while it is fp_owner there. */
enum fp_state { FP_NEVER, FP_USED, FP_STALE };

struct tcb {
    /* Offsets up to `hart` are known to assembly (arch/riscv/offsets.c). */
    uint64_t x[32];             /* user registers; x[0] = pc                   */
    uint64_t pers_base;         /* 0 for a native thread and without a frame   */
    uint64_t pers_syscall;
    struct upcall_frame *frame; /* kernel address of the frame page            */
    uint64_t frame_uaddr;
    struct hart *hart_ptr;      /* = &harts[hart]                              */
    struct hart *fast_hart;     /* hart_ptr while the switch to this thread needs
                                 * no further look (tcb_refresh), else NULL    */
    uint32_t upcall_pending;    /* the sticky flag; owner hart only            */
    uint32_t fp_state;          /* enum fp_state                               */

    /* owner hart only, except while claimed or stopped */
    uint32_t state;             /* enum thread_state                           */
    uint32_t hart;
    int32_t  priority;
    uint32_t in_queue;          /* linked in the run queue                     */
    struct tcb *run_next, *run_prev;
    struct sched_context *sc;   /* what it runs on now                         */
    struct sched_context *home_sc; /* what it was configured with              */
    struct sched_context *lent; /* a caller: what it lent its receiver         */
    struct tcb *lend_next;      /* next of sc->lenders                         */
    uint32_t budget_faults;     /* TCB_SET_FAULT_EP                            */
    struct vspace *vspace;
    struct slot *cspace;        /* first slot of the root CNode                */
    uint64_t cspace_mask;       /* number of its slots - 1                     */
    struct ipc_buffer *ipc_buffer;  /* kernel address                          */
    struct endpoint *fault_ep;
    badge_t  fault_badge;
    struct notification *bound; /* bound notification                          */
    uint64_t pers_upcall, pers_fault;
    uint64_t pers_base_wanted;  /* takes effect once there is a frame          */
    struct segment *frame_segment, *ipc_segment;
    uint64_t frame_page, ipc_page;
    uint32_t arriving;          /* migrated, not yet taken over by its new hart   */
    uint32_t arrive_waits;      /* then: has a deadline                           */
    uint32_t migrate_refused;   /* for TCB_SET_HART: it lends or borrows now      */
    uint32_t retries;           /* K_AGAIN in a row                            */
    uint32_t batch_index;       /* entries done by a restarted SYS_BATCH       */
    uint64_t restart_cursor;    /* progress of a restarted call; 0 at its start */
    uint32_t suspend_pending;   /* stop when the claimed wait completes        */
    uint32_t deferred;          /* ops put off while claimed                   */

    /* deadline heap of the owner hart */
    ticks_t  deadline;
    struct tcb *heap_left, *heap_right, *heap_up;
    uint32_t in_heap;           /* 0, or its rank: kernel/deadline.c           */

    /* the wait: written by the owner before it is queued, by the claimer after */
    uint32_t claimed;           /* set under the lock of what it waits for     */
    uint32_t wait_is_call;
    uint32_t wait_can_grant;
    uint32_t wait_is_fault;     /* the message is fault_words                  */
    void    *wait_object;       /* endpoint, notification or reply             */
    struct tcb *wait_next, *wait_prev;
    badge_t  wait_badge;
    struct reply *recv_reply;   /* receiver: for the next call; guarded by the
                                 * endpoint's lock while queued                */
    uint64_t fault_words[MSG_REG_WORDS];

    /* written by any hart */
    struct tcb *mailbox_next;
    uint32_t ops;               /* enum tcb_op bits                            */
    uint32_t new_hart;
    int32_t  new_priority;
    uint32_t starting;          /* RESUME posted, not yet done; tree lock      */
    uint32_t detach_mask;
    uint32_t unlinked;          /* UNLINK done                                 */

    /* accounting, owner hart */
    ticks_t  ticks, system_ticks;   /* all; of these in the system              */
    uint64_t nr_switches, nr_faults;
    char     name[16];

    struct slot slot[TCB_NR_SLOTS] __attribute__((aligned(CACHE_LINE)));
    uint64_t f[33];             /* f[32] = fcsr; valid when not in registers   */
};
_Static_assert(sizeof(struct tcb) <= 1ul << TCB_BITS, "TCB_BITS");

/* The queue of an endpoint or notification, under its lock. */
static inline __attribute__((always_inline)) void
tcb_wait_last(struct tcb **head, struct tcb **tail, struct tcb *t)
{
    struct tcb *last = *tail;

    t->wait_next = NULL;
    t->wait_prev = last;
    *tail = t;
    if (last != NULL)
        last->wait_next = t;
    else
        *head = t;
}

/* Whoever takes a thread out has claimed it. */
static inline void tcb_claim_waiter(struct tcb **head, struct tcb **tail, struct tcb *t)
{
    if (t->wait_prev != NULL)
        t->wait_prev->wait_next = t->wait_next;
    else
        *head = t->wait_next;
    if (t->wait_next != NULL)
        t->wait_next->wait_prev = t->wait_prev;
    else
        *tail = t->wait_prev;
    t->claimed = 1;
}

#endif
