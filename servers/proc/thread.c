/* SPDX-License-Identifier: MIT */
/*
 * Threads; see thread.h and docs/architecture.md 2.
 *
 * A thread begins at the personality's upcall entry with UPCALL_START in its
 * frame. The frame page is shared with the process, which can write it at any
 * time: proc writes it before the start and copies guest registers out of it
 * for fork, but never believes anything in it.
 */
#include "thread.h"

#include <stdio.h>
#include <string.h>

#include "accounting.h"
#include "affinity.h"
#include "reaper.h"
#include "signal.h"

unsigned thread_priority(const struct thread *t)
{
    /* proc_page.nice is 20 - nice: 1 (weakest) .. 40; guests live in 91..110 */
    return 90 + (t->image->page->nice + 1) / 2;
}

static void thread_link(struct thread *t, struct image *image)
{
    struct thread **at = &image->threads;

    while (*at)
        at = &(*at)->next;
    *at = t;
    image->nr_threads++;
    image->page->nr_threads = image->nr_threads;
}

static void thread_unlink(struct thread *t)
{
    struct thread **at = &t->image->threads;

    while (*at && *at != t)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = t->next;
    t->image->nr_threads--;
    t->image->page->nr_threads = t->image->nr_threads;
}

static void publish(struct thread *t)
{
    struct proc_page *page = t->image->page;

    page->thread[t->index].pending = 0;
    page->thread[t->index].state = 'R';
    page->thread[t->index].tid = t->tid;
}

char *thread_comm(struct thread *t)
{
    return t->tid == t->image->process->pid ? t->image->page->comm : t->comm;
}

void thread_inherit(struct thread *t, struct thread *parent)
{
    t->affinity = parent->affinity;
    memcpy(thread_comm(t), thread_comm(parent), sizeof t->comm);
}

error_t thread_make(struct image *image, int index, uint32_t tid, unsigned hart, struct thread **out)
{
    struct vm *vm = image->vm;
    struct thread *t;

    if (index < 0)
        index = vm_take_thread_index(vm);
    else if (!vm_take_this_index(vm, (unsigned)index))
        return ERR_BUSY;
    if (index < 0)
        return ERR_AGAIN;
    if (vm->main_used) {
        int group = group_alloc();

        if (group < 0)
            goto no_thread;
        t = group_thread(group);
        t->group = (int16_t)group;
    } else {
        t = thread_take(vm->index);
        vm_set_main_thread(vm, t);
    }
    t->image = image;
    t->index = (uint8_t)index;
    t->hart = (uint8_t)hart;
    t->affinity = info->guest_hart_mask;
    if (tid) {
        pid_use(tid);
        t->tid = tid;
    } else {
        t->tid = pid_alloc();
    }
    if (!t->tid)
        goto no_tid;
    t->start_ticks = now();
    if (!thread_by_tid(t->tid))     /* exec's loader takes the number over at commit */
        pid_set_thread(t->tid, t);
    thread_link(t, image);
    hart_count(t->hart, 1);
    publish(t);
    *out = t;
    return 0;

no_tid:
    if (t->group >= 0) {
        group_free(t->group);       /* frees the thread too */
        goto no_thread;
    }
    vm_set_main_thread(vm, NULL);
    vm->main_used = false;
    thread_free(t);
no_thread:
    vm->threads[index / 64] &= ~(1ul << index % 64);
    return ERR_AGAIN;
}

void thread_unmake(struct thread *t)
{
    struct vm *vm = t->image->vm;

    thread_unlink(t);
    hart_count(t->hart, -1);
    t->image->page->thread[t->index].tid = 0;
    vm->threads[t->index / 64] &= ~(1ul << t->index % 64);
    if (thread_by_tid(t->tid) == t)
        pid_set_thread(t->tid, NULL);
    pid_drop(t->tid);
    if (t->group >= 0) {
        group_free(t->group);
    } else {
        vm_set_main_thread(vm, NULL);
        vm->main_used = false;
        thread_free(t);
    }
}

void thread_fill_frame(struct thread *t, const struct upcall_regs *regs, const uint64_t start[5])
{
    struct upcall_frame *frame = thread_frame(t);

    memset(frame, 0, PAGE_BYTES);
    if (regs)
        memcpy(frame->guest.x, regs->x, sizeof frame->guest.x);
    frame->guest.cause = UPCALL_START;
    frame->tid = t->tid;
    frame->stack_top = thread_block(t->index) + PERS_THREAD_BYTES;
    frame->thread_index = t->index;
    frame->process_index = t->image->area;
    for (unsigned i = 0; i < 5; i++)
        frame->start_arg[i] = start[i];
}

