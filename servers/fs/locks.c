/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks (fcntl_locking(2), flock(2)).
 *
 * An inode that was ever locked has a lock set: a list of ranges and a queue
 * of waiting requests. Owners: of record locks the descriptor table (so that
 * CLONE_FILES shares, fork does not inherit, exec keeps), of OFD and flock
 * locks the open file. flock locks only meet flock locks; record and OFD locks
 * meet each other.
 *
 * Waiting for record locks is checked for deadlock: each waiting request
 * notes the owner that blocks it; a new wait follows that chain, and a chain
 * that comes back to its own owner fails with ERR_DEADLOCK.
 */
#include "locks.h"

#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "text.h"
#include "vfs.h"

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5u
#define F_SETLK 6u
#define F_SETLKW 7u
#define F_OFD_GETLK 36u
#define F_OFD_SETLK 37u
#define F_OFD_SETLKW 38u
#define LOCK_FLOCK 0x1000u
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
#define LOCK_END UINT64_MAX
#define CHAIN_MAX 64u

enum lock_kind { RECORD_LOCK, OFD_LOCK, FLOCK_LOCK };

struct lock {
    struct lock *next;
    enum lock_kind kind;
    int type;                       /* F_RDLCK, F_WRLCK                         */
    uint32_t pid;
    const void *owner;
    uint64_t start, end;            /* inclusive                                */
};

struct lock_set {
    struct lock *locks;             /* any order                                */
    struct waitq queue;
    struct inode *inode;
    struct lock_set *next;          /* all sets                                 */
};
static struct lock_set *all_sets;

struct lock_wait {
    struct parked parked;
    struct lock want;
    const void *blocker;
    struct lock_wait *next_waiting; /* record locks only                        */
};
static struct lock_wait *waiting;

/* ---- ranges ---- */
static bool meets(const struct lock *a, const struct lock *b)
{
    return a->start <= b->end && b->start <= a->end;
}

static bool same_world(const struct lock *a, const struct lock *b)
{
    return (a->kind == FLOCK_LOCK) == (b->kind == FLOCK_LOCK);
}

static bool same_owner(const struct lock *a, const struct lock *b)
{
    return a->kind == b->kind && a->owner == b->owner;
}

static struct lock *find_conflict(struct lock_set *set, const struct lock *want)
{
    for (struct lock *l = set->locks; l; l = l->next)
        if (same_world(l, want) && !same_owner(l, want) && meets(l, want) &&
            (l->type == F_WRLCK || want->type == F_WRLCK))
            return l;
    return NULL;
}

/* Take [want->start, want->end] away from the owner's locks. A lock in two parts uses *spare. */
static bool carve(struct lock_set *set, const struct lock *want, struct lock **spare)
{
    struct lock **at = &set->locks;
    bool changed = false;

    while (*at) {
        struct lock *l = *at;

        if (!same_owner(l, want) || !meets(l, want)) {
            at = &l->next;
            continue;
        }
        changed = true;
        if (l->start < want->start && l->end > want->end) {
            struct lock *tail = *spare;

            *spare = NULL;
            *tail = *l;
            tail->start = want->end + 1;
            l->end = want->start - 1;
            tail->next = l->next;
            l->next = tail;
            at = &tail->next;
        } else if (l->start < want->start) {
            l->end = want->start - 1;
            at = &l->next;
        } else if (l->end > want->end) {
            l->start = want->end + 1;
            at = &l->next;
        } else {
            *at = l->next;
            free(l);
        }
    }
    return changed;
}

/* Join `fresh` with neighbours of the same owner and type. */
static void insert_merged(struct lock_set *set, struct lock *fresh)
{
    struct lock **at = &set->locks;

    while (*at) {
        struct lock *l = *at;

        if (same_owner(l, fresh) && l->type == fresh->type &&
            ((l->end != LOCK_END && l->end + 1 == fresh->start) || (fresh->end != LOCK_END && fresh->end + 1 == l->start))) {
            if (l->start < fresh->start)
                fresh->start = l->start;
            if (l->end > fresh->end)
                fresh->end = l->end;
            *at = l->next;
            free(l);
            continue;
        }
        at = &l->next;
    }
    fresh->next = set->locks;
    set->locks = fresh;
}

/* Set or clear; no conflict is left. ERR_NO_LOCKS: nothing was changed. */
static error_t apply(struct lock_set *set, const struct lock *want)
{
    struct lock *fresh = malloc(sizeof *fresh), *spare = malloc(sizeof *spare);

    if (!fresh || !spare) {
        free(fresh);
        free(spare);
        return ERR_NO_LOCKS;
    }
    if (carve(set, want, &spare))
        waitq_wake(&set->queue, FS_WAKE_LOCK);
    free(spare);
    if (want->type == F_UNLCK) {
        free(fresh);
    } else {
        *fresh = *want;
        insert_merged(set, fresh);
    }
    return 0;
}

