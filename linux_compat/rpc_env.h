/* SPDX-License-Identifier: MIT */
#ifndef COMPAT_RPC_ENV_H
#define COMPAT_RPC_ENV_H

#include <libipc/client.h>

extern const struct rpc_env guest_rpc_env;

#endif
