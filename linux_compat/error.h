/* SPDX-License-Identifier: MIT */
/*
 * Linux error numbers and the one place that makes them from Atoll's errors.
 *
 * A handler returns what Linux returns in a0: a result, or -E*. Errors of stubs
 * and of the kernel go through linux_error() at the last moment.
 *
 * The numbers above 511 never reach a guest: they tell the way out of a system
 * call (signal.c) how an interrupted call goes on:
 *   ERESTARTSYS     again if no handler runs or the handler has SA_RESTART
 *   ERESTARTNOINTR  always again
 *   ERESTARTNOHAND  again only if no handler runs (pause, sigsuspend, poll, select)
 *   ERESTART_RESTARTBLOCK  with a handler EINTR, without one restart_syscall goes
 *                   on with what thread.restart holds (relative sleeps)
 */
#ifndef COMPAT_ERROR_H
#define COMPAT_ERROR_H

#include <atoll/errors.h>

enum {
    EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, ENOEXEC = 8, EBADF = 9,
    ECHILD = 10, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, ENOTBLK = 15, EBUSY = 16, EEXIST = 17,
    EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENFILE = 23, EMFILE = 24, ENOTTY = 25,
    ETXTBSY = 26, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30, EMLINK = 31, EPIPE = 32, EDOM = 33,
    ERANGE = 34, EDEADLK = 35, ENAMETOOLONG = 36, ENOLCK = 37, ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40,
    ENODATA = 61, ETIME = 62, EPROTO = 71, EOVERFLOW = 75, ELIBBAD = 80, EUSERS = 87, ENOTSOCK = 88,
    EDESTADDRREQ = 89, EMSGSIZE = 90, EPROTOTYPE = 91, ENOPROTOOPT = 92, EPROTONOSUPPORT = 93,
    ESOCKTNOSUPPORT = 94, EOPNOTSUPP = 95, EPFNOSUPPORT = 96, EAFNOSUPPORT = 97, EADDRINUSE = 98,
    EADDRNOTAVAIL = 99, ENETDOWN = 100, ENETUNREACH = 101, ECONNABORTED = 103, ECONNRESET = 104,
    ENOBUFS = 105, EISCONN = 106, ENOTCONN = 107, ETOOMANYREFS = 109, ETIMEDOUT = 110, ECONNREFUSED = 111,
    EHOSTUNREACH = 113, EALREADY = 114, EINPROGRESS = 115, ESTALE = 116, EDQUOT = 122, ECANCELED = 125,
    EOWNERDEAD = 130,

    ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516,
};

/* 0 for 0; else -E*. ERR_INTERRUPTED, ERR_CANCELLED and ERR_RESTART become
 * -ERESTARTSYS. A number that is no Atoll error becomes -EIO. */
long linux_error(error_t error);

/* For a call that must not restart when a handler ran (see above). */
static inline long no_hand(long result)
{
    return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

/* For a call that never restarts: -EINTR. */
static inline long no_restart(long result)
{
    return result == -ERESTARTSYS ? -EINTR : result;
}

#endif
