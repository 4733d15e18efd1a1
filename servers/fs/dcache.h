/* SPDX-License-Identifier: MIT */
/*
 * Inside of the name space, for the files of the VFS and the file systems.
 */
#ifndef FS_DCACHE_H
#define FS_DCACHE_H

#include "locks.h"
#include "vfs.h"

/* getdents positions: 0 is ".", 1 is "..", children from here. */
#define FIRST_COOKIE 2u

/* An open directory's place: `next` is the child to report next if the file's
 * offset still equals `position`. */
struct dir_cursor {
    struct dir_cursor *link;
    struct dentry *next;
    uint64_t position;
};
void cursor_add(struct dentry *dir, struct dir_cursor *);
void cursor_remove(struct dentry *dir, struct dir_cursor *);

/* Only the hash; NULL. */
struct dentry *dentry_find(const struct dentry *dir, const char *name, uint32_t len, uint32_t hash);
/* Another name, perhaps another directory. cookie 0: keeps its place in the same directory,
 * else goes to the end of the new one. Nothing is changed on ERR_NO_MEMORY. */
error_t dentry_move(struct dentry *, struct dentry *to, const char *name, uint32_t len, uint64_t cookie);

#endif
