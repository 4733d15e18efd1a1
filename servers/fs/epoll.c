/* SPDX-License-Identifier: MIT */
/*
 * epoll: a set of watched files that is itself a file.
 *
 * Each item has a waiter on its file's queue for as long as it exists. A wake
 * puts the item on the set's ready list; epoll_wait looks at that list only, so
 * its cost is what is ready, not what is watched.
 *
 *   level-triggered   a reported item goes back to the end of the ready list,
 *                     and leaves it when a later look finds the file not ready
 *   edge-triggered    leaves it when reported; the next wake brings it back
 *   one-shot          leaves it when reported, and is deaf until modified
 *
 * Life: an item holds no reference to its file. The file lists its items
 * (file->poll_links), and the last file_put takes them away (epoll_unwatch,
 * called through file_unwatch). A set that dies takes its items along.
 *
 * Leases: what epoll_wait reports is a function of the ready list and of the
 * levels of its files, as long as all on the list are level-triggered and are
 * reported. Such an answer is leased when nothing happened since the one before.
 * It is broken by whatever wakes an item, by a level that falls (the queues of
 * reported files are marked `leased`), by epoll_ctl, and by an item's end.
 *
 * Sets may watch sets, up to EP_NESTING deep and never in a circle: then a
 * wake may travel from set to set, and stops where an item was ready already.
 */
#include <fs_server.h>
#include <stdlib.h>
#include <string.h>

#include "lease.h"
#include "poll.h"
#include "process.h"
#include "vfs.h"

#define EPOLL_CTL_ADD 1u
#define EPOLL_CTL_DEL 2u
#define EPOLL_CTL_MOD 3u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)
#define EP_PRIVATE     (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EP_EXCLUSIVE_OK (FS_POLLIN | FS_POLLOUT | FS_POLLRDNORM | FS_POLLWRNORM | FS_POLLERR | FS_POLLHUP | \
                         EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define EP_NESTING     5
#define EP_MAX_EVENTS  4096u
#define EP_BATCH       32u

struct epitem {
    struct waiter waiter;           /* first; on the file's queue               */
    struct epoll *ep;
    struct file *file;              /* borrowed, see above                      */
    int32_t  fd;
    uint32_t events;
    uint64_t data;
    bool     ready;                 /* on the ready list                        */
    struct epitem *ready_next, *ready_prev;
    struct epitem *file_next, *file_prev;   /* file->poll_links                 */
    struct epitem *hash_next;
};

struct epoll {
    struct file *file;              /* its own                                  */
    struct waitq waiters;
    struct epitem *ready_first, *ready_last;
    uint32_t nr_items, nr_buckets;  /* a power of two                           */
    struct epitem **bucket;
    bool asked;                     /* answered since the last change           */
    uint64_t visited;               /* walks: number of the last one            */
    int      visited_depth;
};

static const struct file_ops epoll_ops;
static uint64_t walk;

static bool is_epoll(const struct file *f)
{
    return f->ops == &epoll_ops;
}

/* What the next epoll_wait reports may differ from what the last one did. */
static void set_changes(struct epoll *ep)
{
    ep->asked = false;
    file_changes(ep->file);
}

/* ---- the ready list ---- */

static void ready_add(struct epitem *item)
{
    struct epoll *ep = item->ep;

    item->ready = true;
    item->ready_next = NULL;
    item->ready_prev = ep->ready_last;
    if (ep->ready_last != NULL)
        ep->ready_last->ready_next = item;
    else
        ep->ready_first = item;
    ep->ready_last = item;
}

static void ready_remove(struct epitem *item)
{
    struct epoll *ep = item->ep;

    if (!item->ready)
        return;
    item->ready = false;
    if (item->ready_prev != NULL)
        item->ready_prev->ready_next = item->ready_next;
    else
        ep->ready_first = item->ready_next;
    if (item->ready_next != NULL)
        item->ready_next->ready_prev = item->ready_prev;
    else
        ep->ready_last = item->ready_prev;
}

