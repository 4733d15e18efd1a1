/* SPDX-License-Identifier: MIT */
/*
 * The one table from Atoll's errors to Linux's. The switch has no default: an
 * error that is added to ERR_LIST and not here does not compile (-Wswitch).
 */
#include "error.h"
#include "process.h"

long linux_error(error_t error)
{
    switch ((enum atoll_error)error) {
    case ERR_OK:
        return 0;
    case ERR_INTERRUPTED:
    case ERR_CANCELLED:
    case ERR_RESTART:
        /* The way out decides between EINTR and restarting. */
        this_thread()->work |= WORK_SIGNAL;
        return -ERESTARTSYS;
    case ERR_CLIENT_MEMORY:
        this_thread()->work |= WORK_MEMORY;
        return -EFAULT;
    case ERR_INVALID_CAP: return -EBADF;
    case ERR_RIGHTS: return -EPERM;
    case ERR_INVALID_ARGUMENT: return -EINVAL;
    case ERR_INVALID_CALL: return -ENOSYS;
    case ERR_NO_MEMORY: return -ENOMEM;
    case ERR_SLOT_OCCUPIED: return -EEXIST;
    case ERR_RANGE: return -ENOMEM;
    case ERR_BUSY: return -EBUSY;
    case ERR_FAULT: return -EFAULT;
    case ERR_TIMEOUT: return -ETIMEDOUT;
    case ERR_NO_SCHED_CONTEXT: return -EINVAL;
    case ERR_DELETED: return -EPIPE;
    case ERR_WOULD_BLOCK: return -EAGAIN;
    case ERR_OVERFLOW: return -EOVERFLOW;
    case ERR_PEER_RESTARTED: return -EIO;
    case ERR_BAD_MESSAGE: return -EPROTO;
    case ERR_PEER_CLOSED: return -EIO;
    case ERR_PERMISSION: return -EPERM;
    case ERR_ACCESS: return -EACCES;
    case ERR_NOT_FOUND: return -ENOENT;
    case ERR_EXISTS: return -EEXIST;
    case ERR_NOT_DIRECTORY: return -ENOTDIR;
    case ERR_IS_DIRECTORY: return -EISDIR;
    case ERR_NOT_EMPTY: return -ENOTEMPTY;
    case ERR_LOOP: return -ELOOP;
    case ERR_NAME_TOO_LONG: return -ENAMETOOLONG;
    case ERR_NO_SPACE: return -ENOSPC;
    case ERR_READ_ONLY: return -EROFS;
    case ERR_CROSS_DEVICE: return -EXDEV;
    case ERR_TOO_MANY_LINKS: return -EMLINK;
    case ERR_FILE_TOO_BIG: return -EFBIG;
    case ERR_TEXT_BUSY: return -ETXTBSY;
    case ERR_BAD_HANDLE: return -EBADF;
    case ERR_TOO_MANY_FILES: return -EMFILE;
    case ERR_TABLE_FULL: return -ENFILE;
    case ERR_BROKEN_PIPE: return -EPIPE;
    case ERR_SEEK_PIPE: return -ESPIPE;
    case ERR_NOT_TTY: return -ENOTTY;
    case ERR_NO_DEVICE: return -ENODEV;
    case ERR_NO_ADDRESS: return -ENXIO;
    case ERR_IO: return -EIO;
    case ERR_NO_PROCESS: return -ESRCH;
    case ERR_NO_CHILD: return -ECHILD;
    case ERR_AGAIN: return -EAGAIN;
    case ERR_NOT_EXECUTABLE: return -ENOEXEC;
    case ERR_ARGS_TOO_LONG: return -E2BIG;
    case ERR_BAD_LIBRARY: return -ELIBBAD;
    case ERR_DEADLOCK: return -EDEADLK;
    case ERR_NO_LOCKS: return -ENOLCK;
    case ERR_NOT_SUPPORTED: return -EOPNOTSUPP;
    case ERR_NOT_IMPLEMENTED: return -ENOSYS;
    case ERR_NO_DATA: return -ENODATA;
    case ERR_RANGE_RESULT: return -ERANGE;
    case ERR_BLOCK_DEVICE: return -ENOTBLK;
    case ERR_STALE: return -ESTALE;
    case ERR_QUOTA: return -EDQUOT;
    case ERR_OWNER_DEAD: return -EOWNERDEAD;
    case ERR_NOT_SOCKET: return -ENOTSOCK;
    case ERR_DEST_REQUIRED: return -EDESTADDRREQ;
    case ERR_MESSAGE_SIZE: return -EMSGSIZE;
    case ERR_PROTOCOL_TYPE: return -EPROTOTYPE;
    case ERR_NO_PROTOOPT: return -ENOPROTOOPT;
    case ERR_PROTOCOL: return -EPROTONOSUPPORT;
    case ERR_SOCKET_TYPE: return -ESOCKTNOSUPPORT;
    case ERR_ADDRESS_FAMILY: return -EAFNOSUPPORT;
    case ERR_ADDRESS_IN_USE: return -EADDRINUSE;
    case ERR_NO_SUCH_ADDRESS: return -EADDRNOTAVAIL;
    case ERR_NET_UNREACHABLE: return -ENETUNREACH;
    case ERR_CONN_ABORTED: return -ECONNABORTED;
    case ERR_CONN_RESET: return -ECONNRESET;
    case ERR_NO_BUFFERS: return -ENOBUFS;
    case ERR_IS_CONNECTED: return -EISCONN;
    case ERR_NOT_CONNECTED: return -ENOTCONN;
    case ERR_CONN_REFUSED: return -ECONNREFUSED;
    case ERR_IN_PROGRESS: return -EINPROGRESS;
    case ERR_ALREADY: return -EALREADY;
    case ERR_TOO_MANY_REFS: return -ETOOMANYREFS;
    case ERR_CONN_TIMEOUT: return -ETIMEDOUT;
    case ERR_HOST_UNREACHABLE: return -EHOSTUNREACH;
    }
    return -EIO;
}
