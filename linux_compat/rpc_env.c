/* SPDX-License-Identifier: MIT */
/*
 * How a guest thread waits for a server (docs/architecture.md 7).
 *
 * All sessions of a process share rpc_lock and one notification. Of the threads
 * that wait for answers one is the drainer: it declares the clients asleep,
 * waits on the process's notification and drains for all. The others sleep on
 * their own notification; rpc_env.completed wakes them. Whoever gives the role
 * up (answer found, or interrupted) wakes one of the waiting, who takes it.
 *
 * A doorbell that is due and the sleep are one SYS_SIGNAL_WAIT. Before, while
 * the server is awake on another hart and nothing else wants ours, rpc_spin
 * looks at the completion ring for a learned time.
 *
 * A process with one thread, which is most of them, uses an environment without
 * locks and roles (single_rpc_env): only the client that is waited for matters.
 * The other one is put in force before a second thread is made, and stays. Where
 * the machine has one hart, libipc waits by itself (alone_rpc_env).
 *
 * The drainer declares all clients asleep, busy or not: the next thread may use
 * one that was idle when it went to sleep. On a machine with one hart nobody
 * ever spins, so a client stays declared asleep for good. The look at the ring
 * after a full fence is needed all the same: a server does not ring again as
 * long as it has not seen that we drained.
 *
 * A wait that an upcall ended is given up only if a signal can be delivered and
 * the request may be cancelled; otherwise thread.work remembers it.
 */
#include <libipc/atomic.h>
#include "guest.h"
#include "kcall.h"
#include "process.h"
#include "rpc_env.h"

static struct process *process_of(struct rpc_client *c) { return c->env_data; }

static void env_lock(struct rpc_client *c) { lock_take(&process_of(c)->rpc_lock); }
static void env_unlock(struct rpc_client *c) { lock_give(&process_of(c)->rpc_lock); }

static void env_completed(struct rpc_client *c, struct rpc_request *req)
{
    struct thread *owner = req->owner;
    if (req->user == RPC_DETACHED) {
        req->user = 0;
        req->in_use = 0;
        __atomic_fetch_or(&c->tokens[req->token / 64], 1ul << (req->token % 64), __ATOMIC_RELEASE); /* as rpc_end, unlocked */
        return;
    }
    if (owner && owner != this_thread())
        thread_wake(owner->index);
}

static void wake_all(struct process *p)
{
    for (unsigned w = 0; w < 2; w++)
        for (uint64_t m = p->waiting[w]; m; m &= m - 1)
            thread_wake(w * 64 + (unsigned)__builtin_ctzl(m));
}

static void env_room(struct rpc_client *c)
{
    wake_all(process_of(c));
}

static void drain_all(struct process *p)
{
    for (unsigned i = 0; i < NR_CLIENTS; i++)
        rpc_drain(&p->client[i]);
}

static inline struct session_header *header_of(const struct rpc_client *c)
{
    return &c->session->header;
}

/* The second look. */
static inline bool nothing_came(const struct rpc_client *c)
{
    return load_acquire(&header_of(c)->cq_tail) == c->cq_head && load_relaxed(&header_of(c)->epoch) == c->epoch;
}

/* With the lock held. False: something came. */
static bool prepare_all(struct process *p)
{
    bool quiet = true;

    for (unsigned i = 0; i < NR_CLIENTS; i++)
        store_relaxed(&header_of(&p->client[i])->client_asleep, 1);
    full_fence();
    for (unsigned i = 0; i < NR_CLIENTS; i++)
        quiet &= nothing_came(&p->client[i]);
    return quiet;
}

static void end_all(struct process *p)
{
    if (hart_page()->nr_harts > 1)
        for (unsigned i = 0; i < NR_CLIENTS; i++)
            rpc_end_sleep(&p->client[i]);
}

/* One of those who sleep shall look again, and perhaps become the drainer. */
static void pass_role(struct process *p)
{
    for (unsigned w = 0; w < 2; w++)
        if (p->waiting[w]) {
            thread_wake(w * 64 + (unsigned)__builtin_ctzl(p->waiting[w]));
            return;
        }
}

