/* SPDX-License-Identifier: MIT */
/* Deleting capabilities and destroying the objects whose last one goes. */
#ifndef ATOLL_KERNEL_DELETE_H
#define ATOLL_KERNEL_DELETE_H

#include "kernel/cspace.h"

/*
 * Make the slot empty. If it held the last capability of an object, the object
 * is destroyed, with all that only it kept alive. 0, or K_PREEMPTED / K_AGAIN:
 * what is done is done, call again. Takes the tree lock.
 */
error_t slot_delete(struct slot_ref *ref);
/* Delete all capabilities derived from the one in the slot. */
error_t slot_revoke(struct slot_ref *ref);

#endif
