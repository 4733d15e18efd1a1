/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Monotonic time is the time base since boot; realtime is
 * monotonic plus an offset that the time page publishes and only this server
 * changes.
 */
#ifndef TIME_CLOCK_H
#define TIME_CLOCK_H

#include <atoll/errors.h>
#include <atoll/types.h>
#include <libipc/system.h>

enum { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME, CLOCK_THREAD_CPUTIME, CLOCK_MONOTONIC_RAW,
       CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM,
       CLOCK_TAI = 11 };

/* In the shard that writes the clock: fill the time page, unless that was done before a restart; realtime_ns is what
 * time it is now, or 0 if nobody knows. In another, which only reads the offset: clock_join. The offset is 0 there until it is filled, and
 * clock_changed tells that it was. */
void clock_init(struct time_page *, uint32_t hz, int64_t realtime_ns);
void clock_join(struct time_page *, uint32_t hz);
int64_t clock_monotonic_ns(void);
int64_t clock_realtime_offset(void);
/* From clock_monotonic_ns() to REALTIME_MAX_NS, as settimeofday(2): the offset is never negative, and what is added to or
 * taken from a time in 30 years of uptime stays in 64 bits. */
void clock_set_realtime(int64_t realtime_ns);
#define REALTIME_MAX_NS (INT64_MAX - 30l * 365 * 86400 * 1000000000)
/* Does this clock jump when realtime is set? ERR_INVALID_ARGUMENT: no clock
 * that a timer can run on. */
error_t clock_is_realtime(uint32_t clock, bool *realtime);
/* Nanoseconds since boot to ticks, rounded up: a timer never fires early. */
ticks_t clock_ns_to_ticks(int64_t monotonic_ns);
int64_t clock_ticks_to_ns(ticks_t);

#endif
