/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork, clone, clone3, and the end of threads and processes.
 *
 * fork (docs/architecture.md 3): proc and fs prepare while we take every lock of
 * the address space, so that the copy is consistent; VSPACE_CLONE on our own
 * time; commit. What the child needs of our thread block is in vm.fork_save,
 * which the copy contains. vfork and CLONE_VM share the memory: the child reads
 * our record in vm.inherit, whose address goes through proc as child_tid.
 */
#include <fs_client.h>
#include <proc_client.h>
#include <string.h>
#include "error.h"
#include "files/lease.h"
#include "futex.h"
#include "guest.h"
#include "kcall.h"
#include "mm.h"
#include "rpc_env.h"
#include "signal.h"
#include "start.h"

#define AT_SYMLINK_NOFOLLOW_ 0x100u
#define AT_EMPTY_PATH_       0x1000u
#define CSIGNAL              0xfful
#define CLONE_VM             0x100ul
#define CLONE_FS             0x200ul
#define CLONE_FILES          0x400ul
#define CLONE_SIGHAND        0x800ul
#define CLONE_PIDFD          0x1000ul
#define CLONE_VFORK          0x4000ul
#define CLONE_PARENT         0x8000ul
#define CLONE_THREAD         0x10000ul
#define CLONE_NEWNS          0x20000ul
#define CLONE_SETTLS         0x80000ul
#define CLONE_PARENT_SETTID  0x100000ul
#define CLONE_DETACHED       0x400000ul
#define CLONE_CLEAR_SIGHAND  0x100000000ul
#define CLONE_INTO_CGROUP    0x200000000ul
/* NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME */
#define CLONE_NAMESPACES     (CLONE_NEWNS | 0x7e000000ul)

struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* tls: proc replaces tp only for a value that is not 0. */
static uint64_t tls_of(const struct clone_args *a) { return a->flags & CLONE_SETTLS ? a->tls : 0; }

/* No process of this address space has such a thread (any more). */
static bool is_gone(uint32_t tid)
{
    for (unsigned area = 0; area < VM_MAX_AREAS; area++) {
        const struct proc_page *page = (const void *)(PERS_AREA(area) + AREA_PROC_PAGE);
        uint32_t in_use, found;
        if (guest_load32_raw(&in_use, &page->in_use) || in_use != 1)
            continue;
        for (unsigned i = 0; i < VM_MAX_THREADS; i++)
            if (!guest_load32_raw(&found, &page->thread[i].tid) && found == tid)
                return false;
    }
    return true;
}

/* The last child may not have read it yet: it is about to, unless it was killed
 * before its first instruction, which is looked up now and then. */
static struct inherit *own_record(struct thread *t)
{
    struct inherit *in = &vm.inherit[t->index];
    ticks_t hz = time_page()->hz, look = now_ticks() + hz / 10;
    while (__atomic_load_n(&in->busy, __ATOMIC_ACQUIRE)) {
        if (now_ticks() >= look) {
            if (is_gone(in->child))
                break;
            look = now_ticks() + hz / 10;
        }
        if (kcall_wait(thread_notification(t->index), now_ticks() + hz / 20000) == ERR_INTERRUPTED)
            t->work |= WORK_SIGNAL;
    }
    return in;
}

/* The id must be in memory before the child runs and must not be written later:
 * a child that has ended already cleared it. So proc writes it between making
 * and starting the thread. A bad address is no error, so it is tried first. */
static uint64_t thread_flags(const struct clone_args *a)
{
    uint32_t old, seen;
    if ((a->flags & CLONE_PARENT_SETTID) && !(a->parent_tid & 3) && !get32(&old, a->parent_tid) &&
        !guest_cmpxchg32((void *)a->parent_tid, old, old, &seen))
        return a->flags;
    return a->flags & ~CLONE_PARENT_SETTID;
}

