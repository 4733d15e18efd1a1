/* SPDX-License-Identifier: MIT */
/*
 * Files about a process: /proc/PID (proc(5)).
 *
 * What proc publishes in the process's page needs no question; times and
 * memory use are asked of proc. The memory map, arguments and environment are
 * the process's own claim (its signal page) and lie in its memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libipc/syscall.h>

#include "mounts.h"
#include "peers.h"
#include "proc_client.h"
#include "procfs.h"

#define USER_HZ 100u
#define CLIENT_TEXT_MAX (128ul * 1024)

static uint64_t user_hz(uint64_t ticks)
{
    return fs_info && fs_info->timebase_hz ? ticks / (fs_info->timebase_hz / USER_HZ) : 0;
}

/* The page's name is copied before use: proc may write it meanwhile. */
static void comm_of(const struct process *p, char comm[17])
{
    for (int i = 0; i < 16; i++)
        comm[i] = p->page->comm[i];
    comm[16] = 0;
}

/* A first thread's name is in the page, another's is asked for. */
static error_t name_of(const struct proc_target *t, char comm[17])
{
    uint64_t word[2];
    error_t e;

    if (!t->extra || t->extra == t->pid) {
        comm_of(t->process, comm);
        return 0;
    }
    e = proc_thread_name(&proc_peer, t->extra, &word[0], &word[1]);
    if (e)
        return e;
    memcpy(comm, word, sizeof word);
    comm[16] = 0;
    return t->process->page->pid == t->pid ? 0 : ERR_NO_PROCESS;
}

/* proc publishes Z and T; who of the others runs, the kernel knows. The reader
 * waits for this very answer, but on Linux it would see itself running. */
static char state_of(const struct proc_target *t, const struct proc_proc_stat *st)
{
    uint32_t state = t->process->page->state;

    if (t->process->page->in_use == 2)
        return 'Z';
    if (state == 'T')
        return 'T';
    return st->nr_runnable || t->process == t->reader ? 'R' : 'S';
}

static error_t ask(const struct proc_target *t, struct proc_proc_stat *st)
{
    error_t e;

    memset(st, 0, sizeof *st);
    e = proc_stat(&proc_peer, t->pid, st);
    /* it may have ended while we asked */
    return e ? e : t->process->page->pid == t->pid ? 0 : ERR_NO_PROCESS;
}

static uint64_t blocked_of(const struct process *p)
{
    return p->sig->thread[0].blocked;
}

static uint64_t caught_of(const struct process *p)
{
    return ~(p->sig->ignored | p->sig->defaulted) & 0x7fffffffffffffffull;
}

static error_t print_stat(struct text *out, const struct proc_target *t)
{
    const volatile struct proc_page *pg = t->process->page;
    const volatile struct sig_page *sg = t->process->sig;
    struct proc_proc_stat st;
    uint32_t tty = 0;
    int32_t tpgid = -1;
    int nice;
    char comm[17];
    error_t e = ask(t, &st);

    if (!e)
        e = name_of(t, comm);
    if (e)
        return e;
    streams_session_tty(pg->sid, &tty, &tpgid);
    nice = 20 - (int)pg->nice;
    if (nice < -20 || nice > 19)
        nice = 0;
    text_printf(out, "%u (%s) %c %u %u %u %d %d 0 ", t->extra ? t->extra : t->pid, comm, state_of(t, &st), pg->ppid,
                pg->pgid, pg->sid, (int)tty, tpgid);
    text_printf(out, "%lu 0 0 0 %lu %lu %lu %lu %d %d %lu 0 %lu %lu %lu %lu ", (unsigned long)st.minflt,
                (unsigned long)user_hz(st.utime_ticks), (unsigned long)user_hz(st.stime_ticks),
                (unsigned long)user_hz(st.cutime_ticks), (unsigned long)user_hz(st.cstime_ticks), 20 + nice, nice,
                (unsigned long)pg->nr_threads, (unsigned long)user_hz(pg->start_ticks), (unsigned long)st.vsize_bytes,
                (unsigned long)st.rss_pages, ~0ul);
    text_printf(out, "%lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 17 %lu 0 0 0 0 0 ", (unsigned long)sg->code_start,
                (unsigned long)sg->code_end, (unsigned long)sg->stack_start,
                (unsigned long)(pg->pending & 0x7fffffff), (unsigned long)(blocked_of(t->process) & 0x7fffffff),
                (unsigned long)(sg->ignored & 0x7fffffff), (unsigned long)(caught_of(t->process) & 0x7fffffff),
                (unsigned long)st.last_hart);
    text_printf(out, "%lu %lu %lu %lu %lu %lu %lu %u\n", (unsigned long)sg->code_end, (unsigned long)sg->brk_start,
                (unsigned long)sg->brk_start, (unsigned long)sg->arg_start, (unsigned long)sg->arg_end,
                (unsigned long)sg->env_start, (unsigned long)sg->env_end, pg->exit_code);
    return 0;
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R': return "R (running)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 'Z': return "Z (zombie)";
    default: return "S (sleeping)";
    }
}

