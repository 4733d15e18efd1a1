/* SPDX-License-Identifier: MIT */
/*
 * The platform-level interrupt controller (RISC-V PLIC specification 1.0). A
 * source is delivered to one hart at a time; between claim and complete it
 * stays quiet, which is how a driver's interrupt is held off until IRQ_ACK.
 */
#ifndef ATOLL_ARCH_PLIC_H
#define ATOLL_ARCH_PLIC_H

#include "arch/riscv/layout.h"

void plic_init(paddr_t base, uint64_t bytes, uint32_t nr_sources);
void plic_init_hart(uint32_t context);
void plic_route(uint32_t source, uint32_t context, bool enable);
uint32_t plic_claim(uint32_t context);              /* 0: nothing pending      */
void plic_complete(uint32_t context, uint32_t source);

#endif
