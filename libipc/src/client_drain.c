/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a session: completions, and waiting for them.
 *
 * Restart of the server: seen as a change of the header's epoch, by begin and
 * by drain. Indices go on. Answers that the old server left are taken first; then
 * each published request ends with ERR_PEER_RESTARTED (tests/models/ring_epoch.pml).
 */
#include "client.h"

#define SPIN_MIN_US   1u
#define SPIN_MAX_US   100u
#define SPIN_LOOKS    16u   /* between two readings of the clock */
/* A sleep shorter than this, the two wake-ups included, would have been better spun. */
#define SPIN_WORTH_US 300u

/* env->completed has nothing to do for a request that nobody waits for yet. */
static inline void tell_owner(struct rpc_client *client, struct rpc_request *request)
{
    if (request->owner != NULL || request->user != 0)
        client->env->completed(client, request);
}

/* Nobody waits for it. With the lock held. */
static void reclaim(struct rpc_client *client, struct rpc_request *request)
{
    request->given_up = 0;
    request->owner = NULL;
    if (release(client, request))
        client->env->room(client);
}

static void complete(struct rpc_client *client, struct rpc_request *request, error_t error)
{
    request->error = error;
    if (request->given_up) {
        reclaim(client, request);
        return;
    }
    store_release(&request->done, 1);
    tell_owner(client, request);
}

static inline bool complete_one(struct rpc_client *client, const struct cq_entry *entry)
{
    uint32_t token = load_relaxed(&entry->token) ^ client->generation;
    if (token >= CQ_ENTRIES)
        return false;       /* nonsense, or an answer to an earlier life */
    struct rpc_request *request = &client->request[token];
    if (!request->in_use || !request->published || request->done)
        return false;

    int32_t error = load_relaxed(&entry->error);
    uint32_t bytes = load_relaxed(&entry->arena_bytes);
    if (error > 0 || bytes > ARENA_SLOT_BYTES || (bytes != 0 && request->arena == NULL))
        error = ERR_BAD_MESSAGE;
    if (error == 0)
        copy_words(request->word, entry->word);
    request->result_bytes = error == 0 ? bytes : 0;
    complete(client, request, error);
    return true;
}

static unsigned take_completions(struct rpc_client *client)
{
    struct session *session = client->session;
    uint32_t head = client->cq_head;
    uint32_t tail = load_acquire(&session->header.cq_tail);
    unsigned nr = 0;

    if (head == tail)
        return 0;
    if (tail - head > CQ_ENTRIES) {
        client->broken = true;
        return 0;
    }
    for (; head != tail; head++)
        nr += complete_one(client, &session->cq[head % CQ_ENTRIES]);
    client->cq_head = head;
    store_release(&session->header.cq_head, head);
    return nr;
}

void client_adopt_epoch(struct rpc_client *client, uint32_t epoch)
{
    struct session_header *header = &client->session->header;
    bool first = client->epoch == 0 && load_relaxed(&header->first_epoch) == epoch;

    client->broken = load_relaxed(&header->layout_hash) != client->layout_hash;
    if (first) {
        client->epoch = epoch;  /* whatever was submitted before is still in the ring */
        return;
    }
    take_completions(client);
    client->epoch = epoch;
    for (unsigned i = 0; i < CQ_ENTRIES; i++) {
        struct rpc_request *request = &client->request[i];
        if (request->in_use && request->published && !request->done)
            complete(client, request, ERR_PEER_RESTARTED);
    }
}

__attribute__((noinline)) static unsigned drain_slow(struct rpc_client *client)
{
    if (__builtin_expect(load_acquire(&client->session->header.epoch) != client->epoch, 0))
        session_usable(client);
    return take_completions(client);
}

/* One good answer that nobody needs to be told of is the frequent case; anything
 * else is looked at again from the beginning. */
unsigned rpc_drain(struct rpc_client *client)
{
    struct session *session = client->session;
    uint32_t epoch = load_acquire(&session->header.epoch), head = client->cq_head;
    uint32_t tail = load_acquire(&session->header.cq_tail);

    if (__builtin_expect(epoch == client->epoch, 1) && tail == head)
        return 0;
    const struct cq_entry *entry = &session->cq[head % CQ_ENTRIES];
    uint32_t token = load_relaxed(&entry->token) ^ client->generation;
    if (epoch != client->epoch || tail - head != 1 || token >= CQ_ENTRIES)
        return drain_slow(client);
    struct rpc_request *request = &client->request[token];
    uint32_t bytes = load_relaxed(&entry->arena_bytes);
    if (!request->in_use || !request->published || request->done || load_relaxed(&entry->error) != 0
        || bytes > ARENA_SLOT_BYTES || (bytes != 0 && request->arena == NULL) || request->owner != NULL
        || request->user != 0)
        return drain_slow(client);
    copy_words(request->word, entry->word);
    request->error = 0;
    request->result_bytes = bytes;
    store_release(&request->done, 1);
    client->cq_head = head + 1;
    store_release(&session->header.cq_head, head + 1);
    return 1;
}

/* ---- sleeping and spinning ---- */

bool rpc_prepare_sleep(struct rpc_client *client)
{
    struct session_header *header = &client->session->header;

    store_relaxed(&header->client_asleep, 1);
    full_fence();
    return load_acquire(&header->cq_tail) == client->cq_head && load_relaxed(&header->epoch) == client->epoch;
}

void rpc_end_sleep(struct rpc_client *client)
{
    store_relaxed(&client->session->header.client_asleep, 0);
}

bool rpc_server_sleeps(const struct rpc_client *client)
{
    return load_relaxed(&client->session->header.server_asleep) != 0;
}

static ticks_t ticks_of_us(uint32_t hz, uint64_t us)
{
    return hz * us / 1000000;
}

bool rpc_spin(struct rpc_client *client, const volatile struct hart_page *page, uint32_t hart)
{
    struct session_header *header = &client->session->header;
    uint32_t head = client->cq_head;
    ticks_t end = 0;

    if (page == NULL || page->nr_harts < 2)
        return load_acquire(&header->cq_tail) != head;
    for (;;) {      /* the clock is read after the first looks */
        for (unsigned i = 0; i < SPIN_LOOKS; i++) {
            if (load_acquire(&header->cq_tail) != head)
                return true;
            uint32_t parks = load_relaxed(&header->parks);
            if (parks != client->parks_seen) {
                client->parks_seen = parks;
                return false;
            }
            if (page->hart[hart].runnable > 1 || load_relaxed(&header->server_asleep) != 0)
                return false;
        }
        ticks_t now = sys_clock();
        if (end == 0) {
            if (client->spin_ticks == 0)
                client->spin_ticks = ticks_of_us(page->timebase_hz, SPIN_MAX_US);
            end = now + client->spin_ticks;
        } else if (now >= end) {
            break;
        }
    }
    client->spin_ticks -= client->spin_ticks / 4;
    if (client->spin_ticks < ticks_of_us(page->timebase_hz, SPIN_MIN_US))
        client->spin_ticks = ticks_of_us(page->timebase_hz, SPIN_MIN_US);
    return false;
}

void rpc_spin_learn(struct rpc_client *client, ticks_t slept, uint32_t hz)
{
    /* What was put aside is why we slept; it shall not end the next request's spin. */
    client->parks_seen = load_relaxed(&client->session->header.parks);
    if (slept < ticks_of_us(hz, SPIN_WORTH_US) && client->spin_ticks < ticks_of_us(hz, SPIN_MAX_US))
        client->spin_ticks *= 2;
}
