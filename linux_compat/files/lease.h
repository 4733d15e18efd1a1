/* SPDX-License-Identifier: MIT */
/*
 * Answers of fs that hold until fs says otherwise: fs leases them
 * (servers/fs/lease.h, docs/decisions/0005), they are kept here.
 *
 * An entry belongs to a descriptor and carries the number that the descriptor's
 * word had when fs gave the answer. It is valid while the word still has it: fs
 * advances the number before anything changes. One table a process, in the last
 * page of its area: not cloned by fork, gone with exec. Entries are found by the
 * low bits of the descriptor and replace each other.
 *
 * Threads of the process share the table without a lock: `version` of an entry is
 * odd while one writes it. A reader that sees it odd, or changed after its copy,
 * asks fs; a writer that finds it odd drops its answer.
 */
#ifndef COMPAT_LEASE_H
#define COMPAT_LEASE_H

#include "files.h"

#define NR_STAT_LEASES  16u
#define NR_EPOLL_LEASES 4u

struct lease {
    uint32_t version;           /* odd: being written                           */
    uint32_t key;               /* descriptor + 1; 0: empty                     */
    uint32_t seq;               /* of the descriptor's word                     */
    uint32_t count;             /* of the kind                                  */
};

struct stat_lease {
    struct lease lease;
    uint64_t stat[16];          /* Linux's struct stat                          */
};

struct epoll_lease {
    struct lease lease;         /* count: of events                             */
    struct fs_epoll_event event[FS_EPOLL_LEASE_MAX];
};

/* A file's content at PERS_WINDOW(area, descriptor % PERS_NR_WINDOWS): see window.c. */
struct window {
    struct lease lease;
    uint64_t mapped, size;      /* bytes                                        */
};

struct leases {
    uint64_t touched;
    struct epoll_lease epoll[NR_EPOLL_LEASES];
    struct stat_lease stat[NR_STAT_LEASES];
    struct window window[PERS_NR_WINDOWS];
};
_Static_assert(sizeof(struct leases) <= PAGE_BYTES, "one page");

/* Is it about this descriptor, and does it hold? *version for lease_unchanged. */
static inline bool lease_holds(const struct lease *l, uint32_t fd, uint32_t *version)
{
    *version = __atomic_load_n(&l->version, __ATOMIC_ACQUIRE);
    return !(*version & 1) && l->key == fd + 1 &&
           __atomic_load_n(&this_process()->fds[fd].seq, __ATOMIC_ACQUIRE) == l->seq;
}

/* After the copy: was it this entry all the time? */
static inline bool lease_unchanged(const struct lease *l, uint32_t version)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&l->version, __ATOMIC_RELAXED) == version;
}

/* The table, made at its first use; NULL: no memory. */
struct leases *leases_make(void);
/* Begin to write an entry; false: another thread does. */
bool lease_begin(struct lease *);
/* It is about descriptor key - 1 now, and holds while the word's number is seq. */
void lease_end(struct lease *, uint32_t key, uint32_t seq);

/* ---- window.c ---- */
/* pread from a window; false: fs must be asked, whatever was written to the guest. */
bool window_pread(uint32_t fd, uaddr_t to, uint64_t bytes, uint64_t at, long *result);
/* A read of fd was a request: after `first` of them it shall have a window. True: it was read often enough again, and has one. */
bool window_wanted(uint32_t fd, uint16_t first);
/* Does the window of fd, which it has, reach beyond `at`, or to the end of the file? */
bool window_holds(uint32_t fd, uint64_t at);
/* There is no use in it: be slow to try again. */
void window_refuse(uint32_t fd);
void window_drop_slow(uint32_t fd);
/* fd is about to be closed or replaced, and again when that is done: its window goes. */
static inline void window_drop(uint32_t fd)
{
    struct process *p = this_process();
    const struct leases *all = p->leases;

    if (p->pread_seen[fd % PERS_NR_WINDOWS].key == fd + 1)
        p->pread_seen[fd % PERS_NR_WINDOWS].key = 0;
    if (all && all->window[fd % PERS_NR_WINDOWS].lease.key == fd + 1)
        window_drop_slow(fd);
}
/* The same for all descriptors in [first, last]. */
void windows_drop(uint32_t first, uint32_t last);

#endif
