/* SPDX-License-Identifier: MIT */
/*
 * Time. Clocks are read from the time page without leaving the process; sleeps
 * use the kernel's deadlines on the thread's notification. Only what must follow
 * a change of the wall clock, and timers, go to the time server.
 */
#include <proc_client.h>
#include <time_client.h>
#include "error.h"
#include "guest.h"
#include "kcall.h"
#include "process.h"

#define NS_PER_S 1000000000l

enum {
    CLOCK_REALTIME = 0, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME, CLOCK_THREAD_CPUTIME, CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI = 11,
};

ticks_t now_ticks(void)
{
    ticks_t t;
    __asm__ volatile(".option push\n.option arch, +zicsr\nrdtime %0\n.option pop" : "=r"(t));
    return t;
}

static int64_t ticks_to_ns(ticks_t t, uint64_t mult, uint32_t shift)
{
    unsigned __int128 p = (unsigned __int128)t * mult;
    uint64_t low = (uint64_t)p, high = (uint64_t)(p >> 64);
    return (int64_t)(shift ? low >> shift | high << (64 - shift) : low);
}

/* The seqlock of the time page; `offset` also wants the realtime offset. */
static int64_t read_clock(int64_t *realtime_offset)
{
    const struct time_page *p = time_page();
    uint32_t seq;
    int64_t ns;
    do {
        seq = __atomic_load_n(&p->seq, __ATOMIC_ACQUIRE);
        ns = ticks_to_ns(now_ticks(), p->mult, p->shift);
        *realtime_offset = p->realtime_offset_ns;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((seq & 1) || __atomic_load_n(&p->seq, __ATOMIC_RELAXED) != seq);
    return ns;
}

int64_t monotonic_ns(void)
{
    int64_t offset;
    return read_clock(&offset);
}

int64_t realtime_ns(void)
{
    int64_t offset, ns = read_clock(&offset);
    return ns + offset;
}

ticks_t ns_to_ticks(uint64_t ns)
{
    uint64_t hz = time_page()->hz, s = ns / NS_PER_S, rest = ns % NS_PER_S;
    if (s > (UINT64_MAX >> 1) / hz)
        return DEADLINE_NONE - 1;
    return s * hz + (rest * hz + NS_PER_S - 1) / NS_PER_S;
}

static bool timespec_ok(const struct linux_timespec *t)
{
    return t->sec >= 0 && t->nsec >= 0 && t->nsec < NS_PER_S;
}

/* Saturating. */
static int64_t timespec_ns(const struct linux_timespec *t)
{
    return t->sec >= INT64_MAX / NS_PER_S ? INT64_MAX : t->sec * NS_PER_S + t->nsec;
}

static struct linux_timespec ns_timespec(int64_t ns)
{
    return (struct linux_timespec){ ns / NS_PER_S, ns % NS_PER_S };
}

static ticks_t deadline_after(int64_t ns)
{
    ticks_t now = now_ticks(), wait = ns_to_ticks((uint64_t)ns);
    return wait > DEADLINE_NONE - 1 - now ? DEADLINE_NONE - 1 : now + wait;
}

long deadline_from_guest(uaddr_t address, ticks_t *deadline)
{
    struct linux_timespec t;
    *deadline = DEADLINE_NONE;
    if (!address)
        return 0;
    if (copy_from_guest(&t, address, sizeof(t)))
        return -EFAULT;
    if (!timespec_ok(&t))
        return -EINVAL;
    *deadline = deadline_after(timespec_ns(&t));
    return 0;
}

/* The number of a CPU clock: ~id << 3, the process's or thread's own if id is 0,
 * and these. */
enum { CPU_VIRTUAL = 1, CPU_SCHED = 2, CPU_KIND = 3, CPU_PER_THREAD = 4 };

static int32_t cpu_clock_id(int32_t clock)
{
    /* cppcheck-suppress shiftNegativeLHS ; Linux's encoding counts on the sign */
    return ~(clock >> 3);
}

/* The same clock, a thread's with its number in it: time knows no calling thread. */
static int32_t cpu_clock_number(int32_t clock)
{
    int32_t self = (int32_t)(~this_thread()->tid << 3);
    if (clock == CLOCK_THREAD_CPUTIME)
        return self | CPU_PER_THREAD | CPU_SCHED;
    if (clock < 0 && clock & CPU_PER_THREAD && !cpu_clock_id(clock))
        return self | (clock & 7);
    return clock;
}

/* CPU clocks: pid 0 is the caller; negative numbers are Linux's encoding of the
 * clock of some process or thread. */
static long cpu_clock(int32_t clock, int64_t *ns)
{
    const struct thread *t = this_thread();
    int32_t pid = (int32_t)t->ids->pid, tid = 0, id;
    bool user_only = false;
    clock = cpu_clock_number(clock);
    if (clock < 0) {
        if ((clock & CPU_KIND) == 3)
            return -EINVAL;
        user_only = (clock & CPU_KIND) == CPU_VIRTUAL;
        id = cpu_clock_id(clock);
        if (clock & CPU_PER_THREAD)
            tid = id;
        else if (id)
            pid = id;
    }
    uint64_t ticks;
    uint32_t parallel;
    error_t e = proc_cpu_time(proc_client(), pid, tid, user_only, &ticks, &parallel);
    if (e)
        return -EINVAL;
    const struct time_page *p = time_page();
    *ns = ticks_to_ns(ticks, p->mult, p->shift);
    return 0;
}

static long clock_now(int32_t clock, int64_t *ns)
{
    switch (clock) {
    case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM:
        *ns = realtime_ns();
        return 0;
    case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ns = monotonic_ns();
        return 0;
    case CLOCK_TAI:
        *ns = realtime_ns() + time_page()->tai_offset_s * NS_PER_S;
        return 0;
    case CLOCK_PROCESS_CPUTIME: case CLOCK_THREAD_CPUTIME:
        return cpu_clock(clock, ns);
    default:
        return clock < 0 ? cpu_clock(clock, ns) : -EINVAL;
    }
}

long sys_clock_gettime(uint64_t clock, uint64_t to);
long sys_clock_gettime(uint64_t clock, uint64_t to)
{
    int64_t ns;
    long result = clock_now((int32_t)clock, &ns);
    if (result)
        return result;
    struct linux_timespec t = ns_timespec(ns);
    return copy_to_guest(to, &t, sizeof(t));
}

long sys_clock_getres(uint64_t clock, uint64_t to);
long sys_clock_getres(uint64_t clock, uint64_t to)
{
    int64_t ns;
    long result = clock_now((int32_t)clock, &ns);
    if (result || !to)
        return result;
    bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    struct linux_timespec t = { 0, coarse ? 4000000 : 1 };
    return copy_to_guest(to, &t, sizeof(t));
}

static long set_realtime(int64_t ns)
{
    return this_thread()->ids->euid ? -EPERM : linux_error(time_set_realtime(time_client(), ns));
}

long sys_clock_settime(uint64_t clock, uint64_t from);
long sys_clock_settime(uint64_t clock, uint64_t from)
{
    struct linux_timespec t;
    if (clock != CLOCK_REALTIME)
        return -EINVAL;
    if (copy_from_guest(&t, from, sizeof(t)))
        return -EFAULT;
    return timespec_ok(&t) ? set_realtime(timespec_ns(&t)) : -EINVAL;
}

long sys_gettimeofday(uint64_t to, uint64_t zone);
long sys_gettimeofday(uint64_t to, uint64_t zone)
{
    int64_t ns = realtime_ns();
    struct linux_timeval t = { ns / NS_PER_S, ns % NS_PER_S / 1000 };
    uint64_t utc = 0;
    if (to && copy_to_guest(to, &t, sizeof(t)))
        return -EFAULT;
    return zone ? copy_to_guest(zone, &utc, sizeof(utc)) : 0;
}

long sys_settimeofday(uint64_t from, uint64_t zone);
long sys_settimeofday(uint64_t from, uint64_t zone)
{
    struct linux_timeval t;
    (void)zone;
    if (!from)
        return this_thread()->ids->euid ? -EPERM : 0;
    if (copy_from_guest(&t, from, sizeof(t)))
        return -EFAULT;
    if (t.sec < 0 || t.usec < 0 || t.usec >= 1000000)
        return -EINVAL;
    return set_realtime(timespec_ns(&(struct linux_timespec){ t.sec, t.usec * 1000 }));
}

/* ---- sleeping ---- */

/* 0, or -ERESTARTSYS with what is left. */
static long sleep_ticks(ticks_t deadline)
{
    while (now_ticks() < deadline) {
        error_t e = thread_sleep(deadline);
        if (e == ERR_TIMEOUT)
            break;
        if (e == ERR_INTERRUPTED)
            return -ERESTARTSYS;
    }
    return 0;
}

static long sleep_again(struct thread *t);

static long sleep_relative(ticks_t deadline, uaddr_t remaining)
{
    struct thread *t = this_thread();
    long result = sleep_ticks(deadline);
    if (!result)
        return 0;
    if (remaining) {
        const struct time_page *p = time_page();
        ticks_t now = now_ticks();
        struct linux_timespec left = ns_timespec(now < deadline ? ticks_to_ns(deadline - now, p->mult, p->shift) : 0);
        if (copy_to_guest(remaining, &left, sizeof(left)))
            return -EFAULT;
    }
    t->restart.again = sleep_again;
    t->restart.a[0] = deadline;
    t->restart.a[1] = remaining;
    return -ERESTART_RESTARTBLOCK;
}

static long sleep_again(struct thread *t)
{
    return sleep_relative(t->restart.a[0], t->restart.a[1]);
}

long sys_restart_syscall(void);
long sys_restart_syscall(void)
{
    struct thread *t = this_thread();
    long (*again)(struct thread *) = t->restart.again;
    t->restart.again = NULL;
    return again ? again(t) : -EINTR;
}

static long sleep_absolute(int32_t clock, int64_t ns)
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_TAI) {
        if (clock == CLOCK_TAI)
            ns -= time_page()->tai_offset_s * NS_PER_S;
        if (ns <= realtime_ns())
            return 0;
        return no_hand(linux_error(time_sleep_until(time_client(), 0, ns)));
    }
    return no_hand(sleep_ticks(ns_to_ticks((uint64_t)ns)));
}

