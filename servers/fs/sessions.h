/* SPDX-License-Identifier: MIT */
/*
 * fs's sessions and the shared pages of the slots (main.c; a fake in tests).
 */
#ifndef FS_SESSIONS_H
#define FS_SESSIONS_H

#include <libipc/system.h>

void sessions_open(uint32_t slot);
/* Cancels what the slot's process has parked. */
void sessions_close(uint32_t slot);

const volatile struct proc_page *pages_proc(uint32_t slot);
const volatile struct sig_page *pages_sig(uint32_t slot);
struct fd_word *pages_fd(uint32_t slot);
const volatile struct time_page *pages_time(void);

#endif
