/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a session: events, which have no answer and take no token, and a server that goes on in its own
 * session after a restart. Tokens then bear another generation, so that answers to requests of the earlier life are told
 * apart, and dropped.
 */
#include "client.h"

void rpc_client_resume(struct rpc_client *client, uint32_t restarts)
{
    struct session_header *header = &client->session->header;
    struct sq_entry forget = { .flags = SQ_CANCEL, .arena_slot = ARENA_NONE, .word = { TOKEN_EVENT } };

    if (restarts == 0)
        return;
    client->generation = (restarts & 0x7fffff) * (2 * CQ_ENTRIES);
    client->sq_tail = load_relaxed(&header->sq_tail);
    client->sq_head_seen = load_acquire(&header->sq_head);
    client->cq_head = load_relaxed(&header->cq_head);
    client->epoch = load_acquire(&header->epoch);
    store_relaxed(&header->client_asleep, 0);
    sys_signal(client->doorbell);   /* of what was published, perhaps without telling */
    lock(client);
    while (!rpc_try_post(client, &forget))
        client_wait_room(client);
    unlock_and_ring(client);
}

bool rpc_has_room(struct rpc_client *client)
{
    return client->backlog == NULL && (has_entry(client) || !session_usable(client));
}

void rpc_await_room(struct rpc_client *client)
{
    lock(client);
    while (!rpc_has_room(client))
        client_wait_room(client);
    unlock(client);
}

bool rpc_try_post(struct rpc_client *client, const struct sq_entry *event)
{
    if (!session_usable(client))
        return true;    /* nobody listens: events are dropped */
    if (!has_entry(client))
        return false;
    struct sq_entry *entry = next_entry(client);
    *entry = *event;
    entry->epoch = client->epoch;
    publish_tail(client);
    return true;
}

void rpc_post_event(struct rpc_client *client, uint16_t method, const uint64_t word[6])
{
    struct sq_entry event = { .method = method, .token = TOKEN_EVENT, .arena_slot = ARENA_NONE };
    const struct rpc_env *env = client->env;

    copy_words(event.word, word);
    lock(client);
    /* Behind others that wait: the order of events is kept. */
    bool taken = client->backlog != NULL && env->backlog != NULL && env->backlog(client, &event);
    while (!taken && !rpc_try_post(client, &event)) {
        if (env->backlog != NULL && env->backlog(client, &event))
            break;
        client_wait_room(client);
    }
    unlock_and_ring(client);
}

uint32_t rpc_posted(const struct rpc_client *client)
{
    return client->sq_tail + client->nr_backlog;
}

/* With nothing under way all is handled: events may also have been dropped, and
 * a restart of the server counts from 0 again. */
bool rpc_handled(const struct rpc_client *client, uint32_t mark)
{
    uint32_t head = load_acquire(&client->session->header.sq_head);

    return (int32_t)(head - mark) >= 0 || (client->backlog == NULL && head == client->sq_tail);
}
