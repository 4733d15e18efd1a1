/* SPDX-License-Identifier: MIT */
/* Shared futexes, for other parts of proc. */
#ifndef PROC_FUTEX_H
#define PROC_FUTEX_H

#include "process.h"

/* Wake a waiter on the word at `address` of the image's memory, if there is one. */
void futex_wake_one(const struct image *, uaddr_t address);

#endif
