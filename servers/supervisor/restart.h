/* SPDX-License-Identifier: MIT */
/* Starting servers again. docs/restart.md tells the story. */
#ifndef SUPERVISOR_RESTART_H
#define SUPERVISOR_RESTART_H

#include <libipc/syscall.h>

#include "server.h"

/* Server `id` faulted, as the kernel's message says. Report it, and start it again if its policy allows; else the system
 * ends with status 125. */
void restart_after_fault(struct system *, struct server all[NR_COMPONENTS], unsigned id, const struct sys_message *fault);
/* Somebody who may wants it: the same without a fault, in two steps, and without counting it. ERR_NOT_SUPPORTED: its policy
 * is "no", and it runs on. */
error_t restart_stop(struct server *);
void restart_stopped(struct system *, struct server all[NR_COMPONENTS], struct server *);

#endif
