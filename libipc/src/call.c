/* SPDX-License-Identifier: MIT */
/*
 * One request at the server: parking, lent memory, arguments, the answer.
 *
 * A call lives on the dispatcher's stack; parked, it is a copy on the heap;
 * on a coroutine, it is part of a struct rpc_job. The latter two are listed in
 * their session, so that a cancel or a close finds them. Each ends in exactly
 * one rpc_complete, which drops the answer quietly when the session is gone.
 */
#include <assert.h>
#include <libipc/atomic.h>
#include <libipc/syscall.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define PARKED_MAX    124u      /* a session; leaves completion slots for others  */
#define SCRATCH_BYTES 16384u    /* strings of the request on the executor's stack */

void call_list(struct server_session *s, struct rpc_call *call)
{
    call->prev = NULL;
    call->next = s->parked;
    if (s->parked != NULL)
        s->parked->prev = call;
    s->parked = call;
    call->listed = true;
    s->nr_parked++;
    if (call->arena_slot != ARENA_NONE)
        s->arenas_held |= 1u << call->arena_slot;
}

void call_unlist(struct server_session *s, struct rpc_call *call)
{
    if (!call->listed)
        return;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        s->parked = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    call->listed = false;
    s->nr_parked--;
    if (call->arena_slot != ARENA_NONE)
        s->arenas_held &= ~(1u << call->arena_slot);
}

struct rpc_call *rpc_park(struct rpc_call *call, void (*on_cancel)(struct rpc_call *), void *context)
{
    struct server_session *s = call_session(call);

    assert(!call->parked);
    if (s == NULL || s->nr_parked >= PARKED_MAX + (call->listed ? 1 : 0))
        return NULL;
    struct rpc_call *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return NULL;
    bool already_cancelled = call->cancelled;
    call_unlist(s, call);
    *copy = *call;
    copy->direct = false;
    copy->heap = true;
    copy->parked = true;
    copy->job = NULL;
    copy->on_cancel = on_cancel;
    copy->context = context;
    call_list(s, copy);
    call->parked = true;
    store_relaxed(&s->shared->header.parks, ++s->parks);
    call->server->stats.parked++;
    /* Cancelled while it ran on a coroutine: the handler sees `cancelled`. */
    copy->cancelled = already_cancelled;
    return copy;
}

/* ---- the answer ---- */

static inline void release(struct server_session *s, struct rpc_call *call)
{
    if (!call->heap && call->job == NULL)
        return;     /* on the dispatcher's stack */
    if (s != NULL)
        call_unlist(s, call);
    if (call->heap)
        free(call);
    else
        call->job->finished = true;
}

static inline __attribute__((always_inline)) void put_answer(struct rpc_call *call, struct server_session *s,
                                                             error_t error, const struct rpc_tracer *tracer)
{
    struct session *session = s->shared;
    uint32_t tail = s->cq_tail;
    struct cq_entry *entry = &s->cq[tail % CQ_ENTRIES];

    entry->head[0] = call->token | (uint64_t)(uint32_t)error << 32;
    entry->head[1] = call->result_bytes;
    if (call->nr_words == 1)
        entry->word[0] = call->result[0];
    else
        for (unsigned i = 0; i < call->nr_words; i++)
            entry->word[i] = call->result[i];
    if (tracer != NULL)
        tracer->answer(call, entry);
    s->cq_tail = ++tail;
    store_release(&session->header.cq_tail, tail);
}

__attribute__((noinline)) static void complete_slow(struct rpc_call *call, error_t error)
{
    struct server_session *s = call_session(call);

    assert(call->heap || !call->parked);    /* answered although it was parked */
    if (s != NULL && call->token != TOKEN_EVENT) {
        put_answer(call, s, error <= 0 ? error : ERR_IO, call->server->tracer);
        session_note_ring(call->server, s);
    }
    release(s, call);
}

void rpc_complete(struct rpc_call *call, error_t error)
{
    struct server_session *s = call->session;

    /* On the dispatcher's stack, neither event nor traced, and the session is open: the frequent case. */
    if (__builtin_expect(call->any != CALL_DIRECT || error > 0 || s->serial != call->serial, 0)) {
        complete_slow(call, error);
        return;
    }
    put_answer(call, s, error, NULL);
    call->any = CALL_ANSWERED;
}

