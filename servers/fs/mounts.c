/* SPDX-License-Identifier: MIT */
/*
 * The tree of mounts: attaching, copying, moving, unmounting. See mounts.h.
 *
 * What an operation needs is made before anything visible changes. Trees are
 * walked with mount_next and never by recursion: mounts on mounts may be as
 * deep as there are mounts.
 *
 * Propagation: a graft below a shared mount makes a copy of the tree for each
 * mount that receives (group_next), and an unmount takes away what is mounted
 * at the same place of each of them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dcache.h"
#include "mounts.h"

#define HASH_BUCKETS 256u

struct path vfs_root;
struct mount *mounts;
static struct mount *buckets[HASH_BUCKETS];
static uint32_t nr_mounts;
static uint32_t next_id = 1;

/* ---- the hash and the tree ---- */
static struct mount **bucket_of(const struct mount *m, const struct dentry *d)
{
    uintptr_t h = (uintptr_t)m / 16 + (uintptr_t)d / 16 * 31;

    return &buckets[(h ^ h >> 8) % HASH_BUCKETS];
}

struct mount *mount_at(const struct mount *parent, const struct dentry *d)
{
    struct mount *m = *bucket_of(parent, d);

    while (m && (m->parent != parent || m->at != d))
        m = m->hash_next;
    return m;
}

static void put_in(struct mount *m, struct mount *parent, struct dentry *at)
{
    struct mount **bucket = bucket_of(parent, at), **end = &parent->first_child;

    m->parent = parent;
    m->at = dentry_get(at);
    at->mounted++;
    m->hash_next = *bucket;
    *bucket = m;
    while (*end)
        end = &(*end)->next_sibling;
    m->next_sibling = NULL;
    *end = m;
}

static void take_out(struct mount *m)
{
    struct mount **at = bucket_of(m->parent, m->at);

    while (*at != m)
        at = &(*at)->hash_next;
    *at = m->hash_next;
    for (at = &m->parent->first_child; *at != m; at = &(*at)->next_sibling)
        ;
    *at = m->next_sibling;
    m->next_sibling = NULL;
    m->at->mounted--;
    dentry_put(m->at);
    m->parent = NULL;
    m->at = NULL;
}

struct mount *mount_next(const struct mount *m, const struct mount *top, bool skip_children)
{
    if (m->first_child && !skip_children)
        return m->first_child;
    while (m != top && !m->next_sibling)
        m = m->parent;
    return m == top ? NULL : m->next_sibling;
}

static bool is_above(const struct mount *above, const struct mount *m)
{
    while (m && m != above)
        m = m->parent;
    return m;
}

static void mark_attached(struct mount *top)
{
    struct mount **end = &mounts;

    while (*end)
        end = &(*end)->next;
    for (struct mount *m = top; m; m = mount_next(m, top, false)) {
        if (m->attached)
            continue;
        m->attached = true;
        m->next = NULL;
        *end = m;
        end = &m->next;
    }
}

static void mark_detached(struct mount *m)
{
    struct mount **at = &mounts;

    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    m->next = NULL;
    m->attached = false;
}

/* ---- objects ---- */
/* Takes over one count of sb->nr_mounts, on success only. */
static error_t mount_new(struct superblock *sb, struct dentry *root, const char *source, uint32_t flags,
                         struct mount **out)
{
    struct mount *m;

    if (nr_mounts >= MOUNT_MAX)
        return ERR_NO_SPACE;
    m = calloc(1, sizeof *m);
    if (m)
        m->source = strdup(source);
    if (!m || !m->source) {
        free(m);
        return ERR_NO_MEMORY;
    }
    m->sb = sb;
    m->root = dentry_get(root);
    m->id = next_id++;
    m->refs = 1;
    m->flags = flags & MS_PER_MOUNT;
    nr_mounts++;
    *out = m;
    return 0;
}

void mount_free(struct mount *m)
{
    nr_mounts--;
    dentry_put(m->root);
    superblock_drop_mount(m->sb);
    free(m->source);
    free(m);
}

/* How a copy relates to what it copies. */
enum kinship { PEER, SLAVE, SHARED_SLAVE };

static error_t mount_clone(struct mount *m, struct dentry *root, enum kinship how, struct mount **out)
{
    error_t e = group_reserve(1);

    if (!e)
        e = mount_new(m->sb, root, m->source, m->flags, out);
    if (e)
        return e;
    superblock_add_mount(m->sb);
    if (how == PEER)
        group_join(*out, m);
    else
        group_join_below(*out, m->group, how == SHARED_SLAVE);
    return 0;
}

