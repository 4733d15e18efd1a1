/* SPDX-License-Identifier: MIT */
/*
 * Inodes and dentries: objects, the hash over (parent, name), directory order.
 *
 * References of a dentry: one for being linked in its directory (not for
 * cached ones, which procfs can make again), one for each child, open file,
 * current directory and mount. A dentry that loses its last reference is
 * freed, a cached one goes to the end of a list from which the oldest are
 * freed when a new one is made, so that handlers may use what they found.
 *
 * A directory's children are listed in the order of their cookies, which only
 * grow; a cookie is a stable position for getdents. Open directories register
 * a cursor, which unlinking moves on.
 */
#include "dcache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inotify.h"
#include "mounts.h"

#define FIRST_BUCKETS 1024u
#define CACHED_MAX    256u

static struct dentry **buckets;
static uint32_t nr_buckets, nr_hashed;
static struct dentry *lru_first, *lru_last;
static uint32_t nr_lru;

/* ---- inodes ---- */
struct inode *inode_new(struct superblock *sb, const struct inode_ops *ops, uint32_t mode)
{
    struct inode *i = calloc(1, sizeof *i);

    if (!i)
        return NULL;
    i->ops = ops;
    i->sb = sb;
    superblock_hold(sb);
    i->refs = 1;
    i->mode = mode;
    i->nlink = S_ISDIR(mode) ? 2 : 1;
    i->ino = ++sb->next_ino;
    i->atime = i->mtime = i->ctime = i->btime = fs_now();
    return i;
}

void inode_put(struct inode *i)
{
    struct superblock *sb = i->sb;

    if (--i->refs)
        return;
    if (i->watches)
        inotify_inode_gone(i);
    if (i->locks)
        locks_inode_destroyed(i);
    if (i->special_release)
        i->special_release(i);
    if (i->ops->destroy)
        i->ops->destroy(i);
    free(i->link);
    free(i);
    superblock_put(sb);
}

