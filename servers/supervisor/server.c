/* SPDX-License-Identifier: MIT */
/*
 * Building a server: objects, capabilities (slots of libipc/system.h), memory
 * map, program, and its info page. Everything a server holds passes through
 * here and comes from its row of the assembly.
 */
#include "server.h"

#include <atoll/trace.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "main.h"
#include "memory.h"
#include "sys.h"

#define CLIENT_CNODE_RADIX 10
#define SLICE_MS           10
_Static_assert(1u << CLIENT_CNODE_RADIX == NR_SLOTS, "one index a process slot");

static void invoke(cptr_t cap, uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, const char *what)
{
    must(sys_invoke(cap, op, a, b, c, d, e, NULL), what);
}

static void give(const struct server *s, unsigned slot, cptr_t source, unsigned rights, badge_t badge)
{
    error_t error = sys_mint(s->cnode, slot, source, rights, badge);

    if (error)
        fail("%s: capability %u: error %d", s->component->name, slot, error);
}

static void map(const struct server *s, uint64_t address, uint64_t bytes, unsigned prot, cptr_t segment, uint64_t page)
{
    error_t error = sys_invoke(s->vspace, VSPACE_MAP, address, bytes, prot | VM_SHARED, segment, page, NULL);

    if (error)
        fail("%s: map %#lx: error %d", s->component->name, address, error);
}

static void reserve(const struct server *s, uint64_t address, uint64_t bytes)
{
    invoke(s->vspace, VSPACE_RESERVE, address, bytes, VM_READ | VM_WRITE, 0, 0, "reserve a server's memory");
}

static unsigned untyped_bits(const struct component *c)
{
    uint64_t share = mem_ram_bytes() >> c->untyped_share;
    unsigned bits = c->untyped_min_bits;

    while (2ul << bits <= share)
        bits++;
    return bits;
}

void server_create(struct server *s, const struct component *c, const struct system *system)
{
    uint64_t slice = system->boot->timebase_hz / 1000 * SLICE_MS;
    uint32_t hart = system->placement.server_hart[c->id];

    s->component = c;
    s->untyped = mem_object(CAP_TYPE_UNTYPED, untyped_bits(c));
    s->vspace = mem_object(CAP_TYPE_VSPACE, 0);
    s->cnode = mem_object(CAP_TYPE_CNODE, SRV_CNODE_RADIX);
    s->tcb = mem_object(CAP_TYPE_TCB, 0);
    s->sched = mem_object(CAP_TYPE_SCHED_CONTEXT, 0);
    s->notification = mem_object(CAP_TYPE_NOTIFICATION, 0);
    s->client_vspaces = mem_object(CAP_TYPE_CNODE, CLIENT_CNODE_RADIX);
    s->client_doorbells = mem_object(CAP_TYPE_CNODE, CLIENT_CNODE_RADIX);
    invoke(s->sched, SCHED_CONFIGURE, slice, slice, hart, 0, 0, "configure a server's scheduling context");
}

static struct server *find(struct server all[NR_COMPONENTS], unsigned id)
{
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (all[i].component->id == id)
            return &all[i];
    fail("the assembly names server %u, which it does not have", id);
}

static void give_own(const struct server *s, const struct system *system)
{
    const struct component *c = s->component;

    give(s, SRV_CAP_CNODE, s->cnode, RIGHTS_ALL, 0);
    give(s, SRV_CAP_TCB, s->tcb, RIGHTS_ALL, 0);
    give(s, SRV_CAP_VSPACE, s->vspace, RIGHTS_ALL, 0);
    give(s, SRV_CAP_NOTIFICATION, s->notification, RIGHTS_ALL, 0);
    must(cnode_move(s->cnode, SRV_CAP_UNTYPED, s->untyped), "give a server its memory");
    give(s, SRV_CAP_POOL, system->pool, RIGHT_READ | RIGHT_MAP | RIGHT_CONTROL, 0);
    give(s, SRV_CAP_PLATFORM, CAP_INIT_PLATFORM, c->platform_rights, 0);
    give(s, SRV_CAP_CLIENT_VSPACES, s->client_vspaces, RIGHTS_ALL, 0);
    give(s, SRV_CAP_CLIENT_DOORBELLS, s->client_doorbells, RIGHTS_ALL, 0);
    give(s, SRV_CAP_SUPERVISOR, system->endpoint, RIGHT_WRITE | RIGHT_GRANT, c->id);
    give(s, SRV_CAP_SCHED, s->sched, RIGHTS_ALL, 0);
    for (unsigned i = 0; i < MAX_GRANT_CAPS && c->cap[i].slot; i++)
        give(s, c->cap[i].slot, system->shared[c->cap[i].segment], c->cap[i].rights, 0);
}

