/* SPDX-License-Identifier: MIT */
/*
 * Identity: getters answer from the proc page, setters ask proc.
 */
#include <proc_client.h>
#include "error.h"
#include "guest.h"
#include "process.h"

static const struct proc_page *ids(void) { return this_thread()->ids; }

#define GETTER(name, expression) \
    long sys_##name(void);       \
    long sys_##name(void) { return (long)(expression); }

GETTER(getpid, ids()->pid)
GETTER(gettid, this_thread()->tid)
GETTER(getppid, ids()->ppid)
GETTER(getuid, ids()->ruid)
GETTER(geteuid, ids()->euid)
GETTER(getgid, ids()->rgid)
GETTER(getegid, ids()->egid)

static long put_three(uint64_t a, uint64_t b, uint64_t c, uint32_t x, uint32_t y, uint32_t z)
{
    return put32(a, x) || put32(b, y) || put32(c, z) ? -EFAULT : 0;
}

long sys_getresuid(uint64_t r, uint64_t e, uint64_t s);
long sys_getresuid(uint64_t r, uint64_t e, uint64_t s)
{
    return put_three(r, e, s, ids()->ruid, ids()->euid, ids()->suid);
}

long sys_getresgid(uint64_t r, uint64_t e, uint64_t s);
long sys_getresgid(uint64_t r, uint64_t e, uint64_t s)
{
    return put_three(r, e, s, ids()->rgid, ids()->egid, ids()->sgid);
}

/* proc.set_uids, set_gids: what `op` says (idl/interfaces/proc.idl). */
enum { SET_ID, SET_RE, SET_RES, SET_FS };

static long set_ids(bool group, uint32_t op, uint64_t a, uint64_t b, uint64_t c)
{
    uint32_t old;
    error_t e = group ? proc_set_gids(proc_client(), op, (uint32_t)a, (uint32_t)b, (uint32_t)c, &old)
                      : proc_set_uids(proc_client(), op, (uint32_t)a, (uint32_t)b, (uint32_t)c, &old);
    if (op == SET_FS)
        return e ? (group ? ids()->fsgid : ids()->fsuid) : old;
    return linux_error(e);
}

#define SETTER(name, group, op, ...)                     \
    long sys_##name(uint64_t a, uint64_t b, uint64_t c);  \
    long sys_##name(uint64_t a, uint64_t b, uint64_t c)   \
    {                                                    \
        (void)b;                                         \
        (void)c;                                         \
        return set_ids(group, op, __VA_ARGS__);          \
    }

SETTER(setuid, false, SET_ID, a, 0, 0)
SETTER(setreuid, false, SET_RE, a, b, 0)
SETTER(setresuid, false, SET_RES, a, b, c)
SETTER(setfsuid, false, SET_FS, a, 0, 0)
SETTER(setgid, true, SET_ID, a, 0, 0)
SETTER(setregid, true, SET_RE, a, b, 0)
SETTER(setresgid, true, SET_RES, a, b, c)
SETTER(setfsgid, true, SET_FS, a, 0, 0)

long sys_getgroups(uint64_t count, uint64_t to);
long sys_getgroups(uint64_t count, uint64_t to)
{
    uint32_t n = ids()->nr_groups;
    if ((int32_t)count < 0 || n > 64)
        return -EINVAL;
    if (!count)
        return n;
    if ((uint32_t)count < n)
        return -EINVAL;
    return copy_to_guest(to, ids()->groups, n * sizeof(uint32_t)) ? -EFAULT : (long)n;
}

long sys_setgroups(uint64_t count, uint64_t from);
long sys_setgroups(uint64_t count, uint64_t from)
{
    uint32_t groups[64];
    if (ids()->euid)
        return -EPERM;
    if ((uint32_t)count > 64)
        return -EINVAL;
    if (copy_from_guest(groups, from, (uint32_t)count * sizeof(uint32_t)))
        return -EFAULT;
    return linux_error(proc_set_groups(proc_client(), groups, (uint32_t)count));
}

long sys_setpgid(uint64_t pid, uint64_t pgid);
long sys_setpgid(uint64_t pid, uint64_t pgid)
{
    if ((int32_t)pgid < 0)
        return -EINVAL;
    return linux_error(proc_setpgid(proc_client(), (int32_t)pid, (int32_t)pgid));
}

