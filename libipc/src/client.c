/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a session: requests, from begin to end. client_drain.c takes their completions, client_post.c
 * posts events.
 *
 * Life of a request: begin (token, entry and perhaps an arena slot reserved),
 * publish (the entry is in the ring), done (its completion was drained), end
 * (all given back). A token is given back only after its completion was
 * drained, so at most CQ_ENTRIES completions are ever outstanding and the
 * server never waits for room.
 *
 * Locking: everything in struct rpc_client is guarded by env->lock, except
 * request[].done, which the drainer releases and the owner acquires, and that
 * tokens and arena slots are given back without it (atomic bits). No lock is
 * held across env->wait and env->wait_room, nor while lent memory is touched.
 *
 * The only thread on the only hart (env->interrupted) takes a shorter way: no lock,
 * no atomic operation, and an answer that is the one waited for is taken from the
 * ring by rpc_invoke itself. Whatever else it finds it leaves to env->wait.
 */
#include <string.h>

#include "client.h"

/* The owner of a request that was given up: drains of one completion leave it to complete_one. */
#define NOBODY ((void *)1)

/* Requests are set up when first used, so that a client costs no more memory
 * than it needs. Tokens are taken lowest first; request 0 is there at once. */
static void make_ready(struct rpc_client *client, unsigned token)
{
    for (; client->nr_ready <= token; client->nr_ready++) {
        struct rpc_request *request = &client->request[client->nr_ready];
        request->token = client->nr_ready;
        request->arena_slot = request->lend_at = ARENA_NONE;
    }
}

static error_t init_head(struct rpc_client *client, struct session *session, const struct rpc_env *env, cptr_t doorbell,
                         cptr_t own, uint64_t layout_hash)
{
    client->session = session;
    client->env = env;
    client->doorbell = doorbell;
    client->own = own;
    client->layout_hash = layout_hash;
    client->spin_ticks = 0;
    for (unsigned i = 0; i < CQ_ENTRIES / 64; i++)
        client->tokens[i] = UINT64_MAX;
    client->arenas = UINT32_MAX;
    client->no_arena = ARENA_NONE;
    make_ready(client, 0);
    /* A hash of 0: the server opens the session later; looked at again then. */
    uint64_t hash = load_relaxed(&session->header.layout_hash);
    return hash == 0 || hash == layout_hash ? 0 : ERR_BAD_MESSAGE;
}

error_t rpc_client_init(struct rpc_client *client, struct session *session, const struct rpc_env *env,
                        cptr_t doorbell, cptr_t own, uint64_t layout_hash)
{
    memset(client, 0, sizeof *client);
    return init_head(client, session, env, doorbell, own, layout_hash);
}

error_t rpc_client_renew(struct rpc_client *client, struct session *session, const struct rpc_env *env,
                         cptr_t doorbell, cptr_t own, uint64_t layout_hash)
{
    uint32_t nr_ready = client->nr_ready;

    if (nr_ready != 0 && (client->tokens[0] & client->tokens[1]) != UINT64_MAX)
        return rpc_client_init(client, session, env, doorbell, own, layout_hash);
    memset(client, 0, offsetof(struct rpc_client, request));
    client->nr_ready = nr_ready;
    return init_head(client, session, env, doorbell, own, layout_hash);
}

static inline bool is_alone(const struct rpc_client *client)
{
    return client->env->interrupted != NULL;
}

/* Without Zbb the compiler's own is a call. Mostly it is the first bit; else the six bits that it shifts to the top of a
 * de Bruijn sequence name it (Leiserson, Prokop, Randall, "Using de Bruijn Sequences to Index a 1 in a Computer Word"). */
static inline unsigned lowest_bit(uint64_t bits)
{
    static const uint8_t index[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
        22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
        23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
    };

    return (bits & 1) != 0 ? 0 : index[(bits & -bits) * 0x022fdd63cc95386dull >> 58];
}

/* The same in one look; false may also mean that another epoch is to be adopted. */
static inline bool session_good(const struct rpc_client *client)
{
    return load_relaxed(&client->session->header.epoch_closed) == client->epoch && !client->broken;
}

