/* SPDX-License-Identifier: MIT */
/* See string.h. */
#include "kernel/string.h"

#include <stdint.h>

#include "kernel/usercopy.h"

typedef uint64_t __attribute__((may_alias)) word_t;

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    bytes_copy(dst, src, n);
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    unsigned char *d = dst;
    uint64_t w = (unsigned char)byte * 0x0101010101010101ul;

    for (; n > 0 && ((uintptr_t)d & 7) != 0; n--)
        *d++ = (unsigned char)byte;
    for (; n >= 64; n -= 64, d += 64) {
        word_t *p = (word_t *)d;
        p[0] = w; p[1] = w; p[2] = w; p[3] = w;
        p[4] = w; p[5] = w; p[6] = w; p[7] = w;
    }
    for (; n >= 8; n -= 8, d += 8)
        *(word_t *)d = w;
    while (n-- > 0)
        *d++ = (unsigned char)byte;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0')
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        if (*a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        if (*a == '\0')
            return 0;
    }
    return 0;
}
