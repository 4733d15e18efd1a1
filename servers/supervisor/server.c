/* SPDX-License-Identifier: MIT */
/*
 * Building a server: objects, capabilities (slots of libipc/system.h), memory
 * map, program, and its info page. Everything a server holds passes through
 * here and comes from its row of the assembly; walk.c shows what that was.
 */
#include "server.h"

#include <atoll/trace.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "main.h"
#include "memory.h"
#include "sys.h"

#define CLIENT_CNODE_RADIX 10
#define MAX_IRQS           12      /* SRV_IRQ_BIT */
_Static_assert(1u << CLIENT_CNODE_RADIX == NR_SLOTS, "one index a process slot");

static void invoke(cptr_t cap, uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, const char *what)
{
    must(sys_invoke(cap, op, a, b, c, d, e, NULL), what);
}

static void give(const struct server *s, cptr_t cnode, unsigned slot, cptr_t source, unsigned rights, badge_t badge)
{
    error_t error = sys_mint(cnode, slot, source, rights, badge);

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
    uint64_t ms = system->boot->timebase_hz / 1000;
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
    invoke(s->sched, SCHED_CONFIGURE, c->budget_ms * ms, c->period_ms * ms, hart, 0, 0, "configure a server's scheduling context");
}

cptr_t server_object(enum grant_object object, unsigned which, const struct server all[NR_COMPONENTS],
                     const struct system *system)
{
    switch (object) {
    case OBJECT_CNODE:            return all[which].cnode;
    case OBJECT_TCB:              return all[which].tcb;
    case OBJECT_VSPACE:           return all[which].vspace;
    case OBJECT_NOTIFICATION:     return all[which].notification;
    case OBJECT_UNTYPED:          return all[which].untyped;
    case OBJECT_CLIENT_VSPACES:   return all[which].client_vspaces;
    case OBJECT_CLIENT_DOORBELLS: return all[which].client_doorbells;
    case OBJECT_SEGMENT:          return system->shared[which];
    case OBJECT_POOL:             return system->pool;
    case OBJECT_PLATFORM:         return CAP_INIT_PLATFORM;
    case OBJECT_SUPERVISOR:       return system->endpoint;
    }
    return CAP_NULL;
}

/* Everything of the table but the devices. An Untyped is moved, not copied. */
static void give_all(struct server *s, const struct server all[NR_COMPONENTS], const struct system *system)
{
    const cptr_t place[] = { [IN_CSPACE] = s->cnode, [IN_CLIENT_VSPACES] = s->client_vspaces,
                             [IN_CLIENT_DOORBELLS] = s->client_doorbells };

    for (unsigned i = 0; i < s->component->nr_caps; i++) {
        const struct grant_cap *g = &s->component->cap[i];
        cptr_t source = server_object((enum grant_object)g->object, g->which, all, system);

        if (g->object == OBJECT_UNTYPED) {
            if (source == CAP_IN(s->cnode, g->slot))
                continue;           /* it has it since the first time */
            must(cnode_move(place[g->place], g->slot, source), "give a server its memory");
            s->untyped = CAP_IN(s->cnode, g->slot);
        } else if (source) {
            give(s, place[g->place], g->slot, source, g->rights, g->badge);
        }
    }
}

/* The IRQ of device `d`, the server's n-th, as bit n of its notification's devices. */
static void give_interrupt(const struct server *s, struct device *d, unsigned n)
{
    if (d->irq_cap) {
        invoke(d->irq_cap, IRQ_ACK, 0, 0, 0, 0, 0, "acknowledge an IRQ for who died");
    } else {
        d->irq_cap = mem_slot();
        d->irq_bit = mem_slot();
        invoke(CAP_INIT_PLATFORM, PLATFORM_IRQ, d->irq, d->irq_cap, 0, 0, 0, "make an IRQ capability");
        must(sys_mint(CAP_INIT_CNODE, d->irq_bit, s->notification, RIGHT_WRITE, SRV_IRQ_BIT(n)), "make an IRQ's notification");
        must(irq_set_notification(d->irq_cap, d->irq_bit, s->info.hart), "route an IRQ");
    }
    give(s, s->cnode, SRV_CAP_IRQ + n, d->irq_cap, RIGHTS_ALL, 0);
}

