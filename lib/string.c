/* SPDX-License-Identifier: MIT */
/*
 * memcpy and friends. The hot ones work on aligned 8-byte words, eight per
 * round; misaligned pairs go bytewise, since these cores trap on misaligned
 * access or emulate it. Built without loop-to-call conversion, which would make
 * memcpy call itself.
 */
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef uint64_t __attribute__((may_alias)) word_t;

#define WORD sizeof(word_t)
#define IS_ALIGNED(p) (((uintptr_t)(p) & (WORD - 1)) == 0)

void *(memcpy)(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;

    if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
        while (bytes != 0 && !IS_ALIGNED(d)) {
            *d++ = *s++;
            bytes--;
        }
        word_t *dw = (word_t *)d;
        const word_t *sw = (const word_t *)s;
        for (; bytes >= 8 * WORD; bytes -= 8 * WORD, dw += 8, sw += 8) {
            word_t a = sw[0], b = sw[1], c = sw[2], e = sw[3];
            word_t f = sw[4], g = sw[5], h = sw[6], i = sw[7];
            dw[0] = a, dw[1] = b, dw[2] = c, dw[3] = e;
            dw[4] = f, dw[5] = g, dw[6] = h, dw[7] = i;
        }
        for (; bytes >= WORD; bytes -= WORD)
            *dw++ = *sw++;
        d = (unsigned char *)dw;
        s = (const unsigned char *)sw;
    } else if (bytes >= 4 * WORD) {
        /* Aligned stores, each put together from two aligned loads. */
        while (!IS_ALIGNED(d)) {
            *d++ = *s++;
            bytes--;
        }
        unsigned shift = ((uintptr_t)s & (WORD - 1)) * 8;
        const word_t *sw = (const word_t *)((uintptr_t)s & ~(uintptr_t)(WORD - 1));
        word_t *dw = (word_t *)d;
        word_t low = *sw++;
        /* The last load must not reach past the word that holds the last byte. */
        for (; bytes >= WORD + WORD; bytes -= WORD, s += WORD) {
            word_t high = *sw++;
            *dw++ = low >> shift | high << (64 - shift);
            low = high;
        }
        d = (unsigned char *)dw;
    }
    while (bytes-- != 0)
        *d++ = *s++;
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *d = to;
    const unsigned char *s = from;

    if ((uintptr_t)d - (uintptr_t)s >= bytes)
        return (memcpy)(to, from, bytes);   /* also right when d < s: it goes upwards */
    d += bytes;
    s += bytes;
    if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
        for (; bytes != 0 && !IS_ALIGNED(d); bytes--)
            *--d = *--s;
        for (; bytes >= WORD; bytes -= WORD) {
            d -= WORD;
            s -= WORD;
            *(word_t *)d = *(const word_t *)s;
        }
    }
    while (bytes-- != 0)
        *--d = *--s;
    return to;
}

void *(memset)(void *to, int value, size_t bytes)
{
    unsigned char *d = to;

    while (bytes != 0 && !IS_ALIGNED(d)) {
        *d++ = (unsigned char)value;
        bytes--;
    }
    word_t *dw = (word_t *)d;
    word_t word = (unsigned char)value * 0x0101010101010101ull;
    for (; bytes >= 8 * WORD; bytes -= 8 * WORD, dw += 8) {
        dw[0] = word, dw[1] = word, dw[2] = word, dw[3] = word;
        dw[4] = word, dw[5] = word, dw[6] = word, dw[7] = word;
    }
    for (; bytes >= WORD; bytes -= WORD)
        *dw++ = word;
    d = (unsigned char *)dw;
    while (bytes-- != 0)
        *d++ = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a, *y = b;

    if (IS_ALIGNED(x) && IS_ALIGNED(y)) {
        while (bytes >= WORD && *(const word_t *)x == *(const word_t *)y) {
            x += WORD;
            y += WORD;
            bytes -= WORD;
        }
    }
    for (; bytes != 0; bytes--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *in, int value, size_t bytes)
{
    const unsigned char *p = in;

    for (; bytes != 0; bytes--, p++)
        if (*p == (unsigned char)value)
            return (void *)(uintptr_t)p;
    return NULL;
}

void *memrchr(const void *in, int value, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)in + bytes;

    while (bytes-- != 0)
        if (*--p == (unsigned char)value)
            return (void *)(uintptr_t)p;
    return NULL;
}

size_t strlen(const char *text)
{
    const char *p = text;
    while (*p != 0)
        p++;
    return (size_t)(p - text);
}

size_t strnlen(const char *text, size_t limit)
{
    size_t n = 0;
    while (n < limit && text[n] != 0)
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit != 0; limit--, a++, b++) {
        if (*a != *b)
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        if (*a == 0)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchrnul(const char *text, int c)
{
    while (*text != 0 && *text != (char)c)
        text++;
    return (char *)(uintptr_t)text;
}

char *strchr(const char *text, int c)
{
    char *found = strchrnul(text, c);
    return *found == (char)c ? found : NULL;
}

char *strrchr(const char *text, int c)
{
    return memrchr(text, c, strlen(text) + 1);
}

char *strstr(const char *in, const char *what)
{
    size_t bytes = strlen(what);

    if (bytes == 0)
        return (char *)(uintptr_t)in;
    for (; (in = strchr(in, what[0])) != NULL; in++) {
        if (strncmp(in, what, bytes) == 0)
            return (char *)(uintptr_t)in;
    }
    return NULL;
}

size_t strspn(const char *text, const char *accept)
{
    size_t n = 0;
    while (text[n] != 0 && strchr(accept, text[n]) != NULL)
        n++;
    return n;
}

size_t strcspn(const char *text, const char *reject)
{
    size_t n = 0;
    while (text[n] != 0 && strchr(reject, text[n]) == NULL)
        n++;
    return n;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *strncpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t n = strnlen(from, bytes);
    memcpy(to, from, n);
    memset(to + n, 0, bytes - n);
    return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
    strcpy(to + strlen(to), from);  /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): strcat has no bound */
    return to;
}

size_t strlcpy(char *to, const char *from, size_t bytes)
{
    size_t n = strlen(from);

    if (bytes != 0) {
        size_t fits = n < bytes ? n : bytes - 1;
        memcpy(to, from, fits);
        to[fits] = 0;
    }
    return n;
}

size_t strlcat(char *to, const char *from, size_t bytes)
{
    size_t n = strnlen(to, bytes);
    return n == bytes ? n + strlen(from) : n + strlcpy(to + n, from, bytes - n);
}
