/* SPDX-License-Identifier: MIT */
/* The registers that fastpath/ipc.c names are the simulated hart's; entries.c does what
 * trap.S does with them. */
#ifndef ATOLL_FASTPATH_IPC_REGS_H
#define ATOLL_FASTPATH_IPC_REGS_H

#include <stdint.h>

#include "kernel/hart.h"

void machine_set_a6(uint64_t value);
void machine_exit_by_drain(void);

#define hart_in_tp this_hart()
#define set_a6(value) machine_set_a6(value)
#define EXIT_BY(label, to) do { machine_exit_by_drain(); return to; } while (0)

#endif
