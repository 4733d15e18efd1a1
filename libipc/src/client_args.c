/* SPDX-License-Identifier: MIT */
/*
 * Variable parts of requests and results, for generated client stubs.
 *
 * The arena slot of a request, in order: fixed part, bytes and arrays, `give in`,
 * strings, a small `lend in`, room for a small `lend out`. What lies before the end of the last part
 * that the server copies (it does not copy given and lent ones) is counted in arena_bytes; the
 * results' fixed part starts at offset 0 again, and the room for `lend out`
 * lies behind both.
 */
#include <libipc/atomic.h>
#include <libipc/client.h>
#include <string.h>

#define ALIGN8(x) (((x) + 7u) & ~7u)

static error_t copy_in(struct rpc_client *client, void *to, const void *from, size_t bytes)
{
    if (client->env->copy_in != NULL)
        return client->env->copy_in(to, from, bytes);
    memcpy(to, from, bytes);
    return 0;
}

static error_t copy_out(struct rpc_client *client, void *to, const void *from, size_t bytes)
{
    if (client->env->copy_out != NULL)
        return client->env->copy_out(to, from, bytes);
    memcpy(to, from, bytes);
    return 0;
}

/* Bytes that the server does not copy before the handler runs, at `at` of the slot. */
static error_t put_uncounted(struct rpc_client *client, struct rpc_request *request, void *where, struct rpc_in in, uint32_t at)
{
    error_t error = copy_in(client, request->arena + at, in.data, in.bytes);
    if (error != 0)
        return error;
    request->arena_used = (uint16_t)(at + in.bytes);
    struct rpc_ref ref = { at, (uint32_t)in.bytes, RPC_PLACE_ARENA };
    memcpy(RPC_ALIGNED(where), &ref, sizeof ref);
    return 0;
}

/* Where the next part of `bytes` starts, or ARENA_NONE when it does not fit. */
static uint32_t room_for(const struct rpc_request *request, uint32_t from, uint64_t bytes)
{
    uint32_t at = ALIGN8(from);
    return request->arena != NULL && bytes <= ARENA_SLOT_BYTES && at + bytes <= ARENA_SLOT_BYTES ? at : ARENA_NONE;
}

static uint32_t used(const struct rpc_request *request)
{
    return request->arena_used > request->arena_bytes ? request->arena_used : request->arena_bytes;
}

error_t rpc_put_string(struct rpc_client *client, struct rpc_request *request, void *where, struct rpc_in in)
{
    uint32_t at = room_for(request, used(request), in.bytes + 1);
    if (at == ARENA_NONE) {
        rpc_put_client_ref(where, in.data, in.bytes);
        return 0;
    }
    error_t error = copy_in(client, request->arena + at, in.data, in.bytes);
    if (error != 0)
        return error;
    request->arena[at + in.bytes] = 0;
    request->arena_bytes = (uint16_t)(at + in.bytes + 1);
    struct rpc_ref ref = { at, (uint32_t)in.bytes, RPC_PLACE_ARENA };
    memcpy(RPC_ALIGNED(where), &ref, sizeof ref);
    return 0;
}

error_t rpc_put_bytes(struct rpc_client *client, struct rpc_request *request, void *where, struct rpc_in in)
{
    uint32_t at = ALIGN8(request->arena_bytes);   /* the compiler has seen to it that it fits */
    error_t error = copy_in(client, request->arena + at, in.data, in.bytes);
    if (error != 0)
        return error;
    request->arena_bytes = (uint16_t)(at + in.bytes);
    struct rpc_pair pair = { at, (uint32_t)in.bytes };
    memcpy(RPC_ALIGNED(where), &pair, sizeof pair);
    return 0;
}

void rpc_put_array(struct rpc_request *request, void *where, const void *data, uint32_t count, uint32_t element_bytes)
{
    uint32_t at = ALIGN8(request->arena_bytes);
    memcpy(request->arena + at, data, (size_t)count * element_bytes);
    request->arena_bytes = (uint16_t)(at + count * element_bytes);
    struct rpc_pair pair = { at, count };
    memcpy(RPC_ALIGNED(where), &pair, sizeof pair);
}

error_t rpc_put_lend_in_small(struct rpc_client *client, struct rpc_request *request, void *where, struct rpc_in in)
{
    uint32_t at = room_for(request, used(request), in.bytes);
    if (at == ARENA_NONE) {
        rpc_put_client_ref(where, in.data, in.bytes);
        return 0;
    }
    return put_uncounted(client, request, where, in, at);
}

error_t rpc_put_give_in(struct rpc_client *client, struct rpc_request *request, void *where, struct rpc_in in)
{
    return put_uncounted(client, request, where, in, ALIGN8(request->arena_bytes));
}

void rpc_put_lend_out_small(struct rpc_request *request, void *where, struct rpc_out out, uint32_t results_bytes)
{
    uint32_t from = used(request) > results_bytes ? used(request) : results_bytes;
    uint32_t at = room_for(request, from, out.bytes);
    if (at == ARENA_NONE) {
        rpc_put_client_ref(where, out.data, out.bytes);
        return;
    }
    request->lend_at = (uint16_t)at;
    struct rpc_ref ref = { at, (uint32_t)out.bytes, RPC_PLACE_ARENA };
    memcpy(RPC_ALIGNED(where), &ref, sizeof ref);
}

error_t rpc_take_lend_out_small(struct rpc_client *client, struct rpc_request *request, struct rpc_out out,
                                uint64_t done)
{
    if (done > out.bytes)
        return ERR_BAD_MESSAGE;
    if (done == 0)
        return 0;
    return copy_out(client, out.data, request->arena + request->lend_at, done);
}

/* Offset and count as the server wrote them, checked against the results. */
static bool take_pair(const struct rpc_request *request, const void *where, uint32_t element_bytes,
                      struct rpc_pair *pair)
{
    memcpy(pair, RPC_ALIGNED(where), sizeof *pair);
    copied_once(*pair);
    return request->arena != NULL && pair->at <= request->result_bytes
           && pair->count <= (request->result_bytes - pair->at) / element_bytes;
}

error_t rpc_take_bytes(struct rpc_client *client, struct rpc_request *request, const void *where, struct rpc_out out,
                       uint32_t *bytes)
{
    struct rpc_pair pair;

    if (!take_pair(request, where, 1, &pair))
        return ERR_BAD_MESSAGE;
    if (pair.count > out.bytes)
        return ERR_RANGE_RESULT;
    *bytes = pair.count;
    return copy_out(client, out.data, request->arena + pair.at, pair.count);
}

error_t rpc_take_array(struct rpc_request *request, const void *where, void *to, uint32_t element_bytes,
                       uint32_t limit, uint32_t *count)
{
    struct rpc_pair pair;

    if (!take_pair(request, where, element_bytes, &pair) || pair.count > limit)
        return ERR_BAD_MESSAGE;
    *count = pair.count;
    memcpy(to, request->arena + pair.at, (size_t)pair.count * element_bytes);
    return 0;
}
