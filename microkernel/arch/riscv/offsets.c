/* SPDX-License-Identifier: MIT */
/* Proof of arch/riscv/offsets.h. */
#include "arch/riscv/offsets.h"

#include <atoll/frame.h>
#include <atoll/syscall.h>

#include "kernel/hart.h"
#include "kernel/syscall.h"
#include "object/tcb.h"
#include "object/vspace.h"

_Static_assert(offsetof(struct tcb, x) == TCB_PC, "");
_Static_assert(offsetof(struct tcb, pers_base) == TCB_PERS_BASE, "");
_Static_assert(offsetof(struct tcb, pers_syscall) == TCB_PERS_SYSCALL, "");
_Static_assert(offsetof(struct tcb, frame) == TCB_FRAME, "");
_Static_assert(offsetof(struct tcb, frame_uaddr) == TCB_FRAME_UADDR, "");
_Static_assert(offsetof(struct tcb, hart_ptr) == TCB_HART, "");
_Static_assert(offsetof(struct tcb, fast_hart) == TCB_FAST_HART, "");
_Static_assert(offsetof(struct tcb, upcall_pending) == TCB_UPCALL_FLAG, "");
_Static_assert(offsetof(struct hart, current) == HART_CURRENT, "");
_Static_assert(offsetof(struct hart, stack_top) == HART_STACK_TOP, "");
_Static_assert(offsetof(struct hart, nr_reflections) == HART_REFLECTIONS, "");
_Static_assert(offsetof(struct hart, nr_resumes) == HART_RESUMES, "");
_Static_assert(offsetof(struct upcall_frame, guest.x) == 0, "");
_Static_assert(DIRECT_BASE == ~0ul << 38, "cap_object: 39 bits, sign-extended");
_Static_assert(SYS_CALL == NR_SYS_CALL, "");
_Static_assert(SYS_REPLY_RECV == NR_SYS_REPLY_RECV, "");
_Static_assert(SYS_INVOKE == NR_SYS_INVOKE && SYS_SIGNAL < SYS_INVOKE && SYS_WAIT < SYS_INVOKE, "");
_Static_assert(SYS_RESUME == NR_SYS_RESUME, "");
_Static_assert(SYS_SIGNAL_WAIT == NR_SYS_SIGNAL_WAIT, "");
_Static_assert(MSG_INFO(0, 127, 3) == MSG_SIZE_MASK, "");
_Static_assert(MSG_REG_WORDS == MSG_REG_WORDS_MAX, "");
_Static_assert(offsetof(struct vspace, harts) == 0, "an atomic takes no offset");
_Static_assert(SYSCALL_DONE == 0 && SYSCALL_DECLINED == NR_SYSCALL_DECLINED, "");
