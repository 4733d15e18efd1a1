/* SPDX-License-Identifier: MIT */
/* Offsets for the assembly; becomes build/gen/linux_compat/compat_offsets.h. */
#include <atoll/syscall.h>
#include "signal_abi.h"
#include "thread.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))

void offsets(void);
void offsets(void)
{
    DEFINE(FRAME_FAULT, offsetof(struct upcall_frame, fault));
    DEFINE(FRAME_FAULT_ACTIVE, offsetof(struct upcall_frame, fault_active));
    DEFINE(FRAME_STACK_TOP, offsetof(struct upcall_frame, stack_top));
    DEFINE(THREAD_WORK, offsetof(struct thread, work));
    DEFINE(NUMBER_RESUME, SYS_RESUME);
    DEFINE(NUMBER_RESUME_FULL, SYS_RESUME_FULL);
    DEFINE(TIME_PAGE, PERS_TIME_PAGE);
    DEFINE(TIME_SEQ, offsetof(struct time_page, seq));
    DEFINE(TIME_HZ, offsetof(struct time_page, hz));
    DEFINE(TIME_MULT, offsetof(struct time_page, mult));
    DEFINE(TIME_SHIFT, offsetof(struct time_page, shift));
    DEFINE(TIME_REALTIME, offsetof(struct time_page, realtime_offset_ns));
    DEFINE(FP_FCSR, offsetof(struct linux_fp_state, fcsr));
}
