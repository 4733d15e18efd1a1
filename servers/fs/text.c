/* SPDX-License-Identifier: MIT */
/* Growing texts: see text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *bytes, size_t len)
{
    if (len == 0)
        return;
    if (t->room - t->len < len) {
        size_t room = t->room ? t->room * 2 : 512;
        char *data;

        while (room - t->len < len)
            room *= 2;
        data = realloc(t->data, room);
        if (!data) {
            t->failed = true;
            return;
        }
        t->data = data;
        t->room = room;
    }
    memcpy(t->data + t->len, bytes, len);
    t->len += len;
}

void text_printf(struct text *t, const char *format, ...)
{
    char line[512];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > 0)
        text_add(t, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void text_escaped(struct text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
            text_printf(t, "\\%03o", (unsigned char)*s);
        else
            text_add(t, s, 1);
    }
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){ 0 };
}
