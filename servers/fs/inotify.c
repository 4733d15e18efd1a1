/* SPDX-License-Identifier: MIT */
/*
 * inotify instances, their watches and queues of events.
 *
 * A watch is on the list of its inode and on that of its instance. It holds no
 * reference: an inode that dies ends its watches (IN_DELETE_SELF, or IN_UNMOUNT
 * with its file system, then IN_IGNORED).
 *
 * A queue holds QUEUE_MAX events or QUEUE_BYTES at most; then one IN_Q_OVERFLOW
 * says that some are missing. Instances and watches are limited for each user,
 * as on Linux, so what one user can make fs keep is bounded.
 */
#include "inotify.h"

#include <stdlib.h>
#include <string.h>

#include "fs_server.h"
#include "lease.h"
#include "mounts.h"
#include "process.h"

#define IN_UNMOUNT     0x2000u
#define IN_Q_OVERFLOW  0x4000u
#define IN_IGNORED     0x8000u
#define IN_ALL_EVENTS  0xfffu
#define IN_ONLYDIR     0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD    0x20000000u
#define IN_ISDIR       0x40000000u
#define IN_ONESHOT     0x80000000u
#define IN_ALL_BITS    (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
                        IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)

#define USER_INSTANCES 128u
#define USER_WATCHES   16384u
#define QUEUE_MAX      16384u
#define QUEUE_BYTES    (256ul * 1024)
#define FIONREAD       0x541bu

struct watch {
    struct inotify *owner;
    struct inode *inode;
    struct watch *next;             /* of the instance                          */
    struct watch *inode_next;
    int32_t wd;
    uint32_t mask;
};

/* As read(2) gives it. */
struct wire_event { int32_t wd; uint32_t mask, cookie, len; };
_Static_assert(sizeof(struct wire_event) == 16, "inotify(7): struct inotify_event");

struct event {
    struct event *next;
    struct wire_event wire;
    char name[];                    /* wire.len bytes, padded with zeros        */
};

struct inotify {
    uint32_t user;
    int32_t last_wd;
    uint32_t nr_watches, nr_events;
    uint64_t bytes;                 /* of all events, as read                   */
    struct watch *watches;
    struct event *first, *last;
    struct event *overflow;         /* made with the instance; NULL while queued */
    struct waitq waiters;
    struct inotify *next;           /* of all                                   */
};

uint32_t inotify_nr_watches;
static struct inotify *instances;

/* ---- the queue ---- */
static void append(struct inotify *n, struct event *e)
{
    e->next = NULL;
    if (n->last)
        n->last->next = e;
    else
        n->first = e;
    n->last = e;
    n->nr_events++;
    n->bytes += sizeof e->wire + e->wire.len;
    waitq_wake(&n->waiters, FS_POLLIN | FS_POLLRDNORM);
}

static void overflow(struct inotify *n)
{
    if (!n->overflow)
        return;
    n->overflow->wire = (struct wire_event){ .wd = -1, .mask = IN_Q_OVERFLOW };
    append(n, n->overflow);
    n->overflow = NULL;
}

/* Room for the name and a NUL, in steps of the header's size. */
static uint32_t padded(uint32_t len)
{
    uint32_t step = sizeof(struct wire_event);

    return len ? (len + 1 + step - 1) / step * step : 0;
}

static void queue_event(struct inotify *n, int32_t wd, uint32_t mask, uint32_t cookie, const char *name, uint32_t len)
{
    struct wire_event wire = { wd, mask, cookie, padded(len) };
    struct event *e = n->last;

    /* the same once more says nothing new */
    if (e && e->wire.wd == wd && e->wire.mask == mask && e->wire.len == wire.len && !(mask & IN_IGNORED) &&
        (!len || (!memcmp(e->name, name, len) && !e->name[len])))
        return;
    if (n->nr_events >= QUEUE_MAX || n->bytes + sizeof wire + wire.len > QUEUE_BYTES) {
        overflow(n);
        return;
    }
    e = malloc(sizeof *e + wire.len);
    if (!e) {
        overflow(n);
        return;
    }
    e->wire = wire;
    if (len) {
        memset(e->name, 0, wire.len);
        memcpy(e->name, name, len);
    }
    append(n, e);
}

static void drop_first(struct inotify *n)
{
    struct event *e = n->first;

    n->first = e->next;
    if (!n->first)
        n->last = NULL;
    n->nr_events--;
    n->bytes -= sizeof e->wire + e->wire.len;
    if (e->wire.mask & IN_Q_OVERFLOW)
        n->overflow = e;
    else
        free(e);
}

/* ---- watches ---- */
static void watch_end(struct watch *w)
{
    struct watch **at;

    for (at = &w->inode->watches; *at != w; at = &(*at)->inode_next)
        ;
    *at = w->inode_next;
    for (at = &w->owner->watches; *at != w; at = &(*at)->next)
        ;
    *at = w->next;
    w->owner->nr_watches--;
    inotify_nr_watches--;
    free(w);
}