uint32_t rpc_free_entries(struct rpc_client *client)
{
    uint32_t head = load_acquire(&client->session->header.sq_head), used = client->sq_tail + client->nr_reserved - head;

    return client->sq_tail - head <= SQ_ENTRIES && used < SQ_ENTRIES ? SQ_ENTRIES - used : 0;
}

bool rpc_may_begin(struct rpc_client *client)
{
    return session_usable(client) && client->epoch != 0 && (client->tokens[0] | client->tokens[1]) != 0
           && client->arenas != 0;
}

static inline void publish_queued(struct rpc_client *client);

/* Lock held, and given up meanwhile. Room comes from what the server was told of. */
static void wait_for_others(struct rpc_client *client)
{
    publish_queued(client);
    unlock_and_ring(client);
    client->env->wait_room(client);
    lock(client);
}

void client_wait_room(struct rpc_client *client)
{
    client->nr_waiting_room++;
    wait_for_others(client);
    client->nr_waiting_room--;
}

/* Token, entry, and slot as asked for; NULL when something is missing. A free
 * request already has no slot, no bytes and no error (rpc_end sees to it). */
__attribute__((noinline)) static struct rpc_request *reserve(struct rpc_client *client, uint16_t method, unsigned flags)
{
    uint64_t free = load_relaxed(&client->tokens[0]);
    unsigned first = 0;

    if (free == 0) {
        free = load_relaxed(&client->tokens[1]);
        first = 64;
    }
    if (free == 0 || !has_entry(client))
        return NULL;

    uint32_t slots = 0;
    if (flags & (RPC_WANT_ARENA | RPC_NEED_ARENA)) {
        slots = load_relaxed(&client->arenas);
        if ((flags & RPC_LONG) && (unsigned)__builtin_popcount(slots) <= ARENA_RESERVE)
            slots = 0;
        if (slots == 0 && (flags & RPC_NEED_ARENA))
            return NULL;
    }
    unsigned token = first + lowest_bit(free);
    __atomic_fetch_and(&client->tokens[first / 64], ~(free & -free), __ATOMIC_ACQUIRE);

    if (__builtin_expect(token >= client->nr_ready, 0))
        make_ready(client, token);
    struct rpc_request *request = &client->request[token];
    request->method = method;
    request->in_use = 1;
    request->done = 0;
    if (slots != 0) {
        unsigned slot = lowest_bit(slots);
        __atomic_fetch_and(&client->arenas, ~(slots & -slots), __ATOMIC_ACQUIRE);
        request->arena_slot = (uint16_t)slot;
        request->arena = client->session->arena[slot];
    }
    return request;
}
_Static_assert(CQ_ENTRIES == 128, "two words of tokens");

/* Lock held, and still held on return. Who gives something back does so without
 * the lock and then looks at nr_waiting_room; we count ourselves there and look
 * once more. NULL when the session is closed. */
__attribute__((noinline)) static struct rpc_request *reserve_waiting(struct rpc_client *client, uint16_t method, unsigned flags)
{
    struct rpc_request *request = NULL;

    client->nr_waiting_room++;
    full_fence();
    while (session_usable(client)) {
        request = reserve(client, method, flags);
        if (request != NULL)
            break;
        wait_for_others(client);
    }
    client->nr_waiting_room--;
    return request;
}

/* All tokens are free: then all slots are, no entry is reserved, and request 0
 * was set up. */
static inline bool nothing_under_way(const struct rpc_client *client)
{
    return (client->tokens[0] & client->tokens[1]) == UINT64_MAX;
}

/* The frequent case: nothing else is under way, so token and slot 0 are free. */
static inline struct rpc_request *reserve_first(struct rpc_client *client, uint16_t method, unsigned flags)
{
    struct rpc_request *request = &client->request[0];
    bool arena = (flags & (RPC_WANT_ARENA | RPC_NEED_ARENA)) != 0;

    if (client->tokens[0] != UINT64_MAX || client->arenas != UINT32_MAX || !has_entry(client))
        return NULL;
    __atomic_fetch_and(&client->tokens[0], ~1ull, __ATOMIC_ACQUIRE);
    request->method = method;
    request->in_use = 1;
    request->done = 0;
    if (arena) {
        __atomic_fetch_and(&client->arenas, ~1u, __ATOMIC_ACQUIRE);
        request->arena_slot = 0;
        request->arena = client->session->arena[0];
    }
    return request;
}

