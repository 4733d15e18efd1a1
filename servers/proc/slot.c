/* SPDX-License-Identifier: MIT */
/*
 * The tables: processes, images with their slots, threads, ids.
 *
 * All are arrays of fixed size with free stacks: the slot, frame or vm used last
 * comes back first, since the memory behind it is warm and already there. But a
 * slot must not come back before fs and time have handled the events that closed
 * its sessions: closing clears the rings, and would take with it what the slot's
 * next process has submitted already. Each slot belongs to a shard of time (events.h). Ids
 * on the other hand count up to MAX_PID and wrap, so that one comes back late;
 * an id is free when nothing uses it as tid, pid, process group or session,
 * which a count per id tells.
 */
#include <string.h>

#include <libipc/client.h>
#include <libipc/syscall.h>

#include "events.h"
#include "process.h"

struct image images[NR_SLOTS];
struct vm vms[NR_VMS];
struct thread threads[NR_THREAD_SLOTS];
struct process *all_processes, *init_process;

static struct process processes[NR_PROCESSES];
static uint16_t free_slots[NR_SLOTS];
static unsigned nr_free_slots, nr_free_of[MAX_SHARDS];  /* and of those, of each shard of time */
static unsigned next_process, nr_processes;

static struct id_entry {
    uint16_t uses;
    uint16_t process;       /* index + 1 */
    uint16_t thread;        /* index + 1 */
} ids[MAX_PID];
static uint32_t last_pid;


static void put_slot(unsigned slot)
{
    free_slots[nr_free_slots++] = (uint16_t)slot;
    nr_free_of[shard_of(slot)]++;
}

void tables_init(void)
{
    for (unsigned k = NR_SLOTS; k-- > 0;) {
        images[k].slot = (uint16_t)k;
        images[k].page = (struct proc_page *)(SRV_PROC_PAGES + k * PAGE_BYTES);
        images[k].sig = (const struct sig_page *)(SRV_SIG_PAGES + k * PAGE_BYTES);
        if (k >= FIRST_PROCESS_SLOT)
            put_slot(k);
    }
    for (unsigned i = 0; i < NR_THREAD_SLOTS; i++)
        threads[i].frame = (uint16_t)i;
    for (unsigned v = 0; v < NR_VMS; v++)
        vms[v].index = (uint16_t)v;
    ids[0].uses = 1;
}

/* In the page of slot 0: what others may look at. */
static void slot_mark(unsigned slot, bool used)
{
    uint64_t *word = &((struct slot_map *)SRV_PROC_PAGES)->used[slot / 64], bit = 1ul << slot % 64;

    __atomic_store_n(word, used ? *word | bit : *word & ~bit, __ATOMIC_RELEASE);
}

static bool sessions_closed(const struct image *image)
{
    return rpc_handled(&fs_client, image->closed_mark[0]) && rpc_handled(time_of(image->slot), image->closed_mark[1]);
}

/* Of a shard's the slot used last whose sessions are closed everywhere; nearly always the first
 * one looked at. Those that are not are as few as events are under way. NULL. */
static struct image *take_slot(unsigned shard)
{
    for (unsigned i = nr_free_slots; i-- > 0;) {
        struct image *image = &images[free_slots[i]];

        if (shard_of(image->slot) != shard || !sessions_closed(image))
            continue;
        memmove(&free_slots[i], &free_slots[i + 1], (--nr_free_slots - i) * sizeof free_slots[0]);
        nr_free_of[shard]--;
        return image;
    }
    return NULL;
}

/* The shard with the fewest processes; of any other one if it has no slot. */
static struct image *take_any_slot(void)
{
    struct image *image;
    unsigned shard = 0;

    for (unsigned i = 1; i < nr_time_shards; i++)
        if (nr_free_of[i] > nr_free_of[shard])
            shard = i;
    image = take_slot(shard);
    for (unsigned i = 0; i < nr_time_shards && !image; i++)
        image = take_slot(i);
    return image;
}

struct image *image_alloc(struct process *p)
{
    struct image *image = p->image ? take_slot(shard_of(p->image->slot)) : take_any_slot();    /* exec keeps the shard */

    if (!image)
        return NULL;
    image->state = IMAGE_BUILDING;
    image->area = 0;
    image->holds = 1;
    image->process = p;
    image->vm = NULL;
    image->threads = NULL;
    image->nr_threads = 0;
    image->notification = 0;
    image->warm = true;
    slot_mark(image->slot, true);
    return image;
}

void image_hold(struct image *image)
{
    image->holds++;
}

static void give_back(cptr_t segment, uint64_t slot, uint64_t bytes)
{
    uint64_t result;

    sys_invoke(segment, SEGMENT_ZERO, slot * bytes, bytes, 0, 0, 0, &result);
}

/* The shared pages of a free slot. The frame of a TCB that is kept is pinned. */
static void give_back_pages(struct image *image)
{
    uint64_t slot = image->slot;

    image->warm = false;
    give_back(SRV_CAP_SESSIONS + SERVER_PROC, slot, SESSION_BYTES);
    give_back(SRV_CAP_SESSIONS + SERVER_FS, slot, SESSION_BYTES);
    give_back(SRV_CAP_SESSIONS + time_server_of(image->slot), slot, SESSION_BYTES);
    give_back(SRV_CAP_FD_PAGES, slot, FD_PAGES * PAGE_BYTES);
    give_back(SRV_CAP_PROC_PAGES, slot, PAGE_BYTES);
    give_back(SRV_CAP_SIG_PAGES, slot, PAGE_BYTES);
    if (!vms[slot].built)
        give_back(SRV_CAP_THREAD_FRAMES, slot, PAGE_BYTES);
}

