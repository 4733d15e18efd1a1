/* SPDX-License-Identifier: MIT */
/*
 * Waiting: queues that announce readiness, and requests that wait for it.
 *
 * Nothing in fs blocks. An operation that cannot go on returns ERR_WOULD_BLOCK
 * and changes nothing it has not accounted for; the code that serves the
 * request then either answers that (O_NONBLOCK) or parks the request. A parked
 * request has one waiter on the queue of the object it waits for. When the
 * object's readiness changes, its owner calls waitq_wake(); the request is put
 * on the ready list, and before the executor's turn ends its `attempt` is run
 * again: with everything settled, on the executor's stack, never from inside
 * waitq_wake(). So waitq_wake() may be called at any point at which the caller
 * does not rely on the waiters' own memory.
 *
 * Order: waiters are woken in the order in which they came; a request that
 * must wait again keeps its place.
 */
#ifndef FS_WAIT_H
#define FS_WAIT_H

#include <libipc/executor.h>

struct file;

/* Readiness, numbers of Linux's poll(2). */
#define FS_POLLIN     0x001u
#define FS_POLLPRI    0x002u
#define FS_POLLOUT    0x004u
#define FS_POLLERR    0x008u
#define FS_POLLHUP    0x010u
#define FS_POLLNVAL   0x020u
#define FS_POLLRDNORM 0x040u
#define FS_POLLRDBAND 0x080u
#define FS_POLLWRNORM 0x100u
#define FS_POLLWRBAND 0x200u
#define FS_POLLRDHUP  0x2000u
/* fs's own, never shown: an open(2) of a FIFO may go on; a file lock was freed. */
#define FS_WAKE_OPEN  0x10000000u
#define FS_WAKE_LOCK  0x20000000u
/* and: levels may have changed in any way (waitq_level_changes). */
#define FS_WAKE_LEVEL 0x40000000u
/* Woken whatever the waiter asked for. */
#define FS_POLL_ALWAYS (FS_POLLERR | FS_POLLHUP | FS_POLLNVAL)

struct waiter {
    struct waiter *next, *prev;     /* waitq's */
    struct waitq *queue;            /* NULL: on none */
    uint32_t events;                /* FS_POLL* of interest, besides FS_POLL_ALWAYS */
    /* May take its own waiter off the queue, no other's; must not call into
     * the object that woke it. */
    void (*wake)(struct waiter *, uint32_t events);
};

struct waitq {
    struct waiter *first, *last;
    bool leased;                    /* an answer leased out rests on the object's level */
};

static inline void waitq_init(struct waitq *q) { q->first = q->last = NULL; q->leased = false; }
static inline bool waitq_empty(const struct waitq *q) { return q->first == NULL; }
/* `w` is set up (events, wake) and on no queue. */
void waitq_add(struct waitq *, struct waiter *w);
/* No-op when it is on no queue. */
void waiter_remove(struct waiter *);
/* Tell all waiters that want one of `events` (or when it contains FS_POLL_ALWAYS bits). */
void waitq_wake(struct waitq *, uint32_t events);
/* A level bit of the object may have fallen, which wakes nobody: break leases that rest on it
 * (epoll.c). Kinds with file_ops.announces_falls call it before the request is answered. */
void waitq_break_leases(struct waitq *);
static inline void waitq_level_changes(struct waitq *q)
{
    if (__builtin_expect(q->leased, 0))
        waitq_break_leases(q);
}
/* The object dies: unlinks every waiter, after waking it with FS_POLLNVAL | FS_POLLHUP. */
void waitq_close(struct waitq *);

/* ---- parked requests ---- */
struct parked;

struct parked_ops {
    /* Try again. ERR_WOULD_BLOCK: go on waiting. Anything else is the result. */
    error_t (*attempt)(struct parked *);
    /* Send the answer with this result (0 or an error). ERR_TIMEOUT comes here when the
     * deadline passed, ERR_CANCELLED when the client cancelled: map them as the
     * method wants (a transfer that has moved bytes answers success). */
    void (*reply)(struct parked *, error_t);
    /* Give back what the record holds besides `file`; may be NULL. */
    void (*release)(struct parked *);
};

/* First member of what a module parks. */
struct parked {
    struct rpc_call *call;          /* libipc's parked copy                     */
    const struct parked_ops *ops;
    struct waiter waiter;
    struct file *file;              /* a reference of its own, or NULL          */
    struct exec_timer timer;        /* armed when there is a deadline           */
    struct parked *next_ready;
    bool ready;                     /* on the ready list                        */
    bool ended;
    uint8_t size_class;
};

/* Largest record, with struct parked at its start. */
#define PARKED_MAX_BYTES 1280u

/*
 * A record for a request that has to wait. `call` is the handler's; on success it
 * is parked (use p->call from now on) and the handler returns RPC_PENDING, after
 * it has put p->waiter on a queue: p->waiter.events and file->ops->poll(file, &p->waiter).
 * The memory after struct parked is zero. `file` (or NULL): a reference is taken.
 * Deadline in ticks; DEADLINE_NONE: none.
 * ERR_NO_BUFFERS: the session's limit, ERR_NO_MEMORY.
 */
error_t park(struct rpc_call *call, const struct parked_ops *, size_t bytes,
             struct file *, ticks_t deadline, struct parked **out);
/* End it now with this result: reply, release, free. Also for module code that
 * learned the result by other means. */
void parked_end(struct parked *, error_t);
/* Have it attempted before this turn ends. */
void parked_retry(struct parked *);

/* Runs what is ready; called by the timer that waking arms, and by tests. */
void wait_run_ready(void);

#endif
