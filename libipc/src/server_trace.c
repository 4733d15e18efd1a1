/* SPDX-License-Identifier: MIT */
/*
 * Lines of trace for a server's requests and answers, by the decoders that the
 * IDL compiler writes. A line goes to the kernel, which puts it between its own
 * events of this hart (atoll/trace.h).
 */
#include <libipc/server_trace.h>
#include <libipc/syscall.h>
#include <libipc/system.h>
#include <string.h>

#include <atoll/trace.h>

static const struct trace_interface *shown;

/* "rpc CLIENT.TOKEN INTERFACE.METHOD" */
static void begin_line(struct trace_text *t, const struct rpc_call *call)
{
    const char *method = shown->method_name(call->method);

    trace_print(t, "rpc %u.%u %s.", call->client, call->token, shown->name);
    if (method != NULL)
        trace_print(t, "%s", method);
    else
        trace_print(t, "%u", call->method);
}

static void on_request(const struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    char text[TRACE_TEXT_MAX];
    struct trace_text t = { .text = text, .bytes = sizeof text - 1 };   /* the last is for the parenthesis */
    bool no_arena = arena == NULL || entry->arena_slot == ARENA_NONE;
    struct trace_message m = { entry->word, no_arena ? NULL : arena, no_arena ? 0 : entry->arena_bytes };

    begin_line(&t, call);
    trace_print(&t, "(");
    shown->show_request(&t, call->method, &m);
    text[t.used++] = ')';
    sys_trace(SRV_CAP_PLATFORM, text, t.used);
}

/* The results in the arena are looked at once, in a copy: its client can write there. */
static void on_answer(const struct rpc_call *call, const struct cq_entry *entry)
{
    char text[TRACE_TEXT_MAX];
    struct trace_text t = { .text = text, .bytes = sizeof text };
    _Alignas(8) uint8_t arena[ARENA_SLOT_BYTES];
    struct trace_message m = { .word = entry->word };

    if (call->arena_slot < ARENA_SLOTS && entry->arena_bytes <= sizeof arena) {
        memcpy(arena, call->server->sessions[call->client].arena[call->arena_slot], entry->arena_bytes);
        m.arena = arena;
        m.arena_bytes = entry->arena_bytes;
    }
    begin_line(&t, call);
    trace_print(&t, " -> ");
    if (entry->error != 0)
        trace_print(&t, "error %d", entry->error);
    else
        shown->show_answer(&t, call->method, &m);
    sys_trace(SRV_CAP_PLATFORM, text, t.used);
}

void rpc_server_trace(struct rpc_server *server, const struct trace_interface *interface)
{
    static const struct rpc_tracer tracer = { on_request, on_answer };

    shown = interface;
    server->tracer = &tracer;
}
