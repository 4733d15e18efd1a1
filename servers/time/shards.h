/* SPDX-License-Identifier: MIT */
/*
 * The shards of time. Each has processes of its own, chosen by proc, and a part of fs's timers; all that they share is the
 * realtime clock. It has one writer, the first shard:
 *
 *   another --set_realtime (waits)--> first;  first --clock_changed (event)--> others
 *
 * The first never waits for what another's coroutines do, so nothing waits in a circle: before it sets the clock it waits for
 * room in their rings, which their executors make in any case.
 *
 * clock_changed says nothing but "look at the page": the offset is published before it is posted, so whoever handles it, or
 * starts meanwhile, sees that offset or a later one. The first posts it when it starts, too: it may have died between the two.
 */
#ifndef TIME_SHARDS_H
#define TIME_SHARDS_H

#include <libipc/executor.h>
#include <libipc/system.h>

/* Of the first shard: its client of each other one. Of another: that of the first, at 0. Others are not used. */
extern struct rpc_client shard_client[MAX_SHARDS];
/* Which one this is, and how many there are, by `info`. */
uint32_t shard_self(void);
uint32_t shard_count(void);
/* The first: the page may say something else than before. */
void shards_clock_changed(void);
/* Set the clock, here or at the first shard. RPC_BLOCKS: only on a coroutine; there it may suspend. */
error_t shards_set_realtime(int64_t realtime_ns) /* MAY_YIELD */;

#endif
