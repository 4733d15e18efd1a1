/* SPDX-License-Identifier: MIT */
/*
 * Requests whose handler said RPC_BLOCKS: run again on a coroutine.
 *
 * Such a handler has changed nothing yet, so its dispatch is simply repeated
 * with private copies of entry and arguments. When no coroutine is free the job
 * waits, in order; a coroutine that finished one takes the next.
 * Cancelling sets the call's flag and wakes the coroutine, which unwinds by
 * itself and answers.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coro.h"
#include "session.h"

void *job_buffer(struct rpc_job *job, size_t bytes)
{
    if (job->nr_buffers == JOB_MAX_BUFFERS)
        return NULL;
    void *buffer = malloc(bytes);
    if (buffer != NULL)
        job->buffer[job->nr_buffers++] = buffer;
    return buffer;
}

static void job_cancelled(struct rpc_call *call)
{
    if (call->job->coro != NULL)
        coro_cancel(call->job->coro);
}

static void job_free(struct rpc_job *job)
{
    for (unsigned i = 0; i < job->nr_buffers; i++)
        free(job->buffer[i]);
    free(job);
}

static void job_run(struct rpc_job *job)
{
    struct rpc_call *call = &job->call;

    job->coro = coro_self();
    if (call->cancelled && call->token != TOKEN_EVENT)
        rpc_complete(call, ERR_CANCELLED);
    else
        call->server->interface->dispatch(call, &job->entry, job->arena);
    assert(job->finished);
    rpc_server_flush(call->server);
}

static void job_main(void *argument)
{
    struct rpc_job *job = argument;
    struct rpc_server *server = job->call.server;

    for (;;) {
        job_run(job);
        job_free(job);
        job = server->waiting_jobs;
        if (job == NULL)
            return;
        server->waiting_jobs = job->next;
        if (server->waiting_jobs == NULL)
            server->waiting_end = &server->waiting_jobs;
        coro_set_cancelled(coro_self(), false); /* that was meant for the job before */
        coro_yield();
    }
}

void job_start(struct rpc_call *call, const struct sq_entry *entry, const uint8_t *arena)
{
    struct server_session *s = call_session(call);
    struct rpc_job *job = malloc(sizeof *job);

    if (job == NULL || s == NULL) {
        free(job);
        rpc_complete(call, ERR_NO_MEMORY);
        return;
    }
    job->call = *call;
    job->call.direct = false;
    job->call.job = job;
    job->call.on_cancel = job_cancelled;
    job->entry = *entry;
    job->coro = NULL;
    job->next = NULL;
    job->nr_buffers = 0;
    job->finished = false;
    memcpy(job->arena, arena, entry->arena_bytes);
    call_list(s, &job->call);
    if (coro_spawn(job_main, job, call->server->interface->name) == 0)
        return;
    *call->server->waiting_end = job;
    call->server->waiting_end = &job->next;
}
