/* SPDX-License-Identifier: MIT */
/* See print.h. Formats into a buffer on the stack, then writes it at once. */
#include "kernel/print.h"

#include <stdbool.h>
#include <stdint.h>

#include "arch/riscv/sbi.h"
#include "kernel/lock.h"

static struct spinlock print_lock;

struct out { char text[256]; size_t len; };

static void put(struct out *o, char c)
{
    if (o->len < sizeof(o->text))
        o->text[o->len++] = c;
}

static void put_number(struct out *o, uint64_t v, unsigned base, int width, char pad, bool minus)
{
    char digits[24];
    int n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    if (minus)
        put(o, '-');
    for (int i = n; i < width; i++)
        put(o, pad);
    while (n > 0)
        put(o, digits[--n]);
}

static void format(struct out *o, const char *f, va_list args)
{
    for (; *f != '\0'; f++) {
        if (*f != '%') {
            put(o, *f);
            continue;
        }
        f++;
        char pad = ' ';
        int width = 0;
        bool wide = false;
        if (*f == '0')
            pad = '0', f++;
        while (*f >= '0' && *f <= '9')
            width = width * 10 + (*f++ - '0');
        while (*f == 'l')
            wide = true, f++;
        switch (*f) {
        case 's':
            for (const char *s = va_arg(args, const char *); *s != '\0'; s++)
                put(o, *s);
            break;
        case 'd': {
            long v = wide ? va_arg(args, long) : va_arg(args, int);
            put_number(o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad, v < 0);
            break;
        }
        case 'u': case 'x': {
            uint64_t v = wide ? va_arg(args, unsigned long) : va_arg(args, unsigned);
            put_number(o, v, *f == 'x' ? 16 : 10, width, pad, false);
            break;
        }
        case '\0': return;
        default: put(o, *f); break;
        }
    }
}

void kwrite(const char *text, size_t len)
{
    /* After a panic a lock may never be released: give up waiting. */
    bool held = false;
    for (unsigned tries = 0; !held && tries < 1000000; tries++)
        held = spin_trylock(&print_lock);
    sbi_console_write(text, len);
    if (held)
        spin_unlock(&print_lock);
}

void kvprint(const char *f, va_list args)
{
    struct out o;
    o.len = 0;
    format(&o, f, args);
    kwrite(o.text, o.len);
}

void kprint(const char *f, ...)
{
    va_list args;
    va_start(args, f);
    kvprint(f, args);
    va_end(args);
}
