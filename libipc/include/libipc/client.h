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
};

struct rpc_request {
    uint64_t word[6];       /* in: arguments; out: results                      */
    uint8_t *arena;         /* the request's arena slot, ARENA_SLOT_BYTES        */
    uint16_t arena_slot;
    uint16_t arena_bytes;   /* in: bytes of arguments                           */
    uint32_t result_bytes;  /* out: bytes of results in the arena, checked      */
    uint32_t token;
    uint16_t method;
    uint16_t in_use;
    int32_t  error;         /* out                                              */
    uint32_t done;          /* release by the drainer, acquire by the owner     */
    void    *owner;         /* env's: who waits                                 */
    uint64_t user;          /* caller's, asynchronous requests                  */
};

struct rpc_client {
    struct session *session;
    const struct rpc_env *env;
    cptr_t   doorbell;      /* the server's notification                        */
    cptr_t   own;           /* the client's notification                        */
    uint64_t layout_hash;   /* from the generated header                        */
    uint32_t epoch;
    /* guarded by env->lock */
    uint32_t sq_tail;       /* own copy                                         */
    uint32_t cq_head;       /* own copy                                         */
    uint64_t tokens[CQ_ENTRIES / 64];   /* free ones are 1                      */
    uint32_t arenas;                    /* free ones are 1                      */
    uint32_t nr_waiting_room;
    struct rpc_request request[CQ_ENTRIES];
    void    *env_data;
};

/* Prepare a client over mapped session memory. Fails with ERR_BAD_MESSAGE when
 * the server's layout hash differs. */
error_t rpc_client_init(struct rpc_client *, struct session *, const struct rpc_env *,
                        cptr_t doorbell, cptr_t own, uint64_t layout_hash);
struct rpc_request *rpc_begin(struct rpc_client *, uint16_t method) MAY_YIELD;
error_t rpc_invoke(struct rpc_client *, struct rpc_request *, bool cancellable) MAY_YIELD;
void    rpc_submit(struct rpc_client *, struct rpc_request *);
error_t rpc_finish(struct rpc_client *, struct rpc_request *, bool cancellable) MAY_YIELD;
void    rpc_cancel(struct rpc_client *, struct rpc_request *);
void    rpc_end(struct rpc_client *, struct rpc_request *);
/* Publish a request that has no answer (IDL: `event`). Waits for room only. */
void    rpc_post(struct rpc_client *, struct rpc_request *);

/* Drain the completion ring; returns the number of requests completed. Call
 * with the lock held. */
unsigned rpc_drain(struct rpc_client *);
/* Declare the client asleep / awake; before a wait: set, full fence, drain
 * again (docs/rings.md). rpc_sleep returns true when nothing came. */
bool rpc_prepare_sleep(struct rpc_client *);
void rpc_end_sleep(struct rpc_client *);
/* Does a published request need a doorbell? Clears nothing. */
bool rpc_server_sleeps(const struct rpc_client *);

/* A buffer lent to the server for the time of a call. */
struct rpc_in  { const void *data; uint64_t bytes; };
struct rpc_out { void *data; uint64_t bytes; };

#endif
