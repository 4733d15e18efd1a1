/* SPDX-License-Identifier: MIT */
/*
 * Robust futexes (get_robust_list(2); the layout is struct robust_list_head of
 * linux/futex.h).
 *
 * A thread that ends by itself walks its list in the personality. Of one that is
 * killed, or ended by another thread's exit or exec, the list is walked here:
 * after all threads of the image have stopped, before its memory goes and before
 * anybody hears of the end. The list's address is in the thread's frame.
 *
 * The list is the process's own bytes: pointers that cannot be read end the
 * walk, and all of a process's threads together get as many steps as Linux gives
 * to one. Nothing is written but what the process could write.
 *
 * The word is read and written in two steps. In between a waiter may set
 * WAITERS, which is lost; but it then asks this same thread to queue it, after
 * the write, and finds the word changed.
 */
#include "robust.h"

#include "futex.h"
#include "thread.h"

#define MAX_STEPS   2048u           /* ROBUST_LIST_LIMIT */
#define WAITERS     0x80000000u
#define OWNER_DIED  0x40000000u
#define TID_MASK    0x3fffffffu
#define IS_PI       1ul             /* in a pointer to an entry */

struct robust_head { uint64_t first, offset, pending; };

struct walk {
    struct image *image;
    uint32_t tid;
    unsigned steps_left;
    bool changed;                   /* some word */
};

static bool copy(const struct walk *w, uaddr_t at, void *own, uint64_t bytes, bool into)
{
    uint64_t done;

    return sys_vspace_copy(vm_cap(w->image->vm, ROW_VSPACE), at, own, bytes, into, &done) == 0;
}

/* A word that the thread owned perhaps. */
static void bury(struct walk *w, uaddr_t at, bool pi, bool pending)
{
    uint32_t word = 0, next;

    if (at % 4 || !copy(w, at, &word, sizeof word, false))
        return;
    if (pending && !pi && word == 0) {      /* ended between its unlock and the wake */
        futex_wake_one(w->image, at);
        return;
    }
    if ((word & TID_MASK) != w->tid)
        return;
    next = (word & WAITERS) | OWNER_DIED;
    if (!copy(w, at, &next, sizeof next, true))
        return;
    w->changed = true;
    if (!pi && word & WAITERS)
        futex_wake_one(w->image, at);
}

static void walk_list(struct walk *w, uaddr_t head_at)
{
    struct robust_head head = { 0 };
    uint64_t entry, next = 0;

    if (!copy(w, head_at, &head, sizeof head, false))
        return;
    for (entry = head.first; (entry & ~IS_PI) != head_at && w->steps_left; entry = next) {
        w->steps_left--;
        if ((entry & ~IS_PI) != (head.pending & ~IS_PI))
            bury(w, (entry & ~IS_PI) + head.offset, entry & IS_PI, false);
        if (!copy(w, entry & ~IS_PI, &next, sizeof next, false))
            break;
    }
    if (head.pending & ~IS_PI)
        bury(w, (head.pending & ~IS_PI) + head.offset, head.pending & IS_PI, true);
}

/* Waiters on private words are queued in the memory that they share: each looks
 * at its word again. */
static void rouse(const struct image *dead)
{
    for (struct process *p = all_processes; p; p = p->all_next) {
        if (!is_live(p) || p->image == dead || p->image->vm != dead->vm)
            continue;
        for (struct thread *t = p->image->threads; t; t = t->next)
            thread_upcall(t);
    }
}

void robust_bury(struct image *image)
{
    struct walk w = { .image = image, .steps_left = MAX_STEPS };

    for (struct thread *t = image->threads; t; t = t->next) {
        uaddr_t head = t->started ? thread_frame(t)->robust_list : 0;

        w.tid = t->tid;
        if (head)
            walk_list(&w, head);
    }
    if (w.changed && image->vm->nr_images > 1)
        rouse(image);
}
