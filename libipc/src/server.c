/* SPDX-License-Identifier: MIT */
/*
 * The server's side of sessions: which ones to look at, serving, waking.
 *
 * A session is closed, cold or hot. Cold: its server_asleep word is 1, so the
 * client rings the doorbell after publishing. Hot: the word is 0 and the
 * executor polls it in each turn; at most HOT_MAX are. A session becomes hot
 * when a doorbell (or its opening) finds work in it, and cold after COLD_TURNS
 * turns without work or when the server goes to sleep. Cost depends on the
 * sessions that do something, not on how many there are: each doorbell bit has
 * a list of the open sessions that ring it.
 *
 * While clients share the hart with the server, polling gains nothing: then a
 * doorbell's sessions are served on the spot and stay cold (rpc_server_ring).
 * Their word was 1 all the time, so whatever we did not see comes with another
 * doorbell, and no second look is needed before the next wait.
 *
 * Order between sessions: what a peer server posted before it answered a client
 * is served before what that client sends next. So the peers' sessions (those of
 * other servers) are looked at again after a client's tail was read.
 *
 * The client may write the ring at any time: indices it writes are checked,
 * entries are copied before they are looked at, and our own indices are kept in
 * struct server_session. Absurd indices break the session: it is closed, and
 * nothing is taken from it any more.
 */
#include <libipc/atomic.h>
#include <libipc/syscall.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define HOT_MAX    16u
#define COLD_TURNS 64u
#define QUANTUM    8u
/* From here on a sleeping client may be waiting for room, not for answers. */
#define NEARLY_FULL (SQ_ENTRIES - 8)

static void ring_now(struct rpc_server *server, uint32_t client)
{
    sys_signal(CAP_IN(server->client_doorbells, client));
}

error_t rpc_server_init(struct rpc_server *server, const struct rpc_interface *interface, struct session *sessions,
                        uint32_t nr_sessions, cptr_t client_vspaces, cptr_t client_doorbells)
{
    memset(server, 0, sizeof *server);
    server->interface = interface;
    server->sessions = sessions;
    server->nr_sessions = nr_sessions;
    server->client_vspaces = client_vspaces;
    server->client_doorbells = client_doorbells;
    server->no_arena = ARENA_NONE;
    server->epoch = 1;
    server->ring = ring_now;
    server->waiting_end = &server->waiting_jobs;
    server->state = calloc(nr_sessions, sizeof *server->state);
    if (server->state == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < nr_sessions; i++) {
        server->state[i].index = i;
        server->state[i].shared = &sessions[i];
        server->state[i].cq = sessions[i].cq;
    }
    return 0;
}

/* ---- hot and cold ---- */

static inline struct session_header *header_of(const struct server_session *s)
{
    return &s->shared->header;
}

static inline bool has_work(const struct server_session *s)
{
    return load_relaxed(&header_of(s)->sq_tail) != s->sq_head && !s->broken;
}

static unsigned serve(struct rpc_server *server, struct server_session *s, unsigned quantum);

static void make_hot(struct rpc_server *server, struct server_session *s)
{
    if (s->is_hot)
        return;
    s->is_hot = true;
    s->idle_turns = 0;
    s->next_hot = server->hot;
    server->hot = s;
    server->nr_hot++;
    store_relaxed(&header_of(s)->server_asleep, 0);
}

/* Set asleep, fence, look again: the caller keeps it hot when this is false. */
static bool fall_asleep(struct server_session *s)
{
    store_relaxed(&header_of(s)->server_asleep, 1);
    full_fence();
    if (!has_work(s))
        return true;
    store_relaxed(&header_of(s)->server_asleep, 0);
    return false;
}

static void unlink_hot(struct rpc_server *server, struct server_session *s)
{
    struct server_session **at = &server->hot;
    while (*at != s)
        at = &(*at)->next_hot;
    *at = s->next_hot;
    s->is_hot = false;
    server->nr_hot--;
}

