/* SPDX-License-Identifier: MIT */
#ifndef ATOLL_KERNEL_MAILBOX_H
#define ATOLL_KERNEL_MAILBOX_H

#include "kernel/hart.h"

enum hart_op { HART_OP_DROP_VSPACE = 1 << 1 };
void mailbox_post_harts(uint64_t mask, uint32_t op);    /* tests bind spaces before they run them*/

#endif