static error_t print_status(struct text *out, const struct proc_target *t)
{
    struct process *p = t->process;
    const volatile struct proc_page *pg = p->page;
    struct proc_proc_stat st;
    uint32_t nr_groups = pg->nr_groups < 64 ? pg->nr_groups : 64;
    char comm[17];
    error_t e = ask(t, &st);

    if (!e)
        e = name_of(t, comm);
    if (e)
        return e;
    text_printf(out, "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
                comm, p->open ? p->fs->umask : 022, state_name(state_of(t, &st)), t->pid, t->extra ? t->extra : t->pid,
                pg->ppid);
    text_printf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", pg->ruid, pg->euid, pg->suid,
                pg->fsuid, pg->rgid, pg->egid, pg->sgid, pg->fsgid, p->open ? p->files->size : 0);
    for (uint32_t i = 0; i < nr_groups; i++)
        text_printf(out, "%u ", pg->groups[i]);
    text_printf(out, "\nVmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t%u\n",
                (unsigned long)st.vsize_bytes / 1024, (unsigned long)st.vsize_bytes / 1024,
                (unsigned long)st.rss_pages * 4, (unsigned long)st.rss_pages * 4, pg->nr_threads);
    text_printf(out, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                (unsigned long)pg->thread[0].pending, (unsigned long)pg->pending, (unsigned long)blocked_of(p),
                (unsigned long)p->sig->ignored, (unsigned long)caught_of(p));
    text_printf(out, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nNoNewPrivs:\t%u\nCpus_allowed:\t%x\n",
                (unsigned long)pg->cap_inheritable, (unsigned long)pg->cap_permitted, (unsigned long)pg->cap_effective,
                pg->no_new_privs, fs_info->guest_hart_mask);
    return 0;
}

static error_t print_statm(struct text *out, const struct proc_target *t)
{
    struct proc_proc_stat st;
    error_t e = ask(t, &st);

    if (!e)
        text_printf(out, "%lu %lu 0 0 0 %lu 0\n", (unsigned long)st.vsize_bytes / PAGE_BYTES,
                    (unsigned long)st.rss_pages, (unsigned long)st.rss_pages);
    return e;
}

static error_t print_comm(struct text *out, const struct proc_target *t)
{
    char comm[17];
    error_t e = name_of(t, comm);

    if (!e)
        text_printf(out, "%s\n", comm);
    return e;
}

/* A process may name itself, as with prctl(PR_SET_NAME). */
static error_t write_comm(const struct proc_target *t, const char *text, size_t len)
{
    if (t->process != t->reader)
        return ERR_INVALID_ARGUMENT;
    while (len && (text[len - 1] == '\n' || !text[len - 1]))
        len--;
    return proc_rename(&proc_peer, t->pid, t->extra ? t->extra : t->pid,
                       (struct rpc_in){ text, len < 15 ? (uint32_t)len : 15 });
}

/* [from, to) of the process's memory, as far as it is there. */
static error_t client_text(struct text *out, struct process *p, uint64_t from, uint64_t to)
{
    char chunk[512];

    if (!p->open || to <= from)
        return 0;
    if (to - from > CLIENT_TEXT_MAX)
        to = from + CLIENT_TEXT_MAX;
    while (from < to) {
        uint64_t n = to - from < sizeof chunk ? to - from : sizeof chunk, done = 0;
        error_t e = sys_vspace_copy(CAP_IN(SRV_CAP_CLIENT_VSPACES, p->slot), from, chunk, n, false, &done);

        if (done > n)
            done = n;
        text_add(out, chunk, done);
        if (e || !done)
            break;
        from += done;
    }
    return 0;
}

static error_t print_cmdline(struct text *out, const struct proc_target *t)
{
    const volatile struct sig_page *sg = t->process->sig;

    return client_text(out, t->process, sg->arg_start, sg->arg_end);
}

static error_t print_environ(struct text *out, const struct proc_target *t)
{
    const volatile struct sig_page *sg = t->process->sig;

    return client_text(out, t->process, sg->env_start, sg->env_end);
}

static error_t print_auxv(struct text *out, const struct proc_target *t)
{
    for (unsigned i = 0; i < 48; i += 2) {
        uint64_t pair[2] = { t->process->sig->auxv[i], t->process->sig->auxv[i + 1] };

        text_add(out, (const char *)pair, sizeof pair);
        if (!pair[0])
            break;
    }
    return 0;
}