/* Room for one more: the longest idle hot session goes cold. */
static void trim_hot(struct rpc_server *server)
{
    struct server_session *oldest = NULL;

    for (struct server_session *s = server->hot; s != NULL; s = s->next_hot)
        if (s->idle_turns != 0 && (oldest == NULL || s->idle_turns > oldest->idle_turns))
            oldest = s;
    if (oldest != NULL && fall_asleep(oldest))
        unlink_hot(server, oldest);
}

void rpc_server_doorbells(struct rpc_server *server, uint64_t bits)
{
    for (bits &= DOORBELL_MASK; bits != 0; bits &= bits - 1) {
        struct server_session *s = server->bucket[(unsigned)__builtin_ctzll(bits)];
        for (; s != NULL; s = s->next_in_bucket)
            if (!s->is_hot && has_work(s))
                make_hot(server, s);
    }
}

bool rpc_server_peek(const struct rpc_server *server)
{
    for (struct server_session *s = server->hot; s != NULL; s = s->next_hot)
        if (has_work(s))
            return true;
    return false;
}

bool rpc_server_sleep(struct rpc_server *server)
{
    if (server->hot == NULL)
        return true;
    for (struct server_session *s = server->hot; s != NULL; s = s->next_hot)
        store_relaxed(&header_of(s)->server_asleep, 1);
    full_fence();
    bool quiet = true;
    for (struct server_session **at = &server->hot, *s; (s = *at) != NULL;) {
        if (has_work(s)) {
            store_relaxed(&header_of(s)->server_asleep, 0);
            quiet = false;
            at = &s->next_hot;
        } else {
            *at = s->next_hot;
            s->is_hot = false;
            server->nr_hot--;
        }
    }
    return quiet;
}

/* ---- opening and closing ---- */

/* For the server that may take over from us: the last step of opening and of closing. */
static void mark_open(struct rpc_server *server, uint32_t client, bool open)
{
    uint64_t *word = server->survivors != NULL ? &server->survivors[client / 64] : NULL;

    if (word == NULL)
        return;
    __asm__ volatile("" ::: "memory");
    *word = open ? *word | 1ull << (client % 64) : *word & ~(1ull << (client % 64));
}

/* The part that opening and taking over share; the indices are set. */
static void session_start(struct rpc_server *server, struct server_session *s)
{
    struct session_header *header = header_of(s);

    s->nr_parked = s->arenas_held = 0;
    s->parked = NULL;
    s->broken = s->rung = s->was_full = false;
    s->open = true;
    s->serial++;
    server->openings++;
    server->last_bits = 0;
    s->next_in_bucket = server->bucket[s->index % DOORBELL_BITS];
    server->bucket[s->index % DOORBELL_BITS] = s;
    s->is_peer = s->index < FIRST_PROCESS_SLOT;
    if (s->index < NR_SERVERS)
        server->peer[server->nr_peers++] = s;

    header->layout_hash = server->interface->layout_hash;
    store_release(&header->epoch, server->epoch);
    if (!fall_asleep(s))
        make_hot(server, s);
    mark_open(server, s->index, true);
}

void rpc_session_open(struct rpc_server *server, uint32_t client)
{
    struct server_session *s = &server->state[client];
    struct session_header *header = header_of(s);

    if (server->survivors != NULL && s->open && !s->fresh)
        return;     /* the server before us had opened it, and died before that was known */
    if (s->open)
        rpc_session_close(server, client);
    if (server->survivors != NULL && load_relaxed(&header->epoch) != 0) {
        rpc_session_take_over(server, client);      /* it died in here */
        return;
    }
    /* The memory is zero: closing left it so. What the client submitted
     * already, while nobody listened, is in the ring from index 0 on. */
    s->sq_head = s->cq_tail = s->cq_head_seen = 0;
    header->first_epoch = server->epoch;
    s->fresh = true;
    session_start(server, s);
}