static long cpu_sleep_again(struct thread *t);

/* Until the clock of CPU time shows `ns`. */
static long cpu_sleep(int32_t clock, int64_t ns, bool absolute, uaddr_t remaining)
{
    struct thread *t = this_thread();
    int64_t now;
    long result = linux_error(time_cpu_sleep(time_client(), (uint32_t)cpu_clock_number(clock), ns));
    if (result != -ERESTARTSYS || absolute)
        return no_hand(result);
    if (remaining && !cpu_clock(clock, &now)) {
        struct linux_timespec left = ns_timespec(now < ns ? ns - now : 0);
        if (copy_to_guest(remaining, &left, sizeof(left)))
            return -EFAULT;
    }
    t->restart.again = cpu_sleep_again;
    t->restart.a[0] = (uint32_t)clock;
    t->restart.a[1] = (uint64_t)ns;
    t->restart.a[2] = remaining;
    return -ERESTART_RESTARTBLOCK;
}

static long cpu_sleep_again(struct thread *t)
{
    return cpu_sleep((int32_t)t->restart.a[0], (int64_t)t->restart.a[1], false, t->restart.a[2]);
}

static long cpu_nanosleep(int32_t clock, bool absolute, int64_t ns, uaddr_t remaining)
{
    int32_t number = cpu_clock_number(clock);
    int64_t now;
    long result = cpu_clock(clock, &now);
    if (result)
        return result;
    if (number == cpu_clock_number(CLOCK_THREAD_CPUTIME))
        return -EINVAL;         /* would sleep for ever */
    if (!absolute && __builtin_add_overflow(now, ns, &ns))
        ns = INT64_MAX;
    return cpu_sleep(clock, ns, absolute, remaining);
}