bool rpc_identity(const struct rpc_call *call, struct rpc_identity *out)
{
    const uint8_t *arena = call->job != NULL ? call->job->arena : server_arena();

    if (call->client >= FIRST_PROCESS_SLOT || !(call->entry_flags & SQ_IDENTITY) || call->arena_slot == ARENA_NONE
        || call->entry_bytes != ARENA_SLOT_BYTES)
        return false;
    memcpy(out, arena + ARENA_SLOT_BYTES - sizeof *out, sizeof *out);
    return true;
}

void rpc_other_method(struct rpc_call *call)
{
    if (call->method == RPC_METHOD_FIGURES && call->token != TOKEN_EVENT && call->server->figures != NULL)
        call->server->figures(call);
    else
        rpc_complete(call, ERR_INVALID_CALL);
}

uint32_t *rpc_done_word(const struct rpc_call *call)
{
    struct session_header *header = &call->session->shared->header;

    return call->token == TOKEN_EVENT ? &header->sq_head : &header->cq_tail;
}

void rpc_event_done(struct rpc_call *call, error_t error)
{
    call->server->stats.events++;
    if (error != 0)
        call->server->stats.event_errors++;
    release(call_session(call), call);
}

error_t rpc_check_error(struct rpc_call *call, error_t error, const uint64_t allowed[2])
{
    unsigned n = (unsigned)-error;

    if (n < 128 && (allowed[n / 64] >> (n % 64) & 1) != 0)
        return error;
    struct rpc_server *server = call->server;
    server->stats.undeclared++;
    server->stats.undeclared_last = (uint32_t)call->method << 16 | (n & 0xffff);
    if (server->undeclared != NULL)
        server->undeclared(call, error);
    return ERR_IO;
}

void rpc_defer(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena, error_t outcome)
{
    if (outcome == RPC_PENDING && call->parked) {
        release(NULL, call);
        return;
    }
    if (outcome == RPC_BLOCKS && call->job == NULL && !call->parked) {
        job_start(call, entry, arena);
        return;
    }
    /* Pending without parking, or blocking twice: a bug of the handler. */
    call->server->stats.handler_bugs++;
    assert(!call->parked);
    rpc_complete(call, ERR_IO);
}

uint8_t *rpc_result_arena(struct rpc_call *call, uint32_t bytes)
{
    if (call_session(call) == NULL || call->arena_slot == ARENA_NONE)
        return NULL;
    call->result_bytes = bytes;
    return call->session->shared->arena[call->arena_slot];
}

void rpc_put_result(struct rpc_call *call, uint8_t *arena, void *where, const void *data, uint32_t count,
                    uint32_t element_bytes, uint32_t limit)
{
    uint32_t at = (call->result_bytes + 7u) & ~7u;

    if (count > limit) {
        call->server->stats.handler_bugs++;
        count = limit;
    }
    if (count != 0)
        memcpy(arena + at, data, (size_t)count * element_bytes);
    call->result_bytes = at + count * element_bytes;
    struct rpc_pair pair = { at, count };
    memcpy(RPC_ALIGNED(where), &pair, sizeof pair);
}

/* ---- arguments ---- */

/* Memory for a string that lives as long as the handler runs. */
static char *string_buffer(struct rpc_call *call, size_t bytes)
{
    static char scratch[SCRATCH_BYTES];
    static const struct rpc_call *user;
    static uint64_t user_request;
    static size_t used;

    if (call->job != NULL)
        return job_buffer(call->job, bytes);
    /* A new request on the executor's stack starts from the beginning. */
    if (user != call || user_request != call->server->stats.requests) {
        user = call;
        user_request = call->server->stats.requests;
        used = 0;
    }
    if (bytes > sizeof scratch - used)
        return NULL;
    used += bytes;
    return scratch + used - bytes;
}

error_t rpc_get_string(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena, const void *where,
                       uint64_t limit, const char **text, uint32_t *bytes)
{
    struct rpc_ref ref;

    memcpy(&ref, RPC_ALIGNED(where), sizeof ref);
    if (ref.bytes > limit)
        return ERR_NAME_TOO_LONG;
    const char *string;
    if (ref.place == RPC_PLACE_ARENA) {
        /* With its NUL it lies inside what was copied. */
        if (entry->arena_slot == ARENA_NONE || ref.at >= entry->arena_bytes
            || ref.bytes >= entry->arena_bytes - ref.at)
            return ERR_BAD_MESSAGE;
        string = (const char *)arena + ref.at;
        if (string[ref.bytes] != 0)
            return ERR_BAD_MESSAGE;
    } else {
        char *buffer = string_buffer(call, ref.bytes + 1ul);
        if (buffer == NULL)
            return ERR_NO_MEMORY;
        error_t error = ref.bytes != 0 ? rpc_client_read(call, ref.at, buffer, ref.bytes) : 0;
        if (error != 0)
            return error;
        buffer[ref.bytes] = 0;
        string = buffer;
    }
    if (memchr(string, 0, ref.bytes) != NULL)
        return ERR_BAD_MESSAGE;
    *text = string;
    *bytes = ref.bytes;
    return 0;
}

