/* SPDX-License-Identifier: MIT */
/*
 * Path resolution (path_resolution(7)).
 *
 * One loop walks the components; texts of symbolic links are pushed on a stack
 * of remaining paths instead of recursing. Nothing is referenced or allocated
 * on the way: the walk runs to its end without suspending. Links whose text is
 * made up (procfs) keep it in a static buffer until the next walk.
 */
#include <string.h>

#include "dcache.h"
#include "mounts.h"
#include "process.h"

#define MADE_UP_BYTES 128u

struct walk {
    struct process *p;
    uint32_t flags;
    bool slash;                     /* the whole path ends with one             */
    unsigned nr_links, depth;
    const char *rest[FS_LOOP_MAX];
    struct path at;
    struct file *file;              /* a magic link led here                    */
};
static char made_up[FS_LOOP_MAX][MADE_UP_BYTES];

static const struct path *walk_root(const struct walk *w)
{
    return w->p ? &w->p->fs->root : &vfs_root;
}

/* A mount of a part of a file system does not let out: a directory that was moved
 * out of the part while somebody was in it has no parent there. */
static error_t dot_dot(const struct walk *w, struct path *at)
{
    const struct path *root = walk_root(w);

    while (!path_equal(at, root)) {
        const struct mount *m = at->mnt;

        if (at->dentry != m->root) {
            struct dentry *up = at->dentry->parent;

            if (m->root != m->sb->root && !dentry_is_below(up, m->root))
                return ERR_NOT_FOUND;
            at->dentry = up;
            break;
        }
        if (!m->parent)
            break;
        *at = (struct path){ m->parent, m->at };
    }
    vfs_down_mounts(at);
    return 0;
}

error_t vfs_child(struct dentry *dir, const char *name, uint32_t len, uint32_t hash, struct dentry **out)
{
    struct dentry *d = dentry_find(dir, name, len, hash);
    const struct inode_ops *ops = dir->inode->ops;

    if (d && d->inode->ops->valid && !d->inode->ops->valid(d)) {
        vfs_detach_mounts(d);
        dentry_unlink(d);
        d = NULL;
    }
    if (!d) {
        if (!ops->lookup)
            return ERR_NOT_FOUND;
        if (ops->valid && !ops->valid(dir))
            return ERR_NOT_FOUND;
        error_t e = ops->lookup(dir, name, len, &d);

        if (e)
            return e;
    }
    *out = d;
    return 0;
}

static error_t search_permission(const struct walk *w)
{
    struct inode *dir = w->at.dentry->inode;

    if (!S_ISDIR(dir->mode))
        return ERR_NOT_DIRECTORY;
    if ((dir->mode & 0111) == 0111)
        return 0;
    return vfs_permission(w->p, w->at.mnt, dir, MAY_EXEC);
}

/* Step into the text of a link; what is left of the current path is kept. */
static error_t follow_link(struct walk *w, struct dentry *link, const char **path)
{
    struct inode *i = link->inode;
    const char *text = i->link;
    size_t len;
    error_t e;

    if (++w->nr_links > FS_LOOP_MAX)
        return ERR_LOOP;
    if (i->ops->follow) {
        struct path to = { 0 };

        e = i->ops->follow(i, w->p, &to, &w->file);
        if (!e && to.dentry)
            w->at = to;
        return e;
    }
    if (!text) {
        char *room = made_up[w->nr_links - 1];

        e = i->ops->readlink ? i->ops->readlink(i, w->p, room, MADE_UP_BYTES - 1, &len) : ERR_INVALID_ARGUMENT;
        if (e)
            return e;
        room[len] = 0;
        text = room;
    }
    if (!text[0])
        return ERR_NOT_FOUND;
    if (**path) {
        if (w->depth == FS_LOOP_MAX)
            return ERR_LOOP;
        w->rest[w->depth++] = *path;
    }
    *path = text;
    if (text[0] == '/')
        w->at = *walk_root(w);
    return 0;
}

