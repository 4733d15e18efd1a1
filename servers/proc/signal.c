/* SPDX-License-Identifier: MIT */
/*
 * Signals (docs/architecture.md 6, signal(7)).
 *
 * proc owns what is pending: masks in the proc page, details in queues here.
 * The process owns its masks and dispositions, in its signal page, which proc
 * only reads after the start and never trusts for anything that concerns others.
 *
 * Order with a thread that changes its mask: proc sets the pending bit, fences,
 * reads the mask, and upcalls a thread that does not block the signal; the
 * thread writes its mask, fences, and reads the pending bits. One of the two
 * sees the other. An upcall too many is harmless: the personality looks, finds
 * nothing, goes on.
 *
 * What needs no help from the process is done here: SIGKILL, stopping and
 * continuing, dropping what is ignored, and the default action of a signal whose
 * disposition is the default and which some thread does not block.
 */
#include "signal.h"

#include <fs_client.h>
#include <libipc/executor.h>
#include <libipc/syscall.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounting.h"
#include "events.h"
#include "exit.h"
#include "thread.h"
#include "wait.h"

#define NR_QUEUED       2048
#define MAX_QUEUED_EACH 256

struct queued_signal {
    struct queued_signal *next;
    struct proc_siginfo info;
};
static struct queued_signal pool[NR_QUEUED], *pool_free;
static unsigned pool_used;

/* For tools/atoll_build/timeline.py: "signal 17 to 4/0", to a whole process, or "signal 17 taken by 4/6". */
static void trace_signal(uint32_t signo, const char *what, const struct process *p, uint32_t tid)
{
    char text[64];
    int n;

    if (!(info->boot_flags & BOOT_TRACE))
        return;
    n = snprintf(text, sizeof text, "signal %u %s %u/%u", signo, what, p->pid, tid);
    sys_trace(SRV_CAP_PLATFORM, text, (size_t)n);
}

/* ---- queues ---- */

static struct queued_signal *entry_alloc(void)
{
    struct queued_signal *q = pool_free;

    if (q)
        pool_free = q->next;
    else if (pool_used < NR_QUEUED)
        q = &pool[pool_used++];
    return q;
}

static void entry_free(struct queued_signal *q)
{
    q->next = pool_free;
    pool_free = q;
}

static void queue_put(struct signal_queue *queue, const struct proc_siginfo *si)
{
    struct queued_signal *q = queue->count < MAX_QUEUED_EACH ? entry_alloc() : NULL;

    if (!q)
        return;
    q->next = NULL;
    q->info = *si;
    *queue->end = q;
    queue->end = &q->next;
    queue->count++;
}

/* Take the first entry of signo; *more tells whether another is left. */
static bool queue_take(struct signal_queue *queue, uint32_t signo, struct proc_siginfo *out, bool *more)
{
    bool found = false;

    *more = false;
    for (struct queued_signal **at = &queue->first, *q; (q = *at);) {
        if (q->info.signo != signo) {
            at = &q->next;
        } else if (found) {
            *more = true;
            return true;
        } else {
            found = true;
            *out = q->info;
            *at = q->next;
            if (!q->next)
                queue->end = at;
            queue->count--;
            entry_free(q);
        }
    }
    return found;
}

static void queue_drop(struct signal_queue *queue, uint64_t mask)
{
    struct queued_signal **at = &queue->first, *q;

    while ((q = *at)) {
        if (!(mask & SIG_BIT(q->info.signo))) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        queue->count--;
        entry_free(q);
    }
    queue->end = at;
}

/* ---- pending sets ---- */

static uint64_t *process_pending(struct process *p)
{
    return &p->image->page->pending;
}

static uint64_t *thread_pending(struct thread *t)
{
    return &t->image->page->thread[t->index].pending;
}

