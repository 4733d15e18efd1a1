/* SPDX-License-Identifier: MIT */
/*
 * System calls about signals that are not delivery: masks, waiting, sending.
 */
#include <string.h>
#include <proc_client.h>
#include "error.h"
#include "guest.h"
#include "kcall.h"
#include "rpc_env.h"
#include "signal.h"

long sys_rt_sigprocmask(uint64_t how, uint64_t set, uint64_t old, uint64_t bytes);
long sys_rt_sigprocmask(uint64_t how, uint64_t set, uint64_t old, uint64_t bytes)
{
    struct thread *t = this_thread();
    uint64_t mask = blocked_mask(t), in;
    if (bytes != 8)
        return -EINVAL;
    if (set) {
        if (get64(&in, set))
            return -EFAULT;
        switch ((uint32_t)how) {
        case 0: in |= mask; break;
        case 1: in = mask & ~in; break;
        case 2: break;
        default: return -EINVAL;
        }
        set_blocked(t, in);
    }
    return old ? put64(old, mask) : 0;
}

long sys_rt_sigpending(uint64_t to, uint64_t bytes);
long sys_rt_sigpending(uint64_t to, uint64_t bytes)
{
    struct thread *t = this_thread();
    uint64_t set = (t->ids->pending | t->ids->thread[t->index].pending) & blocked_mask(t);
    return bytes > 8 ? -EINVAL : copy_to_guest(to, &set, bytes);
}

long sys_rt_sigsuspend(uint64_t mask, uint64_t bytes);
long sys_rt_sigsuspend(uint64_t mask, uint64_t bytes)
{
    if (bytes != 8)
        return -EINVAL;
    if (!mask)
        return -EFAULT;
    long result = sigmask_push(mask, bytes);
    if (result)
        return result;
    struct thread *t = this_thread();
    while (!thread_signal_pending(t))
        thread_sleep(DEADLINE_NONE);
    sigmask_pop(true);
    return -ERESTARTNOHAND;
}

long sys_rt_sigtimedwait(uint64_t set, uint64_t info, uint64_t timeout, uint64_t bytes);
long sys_rt_sigtimedwait(uint64_t set, uint64_t info, uint64_t timeout, uint64_t bytes)
{
    struct thread *t = this_thread();
    uint64_t mask;
    ticks_t deadline;
    if (bytes != 8)
        return -EINVAL;
    if (get64(&mask, set))
        return -EFAULT;
    long result = deadline_from_guest(timeout, &deadline);
    if (result)
        return result;
    mask &= ~SIG_UNBLOCKABLE;
    struct proc_siginfo taken;
    t->process->sig->thread[t->index].waiting_for = mask;
    error_t e = proc_sig_wait(proc_client(), t->index, mask, deadline, &taken);
    t->process->sig->thread[t->index].waiting_for = 0;
    if (e == ERR_TIMEOUT || e == ERR_AGAIN || e == ERR_WOULD_BLOCK)
        return -EAGAIN;
    if (e)
        return no_restart(linux_error(e));
    struct sig_info si;
    siginfo_from_proc(&si, &taken);
    if (info) {
        struct linux_siginfo out;
        siginfo_to_linux(&out, &si);
        if (copy_to_guest(info, &out, sizeof(out)))
            return -EFAULT;
    }
    return si.signo;
}

long sys_kill(uint64_t pid, uint64_t signo);
long sys_kill(uint64_t pid, uint64_t signo)
{
    if ((uint32_t)signo > NSIG)
        return -EINVAL;
    /* With more threads proc chooses one. */
    struct thread *t = this_thread();
    if ((uint32_t)pid == t->ids->pid && rpc_env_is_single(t->process) &&
        signal_to_oneself(t, (uint32_t)signo, SI_USER))
        return 0;
    return linux_error(proc_kill(proc_client(), (int32_t)pid, (uint32_t)signo, SI_USER, 0));
}

long sys_tkill(uint64_t tid, uint64_t signo);
long sys_tkill(uint64_t tid, uint64_t signo)
{
    if ((int32_t)tid <= 0 || (uint32_t)signo > NSIG)
        return -EINVAL;
    if ((uint32_t)tid == this_thread()->tid && signal_to_oneself(this_thread(), (uint32_t)signo, SI_TKILL))
        return 0;
    return linux_error(proc_tgkill(proc_client(), -1, (int32_t)tid, (uint32_t)signo, SI_TKILL, 0));
}

long sys_tgkill(uint64_t tgid, uint64_t tid, uint64_t signo);
long sys_tgkill(uint64_t tgid, uint64_t tid, uint64_t signo)
{
    if ((int32_t)tgid <= 0 || (int32_t)tid <= 0 || (uint32_t)signo > NSIG)
        return -EINVAL;
    struct thread *t = this_thread();
    if ((uint32_t)tid == t->tid && (uint32_t)tgid == t->ids->pid && signal_to_oneself(t, (uint32_t)signo, SI_TKILL))
        return 0;
    return linux_error(proc_tgkill(proc_client(), (int32_t)tgid, (int32_t)tid, (uint32_t)signo, SI_TKILL, 0));
}

/* A siginfo that the sender made up: it must not look like the kernel's. */
static long read_queue_info(uaddr_t info, bool to_self, struct linux_siginfo *si)
{
    if (copy_from_guest(si, info, sizeof(*si)))
        return -EFAULT;
    return (si->code >= 0 || si->code == SI_TKILL) && !to_self ? -EPERM : 0;
}

long sys_rt_sigqueueinfo(uint64_t pid, uint64_t signo, uint64_t info);
long sys_rt_sigqueueinfo(uint64_t pid, uint64_t signo, uint64_t info)
{
    struct linux_siginfo si;
    if ((uint32_t)signo > NSIG)
        return -EINVAL;
    long result = read_queue_info(info, (uint32_t)pid == this_thread()->ids->pid, &si);
    if (result)
        return result;
    return linux_error(proc_kill(proc_client(), (int32_t)pid, (uint32_t)signo, si.code, si.queue.value));
}

long sys_rt_tgsigqueueinfo(uint64_t tgid, uint64_t tid, uint64_t signo, uint64_t info);
long sys_rt_tgsigqueueinfo(uint64_t tgid, uint64_t tid, uint64_t signo, uint64_t info)
{
    struct linux_siginfo si;
    if ((int32_t)tgid <= 0 || (int32_t)tid <= 0 || (uint32_t)signo > NSIG)
        return -EINVAL;
    long result = read_queue_info(info, (uint32_t)tgid == this_thread()->ids->pid, &si);
    if (result)
        return result;
    return linux_error(proc_tgkill(proc_client(), (int32_t)tgid, (int32_t)tid, (uint32_t)signo, si.code, si.queue.value));
}
