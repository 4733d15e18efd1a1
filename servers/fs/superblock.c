/* SPDX-License-Identifier: MIT */
/*
 * File system types and superblocks. A superblock is mounted while a mount
 * shows it; with the last one its tree of names goes. Inodes that outlive it
 * (a socket's, an open file's without a name) keep the empty superblock.
 */
#include <stdlib.h>
#include <string.h>

#include "dcache.h"
#include "mounts.h"

struct superblock *superblocks;
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

error_t superblock_get(const struct fs_type *type, uint32_t flags, struct superblock **out)
{
    struct superblock *sb, **end = &superblocks;
    error_t e;

    for (; *end; end = &(*end)->next) {
        if (type->single && (*end)->type == type) {
            superblock_add_mount(*end);
            *out = *end;
            return 0;
        }
    }
    sb = calloc(1, sizeof *sb);
    if (!sb)
        return ERR_NO_MEMORY;
    sb->type = type;
    sb->refs = 1;
    sb->nr_mounts = 1;
    sb->dev = FS_MAKEDEV(0, next_minor);
    next_minor++;
    *end = sb;
    e = type->mount(sb);
    if (e) {
        superblock_drop_mount(sb);
        return e;
    }
    sb->flags = flags & MS_RDONLY;
    *out = sb;
    return 0;
}

/* Leaves first, by going down and up again: a tree may be deeper than the stack. */
static void tree_drop(struct dentry *root)
{
    struct dentry *d = root, *up;

    for (;;) {
        while (d->first_child)
            d = d->first_child;
        if (d == root)
            return;
        up = d->parent;             /* lives: the root's or its own place in the tree holds it */
        dentry_unlink(d);
        d = up;
    }
}

void superblock_put(struct superblock *sb)
{
    if (!--sb->refs)
        free(sb);
}

void superblock_drop_mount(struct superblock *sb)
{
    struct superblock **at = &superblocks;
    struct dentry *root = sb->root;

    if (--sb->nr_mounts)
        return;
    while (*at != sb)
        at = &(*at)->next;
    *at = sb->next;
    sb->root = NULL;
    if (root) {
        tree_drop(root);
        dentry_put(root);
    }
    superblock_put(sb);
}