static long new_thread(struct thread *t, const struct clone_args *a)
{
    uint32_t tid, index;
    struct inherit *in = own_record(t);
    inherit_fill(in, t, a->flags & ~CLONE_PARENT_SETTID, a->parent_tid, a->child_tid);
    owned_return(t->process);
    rpc_env_share(t->process);
    error_t e = proc_thread_create(proc_client(), thread_flags(a), t->index, a->stack, tls_of(a), a->parent_tid,
                                   (uint64_t)in, &tid, &index);
    if (e) {
        in->busy = 0;
        return e == ERR_NO_MEMORY ? -EAGAIN : linux_error(e);
    }
    in->child = tid;
    return tid;
}

static long new_process_shared(struct thread *t, const struct clone_args *a)
{
    uint64_t ticket;
    uint32_t pid;
    error_t e = fs_fork_ticket(fs_client(), (a->flags & CLONE_FILES) != 0, (a->flags & CLONE_FS) != 0, &ticket);
    if (e)
        return linux_error(e);
    if (a->flags & CLONE_FILES)
        windows_drop(0, ~0u);       /* from the ticket on fs makes none */
    struct inherit *in = own_record(t);
    inherit_fill(in, t, a->flags, a->parent_tid, a->child_tid);
    e = proc_vfork(proc_client(), a->flags | a->exit_signal, ticket, t->index, a->stack, tls_of(a), (uint64_t)in, &pid);
    if (e) {
        in->busy = 0;
        return e == ERR_NO_MEMORY ? -EAGAIN : linux_error(e);
    }
    in->child = pid;
    if ((a->flags & CLONE_VFORK) && __atomic_exchange_n(&in->busy, 0, __ATOMIC_ACQUIRE) == 0) {
        /* The child ran, and left the address space: its thread and area are free. */
        __atomic_fetch_and(&vm.thread_live[in->child_index / 64], ~(1ul << (in->child_index % 64)), __ATOMIC_SEQ_CST);
        __atomic_fetch_and(&vm.area_live, ~(1u << in->child_area), __ATOMIC_SEQ_CST);
    }
    if (a->flags & CLONE_PARENT_SETTID)
        own_record(t);          /* the child wrote it when it took the record */
    return pid;
}

/* All that a child must not find locked by a thread that it does not have. */
static void lock_all(struct sig_hand *hand)
{
    lock_take(&vm.mm_lock);
    lock_take(&hand->lock);
    lock_take(&vm.random_lock);
}

static void unlock_all(struct sig_hand *hand)
{
    lock_give(&vm.random_lock);
    lock_give(&hand->lock);
    lock_give(&vm.mm_lock);
}

static long copy_process(struct thread *t, const struct clone_args *a)
{
    struct rpc_client *proc = proc_client(), *fs = fs_client();
    struct rpc_request *ticket_request;
    uint64_t token, ticket = 0;
    uint32_t pid;

    lock_take(&vm.fork_lock);
    error_t fs_error = fs_fork_ticket_submit(fs, (a->flags & CLONE_FILES) != 0, (a->flags & CLONE_FS) != 0, &ticket_request);
    error_t e = proc_fork_begin(proc, a->flags | a->exit_signal, &pid, &token);
    if (!fs_error)
        fs_error = fs_fork_ticket_finish(fs, ticket_request, &ticket);
    if (a->flags & CLONE_FILES)
        windows_drop(0, ~0u);       /* from the ticket on fs makes none */
    if (!e && fs_error) {
        proc_fork_abort(proc, token);
        e = fs_error;
    }
    if (!e) {
        struct sig_hand *hand = t->process->hand;
        inherit_fill(&vm.fork_save, t, a->flags, a->parent_tid, a->child_tid);
        lock_all(hand);
        e = kcall_invoke(GUEST_CAP_CHILD, VSPACE_CLONE, GUEST_CAP_VSPACE, 0, 0);
        unlock_all(hand);
        if (e)
            proc_fork_abort(proc, token);
        else
            e = proc_fork_commit(proc, token, ticket, t->index, a->stack, tls_of(a), &pid);
    }
    lock_give(&vm.fork_lock);
    if (e)
        return e == ERR_AGAIN ? -EAGAIN : linux_error(e);
    if (a->flags & CLONE_PARENT_SETTID)
        put32(a->parent_tid, pid);
    return pid;
}

