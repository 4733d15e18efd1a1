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
#include "process.h"
#include "vfs.h"

#define MADE_UP_BYTES 128u

struct walk {
    struct process *p;
    uint32_t flags;
    bool want_last;
    bool slash;                     /* the whole path ends with one             */
    unsigned nr_links, depth;
    const char *rest[FS_LOOP_MAX];
    struct dentry *at;
    struct file *file;              /* a magic link led here                    */
};
static char made_up[FS_LOOP_MAX][MADE_UP_BYTES];

static struct dentry *walk_root(const struct walk *w)
{
    return w->p ? w->p->fs->root : vfs_mounts->root;
}

static struct dentry *down_mounts(struct dentry *d)
{
    while (d->covered_by)
        d = d->covered_by->root;
    return d;
}

static struct dentry *dot_dot(const struct walk *w, struct dentry *d)
{
    while (d != walk_root(w) && d->parent == d) {
        if (!d->inode->sb->covers)
            return d;
        d = d->inode->sb->covers;
    }
    if (d == walk_root(w))
        return d;
    return down_mounts(d->parent);
}

error_t vfs_child(struct dentry *dir, const char *name, uint32_t len, uint32_t hash, struct dentry **out)
{
    struct dentry *d = dentry_find(dir, name, len, hash);
    const struct inode_ops *ops = dir->inode->ops;

    if (d && d->inode->ops->valid && !d->inode->ops->valid(d)) {
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

static error_t search_permission(const struct walk *w, struct inode *dir)
{
    if (!S_ISDIR(dir->mode))
        return ERR_NOT_DIRECTORY;
    if ((dir->mode & 0111) == 0111)
        return 0;
    return vfs_permission(w->p, dir, MAY_EXEC);
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
        struct dentry *to = NULL;

        e = i->ops->follow(i, w->p, &to, &w->file);
        if (!e && to)
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
        w->at = walk_root(w);
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
static void found_last(const struct walk *w, struct last *last, const char *name, uint32_t len, uint32_t hash)
{
    *last = (struct last){ .dir = w->at, .name = name, .len = len, .hash = hash, .trailing_slash = w->slash };
    if (is_dots(name, len)) {
        last->special = true;
        last->child = len == 1 ? w->at : dot_dot(w, w->at);
    }
}

/* One component that is neither the wanted last one nor dots. *done: the walk is at its end. */
static error_t step(struct walk *w, struct dentry *child, bool is_last, const char **path, struct last *last, bool *done)
{
    bool follow = !is_last || (w->flags & LOOKUP_FOLLOW) || (w->slash && !w->want_last);
    error_t e;

    if (S_ISLNK(child->inode->mode) && follow) {
        bool magic = child->inode->ops->follow != NULL;

        w->file = NULL;
        e = follow_link(w, child, path);
        if (e)
            return e;
        if (w->file)
            w->at = w->file->dentry;
        if (!magic || !is_last)
            return w->at ? 0 : ERR_NOT_DIRECTORY;
        if (last)
            *last = (struct last){ .dir = w->at, .name = "", .special = true, .child = w->at, .file = w->file };
        *done = true;
        return 0;
    }
    *done = is_last;
    if (is_last && w->want_last)
        last->child = child;
    else
        w->at = child;
    return 0;
}

/* Walk to the end, or with want_last to the directory of the last component. A remaining
 * path that was pushed never starts with a slash nor is empty, so the component before an
 * empty rest with an empty stack is the last. */
static error_t walk(struct walk *w, const char *path, struct last *last)
{
    bool done = false;

    while (!done) {
        const char *name = skip_slashes(path);
        struct dentry *child;
        uint32_t len, hash;
        bool is_last;
        error_t e;

        if (!*name) {
            if (!w->depth)
                break;
            path = w->rest[--w->depth];
            continue;
        }
        e = search_permission(w, w->at->inode);
        if (e)
            return e;
        len = component(w->at, name, &hash);
        if (len > FS_NAME_MAX)
            return ERR_NAME_TOO_LONG;
        path = skip_slashes(name + len);
        is_last = !*path && !w->depth;
        if (is_last && path != name + len)
            w->slash = true;
        if (is_last && w->want_last) {
            found_last(w, last, name, len, hash);
            if (last->special)
                return 0;
        }
        if (is_dots(name, len)) {
            if (len == 2)
                w->at = dot_dot(w, w->at);
            continue;
        }
        e = vfs_child(w->at, name, len, hash, &child);
        if (e == ERR_NOT_FOUND && is_last && w->want_last)
            return 0;
        if (!e)
            e = step(w, down_mounts(child), is_last, &path, last, &done);
        if (e)
            return e;
    }
    if (w->want_last) {
        if (!last->dir && !last->file)      /* nothing but slashes */
            *last = (struct last){ .dir = w->at, .name = "", .special = true, .child = w->at, .trailing_slash = true };
        return 0;
    }
    if (w->at && (w->slash || (w->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(w->at->inode->mode))
        return ERR_NOT_DIRECTORY;
    return !w->at && (w->slash || (w->flags & LOOKUP_DIRECTORY)) ? ERR_NOT_DIRECTORY : 0;
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
        w->at = walk_root(w);
    } else if (dirfd == FS_AT_FDCWD) {
        w->at = p ? p->fs->cwd : vfs_mounts->root;
    } else {
        f = p ? fd_lookup_any(p, dirfd) : NULL;
        if (!f)
            return ERR_BAD_HANDLE;
        w->at = f->dentry;
        if (!path[0]) {
            w->file = f;
            return 0;
        }
        if (!w->at || !S_ISDIR(w->at->inode->mode))
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
    w.want_last = false;
    if (!e && path[0])
        e = walk(&w, path, NULL);
    if (e)
        return e;
    found->dentry = w.at;
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
    w.want_last = true;
    if (!e)
        e = walk(&w, path, last);
    if (!e && !last->child && !last->file && !last->dir->linked && last->dir->parent != last->dir)
        e = ERR_NOT_FOUND;          /* in a removed directory */
    return e;
}

error_t vfs_path(struct process *p, struct dentry *d, char *text, size_t room, size_t *len)
{
    static const char unreachable[] = "(unreachable)";
    struct dentry *root = p ? p->fs->root : vfs_mounts->root;
    size_t at = room;
    bool gone = !d->linked && d->parent != d;

    if (room < 2)
        return ERR_RANGE_RESULT;
    while (d != root) {
        while (d != root && d->parent == d) {
            if (!d->inode->sb->covers)
                goto outside;
            d = d->inode->sb->covers;
        }
        if (d == root)
            break;
        if (at < (size_t)d->len + 1)
            return ERR_RANGE_RESULT;
        at -= d->len;
        memcpy(text + at, d->name, d->len);
        text[--at] = '/';
        d = d->parent;
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
