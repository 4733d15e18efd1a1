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
void __asan_unpoison_memory_region(const volatile void *, size_t);
#define fiber_fresh(stack, size) __asan_unpoison_memory_region((stack), (size))
#define NO_ASAN __attribute__((no_sanitize_address))
#define fiber_leave(save, bottom, size) __sanitizer_start_switch_fiber((save), (bottom), (size))
#define fiber_arrive(save, bottom, size) __sanitizer_finish_switch_fiber((save), (bottom), (size))
#else
#define fiber_fresh(stack, size) ((void)0)
#define NO_ASAN
#define fiber_leave(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#define fiber_arrive(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#endif

#endif
