/* SPDX-License-Identifier: MIT */
/* The goldfish real-time clock. */
#ifndef TIME_RTC_H
#define TIME_RTC_H

#include <libipc/system.h>

/* Nanoseconds since 1970 from the first goldfish RTC among the devices, or 0. */
int64_t rtc_read(const struct server_info *);

#endif
