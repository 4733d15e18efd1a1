/* SPDX-License-Identifier: MIT */
/*
 * CPU time, faults and the figures of procfs. The kernel counts per thread
 * (TCB_INFO); ended threads' figures are added to their process, waited-for
 * processes' to their parent.
 */
#include "accounting.h"

#include <string.h>

#include "thread.h"

#define TICKS_PER_SECOND_USER 100       /* USER_HZ: procfs and times(2) */

int64_t ticks_to_us(ticks_t ticks)
{
    uint64_t hz = info->timebase_hz;

    return (int64_t)(ticks / hz * 1000000 + ticks % hz * 1000000 / hz);
}

/* What the thread used itself: a vm's TCB served others before. */
static bool thread_figures(const struct thread *t, struct tcb_info *out)
{
    const struct vm *vm = t->image->vm;

    *out = (struct tcb_info){ 0 };
    if (tcb_info(thread_cap(t, ROW_TCB), out))
        return false;
    if (t->group < 0) {
        out->user_ticks -= vm->base.user;
        out->system_ticks -= vm->base.system;
        out->nr_faults -= vm->base.faults;
        out->nr_switches -= vm->base.switches;
    }
    return true;
}

void account_thread_end(struct thread *t)
{
    struct process *p = t->image->process;
    struct tcb_info figures;

    if (!p || !t->started || !thread_figures(t, &figures))
        return;
    p->user_ticks += figures.user_ticks;
    p->system_ticks += figures.system_ticks;
    p->nr_faults += figures.nr_faults;
    p->nr_switches += figures.nr_switches;
    if (t->group < 0) {
        struct vm *vm = t->image->vm;

        vm->base.user += figures.user_ticks;
        vm->base.system += figures.system_ticks;
        vm->base.faults += figures.nr_faults;
        vm->base.switches += figures.nr_switches;
    }
}

void account_process(const struct process *p, struct cpu_use *out)
{
    *out = (struct cpu_use){ p->user_ticks, p->system_ticks, p->nr_faults, p->nr_switches, 0 };
    for (const struct thread *t = p->image->threads; t; t = t->next) {
        struct tcb_info figures;

        if (!t->started || !thread_figures(t, &figures))
            continue;
        out->user += figures.user_ticks;
        out->system += figures.system_ticks;
        out->faults += figures.nr_faults;
        out->switches += figures.nr_switches;
        out->nr_runnable += figures.state == THREAD_RUNNABLE || figures.state == THREAD_OUT_OF_BUDGET;
    }
}

unsigned account_parallel(const struct process *p)
{
    unsigned harts = (unsigned)__builtin_popcountl(info->guest_hart_mask), nr = p->image->nr_threads;

    return nr < 2 || harts < 2 ? 1 : nr < harts ? nr : harts;
}

void usage_of(const struct process *p, bool children, struct proc_usage *out)
{
    struct cpu_use use;

    memset(out, 0, sizeof *out);
    if (children) {
        out->utime_us = ticks_to_us(p->child_user_ticks);
        out->stime_us = ticks_to_us(p->child_system_ticks);
        out->minflt = p->child_faults;
        out->maxrss_kb = p->child_max_rss * 4;
        return;
    }
    account_process(p, &use);
    out->utime_us = ticks_to_us(use.user);
    out->stime_us = ticks_to_us(use.system);
    out->minflt = use.faults;
    out->nvcsw = use.switches;
    out->maxrss_kb = p->max_rss_pages * 4;
}

void account_reaped(struct process *parent, const struct process *child)
{
    parent->child_user_ticks += child->user_ticks + child->child_user_ticks;
    parent->child_system_ticks += child->system_ticks + child->child_system_ticks;
    parent->child_faults += child->nr_faults + child->child_faults;
    if (child->max_rss_pages > parent->child_max_rss)
        parent->child_max_rss = child->max_rss_pages;
}

/* ---- requests ---- */

static uint64_t resident_pages(const struct process *p, uint64_t *mapped)
{
    struct vspace_info v = { 0 };

    if (!is_live(p) || vspace_info(vm_cap(p->image->vm, ROW_VSPACE), &v))
        return 0;
    if (mapped)
        *mapped = v.mapped_pages;
    return v.resident_pages;
}

static void note_rss(struct process *p)
{
    uint64_t pages = resident_pages(p, NULL);

    if (pages > p->max_rss_pages)
        p->max_rss_pages = pages;
}

