/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: names are the dentry tree, contents are Segments. devfs and memfd use
 * its inodes too.
 */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "dcache.h"
#include "file.h"

extern const struct fs_type tmpfs_type;
extern const struct inode_ops tmpfs_inode_ops;
extern const struct file_ops tmpfs_file_ops, dir_file_ops;

/* A new inode of any type; owner root, not linked anywhere. NULL: no memory or inodes. */
struct inode *tmpfs_inode(struct superblock *, uint32_t mode, uint64_t rdev);
/* The whole content, for unpacking: an empty file gets these bytes. */
error_t tmpfs_fill(struct inode *, const void *data, uint64_t bytes);
error_t tmpfs_truncate(struct inode *, uint64_t length);
/* Make the root directory of a superblock in memory. */
error_t tmpfs_mount_root(struct superblock *, uint32_t mode, const struct inode_ops *);
void tmpfs_set_limits(struct superblock *);
/* getdents over the dentry tree; directories of every kind that keeps its children there. */
error_t dir_getdents(struct file *, struct io *);
/* One linux_dirent64; false when it does not fit what is left of io. *error: of the copy. */
bool dirent_put(struct io *, uint64_t ino, uint64_t next, uint32_t mode, const char *name, size_t len, error_t *error);
error_t seek_generic(struct file *, int64_t offset, uint32_t whence, uint64_t size, uint64_t *position);
struct superblock *anon_superblock(void);       /* memfd and O_TMPFILE-less inodes */

#endif
