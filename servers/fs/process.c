/* SPDX-License-Identifier: MIT */
/*
 * The processes as fs sees them: opening, exec, closing, fork tickets. See
 * process.h for the life cycle and fdtable.c for descriptors.
 *
 * A ticket is drawn by the parent (fs.fork_ticket) and redeemed by proc's
 * process_open for the child. It holds the child's table (copied at once, or
 * the shared one) and context. Tickets are random numbers, because the parent
 * hands them to proc: a guess must not give somebody else's descriptors. The low
 * bits say where the ticket stands, so that nothing is searched. Each process has
 * TICKETS_MAX at most; drawing more drops its oldest.
 */
#include "process.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fdtable.h"
#include "locks.h"
#include "mounts.h"
#include "peers.h"
#include "random.h"
#include "segments.h"
#include "sessions.h"

#define TICKET_BITS 10          /* as many as there are slots                */
#define NR_TICKETS  (1u << TICKET_BITS)
#define TICKETS_MAX 16u

_Static_assert(NR_TICKETS >= NR_SLOTS, "hoarded_ticket finds one");
struct process processes[NR_SLOTS];

struct ticket {
    uint64_t number;                /* random << TICKET_BITS | index; 0: free   */
    uint64_t order;
    uint32_t slot;
    struct fd_table *files;
    struct fs_context *fs;
    struct path exe;
};
static struct ticket tickets[NR_TICKETS];
static uint64_t ticket_order;
static unsigned nr_tickets;         /* drawn and not yet redeemed               */

void process_init(void)
{
    for (uint32_t i = 0; i < NR_SLOTS; i++) {
        struct process *p = &processes[i];

        p->slot = i;
        p->page = pages_proc(i);
        p->sig = pages_sig(i);
        p->fd_words = pages_fd(i);
    }
}

/* The next slot that is in use, by a process or by the loader of its next image. */
static struct process *slot_next(const struct process *after)
{
    const struct slot_map *map = (const struct slot_map *)(uintptr_t)pages_proc(0);
    uint32_t slot = after ? after->slot + 1 : FIRST_PROCESS_SLOT;

    while (slot < NR_SLOTS) {
        uint64_t used = __atomic_load_n(&map->used[slot / 64], __ATOMIC_ACQUIRE) >> slot % 64;

        if (!used) {
            slot = (slot | 63) + 1;
            continue;
        }
        slot += (uint32_t)__builtin_ctzl(used);
        if (processes[slot].page->in_use)
            return &processes[slot];
        slot++;
    }
    return NULL;
}

struct process *process_next(const struct process *after)
{
    struct process *p = slot_next(after);

    /* Two slots carry one pid during exec; the loader's does not count yet. */
    while (p && p->loading)
        p = slot_next(p);
    return p;
}

/* When proc has given up the old slot and its process_exec has not come here yet, the
 * loader's is the only one. */
struct process *process_by_pid(uint32_t pid)
{
    struct process *loader = NULL;

    for (struct process *p = slot_next(NULL); p; p = slot_next(p)) {
        if (p->page->pid != pid)
            continue;
        if (!p->loading)
            return p;
        loader = p;
    }
    return loader;
}

uint32_t process_next_pid(uint32_t from)
{
    uint32_t best = UINT32_MAX;

    for (const struct process *p = slot_next(NULL); p; p = slot_next(p)) {
        uint32_t pid = p->page->pid;

        if (pid && pid >= from && pid < best)
            best = pid;
    }
    return best;
}

bool process_in_group(const struct process *p, uint32_t gid)
{
    uint32_t n = p->page->nr_groups;

    if (p->page->fsgid == gid)
        return true;
    for (uint32_t i = 0; i < n && i < 64; i++)
        if (p->page->groups[i] == gid)
            return true;
    return false;
}

/* ---- contexts ---- */
static struct fs_context *context_new(const struct path *root, const struct path *cwd, uint32_t umask)
{
    struct fs_context *fs = malloc(sizeof *fs);

