/* SPDX-License-Identifier: MIT */
/*
 * exec (docs/architecture.md 4), and init, which is an exec without an old image.
 *
 * exec makes a second image for the process, with a slot of its own, whose one
 * thread is the loader. Until exec_commit the process is still the old image:
 * its signals, its waits, its threads. The loader's session is open, so that it
 * can ask what to load and use fs; everything else it asks of proc concerns the
 * process. exec_commit is the point of no return.
 *
 * Ends: exec_fail (the loader gave up), exec_commit, exec_abort (the process
 * ended), or the loader's death by a fault (process_exit of the process: as on
 * Linux, a process whose new image cannot even start is killed).
 */
#include "exec.h"

#include <fs_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time_client.h>

#include "affinity.h"
#include "events.h"
#include "exit.h"
#include "fork.h"
#include "reaper.h"
#include "room.h"
#include "shutdown.h"
#include "signal.h"
#include "thread.h"
#include "ids.h"

#define PATH_BYTES 4096
#define MODE_SETUID 04000u
#define MODE_SETGID 02000u
#define MODE_XGRP   00010u

struct exec {
    struct rpc_call *call;      /* parked; NULL for init */
    struct thread *thread;      /* the caller's, in the old image */
    int32_t  dirfd;
    uint32_t flags;
    uint64_t argv, envp;
    uint32_t path_bytes;
    char     path[PATH_BYTES];
};

/* ---- building the new image ---- */

/* What a new image inherits of the signal state: the mask, and what is ignored
 * by choice. The page's other fields start at zero. */
static void start_sig_page(struct image *image, uint64_t blocked, uint64_t ignored)
{
    struct sig_page *sig = (struct sig_page *)image->sig;

    memset(sig, 0, sizeof *sig);
    sig->ignored = ignored | (SIG_IGNORE_SET & ~ignored);
    sig->defaulted = ~ignored;
    sig->thread[0].blocked = blocked;
}

static error_t build(struct image *image, struct image *old, unsigned hart, struct thread **out)
{
    struct batch *b;
    struct thread *t;
    error_t error;

    error = thread_make(image, 0, image->process->pid, hart, &t);
    if (error)
        return error;
    *out = t;
    b = batch_begin();
    error = vm_add_objects(b, image->vm, hart);
    if (error)
        return error;
    if (!image->vm->built) {        /* objects first: the rest is too much for one batch */
        error = batch_run(b, NULL);
        if (error)
            return error;
        b = batch_begin();
    }
    vm_add_first(b, image, t);
    if (old)
        batch_add(b, vm_cap(image->vm, ROW_CNODE), CNODE_COPY, GUEST_CAP_EXEC_SOURCE, vm_cap(old->vm, ROW_VSPACE),
                  RIGHT_READ | RIGHT_COPY, 0, 0);
    error = batch_run(b, NULL);
    if (error)
        return error;
    b = batch_begin();
    vm_add_personality(b, image);
    vm_add_area(b, image);
    vm_add_thread_memory(b, t);
    return batch_run(b, NULL);
}

/* Take apart an image whose building or loading failed. */
static void drop_image(struct image *image)
{
    cnode_delete(vm_cap(image->vm, ROW_CNODE), GUEST_CAP_EXEC_SOURCE);
    image_teardown(image);
    image_drop(image);
}

static error_t start_loader(struct process *p, struct image *image, struct image *old, struct thread *caller_thread)
{
    uint64_t blocked = 0, ignored = 0;
    struct thread *t = NULL;
    error_t error;

    if (old) {
        blocked = old->sig->thread[caller_thread->index].blocked & ~SIG_FORCED_SET;
        ignored = old->sig->ignored & ~old->sig->defaulted & ~SIG_FORCED_SET;
    }
    error = build(image, old, hart_choose(caller_thread ? caller_thread->affinity : info->guest_hart_mask,
                                          caller_thread ? caller_thread->hart : 0), &t);
    if (error) {
        proc_say("exec: building failed: error %d", error);
        image->vm->built = false;
        drop_image(image);
        return error == ERR_NO_MEMORY ? error : ERR_AGAIN;
    }
    if (caller_thread)
        t->affinity = caller_thread->affinity;
    start_sig_page(image, blocked, ignored);
    image->state = IMAGE_LIVE;
    __atomic_store_n(&image->page->in_use, 1, __ATOMIC_RELEASE);
    rpc_session_open(&server, image->slot);
    if (old)
        fs_process_exec(&fs_client, old->slot, image->slot, 0);
    else
        fs_process_open(&fs_client, image->slot, 0);
    time_process_open(time_of(image->slot), image->slot);
    thread_fill_frame(t, NULL, (uint64_t[5]){ START_LOADER, image->slot, blocked, ignored, 0 });
    error = thread_start(t, NULL);
    if (error)
        drop_image(image);
    else if (old)
        p->loading = image;
    return error;
}

