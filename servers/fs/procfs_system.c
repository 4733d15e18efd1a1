/* SPDX-License-Identifier: MIT */
/* Files about the system: /proc/meminfo, stat, mounts, sys/kernel and so on (proc(5)). */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <libipc/executor.h>
#include <libipc/syscall.h>

#include "locks.h"
#include "mounts.h"
#include "peers.h"
#include "proc_client.h"
#include "procfs.h"
#include "random.h"
#include "segments.h"

#define USER_HZ 100u
#define LINUX_RELEASE "6.1.0-atoll"    /* both as uname(2) gives them */
#define LINUX_VERSION "#1 SMP Atoll"
#define PID_MAX 32768u
#define LOAD_SHIFT 16

static uint64_t hz(void)
{
    return fs_info->timebase_hz ? fs_info->timebase_hz : 1;
}

static error_t print_meminfo(struct text *out, const struct proc_target *t)
{
    uint64_t total, left, cached = 0;

    (void)t;
    segments_memory(&total, &left);
    for (struct superblock *sb = superblocks; sb; sb = sb->next)
        cached += sb->nr_pages;
    text_printf(out, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n",
                (unsigned long)total * 4, (unsigned long)left * 4, (unsigned long)segments_available() * 4);
    text_printf(out, "Buffers:        %8lu kB\nCached:         %8lu kB\nSwapCached:     %8lu kB\n", 0ul,
                (unsigned long)cached * 4, 0ul);
    text_printf(out, "Active:         %8lu kB\nInactive:       %8lu kB\n", (unsigned long)(total - left) * 4, 0ul);
    text_printf(out, "SwapTotal:      %8lu kB\nSwapFree:       %8lu kB\nDirty:          %8lu kB\n"
                     "Shmem:          %8lu kB\nSlab:           %8lu kB\nSReclaimable:   %8lu kB\n",
                0ul, 0ul, 0ul, (unsigned long)cached * 4, 0ul, 0ul);
    return 0;
}

static error_t print_uptime(struct text *out, const struct proc_target *t)
{
    uint64_t busy, idle, idle_sum = 0, now = exec_now();

    (void)t;
    for (uint32_t h = 0; h < fs_info->nr_harts; h++) {
        error_t e = proc_hart_times(&proc_peer, h, &busy, &idle);

        if (e)
            return e;
        idle_sum += idle;
    }
    text_printf(out, "%lu.%02lu %lu.%02lu\n", (unsigned long)(now / hz()), (unsigned long)(now % hz() * 100 / hz()),
                (unsigned long)(idle_sum / hz()), (unsigned long)(idle_sum % hz() * 100 / hz()));
    return 0;
}

const volatile struct hart_page *fs_hart_page;

/* Runnable threads on the guests' harts, and the reader, who waits for us; all
 * processes; the newest pid. */
static void count_processes(uint32_t *running, uint32_t *all, uint32_t *newest)
{
    *running = 1, *all = *newest = 0;
    for (uint32_t h = 0; fs_hart_page && h < fs_info->nr_harts && h < MAX_HARTS; h++)
        if (fs_info->guest_hart_mask >> h & 1 && h != fs_info->hart)
            *running += fs_hart_page->hart[h].runnable;
    for (const struct process *p = process_next(NULL); p; p = process_next(p)) {
        ++*all;
        if (p->page->pid > *newest)
            *newest = p->page->pid;
    }
}

static error_t print_loadavg(struct text *out, const struct proc_target *t)
{
    uint64_t total, left, cached;
    uint32_t n, load[3], running, all, newest;
    error_t e = proc_memory(&proc_peer, &total, &left, &cached, &n, &load[0], &load[1], &load[2]);

    (void)t;
    if (e)
        return e;
    for (int i = 0; i < 3; i++)
        text_printf(out, "%u.%02u ", load[i] >> LOAD_SHIFT,
                    (unsigned)(((uint64_t)(load[i] & ((1u << LOAD_SHIFT) - 1)) * 100) >> LOAD_SHIFT));
    count_processes(&running, &all, &newest);
    text_printf(out, "%u/%u %u\n", running, all, newest);
    return 0;
}

