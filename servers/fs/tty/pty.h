/* SPDX-License-Identifier: MIT */
/* Opening of pseudo-terminals (pty.c). */
#ifndef FS_TTY_PTY_H
#define FS_TTY_PTY_H

#include "tty.h"

struct inode;

error_t ptmx_open(struct inode *, struct file *, struct process *);
error_t pts_open(struct inode *, struct file *, struct process *);

#endif
