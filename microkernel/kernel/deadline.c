/* SPDX-License-Identifier: MIT */
/*
 * See deadline.h. A leftist heap: an entry's rank is one more than that of its right
 * child, which is no higher than the left one's. So the way down by the right
 * children is short, and every change takes O(log n) steps at the most. Linked by
 * heap_left, heap_right, heap_up; in_heap is the rank.
 */
#include "kernel/deadline.h"

#include "object/tcb.h"

static uint32_t rank(const struct tcb *t) { return t != NULL ? t->in_heap : 0; }

/* t's children are in order again. Has its rank changed? */
static bool settle(struct tcb *t)
{
    uint32_t old = t->in_heap;

    if (rank(t->heap_left) < rank(t->heap_right)) {
        struct tcb *left = t->heap_left;
        t->heap_left = t->heap_right;
        t->heap_right = left;
    }
    t->in_heap = rank(t->heap_right) + 1;
    return t->in_heap != old;
}

static struct tcb *meld(struct tcb *a, struct tcb *b)
{
    struct tcb *root = NULL, **link = &root, *up = NULL;

    while (a != NULL && b != NULL) {
        if (b->deadline < a->deadline) {
            struct tcb *t = a;
            a = b;
            b = t;
        }
        *link = a;
        a->heap_up = up;
        up = a;
        link = &a->heap_right;
        a = a->heap_right;
    }
    *link = a != NULL ? a : b;
    if (*link != NULL)
        (*link)->heap_up = up;
    for (; up != NULL; up = up->heap_up)
        settle(up);
    return root;
}

void deadline_insert(struct hart *h, struct tcb *t, ticks_t when)
{
    t->deadline = when;
    t->heap_left = t->heap_right = NULL;
    t->in_heap = 1;
    h->deadlines = meld(h->deadlines, t);
    if (h->deadlines == t)
        h->timer_dirty = true;
}

void deadline_remove(struct hart *h, struct tcb *t)
{
    if (!t->in_heap)
        return;
    struct tcb *up = t->heap_up, *rest = meld(t->heap_left, t->heap_right);
    t->in_heap = 0;
    if (rest != NULL)
        rest->heap_up = up;
    if (up == NULL) {
        h->deadlines = rest;
        h->timer_dirty = true;
    } else if (up->heap_left == t) {
        up->heap_left = rest;
    } else {
        up->heap_right = rest;
    }
    while (up != NULL && settle(up))
        up = up->heap_up;
}