static void watch_ignored(struct watch *w)
{
    queue_event(w->owner, w->wd, IN_IGNORED, 0, NULL, 0);
    watch_end(w);
}

static void deliver(struct inode *i, uint32_t mask, uint32_t cookie, const char *name, uint32_t len, bool gone)
{
    struct watch *w, *next;

    for (w = i->watches; w; w = next) {
        next = w->inode_next;
        if (!(mask & w->mask & (IN_ALL_EVENTS | IN_UNMOUNT)) || (gone && (w->mask & IN_EXCL_UNLINK)))
            continue;
        queue_event(w->owner, w->wd, mask, cookie, name, len);
        if (w->mask & IN_ONESHOT)
            watch_ignored(w);
    }
}

static bool wants_reads(const struct inode *i)
{
    for (const struct watch *w = i->watches; w; w = w->inode_next)
        if (w->mask & IN_ACCESS)
            return true;
    return false;
}

bool inotify_wants_reads(const struct file *f)
{
    return inotify_watched() && (wants_reads(f->inode) || (f->dentry && wants_reads(f->dentry->parent->inode)));
}

/* Reads from windows end, for files that this inode's watches are about. */
static void reads_are_wanted(const struct inode *i)
{
    for (struct file *f = file_all(), *next; f; f = next) {
        next = f->all_next;
        if (f->leased && f->dentry && (f->inode == i || f->dentry->parent->inode == i))
            lease_break_file(f);
    }
}

/* ---- events ---- */
static uint32_t dir_bit(const struct inode *i)
{
    return S_ISDIR(i->mode) ? IN_ISDIR : 0;
}

void inotify_path_event(struct dentry *d, uint32_t mask)
{
    mask |= dir_bit(d->inode);
    if (d->parent != d && d->parent->inode->watches)
        deliver(d->parent->inode, mask, 0, d->name, d->len, !d->linked);
    if (d->inode->watches)
        deliver(d->inode, mask, 0, NULL, 0, false);
}

void inotify_name_event(struct dentry *dir, uint32_t mode, uint32_t mask, const char *name, uint32_t len, uint32_t cookie)
{
    if (dir->inode->watches)
        deliver(dir->inode, mask | (S_ISDIR(mode) ? IN_ISDIR : 0), cookie, name, len, false);
}

void inotify_inode_event(struct inode *i, uint32_t mask)
{
    if (i->watches)
        deliver(i, (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) ? mask : mask | dir_bit(i), 0, NULL, 0, false);
}

void inotify_inode_gone(struct inode *i)
{
    if (!i->nlink)
        inotify_inode_event(i, IN_DELETE_SELF);
    else if (!i->sb->root)
        inotify_inode_event(i, IN_UNMOUNT);
    while (i->watches)
        watch_ignored(i->watches);
}

uint32_t inotify_cookie(void)
{
    static uint32_t last;

    return ++last ? last : ++last;
}

/* ---- the file ---- */
static error_t inotify_read(struct file *f, struct io *io, uint64_t *position)
{
    struct inotify *n = f->data;
    struct event *e;

    (void)position;
    if (!n->first)
        return ERR_WOULD_BLOCK;
    while ((e = n->first)) {
        error_t bad;

        if (io_left(io) < sizeof e->wire + e->wire.len)
            return io->done ? 0 : ERR_INVALID_ARGUMENT;
        bad = io_put(io, &e->wire, sizeof e->wire);
        if (!bad && e->wire.len)
            bad = io_put(io, e->name, e->wire.len);
        if (bad)
            return bad;
        drop_first(n);
    }
    waitq_level_changes(&n->waiters);
    return 0;
}

static uint32_t inotify_poll(struct file *f, struct waiter *w)
{
    struct inotify *n = f->data;

    if (w && !w->queue)
        waitq_add(&n->waiters, w);
    return n->first ? FS_POLLIN | FS_POLLRDNORM : 0;
}

static error_t inotify_ioctl(struct file *f, struct rpc_call *call, uint32_t command, uint64_t argument,
                             uint64_t *result)
{
    int32_t bytes = (int32_t)((struct inotify *)f->data)->bytes;

    *result = 0;
    return command == FIONREAD ? rpc_client_write(call, argument, &bytes, sizeof bytes) : ERR_NOT_TTY;
}

static void inotify_release(struct file *f)
{
    struct inotify *n = f->data, **at;

    for (at = &instances; *at != n; at = &(*at)->next)
        ;
    *at = n->next;
    while (n->watches)
        watch_end(n->watches);
    while (n->first)
        drop_first(n);
    waitq_close(&n->waiters);
    free(n->overflow);
    free(n);
}

