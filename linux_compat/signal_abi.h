/* SPDX-License-Identifier: MIT */
/*
 * What Linux on riscv64 puts on the stack for a signal handler, and the numbers
 * of signals (uapi asm/sigcontext.h, asm/ucontext.h, asm-generic/siginfo.h,
 * asm-generic/signal.h as facts of the ABI).
 */
#ifndef COMPAT_SIGNAL_ABI_H
#define COMPAT_SIGNAL_ABI_H

#include <atoll/types.h>

enum {
    SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
    SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU,
    SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
};

#define SA_NOCLDSTOP    0x1ul
#define SA_NOCLDWAIT    0x2ul
#define SA_SIGINFO      0x4ul
#define SA_ONSTACK      0x08000000ul
#define SA_RESTART      0x10000000ul
#define SA_NODEFER      0x40000000ul
#define SA_RESETHAND    0x80000000ul
#define SA_KNOWN        (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND)

#define SIG_DFL 0ul
#define SIG_IGN 1ul

#define SS_ONSTACK      1u
#define SS_DISABLE      2u
#define SS_AUTODISARM   0x80000000u
#define MIN_SIGSTACK    2048u

#define SI_USER     0
#define SI_KERNEL   0x80
#define SI_QUEUE    (-1)
#define SI_TIMER    (-2)
#define SI_TKILL    (-6)

enum { ILL_ILLOPC = 1, FPE_INTDIV = 1, SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2,
       TRAP_BRKPT = 1 };

#define SIGBIT(n)   (1ul << ((n) - 1))
/* Never blocked, caught or ignored. */
#define SIG_UNBLOCKABLE (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
/* Ignored by default. */
#define SIG_DEFAULT_IGNORED (SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH))
/* Caused by an instruction: forced even when blocked. */
#define SIG_SYNCHRONOUS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) | SIGBIT(SIGSYS))

struct linux_sigaction { uint64_t handler, flags, mask; };
_Static_assert(sizeof(struct linux_sigaction) == 24, "riscv64 has no sa_restorer");

struct linux_siginfo {
    int32_t signo, error, code, pad;
    union {
        struct { uint32_t pid, uid; uint64_t value; } queue;        /* kill, sigqueue */
        struct { int32_t timer, overrun; uint64_t value; } timer;
        struct { uint32_t pid, uid; int32_t status, pad; int64_t utime, stime; } child;
        struct { uint64_t address; } fault;
        struct { int64_t band; int32_t fd; } poll;
        uint8_t bytes[112];
    };
};
_Static_assert(sizeof(struct linux_siginfo) == 128, "SI_MAX_SIZE");

struct linux_stack { uint64_t sp; int32_t flags; uint32_t pad; uint64_t size; };

/* The union of F, D and Q state; D is what we fill. */
struct linux_fp_state {
    uint64_t f[32];
    uint32_t fcsr;
    uint8_t  rest[528 - 260];
} __attribute__((aligned(16)));
_Static_assert(sizeof(struct linux_fp_state) == 528, "union __riscv_fp_state");

struct linux_sigcontext {
    uint64_t pc;
    uint64_t regs[31];          /* x1..x31                                      */
    struct linux_fp_state fp;   /* its last 12 bytes end the extension list: 0  */
};

struct linux_ucontext {
    uint64_t flags;
    uint64_t link;
    struct linux_stack stack;
    uint64_t mask;
    uint8_t  unused[120];       /* room for a 1024-bit mask                     */
    struct linux_sigcontext mcontext __attribute__((aligned(16)));
};
_Static_assert(offsetof(struct linux_ucontext, mcontext) == 176, "riscv64 ucontext");

struct linux_sigframe {
    struct linux_siginfo info;
    struct linux_ucontext uc;
};

void fp_save(struct linux_fp_state *);
void fp_restore(const struct linux_fp_state *);

#endif
