/* SPDX-License-Identifier: MIT */
/* Take every interrupt that is pending on this hart now. */
#ifndef ATOLL_KERNEL_INTERRUPT_H
#define ATOLL_KERNEL_INTERRUPT_H

#include "kernel/hart.h"

void interrupt_take(struct hart *h);

#endif
