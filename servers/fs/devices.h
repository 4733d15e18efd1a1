/* SPDX-License-Identifier: MIT */
/* The memory devices: null, zero, full, random, urandom. */
#ifndef FS_DEVICES_H
#define FS_DEVICES_H

#include "file.h"

/* Registers the drivers; before any file system is mounted. */
void devices_init(void);
/* Registers devtmpfs and devpts and mounts them on /dev and /dev/pts, which are made if missing. */
error_t devfs_init(void);

#endif
