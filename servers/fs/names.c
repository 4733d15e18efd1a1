/* SPDX-License-Identifier: MIT */
/*
 * Making, removing and moving names. Each operation checks everything first;
 * what can fail for lack of memory comes before the first visible change.
 */
#include <stdlib.h>
#include <string.h>

#include "dcache.h"
#include "inotify.h"
#include "lease.h"
#include "mounts.h"
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
    struct dentry *dir = at->dir.dentry;
    struct inode *i;
    error_t e;

    if (S_ISDIR(mode) && dir->inode->nlink >= FS_LINK_MAX)
        return ERR_TOO_MANY_LINKS;
    i = tmpfs_inode(dir->inode->sb, mode, rdev);
    if (!i)
        return ERR_NO_SPACE;
    inherit(p, dir->inode, i);
    e = dentry_new(dir, at->name, at->len, i, false, out);
    if (e) {
        inode_put(i);
        return e;
    }
    if (S_ISDIR(mode))
        dir->inode->nlink++;
    touch_dir(dir);
    name_event(dir, *out, IN_CREATE);
    return 0;
}

error_t vfs_mknod(struct process *p, int32_t dirfd, const char *path, uint32_t mode, uint64_t rdev, struct path *out)
{
    struct dentry *made;
    struct last at;
    error_t e = vfs_lookup_last(p, dirfd, path, 0, &at);

    if (e)
        return e;
    if (at.child.dentry || at.special)
        return ERR_EXISTS;
    if (at.trailing_slash && !S_ISDIR(mode))
        return ERR_NOT_FOUND;
    e = vfs_may_create(p, &at.dir);
    if (!e)
        e = vfs_make(p, &at, p ? mode & ~p->fs->umask : mode, rdev, &made);
    if (!e && out)
        *out = (struct path){ at.dir.mnt, made };
    return e;
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
    if (i->sb != at->dir.dentry->inode->sb)
        return ERR_CROSS_DEVICE;
    if (i->nlink >= FS_LINK_MAX)
        return ERR_TOO_MANY_LINKS;
    e = dentry_new(at->dir.dentry, at->name, at->len, inode_get(i), false, &d);
    if (e) {
        inode_put(i);
        return e;
    }
    inode_changes(i);
    i->nlink++;
    i->ctime = fs_now();
    touch_dir(at->dir.dentry);
    inode_event(i, IN_ATTRIB);
    name_event(at->dir.dentry, d, IN_CREATE);
    return 0;
}

/* These two tell nothing: with rename(2) another node takes the name over. */
static error_t remove_file(struct dentry *d)
{
    struct dentry *dir = d->parent;

    if (S_ISDIR(d->inode->mode))
        return ERR_IS_DIRECTORY;
    if (d->mounted)
        return ERR_BUSY;
    inode_changes(d->inode);
    d->inode->nlink--;
    d->inode->ctime = fs_now();
    touch_dir(dir);
    dentry_unlink(d);
    return 0;
}