static const char *skip_slashes(const char *s)
{
    while (*s == '/')
        s++;
    return s;
}

/* Length of the component, FS_NAME_MAX + 1 when longer; its hash. */
static uint32_t component(const struct dentry *dir, const char *s, uint32_t *hash)
{
    uint32_t len = 0;

    while (s[len] && s[len] != '/' && len <= FS_NAME_MAX)
        len++;
    *hash = vfs_hash(dir, s, len);
    return len;
}

static bool is_dots(const char *s, uint32_t len)
{
    return s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.'));
}

/* The last component was reached in the mode that wants its directory. */
static error_t found_last(const struct walk *w, struct last *last, const char *name, uint32_t len, uint32_t hash)
{
    /* cppcheck-suppress ctunullpointer ; that mode has a place for it */
    *last = (struct last){ .dir = w->at, .name = name, .len = len, .hash = hash, .trailing_slash = w->slash };
    if (!is_dots(name, len))
        return 0;
    last->special = true;
    last->child = w->at;
    return len == 1 ? 0 : dot_dot(w, &last->child);
}

/* One component that is neither the wanted last one nor dots. *done: the walk is at its end. */
static error_t step(struct walk *w, const struct path *to, bool is_last, const char **path, struct last *last, bool *done)
{
    struct dentry *child = to->dentry;
    bool follow = !is_last || (w->flags & LOOKUP_FOLLOW) || (w->slash && !last);
    error_t e;

    if (S_ISLNK(child->inode->mode) && follow) {
        bool magic = child->inode->ops->follow != NULL;

        w->file = NULL;
        e = follow_link(w, child, path);
        if (e)
            return e;
        if (w->file)
            w->at = (struct path){ w->file->mnt, w->file->dentry };
        if (!magic || !is_last)
            return w->at.dentry ? 0 : ERR_NOT_DIRECTORY;
        if (last)
            *last = (struct last){ .dir = w->at, .name = "", .special = true, .child = w->at, .file = w->file };
        *done = true;
        return 0;
    }
    *done = is_last;
    if (is_last && last)
        last->child = *to;
    else
        w->at = *to;
    return 0;
}

/* Walk to the end, or with last to the directory of the last component. A remaining
 * path that was pushed never starts with a slash nor is empty, so the component before an
 * empty rest with an empty stack is the last. */
