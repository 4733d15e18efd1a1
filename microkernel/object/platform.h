/* SPDX-License-Identifier: MIT */
/* The Platform capability: interrupts, shutdown, counters, console. */
#ifndef ATOLL_OBJECT_PLATFORM_H
#define ATOLL_OBJECT_PLATFORM_H

#include "arch/riscv/layout.h"
#include "kernel/invoke.h"

extern paddr_t platform_finisher;   /* sifive,test device, or 0                */

error_t platform_decode(struct invoke *inv);
_Noreturn void platform_shutdown(unsigned status, bool reboot);

#endif