    if (!fs)
        return NULL;
    *fs = (struct fs_context){ .refs = 1, .umask = umask, .root = path_get(root), .cwd = path_get(cwd) };
    return fs;
}

static struct fs_context *context_copy(struct fs_context *fs)
{
    return context_new(&fs->root, &fs->cwd, fs->umask);
}

static void context_put(struct fs_context *fs)
{
    if (!fs || --fs->refs)
        return;
    path_put(&fs->root);
    path_put(&fs->cwd);
    free(fs);
}

/* ---- tickets ---- */
static void ticket_drop(struct ticket *t)
{
    if (t->files)
        fd_table_put(t->files, NULL);
    context_put(t->fs);
    path_put(&t->exe);
    if (t->number)
        nr_tickets--;
    memset(t, 0, sizeof *t);
}

/* All are taken: the oldest of somebody who has more than one. There is such a
 * client, since this one has none; a fork that failed leaves its ticket behind. */
static struct ticket *hoarded_ticket(void)
{
    static uint16_t held[NR_SLOTS];
    struct ticket *found = NULL;

    memset(held, 0, sizeof held);
    for (unsigned i = 0; i < NR_TICKETS; i++)
        held[tickets[i].slot]++;
    for (unsigned i = 0; i < NR_TICKETS; i++)
        if (held[tickets[i].slot] > 1 && (!found || tickets[i].order < found->order))
            found = &tickets[i];
    assert(found != NULL);
    return found;
}

static struct ticket *ticket_room(uint32_t slot)
{
    struct ticket *free_one = NULL, *oldest = NULL;
    unsigned mine = 0;

    if (!nr_tickets)
        return &tickets[0];
    for (unsigned i = 0; i < NR_TICKETS; i++) {
        struct ticket *t = &tickets[i];

        if (!t->number) {
            free_one = t;
        } else if (t->slot == slot) {
            mine++;
            if (!oldest || t->order < oldest->order)
                oldest = t;
        }
    }
    if (free_one && mine < TICKETS_MAX)
        return free_one;
    if (!oldest)
        oldest = hoarded_ticket();
    ticket_drop(oldest);
    return oldest;
}

/* 55 bits, not 0. */
static uint64_t ticket_random(void)
{
    uint64_t n;

    do {
        random_bytes(&n, sizeof n);
        n >>= TICKET_BITS;
    } while (!n);
    return n;
}

error_t fs_serve_fork_ticket(struct rpc_call *call, const struct fs_fork_ticket_in *in, struct fs_fork_ticket_out *out)
{
    struct process *p = process_of(call);
    struct ticket *t;

    if (!p)
        return ERR_PEER_CLOSED;
    t = ticket_room(p->slot);
    t->files = in->share_files ? fd_table_get(p->files) : fd_table_copy(p->files);
    if (in->share_fs) {
        p->fs->refs++;
        t->fs = p->fs;
    } else {
        t->fs = context_copy(p->fs);
    }
    t->exe = path_get(&p->exe);
    if (!t->files || !t->fs) {
        ticket_drop(t);
        return ERR_NO_MEMORY;
    }
    t->number = ticket_random() << TICKET_BITS | (uint64_t)(t - tickets);
    nr_tickets++;
    t->slot = p->slot;
    t->order = ++ticket_order;
    out->ticket = t->number;
    return 0;
}

/* ---- opening and closing ---- */
static bool valid_slot(uint32_t slot)
{
    return slot >= FIRST_PROCESS_SLOT && slot < NR_SLOTS;
}

static void process_start(struct process *p, struct fd_table *files, struct fs_context *fs, struct path exe)
{
    p->files = files;
    p->fs = fs;
    p->exe = exe;
    p->loading = false;
    p->open = true;
    fd_table_add_user(files, p);
    sessions_open(p->slot);
}

static void process_stop(struct process *p)
{
    if (!p->open)
        return;
    sessions_close(p->slot);
    p->open = false;
    fd_table_remove_user(p->files, p);
    fd_table_put(p->files, p);
    context_put(p->fs);
    path_put(&p->exe);
    p->files = NULL;
    p->fs = NULL;
    p->exe = (struct path){ 0 };
}

