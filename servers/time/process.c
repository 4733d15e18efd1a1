/* SPDX-License-Identifier: MIT */
/*
 * Processes as the time server sees them: a session, and what was made for it.
 * proc's events open, move and close it; the record itself appears when the
 * process first sets a timer.
 */
#include <libipc/journal.h>
#include <string.h>

#include "state.h"

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

/* The first, so that no more memory is used than there were processes with timers at once. */
static struct process *free_record(void)
{
    uint64_t used[NR_SLOTS / 64] = { 0 };

    for (uint32_t slot = 0; slot < NR_SLOTS; slot++)
        if (state->record[slot])
            used[(state->record[slot] - 1) / 64] |= 1ul << ((state->record[slot] - 1) % 64);
    for (uint32_t i = 0; i < NR_SLOTS; i++)
        if (!(used[i / 64] >> (i % 64) & 1))
            return &state->process[i];
    return NULL;
}

struct process *process_get(uint32_t slot)
{
    struct process *p;

    if (slot < FIRST_PROCESS_SLOT || slot >= NR_SLOTS)
        return NULL;
    p = processes[slot];
    if (p)
        return p;
    p = free_record();
    if (!p || !state_commit(p, offsetof(struct process, posix)))
        return NULL;
    journal_commit();
    memset(p, 0, offsetof(struct process, posix));
    p->slot = slot;
    itimers_recover(p);
    processes[slot] = p;
    __asm__ volatile("" ::: "memory");
    state->record[slot] = (uint16_t)(p - state->process + 1);  /* now it is there */
    return p;
}

void processes_recover(void)
{
    for (uint32_t slot = FIRST_PROCESS_SLOT; slot < NR_SLOTS; slot++) {
        if (!state->record[slot])
            continue;
        processes[slot] = &state->process[state->record[slot] - 1];
        itimers_recover(processes[slot]);
        posix_timers_recover(processes[slot]);
    }
}

/* In an event's handler, which is run again if we die in it: doing it twice is doing it once. */
static void forget(uint32_t slot)
{
    struct process *p = processes[slot];

    if (!p)
        return;
    journal_commit();
    itimers_clear(p);
    posix_timers_clear(p);
    __asm__ volatile("" ::: "memory");
    state->record[slot] = 0;
    processes[slot] = NULL;
}

/* exec: the process goes on in another slot. */
static void move(struct rpc_call *call, uint32_t from, uint32_t to)
{
    struct process *p = processes[from];

    if (!p || from == to)
        return;
    forget(to);
    posix_timers_clear(p);
    journal_begin(rpc_done_word(call));
    journal_save(&p->slot, sizeof p->slot);
    journal_save(&state->record[from], sizeof state->record[from]);
    journal_save(&state->record[to], sizeof state->record[to]);
    p->slot = to;
    state->record[to] = state->record[from];
    state->record[from] = 0;
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
    move(call, in->old_slot, in->new_slot);
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
