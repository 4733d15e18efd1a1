/* SPDX-License-Identifier: MIT */
/*
 * Futexes.
 *
 * Private ones (FUTEX_PRIVATE_FLAG, or memory that is not shared) wait in hash
 * queues of this address space. Memory mapped MAP_SHARED goes to proc, which
 * keys by Segment and offset.
 *
 * A waiter queues itself, fences, then reads the word: if it changed, the waiter
 * takes itself out and answers EAGAIN, or 0 when a wake had already taken it. A
 * waker changes the word (guest), fences, then looks at the queue. So one of
 * both sees the other, and an empty queue is seen without its lock. The taker
 * unlinks the waiter under the bucket's lock and then sets `woken`; after that
 * it does not touch the waiter again, which may be reused at once.
 *
 * Bucket locks are taken in order of address. The PI operations and CMP_REQUEUE
 * read the guest's word under a bucket lock: these accesses cannot take locks,
 * an unmapped word ends with EFAULT, and for memory they wait at proc, which needs
 * nothing of this process.
 */
#include <proc_client.h>
#include "error.h"
#include "futex.h"
#include "guest.h"
#include "mm.h"
#include "process.h"
#include "vm.h"

enum {
    FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAKE_OP = 5, FUTEX_LOCK_PI = 6,
    FUTEX_UNLOCK_PI = 7, FUTEX_TRYLOCK_PI = 8, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10, FUTEX_LOCK_PI2 = 13,
    FUTEX_PRIVATE = 128, FUTEX_REALTIME = 256, FUTEX_COMMAND = 127,
};
#define WAITERS     0x80000000u
#define OWNER_DIED  0x40000000u
#define TID_MASK    0x3fffffffu
#define BUCKETS     256
#define ANY         0xffffffffu

struct futex_bucket {
    struct lock lock;
    struct futex_waiter *first, *last;
};
static struct futex_bucket buckets[BUCKETS];

static struct futex_bucket *bucket_of(uaddr_t key)
{
    return &buckets[(key >> 2 ^ key >> 10 ^ key >> 18) % BUCKETS];
}

void futex_after_fork(void)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        if (buckets[i].first || buckets[i].lock.owner || buckets[i].lock.nr_waiters)
            buckets[i] = (struct futex_bucket){ 0 };
}

static void link_last(struct futex_bucket *b, struct futex_waiter *w)
{
    w->next = NULL;
    w->prev = b->last;
    if (b->last)
        b->last->next = w;
    else
        __atomic_store_n(&b->first, w, __ATOMIC_RELAXED);
    b->last = w;
    w->bucket = b;
}

static void unlink(struct futex_waiter *w)
{
    struct futex_bucket *b = w->bucket;
    if (w->prev)
        w->prev->next = w->next;
    else
        __atomic_store_n(&b->first, w->next, __ATOMIC_RELAXED);
    if (w->next)
        w->next->prev = w->prev;
    else
        b->last = w->prev;
    __atomic_store_n(&w->bucket, NULL, __ATOMIC_RELAXED);
}

static struct futex_waiter *enqueue(uaddr_t key, uint32_t bitset, bool pi)
{
    struct thread *t = this_thread();
    struct futex_waiter *w = &t->futex;
    struct futex_bucket *b = bucket_of(key);
    lock_take(&b->lock);
    w->key = key;
    w->bitset = bitset;
    w->thread_index = t->index;
    w->tid = t->tid;
    w->pi = pi;
    w->woken = 0;
    link_last(b, w);
    lock_give(&b->lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return w;
}

/* False: a waker had taken it already. A requeue may move it meanwhile. */
static bool dequeue(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_RELAXED);
        if (!b)
            break;
        lock_take(&b->lock);
        bool ours = w->bucket == b;
        if (ours)
            unlink(w);
        lock_give(&b->lock);
        if (ours)
            return true;
    }
    /* Taken: wait the few instructions until the taker is through with us. */
    while (!__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
        ;
    return false;
}

struct wake_set { uint64_t m[2]; };

static void take_waiter(struct futex_waiter *w, struct wake_set *set)
{
    uint32_t i = w->thread_index;
    unlink(w);
    set->m[i / 64] |= 1ul << (i % 64);
    __atomic_store_n(&w->woken, 1, __ATOMIC_RELEASE);
}