void mount_discard_tree(struct mount *top)
{
    struct mount *m = top, *up;

    for (;;) {
        while (m->first_child)
            m = m->first_child;
        up = m->parent;
        group_make_private(m);
        if (m != top)
            take_out(m);
        mount_put(m);
        if (m == top)
            return;
        m = up;
    }
}

static error_t copy_tree(struct mount *top, struct dentry *root, bool recurse, enum kinship how, struct mount **out)
{
    struct mount *m, *copy;
    bool skip;
    error_t e = mount_clone(top, root, how, out);

    if (e || !recurse)
        return e;
    top->copy = *out;
    for (m = mount_next(top, top, false); m; m = mount_next(m, top, skip)) {
        skip = m->unbindable || (m->parent == top && !dentry_is_below(m->at, root));
        if (skip)
            continue;
        e = mount_clone(m, m->root, how, &copy);
        if (e) {
            mount_discard_tree(*out);
            return e;
        }
        m->copy = copy;
        put_in(copy, m->parent->copy, m->at);
    }
    return 0;
}

error_t mount_copy_tree(struct mount *m, struct dentry *root, bool recurse, struct mount **out)
{
    return copy_tree(m, root, recurse, PEER, out);
}

/* ---- attaching ---- */
/* All of a tree is shared, or nothing has changed. */
static error_t share_tree(struct mount *top)
{
    unsigned nr = 0;
    error_t e;

    for (struct mount *m = top; m; m = mount_next(m, top, false))
        nr++;
    e = group_reserve(nr);
    if (e)
        return e;
    for (struct mount *m = top; m; m = mount_next(m, top, false)) {
        m->newly_shared = !mount_shared(m);
        if (m->newly_shared)
            group_share(m);
    }
    return 0;
}

/* Nobody else has joined the groups that share_tree made. */
static void unshare_tree(struct mount *top)
{
    for (struct mount *m = top; m; m = mount_next(m, top, false))
        if (m->newly_shared)
            group_make_slave(m);
}

/* A copy of the tree for each mount that receives what is mounted at `at`, listed by chosen_next. Peers
 * of the parent get peers of the tree, a group of slaves gets slaves of what its master got. Groups that
 * copies join or make while we go through are met at most with mounts that are not attached. */
static error_t make_copies(struct mount *tree, const struct path *at, struct mount **copies)
{
    struct peer_group *origin = at->mnt->group;

    for (struct peer_group *g = origin; g; g = group_next(g, origin)) {
        enum kinship how = g == origin ? PEER : g->id ? SHARED_SLAVE : SLAVE;

        g->copy = g == origin ? tree : g->master->copy;
        for (struct mount *r = g->members; r; r = r->next_member) {
            struct mount *c;
            error_t e;

            if (r == at->mnt || !r->attached || !dentry_is_below(at->dentry, r->root))
                continue;
            e = copy_tree(g->copy, g->copy->root, true, how, &c);
            if (e)
                return e;
            c->destination = r;
            c->chosen_next = *copies;
            *copies = c;
            g->copy = c;
            how = PEER;
        }
    }
    return 0;
}

static struct mount *next_chosen(struct mount **list)
{
    struct mount *m = *list;

    if (m) {
        *list = m->chosen_next;
        m->chosen_next = NULL;
    }
    return m;
}

/* Below what is mounted there already: a copy does not hide it. */
static void put_copy(struct mount *copy, struct dentry *at)
{
    struct mount *over = mount_at(copy->destination, at), *top = copy, *m;

    if (over)
        take_out(over);
    put_in(copy, copy->destination, at);
    copy->destination = NULL;
    mark_attached(copy);
    if (!over)
        return;
    while ((m = mount_at(top, top->root)))
        top = m;
    put_in(over, top, top->root);
}

error_t mount_graft(struct mount *tree, const struct path *at)
{
    struct mount *copies = NULL, *c;
    error_t e;

    if (mount_shared(at->mnt)) {
        e = share_tree(tree);
        if (e)
            return e;
        e = make_copies(tree, at, &copies);
        if (e) {
            while ((c = next_chosen(&copies)))
                mount_discard_tree(c);
            unshare_tree(tree);
            return e;
        }
    }
    if (tree->parent)
        take_out(tree);
    put_in(tree, at->mnt, at->dentry);
    mark_attached(tree);
    while ((c = next_chosen(&copies)))
        put_copy(c, at->dentry);
    return 0;
}