void rpc_session_take_over(struct rpc_server *server, uint32_t client)
{
    struct server_session *s = &server->state[client];
    struct session_header *header = header_of(s);

    /* Requests in the ring were sent to the server that died, and end there: they bear another epoch. Events that it
     * has not handled are served. */
    s->sq_head = load_relaxed(&header->sq_head);
    if (load_acquire(&header->sq_tail) - s->sq_head > SQ_ENTRIES)
        s->sq_head = load_relaxed(&header->sq_tail);    /* a client that writes nonsense loses what it sent */
    s->cq_tail = load_relaxed(&header->cq_tail);
    s->cq_head_seen = load_relaxed(&header->cq_head);
    store_relaxed(&header->sq_head, s->sq_head);
    s->fresh = false;
    session_start(server, s);
    /* It may sleep since before, and the old server may have rung in vain. */
    server->ring(server, client);
}

void rpc_server_survive(struct rpc_server *server, uint64_t *survivors, uint32_t restarts)
{
    server->survivors = survivors;
    server->epoch = restarts + 1;
    for (uint32_t i = 0; i < server->nr_sessions && restarts != 0; i++)
        if (survivors[i / 64] >> (i % 64) & 1)
            rpc_session_take_over(server, i);
}

static void cancel_call(struct rpc_call *call)
{
    if (call->cancelled)
        return;
    call->cancelled = true;
    if (call->on_cancel != NULL)
        call->on_cancel(call);
}

void rpc_session_close(struct rpc_server *server, uint32_t client)
{
    struct server_session *s = &server->state[client];

    if (client >= server->nr_sessions || !s->open)
        return;
    s->open = false;
    server->openings++;
    server->last_bits = 0;
    s->serial++;        /* from here on all answers are dropped */
    while (s->parked != NULL) {
        struct rpc_call *call = s->parked;
        call_unlist(s, call);
        cancel_call(call);
    }
    if (s->is_hot)
        unlink_hot(server, s);
    struct server_session **at = &server->bucket[client % DOORBELL_BITS];
    while (*at != s)
        at = &(*at)->next_in_bucket;
    *at = s->next_in_bucket;
    for (uint32_t i = 0; i < server->nr_peers; i++)
        if (server->peer[i] == s)
            server->peer[i--] = server->peer[--server->nr_peers];
    /* The client is gone: ready for the next one. */
    memset(header_of(s), 0, sizeof(struct session_header));
    mark_open(server, client, false);
}

/* The client writes nonsense: take nothing more from it. */
static void break_session(struct rpc_server *server, struct server_session *s)
{
    s->broken = true;
    server->stats.broken_sessions++;
    store_release(&header_of(s)->closed, 1);
}

bool rpc_session_is_open(const struct rpc_server *server, uint32_t client)
{
    return client < server->nr_sessions && server->state[client].open;
}

/* ---- serving ---- */

static inline bool needs_credit(const struct sq_entry *entry)
{
    return !(entry->flags & SQ_CANCEL) && entry->token != TOKEN_EVENT;
}

/* May one more request be taken? Its completion slot is then reserved. A client
 * that keeps to the protocol always has credit: it has CQ_ENTRIES tokens, and
 * gives one back only after it moved cq_head. */
static inline bool has_credit(struct server_session *s)
{
    if (s->nr_parked + (s->cq_tail - s->cq_head_seen) < CQ_ENTRIES)
        return true;
    uint32_t head = load_acquire(&header_of(s)->cq_head);
    s->cq_head_seen = head;
    return s->cq_tail - head <= CQ_ENTRIES && s->nr_parked + (s->cq_tail - head) < CQ_ENTRIES;
}

static void cancel_token(struct rpc_server *server, struct server_session *s, uint64_t token)
{
    struct rpc_call *call = s->parked;

    server->stats.cancels++;
    while (call != NULL) {
        if (call->cancelled || (call->token != token && token != TOKEN_EVENT)) {
            call = call->next;
            continue;
        }
        cancel_call(call);
        if (token != TOKEN_EVENT)
            return;
        call = s->parked;       /* it may have taken others with it */
    }
}

