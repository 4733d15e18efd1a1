/* SPDX-License-Identifier: MIT */
/*
 * Processes as the time server sees them: a session, and what was made for it.
 * proc's events open, move and close it; the record itself appears when the
 * process first sets a timer.
 */
#include "process.h"

#include <stdlib.h>

struct process *processes[NR_SLOTS];
extern struct rpc_server server;

const volatile struct proc_page *process_page(uint32_t slot)
{
    return (const volatile struct proc_page *)(SRV_PROC_PAGES + slot * PAGE_BYTES);
}

uint32_t process_pid(const struct process *p)
{
    const volatile struct proc_page *page = process_page(p->slot);

    return page->in_use == 1 ? page->pid : 0;
}

struct process *process_get(uint32_t slot)
{
    struct process *p;

    if (slot < FIRST_PROCESS_SLOT || slot >= NR_SLOTS)
        return NULL;
    p = processes[slot];
    if (!p) {
        p = calloc(1, sizeof *p);
        if (!p)
            return NULL;
        p->slot = slot;
        for (unsigned i = 0; i < NR_ITIMERS; i++)
            p->itimer[i].which = (uint8_t)i;
        processes[slot] = p;
    }
    return p;
}

static void forget(uint32_t slot)
{
    struct process *p = processes[slot];

    if (!p)
        return;
    itimers_clear(p);
    posix_timers_clear(p);
    free(p);
    processes[slot] = NULL;
}

void process_move(uint32_t from, uint32_t to)
{
    struct process *p = processes[from];

    if (!p)
        return;
    forget(to);
    posix_timers_clear(p);
    p->slot = to;
    processes[to] = p;
    processes[from] = NULL;
}

static bool from_proc(const struct rpc_call *call, uint32_t slot)
{
    return call->client == SERVER_PROC && slot >= FIRST_PROCESS_SLOT && slot < NR_SLOTS;
}

error_t time_serve_process_open(struct rpc_call *call, const struct time_process_open_in *in)
{
    if (!from_proc(call, in->slot))
        return ERR_PERMISSION;
    forget(in->slot);
    rpc_session_open(&server, in->slot);
    return 0;
}

error_t time_serve_process_exec(struct rpc_call *call, const struct time_process_exec_in *in)
{
    if (!from_proc(call, in->old_slot) || !from_proc(call, in->new_slot))
        return ERR_PERMISSION;
    process_move(in->old_slot, in->new_slot);
    return 0;
}

error_t time_serve_process_close(struct rpc_call *call, const struct time_process_close_in *in)
{
    if (!from_proc(call, in->slot))
        return ERR_PERMISSION;
    rpc_session_close(&server, in->slot);
    forget(in->slot);
    return 0;
}
