/* SPDX-License-Identifier: MIT */
/* The first thing a thread does: see start.c. */
#ifndef COMPAT_START_H
#define COMPAT_START_H

#include "thread.h"
#include "vm.h"

void start_thread(struct thread *);
/* loader.c: START_LOADER; returns with frame.guest ready, or not at all. */
void loader_main(struct thread *);
void futex_after_fork(void);
void random_after_fork(void);
void random_seed(const uint8_t *key);

/* What a child shall start with, for the creator (clone.c). */
void inherit_fill(struct inherit *, const struct thread *, uint64_t flags, uaddr_t parent_tid, uaddr_t child_tid);

#endif
