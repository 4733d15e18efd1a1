/* SPDX-License-Identifier: MIT */
/* build: ; include: microkernel */
/* Which cores have a fault that the kernel works round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/riscv/errata.h"

#define SIFIVE   0x489ul
#define SERIES_7 0x8000000000000007ul

static bool faulty(uint64_t vendor, uint64_t arch, uint64_t implementation)
{
    return has_cip_1200((struct machine_id){ vendor, arch, implementation });
}

static void u74_up_to_june_2020_has_cip_1200(void **state)
{
    (void)state;
    assert_true(faulty(SIFIVE, SERIES_7, 0x20181004));
    assert_true(faulty(SIFIVE, SERIES_7, 0x04200630));
    assert_true(faulty(SIFIVE, SERIES_7, 0));
    assert_true(faulty(SIFIVE, 1, 0x20190919));
}

static void later_cores_and_the_mended_one_have_not(void **state)
{
    (void)state;
    assert_false(faulty(SIFIVE, SERIES_7, 0x04200631));
    assert_false(faulty(SIFIVE, SERIES_7, 0x04210427));
    assert_false(faulty(SIFIVE, SERIES_7, 0x01200626));
}

static void other_cores_have_not(void **state)
{
    (void)state;
    assert_false(faulty(0, 0, 0));                      /* QEMU's, up to 7.0       */
    assert_false(faulty(0, 0x70200, 0x70200));          /* QEMU 7.2                */
    assert_false(faulty(SIFIVE, 2, 0x20181004));
    assert_false(faulty(0x5b7, SERIES_7, 0x20181004));
    assert_false(faulty(0, SERIES_7, 0x20181004));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u74_up_to_june_2020_has_cip_1200),
        cmocka_unit_test(later_cores_and_the_mended_one_have_not),
        cmocka_unit_test(other_cores_have_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
