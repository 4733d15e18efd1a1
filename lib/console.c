/* SPDX-License-Identifier: MIT */
/* printf, assert and panic over the program's writer. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 512

static void (*write_text)(const char *text, size_t bytes);
static const char *program_name = "";

void stdio_set_writer(void (*writer)(const char *text, size_t bytes))
{
    write_text = writer;
}

void stdio_set_name(const char *name)
{
    program_name = name;
}

int vprintf(const char *format, va_list args)
{
    char line[LINE_BYTES];
    int length = vsnprintf(line, sizeof line, format, args);

    if (write_text != NULL)
        write_text(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    return length;
}

int printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vprintf(format, args);
    va_end(args);
    return length;
}

int puts(const char *text)
{
    return printf("%s\n", text);
}

void abort(void)
{
    for (;;)
        __builtin_trap();
}

void panic(const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("%s: panic: %s\n", program_name, text);
    abort();
}

void assert_failed(const char *what, const char *file, int line)
{
    panic("%s:%d: assertion failed: %s", file, line, what);
}