long sys_clock_nanosleep(uint64_t clock, uint64_t flags, uint64_t request, uint64_t remaining);
long sys_clock_nanosleep(uint64_t clock, uint64_t flags, uint64_t request, uint64_t remaining)
{
    struct linux_timespec t;
    int32_t c = (int32_t)clock;
    bool on_cpu = c == CLOCK_PROCESS_CPUTIME || c < 0;
    if (!on_cpu && c != CLOCK_REALTIME && c != CLOCK_MONOTONIC && c != CLOCK_BOOTTIME && c != CLOCK_TAI)
        return c > CLOCK_TAI ? -EINVAL : -EOPNOTSUPP;
    if (copy_from_guest(&t, request, sizeof(t)))
        return -EFAULT;
    if (!timespec_ok(&t))
        return -EINVAL;
    if (on_cpu)
        return cpu_nanosleep(c, flags & 1, timespec_ns(&t), remaining);
    if (flags & 1)
        return sleep_absolute(c, timespec_ns(&t));
    return sleep_relative(deadline_after(timespec_ns(&t)), remaining);
}

long sys_nanosleep(uint64_t request, uint64_t remaining);
long sys_nanosleep(uint64_t request, uint64_t remaining)
{
    return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
}

/* ---- interval timers ---- */

struct linux_itimerval { struct linux_timeval interval, value; };
struct linux_itimerspec { struct linux_timespec interval, value; };

static struct linux_timeval us_timeval(int64_t us) { return (struct linux_timeval){ us / 1000000, us % 1000000 }; }
static bool timeval_ok(const struct linux_timeval *t) { return t->sec >= 0 && t->usec >= 0 && t->usec < 1000000; }
static int64_t timeval_us(const struct linux_timeval *t)
{
    return t->sec > INT64_MAX / 2000000000 ? INT64_MAX / 2000 : t->sec * 1000000 + t->usec;
}

