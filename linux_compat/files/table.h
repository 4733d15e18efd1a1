/* SPDX-License-Identifier: MIT */
/*
 * The file families' system calls, X(number of riscv64 Linux, handler).
 */
#ifndef COMPAT_FILES_TABLE_H
#define COMPAT_FILES_TABLE_H

#include <stdint.h>

#define FILES_SYSCALLS(X) \
    X(5, sys_setxattr) \
    X(6, sys_lsetxattr) \
    X(7, sys_fsetxattr) \
    X(8, sys_getxattr) \
    X(9, sys_lgetxattr) \
    X(10, sys_fgetxattr) \
    X(11, sys_listxattr) \
    X(12, sys_llistxattr) \
    X(13, sys_flistxattr) \
    X(14, sys_removexattr) \
    X(15, sys_lremovexattr) \
    X(16, sys_fremovexattr) \
    X(17, sys_getcwd) \
    X(19, sys_eventfd2) \
    X(20, sys_epoll_create1) \
    X(21, sys_epoll_ctl) \
    X(22, sys_epoll_pwait) \
    X(23, sys_dup) \
    X(24, sys_dup3) \
    X(25, sys_fcntl) \
    X(26, sys_inotify_init1) \
    X(27, sys_inotify_add_watch) \
    X(28, sys_inotify_rm_watch) \
    X(29, sys_ioctl) \
    X(32, sys_flock) \
    X(33, sys_mknodat) \
    X(34, sys_mkdirat) \
    X(35, sys_unlinkat) \
    X(36, sys_symlinkat) \
    X(37, sys_linkat) \
    X(39, sys_umount2) \
    X(40, sys_mount) \
    X(43, sys_statfs) \
    X(44, sys_fstatfs) \
    X(45, sys_truncate) \
    X(46, sys_ftruncate) \
    X(47, sys_fallocate) \
    X(48, sys_faccessat) \
    X(49, sys_chdir) \
    X(50, sys_fchdir) \
    X(51, sys_chroot) \
    X(52, sys_fchmod) \
    X(53, sys_fchmodat) \
    X(54, sys_fchownat) \
    X(55, sys_fchown) \
    X(56, sys_openat) \
    X(57, sys_close) \
    X(59, sys_pipe2) \
    X(61, sys_getdents64) \
    X(62, sys_lseek) \
    X(63, sys_read) \
    X(64, sys_write) \
    X(65, sys_readv) \
    X(66, sys_writev) \
    X(67, sys_pread64) \
    X(68, sys_pwrite64) \
    X(69, sys_preadv) \
    X(70, sys_pwritev) \
    X(71, sys_sendfile) \
    X(72, sys_pselect6) \
    X(73, sys_ppoll) \
    X(74, sys_signalfd4) \
    X(76, sys_splice) \
    X(77, sys_tee) \
    X(78, sys_readlinkat) \
    X(79, sys_newfstatat) \
    X(80, sys_fstat) \
    X(81, sys_sync) \
    X(82, sys_fsync) \
    X(83, sys_fdatasync) \
    X(84, sys_sync_file_range) \
    X(85, sys_timerfd_create) \
    X(86, sys_timerfd_settime) \
    X(87, sys_timerfd_gettime) \
    X(88, sys_utimensat) \
    X(166, sys_umask) \
    X(198, sys_socket) \
    X(199, sys_socketpair) \
    X(200, sys_bind) \
    X(201, sys_listen) \
    X(202, sys_accept) \
    X(203, sys_connect) \
    X(204, sys_getsockname) \
    X(205, sys_getpeername) \
    X(206, sys_sendto) \
    X(207, sys_recvfrom) \
    X(208, sys_setsockopt) \
    X(209, sys_getsockopt) \
    X(210, sys_shutdown) \
    X(211, sys_sendmsg) \
    X(212, sys_recvmsg) \
    X(213, sys_readahead) \
    X(223, sys_fadvise64) \
    X(242, sys_accept4) \
    X(243, sys_recvmmsg) \
    X(267, sys_syncfs) \
    X(269, sys_sendmmsg) \
    X(276, sys_renameat2) \
    X(279, sys_memfd_create) \
    X(285, sys_copy_file_range) \
    X(286, sys_preadv2) \
    X(287, sys_pwritev2) \
    X(291, sys_statx) \
    X(436, sys_close_range) \
    X(437, sys_openat2) \
    X(439, sys_faccessat2) \
    X(441, sys_epoll_pwait2) \
    X(452, sys_fchmodat2)

#define X(number, handler) \
    long handler(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
FILES_SYSCALLS(X)
#undef X

#endif
