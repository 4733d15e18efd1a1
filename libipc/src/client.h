/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the client's side share: client.c (requests), client_drain.c (completions, restarts of the server,
 * sleeping and spinning), client_post.c (events). With the lock held, unless said otherwise.
 */
#ifndef LIBIPC_SRC_CLIENT_H
#define LIBIPC_SRC_CLIENT_H

#include <libipc/atomic.h>
#include <libipc/client.h>
#include <libipc/syscall.h>

/* Wait for room, and give the lock up meanwhile. */
void client_wait_room(struct rpc_client *) MAY_YIELD;
/* The server opened the session, or another one took it over. */
void client_adopt_epoch(struct rpc_client *, uint32_t epoch);

static inline void lock(struct rpc_client *client)
{
    if (client->env->lock != NULL)
        client->env->lock(client);
}

static inline void unlock(struct rpc_client *client)
{
    if (client->env->unlock != NULL)
        client->env->unlock(client);
}

static inline bool session_usable(struct rpc_client *client)
{
    struct session_header *header = &client->session->header;

    if (__builtin_expect(load_relaxed(&header->epoch) != client->epoch, 0))
        client_adopt_epoch(client, load_acquire(&header->epoch));
    return !client->broken && load_relaxed(&header->closed) == 0;
}

static inline bool has_entry(struct rpc_client *client)
{
    if (client->sq_tail + client->nr_reserved - client->sq_head_seen < SQ_ENTRIES)
        return true;
    uint32_t head = load_acquire(&client->session->header.sq_head);
    if (client->sq_tail - head <= SQ_ENTRIES)   /* else absurd: stay without room */
        client->sq_head_seen = head;
    return client->sq_tail + client->nr_reserved - client->sq_head_seen < SQ_ENTRIES;
}

static inline void copy_words(uint64_t to[6], const uint64_t from[6])
{
    uint64_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f;
}

static inline struct sq_entry *next_entry(struct rpc_client *client)
{
    struct sq_entry *entry = &client->session->sq[client->sq_tail % SQ_ENTRIES];

    one_base(entry);
    return entry;
}

/* The entry is written: publish it, and find out whether to ring. The fence
 * stands between our store of the tail and our load of the asleep word; the
 * server does the mirror image (docs/rings.md). */
static inline void publish_tail(struct rpc_client *client)
{
    struct session_header *header = &client->session->header;

    store_release(&header->sq_tail, ++client->sq_tail);
    full_fence();
    if (load_relaxed(&header->server_asleep) != 0)
        client->ring_needed = true;
}

static inline bool take_ring(struct rpc_client *client)
{
    if (!client->ring_needed)
        return false;
    client->ring_needed = false;
    client->nr_rings++;
    return true;
}

/* Unlock, then ring if it is due. */
static inline void unlock_and_ring(struct rpc_client *client)
{
    bool ring = take_ring(client);

    unlock(client);
    if (ring)
        sys_signal(client->doorbell);
}

static inline void forget_arena(struct rpc_request *request)
{
    request->arena = NULL;
    request->arena_slot = ARENA_NONE;
    request->arena_bytes = 0;
    request->arena_used = 0;
    request->lend_at = ARENA_NONE;
}

/* With or without the lock. True: somebody waits for room, and is to be told, with the lock. */
static inline bool release(struct rpc_client *client, struct rpc_request *request)
{
    uint32_t token = request->token;

    request->in_use = 0;
    if (request->arena != NULL) {
        uint32_t slot = 1u << request->arena_slot;
        forget_arena(request);
        __atomic_fetch_or(&client->arenas, slot, __ATOMIC_RELEASE);
    }
    __atomic_fetch_or(&client->tokens[token / 64], 1ull << (token % 64), __ATOMIC_RELEASE);
    full_fence();
    return __builtin_expect(load_relaxed(&client->nr_waiting_room) != 0, 0) && client->env->room != NULL;
}

#endif
