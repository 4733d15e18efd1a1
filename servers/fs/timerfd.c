/* SPDX-License-Identifier: MIT */
/*
 * timerfd: expirations of a timer, counted and readable.
 *
 * The time server runs the timer (time.fs_timer_set) and posts
 * fs.timer_fired(id, count); of several shards of it the index says which. An id is an index into the table below and a
 * serial number, so a late event of a timer that is gone, or was set anew,
 * hits nothing. What is left until the next expiration is computed here from
 * the time page, which both servers read.
 */
#include <fs_server.h>
#include <stdlib.h>
#include <time_client.h>

#include "peers.h"
#include "process.h"
#include "vfs.h"

#define CLOCK_REALTIME       0u
#define CLOCK_MONOTONIC      1u
#define CLOCK_BOOTTIME       7u
#define CLOCK_REALTIME_ALARM 8u
#define CLOCK_BOOTTIME_ALARM 9u
#define TFD_TIMER_ABSTIME       1u
#define TFD_TIMER_CANCEL_ON_SET 2u
#define TFD_IOC_SET_TICKS 0x40085400u

#define TIMERS_MAX NR_FS_TIMERS

struct timerfd {
    uint32_t index;
    uint32_t serial;            /* changes with each setting                    */
    uint32_t clock;             /* REALTIME or MONOTONIC                        */
    uint64_t count;             /* expirations not yet read                     */
    int64_t  expiry_ns;         /* next one on `clock`; 0: disarmed             */
    int64_t  interval_ns;
    struct waitq waiters;
};

static struct timerfd *timers[TIMERS_MAX];
static uint32_t next_index;
static uint32_t next_serial = 1;

static uint64_t timer_id(const struct timerfd *t)
{
    return (uint64_t)t->serial << 32 | t->index;
}

/* ---- now ---- */

static int64_t clock_now_ns(uint32_t clock)
{
    const volatile struct time_page *page = (const void *)SRV_TIME_PAGE;
    uint32_t seq;
    int64_t ns;

    do {
        seq = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);
        ns = (int64_t)(((__uint128_t)exec_now() * page->mult) >> page->shift);
        if (clock == CLOCK_REALTIME)
            ns += page->realtime_offset_ns;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((seq & 1) || page->seq != seq);
    return ns;
}

/* Until the next expiration; never 0 while armed. */
static int64_t left_ns(const struct timerfd *t)
{
    if (t->expiry_ns == 0)
        return 0;
    int64_t left = t->expiry_ns - clock_now_ns(t->clock);
    if (left > 0)
        return left;
    if (t->interval_ns == 0)
        return t->count != 0 ? 0 : 1;       /* the event is on its way */
    return t->interval_ns - (-left % t->interval_ns);
}

/* ---- operations ---- */

static error_t timerfd_read(struct file *f, struct io *io, uint64_t *position)
{
    struct timerfd *t = f->data;

    (void)position;
    if (io_left(io) < sizeof(uint64_t))
        return ERR_INVALID_ARGUMENT;
    if (t->count == 0)
        return ERR_WOULD_BLOCK;
    error_t error = io_put(io, &t->count, sizeof(t->count));
    if (error == 0)
        t->count = 0;
    return error;
}

static uint32_t timerfd_poll(struct file *f, struct waiter *w)
{
    struct timerfd *t = f->data;

    if (w != NULL && w->queue == NULL)
        waitq_add(&t->waiters, w);
    return t->count != 0 ? FS_POLLIN | FS_POLLRDNORM : 0;
}

static void post(struct timerfd *t, uint32_t absolute, int64_t value_ns, int64_t interval_ns)
{
    time_fs_timer_set(&time_peer[t->index % nr_time_peers], timer_id(t), t->clock, absolute, value_ns, interval_ns);
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->data;

    if (t->expiry_ns != 0)
        post(t, 0, 0, 0);
    timers[t->index] = NULL;
    waitq_close(&t->waiters);
    free(t);
}

static const struct file_ops timerfd_ops = {
    .name = "anon_inode:[timerfd]",
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
};

/* ---- methods ---- */

