/* SPDX-License-Identifier: MIT */
/* Memory and string helpers of the kernel (the compiler calls the first three). */
#ifndef ATOLL_KERNEL_STRING_H
#define ATOLL_KERNEL_STRING_H

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);

#endif
