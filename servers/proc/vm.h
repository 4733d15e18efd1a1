/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects of address spaces and threads.
 *
 * A vm owns one chunk of untyped memory for ever; its VSpace, CNode, the
 * objects of its first thread and its first process's notification are made
 * from it. They outlive the process: vm k serves only images of slot k, so that
 * the capabilities in its CNode and those that peers hold at index k are the
 * same in each generation. The reaper merely unmaps everything; the next
 * process finds a VSpace without memory, a CNode in order and a stopped TCB. Only
 * when building failed is the chunk revoked.
 * Further threads and processes of the vm (threads, vfork) have small object
 * groups with a chunk of their own, which is revoked after each use. Nothing is
 * ever given back to the big untyped.
 */
#ifndef PROC_VM_H
#define PROC_VM_H

#include "batch.h"
#include "process.h"

/* proc's own CSpace: fixed capabilities, then a row for each vm and group. */
enum {
    OWN_FAULT_EP = SRV_CAP_OWN_FREE, OWN_REAPER_NOTIFICATION, OWN_REAPER_TCB, OWN_REAPER_SCHED,
    OWN_DONE_NOTIFICATION, OWN_CLEAN_TCB,   /* never ran: its FP state is zero */
    OWN_VM_ROWS = 1024, OWN_GROUP_ROWS = OWN_VM_ROWS + NR_VMS * 8
};
enum { ROW_CHUNK, ROW_TCB, ROW_SCHED, ROW_PROCESS_NOTIFICATION, ROW_THREAD_NOTIFICATION, ROW_FAULT, ROW_CNODE, ROW_VSPACE };
#define GROUP_ROW   6
#define NR_GROUPS   1024
#define VM_CHUNK_BITS    15
#define GROUP_CHUNK_BITS 12
_Static_assert(OWN_GROUP_ROWS + NR_GROUPS * GROUP_ROW <= 1 << SRV_CNODE_RADIX, "CSpace");

static inline cptr_t vm_cap(const struct vm *vm, unsigned what) { return OWN_VM_ROWS + vm->index * 8u + what; }
static inline cptr_t group_cap(int group, unsigned what)
{
    return (cptr_t)(OWN_GROUP_ROWS + group * GROUP_ROW) + what;
}
static inline cptr_t thread_cap(const struct thread *t, unsigned what)
{
    return t->group < 0 ? vm_cap(t->image->vm, what) : group_cap(t->group, what);
}
static inline uaddr_t thread_block(unsigned index) { return PERS_THREADS + index * PERS_THREAD_BYTES; }

/* Badges of fault endpoints. */
#define FAULT_BADGE_GROUP 0x10000u

void vm_init(void);
error_t vm_read_personality(void);
/* The vm of a fresh image's slot becomes the image's; it holds the image. */
void vm_claim(struct image *);
/* Reaped: ready for the slot's next image. */
void vm_free(struct vm *);
/* -1: none. */
int group_alloc(void);
void group_free(int group);
struct thread *group_thread(int group);
struct thread *vm_main_thread(const struct vm *);
void vm_set_main_thread(struct vm *, struct thread *);
/* Index of a free thread block or area of the vm, taken; -1: none. */
int vm_take_thread_index(struct vm *);
bool vm_take_this_index(struct vm *, unsigned index);
int vm_take_area(struct vm *);

/* Steps of building; each adds to the batch. */
error_t vm_add_objects(struct batch *, struct vm *, unsigned hart);
error_t group_add_objects(struct batch *, int group, unsigned hart);
/* The capabilities that image and thread hold, and those of peers on them. */
/* Of an image in another's vm: takes over its slot's index in the peers' CNodes. */
void vm_add_guest_image_caps(struct batch *, const struct image *);
void vm_add_thread_cap(struct batch *, const struct thread *);
void vm_add_area(struct batch *, const struct image *);
void vm_add_personality(struct batch *, const struct image *);
void vm_add_thread_memory(struct batch *, const struct thread *);
void vm_add_thread_start(struct batch *, const struct thread *);
/* What of the above a vm's first image and thread still need; marks it built. */
void vm_add_first(struct batch *, struct image *, struct thread *);
/* The reverse for images and threads of a vm that lives on. */
void vm_remove_image_caps(struct batch *, const struct image *);
void vm_remove_area(struct batch *, const struct image *);
void vm_remove_thread(struct batch *, const struct thread *);

#endif
