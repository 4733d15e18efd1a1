/* SPDX-License-Identifier: MIT */
/*
 * A server's private state of one session, and requests that run on coroutines.
 * All of it belongs to the executor's one thread.
 */
#ifndef LIBIPC_SRC_SESSION_H
#define LIBIPC_SRC_SESSION_H

#include <libipc/executor.h>
#include <libipc/server.h>

struct server_session {
    struct session *shared;
    struct cq_entry *cq;            /* shared's                                 */
    union {
        struct {
            uint32_t index;
            uint32_t serial;        /* counts openings and closings: a call of an
                                     * earlier use of the session has another    */
        };
        uint64_t sender;            /* both                                     */
    };
    uint32_t sq_head;               /* own copies of the indices we write       */
    uint32_t cq_tail;
    uint32_t cq_head_seen;          /* the client's, when last looked at        */
    uint32_t nr_parked;             /* calls that wait, on coroutines too       */
    uint32_t arenas_held;           /* slots of those calls                     */
    uint32_t parks;                 /* own copy of the header's                 */
    uint32_t idle_turns;            /* while hot: turns without work            */
    uint32_t rung_at;               /* client's cq_head when we rang            */
    union {
        struct { bool broken, is_hot, is_peer, reserved; };
        uint32_t unusual;           /* 0: none of these; USUAL_HOT: is_hot only */
    };
    bool     open, to_ring, rung, was_full;
    bool     fresh;                 /* opened by this server, not taken over    */
    struct rpc_call *parked;
    struct server_session *next_in_bucket;
    struct server_session *next_hot;
    struct server_session *next_to_ring;
};

#define USUAL_HOT 0x100u            /* little endian: the second of the flags   */

/* rpc_call.any on the dispatcher's stack, before and after rpc_complete. */
#define CALL_DIRECT   1ull
#define CALL_ANSWERED 0x100ull
_Static_assert(offsetof(struct rpc_call, direct) == offsetof(struct rpc_call, any)
               && offsetof(struct rpc_call, answered) == offsetof(struct rpc_call, any) + 1, "bytes of any");

/* A request that runs (or waits to run) on a coroutine. */
#define JOB_MAX_BUFFERS 4
struct rpc_job {
    struct rpc_call call;
    struct sq_entry entry;
    struct coro *coro;              /* NULL while it waits for one              */
    struct rpc_job *next;
    void *buffer[JOB_MAX_BUFFERS];  /* strings from client memory               */
    unsigned nr_buffers;
    bool finished;
    _Alignas(8) uint8_t arena[ARENA_SLOT_BYTES];
};

/* The call's session if it is still the one that sent it, else NULL. */
static inline struct server_session *call_session(const struct rpc_call *call)
{
    return call->session->serial == call->serial ? call->session : NULL;
}
/* The private copy of the arguments that the executor's stack works on. */
const uint8_t *server_arena(void);
void call_list(struct server_session *, struct rpc_call *);
void call_unlist(struct server_session *, struct rpc_call *);
/* job.c */
void job_start(struct rpc_call *, const struct sq_entry *, const uint8_t *arena);
void *job_buffer(struct rpc_job *, size_t bytes);
/* Remember that completions were published (or room was made). */
static inline void session_note_ring(struct rpc_server *server, struct server_session *s)
{
    if (s->to_ring)
        return;
    s->to_ring = true;
    s->next_to_ring = server->to_ring;
    server->to_ring = s;
}

#endif
