/* SPDX-License-Identifier: MIT */
/*
 * Is there room: memory for a further process, and for a process that wants to go on.
 *
 * The pool keeps its last pages for the system (POOL_SET_RESERVE). Before that
 * is touched, new processes are refused: their sessions and pages would be paid
 * from it. A lack is often only a delay, since the reaper takes dead processes
 * apart at guest priority; so whoever needs memory first waits for it. When
 * nothing is left to reap, a process that needs a page to go on makes proc end
 * the one with the most memory, which may be itself.
 */
#ifndef PROC_ROOM_H
#define PROC_ROOM_H

#include "process.h"

/* For requests that make a process or an image: 0, ERR_NO_MEMORY, or RPC_BLOCKS
 * when it has to wait but does not run on a coroutine. The caller's image may be
 * gone afterwards. */
error_t room_for_process(void) MAY_YIELD;
bool room_is_low(void);

#endif
