/* SPDX-License-Identifier: MIT */
/* build: linux_compat/elf.c; include: linux_compat microkernel/abi libipc/include */
/*
 * ELF headers: good ones, each way of being wrong, and random damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "elf.h"

static uint8_t head[64], phdrs[ELF_MAX_PHDRS * 56];

static void put16(uint8_t *p, uint16_t v) { memcpy(p, &v, 2); }
static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }
static void put64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }

static void phdr(unsigned i, uint32_t type, uint32_t flags, uint64_t offset, uint64_t vaddr, uint64_t filesz, uint64_t memsz)
{
    uint8_t *p = phdrs + i * 56;
    put32(p, type);
    put32(p + 4, flags);
    put64(p + 8, offset);
    put64(p + 16, vaddr);
    put64(p + 24, vaddr);
    put64(p + 32, filesz);
    put64(p + 40, memsz);
    put64(p + 48, 4096);
}

/* text at 0x10000, data at 0x13e00 with bss */
static void good(void)
{
    memset(head, 0, sizeof head);
    memset(phdrs, 0, sizeof phdrs);
    memcpy(head, "\177ELF\2\1\1", 7);
    put16(head + 16, 2);
    put16(head + 18, 243);
    put32(head + 20, 1);
    put64(head + 24, 0x10400);
    put64(head + 32, 64);
    put16(head + 54, 56);
    put16(head + 56, 3);
    phdr(0, 1, 5, 0, 0x10000, 0x2a00, 0x2a00);
    phdr(1, 1, 6, 0x2e00, 0x13e00, 0x300, 0x5000);
    phdr(2, 0x6474e551, 6, 0, 0, 0, 0);
}

static error_t plan_it(struct elf_plan *plan)
{
    struct elf_header h;
    error_t e = elf_read_header(head, sizeof head, &h);
    return e ? e : elf_make_plan(&h, phdrs, plan);
}

static void a_good_file_gives_its_plan(void **state)
{
    (void)state;
    struct elf_plan plan;
    good();
    assert_int_equal(plan_it(&plan), 0);
    assert_int_equal(plan.nr_loads, 2);
    assert_int_equal(plan.low, 0x10000);
    assert_int_equal(plan.high, 0x19000);
    assert_int_equal(plan.load[1].vaddr, 0x13000);
    assert_int_equal(plan.load[1].file_offset, 0x2000);
    assert_int_equal(plan.load[1].file_bytes, 0x1100);
    assert_int_equal(plan.load[1].zero_at, 0x14100);
    assert_int_equal(plan.load[1].end, 0x18e00);
    assert_int_equal(plan.load[1].prot, 3);
    assert_int_equal(plan.phdr_vaddr, 0x10040);
    assert_false(plan.executable_stack);
}

static void damage_is_refused(void **state)
{
    (void)state;
    struct elf_plan plan;
    struct { const char *what; unsigned at, bytes; uint64_t value; bool in_phdrs; } bad[] = {
        { "magic", 0, 1, 0x7e, false },
        { "32 bit", 4, 1, 1, false },
        { "big endian", 5, 1, 2, false },
        { "object file", 16, 2, 1, false },
        { "x86-64", 18, 2, 62, false },
        { "no headers", 56, 2, 0, false },
        { "too many headers", 56, 2, 74, false },
        { "header size", 54, 2, 32, false },
        { "headers far away", 32, 8, UINT64_MAX - 10, false },
        { "vaddr wraps", 16, 8, UINT64_MAX - 4095, true },
        { "memory wraps", 40, 8, UINT64_MAX, true },
        { "file larger than memory", 32, 8, 0x3000, true },
        { "offset not congruent", 8, 8, 1, true },
        { "overlaps the next", 40, 8, 0x4000, true },
        { "below the lowest address", 16, 8, 0, true },
        { "entry above user space", 24, 8, 0x4000000000, false },
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        good();
        memcpy((bad[i].in_phdrs ? phdrs : head) + bad[i].at, &bad[i].value, bad[i].bytes);
        if (plan_it(&plan) == 0)
            fail_msg("accepted: %s", bad[i].what);
    }
}

static void a_short_file_is_no_program(void **state)
{
    (void)state;
    struct elf_header h;
    good();
    for (unsigned n = 0; n < 64; n++)
        assert_int_equal(elf_read_header(head, n, &h), ERR_NOT_EXECUTABLE);
}

static void random_damage_never_gives_a_plan_outside_user_space(void **state)
{
    (void)state;
    srand(11);
    for (int i = 0; i < 200000; i++) {
        struct elf_plan plan;
        good();
        for (int n = 1 + rand() % 4; n; n--) {
            if (rand() % 3)
                phdrs[rand() % (3 * 56)] = (uint8_t)rand();
            else
                head[16 + rand() % 48] = (uint8_t)rand();
        }
        if (plan_it(&plan))
            continue;
        assert_true(plan.nr_loads <= ELF_MAX_LOADS);
        for (unsigned k = 0; k < plan.nr_loads; k++) {
            const struct elf_load *l = &plan.load[k];
            assert_true(l->end <= 0x3fbfff0000 && l->vaddr < l->end && l->zero_at <= l->end);
            assert_true(l->vaddr % 4096 == 0 && l->file_offset % 4096 == 0);
            assert_true(!k || l->end > plan.load[k - 1].end);
        }
        assert_true(plan.interp_bytes <= 4096);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_gives_its_plan),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(a_short_file_is_no_program),
        cmocka_unit_test(random_damage_never_gives_a_plan_outside_user_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
