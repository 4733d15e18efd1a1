/* SPDX-License-Identifier: MIT */
/* build: servers/supervisor/placement.c servers/supervisor/archive.c lib/fdt.c;
 *  include: servers/supervisor libipc/include microkernel/abi build/gen;
 *  define: ASSEMBLY_SIZE_H=1 NR_COMPONENTS=6 NR_SHARED=1 NR_DEVICE_KINDS=1 */
/* What the supervisor reads from outside: placement, archive, device tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../lib/include/fdt.h"
#include "archive.h"
#include "assembly.h"
#include "placement.h"

const struct component assembly[NR_COMPONENTS] = {
    { .name = "proc", .program = "proc", .first = SERVER_PROC, .id = SERVER_PROC },
    { .name = "fs", .program = "fs", .first = SERVER_FS, .id = SERVER_FS },
    { .name = "time", .program = "time", .first = SERVER_TIME, .id = SERVER_TIME },
    { .name = "time.1", .program = "time", .first = SERVER_TIME, .shard = 1, .id = 7 },
    { .name = "time.2", .program = "time", .first = SERVER_TIME, .shard = 2, .id = 8 },
    { .name = "timer", .program = "timer", .first = 6, .id = 6 },
};

static void placement_takes_the_best_line(void **s)
{
    static const char text[] = "# comment\n1: proc=0 fs=0 guests=0\n2: proc=1 fs=1 guests=0\n4: proc=3 fs=2 guests=0-1\n";
    struct placement p;

    (void)s;
    placement_default(&p, 3);
    assert_int_equal(p.guest_mask, 3);
    assert_int_equal(p.server_hart[SERVER_FS], 2);
    assert_int_equal(placement_parse(&p, text, sizeof text - 1, 3), 0);
    assert_int_equal(p.server_hart[SERVER_FS], 1);
    assert_int_equal(p.guest_mask, 1);
    assert_int_equal(placement_parse(&p, text, sizeof text - 1, 8), 0);
    assert_int_equal(p.server_hart[SERVER_PROC], 3);
    assert_int_equal(p.guest_mask, 3);
}

static void the_command_line_overrides(void **s)
{
    struct placement p;

    (void)s;
    placement_default(&p, 4);
    assert_int_equal(placement_command_line(&p, "quiet place=fs=2,guests=0,3,time=1 init=/x", 4), 0);
    assert_int_equal(p.server_hart[SERVER_FS], 2);
    assert_int_equal(p.server_hart[SERVER_TIME], 1);
    assert_int_equal(p.server_hart[SERVER_PROC], 3);
    assert_int_equal(p.guest_mask, 9);
}

static void senseless_placements_are_left_out(void **s)
{
    struct placement p;

    (void)s;
    placement_default(&p, 2);
    assert_int_equal(placement_command_line(&p, "place=fs=2,x=1,guests=1-0,guests=,proc=1x,time=0", 2), 5);
    assert_int_equal(p.server_hart[SERVER_FS], 1);
    assert_int_equal(p.server_hart[SERVER_TIME], 0);
    assert_int_equal(p.guest_mask, 1);
}

static void shards_are_placed_one_a_hart(void **s)
{
    static const char text[] = "2: proc=1 fs=1 time=1 guests=0\n4: proc=3 time=3,1 guests=0-2\n";
    struct placement p;

    (void)s;
    placement_default(&p, 4);
    assert_int_equal(p.server_hart[SERVER_TIME], 3);
    assert_int_equal(p.server_hart[7], NOWHERE);
    assert_int_equal(p.server_hart[SERVER_NET], NOWHERE);
    assert_int_equal(placement_parse(&p, text, sizeof text - 1, 4), 0);
    assert_int_equal(p.server_hart[SERVER_TIME], 3);
    assert_int_equal(p.server_hart[7], 1);
    assert_int_equal(p.server_hart[8], NOWHERE);
    assert_int_equal(placement_command_line(&p, "place=time=0-2,fs=2,timer=1", 4), 0);
    assert_int_equal(p.server_hart[SERVER_TIME], 0);
    assert_int_equal(p.server_hart[7], 1);
    assert_int_equal(p.server_hart[8], 2);
    assert_int_equal(p.server_hart[6], 1);
    assert_int_equal(placement_command_line(&p, "place=time=3+2,fs=1", 4), 0);
    assert_int_equal(p.server_hart[SERVER_TIME], 3);
    assert_int_equal(p.server_hart[7], 2);
    assert_int_equal(p.server_hart[8], NOWHERE);
}

static void more_harts_than_shards_are_left_out(void **s)
{
    struct placement p;

    (void)s;
    placement_default(&p, 4);
    assert_int_equal(placement_command_line(&p, "place=time=0-3,fs=1,2,time.1=2,proc=0+,time=2+4", 4), 5);
    for (unsigned id = SERVER_PROC; id <= SERVER_TIME; id++)
        assert_int_equal(p.server_hart[id], 3);
    assert_int_equal(p.server_hart[7], NOWHERE);
}

static size_t member_of(uint8_t *at, const char *name, const char *data, unsigned mtime)
{
    size_t head = (110 + strlen(name) + 1 + 3) & ~3ul, bytes = strlen(data);

    memset(at, 0, head + bytes + 4);
    sprintf((char *)at, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08zx%08x", 1, 0100644, 0, 0, 1, mtime,
            (unsigned)bytes, 0, 0, 0, 0, strlen(name) + 1, 0);
    strcpy((char *)at + 110, name);
    memcpy(at + head, data, bytes);
    return head + ((bytes + 3) & ~3ul);
}

static size_t member(uint8_t *at, const char *name, const char *data)
{
    return member_of(at, name, data, 0);
}

static void later_archive_members_win(void **s)
{
    uint8_t *a = calloc(1, 4096);
    size_t n = 0, total;
    struct archive_member m;

    (void)s;
    n += member(a + n, "a/b", "first");
    n += member(a + n, "TRAILER!!!", "");
    n = (n + 511) & ~511ul;
    n += member(a + n, "a/b", "second one");
    n += member(a + n, "TRAILER!!!", "");
    total = n;
    m = archive_find(a, total, "a/b");
    assert_int_equal(m.bytes, 10);
    assert_memory_equal(m.data, "second one", 10);
    assert_null(archive_find(a, total, "a").data);
    free(a);
}

static void the_newest_member_dates_the_archive(void **s)
{
    uint8_t *a = calloc(1, 4096);
    size_t n = member(a, "x", "of no time");

    (void)s;
    assert_int_equal(archive_newest(a, 0), 0);
    assert_int_equal(archive_newest(a, n), 0);
    n += member_of(a + n, "y", "of 2106", 0xffffffff);
    n += member_of(a + n, "z", "", 1000000000);
    assert_int_equal(archive_newest(a, n), 0xffffffff);
    memcpy(a + 6 + 8 * 5, "????????", 8);               /* no number: the member is there, without a time */
    assert_int_equal(archive_newest(a, n), 0xffffffff);
    assert_int_equal(archive_find(a, n, "x").bytes, 10);
    free(a);
}

