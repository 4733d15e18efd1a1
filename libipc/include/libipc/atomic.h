/* SPDX-License-Identifier: MIT */
/*
 * Memory order for words shared between harts and address spaces.
 *
 * full_fence orders earlier stores before later loads, which neither release
 * nor acquire does; the sleep protocol of docs/rings.md rests on it.
 */
#ifndef LIBIPC_ATOMIC_H
#define LIBIPC_ATOMIC_H

#include <stdint.h>

#define load_relaxed(p)       __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p)       __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)   __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v)   __atomic_store_n((p), (v), __ATOMIC_RELEASE)

static inline void full_fence(void)
{
#if defined(__riscv)
    __asm__ volatile("fence rw, rw" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* In a spinning loop: lets a sibling or the emulator get on. */
static inline void spin_hint(void)
{
#if defined(__riscv)
    __asm__ volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory"); /* pause: fence w,0 */
#elif defined(__x86_64__)
    __asm__ volatile("pause" ::: "memory");
#endif
}

/* What was copied from shared memory stays copied: the compiler must not read
 * the source again. */
#define copied_once(object) __asm__ volatile("" : "+m"(object) : : "memory")

#endif
