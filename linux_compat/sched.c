/* SPDX-License-Identifier: MIT */
/*
 * Scheduling. Every guest thread runs under SCHED_OTHER; nice values are kept by
 * proc; affinity is the kernel's.
 */
#include <proc_client.h>
#include "error.h"
#include "guest.h"
#include "kcall.h"
#include "process.h"

enum { SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5 };
#define SCHED_RESET_ON_FORK 0x40000000u

long sys_sched_yield(void);
long sys_sched_yield(void)
{
    kcall_yield();
    return 0;
}

/* 0 when such a thread or process exists. */
static long check_id(uint64_t pid)
{
    uint64_t mask;
    if ((int32_t)pid < 0)
        return -EINVAL;
    if (!pid || (uint32_t)pid == this_thread()->tid)
        return 0;
    return linux_error(proc_get_affinity(proc_client(), (int32_t)pid, &mask));
}

static long check_policy(uint32_t policy, uint32_t priority)
{
    policy &= ~SCHED_RESET_ON_FORK;
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return priority < 1 || priority > 99 ? -EINVAL : -EPERM;    /* no real-time guests */
    if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
        return -EINVAL;
    return priority ? -EINVAL : 0;
}

long sys_sched_setscheduler(uint64_t pid, uint64_t policy, uint64_t param);
long sys_sched_setscheduler(uint64_t pid, uint64_t policy, uint64_t param)
{
    uint32_t priority;
    if ((int32_t)policy < 0)
        return -EINVAL;
    if (get32(&priority, param))
        return -EFAULT;
    long result = check_id(pid);
    return result ? result : check_policy((uint32_t)policy, priority);
}

long sys_sched_setparam(uint64_t pid, uint64_t param);
long sys_sched_setparam(uint64_t pid, uint64_t param) { return sys_sched_setscheduler(pid, SCHED_OTHER, param); }

long sys_sched_getscheduler(uint64_t pid);
long sys_sched_getscheduler(uint64_t pid)
{
    return check_id(pid);       /* SCHED_OTHER */
}

long sys_sched_getparam(uint64_t pid, uint64_t param);
long sys_sched_getparam(uint64_t pid, uint64_t param)
{
    long result = param ? check_id(pid) : -EINVAL;
    return result ? result : put32(param, 0);
}

static long priority_bound(uint64_t policy, long real_time)
{
    switch ((uint32_t)policy) {
    case SCHED_FIFO: case SCHED_RR: return real_time;
    case SCHED_OTHER: case SCHED_BATCH: case SCHED_IDLE: return 0;
    default: return -EINVAL;
    }
}

long sys_sched_get_priority_max(uint64_t policy);
long sys_sched_get_priority_max(uint64_t policy) { return priority_bound(policy, 99); }
long sys_sched_get_priority_min(uint64_t policy);
long sys_sched_get_priority_min(uint64_t policy) { return priority_bound(policy, 1); }

long sys_sched_rr_get_interval(uint64_t pid, uint64_t to);
long sys_sched_rr_get_interval(uint64_t pid, uint64_t to)
{
    struct linux_timespec slice = { 0, 4000000 };
    long result = check_id(pid);
    return result ? result : copy_to_guest(to, &slice, sizeof(slice));
}

long sys_sched_setaffinity(uint64_t pid, uint64_t bytes, uint64_t from);
long sys_sched_setaffinity(uint64_t pid, uint64_t bytes, uint64_t from)
{
    uint64_t mask = 0;
    if (copy_from_guest(&mask, from, bytes < 8 ? bytes : 8))
        return -EFAULT;
    return linux_error(proc_set_affinity(proc_client(), (int32_t)pid, mask));
}

long sys_sched_getaffinity(uint64_t pid, uint64_t bytes, uint64_t to);
long sys_sched_getaffinity(uint64_t pid, uint64_t bytes, uint64_t to)
{
    uint64_t mask;
    if (bytes < 8 || (bytes & 7))
        return -EINVAL;
    error_t e = proc_get_affinity(proc_client(), (int32_t)pid, &mask);
    if (e)
        return linux_error(e);
    return put64(to, mask) ? -EFAULT : 8;
}

struct sched_attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; };

long sys_sched_getattr(uint64_t pid, uint64_t to, uint64_t bytes, uint64_t flags);
long sys_sched_getattr(uint64_t pid, uint64_t to, uint64_t bytes, uint64_t flags)
{
    struct sched_attr a = { .size = sizeof(a), .policy = SCHED_OTHER };
    int32_t nice = 0;
    if (flags || bytes < sizeof(a) || bytes > PAGE_BYTES)
        return -EINVAL;
    long result = check_id(pid);
    if (result)
        return result;
    proc_get_priority(proc_client(), 0, (int32_t)pid, &nice);
    a.nice = nice;
    return copy_to_guest(to, &a, sizeof(a));
}

long sys_sched_setattr(uint64_t pid, uint64_t from, uint64_t flags);
long sys_sched_setattr(uint64_t pid, uint64_t from, uint64_t flags)
{
    struct sched_attr a;
    if (flags)
        return -EINVAL;
    if (copy_from_guest(&a, from, sizeof(a)))
        return -EFAULT;
    long result = check_id(pid);
    if (!result)
        result = check_policy(a.policy, a.priority);
    return result ? result : linux_error(proc_set_priority(proc_client(), 0, (int32_t)pid, a.nice));
}

long sys_setpriority(uint64_t which, uint64_t who, uint64_t nice);
long sys_setpriority(uint64_t which, uint64_t who, uint64_t nice)
{
    int32_t n = (int32_t)nice;
    if ((uint32_t)which > 2)
        return -EINVAL;
    n = n < -20 ? -20 : n > 19 ? 19 : n;
    return linux_error(proc_set_priority(proc_client(), (uint32_t)which, (int32_t)who, n));
}

/* The system call's result is 20 - nice, so that it is never negative. */
long sys_getpriority(uint64_t which, uint64_t who);
long sys_getpriority(uint64_t which, uint64_t who)
{
    int32_t nice;
    if ((uint32_t)which > 2)
        return -EINVAL;
    error_t e = proc_get_priority(proc_client(), (uint32_t)which, (int32_t)who, &nice);
    return e ? linux_error(e) : 20 - nice;
}

long sys_getcpu(uint64_t cpu, uint64_t node);
long sys_getcpu(uint64_t cpu, uint64_t node)
{
    if (cpu && put32(cpu, (uint32_t)this_thread()->frame.hart))
        return -EFAULT;
    return node ? put32(node, 0) : 0;
}
