/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork and threads (docs/architecture.md 3).
 *
 * fork_begin makes a process in state CREATED: pid, slot, vm with its kernel
 * objects; the caller finds the child's VSpace in its CNode and clones into it
 * on its own time. fork_commit maps what is the child's own, tells fs and time,
 * and starts it. Until then the child is known only through vm->forking of the
 * parent's vm, and whoever ends the parent first ends the child (fork_drop).
 *
 * Nothing is half done after an error: objects that were made go with the
 * reaper, ids and slots at once.
 */
#include "fork.h"

#include <fs_client.h>
#include <string.h>
#include <time_client.h>

#include "affinity.h"
#include "cpu_limit.h"
#include "events.h"
#include "exit.h"
#include "reaper.h"
#include "room.h"
#include "signal.h"
#include "thread.h"

static uint64_t next_token = 1;

/* A page for a child from its parent's. */
static void inherit_page(struct proc_page *child, const struct proc_page *parent)
{
    size_t fixed = offsetof(struct proc_page, thread);

    memcpy(child, parent, fixed);
    memset(child->thread, 0, sizeof child->thread);
    child->in_use = 0;
    child->nr_threads = 0;
    child->pending = 0;
    child->stopped = 0;
    child->state = 'R';
    child->is_session_leader = 0;
    child->start_ticks = now();
}

static error_t check_limits(const struct process *parent)
{
    const struct proc_page *page = parent->image->page;

    if (page->euid == 0 || page->rlimit[RLIMIT_NPROC][0] == RLIM_INFINITY)
        return 0;
    return process_count_of_user(page->ruid) >= page->rlimit[RLIMIT_NPROC][0] ? ERR_AGAIN : 0;
}

/* Process, image and pid; the page is filled. */
static struct process *new_process(struct process *parent, uint64_t flags)
{
    struct process *p = process_alloc();

    if (!p)
        return NULL;
    p->pid = pid_alloc();
    if (!p->pid) {
        process_free(p);
        return NULL;
    }
    p->exit_signal = flags & CLONE_SIGNAL_MASK;
    p->fork_flags = flags;
    p->fork_parent = parent;
    inherit_page(p->image->page, parent->image->page);
    p->image->page->pid = p->pid;
    return p;
}

/* Undo new_process; the image may have other holds. */
static void drop_process(struct process *p)
{
    pid_drop(p->pid);
    process_free(p);
}

static bool can_wait_for_objects(void)
{
    return reaper_busy() && !coro_self();
}

/* Out of slots or objects: if the reaper is at work, try again on a coroutine
 * after it got something done; otherwise the error is real. */
static error_t exhausted(void)
{
    return can_wait_for_objects() ? RPC_BLOCKS : ERR_AGAIN;
}

static struct process *begin(struct process *parent, struct image *image, uint64_t flags)
{
    struct process *p = new_process(parent, flags);

    if (!p)
        return NULL;
    p->image->area = image->area;
    vm_claim(p->image);
    p->fork_hart = (uint8_t)hart_choose(image->threads->affinity, image->threads->hart);
    p->fork_token = next_token++;
    p->fork_caller = image;
    return p;
}

/* Objects of a vm whose building failed: they die with the reaper. */
static void abandon_vm(struct image *image)
{
    struct vm *vm = image->vm;

    vm->nr_images = 0;
    reap_vm(vm);
}

error_t proc_serve_fork_begin(struct rpc_call *call, const struct proc_fork_begin_in *in, struct proc_fork_begin_out *out)
{
    struct image *image = caller_image(call);
    struct process *child;
    struct batch *b;
    error_t error;

    if (!image)
        return ERR_NO_PROCESS;
    error = room_for_process();
    if (error)
        return error;
    image = caller_image(call);
    if (!image)
        return ERR_NO_PROCESS;
    if (image->vm->forking)
        return ERR_BUSY;
    error = check_limits(image->process);
    if (error)
        return error;
    child = begin(image->process, image, in->flags);
    if (!child)
        return exhausted();
    b = batch_begin();
    error = vm_add_objects(b, child->image->vm, child->fork_hart);
    batch_add(b, vm_cap(image->vm, ROW_CNODE), CNODE_COPY, GUEST_CAP_CHILD, vm_cap(child->image->vm, ROW_VSPACE),
              RIGHT_CLONE, 0, 0);
    if (!error)
        error = batch_run(b, NULL);
    if (error) {
        child->image->vm->built = false;
        abandon_vm(child->image);
        drop_process(child);
        return error == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_AGAIN;
    }
    image->vm->forking = child;
    out->pid = child->pid;
    out->token = child->fork_token;
    return 0;
}

void fork_drop(struct vm *parent_vm)
{
    struct process *child = parent_vm->forking;

    if (!child)
        return;
    parent_vm->forking = NULL;
    if (parent_vm->state == VM_LIVE)
        cnode_delete(vm_cap(parent_vm, ROW_CNODE), GUEST_CAP_CHILD);
    abandon_vm(child->image);
    drop_process(child);
}