/* The arguments of the request that is being served on the executor's stack: one at a time. */
static _Alignas(8) uint8_t arena[ARENA_SLOT_BYTES];

const uint8_t *server_arena(void)
{
    return arena;
}

/* Copy the arguments that an entry's head[1] tells of; false when it is nonsense. */
static inline bool take_arena(const struct server_session *s, uint64_t head1)
{
    unsigned slot = head1 & 0xffff, bytes = head1 >> 16 & 0xffff;

    if (slot >= ARENA_SLOTS || bytes > ARENA_SLOT_BYTES || (s->arenas_held & 1u << slot) != 0)
        return false;
    /* In whole words: the slot has room, and what lies behind is never looked at. */
    const uint64_t *from = (const uint64_t *)s->shared->arena[slot];
    uint64_t *to = (uint64_t *)(void *)arena;
    for (unsigned n = (bytes + 7u) / 8u; n != 0; n--)
        *to++ = *from++;
    copied_once(arena);
    return true;
}

/* Not a cancel. `entry` is private, its head also comes in registers; its arena is taken, if it has one. `any`:
 * CALL_DIRECT, or 0 for an event. True when the answer is published already: the caller finds out whether to ring. */
static inline __attribute__((always_inline)) bool serve_request(struct rpc_server *server, struct server_session *s,
                                                                const struct sq_entry *entry, uint64_t head0,
                                                                uint64_t head1, uint64_t any)
{
    struct rpc_call call;

    call.server = server;
    call.session = s;
    call.sender = s->sender;
    call.head[0] = head0;
    call.head[1] = head1;
    call.result_bytes = 0;
    call.nr_words = 0;
    call.any = any;
    call.job = NULL;    /* the rest is set by who parks it */
    server->stats.requests++;

    if (__builtin_expect(server->tracer != NULL, 0)) {
        call.direct = false;
        server->tracer->request(&call, entry, arena);
    }
    server->interface->dispatch(&call, entry, arena);
    return call.answered;
}

/* Its arena is nonsense. */
static void refuse(struct rpc_server *server, struct server_session *s, const struct sq_entry *entry)
{
    struct rpc_call call = { .server = server, .session = s, .sender = s->sender, .method = entry->method,
                             .token = entry->token, .arena_slot = ARENA_NONE };

    server->stats.requests++;
    server->stats.bad_messages++;
    rpc_complete(&call, ERR_BAD_MESSAGE);
}

static bool serve_entry(struct rpc_server *server, struct server_session *s, const struct sq_entry *entry)
{
    if (entry->flags & SQ_CANCEL) {
        cancel_token(server, s, entry->word[0]);
        return false;
    }
    /* A slot, or bytes without one. */
    if ((uint32_t)entry->head[1] != ARENA_NONE && !take_arena(s, entry->head[1])) {
        refuse(server, s, entry);
        return false;
    }
    return serve_request(server, s, entry, entry->head[0], entry->head[1],
                         entry->token != TOKEN_EVENT ? CALL_DIRECT : 0);
}

/* NOLINTNEXTLINE(misc-no-recursion): a peer is a server, for whose session `serve` looks at no peers */
__attribute__((noinline)) static void serve_peers(struct rpc_server *server)
{
    for (uint32_t i = 0; i < server->nr_peers; i++) {
        struct server_session *s = server->peer[i];
        if (has_work(s))
            while (serve(server, s, SQ_ENTRIES) != 0)
                continue;
    }
}

static inline bool peers_have_work(const struct rpc_server *server)
{
    for (uint32_t i = 0; i < server->nr_peers; i++)
        if (has_work(server->peer[i]))
            return true;
    return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): twice at most, see serve_peers */
