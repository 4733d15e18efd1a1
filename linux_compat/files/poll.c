/* SPDX-License-Identifier: MIT */
/*
 * Waiting for readiness: ppoll, pselect6, epoll.
 *
 * epoll_wait repeats its last answer while fs's lease on it holds (lease.h). Else
 * fs does the waiting in all of them: one request with the whole set, parked
 * there until something is ready, the deadline passes or a signal cancels it.
 * Timeouts become absolute deadlines in ticks before the first wait, so a
 * restarted call does not start its time anew.
 */
#include "lease.h"

#define POLL_MAX        65536u
#define SELECT_FDS      1024
#define EPOLL_MAX       4096u

enum { LINUX_POLLIN = 1, LINUX_POLLPRI = 2, LINUX_POLLOUT = 4, LINUX_POLLERR = 8, LINUX_POLLHUP = 16,
       LINUX_POLLNVAL = 32, LINUX_POLLRDNORM = 64, LINUX_POLLRDBAND = 128, LINUX_POLLWRNORM = 256,
       LINUX_POLLWRBAND = 512 };
/* what select(2) takes each set to mean */
#define SELECT_IN  (LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLRDBAND | LINUX_POLLHUP | LINUX_POLLERR)
#define SELECT_OUT (LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND | LINUX_POLLERR)
#define SELECT_EX  LINUX_POLLPRI

/* Linux writes the time that is left back; a bad address there is ignored. */
static void put_remaining(uaddr_t timeout, ticks_t deadline)
{
    if (timeout == 0 || deadline == DEADLINE_NONE)
        return;
    ticks_t now = now_ticks();
    uint64_t left = deadline > now ? deadline - now : 0;
    uint64_t hz = time_page()->hz;
    struct linux_timespec ts = { (int64_t)(left / hz), (int64_t)(left % hz * 1000000000ul / hz) };
    (void)copy_to_guest(timeout, &ts, sizeof ts);
}

LINUX_CALL(ppoll)
{
    ticks_t deadline;
    uint32_t ready = 0;
    uint32_t count = (uint32_t)a1;
    const struct proc_page *p = this_process()->ids;
    if (count > POLL_MAX || count > p->rlimit[7][0])
        return -EINVAL;
    long r = deadline_from_guest(a2, &deadline);
    if (r == 0)
        r = sigmask_push(a3, a4);
    if (r != 0)
        return r;
    struct rpc_in fds = { guest_pointer(a0), (uint64_t)count * sizeof(struct fs_pollfd) };
    error_t e = fs_poll(fs_client(), fds, a0, count, deadline, &ready);
    r = e ? no_hand(linux_error(e)) : (long)ready;
    sigmask_pop(r == -ERESTARTNOHAND);
    put_remaining(a2, deadline);
    return r;
}

struct select_sets { uint64_t in[16], out[16], ex[16]; };

static long get_set(uint64_t *set, uaddr_t from, unsigned n)
{
    unsigned words = (n + 63) / 64;
    memset(set, 0, 128);
    if (from == 0)
        return 0;
    if (copy_from_guest(set, from, words * 8) != 0)
        return -EFAULT;
    if (n % 64)
        set[words - 1] &= (1ul << n % 64) - 1;
    return 0;
}

static bool in_set(const uint64_t *set, unsigned fd) { return set[fd / 64] >> fd % 64 & 1; }

static unsigned sets_to_poll(const struct select_sets *s, unsigned n, struct fs_pollfd *fds)
{
    struct fs_pollfd *to = fds;
    for (unsigned base = 0; base < n; base += 64) {
        uint64_t in = s->in[base / 64], out = s->out[base / 64], ex = s->ex[base / 64];
        if ((out | ex) == 0) {
            struct fs_pollfd one = { .fd = (int32_t)base, .events = LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLRDBAND };
            for (; in; in >>= 1, one.fd++)
                if (in & 1)
                    *to++ = one;
            continue;
        }
        for (int32_t fd = (int32_t)base; in | out | ex; fd++, in >>= 1, out >>= 1, ex >>= 1) {
            unsigned events = 0;
            if (in & 1)
                events |= LINUX_POLLIN | LINUX_POLLRDNORM | LINUX_POLLRDBAND;
            if (out & 1)
                events |= LINUX_POLLOUT | LINUX_POLLWRNORM | LINUX_POLLWRBAND;
            if (ex & 1)
                events |= LINUX_POLLPRI;
            if (events)
                *to++ = (struct fs_pollfd){ .fd = fd, .events = (int16_t)events };
        }
    }
    return (unsigned)(to - fds);
}

