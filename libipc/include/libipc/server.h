/* SPDX-License-Identifier: MIT */
/*
 * The server's side: sessions, requests, and what a handler may do.
 *
 * The generated dispatch of an interface copies the submission entry and the
 * arena arguments to private memory, validates them, and calls
 *     error_t IFACE_serve_METHOD(struct rpc_call *, const struct IFACE_METHOD_in *,
 *                                struct IFACE_METHOD_out *);
 * on the executor's own stack. The handler
 *   - returns 0 or an error: the answer is sent at once; or
 *   - calls rpc_park() and returns RPC_PENDING: it answers later, exactly once,
 *     with IFACE_METHOD_reply(call, error, &out); or
 *   - returns RPC_BLOCKS before it changed anything: dispatch runs it again on
 *     a coroutine, where it may call MAY_YIELD functions (coro_self() != NULL).
 * `in` and its strings live until the handler returned; a parked request that
 * needs them copies them.
 */
#ifndef LIBIPC_SERVER_H
#define LIBIPC_SERVER_H

#include <atoll/errors.h>
#include <libipc/client.h>
#include <libipc/ring.h>
#include <libipc/system.h>

#define RPC_PENDING 1
#define RPC_BLOCKS  2

struct rpc_server;

/* A lent or given buffer as the server sees it. Small and given ones travel in the arena, others
 * stay in the client's memory. Either way the client can change them at any
 * time: go through rpc_buf_read and rpc_buf_write, and look at private copies.
 * A parked request may keep a copy of the rpc_buf; it is good until its reply. */
struct rpc_buf {
    uint64_t address;       /* in the client's VSpace; 0 when in the arena      */
    uint64_t bytes;
    void    *local;         /* in the arena (shared memory), or NULL            */
};

/* One request. Lives on the dispatcher's stack until parked. */
struct rpc_call {
    struct rpc_server *server;
    union {
        struct {
            uint32_t client;    /* session number = process slot                */
            uint32_t serial;    /* of the session: a reply to a closed session is dropped */
        };
        uint64_t sender;        /* both                                         */
    };
    union {
        struct {            /* as in the submission entry                       */
            uint16_t method, entry_flags;
            uint32_t token;
            uint16_t arena_slot, entry_bytes;
            uint32_t entry_epoch;
        };
        uint64_t head[2];
    };
    uint64_t result[6];     /* inline results, written by the generated reply   */
    uint32_t result_bytes;
    uint32_t nr_words;      /* of result[] that the reply filled                */
    union {
        struct {
            /* libipc's, on the dispatcher's stack: an answer is published and not
             * listed; who called dispatch looks whether to ring */
            bool direct, answered;
            bool parked;
            bool cancelled; /* a cancel arrived; the handler should end soon    */
            /* libipc's */
            bool heap;      /* made by rpc_park                                 */
            bool listed;
        };
        uint64_t any;       /* all of these: CALL_DIRECT, CALL_ANSWERED          */
    };
    /* parked requests */
    void   (*on_cancel)(struct rpc_call *);
    void    *context;
    struct rpc_call *next, *prev;   /* list of the session's parked requests    */
    /* libipc's */
    struct rpc_job *job;    /* runs on a coroutine                              */
    struct server_session *session;
};

/* Make the request outlive its handler. on_cancel is called once if the client
 * cancels or the session closes (then call->cancelled is set): it must take
 * the request out of all queues and answer it (ERR_CANCELLED; dropped quietly
 * when the session is gone). Returns NULL when the session's limit of parked
 * requests is reached: answer ERR_NO_BUFFERS. */
struct rpc_call *rpc_park(struct rpc_call *, void (*on_cancel)(struct rpc_call *), void *context);

/* Read from, write to a lent buffer at an offset. 0 or ERR_FAULT / ERR_RANGE.
 * For buffers in client memory these are one SYS_VSPACE_COPY. */
