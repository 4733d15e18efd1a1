/* SPDX-License-Identifier: MIT */
/* For internal invariants only; what peers, disks and networks send gets errors. */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

void assert_failed(const char *what, const char *file, int line) __attribute__((noreturn, cold));

#define assert(condition) \
    ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))
#ifndef static_assert
#define static_assert _Static_assert
#endif

#endif