static struct process *forking_child(struct rpc_call *call, uint64_t token)
{
    struct image *image = caller_image(call);
    struct process *child = image ? image->vm->forking : NULL;

    return child && child->fork_token == token && child->fork_caller == image ? child : NULL;
}

error_t proc_serve_fork_abort(struct rpc_call *call, const struct proc_fork_abort_in *in, struct proc_fork_abort_out *out)
{
    struct process *child = forking_child(call, in->token);

    (void)out;
    if (!child)
        return ERR_INVALID_ARGUMENT;
    fork_drop(caller_image(call)->vm);
    return 0;
}

/* From now on the child exists for others. */
static void go_live(struct process *child, uint64_t ticket)
{
    struct process *parent = child->fork_parent;
    struct proc_page *page = child->image->page;

    if (child->fork_flags & CLONE_PARENT) {
        child->exit_signal = parent->exit_signal;
        parent = parent->parent ? parent->parent : parent;
    }
    pid_use(page->pgid);
    pid_use(page->sid);
    child->state = PROCESS_LIVE;
    child->image->state = IMAGE_LIVE;
    page->ppid = parent->pid;
    process_link(child, parent);
    __atomic_store_n(&page->in_use, 1, __ATOMIC_RELEASE);
    rpc_session_open(&server, child->image->slot);
    fs_process_open(&fs_client, child->image->slot, ticket);
    time_process_open(time_of(child->image->slot), child->image->slot);
    cpu_limit_changed(child);
}

/* Dispositions and masks are inherited; the child goes on from here by itself. */
static void inherit_signals(struct image *child, const struct thread *t, const struct thread *parent)
{
    struct sig_page *sig = (struct sig_page *)child->sig;
    uint64_t blocked = parent->image->sig->thread[parent->index].blocked;

    memcpy(sig, parent->image->sig, sizeof *sig);
    memset(sig->thread, 0, sizeof sig->thread);
    sig->thread[t->index].blocked = blocked;
    sig->nr_unimplemented = 0;
    memset(sig->unimplemented, 0, sizeof sig->unimplemented);
}

static void child_registers(struct upcall_regs *regs, const struct thread *parent, uint64_t stack, uint64_t tls)
{
    memcpy(regs->x, thread_frame(parent)->guest.x, sizeof regs->x);
    regs->x[10] = 0;
    if (stack)
        regs->x[2] = stack;
    if (tls)
        regs->x[4] = tls;
}

error_t proc_serve_fork_commit(struct rpc_call *call, const struct proc_fork_commit_in *in,
                               struct proc_fork_commit_out *out)
{
    struct process *child = forking_child(call, in->token);
    struct image *image = caller_image(call);
    struct thread *parent, *t;
    struct upcall_regs regs;
    struct batch *b;
    error_t error;

    if (!child)
        return ERR_INVALID_ARGUMENT;
    parent = image_thread(image, in->thread_index);
    if (!parent)
        return ERR_INVALID_ARGUMENT;
    error = thread_make(child->image, (int)in->thread_index, child->pid, child->fork_hart, &t);
    if (error) {
        fork_drop(image->vm);
        return error;
    }
    thread_inherit(t, parent);
    b = batch_begin();
    vm_add_area(b, child->image);
    vm_add_thread_memory(b, t);
    vm_add_first(b, child->image, t);
    batch_add(b, vm_cap(image->vm, ROW_CNODE), CNODE_DELETE, GUEST_CAP_CHILD, 0, 0, 0, 0);
    error = batch_run(b, NULL);
    if (error) {
        child->image->vm->built = false;
        proc_say("fork: building failed: error %d", error);
        thread_end(t, true);
        fork_drop(image->vm);
        return error == ERR_NO_MEMORY ? error : ERR_AGAIN;
    }
    image->vm->forking = NULL;
    inherit_signals(child->image, t, parent);
    go_live(child, in->ticket);
    child_registers(&regs, parent, in->stack, in->tls);
    thread_fill_frame(t, &regs, (uint64_t[5]){ START_FORK, child->image->slot, child->fork_flags, 0, 0 });
    error = thread_start(t, parent);
    if (error) {
        proc_say("fork: start failed: error %d", error);
        process_exit(child, SIGKILL);
    }
    out->pid = child->pid;
    return 0;
}

/* ---- vfork: a process in the same vm ---- */

static error_t build_in_same_vm(struct image *image, struct thread *t)
{
    struct batch *b = batch_begin();
    error_t error = group_add_objects(b, t->group, t->hart);

    if (error)
        return error;
    vm_add_area(b, image);
    vm_add_thread_memory(b, t);
    vm_add_guest_image_caps(b, image);
    vm_add_thread_cap(b, t);
    vm_add_thread_start(b, t);
    return batch_run(b, NULL);
}

static void vfork_cancelled(struct rpc_call *call)
{
    struct process *child = call->context;

    child->vfork_call = NULL;
    proc_vfork_reply(call, ERR_CANCELLED, NULL);
}

