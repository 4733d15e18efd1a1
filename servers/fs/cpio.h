/* SPDX-License-Identifier: MIT */
/*
 * Reader of cpio archives in the "newc" format (cpio(5), "New ASCII Format").
 * Works on any memory: every length is checked against what is left.
 */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include <atoll/errors.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_reader { const uint8_t *data; uint64_t bytes, at; };

struct cpio_member {
    const char *name;               /* NUL-terminated inside the archive        */
    uint32_t name_bytes;            /* without the NUL                          */
    uint32_t ino, mode, uid, gid, nlink, mtime;
    uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
    const uint8_t *data;
    uint64_t bytes;
};

void cpio_open(struct cpio_reader *, const void *data, uint64_t bytes);
/* The next member. ERR_NOT_FOUND at the end (several archives one after the other, with zeros
 * between, are read as one), ERR_BAD_MESSAGE when it is corrupt. */
error_t cpio_next(struct cpio_reader *, struct cpio_member *);

#endif
