/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls, indexed by riscv64's numbers (asm-generic).
 */
#include "dispatch.h"
#include "error.h"
#include "process.h"
#if __has_include("files/table.h")
#include "files/table.h"
#else
#define FILES_SYSCALLS(X)
#endif

#define CORE_SYSCALLS(X) \
    X(90, sys_capget) X(91, sys_capset) X(92, sys_personality) \
    X(93, sys_exit) X(94, sys_exit_group) X(95, sys_waitid) X(96, sys_set_tid_address) X(97, sys_unshare) \
    X(98, sys_futex) X(99, sys_set_robust_list) X(100, sys_get_robust_list) \
    X(101, sys_nanosleep) X(102, sys_getitimer) X(103, sys_setitimer) \
    X(107, sys_timer_create) X(108, sys_timer_gettime) X(109, sys_timer_getoverrun) \
    X(110, sys_timer_settime) X(111, sys_timer_delete) \
    X(112, sys_clock_settime) X(113, sys_clock_gettime) X(114, sys_clock_getres) X(115, sys_clock_nanosleep) \
    X(116, sys_syslog) \
    X(118, sys_sched_setparam) X(119, sys_sched_setscheduler) X(120, sys_sched_getscheduler) \
    X(121, sys_sched_getparam) X(122, sys_sched_setaffinity) X(123, sys_sched_getaffinity) \
    X(124, sys_sched_yield) X(125, sys_sched_get_priority_max) X(126, sys_sched_get_priority_min) \
    X(127, sys_sched_rr_get_interval) X(128, sys_restart_syscall) \
    X(129, sys_kill) X(130, sys_tkill) X(131, sys_tgkill) X(132, sys_sigaltstack) X(133, sys_rt_sigsuspend) \
    X(134, sys_rt_sigaction) X(135, sys_rt_sigprocmask) X(136, sys_rt_sigpending) X(137, sys_rt_sigtimedwait) \
    X(138, sys_rt_sigqueueinfo) X(139, full_rt_sigreturn) \
    X(140, sys_setpriority) X(141, sys_getpriority) X(142, sys_reboot) \
    X(143, sys_setregid) X(144, sys_setgid) X(145, sys_setreuid) X(146, sys_setuid) X(147, sys_setresuid) \
    X(148, sys_getresuid) X(149, sys_setresgid) X(150, sys_getresgid) X(151, sys_setfsuid) X(152, sys_setfsgid) \
    X(153, sys_times) X(154, sys_setpgid) X(155, sys_getpgid) X(156, sys_getsid) X(157, sys_setsid) \
    X(158, sys_getgroups) X(159, sys_setgroups) X(160, sys_uname) X(161, sys_sethostname) \
    X(163, sys_getrlimit) X(164, sys_setrlimit) X(165, sys_getrusage) X(167, sys_prctl) X(168, sys_getcpu) \
    X(169, sys_gettimeofday) X(170, sys_settimeofday) \
    X(172, sys_getpid) X(173, sys_getppid) X(174, sys_getuid) X(175, sys_geteuid) X(176, sys_getgid) \
    X(177, sys_getegid) X(178, sys_gettid) X(179, sys_sysinfo) \
    X(214, sys_brk) X(215, sys_munmap) X(216, sys_mremap) X(220, full_clone) X(221, full_execve) X(222, sys_mmap) \
    X(226, sys_mprotect) X(227, sys_msync) X(228, sys_mlock) X(229, sys_munlock) X(230, sys_mlockall) \
    X(231, sys_munlockall) X(232, sys_mincore) X(233, sys_madvise) X(240, sys_rt_tgsigqueueinfo) \
    X(258, sys_refuse) X(259, sys_riscv_flush_icache) X(260, sys_wait4) X(261, sys_prlimit64) \
    X(274, sys_sched_setattr) X(275, sys_sched_getattr) X(277, sys_seccomp) X(278, sys_getrandom) \
    X(281, full_execveat) X(283, sys_membarrier) X(284, sys_mlock2) X(293, sys_refuse) X(435, full_clone3)

/* Only their addresses matter here: entry.S passes the guest's registers on. */
#define X(number, handler) long handler();
CORE_SYSCALLS(X)
#undef X

typedef void (*entry_point)(void);
extern const entry_point syscall_table[NR_SYSCALLS];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#pragma GCC diagnostic ignored "-Wcast-function-type"
#define X(number, handler) [number] = (entry_point)(handler),
const entry_point syscall_table[NR_SYSCALLS] = {
    [0 ... NR_SYSCALLS - 1] = (entry_point)sys_unimplemented,
    CORE_SYSCALLS(X)
    FILES_SYSCALLS(X)
};
#undef X
#pragma GCC diagnostic pop

/* Counted, so that /proc and traces can list what programs asked for. */
long sys_unimplemented(void)
{
    struct thread *t = this_thread();
    struct sig_page *s = t->process->sig;
    uint64_t number = t->frame.guest.x[17];
    s->nr_unimplemented++;
    if (number < NR_SYSCALLS)
        s->unimplemented[number / 64] |= 1ul << (number % 64);
    return -ENOSYS;
}
