/* SPDX-License-Identifier: MIT */
/* Formatted output to the kernel's console: %s %%, and %d %u %x with width,
 * 0-padding and l. Output of two harts does not mix within one call. */
#ifndef ATOLL_KERNEL_PRINT_H
#define ATOLL_KERNEL_PRINT_H

#include <stdarg.h>
#include <stddef.h>

void kprint(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kvprint(const char *format, va_list args);
void kwrite(const char *text, size_t len);

#endif
