/* SPDX-License-Identifier: MIT */
/*
 * What the file families share: the form of a handler, guest paths as lent
 * strings, and errors that raise a signal.
 */
#ifndef COMPAT_FILES_H
#define COMPAT_FILES_H

#include "../dispatch.h"
#include "../error.h"
#include "../guest.h"
#include "../process.h"
#include "../thread.h"
#include "table.h"
#include <fs_client.h>
#include <fs_types.h>
#include <string.h>

/* A handler: `a0`..`a5` are the guest's argument registers. */
#define FILES_UNUSED __attribute__((unused))
#define LINUX_CALL(name)                                                        \
    long sys_##name(FILES_UNUSED uint64_t a0, FILES_UNUSED uint64_t a1,          \
                    FILES_UNUSED uint64_t a2, FILES_UNUSED uint64_t a3,          \
                    FILES_UNUSED uint64_t a4, FILES_UNUSED uint64_t a5)

/* A guest string as a string to lend: 0, ERR_FAULT or ERR_NAME_TOO_LONG. */
error_t path_in(uaddr_t address, struct rpc_in *path);
/* linux_error(), and SIGPIPE to the caller for a broken pipe. */
long write_error(error_t);
/* read(2) of a signalfd: takes signals from proc. */
long signalfd_read(int32_t fd, uaddr_t to, uint64_t bytes);
/* read(2) and write(2) of an eventfd: counted here if fs lets us. */
long eventfd_read(int32_t fd, uaddr_t to, uint64_t bytes);
long eventfd_write(int32_t fd, uaddr_t from, uint64_t bytes);
/* read(2) of a file whose position we have; false: fs must be asked. */
bool position_read(int32_t fd, uaddr_t to, uint64_t bytes, long *result);
/* A read of fd was a request: perhaps we shall have the position. */
void position_wanted(int32_t fd);
/* What is ours goes back to fs: of all descriptors, of one. */
void eventfds_return(struct process *);
void eventfd_return(struct process *, int32_t fd);
void positions_return(struct process *);
void position_return(struct process *, int32_t fd);
/* It is about to be closed: fs need not know. */
void eventfd_drop(struct process *, int32_t fd);
void position_drop(struct process *, int32_t fd);

#endif