static void give_devices(struct server *s, struct system *system)
{
    unsigned n = 0;

    for (unsigned i = 0; i < system->nr_devices && n < SRV_MAX_DEVICES; i++) {
        struct device *d = &system->device[i];
        struct srv_device *out = &s->info.device[n];
        uint64_t base = SRV_DEVICES + n * DEVICE_STRIDE, in_page = d->paddr & (PAGE_BYTES - 1);

        if (!(s->component->devices & 1u << d->kind))
            continue;
        map(s, base, (in_page + d->bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1), VM_READ | VM_WRITE, d->segment, 0);
        give(s, s->cnode, SRV_CAP_DEVICE + n, d->segment, RIGHT_READ | RIGHT_WRITE, 0);
        strncpy(out->compatible, d->compatible, sizeof out->compatible - 1);
        out->address = base + in_page;
        out->bytes = d->bytes;
        out->paddr = d->paddr;
        out->irq = d->irq;
        if (d->irq && n < MAX_IRQS && s->component->interrupts & 1u << d->kind) {
            give_interrupt(s, d, n);
            out->cap = SRV_CAP_IRQ + n;
        }
        n++;
    }
    s->info.nr_devices = n;
}

static void write_info(struct server *s, const struct system *system)
{
    struct server_info *info = &s->info;

    if (!s->info_segment)
        s->info_segment = mem_segment(system->pool, 1);
    strncpy(info->name, s->component->name, sizeof info->name - 1);
    info->server_id = s->component->id;
    info->nr_harts = (uint32_t)system->boot->nr_harts;
    info->timebase_hz = (uint32_t)system->boot->timebase_hz;
    info->archive_bytes = system->boot->archive_bytes;
    info->archive_offset = system->boot->archive_page_offset;
    info->pool_pages = system->pool_pages;
    info->personality_bytes = system->personality_bytes;
    info->made_s = system->made_s;
    info->guest_hart_mask = system->placement.guest_mask;
    info->boot_flags = system->boot_flags;
    info->nr_coroutines = s->component->nr_coroutines;
    info->coroutine_stack_bytes = s->component->coroutine_stack_bytes;
    for (unsigned i = 0; i < NR_COMPONENTS; i++) {
        const struct component *c = &assembly[i];
        struct srv_peer *peer = &info->peer[c->id];

        if (system->placement.server_hart[c->id] == NOWHERE)
            continue;
        strncpy(peer->name, c->name, sizeof peer->name - 1);
        if (c->node)
            strncpy(peer->node, c->node, sizeof peer->node - 1);
        peer->node_mode = c->node_mode;
        peer->first = c->first;
        peer->shard = c->shard;
        peer->layout_hash = c->layout_hash;
    }
    memcpy(info->command_line, system->boot->command_line, sizeof info->command_line);
    info->command_line[sizeof info->command_line - 1] = 0;
    load_fill(s->info_segment, 0, info, sizeof *info);
    map(s, SRV_INFO, PAGE_BYTES, VM_READ, s->info_segment, 0);
}