static void damaged_archives_do_no_harm(void **s)
{
    uint8_t whole[1024];
    size_t n = member(whole, "x", "some data here");

    (void)s;
    n += member(whole + n, "y", "more");
    for (size_t cut = 0; cut <= n; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);

        memcpy(copy, whole, cut);
        archive_find(copy, cut, "y");
        free(copy);
    }
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(n);

        memcpy(copy, whole, n);
        for (int i = 0; i < 3; i++)
            copy[(size_t)rand() % n] = "0fF9\0\xff"[rand() % 6];
        archive_find(copy, n, "y");
        free(copy);
    }
}

/* ---- device tree ---- */

struct blob { uint8_t bytes[2048]; size_t at; };

static void put32(struct blob *b, uint32_t v)
{
    for (int i = 3; i >= 0; i--)
        b->bytes[b->at++] = (uint8_t)(v >> 8 * i);
}
static void put_text(struct blob *b, const char *text, size_t bytes)
{
    memcpy(b->bytes + b->at, text, bytes);
    b->at = (b->at + bytes + 3) & ~3ul;
}
static void node(struct blob *b, const char *name) { put32(b, 1); put_text(b, name, strlen(name) + 1); }
static void prop(struct blob *b, uint32_t name, const char *value, size_t bytes)
{
    put32(b, 3);
    put32(b, (uint32_t)bytes);
    put32(b, name);
    put_text(b, value, bytes);
}