/* The only thread, nothing else under way, the session is good, and there is room:
 * request 0 may be used as it is. */
static inline bool may_go_alone(const struct rpc_client *client)
{
    return is_alone(client) && nothing_under_way(client) && client->sq_tail - client->sq_head_seen < SQ_ENTRIES
           && session_good(client);
}

static inline struct rpc_request *begin_locked(struct rpc_client *client, uint16_t method, unsigned flags)
{
    if (!session_usable(client))
        return NULL;
    struct rpc_request *request = reserve_first(client, method, flags);
    if (__builtin_expect(request != NULL, 1))
        return request;
    request = reserve(client, method, flags);
    return request != NULL ? request : reserve_waiting(client, method, flags);
}

__attribute__((noinline)) static struct rpc_request *begin_slow(struct rpc_client *client, uint16_t method, unsigned flags)
{
    lock(client);
    struct rpc_request *request = begin_locked(client, method, flags);
    if (request != NULL) {
        request->published = 0;
        client->nr_reserved++;
    }
    unlock(client);
    return request;
}

/* The only thread, with others under way: a batch. */
__attribute__((noinline)) static struct rpc_request *begin_next(struct rpc_client *client, uint16_t method, unsigned flags)
{
    uint64_t free = client->tokens[0];

    if (!is_alone(client) || free == 0 || (flags & (RPC_WANT_ARENA | RPC_NEED_ARENA)) != 0
        || client->sq_tail + client->nr_reserved - client->sq_head_seen >= SQ_ENTRIES || !session_good(client))
        return begin_slow(client, method, flags);
    unsigned token = lowest_bit(free);
    client->tokens[0] = free & (free - 1);
    if (__builtin_expect(token >= client->nr_ready, 0))
        make_ready(client, token);
    struct rpc_request *request = &client->request[token];
    client->nr_reserved++;
    request->method = method;
    request->in_use = 1;
    request->published = 0;
    request->done = 0;
    return request;
}

struct rpc_request *rpc_begin_with(struct rpc_client *client, uint16_t method, unsigned flags)
{
    if (__builtin_expect(!may_go_alone(client), 0))
        return begin_next(client, method, flags);
    struct rpc_request *request = &client->request[0];
    client->tokens[0] = ~1ull;
    client->nr_reserved = 1;
    request->method = method;
    request->in_use = 1;
    request->published = 0;
    request->done = 0;
    if ((flags & (RPC_WANT_ARENA | RPC_NEED_ARENA)) != 0) {
        client->arenas = ~1u;
        request->arena_slot = 0;
        request->arena = client->session->arena[0];
    }
    return request;
}

struct rpc_request *rpc_begin(struct rpc_client *client, uint16_t method)
{
    return rpc_begin_with(client, method, RPC_NEED_ARENA);
}

/* Without the lock. */
__attribute__((noinline)) static void give_back(struct rpc_client *client, struct rpc_request *request)
{
    if (release(client, request)) {
        lock(client);
        client->env->room(client);
        unlock(client);
    }
}

/* The only thread's: nobody waits for room. */
static inline void give_back_alone(struct rpc_client *client, struct rpc_request *request)
{
    uint32_t token = request->token;

    request->in_use = 0;
    if (request->arena != NULL) {
        client->arenas |= 1u << request->arena_slot;
        forget_arena(request);
    }
    client->tokens[token / 64] |= 1ull << (token % 64);
}

static inline void fill_head(struct sq_entry *entry, const struct rpc_client *client, const struct rpc_request *request)
{
    entry->head[0] = request->head[0];
    entry->head[1] = request->head[1] | (uint64_t)client->epoch << 32;
}

/* The same for a client that may have had an earlier life; one that is alone has not. */
static inline void fill_head_shared(struct sq_entry *entry, const struct rpc_client *client, const struct rpc_request *request)
{
    entry->head[0] = request->head[0] | (uint64_t)client->generation << 32;
    entry->head[1] = request->head[1] | (uint64_t)client->epoch << 32;
}

/* ---- the only thread ---- */

