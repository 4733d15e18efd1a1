/* SPDX-License-Identifier: MIT */
/*
 * The system, prctl, and calls that have hardly anything to do.
 */
#include <fs_client.h>
#include <proc_client.h>
#include <string.h>
#include "error.h"
#include "guest.h"
#include "kcall.h"
#include "process.h"
#include "vm.h"

static const struct proc_page *ids(void) { return this_thread()->ids; }

struct linux_utsname { char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65]; };

long sys_uname(uint64_t to);
long sys_uname(uint64_t to)
{
    struct linux_utsname u;
    uint64_t done = 0;
    memset(&u, 0, sizeof(u));
    strcpy(u.sysname, "Linux");
    strcpy(u.release, "6.1.0-atoll");
    strcpy(u.version, "#1 SMP Atoll");
    strcpy(u.machine, "riscv64");
    strcpy(u.domainname, "(none)");
    error_t e = proc_get_hostname(proc_client(), (struct rpc_out){ u.nodename, 64 }, &done);
    if (e)
        return linux_error(e);
    u.nodename[done < 64 ? done : 64] = 0;
    return copy_to_guest(to, &u, sizeof(u));
}

long sys_sethostname(uint64_t from, uint64_t bytes);
long sys_sethostname(uint64_t from, uint64_t bytes)
{
    char name[65];
    if (ids()->euid)
        return -EPERM;
    if ((int32_t)bytes < 0 || bytes > 64)
        return -EINVAL;
    if (copy_from_guest(name, from, bytes))
        return -EFAULT;
    return linux_error(proc_set_hostname(proc_client(), (struct rpc_in){ name, bytes }));
}

struct linux_sysinfo {
    int64_t uptime;
    uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t pad2;
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit, pad3;
};
_Static_assert(sizeof(struct linux_sysinfo) == 112, "struct sysinfo");

long sys_sysinfo(uint64_t to);
long sys_sysinfo(uint64_t to)
{
    struct linux_sysinfo s;
    uint64_t total, free, cached;
    uint32_t nr, load[3];
    error_t e = proc_memory(proc_client(), &total, &free, &cached, &nr, &load[0], &load[1], &load[2]);
    if (e)
        return linux_error(e);
    memset(&s, 0, sizeof(s));
    s.uptime = monotonic_ns() / 1000000000;
    for (unsigned i = 0; i < 3; i++)
        s.loads[i] = load[i];
    s.totalram = total * PAGE_BYTES;
    s.freeram = free * PAGE_BYTES;
    s.bufferram = cached * PAGE_BYTES;
    s.procs = nr > 0xffff ? 0xffff : (uint16_t)nr;
    s.mem_unit = 1;
    return copy_to_guest(to, &s, sizeof(s));
}

enum {
    PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_GET_KEEPCAPS = 7,
    PR_SET_KEEPCAPS = 8, PR_SET_NAME = 15, PR_GET_NAME = 16, PR_GET_SECCOMP = 21, PR_CAPBSET_READ = 23,
    PR_GET_SECUREBITS = 27, PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK = 30, PR_SET_CHILD_SUBREAPER = 36,
    PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40,
};

static long ask_prctl(uint32_t option, uint64_t a, uint64_t *result)
{
    return linux_error(proc_prctl(proc_client(), option, a, 0, 0, result));
}

static long set_name(uaddr_t from)
{
    char name[16] = { 0 };
    int64_t n = from < GUEST_LIMIT ? guest_strnlen_raw((const void *)from, 15) : -1;
    if (n < 0 || copy_from_guest(name, from, (uint64_t)n))
        return -EFAULT;
    return linux_error(proc_set_name(proc_client(), (int32_t)this_thread()->tid, (struct rpc_in){ name, sizeof(name) }));
}

/* The first thread's name is in the process's page, others' live only in proc. */
static long get_name(uaddr_t to)
{
    char name[16];
    if (this_thread()->tid == ids()->pid) {
        memcpy(name, ids()->comm, sizeof(name));
    } else {
        uint64_t word[2];
        error_t e = proc_thread_name(proc_client(), (uint32_t)this_thread()->tid, &word[0], &word[1]);
        if (e)
            return linux_error(e);
        memcpy(name, word, sizeof(name));
    }
    name[15] = 0;
    return copy_to_guest(to, name, sizeof(name));
}