static unsigned serve(struct rpc_server *server, struct server_session *s, unsigned quantum)
{
    struct session *session = s->shared;
    uint32_t tail = load_acquire(&session->header.sq_tail);
    uint32_t waiting = tail - s->sq_head;
    unsigned nr = 0;

    if (waiting == 0 || !s->open || s->broken)
        return 0;
    if (waiting > SQ_ENTRIES) {
        break_session(server, s);
        return 0;
    }
    uint32_t serial = s->serial;
    if (s->index >= FIRST_PROCESS_SLOT && peers_have_work(server)) {
        serve_peers(server);
        if (s->serial != serial || !s->open)
            return 0;
    }
    bool was_full = waiting >= NEARLY_FULL;
    while (nr < quantum && s->sq_head != tail) {
        struct sq_entry entry = session->sq[s->sq_head % SQ_ENTRIES];
        copied_once(entry);
        if (needs_credit(&entry) && !has_credit(s)) {
            break_session(server, s);
            return nr;
        }
        s->sq_head++;
        nr++;
        if (__builtin_expect(entry.epoch != server->epoch, 0) && !(entry.epoch == 0 && s->fresh)
            && entry.token != TOKEN_EVENT)
            continue;   /* meant for the server before us: it ended with that one */
        if (serve_entry(server, s, &entry))
            session_note_ring(server, s);
        /* The handler may have closed this session, and even opened it anew. */
        if (s->serial != serial || !s->open)
            return nr;
        if (entry.token == TOKEN_EVENT)     /* handled: a server that takes over does not do it again */
            store_release(&session->header.sq_head, s->sq_head);
    }
    store_release(&session->header.sq_head, s->sq_head);
    if (was_full && nr != 0) {
        s->was_full = true;
        session_note_ring(server, s);
    }
    return nr;
}

/* Completions are published; the fence stands between that and the look at
 * client_asleep. A client that was rung and has not drained since is not rung
 * again: it cannot have gone to sleep in between, since its ring was not empty. */
static inline bool must_ring(struct server_session *s, bool was_full)
{
    struct session_header *header = header_of(s);

    if (!s->open || load_relaxed(&header->client_asleep) == 0)
        return false;
    uint32_t head = load_relaxed(&header->cq_head);
    if (s->rung && s->rung_at == head && !was_full)
        return false;
    s->rung = s->cq_tail != head;
    s->rung_at = head;
    return true;
}

/* One request of a process is in the ring, and nothing else has to come first: the
 * frequent case. `usual`: 0, or USUAL_HOT for a hot session. False: nothing was
 * changed, serve() shall look, and copy the entry once more. The index is published before the handler runs,
 * which may close the session. */
static inline __attribute__((always_inline)) bool serve_single(struct rpc_server *server, struct server_session *s, uint32_t usual)
{
    struct session *session = s->shared;
    uint32_t head = s->sq_head;

    if (load_acquire(&session->header.sq_tail) != head + 1 || s->unusual != usual || peers_have_work(server))
        return false;
    const struct sq_entry *from = &session->sq[head % SQ_ENTRIES];
    one_base(from);
    uint64_t head0 = load_relaxed(&from->head[0]), head1 = load_relaxed(&from->head[1]);
    /* The token's highest bit: an event, or nonsense. */
    if ((int64_t)head0 < 0 || (head0 & (uint64_t)SQ_CANCEL << 16) != 0
        || s->nr_parked + (s->cq_tail - s->cq_head_seen) >= CQ_ENTRIES)
        return false;
    if (head1 != server->plain_head && (head1 >> 32 != server->epoch || !take_arena(s, head1)))
        return false;
    struct sq_entry entry;
    entry.head[0] = head0;
    entry.head[1] = head1;
    const uint64_t *word = from->word;
    uint64_t a = load_relaxed(&word[0]), b = load_relaxed(&word[1]), c = load_relaxed(&word[2]);
    uint64_t d = load_relaxed(&word[3]), e = load_relaxed(&word[4]), f = load_relaxed(&word[5]);
    entry.word[0] = a, entry.word[1] = b, entry.word[2] = c;
    entry.word[3] = d, entry.word[4] = e, entry.word[5] = f;
    s->sq_head = head + 1;
    store_release(&session->header.sq_head, head + 1);
    if (!serve_request(server, s, &entry, head0, head1, CALL_DIRECT))
        return true;
    full_fence();
    if (load_relaxed(&header_of(s)->client_asleep) != 0 && must_ring(s, false))
        server->ring(server, s->index);
    return true;
}