static uint64_t grant_bytes(const struct grant_map *g, const struct system *system)
{
    const struct bootinfo *boot = system->boot;
    const struct shared_segment *segment = &shared_segments[g->segment];

    if (g->pages)
        return g->pages * PAGE_BYTES;
    if (segment->origin == FROM_BOOT)
        return (boot->archive_page_offset + boot->archive_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    if (segment->origin == FROM_TRACE)
        return boot->nr_harts * TRACE_RING_BYTES;
    return segment->pages * PAGE_BYTES;
}

static uaddr_t build_memory(struct server *s, const struct system *system)
{
    const struct component *c = s->component;
    struct archive_member program;
    char name[32];
    uaddr_t entry;
    error_t error;

    (void)snprintf(name, sizeof name, "servers/%s.elf", c->program);
    program = archive_find(system->archive, system->boot->archive_bytes, name);
    if (!program.data)
        fail("the archive has no %s", name);
    error = load_elf(s->vspace, system->pool, program.data, program.bytes, &s->program, &entry);
    if (error)
        fail("%s is not a program: error %d", name, error);
    for (unsigned i = 0; i < c->nr_maps; i++)
        if (system->shared[c->map[i].segment])
            map(s, c->map[i].address, grant_bytes(&c->map[i], system), c->map[i].prot, system->shared[c->map[i].segment],
                c->map[i].first_page);
    reserve(s, SRV_STACK_TOP - c->stack_bytes, c->stack_bytes);
    reserve(s, SRV_HEAP, SRV_HEAP_BYTES);
    return entry;
}

/* What stays over restarts: VSpace and thread, with its fault endpoint. */
static void make_thread(const struct server *s, const struct system *system)
{
    const struct component *c = s->component;
    cptr_t fault = mem_slot();
    uint64_t name[2] = { 0 };

    invoke(s->vspace, VSPACE_INIT, system->pool, 0, 0, 0, 0, "bind a server's VSpace");
    must(sys_mint(CAP_INIT_CNODE, fault, system->endpoint, RIGHT_WRITE | RIGHT_GRANT, FAULT_BADGE + c->id),
         "make a fault endpoint");
    invoke(s->tcb, TCB_CONFIGURE, s->cnode, s->vspace, s->sched, c->priority | (uint64_t)s->info.hart << 8, 0,
           "configure a server's thread");
    invoke(s->tcb, TCB_SET_FAULT_EP, fault, 0, 0, 0, 0, "set a server's fault endpoint");
    strncpy((char *)name, c->name, sizeof name);
    invoke(s->tcb, TCB_SET_NAME, name[0], name[1], 0, 0, 0, "name a server's thread");
}

void server_build(struct server *s, const struct server all[NR_COMPONENTS], struct system *system)
{
    const struct component *c = s->component;
    struct tcb_regs regs = { 0 };

    s->info.hart = system->placement.server_hart[c->id];
    if (!s->info_segment)
        make_thread(s, system);
    give_all(s, all, system);
    regs.x[0] = build_memory(s, system);
    give_devices(s, system);
    write_info(s, system);
    if (s->info.restarts && s->faults_to_come) {
        s->faults_to_come--;
        regs.x[0] = 0;      /* so that it faults at once: for tests of the policy */
    }
    regs.x[2] = SRV_STACK_TOP;
    regs.x[10] = SRV_INFO;
    invoke(s->tcb, TCB_WRITE_REGS, (uint64_t)&regs, 0, 0, 0, 0, "write a server's registers");
}

/* Every slot but the Untyped's. An empty one costs less to delete than to look at. */
static void empty_cspace(const struct server *s)
{
    static struct invocation list[128];
    uint64_t done;

    for (uint64_t first = 0; first < 1ul << SRV_CNODE_RADIX; first += sizeof list / sizeof list[0]) {
        uint64_t n = 0;

        for (uint64_t slot = first; slot < first + sizeof list / sizeof list[0]; slot++)
            if (slot != SRV_CAP_UNTYPED)
                list[n++] = (struct invocation){ .cap = s->cnode, .op = CNODE_DELETE, .arg = { slot } };
        must(sys_batch(list, n, &done), "empty a server's CSpace");
    }
}

/* First what it made goes, and with that every capability for it, then what is left. */
void server_empty(struct server *s)
{
    invoke(s->cnode, CNODE_REVOKE, SRV_CAP_UNTYPED, 0, 0, 0, 0, "destroy what a server made");
    empty_cspace(s);
    for (unsigned i = 0; i < s->component->nr_caps; i++) {
        const struct grant_cap *g = &s->component->cap[i];
        cptr_t place = g->place == IN_CLIENT_VSPACES ? s->client_vspaces : s->client_doorbells;

        if (g->place != IN_CSPACE)
            invoke(place, CNODE_DELETE, g->slot, 0, 0, 0, 0, "take a client away from a server");
    }
    invoke(s->vspace, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0, "empty a server's memory");
}

void server_start(struct server *s)
{
    invoke(s->tcb, TCB_RESUME, 0, 0, 0, 0, 0, "start a server");
}

/* The first error; those before are routed. */
static error_t route_interrupts(const struct server *s, const struct system *system, uint32_t hart)
{
    for (unsigned i = 0; i < system->nr_devices; i++) {
        const struct device *d = &system->device[i];
        error_t error = 0;

        if (d->irq_cap && s->component->interrupts & 1u << d->kind)
            error = irq_set_notification(d->irq_cap, d->irq_bit, hart);
        if (error)
            return error;
    }
    return 0;
}

error_t server_move(struct server *s, struct system *system, uint64_t hart)
{
    uint32_t *at = &system->placement.server_hart[s->component->id];
    error_t error;

    if (hart >= system->boot->nr_harts)
        return ERR_INVALID_ARGUMENT;
    error = route_interrupts(s, system, (uint32_t)hart);
    if (!error)
        error = tcb_set_hart(s->tcb, (hartid_t)hart);
    if (error) {
        must(route_interrupts(s, system, *at), "route interrupts back");
        return error;
    }
    *at = s->info.hart = (uint32_t)hart;
    load_fill(s->info_segment, offsetof(struct server_info, hart), &s->info.hart, sizeof s->info.hart);
    return 0;
}
