/* SPDX-License-Identifier: MIT */
/* Offsets and numbers for the assembly; becomes build/gen/kernel/offsets.h. */
#include <atoll/frame.h>
#include <atoll/syscall.h>

#include "kernel/hart.h"
#include "kernel/syscall.h"
#include "object/tcb.h"
#include "object/vspace.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))

_Static_assert(DIRECT_BASE == ~0ul << 38, "cap_object: 39 bits, sign-extended");
_Static_assert(SYS_CALL == 0 && SYS_REPLY_RECV == 1, "one comparison");
_Static_assert(SYS_SIGNAL < SYS_INVOKE && SYS_WAIT < SYS_INVOKE, "one comparison");
_Static_assert(offsetof(struct vspace, harts) == 0, "an atomic takes no offset");
_Static_assert(SYSCALL_DONE == 0, "");

void offsets(void);
void offsets(void)
{
    DEFINE(TCB_PC, offsetof(struct tcb, x));
    DEFINE(TCB_PERS_BASE, offsetof(struct tcb, pers_base));
    DEFINE(TCB_PERS_SYSCALL, offsetof(struct tcb, pers_syscall));
    DEFINE(TCB_FRAME, offsetof(struct tcb, frame));
    DEFINE(TCB_FRAME_UADDR, offsetof(struct tcb, frame_uaddr));
    DEFINE(TCB_HART, offsetof(struct tcb, hart_ptr));
    DEFINE(TCB_UPCALL_FLAG, offsetof(struct tcb, upcall_pending));
    DEFINE(HART_CURRENT, offsetof(struct hart, current));
    DEFINE(HART_STACK_TOP, offsetof(struct hart, stack_top));
    DEFINE(HART_REFLECTIONS, offsetof(struct hart, nr_reflections));
    DEFINE(HART_RESUMES, offsetof(struct hart, nr_resumes));
    DEFINE(FRAME_GUEST, offsetof(struct upcall_frame, guest.x));
    DEFINE(NR_SYS_REPLY_RECV, SYS_REPLY_RECV);
    DEFINE(NR_SYS_SIGNAL_WAIT, SYS_SIGNAL_WAIT);
    DEFINE(NR_SYS_INVOKE, SYS_INVOKE);
    DEFINE(NR_SYS_RESUME, SYS_RESUME);
    DEFINE(NR_SYSCALL_DECLINED, SYSCALL_DECLINED);
    DEFINE(MSG_SIZE_MASK, MSG_INFO(0, 127, 3));
    DEFINE(MSG_REG_WORDS_MAX, MSG_REG_WORDS);
}
