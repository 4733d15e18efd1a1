/* SPDX-License-Identifier: MIT */
/*
 * Timers in a pairing heap: setting is O(1), taking the first or cancelling any
 * O(log n) amortized, and the memory is inside struct exec_timer.
 *
 * child: first child; next: next sibling; prev: previous sibling, or the parent
 * for a first child, or NULL for the root. (Fredman, Sedgewick, Sleator and
 * Tarjan, "The pairing heap", Algorithmica 1, 1986.)
 */
#include "timer.h"

struct exec_timer *timer_root;
#define root timer_root

static struct exec_timer *meld(struct exec_timer *a, struct exec_timer *b)
{
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (b->deadline < a->deadline) {
        struct exec_timer *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next != NULL)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* Two passes: pairs from left to right, then all into one. */
static struct exec_timer *meld_siblings(struct exec_timer *first)
{
    struct exec_timer *pairs = NULL;

    while (first != NULL) {
        struct exec_timer *a = first, *b = first->next;
        first = b != NULL ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b != NULL)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct exec_timer *all = NULL;
    while (pairs != NULL) {
        struct exec_timer *one = pairs;
        pairs = one->next;
        one->next = NULL;
        all = meld(all, one);
    }
    return all;
}

static void cut(struct exec_timer *t)
{
    if (t == root) {
        root = meld_siblings(t->child);
        if (root != NULL)
            root->prev = root->next = NULL;
        return;
    }
    if (t->prev->child == t)
        t->prev->child = t->next;
    else
        t->prev->next = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    struct exec_timer *rest = meld_siblings(t->child);
    if (rest != NULL) {
        rest->prev = rest->next = NULL;
        root = meld(root, rest);
    }
}

void exec_timer_cancel(struct exec_timer *t)
{
    if (!t->armed)
        return;
    cut(t);
    t->child = t->next = t->prev = NULL;
    t->armed = false;
}

void exec_timer_set(struct exec_timer *t, ticks_t deadline)
{
    exec_timer_cancel(t);
    t->deadline = deadline;
    t->child = t->next = t->prev = NULL;
    t->armed = true;
    root = meld(root, t);
}

bool timer_run(ticks_t now)
{
    bool any = false;

    while (root != NULL && root->deadline <= now) {
        struct exec_timer *t = root;
        exec_timer_cancel(t);
        t->fire(t);
        any = true;
    }
    return any;
}