error_t rpc_buf_read(struct rpc_call *, const struct rpc_buf *, uint64_t at, void *to, size_t bytes);
error_t rpc_buf_write(struct rpc_call *, const struct rpc_buf *, uint64_t at, const void *from, size_t bytes);
/* The same with addresses in the client's memory that came as plain numbers. */
error_t rpc_client_read(struct rpc_call *, uint64_t address, void *to, size_t bytes);
error_t rpc_client_write(struct rpc_call *, uint64_t address, const void *from, size_t bytes);

/* For whom a server asks that forwards requests of programs (fs, of a device node): as they were when the request was
 * made. Only in the handler. false: the client asks for itself; a process that claims to ask for another is not believed. */
struct rpc_identity { uint32_t pid, uid, gid, reserved; };
bool rpc_identity(const struct rpc_call *, struct rpc_identity *);

/* Send the completion and release the call (generated replies end here). */
void rpc_complete(struct rpc_call *, error_t);

/*
 * An interface served over an array of sessions.
 */
struct rpc_interface {
    const char *name;
    uint64_t layout_hash;
    /* generated: decode, call the handler, answer. Runs on the executor's stack. */
    void (*dispatch)(struct rpc_call *, const struct sq_entry *, const uint8_t *arena_copy);
};

/* Told of each request before its handler and of each answer; server_trace.h. */
struct rpc_tracer {
    void (*request)(const struct rpc_call *, const struct sq_entry *, const uint8_t *arena_copy);
    void (*answer)(const struct rpc_call *, const struct cq_entry *);
};

struct rpc_server {
    const struct rpc_interface *interface;
    struct session *sessions;       /* mapped Segment                           */
    uint32_t nr_sessions;
    cptr_t   client_vspaces;        /* CNode slot: client k's VSpace at CAP_IN(.., k) */
    cptr_t   client_doorbells;      /* CNode slot: client k's notification      */
    struct server_session *state;   /* private, one a session                   */
    /* the rest is libipc's */
    struct server_session *bucket[DOORBELL_BITS];   /* open sessions by their bit */
    uint64_t last_bits;             /* the one bit that rang last; 0: look again  */
    struct server_session *last_rung;   /* the only open session that rings it  */
    struct server_session *hot;     /* polled: their server_asleep is 0         */
    uint32_t nr_hot;
    union {
        struct {
            uint16_t no_arena, no_bytes;    /* ARENA_NONE, 0                    */
            uint32_t epoch;
        };
        uint64_t plain_head;    /* sq_entry.head[1] of a request without arena  */
    };
    struct server_session *peer[NR_SERVERS];    /* open ones of other servers    */
    uint32_t nr_peers;
    uint32_t openings;              /* counts openings and closings              */
    struct server_session *to_ring; /* completions published, client not yet rung */
    void   (*ring)(struct rpc_server *, uint32_t client);
    struct rpc_job *waiting_jobs, **waiting_end;    /* no coroutine was free     */
    struct rpc_server *next;
    const struct rpc_tracer *tracer;    /* NULL: nobody looks                   */
    void   (*figures)(struct rpc_call *);   /* answers RPC_METHOD_FIGURES, or NULL  */
    uint64_t *survivors;            /* rpc_server_survive, or NULL              */
    struct rpc_server_stats {
        uint64_t requests, events, parked, cancels, bad_messages, event_errors, handler_bugs, broken_sessions;
        uint64_t undeclared;        /* answers outside their method's set of errors */
        uint32_t undeclared_last;   /* method << 16 | number of the error       */
    } stats;
    /* Tests: told of an error that the method does not declare. NULL: only counted. */
    void   (*undeclared)(const struct rpc_call *, error_t);
};

/* Set up; `state` is allocated. Sessions are closed until opened. */
error_t rpc_server_init(struct rpc_server *, const struct rpc_interface *, struct session *,
                        uint32_t nr_sessions, cptr_t client_vspaces, cptr_t client_doorbells);
void rpc_session_open(struct rpc_server *, uint32_t client);
/*
 * For a server that may be restarted: after rpc_server_init, before any session is opened. `survivors` has a bit for
 * each session, in memory that outlives the server and is zero at first; `restarts` is that of server_info. After a
 * restart all sessions that are open are taken over, with another epoch; opening one of them again changes nothing.
 *
 * Requests that were under way end with ERR_PEER_RESTARTED. An event is served by the next server if the handler of
 * this one has not returned; so a handler that died half-way is run once more, and must bear that (journal.h).
 */
