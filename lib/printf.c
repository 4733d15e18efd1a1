/* SPDX-License-Identifier: MIT */
/* Formatted output; stdio.h has the conversions. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sink {
    char *text;
    size_t bytes;   /* room, with the final NUL */
    size_t length;  /* what it would take, without */
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width, precision;   /* precision -1: none */
    char length;            /* 'H' for hh, 'h', 'l' (also ll, z, t, j), 0 */
};

static void put(struct sink *sink, char c)
{
    if (sink->length + 1 < sink->bytes)
        sink->text[sink->length] = c;
    sink->length++;
}

static void put_times(struct sink *sink, char c, int times)
{
    while (times-- > 0)
        put(sink, c);
}

static void put_padded(struct sink *sink, const struct spec *spec, const char *text, int length)
{
    if (!spec->left)
        put_times(sink, ' ', spec->width - length);
    for (int i = 0; i < length; i++)
        put(sink, text[i]);
    if (spec->left)
        put_times(sink, ' ', spec->width - length);
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value, unsigned base, bool upper,
                       const char *prefix)
{
    char digits[24];
    int length = 0;

    if (value == 0 && spec->precision != 0)
        digits[length++] = '0';
    for (; value != 0; value /= base)
        digits[length++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];

    int zeros = spec->precision > length ? spec->precision - length : 0;
    int all = (int)strlen(prefix) + zeros + length;
    if (spec->zero && !spec->left && spec->precision < 0 && spec->width > all) {
        zeros = spec->width - all;
        all = spec->width;
    }
    if (!spec->left)
        put_times(sink, ' ', spec->width - all);
    while (*prefix != 0)
        put(sink, *prefix++);
    put_times(sink, '0', zeros);
    while (length-- > 0)
        put(sink, digits[length]);
    if (spec->left)
        put_times(sink, ' ', spec->width - all);
}

/* A number or '*'; returns behind it. */
static const char *take_number(const char *p, int *number, va_list *args)
{
    *number = 0;
    if (*p == '*') {
        *number = va_arg(*args, int);
        return p + 1;
    }
    while (*p >= '0' && *p <= '9')
        *number = *number * 10 + (*p++ - '0');
    return p;
}

static const char *take_spec(const char *p, struct spec *spec, va_list *args)
{
    *spec = (struct spec){ .precision = -1 };
    for (;; p++) {
        if (*p == '-')
            spec->left = true;
        else if (*p == '0')
            spec->zero = true;
        else if (*p == '+')
            spec->plus = true;
        else if (*p == ' ')
            spec->space = true;
        else if (*p == '#')
            spec->alternate = true;
        else
            break;
    }
    p = take_number(p, &spec->width, args);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    if (*p == '.')
        p = take_number(p + 1, &spec->precision, args);
    for (; *p == 'h' || *p == 'l' || *p == 'z' || *p == 't' || *p == 'j'; p++)
        spec->length = *p == 'h' ? (spec->length == 'h' ? 'H' : 'h') : 'l';
    return p;
}

static int64_t take_signed(const struct spec *spec, va_list *args)
{
    if (spec->length == 'l')
        return va_arg(*args, long);
    int value = va_arg(*args, int);
    return spec->length == 'H' ? (signed char)value : spec->length == 'h' ? (short)value : value;
}

static uint64_t take_unsigned(const struct spec *spec, va_list *args)
{
    if (spec->length == 'l')
        return va_arg(*args, unsigned long);
    unsigned value = va_arg(*args, unsigned);
    return spec->length == 'H' ? (unsigned char)value : spec->length == 'h' ? (unsigned short)value : value;
}

static void put_conversion(struct sink *sink, const struct spec *spec, char conversion, va_list *args)
{
    switch (conversion) {
    case 'd':
    case 'i': {
        int64_t value = take_signed(spec, args);
        const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
        put_number(sink, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, false, sign);
        break;
    }
    case 'u':
        put_number(sink, spec, take_unsigned(spec, args), 10, false, "");
        break;
    case 'o':
        put_number(sink, spec, take_unsigned(spec, args), 8, false, spec->alternate ? "0" : "");
        break;
    case 'x':
    case 'X': {
        uint64_t value = take_unsigned(spec, args);
        const char *prefix = !spec->alternate || value == 0 ? "" : conversion == 'x' ? "0x" : "0X";
        put_number(sink, spec, value, 16, conversion == 'X', prefix);
        break;
    }
    case 'p':
        put_number(sink, spec, (uint64_t)(uintptr_t)va_arg(*args, void *), 16, false, "0x");
        break;
    case 'c': {
        char c = (char)va_arg(*args, int);
        put_padded(sink, spec, &c, 1);
        break;
    }
    case 's': {
        const char *text = va_arg(*args, const char *);
        if (text == NULL)
            text = "(null)";
        size_t limit = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision;
        put_padded(sink, spec, text, (int)strnlen(text, limit));
        break;
    }
    default:    /* unknown: show it as it stands */
        put(sink, '%');
        put(sink, conversion);
        break;
    }
}

int vsnprintf(char *text, size_t bytes, const char *format, va_list arguments)
{
    struct sink sink = { text, bytes, 0 };
    va_list args;

    va_copy(args, arguments);
    for (const char *p = format; *p != 0; p++) {
        if (*p != '%') {
            put(&sink, *p);
            continue;
        }
        if (*++p == '%') {
            put(&sink, '%');
            continue;
        }
        struct spec spec;
        p = take_spec(p, &spec, &args);
        if (*p == 0)
            break;
        put_conversion(&sink, &spec, *p, &args);
    }
    va_end(args);
    if (bytes != 0)
        text[sink.length < bytes ? sink.length : bytes - 1] = 0;
    return (int)sink.length;
}

int snprintf(char *text, size_t bytes, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, bytes, format, args);
    va_end(args);
    return length;
}
