/* SPDX-License-Identifier: MIT */
/* Filling the root file system from cpio archives. */
#ifndef FS_UNPACK_H
#define FS_UNPACK_H

#include <atoll/errors.h>
#include <stdint.h>

/* Unpack one archive over the root. Later members replace earlier ones, directories merge. What was
 * unpacked before an error stays. */
error_t unpack_archive(const void *data, uint64_t bytes);
/* The boot archive: unpack its members rootfs.cpio and overlay-*.cpio in order, and offer
 * exec/command as /run/atoll/command. */
error_t unpack_boot_archive(const void *data, uint64_t bytes);

#endif
