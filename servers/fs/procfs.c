/* SPDX-License-Identifier: MIT */
/*
 * The tree of /proc. A static table of nodes describes it; inodes and dentries
 * are made when looked up and thrown away when nobody holds them.
 *
 * inode private_[0] is the node, private_[1] is pid << 32 | extra, extra being a
 * descriptor or a thread id.
 *
 * The content of a file is made when it is read at its start, and kept in the
 * open file for the reads that follow, so a reader sees one state. Contents
 * that need an answer from proc are made on a coroutine: the read returns
 * RPC_BLOCKS on the executor's stack.
 */
#include "procfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dcache.h"
#include "mounts.h"
#include "tmpfs.h"

static const struct inode_ops procfs_inode_ops, procfs_magic_ops;

static const struct proc_node *node_of(const struct inode *i)
{
    return (const struct proc_node *)(uintptr_t)i->private_[0];
}

static void target_of(const struct inode *i, struct process *reader, struct proc_target *t)
{
    t->pid = (uint32_t)(i->private_[1] >> 32);
    t->extra = (uint32_t)i->private_[1];
    t->reader = reader;
    t->process = t->pid ? process_by_pid(t->pid) : NULL;
}

bool proc_may_inspect(struct process *reader, struct process *target)
{
    if (!reader || reader == target || process_capable(reader, 19))
        return true;
    return process_fsuid(reader) == target->page->euid && target->page->dumpable == 1;
}

/* ---- files ---- */
static error_t make_content(struct file *f, struct process *reader)
{
    const struct proc_node *node = node_of(f->inode);
    struct text *t = f->data;
    struct proc_target target;
    struct text fresh = { 0 };
    error_t e;

    target_of(f->inode, reader, &target);
    if (target.pid && !target.process)
        return ERR_NO_PROCESS;
    e = node->print(&fresh, &target);
    if (!e && fresh.failed)
        e = ERR_NO_MEMORY;
    if (e) {
        text_free(&fresh);
        return e;
    }
    text_free(t);
    *t = fresh;
    f->value = 1;                   /* made */
    return 0;
}

static error_t procfs_read(struct file *f, struct io *io, uint64_t *position)
{
    struct text *t = f->data;
    uint64_t n = io_left(io);
    error_t e;

    if (!f->value || *position == 0) {
        if (node_of(f->inode)->blocks && !coro_self())
            return RPC_BLOCKS;
        e = make_content(f, io_process(io));
        if (e)
            return e;
    }
    if (*position >= t->len)
        return 0;
    if (n > t->len - *position)
        n = t->len - *position;
    e = io_put(io, t->data + *position, n);
    if (!e)
        *position += n;
    return e;
}

/* Takes all that was written and looks at its beginning. */
static error_t procfs_write(struct file *f, struct io *io, uint64_t *position)
{
    char text[PROC_WRITE_MAX];
    struct proc_target target;
    uint64_t n = io_left(io) < sizeof text ? io_left(io) : sizeof text;
    error_t e;

    (void)position;
    if (!coro_self())
        return RPC_BLOCKS;
    target_of(f->inode, io_process(io), &target);
    if (target.pid && !target.process)
        return ERR_NO_PROCESS;
    e = io_get(io, text, n);
    if (!e)
        e = node_of(f->inode)->write(&target, text, n);
    if (e)
        io->done = 0;
    else
        io_skip(io, io_left(io));
    return e;
}

static error_t procfs_seek(struct file *f, int64_t offset, uint32_t whence, uint64_t *position)
{
    return whence > 1 ? ERR_INVALID_ARGUMENT : seek_generic(f, offset, whence, 0, position);
}

static void procfs_release(struct file *f)
{
    if (f->data) {
        text_free(f->data);
        free(f->data);
    }
}

static const struct file_ops procfs_file_ops = {
    .name = "proc", .read = procfs_read, .write = procfs_write, .seek = procfs_seek, .release = procfs_release,
};

/* ---- directories ---- */
#define FIRST_NUMBERED 1024u        /* positions: static children from 2, numbers from here */

static uint64_t ino_of(const struct proc_node *node, uint32_t pid, uint32_t extra)
{
    return (uint64_t)pid << 32 | (uint64_t)(((uintptr_t)node >> 3) & 0x7ff) << 21 | (extra & 0x1fffff) | 1ul << 20;
}