static size_t make_tree(struct blob *b)
{
    static const char strings[] = "compatible\0reg\0interrupts\0#address-cells\0#size-cells";
    size_t structure, names;

    memset(b, 0, sizeof *b);
    b->at = structure = 40;
    node(b, "");
    prop(b, 26, "\0\0\0\2", 4);
    prop(b, 41, "\0\0\0\2", 4);
    node(b, "soc");
    node(b, "uart@10000000");
    prop(b, 0, "vendor,x\0ns16550a", 18);
    prop(b, 15, "\0\0\0\12", 4);
    put32(b, 2);
    put32(b, 2);
    node(b, "dev");
    prop(b, 11, "\0\0\0\1\x20\0\0\0\0\0\0\0\0\0\1\0", 16);
    put32(b, 2);
    put32(b, 2);
    put32(b, 9);
    names = b->at;
    memcpy(b->bytes + names, strings, sizeof strings);
    b->at = 0;
    put32(b, 0xd00dfeed);
    put32(b, (uint32_t)(names + sizeof strings));
    put32(b, (uint32_t)structure);
    put32(b, (uint32_t)names);
    put32(b, 40);
    put32(b, 17);
    put32(b, 16);
    put32(b, 0);
    put32(b, sizeof strings);
    put32(b, (uint32_t)(names - structure));
    return names + sizeof strings;
}

static void the_device_tree_is_walked(void **s)
{
    struct blob b;
    size_t bytes = make_tree(&b);
    struct fdt_node n = { 0 };
    uint64_t address, length;
    uint32_t irq;
    struct fdt fdt;

    (void)s;
    assert_true(fdt_open(&fdt, b.bytes, bytes));
    assert_true(fdt_next(&fdt, &n));
    assert_true(fdt_next(&fdt, &n));
    assert_string_equal(n.name, "soc");
    assert_true(fdt_next(&fdt, &n));
    assert_int_equal(n.depth, 3);
    assert_true(fdt_is_compatible(&fdt, &n, "ns16550a"));
    assert_false(fdt_is_compatible(&fdt, &n, "ns16550"));
    assert_true(fdt_cell(&fdt, &n, "interrupts", 0, &irq));
    assert_int_equal(irq, 10);
    assert_true(fdt_next(&fdt, &n));
    assert_string_equal(n.name, "dev");
    assert_int_equal(n.depth, 2);
    assert_true(fdt_reg(&fdt, &n, 0, &address, &length));
    assert_int_equal(address, 0x120000000);
    assert_int_equal(length, 0x100);
    assert_false(fdt_reg(&fdt, &n, 1, &address, &length));
    assert_false(fdt_next(&fdt, &n));
}

static void damaged_device_trees_do_no_harm(void **s)
{
    struct blob b;
    size_t bytes = make_tree(&b);

    (void)s;
    for (unsigned round = 0; round < 50000; round++) {
        uint8_t *copy = malloc(bytes);
        struct fdt_node n = { 0 };
        uint64_t address, length;
        struct fdt fdt;

        memcpy(copy, b.bytes, bytes);
        for (int i = 0; i < 4; i++)
            copy[(size_t)rand() % bytes] = (uint8_t)(rand() % 3 ? rand() % 8 : rand());
        if (fdt_open(&fdt, copy, bytes)) {
            for (int i = 0; i < 100 && fdt_next(&fdt, &n); i++) {
                fdt_is_compatible(&fdt, &n, "ns16550a");
                fdt_reg(&fdt, &n, 0, &address, &length);
            }
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placement_takes_the_best_line), cmocka_unit_test(the_command_line_overrides),
        cmocka_unit_test(senseless_placements_are_left_out), cmocka_unit_test(shards_are_placed_one_a_hart),
        cmocka_unit_test(more_harts_than_shards_are_left_out), cmocka_unit_test(later_archive_members_win),
        cmocka_unit_test(the_newest_member_dates_the_archive),
        cmocka_unit_test(damaged_archives_do_no_harm), cmocka_unit_test(the_device_tree_is_walked),
        cmocka_unit_test(damaged_device_trees_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
