/* SPDX-License-Identifier: MIT */
/* Copies the kernel's trace rings to the host; tracer.c. */
#ifndef FS_TRACER_H
#define FS_TRACER_H

#include <libipc/system.h>

/* Nothing without BOOT_TRACE. */
void tracer_start(const struct server_info *);

#endif
