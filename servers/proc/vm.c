/* SPDX-License-Identifier: MIT */
/* Address spaces and the objects of threads; see vm.h. */
#include "vm.h"

#include <string.h>

#include "affinity.h"
#include "events.h"
#include "thread.h"

#define DATA_PROT (VM_READ | VM_WRITE)
#define OWN_FLAGS (VM_SHARED | VM_NO_CLONE | VM_POPULATE)
static const uint8_t peers[] = { SERVER_PROC, SERVER_FS, SERVER_TIME };    /* as a process knows them */
#define NR_PEERS (sizeof peers)

static struct pers_header personality;
static uint16_t free_groups[NR_GROUPS];
static unsigned nr_free_groups;
static bool group_has_chunk[NR_GROUPS];
static unsigned nr_group_chunks;
static struct thread *group_owner[NR_GROUPS], *main_thread[NR_VMS];
static uint64_t next_vm_id = 1;

void vm_init(void)
{
    for (unsigned g = NR_GROUPS; g-- > 0;)
        free_groups[nr_free_groups++] = (uint16_t)g;
}

static bool map_is_sane(const struct pers_map *m)
{
    uint64_t all = m->image_offset | m->address | m->bytes | m->file_bytes;

    return all % PAGE_BYTES == 0 && m->file_bytes <= m->bytes && m->bytes > 0 && m->address < USER_TOP &&
           m->bytes <= USER_TOP - m->address && m->address >= GUEST_TOP && (m->prot & ~(uint64_t)VM_PROT_MASK) == 0;
}

error_t vm_read_personality(void)
{
    uint64_t done = 0;
    error_t error = segment_read(SRV_CAP_PERSONALITY, 0, SRV_CAP_VSPACE, (uaddr_t)&personality, sizeof personality, &done);

    if (error)
        return error;
    if (done != sizeof personality || personality.magic != PERS_MAGIC || personality.nr_maps > 8)
        return ERR_NOT_EXECUTABLE;
    for (unsigned i = 0; i < personality.nr_maps; i++)
        if (!map_is_sane(&personality.map[i]))
            return ERR_NOT_EXECUTABLE;
    return 0;
}

void vm_claim(struct image *image)
{
    struct vm *vm = &vms[image->slot];

    image->vm = vm;
    image_hold(image);
    vm->state = VM_LIVE;
    vm->main_used = false;
    vm->nr_images = 1;
    vm->threads[0] = vm->threads[1] = 0;
    vm->areas = (uint16_t)(1u << image->area);
    vm->forking = NULL;
    vm->id = next_vm_id++;
    main_thread[vm->index] = NULL;
    image->notification = vm_cap(vm, ROW_PROCESS_NOTIFICATION);
    image->page->vm_id = vm->id;
}

void vm_free(struct vm *vm)
{
    if (main_thread[vm->index])
        thread_free(main_thread[vm->index]);
    main_thread[vm->index] = NULL;
    vm->state = VM_FREE;
    image_drop(&images[vm->index]);
}

struct thread *vm_main_thread(const struct vm *vm)
{
    return main_thread[vm->index];
}

void vm_set_main_thread(struct vm *vm, struct thread *t)
{
    main_thread[vm->index] = t;
    vm->main_used = true;
}

int group_alloc(void)
{
    int group;

    if (nr_free_groups == 0)
        return -1;
    group = free_groups[--nr_free_groups];
    group_owner[group] = thread_take(NR_VMS + (unsigned)group);
    return group;
}

void group_free(int group)
{
    if (group_owner[group])
        thread_free(group_owner[group]);
    group_owner[group] = NULL;
    free_groups[nr_free_groups++] = (uint16_t)group;
}

struct thread *group_thread(int group)
{
    return group_owner[group];
}

bool vm_take_this_index(struct vm *vm, unsigned index)
{
    if (index >= VM_MAX_THREADS || vm->threads[index / 64] >> index % 64 & 1)
        return false;
    vm->threads[index / 64] |= 1ul << index % 64;
    return true;
}

