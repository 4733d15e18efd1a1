/* SPDX-License-Identifier: MIT */
/*
 * One guest thread: its trap frame and the personality's private data behind it.
 *
 * It is the frame page of the thread (proc maps it; tp holds its address while
 * the personality runs). Set up from zero when the thread starts (start.c); it
 * is not inherited by fork: what a child needs goes through vm.fork_save.
 */
#ifndef COMPAT_THREAD_H
#define COMPAT_THREAD_H

#include <atoll/errors.h>
#include <atoll/frame.h>
#include <libipc/system.h>

struct process;

/* A reason to look at signals before going back to the guest. */
#define WORK_SIGNAL     0x1u
/* thread.saved_mask is in force again after the next return to the guest */
#define WORK_MASK       0x2u
/* a server found no memory for a page of ours: an EFAULT is that, and the call is
 * made again when there is some */
#define WORK_MEMORY     0x4u

/* siginfo as the personality keeps it; sigframe.c makes Linux's 128 bytes. */
struct sig_info {
    uint32_t signo;
    int32_t  code;
    int32_t  error;
    uint32_t pid, uid;
    int32_t  status;
    uint64_t value;
    uint64_t address;
    int64_t  utime, stime;
};

/* A thread in a futex queue (futex.c). Guarded by its bucket's lock. */
struct futex_waiter {
    struct futex_waiter *next, *prev;
    struct futex_bucket *bucket;    /* NULL: not queued                         */
    uaddr_t  key;
    uint32_t bitset;
    uint32_t thread_index;
    uint32_t woken;                 /* release by the waker                     */
    uint32_t pi;                    /* waits for ownership, not for a wake      */
    uint32_t tid;
};

struct thread {
    struct upcall_frame frame;

    /* own thread only: */
    struct process *process;
    const struct proc_page *ids;    /* the process's page, read-only            */
    uint32_t work;                  /* WORK_*                                   */
    uint32_t index;                 /* frame.thread_index, checked              */
    uint32_t tid;
    uint32_t in_fault;
    uaddr_t  clear_child_tid;
    uaddr_t  altstack_base;         /* sigaltstack                              */
    uint64_t altstack_bytes;
    uint32_t altstack_flags;
    uint32_t timer_slack_ns;
    uint64_t saved_mask;            /* WORK_MASK                                */
    struct sig_info forced;         /* a signal the thread did to itself; 0: none */
    struct {                        /* restart_syscall                          */
        long (*again)(struct thread *);
        uint64_t a[4];
    } restart;
    uint64_t nr_syscalls;

    /* written by several threads, see futex.c */
    struct futex_waiter futex;
    /* lock.c: 1 while the thread waits for a lock */
    uint32_t lock_waiting;
};
_Static_assert(sizeof(struct thread) <= PAGE_BYTES, "the frame page");

static inline struct thread *this_thread(void)
{
    struct thread *t;
    __asm__("mv %0, tp" : "=r"(t));
    return t;
}

/* Thread i of this address space. */
static inline struct thread *thread_at(uint32_t index)
{
    return (struct thread *)(PERS_THREADS + (uint64_t)index * PERS_THREAD_BYTES);
}

/* The notification a thread sleeps on. */
static inline cptr_t thread_notification(uint32_t index)
{
    return GUEST_CAP_THREAD + index;
}

/* Sleep on the own notification. 0: signalled (perhaps for an older reason, so
 * look at your condition again), ERR_TIMEOUT, ERR_INTERRUPTED: a signal can be
 * delivered (WORK_SIGNAL is set). An upcall without a signal ends with 0. */
error_t thread_sleep(ticks_t deadline);
void thread_wake(uint32_t index);

/* Is a signal pending that the thread does not block? */
bool thread_signal_pending(const struct thread *);

#endif
