/* SPDX-License-Identifier: MIT */
/*
 * Peer groups (mount_namespaces(7), "Shared subtrees").
 *
 * A mount is private (no group), shared (a member of a group with an id), a
 * slave (alone in a group without id, below its master), or both shared and
 * slave (a group with an id below its master). All members of a group have
 * the same master, so the group has it.
 *
 * Groups come from a reserve that is filled before anything changes; what is
 * done with them cannot fail. Ids are the lowest free number, as on Linux.
 */
#include <stdlib.h>

#include "mounts.h"

static struct peer_group *reserve;
static unsigned nr_reserve;
static uint64_t ids_used[MOUNT_MAX / 64];   /* id - 1; each group has a mount, so they are enough */

error_t group_reserve(unsigned nr)
{
    while (nr_reserve < nr) {
        struct peer_group *g = malloc(sizeof *g);

        if (!g)
            return ERR_NO_MEMORY;
        g->next = reserve;
        reserve = g;
        nr_reserve++;
    }
    return 0;
}

static uint32_t id_new(void)
{
    uint32_t word = 0, bit;

    while (!~ids_used[word])
        word++;
    bit = (uint32_t)__builtin_ctzl(~ids_used[word]);
    ids_used[word] |= 1ul << bit;
    return word * 64 + bit + 1;
}

static void id_drop(struct peer_group *g)
{
    if (g->id)
        ids_used[(g->id - 1) / 64] &= ~(1ul << ((g->id - 1) % 64));
    g->id = 0;
}

static void add_slave(struct peer_group *g, struct peer_group *master)
{
    g->master = master;
    g->next_slave = master->first_slave;
    master->first_slave = g;
}

static void remove_slave(struct peer_group *g)
{
    struct peer_group **at;

    if (!g->master)
        return;
    for (at = &g->master->first_slave; *at != g; at = &(*at)->next_slave)
        ;
    *at = g->next_slave;
    g->master = NULL;
}

static struct peer_group *group_new(struct peer_group *master, bool shared)
{
    struct peer_group *g = reserve;

    reserve = g->next;
    nr_reserve--;
    *g = (struct peer_group){ .id = shared ? id_new() : 0 };
    if (master)
        add_slave(g, master);
    return g;
}

static void group_free(struct peer_group *g)
{
    id_drop(g);
    free(g);
}

static void add_member(struct mount *m, struct peer_group *g)
{
    m->group = g;
    m->next_member = g->members;
    g->members = m;
}

/* Its slaves get its own master, or none: then those that were nothing but slaves are private. */
static void orphan_slaves(struct peer_group *g)
{
    while (g->first_slave) {
        struct peer_group *s = g->first_slave;

        g->first_slave = s->next_slave;
        s->master = NULL;
        if (g->master) {
            add_slave(s, g->master);
        } else if (!s->id) {
            s->members->group = NULL;
            group_free(s);
        }
    }
}

static void remove_member(struct mount *m)
{
    struct peer_group *g = m->group;
    struct mount **at;

    for (at = &g->members; *at != m; at = &(*at)->next_member)
        ;
    *at = m->next_member;
    m->next_member = NULL;
    m->group = NULL;
}

void group_make_private(struct mount *m)
{
    struct peer_group *g = m->group;

    if (!g)
        return;
    remove_member(m);
    if (g->members)
        return;
    orphan_slaves(g);
    remove_slave(g);
    group_free(g);
}

void group_share(struct mount *m)
{
    m->unbindable = false;
    if (!m->group)
        add_member(m, group_new(NULL, true));
    else if (!m->group->id)
        m->group->id = id_new();
}

void group_make_slave(struct mount *m)
{
    struct peer_group *g = m->group;

    if (!mount_shared(m))
        return;                     /* private stays so, a slave is one */
    if (g->members != m || m->next_member) {
        remove_member(m);           /* others are left in it */
        add_member(m, group_new(g, false));
    } else if (g->master) {
        orphan_slaves(g);
        id_drop(g);
    } else {
        group_make_private(m);
    }
}

void group_join(struct mount *fresh, struct mount *m)
{
    if (mount_shared(m))
        add_member(fresh, m->group);
    else if (m->group)
        add_member(fresh, group_new(m->group->master, false));
}

void group_join_below(struct mount *fresh, struct peer_group *master, bool shared)
{
    add_member(fresh, group_new(master, shared));
}

struct peer_group *group_next(const struct peer_group *g, const struct peer_group *origin)
{
    if (g->first_slave)
        return g->first_slave;
    while (g != origin && !g->next_slave)
        g = g->master;
    return g == origin ? NULL : g->next_slave;
}
