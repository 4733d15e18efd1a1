/* SPDX-License-Identifier: MIT */
/* build: include: microkernel/abi */
/* string.c, printf.c and stdlib.c against the host's C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIB(name) lib_##name
#define memcpy LIB(memcpy)
#define memmove LIB(memmove)
#define memset LIB(memset)
#define memcmp LIB(memcmp)
#define memchr LIB(memchr)
#define memrchr LIB(memrchr)
#define strlen LIB(strlen)
#define strnlen LIB(strnlen)
#define strcmp LIB(strcmp)
#define strncmp LIB(strncmp)
#define strchr LIB(strchr)
#define strrchr LIB(strrchr)
#define strchrnul LIB(strchrnul)
#define strstr LIB(strstr)
#define strspn LIB(strspn)
#define strcspn LIB(strcspn)
#define strcpy LIB(strcpy)
#define strncpy LIB(strncpy)
#define strcat LIB(strcat)
#define strlcpy LIB(strlcpy)
#define strlcat LIB(strlcat)
#define strdup LIB(strdup)
#define strndup LIB(strndup)
#define vsnprintf LIB(vsnprintf)
#define snprintf LIB(snprintf)
#define strtoul LIB(strtoul)
#define strtol LIB(strtol)
#define qsort LIB(qsort)
#define bsearch LIB(bsearch)
#include "../../../lib/include/string.h"
#undef PRINTF_LIKE
int vsnprintf(char *text, size_t bytes, const char *format, va_list);
int snprintf(char *text, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));
unsigned long strtoul(const char *text, char **end, int base);
long strtol(const char *text, char **end, int base);
void qsort(void *base, size_t nr, size_t bytes, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t nr, size_t bytes, int (*compare)(const void *, const void *));
/* These read whole aligned words, which may hold bytes beyond the object. */
#pragma GCC push_options
#include "../../../lib/string.c"
#include "../../../lib/printf.c"
#include "../../../lib/stdlib.c"
#pragma GCC pop_options

static void copies_are_exact_at_every_alignment(void **state)
{
    (void)state;
    uint8_t from[400], to[400], want[400];
    for (unsigned i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i * 7 + 1);
    for (unsigned s = 8; s < 17; s++) {
        for (unsigned d = 8; d < 17; d++) {
            for (unsigned bytes = 0; bytes < 300; bytes++) {
                for (unsigned i = 0; i < sizeof to; i++)
                    to[i] = want[i] = 0xee;
                for (unsigned i = 0; i < bytes; i++)
                    want[d + i] = from[s + i];
                assert_ptr_equal(memcpy(to + d, from + s, bytes), to + d);
                assert_memory_equal(to, want, sizeof to);
            }
        }
    }
}

static void overlapping_moves_are_exact(void **state)
{
    (void)state;
    uint8_t a[300], want[300];
    for (unsigned s = 0; s < 40; s++) {
        for (unsigned d = 0; d < 40; d++) {
            for (unsigned bytes = 0; bytes < 200; bytes += 1 + bytes / 20) {
                for (unsigned i = 0; i < sizeof a; i++)
                    a[i] = want[i] = (uint8_t)(i * 3);
                for (unsigned i = 0; i < bytes; i++)
                    want[d + i] = (uint8_t)((s + i) * 3);
                memmove(a + d, a + s, bytes);
                assert_memory_equal(a, want, sizeof a);
            }
        }
    }
}

static void memset_and_memcmp(void **state)
{
    (void)state;
    uint8_t a[200], b[200];
    for (unsigned at = 0; at < 10; at++) {
        for (unsigned bytes = 0; bytes < 150; bytes++) {
            for (unsigned i = 0; i < sizeof a; i++)
                a[i] = b[i] = 1;
            memset(a + at, 0xc3, bytes);
            for (unsigned i = 0; i < bytes; i++)
                b[at + i] = 0xc3;
            assert_int_equal(memcmp(a, b, sizeof a), 0);
            b[at + bytes]++;
            assert_true(memcmp(a, b, sizeof a) < 0);
            assert_true(memcmp(b, a, sizeof a) > 0);
        }
    }
}

