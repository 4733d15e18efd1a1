/* SPDX-License-Identifier: MIT */
/* What every file of the supervisor uses: telling people, and giving up. */
#ifndef SUPERVISOR_MAIN_H
#define SUPERVISOR_MAIN_H

#include <atoll/errors.h>
#include <stdint.h>

/* A line to the kernel's console, prefixed with "supervisor: ". */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Say why and end the system with status 125. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* fail unless error is 0. */
void must(error_t error, const char *what);
void power_off(uint64_t status, uint64_t reboot) __attribute__((noreturn));

#endif
