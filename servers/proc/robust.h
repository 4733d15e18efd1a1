/* SPDX-License-Identifier: MIT */
/* Robust futexes of threads that do not end by themselves. */
#ifndef PROC_ROBUST_H
#define PROC_ROBUST_H

#include "process.h"

/* The image's threads are suspended for good, its memory is still there: mark
 * the robust locks that they hold and wake waiters. */
void robust_bury(struct image *);

#endif