static void wake_them(const struct wake_set *set)
{
    for (unsigned w = 0; w < 2; w++)
        for (uint64_t m = set->m[w]; m; m &= m - 1)
            thread_wake(w * 64 + (unsigned)__builtin_ctzl(m));
}

static long wake_private(uaddr_t key, uint32_t count, uint32_t bitset)
{
    struct futex_bucket *b = bucket_of(key);
    struct wake_set set = { { 0, 0 } };
    long n = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&b->first, __ATOMIC_RELAXED))
        return 0;
    lock_take(&b->lock);
    for (struct futex_waiter *w = b->first, *next; w && (uint64_t)n < count; w = next) {
        next = w->next;
        if (w->key != key || !(w->bitset & bitset) || w->pi)
            continue;
        take_waiter(w, &set);
        n++;
    }
    lock_give(&b->lock);
    wake_them(&set);
    return n;
}

/* Sleep until woken; 0, or what it ended with after leaving the queue. A sleep
 * may end without a wake; then the word is looked at again: -EAGAIN when it is
 * not `value`, or has no owner (PI). So do waiters learn that an owner died:
 * rouse_pi, and proc, which marks the locks of a killed process that shared this
 * memory and upcalls the others. */
static long sleep_queued(struct futex_waiter *w, ticks_t deadline, uint32_t value)
{
    uaddr_t at = w->key;
    uint32_t word;
    for (;;) {
        if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
            return 0;
        error_t e = thread_sleep(deadline);
        if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
            return 0;
        if (e == ERR_OK && w->key == at && !get32(&word, at) && (w->pi ? !(word & TID_MASK) : word != value))
            return dequeue(w) ? -EAGAIN : 0;
        if (e == ERR_TIMEOUT)
            return dequeue(w) ? -ETIMEDOUT : 0;
        if (e == ERR_INTERRUPTED)
            return dequeue(w) ? -ERESTARTSYS : 0;
    }
}

/* 1 shared, 0 private, -EFAULT, -EINVAL */
static long kind_of(uaddr_t at, uint64_t op)
{
    if (at & 3)
        return -EINVAL;
    if (!guest_range_ok(at, 4))
        return -EFAULT;
    return op & FUTEX_PRIVATE ? 0 : mm_is_shared(at);
}

static long wait_again(struct thread *t);

static long do_wait(uaddr_t at, bool shared, uint32_t value, uint32_t bitset, ticks_t deadline)
{
    struct thread *t = this_thread();
    uint32_t now;
    long result;
    if (!bitset)
        return -EINVAL;
    if (shared) {
        result = linux_error(proc_futex_wait(proc_client(), at, value, bitset, deadline));
    } else {
        struct futex_waiter *w = enqueue(at, bitset, false);
        if (get32(&now, at))
            result = dequeue(w) ? -EFAULT : 0;
        else if (now != value)
            result = dequeue(w) ? -EAGAIN : 0;
        else
            result = sleep_queued(w, deadline, value);
    }
    if (result == -ERESTARTSYS && deadline != DEADLINE_NONE) {
        t->restart.again = wait_again;
        t->restart.a[0] = at;
        t->restart.a[1] = value | (uint64_t)bitset << 32;
        t->restart.a[2] = deadline;
        t->restart.a[3] = shared;
        return -ERESTART_RESTARTBLOCK;
    }
    return result;
}

static long wait_again(struct thread *t)
{
    return do_wait(t->restart.a[0], t->restart.a[3], (uint32_t)t->restart.a[1], (uint32_t)(t->restart.a[1] >> 32),
                   t->restart.a[2]);
}

static long do_wake(uaddr_t at, bool shared, uint32_t count, uint32_t bitset)
{
    uint32_t woken;
    if (!bitset)
        return -EINVAL;
    if (!shared)
        return wake_private(at, count, bitset);
    error_t e = proc_futex_wake(proc_client(), at, count, bitset, &woken);
    return e ? linux_error(e) : woken;
}

long futex_wake_address(uaddr_t at, uint32_t count)
{
    long kind = kind_of(at, 0);
    return kind < 0 ? kind : do_wake(at, kind, count, ANY);
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    if (a == b) {
        lock_take(&a->lock);
    } else {
        lock_take(a < b ? &a->lock : &b->lock);
        lock_take(a < b ? &b->lock : &a->lock);
    }
}

