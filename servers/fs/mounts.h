/* SPDX-License-Identifier: MIT */
/* File system types and their registration. */
#ifndef FS_MOUNTS_H
#define FS_MOUNTS_H

#include "vfs.h"

void vfs_register_type(const struct fs_type *);
/* i-th registered; NULL past the end. */
const struct fs_type *vfs_type_at(unsigned i);

#endif
