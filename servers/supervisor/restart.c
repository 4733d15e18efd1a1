/* SPDX-License-Identifier: MIT */
/*
 * Starting servers again.
 *
 * What stays is what others have capabilities for, and what the server's next
 * life needs of the last: its kernel objects (VSpace, CNode, thread, scheduling
 * context, notification, Untyped), its clients' entries in its client CNodes,
 * and every Segment that is shared: sessions, and its own durable memory. What
 * is in the objects goes: all it made of its Untyped, its CSpace, its address
 * space, its registers. Then it is built from its row of the assembly by the
 * function that built it at boot (server_build), so there is no second list.
 *
 * Meanwhile its thread is stopped, so nobody sees it half-built. Others may ring
 * it and write to its sessions; both keep until it looks.
 *
 * The policy bounds restarts after faults: a server that faults max_restarts + 1
 * times in restarts_ms ends the system.
 */
#include "restart.h"

#include "main.h"
#include "sys.h"
#include "walk.h"

static ticks_t now(void)
{
    ticks_t ticks;

    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

static void stop(const struct server *s)
{
    must(sys_invoke(s->tcb, TCB_SUSPEND, 0, 0, 0, 0, 0, NULL), "stop a server");
}

static void report(const struct server *s, const struct sys_message *fault)
{
    struct tcb_regs regs = { 0 };

    say("server %s faulted: pc 0x%lx cause 0x%lx value 0x%lx", s->component->name, fault->word[2], fault->word[0], fault->word[1]);
    if (sys_invoke(s->tcb, TCB_READ_REGS, (uint64_t)&regs, 0, 0, 0, 0, NULL))
        return;
    for (unsigned r = 0; r < 32; r += 4)
        say("  x%-2u %016lx %016lx %016lx %016lx", r, regs.x[r], regs.x[r + 1], regs.x[r + 2], regs.x[r + 3]);
}

void restart_stopped(struct system *system, struct server all[NR_COMPONENTS], struct server *s)
{
    server_empty(s);
    s->info.restarts++;
    server_build(s, all, system);
    if (system->walks) {
        walk_server("restart", s, all, system);
        say("cap restart done");
    }
    server_start(s);
}

/* Is this fault one too many? Counts it. */
static bool too_many(struct server *s, ticks_t hz)
{
    const struct component *c = s->component;
    ticks_t *oldest = &s->restarted[s->nr_faults % c->max_restarts], at = now();
    bool full = s->nr_faults >= c->max_restarts && at - *oldest < hz / 1000 * c->restarts_ms;

    *oldest = at;
    s->nr_faults++;
    return full;
}

static struct server *find(struct server all[NR_COMPONENTS], uint64_t id)
{
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (all[i].component && all[i].component->id == id)
            return &all[i];
    return NULL;
}

void restart_after_fault(struct system *system, struct server all[NR_COMPONENTS], unsigned id, const struct sys_message *fault)
{
    struct server *s = find(all, id);
    const struct component *c;

    if (!s)
        fail("a fault of server %u, which there is not", id);
    c = s->component;
    stop(s);
    report(s, fault);
    if (!c->max_restarts)
        fail("server %s is not to be started again: the system ends", c->name);
    if (too_many(s, system->boot->timebase_hz))
        fail("server %s faulted more than %u times in %u ms: the system ends", c->name, c->max_restarts, c->restarts_ms);
    restart_stopped(system, all, s);
    say("server %s started again, restart %u", c->name, s->info.restarts);
}

error_t restart_stop(struct server *s)
{
    if (!s->component->max_restarts)
        return ERR_NOT_SUPPORTED;
    stop(s);
    return 0;
}