static error_t remove_dir(struct dentry *d)
{
    struct dentry *dir = d->parent;

    if (!S_ISDIR(d->inode->mode))
        return ERR_NOT_DIRECTORY;
    if (d->mounted || d->parent == d)
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

/* The node's own end is told before the name's. */
error_t vfs_unlink(struct process *p, struct dentry *d)
{
    struct inode *i = inode_get(d->inode);
    struct dentry *dir = d->parent;
    struct old_name old;
    error_t e;

    (void)p;
    old_name_keep(&old, d);
    e = remove_file(d);
    if (!e)
        inode_event(i, IN_ATTRIB);
    inode_put(i);
    if (!e)
        old_name_event(dir, &old, IN_DELETE, 0);
    return e;
}

error_t vfs_rmdir(struct process *p, struct dentry *d)
{
    struct dentry *dir = d->parent;
    struct old_name old;
    error_t e;

    (void)p;
    old_name_keep(&old, d);
    e = remove_dir(d);
    if (!e)
        old_name_event(dir, &old, IN_DELETE, 0);
    return e;
}

/* ---- rename(2) ---- */
/* Mounted on, in this mount of its file system or another. */
static bool is_mount_point(const struct last *at)
{
    return at->child.mnt != at->dir.mnt || at->child.dentry->mounted;
}

static error_t rename_check_target(const struct last *from, const struct last *to, uint32_t flags)
{
    struct inode *source = from->child.dentry->inode;
    const struct dentry *victim = to->child.dentry;

    if (flags & RENAME_NOREPLACE)
        return ERR_EXISTS;
    if (is_mount_point(to))
        return ERR_BUSY;
    if (flags & RENAME_EXCHANGE)
        return dentry_is_below(from->dir.dentry, victim) ? ERR_INVALID_ARGUMENT : 0;
    if (dentry_is_below(from->dir.dentry, victim))
        return ERR_NOT_EMPTY;
    if (S_ISDIR(source->mode) && !S_ISDIR(victim->inode->mode))
        return ERR_NOT_DIRECTORY;
    if (!S_ISDIR(source->mode) && S_ISDIR(victim->inode->mode))
        return ERR_IS_DIRECTORY;
    return 0;
}

static error_t rename_check(struct process *p, const struct last *from, const struct last *to, uint32_t flags)
{
    struct dentry *source = from->child.dentry, *target = to->child.dentry;
    bool dir_moves, other_dir_moves;
    error_t e;

    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return ERR_INVALID_ARGUMENT;
    if (from->dir.mnt != to->dir.mnt)
        return ERR_CROSS_DEVICE;
    if (from->special || to->special)
        return to->special && (flags & RENAME_NOREPLACE) ? ERR_EXISTS : ERR_BUSY;
    if (!source || ((flags & RENAME_EXCHANGE) && !target))
        return ERR_NOT_FOUND;
    if (is_mount_point(from))
        return ERR_BUSY;
    dir_moves = S_ISDIR(source->inode->mode);
    other_dir_moves = (flags & RENAME_EXCHANGE) && S_ISDIR(target->inode->mode);
    if ((from->trailing_slash || (to->trailing_slash && !(flags & RENAME_EXCHANGE))) && !dir_moves)
        return ERR_NOT_DIRECTORY;
    if (dir_moves && dentry_is_below(to->dir.dentry, source))
        return ERR_INVALID_ARGUMENT;
    e = vfs_may_delete(p, &from->dir, source->inode);
    if (!e && target)
        e = rename_check_target(from, to, flags);
    if (!e)
        e = target ? vfs_may_delete(p, &to->dir, target->inode) : vfs_may_create(p, &to->dir);
    if (e || from->dir.dentry == to->dir.dentry)
        return e;
    /* ".." of a directory that moves is written */
    if (dir_moves)
        e = vfs_permission(p, from->dir.mnt, source->inode, MAY_WRITE);
    if (!e && other_dir_moves)
        e = vfs_permission(p, to->dir.mnt, target->inode, MAY_WRITE);
    if (!e && dir_moves && !other_dir_moves && !target && to->dir.dentry->inode->nlink >= FS_LINK_MAX)
        e = ERR_TOO_MANY_LINKS;
    return e;
}

static error_t exchange(const struct last *from, const struct last *to)
{
    struct dentry *a = from->child.dentry, *b = to->child.dentry;
    struct dentry *dir_a = from->dir.dentry, *dir_b = to->dir.dentry;
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

/* d, which was called `old` in old_dir, has another name; what had that has gone (replaced), or has taken d's (other). */
static void moved(struct dentry *old_dir, const struct old_name *old, struct dentry *d, struct inode *replaced,
                  struct dentry *other)
{
    struct old_name now;
    uint32_t cookie;

    if (!inotify_watched())
        return;
    old_name_keep(&now, d);
    cookie = inotify_cookie();
    old_name_event(old_dir, old, IN_MOVED_FROM, cookie);
    old_name_event(d->parent, &now, IN_MOVED_TO, cookie);
    if (replaced && !S_ISDIR(replaced->mode))
        inode_event(replaced, IN_ATTRIB);
    inode_event(d->inode, IN_MOVE_SELF);
    if (!other)
        return;
    cookie = inotify_cookie();
    now.mode = other->inode->mode;
    old_name_event(d->parent, &now, IN_MOVED_FROM, cookie);
    now = *old;
    now.mode = other->inode->mode;
    old_name_event(other->parent, &now, IN_MOVED_TO, cookie);
    inode_event(other->inode, IN_MOVE_SELF);
}

error_t vfs_rename(struct process *p, const struct last *from, const struct last *to, uint32_t flags)
{
    struct dentry *d = from->child.dentry, *old_dir = from->dir.dentry;
    struct dentry *victim = to->child.dentry, *new_dir = to->dir.dentry;
    struct inode *replaced = NULL;
    struct old_name old;
    error_t e = rename_check(p, from, to, flags);

    if (e)
        return e;
    if (victim && d->inode == victim->inode)
        return 0;                   /* two names of one file: nothing happens */
    old_name_keep(&old, d);
    if (flags & RENAME_EXCHANGE) {
        e = exchange(from, to);
        if (!e) {
            inode_changes(victim->inode);
            victim->inode->ctime = fs_now();
        }
    } else {
        if (victim && S_ISDIR(victim->inode->mode) && victim->nr_children)
            return ERR_NOT_EMPTY;
        /* the move may lack memory, the removal cannot fail any more; for a moment both have the name */
        e = dentry_move(d, new_dir, to->name, to->len, 0);
        if (!e && victim) {
            replaced = inode_get(victim->inode);    /* its end is told after the move */
            e = S_ISDIR(replaced->mode) ? remove_dir(victim) : remove_file(victim);
        }
        if (!e && S_ISDIR(d->inode->mode) && old_dir != new_dir) {
            old_dir->inode->nlink--;
            new_dir->inode->nlink++;
        }
    }
    if (!e) {
        inode_changes(d->inode);
        d->inode->ctime = fs_now();
        touch_dir(old_dir);
        touch_dir(new_dir);
        moved(old_dir, &old, d, replaced, flags & RENAME_EXCHANGE ? victim : NULL);
    }
    if (replaced)
        inode_put(replaced);
    return e;
}
