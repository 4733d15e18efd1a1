/* SPDX-License-Identifier: MIT */
#include "fake_kernel.h"

#include <assert.h>
#include <errno.h>
#include <libipc/syscall.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define NR_NOTIFICATIONS 4096u

struct notification {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    uint64_t bits;
    int upcall;
};

static struct notification notifications[NR_NOTIFICATIONS];
static struct { uintptr_t base, end; } allowed[16];
static unsigned nr_allowed;
static atomic_ulong frozen;
atomic_ulong fake_nr_signals, fake_nr_waits, fake_nr_sleeps, fake_nr_copies;

void fake_kernel_reset(void)
{
    for (unsigned i = 0; i < NR_NOTIFICATIONS; i++) {
        pthread_condattr_t attr;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&notifications[i].lock, NULL);
        pthread_cond_init(&notifications[i].cond, &attr);
        notifications[i].bits = 0;
        notifications[i].upcall = 0;
    }
    nr_allowed = 0;
    frozen = 0;
    fake_nr_signals = fake_nr_waits = fake_nr_sleeps = fake_nr_copies = 0;
}

void fake_allow_memory(const void *base, size_t bytes)
{
    allowed[nr_allowed].base = (uintptr_t)base;
    allowed[nr_allowed++].end = (uintptr_t)base + bytes;
}

static struct notification *lookup(cptr_t cap)
{
    assert(cap != CAP_NULL);
    return &notifications[((cap & 63) * 64 + (cap >> 20)) % NR_NOTIFICATIONS];
}

static void signal_one(cptr_t cap)
{
    struct notification *n = lookup(cap);
    uint64_t bit = (cap >> 20) != 0 ? 2 : 1ull << (cap >> 8 & 63);

    atomic_fetch_add(&fake_nr_signals, 1);
    pthread_mutex_lock(&n->lock);
    n->bits |= bit;
    pthread_cond_broadcast(&n->cond);
    pthread_mutex_unlock(&n->lock);
}

void fake_upcall(cptr_t cap)
{
    struct notification *n = lookup(cap);
    pthread_mutex_lock(&n->lock);
    n->upcall = 1;
    pthread_cond_broadcast(&n->cond);
    pthread_mutex_unlock(&n->lock);
}

static error_t wait_one(cptr_t cap, ticks_t deadline, uint64_t *bits)
{
    struct notification *n = lookup(cap);
    struct timespec until = { (time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u) };
    error_t error = 0;

    atomic_fetch_add(&fake_nr_waits, 1);
    pthread_mutex_lock(&n->lock);
    if (n->bits == 0 && !n->upcall && deadline != DEADLINE_POLL)
        atomic_fetch_add(&fake_nr_sleeps, 1);
    while (n->bits == 0 && !n->upcall && error == 0) {
        if (deadline == DEADLINE_POLL)
            error = ERR_WOULD_BLOCK;
        else if (deadline == DEADLINE_NONE)
            pthread_cond_wait(&n->cond, &n->lock);
        else if (pthread_cond_timedwait(&n->cond, &n->lock, &until) == ETIMEDOUT)
            error = ERR_TIMEOUT;
    }
    if (n->upcall) {
        n->upcall = 0;
        error = ERR_INTERRUPTED;
    } else if (error == 0) {
        *bits = n->bits;
        n->bits = 0;
    }
    pthread_mutex_unlock(&n->lock);
    return error;
}

static error_t copy(uint64_t address, void *own, uint64_t bytes, uint64_t into, uint64_t *done)
{
    atomic_fetch_add(&fake_nr_copies, 1);
    *done = 0;
    for (unsigned i = 0; i < nr_allowed; i++) {
        if (address < allowed[i].base || address >= allowed[i].end)
            continue;
        *done = bytes < allowed[i].end - address ? bytes : allowed[i].end - address;
        if (into)
            memcpy((void *)address, own, *done);
        else
            memcpy(own, (void *)address, *done);
    }
    return *done == bytes ? 0 : ERR_FAULT;
}

void fake_clock_set(uint64_t now)
{
    frozen = now;
}

error_t host_syscall(uint64_t nr, uint64_t arg[7])
{
    struct timespec now;
    switch (nr) {
    case SYS_SIGNAL:
        signal_one(arg[0]);
        return 0;
    case SYS_WAIT:
        return wait_one(arg[0], arg[1], &arg[1]);
    case SYS_SIGNAL_WAIT:
        signal_one(arg[0]);
        return wait_one(arg[1], arg[2], &arg[1]);
    case SYS_YIELD:
        sched_yield();
        return 0;
    case SYS_VSPACE_COPY:
        return copy(arg[1], (void *)arg[2], arg[3], arg[4], &arg[1]);
    case SYS_COUNT:     /* the clock */
        clock_gettime(CLOCK_MONOTONIC, &now);
        arg[1] = frozen != 0 ? frozen : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        return 0;
    default:
        return ERR_INVALID_CALL;
    }
}

/* ---- a client with one thread ---- */

static void nothing(struct rpc_client *client)
{
    (void)client;
}

static error_t sleep_once(struct rpc_client *client, bool quiet)
{
    uint64_t bits;
    error_t error = 0;
    bool ring = rpc_take_ring(client);

    if (quiet)
        error = ring ? sys_signal_wait(client->doorbell, client->own, DEADLINE_NONE, &bits)
                     : sys_wait(client->own, DEADLINE_NONE, &bits);
    else if (ring)
        sys_signal(client->doorbell);
    rpc_end_sleep(client);
    return error;
}

static error_t wait_done(struct rpc_client *client, struct rpc_request *request)
{
    for (;;) {
        rpc_drain(client);
        if (request->done)
            return 0;
        if (sleep_once(client, rpc_prepare_sleep(client)) == ERR_INTERRUPTED && request->interruptible)
            return ERR_INTERRUPTED;
    }
}

static void wait_room(struct rpc_client *client)
{
    if (rpc_take_ring(client))
        sys_signal(client->doorbell);
    rpc_drain(client);
    sys_yield();
}

static void completed(struct rpc_client *client, struct rpc_request *request)
{
    (void)client;
    (void)request;
}

const struct rpc_env thread_env = {
    .lock = nothing,
    .unlock = nothing,
    .wait = wait_done,
    .wait_room = wait_room,
    .completed = completed,
    .combines_ring = true,
};
