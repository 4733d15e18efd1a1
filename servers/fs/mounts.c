/* SPDX-License-Identifier: MIT */
/*
 * Superblocks and where they are mounted. Each is mounted at one place; bind
 * and move mounts are refused. A file system is busy, and cannot be unmounted,
 * while anything on it is referenced beyond its own tree: MNT_DETACH then
 * takes it out of the name space and lets it live until the last user goes.
 */
#include <stdlib.h>
#include <string.h>

#include "dcache.h"
#include "mounts.h"
#include "process.h"

#define MNT_DETACH 2u

struct superblock *vfs_mounts;
static const struct fs_type *types[16];
static unsigned nr_types;
static uint64_t next_minor = 20;

void vfs_register_type(const struct fs_type *type)
{
    if (nr_types < sizeof types / sizeof types[0])
        types[nr_types++] = type;
}

const struct fs_type *vfs_find_type(const char *name)
{
    for (unsigned i = 0; i < nr_types; i++)
        if (!strcmp(types[i]->name, name))
            return types[i];
    return NULL;
}

const struct fs_type *vfs_type_at(unsigned i)
{
    return i < nr_types ? types[i] : NULL;
}

error_t vfs_mount(const struct fs_type *type, const char *source, struct dentry *at, uint32_t flags,
                  struct superblock **out)
{
    struct superblock *sb, **end = &vfs_mounts;
    error_t e;

    if (at && !S_ISDIR(at->inode->mode))
        return ERR_NOT_DIRECTORY;
    /* `at` was looked up, so it is the root of what is mounted there already */
    if (at && at->parent == at && at->inode->sb->type == type && at->inode->sb->covers)
        return ERR_BUSY;
    sb = calloc(1, sizeof *sb);
    if (!sb)
        return ERR_NO_MEMORY;
    sb->type = type;
    sb->flags = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
    sb->dev = FS_MAKEDEV(0, next_minor);
    next_minor++;
    sb->source = malloc(strlen(source) + 1);
    e = sb->source ? type->mount(sb) : ERR_NO_MEMORY;
    if (e) {
        free(sb->source);
        free(sb);
        return e;
    }
    strcpy(sb->source, source);
    if (at) {
        sb->covers = dentry_get(at);
        at->covered_by = sb;
    }
    while (*end)
        end = &(*end)->next;
    *end = sb;
    if (out)
        *out = sb;
    return 0;
}

/* References that a tree holds on itself are not use: anything else is. */
static bool tree_busy(struct dentry *d, bool is_root)
{
    uint32_t own = (d->linked && !d->cached) || is_root ? 1 : 0;

    if (d->covered_by || d->refs > own + d->nr_children)
        return true;
    for (struct dentry *c = d->first_child; c; c = c->next_sibling)
        if (tree_busy(c, false))
            return true;
    return false;
}

static void tree_drop(struct dentry *d)
{
    struct dentry *c, *next;

    for (c = d->first_child; c; c = next) {
        next = c->next_sibling;
        tree_drop(c);
        dentry_unlink(c);
    }
}

error_t vfs_umount(struct superblock *sb, uint32_t flags)
{
    struct superblock **at = &vfs_mounts;
    bool busy;

    if (!sb->covers)
        return ERR_BUSY;            /* the root */
    busy = tree_busy(sb->root, true);
    if (busy && !(flags & MNT_DETACH))
        return ERR_BUSY;
    while (*at != sb)
        at = &(*at)->next;
    *at = sb->next;
    sb->covers->covered_by = NULL;
    dentry_put(sb->covers);
    sb->covers = NULL;
    if (busy)
        return 0;                   /* detached: kept, since its users point to it */
    tree_drop(sb->root);
    dentry_put(sb->root);
    free(sb->source);
    free(sb);
    return 0;
}

/* ---- requests ---- */
#define MS_BIND 4096u
#define MS_MOVE 8192u

static error_t remount(struct superblock *sb, uint32_t flags)
{
    const uint32_t changeable = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

    sb->flags = (sb->flags & ~changeable) | (flags & changeable);
    return 0;
}

error_t fs_serve_mount(struct rpc_call *call, const struct fs_mount_in *in, struct fs_mount_out *out)
{
    struct process *p = process_of(call);
    const struct fs_type *type;
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!process_capable(p, CAP_SYS_ADMIN))
        return ERR_PERMISSION;
    e = vfs_lookup(p, FS_AT_FDCWD, in->target, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
    if (e)
        return e;
    if (in->flags & MS_REMOUNT)
        return at.dentry->parent == at.dentry ? remount(at.dentry->inode->sb, (uint32_t)in->flags)
                                              : ERR_INVALID_ARGUMENT;
    if (in->flags & (MS_BIND | MS_MOVE))
        return ERR_NOT_SUPPORTED;
    type = vfs_find_type(in->type);
    if (!type)
        return ERR_NO_DEVICE;
    return vfs_mount(type, in->source, at.dentry, (uint32_t)in->flags, NULL);
}

error_t fs_serve_umount(struct rpc_call *call, const struct fs_umount_in *in, struct fs_umount_out *out)
{
    struct process *p = process_of(call);
    struct found at;
    error_t e;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (!process_capable(p, CAP_SYS_ADMIN))
        return ERR_PERMISSION;
    e = vfs_lookup(p, FS_AT_FDCWD, in->target, LOOKUP_FOLLOW, &at);
    if (e)
        return e;
    if (!at.dentry || at.dentry->parent != at.dentry)
        return ERR_INVALID_ARGUMENT;
    return vfs_umount(at.dentry->inode->sb, in->flags);
}
