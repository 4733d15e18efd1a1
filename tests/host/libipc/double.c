/* SPDX-License-Identifier: MIT */
/* The part of generated test doubles that is the same for all of them; libipc/double.h. */
#include <libipc/double.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct double_block {
    struct double_block *next;
    max_align_t data[];
};

struct double_answer {
    struct double_answer *next;
    uint16_t method;
    bool hold, repeat;
    error_t error;
    void *out;
    const void *lent;
    uint64_t lent_bytes;
};

static const char *name_of(const struct rpc_double *d, uint16_t method)
{
    for (unsigned i = 0; i < d->nr_methods; i++)
        if (d->method[i].ordinal == method)
            return d->method[i].name;
    return "?";
}

__attribute__((noreturn)) static void wrong(const struct rpc_double *d, uint16_t method, const char *what)
{
    fprintf(stderr, "double of %s: %s: %s\n", d->name, name_of(d, method), what);
    abort();
}

static void *reserve(struct rpc_double *d, size_t bytes)
{
    struct double_block *block = calloc(1, sizeof *block + bytes + 1);

    if (block == NULL)
        abort();
    block->next = d->blocks;
    d->blocks = block;
    return block->data;
}

void double_reset(struct rpc_double *d)
{
    for (struct double_block *block = d->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    d->blocks = NULL;
    d->calls = NULL;
    d->answers = NULL;
}

void *double_copy(struct rpc_double *d, const void *data, uint64_t bytes)
{
    char *copy = reserve(d, bytes);

    if (bytes != 0)
        memcpy(copy, data, bytes);
    return copy;
}

unsigned double_unmet(const struct rpc_double *d)
{
    unsigned nr = 0;

    for (const struct double_answer *a = d->answers; a != NULL; a = a->next) {
        if (a->repeat)
            continue;
        fprintf(stderr, "double of %s: %s was not called\n", d->name, name_of(d, a->method));
        nr++;
    }
    for (const struct double_call *call = d->calls; call != NULL; call = call->next) {
        if (call->answered)
            continue;
        fprintf(stderr, "double of %s: a held %s was not answered\n", d->name, name_of(d, call->method));
        nr++;
    }
    return nr;
}

/* ---- calls ---- */

struct double_call *double_call(const struct rpc_double *d, uint16_t method, unsigned n)
{
    for (struct double_call *call = d->calls; call != NULL; call = call->next)
        if (call->method == method && n-- == 0)
            return call;
    return NULL;
}

unsigned double_nr_calls(const struct rpc_double *d, uint16_t method)
{
    unsigned nr = 0;

    while (double_call(d, method, nr) != NULL)
        nr++;
    return nr;
}

struct double_call *double_held(const struct rpc_double *d, uint16_t method)
{
    for (struct double_call *call = d->calls; call != NULL; call = call->next)
        if (call->method == method && !call->answered)
            return call;
    return NULL;
}

struct double_call *double_begin(struct rpc_double *d, uint16_t method, size_t in_bytes)
{
    struct double_call *call = reserve(d, sizeof *call), **end = &d->calls;

    call->method = method;
    call->in = reserve(d, in_bytes);
    while (*end != NULL)
        end = &(*end)->next;
    *end = call;
    return call;
}

static void settle(const struct rpc_double *d, struct double_call *call, error_t error, void *out, const void *lent,
                   uint64_t lent_bytes)
{
    call->error = error;
    call->out = error == 0 ? out : NULL;
    call->answered = true;
    if (error != 0 || lent_bytes == 0)
        return;
    if (lent == NULL || lent_bytes > call->lent_out.bytes)
        wrong(d, call->method, "answered with more than was lent");
    memcpy(call->lent_out.data, lent, lent_bytes);
}

void double_called(struct rpc_double *d, struct double_call *call)
{
    struct double_answer **at = &d->answers, *a;

    while (*at != NULL && (*at)->method != call->method)
        at = &(*at)->next;
    a = *at;
    if (a == NULL)
        wrong(d, call->method, "called, and nobody told it an answer");
    if (!a->repeat)
        *at = a->next;
    if (!a->hold)
        settle(d, call, a->error, a->out, a->lent, a->lent_bytes);
}

void double_posted(struct rpc_double *d, struct rpc_client *client, struct double_call *call)
{
    (void)d;
    client->sq_tail++;
    call->answered = true;
}

error_t double_finish(struct rpc_double *d, struct double_call *call)
{
    while (!call->answered) {
        if (d->wait == NULL)
            wrong(d, call->method, "held, and waited for");
        d->wait(call);
    }
    return call->error;
}

/* ---- answers ---- */

/* NULL will do when all results are 0, or there are none. */
static void *results(struct rpc_double *d, const void *out, size_t bytes)
{
    return out != NULL ? double_copy(d, out, bytes) : reserve(d, bytes);
}

static struct double_answer *add_answer(struct rpc_double *d, uint16_t method)
{
    struct double_answer *a = reserve(d, sizeof *a), **end = &d->answers;

    a->method = method;
    while (*end != NULL)
        end = &(*end)->next;
    return *end = a;
}

void double_hold(struct rpc_double *d, uint16_t method)
{
    add_answer(d, method)->hold = true;
}

void double_tell(struct rpc_double *d, uint16_t method, error_t error, const void *out, size_t out_bytes, const void *lent,
                 uint64_t lent_bytes)
{
    struct double_answer *a = add_answer(d, method);

    a->error = error;
    if (error != 0)
        return;
    a->out = results(d, out, out_bytes);
    if (lent_bytes != 0)
        a->lent = double_copy(d, lent, lent_bytes);
    a->lent_bytes = lent_bytes;
}

void double_repeat(struct rpc_double *d)
{
    struct double_answer *a = d->answers;

    while (a != NULL && a->next != NULL)
        a = a->next;
    if (a != NULL)
        a->repeat = true;
}

void double_answer(struct rpc_double *d, struct double_call *call, error_t error, const void *out, size_t out_bytes,
                   const void *lent, uint64_t lent_bytes)
{
    if (call->answered)
        wrong(d, call->method, "answered twice");
    settle(d, call, error, error == 0 ? results(d, out, out_bytes) : NULL, lent, lent_bytes);
}

/* As the real stubs: what the caller has no room for is ERR_RANGE_RESULT. */
error_t double_give(struct rpc_out to, const void *from, uint32_t bytes)
{
    if (bytes > to.bytes)
        return ERR_RANGE_RESULT;
    if (bytes != 0)
        memcpy(to.data, from, bytes);
    return 0;
}