static error_t walk(struct walk *w, const char *path, struct last *last)
{
    bool done = false;

    while (!done) {
        const char *name = skip_slashes(path);
        struct path child;
        uint32_t len, hash;
        bool is_last;
        error_t e;

        if (!*name) {
            if (!w->depth)
                break;
            path = w->rest[--w->depth];
            continue;
        }
        e = search_permission(w);
        if (e)
            return e;
        len = component(w->at.dentry, name, &hash);
        if (len > FS_NAME_MAX)
            return ERR_NAME_TOO_LONG;
        path = skip_slashes(name + len);
        is_last = !*path && !w->depth;
        if (is_last && path != name + len)
            w->slash = true;
        if (is_last && last) {
            e = found_last(w, last, name, len, hash);
            if (e || last->special)
                return e;
        }
        if (is_dots(name, len)) {
            e = len == 2 ? dot_dot(w, &w->at) : 0;
            if (e)
                return e;
            continue;
        }
        child.mnt = w->at.mnt;
        e = vfs_child(w->at.dentry, name, len, hash, &child.dentry);
        if (e == ERR_NOT_FOUND && is_last && last)
            return 0;
        if (e)
            return e;
        vfs_down_mounts(&child);
        e = step(w, &child, is_last, &path, last, &done);
        if (e)
            return e;
    }
    if (last) {
        if (!last->dir.dentry && !last->file)      /* nothing but slashes */
            *last = (struct last){ .dir = w->at, .name = "", .special = true, .child = w->at, .trailing_slash = true };
        return 0;
    }
    if (w->at.dentry && (w->slash || (w->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(w->at.dentry->inode->mode))
        return ERR_NOT_DIRECTORY;
    return !w->at.dentry && (w->slash || (w->flags & LOOKUP_DIRECTORY)) ? ERR_NOT_DIRECTORY : 0;
}

static error_t walk_start(struct walk *w, struct process *p, int32_t dirfd, const char *path, uint32_t flags)
{
    struct file *f;

    w->p = p;
    w->flags = flags;
    w->nr_links = w->depth = 0;
    w->slash = false;
    w->file = NULL;
    if (path[0] == '/') {
        w->at = *walk_root(w);
    } else if (dirfd == FS_AT_FDCWD) {
        w->at = p ? p->fs->cwd : vfs_root;
    } else {
        f = p ? fd_lookup_any(p, dirfd) : NULL;
        if (!f)
            return ERR_BAD_HANDLE;
        w->at = (struct path){ f->mnt, f->dentry };
        if (!path[0]) {
            w->file = f;
            return 0;
        }
        if (!w->at.dentry || !S_ISDIR(w->at.dentry->inode->mode))
            return ERR_NOT_DIRECTORY;
    }
    return 0;
}

error_t vfs_lookup(struct process *p, int32_t dirfd, const char *path, uint32_t flags, struct found *found)
{
    struct walk w;
    error_t e;

    if (!path[0] && !(flags & LOOKUP_EMPTY))
        return ERR_NOT_FOUND;
    e = walk_start(&w, p, dirfd, path, flags);
    if (!e && path[0])
        e = walk(&w, path, NULL);
    if (e)
        return e;
    found->path = w.at;
    found->file = w.file;
    return 0;
}

error_t vfs_lookup_last(struct process *p, int32_t dirfd, const char *path, uint32_t flags, struct last *last)
{
    struct walk w;
    error_t e;

    if (!path[0])
        return ERR_NOT_FOUND;
    *last = (struct last){ 0 };
    e = walk_start(&w, p, dirfd, path, flags);
    if (!e)
        e = walk(&w, path, last);
    if (!e && !last->child.dentry && !last->file && dentry_is_gone(last->dir.dentry))
        e = ERR_NOT_FOUND;          /* in a removed directory */
    return e;
}

error_t vfs_path(struct process *p, const struct path *of, char *text, size_t room, size_t *len)
{
    static const char unreachable[] = "(unreachable)";
    const struct path *root = p ? &p->fs->root : &vfs_root;
    struct path here = *of;
    size_t at = room;
    bool gone = dentry_is_gone(of->dentry);

    if (room < 2)
        return ERR_RANGE_RESULT;
    while (!path_equal(&here, root)) {
        const struct dentry *d = here.dentry;

        if (d == here.mnt->root) {
            if (!here.mnt->parent)
                goto outside;
            here = (struct path){ here.mnt->parent, here.mnt->at };
            continue;
        }
        if (d->parent == d)
            goto outside;           /* moved out of the part that the mount shows */
        if (at < (size_t)d->len + 1)
            return ERR_RANGE_RESULT;
        at -= d->len;
        memcpy(text + at, d->name, d->len);
        text[--at] = '/';
        here.dentry = d->parent;
    }
    if (at == room)
        text[--at] = '/';
    goto done;
outside:
    if (at == room)
        text[--at] = '/';
    if (at < sizeof unreachable - 1)
        return ERR_RANGE_RESULT;
    at -= sizeof unreachable - 1;
    memcpy(text + at, unreachable, sizeof unreachable - 1);
done:
    *len = room - at;
    memmove(text, text + at, *len);
    if (gone) {
        static const char deleted[] = " (deleted)";

        if (*len + sizeof deleted > room)
            return ERR_RANGE_RESULT;
        memcpy(text + *len, deleted, sizeof deleted - 1);
        *len += sizeof deleted - 1;
    }
    return 0;
}