static void set_bits(uint64_t *word, uint64_t bits)
{
    __atomic_store_n(word, *word | bits, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void clear_bits(uint64_t *word, uint64_t bits)
{
    __atomic_store_n(word, *word & ~bits, __ATOMIC_RELAXED);
}

static uint64_t blocked_by(const struct thread *t)
{
    return __atomic_load_n(&t->image->sig->thread[t->index].blocked, __ATOMIC_RELAXED) & ~SIG_FORCED_SET;
}

/* signalfd's readiness: fs hears of signals that stay pending because they are
 * blocked, and when they were taken. */
static void tell_fs(struct process *p)
{
    uint64_t pending = *process_pending(p);
    uint64_t shown = p->image->threads ? pending & blocked_by(p->image->threads) : 0;

    if (shown == p->told_fs)
        return;
    p->told_fs = shown;
    fs_signals_pending(&fs_client, p->image->slot, shown);
}

static void drop_pending(struct process *p, uint64_t mask)
{
    if (*process_pending(p) & mask) {
        clear_bits(process_pending(p), mask);
        queue_drop(&p->queue, mask);
    }
    for (struct thread *t = p->image->threads; t; t = t->next) {
        if (!(*thread_pending(t) & mask))
            continue;
        clear_bits(thread_pending(t), mask);
        queue_drop(&t->queue, mask);
    }
}

static bool take_from(uint64_t *pending, struct signal_queue *queue, uint64_t mask, struct proc_siginfo *out)
{
    uint64_t ready = *pending & mask;
    uint32_t signo;
    bool more;

    if (!ready)
        return false;
    /* faults come before the rest, as on Linux; else the lowest number */
    if (ready & (SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGFPE) | SIG_BIT(SIGSYS)))
        ready &= SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGFPE) | SIG_BIT(SIGSYS);
    signo = (uint32_t)__builtin_ctzl(ready) + 1;
    if (!queue_take(queue, signo, out, &more))
        *out = (struct proc_siginfo){ .signo = signo, .code = SI_USER };
    if (!more)
        clear_bits(pending, SIG_BIT(signo));
    return true;
}

static bool take(struct thread *t, uint64_t mask, struct proc_siginfo *out)
{
    struct process *p = t->image->process;

    if (!take_from(thread_pending(t), &t->queue, mask, out)) {
        if (!take_from(process_pending(p), &p->queue, mask, out))
            return false;
        if (p->told_fs)
            tell_fs(p);
    }
    trace_signal(out->signo, "taken by", p, t->tid);
    return true;
}

/* ---- job control ---- */

void process_stop(struct process *p, uint32_t signo)
{
    if (p->stopped || !is_live(p))
        return;
    p->stopped = true;
    p->stop_signal = signo;
    p->continued = false;
    p->image->page->stopped = 1;
    p->image->page->state = 'T';
    image_suspend(p->image);
    if (p->loading)
        image_suspend(p->loading);
    wait_child_changed(p);
}

void process_continue(struct process *p)
{
    if (!p->stopped)
        return;
    p->stopped = false;
    p->stop_signal = 0;
    p->continued = true;
    p->image->page->stopped = 0;
    p->image->page->state = 'R';
    image_resume(p->image);
    if (p->loading)
        image_resume(p->loading);
    wait_child_changed(p);
}

/* ---- actions that proc takes itself ---- */

static bool ignored(const struct process *p, const struct thread *t, uint32_t signo)
{
    uint64_t bit = SIG_BIT(signo);

    if (bit & SIG_FORCED_SET || blocked_by(t) & bit)
        return false;
    return p->image->sig->ignored & bit;
}

static void act_fatally(struct process *p, uint32_t signo)
{
    process_exit(p, signo);
}

/* The default action; false when it is to do nothing. */
static bool default_action(struct process *p, uint32_t signo)
{
    uint64_t bit = SIG_BIT(signo);

    if (bit & SIG_IGNORE_SET)
        return false;
    if (bit & SIG_STOP_SET) {
        if (signo != SIGSTOP && p->image->page->pgrp_orphaned)
            return false;
        process_stop(p, signo);
    } else {
        act_fatally(p, signo);
    }
    return true;
}

/* Before queueing. True: the signal is dealt with. */
static bool act_at_once(struct process *p, struct thread *t, uint32_t signo)
{
    uint64_t bit = SIG_BIT(signo);

    if (bit & SIG_STOP_SET)
        drop_pending(p, SIG_BIT(SIGCONT));
    if (signo == SIGCONT) {
        drop_pending(p, SIG_STOP_SET);
        process_continue(p);
    }
    if (ignored(p, t, signo))
        return true;
    if (p == init_process && (bit & SIG_FORCED_SET || p->image->sig->defaulted & bit & ~blocked_by(t)))
        return true;    /* init gets only what it asked for */
    if (bit & SIG_FORCED_SET) {
        default_action(p, signo);
        return true;
    }
    return false;
}

