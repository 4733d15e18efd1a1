/* SPDX-License-Identifier: MIT */
/* fork's half-made children. */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "process.h"

/* End a child between fork_begin and fork_commit, if the vm has one. */
void fork_drop(struct vm *parent_vm);

#endif
