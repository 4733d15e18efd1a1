/* SPDX-License-Identifier: MIT */
/* build: include: microkernel/abi */
/* The servers' heap, under other names, in memory of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define heap_init lib_heap_init
#define malloc lib_malloc
#define calloc lib_calloc
#define realloc lib_realloc
#define aligned_alloc lib_aligned_alloc
#define free lib_free
#define strtoul lib_strtoul
#define strtol lib_strtol
#define qsort lib_qsort
#define bsearch lib_bsearch
#define abort lib_abort
#undef assert
#include "../../../lib/include/stdlib.h"
#define assert assert_true
#include "../../../lib/malloc.c"

static jmp_buf panicked;
static int may_panic;

void panic(const char *format, ...)
{
    (void)format;
    if (may_panic)
        longjmp(panicked, 1);
    fail_msg("%s", format);
    __builtin_unreachable();
}

#define HEAP_BYTES (4u << 20)
static _Alignas(16) uint8_t memory[HEAP_BYTES];

static int set_up(void **state)
{
    (void)state;
    memset(memory, 0, sizeof memory);
    heap_init(memory, sizeof memory);
    may_panic = 0;
    return 0;
}

static void blocks_do_not_overlap_and_all_comes_back(void **state)
{
    (void)state;
    enum { NR = 500 };
    static struct { uint8_t *p; size_t bytes; uint8_t fill; } block[NR];
    memset(block, 0, sizeof block);
    uint64_t random = 1;
    for (unsigned round = 0; round < 60000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned i = (unsigned)(random >> 33) % NR;
        unsigned kind = (unsigned)(random >> 50) % 8;
        size_t bytes = (random >> 20) % ((random >> 60) == 0 ? 60000 : 400);
        if (block[i].p != NULL)
            for (size_t k = 0; k < block[i].bytes; k++)
                assert_int_equal(block[i].p[k], block[i].fill);
        if (block[i].p != NULL && kind < 5) {
            free(block[i].p);
            block[i].p = NULL;
            continue;
        }
        uint8_t *p;
        size_t kept = 0;
        if (kind == 5 && block[i].p == NULL) {
            size_t alignment = 32u << (random >> 55) % 6;
            p = aligned_alloc(alignment, bytes);
            assert_int_equal((uintptr_t)p % alignment, 0);
        } else {
            p = realloc(block[i].p, bytes);
            if (p != NULL && block[i].p != NULL)
                kept = bytes < block[i].bytes ? bytes : block[i].bytes;
        }
        if (p == NULL)
            continue;
        assert_true(p >= memory && p + bytes <= memory + HEAP_BYTES);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < kept; k++)
            assert_int_equal(p[k], block[i].fill);
        block[i].p = p;
        block[i].bytes = bytes;
        block[i].fill = (uint8_t)round;
        memset(p, block[i].fill, bytes);
        if (round % 500 == 0)
            heap_check();
    }
    for (unsigned i = 0; i < NR; i++)
        free(block[i].p);
    heap_check();
    struct heap_stats stats;
    heap_get_stats(&stats);
    assert_int_equal(stats.used_bytes, 0);
    assert_int_equal(stats.nr_blocks, 0);
    /* One block again: the whole can be had at once. */
    assert_non_null(malloc(stats.grown_bytes - 64));
}

static void memory_is_reused_and_touched_from_below(void **state)
{
    (void)state;
    struct heap_stats stats;
    for (unsigned i = 0; i < 10000; i++) {
        void *a = malloc(100), *b = malloc(5000);
        free(a);
        free(b);
    }
    heap_get_stats(&stats);
    assert_true(stats.grown_bytes <= 65536);
}

static void exhaustion_gives_null(void **state)
{
    (void)state;
    assert_null(malloc(HEAP_BYTES));
    assert_null(malloc(SIZE_MAX));
    assert_null(calloc(SIZE_MAX / 2, 3));
    unsigned nr = 0;
    while (malloc(1000) != NULL)
        nr++;
    assert_in_range(nr, HEAP_BYTES / 1100, HEAP_BYTES / 1000);
    heap_check();
}

/* What the heap grows by must lie in the class that the search looks at. */
static void the_heap_grows_enough_for_every_size(void **state)
{
    for (size_t bytes = 16; bytes < HEAP_BYTES / 2; bytes += bytes / 7 + 8) {
        set_up(state);
        assert_non_null(malloc(bytes));
        set_up(state);
        assert_non_null(malloc(100));
        assert_non_null(malloc(bytes));
    }
}

static void calloc_zeroes_used_memory(void **state)
{
    (void)state;
    uint8_t *p = malloc(300);
    memset(p, 0xff, 300);
    free(p);
    p = calloc(3, 100);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(p[i], 0);
}

static void double_free_and_overrun_are_found(void **state)
{
    (void)state;
    char *p = malloc(40), *q = malloc(40);
    may_panic = 1;
    free(p);
    if (setjmp(panicked) == 0) {
        free(p);
        fail();
    }
    memset(q, 0, 100);      /* over the next block's header */
    if (setjmp(panicked) == 0) {
        free(q);
        heap_check();
        fail();
    }
    if (setjmp(panicked) == 0) {
        free(q + 8);
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(blocks_do_not_overlap_and_all_comes_back, set_up),
        cmocka_unit_test_setup(memory_is_reused_and_touched_from_below, set_up),
        cmocka_unit_test_setup(exhaustion_gives_null, set_up),
        cmocka_unit_test_setup(the_heap_grows_enough_for_every_size, set_up),
        cmocka_unit_test_setup(calloc_zeroes_used_memory, set_up),
        cmocka_unit_test_setup(double_free_and_overrun_are_found, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