/* Sessions between servers: a doorbell to the peer; in the peer's client
 * CNodes, at our number, our VSpace and the bit that tells us of completions. */
static void connect(const struct server *s, struct server all[NR_COMPONENTS])
{
    const struct component *c = s->component;

    for (unsigned id = SERVER_PROC; id < NR_SERVERS; id++) {
        struct server *peer;

        if (!(c->client_of & 1u << id))
            continue;
        peer = find(all, id);
        give(s, SRV_CAP_DOORBELL + id, peer->notification, RIGHT_WRITE, 1ul << c->id % DOORBELL_BITS);
        must(sys_mint(peer->client_vspaces, c->id, s->vspace, RIGHT_COPY, 0), "lend a server's VSpace to its peer");
        must(sys_mint(peer->client_doorbells, c->id, s->notification, RIGHT_WRITE, SRV_CLIENT_RING),
             "lend a server's doorbell to its peer");
    }
}

/* proc puts every new process's capabilities into its peers' client CNodes. */
static void give_process_building(const struct server *s, struct server all[NR_COMPONENTS])
{
    for (unsigned i = 0; i < NR_COMPONENTS; i++) {
        unsigned id = all[i].component->id;

        give(s, SRV_CAP_PEER_VSPACES + id, all[i].client_vspaces, RIGHTS_ALL, 0);
        give(s, SRV_CAP_PEER_DOORBELLS + id, all[i].client_doorbells, RIGHTS_ALL, 0);
        give(s, SRV_CAP_PEER_NOTIFICATIONS + id, all[i].notification, RIGHT_WRITE, 0);
    }
}

static void give_devices(struct server *s, const struct system *system)
{
    unsigned n = 0;

    for (unsigned i = 0; i < system->nr_devices && n < SRV_MAX_DEVICES; i++) {
        const struct device *d = &system->device[i];
        struct srv_device *out = &s->info.device[n];
        uint64_t base = SRV_DEVICES + n * DEVICE_STRIDE, in_page = d->paddr & (PAGE_BYTES - 1);

        if (!(s->component->devices & 1u << d->kind))
            continue;
        map(s, base, (in_page + d->bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1), VM_READ | VM_WRITE, d->segment, 0);
        give(s, SRV_CAP_DEVICE + n, d->segment, RIGHT_READ | RIGHT_WRITE, 0);
        memcpy(out->compatible, d->compatible, sizeof out->compatible);
        out->address = base + in_page;
        out->bytes = d->bytes;
        out->paddr = d->paddr;
        out->irq = d->irq;
        if (d->irq && n < 12) {
            cptr_t irq = mem_slot(), bit = mem_slot();

            invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, d->irq, irq, 0, 0, 0, "make an IRQ capability");
            must(sys_mint(CAP_INIT_CNODE, bit, s->notification, RIGHT_WRITE, SRV_IRQ_BIT(n)), "make an IRQ's notification");
            invoke(irq, IRQ_SET_NOTIFICATION, bit, s->info.hart, 0, 0, 0, "route an IRQ");
            give(s, SRV_CAP_IRQ + n, irq, RIGHTS_ALL, 0);
            out->cap = SRV_CAP_IRQ + n;
        }
        n++;
    }
    s->info.nr_devices = n;
}