/* The completion of this token if it is the one thing in the ring, and good. */
static inline const struct cq_entry *lone_answer(const struct rpc_client *client, uint32_t token)
{
    const struct session *session = client->session;
    uint32_t head = client->cq_head;

    if (__builtin_expect(load_relaxed(&session->header.epoch) != client->epoch
                         || load_acquire(&session->header.cq_tail) != head + 1, 0))
        return NULL;
    const struct cq_entry *entry = &session->cq[head % CQ_ENTRIES];
    one_base(entry);
    return load_relaxed(&entry->head[0]) == token ? entry : NULL;   /* and error 0 */
}

/*
 * On one hart, an answer was taken without the bit that told of it. Left there it
 * would end the next wait at once, that answer's bit the one after it, and so on
 * for ever: each request would then miss the kernel's short way. Nothing is lost
 * with a bit: who sleeps looks at the ring first.
 */
static void forget_bits(struct rpc_client *client)
{
    uint64_t bits;

    client->bits_left = false;
    if (sys_wait(client->own, DEADLINE_POLL, &bits) == ERR_INTERRUPTED)
        client->env->interrupted(client);
}

/*
 * The entry is written: publish it, and while the server is awake on another hart
 * look at the ring for a while. Returns the completion of this token if it is the
 * one thing in the ring and good; it is the caller's until answer_taken. NULL: it
 * is not there yet, or something else is; env->wait shall see to it.
 */
static inline __attribute__((always_inline)) const struct cq_entry *exchange_spinning(struct rpc_client *client,
                                                                                      uint32_t token)
{
    struct session_header *header = &client->session->header;
    uint32_t tail = client->sq_tail + 1;

    client->sq_tail = tail;
    store_release(&header->sq_tail, tail);
    full_fence();
    if (__builtin_expect(load_relaxed(&header->server_asleep) != 0, 0)) {
        client->ring_needed = true;
        return NULL;
    }
    if (__builtin_expect(!client->env->spin(client), 0)) {
        client->spun = true;
        return NULL;
    }
    return lone_answer(client, token);
}

/*
 * The same on one hart: ring and sleep in one kernel entry. Both stores (the tail,
 * our asleep word) stand before the one fence, both looks (at the server's asleep
 * word, at the completion ring) behind it: so each half of the protocol has its
 * fence.
 */
static inline __attribute__((always_inline)) const struct cq_entry *exchange_asleep(struct rpc_client *client,
                                                                                    uint32_t token)
{
    struct session_header *header = &client->session->header;
    uint32_t tail = client->sq_tail + 1, head = client->cq_head, epoch = client->epoch;
    uint64_t bits;

    client->sq_tail = tail;
    store_release(&header->sq_tail, tail);
    store_relaxed(&header->client_asleep, 1);
    full_fence();
    if (__builtin_expect(load_relaxed(&header->server_asleep) == 0, 0))
        return NULL;
    if (__builtin_expect(load_relaxed(&header->cq_tail) != head || load_relaxed(&header->epoch) != epoch, 0)) {
        client->ring_needed = client->bits_left = true;
        return NULL;
    }
    client->ring_needed = false;
    if (__builtin_expect(sys_signal_wait(client->doorbell, client->own, DEADLINE_NONE, &bits) == ERR_INTERRUPTED, 0)) {
        client->interrupted = true;
        return NULL;
    }
    if (__builtin_expect(bits != client->own_bit, 0)) {
        client->bits_left = true;       /* another server's ended the wait */
        return NULL;
    }
    return lone_answer(client, token);
}

/* The answer to our last entry: the server has consumed all that we published. */
static inline void answer_taken(struct rpc_client *client)
{
    uint32_t head = client->cq_head + 1;

    client->cq_head = head;
    client->sq_head_seen = client->sq_tail;
    store_release(&client->session->header.cq_head, head);
}

static inline void write_entry(struct rpc_client *client, struct rpc_request *request)
{
    struct sq_entry *entry = next_entry(client);

    fill_head_shared(entry, client, request);
    copy_words(entry->word, request->word);
    request->published = 1;
    client->nr_reserved--;
}

static inline void publish(struct rpc_client *client, struct rpc_request *request)
{
    write_entry(client, request);
    publish_tail(client);
}