/* ---- the hash ---- */
uint32_t vfs_hash(const struct dentry *dir, const char *name, uint32_t len)
{
    uint32_t h = (uint32_t)((uintptr_t)dir >> 4) * 0x9e3779b1u;

    for (uint32_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * 0x01000193u;
    return h ^ h >> 15;
}

static bool hash_grow(void)
{
    uint32_t n = nr_buckets ? nr_buckets * 2 : FIRST_BUCKETS;
    struct dentry **fresh = calloc(n, sizeof *fresh); /* NOLINT(bugprone-sizeof-expression): of pointers */

    if (!fresh)
        return nr_buckets != 0;
    for (uint32_t b = 0; b < nr_buckets; b++) {
        struct dentry *d, *next;

        for (d = buckets[b]; d; d = next) {
            next = d->hash_next;
            d->hash_next = fresh[d->hash & (n - 1)];
            fresh[d->hash & (n - 1)] = d;
        }
    }
    free(buckets);
    buckets = fresh;
    nr_buckets = n;
    return true;
}

static void hash_insert(struct dentry *d)
{
    struct dentry **b = &buckets[d->hash & (nr_buckets - 1)];

    d->hash_next = *b;
    *b = d;
    nr_hashed++;
}

static void hash_remove(struct dentry *d)
{
    struct dentry **at = &buckets[d->hash & (nr_buckets - 1)];

    while (*at != d)
        at = &(*at)->hash_next;
    *at = d->hash_next;
    nr_hashed--;
}

struct dentry *dentry_find(const struct dentry *dir, const char *name, uint32_t len, uint32_t hash)
{
    if (!nr_buckets)
        return NULL;
    for (struct dentry *d = buckets[hash & (nr_buckets - 1)]; d; d = d->hash_next)
        if (d->hash == hash && d->parent == dir && d->len == len && !memcmp(d->name, name, len))
            return d;
    return NULL;
}

/* ---- lists ---- */
static void list_insert(struct dentry *dir, struct dentry *d)
{
    struct dentry *after = dir->last_child;

    while (after && after->cookie > d->cookie)
        after = after->prev_sibling;
    d->prev_sibling = after;
    d->next_sibling = after ? after->next_sibling : dir->first_child;
    if (d->next_sibling)
        d->next_sibling->prev_sibling = d;
    else
        dir->last_child = d;
    if (after)
        after->next_sibling = d;
    else
        dir->first_child = d;
    dir->nr_children++;
}

static void list_remove(struct dentry *dir, struct dentry *d)
{
    for (struct dir_cursor *c = dir->cursors; c; c = c->link)
        if (c->next == d)
            c->next = d->next_sibling;
    if (d->prev_sibling)
        d->prev_sibling->next_sibling = d->next_sibling;
    else
        dir->first_child = d->next_sibling;
    if (d->next_sibling)
        d->next_sibling->prev_sibling = d->prev_sibling;
    else
        dir->last_child = d->prev_sibling;
    d->next_sibling = d->prev_sibling = NULL;
    dir->nr_children--;
}

void cursor_add(struct dentry *dir, struct dir_cursor *c)
{
    c->next = NULL;
    c->position = 0;
    c->link = dir->cursors;
    dir->cursors = c;
}

void cursor_remove(struct dentry *dir, struct dir_cursor *c)
{
    for (struct dir_cursor **at = &dir->cursors; *at; at = &(*at)->link) {
        if (*at == c) {
            *at = c->link;
            return;
        }
    }
}

bool dentry_is_below(const struct dentry *d, const struct dentry *above)
{
    while (d != above && d->parent != d)
        d = d->parent;
    return d == above;
}

/* ---- unreferenced cached dentries ---- */
static void lru_remove(struct dentry *d)
{
    if (d->lru_prev)
        d->lru_prev->lru_next = d->lru_next;
    else if (lru_first == d)
        lru_first = d->lru_next;
    else
        return;
    if (d->lru_next)
        d->lru_next->lru_prev = d->lru_prev;
    else
        lru_last = d->lru_prev;
    d->lru_next = d->lru_prev = NULL;
    nr_lru--;
}

static void lru_add(struct dentry *d)
{
    d->lru_next = NULL;
    d->lru_prev = lru_last;
    if (lru_last)
        lru_last->lru_next = d;
    else
        lru_first = d;
    lru_last = d;
    nr_lru++;
}

/* And each of the dentries above that only this one held: they may be more than the stack has room for. */
static void dentry_destroy(struct dentry *d)
{
    struct dentry *parent;

    for (; d; d = parent) {
        parent = d->parent == d ? NULL : d->parent;
        lru_remove(d);
        if (d->linked) {
            assert(parent);         /* a root has no name */
            hash_remove(d);
            list_remove(parent, d);
        }
        inode_put(d->inode);
        if (d->name != d->inline_name)
            free(d->name);
        free(d);
        if (parent && --parent->refs)
            return;
        if (parent && parent->cached && parent->linked) {
            lru_remove(parent);
            lru_add(parent);
            return;
        }
    }
}

/* The oldest unreferenced ones go. Not those that somebody took up again or that have children. */
static void lru_trim(void)
{
    for (unsigned looks = 8; nr_lru > CACHED_MAX && looks; looks--) {
        struct dentry *d = lru_first;

        assert(d);
        lru_remove(d);
        if (!d->refs)
            dentry_destroy(d);
    }
}

void dentry_put(struct dentry *d)
{
    if (--d->refs)
        return;
    if (d->cached && d->linked) {
        lru_remove(d);
        lru_add(d);
        return;
    }
    dentry_destroy(d);
}

/* ---- making ---- */
static bool dentry_set_name(struct dentry *d, const char *name, uint32_t len)
{
    char *text = d->inline_name;

    if (len >= sizeof d->inline_name) {
        text = malloc(len + 1);
        if (!text)
            return false;
    }
    memcpy(text, name, len);
    text[len] = 0;
    if (d->name && d->name != d->inline_name)
        free(d->name);
    d->name = text;
    d->len = (uint16_t)len;
    return true;
}

error_t dentry_new(struct dentry *parent, const char *name, uint32_t len, struct inode *inode, bool cached,
                   struct dentry **out)
{
    struct dentry *d;

    lru_trim();
    if (nr_hashed >= nr_buckets && !hash_grow())
        return ERR_NO_MEMORY;
    d = calloc(1, sizeof *d);
    if (!d || !dentry_set_name(d, name, len)) {
        free(d);
        return ERR_NO_MEMORY;
    }
    d->parent = dentry_get(parent);
    if (parent->cached)
        lru_remove(parent);
    d->inode = inode;
    d->hash = vfs_hash(parent, name, len);
    d->cookie = parent->next_cookie++;
    d->next_cookie = FIRST_COOKIE;
    d->linked = true;
    d->cached = cached;
    hash_insert(d);
    list_insert(parent, d);
    if (cached)
        lru_add(d);
    else
        d->refs = 1;
    *out = d;
    return 0;
}

struct dentry *dentry_new_root(struct superblock *sb, struct inode *inode)
{
    struct dentry *d = calloc(1, sizeof *d);

    (void)sb;
    if (!d)
        return NULL;
    d->name = d->inline_name;
    d->parent = d;
    d->inode = inode;
    d->refs = 1;
    d->next_cookie = FIRST_COOKIE;
    return d;
}

void dentry_unlink(struct dentry *d)
{
    if (!d->linked)
        return;
    hash_remove(d);
    list_remove(d->parent, d);
    d->linked = false;
    if (d->cached) {
        lru_remove(d);
        if (d->refs)
            return;
        d->refs = 1;
    }
    dentry_put(d);
}

error_t dentry_move(struct dentry *d, struct dentry *to, const char *name, uint32_t len, uint64_t cookie)
{
    struct dentry *from = d->parent;
    char held[FS_NAME_MAX + 1];

    memcpy(held, name, len);        /* may be this dentry's or another's own text */
    hash_remove(d);
    if (!dentry_set_name(d, held, len)) {
        hash_insert(d);
        return ERR_NO_MEMORY;
    }
    if (from != to || cookie) {
        list_remove(from, d);
        d->parent = dentry_get(to);
        d->cookie = cookie ? cookie : to->next_cookie++;
        list_insert(to, d);
        dentry_put(from);
    }
    d->hash = vfs_hash(to, held, len);
    hash_insert(d);
    return 0;
}
