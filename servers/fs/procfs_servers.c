/* SPDX-License-Identifier: MIT */
/*
 * /proc/atoll/servers: what each server says of itself (libipc/figures.h); and root may write there what is to be done
 * with one: "move NAME=HART" (docs/placement.md), "restart NAME" (docs/restart.md).
 */
#include <libipc/executor.h>
#include <libipc/figures.h>
#include <libipc/syscall.h>
#include <string.h>

#include "forward.h"
#include "peers.h"
#include "procfs.h"

static error_t figures_of(uint32_t id, struct rpc_figures *out)
{
    struct rpc_client *peer = id == SERVER_PROC ? &proc_peer :
        server_is(fs_info, id, SERVER_TIME) ? &time_peer[fs_info->peer[id].shard] : forward_client(id);

    if (id == SERVER_FS) {
        rpc_figures(&fs_server, SRV_CAP_TCB, fs_info->timebase_hz, out);
        return 0;
    }
    return peer ? rpc_ask_figures(peer, out) : ERR_BUSY;
}

/* Of each server: where it runs, what it did and how quickly, what it uses. One that cannot be asked now is left out. */
error_t proc_print_servers(struct text *out, const struct proc_target *t)
{
    uint64_t hz = fs_info->timebase_hz, now = exec_now(), up_us = now / hz * 1000000 + now % hz * 1000000 / hz;

    (void)t;
    text_printf(out, "server hart cpu%% requests median_us p99_us queued coroutines most of stack_most of restarts undeclared last\n");
    for (uint32_t id = 0; id < NR_SERVERS; id++) {
        struct rpc_figures f;

        if (!fs_info->peer[id].name[0] || figures_of(id, &f))
            continue;
        uint64_t permille = (f.user_ns + f.system_ns) / (up_us + 1);

        text_printf(out, "%s %lu %lu.%lu %lu %lu.%lu %lu.%lu %lu %lu %lu %lu %lu %lu %lu %lu %lu:%lu\n", fs_info->peer[id].name,
                    (unsigned long)f.hart, (unsigned long)permille / 10, (unsigned long)permille % 10,
                    (unsigned long)f.requests, (unsigned long)f.median_ns / 1000, (unsigned long)f.median_ns / 100 % 10,
                    (unsigned long)f.p99_ns / 1000, (unsigned long)f.p99_ns / 100 % 10, (unsigned long)f.queued,
                    (unsigned long)f.coroutines_used, (unsigned long)f.coroutines_most, (unsigned long)f.coroutines,
                    (unsigned long)f.stack_most, (unsigned long)f.stack_bytes, (unsigned long)f.restarts,
                    (unsigned long)f.undeclared, (unsigned long)f.undeclared_last >> 16, (unsigned long)f.undeclared_last & 0xffff);
    }
    return 0;
}

/* The message with the name of a server for the supervisor, who knows which there are. */
static bool put_name(const char *name, size_t len, struct sys_message *m)
{
    if (!len || len >= 2 * sizeof m->word[0] || memchr(name, 0, len))
        return false;
    memcpy(m->word, name, len);
    return true;
}

/* NAME=HART */
static bool parse_move(const char *text, size_t len, struct sys_message *m)
{
    const char *equals = memchr(text, '=', len), *end = text + len;
    uint64_t hart = 0;

    if (!equals || equals + 1 == end || end - equals > 4)
        return false;
    for (const char *p = equals + 1; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        hart = hart * 10 + (uint64_t)(*p - '0');
    }
    *m = (struct sys_message){ .info = MSG_INFO(SUPERVISOR_MOVE, 3, 0), .word = { 0, 0, hart } };
    return put_name(text, (size_t)(equals - text), m);
}

/* NAME */
static bool parse_restart(const char *text, size_t len, struct sys_message *m)
{
    *m = (struct sys_message){ .info = MSG_INFO(SUPERVISOR_RESTART, 2, 0) };
    return put_name(text, len, m);
}

/* A verb, what it asks for, and perhaps a newline; false: no such text. */
static bool parse(const char *text, size_t len, struct sys_message *m)
{
    static const struct { const char *verb; bool (*parse)(const char *, size_t, struct sys_message *); } verbs[] = {
        { "move ", parse_move }, { "restart ", parse_restart },
    };

    if (len && text[len - 1] == '\n')
        len--;
    for (unsigned i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        size_t n = strlen(verbs[i].verb);

        if (len > n && memcmp(text, verbs[i].verb, n) == 0)
            return verbs[i].parse(text + n, len - n, m);
    }
    return false;
}

error_t proc_write_servers(const struct proc_target *t, const char *text, size_t len)
{
    struct sys_message m;
    error_t e;

    /* whoever opened the file: it may have been passed on */
    if (!t->reader || !process_capable(t->reader, CAP_SYS_ADMIN))
        return ERR_PERMISSION;
    if (!parse(text, len, &m))
        return ERR_INVALID_ARGUMENT;
    e = sys_call(SRV_CAP_SUPERVISOR, &m);
    return e ? e : (error_t)m.word[0];
}