bool slots_trim(void)
{
    for (unsigned i = 0; i < nr_free_slots; i++) {
        struct image *image = &images[free_slots[i]];

        if (image->warm && sessions_closed(image)) {
            give_back_pages(image);
            return true;
        }
    }
    return false;
}

void image_drop(struct image *image)
{
    if (--image->holds)
        return;
    image->state = IMAGE_FREE;
    image->process = NULL;
    image->vm = NULL;
    image->page->in_use = 0;
    image->page->pid = 0;
    slot_mark(image->slot, false);
    image->closed_mark[0] = rpc_posted(&fs_client);
    image->closed_mark[1] = rpc_posted(time_of(image->slot));
    if (image->slot >= WARM_SLOTS)
        give_back_pages(image);
    put_slot(image->slot);
}

struct process *process_alloc(void)
{
    struct process *p = NULL;

    for (unsigned i = 0; i < NR_PROCESSES && !p; i++) {
        struct process *at = &processes[next_process];

        next_process = (next_process + 1) % NR_PROCESSES;
        if (at->state == PROCESS_FREE)
            p = at;
    }
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->queue.end = &p->queue.first;
    p->image = image_alloc(p);
    if (!p->image)
        return NULL;
    p->state = PROCESS_CREATED;
    nr_processes++;
    return p;
}

void process_free(struct process *p)
{
    image_drop(p->image);
    p->state = PROCESS_FREE;
    nr_processes--;
}

unsigned process_count(void)
{
    return nr_processes;
}

struct thread *thread_take(unsigned frame)
{
    struct thread *t = &threads[frame];

    memset(t, 0, sizeof *t);
    t->frame = (uint16_t)frame;
    t->group = -1;
    t->state = THREAD_LIVE;
    t->queue.end = &t->queue.first;
    return t;
}

void thread_free(struct thread *t)
{
    t->state = THREAD_FREE;
    if (t->frame >= NR_VMS + WARM_GROUPS)   /* its TCB is gone */
        give_back(SRV_CAP_THREAD_FRAMES, t->frame, PAGE_BYTES);
}

/* ---- ids ---- */

uint32_t pid_alloc(void)
{
    for (unsigned tries = 0; tries < MAX_PID; tries++) {
        if (++last_pid >= MAX_PID)
            last_pid = 300;     /* as Linux: the first ids are the boot's */
        if (ids[last_pid].uses == 0) {
            ids[last_pid].uses = 1;
            return last_pid;
        }
    }
    return 0;
}

void pid_use(uint32_t pid)
{
    if (pid < MAX_PID)
        ids[pid].uses++;
}

void pid_drop(uint32_t pid)
{
    if (pid < MAX_PID && pid != 0 && ids[pid].uses)
        ids[pid].uses--;
}

struct process *process_by_pid(uint32_t pid)
{
    return pid < MAX_PID && ids[pid].process ? &processes[ids[pid].process - 1] : NULL;
}

struct thread *thread_by_tid(uint32_t tid)
{
    return tid < MAX_PID && ids[tid].thread ? &threads[ids[tid].thread - 1] : NULL;
}

void pid_set_process(uint32_t pid, const struct process *p)
{
    ids[pid].process = p ? (uint16_t)(p - processes + 1) : 0;
}

void pid_set_thread(uint32_t tid, struct thread *t)
{
    ids[tid].thread = t ? (uint16_t)(t->frame + 1) : 0;
}

/* ---- family ---- */

void process_set_parent(struct process *p, struct process *parent)
{
    if (p->sibling_link) {
        *p->sibling_link = p->next_sibling;
        if (p->next_sibling)
            p->next_sibling->sibling_link = p->sibling_link;
        p->sibling_link = NULL;
    }
    p->parent = parent;
    if (!parent)
        return;
    p->next_sibling = parent->children;
    if (p->next_sibling)
        p->next_sibling->sibling_link = &p->next_sibling;
    p->sibling_link = &parent->children;
    parent->children = p;
}

void process_link(struct process *p, struct process *parent)
{
    process_set_parent(p, parent);
    p->all_next = all_processes;
    if (p->all_next)
        p->all_next->all_link = &p->all_next;
    p->all_link = &all_processes;
    all_processes = p;
    pid_set_process(p->pid, p);
}

void process_unlink(struct process *p)
{
    process_set_parent(p, NULL);
    *p->all_link = p->all_next;
    if (p->all_next)
        p->all_next->all_link = p->all_link;
    pid_set_process(p->pid, NULL);
}

unsigned process_count_of_user(uint32_t uid)
{
    unsigned count = 0;

    for (struct process *p = all_processes; p; p = p->all_next)
        if (p->image->page->ruid == uid)
            count++;
    return count;
}

struct image *caller_image(const struct rpc_call *call)
{
    struct image *image;

    if (call->client < FIRST_PROCESS_SLOT || call->client >= NR_SLOTS)
        return NULL;
    image = &images[call->client];
    return image->state == IMAGE_LIVE && is_live(image->process) ? image : NULL;
}

struct process *caller(const struct rpc_call *call)
{
    struct image *image = caller_image(call);

    return image ? image->process : NULL;
}

struct thread *image_thread(const struct image *image, uint32_t index)
{
    for (struct thread *t = image->threads; t; t = t->next)
        if (t->index == index && t->state == THREAD_LIVE)
            return t;
    return NULL;
}

error_t proc_lookup_thread(struct rpc_call *call, uint32_t handle, uint32_t rights, struct proc_thread **out)
{
    const struct image *image = caller_image(call);

    (void)rights;               /* there are none */
    *out = image ? (struct proc_thread *)image_thread(image, handle) : NULL;
    return *out ? 0 : ERR_INVALID_ARGUMENT;
}