static struct image *new_image(struct process *p)
{
    struct image *image = image_alloc(p);

    if (image)
        vm_claim(image);
    return image;
}

static void copy_page(struct image *to, const struct image *from)
{
    memcpy(to->page, from->page, offsetof(struct proc_page, thread));
    to->page->vm_id = to->vm->id;
    memset(to->page->thread, 0, sizeof to->page->thread);
    to->page->nr_threads = 0;
}

/* ---- the request ---- */

static void exec_end(struct process *p, error_t error)
{
    struct exec *exec = p->exec;

    p->exec = NULL;
    if (exec->call)
        proc_exec_reply(exec->call, error, NULL);
    free(exec);
}

/* The old image's session closed (the process ends) or the caller gave up. */
static void exec_cancelled(struct rpc_call *call)
{
    struct process *p = call->context;
    struct image *image = p->loading;

    p->loading = NULL;
    if (image)
        drop_image(image);
    exec_end(p, ERR_CANCELLED);
}

/* After the point of no return: the old image's session closes with the request in it. */
static void exec_superseded(struct rpc_call *call)
{
    proc_exec_reply(call, ERR_CANCELLED, NULL);
}

void exec_abort(struct process *p)
{
    struct image *image = p->loading;

    p->loading = NULL;
    if (image)
        drop_image(image);
    exec_end(p, ERR_CANCELLED);
}

error_t proc_serve_exec(struct rpc_call *call, const struct proc_exec_in *in, struct proc_exec_out *out)
{
    struct image *old, *image;
    struct process *p;
    struct thread *t;
    struct exec *exec;
    error_t error;

    (void)out;
    error = room_for_process();
    if (error)
        return error;
    old = caller_image(call);
    t = old ? image_thread(old, in->thread_index) : NULL;
    if (!t)
        return ERR_INVALID_ARGUMENT;
    p = old->process;
    if (p->exec || old != p->image)
        return ERR_BUSY;
    if (in->path_bytes >= PATH_BYTES)
        return ERR_NAME_TOO_LONG;
    image = new_image(p);
    if (!image)
        return reaper_busy() && !coro_self() ? RPC_BLOCKS : ERR_AGAIN;
    exec = calloc(1, sizeof *exec);
    if (!exec) {
        vm_free(image->vm);     /* nothing was built */
        image_drop(image);
        return ERR_NO_MEMORY;
    }
    exec->thread = t;
    exec->dirfd = in->dirfd;
    exec->flags = in->flags;
    exec->argv = in->argv;
    exec->envp = in->envp;
    exec->path_bytes = in->path_bytes;
    memcpy(exec->path, in->path, in->path_bytes);
    copy_page(image, old);
    error = start_loader(p, image, old, t);
    if (!error) {
        p->exec = exec;
        exec->call = rpc_park(call, exec_cancelled, p);
        if (exec->call)
            return RPC_PENDING;
        p->exec = NULL;
        p->loading = NULL;
        drop_image(image);
        error = ERR_NO_BUFFERS;
    }
    free(exec);
    return error;
}

/* ---- the loader's requests ---- */

/* The process whose loader is calling. */
static struct process *loading_process(const struct rpc_call *call)
{
    struct image *image = caller_image(call);
    struct process *p = image ? image->process : NULL;

    return p && p->exec && (p->loading == image || (!p->exec->call && p->image == image)) ? p : NULL;
}

error_t proc_serve_exec_info(struct rpc_call *call, const struct proc_exec_info_in *in, struct proc_exec_info_out *out)
{
    struct process *p = loading_process(call);

    (void)in;
    if (!p)
        return ERR_INVALID_ARGUMENT;
    *out = (struct proc_exec_info_out){ .dirfd = p->exec->dirfd, .argv = p->exec->argv, .envp = p->exec->envp,
                                        .flags = p->exec->flags, .is_first = !p->exec->call };
    return 0;
}