error_t vfs_mount(const struct fs_type *type, const char *source, const struct path *at, uint32_t flags,
                  struct mount **out)
{
    struct path where = at ? *at : (struct path){ 0 };
    struct superblock *sb;
    struct mount *m;
    error_t e;

    if (at) {
        vfs_down_mounts(&where);
        if (!S_ISDIR(where.dentry->inode->mode))
            return ERR_NOT_DIRECTORY;
        if (dentry_is_gone(where.dentry))
            return ERR_NOT_FOUND;
    }
    e = superblock_get(type, flags, &sb);
    if (e)
        return e;
    e = at && where.mnt->sb == sb && where.dentry == where.mnt->root ? ERR_BUSY
                                                                     : mount_new(sb, sb->root, source, flags, &m);
    if (e) {
        superblock_drop_mount(sb);
        return e;
    }
    if (at) {
        e = mount_graft(m, &where);
        if (e) {
            mount_discard_tree(m);
            return e;
        }
    } else {
        vfs_root = (struct path){ m, m->root };
        mark_attached(m);
    }
    if (out)
        *out = m;
    return 0;
}

/* ---- unmounting ---- */
/* Nothing is mounted on it, or one mount that hides it entirely and can take its place. */
static bool replaceable(const struct mount *m)
{
    const struct mount *child = m->first_child;

    return !child || (!child->next_sibling && child->at == m->root);
}

static void unmount_one(struct mount *m)
{
    struct mount *over = m->first_child, *parent = m->parent;
    struct dentry *at = dentry_get(m->at);

    mark_detached(m);
    group_make_private(m);
    if (over)
        take_out(over);
    take_out(m);
    if (over)
        put_in(over, parent, at);
    dentry_put(at);
    mount_put(m);
}

/* What m's unmounting takes along at a receiver of its parent's events; NULL. */
static struct mount *taken_along(const struct mount *m, const struct mount *receiver)
{
    struct mount *c = receiver == m->parent ? NULL : mount_at(receiver, m->at);

    return c && replaceable(c) && !is_above(c, m) ? c : NULL;
}

static bool busy(const struct mount *m)
{
    const struct peer_group *origin = m->parent->group;
    const struct mount *c;

    if (m->first_child || m->refs > 1)
        return true;
    if (!mount_shared(m->parent))
        return false;
    for (const struct peer_group *g = origin; g; g = group_next(g, origin))
        for (const struct mount *r = g->members; r; r = r->next_member)
            if ((c = taken_along(m, r)) && c->refs > 1)
                return true;
    return false;
}

/* m has no mounts on it. */
static void unmount_everywhere(struct mount *m)
{
    const struct peer_group *origin;
    struct mount *chosen = NULL, *c;

    assert(m->parent);              /* it is attached, and not the root */
    origin = m->parent->group;
    if (mount_shared(m->parent)) {
        for (const struct peer_group *g = origin; g; g = group_next(g, origin)) {
            for (const struct mount *r = g->members; r; r = r->next_member) {
                c = taken_along(m, r);
                if (!c)
                    continue;
                c->chosen_next = chosen;
                chosen = mount_get(c);
            }
        }
    }
    unmount_one(m);
    while ((c = next_chosen(&chosen))) {
        if (c->attached && replaceable(c))
            unmount_one(c);
        mount_put(c);   /* NOLINT(clang-analyzer-unix.Malloc): counted when it was chosen */
    }
}

error_t vfs_umount(struct mount *top, uint32_t flags)
{
    struct mount *m;

    if (!top->parent)
        return ERR_BUSY;            /* the root */
    if (!(flags & MNT_DETACH) && busy(top))
        return ERR_BUSY;
    mount_get(top);
    while (top->attached) {     /* NOLINT(clang-analyzer-unix.Malloc): counted above */
        m = top;
        while (m->first_child)
            m = m->first_child;
        unmount_everywhere(m);
    }
    mount_put(top);
    return 0;
}

void vfs_detach_mounts(struct dentry *d)
{
    struct mount *m = mounts;

    while (m) {
        if (!m->at || !dentry_is_below(m->at, d)) {
            m = m->next;
            continue;
        }
        (void)vfs_umount(m, MNT_DETACH);
        m = mounts;
    }
}