static void strings(void **state)
{
    (void)state;
    char text[20];
    assert_int_equal(strlen(""), 0);
    assert_int_equal(strnlen("abc", 2), 2);
    assert_int_equal(strcmp("a", "a"), 0);
    assert_true(strcmp("a", "b") < 0 && strcmp("ab", "a") > 0 && strcmp("\xff", "a") > 0);
    assert_int_equal(strncmp("abc", "abd", 2), 0);
    assert_string_equal(strchr("hello", 'l'), "llo");
    assert_string_equal(strchr("hello", 0), "");
    assert_null(strchr("hello", 'x'));
    assert_string_equal(strrchr("hello", 'l'), "lo");
    assert_string_equal(strstr("abababc", "abc"), "abc");
    assert_string_equal(strstr("abc", ""), "abc");
    assert_null(strstr("abc", "cd"));
    assert_int_equal(strspn("aabc", "ab"), 3);
    assert_int_equal(strcspn("aabc", "cb"), 2);
    assert_int_equal(strlcpy(text, "0123456789", 5), 10);
    assert_string_equal(text, "0123");
    assert_int_equal(strlcat(text, "abcdef", 8), 10);
    assert_string_equal(text, "0123abc");
    assert_int_equal(strlcat(text, "x", 3), 4);
    strncpy(text, "ab", 6);
    assert_memory_equal(text, "ab\0\0\0\0", 6);
    assert_ptr_equal(memchr("abc", 'd', 3), NULL);
}

#define SAME(...)                                                               \
    do {                                                                        \
        char ours[120], theirs[120];                                            \
        int a = snprintf(ours, sizeof ours, __VA_ARGS__);                       \
        int b = (snprintf)(ours, 0, __VA_ARGS__);                               \
        int c = sprintf(theirs, __VA_ARGS__);                                   \
        assert_string_equal(ours, theirs);                                      \
        assert_int_equal(a, c);                                                 \
        assert_int_equal(b, c);                                                 \
    } while (0)

static void formats_as_the_host_does(void **state)
{
    (void)state;
    SAME("plain %% text");
    SAME("%d %i %u", -5, INT_MIN, UINT_MAX);
    SAME("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, 42, 42, 42);
    SAME("[%.3d] [%8.3d] [%-8.3d] [%.0d]", 7, 7, -7, 0);
    SAME("%x %X %#x %#X %o %#o %#x", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 8, 8, 0);
    SAME("%ld %lu %llx %zu %td", LONG_MIN, ULONG_MAX, 1ull << 63, (size_t)9, (ptrdiff_t)-9);
    /* cppcheck-suppress [invalidPrintfArgType_sint, invalidPrintfArgType_uint] ; cut to the size that the letter names */
    SAME("%hhd %hd %hhu %hu", 300, 70000, 300, 70000);
    SAME("[%s] [%10s] [%-10s] [%.2s] [%*.*s]", "abc", "abc", "abc", "abc", 6, 1, "abc");
    SAME("%c%c[%3c]", 'x', 'y', 'z');
    SAME("%016lx|%-20lu|", 0x1234ul, 5ul);
    SAME("[%*d] [%-*d]", -6, 1, 6, 2);
    char small[5];
    assert_int_equal(snprintf(small, sizeof small, "%s", "truncated"), 9);
    assert_string_equal(small, "trun");
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static void sorting_and_searching(void **state)
{
    (void)state;
    int a[200];
    for (unsigned nr = 0; nr < 200; nr++) {
        for (unsigned i = 0; i < nr; i++)
            a[i] = (int)(i * 7919 % 101);
        qsort(a, nr, sizeof *a, by_value);
        for (unsigned i = 1; i < nr; i++)
            assert_true(a[i - 1] <= a[i]);
        int missing = 1000, there = nr != 0 ? a[nr / 2] : 0;
        assert_null(bsearch(&missing, a, nr, sizeof *a, by_value));
        if (nr != 0)
            assert_int_equal(*(int *)bsearch(&there, a, nr, sizeof *a, by_value), there);
    }
}

static void numbers_from_text(void **state)
{
    (void)state;
    char *end;
    assert_int_equal(strtoul(" 0x1fZ", &end, 0), 31);
    assert_string_equal(end, "Z");
    assert_int_equal(strtoul("017", NULL, 0), 15);
    assert_int_equal(strtoul("zz", NULL, 36), 35 * 36 + 35);
    assert_int_equal(strtoul("99999999999999999999", NULL, 10), ULONG_MAX);
    assert_int_equal(strtol("-12", &end, 10), -12);
    assert_int_equal(strtol("-9223372036854775808", NULL, 10), LONG_MIN);
    assert_int_equal(strtol("-99999999999999999999", NULL, 10), LONG_MIN);
    assert_int_equal(strtol("-18446744073709551615", NULL, 10), LONG_MIN);
    assert_int_equal(strtol("9223372036854775808", NULL, 10), LONG_MAX);
    assert_int_equal(strtol("-1", NULL, 10), -1);
    strtol("0xg", &end, 16);
    assert_string_equal(end, "xg");
    strtol("abc", &end, 10);
    assert_string_equal(end, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_exact_at_every_alignment), cmocka_unit_test(overlapping_moves_are_exact),
        cmocka_unit_test(memset_and_memcmp), cmocka_unit_test(strings), cmocka_unit_test(formats_as_the_host_does),
        cmocka_unit_test(sorting_and_searching), cmocka_unit_test(numbers_from_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
