/* SPDX-License-Identifier: MIT */
/*
 * Making, removing and moving names. Each operation checks everything first;
 * what can fail for lack of memory comes before the first visible change.
 */
#include <stdlib.h>
#include <string.h>

#include "dcache.h"
#include "lease.h"
#include "process.h"
#include "tmpfs.h"

/* Names in it changed, perhaps its number of links. */
static void touch_dir(struct dentry *dir)
{
    inode_changes(dir->inode);
    dir->inode->mtime = dir->inode->ctime = fs_now();
}

/* Owner, and what a set-gid directory hands on (inode(7)). */
static void inherit(struct process *p, struct inode *dir, struct inode *i)
{
    i->uid = p ? process_fsuid(p) : 0;
    if (!(dir->mode & S_ISGID)) {
        i->gid = p ? process_fsgid(p) : 0;
        return;
    }
    i->gid = dir->gid;
    if (S_ISDIR(i->mode))
        i->mode |= S_ISGID;
    else if (p && (i->mode & (S_ISGID | 0010)) == (S_ISGID | 0010) && !process_in_group(p, i->gid) &&
             !process_capable(p, CAP_FSETID))
        i->mode &= ~S_ISGID;
}

error_t vfs_make(struct process *p, const struct last *at, uint32_t mode, uint64_t rdev, struct dentry **out)
{
    struct inode *i;
    error_t e;

    if (S_ISDIR(mode) && at->dir->inode->nlink >= FS_LINK_MAX)
        return ERR_TOO_MANY_LINKS;
    i = tmpfs_inode(at->dir->inode->sb, mode, rdev);
    if (!i)
        return ERR_NO_SPACE;
    inherit(p, at->dir->inode, i);
    e = dentry_new(at->dir, at->name, at->len, i, false, out);
    if (e) {
        inode_put(i);
        return e;
    }
    if (S_ISDIR(mode))
        at->dir->inode->nlink++;
    touch_dir(at->dir);
    return 0;
}

error_t vfs_mknod(struct process *p, int32_t dirfd, const char *path, uint32_t mode, uint64_t rdev, struct dentry **out)
{
    struct dentry *made;
    struct last at;
    error_t e = vfs_lookup_last(p, dirfd, path, 0, &at);

    if (e)
        return e;
    if (at.child || at.special)
        return ERR_EXISTS;
    if (at.trailing_slash && !S_ISDIR(mode))
        return ERR_NOT_FOUND;
    e = vfs_may_create(p, at.dir);
    if (e)
        return e;
    return vfs_make(p, &at, p ? mode & ~p->fs->umask : mode, rdev, out ? out : &made);
}

error_t vfs_symlink(struct process *p, const struct last *at, const char *target, struct dentry **out)
{
    size_t len = strlen(target);
    char *text = malloc(len + 1);
    error_t e;

    if (!text)
        return ERR_NO_SPACE;
    memcpy(text, target, len + 1);
    e = vfs_make(p, at, S_IFLNK | 0777, 0, out);
    if (e) {
        free(text);
        return e;
    }
    (*out)->inode->link = text;
    (*out)->inode->size = len;
    return 0;
}

error_t vfs_link(struct process *p, struct inode *i, const struct last *at)
{
    struct dentry *d;
    error_t e;

    (void)p;
    if (S_ISDIR(i->mode))
        return ERR_PERMISSION;
    if (i->sb != at->dir->inode->sb)
        return ERR_CROSS_DEVICE;
    if (i->nlink >= FS_LINK_MAX)
        return ERR_TOO_MANY_LINKS;
    e = dentry_new(at->dir, at->name, at->len, inode_get(i), false, &d);
    if (e) {
        inode_put(i);
        return e;
    }
    inode_changes(i);
    i->nlink++;
    i->ctime = fs_now();
    touch_dir(at->dir);
    return 0;
}

error_t vfs_unlink(struct process *p, struct dentry *d)
{
    struct dentry *dir = d->parent;

    (void)p;
    if (S_ISDIR(d->inode->mode))
        return ERR_IS_DIRECTORY;
    inode_changes(d->inode);
    d->inode->nlink--;
    d->inode->ctime = fs_now();
    touch_dir(dir);
    dentry_unlink(d);
    return 0;
}

error_t vfs_rmdir(struct process *p, struct dentry *d)
{
    struct dentry *dir = d->parent;

    (void)p;
    if (!S_ISDIR(d->inode->mode))
        return ERR_NOT_DIRECTORY;
    if (d->covered_by || d->parent == d)
        return ERR_BUSY;
    if (d->nr_children)
        return ERR_NOT_EMPTY;
    inode_changes(d->inode);
    d->inode->nlink = 0;
    d->inode->ctime = fs_now();
    dir->inode->nlink--;
    touch_dir(dir);
    dentry_unlink(d);
    return 0;
}

/* ---- rename(2) ---- */
static bool is_below(struct dentry *d, const struct dentry *above)
{
    for (;; d = d->parent) {
        if (d == above)
            return true;
        if (d->parent == d)
            return false;
    }
}

