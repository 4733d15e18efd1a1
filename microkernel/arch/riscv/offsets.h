/* SPDX-License-Identifier: MIT */
/* Offsets and numbers that assembly uses; offsets.c proves each of them. */
#ifndef ATOLL_ARCH_OFFSETS_H
#define ATOLL_ARCH_OFFSETS_H

#define TCB_X(n)          ((n) * 8)
#define TCB_PC            0
#define TCB_PERS_BASE     256
#define TCB_PERS_SYSCALL  264
#define TCB_FRAME         272
#define TCB_FRAME_UADDR   280
#define TCB_HART          288
#define TCB_FAST_HART     296
#define TCB_UPCALL_FLAG   304

#define HART_CURRENT      0
#define HART_STACK_TOP    8
#define HART_REFLECTIONS  16
#define HART_RESUMES      24

#define FRAME_X(n)        ((n) * 8)

#define NR_SYS_CALL       0
#define NR_SYS_REPLY_RECV 1
#define NR_SYS_SIGNAL_WAIT 10
#define NR_SYS_INVOKE     12
#define NR_SYS_RESUME     15

#define NR_SYSCALL_DECLINED 1
#define MSG_SIZE_MASK     0x1ff     /* of the message info: words and capabilities */
#define MSG_REG_WORDS_MAX 4

#endif