static uint32_t interest(const struct epitem *item)
{
    uint32_t events = item->events & ~EP_PRIVATE;
    return events == 0 ? 0 : events | FS_POLLERR | FS_POLLHUP;
}

static void make_ready(struct epitem *item)
{
    if (item->ready)
        return;
    ready_add(item);
    waitq_wake(&item->ep->waiters, FS_POLLIN | FS_POLLRDNORM);
}

static void item_wake(struct waiter *w, uint32_t events)
{
    struct epitem *item = (struct epitem *)w;

    set_changes(item->ep);
    if (events != FS_WAKE_LEVEL && interest(item) != 0)
        make_ready(item);
}

static uint32_t item_level(const struct epitem *item)
{
    return file_poll(item->file, NULL) & interest(item);
}

/* ---- the set ---- */

static uint32_t hash(const struct file *f, int32_t fd)
{
    uint64_t h = ((uintptr_t)f >> 4) * 0x9e3779b97f4a7c15ul + (uint32_t)fd * 0xc2b2ae3d27d4eb4ful;
    return (uint32_t)(h >> 32);
}

static struct epitem **find_slot(struct epoll *ep, const struct file *f, int32_t fd)
{
    struct epitem **slot = &ep->bucket[hash(f, fd) & (ep->nr_buckets - 1)];

    while (*slot != NULL && ((*slot)->file != f || (*slot)->fd != fd))
        slot = &(*slot)->hash_next;
    return slot;
}

static void grow_table(struct epoll *ep)
{
    uint32_t nr = ep->nr_buckets * 2;
    struct epitem **bucket = calloc(nr, sizeof(*bucket)); /* NOLINT(bugprone-sizeof-expression): of pointers */

    if (bucket == NULL)
        return;     /* longer chains, nothing worse */
    for (uint32_t i = 0; i < ep->nr_buckets; i++) {
        for (struct epitem *item = ep->bucket[i], *next; item != NULL; item = next) {
            next = item->hash_next;
            struct epitem **slot = &bucket[hash(item->file, item->fd) & (nr - 1)];
            item->hash_next = *slot;
            *slot = item;
        }
    }
    free(ep->bucket);
    ep->bucket = bucket;
    ep->nr_buckets = nr;
}

static void link_file(struct epitem *item)
{
    struct epitem *first = item->file->poll_links;

    item->file_prev = NULL;
    item->file_next = first;
    if (first != NULL)
        first->file_prev = item;
    item->file->poll_links = item;
}

static void unlink_file(struct epitem *item)
{
    if (item->file_prev != NULL)
        item->file_prev->file_next = item->file_next;
    else
        item->file->poll_links = item->file_next;
    if (item->file_next != NULL)
        item->file_next->file_prev = item->file_prev;
}

static void item_free(struct epitem *item)
{
    struct epitem **slot = find_slot(item->ep, item->file, item->fd);

    set_changes(item->ep);
    *slot = item->hash_next;
    item->ep->nr_items--;
    ready_remove(item);
    waiter_remove(&item->waiter);
    unlink_file(item);
    free(item);
}

static void epoll_unwatch(struct file *f)
{
    while (f->poll_links != NULL)
        item_free(f->poll_links);   /* NOLINT(clang-analyzer-unix.Malloc): takes it off this list */
}

/* ---- circles ---- */

/* The longest way down from ep, itself counted; more than EP_NESTING means too
 * deep. Sets *circle when it meets `target`. Each set is entered once a walk. */
