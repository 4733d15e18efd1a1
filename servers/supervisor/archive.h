/* SPDX-License-Identifier: MIT */
/* Looking through the boot archive (cpio, "newc" format, several joined). */
#ifndef SUPERVISOR_ARCHIVE_H
#define SUPERVISOR_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

struct archive_member {
    const uint8_t *data;
    size_t bytes;
};

/* The last member of this name; data is NULL when there is none. A damaged
 * archive ends the search at the damage. */
struct archive_member archive_find(const uint8_t *archive, size_t bytes, const char *name);
/* The newest time stamp of a member (not of what is packed in it): seconds since 1970, 0 when none has one. */
int64_t archive_newest(const uint8_t *archive, size_t bytes);

#endif
