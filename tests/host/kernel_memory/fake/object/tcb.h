/* SPDX-License-Identifier: MIT */
#ifndef ATOLL_OBJECT_TCB_H
#define ATOLL_OBJECT_TCB_H

#include <atoll/types.h>

struct vspace;
struct tcb { struct vspace *vspace; uint64_t restart_cursor; };

#endif