error_t proc_serve_usage(struct rpc_call *call, const struct proc_usage_in *in, struct proc_usage_out *out)
{
    struct image *image = caller_image(call);
    struct tcb_info figures;
    struct thread *t;

    if (!image)
        return ERR_NO_PROCESS;
    if (in->who != 1) {
        if (in->who != 0 && in->who != -1)
            return ERR_INVALID_ARGUMENT;
        if (in->who == 0)
            note_rss(image->process);
        usage_of(image->process, in->who == -1, &out->ru);
        return 0;
    }
    t = image_thread(image, in->thread_index);
    if (!t || !thread_figures(t, &figures))
        return ERR_INVALID_ARGUMENT;
    out->ru = (struct proc_usage){ .utime_us = ticks_to_us(figures.user_ticks),
                                   .stime_us = ticks_to_us(figures.system_ticks),
                                   .minflt = figures.nr_faults, .nvcsw = figures.nr_switches };
    return 0;
}

error_t proc_serve_cpu_time(struct rpc_call *call, const struct proc_cpu_time_in *in, struct proc_cpu_time_out *out)
{
    struct process *p = in->pid > 0 ? process_by_pid((uint32_t)in->pid) : caller(call);
    struct cpu_use use;

    if (in->tid > 0) {
        struct thread *t = thread_by_tid((uint32_t)in->tid);
        struct tcb_info figures;

        if (!t || (p && t->image->process != p) || !thread_figures(t, &figures))
            return ERR_NO_PROCESS;
        out->ticks = figures.user_ticks + (in->user_only ? 0 : figures.system_ticks);
        out->parallel = 1;
        return 0;
    }
    if (!p)
        return ERR_NO_PROCESS;
    account_process(p, &use);
    out->ticks = use.user + (in->user_only ? 0 : use.system);
    out->parallel = account_parallel(p);
    return 0;
}

static uint64_t user_hz(ticks_t ticks)
{
    return ticks / (info->timebase_hz / TICKS_PER_SECOND_USER);
}

error_t proc_serve_stat(struct rpc_call *call, const struct proc_stat_in *in, struct proc_stat_out *out)
{
    struct process *p = process_by_pid(in->pid);
    uint64_t mapped = 0;
    struct cpu_use use;

    (void)call;
    if (!p)
        return ERR_NO_PROCESS;
    account_process(p, &use);
    out->st = (struct proc_proc_stat){
        .utime_ticks = user_hz(use.user), .stime_ticks = user_hz(use.system),
        .start_ticks = user_hz(p->image->page->start_ticks), .minflt = use.faults,
        .rss_pages = resident_pages(p, &mapped), .nr_threads = p->image->nr_threads,
        .last_hart = p->image->threads ? p->image->threads->hart : 0,
        .cutime_ticks = user_hz(p->child_user_ticks), .cstime_ticks = user_hz(p->child_system_ticks),
        .nr_runnable = use.nr_runnable,
    };
    out->st.vsize_bytes = mapped * PAGE_BYTES;
    return 0;
}

/* Load averages, fixed point 1/65536. Decayed lazily at each question: exact
 * averages would need a tick, which an idle system does not have. */
static uint32_t loads[3];
static ticks_t loads_at;

static void update_loads(void)
{
    static const uint32_t seconds[3] = { 60, 300, 900 };
    const volatile struct hart_page *page = (const volatile struct hart_page *)SRV_HART_PAGE;
    uint64_t passed = (now() - loads_at) / info->timebase_hz, running = 0;

    if (passed == 0)
        return;
    loads_at += passed * info->timebase_hz;
    for (unsigned h = 0; h < info->nr_harts && h < MAX_HARTS; h++)
        if (info->guest_hart_mask >> h & 1)
            running += page->hart[h].runnable;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t part = passed >= seconds[i] ? seconds[i] : passed;

        loads[i] = (uint32_t)((loads[i] * (seconds[i] - part) + (running << 16) * part) / seconds[i]);
    }
}

error_t proc_serve_memory(struct rpc_call *call, const struct proc_memory_in *in, struct proc_memory_out *out)
{
    struct pool_info pool = { 0 };

    (void)call, (void)in;
    pool_info(SRV_CAP_POOL, UINT64_MAX, &pool);
    update_loads();
    *out = (struct proc_memory_out){ .total_pages = pool.total_pages, .free_pages = pool.free_pages,
                                     .nr_processes = process_count(), .loads_1m = loads[0], .loads_5m = loads[1],
                                     .loads_15m = loads[2] };
    return 0;
}

error_t proc_serve_hart_times(struct rpc_call *call, const struct proc_hart_times_in *in, struct proc_hart_times_out *out)
{
    struct kernel_counters counters = { 0 };
    error_t error;
    ticks_t time;

    (void)call;
    if (in->hart >= info->nr_harts)
        return ERR_INVALID_ARGUMENT;
    error = platform_counters(SRV_CAP_PLATFORM, &counters, in->hart);
    if (error)
        return error;
    time = now();
    out->idle_ticks = counters.idle_ticks;
    out->busy_ticks = time > counters.idle_ticks ? time - counters.idle_ticks : 0;
    return 0;
}
