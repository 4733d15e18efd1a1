/* SPDX-License-Identifier: MIT */
/* build: linux_compat/region.c; include: linux_compat microkernel/abi */
/*
 * The region list against a plain map of pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "region.h"

#define PAGES 512u
#define PAGE  4096ul
#define BASE  0x100000ul

static struct region_list list;
static uint8_t model[PAGES];        /* 0 free, else prot + 1 */

static void check(void)
{
    uint32_t i;
    uaddr_t last = 0;
    for (i = 0; i < list.nr; i++) {
        assert_true(list.r[i].start >= last);
        assert_true(list.r[i].end > list.r[i].start);
        last = list.r[i].end;
        for (uaddr_t a = list.r[i].start; a < list.r[i].end; a += PAGE)
            assert_int_equal(model[(a - BASE) / PAGE], list.r[i].prot + 1);
    }
    uint64_t total = 0;
    for (unsigned p = 0; p < PAGES; p++)
        total += model[p] ? PAGE : 0;
    assert_int_equal(region_total(&list), total);
}

static void insert(unsigned page, unsigned pages, uint8_t prot)
{
    struct region r = { .start = BASE + page * PAGE, .end = BASE + (page + pages) * PAGE, .prot = prot };
    region_insert(&list, &r);
    memset(model + page, prot + 1, pages);
}

static void neighbours_that_are_alike_merge(void **state)
{
    (void)state;
    region_init(&list);
    memset(model, 0, sizeof model);
    insert(10, 5, 3);
    insert(20, 5, 3);
    insert(15, 5, 3);
    assert_int_equal(list.nr, 1);
    insert(9, 1, 3);
    assert_int_equal(list.nr, 1);
    insert(8, 1, 1);
    assert_int_equal(list.nr, 2);
    check();
}

static void file_offsets_survive_a_split(void **state)
{
    (void)state;
    region_init(&list);
    struct region r = { .start = BASE, .end = BASE + 8 * PAGE, .prot = 1, .kind = REGION_FILE, .offset = 0x10000, .file = 1 };
    region_insert(&list, &r);
    assert_int_equal(region_remove(&list, BASE + 2 * PAGE, BASE + 4 * PAGE), 2 * PAGE);
    assert_int_equal(list.nr, 2);
    assert_int_equal(list.r[1].offset, 0x10000 + 4 * PAGE);
    region_protect(&list, BASE + 5 * PAGE, BASE + 6 * PAGE, 3);
    assert_int_equal(list.nr, 4);
    region_protect(&list, BASE + 5 * PAGE, BASE + 6 * PAGE, 1);
    assert_int_equal(list.nr, 2);
}

static void search_takes_the_highest_hole_that_fits(void **state)
{
    (void)state;
    uaddr_t top = BASE + PAGES * PAGE;
    region_init(&list);
    memset(model, 0, sizeof model);
    assert_int_equal(region_search(&list, BASE, top, 4 * PAGE), top - 4 * PAGE);
    insert(PAGES - 4, 4, 3);
    insert(PAGES - 10, 4, 3);
    assert_int_equal(region_search(&list, BASE, top, 2 * PAGE), top - 6 * PAGE);
    assert_int_equal(region_search(&list, BASE, top, 3 * PAGE), top - 13 * PAGE);
    assert_int_equal(region_search(&list, BASE, top, PAGES * PAGE), 0);
}

static void a_freed_place_is_found_again(void **state)
{
    (void)state;
    uaddr_t top = BASE + PAGES * PAGE;
    region_init(&list);
    memset(model, 0, sizeof model);
    for (int i = 0; i < 1000; i++) {
        uaddr_t at = region_search(&list, BASE, top, PAGE);
        assert_int_equal(at, top - PAGE);
        struct region r = { .start = at, .end = at + PAGE, .prot = 3 };
        region_insert(&list, &r);
        assert_int_equal(region_remove(&list, at, at + PAGE), PAGE);
    }
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    srand(7);
    region_init(&list);
    memset(model, 0, sizeof model);
    for (int step = 0; step < 20000; step++) {
        unsigned page = (unsigned)rand() % PAGES, pages = 1 + (unsigned)rand() % 12;
        if (page + pages > PAGES)
            pages = PAGES - page;
        uaddr_t start = BASE + page * PAGE, end = start + pages * PAGE;
        bool free = true, covered = true;
        for (unsigned p = page; p < page + pages; p++) {
            free &= !model[p];
            covered &= model[p] != 0;
        }
        assert_int_equal(region_is_free(&list, start, end), free);
        assert_int_equal(region_is_covered(&list, start, end), covered);
        switch (rand() % 4) {
        case 0:
            if (free)
                insert(page, pages, (uint8_t)(rand() % 4));
            break;
        case 1:
            region_remove(&list, start, end);
            memset(model + page, 0, pages);
            break;
        case 2:
            if (covered) {
                uint8_t prot = (uint8_t)(rand() % 4);
                region_protect(&list, start, end, prot);
                memset(model + page, prot + 1, pages);
            }
            break;
        default: {
            uaddr_t at = region_search(&list, BASE, BASE + PAGES * PAGE, pages * PAGE);
            if (at) {
                assert_true(region_is_free(&list, at, at + pages * PAGE));
            } else {        /* then there is none */
                unsigned run = 0;
                for (unsigned p = 0; p < PAGES; p++) {
                    run = model[p] ? 0 : run + 1;
                    assert_true(run < pages);
                }
            }
        }
        }
        check();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_that_are_alike_merge),
        cmocka_unit_test(file_offsets_survive_a_split),
        cmocka_unit_test(search_takes_the_highest_hole_that_fits),
        cmocka_unit_test(a_freed_place_is_found_again),
        cmocka_unit_test(random_operations_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