static error_t procfs_getdents(struct file *f, struct io *io)
{
    const struct proc_node *node = node_of(f->inode);
    struct proc_target t;
    char name[16];
    error_t e = 0;

    target_of(f->inode, io_process(io), &t);
    if (t.pid && !t.process)
        return ERR_NOT_FOUND;
    while (f->offset < 2) {
        bool up = f->offset == 1;

        if (!dirent_put(io, up ? f->dentry->parent->inode->ino : f->inode->ino, f->offset + 1, S_IFDIR, "..",
                        up ? 2 : 1, &e))
            return e || io->done ? e : ERR_INVALID_ARGUMENT;
        f->offset++;
    }
    while (f->offset - 2 < node->nr_children) {
        const struct proc_node *c = &node->children[f->offset - 2];

        if (!dirent_put(io, ino_of(c, t.pid, t.extra), f->offset + 1, c->mode, c->name, strlen(c->name), &e))
            return e || io->done ? e : ERR_INVALID_ARGUMENT;
        f->offset++;
    }
    if (!node->numbered)
        return 0;
    if (f->offset < FIRST_NUMBERED)
        f->offset = FIRST_NUMBERED;
    for (;;) {
        uint32_t shown = 0;
        int64_t at = node->number_next(&t, (uint32_t)(f->offset - FIRST_NUMBERED), &shown);
        int n;

        if (at < 0)
            return 0;
        n = snprintf(name, sizeof name, "%u", shown);
        if (!dirent_put(io, ino_of(node->numbered, t.pid ? t.pid : shown, t.pid ? shown : 0),
                        FIRST_NUMBERED + (uint64_t)at + 1, node->numbered->mode, name, (size_t)n, &e))
            return e || io->done ? e : ERR_INVALID_ARGUMENT;
        f->offset = FIRST_NUMBERED + (uint64_t)at + 1;
    }
}

static error_t procfs_dir_read(struct file *f, struct io *io, uint64_t *position)
{
    (void)f, (void)io, (void)position;
    return ERR_IS_DIRECTORY;
}

static error_t procfs_dir_seek(struct file *f, int64_t offset, uint32_t whence, uint64_t *position)
{
    return whence > 1 ? ERR_INVALID_ARGUMENT : seek_generic(f, offset, whence, 0, position);
}

static const struct file_ops procfs_dir_ops = {
    .name = "directory", .read = procfs_dir_read, .seek = procfs_dir_seek, .getdents = procfs_getdents,
};

/* ---- inodes ---- */
static void refresh(struct inode *i)
{
    struct proc_target t;

    target_of(i, NULL, &t);
    if (t.process) {
        i->uid = t.process->page->euid;
        i->gid = t.process->page->egid;
    }
    i->mtime = i->ctime = i->atime = fs_now();
}

static error_t make_inode(struct superblock *sb, const struct proc_node *node, uint32_t pid, uint32_t extra,
                          struct inode **out)
{
    struct inode *i = inode_new(sb, node->follow ? &procfs_magic_ops : &procfs_inode_ops, node->mode);

    if (!i)
        return ERR_NO_MEMORY;
    i->private_[0] = (uintptr_t)node;
    i->private_[1] = (uint64_t)pid << 32 | extra;
    i->ino = ino_of(node, pid, extra);
    refresh(i);
    *out = i;
    return 0;
}

static bool parse_number(const char *name, uint32_t len, uint32_t *out)
{
    uint32_t v = 0;

    if (!len || len > 9 || (name[0] == '0' && len > 1))
        return false;
    for (uint32_t k = 0; k < len; k++) {
        if (name[k] < '0' || name[k] > '9')
            return false;
        v = v * 10 + (uint32_t)(name[k] - '0');
    }
    *out = v;
    return true;
}

static error_t procfs_lookup(struct dentry *dir, const char *name, uint32_t len, struct dentry **out)
{
    const struct proc_node *node = node_of(dir->inode), *found = NULL;
    struct proc_target t;
    uint32_t number = 0, pid, extra;
    struct inode *i;
    error_t e;

    target_of(dir->inode, NULL, &t);
    pid = t.pid;
    extra = t.extra;
    for (uint32_t k = 0; k < node->nr_children && !found; k++)
        if (strlen(node->children[k].name) == len && !memcmp(node->children[k].name, name, len))
            found = &node->children[k];
    if (!found) {
        if (!node->numbered || !parse_number(name, len, &number) || !node->number_exists(&t, number))
            return ERR_NOT_FOUND;
        found = node->numbered;
        if (pid)
            extra = number;
        else
            pid = number;
    }
    e = make_inode(dir->inode->sb, found, pid, extra, &i);
    if (e)
        return e;
    e = dentry_new(dir, name, len, i, true, out);
    if (e)
        inode_put(i);
    return e;
}