static bool is_defaulted(const struct process *p, const struct thread *t, uint32_t signo)
{
    return p->image->sig->defaulted & SIG_BIT(signo) & ~blocked_by(t) && !p->loading && t->started;
}

/* ---- sending ---- */

static void finish_sig_wait(struct thread *t, error_t error, const struct proc_siginfo *si);

static bool queue_full(const struct signal_queue *queue, const struct proc_siginfo *si)
{
    return si->code == SI_QUEUE && si->signo >= SIGRTMIN && queue->count >= MAX_QUEUED_EACH;
}

static void put_pending(uint64_t *pending, struct signal_queue *queue, const struct proc_siginfo *si)
{
    uint64_t bit = SIG_BIT(si->signo);

    if (si->signo >= SIGRTMIN || !(*pending & bit))
        queue_put(queue, si);
    set_bits(pending, bit);
}

error_t signal_thread(struct thread *t, const struct proc_siginfo *si)
{
    struct process *p = t->image->process;

    if (!is_live(p))
        return 0;
    trace_signal(si->signo, "to", p, t->tid);
    if (act_at_once(p, t, si->signo))
        return 0;
    if (t->sig_wait && t->sig_wait_mask & SIG_BIT(si->signo)) {
        finish_sig_wait(t, 0, si);
        return 0;
    }
    if (is_defaulted(p, t, si->signo)) {
        default_action(p, si->signo);
        return 0;
    }
    if (queue_full(&t->queue, si))
        return ERR_AGAIN;
    put_pending(thread_pending(t), &t->queue, si);
    if (!(blocked_by(t) & SIG_BIT(si->signo)))
        thread_upcall(t);
    return 0;
}

/* A thread that would take it now: one in sigtimedwait, else one that does not
 * block it, the first thread before others. */
static struct thread *choose_thread(const struct process *p, uint32_t signo)
{
    struct thread *chosen = NULL;

    for (struct thread *t = p->image->threads; t; t = t->next) {
        if (t->sig_wait && t->sig_wait_mask & SIG_BIT(signo))
            return t;
        if (!chosen && t->started && !(blocked_by(t) & SIG_BIT(signo)))
            chosen = t;
    }
    return chosen;
}

error_t signal_process(struct process *p, const struct proc_siginfo *si)
{
    struct thread *t;

    if (!is_live(p) || !p->image->threads)
        return 0;
    trace_signal(si->signo, "to", p, 0);
    if (act_at_once(p, p->image->threads, si->signo))
        return 0;
    t = choose_thread(p, si->signo);
    if (t && t->sig_wait && t->sig_wait_mask & SIG_BIT(si->signo)) {
        finish_sig_wait(t, 0, si);
        return 0;
    }
    if (t && is_defaulted(p, t, si->signo)) {
        default_action(p, si->signo);
        return 0;
    }
    if (queue_full(&p->queue, si))
        return ERR_AGAIN;
    put_pending(process_pending(p), &p->queue, si);
    /* the masks again, now that the bit is visible */
    t = choose_thread(p, si->signo);
    if (t)
        thread_upcall(t);
    else
        tell_fs(p);
    return 0;
}

void signal_simple(struct process *p, uint32_t signo)
{
    signal_process(p, &(struct proc_siginfo){ .signo = signo, .code = SI_KERNEL });
}

void signal_group(uint32_t pgid, uint32_t signo)
{
    for (struct process *p = all_processes, *next; p; p = next) {
        next = p->all_next;
        if (p->image->page->pgid == pgid && is_live(p))
            signal_simple(p, signo);
    }
}

bool signal_allowed(const struct process *from, const struct process *to, uint32_t signo)
{
    const struct proc_page *a = from->image->page, *b = to->image->page;

    if (a->euid == 0 || a->euid == b->suid || a->euid == b->ruid || a->ruid == b->suid || a->ruid == b->ruid)
        return true;
    return signo == SIGCONT && a->sid == b->sid;
}