__attribute__((noinline)) static unsigned ring_all(struct rpc_server *server, uint64_t bits)
{
    unsigned nr = 0;

    for (; bits != 0; bits &= bits - 1) {
        struct server_session *s = server->bucket[(unsigned)__builtin_ctzll(bits)], *next;
        for (; s != NULL; s = next) {
            next = s->next_in_bucket;
            if (s->is_hot || !has_work(s))
                continue;
            uint32_t openings = server->openings;
            nr += serve(server, s, QUANTUM);
            if (__builtin_expect(openings != server->openings, 0)) {
                /* Handlers changed the list under us. */
                rpc_server_doorbells(server, bits & -bits);
                break;
            }
            if (has_work(s))
                make_hot(server, s);
        }
    }
    return nr;
}

unsigned rpc_server_ring(struct rpc_server *server, uint64_t bits)
{
    struct server_session *s = server->last_rung;

    if (__builtin_expect(bits != server->last_bits, 0)) {
        bits &= DOORBELL_MASK;
        s = bits != 0 ? server->bucket[(unsigned)__builtin_ctzll(bits)] : NULL;
        if ((bits & (bits - 1)) != 0 || s == NULL || s->next_in_bucket != NULL)
            return ring_all(server, bits);
        server->last_bits = bits;
        server->last_rung = s;
    }
    if (__builtin_expect(serve_single(server, s, 0), 1))
        return 1;
    return ring_all(server, bits);
}

unsigned rpc_session_serve(struct rpc_server *server, uint32_t client, unsigned quantum)
{
    return serve(server, &server->state[client], quantum);
}

/* ---- waking clients ---- */

static inline void unlist_and_ring(struct rpc_server *server, struct server_session *s)
{
    bool was_full = s->was_full;

    s->to_ring = s->was_full = false;
    if (must_ring(s, was_full))
        server->ring(server, s->index);     /* a tail call */
}

/* All but the last. */
__attribute__((noinline)) static struct server_session *flush_many(struct rpc_server *server, struct server_session *s)
{
    while (s->next_to_ring != NULL) {
        struct server_session *next = s->next_to_ring;
        unlist_and_ring(server, s);
        s = next;
    }
    return s;
}

void rpc_server_flush(struct rpc_server *server)
{
    struct server_session *s = server->to_ring;

    if (s == NULL)
        return;
    server->to_ring = NULL;
    full_fence();
    if (__builtin_expect(s->next_to_ring != NULL, 0))
        s = flush_many(server, s);
    unlist_and_ring(server, s);
}

/* ---- a turn ---- */

__attribute__((noinline)) static unsigned turn_all(struct rpc_server *server)
{
    unsigned nr = 0;

    for (struct server_session *s = server->hot, *next; s != NULL; s = next) {
        next = s->next_hot;
        if (has_work(s)) {
            nr += serve(server, s, QUANTUM);
            if (server->to_ring != NULL)
                rpc_server_flush(server);
            s->idle_turns = 0;
            /* Handlers close sessions: the list may have changed under us. */
            next = s->is_hot ? s->next_hot : NULL;
        } else if (++s->idle_turns >= COLD_TURNS && fall_asleep(s)) {
            unlink_hot(server, s);
        }
    }
    if (server->nr_hot > HOT_MAX)
        trim_hot(server);
    return nr;
}

/* One client that is awake and waits for its answer: the frequent case. */
unsigned rpc_server_turn(struct rpc_server *server)
{
    struct server_session *s = server->hot;

    if (s == NULL || s->next_hot != NULL || !serve_single(server, s, USUAL_HOT))
        return turn_all(server);
    s->idle_turns = 0;
    return 1;       /* others that its handler answered are rung at the end of the turn */
}