/* A process or descriptor may have gone since the dentry was made. */
static bool procfs_valid(struct dentry *d)
{
    const struct proc_node *node = node_of(d->inode), *up = node_of(d->parent->inode);
    struct proc_target t;

    target_of(d->inode, NULL, &t);
    if (t.pid && !t.process)
        return false;
    if (up->numbered == node && t.pid && up->number_exists && d->parent != d) {
        uint32_t number = (uint32_t)(d->parent->inode->private_[1] >> 32) ? t.extra : t.pid;

        target_of(d->parent->inode, NULL, &t);
        return up->number_exists(&t, number);
    }
    return true;
}

static error_t procfs_open(struct inode *i, struct file *f, struct process *p)
{
    const struct proc_node *node = node_of(i);
    struct proc_target t;

    target_of(i, p, &t);
    if (t.pid && !t.process)
        return ERR_NOT_FOUND;
    if (S_ISDIR(i->mode)) {
        f->ops = &procfs_dir_ops;
        return 0;
    }
    if (t.process && !(node->mode & 0004) && !proc_may_inspect(p, t.process))
        return ERR_ACCESS;
    if (file_writable(f) && !node->write)
        return ERR_ACCESS;
    f->data = calloc(1, sizeof(struct text));
    if (!f->data)
        return ERR_NO_MEMORY;
    f->ops = &procfs_file_ops;
    return 0;
}

static error_t procfs_readlink(struct inode *i, struct process *reader, char *text, size_t room, size_t *len)
{
    struct proc_target t;

    target_of(i, reader, &t);
    if (t.pid && !t.process)
        return ERR_NOT_FOUND;
    if (t.process && !proc_may_inspect(reader, t.process))
        return ERR_ACCESS;
    return node_of(i)->text(&t, text, room, len);
}

static error_t procfs_follow(struct inode *i, struct process *reader, struct path *to, struct file **f)
{
    struct proc_target t;

    target_of(i, reader, &t);
    if (!t.process)
        return ERR_NOT_FOUND;
    if (!proc_may_inspect(reader, t.process))
        return ERR_ACCESS;
    return node_of(i)->follow(&t, to, f);
}

static const struct inode_ops procfs_inode_ops = {
    .open = procfs_open,
    .lookup = procfs_lookup,
    .valid = procfs_valid,
    .readlink = procfs_readlink,
    .refresh = refresh,
};
/* Links that lead to objects have a follow operation; lookup.c goes by its presence. */
static const struct inode_ops procfs_magic_ops = {
    .open = procfs_open,
    .valid = procfs_valid,
    .readlink = procfs_readlink,
    .follow = procfs_follow,
    .refresh = refresh,
};

/* ---- the root ---- */
static bool pid_exists(const struct proc_target *t, uint32_t number)
{
    (void)t;
    return number && process_by_pid(number);
}

/* Positions are pids, so they come in rising order and none twice. */
static int64_t pid_next(const struct proc_target *t, uint32_t from, uint32_t *shown)
{
    (void)t;
    *shown = process_next_pid(from);
    return *shown == UINT32_MAX ? -1 : (int64_t)*shown;
}

static struct proc_node root_node = {
    .name = "", .mode = S_IFDIR | 0555, .children = proc_system_nodes, .numbered = &proc_process_node,
    .number_exists = pid_exists, .number_next = pid_next,
};

static error_t procfs_mount(struct superblock *sb)
{
    struct inode *i;
    error_t e = make_inode(sb, &root_node, 0, 0, &i);

    if (e)
        return e;
    i->ino = 1;
    sb->root = dentry_new_root(sb, i);
    if (sb->root)
        return 0;
    inode_put(i);
    return ERR_NO_MEMORY;
}

const struct fs_type procfs_type = { .name = "proc", .magic = 0x9fa0, .read_only_names = true, .single = true,
                                     .mount = procfs_mount };

void procfs_init(void)
{
    root_node.nr_children = proc_nr_system_nodes;
    vfs_register_type(&procfs_type);
}
