/* SPDX-License-Identifier: MIT */
/*
 * The kernel's calls that libipc uses, for tests on the host: notifications
 * between pthreads, copying "between address spaces" (a client's address is the
 * host's, inside ranges that were declared), a clock in nanoseconds.
 */
#ifndef TESTS_FAKE_KERNEL_H
#define TESTS_FAKE_KERNEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <libipc/client.h>

void fake_kernel_reset(void);
/* Client memory that SYS_VSPACE_COPY may touch. */
void fake_allow_memory(const void *base, size_t bytes);
/* The next waits of this notification end with ERR_INTERRUPTED, once. */
void fake_upcall(cptr_t notification);
/* Freezes the clock (tests of timers); fake_clock_set(0) lets it run again. */
void fake_clock_set(uint64_t now);

extern atomic_ulong fake_nr_signals, fake_nr_waits, fake_nr_sleeps, fake_nr_copies;

/* An environment for a client with one thread: rings and sleeps in one call. */
extern const struct rpc_env thread_env;

#endif
