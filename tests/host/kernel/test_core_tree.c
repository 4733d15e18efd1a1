/* SPDX-License-Identifier: MIT */
/* build: microkernel/kernel/tree.c; include: tests/host/kernel/fake microkernel microkernel/abi */
/* The derivation tree, against a plain model of parents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/assert.h"
#include "kernel/lock.h"
#include "kernel/tree.h"

#define NODES 64

void panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    abort();
}

void spin_lock_contended(struct spinlock *lock) { (void)lock; abort(); }

static struct slot nodes[NODES];
static int parent_of[NODES];    /* -1: below the root, -2: not in the tree     */

static void *object(unsigned n) { return phys_to_kva((n + 1) * 64ul); }

static int setup(void **state)
{
    (void)state;
    memset(nodes, 0, sizeof(nodes));
    memset(&tree_root, 0, sizeof(tree_root));
    for (int i = 0; i < NODES; i++)
        parent_of[i] = -2;
    return 0;
}

static void add_root(int n, unsigned obj)
{
    tree_add_child(&tree_root, &nodes[n]);
    slot_set(&nodes[n], cap_word(CAP_TYPE_ENDPOINT, object(obj), RIGHTS_ALL, 0), 0);
    parent_of[n] = -1;
}

static void remove_node(int n)
{
    tree_remove(&nodes[n]);
    slot_clear(&nodes[n]);
    for (int i = 0; i < NODES; i++)
        if (parent_of[i] == n)
            parent_of[i] = parent_of[n];
    parent_of[n] = -2;
}

/* Each list must hold exactly the model's children, linked both ways. */
static void check_list(struct slot *parent, int index)
{
    int expected = 0, found = 0;
    struct slot *prev = NULL;

    for (int i = 0; i < NODES; i++)
        expected += parent_of[i] == index;
    for (struct slot *c = parent->first; c != NULL;) {
        found++;
        assert_int_equal(parent_of[c - nodes], index);
        assert_true(c->prev == (prev ? (uintptr_t)prev : ((uintptr_t)parent | 1)));
        prev = c;
        if (c->next & 1) {
            assert_true(c->next == ((uintptr_t)parent | 1));
            assert_ptr_equal(parent->last, c);
            c = NULL;
        } else {
            c = (struct slot *)c->next;
        }
    }
    assert_int_equal(found, expected);
}

static void check_all(void)
{
    check_list(&tree_root, -1);
    for (int i = 0; i < NODES; i++)
        if (parent_of[i] != -2)
            check_list(&nodes[i], i);
}

static void last_capability_is_told(void **state)
{
    (void)state;
    add_root(0, 7);
    add_root(1, 8);
    assert_true(tree_is_last(&nodes[0]));
    slot_derive(&nodes[2], &nodes[0], RIGHTS_ALL, 0, 0);
    slot_derive(&nodes[3], &nodes[2], RIGHT_READ, 0, 0);
    slot_derive(&nodes[4], &nodes[0], RIGHT_READ, 0, 0);
    parent_of[2] = parent_of[4] = 0;
    parent_of[3] = 2;
    check_all();
    assert_false(tree_is_last(&nodes[0]));
    remove_node(0);             /* children take its place */
    check_all();
    assert_false(tree_is_last(&nodes[4]));
    remove_node(2);
    remove_node(4);
    check_all();
    assert_true(tree_is_last(&nodes[3]));
    assert_true(tree_is_last(&nodes[1]));
}

static void change_count_changes(void **state)
{
    (void)state;
    add_root(0, 1);
    uint64_t before = nodes[0].word0;
    remove_node(0);
    add_root(0, 1);
    assert_true(nodes[0].word0 != before);
}

static int free_node(void)
{
    for (int i = 0; i < NODES; i++)
        if (parent_of[i] == -2)
            return i;
    return -1;
}

static void random_changes_keep_the_links(void **state)
{
    (void)state;
    srand(1);
    unsigned objects = 0;
    for (int step = 0; step < 20000; step++) {
        int at = rand() % NODES, to = free_node();
        switch (rand() % 4) {
        case 0:
            if (to >= 0)
                add_root(to, objects++ % 100000);
            break;
        case 1:
            if (to >= 0 && parent_of[at] != -2) {
                slot_derive(&nodes[to], &nodes[at], RIGHTS_ALL, 0, 0);
                parent_of[to] = at;
            }
            break;
        case 2:
            if (parent_of[at] != -2)
                remove_node(at);
            break;
        default:
            if (to >= 0 && parent_of[at] != -2) {
                uint64_t word = nodes[at].word0;
                tree_move(&nodes[at], &nodes[to]);
                slot_clear(&nodes[at]);
                slot_set(&nodes[to], word, 0);
                for (int i = 0; i < NODES; i++)
                    if (parent_of[i] == at)
                        parent_of[i] = to;
                parent_of[to] = parent_of[at];
                parent_of[at] = -2;
            }
            break;
        }
        if (step % 16 == 0)
            check_all();
        /* Two capabilities of one object never both look like the last. */
        for (int i = 0; step % 64 == 0 && i < NODES; i++)
            for (int j = 0; j < i; j++)
                if (parent_of[i] != -2 && parent_of[j] != -2 &&
                    cap_object(nodes[i].word0) == cap_object(nodes[j].word0))
                    assert_false(tree_is_last(&nodes[i]) || tree_is_last(&nodes[j]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(last_capability_is_told, setup),
        cmocka_unit_test_setup(change_count_changes, setup),
        cmocka_unit_test_setup(random_changes_keep_the_links, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
