/* SPDX-License-Identifier: MIT */
/*
 * What each component holds, read back from the kernel: with the word `caps` on
 * the kernel's command line every CSpace is walked when everything is built and
 * nothing runs yet, and again when the system ends. A line a capability:
 *
 *   cap WHEN COMPONENT PLACE SLOT TYPE RIGHTS BADGE OBJECT
 *
 * WHEN is start, end, or restart (then only of the component that is started again), PLACE as in enum grant_place, or cspace/SLOT for a CNode
 * that the component made, numbers in hexadecimal but the slot. OBJECT is the
 * name of what the supervisor or the kernel made, or - for what a component made. tests/guest/test_capabilities.py compares.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>

#include "main.h"
#include "memory.h"
#include "sys.h"

static const char *const types[CAP_TYPE_COUNT] = {
    "null", "untyped", "cnode", "tcb", "sched", "endpoint", "reply", "notification", "vspace", "pool", "segment", "irq",
    "platform",
};
static const char *const own[] = {
    [OBJECT_CNODE] = "cnode", [OBJECT_TCB] = "tcb", [OBJECT_VSPACE] = "vspace", [OBJECT_NOTIFICATION] = "notification",
    [OBJECT_UNTYPED] = "untyped", [OBJECT_CLIENT_VSPACES] = "client_vspaces",
    [OBJECT_CLIENT_DOORBELLS] = "client_doorbells",
};
enum { NAME_BYTES = 48 };

/* A slot under inspection: the capability in it, and the name of its object. */
struct found {
    cptr_t   cnode;
    unsigned index;
    struct capability_info info;
    char     name[NAME_BYTES];
};

/* Is it `object`? Then it is called first.second. */
static bool is(struct found *f, cptr_t object, const char *first, const char *second)
{
    if (!object || cnode_capability(f->cnode, f->index, object, &f->info) != 0 || !f->info.same_object)
        return false;
    (void)snprintf(f->name, sizeof f->name, "%s%s%s", first, *second ? "." : "", second);
    return true;
}

static bool find_of_components(struct found *f, const struct server all[NR_COMPONENTS], const struct system *system)
{
    for (unsigned which = 0; which < NR_COMPONENTS; which++)
        for (unsigned object = 0; object < sizeof own / sizeof own[0]; object++)
            if (is(f, server_object((enum grant_object)object, which, all, system), assembly[which].name, own[object]))
                return true;
    return false;
}

static void find_name(struct found *f, const struct server all[NR_COMPONENTS], const struct system *system)
{
    strcpy(f->name, "-");
    if (find_of_components(f, all, system) || is(f, system->pool, "pool", "") ||
        is(f, CAP_INIT_PLATFORM, "platform", "") || is(f, system->endpoint, "supervisor", "endpoint"))
        return;
    for (unsigned i = 0; i < NR_SHARED; i++)
        if (is(f, system->shared[i], "segment", shared_segments[i].name))
            return;
    for (unsigned i = 0; i < system->nr_devices; i++)
        if (is(f, system->device[i].segment, "device", device_kinds[system->device[i].kind].name) ||
            is(f, system->device[i].irq_cap, "irq", device_kinds[system->device[i].kind].name))
            return;
}

/* The next slot that is not empty, from f->index on, with its line printed. */
static bool next(struct found *f, const char *when, const struct server *s, const char *place,
                 const struct server all[NR_COMPONENTS], const struct system *system)
{
    for (; cnode_capability(f->cnode, f->index, CAP_NULL, &f->info) == 0; f->index++) {
        if (f->info.type == CAP_TYPE_NULL)
            continue;
        find_name(f, all, system);
        say("cap %s %s %s %u %s %#lx %#lx %s", when, s->component->name, place, f->index,
            f->info.type < CAP_TYPE_COUNT ? types[f->info.type] : "?", f->info.rights, f->info.badge, f->name);
        return true;
    }
    return false;
}

/* `nested`: a free slot of the root CNode, through which CNodes that the
 * component made are walked too: an address has two levels, and what they hold
 * lies on the third. */
static void walk_cspace(const char *when, const struct server *s, cptr_t nested, const struct server all[NR_COMPONENTS],
                        const struct system *system)
{
    for (struct found f = { .cnode = s->cnode }; next(&f, when, s, "cspace", all, system); f.index++) {
        struct found inner = { .cnode = nested };
        char place[NAME_BYTES];

        if (f.info.type != CAP_TYPE_CNODE || f.name[0] != '-' ||
            sys_mint(CAP_INIT_CNODE, nested, CAP_IN(s->cnode, f.index), RIGHT_READ, 0) != 0)
            continue;
        (void)snprintf(place, sizeof place, "cspace/%u", f.index);
        while (next(&inner, when, s, place, all, system))
            inner.index++;
        must(sys_invoke(CAP_INIT_CNODE, CNODE_DELETE, nested, 0, 0, 0, 0, NULL), "let go of a CNode");
    }
}

static void walk_clients(const char *when, const struct server *s, const char *place, cptr_t cnode,
                         const struct server all[NR_COMPONENTS], const struct system *system)
{
    struct found f = { .cnode = cnode };

    while (next(&f, when, s, place, all, system))
        f.index++;
}

void walk_server(const char *when, const struct server *s, const struct server all[NR_COMPONENTS], const struct system *system)
{
    static cptr_t nested;

    if (!nested)
        nested = mem_slot();
    walk_cspace(when, s, nested, all, system);
    walk_clients(when, s, "client_vspaces", s->client_vspaces, all, system);
    walk_clients(when, s, "client_doorbells", s->client_doorbells, all, system);
}

void walk(const char *when, const struct server all[NR_COMPONENTS], const struct system *system)
{
    for (unsigned i = 0; i < NR_COMPONENTS; i++)
        if (all[i].component)
            walk_server(when, &all[i], all, system);
    say("cap %s done", when);
}
