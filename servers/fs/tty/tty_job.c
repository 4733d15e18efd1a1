/* SPDX-License-Identifier: MIT */
/*
 * Sessions and job control of terminals.
 *
 * Who is who comes from the proc pages: only proc writes them. Whether a
 * process ignores or blocks a stop signal comes from its own signal page, which
 * is safe to believe since a wrong claim harms nobody else. Signals go to proc
 * as events; fs never waits for them.
 *
 * A session's leader is remembered by slot, which moves with exec
 * (streams_process_moved) and is told when it dies (streams_process_closed):
 * then the terminal hangs up and is free for another session.
 */
#include <proc_client.h>

#include "../drivers/drivers.h"
#include "../peers.h"
#include "../vfs.h"
#include "tty.h"

#define SI_KERNEL 0x80

static uint64_t signal_bit(int signo)
{
    return 1ul << (signo - 1);
}

static void signal_process(uint32_t pid, int signo)
{
    proc_signal_process(&proc_peer, pid, 0, (uint32_t)signo, SI_KERNEL, 0);
}

void tty_signal_group(const struct tty *t, int signo)
{
    if (t->pgrp != 0)
        proc_signal_group(&proc_peer, t->pgrp, (uint32_t)signo);
}

struct tty *tty_of_session(uint32_t sid)
{
    if (sid == 0)
        return NULL;
    for (struct tty *t = tty_list; t != NULL; t = t->next)
        if (t->session == sid)
            return t;
    return NULL;
}

/* ---- foreground and background ---- */

bool tty_in_foreground(const struct tty *t, const struct process *p)
{
    return !tty_is_controlling(t, p) || t->pgrp == 0 || p->page->pgid == t->pgrp;
}

/* Blocked by all threads that live: fs does not know which one asks. */
static bool ignored_or_blocked(const struct process *p, int signo)
{
    uint64_t blocked = ~0ul;

    if (p->sig->ignored & signal_bit(signo))
        return true;
    for (uint32_t i = 0; i < VM_MAX_THREADS; i++)
        if (p->page->thread[i].tid != 0)
            blocked &= p->sig->thread[i].blocked;
    return (blocked & signal_bit(signo)) != 0;
}

error_t tty_check_background(struct tty *t, const struct process *p, int signo)
{
    if (tty_in_foreground(t, p))
        return 0;
    if (ignored_or_blocked(p, signo))
        return signo == SIG_TTIN ? ERR_IO : 0;
    if (p->page->pgrp_orphaned)
        return ERR_IO;
    proc_signal_group(&proc_peer, p->page->pgid, (uint32_t)signo);
    return ERR_RESTART;
}

/* ---- the controlling terminal ---- */

static bool is_leader(const struct process *p)
{
    return p->page->pid == p->page->sid;
}

static void attach(struct tty *t, struct process *p)
{
    t->session = p->page->sid;
    t->leader_slot = p->slot;
    t->pgrp = p->page->pgid;
}

static void detach(struct tty *t)
{
    t->session = 0;
    t->leader_slot = 0;
    t->pgrp = 0;
}

error_t tty_set_controlling(struct tty *t, struct process *p, bool steal)
{
    if (is_leader(p) && t->session == p->page->sid)
        return 0;
    if (!is_leader(p) || tty_of_session(p->page->sid) != NULL)
        return ERR_PERMISSION;
    if (t->session != 0 && (!steal || !process_capable(p, CAP_SYS_ADMIN)))
        return ERR_PERMISSION;
    attach(t, p);
    return 0;
}

void tty_open_controlling(struct tty *t, struct process *p)
{
    if (is_leader(p) && t->session == 0 && tty_of_session(p->page->sid) == NULL)
        attach(t, p);
}

error_t tty_give_up_controlling(struct tty *t, struct process *p)
{
    if (!tty_is_controlling(t, p))
        return ERR_NOT_TTY;
    if (is_leader(p)) {
        tty_signal_group(t, SIG_HUP);
        tty_signal_group(t, SIG_CONT);
        detach(t);
    }
    return 0;
}

error_t tty_set_foreground(struct tty *t, struct process *p, int32_t pgrp)
{
    if (pgrp < 0)
        return ERR_INVALID_ARGUMENT;
    bool exists = false;
    for (uint32_t k = FIRST_PROCESS_SLOT; k < NR_SLOTS && !exists; k++) {
        const struct process *member = &processes[k];
        if (!member->open || member->page->pgid != (uint32_t)pgrp)
            continue;
        if (member->page->sid != p->page->sid)
            return ERR_PERMISSION;
        exists = true;
    }
    if (!exists)
        return ERR_NO_PROCESS;
    t->pgrp = (uint32_t)pgrp;
    /* requests that were parked in the background may have their turn now */
    waitq_wake(&t->waiters, FS_POLLIN | FS_POLLRDNORM | FS_POLLOUT | FS_POLLWRNORM | TTY_WAKE_FOREGROUND);
    return 0;
}

/* ---- the ends of sessions ---- */

static void session_over(struct tty *t)
{
    tty_signal_group(t, SIG_HUP);
    tty_signal_group(t, SIG_CONT);
    detach(t);
    tty_hangup(t);
}

void streams_process_closed(struct process *p)
{
    /* init's end is the system's: what it wrote must be out before the power goes */
    if (p->page->pid == 1)
        drivers_drain(exec_now() + fs_tty_hz() / 2);
    for (struct tty *t = tty_list; t != NULL; t = t->next)
        if (t->session != 0 && t->leader_slot == p->slot)
            session_over(t);
}

void streams_process_moved(struct process *from, struct process *to)
{
    for (struct tty *t = tty_list; t != NULL; t = t->next)
        if (t->session != 0 && t->leader_slot == from->slot)
            t->leader_slot = to->slot;
}

void streams_session_tty(uint32_t sid, uint32_t *dev, int32_t *pgrp)
{
    const struct tty *t = tty_of_session(sid);

    *dev = t == NULL ? 0 : (uint32_t)t->rdev;
    *pgrp = t == NULL ? -1 : (int32_t)t->pgrp;
}

/* proc tells the end of a leader, and of what ties a group to its session. The
 * former is also seen when the leader's slot closes; whichever comes first does
 * the work. Stopped orphans are proc's own to wake. */
error_t fs_serve_session_ended(struct rpc_call *call, const struct fs_session_ended_in *in)
{
    if (!call_from_server(call))
        return ERR_PERMISSION;
    struct tty *t = tty_of_session(in->sid);
    if (t == NULL)
        return 0;
    const struct process *leader = &processes[t->leader_slot];
    if (!leader->open || leader->page->in_use != 1 || leader->page->pid != in->sid)
        session_over(t);
    return 0;
}

/* A terminal loses its line (the master of its pty was closed). */
void tty_line_lost(struct tty *t)
{
    if (t->session != 0) {
        signal_process(t->session, SIG_HUP);
        signal_process(t->session, SIG_CONT);
        if (t->pgrp != t->session) {
            tty_signal_group(t, SIG_HUP);
            tty_signal_group(t, SIG_CONT);
        }
        detach(t);
    }
    tty_hangup(t);
}
