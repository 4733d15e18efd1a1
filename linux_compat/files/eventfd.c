/* SPDX-License-Identifier: MIT */
/*
 * eventfds that the process alone has are counted here.
 *
 * After some requests on an eventfd the process asks fs for its counter
 * (fs.eventfd_take) and owns it: reads and writes that need not wait are answered
 * from `counter`. It is returned before fs sees any other request that could
 * concern it: fs_client() returns all, fs_client_for(fd) that one, fork, vfork,
 * clone and exec all. Closing drops it.
 *
 * Only a process with one thread owns any, so no request of another thread can be
 * on its way while one is taken or returned, and nothing here is locked.
 *
 * A counter that had to be returned soon is not asked for again so soon.
 */
#include "../rpc_env.h"
#include "files.h"

#define EFD_SEMAPHORE 1u
#define O_NONBLOCK    04000u
#define COUNTER_MAX   0xfffffffffffffffeul
#define WANTED_MIN    4u
#define WANTED_MAX    4096u

static struct local_eventfd *find(struct process *p, int32_t fd)
{
    for (unsigned i = 0; i < NR_EVENTFDS; i++)
        if (p->eventfd[i].fd == fd && p->eventfd[i].wanted != 0)
            return &p->eventfd[i];
    return NULL;
}

static void disown(struct process *p, struct local_eventfd *e)
{
    e->owned = false;
    p->nr_owned--;
    if (e->nr_used >= WANTED_MIN * 4)
        e->wanted = WANTED_MIN;
    else if (e->wanted < WANTED_MAX)
        e->wanted *= 2;
    e->nr_used = 0;
}

static void give_back(struct process *p, struct local_eventfd *e)
{
    disown(p, e);
    fs_eventfd_return(&p->client[CLIENT_FS], e->fd, e->counter);
}

void eventfds_return(struct process *p)
{
    for (unsigned i = 0; i < NR_EVENTFDS; i++)
        if (p->eventfd[i].owned)
            give_back(p, &p->eventfd[i]);
}

void eventfd_return(struct process *p, int32_t fd)
{
    struct local_eventfd *e = find(p, fd);
    if (e && e->owned)
        give_back(p, e);
}

void eventfd_drop(struct process *p, int32_t fd)
{
    struct local_eventfd *e = find(p, fd);
    if (e && e->owned)
        disown(p, e);
}

/* Room to count requests on another eventfd. NULL: all are owned. */
static struct local_eventfd *find_room(struct process *p)
{
    for (unsigned i = 0; i < NR_EVENTFDS; i++) {
        struct local_eventfd *e = &p->eventfd[p->next_eventfd++ % NR_EVENTFDS];
        if (!e->owned)
            return e;
    }
    return NULL;
}

/* fs has answered a read or write. */
static void requested(struct process *p, int32_t fd)
{
    struct local_eventfd *e = find(p, fd);
    if (!e) {
        e = find_room(p);
        if (!e)
            return;
        *e = (struct local_eventfd){ .fd = fd, .wanted = WANTED_MIN };
    }
    if (++e->nr_used < e->wanted || !rpc_env_is_single(p))
        return;
    e->nr_used = 0;
    if (fs_eventfd_take(&p->client[CLIENT_FS], fd, &e->counter, &e->flags) == 0) {
        e->owned = true;
        p->nr_owned++;
    } else if (e->wanted < WANTED_MAX) {
        e->wanted *= 2;
    }
}

long eventfd_read(int32_t fd, uaddr_t to, uint64_t bytes)
{
    struct process *p = this_process();
    struct local_eventfd *e = p->nr_owned != 0 ? find(p, fd) : NULL;
    if (e && e->owned) {
        if (bytes < sizeof e->counter)
            return -EINVAL;
        if (e->counter != 0) {
            uint64_t value = e->flags & EFD_SEMAPHORE ? 1 : e->counter;
            if (to % sizeof value != 0 ? copy_to_guest(to, &value, sizeof value) : put64(to, value))
                return -EFAULT;
            e->counter -= value;
            e->nr_used++;
            return sizeof value;
        }
        if (e->flags & O_NONBLOCK)
            return -EAGAIN;
        give_back(p, e);
    }
    uint64_t done;
    error_t error = fs_read(&p->client[CLIENT_FS], fd, (struct rpc_out){ (void *)to, bytes }, &done);
    if (error)
        return linux_error(error);
    requested(p, fd);
    return (long)done;
}

long eventfd_write(int32_t fd, uaddr_t from, uint64_t bytes)
{
    struct process *p = this_process();
    struct local_eventfd *e = p->nr_owned != 0 ? find(p, fd) : NULL;
    if (e && e->owned) {
        uint64_t value;
        if (bytes < sizeof value)
            return -EINVAL;
        if (from % sizeof value != 0 ? copy_from_guest(&value, from, sizeof value) : get64(&value, from))
            return -EFAULT;
        if (value > COUNTER_MAX)
            return -EINVAL;
        if (value <= COUNTER_MAX - e->counter) {
            e->counter += value;
            e->nr_used++;
            return sizeof value;
        }
        if (e->flags & O_NONBLOCK)
            return -EAGAIN;
        give_back(p, e);
    }
    uint64_t done;
    error_t error = fs_write(&p->client[CLIENT_FS], fd, (struct rpc_in){ (const void *)from, bytes }, &done);
    if (error)
        return write_error(error);
    requested(p, fd);
    return (long)done;
}
