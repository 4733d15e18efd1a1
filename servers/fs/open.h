/* SPDX-License-Identifier: MIT */
/* Opening by path and by inode. */
#ifndef FS_OPEN_H
#define FS_OPEN_H

#include "file.h"
#include "vfs.h"

extern const struct file_ops path_file_ops;     /* O_PATH: a place, no operations */

/* open(2) without the descriptor. With ERR_WOULD_BLOCK *out is set too (file_ops.open_wait). */
error_t vfs_open(struct process *, int32_t dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out);
/* at->dentry NULL: an inode without a name; at->mnt NULL: and of no mount. */
error_t vfs_open_inode(struct process *, struct inode *, const struct path *at, uint32_t flags, struct file **out);
error_t memfd_new(const char *name, uint32_t flags, struct file **out);

#endif
