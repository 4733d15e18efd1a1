/* SPDX-License-Identifier: MIT */
/*
 * proc's sessions with fs and time. Only events go there: proc never waits for
 * a peer. When a ring is full, libipc keeps events in order and publishes them
 * later (coro_rpc_env's backlog).
 *
 * Of time there may be several shards. A process belongs to one: that of its slot, so that what is in CNodes at a slot's index stays
 * right for each next process, and exec takes a slot of the same shard.
 */
#ifndef PROC_EVENTS_H
#define PROC_EVENTS_H

#include <libipc/executor.h>

extern struct rpc_client fs_client, time_client[MAX_SHARDS];
extern uint32_t nr_time_shards;

static inline unsigned shard_of(unsigned slot) { return slot % nr_time_shards; }
static inline struct rpc_client *time_of(unsigned slot) { return &time_client[shard_of(slot)]; }
extern uint32_t time_server[MAX_SHARDS];       /* their numbers: enum server_id, or the build's */
static inline unsigned time_server_of(unsigned slot) { return time_server[shard_of(slot)]; }

#endif