long sys_prctl(uint64_t option, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
long sys_prctl(uint64_t option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct thread *t = this_thread();
    uint64_t value;
    long result;
    switch ((uint32_t)option) {
    case PR_SET_NAME: return set_name(a);
    case PR_GET_NAME: return get_name(a);
    case PR_GET_DUMPABLE: return ids()->dumpable;
    case PR_GET_NO_NEW_PRIVS: return a || b || c || d ? -EINVAL : (long)ids()->no_new_privs;
    case PR_SET_NO_NEW_PRIVS:
        if (a != 1 || b || c || d)
            return -EINVAL;
        return ask_prctl(PR_SET_NO_NEW_PRIVS, 1, &value);
    case PR_SET_PDEATHSIG:
        return a > NSIG ? -EINVAL : ask_prctl(PR_SET_PDEATHSIG, a, &value);
    case PR_SET_DUMPABLE:
        return a > 1 ? -EINVAL : ask_prctl(PR_SET_DUMPABLE, a, &value);
    case PR_SET_KEEPCAPS:
        return a > 1 ? -EINVAL : ask_prctl(PR_SET_KEEPCAPS, a, &value);
    case PR_SET_CHILD_SUBREAPER:
        return ask_prctl(PR_SET_CHILD_SUBREAPER, a != 0, &value);
    case PR_GET_PDEATHSIG: case PR_GET_CHILD_SUBREAPER:
        result = ask_prctl((uint32_t)option, 0, &value);
        return result ? result : put32(a, (uint32_t)value);
    case PR_GET_KEEPCAPS:
        result = ask_prctl(PR_GET_KEEPCAPS, 0, &value);
        return result ? result : (long)value;
    case PR_GET_SECCOMP: case PR_GET_SECUREBITS:
        return 0;
    case PR_CAPBSET_READ:
        return a > 40 ? -EINVAL : 1;
    case PR_SET_TIMERSLACK:
        t->timer_slack_ns = a ? (uint32_t)a : 50000;
        return 0;
    case PR_GET_TIMERSLACK: return t->timer_slack_ns;
    case PR_GET_TID_ADDRESS: return put64(a, t->clear_child_tid);
    default: return -EINVAL;
    }
}

long sys_personality(uint64_t persona);
long sys_personality(uint64_t persona)
{
    uint32_t old = vm.persona;
    if ((uint32_t)persona != 0xffffffffu) {
        if (persona & 0xff)
            return -EINVAL;     /* other execution domains do not exist */
        vm.persona = (uint32_t)persona;
    }
    return old;
}

long sys_unshare(uint64_t flags);
long sys_unshare(uint64_t flags)
{
    const uint64_t files = 0x400, fs = 0x200, sysvsem = 0x40000, alone = 0x100 | 0x800 | 0x10000;
    if (flags & ~(files | fs | sysvsem | alone))
        return ids()->euid ? -EPERM : -EINVAL;      /* no namespaces */
    if ((flags & alone) && ids()->nr_threads > 1)
        return -EINVAL;
    return (flags & (files | fs)) ? linux_error(fs_unshare(fs_client(), (flags & files) != 0, (flags & fs) != 0)) : 0;
}

long sys_reboot(uint64_t magic, uint64_t magic2, uint64_t command);
long sys_reboot(uint64_t magic, uint64_t magic2, uint64_t command)
{
    uint32_t m = (uint32_t)magic2;
    if (ids()->euid)
        return -EPERM;
    if ((uint32_t)magic != 0xfee1deadu || (m != 672274793u && m != 85072278u && m != 369367448u && m != 537993216u))
        return -EINVAL;
    return linux_error(proc_reboot(proc_client(), (uint32_t)command));
}

/* The kernel keeps no log that guests may read: an empty one. */
long sys_syslog(uint64_t type, uint64_t to, uint64_t bytes);
long sys_syslog(uint64_t type, uint64_t to, uint64_t bytes)
{
    switch ((uint32_t)type) {
    case 2: case 3: case 4:
        return !to || (int32_t)bytes < 0 ? -EINVAL : 0;
    case 5: case 6: case 7: case 8:
        return ids()->euid ? -EPERM : 0;
    case 0: case 1: case 9: case 10:
        return 0;
    default:
        return -EINVAL;
    }
}

/* Nothing supported: a program then does without. */
long sys_membarrier(uint64_t command, uint64_t flags);
long sys_membarrier(uint64_t command, uint64_t flags)
{
    return command || flags ? -EINVAL : 0;
}

/* This hart now; other threads' harts do fence.i when they enter the kernel's
 * switch path. */
long sys_riscv_flush_icache(uint64_t start, uint64_t end, uint64_t flags);
long sys_riscv_flush_icache(uint64_t start, uint64_t end, uint64_t flags)
{
    (void)start;
    (void)end;
    if (flags & ~1ul)
        return -EINVAL;
    __asm__ volatile(".option push\n.option arch, +zifencei\nfence.i\n.option pop" ::: "memory");
    return 0;
}

/* Refused as by a kernel without them: not counted as missing. */
long sys_refuse(void);
long sys_refuse(void) { return -ENOSYS; }

long sys_seccomp(void);
long sys_seccomp(void) { return -EINVAL; }