static error_t sleep_as_drainer(struct process *p, struct rpc_client *c, struct thread *t, ticks_t deadline)
{
    /* lock held on entry, and on return */
    p->drainer = t->index + 1;
    ticks_t start = now_ticks();
    bool quiet = prepare_all(p);
    bool ring = rpc_take_ring(c);
    error_t e = ERR_OK;
    lock_give(&p->rpc_lock);
    if (quiet)
        e = ring ? kcall_signal_wait(c->doorbell, p->notification, deadline) : kcall_wait(p->notification, deadline);
    else if (ring)
        kcall_signal(c->doorbell);
    lock_take(&p->rpc_lock);
    rpc_spin_learn(c, now_ticks() - start, hart_page()->timebase_hz);
    end_all(p);
    drain_all(p);
    p->drainer = 0;
    return e;
}

static error_t sleep_as_other(struct process *p, struct rpc_client *c, struct thread *t, ticks_t deadline)
{
    uint64_t *word = &p->waiting[t->index / 64], bit = 1ul << (t->index % 64);
    *word |= bit;
    bool ring = rpc_take_ring(c);
    lock_give(&p->rpc_lock);
    error_t e = ring ? kcall_signal_wait(c->doorbell, thread_notification(t->index), deadline)
                     : kcall_wait(thread_notification(t->index), deadline);
    lock_take(&p->rpc_lock);
    *word &= ~bit;
    return e;
}

static error_t env_wait_until(struct rpc_client *c, struct rpc_request *req, ticks_t deadline)
{
    struct process *p = process_of(c);
    struct thread *t = this_thread();
    bool done;
    error_t e = ERR_OK;

    /* A server that is awake runs on another hart now: an answer may be near. */
    if (!c->ring_needed)
        rpc_spin(c, hart_page(), (uint32_t)t->frame.hart % MAX_HARTS);
    lock_take(&p->rpc_lock);
    req->owner = t;
    rpc_drain(c);
    while (!(done = load_acquire(&req->done))) {
        /* Known already, by a mask change or an earlier wait of this call. */
        if ((t->work & WORK_SIGNAL) && req->interruptible && thread_signal_pending(t))
            break;
        if (e == ERR_TIMEOUT)
            break;
        e = p->drainer ? sleep_as_other(p, c, t, deadline) : sleep_as_drainer(p, c, t, deadline);
        if (e == ERR_INTERRUPTED)
            t->work |= WORK_SIGNAL;
    }
    /* A ring that is still due (the answer came first) must not get lost. */
    bool ring = c->ring_needed && rpc_take_ring(c);
    req->owner = NULL;
    if (!p->drainer)
        pass_role(p);
    lock_give(&p->rpc_lock);
    if (ring)
        kcall_signal(c->doorbell);
    return done ? ERR_OK : e == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_INTERRUPTED;
}

static error_t env_wait(struct rpc_client *c, struct rpc_request *req)
{
    return env_wait_until(c, req, DEADLINE_NONE);
}

static uint32_t env_hz(void)
{
    return hart_page()->timebase_hz;
}

/* The only thread: waits for the one answer. */
static error_t single_wait_until(struct rpc_client *c, struct rpc_request *req, ticks_t deadline)
{
    struct process *p = process_of(c);
    struct thread *t = this_thread();

    if (!c->ring_needed && !c->spun && hart_page()->nr_harts > 1)
        rpc_spin(c, hart_page(), (uint32_t)t->frame.hart % MAX_HARTS);
    c->spun = false;
    error_t e = ERR_OK;
    for (;;) {
        if (!c->ring_needed) {
            rpc_drain(c);
            if (load_relaxed(&req->done))
                return ERR_OK;
        }
        if (__builtin_expect(t->work & WORK_SIGNAL, 0) && req->interruptible && thread_signal_pending(t)) {
            e = ERR_INTERRUPTED;
            break;
        }
        if (__builtin_expect(e == ERR_TIMEOUT, 0))
            break;
        bool many = hart_page()->nr_harts > 1;
        ticks_t start = many ? now_ticks() : 0;
        store_relaxed(&header_of(c)->client_asleep, 1);
        full_fence();
        bool quiet = nothing_came(c);
        e = ERR_OK;
        if (c->ring_needed) {
            c->ring_needed = false;
            e = quiet ? kcall_signal_wait(c->doorbell, p->notification, deadline) : kcall_signal(c->doorbell);
        } else if (quiet) {
            e = kcall_wait(p->notification, deadline);
        }
        if (many) {
            rpc_end_sleep(c);
            rpc_spin_learn(c, now_ticks() - start, hart_page()->timebase_hz);
        }
        if (__builtin_expect(e == ERR_INTERRUPTED, 0))
            t->work |= WORK_SIGNAL;
    }
    if (rpc_take_ring(c))
        kcall_signal(c->doorbell);
    return e;
}

