/* SPDX-License-Identifier: MIT */
/*
 * The one list of errors, used by the kernel, the servers and the stubs.
 *
 * An error travels as a negative number of type error_t; 0 is success and a
 * positive number is never an error. ERR_LIST holds the name, the value, the
 * Linux errno that linux_compat answers with, and the text for people.
 * Values are part of the ABI: append, never renumber.
 */
#ifndef ATOLL_ABI_ERRORS_H
#define ATOLL_ABI_ERRORS_H

#define ERR_LIST(X) \
    /* kernel: capabilities and arguments */ \
    X(INVALID_CAP,      1, EBADF,         "the capability slot is empty or holds another kind of object") \
    X(RIGHTS,           2, EPERM,         "the capability lacks a right that the operation needs") \
    X(INVALID_ARGUMENT, 3, EINVAL,        "an argument is out of range or not aligned") \
    X(INVALID_CALL,     4, ENOSYS,        "no such system call or operation") \
    X(NO_MEMORY,        5, ENOMEM,        "the untyped, pool or account has no memory left") \
    X(SLOT_OCCUPIED,    6, EEXIST,        "the destination slot is not empty") \
    X(RANGE,            7, ENOMEM,        "an address or index lies outside the object") \
    X(BUSY,             8, EBUSY,         "the object is in use in a way that forbids the operation") \
    X(FAULT,            9, EFAULT,        "a memory address is not accessible") \
    X(TIMEOUT,         10, ETIMEDOUT,     "the deadline passed") \
    X(INTERRUPTED,     11, EINTR,         "an upcall ended the wait") \
    X(CANCELLED,       12, ECANCELED,     "the request was cancelled") \
    X(DELETED,         13, EPIPE,         "the object was deleted while in use") \
    X(WOULD_BLOCK,     14, EAGAIN,        "nothing available and the call must not wait") \
    X(NO_SCHED_CONTEXT,15, EINVAL,        "the receiver has no scheduling context on its hart") \
    X(OVERFLOW,        16, EOVERFLOW,     "a counter or a result does not fit") \
    /* transport: rings and stubs */ \
    X(PEER_RESTARTED,  20, EIO,           "the server restarted before it answered") \
    X(BAD_MESSAGE,     21, EPROTO,        "a message does not follow its interface") \
    X(PEER_CLOSED,     22, EIO,           "the session is closed") \
    /* files, processes: what servers decide */ \
    X(PERMISSION,      30, EPERM,         "operation not permitted") \
    X(ACCESS,          31, EACCES,        "permission denied") \
    X(NOT_FOUND,       32, ENOENT,        "no such file or directory") \
    X(EXISTS,          33, EEXIST,        "file exists") \
    X(NOT_DIRECTORY,   34, ENOTDIR,       "not a directory") \
    X(IS_DIRECTORY,    35, EISDIR,        "is a directory") \
    X(NOT_EMPTY,       36, ENOTEMPTY,     "directory not empty") \
    X(LOOP,            37, ELOOP,         "too many symbolic links") \
    X(NAME_TOO_LONG,   38, ENAMETOOLONG,  "file name too long") \
    X(NO_SPACE,        39, ENOSPC,        "no space left on device") \
    X(READ_ONLY,       40, EROFS,         "read-only file system") \
    X(CROSS_DEVICE,    41, EXDEV,         "cross-device link") \
    X(TOO_MANY_LINKS,  42, EMLINK,        "too many links") \
    X(FILE_TOO_BIG,    43, EFBIG,         "file too large") \
    X(TEXT_BUSY,       44, ETXTBSY,       "text file busy") \
    X(BAD_HANDLE,      45, EBADF,         "bad file descriptor") \
    X(TOO_MANY_FILES,  46, EMFILE,        "too many open files in the process") \
    X(TABLE_FULL,      47, ENFILE,        "too many open files in the system") \
    X(BROKEN_PIPE,     48, EPIPE,         "broken pipe") \
    X(SEEK_PIPE,       49, ESPIPE,        "illegal seek") \
    X(NOT_TTY,         50, ENOTTY,        "inappropriate ioctl for device") \
    X(NO_DEVICE,       51, ENODEV,        "no such device") \
    X(NO_ADDRESS,      52, ENXIO,         "no such device or address") \
    X(IO,              53, EIO,           "input/output error") \
    X(NO_PROCESS,      54, ESRCH,         "no such process") \
    X(NO_CHILD,        55, ECHILD,        "no child processes") \
    X(AGAIN,           56, EAGAIN,        "resource temporarily unavailable") \
    X(NOT_EXECUTABLE,  57, ENOEXEC,       "exec format error") \
    X(ARGS_TOO_LONG,   58, E2BIG,         "argument list too long") \
    X(BAD_LIBRARY,     59, ELIBBAD,       "accessing a corrupted shared library") \
    X(DEADLOCK,        60, EDEADLK,       "resource deadlock would occur") \
    X(NO_LOCKS,        61, ENOLCK,        "no locks available") \
    X(NOT_SUPPORTED,   62, EOPNOTSUPP,    "operation not supported") \
    X(NOT_IMPLEMENTED, 63, ENOSYS,        "function not implemented") \
    X(NO_DATA,         64, ENODATA,       "no data available") \
    X(RANGE_RESULT,    65, ERANGE,        "the result does not fit the buffer") \
    X(BLOCK_DEVICE,    66, ENOTBLK,       "block device required") \
    X(STALE,           67, ESTALE,        "stale file handle") \
    X(QUOTA,           68, EDQUOT,        "quota exceeded") \
    X(RESTART,         69, EINTR,         "interrupted; the call restarts if the handler allows it") \
    X(OWNER_DEAD,      70, EOWNERDEAD,    "the owner of a robust lock died") \
    X(CLIENT_MEMORY,   71, EFAULT,        "a page of the caller could not be had; nothing was done") \
    /* sockets */ \
    X(NOT_SOCKET,      80, ENOTSOCK,      "not a socket") \
    X(DEST_REQUIRED,   81, EDESTADDRREQ,  "destination address required") \
    X(MESSAGE_SIZE,    82, EMSGSIZE,      "message too long") \
    X(PROTOCOL_TYPE,   83, EPROTOTYPE,    "protocol wrong type for socket") \
    X(NO_PROTOOPT,     84, ENOPROTOOPT,   "protocol not available") \
    X(PROTOCOL,        85, EPROTONOSUPPORT,"protocol not supported") \
    X(SOCKET_TYPE,     86, ESOCKTNOSUPPORT,"socket type not supported") \
    X(ADDRESS_FAMILY,  87, EAFNOSUPPORT,  "address family not supported") \
    X(ADDRESS_IN_USE,  88, EADDRINUSE,    "address already in use") \
    X(NO_SUCH_ADDRESS, 89, EADDRNOTAVAIL, "cannot assign requested address") \
    X(NET_UNREACHABLE, 90, ENETUNREACH,   "network is unreachable") \
    X(CONN_ABORTED,    91, ECONNABORTED,  "software caused connection abort") \
    X(CONN_RESET,      92, ECONNRESET,    "connection reset by peer") \
    X(NO_BUFFERS,      93, ENOBUFS,       "no buffer space available") \
    X(IS_CONNECTED,    94, EISCONN,       "already connected") \
    X(NOT_CONNECTED,   95, ENOTCONN,      "not connected") \
    X(CONN_REFUSED,    96, ECONNREFUSED,  "connection refused") \
    X(IN_PROGRESS,     97, EINPROGRESS,   "operation now in progress") \
    X(ALREADY,         98, EALREADY,      "operation already in progress") \
    X(TOO_MANY_REFS,   99, ETOOMANYREFS,  "too many references") \
    X(CONN_TIMEOUT,   100, ETIMEDOUT,     "connection timed out") \
    X(HOST_UNREACHABLE,101,EHOSTUNREACH,  "no route to host")

enum atoll_error {
    ERR_OK = 0,
#define X(name, value, errno_, text) ERR_##name = -(value),
    ERR_LIST(X)
#undef X
};

typedef int error_t;    /* 0, or a negative enum atoll_error */

#endif
