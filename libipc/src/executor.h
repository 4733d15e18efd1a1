/* SPDX-License-Identifier: MIT */
/* Between the executor and its environment for clients. */
#ifndef LIBIPC_SRC_EXECUTOR_H
#define LIBIPC_SRC_EXECUTOR_H

#include <libipc/client.h>

/* coro_env.c: publish events that found the ring full, wake those who wait for
 * room. True when something was done. */
bool coro_env_turn(struct rpc_client *);
/* Would coro_env_turn do something? Looked at again before sleeping. */
bool coro_env_has_room(const struct rpc_client *);
/* Ticks of a second; 0: not known. */
uint32_t exec_timebase_hz(void);
/* A client was used since this was last cleared: while it is false, nothing more
 * is owed than before. */
extern bool coro_env_used;
/* Does the server owe this client anything (answers, room)? */
static inline bool coro_env_waits(const struct rpc_client *client)
{
    return (client->tokens[0] & client->tokens[1]) != UINT64_MAX || client->backlog != NULL
           || client->env_data != NULL;
}

#endif