static error_t print_stat(struct text *out, const struct proc_target *t)
{
    uint64_t busy[MAX_HARTS], idle[MAX_HARTS], busy_sum = 0, idle_sum = 0;
    uint32_t running, all, newest, n = fs_info->nr_harts < MAX_HARTS ? fs_info->nr_harts : MAX_HARTS;

    (void)t;
    for (uint32_t h = 0; h < n; h++) {
        error_t e = proc_hart_times(&proc_peer, h, &busy[h], &idle[h]);

        if (e)
            return e;
        busy_sum += busy[h] = busy[h] * USER_HZ / hz();
        idle_sum += idle[h] = idle[h] * USER_HZ / hz();
    }
    text_printf(out, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", (unsigned long)busy_sum, (unsigned long)idle_sum);
    for (uint32_t h = 0; h < n; h++)
        text_printf(out, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", h, (unsigned long)busy[h], (unsigned long)idle[h]);
    count_processes(&running, &all, &newest);
    text_printf(out, "intr 0\nctxt 0\nbtime %lu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
                (unsigned long)(fs_now().s - (int64_t)(exec_now() / hz())), newest, running);
    return 0;
}

static error_t print_version(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_printf(out, "Linux version " LINUX_RELEASE " (atoll) " LINUX_VERSION "\n");
    return 0;
}

static error_t print_cpuinfo(struct text *out, const struct proc_target *t)
{
    (void)t;
    /* those that programs run on, as sched_getaffinity(2) counts them */
    for (uint32_t h = 0; h < fs_info->nr_harts; h++)
        if (fs_info->guest_hart_mask >> h & 1)
            text_printf(out, "processor\t: %u\nhart\t\t: %u\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\n\n", h, h);
    return 0;
}

static void print_flags(struct text *out, uint32_t flags)
{
    text_printf(out, "%s%s%s%s", flags & MS_RDONLY ? "ro" : "rw", flags & MS_NOSUID ? ",nosuid" : "",
                flags & MS_NODEV ? ",nodev" : "", flags & MS_NOEXEC ? ",noexec" : "");
}

/* The part of its file system that a mount shows. */
static void print_mount_root(struct text *out, const struct mount *m)
{
    static char path[FS_PATH_MAX + 1];
    size_t at = sizeof path - 1;

    for (const struct dentry *d = m->root; d->parent != d; d = d->parent) {
        if (at < (size_t)d->len + 1)
            break;
        at -= d->len;
        memcpy(path + at, d->name, d->len);
        path[--at] = '/';
    }
    if (at == sizeof path - 1)
        path[--at] = '/';
    text_escaped(out, path + at);
    if (dentry_is_gone(m->root))
        text_printf(out, "//deleted");
}

/* proc(5): mountinfo. */
static void print_mountinfo(struct text *out, const struct mount *m, const char *path)
{
    text_printf(out, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : m->id, FS_MAJOR(m->sb->dev),
                FS_MINOR(m->sb->dev));
    print_mount_root(out, m);
    text_printf(out, " ");
    text_escaped(out, path);
    text_printf(out, " ");
    print_flags(out, m->flags);
    if (mount_shared(m))
        text_printf(out, " shared:%u", m->group->id);
    if (m->group && m->group->master)
        text_printf(out, " master:%u", m->group->master->id);
    if (m->unbindable)
        text_printf(out, " unbindable");
    text_printf(out, " - %s ", m->sb->type->name);
    text_escaped(out, m->source);
    text_printf(out, " ");
    print_flags(out, m->sb->flags);
    text_printf(out, "\n");
}

static void print_mount(struct text *out, const struct mount *m, const char *path)
{
    text_escaped(out, m->source);
    text_printf(out, " ");
    text_escaped(out, path);
    text_printf(out, " %s ", m->sb->type->name);
    print_flags(out, m->flags | m->sb->flags);
    text_printf(out, " 0 0\n");
}

/* Of the mounts below the reader's root. */
void proc_print_mounts(struct text *out, struct process *reader, bool mountinfo)
{
    static char path[FS_PATH_MAX + 1];

    for (struct mount *m = mounts; m; m = m->next) {
        /* of a root without a name the mount point, which is not marked as deleted */
        struct path at = m->parent && dentry_is_gone(m->root) ? (struct path){ m->parent, m->at }
                                                              : (struct path){ m, m->root };
        size_t len;

        if (vfs_path(reader, &at, path, sizeof path - 1, &len) || path[0] != '/')
            continue;
        path[len] = 0;
        if (mountinfo)
            print_mountinfo(out, m, path);
        else
            print_mount(out, m, path);
    }
}

static error_t print_filesystems(struct text *out, const struct proc_target *t)
{
    const struct fs_type *type;

    (void)t;
    for (unsigned i = 0; (type = vfs_type_at(i)); i++)
        text_printf(out, "nodev\t%s\n", type->name);
    return 0;
}

static error_t print_cmdline(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_add(out, fs_info->command_line, strnlen(fs_info->command_line, sizeof fs_info->command_line));
    text_printf(out, "\n");
    return 0;
}

static error_t print_partitions(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_printf(out, "major minor  #blocks  name\n\n");
    return 0;
}

static error_t print_devices(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_printf(out, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\n"
                     "Block devices:\n");
    return 0;
}

static error_t print_swaps(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_printf(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

static error_t print_locks(struct text *out, const struct proc_target *t)
{
    (void)t;
    locks_print(out);
    return 0;
}

static error_t self_text(const struct proc_target *t, char *text, size_t room, size_t *len)
{
    int n = t->reader ? snprintf(text, room, "%u", process_pid(t->reader)) : -1;

    *len = n > 0 ? (size_t)n : 0;
    return n > 0 ? 0 : ERR_NOT_FOUND;
}

/* Requests do not tell the thread; the main one stands for all. */
static error_t thread_self_text(const struct proc_target *t, char *text, size_t room, size_t *len)
{
    int n = t->reader ? snprintf(text, room, "%u/task/%u", process_pid(t->reader), process_pid(t->reader)) : -1;

    *len = n > 0 ? (size_t)n : 0;
    return n > 0 ? 0 : ERR_NOT_FOUND;
}

static error_t mounts_text(const struct proc_target *t, char *text, size_t room, size_t *len)
{
    (void)t;
    *len = (size_t)snprintf(text, room, "self/mounts");
    return 0;
}

/* ---- /proc/sys ---- */
static error_t print_hostname(struct text *out, const struct proc_target *t)
{
    char name[66];
    uint64_t done = 0;
    error_t e = proc_get_hostname(&proc_peer, (struct rpc_out){ name, 65 }, &done);

    (void)t;
    if (e)
        return e;
    text_add(out, name, strnlen(name, done < 65 ? done : 65));
    text_printf(out, "\n");
    return 0;
}

#define CONSTANT(fn, ...) \
    static error_t fn(struct text *out, const struct proc_target *t) { (void)t; text_printf(out, __VA_ARGS__); return 0; }
CONSTANT(print_osrelease, LINUX_RELEASE "\n")
CONSTANT(print_ostype, "Linux\n")
CONSTANT(print_os_version, LINUX_VERSION "\n")
CONSTANT(print_domainname, "(none)\n")
CONSTANT(print_pid_max, "%u\n", PID_MAX)
CONSTANT(print_ngroups_max, "%u\n", 64u)
CONSTANT(print_entropy, "256\n")
CONSTANT(print_cap_last, "40\n")
CONSTANT(print_file_max, "65536\n")
CONSTANT(print_nr_open, "%u\n", FS_FD_MAX)
CONSTANT(print_pipe_max, "1048576\n")
CONSTANT(print_overcommit, "1\n")
CONSTANT(print_threads_max, "%u\n", NR_THREAD_SLOTS)

static error_t print_uuid(struct text *out, const struct proc_target *t)
{
    uint8_t b[16];

    (void)t;
    random_bytes(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++)
        text_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    text_printf(out, "\n");
    return 0;
}

static error_t print_boot_id(struct text *out, const struct proc_target *t)
{
    static struct text id;

    if (!id.len)
        (void)print_uuid(&id, t);
    text_add(out, id.data, id.len);
    return 0;
}

/* ---- /proc/atoll: what programs asked for in vain, and what kernel and fs counted ---- */
static error_t print_unimplemented(struct text *out, const struct proc_target *t)
{
    (void)t;
    text_printf(out, "pid count system calls answered with ENOSYS\n");
    for (const struct process *p = process_next(NULL); p; p = process_next(p)) {
        if (!p->open || !p->sig->nr_unimplemented)
            continue;
        text_printf(out, "%u %lu", p->page->pid, (unsigned long)p->sig->nr_unimplemented);
        for (unsigned n = 0; n < 512; n++)
            if (p->sig->unimplemented[n / 64] >> (n % 64) & 1)
                text_printf(out, " %u", n);
        text_printf(out, "\n");
    }
    return 0;
}

/* The kernel's counts, a line each, a column for each hart. */
static error_t print_counters(struct text *out, const struct proc_target *t)
{
    static const struct { const char *name; size_t offset; } rows[] = {
#define ROW(field) { #field, offsetof(struct kernel_counters, field) }
        ROW(nr_traps), ROW(nr_syscalls), ROW(nr_reflections), ROW(nr_resumes), ROW(nr_faults), ROW(nr_irqs),
        ROW(nr_timer_irqs), ROW(nr_ipis_sent), ROW(nr_ipis_taken), ROW(nr_switches), ROW(nr_idle_sleeps),
        ROW(nr_lock_waits), ROW(idle_ticks),
#undef ROW
    };
    static struct kernel_counters counters[MAX_HARTS];
    uint32_t n = fs_info->nr_harts < MAX_HARTS ? fs_info->nr_harts : MAX_HARTS;

    (void)t;
    for (uint32_t h = 0; h < n; h++) {
        error_t e = platform_counters(SRV_CAP_PLATFORM, &counters[h], h);

        if (e)
            return e;
    }
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_printf(out, "%s", rows[i].name);
        for (uint32_t h = 0; h < n; h++)
            text_printf(out, " %lu", (unsigned long)*(uint64_t *)((char *)&counters[h] + rows[i].offset));
        text_printf(out, "\n");
    }
    return 0;
}

static error_t print_executor(struct text *out, const struct proc_target *t)
{
    struct exec_stats s;
    struct coro_stats c;

    (void)t;
    exec_get_stats(&s);
    coro_get_stats(&c);
    text_printf(out, "turns %lu\nsleeps %lu\nrequests %lu\nspins_won %lu\nspins_lost %lu\ncoroutines %u/%u high %u\n",
                (unsigned long)s.turns, (unsigned long)s.sleeps, (unsigned long)s.requests,
                (unsigned long)s.spins_won, (unsigned long)s.spins_lost, c.used, c.total, c.high_water);
    return 0;
}

/* Who pays for the pool's pages; the kernel keeps some free pages ready for each hart. */
static error_t print_memory(struct text *out, const struct proc_target *t)
{
    uint64_t total, left, used = 0, empty = 0;

    (void)t;
    segments_memory(&total, &left);
    for (uint32_t slot = FIRST_PROCESS_SLOT; slot < NR_SLOTS; slot++) {
        *(processes[slot].open ? &used : &empty) += segments_charged(slot);
    }
    text_printf(out, "total %lu\nfree %lu\nsystem %lu\nfiles %lu\nprocesses %lu\nempty_spaces %lu\n",
                (unsigned long)total, (unsigned long)left, (unsigned long)segments_charged(SYSTEM_ACCOUNT),
                (unsigned long)segments_charged(FILES_ACCOUNT), (unsigned long)used, (unsigned long)empty);
    return 0;
}

#define FILE_NODE(n, fn, b) { .name = (n), .mode = S_IFREG | 0444, .print = (fn), .blocks = (b) }
#define DIR_NODE(n, c) \
    { .name = (n), .mode = S_IFDIR | 0555, .children = (c), .nr_children = sizeof(c) / sizeof((c)[0]) }

static const struct proc_node random_nodes[] = {
    FILE_NODE("uuid", print_uuid, false), FILE_NODE("boot_id", print_boot_id, false),
    FILE_NODE("entropy_avail", print_entropy, false), FILE_NODE("poolsize", print_entropy, false),
};
static const struct proc_node kernel_nodes[] = {
    FILE_NODE("hostname", print_hostname, true), FILE_NODE("domainname", print_domainname, false),
    FILE_NODE("osrelease", print_osrelease, false), FILE_NODE("ostype", print_ostype, false),
    FILE_NODE("version", print_os_version, false), FILE_NODE("pid_max", print_pid_max, false),
    FILE_NODE("ngroups_max", print_ngroups_max, false), FILE_NODE("cap_last_cap", print_cap_last, false),
    FILE_NODE("threads-max", print_threads_max, false), DIR_NODE("random", random_nodes),
};
static const struct proc_node fs_nodes[] = {
    FILE_NODE("file-max", print_file_max, false), FILE_NODE("nr_open", print_nr_open, false),
    FILE_NODE("pipe-max-size", print_pipe_max, false),
};
static const struct proc_node vm_nodes[] = { FILE_NODE("overcommit_memory", print_overcommit, false) };
static const struct proc_node sys_nodes[] = {
    DIR_NODE("kernel", kernel_nodes), DIR_NODE("fs", fs_nodes), DIR_NODE("vm", vm_nodes),
};
static const struct proc_node atoll_nodes[] = {
    FILE_NODE("unimplemented", print_unimplemented, false), FILE_NODE("fs", print_executor, false),
    FILE_NODE("counters", print_counters, false), FILE_NODE("memory", print_memory, false),
    { .name = "servers", .mode = S_IFREG | 0644, .print = proc_print_servers, .blocks = true, .write = proc_write_servers },
};

const struct proc_node proc_system_nodes[] = {
    { .name = "self", .mode = S_IFLNK | 0777, .text = self_text },
    { .name = "thread-self", .mode = S_IFLNK | 0777, .text = thread_self_text },
    { .name = "mounts", .mode = S_IFLNK | 0777, .text = mounts_text },
    FILE_NODE("meminfo", print_meminfo, false), FILE_NODE("uptime", print_uptime, true),
    FILE_NODE("loadavg", print_loadavg, true), FILE_NODE("stat", print_stat, true),
    FILE_NODE("version", print_version, false), FILE_NODE("cpuinfo", print_cpuinfo, false),
    FILE_NODE("filesystems", print_filesystems, false), FILE_NODE("cmdline", print_cmdline, false),
    FILE_NODE("partitions", print_partitions, false), FILE_NODE("devices", print_devices, false),
    FILE_NODE("swaps", print_swaps, false), FILE_NODE("locks", print_locks, false),
    DIR_NODE("sys", sys_nodes), DIR_NODE("atoll", atoll_nodes),
};
const uint32_t proc_nr_system_nodes = sizeof proc_system_nodes / sizeof proc_system_nodes[0];
