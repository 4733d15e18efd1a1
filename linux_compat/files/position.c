/* SPDX-License-Identifier: MIT */
/*
 * The position of a file that the process alone has is kept here while it reads
 * the file through its window (window.c): so read(2) is a copy, too.
 *
 * After some reads that were requests the process asks fs for the position
 * (fs.position_take), which answers only if nobody else can use the open file. From
 * then on fs does not know where it stands. It is told (an lseek) before it sees any
 * other request that could concern the file: fs_client() tells all positions,
 * fs_client_for(fd) that one, fork, vfork, clone and exec all. Closing forgets it.
 * A read that is not all in the window is such a request.
 *
 * Only a process with one thread keeps any, so no request of another thread can be
 * on its way meanwhile, and nothing here is locked. A process that lies about its
 * position does what lseek allows it anyway.
 */
#include "../rpc_env.h"
#include "lease.h"

#define SEEK_SET    0u
#define READS_FIRST 8       /* requests before it is worth asking: small files are read to their end sooner */

static struct local_position *owned(struct process *p, int32_t fd)
{
    struct local_position *l = &p->position[(uint32_t)fd % PERS_NR_WINDOWS];
    return l->owned && l->fd == fd ? l : NULL;
}

static void disown(struct process *p, struct local_position *l)
{
    l->owned = false;
    p->nr_owned--;
}

static void give_back(struct process *p, struct local_position *l)
{
    uint64_t position;
    disown(p, l);
    fs_lseek(&p->client[CLIENT_FS], l->fd, (int64_t)l->at, SEEK_SET, &position);
}

void positions_return(struct process *p)
{
    for (unsigned i = 0; i < PERS_NR_WINDOWS; i++)
        if (p->position[i].owned)
            give_back(p, &p->position[i]);
}

void position_return(struct process *p, int32_t fd)
{
    struct local_position *l = owned(p, fd);
    if (l)
        give_back(p, l);
}

void position_drop(struct process *p, int32_t fd)
{
    struct local_position *l = owned(p, fd);
    if (l)
        disown(p, l);
}

bool position_read(int32_t fd, uaddr_t to, uint64_t bytes, long *result)
{
    struct local_position *l = owned(this_process(), fd);
    if (!l || !window_pread((uint32_t)fd, to, bytes, l->at, result))
        return false;
    l->at += (uint64_t)*result;
    return true;
}

void position_wanted(int32_t fd)
{
    struct process *p = this_process();
    uint64_t at;
    if (!rpc_env_is_single(p) || !window_wanted((uint32_t)fd, READS_FIRST))
        return;
    struct local_position *l = &p->position[(uint32_t)fd % PERS_NR_WINDOWS];
    if (l->owned)
        give_back(p, l);        /* of the descriptor that had the window before */
    if (fs_position_take(&p->client[CLIENT_FS], fd, &at) != 0 || !window_holds((uint32_t)fd, at))
        window_refuse((uint32_t)fd);
    else {
        *l = (struct local_position){ .fd = fd, .owned = true, .at = at };
        p->nr_owned++;
    }
}

/* ---- all that the process owns ---- */

void owned_return(struct process *p)
{
    eventfds_return(p);
    positions_return(p);
}

void owned_return_of(struct process *p, int32_t fd)
{
    eventfd_return(p, fd);
    position_return(p, fd);
}
