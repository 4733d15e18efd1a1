/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a session, below the generated stubs.
 *
 * A request holds a token from rpc_begin to rpc_end. Between them:
 *   rpc_begin    reserves token, submission entry and arena slot. Waits for
 *                room when the ring is full (MAY_YIELD).
 *   (the stub fills rpc_request's words and arena)
 *   rpc_invoke   publishes, rings the doorbell if the server sleeps, and waits
 *                for the completion (MAY_YIELD).
 *   (the stub reads rpc_request's result words and arena)
 *   rpc_end      gives all back.
 * Asynchronous: rpc_begin, rpc_submit, later rpc_finish (waits), rpc_end.
 * A batch: rpc_begin and rpc_queue for each, one rpc_flush, then rpc_finish and
 * rpc_end for each. Who queues more than there are tokens (CQ_ENTRIES) or arena
 * slots (ARENA_SLOTS) without finishing any waits for ever.
 *
 * With a deadline: rpc_finish_until in place of rpc_finish. When the deadline passes it
 * cancels the request. If the server may still touch memory of the caller, it waits for
 * the final completion; else the request is given up: whoever drains its completion
 * gives token and arena slot back, not before.
 *
 * How a client waits and locks is decided by `struct rpc_env`: libipc offers
 * one for servers (coroutines, libipc/executor.h), linux_compat has its own
 * for guest threads (a process-private lock, one thread drains for all).
 */
#ifndef LIBIPC_CLIENT_H
#define LIBIPC_CLIENT_H

#include <atoll/errors.h>
#include <libipc/ring.h>

struct rpc_client;
struct rpc_request;

/* A function that carries this mark may suspend the caller. */
#define MAY_YIELD

struct rpc_env {
    /* Guards the client structure against the process's other threads. */
    void (*lock)(struct rpc_client *);
    void (*unlock)(struct rpc_client *);
    /* Wait until `req` is completed (req->done). Called unlocked. Returns 0,
     * or ERR_INTERRUPTED when the wait may end early (then the stub cancels
     * the request and waits on, uninterruptibly, for its final completion). */
    error_t (*wait)(struct rpc_client *, struct rpc_request *) MAY_YIELD;
    /* Wait for room in the ring. */
    void (*wait_room)(struct rpc_client *) MAY_YIELD;
    /* `req` was completed by whoever drained the ring: wake its owner. */
    void (*completed)(struct rpc_client *, struct rpc_request *);
    /* Copy between a lent buffer and the arena, when the memory is not the
     * caller's own (a guest's); returns 0 or ERR_FAULT. */
    error_t (*copy_in)(void *arena, const void *lent, size_t bytes);
    error_t (*copy_out)(void *lent, const void *arena, size_t bytes);
    /* The rest may be left out (0). */
    /* The client has one thread: rpc_invoke does the frequent kind of waiting by
     * itself, without locks, and calls `wait` only for what that left open. On
     * one hart it rings and sleeps in one SYS_SIGNAL_WAIT on `own`; this is told
     * when the kernel ended the sleep with ERR_INTERRUPTED. */
    void (*interrupted)(struct rpc_client *);
    /* With `interrupted`, where the server may run on another hart: look for the
     * answer for a while (rpc_spin), and say whether it came. */
    bool (*spin)(struct rpc_client *);
    /* `wait` rings the doorbell itself when rpc_take_ring says so, so that
     * submitting and waiting are one SYS_SIGNAL_WAIT. Otherwise rpc_invoke has
     * rung before it calls `wait`. */
    bool combines_ring;
    /* Tokens, slots or entries became free: end all wait_room. Locked. */
    void (*room)(struct rpc_client *);
    /* The ring is full: take an event over, to be published later by
     * rpc_try_post. Returns false to wait for room instead. Locked. */
    bool (*backlog)(struct rpc_client *, const struct sq_entry *);
    /* As `wait`; ERR_TIMEOUT when the deadline passed. And the ticks of a second.
     * NULL: a deadline never passes. */
    error_t (*wait_until)(struct rpc_client *, struct rpc_request *, ticks_t deadline) MAY_YIELD;
    uint32_t (*timebase_hz)(void);
};

struct rpc_request {
    union {
        struct {            /* as in the submission entry to be                 */
            uint16_t method, entry_flags;
            uint32_t token;
            uint16_t arena_slot;
            uint16_t arena_bytes;   /* in: bytes of arguments                   */
            uint32_t entry_epoch;   /* 0: known when it is published            */
        };
        uint64_t head[2];
    };
    uint64_t word[6];       /* in: arguments; out: results                      */
    uint8_t *arena;         /* the request's arena slot, ARENA_SLOT_BYTES        */
    uint16_t arena_used;    /* bytes of arguments and copied lent bytes         */
    uint16_t lend_at;       /* `lend out` in the arena: offset, or ARENA_NONE   */
    uint32_t result_bytes;  /* out: bytes of results in the arena, checked      */
    int32_t  error;         /* out                                              */
    uint32_t done;          /* release by the drainer, acquire by the owner     */
    uint16_t in_use;
    uint8_t  published;
    uint8_t  given_up;      /* nobody waits; ended by the drainer               */
    uint8_t  interruptible; /* env->wait may return ERR_INTERRUPTED; while it is
                             * 0, such a return is only repeated                */
    void    *owner;         /* env's: who waits                                 */
    uint64_t user;          /* caller's, asynchronous requests                  */
    ticks_t  deadline;      /* rpc_finish_until's; set by the stubs             */
};
_Static_assert(offsetof(struct rpc_request, token) == offsetof(struct sq_entry, token)
               && offsetof(struct rpc_request, arena_slot) == offsetof(struct sq_entry, arena_slot)
               && offsetof(struct rpc_request, arena_bytes) == offsetof(struct sq_entry, arena_bytes)
               && offsetof(struct rpc_request, word) == offsetof(struct sq_entry, word), "the entry to be");

struct rpc_client {
    struct session *session;
    const struct rpc_env *env;
    cptr_t   doorbell;      /* the server's notification                        */
    cptr_t   own;           /* the client's notification                        */
    uint64_t own_bit;       /* what this server sets there (env->interrupted)   */
    uint64_t layout_hash;   /* from the generated header                        */
    union {
        struct {
            uint16_t no_arena, no_bytes;    /* ARENA_NONE, 0                    */
            uint32_t epoch;
        };
        uint64_t plain_head;    /* sq_entry.head[1] of a request without arena  */
    };
    /* guarded by env->lock */
    uint32_t sq_tail;       /* own copy                                         */
    uint32_t cq_head;       /* own copy                                         */
    uint64_t tokens[CQ_ENTRIES / 64];   /* free ones are 1                      */
    uint32_t arenas;                    /* free ones are 1                      */
    uint32_t nr_waiting_room;
    uint32_t sq_head_seen;  /* the server's index when last looked at           */
    uint32_t nr_reserved;   /* begun, not yet published                         */
    bool     spun;          /* env->spin looked for the last request in vain    */
    bool     ring_needed;   /* something was published while the server slept,
                             * and nobody rang yet: rpc_take_ring               */
    bool     broken;        /* hash differs, or the server's indices are absurd */
    bool     interrupted;   /* env->interrupted is still to be called           */
    bool     bits_left;     /* in `own`, of an answer that was taken already    */
    void    *env_data;
    uint32_t parks_seen;    /* the header's `parks` when rpc_spin last looked   */
    uint32_t call_flags;    /* of the rpc_call_words under way, while it looks  */
    uint32_t call_words;    /* its nr_in                                        */
    ticks_t  spin_ticks;    /* rpc_spin's learned bound; 0: not yet known       */
    void    *backlog;       /* env's: events that wait for room                 */
    uint32_t nr_backlog;    /* how many; env's                                  */
    uint32_t nr_ready;      /* request[0..nr_ready) were set up                 */
    uint32_t nr_rings;      /* doorbells that rpc_take_ring told of             */
    uint32_t generation;    /* in each token: rpc_client_resume                 */
    struct rpc_request request[CQ_ENTRIES];
};

/* Prepare a client over mapped session memory. Fails with ERR_BAD_MESSAGE when
 * the server's layout hash differs. */
error_t rpc_client_init(struct rpc_client *, struct session *, const struct rpc_env *,
                        cptr_t doorbell, cptr_t own, uint64_t layout_hash);
/* The same without touching the request array: for memory that is zero, or a
 * fork's copy of a client (one with requests under way is initialised fully). */
error_t rpc_client_renew(struct rpc_client *, struct session *, const struct rpc_env *,
                         cptr_t doorbell, cptr_t own, uint64_t layout_hash);
/*
 * In a server that was restarted (`restarts` of server_info; 0 does nothing), right after rpc_client_init: go on in the
 * session of the server's earlier life. What that one asked is cancelled, and answers to it are dropped; events that it
 * posted stand. Only where the env is coro_rpc_env.
 */
void rpc_client_resume(struct rpc_client *, uint32_t restarts);
struct rpc_request *rpc_begin(struct rpc_client *, uint16_t method) MAY_YIELD;
/* The same for stubs. Returns NULL when the session is closed. */
#define RPC_WANT_ARENA 1u   /* an arena slot if one is free                      */
#define RPC_NEED_ARENA 2u   /* waits for one                                     */
#define RPC_LONG       4u   /* may stay for long: leaves ARENA_RESERVE to others */
#define RPC_IDEMPOTENT 8u   /* rpc_call_words only                               */
#define RPC_ONE_RESULT 16u  /* rpc_call_words only: word[0] is all there is      */
#define ARENA_RESERVE  8u
struct rpc_request *rpc_begin_with(struct rpc_client *, uint16_t method, unsigned flags) MAY_YIELD;
/* Entries that are free now. What is begun and cancelled within them, with tokens and slots left, does not wait. */
uint32_t rpc_free_entries(struct rpc_client *);
/* Is the session open, with a token and an arena slot left? */
bool rpc_may_begin(struct rpc_client *);
/* Also sets req->error to what it returns. An interrupted wait of a
 * cancellable request returns ERR_INTERRUPTED if the server cancelled it. */
error_t rpc_invoke(struct rpc_client *, struct rpc_request *, bool cancellable) MAY_YIELD;
void    rpc_submit(struct rpc_client *, struct rpc_request *);
/* Put it in the ring; the server is not told. rpc_flush publishes all that is queued,
 * with one fence and at most one doorbell; so does whatever else is submitted, and
 * rpc_finish, and who must wait for room. */
void    rpc_queue(struct rpc_client *, struct rpc_request *);
void    rpc_flush(struct rpc_client *);
error_t rpc_finish(struct rpc_client *, struct rpc_request *, bool cancellable) MAY_YIELD;
/* All of it for a request whose arguments (nr_in words) and results are inline:
 * on success word[] holds the results. flags: RPC_LONG for a cancellable one,
 * RPC_IDEMPOTENT to repeat it after a restart of the server, RPC_ONE_RESULT. */
error_t rpc_call_words(struct rpc_client *, uint16_t method, unsigned flags, uint64_t word[6], unsigned nr_in) MAY_YIELD;
/* The same until request->deadline. `keeps`: the server may have memory of the caller's,
 * lent or a string. True: done, and request->error is ERR_TIMEOUT if it was cancelled
 * because of the deadline. False: given up, the request is no longer the caller's. */
bool    rpc_finish_until(struct rpc_client *, struct rpc_request *, bool cancellable, bool keeps) MAY_YIELD;
/* The deadline `ns` from now. */
ticks_t rpc_deadline_in(const struct rpc_client *, uint64_t ns);
void    rpc_cancel(struct rpc_client *, struct rpc_request *);
void    rpc_end(struct rpc_client *, struct rpc_request *);

/* Drain the completion ring; returns the number of requests completed. Call
 * with the lock held. */
unsigned rpc_drain(struct rpc_client *);
/* Declare the client asleep / awake; before a wait: set, full fence, drain
 * again (docs/rings.md). rpc_sleep returns true when nothing came. */
bool rpc_prepare_sleep(struct rpc_client *);
void rpc_end_sleep(struct rpc_client *);
/* Does a published request need a doorbell? Clears nothing. */
bool rpc_server_sleeps(const struct rpc_client *);

/* Must the caller ring `doorbell`? Clears the flag. Call with the lock held. */
bool rpc_take_ring(struct rpc_client *);
/* Spin while the server is awake, no completion came, and this hart has
 * nothing else to run, for a learned time. True when a completion is there.
 * Call unlocked; `page` may be NULL (then it never spins). */
struct hart_page;
bool rpc_spin(struct rpc_client *, const volatile struct hart_page *page, uint32_t hart);
/* After a sleep of `slept` ticks: a short one lengthens the next rpc_spin, which
 * a spin in vain has shortened. */
void rpc_spin_learn(struct rpc_client *, ticks_t slept, uint32_t hz);

/* A buffer lent to the server for the time of a call. */
struct rpc_in  { const void *data; uint64_t bytes; };
struct rpc_out { void *data; uint64_t bytes; };

/* ---- for generated stubs ---- */
#define RPC_LEND_INLINE  448u   /* lent buffers up to here may go by the arena   */
#define RPC_PLACE_CLIENT 0u     /* ref.at is an address in client memory         */
#define RPC_PLACE_ARENA  1u     /* ref.at is an offset in the arena slot         */
/* Descriptors lie in words or at multiples of 8 in the arena; saying so spares a
 * call of memcpy. */
#define RPC_ALIGNED(p) __builtin_assume_aligned((p), 8)
/* Descriptor of a string or a lent buffer; of bytes and arrays. */
struct rpc_ref  { uint64_t at; uint32_t bytes; uint32_t place; };
struct rpc_pair { uint32_t at; uint32_t count; };
_Static_assert(sizeof(struct rpc_ref) == 16 && sizeof(struct rpc_pair) == 8, "wire layout");

/* `where` is the descriptor's place in the words or the arena. Order: copied
 * parts, then lent in, then lent out. Errors: ERR_FAULT. */
error_t rpc_put_string(struct rpc_client *, struct rpc_request *, void *where, struct rpc_in);
error_t rpc_put_bytes(struct rpc_client *, struct rpc_request *, void *where, struct rpc_in);
void    rpc_put_array(struct rpc_request *, void *where, const void *data, uint32_t count, uint32_t element_bytes);
error_t rpc_put_lend_in_small(struct rpc_client *, struct rpc_request *, void *where, struct rpc_in);
/* The stubs have seen to it that it fits. */
error_t rpc_put_give_in(struct rpc_client *, struct rpc_request *, void *where, struct rpc_in);
void    rpc_put_lend_out_small(struct rpc_request *, void *where, struct rpc_out, uint32_t results_bytes);
error_t rpc_take_bytes(struct rpc_client *, struct rpc_request *, const void *where, struct rpc_out, uint32_t *bytes);
error_t rpc_take_array(struct rpc_request *, const void *where, void *to, uint32_t element_bytes, uint32_t limit,
                       uint32_t *count);
error_t rpc_take_lend_out_small(struct rpc_client *, struct rpc_request *, struct rpc_out, uint64_t done);

static inline void rpc_put_client_ref(void *where, const void *data, uint64_t bytes)
{
    struct rpc_ref ref = { (uint64_t)(uintptr_t)data, (uint32_t)bytes, RPC_PLACE_CLIENT };
    __builtin_memcpy(RPC_ALIGNED(where), &ref, sizeof ref);
}

static inline error_t rpc_put_lend_in(struct rpc_client *client, struct rpc_request *request, void *where,
                                      struct rpc_in in)
{
    if (in.bytes <= RPC_LEND_INLINE)
        return rpc_put_lend_in_small(client, request, where, in);
    rpc_put_client_ref(where, in.data, in.bytes);
    return 0;
}

static inline void rpc_put_lend_out(struct rpc_request *request, void *where, struct rpc_out out,
                                    uint32_t results_bytes)
{
    if (out.bytes <= RPC_LEND_INLINE)
        rpc_put_lend_out_small(request, where, out, results_bytes);
    else
        rpc_put_client_ref(where, out.data, out.bytes);
}

static inline error_t rpc_take_lend_out(struct rpc_client *client, struct rpc_request *request, struct rpc_out out,
                                        uint64_t done)
{
    if (request->lend_at != ARENA_NONE)
        return rpc_take_lend_out_small(client, request, out, done);
    return done <= out.bytes ? 0 : ERR_BAD_MESSAGE;
}
/* Publish an event: no token, no answer. */
void    rpc_post_event(struct rpc_client *, uint16_t method, const uint64_t word[6]) MAY_YIELD;
/* The same without waiting; false when the ring is full. Call locked. */
bool    rpc_try_post(struct rpc_client *, const struct sq_entry *);
/* Would an event that is posted now be in the ring, and not on a list? And wait until it would. */
bool    rpc_has_room(struct rpc_client *);
void    rpc_await_room(struct rpc_client *) MAY_YIELD;
/* A mark behind all events posted so far, and whether the server has handled all
 * before a mark. For a client that posts events only. */
uint32_t rpc_posted(const struct rpc_client *);
bool     rpc_handled(const struct rpc_client *, uint32_t mark);

#endif
