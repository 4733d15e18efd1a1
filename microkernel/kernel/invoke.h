/* SPDX-License-Identifier: MIT */
/*
 * One decoded invocation, handed to the object's decode function. The object
 * pointer is that of the capability's object (NULL for Untyped and Platform,
 * which are described by the slot alone). A decode function checks everything,
 * rights included, before it changes anything; it returns 0, a negative error,
 * or K_PREEMPTED / K_AGAIN to be called again from the start.
 */
#ifndef ATOLL_KERNEL_INVOKE_H
#define ATOLL_KERNEL_INVOKE_H

#include <atoll/errors.h>
#include <atoll/types.h>

struct tcb;
struct slot;

struct invoke {
    struct tcb  *caller;
    struct slot *slot;      /* where the capability was found                   */
    uint64_t     word;      /* its first word as looked at (object/cap.h)       */
    void        *object;
    unsigned     rights;
    badge_t      badge;
    uint32_t     op;
    uint64_t     arg[5];    /* a2..a6                                           */
    uint64_t     result;    /* a1 on success                                    */
};

#endif