int vm_take_thread_index(struct vm *vm)
{
    for (unsigned i = 0; i < VM_MAX_THREADS; i++)
        if (vm_take_this_index(vm, i))
            return (int)i;
    return -1;
}

int vm_take_area(struct vm *vm)
{
    for (int m = 0; m < VM_MAX_AREAS; m++) {
        if (vm->areas >> m & 1)
            continue;
        vm->areas |= (uint16_t)(1u << m);
        return m;
    }
    return -1;
}

/* ---- objects ---- */

/* The first use of a row: its untyped and its badged fault endpoint, both for ever. */
static error_t make_chunk(cptr_t row, unsigned bits, uint64_t badge)
{
    error_t error = untyped_retype(SRV_CAP_UNTYPED, CAP_TYPE_UNTYPED, bits, row + ROW_CHUNK, 1, 0);

    if (error)
        return error;
    return cnode_mint(SRV_CAP_CNODE, row + ROW_FAULT, OWN_FAULT_EP, RIGHT_WRITE | RIGHT_GRANT, badge);
}

static void add_retype(struct batch *b, cptr_t row, enum cap_type type, unsigned size, unsigned what, unsigned count)
{
    batch_add(b, row + ROW_CHUNK, UNTYPED_RETYPE, type, size, row + what, count, 0);
}

/* The TCB last: a revoke begins with the newest. When the TCB's hart has let go of it, that holds for all that it uses; each
 * object that goes before it asks that hart by itself, with an interrupt and a wait. */
static void add_thread_objects(struct batch *b, cptr_t row, unsigned hart)
{
    ticks_t slice = info->timebase_hz / 1000 * GUEST_SLICE_MS;

    add_retype(b, row, CAP_TYPE_SCHED_CONTEXT, 0, ROW_SCHED, 1);
    add_retype(b, row, CAP_TYPE_NOTIFICATION, 0, ROW_PROCESS_NOTIFICATION, 2);
    batch_add(b, row + ROW_SCHED, SCHED_CONFIGURE, slice, slice, hart, 0, 0);
    add_retype(b, row, CAP_TYPE_TCB, 0, ROW_TCB, 1);
}

/* Chunks are for ever, so address spaces leave room for every group's: a crowd of
 * processes shall not mean that there are no threads afterwards. */
static bool room_for_chunk(void)
{
    uint64_t left = 0;

    return sys_invoke(SRV_CAP_UNTYPED, UNTYPED_INFO, 0, 0, 0, 0, 0, &left) == 0 &&
           left >= (1ul << VM_CHUNK_BITS) + ((uint64_t)(NR_GROUPS - nr_group_chunks) << GROUP_CHUNK_BITS);
}

error_t vm_add_objects(struct batch *b, struct vm *vm, unsigned hart)
{
    cptr_t row = vm_cap(vm, 0);

    if (vm->built) {
        /* fs may have answered an mmap of the former process after the reaper was there; now it cannot. */
        batch_add(b, row + ROW_VSPACE, VSPACE_UNMAP, 0, USER_TOP, 0, 0, 0);
        return 0;
    }
    if (!vm->has_chunk) {
        error_t error = room_for_chunk() ? 0 : ERR_NO_MEMORY;

        if (!error)
            error = make_chunk(row, VM_CHUNK_BITS, vm->index);

        if (error)
            return error;
        vm->has_chunk = true;
    }
    add_retype(b, row, CAP_TYPE_CNODE, GUEST_CNODE_RADIX, ROW_CNODE, 1);
    add_retype(b, row, CAP_TYPE_VSPACE, 0, ROW_VSPACE, 1);
    add_thread_objects(b, row, hart);
    vm->base.user = vm->base.system = vm->base.faults = vm->base.switches = 0;
    batch_add(b, row + ROW_VSPACE, VSPACE_INIT, SRV_CAP_POOL, vm->index, 0, 0, 0);
    return 0;
}

error_t group_add_objects(struct batch *b, int group, unsigned hart)
{
    cptr_t row = group_cap(group, 0);

    if (!group_has_chunk[group]) {
        error_t error = make_chunk(row, GROUP_CHUNK_BITS, FAULT_BADGE_GROUP + (unsigned)group);

        if (error)
            return error;
        group_has_chunk[group] = true;
        nr_group_chunks++;
    }
    add_thread_objects(b, row, hart);
    return 0;
}

