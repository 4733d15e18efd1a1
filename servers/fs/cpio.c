/* SPDX-License-Identifier: MIT */
/*
 * cpio "newc" reader: see cpio.h. A header is 110 characters: a magic and 13
 * numbers of 8 hexadecimal digits; name and data are padded to 4 bytes.
 */
#include "cpio.h"

#include <string.h>

#define HEADER_BYTES 110u

void cpio_open(struct cpio_reader *r, const void *data, uint64_t bytes)
{
    *r = (struct cpio_reader){ .data = data, .bytes = bytes };
}

static error_t hex8(const uint8_t *s, uint32_t *out)
{
    uint32_t v = 0;

    for (int i = 0; i < 8; i++) {
        uint8_t c = s[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (uint32_t)(c - 'A' + 10);
        else
            return ERR_BAD_MESSAGE;
    }
    *out = v;
    return 0;
}

static error_t read_header(struct cpio_reader *r, struct cpio_member *m, uint32_t *name_size)
{
    const uint8_t *h = r->data + r->at;
    uint32_t f[13];

    if (r->bytes - r->at < HEADER_BYTES || (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0))
        return ERR_BAD_MESSAGE;
    for (int i = 0; i < 13; i++)
        if (hex8(h + 6 + i * 8, &f[i]))
            return ERR_BAD_MESSAGE;
    *m = (struct cpio_member){ .ino = f[0], .mode = f[1], .uid = f[2], .gid = f[3], .nlink = f[4], .mtime = f[5],
                               .bytes = f[6], .dev_major = f[7], .dev_minor = f[8], .rdev_major = f[9],
                               .rdev_minor = f[10] };
    *name_size = f[11];
    return 0;
}

static uint64_t aligned(uint64_t n)
{
    return (n + 3) & ~3ul;
}

error_t cpio_next(struct cpio_reader *r, struct cpio_member *m)
{
    uint32_t name_size;
    uint64_t left;
    error_t e;

    for (;;) {
        while (r->at < r->bytes && r->data[r->at] == 0)
            r->at++;
        if (r->at == r->bytes)
            return ERR_NOT_FOUND;
        e = read_header(r, m, &name_size);
        if (e)
            return e;
        left = r->bytes - r->at - HEADER_BYTES;
        if (!name_size || name_size > 4096 || name_size > left)
            return ERR_BAD_MESSAGE;
        m->name = (const char *)r->data + r->at + HEADER_BYTES;
        if (m->name[name_size - 1] || memchr(m->name, 0, name_size - 1))
            return ERR_BAD_MESSAGE;
        m->name_bytes = name_size - 1;
        r->at = aligned(r->at + HEADER_BYTES + name_size);
        if (r->at > r->bytes || m->bytes > r->bytes - r->at) {
            if (r->at > r->bytes && !m->bytes)
                r->at = r->bytes;   /* padding of the last one may be missing */
            else
                return ERR_BAD_MESSAGE;
        }
        m->data = r->data + r->at;
        r->at = aligned(r->at + m->bytes) < r->bytes ? aligned(r->at + m->bytes) : r->bytes;
        if (strcmp(m->name, "TRAILER!!!") != 0)
            return 0;
    }
}