long sys_getitimer(uint64_t which, uint64_t to);
long sys_getitimer(uint64_t which, uint64_t to)
{
    int64_t value, interval;
    if ((uint32_t)which > 2)
        return -EINVAL;
    error_t e = time_getitimer(time_client(), (uint32_t)which, &value, &interval);
    if (e)
        return linux_error(e);
    struct linux_itimerval v = { us_timeval(interval), us_timeval(value) };
    return copy_to_guest(to, &v, sizeof(v));
}

long sys_setitimer(uint64_t which, uint64_t from, uint64_t old);
long sys_setitimer(uint64_t which, uint64_t from, uint64_t old)
{
    struct linux_itimerval v = { { 0, 0 }, { 0, 0 } };
    int64_t value, interval;
    if ((uint32_t)which > 2)
        return -EINVAL;
    if (from && copy_from_guest(&v, from, sizeof(v)))
        return -EFAULT;
    if (!timeval_ok(&v.value) || !timeval_ok(&v.interval))
        return -EINVAL;
    error_t e = time_setitimer(time_client(), (uint32_t)which, timeval_us(&v.value), timeval_us(&v.interval), &value,
                               &interval);
    if (e)
        return linux_error(e);
    v = (struct linux_itimerval){ us_timeval(interval), us_timeval(value) };
    return old ? copy_to_guest(old, &v, sizeof(v)) : 0;
}

struct linux_sigevent { uint64_t value; int32_t signo, notify; int32_t tid; uint8_t rest[44]; };
_Static_assert(sizeof(struct linux_sigevent) == 64, "SIGEV_MAX_SIZE");

long sys_timer_create(uint64_t clock, uint64_t event, uint64_t id);
long sys_timer_create(uint64_t clock, uint64_t event, uint64_t id)
{
    struct linux_sigevent ev = { .signo = 14 };
    uint32_t timer;
    int64_t unused;
    long result = clock_now((int32_t)clock, &unused);
    if (result)
        return result;
    if (event && copy_from_guest(&ev, event, sizeof(ev)))
        return -EFAULT;
    if ((ev.notify != 0 && ev.notify != 1 && ev.notify != 4) || (ev.notify != 1 && (ev.signo < 1 || ev.signo > NSIG)))
        return -EINVAL;
    error_t e = time_timer_create(time_client(), (uint32_t)cpu_clock_number((int32_t)clock), (uint32_t)ev.notify, (uint32_t)ev.signo, ev.value,
                                  ev.tid, &timer);
    if (e)
        return linux_error(e);
    /* Without a sigevent the value is the timer's number; time knows that from
     * signo with value 0, Linux programs rarely look. */
    if (put32(id, timer)) {
        time_timer_delete(time_client(), timer);
        return -EFAULT;
    }
    return 0;
}

long sys_timer_settime(uint64_t id, uint64_t flags, uint64_t from, uint64_t old);
long sys_timer_settime(uint64_t id, uint64_t flags, uint64_t from, uint64_t old)
{
    struct linux_itimerspec v;
    int64_t value, interval;
    if (!from)
        return -EINVAL;
    if (copy_from_guest(&v, from, sizeof(v)))
        return -EFAULT;
    if (!timespec_ok(&v.value) || !timespec_ok(&v.interval))
        return -EINVAL;
    error_t e = time_timer_settime(time_client(), (uint32_t)id, (uint32_t)flags, timespec_ns(&v.value),
                                   timespec_ns(&v.interval), &value, &interval);
    if (e)
        return linux_error(e);
    v = (struct linux_itimerspec){ ns_timespec(interval), ns_timespec(value) };
    return old ? copy_to_guest(old, &v, sizeof(v)) : 0;
}

long sys_timer_gettime(uint64_t id, uint64_t to);
long sys_timer_gettime(uint64_t id, uint64_t to)
{
    int64_t value, interval;
    error_t e = time_timer_gettime(time_client(), (uint32_t)id, &value, &interval);
    if (e)
        return linux_error(e);
    struct linux_itimerspec v = { ns_timespec(interval), ns_timespec(value) };
    return copy_to_guest(to, &v, sizeof(v));
}

long sys_timer_getoverrun(uint64_t id);
long sys_timer_getoverrun(uint64_t id)
{
    uint32_t count;
    error_t e = time_timer_overrun(time_client(), (uint32_t)id, &count);
    return e ? linux_error(e) : count;
}

long sys_timer_delete(uint64_t id);
long sys_timer_delete(uint64_t id)
{
    return linux_error(time_timer_delete(time_client(), (uint32_t)id));
}
