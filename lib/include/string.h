/* SPDX-License-Identifier: MIT */
/* The C functions on memory and strings, freestanding (ISO C11, 7.24, and the
 * usual additions). */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

void  *(memcpy)(void *restrict to, const void *restrict from, size_t bytes);
/* Freestanding, the compiler does not take the names for what they are: with these
 * a copy or comparison of a few bytes is in line. */
#ifndef memcpy                      /* a test of this library has names of its own */
#define memcpy(to, from, bytes)    __builtin_memcpy((to), (from), (bytes))
#define memset(to, value, bytes)   __builtin_memset((to), (value), (bytes))
#endif
void  *memmove(void *to, const void *from, size_t bytes);
void  *(memset)(void *to, int value, size_t bytes);
int    memcmp(const void *a, const void *b, size_t bytes);
void  *memchr(const void *in, int value, size_t bytes);
void  *memrchr(const void *in, int value, size_t bytes);
size_t strlen(const char *);
size_t strnlen(const char *, size_t limit);
int    strcmp(const char *a, const char *b);
int    strncmp(const char *a, const char *b, size_t limit);
char  *strchr(const char *, int c);
char  *strrchr(const char *, int c);
char  *strchrnul(const char *, int c);
char  *strstr(const char *in, const char *what);
size_t strspn(const char *, const char *accept);
size_t strcspn(const char *, const char *reject);
char  *strcpy(char *restrict to, const char *restrict from);
char  *strncpy(char *restrict to, const char *restrict from, size_t bytes);
char  *strcat(char *restrict to, const char *restrict from);
/* Copy and append with truncation; `bytes` is the whole buffer's size. They
 * return the length that they tried to make. */
size_t strlcpy(char *to, const char *from, size_t bytes);
size_t strlcat(char *to, const char *from, size_t bytes);
/* On the heap (stdlib.h). */
char  *strdup(const char *);
char  *strndup(const char *, size_t limit);

#endif
