/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked lists with a head of their own. A node that is in no
 * list after list_init or list_remove points to itself, so removing twice is
 * harmless and list_is_linked tells.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline bool list_is_linked(const struct list *node)
{
    return node->next != node;
}
static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}
/* At the end, at the front, before a node. */
static inline void list_append(struct list *l, struct list *node)
{
    list_insert_between(node, l->prev, l);
}
static inline void list_prepend(struct list *l, struct list *node)
{
    list_insert_between(node, l, l->next);
}
static inline void list_insert_before(struct list *at, struct list *node)
{
    list_insert_between(node, at->prev, at);
}
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}
static inline struct list *list_first(const struct list *l)
{
    return l->next != l ? l->next : NULL;
}
/* Take the first node out, or NULL. */
static inline struct list *list_pop(struct list *l)
{
    struct list *node = list_first(l);
    if (node != NULL)
        list_remove(node);
    return node;
}
/* Move all nodes of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))
#define list_for_each(node, l) for (struct list *node = (l)->next; node != (l); node = node->next)
/* The node may be removed in the body. */
#define list_for_each_safe(node, l) \
    for (struct list *node = (l)->next, *node##_next = node->next; node != (l); \
         node = node##_next, node##_next = node->next)

#endif