/* No descriptors, at the root. False: no memory, and it stays closed. */
static bool start_afresh(struct process *p)
{
    struct fd_table *files = fd_table_new();
    struct fs_context *fs = context_new(&vfs_root, &vfs_root, 022);

    if (!files || !fs) {
        if (files)
            fd_table_put(files, NULL);
        context_put(fs);
        return false;
    }
    process_start(p, files, fs, (struct path){ 0 });
    return true;
}

static void first_process(struct process *p)
{
    if (!start_afresh(p))
        return;
    (void)streams_first_descriptors(p);
}

error_t fs_serve_process_open(struct rpc_call *call, const struct fs_process_open_in *in)
{
    struct process *p;

    if (call->client != SERVER_PROC || !valid_slot(in->slot))
        return ERR_PERMISSION;
    p = &processes[in->slot];
    process_stop(p);
    if (!in->ticket) {
        first_process(p);
        return 0;
    }
    struct ticket *t = &tickets[in->ticket % NR_TICKETS];

    if (t->number == in->ticket) {
        process_start(p, t->files, t->fs, t->exe);
        memset(t, 0, sizeof *t);
        nr_tickets--;
        return 0;
    }
    /* A parent that invented its ticket made a child without descriptors. */
    (void)start_afresh(p);
    return 0;
}

error_t fs_serve_process_exec(struct rpc_call *call, const struct fs_process_exec_in *in)
{
    struct process *from, *to;

    if (call->client != SERVER_PROC || !valid_slot(in->old_slot) || !valid_slot(in->new_slot) ||
        in->old_slot == in->new_slot)
        return ERR_PERMISSION;
    from = &processes[in->old_slot];
    to = &processes[in->new_slot];
    if (in->phase == 0) {
        process_stop(to);
        if (!from->open)
            return ERR_NO_PROCESS;
        from->fs->refs++;
        process_start(to, fd_table_get(from->files), from->fs, (struct path){ 0 });
        to->loading = true;
        return 0;
    }
    if (!to->open)
        return ERR_NO_PROCESS;
    if (from->open) {
        if (!to->exe.dentry)
            to->exe = path_get(&from->exe);
        streams_process_moved(from, to);
        process_stop(from);
    }
    to->loading = false;
    fd_table_unshare(to);
    fd_table_close_on_exec(to);
    return 0;
}

error_t fs_serve_process_close(struct rpc_call *call, const struct fs_process_close_in *in)
{
    if (call->client != SERVER_PROC || !valid_slot(in->slot))
        return ERR_PERMISSION;
    for (unsigned i = 0; i < NR_TICKETS && nr_tickets; i++)
        if (tickets[i].number && tickets[i].slot == in->slot)
            ticket_drop(&tickets[i]);
    if (processes[in->slot].open) {
        streams_process_closed(&processes[in->slot]);
        process_stop(&processes[in->slot]);
    }
    segments_reap();
    return 0;
}

error_t fs_serve_unshare(struct rpc_call *call, const struct fs_unshare_in *in, struct fs_unshare_out *out)
{
    struct process *p = process_of(call);
    struct fs_context *fs;

    (void)out;
    if (!p)
        return ERR_PEER_CLOSED;
    if (in->files) {
        error_t e = fd_table_unshare(p);

        if (e)
            return e;
    }
    if (in->fs && p->fs->refs > 1) {
        fs = context_copy(p->fs);
        if (!fs)
            return ERR_NO_MEMORY;
        context_put(p->fs);
        p->fs = fs;
    }
    return 0;
}

error_t fs_serve_umask(struct rpc_call *call, const struct fs_umask_in *in, struct fs_umask_out *out)
{
    struct process *p = process_of(call);

    if (!p)
        return ERR_PEER_CLOSED;
    out->old = p->fs->umask;
    p->fs->umask = in->mask & 0777;
    return 0;
}