static long get_ids(uint64_t pid, bool session)
{
    uint32_t pgid, sid;
    if (!pid || (uint32_t)pid == ids()->pid)
        return session ? ids()->sid : ids()->pgid;
    error_t e = proc_get_ids(proc_client(), (int32_t)pid, &pgid, &sid);
    return e ? linux_error(e) : session ? sid : pgid;
}

long sys_getpgid(uint64_t pid);
long sys_getpgid(uint64_t pid) { return get_ids(pid, false); }
long sys_getsid(uint64_t pid);
long sys_getsid(uint64_t pid) { return get_ids(pid, true); }

long sys_setsid(void);
long sys_setsid(void)
{
    uint32_t sid;
    error_t e = proc_setsid(proc_client(), &sid);
    return e ? linux_error(e) : sid;
}

/* ---- capabilities of Linux ---- */

struct cap_header { uint32_t version; int32_t pid; };
struct cap_data { uint32_t effective, permitted, inheritable; };
#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

static long cap_words(uaddr_t header, struct cap_header *h)
{
    if (copy_from_guest(h, header, sizeof(*h)))
        return -EFAULT;
    if (h->version == CAP_VERSION_1)
        return 1;
    if (h->version == CAP_VERSION_2 || h->version == CAP_VERSION_3)
        return 2;
    return put32(header, CAP_VERSION_3) ? -EFAULT : -EINVAL;
}

long sys_capget(uint64_t header, uint64_t to);
long sys_capget(uint64_t header, uint64_t to)
{
    struct cap_header h;
    struct cap_data d[2];
    long words = cap_words(header, &h);
    if (words < 0)
        return words == -EINVAL && !to ? 0 : words;
    if (h.pid < 0)
        return -EINVAL;
    if (h.pid && (uint32_t)h.pid != ids()->pid && (uint32_t)h.pid != this_thread()->tid)
        return -ESRCH;      /* other processes' are not published */
    for (unsigned i = 0; i < 2; i++)
        d[i] = (struct cap_data){ (uint32_t)(ids()->cap_effective >> 32 * i), (uint32_t)(ids()->cap_permitted >> 32 * i),
                                  (uint32_t)(ids()->cap_inheritable >> 32 * i) };
    return to ? copy_to_guest(to, d, (uint64_t)words * sizeof(d[0])) : 0;
}

long sys_capset(uint64_t header, uint64_t from);
long sys_capset(uint64_t header, uint64_t from)
{
    struct cap_header h;
    struct cap_data d[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
    long words = cap_words(header, &h);
    if (words < 0)
        return words;
    if (h.pid && (uint32_t)h.pid != ids()->pid && (uint32_t)h.pid != this_thread()->tid)
        return -EPERM;
    if (copy_from_guest(d, from, (uint64_t)words * sizeof(d[0])))
        return -EFAULT;
    return linux_error(proc_capset(proc_client(), d[0].effective | (uint64_t)d[1].effective << 32,
                                   d[0].permitted | (uint64_t)d[1].permitted << 32,
                                   d[0].inheritable | (uint64_t)d[1].inheritable << 32));
}

/* ---- limits ---- */

#define NR_LIMITS 16

struct linux_rlimit { uint64_t cur, max; };

long sys_prlimit64(uint64_t pid, uint64_t resource, uint64_t from, uint64_t to);
long sys_prlimit64(uint64_t pid, uint64_t resource, uint64_t from, uint64_t to)
{
    struct linux_rlimit in = { 0, 0 }, out;
    if ((uint32_t)resource >= NR_LIMITS)
        return -EINVAL;
    if (from && copy_from_guest(&in, from, sizeof(in)))
        return -EFAULT;
    if (from && in.cur > in.max)
        return -EINVAL;
    if (!from && (!pid || (uint32_t)pid == ids()->pid)) {
        out.cur = ids()->rlimit[resource][0];
        out.max = ids()->rlimit[resource][1];
    } else {
        error_t e = proc_set_limit(proc_client(), (int32_t)pid, (uint32_t)resource, from != 0, in.cur, in.max, &out.cur,
                                   &out.max);
        if (e)
            return linux_error(e);
    }
    return to ? copy_to_guest(to, &out, sizeof(out)) : 0;
}

long sys_getrlimit(uint64_t resource, uint64_t to);
long sys_getrlimit(uint64_t resource, uint64_t to) { return to ? sys_prlimit64(0, resource, 0, to) : -EFAULT; }
long sys_setrlimit(uint64_t resource, uint64_t from);
long sys_setrlimit(uint64_t resource, uint64_t from) { return from ? sys_prlimit64(0, resource, from, 0) : -EFAULT; }