void signal_child_event(struct process *child, int32_t code, int32_t status)
{
    struct cpu_use use;
    struct proc_siginfo si = { .signo = child->exit_signal && child->state == PROCESS_ZOMBIE ? child->exit_signal : SIGCHLD,
                               .code = code, .status = status, .pid = child->pid,
                               .uid = child->image->page->ruid };

    account_process(child, &use);
    si.utime = ticks_to_us(use.user) / 10000;
    si.stime = ticks_to_us(use.system) / 10000;
    signal_process(child->parent, &si);
}

/* ---- the end ---- */

void signal_thread_gone(struct thread *t)
{
    if (t->sig_wait)
        finish_sig_wait(t, ERR_CANCELLED, NULL);
    queue_drop(&t->queue, ~0ul);
}

void signal_process_gone(struct process *p)
{
    queue_drop(&p->queue, ~0ul);
    p->image->page->pending = 0;
}

void signal_move_thread(struct thread *from, struct thread *to)
{
    to->queue = from->queue;
    if (!to->queue.first)
        to->queue.end = &to->queue.first;
    from->queue = (struct signal_queue){ .end = &from->queue.first };
    *thread_pending(to) = *thread_pending(from);
    *thread_pending(from) = 0;
}

/* ---- taking ---- */

struct sig_wait_record {
    struct parked parked;
    struct rpc_call *call;
    struct thread *thread;
    struct exec_timer timer;
};

static void finish_sig_wait(struct thread *t, error_t error, const struct proc_siginfo *si)
{
    struct sig_wait_record *w = (struct sig_wait_record *)t->sig_wait;
    struct proc_sig_wait_out out = { 0 };
    struct rpc_call *call = w->call;

    if (si) {
        out.info = *si;
        trace_signal(si->signo, "taken by", t->image->process, t->tid);
    }
    t->sig_wait = NULL;
    exec_timer_cancel(&w->timer);
    free(w);
    proc_sig_wait_reply(call, error, &out);
}

static void sig_wait_cancelled(struct rpc_call *call)
{
    struct sig_wait_record *w = call->context;

    finish_sig_wait(w->thread, ERR_CANCELLED, NULL);
}

static void sig_wait_timeout(struct exec_timer *timer)
{
    struct sig_wait_record *w = (struct sig_wait_record *)((char *)timer - offsetof(struct sig_wait_record, timer));

    finish_sig_wait(w->thread, ERR_TIMEOUT, NULL);
}

error_t proc_serve_sig_take(struct rpc_call *call, const struct proc_sig_take_in *in, struct proc_sig_take_out *out)
{
    (void)call;
    if (!take(handle_thread(in->thread), in->mask, &out->info))
        out->info = (struct proc_siginfo){ 0 };
    return 0;
}

error_t proc_serve_sig_wait(struct rpc_call *call, const struct proc_sig_wait_in *in, struct proc_sig_wait_out *out)
{
    struct thread *t = handle_thread(in->thread);
    struct sig_wait_record *w;

    if (t->sig_wait)
        return ERR_INVALID_ARGUMENT;
    if (take(t, in->mask & ~SIG_FORCED_SET, &out->info))
        return 0;
    if (in->deadline == DEADLINE_POLL || in->deadline <= now())
        return ERR_TIMEOUT;
    w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NO_MEMORY;
    w->thread = t;
    w->timer.fire = sig_wait_timeout;
    w->call = rpc_park(call, sig_wait_cancelled, w);
    if (!w->call) {
        free(w);
        return ERR_NO_BUFFERS;
    }
    t->sig_wait = &w->parked;
    t->sig_wait_mask = in->mask & ~SIG_FORCED_SET;
    if (in->deadline != DEADLINE_NONE)
        exec_timer_set(&w->timer, in->deadline);
    return RPC_PENDING;
}

error_t proc_serve_default_action(struct rpc_call *call, const struct proc_default_action_in *in,
                                  struct proc_default_action_out *out)
{
    struct process *p = caller(call);

    (void)out;
    if (in->signo == 0 || in->signo > NSIG)
        return ERR_INVALID_ARGUMENT;
    if (p && p != init_process)
        default_action(p, in->signo);
    return 0;
}

error_t proc_serve_sig_ignored(struct rpc_call *call, const struct proc_sig_ignored_in *in, struct proc_sig_ignored_out *out)
{
    struct process *p = caller(call);

    (void)out;
    if (p) {
        drop_pending(p, in->ignored & ~SIG_FORCED_SET);
        tell_fs(p);
    }
    return 0;
}