/* ---- capabilities ---- */

static void add_copy(struct batch *b, cptr_t cnode, uint64_t index, cptr_t source, uint64_t rights)
{
    batch_add(b, cnode, CNODE_COPY, index, source, rights, 0, 0);
}

static void add_mint(struct batch *b, cptr_t cnode, uint64_t index, cptr_t source, uint64_t rights, badge_t badge)
{
    batch_add(b, cnode, CNODE_MINT, index, source, rights, badge, 0);
}

/* Who it is for the process in slot k: a shard, which it knows by the number of the first. */
static unsigned peer_of(unsigned i, unsigned k)
{
    return peers[i] == SERVER_TIME ? time_server_of(k) : peers[i];
}

/* What the image holds itself. */
static void add_own_caps(struct batch *b, const struct image *image)
{
    cptr_t cnode = vm_cap(image->vm, ROW_CNODE);
    unsigned m = image->area;

    add_copy(b, cnode, GUEST_CAP_NOTIFICATION(m), image->notification, RIGHT_READ | RIGHT_WRITE);
    for (unsigned i = 0; i < NR_PEERS; i++)
        add_mint(b, cnode, GUEST_CAP_DOORBELL(m, peers[i]), SRV_CAP_PEER_NOTIFICATIONS + peer_of(i, image->slot), RIGHT_WRITE,
                 1ul << image->slot % DOORBELL_BITS);
}

/* What the peers hold on it. */
static void add_peer_caps(struct batch *b, const struct image *image)
{
    cptr_t vspace = vm_cap(image->vm, ROW_VSPACE);
    unsigned k = image->slot;

    for (unsigned i = 0; i < NR_PEERS; i++) {
        unsigned id = peer_of(i, k);

        add_copy(b, SRV_CAP_PEER_VSPACES + id, k, vspace,
                 RIGHT_READ | RIGHT_WRITE | RIGHT_COPY | (id == SERVER_FS ? RIGHT_MAP : 0));
        add_mint(b, SRV_CAP_PEER_DOORBELLS + id, k, image->notification, RIGHT_WRITE, CLIENT_BIT(peers[i]));
    }
}

static void remove_peer_caps(struct batch *b, unsigned k)
{
    for (unsigned i = 0; i < NR_PEERS; i++) {
        batch_add(b, SRV_CAP_PEER_VSPACES + peer_of(i, k), CNODE_DELETE, k, 0, 0, 0, 0);
        batch_add(b, SRV_CAP_PEER_DOORBELLS + peer_of(i, k), CNODE_DELETE, k, 0, 0, 0, 0);
    }
}

void vm_add_guest_image_caps(struct batch *b, const struct image *image)
{
    struct vm *idle = &vms[image->slot];

    if (idle->peers_have)
        remove_peer_caps(b, image->slot);
    idle->peers_have = false;
    add_own_caps(b, image);
    add_peer_caps(b, image);
}

void vm_remove_image_caps(struct batch *b, const struct image *image)
{
    cptr_t cnode = vm_cap(image->vm, ROW_CNODE);

    batch_add(b, cnode, CNODE_DELETE, GUEST_CAP_NOTIFICATION(image->area), 0, 0, 0, 0);
    for (unsigned i = 0; i < NR_PEERS; i++)
        batch_add(b, cnode, CNODE_DELETE, GUEST_CAP_DOORBELL(image->area, peers[i]), 0, 0, 0, 0);
    remove_peer_caps(b, image->slot);
}

void vm_add_thread_cap(struct batch *b, const struct thread *t)
{
    add_copy(b, vm_cap(t->image->vm, ROW_CNODE), GUEST_CAP_THREAD + t->index, thread_cap(t, ROW_THREAD_NOTIFICATION),
             RIGHT_READ | RIGHT_WRITE);
}

/* ---- memory ---- */

