/* SPDX-License-Identifier: MIT */
/*
 * Clocks and the time page; see clock.h. ns = (ticks * mult) >> shift with a
 * 128-bit product; for a time base that divides 10^9 it is exact.
 */
#include "clock.h"

#include <libipc/executor.h>

#define NS 1000000000ul
#define SHIFT 32

static struct time_page *page;
static uint64_t mult, hz;       /* as in the page, which another shard may not have filled yet */

int64_t clock_ticks_to_ns(ticks_t ticks)
{
    return (int64_t)((unsigned __int128)ticks * mult >> SHIFT);
}

ticks_t clock_ns_to_ticks(int64_t ns)
{
    uint64_t seconds, rest;

    if (ns <= 0)
        return 0;
    seconds = (uint64_t)ns / NS;
    rest = (uint64_t)ns % NS;
    return seconds * hz + (rest * hz + NS - 1) / NS;
}

static void publish_offset(int64_t offset)
{
    uint32_t seq = page->seq;

    __atomic_store_n(&page->seq, seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&page->realtime_offset_ns, offset, __ATOMIC_RELAXED);
    __atomic_store_n(&page->seq, seq + 2, __ATOMIC_RELEASE);
}

void clock_join(struct time_page *memory, uint32_t timebase_hz)
{
    page = memory;
    hz = timebase_hz;
    mult = (NS << SHIFT) / hz;
}

void clock_init(struct time_page *memory, uint32_t timebase_hz, int64_t realtime_ns)
{
    clock_join(memory, timebase_hz);
    if (page->hz == hz) {       /* restarted: the clock goes on, as it was or as it was being set */
        __atomic_store_n(&page->seq, page->seq + (page->seq & 1), __ATOMIC_RELEASE);
        return;
    }
    page->shift = SHIFT;
    page->mult = mult;
    page->tai_offset_s = 0;
    publish_offset(realtime_ns ? realtime_ns - clock_monotonic_ns() : 0);
    page->hz = timebase_hz;
}

int64_t clock_monotonic_ns(void)
{
    return clock_ticks_to_ns(exec_now());
}

int64_t clock_realtime_offset(void)
{
    return __atomic_load_n(&page->realtime_offset_ns, __ATOMIC_RELAXED);
}

void clock_set_realtime(int64_t realtime_ns)
{
    publish_offset(realtime_ns - clock_monotonic_ns());
}

error_t clock_is_realtime(uint32_t clock, bool *realtime)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *realtime = true;
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *realtime = false;
        return 0;
    default:
        return ERR_INVALID_ARGUMENT;
    }
}