static error_t print_maps(struct text *out, const struct proc_target *t)
{
    const volatile struct sig_page *sg = t->process->sig;
    uint64_t address = sg->maps_address, bytes = sg->maps_bytes;

    if (address && bytes <= CLIENT_TEXT_MAX)
        return client_text(out, t->process, address, address + bytes);
    if (sg->code_end > sg->code_start)
        text_printf(out, "%08lx-%08lx r-xp 00000000 00:00 0 \n", (unsigned long)sg->code_start & ~0xffful,
                    (unsigned long)(sg->code_end + 0xfff) & ~0xffful);
    if (sg->brk > sg->brk_start)
        text_printf(out, "%08lx-%08lx rw-p 00000000 00:00 0                          [heap]\n",
                    (unsigned long)sg->brk_start & ~0xffful, (unsigned long)(sg->brk + 0xfff) & ~0xffful);
    return 0;
}

static error_t print_limits(struct text *out, const struct proc_target *t)
{
    static const struct { const char *name, *unit; } limits[16] = {
        { "Max cpu time", "seconds" }, { "Max file size", "bytes" }, { "Max data size", "bytes" },
        { "Max stack size", "bytes" }, { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
        { "Max processes", "processes" }, { "Max open files", "files" }, { "Max locked memory", "bytes" },
        { "Max address space", "bytes" }, { "Max file locks", "locks" }, { "Max pending signals", "signals" },
        { "Max msgqueue size", "bytes" }, { "Max nice priority", "" }, { "Max realtime priority", "" },
        { "Max realtime timeout", "us" },
    };

    text_printf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (int i = 0; i < 16; i++) {
        char value[2][24];

        for (int k = 0; k < 2; k++) {
            uint64_t v = t->process->page->rlimit[i][k];

            if (v == ~0ul)
                (void)snprintf(value[k], sizeof value[k], "unlimited");
            else
                (void)snprintf(value[k], sizeof value[k], "%lu", (unsigned long)v);
        }
        text_printf(out, "%-25s %-20s %-20s %-10s\n", limits[i].name, value[0], value[1], limits[i].unit);
    }
    return 0;
}

static error_t print_mounts(struct text *out, const struct proc_target *t)
{
    proc_print_mounts(out, t->process->open ? t->process : t->reader, false);
    return 0;
}

static error_t print_mountinfo(struct text *out, const struct proc_target *t)
{
    proc_print_mounts(out, t->process->open ? t->process : t->reader, true);
    return 0;
}

static error_t print_zero(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_printf(out, "0\n");
    return 0;
}

/* ---- links ---- */
error_t proc_file_name(struct process *reader, struct file *f, char *text, size_t room, size_t *len)
{
    int n;

    if (f->dentry)
        return vfs_path(reader, &(struct path){ f->mnt, f->dentry }, text, room, len);
    if (f->inode && f->inode->memfd)
        n = snprintf(text, room, "/memfd:%s (deleted)", f->inode->link ? f->inode->link : "");
    else if (f->inode)
        n = snprintf(text, room, "/#%lu (deleted)", (unsigned long)f->inode->ino);
    else if (S_ISFIFO(f->anon_mode))
        n = snprintf(text, room, "pipe:[%lu]", (unsigned long)f->anon_ino);
    else if (S_ISSOCK(f->anon_mode))
        n = snprintf(text, room, "socket:[%lu]", (unsigned long)f->anon_ino);
    else if (strchr(f->ops->name, ':'))     /* the whole text */
        n = snprintf(text, room, "%s", f->ops->name);
    else
        n = snprintf(text, room, "anon_inode:[%s]", f->ops->name);
    if (n < 0 || (size_t)n >= room)
        return ERR_RANGE_RESULT;
    *len = (size_t)n;
    return 0;
}

static struct file *file_of(const struct proc_target *t)
{
    return t->process->open ? fd_lookup_any(t->process, (int32_t)t->extra) : NULL;
}

static error_t fd_text(const struct proc_target *t, char *text, size_t room, size_t *len)
{
    struct file *f = file_of(t);

    return f ? proc_file_name(t->reader, f, text, room, len) : ERR_NOT_FOUND;
}

static error_t fd_follow(const struct proc_target *t, struct path *to, struct file **out)
{
    struct file *f = file_of(t);

    if (!f)
        return ERR_NOT_FOUND;
    if (f->dentry)
        *to = (struct path){ f->mnt, f->dentry };
    else
        *out = f;
    return 0;
}

static error_t path_text(const struct proc_target *t, const struct path *p, char *text, size_t room, size_t *len)
{
    return p && p->dentry ? vfs_path(t->reader, p, text, room, len) : ERR_NOT_FOUND;
}

static error_t path_follow(const struct path *p, struct path *out)
{
    if (!p || !p->dentry)
        return ERR_NOT_FOUND;
    *out = *p;
    return 0;
}

#define OBJECT_LINK(name, object) \
    static error_t name##_text(const struct proc_target *t, char *text, size_t room, size_t *len) \
    { return path_text(t, object, text, room, len); } \
    static error_t name##_follow(const struct proc_target *t, struct path *to, struct file **f) \
    { (void)f; return path_follow(object, to); }
OBJECT_LINK(exe, &t->process->exe)
OBJECT_LINK(cwd, (t->process->open ? &t->process->fs->cwd : NULL))
OBJECT_LINK(root, (t->process->open ? &t->process->fs->root : NULL))

/* ---- descriptors and threads ---- */
static error_t print_fdinfo(struct text *out, const struct proc_target *t)
{
    struct file *f = file_of(t);
    uint32_t flags;

    if (!f)
        return ERR_NOT_FOUND;
    flags = f->flags | (t->process->files->entry[t->extra].flags & FD_FLAG_CLOEXEC ? O_CLOEXEC : 0);
    text_printf(out, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\n", (unsigned long)f->offset, flags,
                f->mnt ? f->mnt->id : 0);
    if (f->ops->fdinfo)
        f->ops->fdinfo(f, out);
    return 0;
}

static bool fd_exists(const struct proc_target *t, uint32_t number)
{
    return t->process && t->process->open && fd_lookup_any(t->process, (int32_t)number);
}

static int64_t fd_next(const struct proc_target *t, uint32_t from, uint32_t *shown)
{
    if (!t->process->open)
        return -1;
    for (uint32_t i = from; i < t->process->files->size; i++) {
        if (t->process->files->entry[i].file) {
            *shown = i;
            return i;
        }
    }
    return -1;
}

static bool thread_exists(const struct proc_target *t, uint32_t tid)
{
    if (!t->process)
        return false;
    if (tid == t->pid)
        return true;
    for (uint32_t i = 0; i < VM_MAX_THREADS; i++)
        if (t->process->page->thread[i].tid == tid && tid)
            return true;
    return false;
}

static int64_t thread_next(const struct proc_target *t, uint32_t from, uint32_t *shown)
{
    for (uint32_t i = from; i < VM_MAX_THREADS; i++) {
        *shown = t->process->page->thread[i].tid;
        if (*shown)
            return i;
    }
    return -1;
}

/* ---- the tree ---- */
#define FILE_NODE(n, m, fn, b) { .name = (n), .mode = S_IFREG | (m), .print = (fn), .blocks = (b) }
#define LINK_NODE(n, fn) { .name = (n), .mode = S_IFLNK | 0777, .text = fn##_text, .follow = fn##_follow }
/* The name of a thread other than the first is asked of proc. */
#define COMMON_NODES(name_blocks) \
    FILE_NODE("stat", 0444, print_stat, true), FILE_NODE("status", 0444, print_status, true), \
    FILE_NODE("statm", 0444, print_statm, true), FILE_NODE("cmdline", 0444, print_cmdline, false), \
    { .name = "comm", .mode = S_IFREG | 0644, .print = print_comm, .blocks = (name_blocks), .write = write_comm }, \
    FILE_NODE("maps", 0444, print_maps, false), \
    FILE_NODE("environ", 0400, print_environ, false), FILE_NODE("auxv", 0400, print_auxv, false), \
    FILE_NODE("limits", 0444, print_limits, false), FILE_NODE("mounts", 0444, print_mounts, false), \
    FILE_NODE("mountinfo", 0444, print_mountinfo, false), FILE_NODE("oom_score", 0444, print_zero, false), \
    FILE_NODE("oom_score_adj", 0444, print_zero, false), LINK_NODE("exe", exe), LINK_NODE("cwd", cwd), \
    LINK_NODE("root", root)

static const struct proc_node fd_entry = LINK_NODE("fd", fd);
static const struct proc_node fdinfo_entry = FILE_NODE("fdinfo", 0444, print_fdinfo, false);
static const struct proc_node task_nodes[] = { COMMON_NODES(true) };
static const struct proc_node task_entry = {
    .name = "task", .mode = S_IFDIR | 0555, .children = task_nodes,
    .nr_children = sizeof task_nodes / sizeof task_nodes[0],
};
static const struct proc_node process_nodes[] = {
    COMMON_NODES(false),
    { .name = "fd", .mode = S_IFDIR | 0500, .numbered = &fd_entry, .number_exists = fd_exists, .number_next = fd_next },
    { .name = "fdinfo", .mode = S_IFDIR | 0555, .numbered = &fdinfo_entry, .number_exists = fd_exists,
      .number_next = fd_next },
    { .name = "task", .mode = S_IFDIR | 0555, .numbered = &task_entry, .number_exists = thread_exists,
      .number_next = thread_next },
};
const struct proc_node proc_process_node = {
    .name = "PID", .mode = S_IFDIR | 0555, .children = process_nodes,
    .nr_children = sizeof process_nodes / sizeof process_nodes[0],
};
