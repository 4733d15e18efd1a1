/* SPDX-License-Identifier: MIT */
/*
 * Memory order for words shared between harts and address spaces.
 *
 * full_fence orders earlier stores before later loads, which neither release
 * nor acquire does; the sleep protocol of docs/rings.md rests on it.
 */
#ifndef LIBIPC_ATOMIC_H
#define LIBIPC_ATOMIC_H

#include <stddef.h>
#include <stdint.h>

#define load_relaxed(p)       __atomic_load_n((p), __ATOMIC_RELAXED)
#if defined(__riscv)
/* The compiler's own are stronger than needed: full fences, and an AMO for every
 * store. An aligned store of up to 8 bytes is single-copy atomic (RVWMO). */
#define store_relaxed(p, v)   ((void)(*(volatile __typeof__(*(p)) *)(p) = (v)))
#define load_acquire(p)                                                 \
    __extension__({                                                     \
        __typeof__(*(p)) acquired_ = load_relaxed(p);                   \
        __asm__ volatile("fence r, rw" ::: "memory");                   \
        acquired_;                                                      \
    })
#define store_release(p, v)                                             \
    do {                                                                \
        __asm__ volatile("fence rw, w" ::: "memory");                   \
        store_relaxed((p), (v));                                        \
    } while (0)
#else
#define store_relaxed(p, v)   __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define load_acquire(p)       __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v)   __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#endif

static inline void full_fence(void)
{
#if defined(__riscv)
    __asm__ volatile("fence rw, rw" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Address everything in *p from one register: of arrays deep in a session the compiler makes one for each field. */
#define one_base(p)                     \
    do {                                \
        __asm__("" : "+r"(p));          \
        if ((p) == NULL)                \
            __builtin_unreachable();    \
    } while (0)

/* What was copied from shared memory stays copied: the compiler must not read
 * the source again. */
#define copied_once(object) __asm__ volatile("" : "+m"(object) : : "memory")

#endif