/* Publish what was only queued, if anything was. The header's word is ours: a server
 * that writes it makes us publish once more, or later than we would. */
static inline void publish_queued(struct rpc_client *client)
{
    if (load_relaxed(&client->session->header.sq_tail) == client->sq_tail)
        return;
    client->sq_tail--;
    publish_tail(client);
}

bool rpc_take_ring(struct rpc_client *client)
{
    return take_ring(client);
}

/* It is done, and was cancelled because of `why`, if that is not 0. A server that was restarted meanwhile has cancelled
 * it, too. */
static inline void cancelled_for(struct rpc_request *request, error_t why)
{
    if (why != 0 && (request->error == ERR_CANCELLED || request->error == ERR_PEER_RESTARTED))
        request->error = why;
}

/* Wait for a published request, cancelling it once when interrupted. */
static inline error_t await(struct rpc_client *client, struct rpc_request *request, bool cancellable)
{
    error_t why = 0;

    request->interruptible = cancellable;
    while (load_acquire(&request->done) == 0) {
        error_t error = client->env->wait(client, request);
        if (error == ERR_INTERRUPTED && request->interruptible && load_acquire(&request->done) == 0) {
            why = ERR_INTERRUPTED;
            request->interruptible = 0;
            rpc_cancel(client, request);
        }
    }
    cancelled_for(request, why);
    return request->error;
}

/* What an exchange left open. */
__attribute__((noinline)) static error_t await_rest(struct rpc_client *client, struct rpc_request *request, bool cancellable)
{
    if (client->interrupted) {
        client->interrupted = false;
        client->env->interrupted(client);
    }
    error_t error = await(client, request, cancellable);
    if (client->bits_left)
        forget_bits(client);
    return error;
}

__attribute__((noinline)) static error_t invoke_shared(struct rpc_client *client, struct rpc_request *request,
                                                       bool cancellable)
{
    lock(client);
    publish(client, request);
    if (client->env->combines_ring)
        unlock(client);
    else
        unlock_and_ring(client);
    return await(client, request, cancellable);
}

static inline __attribute__((always_inline)) error_t invoke_alone(struct rpc_client *client, struct rpc_request *request,
                                                                  bool cancellable, bool spins)
{
    struct sq_entry *entry = next_entry(client);

    fill_head(entry, client, request);
    copy_words(entry->word, request->word);
    request->published = 1;
    client->nr_reserved--;
    const struct cq_entry *answer = spins ? exchange_spinning(client, request->token)
                                          : exchange_asleep(client, request->token);
    uint32_t bytes = answer != NULL ? load_relaxed(&answer->arena_bytes) : 0;
    if (__builtin_expect(answer == NULL || bytes > (request->arena != NULL ? ARENA_SLOT_BYTES : 0), 0))
        return await_rest(client, request, cancellable);
    copy_words(request->word, answer->word);
    request->error = 0;
    request->result_bytes = bytes;
    request->done = 1;
    answer_taken(client);
    return 0;
}

__attribute__((noinline)) static error_t invoke_spinning(struct rpc_client *client, struct rpc_request *request,
                                                         bool cancellable)
{
    return invoke_alone(client, request, cancellable, true);
}

error_t rpc_invoke(struct rpc_client *client, struct rpc_request *request, bool cancellable)
{
    if (!is_alone(client))
        return invoke_shared(client, request, cancellable);
    if (client->env->spin != NULL)
        return invoke_spinning(client, request, cancellable);
    return invoke_alone(client, request, cancellable, false);
}

void rpc_submit(struct rpc_client *client, struct rpc_request *request)
{
    lock(client);
    publish(client, request);
    unlock_and_ring(client);
}

void rpc_queue(struct rpc_client *client, struct rpc_request *request)
{
    lock(client);
    write_entry(client, request);
    client->sq_tail++;
    unlock(client);
}

void rpc_flush(struct rpc_client *client)
{
    lock(client);
    publish_queued(client);
    unlock_and_ring(client);
}

