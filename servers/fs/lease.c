/* SPDX-License-Identifier: MIT */
/*
 * Leases: see lease.h.
 *
 * file->leased points to the word of the holder's descriptor and stays set when
 * that descriptor is closed while others keep the file open. The next break then
 * advances the number of a word that has another use by now: its holder asks
 * once more, nothing else happens. (publish_word advanced the number when the
 * descriptor was closed, so the old holder is not misled.)
 */
#include "lease.h"

void lease_bump(struct fd_word *w)
{
    uint32_t seq = w->seq + 1;

    __atomic_store_n(&w->seq, seq ? seq : 1, __ATOMIC_RELEASE);
    /* the number before the change: who copies meanwhile looks at the number once more */
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void link_inode(struct file *f)
{
    struct inode *i = f->inode;

    f->lease_prev = NULL;
    f->lease_next = i->leases;
    if (i->leases)
        i->leases->lease_prev = f;
    i->leases = f;
}

static void unlink_inode(struct file *f)
{
    if (f->lease_prev)
        f->lease_prev->lease_next = f->lease_next;
    else
        f->inode->leases = f->lease_next;
    if (f->lease_next)
        f->lease_next->lease_prev = f->lease_prev;
}

uint32_t lease_grant(struct process *p, int32_t fd, struct file *f)
{
    struct fd_word *w;

    if ((uint32_t)fd >= FD_WORDS)
        return 0;
    w = &p->fd_words[fd];
    if (f->leased != w) {
        if (f->leased)
            lease_bump(f->leased);
        else if (f->inode)
            link_inode(f);
        f->leased = w;
    }
    return w->seq;
}

static void take_back(struct file *f)
{
    lease_bump(f->leased);
    f->leased = NULL;
}

void lease_break_file(struct file *f)
{
    take_back(f);
    if (f->inode)
        unlink_inode(f);
}

void lease_break_inode(struct inode *i)
{
    for (struct file *f = i->leases; f; f = f->lease_next)
        take_back(f);
    i->leases = NULL;
}
