/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a session: tokens, publishing, draining.
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
 *
 * Restart of the client's own process (a server's): rpc_client_resume. Tokens then bear another generation, so that
 * answers to requests of the earlier life are told apart, and dropped.
 *
 * Restart of the server: seen as a change of the header's epoch, by begin and
 * by drain. Indices go on. Answers that the old server left are taken first; then
 * each published request ends with ERR_PEER_RESTARTED (tests/models/ring_epoch.pml).
 */
#include <libipc/atomic.h>
#include <libipc/client.h>
#include <libipc/syscall.h>
#include <string.h>

/* The owner of a request that was given up: drains of one completion leave it to complete_one. */
#define NOBODY ((void *)1)
#define SPIN_MIN_US   1u
#define SPIN_MAX_US   100u
#define SPIN_LOOKS    16u   /* between two readings of the clock */
/* A sleep shorter than this, the two wake-ups included, would have been better spun. */
#define SPIN_WORTH_US 300u

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

/* env->completed has nothing to do for a request that nobody waits for yet. */
static inline void tell_owner(struct rpc_client *client, struct rpc_request *request)
{
    if (request->owner != NULL || request->user != 0)
        client->env->completed(client, request);
}

static unsigned take_completions(struct rpc_client *client);
static void complete(struct rpc_client *client, struct rpc_request *request, error_t error);

/* The server opened the session, or another one took it over. */
static void adopt_epoch(struct rpc_client *client, uint32_t epoch)
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

static inline bool session_usable(struct rpc_client *client)
{
    struct session_header *header = &client->session->header;

    if (__builtin_expect(load_relaxed(&header->epoch) != client->epoch, 0))
        adopt_epoch(client, load_acquire(&header->epoch));
    return !client->broken && load_relaxed(&header->closed) == 0;
}

/* The same in one look; false may also mean that another epoch is to be adopted. */
static inline bool session_good(const struct rpc_client *client)
{
    return load_relaxed(&client->session->header.epoch_closed) == client->epoch && !client->broken;
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

static void unlock_and_ring(struct rpc_client *client);
static inline void publish_queued(struct rpc_client *client);

/* Lock held, and given up meanwhile. Room comes from what the server was told of. */
static void wait_for_others(struct rpc_client *client)
{
    publish_queued(client);
    unlock_and_ring(client);
    client->env->wait_room(client);
    lock(client);
}

static void wait_room_locked(struct rpc_client *client)
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
    if (!client->ring_needed)
        return false;
    client->ring_needed = false;
    client->nr_rings++;
    return true;
}

/* Unlock, then ring if it is due. */
static void unlock_and_ring(struct rpc_client *client)
{
    bool ring = rpc_take_ring(client);

    unlock(client);
    if (ring)
        sys_signal(client->doorbell);
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
            wait_room_locked(client);
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

void rpc_post(struct rpc_client *client, struct rpc_request *request)
{
    uint64_t word[6];

    copy_words(word, request->word);
    uint16_t method = request->method;
    rpc_end(client, request);
    rpc_post_event(client, method, word);
}

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
        wait_room_locked(client);
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
        wait_room_locked(client);
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
        wait_room_locked(client);
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

/* ---- completions ---- */

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
