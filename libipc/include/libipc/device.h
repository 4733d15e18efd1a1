/* SPDX-License-Identifier: MIT */
/*
 * A request of a Linux program to a component of the system, through a character device: what the ioctl DEVICE_CALL
 * carries, or a write and then a read of an open file (docs/devices.md). fs forwards it, servers/fs/forward.c; programs
 * use generated stubs over it, programs/lib/device.h.
 */
#ifndef LIBIPC_DEVICE_H
#define LIBIPC_DEVICE_H

#include <libipc/ring.h>

/* Arguments and results as the interface's layout has them, like a submission entry and its arena slot. */
struct device_message {
    uint64_t layout_hash;       /* of the interface that the program was built for */
    uint16_t method;
    uint16_t result_bytes;      /* out: in the arena                            */
    int32_t  error;             /* out: the server's answer, 0 or ERR_*         */
    uint64_t word[6];
    uint8_t  arena[ARENA_SLOT_BYTES];   /* in: up to DEVICE_ARENA_BYTES of it   */
};
_Static_assert(sizeof(struct device_message) == 64 + ARENA_SLOT_BYTES, "wire layout");

/* fs writes who asks behind that (struct rpc_identity). */
#define DEVICE_ARENA_BYTES (ARENA_SLOT_BYTES - 16)

/* Linux's _IOWR('A', 1, struct device_message). 0: the server answered, see error. Otherwise nothing was answered:
 * EINVAL another layout, EFAULT the message is not readable and writable, EINTR a signal came and the server took the
 * request back, ENOBUFS too many requests of this user wait, EIO the server is gone. A write has the same errors, and
 * EBUSY until the answer before was read; a read without a request EINVAL. */
#define DEVICE_CALL 0xc2404101u
/* Linux's _IO('A', 2): take back what was written; the read tells how it ended. */
#define DEVICE_CANCEL 0x4102u
_Static_assert((DEVICE_CALL >> 16 & 0x3fff) == sizeof(struct device_message), "the ioctl's number");

#endif