static struct timerfd *timerfd_alloc(uint32_t clock)
{
    for (uint32_t i = 0; i < TIMERS_MAX; i++) {
        uint32_t index = (next_index + i) % TIMERS_MAX;
        if (timers[index] != NULL)
            continue;
        struct timerfd *t = calloc(1, sizeof(*t));
        if (t == NULL)
            return NULL;
        t->index = index;
        t->serial = next_serial++;
        t->clock = clock;
        waitq_init(&t->waiters);
        next_index = (index + 1) % TIMERS_MAX;
        timers[index] = t;
        return t;
    }
    return NULL;
}

error_t fs_serve_timerfd_create(struct rpc_call *call, const struct fs_timerfd_create_in *in,
                                struct fs_timerfd_create_out *out)
{
    struct process *process = process_of(call);
    struct file *f;
    uint32_t clock;

    if (process == NULL)
        return ERR_PEER_CLOSED;
    if (in->flags & ~(O_CLOEXEC | O_NONBLOCK))
        return ERR_INVALID_ARGUMENT;
    switch (in->clock) {
    case CLOCK_REALTIME: clock = CLOCK_REALTIME; break;
    case CLOCK_MONOTONIC: case CLOCK_BOOTTIME: clock = CLOCK_MONOTONIC; break;   /* there is no suspend */
    case CLOCK_REALTIME_ALARM: case CLOCK_BOOTTIME_ALARM: return ERR_NOT_SUPPORTED;
    default: return ERR_INVALID_ARGUMENT;
    }
    struct timerfd *t = timerfd_alloc(clock);
    if (t == NULL)
        return ERR_NO_MEMORY;
    error_t error = file_new(&timerfd_ops, O_RDWR | (in->flags & O_NONBLOCK), 0600, &f);
    if (error != 0) {
        timers[t->index] = NULL;
        free(t);
        return error;
    }
    f->data = t;
    error = fd_install(process, f, in->flags & O_CLOEXEC ? FD_FLAG_CLOEXEC : 0, &out->fd);
    if (error != 0)
        file_put(f);
    return error;
}

/* NULL: it is another file. */
static struct timerfd *timerfd_of(struct fs_file *handle)
{
    struct file *f = handle_file(handle);

    return f->ops == &timerfd_ops ? f->data : NULL;
}

error_t fs_serve_timerfd_set(struct rpc_call *call, const struct fs_timerfd_set_in *in, struct fs_timerfd_set_out *out)
{
    struct timerfd *t = timerfd_of(in->fd);

    (void)call;
    if (t == NULL || (in->flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) || in->value_ns < 0 || in->interval_ns < 0)
        return ERR_INVALID_ARGUMENT;
    out->old_value_ns = left_ns(t);
    out->old_interval_ns = t->interval_ns;
    if (t->expiry_ns != 0)
        post(t, 0, 0, 0);       /* the old id */
    t->serial = next_serial++;
    t->count = 0;
    t->interval_ns = in->interval_ns;
    t->expiry_ns = 0;
    if (in->value_ns == 0)
        return 0;
    bool absolute = (in->flags & TFD_TIMER_ABSTIME) != 0;
    if (absolute || __builtin_add_overflow(in->value_ns, clock_now_ns(t->clock), &t->expiry_ns))
        t->expiry_ns = absolute ? in->value_ns : INT64_MAX;
    post(t, absolute, in->value_ns, in->interval_ns);
    return 0;
}

error_t fs_serve_timerfd_get(struct rpc_call *call, const struct fs_timerfd_get_in *in, struct fs_timerfd_get_out *out)
{
    const struct timerfd *t = timerfd_of(in->fd);

    (void)call;
    if (t == NULL)
        return ERR_INVALID_ARGUMENT;
    out->value_ns = left_ns(t);
    out->interval_ns = t->interval_ns;
    return 0;
}

error_t fs_serve_timer_fired(struct rpc_call *call, const struct fs_timer_fired_in *in)
{
    if (!server_is(fs_info, call->client, SERVER_TIME))
        return ERR_PERMISSION;
    struct timerfd *t = timers[(uint32_t)in->timer % TIMERS_MAX];
    if (t == NULL || timer_id(t) != in->timer)
        return 0;
    t->count += in->count;
    if (t->interval_ns == 0)
        t->expiry_ns = 0;
    waitq_wake(&t->waiters, FS_POLLIN | FS_POLLRDNORM);
    return 0;
}