static long do_clone(const struct clone_args *a)
{
    uint64_t f = a->flags;
    if ((f & CLONE_NAMESPACES) == CLONE_NEWNS && (f & CLONE_FS))
        return -EINVAL;
    if (f & (CLONE_NAMESPACES | CLONE_INTO_CGROUP))
        return this_thread()->ids->euid ? -EPERM : -EINVAL;     /* no namespaces here */
    if ((f & CLONE_PIDFD) || ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND)) ||
        ((f & CLONE_SIGHAND) && (!(f & CLONE_VM) || (f & CLONE_CLEAR_SIGHAND))) || a->exit_signal > NSIG)
        return -EINVAL;
    struct thread *t = this_thread();
    if (f & CLONE_THREAD)
        return new_thread(t, a);
    return f & CLONE_VM ? new_process_shared(t, a) : copy_process(t, a);
}

/* riscv64's order of arguments (CLONE_BACKWARDS). */
long sys_clone(uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t tls, uint64_t child_tid);
long sys_clone(uint64_t flags, uint64_t stack, uint64_t parent_tid, uint64_t tls, uint64_t child_tid)
{
    flags = (uint32_t)flags;
    struct clone_args a = { .flags = flags & ~CSIGNAL & ~CLONE_DETACHED, .exit_signal = flags & CSIGNAL, .stack = stack,
                            .parent_tid = parent_tid, .tls = tls, .child_tid = child_tid };
    return do_clone(&a);
}

long sys_clone3(uint64_t from, uint64_t bytes);
long sys_clone3(uint64_t from, uint64_t bytes)
{
    struct clone_args a;
    memset(&a, 0, sizeof(a));
    if (bytes < 64)
        return -EINVAL;
    if (bytes > PAGE_BYTES)
        return -E2BIG;
    for (uint64_t i = sizeof(a); i < bytes; i += 8) {
        uint64_t word = 0;
        if (copy_from_guest(&word, from + i, bytes - i < 8 ? bytes - i : 8))
            return -EFAULT;
        if (word)
            return -E2BIG;
    }
    if (copy_from_guest(&a, from, bytes < sizeof(a) ? bytes : sizeof(a)))
        return -EFAULT;
    if ((a.flags & (CSIGNAL | CLONE_DETACHED)) || a.flags >> 34 || !a.stack != !a.stack_size || a.set_tid_size ||
        a.exit_signal > NSIG || ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal) ||
        (a.stack && !guest_range_ok(a.stack, a.stack_size)))
        return -EINVAL;
    a.stack += a.stack_size;
    return do_clone(&a);
}

/* ---- exec: the first half ---- */

static long do_exec(int32_t dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, uint32_t flags)
{
    struct thread *t = this_thread();
    long length = guest_strlen(path, 4096);
    if (length < 0)
        return length;
    if (!length && !(flags & AT_EMPTY_PATH_))
        return -ENOENT;
    owned_return(t->process);
    error_t e = proc_exec(proc_client(), dirfd, (struct rpc_in){ guest_pointer(path), (uint64_t)length }, argv, envp,
                          flags, t->index);
    /* Only a failure is ever answered. */
    return linux_error(e);
}

long sys_execve(uint64_t path, uint64_t argv, uint64_t envp);
long sys_execve(uint64_t path, uint64_t argv, uint64_t envp)
{
    return do_exec(-100, path, argv, envp, 0);
}

long sys_execveat(uint64_t dirfd, uint64_t path, uint64_t argv, uint64_t envp, uint64_t flags);
long sys_execveat(uint64_t dirfd, uint64_t path, uint64_t argv, uint64_t envp, uint64_t flags)
{
    if (flags & ~(uint64_t)(AT_SYMLINK_NOFOLLOW_ | AT_EMPTY_PATH_))
        return -EINVAL;
    return do_exec((int32_t)dirfd, path, argv, envp, (uint32_t)flags);
}

/* ---- the end ---- */

