/* SPDX-License-Identifier: MIT */
/* Threads: making, starting, stopping and ending them. */
#ifndef PROC_THREAD_H
#define PROC_THREAD_H

#include <atoll/frame.h>

#include "process.h"
#include "vm.h"

#define GUEST_SLICE_MS  4

static inline struct upcall_frame *thread_frame(const struct thread *t)
{
    return (struct upcall_frame *)(SRV_THREAD_FRAMES + t->frame * PAGE_BYTES);
}
uaddr_t personality_upcall_entry(void);
/* Kernel priority from the process's nice value. */
unsigned thread_priority(const struct thread *);

/* A thread of the image at `index` of its vm (-1: any free one), with the tid
 * (0: a fresh one), using the vm's own objects if they are free or a group.
 * Takes the index and links the thread. ERR_AGAIN when something ran out;
 * nothing is left behind then. No kernel object is made yet. */
error_t thread_make(struct image *, int index, uint32_t tid, unsigned hart, struct thread **);
/* Undo thread_make before any object was made. */
void thread_unmake(struct thread *);
/* Fill the frame for UPCALL_START: guest registers from `regs` (NULL: zero). */
void thread_fill_frame(struct thread *, const struct upcall_regs *regs, const uint64_t start[5]);
/* Let it run, with a copy of `fpu_from`'s floating-point state if not NULL. */
error_t thread_start(struct thread *, struct thread *fpu_from);
/* Stop for good: the kernel side stops, the pending requests and signals go,
 * its cpu time goes to the process. The thread leaves the image; its objects go
 * to the reaper unless the whole vm goes there (vm_dies). */
void thread_end(struct thread *, bool vm_dies);
/* All threads of the image: suspend, resume (not those that never started). */
void image_suspend(struct image *);
void image_resume(struct image *);
/* Sticky upcall flag. */
void thread_upcall(struct thread *);

#endif
