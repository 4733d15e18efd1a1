/* SPDX-License-Identifier: MIT */
/* The slow part of lock.h. */
#include "kernel/lock.h"

#include "arch/riscv/csr.h"
#include "kernel/hart.h"

void spin_lock_contended(struct spinlock *lock)
{
    this_hart()->counters.nr_lock_waits++;
    do {
        while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) != 0)
            cpu_relax();
    } while (!spin_trylock(lock));
}
