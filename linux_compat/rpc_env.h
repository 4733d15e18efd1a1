/* SPDX-License-Identifier: MIT */
#ifndef COMPAT_RPC_ENV_H
#define COMPAT_RPC_ENV_H

#include <libipc/client.h>

/* rpc_request.user of a request whose owner is gone when the answer comes. */
#define RPC_DETACHED 0x64657461636864ul

struct process;

extern const struct rpc_env guest_rpc_env;
/* For a process with one thread. */
extern const struct rpc_env single_rpc_env;
/* The same on a machine with one hart. */
extern const struct rpc_env alone_rpc_env;
/* The process is about to get a second thread. */
void rpc_env_share(struct process *);
/* Has it never had one? */
bool rpc_env_is_single(const struct process *);

#endif
