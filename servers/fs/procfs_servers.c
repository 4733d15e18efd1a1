/* SPDX-License-Identifier: MIT */
/*
 * /proc/atoll/servers: what each server says of itself (libipc/figures.h); and root may write there what is to be done
 * with one: "move NAME=HART" (docs/placement.md).
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
    struct rpc_client *peer = id == SERVER_PROC ? &proc_peer : id == SERVER_TIME ? &time_peer : forward_client(id);

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

/* "move NAME=HART", and perhaps a newline. The message for the supervisor, who knows which there are; false: no such text. */
static bool parse_move(const char *text, size_t len, struct sys_message *m)
{
    static const char verb[] = "move ";
    const char *equals = memchr(text, '=', len), *end = text + len;
    uint64_t hart = 0;

    if (!equals || (size_t)(equals - text) < sizeof verb - 1 || memcmp(text, verb, sizeof verb - 1) != 0)
        return false;
    text += sizeof verb - 1;
    len = (size_t)(equals - text);
    if (!len || len >= 2 * sizeof m->word[0] || memchr(text, 0, len))
        return false;
    if (end[-1] == '\n')
        end--;
    if (equals + 1 == end || end - equals > 4)
        return false;
    for (const char *p = equals + 1; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        hart = hart * 10 + (uint64_t)(*p - '0');
    }
    *m = (struct sys_message){ .info = MSG_INFO(SUPERVISOR_MOVE, 3, 0), .word = { 0, 0, hart } };
    memcpy(m->word, text, len);
    return true;
}

error_t proc_write_servers(const struct proc_target *t, const char *text, size_t len)
{
    struct sys_message m;
    error_t e;

    /* whoever opened the file: it may have been passed on */
    if (!t->reader || !process_capable(t->reader, CAP_SYS_ADMIN))
        return ERR_PERMISSION;
    if (!parse_move(text, len, &m))
        return ERR_INVALID_ARGUMENT;
    e = sys_call(SRV_CAP_SUPERVISOR, &m);
    return e ? e : (error_t)m.word[0];
}
