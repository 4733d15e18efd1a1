/* SPDX-License-Identifier: MIT */
/*
 * proc's sessions with fs and time. Only events go there: proc never waits for
 * a peer. When a ring is full, libipc keeps events in order and publishes them
 * later (coro_rpc_env's backlog).
 */
#ifndef PROC_EVENTS_H
#define PROC_EVENTS_H

#include <libipc/executor.h>

extern struct rpc_client fs_client, time_client;

#endif