error_t proc_serve_exec_path(struct rpc_call *call, const struct proc_exec_path_in *in, struct proc_exec_path_out *out)
{
    struct process *p = loading_process(call);
    uint64_t bytes;

    if (!p)
        return ERR_INVALID_ARGUMENT;
    bytes = (uint64_t)p->exec->path_bytes + 1;
    if (bytes > in->path.bytes)
        return ERR_RANGE_RESULT;
    out->done = bytes;
    return rpc_buf_write(call, &in->path, 0, p->exec->path, bytes);
}

static const char *const init_paths[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
static unsigned init_attempt;
static char init_path[128];

static error_t start_init(void);

error_t proc_serve_exec_fail(struct rpc_call *call, const struct proc_exec_fail_in *in, struct proc_exec_fail_out *out)
{
    struct process *p = loading_process(call);
    error_t error = in->error < 0 && in->error > -128 ? in->error : ERR_NOT_EXECUTABLE;
    struct image *image;

    (void)out;
    if (!p)
        return ERR_INVALID_ARGUMENT;
    if (!p->exec->call) {
        proc_say("%s cannot be started: error %d", p->exec->path, error);
        init_process = NULL;
        process_exit(p, STATUS_EXIT(127));
        init_attempt++;
        if (start_init()) {
            proc_say("no init could be started");
            shutdown_now(127, false);
        }
        return 0;
    }
    image = p->loading;
    p->loading = NULL;
    drop_image(image);
    exec_end(p, error);
    return 0;
}

/* Credentials of a set-user-id or set-group-id file. */
static bool apply_set_ids(struct proc_page *page, const struct proc_exec_commit_in *in)
{
    bool changed = false;

    if (!page->no_new_privs) {
        if (in->mode & MODE_SETUID) {
            changed |= page->euid != in->uid;
            page->euid = in->uid;
        }
        if ((in->mode & (MODE_SETGID | MODE_XGRP)) == (MODE_SETGID | MODE_XGRP)) {
            changed |= page->egid != in->gid;
            page->egid = in->gid;
        }
    }
    page->suid = page->fsuid = page->euid;
    page->sgid = page->fsgid = page->egid;
    ids_update_capabilities(page);
    return changed || page->euid != page->ruid || page->egid != page->rgid;
}

static void set_comm(struct proc_page *page, const uint8_t *name, uint32_t bytes)
{
    memset(page->comm, 0, sizeof page->comm);
    memcpy(page->comm, name, bytes < sizeof page->comm - 1 ? bytes : sizeof page->comm - 1);
}

/* The old image goes, the new one is the process's. */
static void switch_images(struct process *p)
{
    struct image *old = p->image, *new = p->loading;
    struct thread *t = new->threads;

    image_suspend(old);
    copy_page(new, old);
    new->page->vm_id = new->vm->id;
    new->page->nr_threads = 1;
    new->page->thread[t->index].state = 'R';
    new->page->thread[t->index].tid = t->tid;
    signal_move_thread(p->exec->thread, t);
    cnode_delete(vm_cap(new->vm, ROW_CNODE), GUEST_CAP_EXEC_SOURCE);
    fs_process_exec(&fs_client, old->slot, new->slot, 1);
    time_process_exec(time_of(new->slot), old->slot, new->slot);
    p->image = new;
    p->loading = NULL;
    p->exec->call = NULL;       /* never answered: its session closes below */
    vfork_release(p);
    image_teardown(old);
    pid_set_thread(t->tid, t);
    old->page->in_use = 0;
    image_drop(old);
}

/* For tools/atoll_build/trace.py. */
static void trace_program(const struct process *p)
{
    char text[48];
    int n = snprintf(text, sizeof text, "process %u runs %s", p->pid, p->image->page->comm);

    sys_trace(SRV_CAP_PLATFORM, text, (size_t)n);
}

error_t proc_serve_exec_commit(struct rpc_call *call, const struct proc_exec_commit_in *in, struct proc_exec_commit_out *out)
{
    struct process *p = loading_process(call);

    if (!p)
        return ERR_INVALID_ARGUMENT;
    if (p->exec->call) {
        p->exec->call->on_cancel = exec_superseded;
        switch_images(p);
    }
    out->secure = apply_set_ids(p->image->page, in);
    set_comm(p->image->page, in->comm, in->comm_bytes);
    if (info->boot_flags & BOOT_TRACE)
        trace_program(p);
    p->image->page->dumpable = !out->secure;
    p->did_exec = true;
    p->exit_signal = SIGCHLD;
    p->told_fs = 0;
    free(p->exec);
    p->exec = NULL;
    return 0;
}

/* ---- init ---- */

/* The value of `init=` on the command line, or NULL. */
static const char *init_from_command_line(void)
{
    const char *at = info->command_line;

    for (; (at = strstr(at, "init=")); at += 5) {
        size_t n = 0;

        if (at != info->command_line && at[-1] != ' ')
            continue;
        at += 5;
        while (at[n] && at[n] != ' ' && n < sizeof init_path - 1)
            n++;
        memcpy(init_path, at, n);
        init_path[n] = 0;
        return init_path;
    }
    return NULL;
}

static const char *next_init(void)
{
    if (info->boot_flags & BOOT_EXEC)
        return init_attempt == 0 ? "/bin/sh" : NULL;
    if (init_attempt == 0 && init_from_command_line())
        return init_path;
    return init_attempt < sizeof init_paths / sizeof init_paths[0] ? init_paths[init_attempt] : NULL;
}

static void first_page(struct proc_page *page)
{
    memset(page, 0, sizeof *page);
    page->pid = page->pgid = page->sid = 1;
    page->is_session_leader = 1;
    page->pgrp_orphaned = 1;
    page->state = 'R';
    page->nice = 20;
    page->dumpable = 1;
    page->start_ticks = now();
    for (unsigned i = 0; i < NR_RLIMITS; i++)
        page->rlimit[i][0] = page->rlimit[i][1] = RLIM_INFINITY;
    page->rlimit[RLIMIT_STACK][0] = 8ul << 20;
    page->rlimit[RLIMIT_CORE][0] = 0;
    page->rlimit[RLIMIT_NPROC][0] = page->rlimit[RLIMIT_NPROC][1] = NR_SLOTS - FIRST_PROCESS_SLOT - 16;
    page->rlimit[RLIMIT_NOFILE][0] = 1024;
    page->rlimit[RLIMIT_NOFILE][1] = 4096;
    page->rlimit[RLIMIT_MEMLOCK][0] = page->rlimit[RLIMIT_MEMLOCK][1] = 8ul << 20;
    page->rlimit[RLIMIT_SIGPENDING][0] = page->rlimit[RLIMIT_SIGPENDING][1] = 256;
    page->rlimit[RLIMIT_MSGQUEUE][0] = page->rlimit[RLIMIT_MSGQUEUE][1] = 819200;
    page->rlimit[RLIMIT_NICE][0] = page->rlimit[RLIMIT_NICE][1] = 0;
    page->rlimit[RLIMIT_RTPRIO][0] = page->rlimit[RLIMIT_RTPRIO][1] = 0;
    strcpy(page->comm, "init");
    ids_update_capabilities(page);
}

static error_t start_init(void)
{
    const char *path = next_init();
    struct process *p;
    struct exec *exec;
    error_t error;

    if (!path)
        return ERR_NOT_FOUND;
    p = process_alloc();
    exec = p ? calloc(1, sizeof *exec) : NULL;
    if (!exec)
        return ERR_NO_MEMORY;
    exec->dirfd = -100;
    exec->path_bytes = (uint32_t)strlen(path);
    memcpy(exec->path, path, exec->path_bytes);
    p->exec = exec;
    p->pid = 1;
    p->exit_signal = SIGCHLD;
    first_page(p->image->page);
    vm_claim(p->image);
    for (unsigned i = 0; i < 3; i++)
        pid_use(1);     /* pid, process group, session */
    p->state = PROCESS_LIVE;
    process_link(p, NULL);
    init_process = p;
    error = start_loader(p, p->image, NULL, NULL);
    return error;
}

error_t proc_serve_boot_ready(struct rpc_call *call, const struct proc_boot_ready_in *in)
{
    error_t error;

    (void)in;
    if (call->client >= FIRST_PROCESS_SLOT || init_process)
        return ERR_PERMISSION;
    error = start_init();
    if (error) {
        proc_say("init could not be started: error %d", error);
        shutdown_now(125, false);
    }
    return 0;
}