/* Replace the sets by what is ready; returns the number of bits, or -EBADF. */
static long poll_to_sets(struct select_sets *s, unsigned n, const struct fs_pollfd *fds, unsigned count)
{
    struct select_sets want = *s;
    long bits = 0;
    for (unsigned w = 0; w < (n + 63) / 64; w++)
        s->in[w] = s->out[w] = s->ex[w] = 0;
    for (const struct fs_pollfd *p = fds; p != fds + count; p++) {
        unsigned got = (uint16_t)p->revents;
        if (!got)
            continue;
        unsigned fd = (unsigned)p->fd;
        uint64_t bit = 1ul << fd % 64;
        if (got & LINUX_POLLNVAL)
            return -EBADF;
        if (in_set(want.in, fd) && got & SELECT_IN)
            s->in[fd / 64] |= bit, bits++;
        if (in_set(want.out, fd) && got & SELECT_OUT)
            s->out[fd / 64] |= bit, bits++;
        if (in_set(want.ex, fd) && got & SELECT_EX)
            s->ex[fd / 64] |= bit, bits++;
    }
    return bits;
}

static long put_set(uaddr_t to, const uint64_t *set, unsigned n)
{
    return to ? copy_to_guest(to, set, (n + 63) / 64 * 8) : 0;
}

static long select_wait(struct select_sets *sets, unsigned n, ticks_t deadline)
{
    struct fs_pollfd fds[SELECT_FDS];
    uint32_t ready = 0;
    unsigned count = sets_to_poll(sets, n, fds);
    struct rpc_in in = { fds, count * sizeof fds[0] };
    error_t e = fs_poll(fs_client(), in, (uint64_t)fds, count, deadline, &ready);
    if (e != 0)
        return no_hand(linux_error(e));
    return poll_to_sets(sets, n, fds, ready ? count : 0);
}

/* The sixth argument points to { mask address, mask size }. */
LINUX_CALL(pselect6)
{
    struct select_sets sets;
    uint64_t mask[2] = { 0, 0 };
    ticks_t deadline;
    if ((int32_t)a0 < 0)
        return -EINVAL;
    unsigned n = a0 > SELECT_FDS ? SELECT_FDS : (unsigned)a0;
    long r = get_set(sets.in, a1, n);
    if (r == 0)
        r = get_set(sets.out, a2, n);
    if (r == 0)
        r = get_set(sets.ex, a3, n);
    if (r == 0)
        r = deadline_from_guest(a4, &deadline);
    if (r == 0 && a5 != 0)
        r = copy_from_guest(mask, a5, sizeof mask);
    if (r == 0)
        r = sigmask_push(mask[0], mask[1]);
    if (r != 0)
        return r;
    r = select_wait(&sets, n, deadline);
    sigmask_pop(r == -ERESTARTNOHAND);
    put_remaining(a4, deadline);
    if (r >= 0 && (put_set(a1, sets.in, n) || put_set(a2, sets.out, n) || put_set(a3, sets.ex, n)))
        return -EFAULT;
    return r;
}

/* ---- epoll ---- */

LINUX_CALL(epoll_create1)
{
    uint32_t fd;
    if (a0 & ~02000000ul)
        return -EINVAL;
    error_t e = fs_epoll_create(fs_client(), (uint32_t)a0, &fd);
    return e ? linux_error(e) : fd;
}