/* NOLINTNEXTLINE(misc-no-recursion): EP_NESTING deep */
static int depth_below(struct epoll *ep, const struct epoll *target, int level, bool *circle)
{
    if (ep == target)
        *circle = true;
    if (*circle || level > EP_NESTING)
        return level > EP_NESTING ? EP_NESTING + 1 : 1;
    if (ep->visited == walk)
        return ep->visited_depth;
    ep->visited = walk;
    ep->visited_depth = 1;
    int deepest = 0;
    for (uint32_t i = 0; i < ep->nr_buckets; i++) {
        for (struct epitem *item = ep->bucket[i]; item != NULL; item = item->hash_next) {
            if (!is_epoll(item->file))
                continue;
            int depth = depth_below(item->file->data, target, level + 1, circle);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    return ep->visited_depth = deepest + 1;
}

/* NOLINTNEXTLINE(misc-no-recursion): EP_NESTING deep */
static int depth_above(struct epoll *ep, int level)
{
    if (level > EP_NESTING)
        return EP_NESTING + 1;
    if (ep->visited == walk)
        return ep->visited_depth;
    ep->visited = walk;
    ep->visited_depth = 1;
    int highest = 0;
    for (struct epitem *item = ep->file->poll_links; item != NULL; item = item->file_next) {
        int depth = depth_above(item->ep, level + 1);
        highest = depth > highest ? depth : highest;
    }
    return ep->visited_depth = highest + 1;
}

static error_t check_nesting(struct epoll *ep, struct file *target)
{
    bool circle = false;

    if (!is_epoll(target))
        return 0;
    walk++;
    int below = depth_below(target->data, ep, 1, &circle);
    walk++;
    if (circle || below + depth_above(ep, 1) > EP_NESTING)
        return ERR_LOOP;
    return 0;
}

/* ---- control ---- */

static error_t add_item(struct epoll *ep, struct file *target, const struct fs_epoll_ctl_in *in)
{
    error_t error = check_nesting(ep, target);

    if (error != 0)
        return error;
    struct epitem *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return ERR_NO_MEMORY;
    if (ep->nr_items >= ep->nr_buckets * 2)
        grow_table(ep);
    item->ep = ep;
    item->file = target;
    item->fd = (int32_t)in->fd_handle;
    item->events = in->events;
    item->data = in->data;
    item->waiter.events = interest(item) | FS_WAKE_LEVEL;
    item->waiter.wake = item_wake;
    struct epitem **slot = find_slot(ep, target, (int32_t)in->fd_handle);
    item->hash_next = *slot;
    *slot = item;
    ep->nr_items++;
    link_file(item);
    if (file_poll(target, &item->waiter) & interest(item))
        make_ready(item);
    return 0;
}

static error_t modify_item(struct epitem *item, const struct fs_epoll_ctl_in *in)
{
    if ((item->events | in->events) & EPOLLEXCLUSIVE)
        return ERR_INVALID_ARGUMENT;
    item->events = in->events;
    item->data = in->data;
    item->waiter.events = interest(item) | FS_WAKE_LEVEL;
    if (item_level(item) != 0)
        make_ready(item);
    return 0;
}

error_t fs_serve_epoll_ctl(struct rpc_call *call, const struct fs_epoll_ctl_in *in, struct fs_epoll_ctl_out *out)
{
    const struct file *f = handle_file(in->epfd);
    struct file *target = handle_file(in->fd);
    struct epoll *ep = f->data;

    (void)call, (void)out;
    if (target->ops->poll == NULL)
        return ERR_PERMISSION;
    if (!is_epoll(f) || target == f)
        return ERR_INVALID_ARGUMENT;
    if (in->op != EPOLL_CTL_DEL && (in->events & EPOLLEXCLUSIVE) &&
        (in->op == EPOLL_CTL_MOD || is_epoll(target) || (in->events & ~EP_EXCLUSIVE_OK)))
        return ERR_INVALID_ARGUMENT;
    struct epitem *item = *find_slot(ep, target, (int32_t)in->fd_handle);
    set_changes(ep);
    switch (in->op) {
    case EPOLL_CTL_ADD:
        return item != NULL ? ERR_EXISTS : add_item(ep, target, in);
    case EPOLL_CTL_MOD:
        return item == NULL ? ERR_NOT_FOUND : modify_item(item, in);
    case EPOLL_CTL_DEL:
        if (item == NULL)
            return ERR_NOT_FOUND;
        item_free(item);
        return 0;
    default:
        return ERR_INVALID_ARGUMENT;
    }
}

/* ---- waiting ---- */

struct parked_epoll {
    struct parked parked;           /* first                                    */
    struct process *process;
    struct io io;
    uint32_t max, count;
    uint8_t  copy[IO_COPY_MAX];
};

/* Report item, or drop it from the ready list. True: *event was filled. */
static bool collect_one(struct epitem *item, struct fs_epoll_event *event)
{
    uint32_t level = item_level(item);

    ready_remove(item);
    if (level == 0)
        return false;
    *event = (struct fs_epoll_event){ .events = level, .data = item->data };
    if (item->events & EPOLLONESHOT) {
        item->events &= EP_PRIVATE;
        item->waiter.events = 0;
    } else if (!(item->events & EPOLLET)) {
        ready_add(item);
    }
    return true;
}

/* Report up to max ready items into io. ERR_WOULD_BLOCK: there is none. */
static error_t collect(struct epoll *ep, const struct process *process, struct io *io, uint32_t max, uint32_t *count)
{
    struct fs_epoll_event event[EP_BATCH];
    struct epitem *last = ep->ready_last;   /* those put back come after it */
    uint32_t n = 0;
    error_t error = 0;
    bool end = last == NULL;

    *count = 0;
    poll_process = process;
    while (!end && error == 0 && *count + n < max) {
        struct epitem *item = ep->ready_first;
        end = item == last;
        n += collect_one(item, &event[n]);
        if (n == EP_BATCH) {
            error = io_put(io, event, n * sizeof(event[0]));
            *count += error == 0 ? n : 0;
            n = 0;
        }
    }
    poll_process = NULL;
    if (n != 0 && error == 0) {
        error = io_put(io, event, n * sizeof(event[0]));
        *count += error == 0 ? n : 0;
    }
    if (*count != 0)
        return 0;
    return error != 0 ? error : ERR_WOULD_BLOCK;
}

static error_t epoll_attempt(struct parked *parked)
{
    struct parked_epoll *pe = (struct parked_epoll *)parked;

    return collect(parked->file->data, pe->process->open ? pe->process : NULL, &pe->io, pe->max, &pe->count);
}

static void epoll_reply(struct parked *parked, error_t error)
{
    struct parked_epoll *pe = (struct parked_epoll *)parked;

    if (error == ERR_TIMEOUT)
        error = 0;
    struct fs_epoll_wait_out out = { .done = pe->io.done, .count = pe->count };
    fs_epoll_wait_reply(parked->call, error, &out);
}

static void epoll_release_parked(struct parked *parked)
{
    io_fini(&((struct parked_epoll *)parked)->io);
}

static const struct parked_ops epoll_wait_ops = {
    .attempt = epoll_attempt,
    .reply = epoll_reply,
    .release = epoll_release_parked,
};
_Static_assert(sizeof(struct parked_epoll) <= PARKED_MAX_BYTES, "fits a parked record");

static void parked_wake(struct waiter *w, uint32_t events)
{
    (void)events;
    parked_retry((struct parked *)((char *)w - offsetof(struct parked, waiter)));
}

/* All ready ones were just reported, `count` of them. See the top of this file. */
static uint32_t lease_answer(struct process *process, int32_t epfd, struct epoll *ep, uint32_t max, uint32_t count)
{
    uint32_t n = 0;

    if (!ep->asked) {
        ep->asked = true;
        return 0;
    }
    if (count != 0 && max > FS_EPOLL_LEASE_MAX)
        return 0;
    for (const struct epitem *item = ep->ready_first; item != NULL; item = item->ready_next)
        if (++n > count || !item->file->ops->announces_falls || (item->events & (EPOLLET | EPOLLONESHOT)))
            return 0;
    if (n != count)
        return 0;
    for (const struct epitem *item = ep->ready_first; item != NULL; item = item->ready_next)
        item->waiter.queue->leased = true;
    return lease_grant(process, epfd, ep->file);
}

error_t fs_serve_epoll_wait(struct rpc_call *call, const struct fs_epoll_wait_in *in, struct fs_epoll_wait_out *out)
{
    struct process *process = request_process(call);
    const struct file *f = handle_file(in->epfd);
    struct epoll *ep = f->data;
    struct parked *parked;
    struct io io;

    if (!is_epoll(f))
        return ERR_INVALID_ARGUMENT;
    uint64_t max = in->events.bytes / sizeof(struct fs_epoll_event);
    max = in->max < max ? in->max : max;
    max = max < EP_MAX_EVENTS ? max : EP_MAX_EVENTS;
    if (max == 0)
        return ERR_INVALID_ARGUMENT;
    io_init_buffer(&io, call, &in->events);
    error_t error = collect(ep, process, &io, (uint32_t)max, &out->count);
    out->done = io.done;
    if (error != ERR_WOULD_BLOCK || in->deadline == 0) {
        io_fini(&io);
        out->lease = error == 0 || error == ERR_WOULD_BLOCK
                         ? lease_answer(process, (int32_t)in->epfd_handle, ep, (uint32_t)max, out->count) : 0;
        return error == ERR_WOULD_BLOCK ? 0 : error;
    }
    error = park(call, &epoll_wait_ops, sizeof(struct parked_epoll), ep->file, in->deadline, &parked);
    if (error != 0) {
        io_fini(&io);
        return error;
    }
    struct parked_epoll *pe = (struct parked_epoll *)parked;
    pe->process = process;
    pe->max = (uint32_t)max;
    io_park(&pe->io, &io, parked->call, pe->copy, false);
    parked->waiter.events = FS_POLLIN;
    parked->waiter.wake = parked_wake;
    waitq_add(&ep->waiters, &parked->waiter);
    return RPC_PENDING;
}

/* ---- the file ---- */

static uint32_t epoll_poll(struct file *f, struct waiter *w)
{
    struct epoll *ep = f->data;

    if (w != NULL && w->queue == NULL)
        waitq_add(&ep->waiters, w);
    while (ep->ready_first != NULL) {
        if (item_level(ep->ready_first) != 0)
            return FS_POLLIN | FS_POLLRDNORM;
        ready_remove(ep->ready_first);
    }
    return 0;
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->data;

    for (uint32_t i = 0; i < ep->nr_buckets; i++)
        while (ep->bucket[i] != NULL)
            item_free(ep->bucket[i]);   /* NOLINT(clang-analyzer-unix.Malloc): takes it off this list */
    waitq_close(&ep->waiters);
    free(ep->bucket);
    free(ep);
}

static const struct file_ops epoll_ops = {
    .name = "anon_inode:[eventpoll]",
    .poll = epoll_poll,
    .release = epoll_release,
};

static struct epoll *epoll_new(void)
{
    struct epoll *ep = calloc(1, sizeof(*ep));
    if (ep == NULL)
        return NULL;
    ep->nr_buckets = 8;
    ep->bucket = calloc(ep->nr_buckets, sizeof(*ep->bucket)); /* NOLINT(bugprone-sizeof-expression): of pointers */
    if (ep->bucket == NULL) {
        free(ep);
        return NULL;
    }
    waitq_init(&ep->waiters);
    return ep;
}

error_t fs_serve_epoll_create(struct rpc_call *call, const struct fs_epoll_create_in *in,
                              struct fs_epoll_create_out *out)
{
    struct process *process = process_of(call);
    struct file *f;

    if (process == NULL)
        return ERR_PEER_CLOSED;
    if (in->flags & ~O_CLOEXEC)
        return ERR_INVALID_ARGUMENT;
    struct epoll *ep = epoll_new();
    if (ep == NULL)
        return ERR_NO_MEMORY;
    error_t error = file_new(&epoll_ops, O_RDWR, 0600, &f);
    if (error != 0) {
        free(ep->bucket);
        free(ep);
        return error;
    }
    f->data = ep;
    ep->file = f;
    file_unwatch = epoll_unwatch;
    error = fd_install(process, f, in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, &out->fd);
    if (error != 0)
        file_put(f);
    return error;
}
