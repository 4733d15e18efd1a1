/* SPDX-License-Identifier: MIT */
/*
 * The "newc" format of cpio (SVR4 portable, no checksum): a header of magic
 * 070701 and thirteen 8-digit hexadecimal fields, the name with its NUL padded
 * so that header and name are a multiple of four, then the data padded alike.
 * A member TRAILER!!! ends one archive; padding zeros may follow, and then the
 * next archive.
 */
#include "archive.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_BYTES 110

enum { FIELD_MTIME = 5, FIELD_FILESIZE = 6, FIELD_NAMESIZE = 11 };

struct member {
    const char *name;
    size_t name_bytes;              /* with its NUL                             */
    struct archive_member content;
    long mtime_s;
};

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static long field(const uint8_t *header, unsigned index)
{
    const uint8_t *p = header + 6 + 8 * index;
    long value = 0;

    for (unsigned i = 0; i < 8; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t align4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* The member at or after *at, which then lies behind it; false: no more. */
static bool next(const uint8_t *archive, size_t bytes, size_t *at, struct member *m)
{
    const uint8_t *header;
    size_t left, head;
    long size, name_bytes;

    while (*at < bytes && archive[*at] == 0)
        *at += 4 - *at % 4;
    if (*at >= bytes)
        return false;
    header = archive + *at;
    left = bytes - *at;
    if (left < HEADER_BYTES || memcmp(header, "070701", 6) != 0)
        return false;
    size = field(header, FIELD_FILESIZE);
    name_bytes = field(header, FIELD_NAMESIZE);
    if (size < 0 || name_bytes <= 0 || (size_t)name_bytes > left - HEADER_BYTES)
        return false;
    head = align4(HEADER_BYTES + (size_t)name_bytes);
    if (head > left || (size_t)size > left - head)
        return false;
    *m = (struct member){ (const char *)header + HEADER_BYTES, (size_t)name_bytes, { header + head, (size_t)size },
                          field(header, FIELD_MTIME) };
    *at += head + align4((size_t)size);
    return true;
}

struct archive_member archive_find(const uint8_t *archive, size_t bytes, const char *name)
{
    struct archive_member found = { 0 };
    size_t at = 0, want = strlen(name) + 1;
    struct member m;

    while (next(archive, bytes, &at, &m))
        if (m.name_bytes == want && memcmp(m.name, name, want) == 0)
            found = m.content;
    return found;
}

int64_t archive_newest(const uint8_t *archive, size_t bytes)
{
    int64_t newest = 0;
    size_t at = 0;
    struct member m;

    while (next(archive, bytes, &at, &m))
        if (m.mtime_s > newest)
            newest = m.mtime_s;
    return newest;
}