error_t proc_serve_vfork(struct rpc_call *call, const struct proc_vfork_in *in, struct proc_vfork_out *out)
{
    struct image *image;
    struct process *child;
    struct thread *parent, *t;
    struct upcall_regs regs;
    error_t error = room_for_process();
    int area;

    if (error)
        return error;
    image = caller_image(call);
    parent = image ? image_thread(image, in->thread_index) : NULL;
    if (!parent)
        return ERR_INVALID_ARGUMENT;
    error = check_limits(image->process);
    if (error)
        return error;
    child = new_process(image->process, in->flags);
    area = child ? vm_take_area(image->vm) : -1;
    if (area < 0) {
        if (child)
            drop_process(child);
        return ERR_AGAIN;
    }
    child->image->vm = image->vm;
    child->image->area = (uint8_t)area;
    child->image->page->vm_id = image->vm->id;
    image->vm->nr_images++;
    error = thread_make(child->image, -1, child->pid, hart_choose(parent->affinity, parent->hart), &t);
    if (error)
        goto no_thread;
    thread_inherit(t, parent);
    if (t->group < 0) {     /* the vm's own objects belong to its first process */
        error = ERR_AGAIN;
        thread_unmake(t);
        goto no_thread;
    }
    child->image->notification = group_cap(t->group, ROW_PROCESS_NOTIFICATION);
    error = build_in_same_vm(child->image, t);
    if (error) {
        image_teardown(child->image);
        drop_process(child);
        return error == ERR_NO_MEMORY ? error : ERR_AGAIN;
    }
    inherit_signals(child->image, t, parent);
    go_live(child, in->ticket);
    child_registers(&regs, parent, in->stack, in->tls);
    thread_fill_frame(t, &regs, (uint64_t[5]){ START_VFORK, child->image->slot, in->flags, in->child_tid, image->area });
    out->pid = child->pid;
    if (in->flags & CLONE_VFORK) {
        child->vfork_call = rpc_park(call, vfork_cancelled, child);
        if (!child->vfork_call)
            proc_say("vfork: no room to park the parent of %u", child->pid);
    }
    error = thread_start(t, parent);
    if (error)
        process_exit(child, SIGKILL);
    return in->flags & CLONE_VFORK && child->vfork_call ? RPC_PENDING : 0;

no_thread:
    image->vm->nr_images--;
    image->vm->areas &= (uint16_t)~(1u << area);
    drop_process(child);
    return error;
}

/* ---- threads ---- */

error_t proc_serve_thread_create(struct rpc_call *call, const struct proc_thread_create_in *in,
                                 struct proc_thread_create_out *out)
{
    struct image *image = caller_image(call);
    struct thread *parent = image ? image_thread(image, in->thread_index) : NULL, *t;
    struct upcall_regs regs;
    struct batch *b;
    error_t error;

    if (!parent)
        return ERR_INVALID_ARGUMENT;
    if (image->process->loading)
        return ERR_AGAIN;
    error = room_for_process();
    if (error)
        return error;
    image = caller_image(call);
    parent = image ? image_thread(image, in->thread_index) : NULL;
    if (!parent)
        return ERR_INVALID_ARGUMENT;
    error = thread_make(image, -1, 0, hart_choose(parent->affinity, parent->hart), &t);
    if (error)
        return error;
    thread_inherit(t, parent);
    b = batch_begin();
    error = t->group < 0 ? 0 : group_add_objects(b, t->group, t->hart);
    vm_add_thread_memory(b, t);
    vm_add_thread_cap(b, t);
    vm_add_thread_start(b, t);
    if (!error)
        error = batch_run(b, NULL);
    if (!error && in->flags & CLONE_PARENT_SETTID)
        error = rpc_client_write(call, in->parent_tid, &t->tid, sizeof t->tid);
    if (error) {
        thread_end(t, false);
        return error == ERR_NO_MEMORY || error == ERR_FAULT ? error : ERR_AGAIN;
    }
    child_registers(&regs, parent, in->stack, in->tls);
    ((struct sig_page *)image->sig)->thread[t->index].blocked = image->sig->thread[parent->index].blocked;
    thread_fill_frame(t, &regs, (uint64_t[5]){ START_THREAD, image->slot, in->flags, in->child_tid, 0 });
    error = thread_start(t, parent);
    if (error) {
        thread_end(t, false);
        return ERR_AGAIN;
    }
    cpu_limit_changed(image->process);
    out->tid = t->tid;
    out->new_index = t->index;
    return 0;
}

error_t proc_serve_thread_exit(struct rpc_call *call, const struct proc_thread_exit_in *in,
                               struct proc_thread_exit_out *out)
{
    struct thread *t = handle_thread(in->thread);

    (void)call, (void)out;
    if (t->image->nr_threads == 1) {
        process_exit(t->image->process, STATUS_EXIT(in->status));
        return 0;
    }
    tcb_suspend(thread_cap(t, ROW_TCB));
    thread_end(t, false);
    return 0;
}
