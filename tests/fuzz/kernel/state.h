/* SPDX-License-Identifier: MIT */
/* Copies of the whole state of the machine: its variables and its memory. */
#ifndef FUZZ_KERNEL_STATE_H
#define FUZZ_KERNEL_STATE_H

#include <stddef.h>

enum copy { COPY_START, COPY_BEFORE, COPY_FAST, NR_COPIES };

void state_save(enum copy which);
void state_restore(enum copy which);
/* Where a variable or an object of the machine is in the copy. */
void *state_in(enum copy which, const void *at);

/* What state_compare leaves out; begins anew with state_ignore_nothing. */
void state_ignore_nothing(void);
void state_ignore(const void *at, size_t bytes);
/* Fails at the first byte that the state and the copy do not have in common. */
void state_compare(enum copy which, const char *what, unsigned long nr);

#endif
