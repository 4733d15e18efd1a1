/* SPDX-License-Identifier: MIT */
/* See run_queue.h. */
#include "kernel/run_queue.h"

#include "kernel/assert.h"
#include "object/tcb.h"

/* Index of the highest bit of a byte; the base ISA has no count-leading-zeros. */
static const uint8_t top_bit[256] = {
    [2 ... 3] = 1, [4 ... 7] = 2, [8 ... 15] = 3, [16 ... 31] = 4, [32 ... 63] = 5,
    [64 ... 127] = 6, [128 ... 255] = 7,
};

static int highest_bit(uint32_t v)
{
    if (v >> 16 != 0)
        return v >> 24 != 0 ? 24 + top_bit[v >> 24] : 16 + top_bit[v >> 16];
    return v >> 8 != 0 ? 8 + top_bit[v >> 8] : top_bit[v];
}

void run_queue_init(struct run_queue *q)
{
    q->top = -1;
}

void run_queue_add(struct run_queue *q, struct tcb *t, bool front)
{
    unsigned p = (unsigned)t->priority;

    kassert(!t->in_queue);
    t->in_queue = 1;
    if (q->level[p].head == NULL) {
        t->run_next = t->run_prev = NULL;
        q->level[p].head = q->level[p].tail = t;
        q->bits[p / 8] |= (uint8_t)(1u << (p % 8));
        q->bytes |= 1u << (p / 8);
    } else if (front) {
        t->run_prev = NULL;
        t->run_next = q->level[p].head;
        t->run_next->run_prev = t;
        q->level[p].head = t;
    } else {
        t->run_next = NULL;
        t->run_prev = q->level[p].tail;
        t->run_prev->run_next = t;
        q->level[p].tail = t;
    }
    q->count++;
    if ((int)p > q->top)
        q->top = (int)p;
}

/* Out of a queue in which others stay. Returns t, to be a call at the end. */
static __attribute__((noinline)) struct tcb *
remove_from_others(struct run_queue *q, struct tcb *t, unsigned p)
{
    if (t->run_prev != NULL)
        t->run_prev->run_next = t->run_next;
    else
        q->level[p].head = t->run_next;
    if (t->run_next != NULL)
        t->run_next->run_prev = t->run_prev;
    else
        q->level[p].tail = t->run_prev;
    if (q->level[p].head != NULL)
        return t;
    q->bits[p / 8] &= (uint8_t)~(1u << (p % 8));
    if (q->bits[p / 8] == 0)
        q->bytes &= ~(1u << (p / 8));
    if ((int)p == q->top) {
        if (q->bytes == 0) {
            q->top = -1;
        } else {
            int byte = highest_bit(q->bytes);
            q->top = byte * 8 + highest_bit(q->bits[byte]);
        }
    }
    return t;
}

static inline struct tcb *remove_from(struct run_queue *q, struct tcb *t)
{
    unsigned p = (unsigned)t->priority;

    kassert(t->in_queue);
    t->in_queue = 0;
    if (--q->count != 0)
        return remove_from_others(q, t, p);
    /* As after every wake-up of an idle hart. */
    q->level[p].head = q->level[p].tail = NULL;
    q->bits[p / 8] = 0;
    q->bytes = 0;
    q->top = -1;
    return t;
}

void run_queue_remove(struct run_queue *q, struct tcb *t)
{
    remove_from(q, t);
}

struct tcb *run_queue_take(struct run_queue *q)
{
    return q->top < 0 ? NULL : remove_from(q, q->level[q->top].head);
}
