/* SPDX-License-Identifier: MIT */
/* Invocations of TCBs, and their creation. */
#ifndef ATOLL_OBJECT_TCB_OPS_H
#define ATOLL_OBJECT_TCB_OPS_H

#include "kernel/invoke.h"
#include "object/tcb.h"

/* Compute t->fast_hart anew, after what it depends on changed: t has a context of
 * its own without a limit and an address space, no request to it was put off, and
 * its hart has taken it over. On the owner hart, or while t is at rest. */
void tcb_refresh(struct tcb *t);
void tcb_init(struct tcb *t);           /* memory is zeroed                    */
error_t tcb_decode(struct invoke *inv);
/* For boot and TCB_CONFIGURE; the slots inside are filled already. */
void tcb_take_slots(struct tcb *t);

#endif
