/* SPDX-License-Identifier: MIT */
/* The kernel calls of the supervisor: libipc's wrappers and two of its own. */
#ifndef SUPERVISOR_SYS_H
#define SUPERVISOR_SYS_H

#include <atoll/bootinfo.h>
#include <libipc/syscall.h>

/* Copy a capability of the root CNode into another CNode. badge 0: unchanged. */
static inline error_t sys_mint(cptr_t cnode, uint64_t index, cptr_t source, uint64_t rights, badge_t badge)
{
    return sys_invoke(cnode, badge ? CNODE_MINT : CNODE_COPY, index, source, rights, badge, 0, NULL);
}

#endif