static void leave_thread(struct thread *t)
{
    futex_bury_robust(t);
    if (t->clear_child_tid && !put32(t->clear_child_tid, 0))
        futex_wake_address(t->clear_child_tid, 1);
    t->clear_child_tid = 0;
}

static bool vm_is_alone(void)
{
    return __builtin_popcount(vm.area_live) == 1 &&
           __builtin_popcountl(vm.thread_live[0]) + __builtin_popcountl(vm.thread_live[1]) == 1;
}

static void end_process(struct thread *t, int32_t status)
{
    struct process *p = t->process;
    if (vm_is_alone())
        mm_drop_all();
    else
        __atomic_fetch_and(&vm.thread_live[t->index / 64], ~(1ul << (t->index % 64)), __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&vm.area_live, ~(1u << p->area), __ATOMIC_SEQ_CST);
    proc_exit_group(&p->client[CLIENT_PROC], status);
    for (;;)
        thread_sleep(DEADLINE_NONE);
}

long sys_exit_group(uint64_t status);
long sys_exit_group(uint64_t status)
{
    struct thread *t = this_thread();
    /* A joiner that woke now could still call exit itself, with another status:
     * proc stops all threads, nobody of this process will look at the word. */
    if (t->ids->nr_threads > 1)
        t->clear_child_tid = 0;
    leave_thread(t);
    end_process(t, (int32_t)(status & 0xff));
    return 0;
}

long sys_exit(uint64_t status);
long sys_exit(uint64_t status)
{
    struct thread *t = this_thread();
    struct process *p = t->process;
    leave_thread(t);
    if (t->ids->nr_threads <= 1)
        end_process(t, (int32_t)(status & 0xff));
    __atomic_fetch_and(&vm.thread_live[t->index / 64], ~(1ul << (t->index % 64)), __ATOMIC_SEQ_CST);
    /* Nobody will be here to take the answer: whoever drains it gives the token
     * back. The layout is that of proc.thread_exit: two 32-bit arguments. */
    struct rpc_client *c = &p->client[CLIENT_PROC];
    struct rpc_request *req = rpc_begin_with(c, PROC_METHOD_THREAD_EXIT, 0);
    if (req) {
        memset(req->word, 0, sizeof(req->word));
        req->word[0] = t->index | (status & 0xff) << 32;
        req->owner = NULL;
        req->user = RPC_DETACHED;
        rpc_submit(c, req);
    }
    for (;;)
        kcall_wait(thread_notification(t->index), DEADLINE_NONE);
}

long sys_set_tid_address(uint64_t at);
long sys_set_tid_address(uint64_t at)
{
    struct thread *t = this_thread();
    t->clear_child_tid = at;
    return t->tid;
}

/* ---- waiting for children ---- */

struct linux_rusage {
    struct linux_timeval utime, stime;
    int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct linux_rusage) == 144, "struct rusage");

static void fill_rusage(struct linux_rusage *to, const struct proc_usage *from)
{
    memset(to, 0, sizeof(*to));
    to->utime = (struct linux_timeval){ from->utime_us / 1000000, from->utime_us % 1000000 };
    to->stime = (struct linux_timeval){ from->stime_us / 1000000, from->stime_us % 1000000 };
    to->maxrss = (int64_t)from->maxrss_kb;
    to->minflt = (int64_t)from->minflt;
    to->majflt = (int64_t)from->majflt;
    to->nvcsw = (int64_t)from->nvcsw;
    to->nivcsw = (int64_t)from->nivcsw;
    to->inblock = (int64_t)from->inblock;
    to->oublock = (int64_t)from->oublock;
}

enum { WNOHANG = 1, WUNTRACED = 2, WEXITED = 4, WCONTINUED = 8 };
#define WNOWAIT_     0x01000000u
#define WAIT_FLAGS   0xe0000000u    /* __WNOTHREAD, __WALL, __WCLONE            */
enum { P_ALL, P_PID, P_PGID };