static long requeue_private(uaddr_t at, uint32_t wake, uint32_t move, uaddr_t to, bool compare, uint32_t value)
{
    struct futex_bucket *a = bucket_of(at), *b = bucket_of(to);
    struct wake_set set = { { 0, 0 } };
    uint32_t now, woken = 0, moved = 0;
    long result = 0;
    lock_two(a, b);
    if (compare && get32(&now, at))
        result = -EFAULT;
    else if (compare && now != value)
        result = -EAGAIN;
    for (struct futex_waiter *w = a->first, *next; w && !result; w = next) {
        next = w->next;
        if (w->key != at || w->pi)
            continue;
        if (woken < wake) {
            take_waiter(w, &set);
            woken++;
        } else if (moved < move) {
            if (to != at) {
                unlink(w);
                w->key = to;
                link_last(b, w);
            }
            moved++;
        } else {
            break;
        }
    }
    lock_give(&a->lock);
    if (a != b)
        lock_give(&b->lock);
    wake_them(&set);
    return result ? result : (long)(woken + (compare ? moved : 0));
}

static long do_requeue(uint64_t op, uaddr_t at, uint32_t wake, uint32_t move, uaddr_t to, uint32_t value)
{
    bool compare = (op & FUTEX_COMMAND) == FUTEX_CMP_REQUEUE;
    long from_kind = kind_of(at, op), to_kind = kind_of(to, op);
    uint32_t moved;
    if ((int32_t)wake < 0 || (int32_t)move < 0)
        return -EINVAL;
    if (from_kind < 0 || to_kind < 0)
        return from_kind < 0 ? from_kind : to_kind;
    if (!from_kind && !to_kind)
        return requeue_private(at, wake, move, to, compare, value);
    if (from_kind != to_kind)
        return -EINVAL;
    error_t e = proc_futex_requeue(proc_client(), at, wake, move, to, compare, value, &moved);
    return e ? linux_error(e) : moved;
}

/* FUTEX_WAKE_OP's word: op, comparison, their arguments. */
static long atomic_op(uaddr_t at, uint32_t code, bool *wake_second)
{
    int32_t arg = (int32_t)(code << 8) >> 20, compare = (int32_t)(code << 20) >> 20;
    uint32_t old, seen, next;
    if (code >> 31)
        arg = 1 << (arg & 31);
    if (get32(&old, at))
        return -EFAULT;
    for (;;) {
        switch (code >> 28 & 7) {
        case 0: next = (uint32_t)arg; break;
        case 1: next = old + (uint32_t)arg; break;
        case 2: next = old | (uint32_t)arg; break;
        case 3: next = old & ~(uint32_t)arg; break;
        case 4: next = old ^ (uint32_t)arg; break;
        default: return -ENOSYS;
        }
        if (guest_cmpxchg32((void *)at, old, next, &seen))
            return -EFAULT;
        if (seen == old)
            break;
        old = seen;
    }
    int32_t was = (int32_t)old;
    switch (code >> 24 & 15) {
    case 0: *wake_second = was == compare; break;
    case 1: *wake_second = was != compare; break;
    case 2: *wake_second = was < compare; break;
    case 3: *wake_second = was <= compare; break;
    case 4: *wake_second = was > compare; break;
    case 5: *wake_second = was >= compare; break;
    default: return -ENOSYS;
    }
    return 0;
}

static long do_wake_op(uint64_t op, uaddr_t at, uint32_t count, uint32_t count2, uaddr_t at2, uint32_t code)
{
    long kind = kind_of(at, op), kind2 = kind_of(at2, op);
    bool second;
    if (kind < 0 || kind2 < 0)
        return kind < 0 ? kind : kind2;
    long result = atomic_op(at2, code, &second);
    if (result)
        return result;
    result = do_wake(at, kind, count, ANY);
    if (result >= 0 && second) {
        long more = do_wake(at2, kind2, count2, ANY);
        result = more < 0 ? more : result + more;
    }
    return result;
}

/* ---- priority inheritance: the ownership protocol, without boosting ---- */

/* Take a free lock word: 1 taken, 0 owned by another (marked WAITERS if asked). */
static long pi_try(uaddr_t at, uint32_t tid, bool mark)
{
    uint32_t old, seen;
    if (get32(&old, at))
        return -EFAULT;
    for (;;) {
        uint32_t next;
        if (!(old & TID_MASK))
            next = tid | (old & (WAITERS | OWNER_DIED));
        else if ((old & TID_MASK) == tid)
            return -EDEADLK;
        else if (mark && !(old & WAITERS))
            next = old | WAITERS;
        else
            return 0;
        if (guest_cmpxchg32((void *)at, old, next, &seen))
            return -EFAULT;
        if (seen != old) {
            old = seen;
            continue;
        }
        return !(old & TID_MASK);
    }
}

