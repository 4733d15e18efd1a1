/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks between the threads of one address space.
 *
 * Taken: owner = the thread's id and index, by compare-and-swap; an index alone is
 * used again, and a sleeper that found a dead owner would break the lock of the
 * next thread that has its index. A waiter counts itself
 * in nr_waiters and marks its thread block, fence, tries once more and sleeps on
 * its own notification; the releaser stores 0, fence, and when nr_waiters is not
 * 0 wakes the first thread that is marked. A marked thread always tries again,
 * so a wake that reached the wrong one is passed on by its own unlock.
 *
 * An owner that was killed with its whole process while others still use the
 * address space (vfork, CLONE_VM) would keep the lock for ever. So a sleeper
 * looks up every 100 ms whether the owner is still alive; sooner when it is a
 * thread that announced its end: proc stops such a thread as soon as its request
 * is in the ring, perhaps before it gave rpc_lock back. proc takes a thread's id
 * out of the process's page when the thread has stopped for good, not before.
 */
#include <libipc/system.h>
#include "guest.h"
#include "kcall.h"
#include "lock.h"
#include "process.h"
#include "vm.h"

static bool is_live(uint32_t index)
{
    return __atomic_load_n(&vm.thread_live[index / 64], __ATOMIC_ACQUIRE) >> (index % 64) & 1;
}

#define INDEX_BITS 8            /* a tid has at most 22 */
_Static_assert(VM_MAX_THREADS <= 1u << INDEX_BITS, "an index fits");

static uint32_t index_of(uint32_t owner) { return owner % (1u << INDEX_BITS); }

static bool owner_is_dead(uint32_t owner)
{
    uint32_t area, in_use, tid;
    /* Either page may be gone with its process: read with care. */
    if (guest_load32_raw(&area, &thread_at(index_of(owner))->frame.process_index) || area >= VM_MAX_AREAS)
        return true;
    const struct proc_page *page = (const void *)(PERS_AREA(area) + AREA_PROC_PAGE);
    if (guest_load32_raw(&in_use, &page->in_use) || in_use != 1)
        return true;
    return guest_load32_raw(&tid, &page->thread[index_of(owner)].tid) || tid != owner >> INDEX_BITS;
}

static bool try_take(struct lock *l, uint32_t me)
{
    uint32_t free = 0;
    return __atomic_compare_exchange_n(&l->owner, &free, me, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void lock_slow(struct lock *l, uint32_t me)
{
    struct thread *t = this_thread();
    for (int spin = 0; spin < 64; spin++)
        if (try_take(l, me))
            return;
    __atomic_fetch_add(&l->nr_waiters, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&t->lock_waiting, 1, __ATOMIC_SEQ_CST);
    while (!try_take(l, me)) {
        uint32_t owner = __atomic_load_n(&l->owner, __ATOMIC_SEQ_CST);
        if (!owner)
            continue;
        if (owner_is_dead(owner)) {
            __atomic_compare_exchange_n(&l->owner, &owner, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
            continue;
        }
        error_t e = kcall_wait(thread_notification(t->index), now_ticks() + time_page()->hz / (is_live(index_of(owner)) ? 10 : 5000));
        if (e == ERR_INTERRUPTED)
            t->work |= WORK_SIGNAL;
    }
    __atomic_store_n(&t->lock_waiting, 0, __ATOMIC_SEQ_CST);
    __atomic_fetch_sub(&l->nr_waiters, 1, __ATOMIC_SEQ_CST);
}

/* Wake everyone who waits for some lock: few, and each looks again. */
void unlock_slow(struct lock *l)
{
    (void)l;
    uint32_t me = this_thread()->index;
    for (unsigned w = 0; w < 2; w++) {
        uint64_t live = __atomic_load_n(&vm.thread_live[w], __ATOMIC_ACQUIRE);
        for (; live; live &= live - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzl(live);
            uint32_t waiting;
            if (i != me && !guest_load32_raw(&waiting, &thread_at(i)->lock_waiting) && waiting)
                kcall_signal(thread_notification(i));
        }
    }
}

void lock_take(struct lock *l)
{
    const struct thread *t = this_thread();
    uint32_t me = t->tid << INDEX_BITS | t->index;
    if (!try_take(l, me))
        lock_slow(l, me);
}

void lock_give(struct lock *l)
{
    __atomic_store_n(&l->owner, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&l->nr_waiters, __ATOMIC_SEQ_CST))
        unlock_slow(l);
}
