/* SPDX-License-Identifier: MIT */
#ifndef ATOLL_KERNEL_PREEMPT_H
#define ATOLL_KERNEL_PREEMPT_H

#include <stdbool.h>

#define K_PREEMPTED 1
#define K_AGAIN     2
bool preempt_pending(void);     /* as often as the test asks for */

#endif
