/* SPDX-License-Identifier: MIT */
/*
 * Windows: regular files that are read again and again are mapped into the
 * personality's own part of the address space, and pread copies from there, as does
 * read where the position is ours (position.c; docs/decisions/0005).
 *
 * fs maps (fs.map_window) and leases size and times with it; the data is the
 * file's own memory and always present. A truncation takes pages away under a
 * reader: its copy faults, or its number has changed after the copy; both ways
 * the request goes to fs, as does what is not all in the window.
 *
 * A descriptor has its window at the index of its low bits. It is made after some
 * reads that were requests, if the place is free or its owner's lease is broken.
 * After a break the mapping stays, unused, until the file has been read as often
 * again, twice as often each time; so a file that changes between reads costs
 * little more than without. Closing or replacing the descriptor unmaps: what is
 * unlinked must be gone with its last descriptor.
 *
 * Windows are written under window_lock, which is held across the request that
 * makes one; readers take no lock (lease.h). Against a close that is under way in
 * another thread: who makes a window publishes it, fence, looks at the number once
 * more, and takes it back if that moved; who closes looks for a window when the
 * close is done, which moved the number before.
 */
#include <libipc/atomic.h>
#include "../kcall.h"
#include "lease.h"

#define MOST_WANTED   32u
#define REFUSED       4096u     /* and after fs refused one                     */
/* Beyond this the kernel's copy wins over ours when the two sides are misaligned. */
#define MISALIGNED_MAX 512u

static uint64_t address_of(const struct process *p, uint32_t fd)
{
    return PERS_WINDOW(p->area, fd % PERS_NR_WINDOWS);
}

bool window_pread(uint32_t fd, uaddr_t to, uint64_t bytes, uint64_t at, long *result)
{
    const struct process *p = this_process();
    const struct leases *all = p->leases;
    uint32_t version;
    if (!all || fd >= FD_WORDS)
        return false;
    const struct window *w = &all->window[fd % PERS_NR_WINDOWS];
    if (!lease_holds(&w->lease, fd, &version))
        return false;
    uint32_t seq = w->lease.seq;
    uint64_t size = w->size, left = at < size ? size - at : 0;
    if (bytes > left)
        bytes = left;
    if (bytes != 0) {
        uint64_t from = address_of(p, fd) + at;
        if (at + bytes > w->mapped || (((to ^ from) & 7) && bytes > MISALIGNED_MAX))
            return false;
        if (!guest_range_ok(to, bytes) || guest_copy_raw((void *)to, (const void *)from, bytes))
            return false;       /* one of the two is not there; fs finds out which */
    }
    *result = (long)bytes;
    return lease_unchanged(&w->lease, version) && load_relaxed(&p->fds[fd].seq) == seq;
}

/* ---- making ---- */

/* Under the lock. */
static void set(struct window *w, uint32_t key, uint32_t seq, uint64_t mapped, uint64_t size)
{
    (void)lease_begin(&w->lease);       /* nobody else writes it */
    w->mapped = mapped;
    w->size = size;
    lease_end(&w->lease, key, seq);
}

static void unmap(const struct process *p, struct window *w, uint32_t fd)
{
    set(w, 0, 0, 0, 0);
    vspace_unmap(address_of(p, fd), PERS_WINDOW_BYTES);
}

static bool number_is(const struct process *p, uint32_t key, uint32_t seq)
{
    return load_acquire(&p->fds[key - 1].seq) == seq;
}

/* Under the lock. 0: there is one. */
static error_t make(const struct process *p, struct window *w, uint32_t fd)
{
    uint64_t mapped, size;
    uint32_t lease;
    if (w->lease.key && number_is(p, w->lease.key, w->lease.seq))
        return w->lease.key == fd + 1 ? ERR_OK : ERR_BUSY;
    if (w->lease.key && w->lease.key != fd + 1)
        unmap(p, w, fd);
    error_t e = fs_map_window(fs_client_for((int32_t)fd), (int32_t)fd, address_of(p, fd), &mapped, &size, &lease);
    if (e != 0) {
        if (w->lease.key)
            unmap(p, w, fd);
        return e;
    }
    set(w, fd + 1, lease, mapped, size);
    full_fence();
    if (!number_is(p, fd + 1, lease))
        unmap(p, w, fd);
    return ERR_OK;
}

static __typeof__(((struct process *)0)->pread_seen[0]) *seen_of(struct process *p, uint32_t fd)
{
    return &p->pread_seen[fd % PERS_NR_WINDOWS];
}

bool window_wanted(uint32_t fd, uint16_t first)
{
    struct process *p = this_process();
    if (fd >= FD_WORDS)
        return false;
    __typeof__(&p->pread_seen[0]) seen = seen_of(p, fd);
    if (seen->key != fd + 1) {
        seen->key = fd + 1;
        seen->reads = 0;
        seen->wanted = first;
    }
    if (++seen->reads < seen->wanted)
        return false;
    struct leases *all = leases_make();
    seen->reads = 0;
    if (!all)
        return false;
    lock_take(&p->window_lock);
    error_t e = make(p, &all->window[fd % PERS_NR_WINDOWS], fd);
    lock_give(&p->window_lock);
    if (e != 0)
        seen->wanted = REFUSED;
    else if (seen->wanted < MOST_WANTED)
        seen->wanted *= 2;
    return e == 0;
}

bool window_holds(uint32_t fd, uint64_t at)
{
    const struct window *w = &this_process()->leases->window[fd % PERS_NR_WINDOWS];
    return at < w->mapped || w->mapped >= w->size;
}

void window_refuse(uint32_t fd)
{
    seen_of(this_process(), fd)->wanted = REFUSED;
}

/* ---- and giving up ---- */

void window_drop_slow(uint32_t fd)
{
    struct process *p = this_process();
    struct window *w = &p->leases->window[fd % PERS_NR_WINDOWS];
    lock_take(&p->window_lock);
    if (w->lease.key == fd + 1)
        unmap(p, w, fd);
    lock_give(&p->window_lock);
}

void windows_drop(uint32_t first, uint32_t last)
{
    struct process *p = this_process();
    struct leases *all = p->leases;
    for (unsigned i = 0; i < PERS_NR_WINDOWS; i++)
        p->pread_seen[i].key = 0;
    if (!all)
        return;
    lock_take(&p->window_lock);     /* one that is being made is waited for */
    for (unsigned i = 0; i < PERS_NR_WINDOWS; i++) {
        uint32_t key = all->window[i].lease.key;
        if (key && key - 1 >= first && key - 1 <= last)
            unmap(p, &all->window[i], key - 1);
    }
    lock_give(&p->window_lock);
}
