/* SPDX-License-Identifier: MIT */
/* System calls; see atoll/syscall.h. */
#ifndef ATOLL_KERNEL_SYSCALL_H
#define ATOLL_KERNEL_SYSCALL_H

#include "object/tcb.h"

void syscall_handle(struct hart *h, struct tcb *t);

#endif
