/* SPDX-License-Identifier: MIT */
/* Numbers from text, sorting, searching. */
#include <stdlib.h>
#include <string.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

/* Sign and magnitude; false when the magnitude does not fit (then it is all ones). */
static bool parse_number(const char *text, char **end, int base, unsigned long *magnitude, bool *negative)
{
    const char *p = text;
    unsigned long value = 0;
    bool any = false, overflow = false;

    while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        p++;
    *negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x' && digit_of(p[2]) < 16) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    for (; digit_of(*p) < base; p++) {
        overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value);
        overflow |= __builtin_add_overflow(value, (unsigned long)digit_of(*p), &value);
        any = true;
    }
    if (end != NULL)
        *end = (char *)(uintptr_t)(any ? p : text);
    *magnitude = overflow ? ~0ul : value;
    return !overflow;
}

unsigned long strtoul(const char *text, char **end, int base)
{
    unsigned long magnitude;
    bool negative;

    if (!parse_number(text, end, base, &magnitude, &negative))
        return ~0ul;
    return negative ? -magnitude : magnitude;
}

long strtol(const char *text, char **end, int base)
{
    unsigned long magnitude;
    bool negative;

    parse_number(text, end, base, &magnitude, &negative);
    if (negative)
        return magnitude > (unsigned long)INT64_MAX ? INT64_MIN : -(long)magnitude;
    return magnitude > (unsigned long)INT64_MAX ? INT64_MAX : (long)magnitude;
}

static void swap(char *a, char *b, size_t bytes)
{
    while (bytes-- != 0) {
        char c = *a;
        *a++ = *b;
        *b++ = c;
    }
}

/* Heapsort: no recursion, no memory, n log n whatever the input. */
void qsort(void *base, size_t nr, size_t bytes, int (*compare)(const void *, const void *))
{
    char *at = base;
    size_t start = nr / 2, end = nr;

    while (end > 1) {
        if (start > 0)
            start--;
        else
            swap(at, at + --end * bytes, bytes);
        for (size_t root = start, child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && compare(at + child * bytes, at + (child + 1) * bytes) < 0)
                child++;
            if (compare(at + root * bytes, at + child * bytes) >= 0)
                break;
            swap(at + root * bytes, at + child * bytes, bytes);
        }
    }
}

void *bsearch(const void *key, const void *base, size_t nr, size_t bytes, int (*compare)(const void *, const void *))
{
    const char *at = base;

    while (nr != 0) {
        const char *middle = at + nr / 2 * bytes;
        int order = compare(key, middle);
        if (order == 0)
            return (void *)(uintptr_t)middle;
        if (order > 0) {
            at = middle + bytes;
            nr--;
        }
        nr /= 2;
    }
    return NULL;
}