error_t rpc_finish(struct rpc_client *client, struct rpc_request *request, bool cancellable)
{
    if (is_alone(client) && client->env->spin == NULL)
        client->bits_left = true;
    if (load_acquire(&request->done) != 0)
        return request->error;      /* drained with another */
    lock(client);
    publish_queued(client);
    if (client->env->combines_ring)
        unlock(client);
    else
        unlock_and_ring(client);
    return await_rest(client, request, cancellable);
}

ticks_t rpc_deadline_in(const struct rpc_client *client, uint64_t ns)
{
    uint64_t hz = client->env->timebase_hz != NULL ? client->env->timebase_hz() : 0;

    if (hz == 0)
        return DEADLINE_NONE;
    return sys_clock() + ns / 1000000000 * hz + (ns % 1000000000 * hz + 999999999) / 1000000000;
}

/* Leave a request that is not done to the drainer, who completes only with the lock. */
static bool give_up(struct rpc_client *client, struct rpc_request *request)
{
    lock(client);
    bool waits = request->done == 0;
    if (waits) {
        request->owner = NOBODY;
        request->given_up = 1;
    }
    unlock(client);
    return waits;
}

static error_t wait_until(struct rpc_client *client, struct rpc_request *request)
{
    if (client->env->wait_until == NULL)
        return client->env->wait(client, request);
    return client->env->wait_until(client, request, request->deadline);
}

bool rpc_finish_until(struct rpc_client *client, struct rpc_request *request, bool cancellable, bool keeps)
{
    error_t ended = 0;      /* why it was cancelled: INTERRUPTED, TIMEOUT */

    rpc_flush(client);
    request->interruptible = cancellable;
    while (load_acquire(&request->done) == 0) {
        error_t error = ended == ERR_TIMEOUT ? client->env->wait(client, request) : wait_until(client, request);
        if (load_acquire(&request->done) != 0)
            break;
        if (error == ERR_TIMEOUT && ended != ERR_TIMEOUT) {
            if (ended == 0)
                rpc_cancel(client, request);
            ended = ERR_TIMEOUT;
            request->interruptible = 0;
            if (!keeps && give_up(client, request))
                return false;
        } else if (error == ERR_INTERRUPTED && request->interruptible) {
            request->interruptible = 0;
            ended = ERR_INTERRUPTED;
            rpc_cancel(client, request);
        }
    }
    cancelled_for(request, ended);
    if (is_alone(client) && client->env->spin == NULL)
        client->bits_left = true;
    return true;
}

void rpc_cancel(struct rpc_client *client, struct rpc_request *request)
{
    lock(client);
    while (session_usable(client) && load_acquire(&request->done) == 0) {
        if (!has_entry(client)) {
            client_wait_room(client);
            continue;
        }
        struct sq_entry *entry = next_entry(client);
        uint32_t token = request->token | client->generation;
        *entry = (struct sq_entry){ .flags = SQ_CANCEL, .token = token, .arena_slot = ARENA_NONE, .epoch = client->epoch };
        entry->word[0] = token;
        publish_tail(client);
        break;
    }
    unlock_and_ring(client);
}

void rpc_end(struct rpc_client *client, struct rpc_request *request)
{
    if (__builtin_expect(!request->published, 0)) {
        lock(client);
        client->nr_reserved--;
        unlock(client);
    }
    if (is_alone(client))
        give_back_alone(client, request);
    else
        give_back(client, request);
}

/* A request published by rpc_call_words failed or waits on: the uncommon rest. The supervisor ends a system whose server
 * is restarted again and again, so repeating ends. */
/* NOLINTBEGIN(misc-no-recursion): two deep, the inner one is not idempotent */
__attribute__((noinline)) static error_t call_again(struct rpc_client *client, uint16_t method, unsigned flags,
                                                    uint64_t word[6], unsigned nr_in)
{
    error_t error = ERR_PEER_RESTARTED;

    while ((flags & RPC_IDEMPOTENT) && error == ERR_PEER_RESTARTED)
        error = rpc_call_words(client, method, flags & ~RPC_IDEMPOTENT, word, nr_in);
    return error;
}

static inline void put_words(uint64_t to[6], const uint64_t from[6], unsigned nr)
{
    if (nr >= 4) {      /* shorter than a jump by a table, for each number */
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
        if (nr > 4)
            to[4] = from[4];
        if (nr > 5)
            to[5] = from[5];
        return;
    }
    if (nr > 0)
        to[0] = from[0];
    if (nr > 1)
        to[1] = from[1];
    if (nr > 2)
        to[2] = from[2];
}