static struct lock_set *set_of(struct inode *i)
{
    struct lock_set *set = i->locks;

    if (set)
        return set;
    set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    waitq_init(&set->queue);
    set->inode = i;
    set->next = all_sets;
    all_sets = set;
    i->locks = set;
    return set;
}

static void drop_owner(struct lock_set *set, enum lock_kind kind, const void *owner)
{
    struct lock all = { .kind = kind, .owner = owner, .start = 0, .end = LOCK_END }, *spare = NULL;

    if (carve(set, &all, &spare))
        waitq_wake(&set->queue, FS_WAKE_LOCK);
}

/* ---- events ---- */
void locks_table_closed(struct fd_table *t, struct file *f)
{
    if (f->inode->locks)
        drop_owner(f->inode->locks, RECORD_LOCK, t);
}

void locks_file_released(struct file *f)
{
    if (!f->inode || !f->inode->locks)
        return;
    drop_owner(f->inode->locks, OFD_LOCK, f);
    drop_owner(f->inode->locks, FLOCK_LOCK, f);
}

void locks_inode_destroyed(struct inode *i)
{
    struct lock_set *set = i->locks, **at = &all_sets;

    while (set->locks) {
        struct lock *l = set->locks;

        set->locks = l->next;
        free(l);
    }
    waitq_close(&set->queue);
    while (*at != set)
        at = &(*at)->next;
    *at = set->next;
    free(set);
    i->locks = NULL;
}

void locks_print(struct text *t)
{
    static const char *const kinds[] = { "POSIX ", "OFDLCK", "FLOCK " };
    unsigned n = 1;

    for (struct lock_set *set = all_sets; set; set = set->next) {
        for (struct lock *l = set->locks; l; l = l->next) {
            uint64_t dev = set->inode->sb->dev;

            text_printf(t, "%u: %s ADVISORY  %s %d %02x:%02x:%lu %lu ", n++, kinds[l->kind],
                        l->type == F_WRLCK ? "WRITE" : "READ ", (int)l->pid, FS_MAJOR(dev), FS_MINOR(dev),
                        (unsigned long)set->inode->ino, (unsigned long)l->start);
            if (l->end >= INT64_MAX)
                text_printf(t, "EOF\n");
            else
                text_printf(t, "%lu\n", (unsigned long)l->end);
        }
    }
}

/* ---- waiting ---- */
static bool would_deadlock(const void *owner, const void *blocker)
{
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        struct lock_wait *w = waiting;

        if (blocker == owner)
            return true;
        while (w && w->want.owner != blocker)
            w = w->next_waiting;
        if (!w)
            return false;
        blocker = w->blocker;
    }
    return true;                    /* longer than any real one: refuse rather than hang */
}

static error_t lock_attempt(struct parked *parked)
{
    struct lock_wait *w = (struct lock_wait *)parked;
    struct lock_set *set = parked->file->inode->locks;
    struct lock *conflict = find_conflict(set, &w->want);

    if (!conflict)
        return apply(set, &w->want);
    w->blocker = conflict->owner;
    if (w->want.kind == RECORD_LOCK && conflict->kind == RECORD_LOCK) {
        const void *blocker = w->blocker;

        w->blocker = NULL;          /* not through itself */
        if (would_deadlock(w->want.owner, blocker))
            return ERR_DEADLOCK;
        w->blocker = blocker;
    }
    return ERR_WOULD_BLOCK;
}

static void lock_reply(struct parked *parked, error_t e)
{
    struct lock_wait *w = (struct lock_wait *)parked;
    struct fs_lock_out out = { .result = { .type = (int16_t)w->want.type } };

    fs_lock_reply(parked->call, e, &out);
}

static void lock_release(struct parked *parked)
{
    for (struct lock_wait **at = &waiting; *at; at = &(*at)->next_waiting) {
        if (*at == (struct lock_wait *)parked) {
            *at = (*at)->next_waiting;
            return;
        }
    }
}

static const struct parked_ops lock_ops = { .attempt = lock_attempt, .reply = lock_reply, .release = lock_release };

static error_t lock_park(struct rpc_call *call, struct file *f, struct lock_set *set, const struct lock *want,
                         const void *blocker)
{
    struct parked *parked;
    struct lock_wait *w;
    error_t e = park(call, &lock_ops, sizeof *w, f, DEADLINE_NONE, &parked);

    if (e)
        return e;
    w = (struct lock_wait *)parked;
    w->want = *want;
    w->blocker = blocker;
    if (want->kind == RECORD_LOCK) {
        w->next_waiting = waiting;
        waiting = w;
    }
    parked->waiter.events = FS_WAKE_LOCK;
    waitq_add(&set->queue, &parked->waiter);
    return RPC_PENDING;
}

