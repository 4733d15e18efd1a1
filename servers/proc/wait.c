/* SPDX-License-Identifier: MIT */
/*
 * wait4 and waitid: one method with waitid's options (wait(2)).
 *
 * A wait that finds nothing is parked in its process's list, first come first
 * served. Each change of a child's state goes through the list; a wait that
 * matches takes the event, unless it has WNOWAIT. When the last child a wait
 * could have meant is gone, it ends with NO_CHILD.
 */
#include "wait.h"

#include <stdlib.h>

#include "accounting.h"
#include "exit.h"
#include "signal.h"

struct wait_record {
    struct parked parked;           /* first: the list holds these */
    struct rpc_call *call;
    struct process *process;
    uint32_t id_type, options;
    int32_t id;
};

static bool child_matches(const struct process *child, const struct process *parent, uint32_t id_type, int32_t id,
                          uint32_t options)
{
    if (!(options & WAIT_ALL) && (child->exit_signal != SIGCHLD) != ((options & WAIT_CLONE) != 0))
        return false;
    switch (id_type) {
    case WAIT_P_ALL:
        return true;
    case WAIT_P_PID:
        return child->pid == (uint32_t)id;
    default:
        return child->image->page->pgid == (id ? (uint32_t)id : parent->image->page->pgid);
    }
}

static void fill_exit(const struct process *child, struct proc_wait_result *out)
{
    uint32_t signo = child->status & 0x7f;

    out->code = signo == 0 ? CLD_EXITED : CLD_KILLED;
    out->status = signo ? (int32_t)signo : (int32_t)(child->status >> 8 & 0xff);
}

/* Does the child have an event for these options? It is taken unless NOWAIT. */
static bool take_event(struct process *child, uint32_t options, struct proc_wait_result *out)
{
    bool take = !(options & WAIT_NOWAIT);

    out->pid = child->pid;
    out->uid = child->image->page->ruid;
    if (child->state == PROCESS_ZOMBIE && options & WAIT_EXITED) {
        fill_exit(child, out);
        usage_of(child, false, &out->ru);
        if (take)
            process_reap(child);
        return true;
    }
    if (child->stop_signal && options & WAIT_STOPPED) {
        out->code = CLD_STOPPED;
        out->status = (int32_t)child->stop_signal;
        if (take)
            child->stop_signal = 0;
    } else if (child->continued && options & WAIT_CONTINUED) {
        out->code = CLD_CONTINUED;
        out->status = SIGCONT;
        if (take)
            child->continued = false;
    } else {
        return false;
    }
    usage_of(child, false, &out->ru);
    return true;
}

/* 1: an event was found; 0: none yet; ERR_NO_CHILD: nothing to wait for. */
static int look(struct process *p, uint32_t id_type, int32_t id, uint32_t options, struct proc_wait_result *out)
{
    bool any = false;

    for (struct process *child = p->children, *next; child; child = next) {
        next = child->next_sibling;
        if (!child_matches(child, p, id_type, id, options))
            continue;
        any = true;
        if (take_event(child, options, out))
            return 1;
    }
    return any ? 0 : ERR_NO_CHILD;
}

static void finish(struct wait_record *w, error_t error, const struct proc_wait_out *out)
{
    struct rpc_call *call = w->call;

    parked_unlink(&w->parked);
    free(w);
    proc_wait_reply(call, error, out);
}

static void wait_cancelled(struct rpc_call *call)
{
    finish(call->context, ERR_CANCELLED, NULL);
}

error_t proc_serve_wait(struct rpc_call *call, const struct proc_wait_in *in, struct proc_wait_out *out)
{
    struct process *p = caller(call);
    const uint32_t what = WAIT_STOPPED | WAIT_EXITED | WAIT_CONTINUED;
    const uint32_t all = what | WAIT_NOHANG | WAIT_NOWAIT | WAIT_NOTHREAD | WAIT_ALL | WAIT_CLONE;
    struct wait_record *w;
    int found;

    if (!p)
        return ERR_NO_PROCESS;
    if (in->id_type > WAIT_P_PGID || in->options & ~all || !(in->options & what) ||
        (in->id_type == WAIT_P_PID && in->id <= 0) || in->id < 0)
        return ERR_INVALID_ARGUMENT;
    found = look(p, in->id_type, in->id, in->options, &out->result);
    if (found < 0)
        return found;
    if (found > 0)
        return 0;
    if (in->options & WAIT_NOHANG) {
        out->result = (struct proc_wait_result){ 0 };
        return 0;
    }
    w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NO_MEMORY;
    w->call = rpc_park(call, wait_cancelled, w);
    if (!w->call) {
        free(w);
        return ERR_NO_BUFFERS;
    }
    w->process = p;
    w->id_type = in->id_type;
    w->id = in->id;
    w->options = in->options;
    parked_link(&p->waits, &w->parked);
    return RPC_PENDING;
}

/* The children changed: answer every parked wait that can be. */
static void run_waits(struct process *p)
{
    struct parked *next;

    for (struct parked *at = p->waits; at; at = next) {
        struct wait_record *w = (struct wait_record *)at;
        struct proc_wait_out out = { 0 };
        int found = look(p, w->id_type, w->id, w->options, &out.result);

        next = at->next;
        if (found)
            finish(w, found < 0 ? found : 0, &out);
    }
}

void wait_child_exited(struct process *child)
{
    struct process *parent = child->parent;
    const struct sig_page *sig = parent->image->sig;
    uint64_t ignored = sig->ignored & ~sig->defaulted;
    bool careless = child->exit_signal == SIGCHLD && ((ignored & SIG_BIT(SIGCHLD)) || sig->no_child_wait);
    struct proc_wait_result result;

    fill_exit(child, &result);
    /* clone(2) takes any byte; what is no signal is not sent */
    if (child->exit_signal && child->exit_signal <= NSIG && !(ignored & SIG_BIT(SIGCHLD) && child->exit_signal == SIGCHLD))
        signal_child_event(child, result.code, result.status);
    if (careless)
        process_reap(child);
    run_waits(parent);
}

void wait_child_changed(struct process *child)
{
    struct process *parent = child->parent;

    if (!parent)
        return;
    if (!parent->image->sig->no_child_stop)
        signal_child_event(child, child->stopped ? CLD_STOPPED : CLD_CONTINUED,
                           child->stopped ? (int32_t)child->stop_signal : SIGCONT);
    run_waits(parent);
}

void wait_process_gone(struct process *p)
{
    while (p->waits)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): parked_unlink takes it off this list */
        finish((struct wait_record *)p->waits, ERR_CANCELLED, NULL);
}