/* For tools/atoll_build/trace.py: PID/TID@SLOT. */
static void name_for_trace(const struct thread *t)
{
    char name[36];

    (void)snprintf(name, sizeof name, "%u/%u@%u", t->image->page->pid, t->tid, t->image->slot);
    tcb_set_name(thread_cap(t, ROW_TCB), name);
}

error_t thread_start(struct thread *t, struct thread *fpu_from)
{
    cptr_t tcb = thread_cap(t, ROW_TCB);
    struct tcb_regs regs = { 0 };
    struct batch *b = batch_begin();
    error_t error;
    unsigned done;

    if (info->boot_flags & BOOT_TRACE)
        name_for_trace(t);
    regs.x[0] = personality_upcall_entry();
    regs.x[4] = thread_block(t->index);
    /* without a source: nothing of the TCB's former user may be left in it */
    batch_add(b, tcb, TCB_COPY_FPU, fpu_from ? thread_cap(fpu_from, ROW_TCB) : (cptr_t)OWN_CLEAN_TCB, 0, 0, 0, 0);
    t->suspended = t->image->process->stopped;
    batch_add(b, tcb, TCB_WRITE_REGS, (uint64_t)&regs, !t->suspended, 0, 0, 0);
    error = batch_run(b, &done);
    if (error && fpu_from && done == 0) {
        /* The caller is still running (it spins for its answer): stop it for the copy. */
        b = batch_begin();
        batch_add(b, thread_cap(fpu_from, ROW_TCB), TCB_SUSPEND, 0, 0, 0, 0, 0);
        batch_add(b, tcb, TCB_COPY_FPU, thread_cap(fpu_from, ROW_TCB), 0, 0, 0, 0);
        batch_add(b, tcb, TCB_WRITE_REGS, (uint64_t)&regs, !t->suspended, 0, 0, 0);
        error = batch_run(b, NULL);
        if (!fpu_from->suspended)
            tcb_resume(thread_cap(fpu_from, ROW_TCB));
    }
    if (!error)
        t->started = true;
    return error;
}

void thread_end(struct thread *t, bool vm_dies)
{
    struct image *image = t->image;
    struct batch *b;

    account_thread_end(t);
    signal_thread_gone(t);
    thread_unlink(t);
    hart_count(t->hart, -1);
    image->page->thread[t->index].tid = 0;
    image->page->thread[t->index].pending = 0;
    if (t->tid) {
        if (thread_by_tid(t->tid) == t)
            pid_set_thread(t->tid, NULL);
        pid_drop(t->tid);
    }
    t->state = THREAD_ENDED;
    if (!vm_dies) {
        b = batch_begin();
        vm_remove_thread(b, t);
        batch_run_all(b);
    } else if (t->group >= 0) {     /* the CNode stays: not so this entry */
        cnode_delete(vm_cap(image->vm, ROW_CNODE), GUEST_CAP_THREAD + t->index);
    }
    if (!vm_dies && t->group >= 0) {    /* the first thread's index keeps its capability */
        image->vm->threads[t->index / 64] &= ~(1ul << t->index % 64);
    }
    if (t->group >= 0)
        reap_group(t->group, image);
    /* the vm's own thread objects go with the vm */
}

void image_suspend(struct image *image)
{
    struct batch *b = batch_begin();

    for (struct thread *t = image->threads; t; t = t->next) {
        if (t->suspended || !t->started)
            continue;
        if (b->count == BATCH_MAX) {
            batch_run_all(b);
            b = batch_begin();
        }
        batch_add(b, thread_cap(t, ROW_TCB), TCB_SUSPEND, 0, 0, 0, 0, 0);
        t->suspended = true;
    }
    batch_run_all(b);
}

void image_resume(struct image *image)
{
    struct batch *b = batch_begin();

    for (struct thread *t = image->threads; t; t = t->next) {
        if (!t->suspended || !t->started)
            continue;
        if (b->count == BATCH_MAX) {
            batch_run_all(b);
            b = batch_begin();
        }
        batch_add(b, thread_cap(t, ROW_TCB), TCB_RESUME, 0, 0, 0, 0, 0);
        t->suspended = false;
    }
    batch_run_all(b);
}

void thread_upcall(struct thread *t)
{
    if (t->started)
        tcb_upcall(thread_cap(t, ROW_TCB));
}