static long lock_pi(uaddr_t at, ticks_t deadline)
{
    struct thread *t = this_thread();
    long result;
    do {
        struct futex_waiter *w = enqueue(at, ANY, true);
        result = pi_try(at, t->tid, true);
        if (result)
            return dequeue(w) ? (result > 0 ? 0 : result) : 0;
        /* The owner saw WAITERS, or will: unlock_pi hands over to the first in the
         * queue and makes it owner before it wakes it. */
        result = sleep_queued(w, deadline, 0);
    } while (result == -EAGAIN);    /* the owner died */
    return result == -ERESTARTSYS ? -ERESTARTNOINTR : result;
}

/* The owner died: who waits tries again. */
static void rouse_pi(uaddr_t at)
{
    struct futex_bucket *b = bucket_of(at);
    struct wake_set set = { { 0, 0 } };
    lock_take(&b->lock);
    for (const struct futex_waiter *w = b->first; w; w = w->next)
        if (w->key == at && w->pi)
            set.m[w->thread_index / 64] |= 1ul << (w->thread_index % 64);
    lock_give(&b->lock);
    wake_them(&set);
}

static long unlock_pi(uaddr_t at)
{
    struct futex_bucket *b = bucket_of(at);
    struct wake_set set = { { 0, 0 } };
    uint32_t old, seen, next;
    long result = 0;
    if (get32(&old, at))
        return -EFAULT;
    if ((old & TID_MASK) != this_thread()->tid)
        return -EPERM;
    lock_take(&b->lock);
    struct futex_waiter *heir = NULL;
    bool more = false;
    for (struct futex_waiter *w = b->first; w; w = w->next) {
        if (w->key != at || !w->pi)
            continue;
        more = heir != NULL;
        if (!heir)
            heir = w;
        else
            break;
    }
    next = heir ? heir->tid | (more ? WAITERS : 0) : 0;
    for (seen = old;;) {
        old = seen;
        if (guest_cmpxchg32((void *)at, old, next, &seen)) {
            result = -EFAULT;
            break;
        }
        if (seen == old) {
            if (heir)
                take_waiter(heir, &set);
            break;
        }
    }
    lock_give(&b->lock);
    wake_them(&set);
    return result;
}

/* ---- the call ---- */

static long read_deadline(uint64_t op, uint64_t timeout, ticks_t *deadline)
{
    unsigned command = op & FUTEX_COMMAND;
    struct linux_timespec ts;
    *deadline = DEADLINE_NONE;
    if (!timeout)
        return 0;
    if (command == FUTEX_WAIT && !(op & FUTEX_REALTIME))
        return deadline_from_guest(timeout, deadline);
    if (copy_from_guest(&ts, timeout, sizeof(ts)))
        return -EFAULT;
    if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= 1000000000)
        return -EINVAL;
    int64_t ns = ts.sec > INT64_MAX / 1000000000 - 1 ? INT64_MAX : ts.sec * 1000000000 + ts.nsec;
    if (command == FUTEX_WAIT)
        ns = ns > INT64_MAX - realtime_ns() ? INT64_MAX : ns + realtime_ns();
    if (((op & FUTEX_REALTIME) || command == FUTEX_LOCK_PI) && ns != INT64_MAX) {
        ns -= realtime_ns() - monotonic_ns();
        if (ns < 0)
            ns = 0;
    }
    *deadline = ns_to_ticks((uint64_t)ns);
    return 0;
}

static long pi_command(uint64_t op, uaddr_t at, ticks_t deadline)
{
    long kind = kind_of(at, op);
    if (kind < 0)
        return kind;
    if (kind)
        return -ENOSYS;         /* between processes: not served */
    switch (op & FUTEX_COMMAND) {
    case FUTEX_UNLOCK_PI:
        return unlock_pi(at);
    case FUTEX_TRYLOCK_PI: {
        long result = pi_try(at, this_thread()->tid, false);
        return result > 0 ? 0 : result ? result : -EAGAIN;
    }
    default:
        return lock_pi(at, deadline);
    }
}