__attribute__((noinline)) static error_t call_shared(struct rpc_client *client, uint16_t method, unsigned flags,
                                                     uint64_t word[6], unsigned nr_in)
{
    lock(client);
    struct rpc_request *request = begin_locked(client, method, 0);
    if (request == NULL) {
        unlock(client);
        return ERR_PEER_CLOSED;
    }
    struct sq_entry *entry = next_entry(client);
    fill_head_shared(entry, client, request);
    put_words(entry->word, word, nr_in);
    request->published = 1;
    publish_tail(client);
    if (client->env->combines_ring)
        unlock(client);
    else
        unlock_and_ring(client);

    error_t error = await(client, request, (flags & RPC_LONG) != 0);
    if (error == 0)
        copy_words(word, request->word);
    give_back(client, request);
    return error != ERR_PEER_RESTARTED ? error : call_again(client, method, flags, word, nr_in);
}

/* Sent with token 0 and not answered as expected: make it a request like any other. */
__attribute__((noinline)) static error_t words_unanswered(struct rpc_client *client, uint16_t method, unsigned flags,
                                                          uint64_t word[6], unsigned nr_in)
{
    struct rpc_request *request = &client->request[0];

    client->tokens[0] = ~1ull;
    request->method = method;
    request->in_use = 1;
    request->done = 0;
    request->published = 1;
    error_t error = await_rest(client, request, (flags & RPC_LONG) != 0);
    if (error == 0)
        copy_words(word, request->word);
    give_back_alone(client, request);
    return error != ERR_PEER_RESTARTED ? error : call_again(client, method, flags, word, nr_in);
}

static inline void write_words(struct rpc_client *client, uint16_t method, const uint64_t word[6], unsigned nr_in)
{
    struct sq_entry *entry = next_entry(client);

    entry->head[0] = method;        /* token 0 */
    entry->head[1] = client->plain_head;
    put_words(entry->word, word, nr_in);
}

static inline void take_words(struct rpc_client *client, const struct cq_entry *answer, unsigned flags, uint64_t word[6])
{
    if (flags & RPC_ONE_RESULT)
        word[0] = answer->word[0];
    else
        copy_words(word, answer->word);
    answer_taken(client);
}

/* What is needed again lies in *client meanwhile, not in registers that the caller wants back. */
__attribute__((noinline)) static error_t words_spinning(struct rpc_client *client, uint16_t method, unsigned flags,
                                                        uint64_t word[6], unsigned nr_in)
{
    client->request[0].method = method;
    client->call_flags = flags;
    client->call_words = nr_in;
    write_words(client, method, word, nr_in);
    const struct cq_entry *answer = exchange_spinning(client, 0);
    if (__builtin_expect(answer == NULL || load_relaxed(&answer->arena_bytes) != 0, 0))
        return words_unanswered(client, client->request[0].method, client->call_flags, word, client->call_words);
    take_words(client, answer, client->call_flags, word);
    return 0;
}

__attribute__((noinline)) static error_t words_asleep(struct rpc_client *client, uint16_t method, unsigned flags,
                                                      uint64_t word[6], unsigned nr_in)
{
    write_words(client, method, word, nr_in);
    const struct cq_entry *answer = exchange_asleep(client, 0);
    if (__builtin_expect(answer == NULL || load_relaxed(&answer->arena_bytes) != 0, 0))
        return words_unanswered(client, method, flags, word, nr_in);
    take_words(client, answer, flags, word);
    return 0;
}

error_t rpc_call_words(struct rpc_client *client, uint16_t method, unsigned flags, uint64_t word[6], unsigned nr_in)
{
    error_t (*call)(struct rpc_client *, uint16_t, unsigned, uint64_t *, unsigned) = call_shared;

    if (__builtin_expect(may_go_alone(client), 1))
        call = client->env->spin != NULL ? words_spinning : words_asleep;
    return call(client, method, flags, word, nr_in);    /* one tail call: the arguments stay where they are */
}
/* NOLINTEND(misc-no-recursion) */
