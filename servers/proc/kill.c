/* SPDX-License-Identifier: MIT */
/*
 * kill(2), tgkill(2) and the signal events of fs and time: who may signal whom,
 * and whom a number means.
 */
#include "signal.h"

static error_t check_code(const struct process *from, const struct process *to, int32_t code)
{
    /* Only the kernel says SI_USER, SI_KERNEL or SI_TKILL of others. */
    if (code >= 0 && code != SI_USER && from != to)
        return ERR_PERMISSION;
    return 0;
}

static struct proc_siginfo info_from(const struct process *from, uint32_t signo, int32_t code, uint64_t value)
{
    return (struct proc_siginfo){ .signo = signo, .code = code, .value = value, .pid = from->pid,
                                  .uid = from->image->page->ruid };
}

static error_t kill_one(struct process *from, struct process *to, const struct proc_siginfo *si)
{
    error_t error;

    if (!signal_allowed(from, to, si->signo))
        return ERR_PERMISSION;
    error = check_code(from, to, si->code);
    if (error || si->signo == 0)
        return error;
    return signal_process(to, si);
}

/* pgid 0: everybody but init and the caller. */
static error_t kill_many(struct process *from, uint32_t pgid, const struct proc_siginfo *si)
{
    error_t error = ERR_NO_PROCESS;
    bool any = false;
    struct process *self = NULL;

    for (struct process *p = all_processes, *next; p; p = next) {
        error_t one;

        next = p->all_next;
        if (pgid ? p->image->page->pgid != pgid : p == init_process || p == from)
            continue;
        if (p == from) {        /* last, so that the others get it first */
            self = p;
            continue;
        }
        one = kill_one(from, p, si);
        any |= one == 0;
        error = one;
    }
    if (self) {
        error = kill_one(from, self, si);
        any |= error == 0;
    }
    return any ? 0 : error;
}

error_t proc_serve_kill(struct rpc_call *call, const struct proc_kill_in *in, struct proc_kill_out *out)
{
    struct process *from = caller(call), *to;
    struct proc_siginfo si;

    (void)out;
    if (!from)
        return ERR_NO_PROCESS;
    if (in->signo > NSIG)
        return ERR_INVALID_ARGUMENT;
    si = info_from(from, in->signo, in->code, in->value);
    if (in->pid > 0) {
        to = process_by_pid((uint32_t)in->pid);
        return to ? kill_one(from, to, &si) : ERR_NO_PROCESS;
    }
    if (in->pid == 0)
        return kill_many(from, from->image->page->pgid, &si);
    if (in->pid == -1)
        return kill_many(from, 0, &si);
    return in->pid == INT32_MIN ? ERR_NO_PROCESS : kill_many(from, (uint32_t)-in->pid, &si);
}

error_t proc_serve_tgkill(struct rpc_call *call, const struct proc_tgkill_in *in, struct proc_tgkill_out *out)
{
    struct process *from = caller(call), *to;
    struct proc_siginfo si;
    struct thread *t;
    error_t error;

    (void)out;
    if (!from)
        return ERR_NO_PROCESS;
    if (in->signo > NSIG || in->tid <= 0)
        return ERR_INVALID_ARGUMENT;
    t = thread_by_tid((uint32_t)in->tid);
    to = t ? t->image->process : NULL;
    if (!to || (in->tgid != -1 && to->pid != (uint32_t)in->tgid))
        return ERR_NO_PROCESS;
    if (!signal_allowed(from, to, in->signo))
        return ERR_PERMISSION;
    if (in->code >= 0 && in->code != SI_USER && from != to)
        return ERR_PERMISSION;
    error = check_code(from, to, in->code);
    if (error || in->signo == 0)
        return error;
    si = info_from(from, in->signo, in->code, in->value);
    return signal_thread(t, &si);
}

/* ---- from the other servers ---- */

static bool from_server(const struct rpc_call *call)
{
    return call->client < FIRST_PROCESS_SLOT;
}

error_t proc_serve_signal_group(struct rpc_call *call, const struct proc_signal_group_in *in)
{
    if (!from_server(call) || in->signo == 0 || in->signo > NSIG)
        return ERR_INVALID_ARGUMENT;
    signal_group(in->pgid, in->signo);
    return 0;
}

error_t proc_serve_signal_process(struct rpc_call *call, const struct proc_signal_process_in *in)
{
    struct proc_siginfo si = { .signo = in->signo, .code = in->code, .value = in->value };
    struct process *p = process_by_pid(in->pid);
    struct thread *t;

    if (!from_server(call) || in->signo == 0 || in->signo > NSIG)
        return ERR_INVALID_ARGUMENT;
    if (!p || !in->tid)
        return p ? signal_process(p, &si) : ERR_NO_PROCESS;
    t = thread_by_tid(in->tid);     /* a timer's SIGEV_THREAD_ID: of that process, or gone */
    return t && t->image->process == p ? signal_thread(t, &si) : ERR_NO_PROCESS;
}
