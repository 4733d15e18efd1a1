/* SPDX-License-Identifier: MIT */
/*
 * The end of processes (docs/architecture.md 5).
 *
 * process_exit, for an exit and for a kill alike: threads are suspended for
 * good, the session closes (which cancels what the process had parked here),
 * fs and time hear of it, children go to init or a subreaper, the parent is
 * told exactly once, and the kernel objects go to the reaper. What is left is a
 * zombie: the process and its page, until it is waited for.
 */
#include "exit.h"

#include <fs_client.h>
#include <time_client.h>

#include "accounting.h"
#include "events.h"
#include "exec.h"
#include "fork.h"
#include "reaper.h"
#include "robust.h"
#include "shutdown.h"
#include "signal.h"
#include "thread.h"
#include "wait.h"

static void end_threads(struct image *image, bool vm_dies)
{
    image_suspend(image);
    robust_bury(image);
    while (image->threads)
        thread_end(image->threads, vm_dies);
}

void image_teardown(struct image *image)
{
    struct vm *vm = image->vm;
    bool vm_dies = vm->nr_images == 1;

    image->state = IMAGE_DEAD;
    end_threads(image, vm_dies);
    /* now nobody clones into the child's memory any more */
    if (vm->forking && (vm_dies || vm->forking->fork_caller == image))
        fork_drop(vm);
    if (rpc_session_is_open(&server, image->slot)) {
        rpc_session_close(&server, image->slot);
        fs_process_close(&fs_client, image->slot);
        time_process_close(time_of(image->slot), image->slot);
    }
    vm->nr_images--;
    if (!vm_dies || image->slot != vm->index) {
        struct batch *b = batch_begin();

        if (image->slot != vm->index)   /* the owner's stay for the next generation */
            vm_remove_image_caps(b, image);
        if (!vm_dies)
            vm_remove_area(b, image);
        batch_run_all(b);
        /* the owner's area number stays taken: its capabilities are at it */
        if (image->slot != vm->index)
            vm->areas &= (uint16_t)~(1u << image->area);
    }
    if (vm_dies)
        reap_vm(vm);
}

void vfork_release(struct process *child)
{
    struct rpc_call *call = child->vfork_call;
    struct proc_vfork_out out = { .pid = child->pid };

    child->vfork_call = NULL;
    if (call)
        proc_vfork_reply(call, 0, &out);
}

/* ---- orphaned process groups ---- */

static bool links_group(const struct process *p)
{
    const struct proc_page *page = p->image->page, *parent;

    if (!p->parent || p->state != PROCESS_LIVE)
        return false;
    parent = p->parent->image->page;
    return parent->sid == page->sid && parent->pgid != page->pgid;
}

void pgrp_update(uint32_t pgid, bool signal)
{
    bool orphaned = true, was = true, any = false, stopped = false;

    for (struct process *p = all_processes; p; p = p->all_next) {
        if (p->image->page->pgid != pgid || p->state != PROCESS_LIVE)
            continue;
        any = true;
        stopped |= p->stopped;
        was &= p->image->page->pgrp_orphaned != 0;
        if (links_group(p))
            orphaned = false;
    }
    if (!any || orphaned == was)
        return;
    for (struct process *p = all_processes; p; p = p->all_next)
        if (p->image->page->pgid == pgid)
            p->image->page->pgrp_orphaned = orphaned;
    if (orphaned && signal && stopped) {
        signal_group(pgid, SIGHUP);
        signal_group(pgid, SIGCONT);
    }
}

/* ---- the family ---- */

static struct process *new_parent_for(struct process *dying)
{
    for (struct process *p = dying->parent; p; p = p->parent)
        if (p->is_subreaper && p->state == PROCESS_LIVE)
            return p;
    return init_process && init_process != dying && init_process->state == PROCESS_LIVE ? init_process : NULL;
}

static bool same_session_other_group(const struct process *a, const struct process *b)
{
    return a->image->page->sid == b->image->page->sid && a->image->page->pgid != b->image->page->pgid;
}

