/* SPDX-License-Identifier: MIT */
/* What threads do: first the janitor makes the world, then the input's actions. */
#ifndef FUZZ_KERNEL_ACTIONS_H
#define FUZZ_KERNEL_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcb;
struct hart;

/* The janitor owns the Untypeds and never takes part until the end. */
struct tcb *janitor_make(void);
/* work(): hart 0 makes everything that inputs find. */
void janitor_build(struct hart *h);
/* Let the janitor run, which revokes all it has given away. */
void janitor_call_up(void);
bool janitor_done(void);

/*
 * The input: its first byte says how many harts there are (modulo 3) and, in bit 7,
 * whether there are trace rings, in bit 6, whether calls by the fast paths are compared
 * with the general one. Actions follow:
 *   byte 0   bits 0..1 the hart, bits 2..7 how many bytes of arguments there are
 *   byte 1   the kind, kinds.h
 *   byte 2   from 128 on: how many points the hart may pass before others go on
 *   arguments; those that are missing are 0
 */
void actions_begin(const uint8_t *data, size_t size, unsigned *harts);
/* Reads a header. False: the input has ended. */
bool actions_next(unsigned *hart, int *park_after);
/* work(): the current thread does what the header says, or repeats its call. */
void actions_do(struct hart *h);
/* work(): only repeat a call that has not ended. */
void actions_repeat(struct hart *h);
/* work(): the same, and the janitor cleans up. */
void actions_end(struct hart *h);
/* The thread of this hart has a call that has not ended. */
bool actions_unfinished(unsigned hart);

#endif
