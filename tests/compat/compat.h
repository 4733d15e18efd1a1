/* SPDX-License-Identifier: MIT */
/*
 * The few macros of a compat test: an ordinary Linux program that passes on
 * Linux and must pass here. A test is a function; CHECK ends it at the first
 * failure; main runs the table and exits 0 when all passed. Output is TAP.
 */
#ifndef COMPAT_H
#define COMPAT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct compat_test { const char *name; int (*fn)(void); };

#define CHECK(cond)                                                         \
    do {                                                                    \
        if (!(cond)) {                                                      \
            printf("# %s:%d: %s failed, errno %d (%s)\n", __FILE__,         \
                   __LINE__, #cond, errno, strerror(errno));                \
            return 1;                                                       \
        }                                                                   \
    } while (0)

/* The call must fail with exactly this errno. */
#define CHECK_ERRNO(call, err)                                              \
    do {                                                                    \
        errno = 0;                                                          \
        long r_ = (long)(call);                                             \
        if (r_ != -1 || errno != (err)) {                                   \
            printf("# %s:%d: %s gave %ld, errno %d (%s), wanted %s\n",      \
                   __FILE__, __LINE__, #call, r_, errno, strerror(errno),   \
                   #err);                                                   \
            return 1;                                                       \
        }                                                                   \
    } while (0)

static inline int compat_main(const struct compat_test *tests, int nr, int argc, char **argv)
{
    int failed = 0, run = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < nr; i++) {
        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        run++;
        int bad = tests[i].fn();
        printf("%s %d - %s\n", bad ? "not ok" : "ok", run, tests[i].name);
        failed += bad != 0;
    }
    printf("1..%d\n", run);
    return failed != 0;
}
#define COMPAT_MAIN(...)                                                    \
    int main(int argc, char **argv)                                         \
    {                                                                       \
        static const struct compat_test tests[] = { __VA_ARGS__ };          \
        return compat_main(tests, (int)(sizeof tests / sizeof tests[0]),    \
                           argc, argv);                                     \
    }
#define T(fn) { #fn, fn }

#endif