error_t rpc_get_array(const struct sq_entry *entry, const uint8_t *arena, const void *where, uint32_t element_bytes,
                      uint64_t limit, const void **data, uint32_t *count)
{
    struct rpc_pair pair;

    memcpy(&pair, RPC_ALIGNED(where), sizeof pair);
    if (pair.count > limit)
        return ERR_INVALID_ARGUMENT;
    if (entry->arena_slot == ARENA_NONE || pair.at > entry->arena_bytes || pair.at % 8 != 0
        || (uint64_t)pair.count * element_bytes > entry->arena_bytes - pair.at)
        return ERR_BAD_MESSAGE;
    *data = arena + pair.at;
    *count = pair.count;
    return 0;
}

error_t rpc_get_lend(struct rpc_call *call, const struct sq_entry *entry, const void *where, uint64_t limit,
                     uint32_t floor, struct rpc_buf *buf)
{
    struct rpc_ref ref;

    memcpy(&ref, RPC_ALIGNED(where), sizeof ref);
    if (ref.bytes > limit)
        return ERR_INVALID_ARGUMENT;
    buf->bytes = ref.bytes;
    if (ref.place == RPC_PLACE_ARENA) {
        if (entry->arena_slot == ARENA_NONE || ref.at < floor || ref.at > ARENA_SLOT_BYTES
            || ref.bytes > ARENA_SLOT_BYTES - ref.at)
            return ERR_BAD_MESSAGE;
        buf->address = 0;
        buf->local = call->session->shared->arena[entry->arena_slot] + ref.at;
    } else {
        buf->address = ref.at;
        buf->local = NULL;
    }
    return 0;
}

error_t rpc_get_given(struct rpc_call *call, const struct sq_entry *entry, const void *where, uint64_t limit, struct rpc_buf *buf)
{
    error_t error = rpc_get_lend(call, entry, where, limit, 0, buf);

    return error == 0 && buf->local == NULL ? ERR_BAD_MESSAGE : error;
}

/* ---- lent memory ---- */

static error_t copy_client(struct rpc_call *call, uint64_t address, void *own, size_t bytes, bool into)
{
    uint64_t done = 0;

    if (call_session(call) == NULL)
        return ERR_PEER_CLOSED;
    if (bytes == 0)
        return 0;
    error_t error = sys_vspace_copy(CAP_IN(call->server->client_vspaces, call->client), address, own, bytes, into,
                                    &done);
    if (error == ERR_NO_MEMORY)
        return ERR_CLIENT_MEMORY;
    return error == 0 && done == bytes ? 0 : ERR_FAULT;
}

error_t rpc_client_read(struct rpc_call *call, uint64_t address, void *to, size_t bytes)
{
    return copy_client(call, address, to, bytes, false);
}

error_t rpc_client_write(struct rpc_call *call, uint64_t address, const void *from, size_t bytes)
{
    return copy_client(call, address, (void *)(uintptr_t)from, bytes, true);
}

error_t rpc_buf_read(struct rpc_call *call, const struct rpc_buf *buf, uint64_t at, void *to, size_t bytes)
{
    if (at > buf->bytes || bytes > buf->bytes - at)
        return ERR_RANGE;
    if (buf->local == NULL)
        return copy_client(call, buf->address + at, to, bytes, false);
    if (call_session(call) == NULL)
        return ERR_PEER_CLOSED;
    memcpy(to, (const uint8_t *)buf->local + at, bytes);
    return 0;
}

error_t rpc_buf_write(struct rpc_call *call, const struct rpc_buf *buf, uint64_t at, const void *from, size_t bytes)
{
    if (at > buf->bytes || bytes > buf->bytes - at)
        return ERR_RANGE;
    if (buf->local == NULL)
        return copy_client(call, buf->address + at, (void *)(uintptr_t)from, bytes, true);
    if (call_session(call) == NULL)
        return ERR_PEER_CLOSED;
    memcpy((uint8_t *)buf->local + at, from, bytes);
    return 0;
}
