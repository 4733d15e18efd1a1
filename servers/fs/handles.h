/* SPDX-License-Identifier: MIT */
/*
 * The lookup of `handle<file, ...>` (idl/interfaces/fs.idl). Included by the generated dispatch alone, which it is
 * compiled into: so a request looks its descriptor up once, without a call, and its handler gets the struct file
 * (handle_file) and finds the process with request_process.
 *
 * The file is borrowed from the descriptor, as anywhere in a handler: one that may suspend, or that parks the request,
 * takes a reference. When a handler is run again on a coroutine, the descriptor is looked up again.
 */
#ifndef FS_HANDLES_H
#define FS_HANDLES_H

#include "process.h"

/* ERR_BAD_HANDLE: not open, or without one of `rights`. ERR_PEER_CLOSED. `rights` are constants of the method. */
inline __attribute__((always_inline)) error_t fs_lookup_file(struct rpc_call *call, uint32_t handle, uint32_t rights,
                                                             struct fs_file **out)
{
    const struct fd_table *t = request_process(call)->files;
    struct file *f;

    if (!t)
        return ERR_PEER_CLOSED;
    f = handle < t->size ? t->entry[handle].file : NULL;
    if (!f || (rights && (f->flags & O_PATH)))
        return ERR_BAD_HANDLE;
    if (((rights & FS_FILE_READ) && (f->flags & O_ACCMODE) == O_WRONLY) ||
        ((rights & FS_FILE_WRITE) && (f->flags & O_ACCMODE) == O_RDONLY))
        return ERR_BAD_HANDLE;
    *out = (struct fs_file *)f;
    return 0;
}

#endif