void rpc_server_survive(struct rpc_server *, uint64_t *survivors, uint32_t restarts);
/* Where it may keep them: session 0 belongs to nobody. */
#define RPC_SURVIVORS(sessions) ((uint64_t *)(void *)(sessions))
/* One of them; rpc_server_survive does it. Set server->epoch, which must differ from all earlier ones, before. */
void rpc_session_take_over(struct rpc_server *, uint32_t client);
/* The word in the session's memory that changes when the request is answered, or the event handled; and when the server
 * dies before that, it does not. For journal_commit_with. */
uint32_t *rpc_done_word(const struct rpc_call *);
/* Cancels all parked requests of the session, then forgets it. */
void rpc_session_close(struct rpc_server *, uint32_t client);
bool rpc_session_is_open(const struct rpc_server *, uint32_t client);

/* ---- for generated stubs ---- */
/* A method that the interface lacks. One is answered for all interfaces, whose ordinals begin at 1: figures.h. */
#define RPC_METHOD_FIGURES 0u
void     rpc_other_method(struct rpc_call *);
/* What an outcome above 0 asks for: RPC_PENDING, RPC_BLOCKS. */
void     rpc_defer(struct rpc_call *, const struct sq_entry *, const uint8_t *arena, error_t outcome);
/* End of an event's handler. */
void     rpc_event_done(struct rpc_call *, error_t);
/* `error` is not 0. One outside `allowed` (bit n: error -n) becomes ERR_IO and is counted. */
error_t  rpc_check_error(struct rpc_call *, error_t, const uint64_t allowed[2]);
/* The request's arena slot for results of at least `bytes`, or NULL when the
 * session is gone. Sets call->result_bytes. */
uint8_t *rpc_result_arena(struct rpc_call *, uint32_t bytes);
void     rpc_put_result(struct rpc_call *, uint8_t *arena, void *where, const void *data, uint32_t count,
                        uint32_t element_bytes, uint32_t limit);
error_t  rpc_get_string(struct rpc_call *, const struct sq_entry *, const uint8_t *arena, const void *where,
                        uint64_t limit, const char **text, uint32_t *bytes);
error_t  rpc_get_array(const struct sq_entry *, const uint8_t *arena, const void *where, uint32_t element_bytes,
                       uint64_t limit, const void **data, uint32_t *count);
/* `floor`: lowest offset in the arena at which the buffer may lie. */
error_t  rpc_get_lend(struct rpc_call *, const struct sq_entry *, const void *where, uint64_t limit, uint32_t floor,
                      struct rpc_buf *);
/* In the arena, and nowhere else. */
error_t  rpc_get_given(struct rpc_call *, const struct sq_entry *, const void *where, uint64_t limit, struct rpc_buf *);

/* ---- for the executor (and tests) ---- */
/* Serve up to `quantum` requests of a session; returns how many were taken. */
unsigned rpc_session_serve(struct rpc_server *, uint32_t client, unsigned quantum);
/* Look at the cold sessions of these doorbell bits; those with work become hot. */
void     rpc_server_doorbells(struct rpc_server *, uint64_t bits);
/* The same, but serve them at once and leave them cold: for servers that share
 * the hart with their clients. Returns the number of requests taken. */
unsigned rpc_server_ring(struct rpc_server *, uint64_t bits);
/* One quantum for each hot session; returns the number of requests taken. rpc_server_flush is due afterwards. */
unsigned rpc_server_turn(struct rpc_server *);
/* Ring the sleeping clients to whom completions were published. */
void     rpc_server_flush(struct rpc_server *);
/* Declare all sessions asleep; false when work showed up meanwhile (then the
 * sessions that have it are hot again). */
bool     rpc_server_sleep(struct rpc_server *);
/* Anything submitted in a hot session? For spinning; changes nothing. */
bool     rpc_server_peek(const struct rpc_server *);

#endif