long sys_futex(uint64_t at, uint64_t op, uint64_t value, uint64_t timeout, uint64_t at2, uint64_t value3);
long sys_futex(uint64_t at, uint64_t op, uint64_t value, uint64_t timeout, uint64_t at2, uint64_t value3)
{
    ticks_t deadline;
    long kind, result;
    op = (uint32_t)op;
    unsigned command = op & FUTEX_COMMAND;
    if ((op & FUTEX_REALTIME) && command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2)
        return -ENOSYS;
    switch (command) {
    case FUTEX_WAIT: case FUTEX_WAIT_BITSET:
        if ((result = read_deadline(op, timeout, &deadline)))
            return result;
        if ((kind = kind_of(at, op)) < 0)
            return kind;
        return do_wait(at, kind, (uint32_t)value, command == FUTEX_WAIT ? ANY : (uint32_t)value3, deadline);
    case FUTEX_WAKE: case FUTEX_WAKE_BITSET:
        if ((kind = kind_of(at, op)) < 0)
            return kind;
        /* Linux wakes one for a count of 0 or less. */
        return do_wake(at, kind, (int32_t)value < 1 ? 1 : (uint32_t)value, command == FUTEX_WAKE ? ANY : (uint32_t)value3);
    case FUTEX_REQUEUE: case FUTEX_CMP_REQUEUE:
        return do_requeue(op, at, (uint32_t)value, (uint32_t)timeout, at2, (uint32_t)value3);
    case FUTEX_WAKE_OP:
        return do_wake_op(op, at, (uint32_t)value, (uint32_t)timeout, at2, (uint32_t)value3);
    case FUTEX_LOCK_PI: case FUTEX_LOCK_PI2:
        if ((result = read_deadline(op, timeout, &deadline)))
            return result;
        return pi_command(op, at, deadline);
    case FUTEX_UNLOCK_PI: case FUTEX_TRYLOCK_PI:
        return pi_command(op, at, 0);
    default:
        return -ENOSYS;
    }
}

/* ---- robust lists ---- */

long sys_set_robust_list(uint64_t head, uint64_t bytes);
long sys_set_robust_list(uint64_t head, uint64_t bytes)
{
    if (bytes != 24)
        return -EINVAL;
    this_thread()->frame.robust_list = head;
    return 0;
}

long sys_get_robust_list(uint64_t pid, uint64_t head, uint64_t bytes);
long sys_get_robust_list(uint64_t pid, uint64_t head, uint64_t bytes)
{
    struct thread *t = this_thread();
    if ((int32_t)pid < 0)
        return -EINVAL;
    if (pid && (uint32_t)pid != t->tid)
        return -EPERM;
    long result = put64(bytes, 24);
    return result ? result : put64(head, t->frame.robust_list);
}

/* The word of a lock that its dead owner held, perhaps. */
static void bury(uaddr_t at, uint32_t tid, bool pi, bool pending)
{
    uint32_t old, seen;
    if ((at & 3) || get32(&old, at))
        return;
    if (pending && !pi && !old) {       /* died between unlock and its wake */
        futex_wake_address(at, 1);
        return;
    }
    while ((old & TID_MASK) == tid) {
        uint32_t next = (old & WAITERS) | OWNER_DIED;
        if (guest_cmpxchg32((void *)at, old, next, &seen))
            return;
        if (seen == old) {
            if (pi && (old & WAITERS))
                rouse_pi(at);
            else if (old & WAITERS)
                futex_wake_address(at, 1);
            return;
        }
        old = seen;
    }
}

void futex_bury_robust(struct thread *t)
{
    uint64_t entry, offset, pending, next;
    uaddr_t head = t->frame.robust_list;
    if (!head || get64(&entry, head) || get64(&offset, head + 8) || get64(&pending, head + 16))
        return;
    for (unsigned limit = 2048; (entry & ~1ul) != head && limit; limit--) {
        /* Read the next one first: the other side may free it after the wake. */
        bool last = get64(&next, entry & ~1ul);
        if ((entry & ~1ul) != (pending & ~1ul))
            bury((entry & ~1ul) + offset, t->tid, entry & 1, false);
        if (last)
            break;
        entry = next;
    }
    if (pending)
        bury((pending & ~1ul) + offset, t->tid, pending & 1, true);
    t->frame.robust_list = 0;       /* not before: who is killed in here leaves the rest to proc */
}