static error_t rename_check_target(const struct last *from, const struct last *to, uint32_t flags)
{
    struct inode *source = from->child->inode;

    if (flags & RENAME_NOREPLACE)
        return ERR_EXISTS;
    if (to->child->parent == to->child || to->child->covered_by)
        return ERR_BUSY;
    if (flags & RENAME_EXCHANGE)
        return is_below(from->dir, to->child) ? ERR_INVALID_ARGUMENT : 0;
    if (is_below(from->dir, to->child))
        return ERR_NOT_EMPTY;
    if (S_ISDIR(source->mode) && !S_ISDIR(to->child->inode->mode))
        return ERR_NOT_DIRECTORY;
    if (!S_ISDIR(source->mode) && S_ISDIR(to->child->inode->mode))
        return ERR_IS_DIRECTORY;
    return 0;
}

static error_t rename_check(struct process *p, const struct last *from, const struct last *to, uint32_t flags)
{
    bool dir_moves, other_dir_moves;
    error_t e;

    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return ERR_INVALID_ARGUMENT;
    if (from->special || to->special)
        return to->special && (flags & RENAME_NOREPLACE) ? ERR_EXISTS : ERR_BUSY;
    if (!from->child || ((flags & RENAME_EXCHANGE) && !to->child))
        return ERR_NOT_FOUND;
    if (from->dir->inode->sb != to->dir->inode->sb)
        return ERR_CROSS_DEVICE;
    if (from->child->parent == from->child || from->child->covered_by)
        return ERR_BUSY;
    dir_moves = S_ISDIR(from->child->inode->mode);
    other_dir_moves = (flags & RENAME_EXCHANGE) && S_ISDIR(to->child->inode->mode);
    if ((from->trailing_slash || (to->trailing_slash && !(flags & RENAME_EXCHANGE))) && !dir_moves)
        return ERR_NOT_DIRECTORY;
    if (dir_moves && is_below(to->dir, from->child))
        return ERR_INVALID_ARGUMENT;
    e = vfs_may_delete(p, from->dir, from->child->inode);
    if (!e && to->child)
        e = rename_check_target(from, to, flags);
    if (!e)
        e = to->child ? vfs_may_delete(p, to->dir, to->child->inode) : vfs_may_create(p, to->dir);
    if (e || from->dir == to->dir)
        return e;
    /* ".." of a directory that moves is written */
    if (dir_moves)
        e = vfs_permission(p, from->child->inode, MAY_WRITE);
    if (!e && other_dir_moves)
        e = vfs_permission(p, to->child->inode, MAY_WRITE);
    if (!e && dir_moves && !other_dir_moves && !to->child && to->dir->inode->nlink >= FS_LINK_MAX)
        e = ERR_TOO_MANY_LINKS;
    return e;
}

static error_t exchange(const struct last *from, const struct last *to)
{
    struct dentry *a = from->child, *b = to->child, *dir_a = from->dir, *dir_b = to->dir;
    uint64_t cookie_a = a->cookie, cookie_b = b->cookie;
    char name_a[FS_NAME_MAX + 1];
    uint32_t len_a = a->len;
    int moved = (S_ISDIR(a->inode->mode) ? 1 : 0) - (S_ISDIR(b->inode->mode) ? 1 : 0);
    error_t e;

    memcpy(name_a, a->name, len_a);
    e = dentry_move(a, dir_b, b->name, b->len, cookie_b);
    if (e)
        return e;
    e = dentry_move(b, dir_a, name_a, len_a, cookie_a);
    if (e) {
        /* no memory for a long name: back; only a second failure would leave two names alike */
        (void)dentry_move(a, dir_a, name_a, len_a, cookie_a);
        return e;
    }
    if (dir_a != dir_b) {
        dir_a->inode->nlink -= (uint32_t)moved;
        dir_b->inode->nlink += (uint32_t)moved;
    }
    return 0;
}

/* What was there disappears as by unlink or rmdir. */
static error_t replace(struct process *p, struct dentry *victim)
{
    if (!S_ISDIR(victim->inode->mode))
        return vfs_unlink(p, victim);
    return vfs_rmdir(p, victim);
}

error_t vfs_rename(struct process *p, const struct last *from, const struct last *to, uint32_t flags)
{
    struct dentry *d = from->child, *old_dir = from->dir;
    error_t e = rename_check(p, from, to, flags);

    if (e)
        return e;
    if (to->child && d->inode == to->child->inode)
        return 0;                   /* two names of one file: nothing happens */
    if (flags & RENAME_EXCHANGE) {
        e = exchange(from, to);
        if (!e) {
            inode_changes(to->child->inode);
            to->child->inode->ctime = fs_now();
        }
    } else {
        if (to->child && S_ISDIR(to->child->inode->mode) && to->child->nr_children)
            return ERR_NOT_EMPTY;
        /* the move may lack memory, the removal cannot fail any more; for a moment both have the name */
        e = dentry_move(d, to->dir, to->name, to->len, 0);
        if (!e && to->child)
            e = replace(p, to->child);
        if (!e && S_ISDIR(d->inode->mode) && old_dir != to->dir) {
            old_dir->inode->nlink--;
            to->dir->inode->nlink++;
        }
    }
    if (e)
        return e;
    inode_changes(d->inode);
    d->inode->ctime = fs_now();
    touch_dir(old_dir);
    touch_dir(to->dir);
    return 0;
}
