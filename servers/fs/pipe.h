/* SPDX-License-Identifier: MIT */
/* What other modules of fs may know of pipes (pipe.c). */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "file.h"

struct inode;
struct process;

/* Registered for FIFOs. */
error_t fifo_open(struct inode *, struct file *, struct process *);
bool file_is_pipe(const struct file *);
/* f is a pipe. */
bool pipe_is_empty(const struct file *f);
/* Copy up to `bytes` from the pipe behind `in` to the one behind `out` without
 * consuming (tee). ERR_WOULD_BLOCK, ERR_INVALID_ARGUMENT (not two pipes),
 * ERR_BROKEN_PIPE. *done 0 with success: all writers are gone. */
error_t pipe_tee(struct file *in, struct file *out, uint64_t bytes, uint64_t *done);

#endif
