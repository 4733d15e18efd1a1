/* SPDX-License-Identifier: MIT */
#ifndef COMPAT_FUTEX_H
#define COMPAT_FUTEX_H

#include "thread.h"

/* Wake waiters of a word, private or shared as its mapping says. */
long futex_wake_address(uaddr_t at, uint32_t count);
/* A thread ends: mark the robust locks it held. */
void futex_bury_robust(struct thread *);

#endif
