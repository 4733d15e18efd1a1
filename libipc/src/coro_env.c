/* SPDX-License-Identifier: MIT */
/*
 * The environment of clients inside a server: who waits is a coroutine, who
 * drains is the executor in each turn. One thread, so there is nothing to lock.
 *
 * Events may be posted from the executor's own stack, which cannot wait: when
 * the ring is full they go to a private list that the executor publishes, in
 * order, as room appears.
 */
#include <assert.h>
#include <libipc/atomic.h>
#include <libipc/executor.h>
#include <libipc/syscall.h>
#include <stdlib.h>

#include "coro.h"
#include "executor.h"

struct backlog_entry {
    struct sq_entry event;
    struct backlog_entry *next;
};
struct backlog {
    struct backlog_entry *first, **end;
};
struct room_waiter {
    struct coro *coro;
    struct room_waiter *next;
};

bool coro_env_used;

/* Whatever makes the server owe a client something begins here. */
static void lock(struct rpc_client *client)
{
    (void)client;
    coro_env_used = true;
}

static void unlock(struct rpc_client *client)
{
    (void)client;
}

static error_t wait_done_until(struct rpc_client *client, struct rpc_request *request, ticks_t deadline)
{
    struct coro *self = coro_self();
    error_t error = 0;
    bool cancelled = false;

    (void)client;
    assert(self != NULL);   /* a call that waits, on the executor's own stack */
    request->owner = self;
    while (request->done == 0 && error != ERR_TIMEOUT) {
        error = deadline == DEADLINE_NONE ? coro_suspend() : coro_suspend_until(deadline);
        if (error != ERR_CANCELLED)
            continue;
        if (request->interruptible)
            return ERR_INTERRUPTED;
        cancelled = true;
    }
    if (cancelled)
        coro_set_cancelled(self, true);     /* for the next wait that may end early */
    return request->done != 0 ? 0 : ERR_TIMEOUT;
}

static error_t wait_done(struct rpc_client *client, struct rpc_request *request)
{
    return wait_done_until(client, request, DEADLINE_NONE);
}

static void completed(struct rpc_client *client, struct rpc_request *request)
{
    (void)client;
    if (request->owner != NULL)
        coro_wake(request->owner);
    request->owner = NULL;
}

static void wait_room(struct rpc_client *client)
{
    if (coro_self() == NULL) {
        /* Only a flood of asynchronous requests from the loop itself. */
        rpc_drain(client);
        sys_yield();
        return;
    }
    struct room_waiter waiter = { coro_self(), client->env_data };
    /* cppcheck-suppress autoVariables ; taken out again before this function returns */
    client->env_data = &waiter;
    bool cancelled = coro_suspend() == ERR_CANCELLED;
    /* Woken by somebody else than wake_room: take ourselves out. */
    for (struct room_waiter **at = (struct room_waiter **)&client->env_data; *at != NULL; at = &(*at)->next) {
        if (*at == &waiter) {
            *at = waiter.next;
            break;
        }
    }
    if (cancelled) {
        coro_set_cancelled(coro_self(), true);
        coro_yield();
    }
}

static void wake_room(struct rpc_client *client)
{
    struct room_waiter *waiter = client->env_data;

    client->env_data = NULL;
    for (; waiter != NULL; waiter = waiter->next)
        coro_wake(waiter->coro);
}

static bool add_backlog(struct rpc_client *client, const struct sq_entry *event)
{
    struct backlog *backlog = client->backlog;
    struct backlog_entry *entry = malloc(sizeof *entry);

    if (entry == NULL)
        return false;
    if (backlog == NULL) {
        backlog = malloc(sizeof *backlog);
        if (backlog == NULL) {
            free(entry);
            return false;
        }
        backlog->first = NULL;
        backlog->end = &backlog->first;
        client->backlog = backlog;
    }
    entry->event = *event;
    entry->next = NULL;
    *backlog->end = entry;
    backlog->end = &entry->next;
    client->nr_backlog++;
    return true;
}

static bool publish_backlog(struct rpc_client *client)
{
    struct backlog *backlog = client->backlog;
    bool any = false;

    while (backlog->first != NULL && rpc_try_post(client, &backlog->first->event)) {
        struct backlog_entry *entry = backlog->first;
        backlog->first = entry->next;
        client->nr_backlog--;
        free(entry);
        any = true;
    }
    if (backlog->first == NULL) {
        free(backlog);
        client->backlog = NULL;
    }
    if (rpc_take_ring(client))
        sys_signal(client->doorbell);
    return any;
}

/* The ring was full when somebody last looked, and the server has moved on.
 * (Who waits for a token or a slot instead is woken by rpc_end.) */
bool coro_env_has_room(const struct rpc_client *client)
{
    return (client->env_data != NULL || client->backlog != NULL)
           && client->sq_tail + client->nr_reserved - client->sq_head_seen >= SQ_ENTRIES
           && load_acquire(&client->session->header.sq_head) != client->sq_head_seen;
}

bool coro_env_turn(struct rpc_client *client)
{
    if (!coro_env_has_room(client))
        return false;
    bool any = client->backlog != NULL && publish_backlog(client);
    if (client->env_data != NULL) {
        wake_room(client);
        any = true;
    }
    return any;
}

const struct rpc_env coro_rpc_env = {
    .lock = lock,
    .unlock = unlock,
    .wait = wait_done,
    .wait_room = wait_room,
    .completed = completed,
    .room = wake_room,
    .backlog = add_backlog,
    .wait_until = wait_done_until,
    .timebase_hz = exec_timebase_hz,
};
