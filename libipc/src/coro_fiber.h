/* SPDX-License-Identifier: MIT */
/* Tells the address sanitizer of a host build about stack switches. */
#ifndef LIBIPC_SRC_CORO_FIBER_H
#define LIBIPC_SRC_CORO_FIBER_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORO_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CORO_ASAN 1
#endif

#ifdef CORO_ASAN
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size);
#define fiber_leave(save, bottom, size) __sanitizer_start_switch_fiber((save), (bottom), (size))
#define fiber_arrive(save, bottom, size) __sanitizer_finish_switch_fiber((save), (bottom), (size))
#else
#define fiber_leave(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#define fiber_arrive(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#endif

#endif
