/* SPDX-License-Identifier: MIT */
/* The end of the system. */
#ifndef PROC_SHUTDOWN_H
#define PROC_SHUTDOWN_H

#include "process.h"

/* init ended with this wait status: end the system once fs has heard of it and
 * had time to bring its output to the devices. */
void shutdown_when_idle(uint32_t status);
void shutdown_now(uint32_t status, bool reboot);

#endif
