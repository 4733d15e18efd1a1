/* SPDX-License-Identifier: MIT */
/*
 * The state of the address space (struct vm, one) and of its processes (struct
 * process, one an area; more than one only after vfork or CLONE_VM).
 *
 * The first lives in the personality's private data, so fork clones it and exec
 * starts with zeroes; what must not be inherited is set anew in start.c. The
 * second lies in the area and is made anew for each process.
 */
#ifndef COMPAT_PROCESS_H
#define COMPAT_PROCESS_H

#include <libipc/client.h>
#include <libipc/system.h>
#include "lock.h"
#include "thread.h"

#define NSIG 64

struct sig_action {
    uaddr_t  handler;           /* 0 SIG_DFL, 1 SIG_IGN                         */
    uint64_t flags;
    uint64_t mask;
};

struct sig_hand {
    struct lock lock;           /* guards what follows                          */
    uint32_t nr_users;
    struct sig_action action[NSIG];     /* signal n at n - 1                    */
};

enum { CLIENT_PROC, CLIENT_FS, CLIENT_TIME, NR_CLIENTS };

/* Where the process is in a file that it reads through a window (files/position.c). */
struct local_position {
    int32_t  fd;
    bool     owned;             /* the position is ours; else fs has it         */
    uint64_t at;
};

/* An eventfd of the process that it reads and writes (files/eventfd.c). */
#define NR_EVENTFDS 8
struct local_eventfd {
    int32_t  fd;
    bool     owned;             /* the counter is ours; else fs has it          */
    uint32_t flags;             /* EFD_SEMAPHORE, O_NONBLOCK                    */
    uint64_t counter;
    uint32_t nr_used;           /* since fs answered the first, or since taken  */
    uint32_t wanted;            /* requests before we ask for it                */
};

struct process {
    /* immutable after the start */
    uint32_t area;
    const struct proc_page *ids;
    struct sig_page *sig;
    const struct fd_word *fds;
    struct sig_hand *hand;
    cptr_t notification;

    struct leases *leases;      /* files/lease.h; NULL before the first         */
    struct lock window_lock;    /* files/window.c: who writes a window          */
    /* preads of descriptor key - 1 that were requests, by its low bits; a heuristic, any thread */
    struct { uint32_t key; uint16_t reads, wanted; } pread_seen[PERS_NR_WINDOWS];

    /* only while the process has one thread: */
    uint32_t nr_owned;          /* of eventfd[] and position[]                  */
    uint32_t next_eventfd;
    struct local_eventfd eventfd[NR_EVENTFDS];
    struct local_position position[PERS_NR_WINDOWS];    /* by the descriptor's low bits */

    /* guarded by rpc_lock: */
    struct lock rpc_lock;
    uint32_t drainer;           /* thread index + 1 of who drains, or 0         */
    uint64_t waiting[2];        /* threads that wait for the drainer            */
    /* libipc's, under rpc_lock */
    struct rpc_client client[NR_CLIENTS];
};
_Static_assert(sizeof(struct process) <= AREA_LEASES - AREA_STATE, "in its area");

/* In the area's own memory, which is zero at the start and is not cloned. */
static inline struct process *process_at(uint32_t area) { return (struct process *)(PERS_AREA(area) + AREA_STATE); }

static inline struct process *this_process(void) { return this_thread()->process; }
static inline struct rpc_client *proc_client(void) { return &this_process()->client[CLIENT_PROC]; }
/* fs, for a request of any kind: whatever fs should know has been told. */
void owned_return(struct process *);
static inline struct rpc_client *fs_client(void)
{
    struct process *p = this_process();
    if (__builtin_expect(p->nr_owned != 0, 0))
        owned_return(p);
    return &p->client[CLIENT_FS];
}
/* fs, for a request that can concern what the process owns by this descriptor only. */
void owned_return_of(struct process *, int32_t fd);
static inline struct rpc_client *fs_client_for(int32_t fd)
{
    struct process *p = this_process();
    if (__builtin_expect(p->nr_owned != 0, 0))
        owned_return_of(p, fd);
    return &p->client[CLIENT_FS];
}
static inline struct rpc_client *time_client(void) { return &this_process()->client[CLIENT_TIME]; }

static inline const struct time_page *time_page(void) { return (const struct time_page *)PERS_TIME_PAGE; }
static inline const struct hart_page *hart_page(void) { return (const struct hart_page *)PERS_HART_PAGE; }

/* ---- signals, for other families (signal.c) ---- */
/* A signal to the calling thread, as the kernel sends it: SIGPIPE after a write
 * to a broken pipe, faults. Delivered before the guest goes on. */
void signal_self(uint32_t signo, int32_t code, uaddr_t address);
/* ppoll, pselect6, epoll_pwait, rt_sigsuspend: install the mask at `mask` (0:
 * leave alone) until sigmask_pop. 0 or -EFAULT, -EINVAL. After pop(true) the old
 * mask comes back when the handlers that interrupted the call have been set up. */
long sigmask_push(uaddr_t mask, uint64_t bytes);
void sigmask_pop(bool interrupted);

/* ---- time (clock.c) ---- */
struct linux_timespec { int64_t sec; int64_t nsec; };
struct linux_timeval { int64_t sec; int64_t usec; };
ticks_t now_ticks(void);
/* CLOCK_MONOTONIC, CLOCK_REALTIME now. */
int64_t monotonic_ns(void);
int64_t realtime_ns(void);
/* ns since boot to ticks, rounded up; saturates below DEADLINE_NONE. */
ticks_t ns_to_ticks(uint64_t ns);
/* An absolute deadline for a relative timeout; the timespec at `address` (0:
 * none, DEADLINE_NONE). 0, -EFAULT or -EINVAL. */
long deadline_from_guest(uaddr_t address, ticks_t *deadline);

/* ---- memory, for other families (mm.c) ---- */
/* Rewrite the text behind sig_page.maps_address; call before /proc/self/maps
 * (or smaps) is opened. */
void mm_publish_maps(void);

#endif
