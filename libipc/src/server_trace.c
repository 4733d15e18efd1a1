/* SPDX-License-Identifier: MIT */
/*
 * Lines of trace for a server's requests and answers, by the decoders that the
 * IDL compiler writes. A line goes to the kernel, which puts it between its own
 * events of this hart (atoll/trace.h).
 */
#include <libipc/server_trace.h>
#include <libipc/syscall.h>
#include <libipc/system.h>
#include <stdio.h>
#include <string.h>

#include <atoll/trace.h>

#define SHOWN 40u       /* characters of a string */
_Static_assert(SHOWN + sizeof "\"\".." <= TRACE_STRING_BYTES, "room");

static const struct trace_interface *shown;

static size_t bounded(int n, size_t limit)
{
    return n < 0 ? 0 : (size_t)n < limit ? (size_t)n : limit - 1;
}

const char *trace_string(const struct sq_entry *entry, const uint8_t *arena, const void *where, char text[TRACE_STRING_BYTES])
{
    struct rpc_ref ref;
    size_t n = 0;

    memcpy(&ref, where, sizeof ref);
    if (arena == NULL || ref.place != RPC_PLACE_ARENA || entry->arena_slot == ARENA_NONE || ref.at > entry->arena_bytes
        || ref.bytes > entry->arena_bytes - ref.at) {
        (void)snprintf(text, TRACE_STRING_BYTES, "[%u bytes]", ref.bytes);
        return text;
    }
    text[n++] = '"';
    for (size_t i = 0; i < ref.bytes && i < SHOWN; i++) {
        uint8_t c = arena[ref.at + i];

        text[n++] = c < ' ' || c > '~' || c == '"' ? '?' : (char)c;
    }
    text[n++] = '"';
    memcpy(text + n, "..", 3);
    if (ref.bytes <= SHOWN)
        text[n] = 0;
    return text;
}

static void on_request(const struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    char text[TRACE_TEXT_MAX];
    size_t n = bounded(snprintf(text, sizeof text, "rpc %u.%u ", call->client, call->token), sizeof text);

    n += bounded(shown->show_request(text + n, sizeof text - n - 1, entry, arena), sizeof text - n - 1);
    text[n++] = ')';
    sys_trace(SRV_CAP_PLATFORM, text, n);
}

static void on_answer(const struct rpc_call *call, const struct cq_entry *entry)
{
    char text[TRACE_TEXT_MAX];
    struct sq_entry method = { .method = call->method };
    char name[64];
    size_t n = 0;

    /* the decoder's text up to the parenthesis is the method's name */
    shown->show_request(name, sizeof name, &method, NULL);
    while (n < sizeof name - 1 && name[n] != '(' && name[n] != 0)
        n++;
    name[n] = 0;
    n = bounded(snprintf(text, sizeof text, "rpc %u.%u %s -> ", call->client, call->token, name), sizeof text);
    if (entry->error != 0)
        n += bounded(snprintf(text + n, sizeof text - n, "error %d", entry->error), sizeof text - n);
    else
        n += bounded(shown->show_answer(text + n, sizeof text - n, call->method, entry), sizeof text - n);
    sys_trace(SRV_CAP_PLATFORM, text, n);
}

void rpc_server_trace(struct rpc_server *server, const struct trace_interface *interface)
{
    static const struct rpc_tracer tracer = { on_request, on_answer };

    shown = interface;
    server->tracer = &tracer;
}