/* ---- requests ---- */
static error_t range_of(struct file *f, const struct fs_flock *r, struct lock *want)
{
    int64_t base, start, end;

    switch (r->whence) {
    case 0: base = 0; break;
    case 1: base = (int64_t)f->offset; break;
    case 2: base = (int64_t)f->inode->size; break;
    default: return ERR_INVALID_ARGUMENT;
    }
    if (__builtin_add_overflow(base, r->start, &start))
        return ERR_OVERFLOW;
    if (r->length < 0) {
        end = start - 1;
        if (__builtin_add_overflow(start, r->length, &start))
            return ERR_INVALID_ARGUMENT;
    } else if (r->length == 0) {
        end = INT64_MAX;
    } else if (__builtin_add_overflow(start, r->length - 1, &end)) {
        return ERR_OVERFLOW;
    }
    if (start < 0 || end < start)
        return ERR_INVALID_ARGUMENT;
    want->start = (uint64_t)start;
    want->end = end == INT64_MAX ? LOCK_END : (uint64_t)end;
    return 0;
}

static error_t decode(struct process *p, struct file *f, const struct fs_lock_in *in, struct lock *want, bool *wait,
                      bool *get)
{
    *wait = in->command == F_SETLKW || in->command == F_OFD_SETLKW;
    *get = in->command == F_GETLK || in->command == F_OFD_GETLK;
    want->pid = process_pid(p);
    want->type = in->request.type;
    switch (in->command) {
    case F_GETLK: case F_SETLK: case F_SETLKW:
        want->kind = RECORD_LOCK;
        want->owner = p->files;
        break;
    case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
        if (in->request.pid)
            return ERR_INVALID_ARGUMENT;
        want->kind = OFD_LOCK;
        want->owner = f;
        want->pid = ~0u;
        break;
    case LOCK_FLOCK:
        want->kind = FLOCK_LOCK;
        want->owner = f;
        want->start = 0;
        want->end = LOCK_END;
        *wait = !(in->request.type & LOCK_NB);
        switch (in->request.type & ~LOCK_NB) {
        case LOCK_SH: want->type = F_RDLCK; return 0;
        case LOCK_EX: want->type = F_WRLCK; return 0;
        case LOCK_UN: want->type = F_UNLCK; return 0;
        }
        return ERR_INVALID_ARGUMENT;
    default:
        return ERR_INVALID_ARGUMENT;
    }
    if (want->type != F_RDLCK && want->type != F_WRLCK && (want->type != F_UNLCK || *get))
        return ERR_INVALID_ARGUMENT;
    if (!*get && ((want->type == F_RDLCK && !file_readable(f)) || (want->type == F_WRLCK && !file_writable(f))))
        return ERR_BAD_HANDLE;
    return range_of(f, &in->request, want);
}

static error_t get_lock(struct lock_set *set, const struct lock *want, struct fs_flock *result)
{
    struct lock *l = set ? find_conflict(set, want) : NULL;

    if (!l) {
        result->type = F_UNLCK;
        return 0;
    }
    result->type = (int16_t)l->type;
    result->whence = 0;
    result->start = (int64_t)l->start;
    result->length = l->end == LOCK_END ? 0 : (int64_t)(l->end - l->start + 1);
    result->pid = l->pid;
    return 0;
}

error_t fs_serve_lock(struct rpc_call *call, const struct fs_lock_in *in, struct fs_lock_out *out)
{
    struct process *p = request_process(call);
    struct file *f = handle_file(in->fd);
    struct lock want = { 0 }, *conflict;
    struct lock_set *set;
    bool wait, get;
    error_t e;

    if (!f->inode)
        return ERR_INVALID_ARGUMENT;
    e = decode(p, f, in, &want, &wait, &get);
    if (e)
        return e;
    out->result = in->request;
    if (get)
        return get_lock(f->inode->locks, &want, &out->result);
    set = set_of(f->inode);
    if (!set)
        return ERR_NO_LOCKS;
    if (want.kind != RECORD_LOCK)
        f->locks = set;             /* released with the open file */
    if (want.kind == FLOCK_LOCK && want.type != F_UNLCK && find_conflict(set, &want))
        drop_owner(set, FLOCK_LOCK, f);     /* a conversion gives up what it had first */
    conflict = want.type == F_UNLCK ? NULL : find_conflict(set, &want);
    if (!conflict)
        return apply(set, &want);
    if (!wait)
        return ERR_AGAIN;
    if (want.kind == RECORD_LOCK && conflict->kind == RECORD_LOCK && would_deadlock(want.owner, conflict->owner))
        return ERR_DEADLOCK;
    return lock_park(call, f, set, &want, conflict->owner);
}
