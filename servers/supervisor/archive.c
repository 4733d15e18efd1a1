/* SPDX-License-Identifier: MIT */
/*
 * The "newc" format of cpio (SVR4 portable, no checksum): a header of magic
 * 070701 and thirteen 8-digit hexadecimal fields, the name with its NUL padded
 * so that header and name are a multiple of four, then the data padded alike.
 * A member TRAILER!!! ends one archive; padding zeros may follow, and then the
 * next archive.
 */
#include "archive.h"

#include <string.h>

#define HEADER_BYTES 110

enum { FIELD_FILESIZE = 6, FIELD_NAMESIZE = 11 };

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

struct archive_member archive_find(const uint8_t *archive, size_t bytes, const char *name)
{
    struct archive_member found = { 0 };
    size_t at = 0, want = strlen(name) + 1;

    while (at < bytes) {
        const uint8_t *header = archive + at;
        size_t left = bytes - at, head;
        long size, name_bytes;

        if (*header == 0) {
            at += 4 - at % 4;
            continue;
        }
        if (left < HEADER_BYTES || memcmp(header, "070701", 6) != 0)
            break;
        size = field(header, FIELD_FILESIZE);
        name_bytes = field(header, FIELD_NAMESIZE);
        if (size < 0 || name_bytes <= 0 || (size_t)name_bytes > left - HEADER_BYTES)
            break;
        head = align4(HEADER_BYTES + (size_t)name_bytes);
        if (head > left || (size_t)size > left - head)
            break;
        if ((size_t)name_bytes == want && memcmp(header + HEADER_BYTES, name, want) == 0)
            found = (struct archive_member){ header + head, (size_t)size };
        at += head + align4((size_t)size);
    }
    return found;
}
