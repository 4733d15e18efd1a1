/* SPDX-License-Identifier: MIT */
/*
 * See sbi.h. Extension and function numbers are those of the SBI
 * specification; the console falls back to the legacy call where the firmware
 * has no debug console extension.
 */
#include "arch/riscv/sbi.h"

#define EXT_BASE     0x10
#define EXT_TIME     0x54494d45
#define EXT_IPI      0x735049
#define EXT_RFENCE   0x52464e43
#define EXT_HSM      0x48534d
#define EXT_SRST     0x53525354
#define EXT_DBCN     0x4442434e
#define LEGACY_PUTCHAR  1
#define LEGACY_SHUTDOWN 8

static bool has_debug_console, has_reset;

static struct sbi_result sbi_call(long ext, long fid, uint64_t arg0, uint64_t arg1,
                                  uint64_t arg2, uint64_t arg3)
{
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a3 __asm__("a3") = arg3;
    register uint64_t a6 __asm__("a6") = (uint64_t)fid;
    register uint64_t a7 __asm__("a7") = (uint64_t)ext;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){ (long)a0, (long)a1 };
}

/* 0: no such function. */
static uint64_t base_call(long fid, uint64_t arg)
{
    struct sbi_result r = sbi_call(EXT_BASE, fid, arg, 0, 0, 0);
    return r.error == 0 ? (uint64_t)r.value : 0;
}

static bool probe(long ext)
{
    return base_call(3, (uint64_t)ext) != 0;
}

struct machine_id sbi_machine_id(void)
{
    return (struct machine_id){ base_call(4, 0), base_call(5, 0), base_call(6, 0) };
}

void sbi_init(void)
{
    has_debug_console = probe(EXT_DBCN);
    has_reset = probe(EXT_SRST);
}

void sbi_console_write(const char *text, size_t len)
{
    while (has_debug_console && len > 0) {
        struct sbi_result r = sbi_call(EXT_DBCN, 0, len, kva_to_phys(text), 0, 0);
        if (r.error != 0 || r.value <= 0)
            break;
        text += r.value;
        len -= (size_t)r.value;
    }
    for (; len > 0; text++, len--)
        sbi_call(LEGACY_PUTCHAR, 0, (unsigned char)*text, 0, 0, 0);
}

void sbi_set_timer(ticks_t when)
{
    sbi_call(EXT_TIME, 0, when, 0, 0, 0);
}

void sbi_send_ipi(uint64_t mhartid_mask)
{
    sbi_call(EXT_IPI, 0, mhartid_mask, 0, 0, 0);
}

void sbi_remote_sfence_vma(uint64_t mhartid_mask, uintptr_t start, size_t bytes)
{
    sbi_call(EXT_RFENCE, 1, mhartid_mask, 0, start, bytes);
}

void sbi_remote_fence_i(uint64_t mhartid_mask)
{
    sbi_call(EXT_RFENCE, 0, mhartid_mask, 0, 0, 0);
}

long sbi_hart_start(uint64_t mhartid, paddr_t entry, uint64_t opaque)
{
    return sbi_call(EXT_HSM, 0, mhartid, entry, opaque, 0).error;
}

void sbi_shutdown(bool failed, bool reboot)
{
    if (has_reset)
        sbi_call(EXT_SRST, 0, reboot ? 1 : 0, failed ? 1 : 0, 0, 0);
    sbi_call(LEGACY_SHUTDOWN, 0, 0, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}
