/* SPDX-License-Identifier: MIT */
/*
 * Credentials, process groups and sessions (credentials(7), setresuid(2),
 * setpgid(2), setsid(2)).
 *
 * Privilege is one bit: effective uid 0 has every capability, others none. A
 * changed page is published with seq odd while it changes, so that a server
 * that reads several ids sees a consistent set.
 */
#include "ids.h"

#include <fs_client.h>
#include <string.h>

#include "events.h"
#include "exit.h"

#define KEEP UINT32_MAX

void ids_update_capabilities(struct proc_page *page)
{
    uint64_t caps = page->euid == 0 ? ALL_CAPABILITIES : 0;

    page->cap_effective = caps;
    if (page->euid == 0)
        page->cap_permitted = caps;
    else if (page->ruid && page->suid)
        page->cap_permitted = 0;
}

static void change_begin(struct proc_page *page)
{
    __atomic_store_n(&page->seq, page->seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void change_end(struct proc_page *page)
{
    __atomic_store_n(&page->seq, page->seq + 1, __ATOMIC_RELEASE);
}

/* The four ids of one kind, in any order of structure. */
struct id_set { uint32_t real, effective, saved, fs; };

static bool one_of(uint32_t id, const struct id_set *s, bool with_saved)
{
    return id == s->real || id == s->effective || (with_saved && id == s->saved);
}

static error_t change_ids(struct id_set *s, bool privileged, uint32_t op, uint32_t a, uint32_t b, uint32_t c, uint32_t *old)
{
    struct id_set was = *s;

    *old = 0;
    switch (op) {
    case IDS_SET:
        if (a == KEEP)
            return ERR_INVALID_ARGUMENT;
        if (privileged)
            s->real = s->saved = a;
        else if (a != was.real && a != was.saved)
            return ERR_PERMISSION;
        s->effective = s->fs = a;
        return 0;
    case IDS_SET_RE:
        if (!privileged && ((a != KEEP && a != was.real && a != was.effective) || (b != KEEP && !one_of(b, &was, true))))
            return ERR_PERMISSION;
        if (a != KEEP)
            s->real = a;
        if (b != KEEP)
            s->effective = b;
        if (a != KEEP || (b != KEEP && b != was.real))
            s->saved = s->effective;
        s->fs = s->effective;
        return 0;
    case IDS_SET_RES:
        if (!privileged && ((a != KEEP && !one_of(a, &was, true)) || (b != KEEP && !one_of(b, &was, true)) ||
                            (c != KEEP && !one_of(c, &was, true))))
            return ERR_PERMISSION;
        s->real = a == KEEP ? s->real : a;
        s->effective = b == KEEP ? s->effective : b;
        s->saved = c == KEEP ? s->saved : c;
        s->fs = s->effective;
        return 0;
    case IDS_SET_FS:
        *old = was.fs;
        if (a != KEEP && (privileged || one_of(a, &was, true) || a == was.fs))
            s->fs = a;
        return 0;
    default:
        return ERR_INVALID_ARGUMENT;
    }
}

error_t proc_serve_set_uids(struct rpc_call *call, const struct proc_set_uids_in *in, struct proc_set_uids_out *out)
{
    struct process *p = caller(call);
    struct proc_page *page;
    struct id_set s;
    error_t error;

    if (!p)
        return ERR_NO_PROCESS;
    page = p->image->page;
    s = (struct id_set){ page->ruid, page->euid, page->suid, page->fsuid };
    error = change_ids(&s, page->euid == 0, in->op, in->a, in->b, in->c, &out->old);
    if (error)
        return error;
    change_begin(page);
    if (s.effective != page->euid)
        page->dumpable = 0;
    page->ruid = s.real;
    page->euid = s.effective;
    page->suid = s.saved;
    page->fsuid = s.fs;
    ids_update_capabilities(page);
    change_end(page);
    return 0;
}

error_t proc_serve_set_gids(struct rpc_call *call, const struct proc_set_gids_in *in, struct proc_set_gids_out *out)
{
    struct process *p = caller(call);
    struct proc_page *page;
    struct id_set s;
    error_t error;

    if (!p)
        return ERR_NO_PROCESS;
    page = p->image->page;
    s = (struct id_set){ page->rgid, page->egid, page->sgid, page->fsgid };
    error = change_ids(&s, page->euid == 0, in->op, in->a, in->b, in->c, &out->old);
    if (error)
        return error;
    change_begin(page);
    page->rgid = s.real;
    page->egid = s.effective;
    page->sgid = s.saved;
    page->fsgid = s.fs;
    change_end(page);
    return 0;
}

error_t proc_serve_set_groups(struct rpc_call *call, const struct proc_set_groups_in *in, struct proc_set_groups_out *out)
{
    struct process *p = caller(call);
    struct proc_page *page;

    (void)out;
    if (!p)
        return ERR_NO_PROCESS;
    page = p->image->page;
    if (page->euid != 0)
        return ERR_PERMISSION;
    change_begin(page);
    page->nr_groups = in->groups_count;
    for (uint32_t i = 0; i < in->groups_count; i++)
        page->groups[i] = in->groups[i];
    change_end(page);
    return 0;
}

error_t proc_serve_capset(struct rpc_call *call, const struct proc_capset_in *in, struct proc_capset_out *out)
{
    struct process *p = caller(call);
    struct proc_page *page;

    (void)out;
    if (!p)
        return ERR_NO_PROCESS;
    page = p->image->page;
    if (in->permitted & ~page->cap_permitted || in->effective & ~in->permitted)
        return ERR_PERMISSION;
    change_begin(page);
    page->cap_effective = in->effective;
    page->cap_permitted = in->permitted;
    page->cap_inheritable = in->inheritable;
    change_end(page);
    return 0;
}

/* ---- process groups and sessions ---- */

/* pid 0: the caller itself. */
static struct process *self_or(struct process *p, int32_t pid)
{
    if (pid < 0)
        return NULL;
    return pid == 0 || (uint32_t)pid == p->pid ? p : process_by_pid((uint32_t)pid);
}

static bool group_in_session(uint32_t pgid, uint32_t sid)
{
    for (struct process *p = all_processes; p; p = p->all_next)
        if (p->image->page->pgid == pgid && p->image->page->sid == sid && is_live(p))
            return true;
    return false;
}

static void move_to_group(struct process *p, uint32_t pgid)
{
    uint32_t old = p->image->page->pgid;

    pid_use(pgid);
    p->image->page->pgid = pgid;
    if (p->loading)
        p->loading->page->pgid = pgid;
    pgrp_update(old, true);
    pgrp_update(pgid, false);
    for (struct process *child = p->children; child; child = child->next_sibling)
        if (child->image->page->pgid != pgid)
            pgrp_update(child->image->page->pgid, true);
    pid_drop(old);
}

error_t proc_serve_setpgid(struct rpc_call *call, const struct proc_setpgid_in *in, struct proc_setpgid_out *out)
{
    struct process *p = caller(call), *target;
    uint32_t pgid;

    (void)out;
    if (!p)
        return ERR_NO_PROCESS;
    if (in->pgid < 0)
        return ERR_INVALID_ARGUMENT;
    target = self_or(p, in->pid);
    if (!target || !is_live(target) || (target != p && target->parent != p))
        return ERR_NO_PROCESS;
    if (target != p) {
        if (target->image->page->sid != p->image->page->sid)
            return ERR_PERMISSION;
        if (target->did_exec)
            return ERR_ACCESS;
    }
    if (target->image->page->is_session_leader)
        return ERR_PERMISSION;
    pgid = in->pgid ? (uint32_t)in->pgid : target->pid;
    if (pgid != target->pid && !group_in_session(pgid, p->image->page->sid))
        return ERR_PERMISSION;
    if (pgid != target->image->page->pgid)
        move_to_group(target, pgid);
    return 0;
}

static bool group_exists(uint32_t pgid)
{
    for (struct process *p = all_processes; p; p = p->all_next)
        if (p->image->page->pgid == pgid)
            return true;
    return false;
}

error_t proc_serve_setsid(struct rpc_call *call, const struct proc_setsid_in *in, struct proc_setsid_out *out)
{
    struct process *p = caller(call);
    struct proc_page *page;
    uint32_t old;

    (void)in;
    if (!p)
        return ERR_NO_PROCESS;
    page = p->image->page;
    if (page->is_session_leader || group_exists(p->pid))
        return ERR_PERMISSION;
    old = page->sid;
    pid_use(p->pid);
    page->sid = p->pid;
    page->is_session_leader = 1;
    page->tty_dev = 0;
    move_to_group(p, p->pid);
    pid_drop(old);
    out->sid = p->pid;
    return 0;
}

error_t proc_serve_get_ids(struct rpc_call *call, const struct proc_get_ids_in *in, struct proc_get_ids_out *out)
{
    struct process *p = caller(call), *target;

    if (!p)
        return ERR_NO_PROCESS;
    target = self_or(p, in->pid);
    if (!target)
        return ERR_NO_PROCESS;
    out->pgid = target->image->page->pgid;
    out->sid = target->image->page->sid;
    return 0;
}
