/* SPDX-License-Identifier: MIT */
/*
 * Resource limits, names and prctl (getrlimit(2), prctl(2)). Limits are kept in
 * the proc page; who enforces one reads it there: proc CPU, NPROC and SIGPENDING,
 * fs NOFILE and FSIZE, linux_compat STACK, AS and DATA.
 */
#include <string.h>

#include "cpu_limit.h"

static bool may_change(const struct process *from, const struct process *to)
{
    const struct proc_page *a = from->image->page, *b = to->image->page;

    return from == to || a->euid == 0 ||
           (a->ruid == b->ruid && a->ruid == b->euid && a->ruid == b->suid && a->rgid == b->rgid &&
            a->rgid == b->egid && a->rgid == b->sgid);
}

error_t proc_serve_set_limit(struct rpc_call *call, const struct proc_set_limit_in *in, struct proc_set_limit_out *out)
{
    struct process *p = caller(call), *target;
    uint64_t *limit;

    if (!p)
        return ERR_NO_PROCESS;
    if (in->resource >= NR_RLIMITS)
        return ERR_INVALID_ARGUMENT;
    target = in->pid == 0 ? p : process_by_pid((uint32_t)in->pid);
    if (!is_live(target))
        return ERR_NO_PROCESS;
    if (!may_change(p, target))
        return ERR_PERMISSION;
    limit = target->image->page->rlimit[in->resource];
    out->old_cur = limit[0];
    out->old_max = limit[1];
    if (!in->set)
        return 0;
    if (in->cur > in->max)
        return ERR_INVALID_ARGUMENT;
    if (in->max > limit[1] && p->image->page->euid != 0)
        return ERR_PERMISSION;
    limit[0] = in->cur;
    limit[1] = in->max;
    if (in->resource == RLIMIT_CPU)
        cpu_limit_changed(target);
    return 0;
}

static void set_comm(struct thread *t, const uint8_t *name, uint32_t bytes)
{
    char *comm = thread_comm(t);

    memset(comm, 0, sizeof t->comm);
    memcpy(comm, name, bytes < sizeof t->comm ? bytes : sizeof t->comm - 1);
}

error_t proc_serve_set_name(struct rpc_call *call, const struct proc_set_name_in *in, struct proc_set_name_out *out)
{
    struct process *p = caller(call);
    struct thread *t = in->tid > 0 ? thread_by_tid((uint32_t)in->tid) : NULL;

    (void)out;
    if (!p || !t || t->image->process != p)
        return ERR_NO_PROCESS;
    set_comm(t, in->name, in->name_bytes);
    return 0;
}

error_t proc_serve_rename(struct rpc_call *call, const struct proc_rename_in *in, struct proc_rename_out *out)
{
    struct thread *t = thread_by_tid(in->tid);

    (void)out;
    if (call->client != SERVER_FS)
        return ERR_PERMISSION;
    if (!t || t->image->process->pid != in->pid)
        return ERR_NO_PROCESS;
    set_comm(t, in->name, in->name_bytes);
    return 0;
}

error_t proc_serve_thread_name(struct rpc_call *call, const struct proc_thread_name_in *in,
                               struct proc_thread_name_out *out)
{
    struct thread *t = thread_by_tid(in->tid);

    (void)call;
    if (!t)
        return ERR_NO_PROCESS;
    memcpy(&out->low, thread_comm(t), sizeof out->low);
    memcpy(&out->high, thread_comm(t) + sizeof out->low, sizeof out->high);
    return 0;
}

enum {
    PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_CAPBSET_READ = 23,
    PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39
};

error_t proc_serve_prctl(struct rpc_call *call, const struct proc_prctl_in *in, struct proc_prctl_out *out)
{
    struct process *p = caller(call);
    struct proc_page *page;

    if (!p)
        return ERR_NO_PROCESS;
    page = p->image->page;
    out->result = 0;
    switch (in->option) {
    case PR_SET_PDEATHSIG:
        if (in->a > NSIG)
            return ERR_INVALID_ARGUMENT;
        p->parent_death_signal = (uint32_t)in->a;
        return 0;
    case PR_GET_PDEATHSIG:
        out->result = p->parent_death_signal;
        return 0;
    case PR_GET_DUMPABLE:
        out->result = page->dumpable;
        return 0;
    case PR_SET_DUMPABLE:
        if (in->a > 1)
            return ERR_INVALID_ARGUMENT;
        page->dumpable = (uint32_t)in->a;
        return 0;
    case PR_CAPBSET_READ:
        if (in->a > 40)
            return ERR_INVALID_ARGUMENT;
        out->result = 1;
        return 0;
    case PR_SET_CHILD_SUBREAPER:
        p->is_subreaper = in->a != 0;
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        out->result = p->is_subreaper;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        if (in->a != 1)
            return ERR_INVALID_ARGUMENT;
        page->no_new_privs = 1;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        out->result = page->no_new_privs;
        return 0;
    default:
        return ERR_INVALID_ARGUMENT;
    }
}