static void give_away_children(struct process *dying)
{
    struct process *heir = dying->children ? new_parent_for(dying) : NULL, *child, *next;

    for (child = dying->children; child; child = next) {
        bool linked = same_session_other_group(child, dying);

        next = child->next_sibling;
        process_set_parent(child, heir);
        child->image->page->ppid = heir ? heir->pid : 0;
        child->exit_signal = SIGCHLD;
        if (child->parent_death_signal)
            signal_simple(child, child->parent_death_signal);
        if (child->state == PROCESS_ZOMBIE) {
            if (heir)
                wait_child_exited(child);
            else
                process_reap(child);
        } else if (linked) {
            pgrp_update(child->image->page->pgid, true);
        }
    }
}

/* A process that is not yet live: made by fork_begin or by a failed start. */
static void exit_unborn(struct process *p)
{
    if (p->fork_caller && p->fork_caller->vm && p->fork_caller->vm->forking == p)
        fork_drop(p->fork_caller->vm);
}

static void close_session_if_leader(struct process *p)
{
    struct proc_page *page = p->image->page;

    if (!page->is_session_leader)
        return;
    fs_session_ended(&fs_client, page->sid);
    page->is_session_leader = 0;
}

void process_exit(struct process *p, uint32_t status)
{
    struct proc_page *page = p->image->page;
    bool links = links_group(p);
    uint32_t pgid = page->pgid;

    if (p->state == PROCESS_CREATED) {
        exit_unborn(p);
        return;
    }
    if (p->state != PROCESS_LIVE)
        return;
    p->state = PROCESS_ZOMBIE;
    p->status = status;
    p->stopped = false;
    exec_timer_cancel(&p->cpu_timer);
    if (p->exec)
        exec_abort(p);
    vfork_release(p);
    image_teardown(p->image);
    wait_process_gone(p);
    signal_process_gone(p);
    page->exit_code = status;
    page->state = 'Z';
    page->stopped = 0;
    __atomic_store_n(&page->in_use, 2, __ATOMIC_RELEASE);
    if (p == init_process) {
        shutdown_when_idle(status);
        return;
    }
    close_session_if_leader(p);
    give_away_children(p);
    if (links)
        pgrp_update(pgid, true);
    if (p->parent)
        wait_child_exited(p);
    else
        process_reap(p);
}

void process_reap(struct process *p)
{
    struct proc_page *page = p->image->page;

    if (p->parent)
        account_reaped(p->parent, p);
    process_unlink(p);
    pid_drop(page->pgid);
    pid_drop(page->sid);
    pid_drop(p->pid);
    process_free(p);
}

error_t proc_serve_exit_group(struct rpc_call *call, const struct proc_exit_group_in *in, struct proc_exit_group_out *out)
{
    struct process *p = caller(call);

    (void)out;
    if (p)
        process_exit(p, STATUS_EXIT(in->status));
    return 0;   /* dropped: the session is closed */
}

/* What nobody caught is told where the log is no user's terminal; as riscv Linux
 * does (show_unhandled_signals), and no more than ten times in five seconds. */
static void say_unhandled(const struct process *p, const struct proc_fatal_in *in)
{
    static ticks_t window;
    static unsigned nr_said;
    ticks_t at = now();

    if (!(info->boot_flags & BOOT_EXEC))
        return;
    if (at - window > 5 * info->timebase_hz) {
        window = at;
        nr_said = 0;
    }
    if (nr_said++ < 10)
        proc_say("%s[%d]: unhandled signal %u at %#lx, pc %#lx", p->image->page->comm, p->pid, in->signo, in->address, in->pc);
}

error_t proc_serve_fatal(struct rpc_call *call, const struct proc_fatal_in *in, struct proc_fatal_out *out)
{
    struct process *p = caller(call);

    (void)out;
    if (in->signo == 0 || in->signo > NSIG)
        return ERR_INVALID_ARGUMENT;
    if (p) {
        if (info->boot_flags & BOOT_EXEC ? false : p == init_process)
            proc_say("init faulted: signal %u at %#lx, pc %#lx", in->signo, in->address, in->pc);
        else
            say_unhandled(p, in);
        process_exit(p, in->signo);
    }
    return 0;
}