static error_t single_wait(struct rpc_client *c, struct rpc_request *req)
{
    return single_wait_until(c, req, DEADLINE_NONE);
}

/* Tokens, entries or slots are gone. Others' answers free them; entries are
 * freed by the server without a notice, so look again after a while. */
static void env_wait_room(struct rpc_client *c)
{
    struct process *p = process_of(c);
    struct thread *t = this_thread();
    uint64_t *word = &p->waiting[t->index / 64], bit = 1ul << (t->index % 64);
    lock_take(&p->rpc_lock);
    drain_all(p);
    bool ring = rpc_take_ring(c);
    *word |= bit;
    lock_give(&p->rpc_lock);
    if (ring)
        kcall_signal(c->doorbell);
    kcall_yield();
    if (kcall_wait(thread_notification(t->index), now_ticks() + time_page()->hz / 2000) == ERR_INTERRUPTED)
        t->work |= WORK_SIGNAL;
    lock_take(&p->rpc_lock);
    *word &= ~bit;
    lock_give(&p->rpc_lock);
}

const struct rpc_env guest_rpc_env = {
    .lock = env_lock,
    .unlock = env_unlock,
    .wait = env_wait,
    .wait_until = env_wait_until,
    .timebase_hz = env_hz,
    .wait_room = env_wait_room,
    .completed = env_completed,
    .copy_in = lent_copy_in,
    .copy_out = lent_copy_out,
    .combines_ring = true,
    .room = env_room,
};

static void env_interrupted(struct rpc_client *c)
{
    (void)c;
    this_thread()->work |= WORK_SIGNAL;
}

/* Its requests do not come to single_wait but when something is out of the usual. */
const struct rpc_env alone_rpc_env = {
    .wait = single_wait,
    .wait_until = single_wait_until,
    .timebase_hz = env_hz,
    .wait_room = env_wait_room,
    .completed = env_completed,
    .copy_in = lent_copy_in,
    .copy_out = lent_copy_out,
    .interrupted = env_interrupted,
    .combines_ring = true,
};

static bool single_spin(struct rpc_client *c)
{
    return rpc_spin(c, hart_page(), (uint32_t)this_thread()->frame.hart % MAX_HARTS);
}

const struct rpc_env single_rpc_env = {
    .wait = single_wait,
    .wait_until = single_wait_until,
    .timebase_hz = env_hz,
    .wait_room = env_wait_room,
    .completed = env_completed,
    .copy_in = lent_copy_in,
    .copy_out = lent_copy_out,
    .interrupted = env_interrupted,
    .spin = single_spin,
    .combines_ring = true,
};

void rpc_env_share(struct process *p)
{
    for (unsigned i = 0; i < NR_CLIENTS; i++)
        p->client[i].env = &guest_rpc_env;
}

bool rpc_env_is_single(const struct process *p)
{
    return p->client[0].env != &guest_rpc_env;
}

/* ---- sleeping of one thread ---- */

void thread_wake(uint32_t index)
{
    kcall_signal(thread_notification(index));
}

error_t thread_sleep(ticks_t deadline)
{
    struct thread *t = this_thread();
    if ((t->work & WORK_SIGNAL) && thread_signal_pending(t))
        return ERR_INTERRUPTED;
    error_t e = kcall_wait(thread_notification(t->index), deadline);
    if (e != ERR_INTERRUPTED)
        return e;
    t->work |= WORK_SIGNAL;
    return thread_signal_pending(t) ? ERR_INTERRUPTED : ERR_OK;
}