static void add_map(struct batch *b, const struct vm *vm, uaddr_t address, uint64_t bytes, uint64_t prot, cptr_t segment,
                    uint64_t page)
{
    batch_add(b, vm_cap(vm, ROW_VSPACE), VSPACE_MAP, address, bytes, prot, segment, page);
}

static void add_reserve(struct batch *b, const struct vm *vm, uaddr_t address, uint64_t bytes)
{
    batch_add(b, vm_cap(vm, ROW_VSPACE), VSPACE_RESERVE, address, bytes, DATA_PROT | VM_NO_CLONE, 0, 0);
}

void vm_add_area(struct batch *b, const struct image *image)
{
    uaddr_t area = PERS_AREA(image->area);
    uint64_t k = image->slot;

    for (unsigned i = 0; i < NR_PEERS; i++)
        add_map(b, image->vm, area + AREA_SESSION(peers[i]), SESSION_BYTES, DATA_PROT | OWN_FLAGS,
                SRV_CAP_SESSIONS + peer_of(i, image->slot), k * SESSION_PAGES);
    add_map(b, image->vm, area + AREA_PROC_PAGE, PAGE_BYTES, VM_READ | OWN_FLAGS, SRV_CAP_PROC_PAGES, k);
    add_map(b, image->vm, area + AREA_SIG_PAGE, PAGE_BYTES, DATA_PROT | OWN_FLAGS, SRV_CAP_SIG_PAGES, k);
    add_map(b, image->vm, area + AREA_FD_PAGES, FD_PAGES * PAGE_BYTES, VM_READ | VM_SHARED | VM_NO_CLONE,
            SRV_CAP_FD_PAGES, k * FD_PAGES);
    add_reserve(b, image->vm, area + AREA_STATE, AREA_STATE_BYTES);
}

void vm_remove_area(struct batch *b, const struct image *image)
{
    cptr_t vspace = vm_cap(image->vm, ROW_VSPACE);

    batch_add(b, vspace, VSPACE_UNMAP, PERS_AREA(image->area), PERS_AREA_BYTES, 0, 0, 0);
    batch_add(b, vspace, VSPACE_UNMAP, PERS_WINDOW(image->area, 0), PERS_NR_WINDOWS * PERS_WINDOW_BYTES, 0, 0, 0);
}

void vm_add_personality(struct batch *b, const struct image *image)
{
    for (unsigned i = 0; i < personality.nr_maps; i++) {
        const struct pers_map *m = &personality.map[i];
        bool private = m->prot & VM_WRITE;

        if (m->file_bytes)
            add_map(b, image->vm, m->address, m->file_bytes, m->prot | (private ? 0 : VM_SHARED | VM_POPULATE),
                    SRV_CAP_PERSONALITY, m->image_offset / PAGE_BYTES);
        if (m->bytes > m->file_bytes)
            batch_add(b, vm_cap(image->vm, ROW_VSPACE), VSPACE_RESERVE, m->address + m->file_bytes,
                      m->bytes - m->file_bytes, m->prot, 0, 0);
    }
    add_map(b, image->vm, PERS_TIME_PAGE, PAGE_BYTES, VM_READ | VM_SHARED | VM_POPULATE, SRV_CAP_TIME_PAGE, 0);
    add_map(b, image->vm, PERS_HART_PAGE, PAGE_BYTES, VM_READ | VM_SHARED | VM_POPULATE, SRV_CAP_HART_PAGE, 0);
}

void vm_add_thread_memory(struct batch *b, const struct thread *t)
{
    uaddr_t block = thread_block(t->index);

    add_map(b, t->image->vm, block, PAGE_BYTES, DATA_PROT | OWN_FLAGS, SRV_CAP_THREAD_FRAMES, t->frame);
    add_reserve(b, t->image->vm, block + PERS_STACK_OFFSET, PERS_THREAD_BYTES - PERS_STACK_OFFSET);
}

