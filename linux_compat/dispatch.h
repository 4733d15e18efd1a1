/* SPDX-License-Identifier: MIT */
/*
 * How a system call reaches its handler.
 *
 * A handler has up to six arguments, all uint64_t (the guest's registers as they
 * are: cast to int yourself, (int32_t)fd), and returns what a0 shall hold. The
 * calling thread is this_thread(), its process this_process().
 *
 *     long sys_lseek(uint64_t fd, uint64_t offset, uint64_t whence);
 *
 * The table is made of lists X(number, handler): CORE_SYSCALLS in dispatch.c and
 * FILES_SYSCALLS in files/table.h, which also declares its handlers. A number
 * in no list answers -ENOSYS and is counted in the signal page.
 *
 * When the handler returned one of the ERESTART numbers, or signal work is due,
 * the way out goes through signal.c. An interrupted call simply returns
 * linux_error() of the stub's error.
 */
#ifndef COMPAT_DISPATCH_H
#define COMPAT_DISPATCH_H

#include <stdint.h>

#define NR_SYSCALLS 512

/* sys_clone and others store s0..s11 through a stub in entry.S. */
long sys_unimplemented(void);

#endif
