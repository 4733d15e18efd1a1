/* SPDX-License-Identifier: MIT */
/* Between poll.c, epoll.c and files whose readiness depends on who looks. */
#ifndef FS_POLL_H
#define FS_POLL_H

struct process;

/* The process for which readiness is being asked, or NULL. */
extern const struct process *poll_process;

#endif
