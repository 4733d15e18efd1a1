/* SPDX-License-Identifier: MIT */
/*
 * Google's goldfish RTC: reading TIME_LOW (0x00) latches the high half, which
 * TIME_HIGH (0x04) then gives; together nanoseconds since 1970.
 */
#include "rtc.h"

#include <string.h>

enum { RTC_TIME_LOW = 0x00, RTC_TIME_HIGH = 0x04 };

int64_t rtc_read(const struct server_info *info)
{
    for (uint32_t i = 0; i < info->nr_devices && i < SRV_MAX_DEVICES; i++) {
        const struct srv_device *d = &info->device[i];
        const volatile uint32_t *regs = (const volatile uint32_t *)d->address;
        uint32_t low, high;

        if (strcmp(d->compatible, "google,goldfish-rtc") != 0)
            continue;
        low = regs[RTC_TIME_LOW / 4];
        high = regs[RTC_TIME_HIGH / 4];
        return (int64_t)((uint64_t)high << 32 | low);
    }
    return 0;
}
