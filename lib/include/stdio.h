/* SPDX-License-Identifier: MIT */
/*
 * Formatted output to memory and to whatever writer the program set (a server:
 * the kernel's console). Conversions: %d %i %u %x %X %o %c %s %p %%, with
 * flags - 0 + # space, width, precision (both also *), and hh h l ll z t j.
 * No floating point.
 */
#ifndef LIB_STDIO_H
#define LIB_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

int vsnprintf(char *text, size_t bytes, const char *format, va_list) PRINTF_LIKE(3, 0);
int snprintf(char *text, size_t bytes, const char *format, ...) PRINTF_LIKE(3, 4);
/* Lines of up to 512 bytes reach the writer in one call. */
int vprintf(const char *format, va_list) PRINTF_LIKE(1, 0);
int printf(const char *format, ...) PRINTF_LIKE(1, 2);
int puts(const char *);

/* Where printf goes; NULL (at first) drops it. The name is what panic says. */
void stdio_set_writer(void (*writer)(const char *text, size_t bytes));
void stdio_set_name(const char *name);

#endif