static uint32_t wait_status(const struct proc_wait_result *r)
{
    switch (r->code) {
    case 1: return ((uint32_t)r->status & 0xff) << 8;
    case 2: return (uint32_t)r->status & 0x7f;
    case 3: return ((uint32_t)r->status & 0x7f) | 0x80;
    case 6: return 0xffff;
    default: return ((uint32_t)r->status & 0xff) << 8 | 0x7f;   /* stopped, trapped */
    }
}

long sys_wait4(uint64_t pid, uint64_t status, uint64_t options, uint64_t usage);
long sys_wait4(uint64_t pid, uint64_t status, uint64_t options, uint64_t usage)
{
    struct proc_wait_result r;
    int32_t id = (int32_t)pid;
    if ((uint32_t)options & ~(WNOHANG | WUNTRACED | WCONTINUED | WAIT_FLAGS))
        return -EINVAL;
    if (id == INT32_MIN)
        return -ESRCH;
    uint32_t type = id == -1 ? P_ALL : id > 0 ? P_PID : P_PGID;
    error_t e = proc_wait(proc_client(), type, id < -1 ? -id : id == -1 ? 0 : id, (uint32_t)options | WEXITED, &r);
    if (e)
        return linux_error(e);
    if (!r.pid)
        return 0;
    if (status && put32(status, wait_status(&r)))
        return -EFAULT;
    if (usage) {
        struct linux_rusage ru;
        fill_rusage(&ru, &r.ru);
        if (copy_to_guest(usage, &ru, sizeof(ru)))
            return -EFAULT;
    }
    return r.pid;
}

long sys_waitid(uint64_t type, uint64_t id, uint64_t info, uint64_t options, uint64_t usage);
long sys_waitid(uint64_t type, uint64_t id, uint64_t info, uint64_t options, uint64_t usage)
{
    struct proc_wait_result r;
    uint32_t o = (uint32_t)options;
    if ((o & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT_ | WAIT_FLAGS)) ||
        !(o & (WUNTRACED | WEXITED | WCONTINUED)) || (uint32_t)type > P_PGID)
        return -EINVAL;
    if ((type == P_PID && (int32_t)id <= 0) || (type == P_PGID && (int32_t)id < 0))
        return -EINVAL;
    error_t e = proc_wait(proc_client(), (uint32_t)type, type == P_ALL ? 0 : (int32_t)id, o, &r);
    if (e)
        return linux_error(e);
    struct linux_siginfo si;
    memset(&si, 0, sizeof(si));
    if (r.pid) {
        si.signo = SIGCHLD;
        si.code = r.code;
        si.child.pid = r.pid;
        si.child.uid = r.uid;
        si.child.status = r.status;
    }
    if (info && copy_to_guest(info, &si, sizeof(si)))
        return -EFAULT;
    if (usage && r.pid) {
        struct linux_rusage ru;
        fill_rusage(&ru, &r.ru);
        return copy_to_guest(usage, &ru, sizeof(ru));
    }
    return 0;
}

long sys_getrusage(uint64_t who, uint64_t to);
long sys_getrusage(uint64_t who, uint64_t to)
{
    struct proc_usage usage;
    struct linux_rusage ru;
    int32_t w = (int32_t)who;
    if (w < -1 || w > 1)
        return -EINVAL;
    error_t e = proc_usage(proc_client(), w, this_thread()->index, &usage);
    if (e)
        return linux_error(e);
    fill_rusage(&ru, &usage);
    return copy_to_guest(to, &ru, sizeof(ru));
}

long sys_times(uint64_t to);
long sys_times(uint64_t to)
{
    if (to) {
        struct proc_usage self, children;
        error_t e = proc_usage(proc_client(), 0, 0, &self);
        if (!e)
            e = proc_usage(proc_client(), -1, 0, &children);
        if (e)
            return linux_error(e);
        int64_t t[4] = { self.utime_us / 10000, self.stime_us / 10000, children.utime_us / 10000,
                         children.stime_us / 10000 };
        if (copy_to_guest(to, t, sizeof(t)))
            return -EFAULT;
    }
    return monotonic_ns() / 10000000;
}