void vm_add_thread_start(struct batch *b, const struct thread *t)
{
    const struct vm *vm = t->image->vm;
    cptr_t tcb = thread_cap(t, ROW_TCB);

    batch_add(b, tcb, TCB_CONFIGURE, vm_cap(vm, ROW_CNODE), vm_cap(vm, ROW_VSPACE), thread_cap(t, ROW_SCHED),
              thread_priority(t) | (uint64_t)t->hart << 8, 0);
    batch_add(b, tcb, TCB_SET_PERSONALITY, PERS_BASE, personality.syscall_entry, personality.upcall_entry,
              personality.fault_entry, 0);
    batch_add(b, tcb, TCB_SET_FRAME, SRV_CAP_THREAD_FRAMES, t->frame, thread_block(t->index), 0, 0);
    batch_add(b, tcb, TCB_SET_FAULT_EP, thread_cap(t, ROW_FAULT), 0, 0, 0, 0);
}

/* The owner's area differs from that of the generation before: its CNode entries move. */
static void move_area_caps(struct batch *b, const struct image *image, unsigned from)
{
    cptr_t cnode = vm_cap(image->vm, ROW_CNODE);

    for (unsigned i = 0; i < GUEST_AREA_CAPS - 1; i++)
        if (i <= SERVER_TIME)
            batch_add(b, cnode, CNODE_MOVE, GUEST_CAP_NOTIFICATION(image->area) + i,
                      CAP_IN(cnode, GUEST_CAP_NOTIFICATION(from) + i), 0, 0, 0);
}

/* The TCB, with its scheduling context, to the hart that was chosen for its new
 * user (no batch can hold this operation); else the thread stays where it is. */
static void bring_to_hart(const struct vm *vm, struct thread *t)
{
    unsigned here = vm->configured >> 8;

    if (here == t->hart || tcb_set_hart(vm_cap(vm, ROW_TCB), t->hart) == 0)
        return;
    hart_count(t->hart, -1);
    t->hart = (uint8_t)here;
    hart_count(t->hart, 1);
}

void vm_add_first(struct batch *b, struct image *image, struct thread *t)
{
    struct vm *vm = image->vm;
    cptr_t cnode = vm_cap(vm, ROW_CNODE);
    uint16_t configured;

    if (vm->built)
        bring_to_hart(vm, t);
    configured = (uint16_t)(thread_priority(t) | (unsigned)t->hart << 8);
    if (!vm->built) {
        add_copy(b, cnode, GUEST_CAP_VSPACE, vm_cap(vm, ROW_VSPACE),
                 RIGHT_READ | RIGHT_WRITE | RIGHT_MAP | RIGHT_CLONE | RIGHT_COPY);
        add_own_caps(b, image);
        vm->peers_have = false;
        vm_add_thread_cap(b, t);
        vm_add_thread_start(b, t);
    } else {
        if (vm->cap_area != image->area)
            move_area_caps(b, image, vm->cap_area);
        if (vm->cap_thread != t->index) {
            batch_add(b, cnode, CNODE_MOVE, GUEST_CAP_THREAD + t->index, CAP_IN(cnode, GUEST_CAP_THREAD + vm->cap_thread),
                      0, 0, 0);
            batch_add(b, vm_cap(vm, ROW_TCB), TCB_SET_FRAME, SRV_CAP_THREAD_FRAMES, t->frame, thread_block(t->index), 0, 0);
        }
        if ((vm->configured ^ configured) & 0xff)
            batch_add(b, vm_cap(vm, ROW_TCB), TCB_SET_PRIORITY, configured & 0xff, 0, 0, 0, 0);
    }
    if (!vm->peers_have)
        add_peer_caps(b, image);
    vm->built = vm->peers_have = true;
    vm->cap_area = image->area;
    vm->cap_thread = t->index;
    vm->configured = configured;
}

uaddr_t personality_upcall_entry(void)
{
    return personality.upcall_entry;
}

void vm_remove_thread(struct batch *b, const struct thread *t)
{
    const struct vm *vm = t->image->vm;

    if (t->group >= 0)
        batch_add(b, vm_cap(vm, ROW_CNODE), CNODE_DELETE, GUEST_CAP_THREAD + t->index, 0, 0, 0, 0);
    batch_add(b, vm_cap(vm, ROW_VSPACE), VSPACE_UNMAP, thread_block(t->index), PERS_THREAD_BYTES, 0, 0, 0);
}
