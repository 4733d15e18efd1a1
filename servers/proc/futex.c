/* SPDX-License-Identifier: MIT */
/*
 * Shared futexes (futex(2)): words in memory that several processes map.
 *
 * The key is what lies under the address: the Segment's id and the offset in
 * it; private memory is keyed by the vm. A waiter is queued and the word read in
 * one step of this single thread, so the client need not look again: a waker
 * changes the word before it asks for a wake, hence either we read the new value
 * (AGAIN) or its request comes after and finds the waiter.
 */
#include "futex.h"

#include <libipc/executor.h>
#include <stdlib.h>

#include "vm.h"

#define NR_BUCKETS 256

struct futex_key { uint64_t object, offset; };

struct futex_wait {
    struct parked parked;
    struct futex_key key;
    uint32_t bitset;
    struct rpc_call *call;
    struct exec_timer timer;
};
static struct parked *buckets[NR_BUCKETS];

static struct parked **bucket_of(const struct futex_key *key)
{
    uint64_t h = (key->object ^ key->offset >> 2) * 0x9e3779b97f4a7c15ul;

    return &buckets[h >> 56];
}

static bool same(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

static error_t key_of(const struct image *image, uint64_t address, struct futex_key *out)
{
    struct vspace_query q;
    error_t error;

    if (address % 4)
        return ERR_INVALID_ARGUMENT;
    error = vspace_query(vm_cap(image->vm, ROW_VSPACE), address & ~(PAGE_BYTES - 1), &q);
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the kernel wrote q */
    if (error || q.kind == 0)
        return ERR_FAULT;
    if (q.kind == 2 && q.flags & VM_SHARED)
        *out = (struct futex_key){ q.segment_id, q.segment_page * PAGE_BYTES + address % PAGE_BYTES };
    else
        *out = (struct futex_key){ image->vm->id | 1ul << 63, address };
    return 0;
}

static void finish(struct futex_wait *w, error_t error)
{
    struct rpc_call *call = w->call;

    parked_unlink(&w->parked);
    exec_timer_cancel(&w->timer);
    free(w);
    proc_futex_wait_reply(call, error, NULL);
}

static void on_cancel(struct rpc_call *call)
{
    finish(call->context, ERR_CANCELLED);
}

static void on_timeout(struct exec_timer *timer)
{
    finish((struct futex_wait *)((char *)timer - offsetof(struct futex_wait, timer)), ERR_TIMEOUT);
}

error_t proc_serve_futex_wait(struct rpc_call *call, const struct proc_futex_wait_in *in, struct proc_futex_wait_out *out)
{
    struct image *image = caller_image(call);
    struct futex_key key;
    struct futex_wait *w;
    uint32_t word;
    error_t error;

    (void)out;
    if (!image)
        return ERR_NO_PROCESS;
    if (in->bitset == 0)
        return ERR_INVALID_ARGUMENT;
    error = key_of(image, in->address, &key);
    if (!error)
        error = rpc_client_read(call, in->address, &word, sizeof word);
    if (error)
        return error;
    if (word != in->value)
        return ERR_WOULD_BLOCK;
    if (in->deadline != DEADLINE_NONE && in->deadline <= now())
        return ERR_TIMEOUT;
    w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NO_MEMORY;
    w->key = key;
    w->bitset = in->bitset;
    w->timer.fire = on_timeout;
    w->call = rpc_park(call, on_cancel, w);
    if (!w->call) {
        free(w);
        return ERR_NO_BUFFERS;
    }
    parked_link(bucket_of(&key), &w->parked);
    if (in->deadline != DEADLINE_NONE)
        exec_timer_set(&w->timer, in->deadline);
    return RPC_PENDING;
}

static uint32_t wake(const struct futex_key *key, uint32_t count, uint32_t bitset)
{
    uint32_t woken = 0;

    for (struct parked *at = *bucket_of(key), *next; at && woken < count; at = next) {
        struct futex_wait *w = (struct futex_wait *)at;

        next = at->next;
        if (!same(&w->key, key) || !(w->bitset & bitset))
            continue;
        finish(w, 0);
        woken++;
    }
    return woken;
}

void futex_wake_one(const struct image *image, uaddr_t address)
{
    struct futex_key key;

    if (key_of(image, address, &key) == 0)
        wake(&key, 1, UINT32_MAX);
}

error_t proc_serve_futex_wake(struct rpc_call *call, const struct proc_futex_wake_in *in, struct proc_futex_wake_out *out)
{
    struct image *image = caller_image(call);
    struct futex_key key;
    error_t error;

    if (!image)
        return ERR_NO_PROCESS;
    if (in->bitset == 0)
        return ERR_INVALID_ARGUMENT;
    error = key_of(image, in->address, &key);
    if (error)
        return error;
    out->woken = wake(&key, in->count, in->bitset);
    return 0;
}

error_t proc_serve_futex_requeue(struct rpc_call *call, const struct proc_futex_requeue_in *in,
                                 struct proc_futex_requeue_out *out)
{
    struct image *image = caller_image(call);
    struct futex_key from, to;
    uint32_t word, moved = 0;
    error_t error;

    if (!image)
        return ERR_NO_PROCESS;
    error = key_of(image, in->address, &from);
    if (!error)
        error = key_of(image, in->to, &to);
    if (error)
        return error;
    if (in->compare) {
        error = rpc_client_read(call, in->address, &word, sizeof word);
        if (error)
            return error;
        if (word != in->value)
            return ERR_WOULD_BLOCK;
    }
    out->moved = wake(&from, in->wake, UINT32_MAX);
    for (struct parked *at = *bucket_of(&from), *next; at && moved < in->requeue; at = next) {
        struct futex_wait *w = (struct futex_wait *)at;

        next = at->next;
        if (!same(&w->key, &from) || same(&from, &to))
            continue;
        parked_unlink(at);
        w->key = to;
        parked_link(bucket_of(&to), at);
        moved++;
    }
    out->moved += moved;
    return 0;
}