static void write_info(struct server *s, const struct system *system)
{
    struct server_info *info = &s->info;
    cptr_t segment = mem_segment(system->pool, 1);

    strncpy(info->name, s->component->name, sizeof info->name - 1);
    info->server_id = s->component->id;
    info->nr_harts = (uint32_t)system->boot->nr_harts;
    info->timebase_hz = (uint32_t)system->boot->timebase_hz;
    info->archive_bytes = system->boot->archive_bytes;
    info->archive_offset = system->boot->archive_page_offset;
    info->pool_pages = system->pool_pages;
    info->personality_bytes = system->personality_bytes;
    info->guest_hart_mask = system->placement.guest_mask;
    info->boot_flags = system->boot_flags;
    memcpy(info->server_hart, system->placement.server_hart, sizeof info->server_hart);
    memcpy(info->command_line, system->boot->command_line, sizeof info->command_line);
    info->command_line[sizeof info->command_line - 1] = 0;
    _Static_assert(sizeof *info <= PAGE_BYTES, "one page");
    load_fill(segment, 0, info, sizeof *info);
    map(s, SRV_INFO, PAGE_BYTES, VM_READ, segment, 0);
}

static uint64_t grant_bytes(const struct grant_map *g, const struct system *system)
{
    if (g->pages)
        return g->pages * PAGE_BYTES;
    if (g->segment == SHARED_ARCHIVE)
        return (system->boot->archive_page_offset + system->boot->archive_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    return shared_sizes[g->segment].pages * PAGE_BYTES;
}

static uaddr_t build_memory(const struct server *s, const struct system *system)
{
    const struct component *c = s->component;
    struct archive_member program;
    char name[32];
    uaddr_t entry;
    error_t error;

    (void)snprintf(name, sizeof name, "servers/%s.elf", c->name);
    program = archive_find(system->archive, system->boot->archive_bytes, name);
    if (!program.data)
        fail("the archive has no %s", name);
    error = load_elf(s->vspace, system->pool, program.data, program.bytes, &entry);
    if (error)
        fail("%s is not a program: error %d", name, error);
    for (unsigned i = 0; i < MAX_GRANT_MAPS && c->map[i].address; i++)
        map(s, c->map[i].address, grant_bytes(&c->map[i], system), c->map[i].prot, system->shared[c->map[i].segment],
            c->map[i].first_page);
    if (c->id == SERVER_FS && system->boot_flags & BOOT_TRACE)
        map(s, SRV_TRACE, system->boot->nr_harts * TRACE_RING_BYTES, VM_READ, CAP_INIT_TRACE, 0);
    reserve(s, SRV_STACK_TOP - SRV_STACK_BYTES, SRV_STACK_BYTES);
    reserve(s, SRV_HEAP, SRV_HEAP_BYTES);
    return entry;
}

void server_build(struct server *s, struct server all[NR_COMPONENTS], const struct system *system)
{
    const struct component *c = s->component;
    struct tcb_regs regs = { 0 };
    cptr_t fault = mem_slot();
    uint64_t name[2] = { 0 };

    s->info.hart = system->placement.server_hart[c->id];
    invoke(s->vspace, VSPACE_INIT, system->pool, 0, 0, 0, 0, "bind a server's VSpace");
    give_own(s, system);
    connect(s, all);
    if (c->builds_processes)
        give_process_building(s, all);
    regs.x[0] = build_memory(s, system);
    give_devices(s, system);
    write_info(s, system);
    must(sys_mint(CAP_INIT_CNODE, fault, system->endpoint, RIGHT_WRITE | RIGHT_GRANT, FAULT_BADGE + c->id),
         "make a fault endpoint");
    invoke(s->tcb, TCB_CONFIGURE, s->cnode, s->vspace, s->sched, c->priority | (uint64_t)s->info.hart << 8, 0,
           "configure a server's thread");
    invoke(s->tcb, TCB_SET_FAULT_EP, fault, 0, 0, 0, 0, "set a server's fault endpoint");
    strncpy((char *)name, c->name, sizeof name);
    invoke(s->tcb, TCB_SET_NAME, name[0], name[1], 0, 0, 0, "name a server's thread");
    regs.x[2] = SRV_STACK_TOP;
    regs.x[10] = SRV_INFO;
    invoke(s->tcb, TCB_WRITE_REGS, (uint64_t)&regs, 0, 0, 0, 0, "write a server's registers");
}

void server_start(struct server *s)
{
    invoke(s->tcb, TCB_RESUME, 0, 0, 0, 0, 0, "start a server");
}
