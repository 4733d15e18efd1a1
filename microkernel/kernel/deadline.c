/* SPDX-License-Identifier: MIT */
/*
 * See deadline.h. heap_child is the first child, heap_next the next sibling,
 * heap_prev the previous sibling, or the parent for a first child.
 */
#include "kernel/deadline.h"

#include "object/tcb.h"

static struct tcb *meld(struct tcb *a, struct tcb *b)
{
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (b->deadline < a->deadline) {
        struct tcb *t = a;
        a = b;
        b = t;
    }
    b->heap_next = a->heap_child;
    if (b->heap_next != NULL)
        b->heap_next->heap_prev = b;
    b->heap_prev = a;
    a->heap_child = b;
    a->heap_next = NULL;
    a->heap_prev = NULL;
    return a;
}

/* Melds a list of siblings: pairs from the left, then all from the right. */
static struct tcb *meld_siblings(struct tcb *list)
{
    struct tcb *pairs = NULL, *result = NULL;

    while (list != NULL) {
        struct tcb *a = list, *b = a->heap_next;
        list = b != NULL ? b->heap_next : NULL;
        a->heap_next = a->heap_prev = NULL;
        if (b != NULL)
            b->heap_next = b->heap_prev = NULL;
        a = meld(a, b);
        a->heap_next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct tcb *next = pairs->heap_next;
        pairs->heap_next = NULL;
        result = meld(result, pairs);
        pairs = next;
    }
    return result;
}

void deadline_insert(struct hart *h, struct tcb *t, ticks_t when)
{
    t->deadline = when;
    t->heap_child = t->heap_next = t->heap_prev = NULL;
    t->in_heap = 1;
    h->deadlines = meld(h->deadlines, t);
    if (h->deadlines == t)
        h->timer_dirty = true;
}

void deadline_remove(struct hart *h, struct tcb *t)
{
    if (!t->in_heap)
        return;
    t->in_heap = 0;
    if (h->deadlines == t) {
        h->deadlines = meld_siblings(t->heap_child);
        h->timer_dirty = true;
        return;
    }
    if (t->heap_prev->heap_child == t)
        t->heap_prev->heap_child = t->heap_next;
    else
        t->heap_prev->heap_next = t->heap_next;
    if (t->heap_next != NULL)
        t->heap_next->heap_prev = t->heap_prev;
    h->deadlines = meld(h->deadlines, meld_siblings(t->heap_child));
}