LINUX_CALL(epoll_ctl)
{
    struct { uint32_t events, pad; uint64_t data; } ev = { 0 };
    if (a1 != 2 /* EPOLL_CTL_DEL */ && copy_from_guest(&ev, a3, sizeof ev) != 0)
        return -EFAULT;
    return linux_error(fs_epoll_ctl(fs_client(), (int32_t)a0, (uint32_t)a1, (int32_t)a2, ev.events, ev.data));
}

/* From a lease; false: fs must be asked. Nothing ready is an answer only to who does not wait. */
static bool leased_epoll(uint32_t fd, uaddr_t events, int32_t max, bool waits, long *result)
{
    const struct leases *all = this_process()->leases;
    uint32_t version;
    if (!all || fd >= FD_WORDS || max <= 0)
        return false;
    const struct epoll_lease *l = &all->epoll[fd % NR_EPOLL_LEASES];
    if (!lease_holds(&l->lease, fd, &version))
        return false;
    uint32_t n = l->lease.count;
    if (n > (uint32_t)max || (n == 0 && waits))
        return false;
    *result = n && copy_to_guest(events, l->event, n * sizeof l->event[0]) ? -EFAULT : (long)n;
    return lease_unchanged(&l->lease, version);
}

static void keep_events(uint32_t fd, const struct fs_epoll_event *event, uint32_t count, uint32_t seq)
{
    struct leases *all = leases_make();
    if (!all || fd >= FD_WORDS)
        return;
    struct epoll_lease *l = &all->epoll[fd % NR_EPOLL_LEASES];
    if (!lease_begin(&l->lease))
        return;
    memcpy(l->event, event, count * sizeof *event);
    l->lease.count = count;
    lease_end(&l->lease, fd + 1, seq);
}

static long epoll_ask(int32_t fd, uaddr_t events, uint32_t max, ticks_t deadline)
{
    /* What may be kept does not come by way of memory that the guest can write. */
    struct fs_epoll_event own[FS_EPOLL_LEASE_MAX];
    const bool few = max <= FS_EPOLL_LEASE_MAX;
    uint64_t done;
    uint32_t count = 0, lease = 0;
    struct rpc_out out = { few ? (void *)own : (void *)events, (uint64_t)max * sizeof own[0] };
    error_t e = fs_epoll_wait(fs_client(), fd, max, deadline, out, &done, &count, &lease);
    if (e != 0)
        return no_restart(linux_error(e));
    if (lease && (few || count == 0))
        keep_events((uint32_t)fd, own, count, lease);
    return few && count && copy_to_guest(events, own, count * sizeof own[0]) ? -EFAULT : (long)count;
}

static long epoll_until(int32_t fd, uaddr_t events, int32_t max, ticks_t deadline, uaddr_t mask, uint64_t size)
{
    if (max <= 0)
        return -EINVAL;
    if ((uint32_t)max > EPOLL_MAX)
        max = EPOLL_MAX;
    long r = sigmask_push(mask, size);
    if (r != 0)
        return r;
    r = epoll_ask(fd, events, (uint32_t)max, deadline);
    sigmask_pop(r == -EINTR);
    return r;
}

/* Milliseconds, negative for ever. */
LINUX_CALL(epoll_pwait)
{
    int32_t ms = (int32_t)a3;
    long result;
    if (a4 == 0 && leased_epoll((uint32_t)a0, a1, (int32_t)a2, ms != 0, &result))
        return result;
    ticks_t deadline = ms < 0 ? DEADLINE_NONE : DEADLINE_POLL;
    if (ms > 0)
        deadline = ns_to_ticks((uint64_t)monotonic_ns() + (uint64_t)ms * 1000000);
    return epoll_until((int32_t)a0, a1, (int32_t)a2, deadline, a4, a5);
}

LINUX_CALL(epoll_pwait2)
{
    ticks_t deadline;
    long r = deadline_from_guest(a3, &deadline);
    return r ? r : epoll_until((int32_t)a0, a1, (int32_t)a2, deadline, a4, a5);
}
