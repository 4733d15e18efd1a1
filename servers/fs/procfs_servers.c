/* SPDX-License-Identifier: MIT */
/* /proc/atoll/servers: what each server says of itself (libipc/figures.h). */
#include <libipc/executor.h>
#include <libipc/figures.h>
#include <string.h>
#include <time_client.h>

#include "peers.h"
#include "proc_client.h"
#include "procfs.h"

/* Of each server: where it runs, what it did and how quickly, what it uses. */
error_t proc_print_servers(struct text *out, const struct proc_target *t)
{
    static const char *const names[] = { "proc", "fs", "time" };
    struct rpc_figures f[3];
    struct proc_server_figures proc;
    struct time_server_figures time;

    (void)t;
    _Static_assert(sizeof proc == sizeof f[0] && sizeof time == sizeof f[0], "the same words");
    error_t e = proc_server_figures(&proc_peer, &proc);
    if (!e)
        e = time_server_figures(&time_peer, &time);
    if (e)
        return e;
    memcpy(&f[0], &proc, sizeof f[0]);
    memcpy(&f[2], &time, sizeof f[2]);
    rpc_figures(&fs_server, SRV_CAP_TCB, fs_info->timebase_hz, fs_info->hart, &f[1]);

    uint64_t hz = fs_info->timebase_hz, now = exec_now(), up_us = now / hz * 1000000 + now % hz * 1000000 / hz;
    text_printf(out, "server hart cpu%% requests median_us p99_us queued coroutines most of stack_most of restarts\n");
    for (unsigned i = 0; i < 3; i++) {
        uint64_t permille = (f[i].user_ns + f[i].system_ns) / (up_us + 1);

        text_printf(out, "%s %lu %lu.%lu %lu %lu.%lu %lu.%lu %lu %lu %lu %lu %lu %lu %lu\n", names[i],
                    (unsigned long)f[i].hart, (unsigned long)permille / 10, (unsigned long)permille % 10,
                    (unsigned long)f[i].requests, (unsigned long)f[i].median_ns / 1000, (unsigned long)f[i].median_ns / 100 % 10,
                    (unsigned long)f[i].p99_ns / 1000, (unsigned long)f[i].p99_ns / 100 % 10, (unsigned long)f[i].queued,
                    (unsigned long)f[i].coroutines_used, (unsigned long)f[i].coroutines_most, (unsigned long)f[i].coroutines,
                    (unsigned long)f[i].stack_most, (unsigned long)f[i].stack_bytes, (unsigned long)f[i].restarts);
    }
    return 0;
}