static const struct file_ops inotify_ops = {
    .name = "anon_inode:inotify",
    .announces_falls = true,
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .release = inotify_release,
};

/* ---- requests ---- */
static unsigned count_of_user(uint32_t user, bool watches)
{
    unsigned count = 0;

    for (const struct inotify *n = instances; n; n = n->next)
        if (n->user == user)
            count += watches ? n->nr_watches : 1;
    return count;
}

error_t fs_serve_inotify_init(struct rpc_call *call, const struct fs_inotify_init_in *in,
                              struct fs_inotify_init_out *out)
{
    struct process *p = process_of(call);
    struct inotify *n;
    struct file *f;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(O_CLOEXEC | O_NONBLOCK))
        return ERR_INVALID_ARGUMENT;
    if (count_of_user(p->page->ruid, false) >= USER_INSTANCES)
        return ERR_TOO_MANY_FILES;
    n = calloc(1, sizeof *n);
    if (n)
        n->overflow = calloc(1, sizeof *n->overflow);
    e = n && n->overflow ? file_new(&inotify_ops, O_RDONLY | (in->flags & O_NONBLOCK), 0600, &f) : ERR_NO_MEMORY;
    if (e) {
        if (n)
            free(n->overflow);
        free(n);
        return e;
    }
    n->user = p->page->ruid;
    waitq_init(&n->waiters);
    n->next = instances;
    instances = n;
    f->data = n;
    e = fd_install(p, f, in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, &out->fd);
    if (e)
        file_put(f);
    return e;
}

static error_t watch_change(struct watch *w, uint32_t mask)
{
    const uint32_t kept = IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT;

    if (mask & IN_MASK_CREATE)
        return ERR_EXISTS;
    w->mask = (mask & IN_MASK_ADD ? w->mask : IN_UNMOUNT) | (mask & kept);
    if (w->mask & IN_ACCESS)
        reads_are_wanted(w->inode);
    return 0;
}

static error_t watch_new(struct inotify *n, struct inode *i, uint32_t mask, struct watch **out)
{
    struct watch *w;

    if (count_of_user(n->user, true) >= USER_WATCHES)
        return ERR_NO_SPACE;
    w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NO_MEMORY;
    n->last_wd = n->last_wd == INT32_MAX ? 1 : n->last_wd + 1;
    *w = (struct watch){ .owner = n, .inode = i, .next = n->watches, .inode_next = i->watches, .wd = n->last_wd };
    n->watches = w;
    i->watches = w;
    n->nr_watches++;
    inotify_nr_watches++;
    *out = w;
    return watch_change(w, mask & ~(IN_MASK_CREATE | IN_MASK_ADD));
}

error_t fs_serve_inotify_add_watch(struct rpc_call *call, const struct fs_inotify_add_watch_in *in,
                                   struct fs_inotify_add_watch_out *out)
{
    uint32_t how = in->mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW;
    struct process *p = process_of(call);
    const struct file *f;
    struct inotify *n;
    struct watch *w;
    struct inode *i;
    struct found at;
    error_t e;

    if (!p)
        return ERR_PEER_CLOSED;
    if (!(in->mask & IN_ALL_BITS))
        return ERR_INVALID_ARGUMENT;
    f = fd_lookup(p, in->fd);
    if (!f)
        return ERR_BAD_HANDLE;
    if (((in->mask & IN_MASK_ADD) && (in->mask & IN_MASK_CREATE)) || f->ops != &inotify_ops)
        return ERR_INVALID_ARGUMENT;
    n = f->data;
    e = vfs_lookup(p, FS_AT_FDCWD, in->path, how | (in->mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0), &at);
    if (e)
        return e;
    i = at.path.dentry ? at.path.dentry->inode : at.file->inode;
    if (!i)
        return ERR_INVALID_ARGUMENT;
    e = vfs_permission(p, at.path.mnt, i, MAY_READ);
    if (e)
        return e;
    for (w = i->watches; w && w->owner != n; w = w->inode_next)
        ;
    e = w ? watch_change(w, in->mask) : watch_new(n, i, in->mask, &w);
    if (!e)
        out->wd = w->wd;
    return e;
}

error_t fs_serve_inotify_rm_watch(struct rpc_call *call, const struct fs_inotify_rm_watch_in *in,
                                  struct fs_inotify_rm_watch_out *out)
{
    const struct file *f = handle_file(in->fd);
    const struct inotify *n = f->data;
    struct watch *w;

    (void)call, (void)out;
    if (f->ops != &inotify_ops)
        return ERR_INVALID_ARGUMENT;
    for (w = n->watches; w && w->wd != in->wd; w = w->next)
        ;
    if (!w)
        return ERR_INVALID_ARGUMENT;
    watch_ignored(w);
    return 0;
}
