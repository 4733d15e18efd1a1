/* SPDX-License-Identifier: MIT */
/* Signals: see signal.c. */
#ifndef COMPAT_SIGNAL_H
#define COMPAT_SIGNAL_H

#include "process.h"
#include "signal_abi.h"

/* End the process for something that cannot be delivered. */
void die(uint32_t signo, uaddr_t address, uaddr_t pc) __attribute__((noreturn));
void memory_wait(const struct thread *);

static inline uint64_t blocked_mask(const struct thread *t)
{
    return t->process->sig->thread[t->index].blocked;
}
/* Write it, fence, look at what is pending (docs/architecture.md 6). */
void set_blocked(struct thread *, uint64_t mask);

/* Before the guest goes on: deliver what is pending. in_call: frame.x[10] is the
 * result of a system call whose first argument was `a0`. */
void signals_deliver(struct thread *, bool in_call, uint64_t a0);

/* A signal of the thread to itself; false: it must go through proc. */
bool signal_to_oneself(struct thread *, uint32_t signo, int32_t code);

/* The dispositions, as proc reads them, of every process that uses `hand`. */
void publish_dispositions(const struct sig_hand *);
/* exec: handlers are gone, `ignored` stay ignored. */
void dispositions_reset(struct sig_hand *, uint64_t ignored);

/* sigframe.c: 0, or -EFAULT when the guest's stack cannot be written. */
long sigframe_push(struct thread *, const struct sig_info *, const struct sig_action *, uint64_t old_mask);
void siginfo_to_linux(struct linux_siginfo *, const struct sig_info *);

struct proc_siginfo;
void siginfo_from_proc(struct sig_info *, const struct proc_siginfo *);

#endif
