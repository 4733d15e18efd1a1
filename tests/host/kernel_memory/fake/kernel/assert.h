/* SPDX-License-Identifier: MIT */
#ifndef ATOLL_KERNEL_ASSERT_H
#define ATOLL_KERNEL_ASSERT_H

#include <assert.h>
#define kassert(x) assert(x)

#endif
