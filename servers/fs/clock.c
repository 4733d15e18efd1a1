/* SPDX-License-Identifier: MIT */
/* The wall clock, from the time server's page (seqlock, libipc/system.h). */
#include <libipc/atomic.h>
#include <libipc/syscall.h>
#include <libipc/system.h>

#include "vfs.h"

struct fs_time fs_now(void)
{
    const volatile struct time_page *t = (const volatile struct time_page *)SRV_TIME_PAGE;
    uint32_t seq;
    int64_t ns;

    do {
        seq = load_acquire(&t->seq);
        ns = (int64_t)(((unsigned __int128)sys_clock() * t->mult) >> t->shift) + t->realtime_offset_ns;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((seq & 1) || seq != t->seq);
    return (struct fs_time){ ns / 1000000000, (uint32_t)(ns % 1000000000) };
}

int64_t fs_seconds(void)
{
    static ticks_t until;
    static uint32_t seq;
    static int64_t seconds;
    const volatile struct time_page *t = (const volatile struct time_page *)SRV_TIME_PAGE;
    ticks_t now = sys_clock();

    if (now >= until || t->seq != seq) {
        seq = t->seq;
        until = now + t->hz / 16;
        seconds = fs_now().s;
    }
    return seconds;
}
