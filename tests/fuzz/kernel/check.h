/* SPDX-License-Identifier: MIT */
/* What must hold whenever no hart is inside the kernel; docs/fuzzing.md has the list. */
#ifndef FUZZ_KERNEL_CHECK_H
#define FUZZ_KERNEL_CHECK_H

void check_all(void);
/* How many capabilities the last check saw. */
unsigned check_capabilities(void);

#endif
