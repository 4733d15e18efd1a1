/* SPDX-License-Identifier: MIT */
/*
 * A Linux program's way to a component of the system: the generated stubs of the component's interface, over its node
 * in /dev (docs/devices.md).
 *
 *     struct rpc_client *kv = device_open("/dev/kv", KV_LAYOUT_HASH);
 *     error_t e = kv_get(kv, ...);
 *
 * One request at a time for each rpc_client; threads open one each. With _submit the program goes on, poll(2) on device_fd
 * says POLLIN when _finish will not wait, and device_close takes the request back. A method that is `cancellable` ends with
 * ERR_INTERRUPTED when a handler ran that was installed without SA_RESTART; the others are made again. There are no
 * events and deadlines here: programs that use them do not link. What does not fit a message (strings and lent
 * buffers go to a slot of 496 bytes together) ends in ERR_FAULT or ERR_ARGS_TOO_LONG.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <libipc/client.h>

/* NULL: errno says why. */
struct rpc_client *device_open(const char *path, uint64_t layout_hash);
void device_close(struct rpc_client *);
int device_fd(const struct rpc_client *);
/* What an error means, for people. */
const char *device_error(error_t);

#endif
