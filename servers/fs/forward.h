/* SPDX-License-Identifier: MIT */
/* Requests of programs to components that have a node in /dev. */
#ifndef FS_FORWARD_H
#define FS_FORWARD_H

#include <libipc/client.h>
#include <libipc/system.h>

/* Makes the nodes; after devfs_init. */
error_t forward_start(const struct server_info *);
/* The session with a component that has a node, when a request can be made there now without upsetting those that are
 * forwarded; else NULL. */
struct rpc_client *forward_client(uint32_t server_id);

#endif
