/* SPDX-License-Identifier: MIT */
/* exec, and the start of init. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "process.h"

/* The process ends while an exec is under way: take the new image apart. */
void exec_abort(struct process *);

#endif
